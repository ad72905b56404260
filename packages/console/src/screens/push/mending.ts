// Failed rows that are mended: what somebody typed, as the values that are sent. Pure: no React.

import { type FailedRow, type MendedRow } from '@sfdc-engine-x/client'

/** By index of the row: the members that are different now. */
export type Mended = Readonly<Record<number, Readonly<Record<string, unknown>>>>

export interface Member {
  name: string
  value: unknown
  /** What is typed and shown. */
  text: string
  /** Its own errors. */
  messages: readonly string[]
}

/** The members of a row, and those that it lacks but its errors name. */
export const membersOf = ({ row, errors }: Pick<FailedRow, 'row' | 'errors'>): Member[] => {
  const members = isMembers(row) ? row : {}
  const named = errors.flatMap(({ fields }) => fields)
  const names = [...new Set([...Object.keys(members), ...named])]
  return names.map((name) => ({
    name,
    value: members[name] ?? null,
    text: textOf(members[name]),
    messages: errors.flatMap(({ fields, message }) => (fields.includes(name) ? [message] : [])),
  }))
}

const isMembers = (row: unknown): row is Record<string, unknown> =>
  typeof row === 'object' && row !== null && !Array.isArray(row)

export const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * What was typed, of the kind that it was: a text stays a text, though it looks like a number; what was a number,
 * a boolean or an object is read as JSON if it can be. Nothing typed is null.
 */
export const valueOf = (text: string, before: unknown): unknown => {
  if (text === '') return null
  if (typeof before === 'string' || before === null || before === undefined) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** With what was typed for one row; a member that is as it was is no change. */
export const mend = (
  mended: Mended,
  row: Pick<FailedRow, 'index' | 'row' | 'errors'>,
  typed: Readonly<Record<string, string>>,
): Mended => {
  const set = Object.fromEntries(
    membersOf(row).flatMap(({ name, value, text }) => {
      const now = typed[name]
      return now === undefined || now === text ? [] : [[name, valueOf(now, value)]]
    }),
  )
  const { [row.index]: _, ...others } = mended
  return Object.keys(set).length === 0 ? others : { ...others, [row.index]: set }
}

export const changesOf = (mended: Mended): MendedRow[] =>
  Object.entries(mended).map(([index, set]) => ({ index: Number(index), set }))
