import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../errors.ts'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { componentsToRead } from '../../plan/components.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'

type RecordInput = NonNullable<PlanInput['custom_metadata_records']>[number]

const PATH = 'customMetadata/Tier.Gold.md'
const GOLD: Component = { type: 'CustomMetadata', fullName: 'Tier.Gold' }

const field = (name: string, type: string, more = ''): string =>
  `<fields><fullName>${name}</fullName><type>${type}</type>${more}</fields>`
const choice = (...values: string[]): string =>
  `<valueSet><restricted>true</restricted><valueSetDefinition>${values
    .map((name) => `<value><fullName>${name}</fullName><label>${name}</label></value>`)
    .join('')}</valueSetDefinition></valueSet>`
const TIER = `<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">
${[
  field('Active__c', 'Checkbox'),
  field('Code__c', 'Text'),
  field('Factor__c', 'Number'),
  field('From__c', 'Date'),
  field('Since__c', 'DateTime'),
  field('Short__c', 'Text', '<length>5</length>'),
  field('Share__c', 'Percent', '<precision>5</precision><scale>1</scale>'),
  field('Kind__c', 'Picklist', choice('Big', 'Small')),
  field('Mail__c', 'Email'),
  field('Link__c', 'Url'),
].join('')}</CustomObject>`

const planned = (
  values: RecordInput['values'] = {},
  more: Partial<RecordInput> = {},
): RecordInput => ({ type: 'Tier__mdt', api_name: 'Gold', label: 'Gold tier', values, ...more })
const compile = (one: RecordInput, current?: string) =>
  compilePlan(parsePlan({ custom_metadata_records: [one] }), {
    current: new Map([
      ['objects/Tier__mdt.object', TIER],
      ...(current === undefined ? [] : [[PATH, current] as const]),
    ]),
  })
const refusalOf = (one: RecordInput): unknown => {
  try {
    return compile(one)
  } catch (error) {
    return error instanceof EngineError ? error.errors : error
  }
}
const value = (name: string, type: string, text: string): string =>
  `    <values>
        <field>${name}</field>
        <value xsi:type="xsd:${type}">${text}</value>
    </values>`
/** As Salesforce writes it, with the prefixes declared at the root. */
const file = (label: string, ...values: string[]): string => `<?xml version="1.0" encoding="UTF-8"?>
<CustomMetadata xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
    <label>${label}</label>
    <protected>false</protected>
${values.join('\n')}
</CustomMetadata>
`
const CODE = value('Code__c', 'string', 'AU')
const FACTOR = value('Factor__c', 'double', '5.0')

describe('a custom metadata record', () => {
  it('is made with values of the types of their fields', () => {
    const { files, members } = compile(
      planned({
        Active__c: true,
        Code__c: 'A&U',
        Factor__c: 1.5,
        From__c: '2026-01-31',
        Since__c: null,
      }),
    )
    expect([...members]).toEqual([['CustomMetadata', ['Tier.Gold']]])
    const text = files.get(PATH) ?? ''
    expect(text).toContain('<label>Gold tier</label>')
    expect(text).toContain('xsi:type="xsd:boolean">true</value>')
    expect(text).toContain('xsi:type="xsd:string">A&amp;U</value>')
    expect(text).toContain('xsi:type="xsd:double">1.5</value>')
    expect(text).toContain('xsi:type="xsd:date">2026-01-31</value>')
    expect(text).not.toContain('Since__c')
  })

  it('is changed in single places: every other value keeps its type and its text', () => {
    const there = file('Gold', CODE, FACTOR)
    const changed = compile(planned({ factor__c: null, Active__c: false }), there).files.get(PATH)
    expect(changed).toContain(CODE)
    expect(changed).toContain('<label>Gold tier</label>')
    expect(changed).toContain(
      '<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>',
    )
    expect(changed).toContain('xsi:type="xsd:boolean">false</value>')
  })

  it('is not sent where its values mean the same already', () => {
    const there = file(
      'Gold tier',
      FACTOR,
      value('Since__c', 'dateTime', '2026-01-31T12:00:00.000Z'),
    )
    const same = planned({ Factor__c: '5', Since__c: '2026-01-31T13:00:00+01:00', Code__c: null })
    expect(compile(same, there).unchanged).toMatchObject([GOLD])
  })

  it('is as planned where Salesforce stores a value in its own way', () => {
    const there = file(
      'Gold tier',
      value('Active__c', 'boolean', 'false'),
      value('Short__c', 'string', 'a\nb'),
      value('Share__c', 'double', '12.3'),
      value('Kind__c', 'string', 'Big'),
      value('Since__c', 'dateTime', '2026-01-31T12:00:00.000Z'),
    )
    const same: RecordInput['values'][] = [
      { Active__c: null },
      { Short__c: ' a\r\nb\n' },
      { Share__c: '12.30' },
      { Kind__c: 'BIG' },
      { Since__c: '2026-01-31T12:00:00.999Z' },
      { Mail__c: '' },
    ]
    for (const values of same) {
      expect(compile(planned(values), there).unchanged, JSON.stringify(values)).toMatchObject([
        GOLD,
      ])
    }
    const others: RecordInput['values'][] = [
      { Share__c: 12.4 },
      // Its decimals are stored, although the field does not show them.
      { Share__c: 12.34 },
      { Share__c: 12 },
      { Kind__c: 'Small' },
      { Short__c: 'ab' },
    ]
    for (const values of others) {
      expect(compile(planned(values), there).unchanged).toEqual([])
    }
  })

  it('is read with its type, which says what its fields take', () => {
    const plan = parsePlan({
      custom_metadata_records: [planned(), planned({}, { api_name: 'Silver' })],
    })
    expect(componentsToRead(plan)).toEqual([
      GOLD,
      { type: 'CustomMetadata', fullName: 'Tier.Silver' },
      { type: 'CustomObject', fullName: 'Tier__mdt' },
    ])
  })

  it('is refused values that its fields do not take, and fields that its type does not have', () => {
    const cases: [RecordInput['values'], string][] = [
      [{ Active__c: 'yes' }, 'Active__c takes true or false, not "yes".'],
      [{ Factor__c: 'five' }, 'Factor__c takes a number, not "five".'],
      [{ From__c: '31.1.2026' }, 'From__c takes a date such as 2026-01-31, not "31.1.2026".'],
      [{ From__c: '2026-02-30' }, 'From__c takes a date such as 2026-01-31, not "2026-02-30".'],
      [{ Since__c: '2026-01-31' }, 'Since__c takes a time such as'],
      [{ Since__c: '2026-02-29T12:00:00Z' }, 'Since__c takes a time such as'],
      [{ Code__c: 5 }, 'Code__c takes a text, not 5.'],
      [{ From__c: '1699-12-31' }, 'From__c takes dates of the years 1700 to 4000'],
      [{ Short__c: 'sixsix' }, 'Short__c takes 5 characters, and the value has 6.'],
      [{ Link__c: 'x'.repeat(256) }, 'Link__c takes 255 characters'],
      [{ Share__c: 10_000 }, 'Share__c takes 4 digits before the decimal point'],
      [{ Share__c: '12345.6' }, 'Share__c takes 4 digits before the decimal point'],
      [{ Kind__c: 'Huge' }, 'Kind__c takes Big, Small, not "Huge".'],
      [{ Mail__c: 'nobody' }, 'Mail__c takes an address like name@example.com'],
      [{ Nope__c: 'x' }, 'Tier__mdt has no field Nope__c.'],
    ]
    for (const [values = {}, message] of cases) {
      expect(refusalOf(planned(values))).toMatchObject([
        {
          path: `custom_metadata_records.0.values.${Object.keys(values)[0] ?? ''}`,
          message: expect.stringContaining(message) as string,
        },
      ])
    }
    expect(refusalOf(planned({}, { type: 'Other__mdt' }))).toMatchObject([
      { code: 'type_not_found' },
    ])
  })

  it('reports what is wrong with its names and the shape of its values', () => {
    const errorsOf = (...custom_metadata_records: RecordInput[]) =>
      checkPlan(planSchema.parse({ custom_metadata_records })).map(
        ({ path, code }) => `${path.replace('custom_metadata_records.', '')} ${code}`,
      )
    expect(errorsOf(planned(), planned({}, { api_name: 'gold' }))).toEqual(['1.api_name duplicate'])
    expect(errorsOf(planned({}, { type: 'Tier__c', api_name: '1st' }))).toEqual([
      '0.type name_missing_suffix',
      '0.api_name name_bad_start',
    ])
    expect(errorsOf(planned({ Code__c: 'a', code__c: 'b' }))).toEqual([
      '0.values.code__c duplicate',
    ])
    expect(() =>
      parsePlan({ custom_metadata_records: [planned({ 'Tier.Code__c': 'a' })] }),
    ).toThrow('"Tier.Code__c" is not an API name.')
    expect(() =>
      parsePlan({ custom_metadata_records: [{ ...planned(), values: { Code__c: ['a'] } }] }),
    ).toThrow('Code__c is not of the type string, number, boolean or null.')
  })
})

describe('a custom metadata record rolled back', () => {
  const silver = value('Code__c', 'string', 'AG')
  const undo = (made: boolean, before: string | null, left: string, now: string) =>
    undone(
      { component: GOLD, made },
      sceneAt([{ [PATH]: before }, { [PATH]: left }, { [PATH]: now }]),
    )

  it('goes where the deployment made it, unless somebody changed it', () => {
    const made = file('Gold', CODE)
    expect(undo(true, null, made, made).remove).toBe(true)
    expect(undo(true, null, made, file('Gold', silver)).kept).toMatchObject({ drifted: true })
  })

  it('that was there before gets its values back, with their types, and keeps what others changed', () => {
    const before = file('Gold', CODE)
    const left = file('Gold tier', silver, FACTOR)
    expect(undo(false, before, left, left)).toMatchObject({ restore: { file: before }, kept: null })
    const since = file('Gold tier', silver, FACTOR.replace('5.0', '7.0'))
    expect(undo(false, before, left, since)).toMatchObject({
      restore: { file: file('Gold', CODE, FACTOR.replace('5.0', '7.0')) },
      kept: { reason: 'Changed by somebody else since: Factor__c.', drifted: true },
    })
    expect(undo(false, before, left, before)).toMatchObject({ restore: null, kept: null })
  })

  it('gets back a value that was emptied', () => {
    const before = file('Gold', CODE, FACTOR)
    const left = file('Gold', CODE)
    expect(undo(false, before, left, left)).toMatchObject({ restore: { file: before } })
  })
})
