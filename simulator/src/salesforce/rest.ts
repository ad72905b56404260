// What a resource of the REST API and a SOAP endpoint are: the contract between the host and the modules
// that answer.

import { type Org, type Session, type User } from '../org/model.ts'
import { type Viewer } from '../org/visibility.ts'
import { type Transaction } from '../records/locks.ts'

export interface RestRequest {
  method: string
  /** As in the URL, `/services/data/v66.0/…`, without the query. */
  path: string
  query: URLSearchParams
  /** Lower-cased names. */
  headers: Record<string, string>
  /** Parsed JSON, text, bytes or a CSV `Upload`, by content type; undefined without a body. */
  body: unknown
}

export interface RestAnswer {
  status: number
  headers?: Record<string, string>
  /** A value to be written as JSON; undefined for an empty body. */
  body?: unknown
  /** Finished JSON text: large describes are rendered once and cached. */
  json?: string
  /** Anything else, with its content type in `headers`. */
  bytes?: Buffer
}

export interface RestContext {
  org: Org
  session: Session
  user: User
  viewer: Viewer
  request: RestRequest
  /** Named parts of the pattern, decoded. */
  params: Record<string, string>
  /** The API version of the path, as a number: 66. */
  version: number
  /** `/services/data/v66.0` */
  base: string
  /** Below the version, or below `/tooling`: `data` or `tooling`. */
  api: 'data' | 'tooling'
  /** Set for the parts of a series that is committed or rolled back together. */
  transaction?: Transaction | undefined
  /** Calls another resource of the same org for the same user, as part of a series. */
  dispatch(request: RestRequest, transaction?: Transaction): Promise<RestAnswer>
  /** Adds to the time of the answer, besides the time of the call itself. */
  spend(ms: number): void
  /** Counts one more API call than the request itself: `/composite/batch` counts each of its parts. */
  countCall(): void
  latency: { describeMs: number; saveMs?: number }
}

export interface RestRoute {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Below `/services/data/vXX.0`, with `:name` for a part: `/sobjects/:name/describe`. */
  pattern: string
  handler(ctx: RestContext): RestAnswer | Promise<RestAnswer>
}

/** A SOAP endpoint: the session is in the envelope. */
export interface SoapRoute {
  /** `/services/Soap/m/:version` */
  pattern: string
  handler(ctx: {
    org: Org
    version: number
    body: string
    soapAction: string
    /** The user behind a session id, or null. Counts the API call when there is one. */
    authenticate(sessionId: string): { session: Session; user: User; viewer: Viewer } | null
  }): Promise<{ status: number; body: string }> | { status: number; body: string }
}
