// One call: its attempts, how long each may be silent, and what comes of each. What a call means is
// decided above; here it is sent until it is answered.

import { type ErrorCode, type Problem } from './contract.ts'
import { type CallOptions, type Endpoint } from './calls.ts'
import { IdleClock, pause } from './clock.ts'
import {
  AbortedError,
  ApiError,
  apiError,
  ConnectionLostError,
  type EngineError,
  UnexpectedAnswerError,
} from './errors.ts'
import { type Payload, sendable } from './payload.ts'

export interface EngineOptions {
  /** Where the API is, e.g. `https://engine.agency.example`. Plain http only for this machine. */
  readonly baseUrl: string
  /** An API token or a session; a function is asked before each attempt. */
  readonly token?: string | (() => string | Promise<string>)
  /** How often a call is tried again after 429, 503 or a lost connection. Default: 4. */
  readonly retries?: number
  /** The longest pause between two attempts, in milliseconds. If the server asks for more, the call fails. Default: 60,000. */
  readonly maxRetryDelay?: number
  /** Milliseconds without a sign of the server until an attempt counts as lost. Default: 60,000. */
  readonly timeout?: number
  /** Allows plain http to another machine, e.g. inside a private network: the token can be read on the way. */
  readonly allowHttp?: boolean
  /** Told before each pause. */
  readonly onRetry?: (retry: Retry) => void
  /** Instead of the platform's fetch. */
  readonly fetch?: typeof globalThis.fetch
}

export interface Retry {
  readonly method: string
  readonly path: string
  readonly error: EngineError
  /** 1 for the first retry. */
  readonly number: number
  readonly delayMs: number
  readonly idempotencyKey: string | undefined
}

export interface Call {
  readonly endpoint: Pick<Endpoint, 'path' | 'method' | 'key' | 'repeat'>
  /** None for GET. */
  readonly payload?: Payload
  readonly accept?: string
  /** Milliseconds that the server itself may wait before it answers. */
  readonly waitMs?: number
  readonly options?: CallOptions
}

/** Reads a successful answer; the clock runs until it is stopped. */
type Read<Result> = (response: Response, clock: IdleClock) => Promise<Result>

const RETRIES = 4
const TIMEOUT_MS = 60_000
const DELAY_MAX_MS = 60_000
const BACKOFF_MS = 500
const BACKOFF_MAX_MS = 8_000

/** Codes of errors of a connection that was never made (Node, Bun, Deno); browsers do not tell. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ConnectionRefused',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

const codeOf = (cause: unknown): string | undefined => {
  if (typeof cause !== 'object' || cause === null) return undefined
  const { code, cause: inner } = cause as { code?: unknown; cause?: unknown }
  return typeof code === 'string' ? code : codeOf(inner)
}

/** fetch says only that it failed; why, its cause says. */
const wordsOf = (cause: unknown): string =>
  !(cause instanceof Error)
    ? String(cause)
    : cause.cause instanceof Error
      ? wordsOf(cause.cause)
      : cause.message

const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/

const checkedBase = ({ baseUrl, allowHttp }: EngineOptions): string => {
  if (!URL.canParse(baseUrl)) throw new TypeError(`baseUrl is not a URL: ${baseUrl}`)
  const { protocol, hostname, href, username, search, hash } = new URL(baseUrl)
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new TypeError(`baseUrl must begin with https://, not ${protocol}//`)
  }
  if (protocol === 'http:' && allowHttp !== true && !LOOPBACK.test(hostname)) {
    throw new TypeError(
      `baseUrl must begin with https://: over http the token could be read on its way to ${hostname}. ` +
        'Inside a network that you trust, set allowHttp.',
    )
  }
  if (username !== '' || search !== '' || hash !== '') {
    throw new TypeError(
      'baseUrl must have no user, query or fragment; the token has its own option',
    )
  }
  return href.replace(/\/+$/, '')
}

export class Http {
  readonly #options: EngineOptions
  readonly #base: string

  constructor(options: EngineOptions) {
    this.#base = checkedBase(options)
    this.#options = options
  }

  /**
   * Sends a call until it is answered, tried often enough, or refused. The idempotency key is the same in
   * each attempt. Throws ApiError, ConnectionLostError, UnexpectedAnswerError, AbortedError, and what the
   * caller's rows throw.
   */
  async send<Result>(call: Call, read: Read<Result>): Promise<Result> {
    const { endpoint, options = {}, payload } = call
    const { path, method = 'POST' } = endpoint
    const key = endpoint.key === true ? (options.idempotencyKey ?? randomKey()) : undefined
    const retries = options.retries ?? this.#options.retries ?? RETRIES
    for (let number = 1; ; number += 1) {
      try {
        return await this.#attempt(call, key, read)
      } catch (error) {
        if (!(error instanceof ApiError || error instanceof ConnectionLostError)) throw error
        if (number > retries || payload?.canRepeat === false || !isTransient(error, endpoint)) {
          throw error
        }
        const delayMs = delayBefore(number, error)
        if (delayMs > (this.#options.maxRetryDelay ?? DELAY_MAX_MS)) throw error
        this.#options.onRetry?.({ method, path, error, number, delayMs, idempotencyKey: key })
        await pause(delayMs, options.signal).catch((cause: unknown) => {
          const mayHaveHappened = error instanceof ConnectionLostError && error.mayHaveHappened
          throw new AbortedError(`${method} ${path}`, {
            cause,
            mayHaveHappened,
            idempotencyKey: key,
          })
        })
      }
    }
  }

  /** Sends a call and reads its JSON; `location` is where to look for the rest, if the work goes on. */
  json(call: Call): Promise<unknown> {
    return this.send(call, async (response, clock) => {
      const text = await response.text()
      clock.stop()
      try {
        return text === '' ? undefined : (JSON.parse(text) as unknown)
      } catch {
        throw notTheApi(call, response)
      }
    })
  }

  async #attempt<Result>(call: Call, key: string | undefined, read: Read<Result>): Promise<Result> {
    const { endpoint, options = {}, payload, accept = 'application/json', waitMs = 0 } = call
    const { path, method = 'POST' } = endpoint
    const { signal } = options
    const what = `${method} ${path}`
    const abort = (cause: unknown, wasSent: boolean) =>
      new AbortedError(what, {
        cause,
        mayHaveHappened: wasSent && endpoint.repeat !== true && method !== 'GET',
        idempotencyKey: key,
      })
    if (signal?.aborted === true) throw abort(signal.reason, false)
    const authorization = await this.#authorization()
    const timeout = options.timeout ?? this.#options.timeout ?? TIMEOUT_MS
    const clock = new IdleClock(timeout + waitMs, signal)
    const opened = payload?.open(clock)
    let reading = false
    try {
      clock.start()
      const response = await (this.#options.fetch ?? fetch)(this.#base + path, {
        method,
        headers: {
          accept,
          ...authorization,
          ...opened?.headers,
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(opened === undefined ? {} : await sendable(opened.body)),
        redirect: 'manual',
        signal: clock.signal,
      })
      clock.start()
      if (!response.ok) throw await this.#refusal(call, response, key)
      const result = await read(response, clock)
      reading = true
      return result
    } catch (cause) {
      const fault = opened?.fault?.()
      if (fault !== undefined) throw fault.thrown
      if (cause instanceof ApiError || cause instanceof UnexpectedAnswerError) throw cause
      if (cause instanceof ConnectionLostError) throw cause
      if (clock.isAbortedByCaller) throw abort(clock.signal.reason, true)
      throw lost(
        this.#base,
        call,
        key,
        clock.signal.aborted ? (clock.signal.reason as unknown) : cause,
      )
    } finally {
      // A body of lines goes on being read after this; its reader stops the clock.
      if (!reading) clock.stop()
      await opened?.close?.()
    }
  }

  async #authorization(): Promise<Record<string, string>> {
    const { token } = this.#options
    const given = typeof token === 'function' ? await token() : token
    return given === undefined ? {} : { authorization: `Bearer ${given}` }
  }

  async #refusal(call: Call, response: Response, key: string | undefined): Promise<EngineError> {
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
    const text = response.type === 'opaqueredirect' ? '' : await response.text()
    if (isProblem === true) {
      const problem = JSON.parse(text) as Problem
      const after = response.headers.get('retry-after')
      const { approval_id: id, url } = problem
      const absolute = (path: string) => new URL(path, `${this.#base}/`).href
      return apiError(problem, {
        docUrl: absolute(problem.doc_url),
        approval: id === undefined ? undefined : { id, url: absolute(url ?? problem.doc_url) },
        retryAfter: after === null ? undefined : Number(after),
        idempotencyKey: key,
      })
    }
    // A proxy that lost the server: nobody knows what came of the call.
    if ([502, 503, 504].includes(response.status)) {
      return lost(this.#base, call, key, new Error(`a proxy answered ${response.status}`))
    }
    return notTheApi(call, response)
  }
}

const notTheApi = ({ endpoint: { path, method = 'POST' } }: Call, response: Response) =>
  new UnexpectedAnswerError(
    `${method} ${path} was answered ${response.status} with something that is not of this API` +
      `${response.headers.has('location') ? ', a redirect' : ''}. Is baseUrl right, and no proxy in between?`,
    response.status,
  )

const lost = (
  base: string,
  { endpoint, payload }: Call,
  key: string | undefined,
  cause: unknown,
) => {
  const { path, method = 'POST' } = endpoint
  const code = codeOf(cause)
  const mayHaveHappened =
    !NEVER_SENT.has(code ?? '') && endpoint.repeat !== true && method !== 'GET'
  const why = code ?? wordsOf(cause)
  const remedy = !mayHaveHappened
    ? ''
    : key === undefined
      ? ' Look before you repeat it: it may have taken effect.'
      : ` It may have taken effect; with idempotencyKey ${JSON.stringify(key)} it can be repeated without harm` +
        `${payload?.canRepeat === false ? ' (give the rows as a function, and that is done for you)' : ''}.`
  return new ConnectionLostError(`${method} ${base}${path} was not answered (${why}).${remedy}`, {
    cause,
    mayHaveHappened,
    idempotencyKey: key,
    code,
  })
}

const isTransient = (
  error: ApiError | ConnectionLostError,
  { key, repeat, method }: Call['endpoint'],
): boolean => {
  if (error instanceof ConnectionLostError) {
    return !error.mayHaveHappened || key === true || repeat === true || method === 'GET'
  }
  return (
    error.status === 429 ||
    error.status === 503 ||
    error.code === ('idempotency_in_progress' satisfies ErrorCode)
  )
}

/** What the server asks for; else twice as long each time, and not the same for all callers. */
const delayBefore = (number: number, error: EngineError): number => {
  const jitter = 1 - Math.random() / 2
  if (error instanceof ApiError && error.retryAfter !== undefined) {
    return error.retryAfter * 1_000 + BACKOFF_MS * (1 - jitter)
  }
  return Math.min(BACKOFF_MS * 2 ** (number - 1), BACKOFF_MAX_MS) * jitter
}
