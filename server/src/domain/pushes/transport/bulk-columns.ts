// Rows of a push as rows of CSV. Salesforce: Bulk API 2.0 guide, "Relationship Fields in a Header Row":
// a parent by its key is the column `Rel__r.Key__c`, and `Type:Rel.Key` if it can be of several types.

import { type BulkValue } from '../../../salesforce/bulk-rows.ts'
import { isObject } from '../../../salesforce/json.ts'
import { type ReadyRow } from '../model.ts'

/** Columns in the order of their first occurrence. */
export class Columns {
  readonly names: string[]
  readonly #places: Map<string, number>

  /** Begins with the column that identifies rows. */
  constructor(keyColumn: string) {
    this.names = [keyColumn]
    this.#places = new Map([[keyColumn.toLowerCase(), 0]])
  }

  /** The column that identifies rows. */
  get key(): string {
    return this.names[0] ?? ''
  }

  /** The position of a column; null if it does not exist. */
  placeOf(name: string): number | null {
    // A name is nearly always written the same way, so its lower-case form is usually cached.
    const known = this.#places.get(name)
    if (known !== undefined) return known
    const place = this.#places.get(name.toLowerCase())
    if (place === undefined) return null
    this.#places.set(name, place)
    return place
  }

  add(name: string): void {
    if (this.placeOf(name) !== null) return
    this.#places.set(name.toLowerCase(), this.names.length)
    this.#places.set(name, this.names.length)
    this.names.push(name)
  }
}

type Cell = [column: string, value: BulkValue]

/** Empty text empties the field in REST; in CSV it would leave the field alone. */
const cellOf = (value: unknown): BulkValue | typeof UNFIT => {
  if (value === null || (typeof value === 'string' && value.trim() === '')) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  return UNFIT
}

const UNFIT = Symbol('unfit')

/** The values of a row by column, without the key; null if CSV cannot express them. */
export const cellsOf = ({ fields }: ReadyRow): Cell[] | null => {
  const cells: Cell[] = []
  for (const name in fields) {
    const value = fields[name]
    if (!isObject(value)) {
      const cell = cellOf(value)
      if (cell === UNFIT) return null
      cells.push([name, cell])
      continue
    }
    const { attributes, ...keys } = value
    const type = isObject(attributes) ? attributes.type : undefined
    const [entry, ...more] = Object.entries(keys)
    if (entry === undefined || more.length > 0) return null
    const cell = cellOf(entry[1])
    if (cell === UNFIT || isObject(entry[1])) return null
    const column = `${name}.${entry[0]}`
    cells.push([typeof type === 'string' ? `${type}:${column}` : column, cell])
  }
  return cells
}

/** The row in these columns. An empty cell leaves its field unchanged. */
export const valuesOf = (columns: Columns, key: BulkValue, cells: readonly Cell[]): BulkValue[] => {
  const values: BulkValue[] = columns.names.map(() => undefined)
  for (const [name, value] of cells) {
    const place = columns.placeOf(name)
    if (place !== null) values[place] = value
  }
  values[0] = key
  return values
}
