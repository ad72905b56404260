// What an object's records are read through. Salesforce: "Permission Read X depends on permission(s):
// Read Y" refuses a permission set or profile that gives access to a detail but not to its masters, up
// to the top.

import { leaf } from '../../salesforce/xml.ts'
import { type Plan } from '../plan/schema.ts'
import { type WantedEntry } from './entries.ts'
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
