// Values in a text field, and back.

/** A text as it is; anything else as JSON; nothing for null. */
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
