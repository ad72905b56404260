// Custom metadata types: objects of `X__mdt` and their fields. Salesforce: Metadata API guide, "Custom
// Metadata Types (CustomObject)"; Help, "Custom Metadata Type Fields", "Custom Metadata Types
// Limitations" and "Custom Metadata Relationships". Texts without a source are ours.

import { customMetadataTypeUse } from '../../../org/edition.ts'
import { controllerOf, makeCustomMetadataType } from '../../../org/custom-metadata.ts'
import type { SObject } from '../../../org/model.ts'
import { isCustomMetadataType } from '../../../org/schema.ts'
import { child, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft, type Outcome } from './draft.ts'
import type { FieldType } from './field-types.ts'
import { checkDeveloperName, checkLength, checkUnmanaged, oneOf, required } from './names.ts'
import { same } from './typed.ts'

/** What the file of a type may contain beside its parts. */
const ELEMENTS = new Set([
  'deprecated',
  'description',
  'gender',
  'label',
  'pluralLabel',
  'startsWith',
  'visibility',
])

/** Creates or changes a custom metadata type; `content` is its file without fields and other parts. */
export function deployCustomMetadataType(
  draft: Draft,
  fullName: string,
  object: SObject | undefined,
  content: MetadataNode,
): Outcome {
  checkUnmanaged(draft.org, 'CustomEntityDefinition', fullName)
  checkDeveloperName('Object', fullName.slice(0, -'__mdt'.length))
  checkDefinition(content)
  if (object !== undefined && same(object.metadata, content)) {
    return { id: object.durableId, created: false, changed: false }
  }
  const made = object === undefined ? create(draft, fullName) : draft.edit(object)
  const label = required(content, 'label')
  if (object !== undefined && object.describe.label !== label) draft.touchOrg()
  Object.assign(made.describe, { label, labelPlural: required(content, 'pluralLabel') })
  Object.assign(made, draft.stamps(object))
  made.metadata = content
  made.description = text(content, 'description') ?? null
  return { id: made.durableId, created: object === undefined, changed: true }
}

function checkDefinition(content: MetadataNode): void {
  for (const element of Object.keys(content)) {
    if (!ELEMENTS.has(element)) {
      throw new Problem(`Cannot specify '${element}' for a custom metadata type`)
    }
  }
  checkLabels(content)
  checkLength('Description', text(content, 'description'), 1000)
  const visibility = text(content, 'visibility')
  if (visibility !== undefined) {
    oneOf('SetupObjectVisibility', ['Public', 'Protected', 'PackageProtected'], visibility)
  }
}

/** Recorded for objects of every kind: forcedotcom/cli#3140. */
export function checkLabels(node: MetadataNode): void {
  if ((text(node, 'label') ?? '') === '') {
    throw new Problem('Must specify a non-empty label for the CustomObject')
  }
  if ((text(node, 'pluralLabel') ?? '') === '') {
    throw new Problem('Must specify a non-empty plural label for the CustomObject')
  }
  checkLength('MasterLabel', text(node, 'label'), 40)
  checkLength('PluralLabel', text(node, 'pluralLabel'), 40)
}

function create(draft: Draft, name: string): SObject {
  const { org } = draft
  if (org.objects.has(name.toLowerCase())) {
    throw new Problem(
      `There is already a deleted object named ${name}. Erase it or choose another name.`,
    )
  }
  const { used, max } = customMetadataTypeUse(org)
  if (used >= max) {
    throw new Problem(
      `Custom metadata type limit reached: the org can have ${max}, deleted ones included`,
    )
  }
  const object = makeCustomMetadataType(org, name)
  draft.added(object)
  return object
}

const FIELD_TYPES: ReadonlySet<FieldType> = new Set<FieldType>([
  'Checkbox',
  'Date',
  'DateTime',
  'Email',
  'LongTextArea',
  'MetadataRelationship',
  'Number',
  'Percent',
  'Phone',
  'Picklist',
  'Text',
  'TextArea',
  'Url',
])

/** Refuses a field that a custom metadata type cannot have, or that only these types can. */
export function checkTypeOfField(
  object: SObject,
  type: FieldType,
  node: MetadataNode,
  before: string | undefined,
): void {
  if (!isCustomMetadataType(object.name)) {
    if (type === 'MetadataRelationship') {
      throw new Problem('Only custom metadata types have fields of type MetadataRelationship')
    }
    return
  }
  if (!FIELD_TYPES.has(type) || text(node, 'formula') !== undefined) {
    throw new Problem(`A custom metadata type has no fields of type ${type}`)
  }
  if (type === 'Picklist') checkValueSet(child(node, 'valueSet'))
  // Salesforce: "You can't update the field type after it has been defined".
  if (before !== undefined && before !== type) {
    throw new Problem(
      `Cannot change the type of a field of a custom metadata type from ${before} to ${type}`,
    )
  }
  const manageability = text(node, 'fieldManageability')
  if (manageability !== undefined) {
    oneOf(
      'FieldManageability',
      ['DeveloperControlled', 'Locked', 'SubscriberControlled'],
      manageability,
    )
  }
}

/** Recorded: forcedotcom/cli#641, which says of global value sets only that there are none. */
function checkValueSet(set: MetadataNode | undefined): void {
  if (text(set, 'valueSetName') !== undefined) {
    throw new Problem('A picklist of a custom metadata type has no global value set')
  }
  if (text(set, 'restricted') !== 'true') {
    throw new Problem('Non-strict picklists are not supported on this object.')
  }
}

/** Entities beside custom metadata types that a metadata relationship may refer to. */
export const METADATA_ENTITIES = ['EntityDefinition', 'EntityParticle', 'FieldDefinition']

/**
 * The object that a metadata relationship refers to, by its API name. One to fields needs another one
 * that names their object. Throws `Problem`.
 */
export function relationshipTarget(draft: Draft, object: SObject, node: MetadataNode): string {
  const target = required(node, 'referenceTo')
  const known = METADATA_ENTITIES.find((name) => name.toLowerCase() === target.toLowerCase())
  const type = isCustomMetadataType(target) ? draft.object(target)?.name : known
  if (type === undefined) {
    throw new Problem(`referenceTo value of '${target}' does not resolve to a valid sObject type`)
  }
  const controlling = text(node, 'metadataRelationshipControllingField')
  if (type === 'FieldDefinition' || type === 'EntityParticle') {
    if (controllerOf(object, controlling) === undefined) {
      throw new Problem(
        `Must specify a relationship to EntityDefinition as 'metadataRelationshipControllingField' for a relationship to ${type}`,
      )
    }
  } else if (controlling !== undefined) {
    throw new Problem(
      `Can not specify 'metadataRelationshipControllingField' for a relationship to ${type}`,
    )
  }
  return type
}
