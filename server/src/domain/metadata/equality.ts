// Whether two states of a metadata file, or of an element in one, mean the same.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { list } from '../../salesforce/xml.ts'
import { readRoot } from './xml-tree.ts'

/** Flags that are true when absent; all others are false when absent. */
const TRUE_WHEN_ABSENT: ReadonlySet<string> = new Set(['isActive'])

/**
 * Members that hold text written by people: "false" in them is a word and differs from an absent value.
 */
const WORDS: ReadonlySet<string> = new Set([
  'description',
  'errorConditionFormula',
  'errorMessage',
  'formula',
  'label',
  'masterLabel',
  'value',
])

/** Members whose presence matters although they are empty (Metadata API guide, "SharedTo"). */
const SAID_BY_PRESENCE: ReadonlySet<string> = new Set(['allInternalUsers'])

const defaultOf = (name: string): string | undefined =>
  WORDS.has(name) ? undefined : TRUE_WHEN_ABSENT.has(name) ? 'true' : 'false'

/** Values as Salesforce means them: numbers and booleans by their text, an absent flag by its default. */
const meaning = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(meaning)
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .map(
          ([name, member]) => [name, SAID_BY_PRESENCE.has(name) ? true : meaning(member)] as const,
        )
        .filter(
          ([name, member]) => member !== undefined && member !== '' && member !== defaultOf(name),
        )
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return undefined
  }
  // XML reads every line end as one character. Only spaces: the indentation of an element that lost its
  // last child.
  const text = String(value).replaceAll(/\r\n?/g, '\n')
  return text.trim() === '' ? '' : text
}

/** A list of one looks like a single element in XML. */
const unlisted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 1 ? unlisted(value[0]) : value.map(unlisted)
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unlisted(member)]))
    : value
}

/** Whether two elements mean the same; the order of members does not count, that of a list does. */
export const sameElement = (a: unknown, b: unknown): boolean =>
  JSON.stringify(meaning(unlisted(a))) === JSON.stringify(meaning(unlisted(b)))

/** As `sameElement`, where null is an element that does not exist. */
export const samePart = (a: JsonObject | null, b: JsonObject | null): boolean =>
  a === null || b === null ? a === b : sameElement(a, b)

export interface FileDifference {
  /** Name of the top-level element. */
  member: string
  /** How many of its elements are only in one of the two. */
  onlyBefore: number
  onlyAfter: number
}

/**
 * What differs between two states of a metadata file, by top-level element; the order of its elements
 * does not count, but the order inside a layout section does. Empty is the proof of a full rollback.
 */
export const fileDifferences = (
  rootName: string,
  before: string,
  after: string,
): FileDifference[] => {
  const [a, b] = [readRoot(before, rootName), readRoot(after, rootName)]
  const members = [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted()
  return members.flatMap((member) => {
    const texts = (value: unknown): string[] =>
      list(value)
        .map((item) => JSON.stringify(meaning(unlisted(item))))
        .filter((text) => text !== '"false"')
    const rest = texts(b[member])
    let onlyBefore = 0
    for (const text of texts(a[member])) {
      const at = rest.indexOf(text)
      if (at < 0) onlyBefore += 1
      else rest.splice(at, 1)
    }
    return onlyBefore + rest.length === 0 ? [] : [{ member, onlyBefore, onlyAfter: rest.length }]
  })
}
