// Bodies against their schemas; long lists a few hundred rows at a time.

import { setImmediate } from 'node:timers/promises'
import type * as z from 'zod'
import { FAULTS_MAX, faultsOf, readWith } from '../domain/schema-faults.ts'
import { EngineError, type MemberError } from '../errors.ts'
import { InexactNumber } from '../exact-json.ts'
import { clip } from '../text.ts'

/** Rows that are checked together: each may have thousands of members. */
const ROWS_AT_ONCE = 10
/** So long rows are checked before others get their turn. */
const TURN_MS = 5
/** Faults are looked for in so many rows from the first that has one. */
const ROWS_BEYOND_FAULT = 500

/** The value as parsed by the schema. Throws validation_failed with at most fifty of its faults. */
export const checked = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.infer<Schema> => {
  const read = readWith(schema, value)
  if (read.issues === null) return read.data
  throw unfit(faultsOf(read.issues))
}

const unfit = (errors: MemberError[]): EngineError =>
  new EngineError('validation_failed', 'The body does not fit the schema; see errors.', { errors })

/** Throws validation_failed for numbers with more digits than a JSON number can be trusted with. */
export const refuseInexact = (body: unknown): void => {
  const errors = [...inexactIn(body, [])].slice(0, FAULTS_MAX).map(({ path, source }) => ({
    path,
    code: 'number_not_exact',
    message: `${path} would lose digits as a JSON number. Send them as a text: "${clip(source, 100)}".`,
  }))
  if (errors.length > 0) throw unfit(errors)
}

function* inexactIn(
  value: unknown,
  path: readonly string[],
): Generator<{ path: string; source: string }> {
  if (value instanceof InexactNumber) yield { path: path.join('.'), source: value.source }
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) yield* inexactIn(member, [...path, name])
  }
}

/**
 * The same for a body whose member `rows` is a list that may be long: a few rows at a time, until there
 * are as many faults as are shown, and not many rows beyond the first fault.
 */
export const checkedWithRows = async (
  schema: z.ZodType,
  body: unknown,
  rows: string,
): Promise<unknown> => {
  const list = listIn(body, rows)
  if (list === null || list.length <= ROWS_AT_ONCE) return checked(schema, body)
  const taken: unknown[] = []
  const faults: MemberError[] = []
  let whole: object = {}
  let most = list.length
  let turn = performance.now()
  for (let from = 0; from < most && faults.length < FAULTS_MAX; from += ROWS_AT_ONCE) {
    const some = { ...(body as object), [rows]: list.slice(from, from + ROWS_AT_ONCE) }
    const read = readWith(schema, some)
    if (read.issues === null) {
      whole = read.data as object
      if (faults.length === 0) for (const row of listIn(whole, rows) ?? []) taken.push(row)
    } else {
      if (faults.length === 0) most = Math.min(most, from + ROWS_BEYOND_FAULT)
      const own = read.issues.filter(({ path }) => from === 0 || path[0] === rows)
      faults.push(...faultsOf(own.map((issue) => ({ ...issue, path: moved(issue.path, from) }))))
    }
    if (performance.now() - turn < TURN_MS) continue
    await setImmediate()
    turn = performance.now()
  }
  if (faults.length > 0) throw unfit(faults.slice(0, FAULTS_MAX))
  return { ...whole, [rows]: taken }
}

/** The path of a row's fault in the whole list. */
const moved = ([member, index, ...rest]: PropertyKey[], from: number): PropertyKey[] =>
  [member, typeof index === 'number' ? from + index : index, ...rest].filter(
    (step) => step !== undefined,
  )

const listIn = (body: unknown, member: string): unknown[] | null => {
  const list: unknown =
    typeof body === 'object' && body !== null
      ? (body as Record<string, unknown>)[member]
      : undefined
  return Array.isArray(list) ? list : null
}
