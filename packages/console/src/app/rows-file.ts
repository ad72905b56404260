// Files of rows in the browser: CSV and newline-delimited JSON, read a piece at a time however large they are, and
// again from the beginning for each time that they are sent. Pure: no React.

export type Row = Record<string, unknown>

export interface RowsFile {
  name: string
  kind: 'csv' | 'ndjson'
  columns: readonly string[]
  /** The first rows, to see what the columns hold. */
  sample: readonly Row[]
  /** All rows, from the beginning each time. */
  rows: () => AsyncIterable<Row>
}

/** What is wrong with the file, and on which line. */
export class RowsFileError extends Error {
  readonly line: number | null
  constructor(message: string, line: number | null = null) {
    super(line === null ? message : `Line ${line}: ${message}`)
    this.line = line
  }
}

/** Columns of a file of failed rows, which is meant to be corrected and pushed again; those of `sfx`, too. */
export const OWN_COLUMNS: readonly string[] = ['_error', '_remedy']

const SAMPLE_ROWS = 50
/** What is read to tell the separator of a CSV file. */
const SNIFFED = 64 * 1024

type Source = Pick<Blob, 'stream' | 'slice' | 'text'> & { name: string }

export const openRowsFile = async (file: Source): Promise<RowsFile> => {
  const kind = /\.(ndjson|jsonl)$/i.test(file.name) ? 'ndjson' : 'csv'
  const rows = kind === 'ndjson' ? () => jsonRows(textOf(file)) : await csvReader(file)
  const sample: Row[] = []
  for await (const row of rows()) {
    sample.push(row)
    if (sample.length === SAMPLE_ROWS) break
  }
  if (sample.length === 0) throw new RowsFileError('The file has no rows.')
  const columns = [...new Set(sample.flatMap((row) => Object.keys(row)))]
  return { name: file.name, kind, columns, sample, rows }
}

/** The text of a file, piece by piece. */
async function* textOf(file: Source): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const reader = file.stream().getReader()
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch {
      throw new RowsFileError('The file is not UTF-8. Save it as “CSV UTF-8”.')
    }
  }
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      yield decode(value)
    }
    yield decode()
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

async function* jsonRows(pieces: AsyncIterable<string>): AsyncGenerator<Row, void, undefined> {
  let rest = ''
  let line = 0
  const rowOf = (text: string): Row => {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw new RowsFileError('This is not JSON.', line)
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new RowsFileError('A row is an object: { "field": "value" }.', line)
    }
    return value as Row
  }
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      line += 1
      if (text.trim() !== '') yield rowOf(text)
    }
  }
  line += 1
  if (rest.trim() !== '') yield rowOf(rest)
}

const csvReader = async (file: Source): Promise<() => AsyncIterable<Row>> => {
  const head = await file.slice(0, SNIFFED).text()
  const separator = separatorOf(head)
  return () => csvRows(textOf(file), separator)
}

/** The separator that the header has most of, outside of quotes: Excel writes semicolons in half of Europe. */
export const separatorOf = (head: string): string => {
  const counts = new Map([',', ';', '\t', '|'].map((one) => [one, 0]))
  let isQuoted = false
  for (const char of head) {
    if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && char === '\n') break
    else if (!isQuoted && counts.has(char)) counts.set(char, (counts.get(char) ?? 0) + 1)
  }
  const [best = [',', 0]] = [...counts].toSorted(([, a], [, b]) => b - a)
  return best[1] === 0 ? ',' : best[0]
}

/** The rows of CSV with a header. An empty cell is null: whether it empties the field, the push says. */
export async function* csvRows(
  pieces: AsyncIterable<string>,
  separator: string,
): AsyncGenerator<Row, void, undefined> {
  let header: string[] | null = null
  for await (const { cells, line } of csvRecords(pieces, separator)) {
    if (header === null) {
      header = headerOf(cells)
      continue
    }
    if (cells.length !== header.length) {
      throw new RowsFileError(
        `It has ${cells.length} cells, the header has ${header.length}.`,
        line,
      )
    }
    yield Object.fromEntries(
      header.map((name, at) => [name, cells[at] === '' ? null : (cells[at] ?? null)]),
    )
  }
}

const headerOf = (cells: readonly string[]): string[] => {
  const names = cells.map((cell) => cell.trim())
  const empty = names.indexOf('')
  if (empty !== -1) throw new RowsFileError(`Column ${empty + 1} has no name.`, 1)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new RowsFileError(`Two columns have the name “${twice}”.`, 1)
  return names
}

interface CsvRecord {
  cells: string[]
  /** Where it begins, from 1. */
  line: number
}

/** RFC 4180, with any separator, line ends of all systems, and line ends inside of quotes. */
async function* csvRecords(
  pieces: AsyncIterable<string>,
  separator: string,
): AsyncGenerator<CsvRecord, void, undefined> {
  let cells: string[] = []
  let cell = ''
  let state: 'start' | 'plain' | 'quoted' | 'closing' = 'start'
  let line = 1
  let began = 1
  let wasReturn = false
  const endCell = () => {
    cells.push(cell)
    cell = ''
    state = 'start'
  }
  for await (const piece of pieces) {
    for (const char of piece) {
      // `\r\n` is one end of a line, also where a piece ends between the two.
      if (wasReturn && char === '\n' && state !== 'quoted') {
        wasReturn = false
        continue
      }
      wasReturn = char === '\r'
      const isEnd = char === '\n' || char === '\r'
      if (state === 'quoted') {
        if (char === '"') state = 'closing'
        else cell += char
        if (char === '\n') line += 1
      } else if (state === 'closing' && char === '"') {
        cell += '"'
        state = 'quoted'
      } else if (char === separator) {
        endCell()
      } else if (isEnd) {
        endCell()
        if (cells.length > 1 || cells[0] !== '') yield { cells, line: began }
        cells = []
        line += 1
        began = line
      } else if (state === 'closing') {
        throw new RowsFileError('There is text after a closing quote.', line)
      } else if (char === '"' && state === 'start') {
        state = 'quoted'
      } else {
        cell += char
        state = 'plain'
      }
    }
  }
  if (state === 'quoted') throw new RowsFileError('A quote is never closed.', began)
  if (cell !== '' || cells.length > 0) {
    endCell()
    yield { cells, line: began }
  }
}

/** One line of CSV. */
export const csvLine = (values: readonly unknown[]): string =>
  `${values.map((value) => quoted(textOfValue(value))).join(',')}\r\n`

const textOfValue = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const quoted = (text: string): string =>
  /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
