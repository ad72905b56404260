// Record ids: 15 case-sensitive characters, and 3 that encode their case (SOAP API guide, "ID Field
// Type"). Always sent with all 18.

import { type Coerce, EMPTY, Refusal, shown } from './refusal.ts'
import { trimmed } from './text.ts'

const SUFFIX = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

const checksum = (id: string): string => {
  let suffix = ''
  for (let block = 0; block < 15; block += 5) {
    let bits = 0
    for (let at = 0; at < 5; at += 1) {
      const code = id.charCodeAt(block + at)
      if (code >= 65 && code <= 90) bits |= 1 << at
    }
    suffix += SUFFIX.charAt(bits)
  }
  return suffix
}

const isAlphanumeric = (text: string): boolean => {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    const letter = (code | 32) >= 97 && (code | 32) <= 122
    if (!letter && !(code >= 48 && code <= 57)) return false
  }
  return true
}

/**
 * The id with its 18 characters; null for text that is not an id (wrong length, characters or checksum).
 */
export const toRecordId = (text: string): string | null => {
  if ((text.length !== 15 && text.length !== 18) || !isAlphanumeric(text)) return null
  const suffix = checksum(text)
  if (text.length === 15) return text + suffix
  return text.endsWith(suffix) ? text : null
}

/**
 * Key prefixes that are the same in every Salesforce org, for objects without a describe. Custom objects
 * have different ones in each.
 */
const STANDARD_PREFIXES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    account: '001',
    contact: '003',
    user: '005',
    opportunity: '006',
    lead: '00Q',
    group: '00G',
    case: '500',
    campaign: '701',
  }),
)

/** Prefixes of these objects' ids; null if not all are known, so that nothing can be checked. */
export const prefixesOf = (
  objects: readonly string[],
  describedPrefix: (object: string) => string | null,
): ReadonlySet<string> | null => {
  if (objects.length === 0) return null
  const prefixes = objects.map(
    (object) => describedPrefix(object) ?? STANDARD_PREFIXES.get(object.toLowerCase()) ?? null,
  )
  return prefixes.every((prefix) => prefix !== null) ? new Set(prefixes) : null
}

interface IdField {
  name: string
  prefixes: ReadonlySet<string> | null
  /** Names of the objects, for the remedy. */
  objects: readonly string[]
  /** The record's own id: Salesforce has a different code for one of the wrong object. */
  own?: boolean
}

export const idCoercer =
  ({ name, prefixes, objects, own = false }: IdField) =>
  (value: unknown): string | typeof EMPTY | Refusal => {
    const text = typeof value === 'string' ? trimmed(value) : null
    if (text === '') return EMPTY
    const id = text === null ? null : toRecordId(text)
    if (id === null) {
      return new Refusal(
        'MALFORMED_ID',
        `${name}: malformed id ${shown(value)}`,
        'Send the 15 or 18 characters of a record id, case unchanged.',
      )
    }
    if (prefixes === null || prefixes.has(id.slice(0, 3))) return id
    const wanted = objects.length > 4 ? 'one of the objects it leads to' : objects.join(' or ')
    return new Refusal(
      own ? 'MALFORMED_ID' : 'FIELD_INTEGRITY_EXCEPTION',
      `${name}: id value of incorrect type: ${id}`,
      `Send the id of a record of ${wanted} (${[...prefixes].slice(0, 4).join(', ')}…).`,
    )
  }

export interface RecordType {
  id: string
  name: string
  developerName: string
  /** Active, and the connected user may use it. */
  usable: boolean
}

/** Takes a record type's id or, since ids differ between Salesforce orgs, its developer name or name. */
export const recordTypeCoercer = (name: string, types: readonly RecordType[]): Coerce => {
  const byText = new Map<string, RecordType>()
  for (const type of types) byText.set(type.name.toLowerCase(), type)
  for (const type of types) byText.set(type.developerName.toLowerCase(), type)
  const byId = new Map(types.map((type) => [type.id, type]))
  return (value) => {
    const text = typeof value === 'string' ? trimmed(value) : null
    if (text === '') return EMPTY
    const id = text === null ? null : toRecordId(text)
    const type =
      text === null
        ? undefined
        : ((id === null ? undefined : byId.get(id)) ?? byText.get(text.toLowerCase()))
    if (type !== undefined && type.usable) return type.id
    const usable = types.filter((each) => each.usable).map(({ developerName }) => developerName)
    return new Refusal(
      'INVALID_CROSS_REFERENCE_KEY',
      type === undefined
        ? `${name}: no record type ${shown(value)}`
        : `${name}: record type ${type.developerName} is not available to the connected user.`,
      `Use one of ${usable.slice(0, 10).join(', ') || 'none'}, or make the record type available to the connected user.`,
    )
  }
}
