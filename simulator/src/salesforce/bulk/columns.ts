// The header of an upload, compiled into a converter from a row of text to the values of a save.
// Salesforce: Bulk API 2.0 guide, "Valid CSV Record Rows", "Relationship Fields in a Header Row".

import { findObject } from '../../org/changes.ts'
import { type Field, type Org, type SObject } from '../../org/model.ts'
import { type Viewer } from '../../org/visibility.ts'
import { fromText, type RowError } from '../../records/save.ts'
import { BatchProblem } from './refusals.ts'

export interface Columns {
  /** The values of a save, or why the row cannot be saved. */
  read(cells: readonly string[]): { row: Record<string, unknown> } | { error: RowError }
  /** The position of the Id, or -1. */
  idAt: number
  count: number
}

interface Column {
  field: Field
  /** Writes the value of a cell into the row of a save. */
  put(row: Record<string, unknown>, value: unknown): void
}

/** Salesforce: "Bulk API 2.0 Limits". */
const COLUMNS_MAX = 5000
const CELL_CHARS_MAX = 32_000

/** Throws `BatchProblem` for a column that is not a field of the object, or not visible to the user. */
export const compileColumns = (
  org: Org,
  viewer: Viewer,
  object: SObject,
  header: readonly string[],
): Columns => {
  if (header.length > COLUMNS_MAX) {
    throw new BatchProblem('InvalidBatch', `The header has more than ${COLUMNS_MAX} columns`)
  }
  const columns = header.map((name) => columnOf(org, viewer, object, name.trim()))
  const names = new Set<string>()
  for (const [at, name] of header.entries()) {
    const lower = name.trim().toLowerCase()
    if (names.has(lower)) {
      throw new BatchProblem('InvalidBatch', `The header has a column twice : ${header[at]}`)
    }
    names.add(lower)
  }
  return {
    idAt: columns.findIndex(({ field }) => field.describe.type === 'id'),
    count: columns.length,
    read: (cells) => {
      const row: Record<string, unknown> = {}
      for (let at = 0; at < columns.length; at++) {
        const column = columns[at]
        const text = cells[at]
        // Salesforce: an empty cell leaves the field as it is.
        if (column === undefined || text === undefined || text === '') continue
        if (text.length > CELL_CHARS_MAX) {
          throw new BatchProblem(
            'InvalidBatch',
            `A field has more than ${CELL_CHARS_MAX} characters`,
          )
        }
        const read = fromText(org, column.field, text)
        if ('problem' in read) {
          return {
            error: {
              statusCode: 'INVALID_FIELD',
              // Salesforce counts the columns from 0.
              message: `Failed to deserialize field at col ${at}. Due to, ${read.problem}`,
              fields: [column.field.describe.name],
            },
          }
        }
        column.put(row, read.value)
      }
      return { row }
    },
  }
}

const columnOf = (org: Org, viewer: Viewer, object: SObject, name: string): Column => {
  const notFound = () => new BatchProblem('InvalidBatch', `Field name not found : ${name}`)
  const dot = name.indexOf('.')
  if (dot < 0) {
    const field = object.fields.get(name.toLowerCase())
    if (field === undefined || !viewer.seesField(object, field)) throw notFound()
    return {
      field,
      put: (row, value) => {
        row[field.describe.name] = value
      },
    }
  }
  const { relationship, type } = relationshipIn(name.slice(0, dot))
  const reference = [...object.fields.values()].find(
    (field) =>
      field.describe.relationshipName?.toLowerCase() === relationship.toLowerCase() &&
      viewer.seesField(object, field),
  )
  if (reference === undefined) throw notFound()
  const { referenceTo, relationshipName, name: referenceName } = reference.describe
  const parentName =
    type === null
      ? referenceTo[0]
      : referenceTo.find((target) => target.toLowerCase() === type.toLowerCase())
  // Salesforce: if there are several parents, the header has to say which: `Contact:Who.Email`.
  if (parentName === undefined || (type === null && referenceTo.length > 1)) throw notFound()
  const parent = findObject(org, parentName)
  const field = parent?.fields.get(name.slice(dot + 1).toLowerCase())
  if (parent === undefined || field === undefined || !viewer.seesField(parent, field)) {
    throw notFound()
  }
  const { externalId, idLookup, name: keyName } = field.describe
  if (!externalId && !idLookup) throw notFound()
  const attributes = referenceTo.length > 1 ? { attributes: { type: parent.name } } : {}
  return {
    field,
    put: (row, value) => {
      if (value === null) row[referenceName] = null
      else row[relationshipName ?? referenceName] = { ...attributes, [keyName]: value }
    },
  }
}

const relationshipIn = (text: string): { relationship: string; type: string | null } => {
  const [type = '', relationship] = text.split(':')
  return relationship === undefined ? { relationship: type, type: null } : { relationship, type }
}
