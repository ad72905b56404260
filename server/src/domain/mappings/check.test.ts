import { describe, expect, it } from 'vitest'
import { checkMapping, checkShape } from './check.ts'
import { type KnownSchema } from './check-field.ts'
import { type MappedValue, mappingFields, type MappingDraft } from './mapping.ts'
import { parseSfdcField, writtenField } from './sfdc-field.ts'
import { account, describeOf, field, lead, user } from './testing/describes.ts'

const known: KnownSchema = {
  objectNames: ['Lead', 'Account', 'User', 'Group', 'Secret__c'],
  unreadable: ['Secret__c'],
  notVisible: ['Hidden__c', 'Lead.Hidden__c'],
  describes: new Map([
    ['Lead', lead()],
    ['Account', account()],
    ['User', user()],
  ]),
}

interface Given {
  to: string
  required?: boolean
  default?: MappedValue
  value_map?: Record<string, MappedValue>
}

/** A mapping that is right except for what the test adds. */
const mapping = (more: Given[] = [], over: Partial<MappingDraft> = {}): MappingDraft => ({
  canonical_object: 'candidate',
  sfdc_object: 'Lead',
  external_id_field: 'External_Key__c',
  fields: [
    { to: 'External_Key__c' },
    { to: 'LastName', required: true },
    { to: 'Company', required: true },
    ...more,
  ].map((given: Given, index) => ({
    canonical_field: `field_${index}`,
    sfdc_field: given.to,
    required: given.required ?? false,
    default: given.default ?? null,
    value_map: given.value_map ?? null,
  })),
  ...over,
})

const found = (more: Given[], over: Partial<MappingDraft> = {}) =>
  checkMapping(mapping(more, over), known).map(({ severity, code, path }) => [severity, code, path])

const AT = 'fields.3'

describe('where a value goes', () => {
  it.each([
    ['Phone', { kind: 'field', name: 'Phone' }, 'Phone'],
    ['ns__Key__c', { kind: 'field', name: 'ns__Key__c' }, 'ns__Key__c'],
    [
      'Account.Key__c',
      { kind: 'parent', relationship: 'Account', key: 'Key__c', object: null },
      'AccountId',
    ],
    [
      'Employer__r.Key__c',
      { kind: 'parent', relationship: 'Employer__r', key: 'Key__c', object: null },
      'Employer__c',
    ],
    [
      'User:Owner.Email',
      { kind: 'parent', relationship: 'Owner', key: 'Email', object: 'User' },
      'OwnerId',
    ],
  ])('%s is read as its parts and names the field that is written', (text, parts, written) => {
    expect(parseSfdcField(text)).toEqual(parts)
    expect(writtenField(text)).toBe(written)
  })

  it.each(['', 'a.b.c', 'Owner:User', '1st', 'Account.', '.Key__c', 'x y', 'Key_', ':A.B'])(
    'refuses %j',
    (text) => {
      expect(parseSfdcField(text)).toBeNull()
      const parsed = mappingFields.safeParse([{ canonical_field: 'a', sfdc_field: text }])
      expect(parsed.error?.issues[0]?.path).toEqual([0, 'sfdc_field'])
    },
  )

  it('is mapped once, however it is written, and so is a canonical field', () => {
    const parsed = mappingFields.safeParse([
      { canonical_field: 'a', sfdc_field: 'Employer__c' },
      { canonical_field: 'b', sfdc_field: 'employer__R.Key__c' },
      { canonical_field: 'a', sfdc_field: 'Phone' },
      { canonical_field: 'A', sfdc_field: 'Email' },
    ])
    expect(parsed.error?.issues.map(({ path }) => path)).toEqual([
      [1, 'sfdc_field'],
      [2, 'canonical_field'],
    ])
  })
})

describe('a mapping against the describes', () => {
  it('has no finding when everything fits, whatever the case of names', () => {
    expect(
      found([
        { to: 'PHONE' },
        { to: 'Score__c', default: 12.5, value_map: { low: '1.25' } },
        { to: 'Seniority__c', default: 'Junior', value_map: { sr: 'Senior', none: null } },
        { to: 'Available_From__c', default: '2026-02-28' },
        { to: 'DoNotCall', default: false, value_map: { yes: true } },
        { to: 'User:Owner.Username', default: 'crm@acme.example' },
      ]),
    ).toEqual([])
  })

  it.each<[string, Given, [severity: string, code: string, at: string]]>([
    ['a name that is none', { to: 'Fone' }, ['error', 'field_unknown', 'sfdc_field']],
    ['a formula', { to: 'Summary__c' }, ['error', 'field_read_only', 'sfdc_field']],
    ['an auto-number', { to: 'Ticket_No__c' }, ['error', 'field_read_only', 'sfdc_field']],
    ['a compound field', { to: 'Address' }, ['error', 'field_read_only', 'sfdc_field']],
    [
      'a field for new records',
      { to: 'Employer__c' },
      ['warning', 'field_only_on_create', 'sfdc_field'],
    ],
    [
      'a field for old records',
      { to: 'Mentor_Mail__c' },
      ['warning', 'field_only_on_update', 'sfdc_field'],
    ],
    [
      'a relationship for a field',
      { to: 'Owner' },
      ['error', 'field_is_relationship', 'sfdc_field'],
    ],
    [
      'a long default',
      { to: 'FirstName', default: 'x'.repeat(41) },
      ['error', 'value_too_long', 'default'],
    ],
    [
      'a text for a number',
      { to: 'Score__c', default: 'high' },
      ['error', 'value_type_mismatch', 'default'],
    ],
    [
      'a large number',
      { to: 'Score__c', default: 1000 },
      ['error', 'value_out_of_range', 'default'],
    ],
    [
      'a broken int',
      { to: 'NumberOfEmployees', default: 1.5 },
      ['error', 'value_type_mismatch', 'default'],
    ],
    [
      'a day that is none',
      { to: 'Available_From__c', default: '2026-02-30' },
      ['error', 'value_type_mismatch', 'default'],
    ],
    [
      'a word for a checkbox',
      { to: 'DoNotCall', value_map: { y: 'yes' } },
      ['error', 'value_type_mismatch', 'value_map.y'],
    ],
    [
      'a value outside a restricted list',
      { to: 'Seniority__c', value_map: { p: 'Principal' } },
      ['error', 'value_not_in_picklist', 'value_map.p'],
    ],
    [
      'a value outside an open list',
      { to: 'LeadSource', value_map: { ad: 'Advert' } },
      ['warning', 'value_new_to_picklist', 'value_map.ad'],
    ],
    [
      'a default for a unique field',
      { to: 'Legacy_Key__c', default: 'x', required: true },
      ['error', 'default_on_unique', 'default'],
    ],
    [
      'a lookup by the field for its relationship',
      { to: 'OwnerId.Email' },
      ['error', 'relationship_unknown', 'sfdc_field'],
    ],
    [
      'a lookup that does not say which object',
      { to: 'Owner.Email' },
      ['error', 'parent_ambiguous', 'sfdc_field'],
    ],
    [
      'a lookup of an object that is not behind it',
      { to: 'Account:Owner.Name' },
      ['error', 'parent_not_referenced', 'sfdc_field'],
    ],
    [
      'a parent that was not described',
      { to: 'Group:Owner.Name' },
      ['error', 'object_unknown', 'sfdc_field'],
    ],
    [
      'a key that the parent lacks',
      { to: 'User:Owner.Key__c' },
      ['error', 'parent_key_unknown', 'sfdc_field'],
    ],
    [
      'a key that is none',
      { to: 'User:Owner.LastName' },
      ['error', 'parent_key_not_external_id', 'sfdc_field'],
    ],
    [
      'a key that several have',
      { to: 'User:Owner.Email' },
      ['warning', 'parent_key_not_unique', 'sfdc_field'],
    ],
  ])('reports %s', (_what, given, [severity, code, at]) => {
    const unique = given.to === 'Legacy_Key__c'
    const schema = unique
      ? {
          ...known,
          describes: new Map([
            [
              'Lead',
              describeOf('Lead', [
                ...(lead().fields as Record<string, unknown>[]).filter(
                  ({ name }) => name !== 'Legacy_Key__c',
                ),
                field('Legacy_Key__c', 'string', { unique: true }),
              ]),
            ],
          ]),
        }
      : known
    const findings = checkMapping(mapping([given]), schema)
    expect(findings.map((finding) => [finding.severity, finding.code, finding.path])).toEqual([
      [severity, code, `${AT}.${at}`],
    ])
    for (const { message, remedy } of findings) {
      expect(message).toMatch(/\.$/)
      expect(remedy).toMatch(/[.?]$/)
    }
  })

  it('names what was most likely meant', () => {
    const remedies = (to: string) =>
      checkMapping(mapping([{ to }]), known).map(({ remedy }) => remedy)
    expect(remedies('Fone')[0]).toContain('Phone')
    expect(remedies('Address')[0]).toContain('Street, City, State')
    expect(remedies('OwnerId.Email')[0]).toContain('Owner.Email')
    expect(remedies('Owner.Email')[0]).toContain('Group:Owner.Email')
  })

  it('lists the first values that do not fit and counts the rest', () => {
    const value_map = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, `v${i}`]))
    const findings = checkMapping(mapping([{ to: 'Seniority__c', value_map }]), known)
    expect(findings).toHaveLength(21)
    expect(findings.at(-1)).toMatchObject({ code: 'more_values', path: `${AT}.value_map` })
    expect(findings.at(-1)?.message).toMatch(/^10 more/)
  })

  it('reports when two ways of writing lead to one field', () => {
    const describes = new Map([
      [
        'Lead',
        describeOf('Lead', [
          field('External_Key__c', 'string', { externalId: true, unique: true }),
          field('LastName'),
          field('Company'),
          field('Boss__c', 'reference', { referenceTo: ['User'], relationshipName: 'Chief__r' }),
        ]),
      ],
      ['User', user()],
    ])
    expect(
      checkMapping(mapping([{ to: 'Boss__c' }, { to: 'Chief__r.Username' }]), {
        ...known,
        describes,
      }).map(({ code, path }) => [code, path]),
    ).toEqual([['field_mapped_twice', 'fields.4.sfdc_field']])
  })

  it('reports what Salesforce requires and the mapping does not send, or may not', () => {
    const draft = mapping()
    const without = (...targets: string[]) => ({
      fields: draft.fields.filter(({ sfdc_field }) => !targets.includes(sfdc_field)),
    })
    expect(found([], without('Company'))).toEqual([
      ['error', 'required_field_not_mapped', 'fields'],
    ])
    expect(found([], { ...without('Company', 'LastName'), external_id_field: null })).toEqual([
      ['warning', 'no_key', 'external_id_field'],
    ])
    const optional = draft.fields.map((one) => ({ ...one, required: false }))
    expect(found([], { fields: optional })).toEqual([
      ['warning', 'required_field_optional', 'fields.1.required'],
      ['warning', 'required_field_optional', 'fields.2.required'],
    ])
  })

  it.each<[string, string, [severity: string, code: string][]]>([
    ['that is no external id', 'Phone', [['error', 'key_not_external_id']]],
    ['that is not there', 'Extern_Key__c', [['error', 'key_unknown']]],
    ['that several records can have', 'Legacy_Key__c', [['warning', 'key_not_unique']]],
    ['by idLookup', 'Email', [['warning', 'key_not_unique']]],
    ['that cannot be set', 'Id', [['warning', 'key_not_writable']]],
  ])('checks a key %s', (_what, key, expected) => {
    const findings = found([{ to: key }], { external_id_field: key })
    const aboutKey = findings.filter(([, , path]) => path === 'external_id_field')
    expect(aboutKey.map(([severity, code]) => [severity, code])).toEqual(expected)
  })

  it('does not check the fields of an object that it does not know', () => {
    expect(found([{ to: 'Nope' }], { sfdc_object: 'Leed' })).toEqual([
      ['error', 'object_unknown', 'sfdc_object'],
    ])
    expect(checkMapping(mapping([], { sfdc_object: 'Leed' }), known)[0]?.remedy).toContain('Lead')
    expect(found([], { sfdc_object: 'Secret__c' })).toEqual([
      ['warning', 'object_unreadable', 'sfdc_object'],
    ])
  })
})

describe('a mapping by itself', () => {
  it('is told of a key that nothing fills, of a default for the key, and of a shadowed id', () => {
    const draft = mapping([], { external_id_field: 'Other__c' })
    expect(checkShape(draft).map(({ code }) => code)).toEqual(['key_not_mapped'])
    const [key] = mapping().fields
    if (key === undefined) throw new Error('a mapping has fields')
    const shadowed = mapping([], { fields: [{ ...key, canonical_field: 'id', default: 'x' }] })
    expect(checkShape(shadowed).map(({ code, path }) => [code, path])).toEqual([
      ['default_on_key', 'fields.0.default'],
      ['canonical_id_shadowed', 'fields.0.canonical_field'],
    ])
  })
})
