// The standard objects, from the compact table in data/ (data/NOTICE says where it comes from).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addActivity } from '../org/activities.ts'
import { createOrg } from '../org/create.ts'
import {
  type Field,
  type Org,
  type PicklistValue,
  type SObject,
  type SObjectDescribe,
} from '../org/model.ts'
import { describeField, makeObject, stamps, systemFields, type FieldSpec } from '../org/schema.ts'
import { addRelatedLists } from './related-lists.ts'

interface TableLine extends Partial<SObjectDescribe> {
  name: string
  /** A list of values that other fields have too is named by its first field: `Event.Name`. */
  fields: { name: string; type: string; picklistValues?: PicklistValue[] | string }[]
  /** Names of the child relationships of its references; the others have none. */
  childNames: Record<string, string>
}

const TABLE = join(import.meta.dirname, '../../data/standard-objects.jsonl')

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

/** What the source documentation of the table says about other features. */
const CORRECTIONS: Record<string, Partial<FieldSpec>> = {
  // Salesforce: filled with a new document if a new version names none.
  'ContentVersion.ContentDocumentId': { defaultedOnCreate: true },
  'OrderItem.QuoteLineItemId': { nillable: true },
  'PricebookEntry.ProductSellingModelId': { nillable: true },
}

/** The same value, which can no longer be changed, however deep. */
const frozen = <Value>(value: Value): Value => {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(frozen)
  return Object.freeze(value)
}

const LINES = readFileSync(TABLE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as TableLine)

const valuesOf = (listed: PicklistValue[] | string | undefined): PicklistValue[] => {
  if (typeof listed !== 'string') return listed ?? []
  const [object, name] = listed.split('.')
  const line = LINES.find((each) => each.name === object)
  return valuesOf(line?.fields.find((field) => field.name === name)?.picklistValues)
}

/** Read once, since a suite of tests fills hundreds of orgs; nothing in it may change. */
const STANDARD_OBJECTS = LINES.map(({ name, fields, childNames, ...describe }) => {
  const described = fields.map((field) => {
    const path = `${name}.${field.name}`
    const picklistValues = valuesOf(field.picklistValues)
    return frozen(describeField({ ...field, picklistValues, ...CORRECTIONS[path] }))
  })
  return frozen({ name, described, childNames, describe })
})

/** All standard objects, with the Share, History and Feed tables of some, as an org without customers. */
const pattern = (): Org => {
  const org = createOrg({ name: 'Salesforce' }, 0)
  for (const { name, described, childNames, describe } of STANDARD_OBJECTS) {
    const label = describe.label ? { label: describe.label } : {}
    const object = makeObject(org, { name, describe, described, fields: [], ...label })
    for (const [key, field] of object.fields) {
      const childRelationshipName = childNames[field.describe.name] ?? null
      object.fields.set(key, { ...field, childRelationshipName })
    }
  }
  for (const parent of ['Account', 'Contact', 'Lead', 'Opportunity', 'Case', 'Campaign']) {
    addCompanion(org, parent, 'History')
    addCompanion(org, parent, 'Feed')
  }
  addRelatedLists(org)
  addActivity(org)
  return org
}

/** Salesforce made the standard fields: nobody in the org did. */
const shared = (object: SObject, field: Field): Field =>
  frozen({
    ...field,
    id: `${object.name}.${field.describe.name}`,
    createdById: '',
    lastModifiedById: '',
  })

/** An author and a date, as every row of a companion table has them. */
const STAMPED: Record<'History' | 'Feed', ReadonlySet<string>> = {
  History: new Set(['Id', 'IsDeleted', 'CreatedById', 'CreatedDate']),
  Feed: new Set([
    'Id',
    'IsDeleted',
    'CreatedById',
    'CreatedDate',
    'LastModifiedDate',
    'SystemModstamp',
  ]),
}

const FIELDS: Record<'History' | 'Feed', FieldSpec[]> = {
  History: [
    { name: 'Field', type: 'picklist', restrictedPicklist: true, nillable: false },
    { name: 'DataType', type: 'picklist', restrictedPicklist: true, label: 'Datatype' },
    { name: 'OldValue', type: 'anyType', label: 'Old Value' },
    { name: 'NewValue', type: 'anyType', label: 'New Value' },
  ],
  Feed: [
    {
      name: 'Type',
      type: 'picklist',
      restrictedPicklist: true,
      label: 'Feed Item Type',
      // Salesforce: all feed objects have the values of FeedItem, those of cases included.
      picklistValues: valuesOf('FeedItem.Type'),
    },
    { name: 'Title', type: 'string' },
    { name: 'Body', type: 'textarea', length: 10_000 },
    { name: 'LinkUrl', type: 'url', label: 'Link Url' },
    { name: 'IsRichText', type: 'boolean', label: 'Is Rich Text' },
    {
      name: 'RelatedRecordId',
      type: 'reference',
      label: 'Related Record ID',
      referenceTo: ['ContentVersion'],
      relationshipName: 'RelatedRecord',
    },
    {
      name: 'InsertedById',
      type: 'reference',
      label: 'InsertedBy ID',
      referenceTo: ['User'],
      relationshipName: 'InsertedBy',
    },
    { name: 'CommentCount', type: 'int', label: 'Comment Count', nillable: false },
    { name: 'LikeCount', type: 'int', label: 'Like Count', nillable: false },
  ],
}

/**
 * The History or Feed table of a parent, if the org has none yet. Salesforce: describeGlobal ties it to
 * its parent by associateEntityType and associateParentEntity; it cannot be written by the API.
 */
const addCompanion = (org: Org, parent: string, kind: 'History' | 'Feed'): void => {
  const has = [...org.objects.values()].some(
    ({ describe }) =>
      describe.associateParentEntity === parent && describe.associateEntityType === kind,
  )
  const owner = org.objects.get(parent.toLowerCase())
  if (has || owner === undefined) return
  const reference: FieldSpec = {
    // Salesforce: the feed tables, and History of standard objects, name it after the parent or ParentId.
    name: kind === 'Feed' ? 'ParentId' : `${parent}Id`,
    type: 'reference',
    label: `${owner.describe.label} ID`,
    referenceTo: [parent],
    relationshipName: kind === 'Feed' ? 'Parent' : parent,
    nillable: false,
    cascadeDelete: true,
  }
  const fields = [
    ...systemFields(false).filter(({ name }) => STAMPED[kind].has(name)),
    ...[reference, ...FIELDS[kind]].map((field) => ({
      ...field,
      createable: false,
      updateable: false,
      permissionable: false,
    })),
  ]
  const made = { name: `${parent}${kind}`, describe: companionFlags(owner, kind), fields }
  const key = reference.name.toLowerCase()
  const { fields: own } = makeObject(org, made)
  const field = own.get(key)
  if (field === undefined) return
  own.set(key, { ...field, childRelationshipName: kind === 'Feed' ? 'Feeds' : 'Histories' })
}

const companionFlags = (owner: SObject, kind: 'History' | 'Feed'): Partial<SObjectDescribe> => ({
  label: `${owner.describe.label} ${kind}`,
  labelPlural: `${owner.describe.label} ${kind}`,
  associateEntityType: kind,
  associateParentEntity: owner.name,
  createable: false,
  updateable: false,
  deletable: kind === 'Feed',
  layoutable: kind === 'Feed',
  searchable: false,
  triggerable: false,
  mruEnabled: false,
  undeletable: false,
})

/** Made once: what hundreds of orgs have in common costs as much as one of them. */
const STANDARD: readonly SObject[] = [...pattern().objects.values()].map((object) => ({
  ...object,
  fields: new Map([...object.fields].map(([key, field]) => [key, shared(object, field)] as const)),
}))

/**
 * Adds all standard objects to the org. Each org has its own objects, lists and maps; the fields in them are
 * shared until the org replaces one.
 */
export const addStandardObjects = (org: Org): void => {
  for (const object of STANDARD) {
    org.objects.set(object.name.toLowerCase(), {
      ...object,
      describe: { ...object.describe },
      fields: new Map(object.fields),
      businessProcesses: [],
      recordTypes: [],
      validationRules: [],
      parts: { compactLayouts: [], fieldSets: [], listViews: [], webLinks: [] },
      schemaModifiedAt: org.orgWideModifiedAt,
      ...stamps(org),
    })
  }
}
