// What Nango's refusals mean to us, as a closed list. Recognised by status, code and message exactly as
// Nango 0.71 returns them; its HTTP statuses alone would mislead (a dead grant is a 400, an unknown
// connection is 404 on a read and 400 on a deletion).

import { EngineError, type ErrorCode } from '../errors.ts'
import { clip } from '../text.ts'
import { type Tags } from './connection.ts'

export type NangoFailureKind =
  /** Nango does not know the connection, or no longer does. */
  | 'gone'
  /** A refresh was attempted and failed; Nango does not say why. */
  | 'refresh_refused'
  /** No attempt was made: one failed less than 30 s ago. A forced refresh is still attempted. */
  | 'refresh_backoff'
  /** No attempt was made: refreshes failed on too many days. */
  | 'refresh_exhausted'
  /** Our key lacks a scope. */
  | 'no_scope'
  /** Our key, our integration or our request is wrong: a retry would not help. */
  | 'misconfigured'
  | 'rate_limited'
  /** 5xx, network, time-out, or an answer that cannot be read. */
  | 'unavailable'

interface Details {
  status: number | null
  code: string
  message: string
  retryAfterSeconds?: number | null
  /** Nango names the connection's tags even when it refuses to give its credentials. */
  tags?: Tags | null
  cause?: unknown
}

const SENTENCES: Readonly<Record<NangoFailureKind, string>> = {
  gone: 'Nango no longer knows this connection.',
  refresh_refused: "The client's Salesforce session could not be refreshed.",
  refresh_backoff: "A refresh of the client's Salesforce session failed a moment ago.",
  refresh_exhausted: "Nango has given up refreshing the client's Salesforce session.",
  no_scope: "This server's Nango key lacks a scope that this needs.",
  misconfigured: "Nango refuses this server's key or set-up.",
  rate_limited: 'Nango is asked too often at the moment.',
  unavailable: 'Nango could not be reached or did not answer.',
}

/** Every failure of a call to Nango. To callers of the API it is `502 nango_error`. */
export class NangoError extends EngineError {
  override name = 'NangoError'
  readonly kind: NangoFailureKind
  readonly tags: Tags | null

  constructor(kind: NangoFailureKind, details: Details) {
    const code: ErrorCode = 'nango_error'
    super(code, SENTENCES[kind], {
      upstream: {
        service: 'nango',
        status: details.status,
        code: clip(details.code, 100),
        message: clip(scrub(details.message), 500),
      },
      ...(details.retryAfterSeconds == null
        ? {}
        : { retryAfterSeconds: details.retryAfterSeconds }),
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    })
    this.kind = kind
    this.tags = details.tags ?? null
  }
}

/** Salesforce access and refresh tokens, Nango's session tokens, and authorization headers. */
const SECRETS =
  /\b00D[A-Za-z0-9]{12,15}(?:!|%21)[A-Za-z0-9._%~+/=-]+|\b5Aep8[A-Za-z0-9._]{16,}|\bnango_connect_session_\w+|\bBearer\s+\S+/g

const scrub = (text: string): string => text.replace(SECRETS, '[secret]')

/** The failure of a call that was not answered with 2xx. `operation` decides what a 404 means. */
export const classify = (
  operation: 'connection' | 'other',
  answer: { status: number; code: string; message: string },
): NangoFailureKind => {
  const { status, code, message } = answer
  if (status === 429) return 'rate_limited'
  if (status >= 500) return 'unavailable'
  if (status === 401) return 'misconfigured'
  if (status === 403) return 'no_scope'
  if (code === 'unknown_connection') return 'gone'
  // A wrong base URL also answers 404, in another server's words: that must never end a connection.
  if (operation === 'connection' && status === 404 && code === 'not_found') {
    return /connection/i.test(message) ? 'gone' : 'misconfigured'
  }
  if (code === 'invalid_credentials') {
    if (status === 400) return 'refresh_refused'
    return /limit/i.test(message) ? 'refresh_exhausted' : 'refresh_backoff'
  }
  return 'misconfigured'
}
