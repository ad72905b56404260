// One HTTP exchange: keep-alive pools per host, time-outs, gzip, size limits, and the one question that
// matters after a fault: whether the other side can have seen the request. No retries, no sessions here.

import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createGunzip, gunzip, gunzipSync, type ZlibOptions } from 'node:zlib'
import { Agent, DecoratorHandler, type Dispatcher } from '../undici.ts'
import { classifyException, SalesforceError, tooLarge } from './failure.ts'

export interface Timeouts {
  /** For TCP and TLS. */
  connectMs: number
  /** From the request to the answer's headers. Salesforce itself gives up after ten minutes. */
  headersMs: number
  /** Between two pieces of a body. */
  bodyMs: number
  /** A whole exchange whose body is read into memory; a streamed one has no limit. */
  callMs: number
}

export const DEFAULT_TIMEOUTS: Readonly<Timeouts> = Object.freeze({
  connectMs: 10_000,
  headersMs: 120_000,
  bodyMs: 60_000,
  callMs: 600_000,
})

export type RequestBody = string | Uint8Array | AsyncIterable<Uint8Array>

export interface Exchange {
  /** Scheme, host and port only. */
  base: URL
  method: Dispatcher.HttpMethod
  /** Path and query, already escaped. */
  path: string
  headers: Record<string, string>
  body: RequestBody | null
  timeouts: Timeouts
  signal: AbortSignal | undefined
}

export interface RawAnswer {
  status: number
  /** Lower-case names; repeated headers joined with a comma. */
  headers: Readonly<Record<string, string>>
  /** Inflated. Throws SalesforceError if it breaks, stalls, or exceeds its limit. */
  read(limitBytes: number): AsyncGenerator<Uint8Array, void, undefined>
  /** All of it at once, under the same conditions. */
  readWhole(limitBytes: number): Promise<Buffer>
  /** Releases a body that will not be read any further. */
  discard(): void
}

export interface Transport {
  exchange(exchange: Exchange): Promise<RawAnswer>
  close(): Promise<void>
}

/** Passed through undici as `opaque`; no server ever sees it. */
interface Progress {
  begun: boolean
}

class ProgressHandler extends DecoratorHandler {
  readonly #progress: Progress

  constructor(handler: Dispatcher.DispatchHandler, progress: Progress) {
    super(handler)
    this.#progress = progress
  }

  // undici calls this with a connected socket, right before it writes the request: a fault before it
  // means that Salesforce saw nothing.
  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#progress.begun = true
    const parent = DecoratorHandler.prototype as Dispatcher.DispatchHandler
    parent.onRequestStart?.call(this, controller, context)
  }
}

const watchProgress: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { opaque } = options as { opaque?: Progress }
  return dispatch(options, opaque === undefined ? handler : new ProgressHandler(handler, opaque))
}

class CallDeadline extends Error {
  override name = 'CallDeadline'
  readonly code = 'CALL_DEADLINE'
}

const flatten = (
  headers: Record<string, string | string[] | undefined>,
): Record<string, string> => {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

export const createTransport = (options: {
  timeouts: Timeouts
  connectionsPerHost: number
}): Transport => {
  const agent = new Agent({
    connections: options.connectionsPerHost,
    connectTimeout: options.timeouts.connectMs,
    headersTimeout: options.timeouts.headersMs,
    bodyTimeout: options.timeouts.bodyMs,
    // Shorter than the usual idle limits on the way, so that a request is rarely written into a
    // connection that the other side is closing (the outcome of a create would then be unknown).
    keepAliveTimeout: 15_000,
    keepAliveMaxTimeout: 30_000,
    pipelining: 1,
    // Over HTTP/2 many requests share a socket, and after one reset the outcome of all is unknown.
    allowH2: false,
  })
  const dispatcher = agent.compose(watchProgress)

  return {
    async exchange({ base, method, path, headers, body, timeouts, signal }) {
      const progress: Progress = { begun: false }
      const deadline = new AbortController()
      const timer = setTimeout(
        () => deadline.abort(new CallDeadline('The call took too long.')),
        timeouts.callMs,
      ).unref()
      const signals =
        signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal])

      /**
       * Set if the source of a streamed body failed: that is a fault neither of Salesforce nor of the
       * connection.
       */
      let sourceFault: { error: unknown } | null = null
      const upload = async function* (source: AsyncIterable<Uint8Array>) {
        try {
          yield* source
        } catch (error) {
          sourceFault = { error }
          throw error
        }
      }

      /** The caller's own abort and own faults stay as they are; the rest becomes a failure. */
      const explain = (error: unknown): unknown => {
        if (signal?.aborted === true) return signal.reason
        if (sourceFault !== null) return sourceFault.error
        if (error instanceof SalesforceError) return error
        const cause: unknown = deadline.signal.aborted ? deadline.signal.reason : error
        return new SalesforceError(classifyException(cause, { sent: progress.begun }))
      }

      let data: Dispatcher.ResponseData<Progress>
      try {
        signal?.throwIfAborted()
        data = await dispatcher.request<Progress>({
          origin: base.origin,
          method,
          path,
          headers: { 'accept-encoding': 'gzip', ...headers },
          body:
            body === null || typeof body === 'string' || body instanceof Uint8Array
              ? body
              : Readable.from(upload(body), { objectMode: false }),
          headersTimeout: timeouts.headersMs,
          bodyTimeout: timeouts.bodyMs,
          signal: signals,
          opaque: progress,
        })
      } catch (error) {
        clearTimeout(timer)
        throw explain(error)
      }

      const answerHeaders = flatten(data.headers)
      const gzipped = /^\s*(x-)?gzip\s*$/i.test(answerHeaders['content-encoding'] ?? '')
      // A fault may occur while nobody reads; without a listener it would end the process.
      data.body.on('error', () => undefined)

      const discard = (): void => {
        clearTimeout(timer)
        data.body.destroy()
      }

      return {
        status: data.statusCode,
        headers: answerHeaders,
        discard,
        async *read(limitBytes) {
          let size = 0
          try {
            for await (const chunk of gzipped ? inflate(data.body) : data.body) {
              const bytes = chunk as Uint8Array
              size += bytes.byteLength
              // Counted after inflating: a small gzip body can hide a huge one.
              if (size > limitBytes)
                throw new SalesforceError(tooLarge(limitBytes, data.statusCode))
              yield bytes
            }
          } catch (error) {
            throw explain(error)
          } finally {
            discard()
          }
        },
        async readWhole(limitBytes) {
          try {
            const chunks: Uint8Array[] = []
            let size = 0
            for await (const chunk of data.body) {
              const bytes = chunk as Uint8Array
              size += bytes.byteLength
              if (size > limitBytes)
                throw new SalesforceError(tooLarge(limitBytes, data.statusCode))
              chunks.push(bytes)
            }
            // undici frees the connection after this turn; a call before that would open a further one.
            await nextTurn()
            const whole = Buffer.concat(chunks)
            return gzipped ? await inflateWhole(whole, limitBytes, data.statusCode) : whole
          } catch (error) {
            throw explain(error)
          } finally {
            discard()
          }
        },
      }
    },

    async close() {
      await agent.close()
    },
  }
}

/** Node's own pieces of 16 KB are a round through the thread pool each. */
const PIECE_BYTES = 64 * 1024

/** Streaming gunzip under back-pressure; a body that ends early is an error, not a short answer. */
async function* inflate(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES })
  body.once('error', (error) => gunzip.destroy(error))
  body.pipe(gunzip)
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array
  } finally {
    body.unpipe(gunzip)
    gunzip.destroy()
  }
}

/** What inflates in about two milliseconds is not worth the way through the thread pool. */
const AT_ONCE_BYTES = 2 * 1024 * 1024
const TRAILER_BYTES = 4
/** Deflate's best, by zlib's documentation: 1032 to 1. */
const RATIO_MAX = 1_032
const gunzipInPool = promisify<Buffer, ZlibOptions, Buffer>(gunzip)

/** A third of the work of {@link inflate}, and no garbage, for the trailer says how long the text is. */
const inflateWhole = async (
  zipped: Buffer,
  limitBytes: number,
  status: number,
): Promise<Buffer> => {
  if (zipped.byteLength === 0) return zipped
  const said =
    zipped.byteLength < TRAILER_BYTES ? 0 : zipped.readUInt32LE(zipped.byteLength - TRAILER_BYTES)
  const options = {
    // Only a hint, for anybody can write a trailer: no more is set aside than the bytes can become.
    chunkSize: Math.min(
      Math.max(said + 1, PIECE_BYTES),
      Math.max(zipped.byteLength * RATIO_MAX, PIECE_BYTES),
      limitBytes + 1,
    ),
    maxOutputLength: limitBytes,
  }
  try {
    return said <= AT_ONCE_BYTES ? gunzipSync(zipped, options) : await gunzipInPool(zipped, options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // Counted after inflating: a small gzip body can hide a huge one.
    throw new SalesforceError(tooLarge(limitBytes, status))
  }
}
