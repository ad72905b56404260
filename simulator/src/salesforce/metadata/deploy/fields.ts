// CustomField: created, changed, and the checks that need the org. Salesforce: Metadata API guide,
// "CustomField"; Help, "Considerations for Relationships" and "Notes on Changing Custom Field Types".

import {
  countedFields,
  customFieldLimit,
  EXTERNAL_ID_LIMIT,
  LONG_TEXT_LIMIT,
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
import { checkCircle, checkFormula } from './formula.ts'
import { checkDeveloperName, checkUnmanaged, flag, noObject, required, whole } from './names.ts'
import { asEventField, checkFieldOfEvent } from './platform-events.ts'
import { checkRelationship, rowsOf } from './relationships.ts'
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
  checkLongTextRoom(object, type, node, found)
  if (found !== undefined) checkTypeChange(found, type, node)
  const fieldName = found?.describe.name ?? name
  checkFormulas(draft, object, fieldName, type, node)
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

const isLongText = (field: Field): boolean =>
  ['LongTextArea', 'Html'].includes(typeOf(field)) && field.describe.custom && !field.deletedAt

/** The words are ours. */
function checkLongTextRoom(
  object: SObject,
  type: FieldType,
  node: MetadataNode,
  found: Field | undefined,
): void {
  if (type !== 'LongTextArea' && type !== 'Html') return
  const length = whole(node, 'length') ?? 0
  const before = found !== undefined && isLongText(found) ? found.describe.length : 0
  const others = [...object.fields.values()].filter((field) => field !== found && isLongText(field))
  const total = others.reduce((sum, { describe }) => sum + describe.length, length)
  if (length <= before || total <= LONG_TEXT_LIMIT) return
  throw new Problem(
    `Long text limit reached: the long and rich texts of ${object.name} can have ${LONG_TEXT_LIMIT} characters together`,
  )
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

/** What a formula of a field of the type results in. */
const RESULT_TYPES: Partial<Record<FieldType, ValueType>> = {
  Checkbox: 'Boolean',
  Currency: 'Number',
  Date: 'Date',
  DateTime: 'DateTime',
  Number: 'Number',
  Percent: 'Number',
  Time: 'Time',
}

/** The formula of a field, and that of its default value: a checkbox has a constant instead. */
function checkFormulas(
  draft: Draft,
  object: SObject,
  name: string,
  type: FieldType,
  node: MetadataNode,
): void {
  const expected = RESULT_TYPES[type] ?? 'Text'
  const formula = text(node, 'formula')
  if (formula !== undefined) {
    checkFormula(draft, object, formula, { expected, use: 'field' })
    checkCircle(draft, object, name, formula)
  }
  const value = text(node, 'defaultValue')
  if (value === undefined || value === '' || type === 'Checkbox') return
  checkFormula(draft, object, value, {
    // Seen in a file of SalesforceFoundation/PMM: NOW() is taken as the default value of a date.
    expected: expected === 'Date' ? 'Unknown' : expected,
    use: 'default',
  })
}

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
