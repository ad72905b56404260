// Files: plans and mappings as YAML or JSON, rows as CSV or newline-delimited JSON.

import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { readText, STDIN, wholeLines } from './bytes.ts'
import { usage } from './exit.ts'

export type Row = Record<string, unknown>

/** Columns of a file of failed rows, which is meant to be corrected and pushed again. */
const OWN_COLUMNS = ['_error', '_remedy'] as const

const isOwn = (name: string): boolean => (OWN_COLUMNS as readonly string[]).includes(name)

/** A document in YAML or JSON (which YAML includes). `-` is standard input. */
export const readDocument = async (path: string): Promise<Row> => {
  const text = await readText(path)
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

/** Files that hold what came on standard input, which can be read only once. */
const fromStdin = new Set<string>()

const nameOf = (path: string): string => (fromStdin.has(path) ? STDIN : path)

/** Calls `use` with a file of the rows on standard input: of NDJSON if they begin with an object, else of CSV. */
export const withStdin = async <T>(use: (path: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'sfx-rows-'))
  let path = ''
  try {
    const pieces = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const first = await pieces.next()
    const start = first.done === true ? Buffer.alloc(0) : first.value
    path = join(folder, /^(?:\uFEFF)?\s*\{/.test(start.toString()) ? 'rows.ndjson' : 'rows.csv')
    fromStdin.add(path)
    const all = async function* () {
      yield start
      yield* { [Symbol.asyncIterator]: () => pieces }
    }
    await pipeline(all, createWriteStream(path))
    return await use(path)
  } finally {
    fromStdin.delete(path)
    await rm(folder, { recursive: true, force: true })
  }
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
      for await (const row of rowsOf(nameOf(path), file)) {
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
  const name = nameOf(path)
  const file = createReadStream(path)
  const text = Readable.from(wholeLines(file, name))
  const parser = text.pipe(parse({ bom: true, to_line: 1, relax_column_count: true }))
  text.on('error', (error: Error) => parser.destroy(error))
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      return headOf(name, cells).filter((column) => !isOwn(column))
    }
    return []
  } catch (error) {
    if (error instanceof CsvError) throw usage(`${name}: ${error.message}`)
    throw error
  } finally {
    file.destroy()
  }
}

async function* csvRows(path: string, file: AsyncIterable<Buffer>): AsyncGenerator<Row> {
  const { parse, CsvError } = await import('csv-parse')
  const text = Readable.from(wholeLines(file, path))
  const parser = text.pipe(
    parse({
      bom: true,
      columns: (names: string[]) => headOf(path, names),
      skip_empty_lines: true,
      trim: false,
    }),
  )
  text.on('error', (error: Error) => parser.destroy(error))
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

async function* linesOf(path: string, file: AsyncIterable<Buffer>): AsyncGenerator<string> {
  for await (const piece of wholeLines(file, path)) {
    const lines = piece.toString('utf8').split('\n')
    if (lines.at(-1) === '') lines.pop()
    yield* lines
  }
}

async function* jsonRows(path: string, file: AsyncIterable<Buffer>): AsyncGenerator<Row> {
  let number = 0
  for await (const text of linesOf(path, file)) {
    number += 1
    const line = number === 1 ? text.replace(/^\uFEFF/, '') : text
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

/** Where the failed rows of `path` go, unless another name is given; those of standard input go into this folder. */
export const failedPath = (path: string): string => besides(path, 'failed')

/** Where rows go that repeat the key of another one. */
export const repeatedPath = (path: string): string => besides(path, 'repeated')

const besides = (path: string, word: string): string =>
  (fromStdin.has(path) ? basename(path) : path).replace(/(\.[^.]+)$/, `.${word}$1`)

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
 * can be pushed as it is. `failures` come in the order of the file. Answers how many they are; without any,
 * there is no file.
 */
export const writeFailed = async (
  source: string,
  target: string,
  failures: AsyncIterable<FailedRow>,
): Promise<number> => {
  const csv = isCsv(source)
  let opened: { out: WriteStream; ended: Promise<void> } | undefined
  const open = () => {
    const out = createWriteStream(target)
    return { out, ended: finished(out) }
  }
  const write = async (line: string): Promise<void> => {
    const { out, ended } = (opened ??= open())
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
  opened?.out.end()
  await opened?.ended
  return count
}
