// Filter items and the logic between them, as list views, roll-ups, assignment rules and flows have them.
// Salesforce: Metadata API guide, "FilterItem".

import type { MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem } from './draft.ts'
import { oneOf, required } from './names.ts'

const OPERATIONS = [
  'equals',
  'notEqual',
  'lessThan',
  'greaterThan',
  'lessOrEqual',
  'greaterOrEqual',
  'contains',
  'notContain',
  'startsWith',
  'includes',
  'excludes',
  'within',
] as const

/** The operation of a filter item, if there is such a one. */
export const operationOf = (item: MetadataNode): string =>
  oneOf('FilterOperation', OPERATIONS, required(item, 'operation'))

/** Refuses `1 AND 3` between two filters. */
export function checkFilterLogic(logic: string | undefined, count: number): void {
  for (const [number] of (logic ?? '').matchAll(/\d+/g)) {
    if (Number(number) < 1 || Number(number) > count) {
      throw new Problem(`The filter logic references an undefined filter: ${number}.`)
    }
  }
}
