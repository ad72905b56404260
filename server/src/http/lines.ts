// Reads a body of newline-delimited JSON as it arrives: one line at a time is in memory, and the server
// does not wait for a peer that falls silent or sends a line without an end.

import { type Readable } from 'node:stream'
import { EngineError } from '../errors.ts'
import { mayHoldInexact, parseExactly } from '../exact-json.ts'
import { mayBeDeep, refuseDeep } from './depth.ts'
import { refuseCrowded } from './json-body.ts'

/** One line: its text, which is JSON, and its value (see {@link parseExactly}). */
export interface JsonLine {
  value: unknown
  text: string
  /** Counts from 1, blank lines included. */
  number: number
}

export interface LineLimits {
  /** The size of one line, in bytes after inflating. */
  lineBytes: number
  /** A peer that sends nothing for this long has ended its upload. */
  idleMs: number
}

/** How many lines are passed on at once: work on them must not hold up other requests. */
const LINES_AT_ONCE = 500

const NEWLINE = 0x0a
const BLANK = /^\s*$/

/** The first line, and the others as they arrive. Throws what {@link readJsonLines} throws. */
export const openLines = async (
  body: Readable,
  limits: LineLimits,
): Promise<{ first: JsonLine | null; rest: AsyncIterable<JsonLine[]> }> => {
  const batches = readJsonLines(body, limits)
  const head = await batches.next()
  const [first = null, ...others] = head.done === true ? [] : head.value
  return {
    first,
    rest: (async function* () {
      if (others.length > 0) yield others
      yield* batches
    })(),
  }
}

/**
 * Lines in small batches, as they arrive together; blank ones are skipped. Throws invalid_json with the
 * number of the line (the first is 1), payload_too_large for a long one (or as much of blank ones in a
 * row), validation_failed for one that nests too deep, bad_request if the body is cut, silent or not in
 * its stated encoding.
 */
export async function* readJsonLines(
  body: Readable,
  { lineBytes, idleMs }: LineLimits,
): AsyncGenerator<JsonLine[], void, undefined> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let number = 0
  let blankBytes = 0
  const parse = (bytes: Buffer): JsonLine | null => {
    number += 1
    let text: string
    try {
      text = utf8.decode(bytes)
    } catch {
      throw invalidLine(number, 'is not valid UTF-8')
    }
    if (BLANK.test(text)) {
      blankBytes += bytes.byteLength + 1
      if (blankBytes > lineBytes) throw tooBlank()
      return null
    }
    blankBytes = 0
    refuseCrowded(bytes, number)
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw invalidLine(number, 'is not JSON')
    }
    if (mayBeDeep(text)) refuseDeep(value, `lines.${number}`)
    // Only now: a value that nests too deep cannot be traversed.
    if (mayHoldInexact(text)) value = parseExactly(text)
    return { value, text: text.trim(), number }
  }
  const tooLong = (): EngineError =>
    new EngineError('payload_too_large', `Line ${number + 1} is longer than ${lineBytes} bytes.`)

  // A few compressed kilobytes would keep us busy for minutes.
  const tooBlank = (): EngineError =>
    new EngineError(
      'payload_too_large',
      `The blank lines before line ${number + 1} are longer than ${lineBytes} bytes.`,
    )

  let parts: Buffer[] = []
  let length = 0
  for await (const piece of pieces(body, idleMs)) {
    let batch: JsonLine[] = []
    let start = 0
    for (;;) {
      const end = piece.indexOf(NEWLINE, start)
      if (end === -1) break
      const last = piece.subarray(start, end)
      if (length + last.byteLength > lineBytes) throw tooLong()
      const line = parse(parts.length === 0 ? last : Buffer.concat([...parts, last]))
      if (line !== null) batch.push(line)
      parts = []
      length = 0
      start = end + 1
      if (batch.length === LINES_AT_ONCE) {
        yield batch
        batch = []
      }
    }
    if (start < piece.byteLength) {
      parts.push(piece.subarray(start))
      length += piece.byteLength - start
      if (length > lineBytes) throw tooLong()
    }
    if (batch.length > 0) yield batch
  }
  if (parts.length > 0) {
    const line = parse(Buffer.concat(parts))
    if (line !== null) yield [line]
  }
}

const invalidLine = (number: number, what: string): EngineError =>
  new EngineError('invalid_json', `Line ${number} ${what}.`, {
    errors: [{ path: `lines.${number}`, code: 'invalid_json', message: `The line ${what}.` }],
  })

/** The body's bytes; the clock runs only while we wait for the peer, never while it waits for us. */
async function* pieces(body: Readable, idleMs: number): AsyncGenerator<Buffer, void, undefined> {
  // The iterator is never returned early: that would destroy the request, and with it the connection of
  // the answer.
  const source = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  for (;;) {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(silent(idleMs)), idleMs)
    })
    let next: IteratorResult<Buffer>
    try {
      const pending = source.next()
      pending.catch(() => undefined) // after a silence nobody else still listens
      next = await Promise.race([pending, silence])
    } catch (error) {
      throw error instanceof EngineError ? error : cut(error)
    } finally {
      clearTimeout(timer)
    }
    if (next.done === true) return
    yield next.value
  }
}

const silent = (idleMs: number): EngineError =>
  new EngineError(
    'bad_request',
    `No data arrived for ${Math.round(idleMs / 1000)} s: the upload was ended and nothing of it was kept.`,
  )

const cut = (error: unknown): EngineError => {
  const code = (error as { code?: unknown }).code
  const what =
    typeof code === 'string' && code.startsWith('Z_')
      ? 'The body is not complete, valid gzip'
      : 'The body was cut off'
  return new EngineError('bad_request', `${what}; nothing of it was kept.`, { cause: error })
}
