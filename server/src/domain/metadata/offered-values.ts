// Values of a picklist that a business process or a record type offers. Both name them in the same way:
// percent-encoded, `Proposal%2FQuote`, in a list in which at most one is the default.

import { type JsonObject } from '../../salesforce/json.ts'
import { leaf, type XmlValue } from '../../salesforce/xml.ts'
import { sameName } from './names.ts'
import { overlay } from './xml-tree.ts'

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const encoded = (value: string): string =>
  value.replace(
    /[^A-Za-z0-9 _.\-\u0080-\uffff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )

/** The value that an element names. */
export const offeredValue = ({ fullName }: JsonObject): string => decoded(leaf(fullName) ?? '')

export interface Offer {
  values: readonly string[]
  /** Undefined: the default stays as it is. */
  default?: string | undefined
}

/** What is offered, in its order, then what the plan adds. */
export const withOffered = (
  current: readonly JsonObject[],
  { values, default: byDefault }: Offer,
): Record<string, XmlValue>[] => {
  const isDefault = (value: string, before: boolean): boolean =>
    byDefault === undefined ? before : sameName(value) === sameName(byDefault)
  const there = new Set(current.map((one) => sameName(offeredValue(one))))
  const kept = current.map((one) =>
    overlay(one, { default: isDefault(offeredValue(one), one.default === 'true') }),
  )
  const added = values
    .filter((value) => !there.has(sameName(value)))
    .map((value) => ({ fullName: encoded(value), default: isDefault(value, false) }))
  return [...kept, ...added]
}
