// The only code that talks to Nango, which holds every OAuth credential. Time-outs on everything,
// retries for reads, and no error that could contain the key.

import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type Dispatcher } from '../undici.ts'
import * as z from 'zod'
import { shouldRetry, waitMs } from '../retry.ts'
import { Secret } from '../secret.ts'
import {
  parseConnection,
  parseList,
  type ListedConnection,
  type NangoConnection,
  type Tags,
} from './connection.ts'
import { classify, NangoError } from './failure.ts'

export interface ConnectSession {
  token: Secret
  /** Contains the token, so it is just as secret. */
  connectLink: Secret
  expiresAt: Date
}

export interface NangoCall {
  operation: 'create_session' | 'get_connection' | 'list_connections' | 'delete_connection'
  /** Null if no answer came. */
  status: number | null
  ms: number
}

interface ConnectionName {
  /** A UUID: Nango chooses it. Anything else never reaches a path. */
  id: string
  providerConfigKey: string
}

/** All methods throw {@link NangoError}, and nothing else that callers need to distinguish. */
export interface Nango {
  /**
   * A session in which a browser can authorize one connection. That browser cannot change what is in
   * `connectionConfig`; it can set what is not.
   */
  createConnectSession(input: {
    providerConfigKey: string
    tags: Tags
    connectionConfig: Readonly<Record<string, string>>
  }): Promise<ConnectSession>
  /**
   * Tags and credentials of a connection. Nango asks Salesforce about the session on every plain read
   * and refreshes it when it is dead or nearly so; `forceRefresh` refreshes it in any case, unless a
   * plain read is in flight at Nango: then the old token is returned.
   */
  getConnection(
    input: ConnectionName & { forceRefresh?: boolean; refreshToken?: boolean },
  ): Promise<NangoConnection>
  /** Connections by exact tags or by id, without credentials. */
  listConnections(input: {
    providerConfigKey?: string
    tags?: Tags
    connectionId?: string
  }): Promise<ListedConnection[]>
  /** Does not revoke anything at Salesforce. `already_gone` if there was no such connection. */
  deleteConnection(input: ConnectionName): Promise<'deleted' | 'already_gone'>
  close(): Promise<void>
}

interface Options {
  /** `https://api.nango.dev` or your own server, with or without a path. */
  baseUrl: string
  secretKey: Secret
  /** Nango itself may wait 12 s for its refresh lock: keep `answerMs` above 15 s. */
  timeouts?: { connectMs?: number; answerMs?: number }
  onCall?: (call: NangoCall) => void
  /** The clock of the retries, for tests. */
  wait?: (ms: number) => Promise<void>
}

interface Call {
  operation: NangoCall['operation']
  method: Dispatcher.HttpMethod
  path: string
  query?: Readonly<Record<string, string>>
  body?: unknown
  /** Changes nothing, so that it can be repeated. */
  read: boolean
}

interface Answer {
  status: number
  body: unknown
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const LIST_MAX = 200
const READ_ATTEMPTS_MAX = 3
/** Somebody waits: if Nango asks for a longer pause, the caller gets it as Retry-After. */
const RETRY_AFTER_SECONDS_MAX = 3
const TIMED_OUT = 'timeout'
const ANSWER_BYTES_MAX = 4 * 1024 * 1024

const session = z.looseObject({
  data: z.looseObject({
    token: z.string().min(1),
    connect_link: z.string().min(1),
    expires_at: z.iso.datetime({ offset: true }),
  }),
})

export const createNango = (options: Options): Nango => {
  const base = options.baseUrl.replace(/\/+$/, '')
  const { connectMs = 5_000, answerMs = 20_000 } = options.timeouts ?? {}
  const wait = options.wait ?? ((ms: number) => sleep(ms))
  const agent = new Agent({
    connections: 32,
    connect: { timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
    maxResponseSize: ANSWER_BYTES_MAX,
  })

  /** One exchange. Throws NangoError if no readable answer came or it was not 2xx. */
  const exchange = async (call: Call): Promise<Answer> => {
    const startedAt = performance.now()
    const report = (status: number | null): void =>
      options.onCall?.({ operation: call.operation, status, ms: performance.now() - startedAt })
    let status: number | null = null
    let text: string
    let retryAfter: string | string[] | undefined
    try {
      const query = new URLSearchParams(call.query).toString()
      const url = new URL(`${base}${call.path}${query === '' ? '' : `?${query}`}`)
      const answer = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: call.method,
        signal: AbortSignal.timeout(connectMs + answerMs),
        headers: {
          authorization: `Bearer ${options.secretKey.reveal()}`,
          accept: 'application/json',
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
      })
      status = answer.statusCode
      retryAfter = answer.headers['retry-after']
      text = await answer.body.text()
    } catch (error) {
      report(status)
      throw new NangoError('unavailable', {
        status,
        code: faultOf(error),
        message: 'The exchange with Nango did not finish.',
      })
    }
    report(status)
    if (status >= 200 && status < 300) return { status, body: parseJson(text) }
    // The words of a refusal reach our callers: an echo of our key must not.
    const quotable = text.replaceAll(options.secretKey.reveal(), '[secret]')
    throw refusal(call, status, parseJson(quotable), retryAfter)
  }

  const perform = async (call: Call): Promise<Answer> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await exchange(call)
      } catch (error) {
        if (!(error instanceof NangoError)) throw error
        // A caller that has waited for a whole time-out has waited long enough.
        const timedOut = error.upstream?.code === TIMED_OUT
        const passing = (error.kind === 'unavailable' && !timedOut) || error.kind === 'rate_limited'
        const retryAfterSeconds = error.retryAfterSeconds ?? null
        const again =
          call.read &&
          (retryAfterSeconds ?? 0) <= RETRY_AFTER_SECONDS_MAX &&
          shouldRetry({
            attempt,
            failure: { passing, fate: 'unknown', retryAfterSeconds },
            effect: 'read',
            sent: true,
            attemptsMax: READ_ATTEMPTS_MAX,
          })
        if (!again) throw error
        await wait(waitMs({ attempt, retryAfterSeconds, random: Math.random() }))
      }
    }
  }

  return {
    createConnectSession: async ({ providerConfigKey, tags, connectionConfig }) => {
      const { status, body } = await perform({
        operation: 'create_session',
        method: 'POST',
        path: '/connect/sessions',
        read: false,
        body: {
          tags,
          allowed_integrations: [providerConfigKey],
          integrations_config_defaults: {
            [providerConfigKey]: { connection_config: connectionConfig },
          },
        },
      })
      const parsed = session.safeParse(body)
      if (!parsed.success) throw unreadable(status)
      const { token, connect_link, expires_at } = parsed.data.data
      return {
        token: new Secret(token),
        connectLink: new Secret(connect_link),
        expiresAt: new Date(expires_at),
      }
    },

    getConnection: async ({
      id,
      providerConfigKey,
      forceRefresh = false,
      refreshToken = false,
    }) => {
      const { status, body } = await perform({
        operation: 'get_connection',
        method: 'GET',
        path: connectionPath(id),
        query: {
          provider_config_key: providerConfigKey,
          ...(forceRefresh ? { force_refresh: 'true' } : {}),
          ...(refreshToken ? { refresh_token: 'true' } : {}),
        },
        // A forced refresh changes the grant: a second one is made only on request.
        read: !forceRefresh,
      })
      const parsed = parseConnection(body)
      if (parsed === null) throw unreadable(status)
      // An answer about anything else than the requested connection is not used.
      if (parsed.id.toLowerCase() !== id.toLowerCase()) throw unreadable(status)
      return parsed
    },

    listConnections: async ({ providerConfigKey, tags = {}, connectionId }) => {
      const { status, body } = await perform({
        operation: 'list_connections',
        method: 'GET',
        path: '/connections',
        query: {
          limit: String(LIST_MAX),
          ...(providerConfigKey === undefined ? {} : { integrationId: providerConfigKey }),
          ...(connectionId === undefined ? {} : { connectionId }),
          ...Object.fromEntries(
            Object.entries(tags).map(([name, value]) => [`tags[${name}]`, value]),
          ),
        },
        read: true,
      })
      const parsed = parseList(body)
      if (parsed === null) throw unreadable(status)
      return parsed
    },

    deleteConnection: async ({ id, providerConfigKey }) => {
      try {
        await perform({
          operation: 'delete_connection',
          method: 'DELETE',
          path: connectionPath(id),
          query: { provider_config_key: providerConfigKey },
          read: false,
        })
        return 'deleted'
      } catch (error) {
        if (error instanceof NangoError && error.kind === 'gone') return 'already_gone'
        throw error
      }
    },

    close: () => agent.close(),
  }
}

const connectionPath = (id: string): string => {
  if (!UUID.test(id)) {
    throw new NangoError('gone', {
      status: null,
      code: 'not_an_id',
      message: 'This is not a connection id.',
    })
  }
  return `/connections/${id.toLowerCase()}`
}

/** Only the fault's code: a library's error may contain the request and, in it, the key. */
const faultOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: unknown }
  if (name === 'TimeoutError' || (typeof code === 'string' && code.includes('TIMEOUT')))
    return TIMED_OUT
  return typeof code === 'string' ? code : 'network_error'
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const unreadable = (status: number): NangoError =>
  new NangoError('unavailable', {
    status,
    code: 'unreadable_answer',
    message: "Nango's answer does not match its API.",
  })

const errorBody = z.looseObject({
  error: z.looseObject({
    code: z.string().catch(''),
    message: z.string().catch(''),
    errors: z
      .array(z.looseObject({ message: z.string().catch(''), path: z.array(z.unknown()).catch([]) }))
      .catch([]),
    payload: z.looseObject({ connection: z.unknown() }).nullish().catch(null),
  }),
})

const refusal = (
  call: Call,
  status: number,
  body: unknown,
  retryAfter: string | string[] | undefined,
): NangoError => {
  const parsed = errorBody.safeParse(body)
  const error = parsed.success ? parsed.data.error : null
  const code = error === null || error.code === '' ? `HTTP_${status}` : error.code
  const members = error?.errors.map((e) => `${e.path.join('.')}: ${e.message}`).join('; ') ?? ''
  const message = error === null ? '' : error.message === '' ? members : error.message
  const about =
    call.operation === 'get_connection' || call.operation === 'delete_connection'
      ? 'connection'
      : 'other'
  const kind = classify(about, { status, code, message })
  const seconds = typeof retryAfter === 'string' ? Number.parseInt(retryAfter, 10) : Number.NaN
  return new NangoError(kind, {
    status,
    code,
    message,
    tags: parseConnection(error?.payload?.connection)?.tags ?? null,
    retryAfterSeconds: Number.isFinite(seconds)
      ? Math.max(1, seconds)
      : kind === 'refresh_backoff'
        ? 30
        : null,
  })
}
