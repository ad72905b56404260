// The rows of a block as bytes: JSON, compressed. A part of a Bulk push is read three times, so what is
// checked and ready is kept column by column: the names once, not in each row. That is half the text, and
// it is written, compressed and read in half the time.

import { promisify } from 'node:util'
import {
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
  type ZstdOptions,
} from 'node:zlib'
import { parseExactly } from '../../exact-json.ts'
import { type JsonObject, type JsonValue } from '../../salesforce/json.ts'
import { type BlockKind } from './blocks.ts'
import { type ReadyRow, type RowResult } from './model.ts'

// Only blocks that would noticeably hold up requests go through the thread pool: for a usual block, its
// overhead costs more than compressing here.
const SYNC_BYTES_MAX = 256 * 1024
const compressInPool = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)
const decompressInPool = promisify<Buffer, Buffer>(zstdDecompress)

export const compress = async (text: string): Promise<Buffer> => {
  const bytes = Buffer.from(text)
  // Given the size, zstd takes only the memory that it needs, not that of its largest window.
  const options = { pledgedSrcSize: bytes.byteLength }
  return bytes.byteLength <= SYNC_BYTES_MAX
    ? zstdCompressSync(bytes, options)
    : compressInPool(bytes, options)
}

export const decompress = async (body: Buffer): Promise<string> =>
  (body.byteLength <= SYNC_BYTES_MAX / 4
    ? zstdDecompressSync(body)
    : await decompressInPool(body)
  ).toString()

/** What few rows have. */
type More = Pick<ReadyRow, 'warnings' | 'createOnly'>

/** A value, or `[]` where the row has no such field; a value that is a list is in a list itself. */
type Cell = JsonValue

/** Rows without what their block already says. Each list has one entry a row, unless it says otherwise. */
interface PackedRows {
  index: number[]
  key: (string | null)[]
  /** One for all rows, if they have the same. */
  matchField: string | string[]
  /** Null: the keys. */
  matchValue: JsonValue[] | null
  /** Of the fields, in the order of their first occurrence. */
  names: string[]
  /** By field. */
  columns: Cell[][]
  /** Rows by position. */
  more?: [position: number, More][]
}

const NO_CELL: Cell = []

const asCell = (value: JsonValue): Cell => (Array.isArray(value) ? [value] : value)

/** As text. What it reads back is equal, apart from the `lockKeys`, which have done their work by then. */
export const packReady = (rows: readonly ReadyRow[]): string => {
  const columns = new Map<string, Cell[]>()
  const more: [number, More][] = []
  for (const [position, { fields, warnings, createOnly }] of rows.entries()) {
    for (const name in fields) {
      const value = fields[name]
      if (value === undefined) continue
      let column = columns.get(name)
      if (column === undefined) {
        column = []
        columns.set(name, column)
      }
      while (column.length < position) column.push(NO_CELL)
      column.push(asCell(value as JsonValue))
    }
    if (warnings !== undefined || createOnly !== undefined) {
      more.push([position, { warnings, createOnly }])
    }
  }
  for (const column of columns.values()) {
    while (column.length < rows.length) column.push(NO_CELL)
  }
  const matchFields = rows.map(({ matchField }) => matchField)
  const [first = ''] = matchFields
  const packed: PackedRows = {
    index: rows.map(({ index }) => index),
    key: rows.map(({ key }) => key),
    matchField: matchFields.every((field) => field === first) ? first : matchFields,
    matchValue: rows.every(({ key, matchValue }) => matchValue === key)
      ? null
      : rows.map(({ matchValue }) => matchValue),
    names: [...columns.keys()],
    columns: [...columns.values()],
    ...(more.length > 0 ? { more } : {}),
  }
  return JSON.stringify(packed)
}

export const unpackReady = (
  text: string,
  { object, operation }: Pick<BlockKind, 'object' | 'operation'>,
): ReadyRow[] => {
  const packed = JSON.parse(text) as PackedRows | RowByRow
  if (Array.isArray(packed)) return unpackRowByRow(packed, { object, operation })
  const { index, key, matchField, matchValue, names, columns, more } = packed
  const rows = index.map((ofRow, position): ReadyRow => {
    const fields: JsonObject = {}
    for (let at = 0; at < names.length; at += 1) {
      const cell = columns[at]?.[position] ?? null
      if (!Array.isArray(cell)) fields[names[at] as string] = cell
      else if (cell.length > 0) fields[names[at] as string] = cell[0] as JsonValue
    }
    const keyOfRow = key[position] ?? null
    return {
      index: ofRow,
      key: keyOfRow,
      object,
      operation,
      matchField: typeof matchField === 'string' ? matchField : (matchField[position] as string),
      matchValue: matchValue === null ? keyOfRow : (matchValue[position] as JsonValue),
      fields,
      lockKeys: [],
    }
  })
  for (const [position, ofRow] of more ?? []) Object.assign(rows[position] as ReadyRow, ofRow)
  return rows
}

/** As rows were kept until December 2026: those of pushes that an upgrade of the server met. */
type RowByRow = [
  index: number,
  key: string | null,
  matchField: string,
  matchValue: JsonValue,
  fields: JsonObject,
  more?: More,
][]

const unpackRowByRow = (rows: RowByRow, kind: Pick<BlockKind, 'object' | 'operation'>) =>
  rows.map(([index, key, matchField, matchValue, fields, more]): ReadyRow => {
    return { index, key, ...kind, matchField, matchValue, fields, lockKeys: [], ...more }
  })

/** The rows as they came, each with its index. The texts are already JSON. */
export const packSource = (rows: readonly { index: number; source: string }[]): string =>
  `[${rows.map(({ index, source }) => `[${index},${source}]`).join(',')}]`

export const unpackSource = (text: string): [index: number, row: unknown][] =>
  parseExactly(text) as [number, unknown][]

/** A line each, so that they can be passed on without being read. Still JSON: a list. */
export const packResults = (results: readonly RowResult[]): string =>
  `[\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n]`

export const unpackResults = (text: string): RowResult[] => JSON.parse(text) as RowResult[]

/** A result as its JSON, which contains no line break. */
export interface ResultLine {
  index: number
  line: string
}

/** Each as it was stored. */
export const resultLines = (text: string): ResultLine[] => {
  // Until December 2026 all results were one line.
  if (!text.startsWith('[\n')) return unpackResults(text).map(asLine)
  return text
    .slice('[\n'.length, -'\n]'.length)
    .split(',\n')
    .map((line) => {
      const index = Number(LEADING_INDEX.exec(line)?.[1])
      return Number.isNaN(index) ? asLine(JSON.parse(line) as RowResult) : { index, line }
    })
}

const LEADING_INDEX = /^\{"index":(\d+)/

export const asLine = (result: RowResult): ResultLine => ({
  index: result.index,
  line: JSON.stringify(result),
})
