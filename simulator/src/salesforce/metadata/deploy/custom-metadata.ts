// CustomMetadata: the records of custom metadata types. Salesforce: Metadata API guide,
// "CustomMetadata"; Object Reference, "Custom Metadata Type__mdt". Texts are those of record saves
// unless noted otherwise.

import { recordKey, relatedTo } from '../../../org/custom-metadata.ts'
import type { CustomMetadataRecord, Field, Org, SObject } from '../../../org/model.ts'
import { isCustomMetadataType } from '../../../org/schema.ts'
import { child, nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { readValue } from '../../../records/field-values.ts'
import { planOf, SYSTEM_VIEWER } from '../../../records/plan.ts'
import { RowProblem } from '../../../records/row-errors.ts'
import { liveFields } from '../bodies.ts'
import { metadataFieldType } from '../custom-field.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkLength, checkUnmanaged, flag, noSuch } from './names.ts'
import { same } from './typed.ts'

/** Salesforce: "Custom Metadata Allocations and Usage Calculations", characters of all records. */
const CHARACTERS_MAX = 10_000_000
/** A text area counts as 255 characters, a long one as 1,000, whatever it holds. */
const COUNTED_AS: Record<string, number> = { LongTextArea: 1_000, TextArea: 255 }

type Values = CustomMetadataRecord['values']
type Value = Values[string]

/** Creates a record, or replaces it: a field that the file leaves out is emptied. */
export function deployCustomMetadata(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  const [typeName = '', name = ''] = fullName.split('.')
  const type = draft.object(`${typeName}__mdt`)
  if (type === undefined) {
    // Recorded so: forcedotcom/cli#3140.
    throw new Problem(
      `Custom metadata type ${typeName}__mdt is not available in this organization.`,
    )
  }
  checkUnmanaged(org, 'CustomMetadata', name)
  checkDeveloperName('Custom Metadata Record', name)
  const key = recordKey(type, name)
  const found = org.customMetadata.get(key)
  const content = readRecord(org, type, node)
  if (found !== undefined && same(content, contentOf(found))) {
    return { id: found.id, created: false, changed: false }
  }
  const record: CustomMetadataRecord = {
    id: found?.id ?? org.ids.make(type.describe.keyPrefix ?? 'm00'),
    type: type.name,
    developerName: found?.developerName ?? name,
    ...content,
    ...draft.stamps(found),
  }
  draft.put(org.customMetadata, key, record)
  checkSize(org)
  return { id: record.id, created: found === undefined, changed: true }
}

/** Returns the id of what was deleted, undefined if it did not exist. */
export function deleteCustomMetadata(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const [typeName = '', name = ''] = fullName.split('.')
  const type = draft.object(`${typeName}__mdt`)
  const found = type && org.customMetadata.get(recordKey(type, name))
  if (type === undefined || found === undefined) return undefined
  checkUnmanaged(org, 'CustomMetadata', name)
  draft.put(org.customMetadata, recordKey(type, name), undefined)
  return found.id
}

/** The records of a type are deleted with it. */
export function deleteRecordsOf(draft: Draft, type: SObject): void {
  for (const [key, record] of draft.org.customMetadata) {
    if (record.type === type.name) draft.put(draft.org.customMetadata, key, undefined)
  }
}

/** The values of a field are deleted with it. */
export function emptyField(draft: Draft, type: SObject, field: string): void {
  if (!isCustomMetadataType(type.name)) return
  for (const [key, record] of draft.org.customMetadata) {
    if (record.type !== type.name || record.values[field] === undefined) continue
    const { [field]: _, ...values } = record.values
    draft.put(draft.org.customMetadata, key, { ...record, values })
  }
}

type Content = Pick<CustomMetadataRecord, 'label' | 'description' | 'protected' | 'values'>

const contentOf = (record: CustomMetadataRecord): Content => ({
  label: record.label,
  description: record.description,
  protected: record.protected,
  values: record.values,
})

function readRecord(org: Org, type: SObject, node: MetadataNode): Content {
  const label = text(node, 'label') ?? ''
  if (label === '') {
    throw new Problem('Required fields are missing: [MasterLabel]', 'REQUIRED_FIELD_MISSING')
  }
  checkLength('MasterLabel', label, 40)
  const description = text(node, 'description') ?? null
  checkLength('Description', description ?? undefined, 1000)
  return {
    label,
    description,
    protected: flag(node, 'protected') === true,
    values: readValues(org, type, node),
  }
}

function readValues(org: Org, type: SObject, node: MetadataNode): Values {
  const given = new Map<string, MetadataNode>()
  for (const entry of nodes(node, 'values')) {
    const name = text(entry, 'field') ?? ''
    const field = type.fields.get(name.toLowerCase())
    if (!field?.describe.custom || field.deletedAt) {
      throw noSuch('field', 'CustomField', `${type.name}.${name}`)
    }
    given.set(field.describe.name, entry)
  }
  const fields = liveFields(type).filter(({ describe }) => describe.custom)
  const values: Record<string, Value> = {}
  for (const field of fields) {
    const entry = given.get(field.describe.name)
    const nothing = field.describe.type === 'boolean' ? false : null
    values[field.describe.name] =
      entry === undefined ? nothing : (readOne(org, type, field, entry) ?? nothing)
  }
  const missing = fields.filter(
    ({ describe: { name, nillable, type: kind } }) =>
      !nillable && kind !== 'boolean' && values[name] === null,
  )
  if (missing.length > 0) {
    throw new Problem(
      `Required fields are missing: [${missing.map(({ describe }) => describe.name).join(', ')}]`,
      'REQUIRED_FIELD_MISSING',
    )
  }
  for (const field of fields) checkRelationship(org, type, field, values)
  return values
}

/** XML schema types by the types of fields that accept them. */
const SCHEMA_TYPES: Record<string, readonly string[]> = {
  boolean: ['boolean'],
  date: ['date'],
  datetime: ['dateTime'],
  double: ['decimal', 'double', 'int'],
  percent: ['decimal', 'double', 'int'],
}

/**
 * A value of a file as it is stored. Salesforce: it states its type (`xsi:type`), and is read
 * accordingly.
 */
function readOne(org: Org, type: SObject, field: Field, entry: MetadataNode): Value {
  if (entry['value'] === undefined) return null
  const value = child(entry, 'value')
  const { name, type: kind } = field.describe
  const said = (text(value, '@type') ?? '').replace(/^.*:/, '')
  const takes = SCHEMA_TYPES[kind] ?? ['string', 'picklist']
  if (value === undefined || !takes.includes(said)) {
    throw new Problem(
      `The value of ${name} must say that it is of the type xsd:${takes[0] ?? ''} (xsi:type)`,
    )
  }
  const written = text(value, '#text') ?? ''
  if (kind === 'reference') return written === '' ? null : written
  const plan = planOf(org, type, SYSTEM_VIEWER).fields.get(name.toLowerCase())
  if (plan === undefined) return null
  try {
    return readValue(plan, written, {})
  } catch (error) {
    const [first] = error instanceof RowProblem ? error.errors : []
    if (first === undefined) throw error
    throw new Problem(first.message, first.statusCode)
  }
}

/** What a relationship names must exist: a record, an object, or a field of the object beside it. */
function checkRelationship(org: Org, type: SObject, field: Field, values: Values): void {
  const { name, type: kind } = field.describe
  const value = values[name]
  if (kind !== 'reference' || typeof value !== 'string') return
  const target = relatedTo(org, type, field, values)
  if (target === undefined) {
    const [kindOfTarget = ''] = field.describe.referenceTo
    throw noSuch(name, isCustomMetadataType(kindOfTarget) ? 'CustomMetadata' : kindOfTarget, value)
  }
}

function checkSize(org: Org): void {
  let characters = 0
  for (const { type, developerName, label, description, values } of org.customMetadata.values()) {
    const fields = org.objects.get(type.toLowerCase())?.fields
    characters += developerName.length + label.length + (description ?? '').length
    for (const [name, value] of Object.entries(values)) {
      const field = fields?.get(name.toLowerCase())
      const counted = field && COUNTED_AS[metadataFieldType(field.describe)]
      if (value !== null) characters += counted ?? String(value).length
    }
  }
  if (characters > CHARACTERS_MAX) {
    // Recorded: deejay-hub/timeline-lwc#188.
    throw new Problem(
      'Custom metadata limit exceeded. Your organization has reached its custom metadata maximum limit.',
      'LIMIT_EXCEEDED',
    )
  }
}
