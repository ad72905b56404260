// Line uploads that break off or are refused, and results that break off.

import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { createPushRig, type PushRig } from '../../domain/pushes/testing/rig.ts'

let rig: PushRig
let clientId: string

beforeAll(async () => {
  rig = await createPushRig(await createDatabase())
  clientId = await rig.client()
})
afterAll(() => rig.close())

const HEADERS = () => ({
  authorization: `Bearer ${rig.apiToken}`,
  'content-type': 'application/x-ndjson',
})

const textOf = (rows: readonly string[]): string => {
  const envelope = { client_id: clientId, object: 'placement', wait_seconds: 0 }
  return `${[JSON.stringify(envelope), ...rows].join('\n')}\n`
}

const upload = async (rows: readonly string[], headers: Record<string, string> = {}) => {
  const response = await fetch(`${rig.first.url}/api/push/records`, {
    method: 'POST',
    headers: { ...HEADERS(), ...headers },
    body: textOf(rows),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const rowsOf = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ key: `${prefix}-${n}` }))

describe('the key of an upload', () => {
  it('is free again when the upload was cut: the repetition is what the key is for', async () => {
    const rows = rowsOf(3_000, 'cut')
    const text = textOf(rows)
    const request = httpRequest(`${rig.first.url}/api/push/records`, {
      method: 'POST',
      headers: { ...HEADERS(), 'idempotency-key': 'once' },
    })
    request.on('error', () => undefined)
    request.write(text.slice(0, text.length / 2))
    const keys = () => rig.database.query(`select 1 from idempotency_keys where key = 'once'`, [])
    await until('it is under way', async () => (await keys()).length === 1)
    request.destroy()
    await until('it is over', async () => (await keys()).length === 0)
    const again = await upload(rows, { 'idempotency-key': 'once' })
    expect(again.status).toBeLessThan(300)
    expect(again.body).toMatchObject({ total: 3_000 })
  })

  it('is free again when the upload was refused', async () => {
    const bad = await upload([...rowsOf(3_000, 'bad'), '{"key":'], { 'idempotency-key': 'twice' })
    expect(bad.status).toBe(400)
    const good = await upload(rowsOf(1, 'good'), { 'idempotency-key': 'twice' })
    expect(good.status).toBeLessThan(300)
  })
})

describe('results that are streamed', () => {
  it('break off where they are not all there, rather than end', async () => {
    const { id } = await rig.push(
      clientId,
      rowsOf(400, 'streamed').map((row) => JSON.parse(row) as unknown),
      { transport: 'collections' },
    )
    const stream = async () => {
      const response = await fetch(`${rig.first.url}/api/push/results`, {
        method: 'POST',
        headers: {
          ...HEADERS(),
          'content-type': 'application/json',
          accept: 'application/x-ndjson',
        },
        body: JSON.stringify({ push_id: id }),
      })
      return (await response.text()).trim().split('\n').length
    }
    expect(await stream()).toBe(400)
    // As if housekeeping deleted them while somebody reads slowly.
    await rig.database.query('delete from push_results where push_id = $1 and block_no = 1', [id])
    await expect(stream()).rejects.toThrow()
  })
})

describe('a line that nests without end', () => {
  it('is refused by its number', async () => {
    const deep = `{"key":"k","notes":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    const refused = await upload([...rowsOf(1, 'deep'), deep])
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'validation_failed', errors: [{ path: 'lines.3', code: 'too_deep' }] },
    })
  })
})
