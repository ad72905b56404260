// How a call and its answer look on the wire: paths, bodies, usage, JSON. Pure, except for reading a
// body to its end.

import { type Effect } from '../retry.ts'
import { type Secret } from '../secret.ts'
import { classifyAnswer, makeFailure, malformed, SalesforceError } from './failure.ts'
import { type RawAnswer, type RequestBody, type Timeouts } from './transport.ts'

/**
 * `work` and `interactive` are stopped by the budget; `protected` (polling what Salesforce has
 * accepted, rollback, revoke, health) never is.
 */
export type Priority = 'work' | 'interactive' | 'protected'

export type CallKind =
  | 'rest'
  | 'query'
  | 'describe'
  | 'composite'
  | 'tooling'
  | 'metadata'
  | 'soap'
  | 'bulk'
  | 'oauth'

export interface SalesforceRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /**
   * Escaped path (see `urlPath`). `/services/...` and `/id/...` are used as they are; anything else is
   * under `/services/data/{apiVersion}`.
   */
  path: string
  query?: Readonly<Record<string, string | number | boolean | undefined>>
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  json?: unknown
  /**
   * Any other body, with its content type. A function is called again for each attempt (so that streams
   * can be replayed) and gets the access token; with `carriesToken` (SOAP has it in the body) no
   * Authorization header is sent.
   */
  body?: {
    type: string
    content: string | Uint8Array | ((accessToken: Secret | null) => RequestBody)
    carriesToken?: boolean
  }
  /** Default: GET is a `read`; PUT, PATCH and DELETE are `idempotent`; POST is a `create`. */
  effect?: Effect
  /** Attempts in total; default as in `retry.ts`. 1: the caller decides itself. */
  attemptsMax?: number
  timeouts?: Partial<Omit<Timeouts, 'connectMs'>>
  /** Most bytes of the inflated answer. Default 64 MiB in memory, 4 GiB streamed. */
  limitBytes?: number
  kind?: CallKind
  /** Instead of the target's. */
  priority?: Priority
  /** In addition to the target's. */
  signal?: AbortSignal
}

export interface SalesforceAnswer<Body> {
  /** 2xx, or 304 if the request was conditional. */
  status: number
  headers: Readonly<Record<string, string>>
  body: Body
}

export const JSON_TYPE = 'application/json; charset=UTF-8'

const MEMORY_LIMIT_BYTES = 64 * 1024 ** 2
const ERROR_LIMIT_BYTES = 256 * 1024

export interface ApiUsage {
  used: number
  max: number
}

// Salesforce: `per-app-api-usage=17/250(appName=x)` may follow; it must not be mistaken for the org's.
const LIMIT_INFO = /(?:^|[;,\s])api-usage=(\d+)\/(\d+)/

/** What an answer says about the daily allowance of the Salesforce org; null if it says nothing. */
export const readUsage = (headers: Readonly<Record<string, string>>): ApiUsage | null => {
  const match = LIMIT_INFO.exec(headers['sforce-limit-info'] ?? '')
  return match === null ? null : { used: Number(match[1]), max: Number(match[2]) }
}

const SAFE_PATH = /^\/(?!\/)[\x21-\x7e]*$/

/** Path and query for the request line. Throws SalesforceError for an invalid path. */
export const buildPath = (request: SalesforceRequest, apiVersion: string): string => {
  const { path } = request
  // A next page or a Location comes from an answer; it must not point to another host.
  if (!SAFE_PATH.test(path) || /[\\#]/.test(path)) {
    const message = 'The path is not one that this server calls.'
    throw new SalesforceError(makeFailure('other', { code: 'PATH_REFUSED', message, sent: false }))
  }
  const full = /^\/(services|id)\//.test(path) ? path : `/services/data/${apiVersion}${path}`
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.append(name, String(value))
  }
  const text = query.toString()
  return text === '' ? full : `${full}${full.includes('?') ? '&' : '?'}${text}`
}

/** Only a conditional request may be answered with 304. */
export const isConditional = (request: SalesforceRequest): boolean =>
  Object.keys(request.headers ?? {}).some((name) => /^if-(none-match|modified-since)$/i.test(name))

/** Headers and body of one attempt; the only place where the token is revealed to a header. */
export const buildBody = (
  { json, body, headers = {} }: SalesforceRequest,
  accessToken: Secret | null,
): { headers: Record<string, string>; body: RequestBody | null } => {
  const all: Record<string, string> = { accept: 'application/json', ...headers }
  let content: RequestBody | null = null
  if (body !== undefined) {
    all['content-type'] = body.type
    content = typeof body.content === 'function' ? body.content(accessToken) : body.content
  } else if (json !== undefined) {
    all['content-type'] = JSON_TYPE
    content = JSON.stringify(json)
  }
  if (accessToken !== null && body?.carriesToken !== true) {
    all.authorization = `Bearer ${accessToken.reveal()}`
  }
  return { headers: all, body: content }
}

/** The whole body as text. Throws SalesforceError when it breaks off or is larger than `limitBytes`. */
export const readText = async (
  answer: RawAnswer,
  limitBytes = MEMORY_LIMIT_BYTES,
): Promise<string> => (await answer.readWhole(limitBytes)).toString('utf8')

/** As much of an error body as is useful; of a body that breaks off, the beginning still is. */
export const readError = async (answer: RawAnswer): Promise<string> => {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of answer.read(ERROR_LIMIT_BYTES)) chunks.push(chunk)
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The parsed body, null if the status promises none. Throws SalesforceError for anything but JSON. */
export const parseJson = (
  { status, headers }: Pick<RawAnswer, 'status' | 'headers'>,
  text: string,
): unknown => {
  if (text.trim() === '') {
    // Only a 200 promises a body; Bulk uploads answer 201, updates 204 without one.
    if (status !== 200) return null
    throw new SalesforceError(classifyAnswer({ status, body: '' }))
  }
  try {
    return JSON.parse(text)
  } catch {
    const contentType = headers['content-type'] ?? ''
    const failure = classifyAnswer({ status, contentType, body: text.slice(0, ERROR_LIMIT_BYTES) })
    // Maintenance pages come with 200; anything else here is truncated or damaged JSON.
    const page = failure.kind === 'html_page'
    throw new SalesforceError(page ? failure : malformed('The answer is not valid JSON.', status))
  }
}
