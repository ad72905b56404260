// Texts as Salesforce stores them.

import { type Coerce, type Coerced, EMPTY, Refusal, shown, wrongType } from './refusal.ts'

/**
 * Without the leading and trailing spaces and control characters, which Salesforce drops when it saves.
 */
export const trimmed = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 32) start += 1
  while (end > start && text.charCodeAt(end - 1) <= 32) end -= 1
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

/**
 * A scalar as text; null for anything else. A number beyond 2^53 has lost digits in JSON, so its text
 * would not be what was meant.
 */
export const scalarText = (value: unknown): string | null => {
  if (typeof value === 'string') return trimmed(value)
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? null : String(value)
}

const unstorable = (field: string): Refusal =>
  new Refusal(
    'INVALID_TEXT',
    `${field}: the text holds U+0000 or half a surrogate pair, which cannot be stored.`,
    'Remove the broken characters.',
  )

/** Text that may be quoted and stored; EMPTY and refusals as they are. */
const cleanText = (field: string, value: unknown): string | typeof EMPTY | Refusal => {
  const text = scalarText(value)
  if (text === null) return wrongType(field, value, 'text')
  if (text === '') return EMPTY
  return text.includes('\0') || !text.isWellFormed() ? unstorable(field) : text
}

/**
 * Salesforce counts UTF-16 code units, as its own String.length() does: an emoji counts as two. `max` 0:
 * no limit is known.
 */
export const tooLong = (
  field: string,
  text: string,
  max: number,
  remedy = `Shorten it to ${max} characters, or make the field longer.`,
): Refusal =>
  new Refusal(
    'STRING_TOO_LONG',
    `${field}: data value too large: ${shown(text)} (${text.length} characters, max length=${max})`,
    remedy,
  )

export const textCoercer =
  (field: string, max: number): Coerce =>
  (value) => {
    const text = cleanText(field, value)
    return typeof text === 'string' && max > 0 && text.length > max
      ? tooLong(field, text, max)
      : text
  }

/**
 * Only what Salesforce certainly refuses: it accepts more than any single pattern of addresses. Its help
 * (Email field) is all that is known about the characters it accepts.
 */
const EMAIL = /^[^\s@,;:<>()[\]\\"]+@[^\s@,;:<>()[\]\\".]+(?:\.[^\s@,;:<>()[\]\\".]+)+$/

export const emailCoercer = (field: string, max: number): Coerce => {
  const text = textCoercer(field, max)
  return (value): Coerced => {
    const address = text(value)
    if (typeof address !== 'string' || EMAIL.test(address)) return address
    return new Refusal(
      'INVALID_EMAIL_ADDRESS',
      `${field}: invalid email address: ${shown(address)}`,
      'Send one address like name@example.com, or nothing.',
    )
  }
}
