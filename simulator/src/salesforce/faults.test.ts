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

describe('a fault', () => {
  it('strikes as often as it says, and only where it says', async () => {
    const other = await clientOf(sim.control, 'Acme Sandbox')
    await sim.control.addFault({
      org: 'Acme',
      path: '*/limits',
      times: 2,
      kind: { type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Busy' },
    })
    expect((await other.get('/limits')).status).toBe(200)
    expect((await admin.get('/sobjects')).status).toBe(200)
    const struck = await admin.get('/limits')
    expect([struck.status, await struck.json()]).toEqual([
      503,
      [{ message: 'Busy', errorCode: 'SERVER_UNAVAILABLE' }],
    ])
    expect((await admin.get('/limits')).status).toBe(503)
    expect((await admin.get('/limits')).status).toBe(200)
    expect(await sim.control.act('faults/list')).toEqual([])
  })

  it('is removed for one org, with the requests to it, while those of others stay', async () => {
    const other = await clientOf(sim.control, 'Acme Sandbox')
    const kind = { type: 'status', status: 503 } as const
    for (const org of ['Acme', 'Acme Sandbox']) await sim.control.addFault({ org, kind })
    await sim.control.clearFaults('Acme')
    expect((await admin.get('/limits')).status).toBe(200)
    expect((await other.get('/limits')).status).toBe(503)
    await sim.control.clearJournal('Acme')
    expect(await sim.control.journal('Acme')).toEqual([])
    expect(await sim.control.journal('Acme Sandbox')).toMatchObject([{ status: 503 }])
    await sim.control.addFault({ org: 'Acme', kind })
    await sim.control.clearFaults()
    await sim.control.clearJournal()
    expect([await sim.control.act('faults/list'), await sim.control.journal()]).toEqual([[], []])
  })

  it('can let requests pass first', async () => {
    await sim.control.addFault({ after: 1, kind: { type: 'status', status: 420 } })
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await admin.get('/limits')).status)
    expect(statuses).toEqual([200, 420, 200])
  })

  it('can answer without a body, and with a page instead of JSON', async () => {
    await sim.control.addFault({ kind: { type: 'status', status: 500, body: 'empty' } })
    const empty = await admin.get('/limits')
    expect([empty.status, await empty.text()]).toEqual([500, ''])
    await sim.control.addFault({ kind: { type: 'status', status: 502, body: 'html' } })
    const page = await admin.get('/limits')
    expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8')
    expect(await page.text()).toContain('<html>')
  })

  it('can put other words into an answer, whatever they hold', async () => {
    const put = `"\0\ud83d\u{1f600}$&`
    await sim.control.addFault({ kind: { type: 'reword', find: 'DailyApiRequests', put } })
    const limits = (await (await admin.get('/limits')).json()) as Record<string, unknown>
    expect(limits[put]).toMatchObject({ Max: expect.any(Number) as number })
    expect(limits).not.toHaveProperty('DailyApiRequests')
  })

  it('can break the connection before, after and within the answer', async () => {
    for (const kind of [
      { type: 'close', when: 'before' },
      { type: 'close', when: 'after' },
      { type: 'cut' },
    ] as const) {
      await sim.control.addFault({ kind })
      await expect(admin.get('/limits').then((answer) => answer.text())).rejects.toThrow()
    }
    const journal = await sim.control.journal('Acme')
    expect(journal.map(({ status, calls }) => [status, calls])).toEqual([
      [0, 0],
      [200, 1],
      [200, 1],
    ])
  })

  it('can tell of a session that is dead in three ways', async () => {
    const strike = async (shape: 'rest' | 'not-valid-for-rest' | 'bad-oauth-token') => {
      await sim.control.addFault({ kind: { type: 'dead-session', shape } })
      const answer = await admin.get('/limits')
      return [answer.status, await answer.text()]
    }
    expect(await strike('rest')).toEqual([
      401,
      '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]',
    ])
    expect(await strike('not-valid-for-rest')).toEqual([
      401,
      '[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]',
    ])
    expect(await strike('bad-oauth-token')).toEqual([403, 'Bad_OAuth_Token'])
  })

  it('of a kind that there is not is refused', async () => {
    await expect(sim.control.addFault({ kind: { type: 'status', status: 9999 } })).rejects.toThrow(
      '400',
    )
  })
})

describe('limits', () => {
  it('are distinguished only by the message', async () => {
    const messages = []
    for (const which of ['total', 'concurrent'] as const) {
      await sim.control.addFault({ kind: { type: 'limit', which } })
      const answer = await admin.get('/limits')
      const [error] = await bodyOf<{ errorCode: string; message: string }[]>(answer)
      messages.push([answer.status, error?.errorCode, error?.message])
    }
    expect(messages).toEqual([
      [403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'],
      [
        403,
        'REQUEST_LIMIT_EXCEEDED',
        'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
      ],
    ])
  })

  it('hold when the allocation is used up, without a fault', async () => {
    await sim.control.act('orgs/update', { org: 'Acme', used: 10, max: 11 })
    expect((await admin.get('/limits')).status).toBe(200)
    const answer = await admin.get('/limits')
    expect(answer.status).toBe(403)
    expect(answer.headers.get('sforce-limit-info')).toBe('api-usage=11/11')
  })

  it('end where the API is switched off', async () => {
    await sim.control.act('orgs/update', { org: 'Acme', settings: { apiEnabled: false } })
    const answer = await admin.get('/limits')
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject([{ errorCode: 'API_DISABLED_FOR_ORG' }])
  })
})

describe('latency', () => {
  it('adds up the describes of a composite, and overlaps between calls', async () => {
    const slow = await startRig({ latency: { callMs: 40, describeMs: 40 } })
    try {
      const client = await clientOf(slow.control)
      const part = (n: number) => ({
        method: 'GET',
        url: '/services/data/v66.0/sobjects/Lead/describe',
        referenceId: `r${n}`,
      })
      const timed = async (work: () => Promise<unknown>) => {
        const start = performance.now()
        await work()
        return performance.now() - start
      }
      const four = () => client.post('/composite', { compositeRequest: [0, 1, 2, 3].map(part) })
      const alone = await timed(four)
      // Timers may fire a millisecond early.
      expect(alone).toBeGreaterThan(195)
      const together = await timed(() => Promise.all([four(), four(), four(), four()]))
      expect(together).toBeLessThan(3 * 200)
    } finally {
      await slow.close()
    }
  })
})
