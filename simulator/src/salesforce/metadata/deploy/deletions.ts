// Destructive changes. Salesforce: Metadata API guide, "Deleting Components from an Organization";
// Help, "Manage Deleted Custom Fields": fields and objects are kept for 15 days and count until then.

import { showingFieldsOf, showsActivityFields } from '../../../org/activities.ts'
import type {
  Field,
  Flow,
  FlowInterview,
  FlowVersion,
  Grants,
  Org,
  SObject,
} from '../../../org/model.ts'
import { dependentsOf, type Dependent } from '../../tooling/dependencies.ts'
import { deleteApp } from './apps.ts'
import { withActive } from './automations.ts'
import { deleteCompactLayout } from './compact-layouts.ts'
import { deleteCustomMetadata, deleteRecordsOf, emptyField } from './custom-metadata.ts'
import { deleteBusinessProcess } from './business-processes.ts'
import { NotDone, Problem, type Draft, type Outcome } from './draft.ts'
import { deleteFieldSet } from './field-sets.ts'
import { otherUsesOf } from './field-uses.ts'
import { becomeIndependent } from './fields.ts'
import { deleteGlobalValueSet } from './global-value-sets.ts'
import { deleteGroup } from './groups.ts'
import { deleteLabel } from './labels.ts'
import { deleteListView } from './list-views.ts'
import { checkUnmanaged } from './names.ts'
import { removeFromParts } from './object-parts.ts'
import { deletePermissionSetGroup, groupsWith } from './permission-set-groups.ts'
import { deleteQueue } from './queues.ts'
import { deleteActionsOf, deleteQuickAction } from './quick-actions.ts'
import { deleteWebLink } from './web-links.ts'

/** The component does not exist: a warning, not an error. */
export class Missing extends Error {
  override name = 'Missing'
}

/** The order of deletions, so that a package may delete a field together with the fields that use it. */
export const DELETION_ORDER = [
  'FlowDefinition',
  'Flow',
  'AssignmentRule',
  'AssignmentRules',
  'PermissionSetGroup',
  'PermissionSet',
  'Profile',
  'CustomApplication',
  'CustomTab',
  'Layout',
  'QuickAction',
  'WebLink',
  'ListView',
  'ValidationRule',
  'RecordType',
  'CompactLayout',
  'CustomMetadata',
  'BusinessProcess',
  'FieldSet',
  'CustomField',
  'CustomObject',
  'GlobalValueSet',
  'CustomLabel',
  'Queue',
  'Group',
]

/** Deletes one component. Throws `Missing` if it does not exist, `Problem` if it must stay. */
export function deleteComponent(draft: Draft, type: string, fullName: string): Outcome {
  const remove = Object.hasOwn(deleters, type) ? deleters[type] : undefined
  if (remove === undefined) throw new NotDone(`does not delete ${type}`)
  const id = remove(draft, fullName)
  if (id === undefined) throw new Missing(`No ${type} named: ${fullName} found`)
  return { id, created: false, changed: true }
}

/** Returns the id of what was deleted, undefined if it did not exist. */
type Deleter = (draft: Draft, fullName: string) => string | undefined

const deleters: Readonly<Record<string, Deleter>> = {
  BusinessProcess: deleteBusinessProcess,
  CustomApplication: deleteApp,
  CompactLayout: deleteCompactLayout,
  CustomField: deleteField,
  CustomMetadata: deleteCustomMetadata,
  CustomLabel: deleteLabel,
  CustomObject: deleteObject,
  FieldSet: deleteFieldSet,
  GlobalValueSet: deleteGlobalValueSet,
  Group: deleteGroup,
  ListView: deleteListView,
  PermissionSetGroup: deletePermissionSetGroup,
  Queue: deleteQueue,
  QuickAction: deleteQuickAction,
  WebLink: deleteWebLink,
  ValidationRule: (draft, fullName) => {
    const { object, name } = split(draft, fullName)
    const rule = object?.validationRules.find((each) => sameName(each.name, name))
    if (object === undefined || rule === undefined) return undefined
    checkUnmanaged(draft.org, 'ValidationRule', name)
    draft.editQuietly(object).validationRules = object.validationRules.filter(
      (each) => each !== rule,
    )
    return rule.id
  },
  RecordType: (draft, fullName) => {
    const { object, name } = split(draft, fullName)
    const found = object?.recordTypes.find((each) => sameName(each.developerName, name))
    if (found !== undefined) throw new Problem('Cannot delete record type through API')
    return undefined
  },
  Flow: deleteFlow,
  FlowDefinition: (draft, fullName) => {
    const flow = draft.org.flows.get(fullName.toLowerCase())
    if (flow === undefined) return undefined
    throw new NotDone('deletes flows as Flow, not as FlowDefinition')
  },
  AssignmentRule: (draft, fullName) => {
    const found = draft.org.assignmentRules.find((rule) =>
      sameName(`${rule.object}.${rule.name}`, fullName),
    )
    if (found === undefined) return undefined
    draft.keep('assignmentRules')
    draft.org.assignmentRules = draft.org.assignmentRules.filter((rule) => rule !== found)
    return found.id
  },
  Layout: (draft, fullName) => {
    const { org } = draft
    const found = org.layouts.find((each) => sameName(`${each.object}-${each.name}`, fullName))
    if (found === undefined) return undefined
    checkUnmanaged(org, 'Layout', found.name)
    draft.keep('layouts')
    org.layouts = org.layouts.filter((each) => each !== found)
    return found.id
  },
  CustomTab: (draft, fullName) => {
    const { org } = draft
    const found = org.tabs.find((tab) => sameName(tab.name, fullName))
    if (found === undefined) return undefined
    draft.keep('tabs')
    org.tabs = org.tabs.filter((tab) => tab !== found)
    return ''
  },
  PermissionSet: (draft, fullName) => {
    const { org } = draft
    const found = [...org.permissionSets.values()].find((set) => sameName(set.name, fullName))
    if (found === undefined) return undefined
    checkUnmanaged(org, 'PermissionSet', fullName)
    if (org.assignments.some(({ permissionSetId }) => permissionSetId === found.id)) {
      throw new Problem('This permission set is assigned to users and cannot be deleted')
    }
    const groups = groupsWith(draft, found.id)
    if (groups.length > 0) {
      // The rule is Salesforce's (Help, "Permission Set Groups Considerations"), the words are ours.
      throw new Problem(
        `This permission set is in a permission set group and cannot be deleted: ${groups.join(', ')}`,
        'DEPENDENCY_EXISTS',
      )
    }
    draft.put(org.permissionSets, found.id, undefined)
    draft.touchOrg()
    return found.id
  },
}

const sameName = (left: string, right: string) => left.toLowerCase() === right.toLowerCase()

function split(draft: Draft, fullName: string): { object: SObject | undefined; name: string } {
  const dot = fullName.indexOf('.')
  return {
    object: draft.object(fullName.slice(0, Math.max(dot, 0))),
    name: fullName.slice(dot + 1),
  }
}

function deleteField(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const { object, name } = split(draft, fullName)
  const field = object?.fields.get(name.toLowerCase())
  if (object === undefined || !field?.describe.custom || field.deletedAt) return undefined
  if (showsActivityFields(object)) return undefined
  checkUnmanaged(org, 'CustomFieldDefinition', name)
  const users = [...dependentsOf(org, field.id)].filter(({ type }) => type !== 'Layout')
  users.push(...otherUsesOf(draft, object, field))
  if (users.length > 0) {
    throw new Problem(
      `This custom field is referenced elsewhere in salesforce.com: ${described(users)}`,
      'DEPENDENCY_EXISTS',
    )
  }
  for (const target of field.describe.referenceTo) draft.touch(target)
  for (const of of showingFieldsOf(org, object)) {
    draft.edit(of)
    const parts = [...of.fields.values()].filter(
      ({ describe }) => describe.compoundFieldName === field.describe.name,
    )
    for (const each of [field, ...parts]) removeField(draft, of, each)
    emptyField(draft, of, field.describe.name)
    removeFromLayouts(draft, of, field)
    removeFromParts(draft, of, field.describe.name)
    removeGrants(draft, `${of.name}.${field.describe.name}`.toLowerCase(), 'fields')
  }
  const wasDetail = field.describe.relationshipOrder !== null
  const isDetail = [...object.fields.values()].some(
    ({ describe, deletedAt }) => describe.relationshipOrder !== null && !deletedAt,
  )
  if (wasDetail && !isDetail) becomeIndependent(draft, object)
  return field.id
}

const described = (users: readonly Dependent[]): string =>
  [...new Set(users.map(({ type, name }) => `${type} - ${name}`))].join(', ')

/**
 * Erased, or kept under another name. Salesforce: `_del` is appended to the name, so that a new field
 * may use the name; the values stay with the deleted field.
 */
function removeField(draft: Draft, object: SObject, field: Field): void {
  const { name } = field.describe
  object.fields.delete(name.toLowerCase())
  const [, stem = name, suffix = ''] = /^(.*)(__[a-z]+)$/i.exec(name) ?? []
  const free = (n: number): string => {
    const candidate = `${stem}_del${n === 0 ? '' : String(n)}${suffix}`
    return object.fields.has(candidate.toLowerCase()) ? free(n + 1) : candidate
  }
  const kept = draft.purgeOnDelete ? null : free(0)
  if (kept !== null) {
    object.fields.set(kept.toLowerCase(), {
      ...field,
      describe: { ...field.describe, name: kept },
      deletedAt: draft.now,
    })
  }
  for (const row of draft.org.records.get(object.name.toLowerCase())?.values() ?? []) {
    if (!(name in row)) continue
    const value = row[name]
    draft.onRollback(() => {
      row[name] = value
      if (kept !== null) Reflect.deleteProperty(row, kept)
    })
    if (kept !== null) row[kept] = value
    Reflect.deleteProperty(row, name)
  }
}

function removeFromLayouts(draft: Draft, object: SObject, field: Field): void {
  const { org } = draft
  const name = field.describe.name
  draft.keep('layouts')
  org.layouts = org.layouts.map((layout) => {
    const metadata = withoutRelated(layout.metadata, object.name, name)
    return layout.object === object.name && mentions(metadata, name)
      ? { ...layout, metadata: withoutItem(metadata, name) as Record<string, unknown> }
      : { ...layout, metadata }
  })
}

/** A layout's metadata without the related lists of an object. */
function withoutListsOf(
  metadata: Record<string, unknown>,
  object: string,
): Record<string, unknown> {
  const lists = [metadata['relatedLists'] ?? []].flat() as Record<string, unknown>[]
  const left = lists.filter((list) => !String(list['relatedList']).startsWith(`${object}.`))
  return left.length === lists.length ? metadata : { ...metadata, relatedLists: left }
}

/** A layout's metadata without the related lists by this lookup, and the field as a column of others. */
function withoutRelated(
  metadata: Record<string, unknown>,
  object: string,
  field: string,
): Record<string, unknown> {
  const lists = [metadata['relatedLists'] ?? []].flat() as Record<string, unknown>[]
  const left = lists
    .filter(({ relatedList }) => relatedList !== `${object}.${field}`)
    .map((list) =>
      String(list['relatedList']).startsWith(`${object}.`)
        ? { ...list, fields: [list['fields'] ?? []].flat().filter((column) => column !== field) }
        : list,
    )
  return lists.length === 0 ? metadata : { ...metadata, relatedLists: left }
}

const mentions = (metadata: unknown, name: string) => JSON.stringify(metadata).includes(`"${name}"`)

/** A layout's metadata without the items of this field. */
function withoutItem(value: unknown, field: string): unknown {
  if (Array.isArray(value)) {
    return (value as unknown[])
      .filter((item) => !isItemOf(item, field))
      .map((item) => withoutItem(item, field))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => !isItemOf(member, field))
      .map(([key, member]) => [key, withoutItem(member, field)]),
  )
}

const isItemOf = (value: unknown, field: string): boolean =>
  typeof value === 'object' && value !== null && 'field' in value && value.field === field

/** Removes a field or object from every profile and permission set. */
function removeGrants(draft: Draft, key: string, kind: 'fields' | 'objects'): void {
  const { org } = draft
  const without = (grants: Grants): Grants => {
    const fields = new Map(grants.fields)
    const objects = new Map(grants.objects)
    if (kind === 'fields') fields.delete(key)
    else {
      objects.delete(key)
      for (const path of fields.keys()) if (path.startsWith(`${key}.`)) fields.delete(path)
    }
    return { ...grants, fields, objects }
  }
  const has = (grants: Grants) =>
    grants[kind].has(key) ||
    (kind === 'objects' && [...grants.fields.keys()].some((path) => path.startsWith(`${key}.`)))
  for (const [id, set] of org.permissionSets) {
    if (has(set.grants)) draft.put(org.permissionSets, id, { ...set, grants: without(set.grants) })
  }
  for (const [id, profile] of org.profiles) {
    if (has(profile.grants)) {
      draft.put(org.profiles, id, { ...profile, grants: without(profile.grants) })
    }
  }
  draft.touchOrg()
}

function deleteObject(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const object = draft.object(fullName)
  if (object === undefined) return undefined
  if (!object.describe.custom) throw new Problem(`Cannot delete the standard object ${object.name}`)
  checkUnmanaged(org, 'CustomEntityDefinition', object.name)
  const users: Dependent[] = [...dependentsOf(org, object.durableId)].filter(
    ({ type }) => type !== 'Layout',
  )
  for (const other of org.objects.values()) {
    if (other === object || other.deletedAt) continue
    for (const { describe, deletedAt } of other.fields.values()) {
      if (!deletedAt && describe.referenceTo.includes(object.name)) {
        users.push({ type: 'CustomField', name: `${other.name}.${describe.name}` })
      }
    }
  }
  for (const flow of org.flows.values()) {
    if (flow.triggerObject === object.name) users.push({ type: 'Flow', name: flow.developerName })
  }
  if (users.length > 0) {
    throw new Problem(
      `This custom object is referenced elsewhere in salesforce.com: ${described(users)}`,
      'DEPENDENCY_EXISTS',
    )
  }
  draft.edit(object)
  for (const { describe } of object.fields.values()) {
    for (const target of describe.referenceTo) draft.touch(target)
  }
  const key = object.name.toLowerCase()
  draft.onRollback(() => {
    delete object.deletedAt
  })
  object.deletedAt = draft.now
  if (draft.purgeOnDelete) {
    draft.put(org.objects, key, undefined)
    draft.put(org.records, key, undefined)
    // The parents' describes change, and the list of objects.
    draft.touchOrg()
  }
  deleteRecordsOf(draft, object)
  deleteActionsOf(draft, object)
  removeGrants(draft, key, 'objects')
  draft.keep('tabs')
  org.tabs = org.tabs.filter((tab) => tab.name !== object.name)
  draft.keep('layouts')
  org.layouts = org.layouts
    .filter((layout) => layout.object !== object.name)
    .map((layout) => ({ ...layout, metadata: withoutListsOf(layout.metadata, object.name) }))
  return object.durableId
}

/**
 * One version of a flow, named `Name-3`. Salesforce: not while it is active, nor while interviews of it
 * are paused or waiting; and a flow as a whole cannot be deleted by its bare name, active or not
 * (scolladon/sfdx-git-delta#366). One refusal for all of these.
 */
function deleteFlow(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const refused = new Problem(
    'insufficient access rights on cross-reference id',
    'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
  )
  if (org.flows.has(fullName.toLowerCase())) {
    checkUnmanaged(org, 'Flow', fullName)
    throw refused
  }
  const [, name = '', digits = ''] = /^(.+)-(\d+)$/.exec(fullName) ?? []
  const flow: Flow | undefined = org.flows.get(name.toLowerCase())
  const version = flow?.versions.find(({ number }) => number === Number(digits))
  if (flow === undefined || version === undefined) return undefined
  checkUnmanaged(org, 'Flow', fullName)
  if (version.number === flow.activeVersion || interviewsOf(org, version).length > 0) throw refused
  const versions = flow.versions.filter((each) => each !== version)
  draft.put(
    org.flows,
    name.toLowerCase(),
    versions.length === 0
      ? undefined
      : withActive(draft, { ...flow, ...draft.stamps(flow), versions }, flow.activeVersion),
  )
  return version.id
}

/** Interviews of a version that are paused or waiting. */
export const interviewsOf = (org: Org, version: FlowVersion): FlowInterview[] =>
  org.flowInterviews.filter(({ versionId }) => versionId === version.id)
