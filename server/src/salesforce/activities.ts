// Activity: the object that custom fields of tasks and events are defined on. Metadata and Tooling name
// it, but no API describes it and it has no records: its fields appear on Task and Event.

import { type JsonObject } from './json.ts'

const isActivity = (object: string): boolean => object.toLowerCase() === 'activity'

/** The object whose describe shows the fields of this one, as far as the connected user may see them. */
export const describedBy = (object: string): string => (isActivity(object) ? 'Task' : object)

/** The describe of `describedBy(object)` as one of this object. */
export const asDescribeOf = (object: string, body: JsonObject): JsonObject =>
  isActivity(object) ? { ...body, name: object } : body

/** The objects that have records with the fields of this one, and on which they are permitted. */
export const recordsOf = (object: string): readonly string[] =>
  isActivity(object) ? ['Task', 'Event'] : [object]

/** The sum of what each of `recordsOf(object)` has; null if that is not known of one of them. */
export const totalOf = async (
  object: string,
  count: (name: string) => Promise<number | null>,
): Promise<number | null> => {
  const counts = await Promise.all(recordsOf(object).map(count))
  return counts.reduce((sum, rows) => (sum === null || rows === null ? null : sum + rows), 0)
}
