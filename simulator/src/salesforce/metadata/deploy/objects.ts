// CustomObject, RecordType and ValidationRule. Salesforce: Metadata API guide, types of these names.

import { isActivity } from '../../../org/activities.ts'
import { customObjectUse } from '../../../org/edition.ts'
import type { RecordType, SObject, SObjectDescribe, ValidationRule } from '../../../org/model.ts'
import {
  freeKeyPrefix,
  isCustomizable,
  isCustomMetadataType,
  isPlatformEvent,
  makeField,
  makeObject,
  recordTypeField,
  systemFields,
} from '../../../org/schema.ts'
import { child, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { childTypes } from '../component.ts'
import { assignedCompactLayout } from './compact-layouts.ts'
import { checkLabels, deployCustomMetadataType } from './custom-metadata-types.ts'
import { checkNoSetting, deployCustomSetting } from './custom-settings.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDisplayFormat } from './field-types.ts'
import { checkFormula } from './formula.ts'
import {
  checkDeveloperName,
  checkLength,
  checkUnmanaged,
  flag,
  noObject,
  noSuch,
  oneOf,
  required,
} from './names.ts'
import { deployPlatformEvent } from './platform-events.ts'
import { readPicklists, readProcess } from './record-type-values.ts'
import { same, typed } from './typed.ts'

/**
 * What does not belong to the object itself: components of their own, and what is stored beside its
 * metadata.
 */
const CHILDREN = childTypes.flatMap(({ parent, element }) =>
  parent === 'CustomObject' ? element : [],
)
/** Parts of an object's file that are components of their own and that this simulator does not have. */
const UNSIMULATED_PARTS = [
  'externalDataSource',
  'indexes',
  'namedFilter',
  'sharingReasons',
  'sharingRecalculations',
]
const SHARING = [
  'ControlledByParent',
  'FullAccess',
  'Private',
  'Read',
  'ReadWrite',
  'ReadWriteTransfer',
] as const

export function deployObject(draft: Draft, { fullName, node }: Item): Outcome {
  for (const part of UNSIMULATED_PARTS) {
    if (node[part] !== undefined) throw new NotDone(`does not deploy ${part}`)
  }
  const content = typed(
    Object.fromEntries(Object.entries(node).filter(([element]) => !CHILDREN.includes(element))),
  )
  delete content['fullName']
  const object = draft.object(fullName)
  if (isCustomMetadataType(fullName)) {
    return deployCustomMetadataType(draft, fullName, object, content)
  }
  if (isPlatformEvent(fullName)) return deployPlatformEvent(draft, fullName, object, content)
  delete content['compactLayoutAssignment']
  const compactLayout = assignedCompactLayout(
    fullName,
    object,
    node,
    nodes(node, 'compactLayouts').flatMap((each) => texts(each, 'fullName')),
  )
  if (!/__c$/i.test(fullName)) {
    return deployStandardObject(draft, fullName, object, { content, compactLayout })
  }
  checkUnmanaged(draft.org, 'CustomEntityDefinition', fullName)
  checkDeveloperName('Object', fullName.slice(0, -3))
  if (content['customSettingsType'] !== undefined || object?.describe.customSetting === true) {
    return deployCustomSetting(draft, fullName, object, content)
  }
  checkDefinition(object, node)
  const reassigned = compactLayout !== undefined && compactLayout !== object?.compactLayout
  if (object !== undefined && same(object.metadata, content) && !reassigned) {
    return { id: object.durableId, created: false, changed: false }
  }
  const made = object === undefined ? create(draft, fullName, node) : draft.edit(object)
  if (object !== undefined && object.describe.label !== text(node, 'label')) draft.touchOrg()
  Object.assign(made.describe, describeOf(node))
  Object.assign(made, draft.stamps(object))
  made.metadata = content
  if (compactLayout !== undefined) made.compactLayout = compactLayout
  made.description = text(node, 'description') ?? null
  made.sharingModel = text(node, 'sharingModel') ?? made.sharingModel
  made.deploymentStatus =
    text(node, 'deploymentStatus') === 'InDevelopment' ? 'InDevelopment' : 'Deployed'
  putNameField(draft, made, child(node, 'nameField') ?? {})
  return { id: made.durableId, created: object === undefined, changed: true }
}

function deployStandardObject(
  draft: Draft,
  name: string,
  object: SObject | undefined,
  file: { content: MetadataNode; compactLayout: string | null | undefined },
): Outcome {
  if (object === undefined) throw noObject('fullName', name)
  const sharing = file.content['sharingModel']
  const shared = typeof sharing === 'string' && sharing !== object.sharingModel
  if (shared) draft.edit(object).sharingModel = oneOf('SharingModel', SHARING, sharing)
  const { compactLayout = object.compactLayout } = file
  const assigned = compactLayout !== object.compactLayout
  if (assigned) draft.editQuietly(object).compactLayout = compactLayout
  return { id: object.durableId, created: false, changed: shared || assigned }
}

/** What a custom object needs. Salesforce: a file with only fields does not define the object. */
function checkDefinition(object: SObject | undefined, node: MetadataNode): void {
  checkLabels(node)
  checkLength('Description', text(node, 'description'), 1000)
  const nameField = child(node, 'nameField')
  const nameType = text(nameField, 'type')
  if (nameField === undefined || (nameType !== 'Text' && nameType !== 'AutoNumber')) {
    throw new Problem('Must specify a nameField of type Text or AutoNumber')
  }
  required(nameField, 'label')
  if (nameType === 'AutoNumber') checkDisplayFormat(text(nameField, 'displayFormat'))
  oneOf('DeploymentStatus', ['InDevelopment', 'Deployed'], required(node, 'deploymentStatus'))
  const sharing = oneOf('SharingModel', SHARING, required(node, 'sharingModel'))
  const details =
    nodes(node, 'fields').some((field) => text(field, 'type') === 'MasterDetail') ||
    [...(object?.fields.values() ?? [])].some(
      (field) => !field.deletedAt && field.describe.relationshipOrder !== null,
    )
  if (details !== (sharing === 'ControlledByParent')) {
    throw new Problem(
      `Cannot set sharingModel to ${sharing} on a CustomObject ${details ? 'with a' : 'without a'} MasterDetail relationship field`,
    )
  }
}

function create(draft: Draft, name: string, node: MetadataNode): SObject {
  const { org } = draft
  // Salesforce: a deleted object keeps its name until it is erased.
  if (org.objects.has(name.toLowerCase())) {
    throw new Problem(
      `There is already a deleted object named ${name}. Erase it or choose another name.`,
    )
  }
  const { used, max } = customObjectUse(org)
  if (used >= max) {
    throw new Problem(
      `Custom object limit reached: the org can have ${max} custom objects, deleted ones included`,
    )
  }
  const object = makeObject(org, {
    name,
    label: text(node, 'label') ?? name,
    describe: { keyPrefix: freeKeyPrefix(org) },
    fields: systemFields(text(node, 'sharingModel') !== 'ControlledByParent'),
  })
  draft.added(object)
  return object
}

function describeOf(node: MetadataNode): Partial<SObjectDescribe> {
  return {
    label: text(node, 'label') ?? '',
    labelPlural: text(node, 'pluralLabel') ?? '',
    feedEnabled: flag(node, 'enableFeeds') === true,
    searchable: flag(node, 'enableSearch') !== false,
  }
}

function putNameField(draft: Draft, object: SObject, node: MetadataNode): void {
  const autoNumber = text(node, 'type') === 'AutoNumber'
  const before = object.fields.get('name')
  const field = makeField(draft.org, {
    name: 'Name',
    type: 'string',
    label: text(node, 'label') ?? 'Name',
    length: autoNumber ? 30 : 80,
    nameField: true,
    idLookup: true,
    autoNumber,
    // Recorded: a name that is not given is generated, for both types.
    defaultedOnCreate: true,
    // Salesforce: a name that users enter may be left out, and is then the row's id.
    nillable: !autoNumber,
  })
  object.fields.set('name', before === undefined ? field : { ...field, id: before.id })
}

export function deployRecordType(draft: Draft, { fullName, node }: Item): Outcome {
  const [objectName = '', name = ''] = fullName.split('.')
  const object = draft.object(objectName)
  if (object === undefined) throw noObject('fullName', objectName)
  checkHoldsRecords(object, 'record types')
  // Salesforce: neither the tables that it keeps about other objects have any, nor have users.
  if (!isCustomizable(object) || isActivity(object) || object.name === 'User') {
    throw new Problem(`${object.name} does not support record types`)
  }
  checkDeveloperName('Record Type', name)
  const label = required(node, 'label')
  checkLength('Name', label, 80)
  checkLength('Description', text(node, 'description'), 255)
  const active = flag(node, 'active')
  if (active === undefined)
    throw new Problem('Required field is missing: active', 'REQUIRED_FIELD_MISSING')
  assignedCompactLayout(object.name, object, node)

  const before = object.recordTypes.find(
    ({ developerName }) => developerName.toLowerCase() === name.toLowerCase(),
  )
  const process = readProcess(object, node)
  const { fullName: _, picklistValues: _lists, ...content } = node
  const picklistValues = readPicklists(object, node, before)
  const metadata = typed({ ...content, ...(picklistValues.length > 0 && { picklistValues }) })
  if (before?.metadata !== undefined && same(before.metadata, metadata)) {
    return { id: before.id, created: false, changed: false }
  }
  draft.edit(object)
  const made: RecordType = {
    id: before?.id ?? draft.org.ids.make('012'),
    developerName: before?.developerName ?? name,
    name: label,
    active,
    isDefault: before?.isDefault ?? false,
    description: text(node, 'description') ?? null,
    ...(process && { businessProcess: process.name }),
    metadata,
    ...draft.stamps(before),
  }
  object.recordTypes =
    before === undefined
      ? [...object.recordTypes, made]
      : object.recordTypes.map((each) => (each === before ? made : each))
  // Salesforce: with its first record type an object gets a field for them.
  if (!object.fields.has('recordtypeid')) {
    object.fields.set('recordtypeid', makeField(draft.org, recordTypeField()))
  }
  return { id: made.id, created: before === undefined, changed: true }
}

/** Settings and messages are no records: they have neither record types nor rules. */
function checkHoldsRecords(object: SObject, what: string): void {
  checkNoSetting(object, what)
  if (isPlatformEvent(object.name)) {
    throw new Problem(`The platform event ${object.name} cannot have ${what}`)
  }
}

export function deployValidationRule(draft: Draft, { fullName, node }: Item): Outcome {
  const [objectName = '', name = ''] = fullName.split('.')
  const object = draft.object(objectName)
  if (object === undefined) throw noObject('fullName', objectName)
  checkHoldsRecords(object, 'validation rules')
  if (isCustomMetadataType(objectName)) {
    throw new NotDone('does not deploy validation rules of custom metadata types')
  }
  if (!isCustomizable(object)) {
    throw new Problem(`${object.name} does not support validation rules`)
  }
  checkUnmanaged(draft.org, 'ValidationRule', name)
  checkDeveloperName('Validation Rule', name)
  const active = flag(node, 'active')
  if (active === undefined)
    throw new Problem('Required field is missing: active', 'REQUIRED_FIELD_MISSING')
  const formula = required(node, 'errorConditionFormula')
  const errorMessage = required(node, 'errorMessage')
  checkLength('ErrorMessage', errorMessage, 255)
  checkLength('Description', text(node, 'description'), 255)
  checkFormula(draft, object, formula, { expected: 'Boolean', use: 'rule' })
  const display = text(node, 'errorDisplayField')
  if (display !== undefined) {
    const field = object.fields.get(display.toLowerCase())
    if (field === undefined || field.deletedAt) {
      throw noSuch('errorDisplayField', 'CustomField', `${object.name}.${display}`)
    }
  }
  const before = object.validationRules.find(
    (rule) => rule.name.toLowerCase() === name.toLowerCase(),
  )
  const content = {
    active,
    description: text(node, 'description') ?? null,
    errorConditionFormula: formula,
    errorMessage,
    errorDisplayField: display ?? null,
  }
  const now =
    before &&
    Object.fromEntries(
      Object.keys(content).map((key) => [key, before[key as keyof ValidationRule]]),
    )
  if (before !== undefined && same(now, content)) {
    return { id: before.id, created: false, changed: false }
  }
  draft.editQuietly(object)
  const made: ValidationRule = {
    id: before?.id ?? draft.org.ids.make('03d'),
    name: before?.name ?? name,
    namespace: null,
    ...content,
    ...draft.stamps(before),
  }
  object.validationRules =
    before === undefined
      ? [...object.validationRules, made]
      : object.validationRules.map((each) => (each === before ? made : each))
  return { id: made.id, created: before === undefined, changed: true }
}
