// What an object's records are read through. Salesforce: "Permission Read X depends on permission(s):
// Read Y" refuses a permission set or profile that gives access to a detail but not to its masters, up
// to the top.

import { type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { type Plan } from '../plan/schema.ts'
import { type AccessChange, type WantedEntry } from './entries.ts'
import { sameName } from './names.ts'
import { parseObjectFile } from './object-file.ts'

/**
 * Standard objects that are read through another one, in lower case. No Salesforce page lists them;
 * these are the ones that refusals name in public reports of such deploys.
 */
const STANDARD_MASTERS: Readonly<Record<string, readonly string[]>> = {
  asset: ['Account'],
  contact: ['Account'],
  contract: ['Account'],
  opportunity: ['Account'],
  order: ['Account'],
  quote: ['Opportunity'],
}

/** The direct masters of this object, in the plan or in its file; names are case-insensitive. */
export type MastersOf = (object: string) => readonly string[]

export const mastersIn =
  (plan: Plan, file: (object: string) => string | null): MastersOf =>
  (object) => {
    const planned = plan.objects
      .filter(({ api_name }) => sameName(api_name) === sameName(object))
      .flatMap(({ fields }) =>
        fields.flatMap((field) => (field.type === 'MasterDetail' ? [field.reference_to] : [])),
      )
    const text = file(object)
    const present = (text === null ? [] : (parseObjectFile(text).parts.fields ?? [])).flatMap(
      ({ element }) => {
        const master = element.type === 'MasterDetail' ? leaf(element.referenceTo) : null
        return master === null ? [] : [master]
      },
    )
    return [...planned, ...present, ...(STANDARD_MASTERS[sameName(object)] ?? [])]
  }

/**
 * All masters above these objects, each once, nearest first. An object may be its own indirect master.
 */
export const allMasters = (objects: readonly string[], mastersOf: MastersOf): string[] => {
  const seen = new Map<string, string>()
  let level = objects
  while (level.length > 0) {
    const above = level.flatMap(mastersOf).filter((name) => !seen.has(sameName(name)))
    for (const name of above) seen.set(sameName(name), name)
    level = [...new Set(above)]
  }
  return [...seen.values()]
}

const toRead = (object: string): WantedEntry => ({
  list: 'objectPermissions',
  key: object,
  grant: {
    allowCreate: false,
    allowDelete: false,
    allowEdit: false,
    allowRead: true,
    modifyAllRecords: false,
    viewAllRecords: false,
  },
})

/** The entries, with read access to all masters of the objects that they give access to. */
export const withMasters = (
  entries: readonly WantedEntry[],
  mastersOf: MastersOf,
): WantedEntry[] => {
  const opened = entries
    .filter(({ list, grant }) => list === 'objectPermissions' && grant?.allowRead === true)
    .map(({ key }) => key)
  const known = new Set(opened.map(sameName))
  const missing = allMasters(opened, mastersOf).filter((name) => !known.has(sameName(name)))
  return [...entries, ...missing.map(toRead)]
}

/** An object all of whose records can be seen, and a master of which that is not so. */
export interface SeenBelow {
  object: string
  master: string
}

/**
 * Objects to which the plan gives a master, where a permission set or profile sees all records of the
 * object and not all of the master. Salesforce refuses that ("Permission Read All X depends on
 * permission(s): Read All Y"), and a plan widens no view of a whole object by itself.
 */
export const seenBelow = (plan: Plan, content: JsonObject): SeenBelow[] => {
  const all = new Set(
    listObjects(content.objectPermissions)
      .filter(({ viewAllRecords }) => leaf(viewAllRecords) === 'true')
      .map(({ object }) => sameName(leaf(object) ?? '')),
  )
  return plan.objects
    .filter(({ api_name: object }) => all.has(sameName(object)))
    .flatMap(({ api_name: object, fields }) =>
      fields.flatMap((field) =>
        field.type === 'MasterDetail' && !all.has(sameName(field.reference_to))
          ? [{ object, master: field.reference_to }]
          : [],
      ),
    )
}

/** Changes to revert, without the read rights that something else needs. */
export interface ReadsKept {
  changes: AccessChange[]
  /** What needs them, by the object that stays readable. */
  kept: ReadonlyMap<string, string>
}

/** Whether the change gave read access to an object. */
export const givesRead = ({ list, before, after }: AccessChange): boolean =>
  list === 'objectPermissions' && before?.allowRead !== 'true' && after?.allowRead === 'true'

/** The change without its read right: null if nothing else was granted. */
const lessRead = (change: AccessChange): AccessChange | null => {
  const { key, before, after } = change
  const grantsMore = Object.entries(after ?? {}).some(
    ([name, value]) => name !== 'allowRead' && value === 'true' && before?.[name] !== 'true',
  )
  if (!grantsMore) return null
  const rest: Record<string, string> = {}
  for (const name of Object.keys(after ?? {})) rest[name] = before?.[name] ?? 'false'
  return { ...change, before: { ...rest, object: key, allowRead: 'true' } }
}

/**
 * What can be reverted while `opened` stay readable: these objects are read through others, to which
 * some of the changes gave read access.
 */
export const keepReads = (
  changes: readonly AccessChange[],
  opened: readonly string[],
  mastersOf: MastersOf,
): ReadsKept => {
  const needs = new Map<string, string>()
  for (const reader of opened) {
    for (const master of allMasters([reader], mastersOf)) {
      if (!needs.has(sameName(master))) needs.set(sameName(master), reader)
    }
  }
  const kept = new Map<string, string>()
  const rest = changes.flatMap((change) => {
    const reader = needs.get(sameName(change.key))
    if (reader === undefined || !givesRead(change)) return [change]
    kept.set(change.key, reader)
    return lessRead(change) ?? []
  })
  return { changes: rest, kept }
}

/** Why read access to some objects stays; empty if none does. */
export const readsKeptText = ({ kept }: Pick<ReadsKept, 'kept'>): string =>
  [...kept]
    .map(([object, by]) => `Read access to ${object} stays: ${by} is read through it.`)
    .join(' ')
