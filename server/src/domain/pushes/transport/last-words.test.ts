import { describe, expect, it } from 'vitest'
import { type ReadyRow } from '../model.ts'
import { fail, newItem, packItems, succeed } from './items.ts'
import { type LastWords, lastWordsOf } from './last-words.ts'
import { rolledBack } from './row-failures.ts'

const rowOf = (index: number): ReadyRow => ({
  index,
  key: `k${index}`,
  object: 'Account',
  operation: 'upsert',
  matchField: 'Key__c',
  matchValue: `k${index}`,
  fields: {},
  lockKeys: [],
})

const brief = (words: LastWords, rows: number) =>
  Array.from({ length: rows }, (_, at) => {
    const word = words(at, rowOf(at))
    return word.kind === 'result'
      ? `${word.result.action} ${word.result.key} ${word.result.attempts}`
      : `${word.kind} ${word.attempts}`
  })

describe('what is known of rows when Salesforce can be asked no more', () => {
  it('is nothing but that they were not sent, where nothing was', () => {
    expect(brief(lastWordsOf(null), 2)).toEqual(['not_written 0', 'not_written 0'])
  })

  it('of Collections is each row’s own state', () => {
    const items = Array.from({ length: 6 }, (_, at) => newItem(rowOf(at)))
    const [written, refused, waiting, flying, doubted] = items
    if (!written || !refused || !waiting || !flying || !doubted) throw new Error('six items')
    written.attempts = 2
    succeed(written, '001000000000001AAA', 'created')
    refused.attempts = 1
    fail(refused, [rolledBack()])
    waiting.attempts = 3 // hit a lock each time
    flying.attempts = 1
    flying.sentAt = new Date()
    doubted.attempts = 1
    doubted.resent = true
    const state: unknown = JSON.parse(
      JSON.stringify({ via: 'collections', items: packItems(items, 1) }),
    )
    expect(brief(lastWordsOf(state), 6)).toEqual([
      'created k0 2',
      'failed k1 1',
      'not_written 3',
      'unknown 1',
      'unknown 1',
      'not_written 0',
    ])
  })

  it('of a job is how far its upload went', () => {
    const job = (through: number) => ({ id: '750000000000001AAA', at: 0, through })
    const state = { via: 'bulk', jobs: [job(1)], open: job(2), calls: null }
    expect(brief(lastWordsOf(state), 4)).toEqual([
      'unknown 1',
      'unknown 1',
      'unknown 1',
      'not_written 0',
    ])
    expect(brief(lastWordsOf({ ...state, calls: {} }), 4)[3]).toBe('unknown 1')
  })
})
