import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RowError } from '../model.ts'
import { createRig, placements, type Rig, tally } from './testing/rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await createRig()
})
beforeEach(() => rig.reset())
afterAll(() => rig.close())

const CANCELLED: RowError = { code: 'CANCELLED', message: 'cancelled', fields: [], remedy: '' }

describe('a push that is cancelled while its rows are uploaded', () => {
  it('never lets the job begin', async () => {
    let isCancelled = false
    const { results, error } = await rig.bulk(placements(3_000), {
      before: ({ method }) => {
        if (method === 'PUT') isCancelled = true
      },
      stopped: () => (isCancelled ? CANCELLED : null),
    })
    expect(error).toBeNull()
    expect(tally(results)).toEqual({ 'failed 0 CANCELLED': 3_000 })
    expect(await rig.records()).toEqual([])
    expect(await rig.control.act('bulk/list', { org: rig.name })).toMatchObject([
      { state: 'Aborted', processed: 0 },
    ])
    expect(rig.waits).toEqual([])
  })
})
