// Equal plans have equal hashes: at deploy, the plan of a conflict report is recognised in whatever
// order the caller sent the members.

import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical.ts'
import { sameName } from '../metadata/names.ts'
import { type Plan, type PlanObject } from './schema.ts'

const unordered = (values: readonly unknown[]): unknown[] =>
  values
    .map((value) => ({ value, key: canonicalJson(value) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ value }) => value)

/** Lists that objects of a plan have had from the start. */
const FIRST_LISTS: ReadonlySet<string> = new Set(['fields', 'record_types', 'validation_rules'])

/** Later lists count only if they are used: without them a plan keeps the hash that it always had. */
const isLaterAndUnused = (name: string, member: unknown): boolean =>
  Array.isArray(member) && member.length === 0 && !FIRST_LISTS.has(name)

const objectMeaning = (object: PlanObject): unknown => {
  const masters = object.fields.filter(({ type }) => type === 'MasterDetail')
  const fields = object.fields.map((field) =>
    // If no order is given, the first master-detail in the plan is the primary one.
    field.type === 'MasterDetail'
      ? { ...field, relationship_order: field.relationship_order ?? masters.indexOf(field) }
      : field,
  )
  const members = Object.entries(object).map(([name, member]): [string, unknown] => [
    name,
    Array.isArray(member) ? unordered(member) : member,
  ])
  return {
    ...Object.fromEntries(members.filter(([name, member]) => !isLaterAndUnused(name, member))),
    fields: unordered(fields),
  }
}

/**
 * SHA-256 of a checked plan, in hex. The order of objects, fields, rules, layouts, permission sets
 * and members does not count; the order of picklist values, of fields on a layout and of the
 * master-details of an object does.
 */
export const planHash = (plan: Plan): string => {
  const { objects, permissions, layouts, tabs, ...others } = plan
  const meaning = {
    objects: unordered(objects.map(objectMeaning)),
    permissions: {
      ...permissions,
      profiles: unordered(permissions.profiles),
      permission_sets: unordered(permissions.permission_sets),
    },
    layouts: unordered(layouts),
    tabs: unordered(tabs.map(sameName)),
    // As the later lists of objects.
    ...Object.fromEntries(
      Object.entries<readonly unknown[]>(others)
        .filter(([, list]) => list.length > 0)
        .map(([name, list]) => [name, unordered(list)]),
    ),
  }
  return hash('sha256', canonicalJson(meaning), 'hex')
}
