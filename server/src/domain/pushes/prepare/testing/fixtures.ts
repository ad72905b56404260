// A Lead, an Account and a junction as describes show them, and a mapping onto the Lead.

import { type JsonObject } from '../../../../salesforce/json.ts'
import { type MappingDraft, type MappingField } from '../../../mappings/mapping.ts'
import { type JudgedRow, type ReadyRow, type RowError } from '../../model.ts'
import { compileMapping, type Preparer } from '../prepare.ts'

export const field = (name: string, type = 'string', more: JsonObject = {}): JsonObject => ({
  name,
  label: name,
  type,
  length: type === 'string' ? 80 : 0,
  precision: 0,
  scale: 0,
  digits: 0,
  createable: true,
  updateable: true,
  nillable: true,
  defaultedOnCreate: false,
  picklistValues: [],
  referenceTo: [],
  relationshipName: null,
  ...more,
})

const lookUp = (name: string, relationshipName: string, ...referenceTo: string[]) =>
  field(name, 'reference', { relationshipName, referenceTo })

const entry = (value: string, more: JsonObject = {}) => ({
  value,
  label: value,
  active: true,
  ...more,
})

const object = (name: string, keyPrefix: string, fields: JsonObject[], more: JsonObject = {}) => ({
  name,
  label: name,
  createable: true,
  updateable: true,
  keyPrefix,
  recordTypeInfos: [],
  fields: [
    field('Id', 'id', {
      createable: false,
      updateable: false,
      nillable: false,
      idLookup: true,
      defaultedOnCreate: true,
    }),
    ...fields,
  ],
  ...more,
})

export const KEY = field('External_Key__c', 'string', {
  length: 20,
  externalId: true,
  unique: true,
})

export const LEAD = object(
  'Lead',
  '00Q',
  [
    KEY,
    field('Case_Key__c', 'string', { externalId: true, unique: true, caseSensitive: true }),
    field('LastName', 'string', { nillable: false }),
    field('FirstName', 'string', { length: 5 }),
    field('Email', 'email', { length: 80, idLookup: true }),
    field('Phone', 'phone', { length: 40 }),
    field('Website', 'url', { length: 255 }),
    field('Revenue__c', 'currency', { precision: 6, scale: 2 }),
    field('Place__Latitude__s', 'double', { precision: 8, scale: 5 }),
    field('Place__Longitude__s', 'double', { precision: 8, scale: 5 }),
    field('Latitude', 'double', { precision: 18, scale: 15 }),
    field('MailingLongitude', 'double', { precision: 18, scale: 15 }),
    field('Latitude__c', 'double', { precision: 18, scale: 2 }),
    field('Staff__c', 'int', { digits: 4 }),
    field('Opted__c', 'boolean', { nillable: false, defaultedOnCreate: true }),
    field('Born__c', 'date'),
    field('Met__c', 'datetime'),
    field('Wakes__c', 'time'),
    field('Status', 'picklist', {
      length: 255,
      restrictedPicklist: true,
      picklistValues: [
        entry('Open', { label: 'Offen' }),
        entry('Closed'),
        entry('Old', { active: false }),
      ],
    }),
    field('Source', 'picklist', { length: 255, picklistValues: [entry('Web')] }),
    field('Skills__c', 'multipicklist', {
      length: 4099,
      restrictedPicklist: true,
      picklistValues: [entry('Forklift'), entry('Crane'), entry('Welding')],
    }),
    lookUp('Company__c', 'Company__r', 'Account'),
    lookUp('OwnerId', 'Owner', 'Group', 'User'),
    lookUp('RecordTypeId', 'RecordType', 'RecordType'),
    lookUp('Partner__c', 'Partner__r', 'Account', 'Contact'),
    field('Score__c', 'double', { createable: false, updateable: false, precision: 5 }),
    field('Once__c', 'string', { updateable: false }),
  ],
  {
    recordTypeInfos: [
      {
        recordTypeId: '012000000000001AAA',
        name: 'Partner Lead',
        developerName: 'Partner',
        active: true,
        available: true,
      },
      {
        recordTypeId: '012000000000002AAA',
        name: 'Gone',
        developerName: 'Gone',
        active: false,
        available: true,
      },
    ],
  },
)

export const ACCOUNT = object('Account', '001', [
  field('Name', 'string', { nillable: false, length: 255 }),
  field('Key__c', 'string', { length: 20, externalId: true, unique: true }),
  field('Site'),
])

export const JUNCTION = object('Membership__c', 'a0M', [
  field('Key__c', 'string', { length: 40, externalId: true, unique: true }),
  field('Role__c', 'string', { length: 10 }),
  { ...lookUp('Lead__c', 'Lead__r', 'Lead'), nillable: false },
  { ...lookUp('Account__c', 'Account__r', 'Account'), nillable: false, updateable: false },
])

const USER = object('User', '005', [field('Email', 'email', { idLookup: true })])

export const describes = (name: string): JsonObject | undefined =>
  [LEAD, ACCOUNT, JUNCTION, USER].find((each) => each.name.toLowerCase() === name.toLowerCase())

export const map = (
  canonical_field: string,
  sfdc_field: string,
  more: Partial<MappingField> = {},
): MappingField => ({
  canonical_field,
  sfdc_field,
  required: false,
  default: null,
  value_map: null,
  ...more,
})

export const mapping = (
  fields: MappingField[],
  more: Partial<MappingDraft> = {},
): MappingDraft => ({
  canonical_object: 'person',
  sfdc_object: 'Lead',
  external_id_field: 'External_Key__c',
  fields: [
    map('key', 'External_Key__c'),
    map('name', 'LastName', { default: 'Unknown' }),
    ...fields,
  ],
  ...more,
})

interface More {
  kind?: 'records' | 'status_update'
  nullPolicy?: 'skip' | 'blank'
}

export const preparerOf = (
  draft: MappingDraft,
  { kind = 'records', nullPolicy = 'skip' }: More = {},
): Preparer => {
  const compiled = compileMapping({
    kind,
    mapping: draft,
    object: draft.canonical_object,
    describes,
    options: { null_policy: nullPolicy },
  })
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.preparer
}

export const readyOf = (row: JudgedRow): ReadyRow => {
  if ('ready' in row) return row.ready
  throw new Error(JSON.stringify(row.result))
}

export const errorsOf = (row: JudgedRow): RowError[] => ('ready' in row ? [] : row.result.errors)

/** The result for one value of one field: the value that is sent, or the code of the refusal. */
export const judgeValue = (
  sfdcField: string,
  value: unknown,
  more: Partial<MappingField> & More = {},
): unknown => {
  const { kind, nullPolicy, ...field } = more
  const preparer = preparerOf(mapping([map('it', sfdcField, field)]), {
    ...(kind === undefined ? {} : { kind }),
    ...(nullPolicy === undefined ? {} : { nullPolicy }),
  })
  const row = value === undefined ? { key: 'k' } : { key: 'k', it: value }
  const { row: judged } = preparer.judge(0, row)
  if ('ready' in judged) {
    const { LastName: _, ...fields } = judged.ready.fields
    return fields
  }
  const [error] = judged.result.errors
  return error === undefined ? null : `${error.code} ${error.fields.join()}`
}
