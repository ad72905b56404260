// Platform events: custom objects `X__e` whose rows are messages. Salesforce: Metadata API guide,
// "CustomObject" (eventType, publishBehavior); Platform Events guide, "Platform Event Fields" and
// "Platform Event Allocations". Texts without a source are ours.

import type { Org, SObject, SObjectDescribe } from '../../../org/model.ts'
import {
  freeKeyPrefix,
  isPlatformEvent,
  makeObject,
  platformEventFields,
  type FieldSpec,
} from '../../../org/schema.ts'
import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { checkLabels } from './custom-metadata-types.ts'
import { Problem, type Draft, type Outcome } from './draft.ts'
import type { FieldType } from './field-types.ts'
import { checkDeveloperName, checkLength, checkUnmanaged, flag, oneOf, required } from './names.ts'
import { same } from './typed.ts'

const ELEMENTS = new Set([
  'deploymentStatus',
  'description',
  'eventType',
  'gender',
  'label',
  'pluralLabel',
  'publishBehavior',
  'startsWith',
])

/** "Platform Event Allocations", event definitions. */
const MAX: Record<Org['edition'], number> = {
  Professional: 5,
  Enterprise: 50,
  Unlimited: 100,
  Developer: 5,
}

/** Creates or changes an event; `content` is its file without fields. */
export function deployPlatformEvent(
  draft: Draft,
  fullName: string,
  object: SObject | undefined,
  content: MetadataNode,
): Outcome {
  checkUnmanaged(draft.org, 'CustomEntityDefinition', fullName)
  checkDeveloperName('Object', fullName.slice(0, -3))
  checkDefinition(content)
  if (object !== undefined && same(object.metadata, content)) {
    return { id: object.durableId, created: false, changed: false }
  }
  const before = object?.metadata?.['eventType']
  if (before !== undefined && before !== content['eventType']) {
    throw new Problem(`Cannot change the eventType of ${fullName}`)
  }
  const label = required(content, 'label')
  const made = object === undefined ? create(draft, fullName) : draft.edit(object)
  if (object !== undefined && object.describe.label !== label) draft.touchOrg()
  Object.assign(made.describe, { label, labelPlural: required(content, 'pluralLabel') })
  Object.assign(made, draft.stamps(object))
  made.metadata = content
  made.description = text(content, 'description') ?? null
  made.deploymentStatus =
    text(content, 'deploymentStatus') === 'InDevelopment' ? 'InDevelopment' : 'Deployed'
  return { id: made.durableId, created: object === undefined, changed: true }
}

function checkDefinition(content: MetadataNode): void {
  for (const element of Object.keys(content)) {
    // What real files switch off is switched off for every event.
    const isOff = /^(allow|enable)/.test(element) && flag(content, element) === false
    if (!ELEMENTS.has(element) && !isOff) {
      throw new Problem(`Cannot specify '${element}' for a platform event`)
    }
  }
  checkLabels(content)
  checkLength('Description', text(content, 'description'), 1000)
  oneOf('DeploymentStatus', ['InDevelopment', 'Deployed'], required(content, 'deploymentStatus'))
  oneOf('PlatformEventType', ['HighVolume', 'StandardVolume'], required(content, 'eventType'))
  const behavior = text(content, 'publishBehavior')
  if (behavior !== undefined) {
    const behaviors = ['PublishAfterCommit', 'PublishImmediately']
    oneOf('PlatformEventPublishBehavior', behaviors, behavior)
  }
}

/** Messages can be published, and neither read nor changed: "create(), describeSObjects()". */
const FLAGS: Partial<SObjectDescribe> = {
  deletable: false,
  layoutable: false,
  mruEnabled: false,
  queryable: false,
  replicateable: false,
  retrieveable: false,
  searchable: false,
  undeletable: false,
  updateable: false,
}

function create(draft: Draft, name: string): SObject {
  const { org } = draft
  if (org.objects.has(name.toLowerCase())) {
    throw new Problem(
      `There is already a deleted object named ${name}. Erase it or choose another name.`,
    )
  }
  const own = [...org.objects.values()].filter(
    (each) => isPlatformEvent(each.name) && each.namespace === null,
  )
  const max = MAX[org.edition]
  if (own.length >= max) {
    throw new Problem(`reached maximum number of platform events: ${max}`, 'LIMIT_EXCEEDED')
  }
  const object = makeObject(org, {
    name,
    describe: { ...FLAGS, keyPrefix: freeKeyPrefix(org, 'e') },
    fields: platformEventFields(),
  })
  draft.added(object)
  return object
}

const FIELD_TYPES: ReadonlySet<FieldType> = new Set<FieldType>([
  'Checkbox',
  'Date',
  'DateTime',
  'LongTextArea',
  'Number',
  'Text',
])

/** Refuses a field that an event cannot have. */
export function checkFieldOfEvent(object: SObject, type: FieldType, node: MetadataNode): void {
  if (!isPlatformEvent(object.name)) return
  if (!FIELD_TYPES.has(type) || text(node, 'formula') !== undefined) {
    throw new Problem(`A platform event has no fields of type ${type}`)
  }
  for (const element of ['unique', 'externalId']) {
    if (flag(node, element) === true) {
      throw new Problem(`Cannot specify '${element}' for a field of a platform event`)
    }
  }
}

/** What differs in the describe of a message's field: it is published once, and no query reads it. */
export const asEventField = (object: SObject): Partial<FieldSpec> =>
  isPlatformEvent(object.name)
    ? {
        aggregatable: false,
        filterable: false,
        groupable: false,
        permissionable: false,
        sortable: false,
        updateable: false,
      }
    : {}
