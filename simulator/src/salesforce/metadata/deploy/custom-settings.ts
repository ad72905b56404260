// Custom settings: custom objects of a few fields, whose rows belong to the org, a profile or a user.
// Salesforce: Metadata API guide, "CustomObject" (customSettingsType); Help, "Custom Settings" and
// "Custom Settings Limits and Considerations". Texts without a source are ours.

import type { SObject, SObjectDescribe } from '../../../org/model.ts'
import {
  customSettingFields,
  freeKeyPrefix,
  makeObject,
  type SettingKind,
} from '../../../org/schema.ts'
import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft, type Outcome } from './draft.ts'
import type { FieldType } from './field-types.ts'
import { checkLength, flag, oneOf, required } from './names.ts'
import { same } from './typed.ts'

const ELEMENTS = new Set([
  'customSettingsType',
  'customSettingsVisibility',
  'deprecated',
  'description',
  'enableFeeds',
  'gender',
  'label',
  'startsWith',
  'visibility',
])

const KINDS: readonly SettingKind[] = ['List', 'Hierarchy']

/** Creates or changes a custom setting; `content` is its file without fields. */
export function deployCustomSetting(
  draft: Draft,
  fullName: string,
  object: SObject | undefined,
  content: MetadataNode,
): Outcome {
  const kind = oneOf('CustomSettingsType', KINDS, required(content, 'customSettingsType'))
  checkDefinition(object, content, kind)
  if (object !== undefined && same(object.metadata, content)) {
    return { id: object.durableId, created: false, changed: false }
  }
  const label = required(content, 'label')
  const made = object === undefined ? create(draft, fullName, kind) : draft.edit(object)
  if (object !== undefined && object.describe.label !== label) draft.touchOrg()
  Object.assign(made.describe, { label, labelPlural: label })
  Object.assign(made, draft.stamps(object))
  made.metadata = content
  made.description = text(content, 'description') ?? null
  return { id: made.durableId, created: object === undefined, changed: true }
}

function checkDefinition(
  object: SObject | undefined,
  content: MetadataNode,
  kind: SettingKind,
): void {
  for (const element of Object.keys(content)) {
    // What real files switch off is switched off for every setting.
    const isOff = /^(allow|enable)/.test(element) && flag(content, element) === false
    if (!ELEMENTS.has(element) && !isOff) {
      throw new Problem(`Cannot specify '${element}' for a custom setting`)
    }
  }
  if (flag(content, 'enableFeeds') === true) {
    throw new Problem('A custom setting has no feeds')
  }
  if ((text(content, 'label') ?? '') === '') {
    throw new Problem('Must specify a non-empty label for the CustomObject')
  }
  checkLength('MasterLabel', text(content, 'label'), 40)
  checkLength('Description', text(content, 'description'), 1000)
  const before = object?.metadata?.['customSettingsType']
  if (object !== undefined && before !== kind) {
    throw new Problem(
      `Cannot change the customSettingsType of ${object.name} to ${kind}: it is ${typeof before === 'string' ? before : 'no custom setting'}`,
    )
  }
}

const FLAGS: Partial<SObjectDescribe> = {
  customSetting: true,
  feedEnabled: false,
  layoutable: false,
  mruEnabled: false,
  searchable: false,
  triggerable: false,
  undeletable: false,
}

function create(draft: Draft, name: string, kind: SettingKind): SObject {
  const { org } = draft
  if (org.objects.has(name.toLowerCase())) {
    throw new Problem(
      `There is already a deleted object named ${name}. Erase it or choose another name.`,
    )
  }
  const object = makeObject(org, {
    name,
    describe: { ...FLAGS, keyPrefix: freeKeyPrefix(org) },
    fields: customSettingFields(kind),
  })
  draft.added(object)
  return object
}

const FIELD_TYPES: ReadonlySet<FieldType> = new Set<FieldType>([
  'Checkbox',
  'Currency',
  'Date',
  'DateTime',
  'Email',
  'Number',
  'Percent',
  'Phone',
  'Text',
  'TextArea',
  'Url',
])

/** Refuses a field that a custom setting cannot have: it has plain values, and no formulas. */
export function checkFieldOfSetting(object: SObject, type: FieldType, node: MetadataNode): void {
  if (!object.describe.customSetting) return
  if (!FIELD_TYPES.has(type) || text(node, 'formula') !== undefined) {
    throw new Problem(`A custom setting has no fields of type ${type}`)
  }
}

/** Refuses record types and validation rules on a custom setting. */
export function checkNoSetting(object: SObject, what: string): void {
  if (object.describe.customSetting) {
    throw new Problem(`The custom setting ${object.name} cannot have ${what}`)
  }
}
