// CSV as Bulk API 2.0 reads and writes it.

import { Readable, type Duplex } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { parse as parseSync } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'

export const DELIMITERS = {
  BACKQUOTE: '`',
  CARET: '^',
  COMMA: ',',
  PIPE: '|',
  SEMICOLON: ';',
  TAB: '\t',
} as const

export const LINE_ENDINGS = { LF: '\n', CRLF: '\r\n' } as const

export interface CsvFormat {
  columnDelimiter: keyof typeof DELIMITERS
  lineEnding: keyof typeof LINE_ENDINGS
}

/** Salesforce: what one upload may hold ("Bulk API 2.0 Limits"). */
export const UPLOAD_BYTES_MAX = 150 * 1024 * 1024
/** Salesforce: "Bulk API 2.0 Limits"; longer rows end the file. */
const ROW_CHARS_MAX = 400_000

/**
 * The body of an upload, in the pieces in which it came: a hundred megabytes are never copied into one
 * piece. Past the limit it only counts.
 */
export class Upload {
  chunks: Buffer[] = []
  bytes = 0

  static async of(payload: Readable, encoding: string | undefined): Promise<Upload> {
    const upload = new Upload()
    const source: Readable | Duplex = encoding === 'gzip' ? payload.pipe(createGunzip()) : payload
    for await (const chunk of source) upload.#add(chunk as Buffer)
    return upload
  }

  /** An upload that was received earlier. */
  static from(chunks: Buffer[]): Upload {
    const upload = new Upload()
    for (const chunk of chunks) upload.#add(chunk)
    return upload
  }

  get tooLarge(): boolean {
    return this.bytes > UPLOAD_BYTES_MAX
  }

  #add(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.tooLarge) this.chunks = []
    else this.chunks.push(chunk)
  }

  /** The first line as it was sent, and how it ended; null without any text. */
  firstLine(): { text: string; ending: '' | '\n' | '\r\n' } | null {
    let quoted = false
    let line = Buffer.alloc(0)
    for (const chunk of this.chunks) {
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at]
        if (byte === 0x22) quoted = !quoted
        if (byte !== 0x0a || quoted) continue
        const text = Buffer.concat([line, chunk.subarray(0, at)])
          .toString('utf8')
          .replace(/^\uFEFF/, '')
        const crlf = text.endsWith('\r')
        return { text: crlf ? text.slice(0, -1) : text, ending: crlf ? '\r\n' : '\n' }
      }
      line = Buffer.concat([line, chunk])
    }
    if (line.length === 0) return null
    return { text: line.toString('utf8').replace(/^\uFEFF/, ''), ending: '' }
  }
}

/** The rows, the header first. Throws csv-parse's errors for what is not CSV. */
export const readRows = (upload: Upload, format: CsvFormat): AsyncIterable<string[]> =>
  Readable.from(upload.chunks, { objectMode: true }).pipe(
    parse({
      bom: true,
      delimiter: DELIMITERS[format.columnDelimiter],
      record_delimiter: LINE_ENDINGS[format.lineEnding],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: ROW_CHARS_MAX,
    }),
  )

/** The cells of a single line. Throws csv-parse's errors. */
export const splitRow = (line: string, { columnDelimiter }: CsvFormat): string[] => {
  const [cells = []] = parseSync(line, { delimiter: DELIMITERS[columnDelimiter] })
  return cells
}

/** Salesforce quotes every value of its answers. Ends with a line ending; nothing for no rows. */
export const writeRows = (rows: readonly (readonly string[])[], format: CsvFormat): Buffer =>
  Buffer.from(
    stringify(rows as string[][], {
      delimiter: DELIMITERS[format.columnDelimiter],
      record_delimiter: LINE_ENDINGS[format.lineEnding],
      quoted: true,
      quoted_empty: true,
    }),
  )
