// Bodies against their schemas; long lists a few hundred rows at a time.

import { setImmediate } from 'node:timers/promises'
import type * as z from 'zod'
import { faultsOf, readWith } from '../domain/schema-faults.ts'
import { EngineError } from '../errors.ts'

/** Rows that are checked before others get their turn. */
const ROWS_AT_ONCE = 500

/** The value as parsed by the schema. Throws validation_failed with at most fifty of its faults. */
export const checked = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  pathOf: (path: PropertyKey[]) => PropertyKey[] = (path) => path,
): z.infer<Schema> => {
  const read = readWith(schema, value)
  if (read.issues === null) return read.data
  throw new EngineError('validation_failed', 'The body does not fit the schema; see errors.', {
    errors: faultsOf(read.issues.map((issue) => ({ ...issue, path: pathOf(issue.path) }))),
  })
}

/**
 * The same for a body whose member `rows` is a list that may be long: a few hundred rows at a time, up
 * to the first one with a fault.
 */
export const checkedWithRows = async (
  schema: z.ZodType,
  body: unknown,
  rows: string,
): Promise<unknown> => {
  const list = listIn(body, rows)
  if (list === null || list.length <= ROWS_AT_ONCE) return checked(schema, body)
  const taken: unknown[] = []
  let whole: object = {}
  for (let from = 0; from < list.length; from += ROWS_AT_ONCE) {
    const some = { ...(body as object), [rows]: list.slice(from, from + ROWS_AT_ONCE) }
    const part = checked(schema, some, ([member, index, ...rest]) =>
      member === rows && typeof index === 'number'
        ? [member, from + index, ...rest]
        : [member, index, ...rest].filter((step) => step !== undefined),
    ) as Record<string, unknown>
    whole = part
    for (const row of listIn(part, rows) ?? []) taken.push(row)
    await setImmediate()
  }
  return { ...whole, [rows]: taken }
}

const listIn = (body: unknown, member: string): unknown[] | null => {
  const list: unknown =
    typeof body === 'object' && body !== null
      ? (body as Record<string, unknown>)[member]
      : undefined
  return Array.isArray(list) ? list : null
}
