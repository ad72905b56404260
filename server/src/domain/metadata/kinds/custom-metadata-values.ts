// Values of custom metadata records: how they are written, what the fields of a type take, and when two
// texts are the same value. Sources: Metadata API guide, CustomMetadata; SOAP API guide, "Field Types".

import { toDecimal, wholeDigits } from '../../../decimal.ts'
import { readDay, readMoment } from '../../../moments.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { type PlanCustomMetadataRecord } from '../../plan/schema.ts'
import { plural } from '../../words.ts'
import { sameName } from '../names.ts'

export type Value = PlanCustomMetadataRecord['values'][string]

/** What a field holds; null where it is not limited, or not known. */
interface Bounds {
  /** In characters. */
  length: number | null
  /** Digits before the decimal point. */
  whole: number | null
  /** The values of a restricted picklist. */
  values: readonly string[] | null
}

const UNBOUND: Bounds = { length: null, whole: null, values: null }

/** How the values of a field are written. */
interface Form {
  /** Its type in a file. */
  xsd: string
  /** What a value has to be, in the words of messages. */
  noun: string
  fits: (value: NonNullable<Value>) => boolean
  /** Whether two texts are one value. */
  same: (a: string, b: string) => boolean
  /** What the field has if it is given nothing. */
  nothing?: string
}

const FLAG: Form = {
  xsd: 'boolean',
  noun: 'true or false',
  fits: (value) => typeof value === 'boolean',
  same: (a, b) => a === b,
  nothing: 'false',
}

const NUMBER: Form = {
  xsd: 'double',
  noun: 'a number',
  fits: (value) => typeof value !== 'boolean' && toDecimal(String(value)) !== null,
  // Salesforce keeps decimals beyond the scale of a field; only pages round them (help 000387302).
  same: (a, b) => {
    const [one, other] = [toDecimal(a), toDecimal(b)]
    if (one === null || other === null) return a === b
    return JSON.stringify(one) === JSON.stringify(other)
  },
}
const DATE: Form = {
  xsd: 'date',
  noun: 'a date such as 2026-01-31',
  // Date.parse takes the 30th of February for the 2nd of March.
  fits: (value) => /^\d{4}-\d\d-\d\d$/.test(String(value)) && readDay(String(value)) !== null,
  same: (a, b) => a.slice(0, 10) === b.slice(0, 10),
}
/** Salesforce stores whole seconds. */
const secondsOf = (text: string): number => Math.floor(Date.parse(text) / 1000)

const MOMENT: Form = {
  xsd: 'dateTime',
  noun: 'a time such as 2026-01-31T12:00:00Z',
  fits: (value) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/.test(String(value)) &&
    readMoment(String(value)) !== null,
  same: (a, b) => secondsOf(a) === secondsOf(b),
}

/** Salesforce keeps neither spaces around a text nor carriage returns in it. */
const stored = (text: string): string => text.replaceAll(/\r\n?/g, '\n').trim()

const TEXT: Form = {
  xsd: 'string',
  noun: 'a text',
  fits: (value) => typeof value === 'string',
  same: (a, b) => stored(a) === stored(b),
}
const CHOICE: Form = {
  ...TEXT,
  // Salesforce stores a value as the picklist writes it.
  same: (a, b) => sameName(stored(a)) === sameName(stored(b)),
}
const ADDRESS: Form = {
  ...TEXT,
  noun: 'an address like name@example.com',
  fits: (value) => typeof value === 'string' && /^\s*([^\s@]+@[^\s@]+\.[^\s@]+)?\s*$/.test(value),
}

/** By the type of the field, as named in an object's file and in a describe; all others are texts. */
const FORMS: ReadonlyMap<string, Form> = new Map([
  ['Checkbox', FLAG],
  ['boolean', FLAG],
  ['Number', NUMBER],
  ['Percent', NUMBER],
  ['double', NUMBER],
  ['int', NUMBER],
  ['percent', NUMBER],
  ['Date', DATE],
  ['date', DATE],
  ['DateTime', MOMENT],
  ['datetime', MOMENT],
  ['Picklist', CHOICE],
  ['picklist', CHOICE],
  ['Email', ADDRESS],
  ['email', ADDRESS],
])

export const formOf = (type: unknown): Form => FORMS.get(String(type)) ?? TEXT

export const isFlag = (type: unknown): boolean => formOf(type) === FLAG

/** Lengths of types whose files name none. */
const LENGTHS: Readonly<Record<string, number>> = { Email: 80, Phone: 40, TextArea: 255, Url: 255 }

/** A field of a custom metadata type. */
export interface ValueField {
  form: Form
  bounds: Bounds
}

const numberIn = (value: unknown): number | null => {
  const number = Number(value ?? Number.NaN)
  return Number.isFinite(number) ? number : null
}

/** Digits before the decimal point. */
const wholeOf = (precision: unknown, scale: unknown): number | null => {
  const [all, behind] = [numberIn(precision), numberIn(scale) ?? 0]
  return all === null || all === 0 ? null : all - behind
}

/** By its element in the file of the type. */
export const fieldInFile = (element: JsonObject): ValueField => {
  const form = formOf(element.type)
  const length = numberIn(element.length) ?? LENGTHS[String(element.type)] ?? null
  if (form === NUMBER) {
    return { form, bounds: { ...UNBOUND, whole: wholeOf(element.precision, element.scale) } }
  }
  if (form !== CHOICE) return { form, bounds: { ...UNBOUND, length } }
  const set = (element.valueSet ?? {}) as JsonObject
  const definition = (set.valueSetDefinition ?? null) as JsonObject | null
  const values = listObjects(definition?.value)
    .filter(({ isActive }) => leaf(isActive) !== 'false')
    .map(({ fullName }) => leaf(fullName) ?? '')
  const isKnown = leaf(set.restricted) === 'true' && definition !== null
  return { form, bounds: { ...UNBOUND, values: isKnown ? values : null } }
}

/** By its entry in a describe. */
export const fieldInDescribe = (field: JsonObject): ValueField => {
  const form = formOf(field.type)
  if (form === NUMBER) {
    return { form, bounds: { ...UNBOUND, whole: wholeOf(field.precision, field.scale) } }
  }
  if (form !== CHOICE) {
    const length = form === TEXT || form === ADDRESS ? numberIn(field.length) : null
    return { form, bounds: { ...UNBOUND, length: length === 0 ? null : length } }
  }
  const values = listObjects(field.picklistValues)
    .filter(({ active }) => active !== false)
    .map(({ value }) => String(value))
  return { form, bounds: { ...UNBOUND, values: field.restrictedPicklist === true ? values : null } }
}

const LISTED_MAX = 12

const beyond = (
  field: string,
  value: NonNullable<Value>,
  { form, bounds: { length, whole, values } }: ValueField,
): string | null => {
  const text = stored(String(value))
  if (length !== null && text.length > length) {
    return `${field} takes ${plural(length, 'character')}, and the value has ${text.length}.`
  }
  if (form === DATE && (text < '1700' || text >= '4001')) {
    return `${field} takes dates of the years 1700 to 4000, not ${text}.`
  }
  const number = whole === null ? null : toDecimal(text)
  if (whole !== null && number !== null && wholeDigits(number) > whole) {
    return `${field} takes ${plural(whole, 'digit')} before the decimal point, which ${text} exceeds.`
  }
  if (values !== null && text !== '' && !values.some((one) => sameName(one) === sameName(text))) {
    const more = values.length > LISTED_MAX ? ' and others' : ''
    return `${field} takes ${values.slice(0, LISTED_MAX).join(', ')}${more}, not ${JSON.stringify(value)}.`
  }
  return null
}

/** Why Salesforce would not take the value; null if nothing speaks against it. */
export const faultOfValue = (field: string, value: Value, kind: ValueField): string | null => {
  const { form } = kind
  if (value === null) return null
  return form.fits(value)
    ? beyond(field, value, kind)
    : `${field} takes ${form.noun}, not ${JSON.stringify(value)}.`
}

/**
 * Whether the text of a file is the value; an absent value equals an empty one. `false` is written even so,
 * since a checkbox that is not in a file may have a default.
 */
export const isValue = (text: string, value: Value, { form }: ValueField): boolean => {
  const wanted = value === null ? '' : String(value)
  if (text === '' || wanted === '')
    return text === wanted || (wanted === '' && text === form.nothing)
  return form.same(text, wanted)
}
