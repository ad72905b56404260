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

const messageOf = async (answer: Response) =>
  (await bodyOf<{ errorCode: string; message: string }[]>(answer))[0]

describe('the allocation of API calls', () => {
  it('is used up, and comes back', async () => {
    await sim.control.act('usage/set', { org: 'Acme', calls: 105_000 })
    const over = await admin.get('/limits')
    expect([over.status, await messageOf(over)]).toEqual([
      403,
      { errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' },
    ])
    expect(await sim.control.act('usage/return', { org: 'Acme', calls: 10 })).toEqual({
      used: 104_990,
      max: 105_000,
    })
    const limits = await bodyOf<Record<string, { Remaining: number }>>(await admin.get('/limits'))
    expect(limits['DailyApiRequests']?.Remaining).toBe(9)
    expect(await sim.control.act('usage/return', { org: 'Acme' })).toMatchObject({ used: 0 })
  })
})

describe('the limit of long requests', () => {
  it('holds as long as they last, with the message that distinguishes it from the other one', async () => {
    await sim.control.act('orgs/update', {
      org: 'Acme',
      settings: { longCallMs: 0, longCallsMax: 1 },
    })
    await sim.control.addFault({ path: '*/sobjects', kind: { type: 'slow', ms: 400 } })
    const long = admin.get('/sobjects')
    let refused = await admin.get('/limits')
    while (refused.status === 200) refused = await admin.get('/limits')
    expect([refused.status, await messageOf(refused)]).toEqual([
      403,
      {
        errorCode: 'REQUEST_LIMIT_EXCEEDED',
        message: 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
      },
    ])
    expect((await long).status).toBe(200)
    expect((await admin.get('/limits')).status).toBe(200)
  })
})

describe('data storage', () => {
  it('fills with records', async () => {
    const remaining = async () => {
      const limits = await bodyOf<Record<string, { Remaining: number }>>(await admin.get('/limits'))
      return limits['DataStorageMB']?.Remaining ?? 0
    }
    const before = await remaining()
    await sim.control.act('records/fill', {
      org: 'Acme',
      object: 'Lead',
      count: 1024,
      template: { LastName: 'x', Company: 'y' },
    })
    expect(before - (await remaining())).toBe(2)
  })
})
