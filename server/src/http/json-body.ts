// JSON bodies, whatever they contain. JSON.parse of 16 MiB takes 2 s if it is all `{},{},…`, and a
// schema makes an issue of each: a single small request would keep all other callers waiting. So a body
// is first surveyed byte by byte, in slices; one that contains too much is refused before it is parsed,
// and an array of rows is parsed a few rows at a time.

import { setImmediate } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import { DEPTH_MAX, tooDeep } from './depth.ts'

/** Rows of one body; more are sent as newline-delimited JSON. */
export const ROWS_MAX = 50_000
/** Names, texts, numbers, lists and objects in a body beside its rows, and in one row. */
const VALUES_MAX = 50_000
const ROW_VALUES_MAX = 5_000
/** Of one text or number, of one row, of all that is beside the rows, and of all names there. */
export const VALUE_BYTES_MAX = 1024 * 1024
/** Bytes that are surveyed or parsed before other requests get their turn. */
const SLICE_BYTES = 64 * 1024

interface BodyShape {
  /** The member that holds the rows, if the route takes rows. */
  rows: string | undefined
  /** Parses a text; throws EngineError or SyntaxError. */
  parse: (text: string) => unknown
}

/**
 * The value of a JSON body. Throws invalid_json, validation_failed for one that nests too deep, and
 * payload_too_large for more rows or values than are accepted at once. Gives other requests their turn
 * every few milliseconds.
 */
export const readJsonBody = async (bytes: Buffer, { rows, parse }: BodyShape): Promise<unknown> => {
  const found = await inSlices(
    survey(bytes, rows, { most: VALUES_MAX, refusal: tooMany, path: '' }),
  )
  if (found === null) {
    const body = parse(textOf(bytes))
    // What has many members takes as long to check as to parse.
    if (bytes.byteLength > SLICE_BYTES) await setImmediate()
    return body
  }
  const { from, to, ends } = found
  if (from + bytes.byteLength - to > VALUE_BYTES_MAX) throw tooLong('What is beside the rows')
  const body = parse(textOf(bytes.subarray(0, from)) + textOf(bytes.subarray(to)))
  const list: unknown[] = []
  let start = from
  for (let first = 0; first < ends.length;) {
    let last = first
    while (last + 1 < ends.length && (ends[last + 1] ?? 0) - start < SLICE_BYTES) last += 1
    const end = ends[last] ?? to
    const values = parse(`[${textOf(bytes.subarray(start, end))}]`) as unknown[]
    for (const value of values) list.push(value)
    start = end + 1
    first = last + 1
    if (first < ends.length) await setImmediate()
  }
  return { ...(body as object), [rows ?? '']: list }
}

/** Throws payload_too_large for a line with more values than one row may have. */
export const refuseCrowded = (line: Buffer, number: number): void => {
  if (line.byteLength <= ROW_VALUES_MAX) return
  const refusal = (): EngineError => tooManyInRow(`Line ${number}`)
  const steps = survey(line, undefined, { most: ROW_VALUES_MAX, refusal, path: `lines.${number}` })
  while (steps.next().done !== true);
}

const inSlices = async <T>(steps: Generator<void, T, undefined>): Promise<T> => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await setImmediate()
  }
}

/**
 * The position of the rows in the body: after the bracket that opens their list, and at the one that
 * closes it.
 */
interface FoundRows {
  from: number
  to: number
  /** Where each row ends: at a comma, the last one at the closing bracket. */
  ends: number[]
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Scans the text once, and pauses after each slice. Null: it has no rows, or is not JSON, which parsing
 * will show. What it finds as rows is right for all JSON; other texts are refused when their parts are
 * parsed.
 */
function* survey(
  bytes: Buffer,
  member: string | undefined,
  { most, refusal, path }: { most: number; refusal: () => EngineError; path: string },
): Generator<void, FoundRows | null, undefined> {
  const key = member === undefined ? null : Buffer.from(`"${member}"`)
  const ends: number[] = []
  let found: { from: number; to: number } | null = null
  let isInRows = false
  let depth = 0
  let values = 1
  let rowValues = 1
  let nameBytes = 0
  /** The last string, in case it is the name of a member; empty behind a comma or a bracket. */
  let textFrom = 0
  let textTo = 0
  /** Where the last row ended, and the last text, comma or bracket. */
  let rowFrom = 0
  let last = 0
  let turn = SLICE_BYTES

  const count = (): void => {
    if (isInRows) rowValues += 1
    else values += 1
    if (rowValues > ROW_VALUES_MAX) throw tooManyInRow(`Row ${ends.length}`)
    if (values > most) throw refusal()
  }
  const endRow = (at: number): void => {
    if (at - rowFrom > VALUE_BYTES_MAX) throw tooLong(`Row ${ends.length}`)
    rowFrom = at + 1
    ends.push(at)
    if (ends.length > ROWS_MAX) throw tooManyRows()
    rowValues = 1
  }
  // In JSON, only a colon can be between a text and a bracket that follows it.
  const isRowsList = (): boolean =>
    key !== null && depth === 1 && bytes.subarray(textFrom, textTo).equals(key)

  for (let at = 0; at < bytes.length; at += 1) {
    if (at >= turn) {
      turn = at + SLICE_BYTES
      yield
      if (at - last > VALUE_BYTES_MAX) throw tooLong('A value')
    }
    const byte = bytes[at]
    if (byte === QUOTE) {
      let end = nextQuote(bytes, at)
      while (end < bytes.length && isEscaped(bytes, end)) {
        // A string of escaped quotes may be as long as the body.
        if (end >= turn) {
          turn = end + SLICE_BYTES
          yield
        }
        end = nextQuote(bytes, end)
      }
      textFrom = at
      textTo = end + 1
      if (textTo - at > VALUE_BYTES_MAX) throw tooLong('A text')
      at = end
      last = at
    } else if (byte === COMMA) {
      textTo = textFrom
      last = at
      if (isInRows && depth === 2) endRow(at)
      else count()
    } else if (byte === COLON) {
      // Names take longer to parse and to check than most values.
      count()
      if (!isInRows) nameBytes += textTo - textFrom
      if (nameBytes > VALUE_BYTES_MAX) throw tooLong('All names together')
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (byte === OPEN_LIST && isRowsList()) {
        if (found !== null) throw twice(member ?? '')
        found = { from: at + 1, to: bytes.length }
        rowFrom = at + 1
        isInRows = true
      } else count()
      textTo = textFrom
      last = at
      depth += 1
      if (depth > DEPTH_MAX) throw tooDeep(path)
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      textTo = textFrom
      last = at
      depth -= 1
      if (isInRows && depth === 1 && found !== null) {
        found.to = at
        isInRows = false
        if (ends.length > 0 || !isBlank(bytes, found.from, at)) endRow(at)
      }
    }
  }
  if (isInRows) throw new EngineError('invalid_json', `The body ends within ${member ?? ''}.`)
  return found === null ? null : { ...found, ends }
}

/** The next quote after `at`; the end of the body if there is none. */
const nextQuote = (bytes: Buffer, at: number): number => {
  const found = bytes.indexOf(QUOTE, at + 1)
  return found === -1 ? bytes.length : found
}

const isEscaped = (bytes: Buffer, at: number): boolean => {
  let escapes = 0
  while (bytes[at - 1 - escapes] === BACKSLASH) escapes += 1
  return escapes % 2 === 1
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const isBlank = (bytes: Buffer, from: number, to: number): boolean => {
  for (let at = from; at < to; at += 1) if (!isSpace(bytes[at])) return false
  return true
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const textOf = (bytes: Buffer): string => {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new EngineError('invalid_json', 'The body is not valid UTF-8.')
  }
}

const tooMany = (): EngineError =>
  new EngineError(
    'payload_too_large',
    `The body holds more than ${VALUES_MAX} names and values. Split it into several calls.`,
  )

const tooLong = (what: string): EngineError =>
  new EngineError(
    'payload_too_large',
    `${what}: more than ${VALUE_BYTES_MAX} bytes, far more than Salesforce takes. Send less.`,
  )

const tooManyInRow = (row: string): EngineError =>
  new EngineError(
    'payload_too_large',
    `${row} holds more than ${ROW_VALUES_MAX} names and values. A row is one record: send its fields only.`,
  )

const tooManyRows = (): EngineError =>
  new EngineError(
    'payload_too_large',
    `A JSON body takes at most ${ROWS_MAX} rows. Send more as application/x-ndjson: the envelope in ` +
      'the first line, then one row a line.',
  )

const twice = (member: string): EngineError =>
  new EngineError('invalid_json', `The body names ${member} twice.`)
