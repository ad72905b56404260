// Metadata JSON of any origin in the one form in which definitions are stored and compared.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { refuse } from './refusal.ts'

/**
 * Members that are not metadata. Salesforce: a REST record has its type and url in `attributes`, and the
 * Tooling API adds `urls` to complex values; a Flow's own `attributes` have no url. XML converters keep
 * attributes under `@` and `$`.
 */
const isForeign = (name: string, value: unknown): boolean =>
  name === 'urls' ||
  name === '$' ||
  name.startsWith('@') ||
  (name === 'attributes' && isObject(value) && 'url' in value)

const leafOf = (value: unknown): unknown => {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!Array.isArray(value)) return isObject(value) ? normalizedMetadata(value) : value
  const items = value.map(leafOf).filter((item) => item !== undefined)
  return items.length < 2 ? items[0] : items
}

/**
 * As the XML of the same component would be read: leaves are texts, a list of one is its item; null
 * members and empty lists are absent. Salesforce: the Tooling API returns every member it knows, unset
 * ones as null.
 */
export const normalizedMetadata = (metadata: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(metadata)
      .filter(([name, value]) => !isForeign(name, value))
      .map(([name, value]) => [name, leafOf(value)] as const)
      .filter(([, value]) => value !== undefined),
  )

const ELEMENT_NAME = /^[A-Za-z_][\w.-]*$/
const DEPTH_MAX = 30

const check = (value: unknown, at: string, depth: number): void => {
  if (depth > DEPTH_MAX) {
    throw refuse(
      at.split('.').slice(0, 4).join('.'),
      'too_deep',
      `The definition is nested deeper than ${DEPTH_MAX} levels, which no metadata needs. Send the members of the metadata type directly.`,
    )
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      if (Array.isArray(item)) {
        throw refuse(
          `${at}.${index}`,
          'list_in_list',
          'Metadata has no lists within lists. Flatten it.',
        )
      }
      check(item, `${at}.${index}`, depth + 1)
    })
    return
  }
  if (!isObject(value)) return
  for (const [name, member] of Object.entries(value)) {
    if (isForeign(name, member)) continue
    if (!ELEMENT_NAME.test(name)) {
      throw refuse(
        `${at}.${name}`,
        'bad_member',
        name === '#text'
          ? 'An element of metadata has a text or members, not both. Remove one of them.'
          : `${name} is not the name of a metadata member. Remove it.`,
      )
    }
    check(member, `${at}.${name}`, depth + 1)
  }
}

/** As `normalizedMetadata`, for what a caller sent. Throws Refusal for what cannot be written as XML. */
export const readMetadataJson = (given: JsonObject, at: string): JsonObject => {
  check(given, at, 0)
  return normalizedMetadata(given)
}
