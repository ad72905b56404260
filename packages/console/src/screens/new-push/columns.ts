// Which column of a file is which field of a mapping. Pure: no React.

import { type MappedField } from '@sfdc-engine-x/client'
import { OWN_COLUMNS, type Row, type RowsFile } from '../../app/rows-file.ts'

/** By column: the field that it is, or null: it is not sent. */
export type Assignment = Readonly<Record<string, string | null>>

const plain = (name: string): string =>
  name
    .replace(/__c$/i, '')
    .normalize('NFD')
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase()

/** Each field once: the column of exactly its name, else one that reads the same, by either of its names. */
export const assign = (
  columns: readonly string[],
  fields: readonly Pick<MappedField, 'canonical_field' | 'sfdc_field'>[],
): Assignment => {
  const taken = new Set<string>()
  const found = new Map<string, string>()
  const pass = (matches: (column: string, field: (typeof fields)[number]) => boolean) => {
    for (const column of columns) {
      if (found.has(column) || OWN_COLUMNS.includes(column)) continue
      const field = fields.find(
        (one) => !taken.has(one.canonical_field) && matches(column, one),
      )?.canonical_field
      if (field === undefined) continue
      found.set(column, field)
      taken.add(field)
    }
  }
  pass((column, field) => column === field.canonical_field)
  pass((column, field) => plain(column) === plain(field.canonical_field))
  pass((column, field) => plain(column) === plain(field.sfdc_field))
  return Object.fromEntries(columns.map((column) => [column, found.get(column) ?? null]))
}

/** Required fields that no column fills and that have no default. */
export const missingFields = (
  assignment: Assignment,
  fields: readonly Pick<MappedField, 'canonical_field' | 'required' | 'default'>[],
): string[] => {
  const filled = new Set(Object.values(assignment))
  return fields
    .filter(
      ({ canonical_field: name, required, default: value }) =>
        required && value === null && !filled.has(name),
    )
    .map(({ canonical_field: name }) => name)
}

/** Fields that two columns fill: only one of them could be sent. */
export const doubledFields = (assignment: Assignment): string[] => {
  const fields = Object.values(assignment).filter((field) => field !== null)
  return [...new Set(fields.filter((field, at) => fields.indexOf(field) !== at))]
}

/** The rows as they are sent. A member that no sampled row has keeps its name, so that the API can refuse it. */
export async function* assigned(
  file: Pick<RowsFile, 'rows'>,
  assignment: Assignment,
  onRow: (count: number) => void,
): AsyncGenerator<Row, void, undefined> {
  let count = 0
  for await (const row of file.rows()) {
    count += 1
    onRow(count)
    const sent: Row = {}
    for (const [column, value] of Object.entries(row)) {
      const field = column in assignment ? assignment[column] : column
      if (field != null) sent[field] = value
    }
    yield sent
  }
}
