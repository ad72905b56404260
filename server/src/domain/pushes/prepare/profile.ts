// Statistics of the values of a push, field by field: counts and extremes, and for picklists how often
// each value occurred. No other value is kept.

import { type LastPush, type ValueProfile } from '../../conflicts/facts.ts'
import { type ReadyRow } from '../model.ts'
import { type MappedField } from './mapped-field.ts'

/** The most values of a picklist; a field that has more is not used as one. */
const VALUES_MAX = 1_000

export interface Profile {
  /** Counts a row that could be sent. */
  note(row: ReadyRow): void
  /**
   * The number of rows counted, and their fields by the API name of what is written (see
   * `writtenField`).
   */
  result(): LastPush
}

interface Column {
  mapped: MappedField
  empty: number
  longest: number | null
  smallest: number | null
  largest: number | null
  values: Map<string, number> | null
}

const count = (values: Map<string, number>, value: string, by: number): void => {
  const before = values.get(value)
  if (before !== undefined) values.set(value, before + by)
  else if (values.size < VALUES_MAX) values.set(value, by)
}

const note = (column: Column, value: unknown): void => {
  if (value === undefined || value === null) {
    column.empty += 1
    return
  }
  const { mapped, values } = column
  if (mapped.valueKind === 'number') {
    // A text if a double would change it; for its size a double is exact enough.
    const number = Number(value)
    if (column.smallest === null || number < column.smallest) column.smallest = number
    if (column.largest === null || number > column.largest) column.largest = number
    return
  }
  if (typeof value !== 'string' || mapped.valueKind === 'other') return
  if (column.longest === null || value.length > column.longest) column.longest = value.length
  if (values === null) return
  if (mapped.valueKind === 'picklist') count(values, value, 1)
  else for (const part of value.split(';')) count(values, part, 1)
}

export const createProfile = (mappedFields: readonly MappedField[]): Profile => {
  let rows = 0
  const columns = mappedFields.map((mapped): Column => ({
    mapped,
    empty: 0,
    longest: null,
    smallest: null,
    largest: null,
    values:
      mapped.valueKind === 'picklist' || mapped.valueKind === 'multipicklist' ? new Map() : null,
  }))
  return {
    note: ({ fields, matchField, matchValue }) => {
      rows += 1
      for (const column of columns) {
        const { mapped } = column
        const isKey = mapped.parent === null && mapped.written === matchField
        // A parent's field is emptied by its own name.
        note(column, isKey ? matchValue : (fields[mapped.member] ?? fields[mapped.written]))
      }
    },
    result: () => ({
      rows,
      fields: Object.fromEntries(
        columns.map(({ mapped, values, ...numbers }): [string, ValueProfile] => [
          mapped.written,
          {
            empty: numbers.empty,
            longest: numbers.longest,
            smallest: numbers.smallest,
            largest: numbers.largest,
            values: values === null ? null : Object.fromEntries(values),
          },
        ]),
      ),
    }),
  }
}

const extreme = (a: number | null, b: number | null, of: 'min' | 'max'): number | null =>
  a === null ? b : b === null ? a : Math[of](a, b)

const mergeValues = (
  a: ValueProfile['values'],
  b: ValueProfile['values'],
): ValueProfile['values'] => {
  if (a === null || b === null) return a ?? b
  const merged = new Map(Object.entries(a))
  for (const [value, rows] of Object.entries(b)) count(merged, value, rows)
  return Object.fromEntries(merged)
}

/** The profile of the rows of both, as if one profile had counted them. */
export const mergeProfiles = (a: LastPush, b: LastPush): LastPush => {
  const names = [...new Set([...Object.keys(a.fields), ...Object.keys(b.fields)])]
  return {
    rows: a.rows + b.rows,
    fields: Object.fromEntries(
      names.map((name): [string, ValueProfile] => {
        const left = a.fields[name] ?? unseen(a.rows)
        const right = b.fields[name] ?? unseen(b.rows)
        return [
          name,
          {
            empty: left.empty + right.empty,
            longest: extreme(left.longest, right.longest, 'max'),
            smallest: extreme(left.smallest, right.smallest, 'min'),
            largest: extreme(left.largest, right.largest, 'max'),
            values: mergeValues(left.values, right.values),
          },
        ]
      }),
    ),
  }
}

/** For a field that was not mapped then: every row was empty. */
const unseen = (rows: number): ValueProfile => ({
  empty: rows,
  longest: null,
  smallest: null,
  largest: null,
  values: null,
})
