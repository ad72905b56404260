// Values that were added after a deployment and are switched off again, as a rollback leaves them: Salesforce
// deletes no value by API. Nobody can choose them, so they are no change of what the deployment left.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { samePart } from './equality.ts'

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

/** Whether an element is as a deployment left it, but for values that were switched off since. */
export const isAsLeft = (left: JsonObject | null, is: JsonObject | null): boolean =>
  samePart(left, is) ||
  (left !== null && is !== null && samePart(left, withoutSwitchedOff(left, is)))
