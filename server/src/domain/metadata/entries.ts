// Entries of permission sets and profiles: what a plan wants is merged into what exists, so that nothing
// already granted is revoked, and every change is recorded so that it can be undone exactly.

import { isObject } from '../../salesforce/json.ts'
import { type XmlValue } from '../../salesforce/xml.ts'
import { canonicalJson } from '../canonical.ts'
import { sameName } from './names.ts'
import {
  applyEdits,
  childrenNamed,
  childText,
  type Edit,
  inSchemaOrder,
  insertBehind,
  insertFirst,
  readDocument,
  readRoot,
  removeNode,
  writeElement,
  writeFile,
  type XmlDocument,
  type XmlNode,
} from './xml-tree.ts'

/** Who holds access. */
export type Holder = 'PermissionSet' | 'Profile'

/** The member of each list that names the subject of an entry. */
const KEY_MEMBERS = {
  fieldPermissions: 'field',
  objectPermissions: 'object',
  recordTypeVisibilities: 'recordType',
  tabSettings: 'tab',
  tabVisibilities: 'tab',
} as const

/** One wanted entry: its list in the file, its subject, its other members. */
export interface WantedEntry {
  list: keyof typeof KEY_MEMBERS
  key: string
  /**
   * Null if Salesforce accepts no entry at all; a member is null if it can be granted to nobody, and
   * false if the plan does not ask for it, so that it stays as it is.
   */
  grant: Record<string, string | boolean | null> | null
}

const keyMember = (list: string): string | null =>
  Object.entries(KEY_MEMBERS).find(([name]) => name === list)?.[1] ?? null

/** An entry that a deployment changed: `before` is null for one it added, `after` for one it removed. */
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

const texts = (members: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, String(value)]),
  )

/** A right that is absent is not granted. */
const equal = (a: Record<string, string>, b: Record<string, string>): boolean =>
  Object.keys({ ...a, ...b }).every((name) => (a[name] ?? 'false') === (b[name] ?? 'false'))

/**
 * What is granted combined with what is wanted: what is granted stays granted if Salesforce allows it.
 */
const raise = (current: Record<string, string>, wanted: WantedEntry): Record<string, string> => {
  const member = KEY_MEMBERS[wanted.list]
  const result: Record<string, string> = { ...current, [member]: current[member] ?? wanted.key }
  for (const [name, value] of Object.entries(wanted.grant ?? {})) {
    result[name] = value === false ? (current[name] ?? 'false') : String(value ?? false)
  }
  return result
}

/** Every entry by list and key, since a permission set can hold tens of thousands. */
const indexEntries = (
  document: XmlDocument,
): ((list: string, key: string) => XmlNode | undefined) => {
  const nodes = new Map<string, XmlNode>()
  for (const node of document.root.children) {
    const member = keyMember(node.name)
    const key = member === null ? null : childText(node, member)
    if (key !== null) nodes.set(`${node.name}:${sameName(key)}`, node)
  }
  return (list, key) => nodes.get(`${list}:${sameName(key)}`)
}

const entryTexts = (node: XmlNode): Record<string, string> =>
  isObject(node.value) ? texts(node.value) : {}

/** Elements placed after the last of their list, or where the schema's order puts a new list. */
const insertEntries = (document: XmlDocument, list: string, entries: XmlValue[]): Edit => {
  const { root, text } = document
  const last = root.children.findLast(({ name }) => name <= list)
  return last === undefined
    ? insertFirst(root, text, list, entries)
    : insertBehind(last, list, entries)
}

const mergeDocument = (document: XmlDocument, wanted: readonly WantedEntry[]): MergedAccess => {
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
 * A permission set with the entries that are wanted. `current` is its file, read in full (Salesforce: a
 * deployed set replaces what it held), or null to create it.
 */
export const mergePermissionSet = (
  name: string,
  wanted: readonly WantedEntry[],
  current: string | null,
): MergedAccess =>
  mergeDocument(readDocument(current ?? emptyPermissionSet(name), 'PermissionSet'), wanted)

/**
 * The file to deploy for a profile: only entries that change (Salesforce: a deployed profile does not
 * change what it does not mention, and is retrieved only in part).
 */
export const mergeProfile = (wanted: readonly WantedEntry[], current: string): MergedAccess => {
  const granted = wanted.filter(({ grant }) => grant !== null)
  const { changes } = mergeDocument(readDocument(current, 'Profile'), granted)
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

/** An entry that revokes access, for profiles, which cannot lose an entry otherwise. */
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
  /** What somebody else changed since, and is left as it is. */
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

/**
 * Salesforce adds members of its own to an entry (viewAllFields); only ours are compared, the name
 * case-insensitively.
 */
const equalGrant = (now: Record<string, string>, ours: Record<string, string>): boolean =>
  Object.entries(ours).every(([name, value]) => sameName(now[name] ?? '') === sameName(value))

/** The objects that the file gives read access to. */
export const readableIn = (text: string, holder: Holder): string[] =>
  (readAccess(text, holder).objectPermissions ?? []).flatMap(({ object, allowRead }) =>
    object !== undefined && allowRead === 'true' ? [object] : [],
  )

/** Which of these changes are still in the file, as the deployment left them. */
export const stillInPlace = (
  text: string,
  holder: Holder,
  changes: readonly AccessChange[],
): AccessChange[] => {
  const findEntry = indexEntries(readDocument(text, holder))
  return changes.filter(({ list, key, after }) => {
    const node = findEntry(list, key)
    return after !== null && node !== undefined && equalGrant(entryTexts(node), after)
  })
}

/**
 * What a permission set or profile holds beside the entries that are ours, as one text: equal texts hold
 * the same, in whatever order.
 */
export const heldByOthers = (
  text: string,
  holder: Holder,
  isOurs: (list: string, key: string) => boolean,
): string => {
  const entries = Object.entries(readAccess(text, holder)).map(([list, found]) => [
    list,
    found
      .filter((entry) => !isOurs(list, entry[keyMember(list) ?? ''] ?? ''))
      .map((entry) => canonicalJson(entry))
      .toSorted(),
  ])
  const rest = Object.entries(readRoot(text, holder)).filter(([name]) => !isEntryList(name))
  return canonicalJson(Object.fromEntries([...rest, ...entries]))
}

/** Whether the name is that of a list of entries. */
export const isEntryList = (name: string): boolean => Object.hasOwn(KEY_MEMBERS, name)

/**
 * Of these changes of a profile, those whose entries somebody else changed since: neither as left nor as
 * before. Names are `list:key`. Salesforce does not return entries without access.
 */
export const changedInProfile = (text: string, changes: readonly AccessChange[]): string[] => {
  const findEntry = indexEntries(readDocument(text, 'Profile'))
  return changes.flatMap((change) => {
    const node = findEntry(change.list, change.key)
    if (node === undefined) return []
    const now = entryTexts(node)
    const isAs = (side: Record<string, string> | null): boolean =>
      side !== null && equalGrant(now, side)
    const isKnown = isAs(change.after) || isAs(change.before) || isAs(noAccess(change))
    return isKnown ? [] : [`${change.list}:${change.key}`]
  })
}

/**
 * The profile file that reverts these changes. Entries of fields and objects that are deleted in the
 * same rollback go with them: leave those out of `changes`.
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
