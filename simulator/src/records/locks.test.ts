// Row locks and other failures while records are saved.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

interface RowResult {
  id?: string
  success: boolean
  errors: { statusCode: string; message: string }[]
}

const insert = async (rows: Record<string, unknown>[], object = 'Contact') => {
  const records = rows.map((row) => ({ attributes: { type: object }, ...row }))
  return bodyOf<RowResult[]>(await admin.post('/composite/sobjects', { records }))
}
const codes = (results: RowResult[]) => results.map(({ errors }) => errors[0]?.statusCode ?? 'ok')
const accountId = async () => {
  const [row] = await sim.control.act('records/list', { org: 'Acme', object: 'Account', limit: 1 })
  return row?.Id ?? ''
}

describe('a row that another transaction holds', () => {
  it('fails the rows that hang on it, with its id, once the wait is over, and only those', async () => {
    const id = await accountId()
    await sim.control.act('records/pace', { org: 'Acme', lockWaitMs: 20 })
    await sim.control.act('records/lock', { org: 'Acme', ids: [id] })
    const results = await insert([{ LastName: 'a', AccountId: id }, { LastName: 'b' }])
    expect(codes(results)).toEqual(['UNABLE_TO_LOCK_ROW', 'ok'])
    expect(results[0]?.errors[0]?.message).toBe(
      `unable to obtain exclusive access to this record or 1 records: ${id}`,
    )
    await sim.control.act('records/unlock', { org: 'Acme' })
    expect(codes(await insert([{ LastName: 'a', AccountId: id }]))).toEqual(['ok'])
  })

  it('is waited for', async () => {
    const id = await accountId()
    await sim.control.act('records/lock', { org: 'Acme', ids: [id], ms: 50 })
    expect(codes(await insert([{ LastName: 'a', AccountId: id }]))).toEqual(['ok'])
  })
})

describe('two saves at a time', () => {
  it('below one parent go one after the other, or fail when the first takes too long', async () => {
    const AccountId = await accountId()
    const one = () => insert([{ LastName: 'a', AccountId }])
    await sim.control.act('records/pace', { org: 'Acme', saveMs: 60, lockWaitMs: 10_000 })
    expect((await Promise.all([one(), one()])).flatMap(codes)).toEqual(['ok', 'ok'])
    await sim.control.act('records/pace', { org: 'Acme', saveMs: 400, lockWaitMs: 20 })
    const both = (await Promise.all([one(), one()])).flatMap(codes).toSorted()
    expect(both).toEqual(['UNABLE_TO_LOCK_ROW', 'ok'])
  })

  it('below different parents do not wait for each other', async () => {
    const accounts = await sim.control.act('records/list', { org: 'Acme', object: 'Account' })
    await sim.control.act('records/pace', { org: 'Acme', saveMs: 200, lockWaitMs: 0 })
    const results = await Promise.all(
      accounts.slice(0, 2).map(({ Id }) => insert([{ LastName: 'a', AccountId: Id }])),
    )
    expect(results.flatMap(codes)).toEqual(['ok', 'ok'])
  })

  it('that upsert the same new key make one record', async () => {
    await sim.control.act('records/pace', { org: 'Acme', saveMs: 50 })
    const upsert = async () => {
      const answer = await fetch(
        `${admin.instanceUrl}/services/data/v66.0/sobjects/Lead/Source_Key__c/same`,
        {
          method: 'PATCH',
          headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ LastName: 'x', Company: 'x' }),
        },
      )
      return answer.status
    }
    expect((await Promise.all([upsert(), upsert(), upsert()])).toSorted()).toEqual([200, 200, 201])
    const { count } = await sim.control.act('records/count', {
      org: 'Acme',
      object: 'Lead',
      where: { Source_Key__c: 'same' },
    })
    expect(count).toBe(1)
  })
})

describe('a fault', () => {
  it('strikes every fourth row with a lock that no transaction holds', async () => {
    await sim.control.act('records/fail-locks', { org: 'Acme', rate: 0.25, times: 2 })
    const results = await insert(Array.from({ length: 12 }, (_, n) => ({ LastName: `l${n}` })))
    expect(codes(results).flatMap((code, n) => (code === 'ok' ? [] : [n]))).toEqual([3, 7])
  })

  it('closes the connection after the work was done, or before anything was', async () => {
    const path = '*/composite/sobjects'
    const done = async () =>
      (await sim.control.act('records/count', { org: 'Acme', object: 'Contact' })).count
    const before = await done()
    await sim.control.addFault({ path, kind: { type: 'close', when: 'before' } })
    await expect(insert([{ LastName: 'a' }])).rejects.toThrow()
    expect(await done()).toBe(before)
    await sim.control.addFault({ path, kind: { type: 'close', when: 'after' } })
    await expect(insert([{ LastName: 'a' }])).rejects.toThrow()
    expect(await done()).toBe(before + 1)
  })

  it('strikes at the rate it is given', async () => {
    await sim.control.addFault({
      path: '*/limits',
      rate: 0.5,
      times: 2,
      kind: { type: 'status', status: 503 },
    })
    const statuses = []
    for (let n = 0; n < 5; n++) statuses.push((await admin.get('/limits')).status)
    expect(statuses).toEqual([200, 503, 200, 503, 200])
  })
})
