// What our own rollbacks leave in a component because Salesforce takes it back by no call. It is no change
// of what an earlier deployment left. Values are deactivated: nobody can choose them, whoever it was that
// deactivated them. Pairs of dependent values, and lists of record types, stay in use: those are ours that a
// deployment added whose rollback could not take them back.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { samePart } from './equality.ts'
import { dependencyOfElement, gainedPairKeys, withoutPairs } from './fields/dependencies.ts'
import { sameName } from './names.ts'

/** What a deployment found and left of a component of which its rollback could not take back all. */
export interface RolledBack {
  before: JsonObject | null
  after: JsonObject | null
}

/** Lists of values: those of a picklist's own, and those of a global value set. */
const LISTS: ReadonlySet<string> = new Set(['value', 'customValue'])

const nameOf = (value: JsonObject): string => leaf(value.fullName) ?? ''

/** An element without the inactive values that `left` does not have. */
const withoutSwitchedOff = (left: JsonObject, is: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(is).map(([name, member]) => {
      const before = left[name]
      if (isObject(member) && isObject(before)) return [name, withoutSwitchedOff(before, member)]
      if (!LISTS.has(name)) return [name, member]
      const known = new Set(listObjects(before).map(nameOf))
      const stay = listObjects(member).filter(
        (value) => known.has(nameOf(value)) || leaf(value.isActive) !== 'false',
      )
      return [name, stay.length === 0 ? member : stay]
    }),
  )

/** A picklist's element without the pairs of ours that `left` does not have. */
const withoutOurPairs = (
  left: JsonObject,
  is: JsonObject,
  since: readonly RolledBack[],
): JsonObject => {
  const [had, has] = [dependencyOfElement(left), dependencyOfElement(is)]
  if (has === null) return is
  const ours = new Set(
    since.flatMap(({ before, after }) =>
      gainedPairKeys(dependencyOfElement(before), dependencyOfElement(after)),
    ),
  )
  return withoutPairs(is, new Set(gainedPairKeys(had, has).filter((key) => ours.has(key))), {
    isDependent: had !== null,
  })
}

/** Of what a record type lists values, by their lower-case names. */
const picklistsIn = (element: JsonObject | null): string[] =>
  listObjects(element?.picklistValues).map(({ picklist }) => sameName(leaf(picklist) ?? ''))

/** A record type's element without the lists of ours that `left` does not have. */
const withoutOurLists = (
  left: JsonObject,
  is: JsonObject,
  since: readonly RolledBack[],
): JsonObject => {
  if (is.picklistValues === undefined) return is
  const had = new Set(picklistsIn(left))
  const ours = new Set(
    since.flatMap(({ before, after }) => {
      const found = new Set(picklistsIn(before))
      return picklistsIn(after).filter((name) => !found.has(name) && !had.has(name))
    }),
  )
  const lists = listObjects(is.picklistValues)
  const stay = lists.filter(({ picklist }) => !ours.has(sameName(leaf(picklist) ?? '')))
  if (stay.length === lists.length) return is
  const { picklistValues: _, ...others } = is
  return stay.length === 0 ? others : { ...others, picklistValues: stay }
}

/** Whether an element is as a deployment left it, but for what our own rollbacks left in it since. */
export const isAsLeft = (
  left: JsonObject | null,
  is: JsonObject | null,
  since: readonly RolledBack[],
): boolean => {
  if (samePart(left, is)) return true
  if (left === null || is === null) return false
  const ours = withoutOurLists(left, withoutOurPairs(left, is, since), since)
  return samePart(left, withoutSwitchedOff(left, ours))
}
