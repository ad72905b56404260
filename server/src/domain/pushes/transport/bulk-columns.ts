// Rows of a push as rows of CSV. Salesforce: Bulk API 2.0 guide, "Relationship Fields in a Header Row":
// a parent by its key is the column `Rel__r.Key__c`, and `Type:Rel.Key` where it can be of several kinds.

import { type BulkValue } from '../../../salesforce/bulk-rows.ts'
import { isObject } from '../../../salesforce/json.ts'
import { type ReadyRow } from '../model.ts'

/** Columns in the order in which they were first met. */
export class Columns {
  readonly names: string[]
  readonly #places: Map<string, number>

  /** Begins with the column that tells rows apart. */
  constructor(keyColumn: string) {
    this.names = [keyColumn]
    this.#places = new Map([[keyColumn.toLowerCase(), 0]])
  }

  /** The column that tells rows apart. */
  get key(): string {
    return this.names[0] ?? ''
  }

  /** The place of a column; null where it is not among them. */
  placeOf(name: string): number | null {
    // Nearly always exactly as it was met, so the folding of its case is mostly looked up.
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

/** What a row has under which columns, the key left out; null where CSV cannot say it. */
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

/** The row under these columns. An empty cell leaves its field alone. */
export const valuesOf = (columns: Columns, key: BulkValue, cells: readonly Cell[]): BulkValue[] => {
  const values: BulkValue[] = columns.names.map(() => undefined)
  for (const [name, value] of cells) {
    const place = columns.placeOf(name)
    if (place !== null) values[place] = value
  }
  values[0] = key
  return values
}
