// The one way into a jsonb column. JSON.stringify alone writes \u0000 and half surrogate pairs, which
// jsonb refuses: the statement would fail because of a text from Salesforce, however often it is
// repeated.

declare const made: unique symbol

/** JSON text that PostgreSQL takes as jsonb. Only {@link json} makes one: columns accept no other. */
export type JsonText<T = unknown> = string & { readonly [made]: T }

/**
 * An escape in what JSON.stringify writes, matched whole, so that `\\u0000` (a backslash and a word) is
 * not one.
 */
const ESCAPES = /\\(?:u[0-9a-f]{4}|.)/g
const REFUSED = /^\\u(?:0000|d[89a-f][0-9a-f]{2})$/

/**
 * The value as JSON for a jsonb column; in texts and in names of members U+FFFD stands for U+0000 and
 * for half surrogate pairs. As in JSON.stringify, members without a value are left out, and NaN and
 * Infinity are null.
 */
export const json = <T>(value: T): JsonText<T> => {
  const text = (JSON.stringify(value) as string | undefined) ?? 'null'
  if (!text.includes('\\u0000') && !text.includes('\\ud')) return text as JsonText<T>
  return text.replace(ESCAPES, (escape) =>
    REFUSED.test(escape) ? '\ufffd' : escape,
  ) as JsonText<T>
}

/** {@link json}, and SQL's null for null. */
export const jsonOrNull = <T>(value: T | null): JsonText<T> | null =>
  value === null ? null : json(value)

/**
 * Whether a jsonb column would return the value unchanged. For what callers send: they get an error
 * instead.
 */
export const isStorable = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member))
}
