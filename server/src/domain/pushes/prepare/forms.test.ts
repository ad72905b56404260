// Forms in which databases and warehouses return values, and how codes and labels are handled.

import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../../salesforce/json.ts'
import { compileMapping } from './prepare.ts'
import { errorsOf, field, judgeValue, LEAD, map, mapping, readyOf } from './testing/fixtures.ts'

const sends = (name: string, cases: readonly [given: unknown, sent: unknown][]) => {
  for (const [given, sent] of cases) {
    expect(judgeValue(name, given), String(given)).toEqual({ [name]: sent })
  }
}
const refuses = (name: string, values: readonly unknown[]) => {
  for (const value of values) {
    expect(judgeValue(name, value), String(value)).toBe('INVALID_TYPE_ON_FIELD_IN_RECORD it')
  }
}

describe('a moment', () => {
  it('is taken in every form of ISO 8601 and of SQL that means one moment', () => {
    const same = [
      '2026-03-29 01:30:00+00',
      '2026-03-29 01:30:00 UTC',
      '2026-03-29 01:30:00.000000+00:00',
      '2026-03-29 01:30:00.0000000 +00:00',
      '2026-03-29T01:30:00Z',
      '2026-03-29t01:30z',
      '2026-03-29T01:30:00,000Z',
      '20260329T013000Z',
      '20260329T0130Z',
      '2026-088T01:30:00Z',
      '2026-W13-7T01:30:00Z',
      '29-MAR-2026 01:30:00 +00:00',
      '2026-03-29 03:30:00+02',
      '2026-03-28T20:30:00−05:00',
      '2026-03-29T03:30:00+02:00[Europe/Berlin]',
      '2026-03-29 02:23:28+00:53:28',
      '2026-03-29 01:30:00 GMT',
    ]
    sends(
      'Met__c',
      same.map((text) => [text, '2026-03-29T01:30:00.000Z']),
    )
    sends('Met__c', [
      ['2026-03-29 01:30:00.123456+00', '2026-03-29T01:30:00.123Z'],
      ['2026-03-29T01Z', '2026-03-29T01:00:00.000Z'],
    ])
  })

  it('is refused where its zone, its century or its order is not told', () => {
    refuses('Met__c', [
      '2026-03-29 01:30:00',
      '2026-03-29 01:30:00 CET',
      '2026-03-29T01:30:00[Europe/Berlin]',
      '29-MAR-26 01:30:00 +00:00',
      '03/29/2026 01:30:00 UTC',
      '2026-03-29 01:30:00+25',
      '2026-03-29 1:30:00 UTC',
      '2026-03-29 01:30:00 AM UTC',
      '2026-366T00:00:00Z',
      '2026-W54-1T00:00:00Z',
      '2026-03-29 UTC',
      'infinity',
    ])
  })
})

describe('a day and a time of day', () => {
  it('are taken in their other forms too', () => {
    sends('Born__c', [
      ['20260329', '2026-03-29'],
      ['2026-088', '2026-03-29'],
      ['2024-W09-4', '2024-02-29'],
      ['29-Mar-2026', '2026-03-29'],
      ['2026-03-29 00:00:00', '2026-03-29'],
      ['2026-03-29 00:00:00+00', '2026-03-29'],
    ])
    refuses('Born__c', ['2026-W13', '2026-03', '29-MAR-26', '30-FEB-2026', '2025-366'])
    sends('Wakes__c', [
      ['06:15:30+00', '06:15:30.000Z'],
      ['T061530', '06:15:30.000Z'],
      ['06:15:30.123456', '06:15:30.123Z'],
    ])
    refuses('Wakes__c', ['0615', '06:15:30+02', '24:00:00'])
  })
})

const entry = (value: string, label: string) => ({ value, label, active: true })
const WITH_CODES: JsonObject = {
  ...LEAD,
  fields: [
    ...LEAD.fields,
    ...[true, false].map((restrictedPicklist) =>
      field(restrictedPicklist ? 'CountryCode' : 'Region__c', 'picklist', {
        length: 10,
        restrictedPicklist,
        picklistValues: [entry('US', 'United States'), entry('NZ', 'Zealand')],
      }),
    ),
    field('Regions__c', 'multipicklist', {
      length: 4099,
      picklistValues: [entry('US', 'United States'), entry('NZ', 'Zealand')],
    }),
  ],
}
const judge = (sfdcField: string, it: unknown) => {
  const compiled = compileMapping({
    kind: 'records',
    mapping: mapping([map('it', sfdcField)]),
    object: 'person',
    describes: (name) => (name === 'Lead' ? WITH_CODES : undefined),
    options: { null_policy: 'skip' },
  })
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.preparer.judge(0, { key: 'k', it }).row
}

describe('a label in place of its value', () => {
  it('is recognised as one, even if it is longer than the list allows', () => {
    for (const name of ['CountryCode', 'Region__c']) {
      const [error] = errorsOf(judge(name, 'United States'))
      expect(error?.remedy, name).toBe('"United States" is a label: send its API value "US".')
    }
    const [error] = errorsOf(judge('Region__c', 'Somewhere else'))
    expect(error).toMatchObject({ code: 'STRING_TOO_LONG' })
    expect(error?.remedy).not.toContain('make the field longer')
    expect(error?.remedy).toContain('US, NZ')
  })

  it('is sent to an open list with a warning, one for a field', () => {
    for (const [name, value] of [
      ['Region__c', 'Zealand'],
      ['Regions__c', 'zealand;US;United States'],
    ] as const) {
      const { warnings, fields } = readyOf(judge(name, value))
      expect(warnings, name).toMatchObject([{ code: 'PICKLIST_LABEL_SENT', fields: ['it'] }])
      expect(fields[name]).toBe(value)
    }
    expect(readyOf(judge('Region__c', 'us'))).toMatchObject({ fields: { Region__c: 'US' } })
    expect(readyOf(judge('Region__c', 'Mars')).warnings).toBeUndefined()
  })
})
