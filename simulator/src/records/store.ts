// Where the rows of one org live, and the indexes over them: all rows of an object are never scanned
// twice. Rows are never changed in place: a running query keeps what it read.

import { type Field, type Org, type Row, type SObject } from '../org/model.ts'

interface FieldIndex {
  /** The table it was built from; a different one after a reset or an erased object. */
  rows: Map<string, Row>
  /** Rows that it knows of. Differs from the table's when a seed wrote past this store. */
  count: number
  /** One id, or a set if several rows have the value: most values are unique. */
  ids: Map<string, string | Set<string>>
}

const NONE: readonly string[] = []

/** The key of a value: text in any letter case, as for external ids and unique fields. */
export const indexKey = (value: unknown): string | null => {
  if (value === null || value === undefined || value === '') return null
  return typeof value === 'string' ? value.toLowerCase() : JSON.stringify(value)
}

/** Ids differ by case, so references are looked up as they are. */
const keyFor = (field: Field, value: unknown): string | null =>
  field.describe.type === 'reference' && typeof value === 'string'
    ? value.slice(0, 15)
    : indexKey(value)

export class RecordStore {
  readonly #org: Org
  readonly #indexes = new Map<string, Map<Field['describe']['name'], FieldIndex>>()

  constructor(org: Org) {
    this.#org = org
  }

  rows(object: SObject): Map<string, Row> {
    const key = object.name.toLowerCase()
    const found = this.#org.records.get(key)
    if (found !== undefined) return found
    const made = new Map<string, Row>()
    this.#org.records.set(key, made)
    return made
  }

  /** The row with this 18-character id, deleted or not. */
  row(object: SObject, id: string): Row | undefined {
    return this.#org.records.get(object.name.toLowerCase())?.get(id)
  }

  /** Inserts a row, replacing the one with its id. */
  put(object: SObject, row: Row): void {
    const rows = this.rows(object)
    const before = rows.get(row.Id)
    for (const [name, index] of this.#indexes.get(object.name) ?? []) {
      const field = object.fields.get(name.toLowerCase())
      if (field === undefined || index.rows !== rows) continue
      const was = before === undefined ? null : keyFor(field, before[name])
      const is = keyFor(field, row[name])
      if (was !== is) {
        if (was !== null) forget(index, was, row.Id)
        if (is !== null) note(index, is, row.Id)
      }
      if (before === undefined) index.count++
    }
    rows.set(row.Id, row)
  }

  /** Removes a row permanently. */
  erase(object: SObject, id: string): void {
    const rows = this.rows(object)
    const row = rows.get(id)
    if (row === undefined) return
    for (const [name, index] of this.#indexes.get(object.name) ?? []) {
      const field = object.fields.get(name.toLowerCase())
      if (field === undefined || index.rows !== rows) continue
      const key = keyFor(field, row[name])
      if (key !== null) forget(index, key, id)
      index.count--
    }
    rows.delete(id)
  }

  /** Ids of the rows, including deleted ones, that have this value in this field. */
  idsWith(object: SObject, field: Field, value: unknown): readonly string[] {
    const key = keyFor(field, value)
    if (key === null) return NONE
    const found = this.#index(object, field).ids.get(key)
    if (found === undefined) return NONE
    return typeof found === 'string' ? [found] : [...found]
  }

  /** The rows that have this value in this field and are not in the recycle bin. */
  liveWith(object: SObject, field: Field, value: unknown): Row[] {
    const rows = this.rows(object)
    return this.idsWith(object, field, value).flatMap((id) => {
      const row = rows.get(id)
      return row === undefined || row['IsDeleted'] === true ? [] : [row]
    })
  }

  #index(object: SObject, field: Field): FieldIndex {
    const { name } = field.describe
    const rows = this.rows(object)
    const ofObject = this.#indexes.get(object.name) ?? new Map<string, FieldIndex>()
    this.#indexes.set(object.name, ofObject)
    const known = ofObject.get(name)
    if (known?.rows === rows && known.count === rows.size) return known
    const made: FieldIndex = { rows, count: rows.size, ids: new Map() }
    for (const row of rows.values()) {
      const key = keyFor(field, row[name])
      if (key !== null) note(made, key, row.Id)
    }
    ofObject.set(name, made)
    return made
  }
}

const note = ({ ids }: FieldIndex, key: string, id: string): void => {
  const found = ids.get(key)
  if (found === undefined) ids.set(key, id)
  else if (typeof found === 'string') ids.set(key, new Set([found, id]))
  else found.add(id)
}

const forget = ({ ids }: FieldIndex, key: string, id: string): void => {
  const found = ids.get(key)
  if (found === id) ids.delete(key)
  else if (typeof found === 'object') {
    found.delete(id)
    if (found.size === 0) ids.delete(key)
  }
}
