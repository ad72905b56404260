import { parseTime } from './dates.ts'
import type { SoqlField, SoqlValue } from './schema.ts'

/** One part of ORDER BY: what it reads, and its direction. */
export interface SortBy<Row> {
  by: { field: SoqlField; read: (row: Row) => SoqlValue }
  order?: 'ASC' | 'DESC'
  nulls?: 'FIRST' | 'LAST'
}

type SortKey = string | number | null

/** A value in a form that sorts as in Salesforce: text case-insensitively, times by instant. */
export function sortKey(field: SoqlField, value: SoqlValue): SortKey {
  if (value === null || value === '') return null
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return null
  if (field.type === 'date' || field.type === 'datetime') return parseTime(value)
  return field.type === 'id' || field.type === 'reference' ? value : value.toLowerCase()
}

export function compareSortKeys(left: SortKey, right: SortKey): number {
  if (left === right) return 0
  if (left === null) return -1
  if (right === null) return 1
  return left < right ? -1 : 1
}

/**
 * Sorts stably into a new array. Salesforce: nulls come first in both directions unless stated
 * otherwise.
 */
export function sortRows<Row>(rows: readonly Row[], sorts: readonly SortBy<Row>[]): Row[] {
  if (sorts.length === 0) return [...rows]
  const keyed = rows.map((row) => ({
    row,
    keys: sorts.map(({ by }) => sortKey(by.field, by.read(row))),
  }))
  keyed.sort((left, right) => {
    for (const [index, { order, nulls }] of sorts.entries()) {
      const [a = null, b = null] = [left.keys[index], right.keys[index]]
      if (a === b) continue
      if (a === null || b === null) return (a === null) === (nulls !== 'LAST') ? -1 : 1
      const difference = compareSortKeys(a, b)
      return order === 'DESC' ? -difference : difference
    }
    return 0
  })
  return keyed.map(({ row }) => row)
}
