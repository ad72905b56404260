// What differs between two versions, member by member: elements of lists are matched by their names, so that
// a new field is one difference wherever it stands.

import { canonicalJson } from '../../canonical.ts'

export interface VersionDifference {
  /** Dotted, with the names of elements: `plan.objects.Lead.fields.Tier__c.length`. */
  path: string
  change: 'added' | 'removed' | 'changed'
  before: unknown
  after: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Members that name an element within its list, the most telling first. */
const NAMES = ['api_name', 'canonical_object', 'canonical_field', 'name', 'app', 'layout'] as const

const nameOf = (element: unknown): string | null => {
  if (!isObject(element)) return null
  const member = NAMES.find((one) => typeof element[one] === 'string')
  if (member === undefined) return null
  const name = String(element[member])
  if (member === 'layout') return `${String(element.object)}/${name}`
  return typeof element.type === 'string' && element.type.endsWith('__mdt')
    ? `${element.type}/${name}`
    : name
}

/** The elements by name; null unless each has one of its own. */
const byName = (list: readonly unknown[]): Record<string, unknown> | null => {
  const named = new Map(list.map((element) => [nameOf(element), element]))
  if (named.has(null) || named.size !== list.length) return null
  return Object.fromEntries(named as Map<string, unknown>)
}

/** Both as objects whose members can be compared; null where only the whole can. */
const pairOf = (
  before: unknown,
  after: unknown,
): [Record<string, unknown>, Record<string, unknown>] | null => {
  if (isObject(before) && isObject(after)) return [before, after]
  if (!Array.isArray(before) || !Array.isArray(after)) return null
  const [one, other] = [byName(before), byName(after)]
  return one === null || other === null ? null : [one, other]
}

export const differencesOf = (before: unknown, after: unknown, path = ''): VersionDifference[] => {
  if (canonicalJson(before) === canonicalJson(after)) return []
  if (before === undefined) return [{ path, change: 'added', before: null, after }]
  if (after === undefined) return [{ path, change: 'removed', before, after: null }]
  const pair = pairOf(before, after)
  if (pair === null) return [{ path, change: 'changed', before, after }]
  const [one, other] = pair
  const members = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  const inside = members.flatMap((member) =>
    differencesOf(
      Object.hasOwn(one, member) ? one[member] : undefined,
      Object.hasOwn(other, member) ? other[member] : undefined,
      path === '' ? member : `${path}.${member}`,
    ),
  )
  // The same elements in a different order.
  return inside.length > 0 ? inside : [{ path, change: 'changed', before, after }]
}
