// Who may see and edit what a plan makes, merged into permission sets and profiles: nothing that is
// granted already is taken away, and every change is noted so that it can be undone exactly.

import { isObject } from '../../salesforce/json.ts'
import { type XmlValue } from '../../salesforce/xml.ts'
import { isReadOnly, isRequired } from '../metadata/fields/field-kinds.ts'
import { objectKind, sameName } from '../metadata/names.ts'
import { type Plan } from './schema.ts'
import {
  applyEdits,
  childrenNamed,
  childText,
  type Edit,
  inSchemaOrder,
  insertBehind,
  insertFirst,
  readDocument,
  removeNode,
  writeElement,
  writeFile,
  type XmlDocument,
  type XmlNode,
} from '../metadata/xml-tree.ts'

type Grant = Record<string, string | boolean>

/** One entry wanted: its list in the file, the member that names it, its members. */
interface Wanted {
  list: string
  keyMember: string
  key: string
  /** Null where Salesforce takes no entry at all. */
  grant: Grant | null
}

const KEY_MEMBERS: Readonly<Record<string, string>> = {
  fieldPermissions: 'field',
  objectPermissions: 'object',
  recordTypeVisibilities: 'recordType',
  tabSettings: 'tab',
  tabVisibilities: 'tab',
}

/** An entry that a deployment changed: `before` is null for one it added, `after` for one it took out. */
export interface AccessChange {
  list: string
  key: string
  before: Record<string, string> | null
  after: Record<string, string> | null
}

export interface MergedAccess {
  text: string
  changes: AccessChange[]
}

type Holder = 'PermissionSet' | 'Profile'

// Salesforce: custom fields of tasks and events are made on Activity, but permitted on Task or Event
// (Metadata API guide, PermissionSet).
const permittedOn = (object: string): string => (sameName(object) === 'activity' ? 'Task' : object)

const wantedEntries = (plan: Plan, holder: Holder): Wanted[] => {
  const wanted = new Map<string, Wanted>()
  const add = (list: string, key: string, grant: Grant | null): void => {
    const id = `${list}:${sameName(key)}`
    if (wanted.has(id)) return
    wanted.set(id, { list, keyMember: KEY_MEMBERS[list] ?? '', key, grant })
  }
  const objects = plan.objects.filter(({ api_name }) => objectKind(api_name) === 'custom')
  for (const { api_name: object } of objects) {
    add('objectPermissions', object, {
      allowCreate: true,
      allowDelete: true,
      allowEdit: true,
      allowRead: true,
      modifyAllRecords: false,
      viewAllRecords: false,
    })
  }
  for (const { api_name: object, fields } of plan.objects) {
    for (const field of fields) {
      // Salesforce: "You cannot deploy to a required field": everybody sees those anyway.
      add(
        'fieldPermissions',
        `${permittedOn(object)}.${field.api_name}`,
        isRequired(field) ? null : { editable: !isReadOnly(field), readable: true },
      )
      // Salesforce: access to a detail depends on reading its master.
      if (field.type === 'MasterDetail') {
        add('objectPermissions', field.reference_to, {
          allowCreate: false,
          allowDelete: false,
          allowEdit: false,
          allowRead: true,
          modifyAllRecords: false,
          viewAllRecords: false,
        })
      }
    }
  }
  if (holder === 'PermissionSet') {
    // A profile would need to know its default record type, which only its owner can say.
    for (const { api_name: object, record_types: recordTypes } of plan.objects) {
      // Salesforce: entries for inactive record types are not deployed.
      for (const { api_name, active } of recordTypes) {
        if (active) add('recordTypeVisibilities', `${object}.${api_name}`, { visible: true })
      }
    }
  }
  for (const tab of plan.tabs) {
    if (holder === 'PermissionSet') add('tabSettings', tab, { visibility: 'Visible' })
    else add('tabVisibilities', tab, { visibility: 'DefaultOn' })
  }
  return [...wanted.values()]
}

const texts = (members: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, String(value)]),
  )

const equal = (a: Record<string, string>, b: Record<string, string>): boolean =>
  Object.keys({ ...a, ...b }).every((name) => a[name] === b[name])

/** What is granted and what is wanted together: yes stays yes. */
const raise = (current: Record<string, string>, wanted: Wanted): Record<string, string> => {
  const result = { ...current, [wanted.keyMember]: current[wanted.keyMember] ?? wanted.key }
  for (const [name, value] of Object.entries(wanted.grant ?? {})) {
    result[name] = value === false ? (current[name] ?? 'false') : String(value)
  }
  return result
}

/** Every entry by list and key, since a permission set can hold tens of thousands. */
const indexEntries = (
  document: XmlDocument,
): ((list: string, key: string) => XmlNode | undefined) => {
  const nodes = new Map<string, XmlNode>()
  for (const node of document.root.children) {
    const key = childText(node, KEY_MEMBERS[node.name] ?? '')
    if (key !== null) nodes.set(`${node.name}:${sameName(key)}`, node)
  }
  return (list, key) => nodes.get(`${list}:${sameName(key)}`)
}

const entryTexts = (node: XmlNode): Record<string, string> =>
  isObject(node.value) ? texts(node.value) : {}

/** Elements behind the last of their list, or where the schema's order puts a new list. */
const insertEntries = (document: XmlDocument, list: string, entries: XmlValue[]): Edit => {
  const { root, text } = document
  const last = root.children.findLast(({ name }) => name <= list)
  return last === undefined
    ? insertFirst(root, text, list, entries)
    : insertBehind(last, list, entries)
}

const mergeDocument = (document: XmlDocument, wanted: readonly Wanted[]): MergedAccess => {
  const edits: Edit[] = []
  const changes: AccessChange[] = []
  const added = new Map<string, XmlValue[]>()
  const findEntry = indexEntries(document)
  for (const entry of wanted) {
    const { list, key, grant } = entry
    const node = findEntry(list, key)
    const before = node === undefined ? null : entryTexts(node)
    if (grant === null) {
      if (node === undefined || before === null) continue
      edits.push(removeNode(node, document.text))
      changes.push({ list, key, before, after: null })
      continue
    }
    const after = raise(before ?? {}, entry)
    if (before !== null && equal(before, after)) continue
    changes.push({ list, key, before, after })
    const element = inSchemaOrder(after)
    if (node === undefined) added.set(list, [...(added.get(list) ?? []), element])
    else edits.push(replaceNode(node, list, element))
  }
  for (const [list, entries] of added) edits.push(insertEntries(document, list, entries))
  return { text: applyEdits(document.text, edits), changes }
}

const replaceNode = (node: XmlNode, name: string, value: XmlValue): Edit => ({
  start: node.start,
  end: node.end,
  text: writeElement(name, value, node.depth),
})

const emptyPermissionSet = (name: string): string =>
  writeFile('PermissionSet', {
    description: 'Access to what sfdc-engine-x deploys',
    hasActivationRequired: false,
    label: name.replaceAll('_', ' '),
  })

/**
 * A permission set with the plan's access. `current` is its file, read in full (Salesforce: a deployed
 * set replaces what it held), or null to make it.
 */
export const mergePermissionSet = (
  plan: Plan,
  name: string,
  current: string | null,
): MergedAccess =>
  mergeDocument(
    readDocument(current ?? emptyPermissionSet(name), 'PermissionSet'),
    wantedEntries(plan, 'PermissionSet'),
  )

/**
 * The file to deploy for a profile: only entries that change (Salesforce: a deployed profile leaves
 * alone what it does not mention, and is retrieved in part).
 */
export const mergeProfile = (plan: Plan, current: string): MergedAccess => {
  const wanted = wantedEntries(plan, 'Profile').filter(({ grant }) => grant !== null)
  const { changes } = mergeDocument(readDocument(current, 'Profile'), wanted)
  return { text: profileFile(changes, 'after'), changes }
}

const profileFile = (changes: readonly AccessChange[], side: 'before' | 'after'): string => {
  const lists: Record<string, XmlValue[]> = {}
  for (const change of changes) {
    const members = change[side] ?? noAccess(change)
    if (members !== null) (lists[change.list] ??= []).push(inSchemaOrder(members))
  }
  return writeFile('Profile', inSchemaOrder(lists))
}

/** An entry that takes access back, for profiles, which cannot lose an entry otherwise. */
const noAccess = (change: AccessChange): Record<string, string> | null =>
  change.after === null
    ? null
    : Object.fromEntries(
        Object.entries(change.after).map(([name, value]) => [
          name,
          name === 'visibility' ? 'Hidden' : value === 'true' ? 'false' : value,
        ]),
      )

export interface TakenOut {
  text: string
  removed: string[]
  /** What somebody changed since, left as it is. */
  kept: string[]
}

/**
 * Undoes exactly these changes in a permission set as it is now; entries that are no longer as the
 * deployment left them stay and are named in `kept`. Names are `list:key`.
 */
export const takeOutOfPermissionSet = (
  current: string,
  changes: readonly AccessChange[],
): TakenOut => {
  const document = readDocument(current, 'PermissionSet')
  const edits: Edit[] = []
  const removed: string[] = []
  const kept: string[] = []
  const restored = new Map<string, XmlValue[]>()
  const findEntry = indexEntries(document)
  for (const { list, key, before, after } of changes) {
    const name = `${list}:${key}`
    const node = findEntry(list, key)
    const now = node === undefined ? null : entryTexts(node)
    if (before !== null ? now !== null && equal(now, before) : now === null) continue
    if (after === null ? now !== null : now === null || !equalGrant(now, after)) {
      kept.push(name)
      continue
    }
    removed.push(name)
    if (node === undefined) {
      const entry = inSchemaOrder(before ?? {})
      restored.set(list, [...(restored.get(list) ?? []), entry])
    } else if (before === null) edits.push(removeNode(node, current))
    else edits.push(replaceNode(node, list, inSchemaOrder(before)))
  }
  for (const [list, entries] of restored) edits.push(insertEntries(document, list, entries))
  return { text: applyEdits(current, edits), removed, kept }
}

/** Salesforce adds members of its own to an entry (viewAllFields); only ours count, the name without case. */
const equalGrant = (now: Record<string, string>, ours: Record<string, string>): boolean =>
  Object.entries(ours).every(([name, value]) => sameName(now[name] ?? '') === sameName(value))

/**
 * The profile file that takes these changes back. Entries of fields and objects that are deleted in
 * the same rollback go with them: leave those out of `changes`.
 */
export const takeOutOfProfile = (changes: readonly AccessChange[]): string =>
  profileFile(changes, 'before')

/** The entries of a permission set or profile file, by list. */
export const readAccess = (
  text: string,
  holder: Holder,
): Record<string, Record<string, string>[]> => {
  const { root } = readDocument(text, holder)
  return Object.fromEntries(
    Object.keys(KEY_MEMBERS)
      .map((list) => [list, childrenNamed(root, list).map(entryTexts)] as const)
      .filter(([, entries]) => entries.length > 0),
  )
}
