import { describe, expect, it } from 'vitest'
import { fieldEqualsDescribe, NOT_IN_DESCRIBE } from './describe-equality.ts'
import { FIELD_KINDS, FIELD_TYPES, planField, type PlanField } from './field-kinds.ts'
import { AWKWARD, everyField } from '../../plan/testing/samples.ts'

/** What describes say of every field, for a field with nothing special. */
const PLAIN = {
  autoNumber: false,
  calculated: false,
  calculatedFormula: null,
  caseSensitive: false,
  custom: true,
  defaultValue: null,
  defaultValueFormula: null,
  externalId: false,
  htmlFormatted: false,
  inlineHelpText: null,
  nillable: true,
  picklistValues: [],
  referenceTo: [],
  relationshipOrder: null,
  restrictedPicklist: false,
  unique: false,
  writeRequiresMasterRead: false,
}
const entry = (value: string, more: object = {}) => ({
  active: true,
  defaultValue: false,
  label: value,
  validFor: null,
  value,
  ...more,
})

/** The describe of each sample field, with the members that Salesforce returns. */
const DESCRIBED: Readonly<Record<string, object>> = {
  Text__c: {
    type: 'string',
    label: AWKWARD,
    length: 64,
    unique: true,
    caseSensitive: true,
    externalId: true,
    inlineHelpText: 'Help',
    defaultValueFormula: '\'a\' & "b"',
  },
  Required__c: { type: 'string', length: 20, nillable: false },
  Area__c: { type: 'textarea', length: 255, extraTypeInfo: 'plaintextarea' },
  Long__c: { type: 'textarea', length: 32000, extraTypeInfo: 'plaintextarea' },
  Html__c: { type: 'textarea', length: 10000, htmlFormatted: true, extraTypeInfo: 'richtextarea' },
  Number__c: { type: 'double', precision: 8, scale: 3, unique: true },
  Money__c: { type: 'currency', precision: 16, scale: 2 },
  Percent__c: { type: 'percent', precision: 5, scale: 1 },
  Flag__c: { type: 'boolean', nillable: false, defaultValue: true },
  Day__c: { type: 'date', defaultValueFormula: 'TODAY()' },
  Moment__c: { type: 'datetime' },
  Hour__c: { type: 'time' },
  Mail__c: { type: 'email', length: 80, unique: true, externalId: true },
  Phone__c: { type: 'phone', length: 40 },
  Url__c: { type: 'url', length: 255 },
  Status__c: {
    type: 'picklist',
    length: 255,
    restrictedPicklist: true,
    picklistValues: [
      entry('Open', { defaultValue: true }),
      entry('Gone', { active: false }),
      entry('Filled', { label: 'Filled & done' }),
      entry('Closed', { label: 'Zu' }),
    ],
  },
  Shared__c: { type: 'picklist', restrictedPicklist: true, picklistValues: [entry('One')] },
  Tags__c: { type: 'multipicklist', length: 4099, picklistValues: [entry('B'), entry('A')] },
  Counter__c: { type: 'string', length: 30, autoNumber: true, externalId: true },
  Company__c: {
    type: 'reference',
    nillable: false,
    referenceTo: ['Account'],
    relationshipName: 'Company__r',
    restrictedDelete: true,
  },
  Parent__c: {
    type: 'reference',
    nillable: false,
    referenceTo: ['Campaign'],
    relationshipOrder: 0,
    writeRequiresMasterRead: true,
    cascadeDelete: true,
  },
  Ratio__c: {
    type: 'percent',
    calculated: true,
    calculatedFormula: 'IF(Number__c < 1, 0, 1 / Number__c)',
    precision: 18,
    scale: 4,
  },
  Initial__c: {
    type: 'string',
    calculated: true,
    calculatedFormula: 'LEFT(Name, 1)',
    length: 1300,
  },
  Total__c: { type: 'currency', calculated: true, precision: 18, scale: 2 },
  Place__c: { type: 'location', displayLocationInDecimal: false },
  Secret__c: { type: 'encryptedstring', length: 11, mask: 'X', maskType: 'lastFour' },
}

const described = (field: PlanField, more: object = {}): object => ({
  ...PLAIN,
  name: field.api_name,
  label: field.label,
  ...DESCRIBED[field.api_name],
  ...more,
})
const sample = (name: string): PlanField => {
  const field = everyField().find(({ api_name }) => api_name === name)
  if (field === undefined) throw new Error(`No sample ${name}`)
  return field
}
const attributes = (name: string, more: object): string[] =>
  fieldEqualsDescribe(sample(name), described(sample(name), more)).map(({ attribute }) => attribute)

describe('fieldEqualsDescribe', () => {
  it.each(everyField().map((field) => [field.type, field.api_name, field] as const))(
    'recognises %s %s',
    (_type, name, field) => {
      expect(DESCRIBED).toHaveProperty(name)
      expect(fieldEqualsDescribe(field, described(field))).toEqual([])
    },
  )

  it.each<[string, object, string[]]>([
    ['Text__c', { label: 'Other' }, ['label']],
    ['Text__c', { inlineHelpText: null }, ['help_text']],
    ['Text__c', { length: 63 }, ['length']],
    ['Text__c', { unique: false, externalId: false }, ['unique', 'external_id']],
    ['Text__c', { caseSensitive: false }, ['case_sensitive']],
    ['Text__c', { defaultValueFormula: null }, ['default_formula']],
    ['Text__c', { type: 'textarea', length: 9 }, ['type']],
    ['Text__c', { calculated: true, calculatedFormula: 'Name' }, ['type']],
    ['Text__c', { autoNumber: true }, ['type']],
    ['Required__c', { nillable: true }, ['required']],
    ['Area__c', { length: 32000 }, ['type']],
    ['Html__c', { htmlFormatted: false }, ['type']],
    ['Long__c', { htmlFormatted: true }, ['type']],
    ['Number__c', { precision: 18, scale: 0 }, ['precision', 'scale']],
    ['Flag__c', { defaultValue: false }, ['default']],
    ['Counter__c', { autoNumber: false }, ['type']],
    ['Status__c', { restrictedPicklist: false }, ['restricted']],
    ['Status__c', { picklistValues: [entry('Open', { defaultValue: true })] }, ['values']],
    ['Shared__c', { restrictedPicklist: false }, ['restricted']],
    ['Tags__c', { picklistValues: [entry('A'), entry('B'), entry('C')] }, ['values']],
    ['Company__c', { referenceTo: ['Contact'] }, ['reference_to']],
    ['Company__c', { restrictedDelete: false }, ['delete_constraint']],
    ['Company__c', { relationshipOrder: 0 }, ['type']],
    ['Parent__c', { relationshipOrder: null }, ['type']],
    ['Parent__c', { writeRequiresMasterRead: false }, ['write_requires_master_read']],
    ['Ratio__c', { calculatedFormula: '1' }, ['formula']],
    ['Ratio__c', { calculated: false, calculatedFormula: null }, ['type']],
    ['Total__c', { calculatedFormula: '1' }, ['type']],
    ['Place__c', { displayLocationInDecimal: true }, ['display_in_decimal']],
    ['Secret__c', { maskType: 'all' }, ['mask_type']],
  ])('sees that %s differs by %o', (name, more, expected) => {
    expect(attributes(name, more)).toEqual(expected)
  })

  it('says both sides in the words of the plan', () => {
    const field = sample('Required__c')
    expect(fieldEqualsDescribe(field, described(field, { nillable: true }))).toEqual([
      { attribute: 'required', planned: true, found: false },
    ])
  })

  it('takes the order of values to mean something unless they are sorted', () => {
    const plain = planField.parse({
      api_name: 'P__c',
      label: 'P',
      type: 'Picklist',
      values: ['A', 'B'],
    })
    const reversed = described(plain, {
      type: 'picklist',
      picklistValues: [entry('B'), entry('A')],
    })
    expect(fieldEqualsDescribe(plain, reversed).map(({ attribute }) => attribute)).toEqual([
      'values',
    ])
    expect(fieldEqualsDescribe({ ...plain, sorted: true } as PlanField, reversed)).toEqual([])
  })

  it('says nothing about what an older describe lacks, and compares names without case', () => {
    const sparse = { name: 'MONEY__C', type: 'currency', label: 'Money' }
    expect(fieldEqualsDescribe(sample('Money__c'), sparse)).toEqual([])
  })

  it('tells a missing field from another one', () => {
    expect(fieldEqualsDescribe(sample('Day__c'), undefined)).toEqual([
      { attribute: 'api_name', planned: 'Day__c', found: null },
    ])
    expect(fieldEqualsDescribe(sample('Day__c'), { name: 'X__c' })).toHaveLength(1)
  })

  it('compares or names as unseen every attribute there is', () => {
    const compared = new Set<string>([
      ...['api_name', 'type', 'values', 'default', 'result_type'],
      // dependencies.test.ts
      ...['controlling_field', 'value_settings'],
    ])
    const opposite = (field: PlanField): object =>
      Object.fromEntries(
        Object.keys({ ...PLAIN, ...DESCRIBED[field.api_name], label: '', length: 0 }).map((key) => [
          key,
          ['type', 'calculated', 'calculatedFormula', 'autoNumber', 'relationshipOrder'].includes(
            key,
          )
            ? described(field)[key as never]
            : 'other',
        ]),
      )
    for (const field of everyField()) {
      const differences = [
        ...fieldEqualsDescribe(field, {
          ...opposite(field),
          name: field.api_name,
          restrictedPicklist: true,
        }),
        ...fieldEqualsDescribe(
          field,
          described(field, { restrictedPicklist: field.api_name === 'Tags__c' }),
        ),
        ...fieldEqualsDescribe(
          field,
          described(field, { calculatedFormula: '0', relationshipOrder: 1 }),
        ),
      ]
      for (const { attribute } of differences) compared.add(attribute)
    }
    const all = new Set(FIELD_TYPES.flatMap((type) => Object.keys(FIELD_KINDS[type].schema.shape)))
    expect([...all].filter((name) => !compared.has(name) && !NOT_IN_DESCRIBE.has(name))).toEqual([])
  })
})
