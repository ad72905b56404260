// Picklist values, restricted or not, one or many.

import { asText, isObject } from '../../../salesforce/json.ts'
import { type Coerce, EMPTY, Noted, Refusal, shown, wrongType } from './refusal.ts'
import { textCoercer, tooLong } from './text.ts'

export interface Picklist {
  field: string
  /** In characters; 0 where unknown. */
  length: number
  restricted: boolean
  /** As describes list them. */
  entries: readonly { value: string; label: string; active: boolean }[]
}

/** Entries of a describe's `picklistValues`, inactive ones too. */
export const picklistEntries = (picklistValues: unknown): Picklist['entries'] =>
  (Array.isArray(picklistValues) ? picklistValues : []).filter(isObject).flatMap((entry) => {
    const value = asText(entry.value)
    return value === null
      ? []
      : [{ value, label: asText(entry.label) ?? value, active: entry.active !== false }]
  })

const LISTED_MAX = 12

/** Checks one value (trimmed text, not empty). */
const entryJudge = ({
  field,
  length,
  restricted,
  entries,
}: Picklist): ((text: string) => string | Noted | Refusal) => {
  const active = new Set<string>()
  const byCase = new Map<string, string>()
  const byLabel = new Map<string, string>()
  const inactive = new Set<string>()
  for (const entry of entries) {
    const lower = entry.value.toLowerCase()
    if (!entry.active) {
      inactive.add(lower)
      continue
    }
    active.add(entry.value)
    if (!byCase.has(lower)) byCase.set(lower, entry.value)
    byLabel.set(entry.label.toLowerCase(), entry.value)
  }
  const values = [...active]
  const listed =
    values.length > LISTED_MAX
      ? `${values.slice(0, LISTED_MAX).join(', ')} and ${values.length - LISTED_MAX} more`
      : values.join(', ')
  const remedyFor = (text: string): string => {
    const labelled = byLabel.get(text.toLowerCase())
    return labelled !== undefined
      ? `${shown(text)} is a label: send its API value ${shown(labelled)}.`
      : `Map it in the value map, or add it to the list. The active values are: ${listed || 'none'}.`
  }
  const isTooLong = (text: string): boolean => length > 0 && text.length > length
  return (text) => {
    if (active.has(text)) return text
    const lower = text.toLowerCase()
    // Salesforce compares the values of a list case-insensitively and stores the list's own form.
    const same = byCase.get(lower)
    if (same !== undefined) return same
    if (restricted) {
      return new Refusal(
        'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
        `${field}: bad value for restricted picklist field: ${shown(text)}${inactive.has(lower) ? ' (inactive)' : ''}`,
        remedyFor(text),
      )
    }
    // Salesforce sets the length of a picklist; it cannot be made longer.
    if (isTooLong(text)) return tooLong(field, text, length, remedyFor(text))
    const labelled = byLabel.get(lower)
    return labelled === undefined ? text : new Noted(text, labelSent(field, text, labelled))
  }
}

const labelSent = (field: string, text: string, value: string): Refusal =>
  new Refusal(
    'PICKLIST_LABEL_SENT',
    `${field}: ${shown(text)} is the label of the value ${shown(value)}, and was sent as a value of its own.`,
    `Send ${shown(value)}, or map ${shown(text)} to it in the value map.`,
  )

export const picklistCoercer = (picklist: Picklist): Coerce => {
  const text = textCoercer(picklist.field, 0)
  const judge = entryJudge(picklist)
  return (value) => {
    const entry = text(value)
    return typeof entry === 'string' ? judge(entry) : entry
  }
}

/**
 * Salesforce: values of a multi-select are sent as one text with semicolons. Accepts that or an array.
 */
export const multiPicklistCoercer = (picklist: Picklist): Coerce => {
  const { field, length } = picklist
  const text = textCoercer(field, 0)
  const judge = entryJudge(picklist)
  return (value) => {
    const parts: unknown[] = Array.isArray(value)
      ? value
      : typeof value === 'string'
        ? value.split(';')
        : [value]
    const chosen = new Set<string>()
    let warning: Refusal | null = null
    for (const part of parts) {
      if (part === null) continue
      const entry = text(part)
      if (entry instanceof Refusal) return entry
      if (typeof entry !== 'string') continue
      if (entry.includes(';')) return wrongType(field, part, 'values without semicolons')
      const judged = judge(entry)
      if (judged instanceof Refusal) return judged
      if (judged instanceof Noted) warning ??= judged.warning
      chosen.add(judged instanceof Noted ? String(judged.value) : judged)
    }
    if (chosen.size === 0) return EMPTY
    const joined = [...chosen].join(';')
    if (length > 0 && joined.length > length) {
      return tooLong(field, joined, length, 'Send fewer values.')
    }
    return warning === null ? joined : new Noted(joined, warning)
  }
}
