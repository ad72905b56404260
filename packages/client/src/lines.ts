// Newline-delimited JSON, up and down. Neither direction holds more than some kilobytes: rows are taken
// as fast as they are sent, and read as fast as they are used.

import { type Rows } from './calls.ts'
import { type IdleClock } from './clock.ts'
import { AbortedError, ConnectionLostError } from './errors.ts'
import { type Payload } from './payload.ts'

/** So much is handed to the network at once. */
const PIECE_BYTES = 64 * 1024

type RowIterator = Iterator<unknown, unknown> | AsyncIterator<unknown, unknown>

/** What opens the rows, once more for each attempt where they can be read again. */
const sourceOf = (rows: Rows<unknown>) => {
  const open = (): RowIterator => {
    const opened = typeof rows === 'function' ? rows() : rows
    return Symbol.asyncIterator in opened
      ? opened[Symbol.asyncIterator]()
      : opened[Symbol.iterator]()
  }
  // A generator is its own iterator: it is read once. A list or a set hands out new ones.
  const isRepeatable =
    typeof rows === 'function' ||
    (Symbol.iterator in rows && (rows[Symbol.iterator]() as unknown) !== rows)
  let only: RowIterator | undefined
  return { isRepeatable, open: () => (isRepeatable ? open() : (only ??= open())) }
}

/**
 * A body of lines: the envelope, then the rows, gzipped where the platform can. Only until the first row
 * was taken can one-time rows be sent again.
 */
export const linesPayload = (envelope: unknown, rows: Rows<unknown>): Payload => {
  const source = sourceOf(rows)
  let hasBegun = false
  const open = (clock: IdleClock) => {
    const iterator = source.open()
    const utf8 = new TextEncoder()
    let number = 0
    let fault: { thrown: unknown } | undefined
    let isTaking = false
    /** A generator closes only between two rows: a call that has ended does not wait for the next one to come. */
    const closeRows = async (): Promise<void> => {
      const closing = Promise.resolve(iterator.return?.())
      if (isTaking) closing.catch(() => undefined)
      else await closing
    }
    /** Some kilobytes of lines; ends with `done`. */
    const take = async (): Promise<{ text: string; done: boolean }> => {
      let text = ''
      while (text.length < PIECE_BYTES) {
        hasBegun = true
        const next = iterator.next()
        const { done, value } = 'then' in next ? await next : next
        if (done === true) return { text, done: true }
        const line = JSON.stringify(value) as string | undefined
        if (line === undefined) throw new TypeError(`Row ${number} is not JSON.`)
        text += `${line}\n`
        number += 1
      }
      return { text, done: false }
    }
    let isFirst = true
    const plain = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          // The time that the caller's rows take is not silence of the server.
          clock.pause()
          isTaking = true
          try {
            const { text, done } = await take()
            const head = isFirst ? `${JSON.stringify(envelope)}\n` : ''
            isFirst = false
            if (head + text !== '') controller.enqueue(utf8.encode(head + text))
            if (done) controller.close()
          } catch (thrown) {
            fault = { thrown }
            controller.error(thrown)
          } finally {
            isTaking = false
            clock.start()
          }
        },
        cancel: closeRows,
      },
      { highWaterMark: 0 },
    )
    const isZipped = typeof CompressionStream === 'function'
    return {
      body: isZipped ? plain.pipeThrough(new CompressionStream('gzip')) : plain,
      headers: {
        'content-type': 'application/x-ndjson',
        ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
      },
      fault: () => fault,
      close: async () => {
        if (source.isRepeatable || hasBegun) await closeRows()
      },
    }
  }
  return {
    get canRepeat() {
      return source.isRepeatable || !hasBegun
    },
    open,
  }
}

/**
 * The values of a body of lines, as they arrive. Leaving the loop ends the transfer. Throws
 * ConnectionLostError if the body is cut, AbortedError if the caller ends it.
 */
export async function* readLines(
  body: ReadableStream<Uint8Array>,
  clock: IdleClock,
  what: string,
): AsyncGenerator<unknown, void, undefined> {
  const reader = body.getReader()
  const utf8 = new TextDecoder()
  let rest = ''
  const cut = (cause?: unknown) =>
    clock.isAbortedByCaller
      ? new AbortedError(what, { cause: clock.signal.reason, mayHaveHappened: false })
      : new ConnectionLostError(
          `${what}: the answer was cut. What was read is true, but not all.`,
          {
            cause,
            mayHaveHappened: false,
          },
        )
  try {
    for (;;) {
      // While the program works on what it has, nobody waits for the server.
      clock.start()
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw cut(cause)
      })
      clock.pause()
      if (done) break
      const lines = (rest + utf8.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line !== '') yield JSON.parse(line) as unknown
    }
    if (rest + utf8.decode() !== '') throw cut()
  } finally {
    clock.stop()
    await reader.cancel().catch(() => undefined)
  }
}
