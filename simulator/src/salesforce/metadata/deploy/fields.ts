// CustomField: created, changed, and the checks that need the org. Salesforce: Metadata API guide,
// "CustomField"; Help, "Considerations for Relationships" and "Notes on Changing Custom Field Types".

import {
  countedFields,
  customFieldLimit,
  EXTERNAL_ID_LIMIT,
  MASTER_DETAIL_LIMIT,
  RELATIONSHIP_LIMIT,
  ROLLUP_LIMIT,
} from '../../../org/edition.ts'
import { showingFieldsOf, showsActivityFields } from '../../../org/activities.ts'
import type { Field, SObject } from '../../../org/model.ts'
import {
  isCustomizable,
  isCustomMetadataType,
  makeField,
  systemFields,
  type FieldSpec,
} from '../../../org/schema.ts'
import { metadataFieldType } from '../custom-field.ts'
import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { convertValues } from './conversions.ts'
import { checkTypeOfField } from './custom-metadata-types.ts'
import { checkFieldOfSetting } from './custom-settings.ts'
import { reckonDependents } from './dependencies.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { coordinateSpecs, shapeOf, type FieldShape } from './field-shape.ts'
import { checkProperties, readType, type FieldType } from './field-types.ts'
import type { ValueType } from '../../../formula/types.ts'
import { checkFormula } from './formula.ts'
import { checkDeveloperName, checkUnmanaged, flag, noObject, required } from './names.ts'
import { asEventField, checkFieldOfEvent } from './platform-events.ts'
import { same, typed } from './typed.ts'

export function deployField(draft: Draft, { fullName, node }: Item): Outcome {
  const [objectName = '', name = ''] = fullName.split('.')
  const object = draft.object(objectName)
  if (object === undefined) throw noObject('fullName', objectName)
  const found = object.fields.get(name.toLowerCase())
  if (!/__c$/i.test(name)) return deployStandardField(draft, object, name, found, node)
  checkUnmanaged(draft.org, 'CustomFieldDefinition', name)
  checkDeveloperName('Field', name.slice(0, -3))
  // Salesforce: the objects on which no custom fields can be defined are not values of this list.
  if (!isCustomizable(object) || showsActivityFields(object)) {
    throw new Problem(
      `Entity Enumeration Or ID: bad value for restricted picklist field: ${object.name}`,
    )
  }

  const type = readType(node)
  const isMetadata = isCustomMetadataType(object.name)
  checkProperties(type, node, isMetadata ? 'fieldManageability' : undefined)
  required(node, 'label')
  checkFieldOfSetting(object, type, node)
  checkFieldOfEvent(object, type, node)
  checkTypeOfField(object, type, node, found && typeOf(found))
  checkLongText(object, type)
  if (found !== undefined) checkTypeChange(found, type, node)
  const formula = text(node, 'formula')
  if (formula !== undefined) checkFormula(draft, object, formula, RESULT_TYPES[type] ?? 'Number')
  const fieldName = found?.describe.name ?? name
  const shape = shapeOf(draft, object, fieldName, type, node, found)
  const { fullName: _, ...content } = shape.metadata
  const metadata = typed(content)
  if (found?.metadata !== undefined && same(found.metadata, metadata)) {
    return { id: found.id, created: false, changed: false }
  }
  const relationship = checkRelationship(draft, object, fieldName, type, node, found)
  if (flag(node, 'externalId') === true) checkExternalIds(object, found)
  if (found === undefined) checkLimits(draft, object, type)
  else {
    for (const each of showingFieldsOf(draft.org, object)) {
      convertValues(draft, each, { field: found, from: typeOf(found), to: type, spec: shape.spec })
    }
  }

  if (shape.spec.unique === true) checkNoDuplicates(draft, object, found)

  draft.edit(object)
  const spec = { ...shape.spec, ...asEventField(object) }
  const made = makeField(draft.org, spec, { secured: shape.secured })
  const field: Field = {
    ...made,
    ...draft.stamps(found),
    ...(found === undefined ? {} : { id: found.id }),
    description: text(node, 'description') ?? null,
    metadata,
    ...(shape.globalValueSet === undefined ? {} : { globalValueSet: shape.globalValueSet }),
    ...(relationship === undefined ? {} : { childRelationshipName: relationship }),
  }
  object.fields.set(fieldName.toLowerCase(), field)
  reckonDependents(object, fieldName)
  if (type === 'Location') putCoordinates(draft, object, shape)
  showOnOthers(draft, object)
  for (const target of field.describe.referenceTo) draft.touch(target)
  if (type === 'MasterDetail') becomeDetail(draft, object)
  if (found !== undefined && found.describe.label !== field.describe.label) draft.touchOrg()
  return { id: field.id, created: found === undefined, changed: true }
}

/** Custom fields of activities appear on tasks and events as they are. */
function showOnOthers(draft: Draft, object: SObject): void {
  for (const other of showingFieldsOf(draft.org, object).slice(1)) {
    draft.edit(other)
    for (const [key, field] of object.fields) {
      if (field.describe.custom) other.fields.set(key, field)
    }
  }
}

/** Salesforce Help, "Custom Field Types", Text Area (Long). The words are ours. */
function checkLongText({ name }: SObject, type: FieldType): void {
  if (type === 'LongTextArea' && /^(Activity|OpportunityLineItem)$/.test(name)) {
    throw new Problem(`Text Area (Long) fields aren't available for ${name}`)
  }
}

/** Salesforce: for a standard field, a deployment changes what an administrator may set. */
function deployStandardField(
  draft: Draft,
  object: SObject,
  name: string,
  found: Field | undefined,
  node: MetadataNode,
): Outcome {
  if (found === undefined || found.describe.custom) {
    throw new Problem("Could not resolve standard field's name.")
  }
  const help = text(node, 'inlineHelpText') ?? null
  const changed = help !== found.describe.inlineHelpText
  if (changed) {
    draft.edit(object).fields.set(name.toLowerCase(), {
      ...found,
      ...draft.stamps(found),
      describe: { ...found.describe, inlineHelpText: help },
    })
  }
  return { id: '', created: false, changed }
}

/**
 * Salesforce: a field can become unique only if no two records have the same value, including those in
 * the recycle bin, which could be restored. The words are ours.
 */
function checkNoDuplicates(draft: Draft, object: SObject, found: Field | undefined): void {
  if (found === undefined || found.describe.unique) return
  const { name, caseSensitive } = found.describe
  const seen = new Map<string, string>()
  for (const row of rowsOf(draft, object)) {
    const value = row[name] ?? null
    if (typeof value !== 'string' && typeof value !== 'number') continue
    const key = caseSensitive === true ? String(value) : String(value).toLowerCase()
    const other = seen.get(key)
    if (other !== undefined) {
      throw new Problem(
        `duplicate value found: ${name} duplicates value on record with id: ${other.slice(0, 15)}`,
        'DUPLICATE_VALUE',
      )
    }
    seen.set(key, row.Id)
  }
}

/** The result of a formula field of a type that is not a number. */
const RESULT_TYPES: Partial<Record<FieldType, ValueType>> = {
  Checkbox: 'Boolean',
  Date: 'Date',
  DateTime: 'DateTime',
  Text: 'Text',
  Time: 'Time',
}

const rowsOf = (draft: Draft, object: SObject) =>
  showingFieldsOf(draft.org, object).flatMap(({ name }) => [
    ...(draft.org.records.get(name.toLowerCase())?.values() ?? []),
  ])

/** Types that Salesforce's Help says no field is converted to or from. */
const UNCHANGING: ReadonlySet<string> = new Set(['Summary', 'Location', 'EncryptedText'])

const typeOf = ({ describe, metadata }: Field): string => {
  const deployed = metadata?.['type']
  return typeof deployed === 'string' ? deployed : metadataFieldType(describe)
}

function checkTypeChange(found: Field, type: FieldType, node: MetadataNode): void {
  const { describe } = found
  const wasFormula = describe.calculated && describe.calculatedFormula !== null
  const isFormula = text(node, 'formula') !== undefined
  if (wasFormula && !isFormula) {
    throw new Problem('Cannot update a field from a Formula to something else')
  }
  if (!wasFormula && isFormula) {
    throw new Problem('Cannot update a field to a Formula from something else')
  }
  const wasType = typeOf(found)
  if (wasType === type) return
  if (UNCHANGING.has(wasType) || UNCHANGING.has(type)) {
    throw new Problem(`Cannot change the type of a field from ${wasType} to ${type}`)
  }
}

/** Checks a lookup or master-detail field; returns the parent's name for the children. */
function checkRelationship(
  draft: Draft,
  object: SObject,
  name: string,
  type: FieldType,
  node: MetadataNode,
  found: Field | undefined,
): string | null | undefined {
  if (!['Lookup', 'MasterDetail', 'MetadataRelationship'].includes(type)) return undefined
  const target = required(node, 'referenceTo')
  // References to setup objects have already been checked, and those do not list their children.
  if (type === 'MetadataRelationship' && !isCustomMetadataType(target)) return null
  const parent = draft.object(target)
  if (parent === undefined) {
    throw new Problem(`referenceTo value of '${target}' does not resolve to a valid sObject type`)
  }
  if (found !== undefined && !found.describe.referenceTo.includes(parent.name)) {
    throw new Problem('Cannot change the object that a relationship field refers to')
  }
  if (NO_TARGETS.has(parent.name) || parent.describe.customSetting) {
    throw new Problem(`referenceTo value of '${target}' does not resolve to a valid sObject type`)
  }
  if (type === 'MasterDetail') checkMasterDetail(draft, object, parent, name, found)
  else if (text(node, 'deleteConstraint') === 'Cascade' && !object.describe.custom) {
    // Salesforce: Help, "Lookup relationships": cascading deletes are for custom objects only.
    throw new Problem('Cascade delete is not allowed for lookup fields on a standard object')
  }
  const own = text(node, 'relationshipName')
  if (own === undefined) {
    if (found !== undefined) return found.childRelationshipName
    if (type !== 'MasterDetail') return null
    throw new Problem("Must specify 'relationshipName' for a CustomField of type MasterDetail")
  }
  checkDeveloperName('Child Relationship', own)
  const wanted = `${own}__r`
  for (const child of draft.org.objects.values()) {
    for (const field of child.fields.values()) {
      if (field === found || field.deletedAt || child.deletedAt) continue
      if (!field.describe.referenceTo.includes(parent.name)) continue
      if (field.childRelationshipName?.toLowerCase() === wanted.toLowerCase()) {
        throw new Problem(`There is already a Child Relationship named ${own} on ${parent.name}.`)
      }
    }
  }
  return wanted
}

/** Salesforce: no custom relationship points to an activity. */
const NO_TARGETS = new Set(['Task', 'Event', 'Activity'])
/** Salesforce: SOAP API guide, "Relationships Among Objects". */
const NO_MASTERS = new Set(['User', 'Lead'])

function checkMasterDetail(
  draft: Draft,
  object: SObject,
  parent: SObject,
  name: string,
  found: Field | undefined,
): void {
  if (!object.describe.custom) {
    throw new Problem('A standard object cannot be on the detail side of a relationship')
  }
  if (NO_MASTERS.has(parent.name)) {
    throw new Problem(`${parent.name} cannot be the master of a master-detail relationship`)
  }
  // Salesforce: Help, "Considerations for Object Relationships".
  if (parent === object) {
    throw new Problem('A relationship from an object to itself must be a lookup')
  }
  const others = [...object.fields.values()].filter(
    (field) => field !== found && !field.deletedAt && field.describe.relationshipOrder !== null,
  )
  if (others.length >= MASTER_DETAIL_LIMIT) {
    throw new Problem(
      `An object can have ${MASTER_DETAIL_LIMIT} master-detail relationships at most`,
    )
  }
  if (found?.describe.relationshipOrder === null || found === undefined) {
    // Salesforce: instead, create a lookup, fill it in every row, and convert it.
    if (rowsOf(draft, object).some((row) => (row[name] ?? null) === null)) {
      throw new Problem(
        'You cannot create a master-detail relationship because this object has records without a parent',
      )
    }
  }
}

function checkLimits(draft: Draft, object: SObject, type: FieldType): void {
  const counted = countedFields(object)
  const needs = type === 'Location' ? 3 : 1
  const limit = customFieldLimit(draft.org, object)
  if (counted.length + needs > limit) {
    throw new Problem(
      `Custom field limit reached: ${object.name} can have ${limit} custom fields, deleted ones included`,
    )
  }
  const references = counted.filter(({ describe }) => describe.type === 'reference')
  if (['Lookup', 'MasterDetail'].includes(type) && references.length >= RELATIONSHIP_LIMIT) {
    throw new Problem(
      `Relationship limit reached: ${object.name} can have ${RELATIONSHIP_LIMIT} relationship fields`,
    )
  }
  const rollups = counted.filter((field) => typeOf(field) === 'Summary')
  if (type === 'Summary' && rollups.length >= ROLLUP_LIMIT) {
    throw new Problem(
      `Roll-up summary limit reached: ${object.name} can have ${ROLLUP_LIMIT} roll-up summary fields`,
    )
  }
}

/** Salesforce's support raises the limit for some orgs; the simulator has no such orgs. */
function checkExternalIds(object: SObject, found: Field | undefined): void {
  const others = [...object.fields.values()].filter(
    (field) => field !== found && !field.deletedAt && field.describe.externalId,
  )
  if (others.length >= EXTERNAL_ID_LIMIT) {
    throw new Problem(
      `External ID limit reached: ${object.name} can have ${EXTERNAL_ID_LIMIT} external ID fields`,
    )
  }
}

function putCoordinates(draft: Draft, object: SObject, { spec, secured }: FieldShape): void {
  for (const part of coordinateSpecs(spec)) {
    const before = object.fields.get(part.name.toLowerCase())
    object.fields.set(part.name.toLowerCase(), {
      ...makeField(draft.org, part, { secured }),
      ...draft.stamps(before),
    })
  }
}

/** Salesforce: a detail belongs to its master. It has no owner of its own and no sharing model. */
function becomeDetail(draft: Draft, object: SObject): void {
  draft.edit(object)
  object.sharingModel = 'ControlledByParent'
  object.fields.delete('ownerid')
}

/** The last master-detail field is gone: the rows have owners again. */
export function becomeIndependent(draft: Draft, object: SObject): void {
  draft.edit(object)
  object.sharingModel = 'ReadWrite'
  const owner: FieldSpec | undefined = systemFields(true).find(({ name }) => name === 'OwnerId')
  if (owner !== undefined) object.fields.set('ownerid', makeField(draft.org, owner))
}
