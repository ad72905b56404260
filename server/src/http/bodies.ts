// Bodies on their way in: what is taken, how large, how long.

import { finished } from 'node:stream'
import { createGunzip } from 'node:zlib'
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RequestPayload,
} from 'fastify'
import { EngineError } from '../errors.ts'
import { mayHoldInexact, parseExactly } from '../exact-json.ts'
import { FAULT_BYTES_MAX, faultIn } from './json-fault.ts'
import { readJsonBody } from './json-body.ts'
import { type Route } from './route.ts'

const LINES_TYPE = 'application/x-ndjson'
const REQUEST_MS = 120_000

/** Lines, which the route reads while they arrive. */
export const isUpload = (request: FastifyRequest): boolean =>
  request.routeOptions.config.route?.lines !== undefined &&
  (request.headers['content-type'] ?? '').toLowerCase().startsWith(LINES_TYPE)

/** How large the body may become: its Content-Length, unless it is compressed or has none. */
export const bodyBytes = ({ headers }: FastifyRequest, most: number): number => {
  const told = Number(headers['content-length'] ?? most)
  return headers['content-encoding'] === undefined ? Math.min(told, most) : most
}

/** In the form of Node's own error, for the handler of what never became a request. */
const requestTimeout = (): Error =>
  Object.assign(new Error('the request did not arrive in time'), {
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  })

/** A request has to arrive completely, with its body, within a time limit. */
export const limitReading = (app: FastifyInstance): void => {
  app.addHook('onRequest', async (request, reply) => {
    if (isUpload(request)) return // read with a time limit of its own
    const timer = setTimeout(() => {
      if (request.raw.complete) return
      if (reply.raw.headersSent) request.raw.socket.destroy()
      else app.server.emit('clientError', requestTimeout(), request.raw.socket)
    }, REQUEST_MS)
    reply.raw.once('close', () => clearTimeout(timer))
  })
}

/** Of a refused body so much is still read, for so long. */
const REST_BYTES_MAX = 64 * 1024 * 1024
const REST_MS = 10_000

/**
 * Fastify closes the connection of a body that is too large. A sender that is still writing then gets EPIPE from its
 * own system instead of our answer, and tries again. So the rest of the body is read and thrown away, within bounds,
 * and not inflated any more if it is compressed.
 */
export const readRest = ({ raw, headers }: FastifyRequest, reply: FastifyReply): void => {
  const isBearable = Number(headers['content-length'] ?? 0) <= REST_BYTES_MAX
  if (raw.complete || !isBearable) return
  reply.removeHeader('connection')
  raw.unpipe()
  let bytes = 0
  raw.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > REST_BYTES_MAX) raw.socket.destroy()
  })
  raw.resume()
  const timer = setTimeout(() => raw.socket.destroy(), REST_MS).unref()
  raw.once('close', () => clearTimeout(timer))
}

/** Says where the body breaks, as a whole, though it may be parsed in slices; null if that is not known. */
const notJson = (bytes: Buffer): EngineError | null => {
  const fault = bytes.byteLength > FAULT_BYTES_MAX ? null : faultIn(bytes.toString('utf8'))
  return (
    fault &&
    new EngineError(
      'invalid_json',
      `The body is not valid JSON: in line ${fault.line}, column ${fault.column}, ${fault.expected} is expected.`,
    )
  )
}

/** JSON in UTF-8, and uploads of lines on routes that accept them; nothing else. */
export const parseBodies = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      const { rawBody = false, rows } = request.routeOptions.config.route ?? {}
      if (rawBody) return bytes
      return readJsonBody(bytes, {
        rows,
        parse: (text) => {
          let parsed: { error: Error | null; value: unknown } | undefined
          void parseJson(request, text, (error, value) => {
            parsed = { error, value }
          })
          if (parsed?.error) throw parsed.error
          return mayHoldInexact(text) ? parseExactly(text) : parsed?.value
        },
      }).catch((error: unknown) => {
        throw error instanceof EngineError ? error : (notJson(bytes) ?? error)
      })
    },
  )
  // Not read here: the route reads it while it arrives.
  app.addContentTypeParser(LINES_TYPE, (request, payload, done) => {
    if (request.routeOptions.config.route?.lines !== undefined) done(null, payload)
    else done(new EngineError('unsupported_media_type', 'The body must be application/json.'))
  })
}

/** The body before gzip. Fastify applies the limit to the inflated bytes, as documented. */
export const inflate = (
  route: Route,
  request: FastifyRequest,
  payload: RequestPayload,
): RequestPayload => {
  if (route.body === undefined && route.rawBody !== true) return payload
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return payload
  if (encoding !== 'gzip') {
    throw new EngineError('unsupported_media_type', 'Content-Encoding may be gzip or absent.')
  }
  const inflated = createGunzip()
  // pipe() does not notify its target when the client goes away in the middle.
  finished(payload, (cut) => {
    if (cut) inflated.destroy(cut)
  })
  inflated.on('error', () => undefined) // after a 413 nobody else still listens
  // Let go of before its end, see readRest; at its end, too, Node unpipes it.
  inflated.once('unpipe', () => inflated.writableFinished || inflated.destroy())
  delete request.headers['content-length']
  return payload.pipe(inflated)
}
