// CSV as Bulk API 2.0 speaks it (RFC 4180, UTF-8), in both directions and never completely in memory.

import { malformed, SalesforceError } from './failure.ts'

/** Far above what Salesforce allows in a row (400,000 characters), far below what would hurt us. */
const ROW_CHARS_MAX = 8_000_000
/** How much text is gathered before it is written as bytes. */
const PIECE_CHARS = 64 * 1024

const broken = (what: string): SalesforceError => new SalesforceError(malformed(`The CSV ${what}.`))

const COMMA = 0x2c
const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d

/** Parses rows from text that arrives in pieces, cut anywhere. */
const createParser = () => {
  let row: string[] = []
  let rowChars = 0
  let field = ''
  let quoted = false
  /** The last character was a quote inside a quoted field: its end, or half of an escaped quote. */
  let afterQuote = false
  let wasQuoted = false

  const add = (text: string): void => {
    rowChars += text.length
    if (rowChars > ROW_CHARS_MAX) throw broken(`has a row of more than ${ROW_CHARS_MAX} characters`)
    field += text
  }

  const endField = (): void => {
    row.push(field)
    field = ''
    wasQuoted = false
  }

  const endRow = (rows: string[][]): void => {
    // An empty line is not a row; Salesforce sometimes ends its files with one.
    const blank = row.length === 0 && field === '' && !wasQuoted
    endField()
    if (!blank) rows.push(row)
    row = []
    rowChars = 0
  }

  return {
    /** The rows that this piece completes. */
    push(text: string): string[][] {
      const rows: string[][] = []
      let at = 0
      while (at < text.length) {
        if (quoted) {
          const end = text.indexOf('"', at)
          add(text.slice(at, end < 0 ? undefined : end))
          if (end < 0) break
          quoted = false
          afterQuote = true
          at = end + 1
          continue
        }
        const char = text.charCodeAt(at)
        if (afterQuote) {
          afterQuote = false
          if (char === QUOTE) {
            add('"')
            quoted = true
            at += 1
            continue
          }
          if (char !== COMMA && char !== LF && char !== CR) {
            throw broken('has text after a closing quote')
          }
        }
        if (char === COMMA) endField()
        // The LF of a CRLF would end an empty line, which does not count.
        else if (char === CR || char === LF) endRow(rows)
        else if (char === QUOTE && field === '' && !wasQuoted) {
          quoted = true
          wasQuoted = true
        } else {
          const start = at
          do at += 1
          while (at < text.length && !isDelimiter(text.charCodeAt(at)))
          add(text.slice(start, at))
          at -= 1
        }
        at += 1
      }
      return rows
    },

    /** The last row, if no line end follows it. Throws SalesforceError inside a quoted field. */
    end(): string[][] {
      if (quoted) throw broken('breaks off inside a quoted field')
      const rows: string[][] = []
      if (row.length > 0 || field !== '' || wasQuoted) endRow(rows)
      return rows
    },
  }
}

const isDelimiter = (char: number): boolean => char === COMMA || char === LF || char === CR

/**
 * Rows in batches, as they arrive together: a step of an async loop for each row would cost more than
 * the row. Quoted fields may hold delimiters, quotes and line ends, lines may end in LF, CRLF or CR,
 * empty lines are skipped, a byte order mark is dropped. Throws SalesforceError `malformed` for text
 * that is not CSV or ends inside a quoted field.
 */
export async function* parseCsv(
  bytes: AsyncIterable<unknown>,
): AsyncGenerator<string[][], void, undefined> {
  const decoder = new TextDecoder('utf-8')
  const parser = createParser()
  for await (const piece of bytes) {
    const rows = parser.push(decoder.decode(piece as Uint8Array, { stream: true }))
    if (rows.length > 0) yield rows
  }
  const last = [...parser.push(decoder.decode()), ...parser.end()]
  if (last.length > 0) yield last
}

/** Sets a member of a record of columns, one of which may be called `__proto__`. */
export const setColumn = (record: Record<string, string>, name: string, value: string): void => {
  if (name !== '__proto__') record[name] = value
  else {
    const own = { value, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(record, name, own)
  }
}

/**
 * Objects by the names in the first row, in batches. Throws SalesforceError `malformed` also if a row
 * has a different number of fields than the first (a file that breaks off usually ends so), or if a name
 * of `required` is missing there. No text at all is no rows. With `keep`, records have those members
 * only.
 */
export async function* parseCsvRecords(
  bytes: AsyncIterable<unknown>,
  required: readonly string[] = [],
  keep: ReadonlySet<string> | null = null,
): AsyncGenerator<Record<string, string>[], void, undefined> {
  let names: string[] | null = null
  let kept: [name: string, place: number][] = []
  for await (const rows of parseCsv(bytes)) {
    const records: Record<string, string>[] = []
    let fault: SalesforceError | null = null
    for (const row of rows) {
      if (names === null) {
        const missing = required.find((name) => !row.includes(name))
        if (missing !== undefined) throw broken(`has no column ${missing}`)
        names = row
        kept = row
          .map((name, place): [string, number] => [name, place])
          .filter(([name]) => keep === null || keep.has(name))
        continue
      }
      if (row.length !== names.length) {
        fault = broken(`has a row of ${row.length} fields under ${names.length} names`)
        break
      }
      const record: Record<string, string> = {}
      for (const [name, place] of kept) setColumn(record, name, row[place] ?? '')
      records.push(record)
    }
    if (records.length > 0) yield records
    if (fault !== null) throw fault
  }
}

/** Quoted if necessary, and if leading or trailing spaces might otherwise be lost. */
const csvField = (value: string): string =>
  /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

/** Batches of rows as bytes, lines ended by LF, a few dozen KB at a time. */
export async function* encodeCsv(
  batches: AsyncIterable<readonly string[][]> | Iterable<readonly string[][]>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let text = ''
  for await (const rows of batches) {
    for (const row of rows) {
      // A row of one empty field would be an empty line, which is not a row.
      text += row.length === 1 && row[0] === '' ? '""\n' : `${row.map(csvField).join(',')}\n`
      if (text.length >= PIECE_CHARS) {
        yield Buffer.from(text, 'utf8')
        text = ''
      }
    }
  }
  if (text !== '') yield Buffer.from(text, 'utf8')
}
