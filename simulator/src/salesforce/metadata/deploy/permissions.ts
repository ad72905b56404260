// PermissionSet and Profile. Salesforce: Metadata API guide, types of these names. A permission set is
// replaced by what is deployed; in a profile, only what the file names is changed.

import { isActivity } from '../../../org/activities.ts'
import { noGrants } from '../../../org/create.ts'
import type {
  Field,
  Grants,
  ObjectGrant,
  PermissionSet,
  Profile,
  SObject,
} from '../../../org/model.ts'
import { profileFullName } from '../catalogue.ts'
import {
  list,
  nodes,
  text,
  type MetadataNode,
  type MetadataValue,
} from '../../../org/metadata-xml.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import {
  checkDeveloperName,
  checkLength,
  checkUnmanaged,
  flag,
  noObject,
  noSuch,
  required,
} from './names.ts'
import { USER_PERMISSIONS } from '../../../documented.ts'
import { same, typed } from './typed.ts'

/** What is in `Grants`; everything else is stored as it came. */
const GRANT_PARTS = ['fieldPermissions', 'objectPermissions', 'userPermissions']
/** Parts that refer to something: the element with the name, and the type of its target. */
const NAMING: Record<string, { element: string; type: string }> = {
  applicationVisibilities: { element: 'application', type: 'CustomApplication' },
  classAccesses: { element: 'apexClass', type: 'ApexClass' },
  customMetadataTypeAccesses: { element: 'name', type: 'CustomObject' },
  customPermissions: { element: 'name', type: 'CustomPermission' },
  customSettingAccesses: { element: 'name', type: 'CustomObject' },
  flowAccesses: { element: 'flow', type: 'Flow' },
  layoutAssignments: { element: 'layout', type: 'Layout' },
  pageAccesses: { element: 'apexPage', type: 'ApexPage' },
  recordTypeVisibilities: { element: 'recordType', type: 'RecordType' },
  tabSettings: { element: 'tab', type: 'CustomTab' },
  tabVisibilities: { element: 'tab', type: 'CustomTab' },
}
const PLAIN = [
  'description',
  'fullName',
  'label',
  'license',
  'userLicense',
  'hasActivationRequired',
  'custom',
]

export function deployPermissionSet(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkUnmanaged(org, 'PermissionSet', fullName)
  checkDeveloperName('Permission Set', fullName)
  const label = required(node, 'label')
  checkLength('MasterLabel', label, 80)
  checkLength('Description', text(node, 'description'), 255)
  const before = [...org.permissionSets.values()].find(
    (set) => set.namespace === null && set.name.toLowerCase() === fullName.toLowerCase(),
  )
  checkParts(draft, node)
  const grants = noGrants()
  readGrants(draft, node, grants)
  checkDependencies(draft, grants)
  const { fullName: _, ...content } = node
  const made: PermissionSet = {
    id: before?.id ?? org.ids.make('0PS'),
    name: before?.name ?? fullName,
    label,
    description: text(node, 'description') ?? null,
    namespace: null,
    grants,
    extras: extrasOf(typed(content)),
    ...draft.stamps(before),
  }
  if (before !== undefined && same(comparable(before), comparable(made))) {
    return { id: before.id, created: false, changed: false }
  }
  draft.put(org.permissionSets, made.id, made)
  draft.touchOrg()
  return { id: made.id, created: before === undefined, changed: true }
}

export function deployProfile(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  const before = [...org.profiles.values()].find(
    ({ name }) => profileFullName(name).toLowerCase() === fullName.toLowerCase(),
  )
  checkParts(draft, node)
  if (before === undefined) {
    required(node, 'userLicense')
    checkLength('Name', fullName, 255)
  }
  const grants: Grants = {
    fields: new Map(before?.grants.fields),
    objects: new Map(before?.grants.objects),
    system: new Set(before?.grants.system),
  }
  const hidden = new Set(before?.hidden)
  for (const { object, field, readable } of readGrants(draft, node, grants)) {
    const key = `${object.name}.${field.describe.name}`.toLowerCase()
    if (field.secured) continue
    if (readable) hidden.delete(key)
    else hidden.add(key)
  }
  checkDependencies(draft, grants)
  const { fullName: _, ...content } = node
  const made: Profile = {
    id: before?.id ?? org.ids.make('00e'),
    name: before?.name ?? fullName,
    readsEveryObject: before?.readsEveryObject ?? false,
    grants,
    hidden,
    extras: merged(before?.extras ?? {}, extrasOf(typed(content))),
    ...draft.stamps(before),
  }
  if (before !== undefined && same(comparable(before), comparable(made))) {
    return { id: before.id, created: false, changed: false }
  }
  draft.put(org.profiles, made.id, made)
  draft.touchOrg()
  return { id: made.id, created: before === undefined, changed: true }
}

const comparable = (of: PermissionSet | Profile) => ({
  label: 'label' in of ? of.label : of.name,
  description: 'description' in of ? String(of.description) : '',
  fields: [...of.grants.fields].sort(([a], [b]) => (a < b ? -1 : 1)),
  objects: [...of.grants.objects].sort(([a], [b]) => (a < b ? -1 : 1)),
  system: [...of.grants.system].sort(),
  hidden: 'hidden' in of ? [...of.hidden].sort() : [],
  extras: of.extras ?? {},
})

const extrasOf = (node: MetadataNode): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(node).filter(
      ([element]) => element in NAMING || element === 'license' || element === 'userLicense',
    ),
  )

/** The lists of a profile, entry by entry: what the file names overrides what existed. */
function merged(
  before: Record<string, unknown>,
  now: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...before }
  for (const [part, value] of Object.entries(now)) {
    const naming = NAMING[part]
    if (naming === undefined) {
      result[part] = value
      continue
    }
    // One object and record type has one layout; everything else is one entry by its name.
    const key = (entry: MetadataNode) =>
      part === 'layoutAssignments'
        ? `${(text(entry, 'layout') ?? '').split('-')[0]} ${text(entry, 'recordType') ?? ''}`
        : (text(entry, naming.element) ?? '')
    const entries = new Map(
      [
        ...nodes({ list: before[part] as MetadataValue }, 'list'),
        ...nodes({ list: value as MetadataValue }, 'list'),
      ].map((entry) => [key(entry), entry]),
    )
    result[part] = [...entries.values()]
  }
  return result
}

/** Refuses unknown parts, and parts that name something that does not exist. */
function checkParts(draft: Draft, node: MetadataNode): void {
  for (const part of Object.keys(node)) {
    if (PLAIN.includes(part) || GRANT_PARTS.includes(part)) continue
    const naming = NAMING[part]
    if (naming === undefined) throw new NotDone(`does not deploy ${part}`)
    for (const entry of nodes(node, part)) {
      const name = required(entry, naming.element)
      if (!exists(draft, naming.type, name)) throw noSuch(naming.element, naming.type, name)
    }
  }
}

function exists({ org }: Draft, type: string, name: string): boolean {
  const lower = name.toLowerCase()
  switch (type) {
    case 'CustomTab':
      // Salesforce: tabs of standard objects are named standard-Account.
      return (
        lower.startsWith('standard-') || org.tabs.some((tab) => tab.name.toLowerCase() === lower)
      )
    case 'RecordType': {
      const [object = '', developerName = ''] = lower.split('.')
      return (
        org.objects
          .get(object)
          ?.recordTypes.some((each) => each.developerName.toLowerCase() === developerName) === true
      )
    }
    case 'Layout':
      return org.layouts.some((each) => `${each.object}-${each.name}`.toLowerCase() === lower)
    case 'Flow':
      return org.flows.has(lower)
    case 'CustomApplication':
      return org.apps.some((each) => each.name.toLowerCase() === lower)
    case 'CustomObject':
      return org.objects.has(lower)
    case 'CustomPermission':
      return org.customPermissions.has(lower)
    default:
      // Apex classes and pages: not simulated.
      return false
  }
}

interface FieldGrant {
  object: SObject
  field: Field
  readable: boolean
}

/** Reads field, object and user permissions into `grants`, overriding existing ones. */
function readGrants(draft: Draft, node: MetadataNode, grants: Grants): FieldGrant[] {
  const fields = nodes(node, 'fieldPermissions').map((entry) => readField(draft, entry, grants))
  for (const entry of nodes(node, 'objectPermissions')) readObject(draft, entry, grants)
  for (const entry of list(node, 'userPermissions')) {
    const permission = entry as MetadataNode
    const name = required(permission, 'name')
    if (!USER_PERMISSIONS.has(name)) throw new Problem(`Unknown user permission: ${name}`)
    if (flag(permission, 'enabled') === true) grants.system.add(name)
    else grants.system.delete(name)
  }
  return fields
}

function readField(draft: Draft, entry: MetadataNode, grants: Grants): FieldGrant {
  const path = required(entry, 'field')
  const [objectName = '', name = ''] = path.split('.')
  const object = draft.object(objectName)
  const field = object?.fields.get(name.toLowerCase())
  if (object === undefined || isActivity(object) || field === undefined || field.deletedAt) {
    throw noSuch('field', 'CustomField', path)
  }
  const { describe } = field
  const open =
    !describe.custom &&
    (describe.nillable || describe.type === 'boolean') &&
    (describe.updateable || describe.calculated || describe['permissionable'] === true)
  if (!field.secured && !open) throw new Problem(`You cannot deploy to a required field: ${path}`)
  const readable = flag(entry, 'readable') === true
  const editable = flag(entry, 'editable') === true
  if (editable && !readable) {
    throw new Problem(`Permission to edit the field ${path} depends on permission to read it`)
  }
  const key = `${object.name}.${describe.name}`.toLowerCase()
  // Salesforce: calculated fields are read-only, whatever the file says.
  const writable = editable && !describe.calculated && !describe.autoNumber
  if (readable) grants.fields.set(key, { readable, editable: writable })
  else grants.fields.delete(key)
  return { object, field, readable }
}

const RIGHTS = {
  allowRead: ['read', 'Read'],
  allowCreate: ['create', 'Create'],
  allowEdit: ['edit', 'Edit'],
  allowDelete: ['delete', 'Delete'],
  viewAllRecords: ['viewAll', 'Read All'],
  modifyAllRecords: ['modifyAll', 'Modify All'],
} as const satisfies Record<string, readonly [keyof ObjectGrant, string]>

/** Salesforce: no permission without those that it depends on. */
const BUILDS_ON: Record<keyof ObjectGrant, (keyof ObjectGrant)[]> = {
  read: [],
  create: ['read'],
  edit: ['read'],
  delete: ['read', 'edit'],
  viewAll: ['read'],
  modifyAll: ['read', 'edit', 'delete', 'viewAll'],
}

const wordsOf = (right: keyof ObjectGrant) =>
  Object.values(RIGHTS).find(([name]) => name === right)?.[1] ?? right

function readObject(draft: Draft, entry: MetadataNode, grants: Grants): void {
  const name = required(entry, 'object')
  const object = draft.object(name)
  if (object === undefined) throw noObject('object', name)
  const grant: ObjectGrant = {
    read: false,
    create: false,
    edit: false,
    delete: false,
    viewAll: false,
    modifyAll: false,
  }
  for (const [element, [right]] of Object.entries(RIGHTS)) {
    grant[right] = flag(entry, element) === true
  }
  if (Object.values(grant).some(Boolean)) grants.objects.set(object.name.toLowerCase(), grant)
  else grants.objects.delete(object.name.toLowerCase())
}

/** Refuses rights without those they depend on: `Permission Edit X depends on permission(s): Read X`. */
function checkDependencies(draft: Draft, grants: Grants): void {
  for (const [key, grant] of grants.objects) {
    const object = draft.object(key)
    if (object === undefined) continue
    for (const [right, needed] of Object.entries(BUILDS_ON) as [
      keyof ObjectGrant,
      (keyof ObjectGrant)[],
    ][]) {
      if (!grant[right]) continue
      const missing = needed.filter((other) => !grant[other])
      if (missing.length > 0) {
        throw new Problem(
          `Permission ${wordsOf(right)} ${object.name} depends on permission(s): ${missing
            .map((other) => `${wordsOf(other)} ${object.name}`)
            .join(', ')}`,
        )
      }
    }
    // Salesforce: a detail is read through its master, and "all records" of it through "all records" of
    // the master.
    for (const master of mastersOf(object)) {
      const above = grants.objects.get(master.toLowerCase())
      for (const right of ['read', 'viewAll'] as const) {
        if (!grant[right] || above?.[right] === true) continue
        throw new Problem(
          `Permission ${wordsOf(right)} ${object.name} depends on permission(s): ${wordsOf(right)} ${master}`,
        )
      }
    }
  }
}

/**
 * Standard objects that are read through another one. No Salesforce page lists them; refusals name them
 * ("Permission Read All Contract depends on permission(s): Read All Account" and the like,
 * wiki.sfxd.org, "Important Notes").
 */
const STANDARD_MASTERS: Record<string, string[]> = {
  Asset: ['Account'],
  Contact: ['Account'],
  Contract: ['Account'],
  Opportunity: ['Account'],
}

const mastersOf = (object: SObject): string[] => [
  ...[...object.fields.values()].flatMap(({ describe, deletedAt }) =>
    describe.relationshipOrder === null || deletedAt ? [] : (describe.referenceTo[0] ?? []),
  ),
  ...(STANDARD_MASTERS[object.name] ?? []),
]
