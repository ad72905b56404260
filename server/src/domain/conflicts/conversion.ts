// What becomes of a field that changes its type. Source: Salesforce Help, "Notes on Changing Custom
// Field Types"; Metadata API guide, CustomField.

import { type JsonObject } from '../../salesforce/json.ts'
import { type FieldType, type PlanField } from '../plan/field-schema.ts'

const BY_DESCRIBE: Readonly<Record<string, FieldType>> = {
  string: 'Text',
  double: 'Number',
  int: 'Number',
  currency: 'Currency',
  percent: 'Percent',
  boolean: 'Checkbox',
  date: 'Date',
  datetime: 'DateTime',
  time: 'Time',
  email: 'Email',
  phone: 'Phone',
  url: 'Url',
  picklist: 'Picklist',
  multipicklist: 'MultiselectPicklist',
  location: 'Location',
  encryptedstring: 'EncryptedText',
}

/** The plan's type for a field of a describe; null for types that plans do not know. */
export const typeOfDescribed = (field: JsonObject): FieldType | null => {
  if (typeof field.calculatedFormula === 'string') return 'Formula'
  // Salesforce: a roll-up is calculated without a formula.
  if (field.calculated === true) return 'Summary'
  if (field.autoNumber === true) return 'AutoNumber'
  if (field.type === 'reference') {
    return typeof field.relationshipOrder === 'number' ? 'MasterDetail' : 'Lookup'
  }
  if (field.type === 'textarea') {
    if (field.htmlFormatted === true) return 'Html'
    return typeof field.length === 'number' && field.length > 255 ? 'LongTextArea' : 'TextArea'
  }
  return BY_DESCRIBE[String(field.type)] ?? null
}

export type Conversion =
  | { kind: 'same' }
  /** Every value stays as it is. */
  | { kind: 'kept'; note: string }
  | { kind: 'lossy'; loses: string }
  | { kind: 'refused'; why: string }

const CALCULATED: ReadonlySet<FieldType> = new Set(['Formula', 'Summary'])
const UNCHANGEABLE: ReadonlySet<FieldType> = new Set(['Location', 'EncryptedText'])
const LINKS: ReadonlySet<FieldType> = new Set(['Lookup', 'MasterDetail'])
const LONG: ReadonlySet<FieldType> = new Set(['LongTextArea', 'Html'])
const SHORT_TEXTS: ReadonlySet<FieldType> = new Set(['Text', 'TextArea', 'Email', 'Phone', 'Url'])
const NUMBERS: ReadonlySet<FieldType> = new Set(['Number', 'Currency', 'Percent'])
const MOMENTS: ReadonlySet<FieldType> = new Set(['Date', 'DateTime', 'Time'])

const lossy = (loses: string): Conversion => ({ kind: 'lossy', loses })
const kept = (note: string): Conversion => ({ kind: 'kept', note })
const refused = (why: string): Conversion => ({ kind: 'refused', why })

/** What Salesforce makes of a field of the type `from` when it is deployed as `to`. */
export const conversionOf = (from: FieldType, to: FieldType): Conversion => {
  if (from === to) return { kind: 'same' }
  if (CALCULATED.has(from) || CALCULATED.has(to)) {
    return refused('a calculated field and an ordinary one cannot become each other')
  }
  if (UNCHANGEABLE.has(from) || UNCHANGEABLE.has(to)) {
    return refused('geolocations and encrypted texts have no conversion')
  }
  if (LINKS.has(from) || LINKS.has(to)) {
    if (from === 'Lookup' && to === 'MasterDetail') return kept('every record must name its master')
    if (from === 'MasterDetail' && to === 'Lookup') return kept('roll-ups over it must go first')
    return refused('a relationship cannot become an ordinary field, nor the reverse')
  }
  if (LONG.has(from)) {
    if (LONG.has(to)) return to === 'Html' ? kept('texts stay') : lossy('the formatting')
    if (SHORT_TEXTS.has(to)) return lossy('what stands behind the 255th character')
    return refused('a long text becomes a text, a phone, an e-mail or a URL only')
  }
  if (SHORT_TEXTS.has(from) && (SHORT_TEXTS.has(to) || LONG.has(to))) return kept('texts stay')
  if (from === 'Text' && to === 'AutoNumber') return kept('values stay, new ones are counted')
  if (from === 'AutoNumber') {
    return to === 'Text' ? kept('values stay as text') : lossy('all values')
  }
  if (NUMBERS.has(from) && NUMBERS.has(to)) return kept('numbers stay')
  if (NUMBERS.has(from) && SHORT_TEXTS.has(to)) return kept('numbers stay as text')
  if (from === 'Picklist' && (to === 'MultiselectPicklist' || SHORT_TEXTS.has(to))) {
    return kept('values stay')
  }
  if (from === 'Picklist' && to === 'Checkbox')
    return lossy('values that are not among the new ones')
  if (from === 'Text' && to === 'Picklist') return lossy('values that are not in the list')
  if (MOMENTS.has(from) || MOMENTS.has(to)) return lossy('all values')
  return lossy('values that do not fit the new type')
}

/** The largest whole part that a number of the plan holds. */
export const wholeDigits = (field: PlanField): number | null =>
  'precision' in field ? field.precision - field.scale : null

/** Whether the field is there with the planned type, so that its attributes can be compared. */
export const keepsType = ({
  field,
  existing,
}: {
  field: PlanField
  existing: JsonObject | null
}): boolean => existing !== null && typeOfDescribed(existing) === field.type
