// What happens to the values of a field that changes its type. Salesforce: Change Data Capture Developer
// Guide, "Conversions That Don't Generate Events" (values stay, or are cut where the new field is
// smaller) and "Conversions That Generate a Gap Event"; Help, "Considerations for Converting the Field
// Type of a Custom Field". What these do not name is refused over data, in the words recorded in
// trailheadapps/coral-cloud#87.

import type { Field, Row, SObject } from '../../../org/model.ts'
import type { FieldSpec } from '../../../org/schema.ts'
import { Problem, type Draft } from './draft.ts'
import type { FieldType } from './field-types.ts'

const SHORT_TEXTS: ReadonlySet<string> = new Set(['Text', 'TextArea', 'Email', 'Phone', 'Url'])
const LONG_TEXTS: ReadonlySet<string> = new Set(['LongTextArea', 'Html'])
const NUMBERS: ReadonlySet<string> = new Set(['Number', 'Currency', 'Percent'])
/** Characters of a field whose metadata has no length. */
const LENGTHS: Readonly<Partial<Record<FieldType, number>>> = {
  TextArea: 255,
  Email: 80,
  Phone: 40,
  Url: 255,
}

/** The new value; undefined if Salesforce does not convert this one. */
type Convert = (value: unknown) => unknown

const cutAt =
  (length: number): Convert =>
  (value) =>
    String(value).slice(0, length)

const fitsDigits =
  (whole: number, scale: number): Convert =>
  (value) => {
    const number = Number(value)
    const isRounded = Math.abs(number * 10 ** scale - Math.round(number * 10 ** scale)) > 1e-6
    return isRounded || Math.abs(number) >= 10 ** whole ? undefined : value
  }

const asValue: Convert = (value) => value

function conversion(from: string, to: FieldType, spec: FieldSpec): Convert | undefined {
  const length = LENGTHS[to] ?? spec.length ?? 255
  if (SHORT_TEXTS.has(from) && (SHORT_TEXTS.has(to) || LONG_TEXTS.has(to))) return cutAt(length)
  if (from === 'LongTextArea' && (SHORT_TEXTS.has(to) || to === 'Html')) return cutAt(length)
  if (from === 'AutoNumber' && to === 'Text') return cutAt(length)
  if (from === 'Text' && to === 'AutoNumber') return asValue
  if (NUMBERS.has(from) && to === 'Text') return cutAt(length)
  if (NUMBERS.has(from) && NUMBERS.has(to)) {
    const scale = spec.scale ?? 0
    return fitsDigits((spec.precision ?? 18) - scale, scale)
  }
  if (from === 'Picklist' && SHORT_TEXTS.has(to)) return cutAt(length)
  if (from === 'Text' && to === 'Picklist') return asValue
  if (from === 'Picklist' && to === 'MultiselectPicklist') {
    const listed = new Set(spec.picklistValues?.map(({ value }) => value))
    return (value) => (listed.has(String(value)) ? value : null)
  }
  return from === 'Lookup' && to === 'MasterDetail' ? asValue : undefined
}

/** Converts the field's value in every record, or refuses and changes none. */
export function convertValues(
  draft: Draft,
  object: SObject,
  { field, from, to, spec }: { field: Field; from: string; to: FieldType; spec: FieldSpec },
): void {
  if (from === to) return
  const { name } = field.describe
  const filled = [...(draft.org.records.get(object.name.toLowerCase())?.values() ?? [])].filter(
    (row) => (row[name] ?? null) !== null,
  )
  if (filled.length === 0) return
  const convert = conversion(from, to, spec)
  const changes = filled.map((row): [Row, unknown] => [row, convert?.(row[name])])
  if (changes.some(([, value]) => value === undefined)) {
    throw new Problem('Cannot change type due to existing data')
  }
  for (const [row, value] of changes) {
    const before = row[name]
    draft.onRollback(() => {
      row[name] = before
    })
    row[name] = value
  }
}
