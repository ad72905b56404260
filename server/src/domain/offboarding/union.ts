// Several plans as one: everything that any of them names, so that one reading and one package cover it.

import { canonicalJson } from '../canonical.ts'
import { sameName } from '../metadata/names.ts'
import { type Plan, type PlanObject, storedPlan } from '../plan/schema.ts'

/** What names a member of a list; members without a name are told apart by their content. */
const nameOf = (member: unknown): string => {
  if (typeof member === 'string') return sameName(member)
  const { api_name, type, app } = member as { api_name?: string; type?: string; app?: string }
  // Of a field, `type` is no part of its name; of a record of a custom metadata type it is.
  if (api_name !== undefined) {
    return sameName(type?.endsWith('__mdt') === true ? `${type}.${api_name}` : api_name)
  }
  return app === undefined ? canonicalJson(member) : sameName(app)
}

/** Each member once; the last one of a name counts. */
const joined = <T>(lists: readonly (readonly T[])[]): T[] => {
  const members = new Map<string, T>()
  for (const member of lists.flat()) members.set(nameOf(member), member)
  return [...members.values()]
}

type Members = Record<string, unknown>

/** Lists are joined, other members are those of the first that has them. */
const merged = <T extends object>(parts: readonly T[]): T => {
  const result: Members = {}
  for (const name of new Set(parts.flatMap((part) => Object.keys(part)))) {
    const values = parts
      .map((part) => (part as Members)[name])
      .filter((value) => value !== undefined)
    const lists = values.filter((value) => Array.isArray(value))
    const [first] = values
    if (first !== undefined) result[name] = lists.length === values.length ? joined(lists) : first
  }
  return result as T
}

const unitedObjects = (plans: readonly Plan[]): PlanObject[] =>
  [
    ...Map.groupBy(
      plans.flatMap(({ objects }) => objects),
      ({ api_name }) => sameName(api_name),
    ).values(),
  ].map(merged)

/** All permission sets, whichever plan created or extended them. */
const unitedPermissions = (plans: readonly Plan[]): Plan['permissions'] => {
  // Without objects there is nothing to permit, and the set is not touched.
  const all = plans
    .filter(({ objects }) => objects.length > 0)
    .map(({ permissions }) => permissions)
  const sets = joined(
    all.map(({ permission_set: main, permission_sets: others }) => [
      ...(main === null ? [] : [main]),
      ...others,
    ]),
  )
  const [main = null, ...others] = sets
  return {
    permission_set: main,
    assign_to_connected_user: false,
    profiles: joined(all.map(({ profiles }) => profiles)),
    permission_sets: others,
  }
}

/** The plans as one; it is only read and rolled back, never deployed. */
export const unionOf = (plans: readonly Plan[]): Plan => {
  const whole = merged([storedPlan({}), ...plans])
  return { ...whole, objects: unitedObjects(plans), permissions: unitedPermissions(plans) }
}
