// The receiver as whoever steers it has it: on the control port, by actions.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createControl, type Control } from '../control/client.ts'
import { startSimulator, type Simulator } from '../index.ts'

let simulator: Simulator
let control: Control

beforeAll(async () => {
  simulator = await startSimulator({ orgs: [] })
  control = createControl(simulator.controlUrl)
})
afterAll(() => simulator.close())
beforeEach(async () => void (await control.act('receiver/clear')))

const post = (path: string, body: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${simulator.controlUrl}/receiver${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', 'webhook-id': 'one' },
    body,
    ...(signal === undefined ? {} : { signal }),
  })
const cameTo = (path?: string) =>
  control.act('receiver/received', path === undefined ? {} : { path })

describe('the receiver of webhooks', () => {
  it('takes what comes, and shows it as it was sent', async () => {
    expect((await post('/a', '{"n":1}')).status).toBe(204)
    await post('/b', 'no JSON')
    expect(await cameTo('/a')).toMatchObject([
      {
        ...{ path: '/a', text: '{"n":1}', body: { n: 1 }, status: 204 },
        headers: { 'webhook-id': 'one' },
      },
    ])
    expect((await cameTo()).map(({ path, body }) => [path, body])).toEqual([
      ['/a', { n: 1 }],
      ['/b', null],
    ])
  })

  it('behaves as told, one way after the other: fails, redirects, is gone, is slow', async () => {
    await control.act('receiver/behave', {
      path: '/a',
      how: [
        { status: 500 },
        { status: 302, headers: { location: '/elsewhere' } },
        { status: 410 },
        { status: 200, afterMs: 50 },
      ],
    })
    const statuses: number[] = []
    let slowMs = 0
    for (let n = 0; n < 5; n += 1) {
      const begun = performance.now()
      const answer = await post('/a', '{}')
      slowMs = performance.now() - begun
      statuses.push(answer.status)
      if (n === 1) expect(answer.headers.get('location')).toBe('/elsewhere')
    }
    expect(statuses).toEqual([500, 302, 410, 200, 200])
    expect(slowMs).toBeGreaterThanOrEqual(45)
  })

  it('hangs or breaks the connection, and neither ends the simulator nor keeps it from ending', async () => {
    await control.act('receiver/behave', { path: '/hangs', how: 'hang' })
    await control.act('receiver/behave', { path: '/breaks', how: 'cut' })
    const leaving = new AbortController()
    const hanging = post('/hangs', '{}', leaving.signal)
    await expect(post('/breaks', '{}')).rejects.toThrow('fetch failed')
    while ((await cameTo('/hangs')).length === 0);
    leaving.abort()
    await expect(hanging).rejects.toThrow()
    expect((await cameTo()).map(({ status }) => status)).toEqual([null, null])
    const other = await startSimulator({ orgs: [] })
    await createControl(other.controlUrl).act('receiver/behave', { path: '/', how: 'hang' })
    const left = fetch(`${other.controlUrl}/receiver/`, { method: 'POST' }).catch(() => 'ended')
    await new Promise(setImmediate)
    await other.close()
    expect(await left).toBe('ended')
  })

  it('refuses to behave in ways that there are not', async () => {
    await expect(control.act('receiver/behave', { path: 'a', how: 'hang' })).rejects.toThrow(
      'a path begins with /',
    )
  })
})
