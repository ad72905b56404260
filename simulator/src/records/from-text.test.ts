import { afterEach, describe, expect, it, vi } from 'vitest'
import { createOrg } from '../org/create.ts'
import { makeField } from '../org/schema.ts'
import { fromText } from './from-text.ts'

const org = createOrg({ name: 'Text' }, 0)
const read = (type: string, text: string) =>
  fromText(org, makeField(org, { name: 'F__c', type }), text)

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a cell of a CSV', () => {
  it.each([
    ['string', 'plain', 'plain'],
    ['string', '#N/A', null],
    ['string', '', undefined],
    ['boolean', 'Yes', true],
    ['boolean', '0', false],
    ['double', '1.50', 1.5],
    ['int', '12', 12],
    ['date', '2026-05-01', '2026-05-01'],
    ['date', '2026-05-01T23:00:00-02:00', '2026-05-02'],
    ['datetime', '2026-05-01T10:00:00.000+0000', '2026-05-01T10:00:00.000+0000'],
  ])('of type %s: %j becomes %j', (type, text, value) => {
    expect(read(type, text)).toEqual({ value })
  })

  it.each(['America/New_York', 'Asia/Kolkata'])('has a time in UTC, on a machine in %s', (zone) => {
    vi.stubEnv('TZ', zone)
    expect(['T00:30:00', 'T23:30:00'].map((time) => read('date', `2026-05-01${time}`))).toEqual([
      { value: '2026-05-01' },
      { value: '2026-05-01' },
    ])
  })

  it.each([
    ['date', '05/01/2026', 'xsd:date'],
    ['date', '2026-13-01', 'xsd:date'],
    ['double', 'many', 'xsd:double'],
    ['int', '1.5', 'xsd:int'],
    ['boolean', 'maybe', 'xsd:boolean'],
    ['datetime', '2026-05-01T99:00:00Z', 'xsd:dateTime'],
  ])('of type %s that is none is refused: %j', (type, text, wanted) => {
    expect(read(type, text)).toEqual({
      problem: `'${text}' is not a valid value for the type ${wanted}`,
    })
  })
})
