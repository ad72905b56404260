// Whether a value that the mapping itself holds (a default, the right side of a value map) is one that
// the field accepts. The values of records are checked when they are pushed.

import { sameName } from '../metadata/names.ts'
import { type DescribedField } from './describe.ts'
import { error, type Fault, some, warning } from './finding.ts'
import { type MappedValue } from './mapping.ts'
import { readDay, readMoment, readTime } from '../../moments.ts'

const SFDC_ID = /^(?:[A-Za-z0-9]{15}|[A-Za-z0-9]{18})$/
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@.]+$/
/** As pushes treat them: a time at midnight is a date. */
const isDate = (text: string): boolean => {
  const time = readDay(text) === null ? readMoment(text)?.time : null
  return (
    time === null ||
    (time !== undefined &&
      time.hour + time.minute + time.second === 0 &&
      Number(time.fraction) === 0)
  )
}

const isDateTime = (text: string): boolean => {
  const moment = readMoment(text)
  return moment !== null && moment.offsetSeconds !== null
}

const NUMERIC: ReadonlySet<string> = new Set(['int', 'long', 'double', 'currency', 'percent'])

/** What a value of each type looks like; a type that is not listed accepts any text. */
const FORMS: Readonly<
  Record<string, { takes: (text: string) => boolean; form: string } | undefined>
> = {
  boolean: { takes: (text) => /^(true|false)$/i.test(text), form: 'true or false' },
  date: { takes: isDate, form: 'a date like 2026-03-31' },
  datetime: { takes: isDateTime, form: 'a time like 2026-03-31T09:00:00Z' },
  time: { takes: (text) => readTime(text) !== null, form: 'a time of day like 09:30:00' },
  email: { takes: (text) => EMAIL.test(text), form: 'an e-mail address' },
  reference: { takes: (text) => SFDC_ID.test(text), form: 'the 18 characters of a record id' },
  id: { takes: (text) => SFDC_ID.test(text), form: 'the 18 characters of a record id' },
}

/** Values that users can add to a picklist that is not restricted. */
const PICKLISTS: ReadonlySet<string> = new Set(['picklist', 'multipicklist'])

const wrongType = (field: DescribedField, value: MappedValue, form: string): Fault =>
  error(
    'value_type_mismatch',
    `${field.name} is of type ${field.type} and does not accept ${JSON.stringify(value)}.`,
    `Use ${form}.`,
  )

const numberFault = (field: DescribedField, value: MappedValue, text: string): Fault | null => {
  if (typeof value === 'boolean' || !NUMBER.test(text)) return wrongType(field, value, 'a number')
  const number = Number(text)
  if (field.type === 'int' && !Number.isInteger(number)) {
    return wrongType(field, value, 'a whole number')
  }
  // Salesforce: an int has `digits`; the others have a `precision`, of which `scale` digits are decimal
  // places.
  const digits = field.type === 'int' ? field.digits : field.precision - field.scale
  return digits > 0 && Math.abs(number) >= 10 ** digits
    ? error(
        'value_out_of_range',
        `${field.name} holds ${digits} digits before the decimal point; ${text} has more.`,
        'Use a smaller number, or map to a larger field.',
      )
    : null
}

const picklistFault = (field: DescribedField, text: string): Fault | null => {
  // Salesforce compares the values of a list case-insensitively.
  const active = new Set(field.values.map(({ value }) => value))
  const folded = new Set([...active].map((value) => value.toLowerCase()))
  const parts = field.type === 'multipicklist' ? text.split(';').map((part) => part.trim()) : [text]
  const others = parts.filter((part) => part !== '' && !folded.has(part.toLowerCase()))
  if (others.length === 0) return null
  const names = some(others.map((other) => JSON.stringify(other)))
  const known = `Its values: ${some([...active], 12) || 'none'}.`
  return field.restrictedPicklist
    ? error(
        'value_not_in_picklist',
        `${field.name} accepts only the active values of its list, and ${names} is not one of them.`,
        `Use a value from the list, or add this one to it. ${known}`,
      )
    : warning(
        'value_new_to_picklist',
        `${names} is not among the active values of ${field.name}; Salesforce would accept it anyway, outside the list.`,
        `Use a value from the list if you meant one. ${known}`,
      )
}

/** What is wrong with sending this value to this field; null if nothing is. */
export const valueFault = (field: DescribedField, value: MappedValue): Fault | null => {
  if (value === null) return null
  const text = String(value)
  if (NUMERIC.has(field.type)) return numberFault(field, value, text)
  // A record type may be given by its name, which differs less between Salesforce orgs than its id.
  const form = sameName(field.name) === 'recordtypeid' ? undefined : FORMS[field.type]
  if (form !== undefined && !form.takes(text)) return wrongType(field, value, form.form)
  if (PICKLISTS.has(field.type)) {
    return typeof value === 'string'
      ? picklistFault(field, text)
      : wrongType(field, value, 'one of its values, as text')
  }
  const isId = field.type === 'reference'
  return !isId && field.length > 0 && text.length > field.length
    ? error(
        'value_too_long',
        `${field.name} holds ${field.length} characters; this value has ${text.length}.`,
        'Shorten the value, or map to a longer field.',
      )
    : null
}
