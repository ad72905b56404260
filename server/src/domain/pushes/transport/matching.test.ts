import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type SalesforceRequest } from '../../../salesforce/wire.ts'
import { brief, createRig, KEY, Killed, OBJECT, type Rig, tally, updateOf } from './testing/rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await createRig()
})
beforeEach(() => rig.reset())
afterAll(() => rig.close())

/** The request from which on Salesforce writes the rows. */
const isSending = ({ method, path }: SalesforceRequest) =>
  method === 'PATCH' && /^\/(?:composite\/sobjects|jobs\/ingest)/.test(path)

const dies = (times = 1) => ({
  after: (request: SalesforceRequest) => {
    if (isSending(request) && (times -= 1) === 0) throw new Killed()
  },
})

const byKey = (index: number, key: string, fields: Record<string, string>) =>
  updateOf(index, { field: KEY, value: key }, fields)

/** The values of the named records. */
const notes = async (ids: readonly string[]) => {
  const records = await rig.records()
  return ids.map((id) => records.find(({ Id }) => Id === id)?.Notes__c ?? null)
}

describe.each(['collections', 'bulk'] as const)(
  'updates by a key, when the process died with the answer (%s)',
  (via) => {
    const run = async (rows: ReturnType<typeof byKey>[], between: () => Promise<unknown>) => {
      const first = await rig[via](rows, { ...dies(), kind: 'status_update' })
      expect(first.error).toBeInstanceOf(Killed)
      await between()
      return rig[via](rows, { state: first.state, kind: 'status_update' })
    }

    it('are settled by the records that were found, wherever the key has gone', async () => {
      const [a = '', b = ''] = await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'b' }])
      const { results } = await run(
        [byKey(0, 'a', { Notes__c: 'for a' }), byKey(1, 'b', { Notes__c: 'for b' })],
        () => rig.update(OBJECT, [{ Id: a, [KEY]: 'renamed' }]),
      )
      expect(brief(results)).toEqual(['updated 1', 'updated 1'])
      expect(results.map(({ id }) => id)).toEqual([a, b])
    })

    it('write to no record that has the key only now', async () => {
      const [a = ''] = await rig.insert(OBJECT, [{ [KEY]: 'a' }])
      let other = ''
      const { results } = await run(
        [byKey(0, 'a', { Notes__c: 'for a' }), byKey(1, 'nobody', { Notes__c: 'for nobody' })],
        async () => {
          await rig.update(OBJECT, [{ Id: a, [KEY]: 'renamed' }])
          ;[other = ''] = await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'nobody' }])
        },
      )
      expect(brief(results)).toEqual(['updated 1', 'failed 0 RECORD_NOT_FOUND'])
      expect(results[0]?.id).toBe(a)
      expect(await notes([a, other])).toEqual(['for a', null])
    })

    it('that change the key one after the other change each record once', async () => {
      const ids = await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'c' }])
      const { results } = await run(
        [byKey(0, 'a', { [KEY]: 'b', Notes__c: '1' }), byKey(1, 'b', { [KEY]: 'd' })],
        async () => undefined,
      )
      expect(brief(results)).toEqual(['updated 1', 'failed 0 RECORD_NOT_FOUND'])
      expect(await notes(ids)).toEqual(['1', null])
      expect((await rig.records()).map((record) => record[KEY])).toEqual(['b', 'c'])
    })
  },
)

describe('many updates of the key itself by Bulk', () => {
  it.each([
    ['as one job', '', 1],
    ['and calls for what CSV cannot say', '#N/A', 2],
  ])('are all known after the process died late: %s', async (_how, note, sendings) => {
    const numbers = Array.from({ length: 450 }, (_, n) => n)
    const ids = await rig.insert(
      OBJECT,
      numbers.map((n) => ({ [KEY]: `k${n}` })),
    )
    const rows = numbers.map((n) => byKey(n, `k${n}`, { [KEY]: `new${n}`, Notes__c: note }))
    const first = await rig.bulk(rows, dies(sendings))
    expect(first.error).toBeInstanceOf(Killed)
    const { results, error } = await rig.bulk(rows, { state: first.state })
    expect(error).toBeNull()
    expect(tally(results)).toEqual({ 'updated 1': 450 })
    expect(results.map(({ id }) => id)).toEqual(ids)
  })
})
