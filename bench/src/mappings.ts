// How long a caller waits for a suggested mapping, against what still feels instant.

import { readObject } from '../../server/src/domain/mappings/describe.ts'
import { suggestMapping } from '../../server/src/domain/mappings/suggest/suggest.ts'
import {
  describeOf,
  externalId,
  field,
  picklist,
} from '../../server/src/domain/mappings/testing/describes.ts'
import { row, type Row } from './row.ts'

const CANONICAL_FIELDS = 100
const FIELDS = 1_000
const RUNS = 7
const INSTANT_MS = 100

const WORDS = 'Order Client Start End Total Ship Bill Mail Phone Rate'.split(' ')
const word = (n: number): string => WORDS[n % WORDS.length] ?? ''

/** Names that share words with each other, so that no match is obvious. */
const large = () =>
  readObject(
    describeOf('Large__c', [
      externalId('External_Key__c'),
      ...Array.from({ length: FIELDS }, (_, n) =>
        n % 5 === 0
          ? picklist(`${word(n)}_Kind_${n}__c`, ['A', 'B', `Value ${n}`])
          : field(`${word(n)}_${word(n * 7)}_${n}__c`),
      ),
    ]),
  )

export const benchMappings = (): Promise<Row[]> => {
  const objects = [large()]
  const fields = Array.from({ length: CANONICAL_FIELDS }, (_, n) => ({
    name: `${word(n)}_${word(n * 3)}_${n * 10}`.toLowerCase(),
    sample_values: ['a', 'b', `value ${n * 5}`],
  }))
  const times = Array.from({ length: RUNS }, () => {
    const started = performance.now()
    const suggestion = suggestMapping({
      canonicalObject: 'order',
      fields,
      objects,
      isChosen: true,
      parents: new Map(),
      precedents: new Map(),
    })
    if (suggestion.fields.length !== CANONICAL_FIELDS) throw new Error('a field got no answer')
    return performance.now() - started
  })
  const ms = times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0
  return Promise.resolve([
    row(
      `mapping of ${CANONICAL_FIELDS} canonical fields suggested from ${FIELDS.toLocaleString('en')}`,
      { figure: `${ms.toFixed(0)} ms`, against: `${INSTANT_MS} ms`, ratio: ms / INSTANT_MS },
      { atMost: 1 },
    ),
  ])
}
