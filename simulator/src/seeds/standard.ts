// The standard objects, out of the compact table in data/ (see data/NOTICE for its origin and letters).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Org, type PicklistValue, type SObject } from '../org/model.ts'
import { makeObject, systemFields, type FieldSpec } from '../org/schema.ts'

interface Extra {
  l?: string
  n?: number
  p?: [number, number]
  g?: number
  t?: string[]
  r?: string
  v?: string[]
  d?: string
  m?: Record<string, string>
  h?: 1
  o?: string
}

interface Table {
  objects: { n: string; l: string; k: string | null; f: [string, string, string, Extra?][] }[]
}

const TABLE = join(import.meta.dirname, '../../data/standard-objects.json')

/** `AnnualRevenue` → `Annual Revenue`, `OwnerId` → `Owner ID`: the table leaves such labels out. */
const labelOf = (name: string): string =>
  name
    .replace(/Id$/, ' ID')
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')
    .replace('  ', ' ')
    .trim()

export const picklist = (
  values: string[],
  defaultValue?: string,
  labels: Record<string, string> = {},
): PicklistValue[] =>
  values.map((value) => ({
    active: true,
    defaultValue: value === defaultValue,
    label: labels[value] ?? value,
    validFor: null,
    value,
  }))

const toField = ([name, type, flags, extra = {}]: [string, string, string, Extra?]): FieldSpec => {
  const has = (letter: string) => flags.includes(letter)
  return {
    name,
    type,
    label: extra.l ?? labelOf(name),
    createable: has('c'),
    updateable: has('u'),
    nillable: has('n'),
    defaultedOnCreate: has('d') || type === 'boolean',
    restrictedPicklist: has('r'),
    idLookup: has('i'),
    filterable: has('f'),
    groupable: has('g'),
    sortable: has('s'),
    autoNumber: has('a'),
    nameField: extra.h === 1,
    compoundFieldName: extra.o ?? null,
    permissionable: has('c') && has('n'),
    ...(extra.n === undefined ? {} : { length: extra.n }),
    ...(extra.p === undefined ? {} : { precision: extra.p[0], scale: extra.p[1] }),
    ...(extra.g === undefined ? {} : { digits: extra.g }),
    ...(extra.t === undefined ? {} : { referenceTo: extra.t, relationshipName: extra.r ?? null }),
    ...(extra.v === undefined ? {} : { picklistValues: picklist(extra.v, extra.d, extra.m) }),
  }
}

const READ_ONLY = new Set([
  'Profile',
  'Organization',
  'Period',
  'LeadStatus',
  'OpportunityStage',
  'CaseStatus',
  'ContentDocument',
  'AssignmentRule',
  'DuplicateRule',
  'Folder',
])
const NAME_LOOKUPS = new Set(['Contact.Email', 'Lead.Email', 'User.Username', 'User.Email'])

/** Puts all standard objects into the org, and the Share, History and Feed tables of some. */
export const addStandardObjects = (org: Org): void => {
  const table = JSON.parse(readFileSync(TABLE, 'utf8')) as Table
  for (const { n: name, l: label, k: keyPrefix, f: fields } of table.objects) {
    const specs = fields.map(toField)
    const owner = specs.some((field) => field.name === 'OwnerId')
    for (const field of specs) {
      if (NAME_LOOKUPS.has(`${name}.${field.name}`)) field.idLookup = true
    }
    const writable = !READ_ONLY.has(name)
    makeObject(org, {
      name,
      label,
      describe: {
        keyPrefix,
        createable: writable,
        updateable: writable,
        deletable: writable,
        layoutable: owner || name === 'User',
        triggerable: owner,
        searchable: owner || name === 'User',
        mergeable: name === 'Account' || name === 'Contact' || name === 'Lead',
        feedEnabled: owner,
      },
      fields: [...systemFields(false), ...specs],
    })
  }
  for (const parent of ['Account', 'Contact', 'Lead', 'Opportunity', 'Case'])
    addCompanions(org, parent)
}

/** Salesforce: describeGlobal ties these tables to their parent by associateParentEntity. */
const addCompanions = (org: Org, parent: string): void => {
  const reference: FieldSpec = {
    name: `${parent}Id`,
    type: 'reference',
    referenceTo: [parent],
    relationshipName: parent,
    nillable: false,
  }
  const companion = (kind: 'Share' | 'History' | 'Feed', fields: FieldSpec[]): SObject =>
    makeObject(org, {
      name: `${parent}${kind}`,
      label: `${org.objects.get(parent.toLowerCase())?.describe.label ?? parent} ${kind}`,
      describe: {
        associateEntityType: kind,
        associateParentEntity: parent,
        createable: kind === 'Share',
        updateable: kind === 'Share',
        deletable: kind !== 'History',
        layoutable: false,
        searchable: false,
        triggerable: false,
        mruEnabled: false,
        undeletable: false,
      },
      fields: [...systemFields(false), reference, ...fields],
    })
  companion('Share', [
    {
      name: 'UserOrGroupId',
      type: 'reference',
      referenceTo: ['Group', 'User'],
      relationshipName: 'UserOrGroup',
    },
    {
      name: 'RowCause',
      type: 'picklist',
      picklistValues: picklist(['Owner', 'Manual', 'Rule']),
      restrictedPicklist: true,
    },
  ])
  companion('History', [
    { name: 'Field', type: 'picklist', createable: false, updateable: false },
    { name: 'OldValue', type: 'anyType', createable: false, updateable: false },
    { name: 'NewValue', type: 'anyType', createable: false, updateable: false },
  ])
  companion('Feed', [
    { name: 'Type', type: 'picklist', createable: false, updateable: false },
    { name: 'Body', type: 'textarea', length: 10_000, createable: false, updateable: false },
  ])
}
