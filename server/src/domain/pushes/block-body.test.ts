import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compress,
  decompress,
  packReady,
  packResults,
  packSource,
  resultLines,
  unpackReady,
  unpackResults,
  unpackSource,
} from './block-body.ts'
import {
  type CreateOnly,
  failedResult,
  type ReadyRow,
  type RowError,
  type RowResult,
} from './model.ts'

const KIND = { object: 'Lead', operation: 'upsert' } as const

/** JSON as it comes back from JSON: without -0 and without what JSON leaves out. */
const value = fc.jsonValue().map((any) => JSON.parse(JSON.stringify(any)) as null)
const name = fc.constantFrom('Name', 'City__c', 'Account__r', 'Note__c', 'toString')
const warning = fc.constant<RowError>({
  code: 'ROUNDED',
  message: 'm',
  fields: ['Name'],
  remedy: 'r',
})

const readyRow: fc.Arbitrary<ReadyRow> = fc
  .record({
    index: fc.nat(4_999_999),
    key: fc.option(fc.string()),
    matchField: fc.constantFrom('Key__c', 'Id'),
    isKey: fc.boolean(),
    other: value,
    fields: fc.dictionary(name, value),
    warnings: fc.option(fc.array(warning, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    createOnly: fc.option(
      fc.constant<CreateOnly[]>([{ field: 'Account__c', member: 'Account__r', name: 'account' }]),
      { nil: undefined },
    ),
  })
  .map(({ isKey, other, warnings, createOnly, ...row }) => ({
    ...{ ...row, ...KIND, matchValue: isKey ? row.key : other, lockKeys: [] },
    ...(warnings === undefined ? {} : { warnings }),
    ...(createOnly === undefined ? {} : { createOnly }),
  }))

describe('the rows of a block as bytes', () => {
  it('gives any rows back as they were, whatever fields each of them has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(readyRow, { minLength: 1, maxLength: 12 }), async (rows) => {
        const text = await decompress(await compress(packReady(rows)))
        expect(unpackReady(text, KIND)).toEqual(rows)
      }),
    )
  })

  it('keeps the order of the fields, in which Salesforce gets them', () => {
    const row = (fields: ReadyRow['fields']): ReadyRow => ({
      ...{ ...KIND, index: 0, key: 'k', matchField: 'Key__c', matchValue: 'k', lockKeys: [] },
      fields,
    })
    const rows = [row({ B: 1, A: 2 }), row({ B: 1, C: 3, A: 2 })]
    const [first] = unpackReady(packReady(rows), KIND)
    expect(Object.keys(first?.fields ?? {})).toEqual(['B', 'A'])
  })

  it('still reads rows that were stored one by one, before an upgrade', () => {
    const warnings = [{ code: 'ROUNDED', message: 'm', fields: [], remedy: 'r' }]
    const stored = [
      [3, 'k3', 'Key__c', 'k3', { Name: 'n3', Parent__r: { Key__c: 'p' } }],
      [7, null, 'Id', '003', { Name: null }, { warnings }],
    ]
    expect(unpackReady(JSON.stringify(stored), KIND)).toEqual([
      {
        ...{ ...KIND, index: 3, key: 'k3', matchField: 'Key__c', matchValue: 'k3', lockKeys: [] },
        fields: { Name: 'n3', Parent__r: { Key__c: 'p' } },
      },
      {
        ...{ ...KIND, index: 7, key: null, matchField: 'Id', matchValue: '003', lockKeys: [] },
        ...{ fields: { Name: null }, warnings },
      },
    ])
  })

  it('gives the texts of the caller back as they were', () => {
    const sources = [
      { index: 3, source: '{"n":3}' },
      { index: 7, source: '{"n":7}' },
    ]
    expect(unpackSource(packSource(sources))).toEqual([
      [3, { n: 3 }],
      [7, { n: 7 }],
    ])
  })

  it('passes results on line by line, those stored before an upgrade too', () => {
    const result = (index: number, message: string): RowResult =>
      failedResult(index, `k${index}`, { code: 'X', message, fields: [], remedy: '' })
    const results = [result(3, 'two\nlines'), result(12, 'a list: [\n1,\n2\n]')]
    const { index, ...rest } = result(40, 'the index last')
    const inLines = [...results, { ...rest, index }]
    expect(unpackResults(packResults(inLines))).toEqual(inLines)
    const lines = (all: RowResult[]) =>
      all.map((one) => ({ index: one.index, line: JSON.stringify(one) }))
    expect(resultLines(packResults(inLines))).toEqual(lines(inLines))
    expect(resultLines(JSON.stringify(results))).toEqual(lines(results))
    expect(resultLines(packResults([result(0, '')]))).toEqual(lines([result(0, '')]))
  })
})
