// Files: plans and mappings as YAML or JSON, rows as CSV or newline-delimited JSON.

import { createReadStream, createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { usage } from './exit.ts'

export type Row = Record<string, unknown>

/** Columns of a file of failed rows, which is meant to be corrected and pushed again. */
const OWN_COLUMNS = ['_error', '_remedy'] as const

const isOwn = (name: string): boolean => (OWN_COLUMNS as readonly string[]).includes(name)

/** A document in YAML or JSON (which YAML includes). `-` is standard input. */
export const readDocument = async (path: string): Promise<Row> => {
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8')
  const { parse, YAMLParseError } = await import('yaml')
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    if (error instanceof YAMLParseError) throw usage(`${path}: ${error.message}`)
    throw error
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usage(`${path}: expected members, as in "objects: …"`)
  }
  return value as Row
}

const isCsv = (path: string): boolean => {
  if (/\.csv$/i.test(path)) return true
  if (/\.(ndjson|jsonl)$/i.test(path)) return false
  throw usage(`${path}: rows come in a .csv, .ndjson or .jsonl file.`)
}

/**
 * The rows of a file, one after another: each call reads it from the beginning. An empty cell is null:
 * whether it blanks the field is for the push to say. `onBytes` hears how much has been read.
 */
export const readRows = (
  path: string,
  onBytes?: (bytes: number) => void,
): (() => AsyncIterable<Row>) => {
  const rowsOf = isCsv(path) ? csvRows : jsonRows
  return async function* () {
    const file = createReadStream(path)
    try {
      for await (const row of rowsOf(path, file)) {
        onBytes?.(file.bytesRead)
        yield row
      }
    } finally {
      file.destroy()
    }
  }
}

/** The names of the columns. Of two with one name, one would be lost unseen. Throws Exit. */
const headOf = (path: string, cells: readonly string[]): string[] => {
  const names = cells.map((name) => name.trim())
  const [only = ''] = names
  const separator = /[;\t|]/.exec(only)?.[0]
  if (names.length === 1 && separator !== undefined) {
    const shown = separator === '\t' ? 'tabs' : separator
    throw usage(`${path}: the cells are separated by ${shown}. Separate them by commas.`)
  }
  const nameless = names.indexOf('')
  if (nameless >= 0) throw usage(`${path}: column ${nameless + 1} has no name. Name or remove it.`)
  const twice = names.find((name, at) => names.indexOf(name) < at)
  if (twice !== undefined) {
    throw usage(`${path}: two columns are called ${twice}. Rename or remove one.`)
  }
  return names
}

/** The columns that a .csv file names, without our own; null for other files, whose rows name their own members. */
export const columnsOf = async (path: string): Promise<string[] | null> => {
  if (!isCsv(path)) return null
  const { parse, CsvError } = await import('csv-parse')
  const file = createReadStream(path)
  const parser = file.pipe(parse({ bom: true, to_line: 1, relax_column_count: true }))
  file.on('error', (error: Error) => parser.destroy(error))
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      return headOf(path, cells).filter((name) => !isOwn(name))
    }
    return []
  } catch (error) {
    if (error instanceof CsvError) throw usage(`${path}: ${error.message}`)
    throw error
  } finally {
    file.destroy()
  }
}

async function* csvRows(path: string, file: NodeJS.ReadableStream): AsyncGenerator<Row> {
  const { parse, CsvError } = await import('csv-parse')
  const parser = file.pipe(
    parse({
      bom: true,
      columns: (names: string[]) => headOf(path, names),
      skip_empty_lines: true,
      trim: false,
    }),
  )
  file.on('error', (error: Error) => parser.destroy(error))
  try {
    for await (const cells of parser as AsyncIterable<Record<string, string>>) {
      const row: Row = {}
      for (const [name, cell] of Object.entries(cells)) {
        if (!isOwn(name)) row[name] = cell === '' ? null : cell
      }
      yield row
    }
  } catch (error) {
    if (error instanceof CsvError) throw usage(`${path}: ${error.message}`)
    throw error
  }
}

async function* jsonRows(path: string, file: NodeJS.ReadableStream): AsyncGenerator<Row> {
  let number = 0
  for await (const line of createInterface({ input: file, crlfDelay: Infinity })) {
    number += 1
    if (line.trim() === '') continue
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw usage(`${path}: line ${number} is not JSON.`)
    }
    if (typeof value !== 'object' || value === null) {
      throw usage(`${path}: line ${number} is not an object.`)
    }
    const { _error, _remedy, ...row } = value as Row
    yield row
  }
}

/** Where the failed rows of `path` go, unless another name is given. */
export const failedPath = (path: string): string => path.replace(/(\.[^.]+)$/, '.failed$1')

const csvCell = (value: unknown): string => {
  const text =
    value === null || value === undefined
      ? ''
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export interface FailedRow {
  index: number
  error: string
  remedy: string
}

/**
 * Writes the failed rows with their reasons, in the format of the file that they come from: corrected, it
 * can be pushed as it is. `failures` come in the order of the file. Answers how many they are.
 */
export const writeFailed = async (
  source: string,
  target: string,
  failures: AsyncIterable<FailedRow>,
): Promise<number> => {
  const csv = isCsv(source)
  const out = createWriteStream(target)
  const ended = finished(out)
  const write = async (line: string): Promise<void> => {
    if (!out.write(`${line}\n`)) await Promise.race([once(out, 'drain'), ended])
  }
  const rows = readRows(source)()[Symbol.asyncIterator]()
  let at = -1
  let count = 0
  let names: string[] | undefined
  for await (const { index, error, remedy } of failures) {
    let row: Row = {}
    for (; at < index; at += 1) {
      const next = await rows.next()
      if (next.done === true) throw usage(`${source} has changed: it has no row ${index + 1}.`)
      row = next.value
    }
    count += 1
    if (!csv) {
      await write(JSON.stringify({ ...row, _error: error, _remedy: remedy }))
      continue
    }
    if (names === undefined) {
      names = Object.keys(row)
      await write([...names, ...OWN_COLUMNS].map(csvCell).join(','))
    }
    await write([...names.map((name) => row[name]), error, remedy].map(csvCell).join(','))
  }
  await rows.return?.()
  out.end()
  await ended
  return count
}
