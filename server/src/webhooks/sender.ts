// The only code that calls the endpoints of our callers. One request, one answer, no redirects and no
// retries: when to try again is decided elsewhere. Only the status of an answer counts, and nothing of its
// body is kept: an endpoint must not be a way to read something through us.

import { Agent } from '../undici.ts'
import { type Secret } from '../secret.ts'
import { VERSION } from '../version.ts'
import { signedHeaders } from './signature.ts'
import { createTargets, HostNotFound, type Resolve, type Targets, TargetRefused } from './target.ts'

export interface Message {
  url: string
  /** `webhook-id`: the same in every try. */
  id: string
  body: string
  /** Newest first. */
  secrets: readonly Secret[]
}

/** Why a try failed, for programs. */
export type SendFailure =
  | 'answered_with_error'
  | 'redirected'
  | 'timeout'
  | 'endpoint_refused'
  | 'host_not_found'
  | 'tls_failed'
  | 'connection_failed'

export interface SendOutcome {
  /** Null: no answer came. */
  status: number | null
  /** Null: it was taken. */
  failure: SendFailure | null
  /** What the endpoint asked for with `Retry-After`. */
  retryAfterSeconds: number | null
  ms: number
}

export interface Webhooks {
  /** Throws `endpoint_refused` for a URL that nothing may be sent to. */
  accept: Targets['accept']
  /** One try; never throws, and never takes longer than the time-out. */
  send(message: Message): Promise<SendOutcome>
  readonly timeoutMs: number
  close(): Promise<void>
}

interface Options {
  /** For a whole exchange: name, connection, TLS and headers. */
  timeoutMs: number
  allowLoopback: boolean
  resolve?: Resolve
  onCall?: (call: { kind: string; status: number | null; ms: number }) => void
}

/** More of an answer is not even read. */
const BODY_MAX_BYTES = 64 * 1024
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH)/

const failureOf = (error: unknown, signal: AbortSignal): SendFailure => {
  if (signal.aborted) return 'timeout'
  if (error instanceof TargetRefused) return 'endpoint_refused'
  if (error instanceof HostNotFound) return 'host_not_found'
  const { code = '' } = error as NodeJS.ErrnoException
  if (code.includes('TIMEOUT') || code === 'ETIMEDOUT') return 'timeout'
  return TLS_CODE.test(code) ? 'tls_failed' : 'connection_failed'
}

const secondsOf = (retryAfter: string | string[] | undefined): number | null =>
  typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null

export const createWebhooks = (options: Options): Webhooks => {
  const { timeoutMs, onCall = () => undefined } = options
  const targets = createTargets(options)
  const agent = new Agent({
    connect: { lookup: targets.lookup, timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    // A connection was checked when it was opened, and does not outlive its check for long.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
    pipelining: 1,
    allowH2: false,
  })

  const exchange = async (
    { url: text, id, body, secrets }: Message,
    signal: AbortSignal,
  ): Promise<Omit<SendOutcome, 'ms'>> => {
    try {
      const url = new URL(text)
      targets.check(url)
      const answer = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        signal,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': `sfdc-engine-x/${VERSION}`,
          ...signedHeaders({ id, body }, secrets, new Date()),
        },
        body,
      })
      // The status is the answer. A body that drips is not waited for.
      answer.body.dump({ limit: BODY_MAX_BYTES, signal }).catch(() => undefined)
      const status = answer.statusCode
      const failure =
        status >= 200 && status < 300
          ? null
          : status >= 300 && status < 400
            ? 'redirected'
            : 'answered_with_error'
      return { status, failure, retryAfterSeconds: secondsOf(answer.headers['retry-after']) }
    } catch (error) {
      return { status: null, failure: failureOf(error, signal), retryAfterSeconds: null }
    }
  }

  return {
    accept: (url) => targets.accept(url),
    timeoutMs,
    send: async (message) => {
      const startedAt = performance.now()
      const outcome = await exchange(message, AbortSignal.timeout(timeoutMs))
      const ms = Math.round(performance.now() - startedAt)
      onCall({ kind: 'deliver', status: outcome.status, ms })
      return { ...outcome, ms }
    },
    close: () => agent.destroy(),
  }
}
