// The kind of a value, known from a declared type, from sample values, or from the name; and how well a
// Salesforce field holds it.

import { type DescribedField } from '../describe.ts'
import { conceptOf } from './words.ts'

export type Kind = 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'email' | 'phone' | 'url'

/** How the kind is known: a declared type and samples are reliable, a name is only a hint. */
export interface KnownKind {
  kind: Kind
  from: 'declared' | 'samples' | 'name'
}

const DECLARED: Readonly<Record<string, Kind>> = {
  string: 'text',
  text: 'text',
  varchar: 'text',
  enum: 'text',
  uuid: 'text',
  number: 'number',
  integer: 'number',
  int: 'number',
  float: 'number',
  double: 'number',
  decimal: 'number',
  money: 'number',
  currency: 'number',
  percent: 'number',
  boolean: 'boolean',
  bool: 'boolean',
  date: 'date',
  datetime: 'datetime',
  timestamp: 'datetime',
  email: 'email',
  phone: 'phone',
  url: 'url',
  uri: 'url',
}

const NAMED: Readonly<Record<string, Kind>> = {
  email: 'email',
  phone: 'phone',
  mobile: 'phone',
  fax: 'phone',
  website: 'url',
  date: 'date',
  birth: 'date',
  amount: 'number',
  revenue: 'number',
  salary: 'number',
  price: 'number',
  quantity: 'number',
  latitude: 'number',
  longitude: 'number',
  probability: 'number',
}

const SHAPES: readonly (readonly [Kind, RegExp])[] = [
  ['email', /^[^\s@]+@[^\s@]+\.[^\s@]+$/],
  ['url', /^(?:https?:\/\/|www\.)\S+$/i],
  ['datetime', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/],
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['boolean', /^(?:true|false)$/i],
  ['number', /^[+-]?\d+(?:\.\d+)?$/],
  ['phone', /^(?=(?:\D*\d){7,15}\D*$)\+?[\d\s()./-]+$/],
]

const shapeOf = (value: unknown): Kind => {
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  const text = String(value).trim()
  return SHAPES.find(([, shape]) => shape.test(text))?.[0] ?? 'text'
}

/** The kind of a canonical field's values; null if nothing shows it. */
export const kindOf = (
  words: readonly string[],
  declared: string | undefined,
  samples: readonly unknown[],
): KnownKind | null => {
  const known = DECLARED[declared?.toLowerCase().replaceAll(/[^a-z]/g, '') ?? '']
  if (known !== undefined && known !== 'text') return { kind: known, from: 'declared' }
  const shapes = new Set(
    samples.filter((value) => value !== null && value !== '').map((value) => shapeOf(value)),
  )
  const [only] = shapes
  if (only !== undefined) return { kind: shapes.size === 1 ? only : 'text', from: 'samples' }
  if (known !== undefined) return { kind: known, from: 'declared' }
  const [first = ''] = words
  if (words.length > 1 && (first === 'is' || first === 'has')) {
    return { kind: 'boolean', from: 'name' }
  }
  if (words.length > 1 && words.at(-1) === 'at') return { kind: 'datetime', from: 'name' }
  // The last word decides: "email status" is a status.
  const named = NAMED[conceptOf(words.at(-1) ?? '')]
  return named === undefined ? null : { kind: named, from: 'name' }
}

const NUMERIC = new Set(['int', 'long', 'double', 'currency', 'percent'])
const TEXTUAL = new Set(['string', 'textarea', 'combobox', 'encryptedstring'])
const LISTED = new Set(['picklist', 'multipicklist'])

const groupOf = (type: string): string =>
  NUMERIC.has(type) ? 'number' : TEXTUAL.has(type) ? 'text' : LISTED.has(type) ? 'list' : type

/** How well the group of types holds the kind: 1 fully, more if the type means the same as the kind. */
const FIT: Readonly<Record<Kind, Readonly<Record<string, number>>>> = {
  text: { text: 1, list: 1, email: 0.85, phone: 0.85, url: 0.85, reference: 0.7 },
  number: { number: 1.06, text: 0.85, list: 0.75, phone: 0.85 },
  boolean: { boolean: 1.06, text: 0.7, list: 0.75 },
  date: { date: 1.06, datetime: 0.92, text: 0.75 },
  datetime: { datetime: 1.06, date: 0.92, text: 0.75 },
  email: { email: 1.06, text: 0.95 },
  phone: { phone: 1.06, text: 0.95 },
  url: { url: 1.06, text: 0.95 },
}
const MISFIT = 0.45

/** The factor for a field of this type, and whether the type means exactly this kind. */
export const fitOf = (
  known: KnownKind | null,
  { type }: Pick<DescribedField, 'type'>,
): { factor: number; isSame: boolean } => {
  if (known === null) return { factor: 1, isSame: false }
  const factor = FIT[known.kind][groupOf(type)] ?? MISFIT
  // A name alone may mislead ("email" can be a checkbox that says whether there is one).
  const softened = known.from === 'name' && factor < 1 ? (1 + factor) / 2 : factor
  return { factor: softened, isSame: factor > 1 }
}

/** Kinds for which the field's type is so specific that it is a proposal whatever the names are. */
export const isTelling = ({ kind }: KnownKind): boolean =>
  kind === 'email' || kind === 'phone' || kind === 'url'
