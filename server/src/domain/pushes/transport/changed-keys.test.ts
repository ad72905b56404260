import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type SalesforceRequest } from '../../../salesforce/wire.ts'
import { brief, createRig, KEY, Killed, OBJECT, type Rig, updateOf } from './testing/rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await createRig()
})
beforeEach(() => rig.reset())
afterAll(() => rig.close())

const isWrite = ({ method, path }: SalesforceRequest) =>
  method === 'PATCH' && /^\/(?:composite\/sobjects|jobs\/ingest)/.test(path)

describe('updates that change the key by which their records are found', () => {
  it.each(['collections', 'bulk'] as const)(
    'are not taken for missing after the process died with the answer (%s)',
    async (via) => {
      await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'b' }])
      const rows = [
        updateOf(0, { field: KEY, value: 'a' }, { [KEY]: 'a2' }),
        updateOf(1, { field: KEY, value: 'b' }, { [KEY]: 'b2' }),
        updateOf(2, { field: KEY, value: 'nobody' }, { [KEY]: 'c2' }),
      ]
      const first = await rig[via](rows, {
        after: (request) => {
          if (isWrite(request)) throw new Killed()
        },
      })
      expect(first.error).not.toBeNull()
      const { results, error } = await rig[via](rows, { state: first.state })
      expect(error).toBeNull()
      expect(brief(results)).toEqual(['updated 1', 'updated 1', 'failed 0 RECORD_NOT_FOUND'])
      expect((await rig.records()).map((record) => record[KEY])).toEqual(['a2', 'b2'])
    },
  )
})
