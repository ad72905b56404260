// The way to Salesforce: sessions, budget, concurrency, retries and failures for every call to every
// API. Knows no tables, no HTTP framework and no domain; its callers pass in the session and the budget.

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Effect, shouldRetry, waitMs } from '../retry.ts'
import { type Secret } from '../secret.ts'
import {
  classifyAnswer,
  type Failure,
  type FailureKind,
  overdue,
  SalesforceError,
} from './failure.ts'
import { type HostPolicy } from './hosts.ts'
import { createPlaces } from './places.ts'
import { createTransport, DEFAULT_TIMEOUTS, type RawAnswer, type Timeouts } from './transport.ts'
import {
  type ApiUsage,
  buildBody,
  buildPath,
  type CallKind,
  isConditional,
  parseJson,
  type Priority,
  readError,
  readText,
  readUsage,
  type SalesforceAnswer,
  type SalesforceRequest,
} from './wire.ts'

export type { ApiUsage, CallKind, Priority, SalesforceAnswer, SalesforceRequest } from './wire.ts'

export interface SalesforceSession {
  accessToken: Secret
  instanceUrl: string
}

/** Implemented by the token manager. */
export interface SessionSource {
  current(): Promise<SalesforceSession>
  /** A different session than `dead`, or an EngineError. */
  renew(dead: SalesforceSession): Promise<SalesforceSession>
}

export interface ApiBudget {
  /**
   * Counts a call as under way until what it gives is called with the call's end. Throws EngineError
   * `api_budget_exhausted` when no further call may be made.
   */
  take(): Promise<(end: CallEnd) => void>
  /** Called with the usage that the answer to a protected call reports: nobody had asked for it. */
  record(usage: ApiUsage): void
  /** Salesforce itself refused a call: its daily allowance is used up. */
  exhausted(): void
}

/** The usage that the answer reports, or, where it reports none, whether Salesforce can have served the call. */
export type CallEnd = ApiUsage | 'perhaps_served' | 'not_served'

export interface Target {
  /** Concurrency is counted per Salesforce org, no matter whose connection leads to it. */
  sfdcOrgId: string
  /** As in paths: `v66.0`. */
  apiVersion: string
  sessions: SessionSource
  budget: ApiBudget
  priority: Priority
  signal?: AbortSignal
  /**
   * Somebody waits for the answers: all calls through this handle share a deadline, and one that misses
   * it is a SalesforceError `overdue`. Always so with priority `interactive`.
   */
  isWaitedFor?: boolean
}

export interface CallEvent {
  host: string
  kind: CallKind
  status: number | null
  failure: FailureKind | null
  ms: number
}

/**
 * The basis of every API module. All methods throw SalesforceError, or an EngineError for session and
 * budget.
 */
export interface SalesforceCaller {
  readonly apiVersion: string
  readonly signal: AbortSignal | undefined
  /** JSON in, JSON out. The body is null for 204, 304 and other answers without one. */
  request(request: SalesforceRequest): Promise<SalesforceAnswer<unknown>>
  /** The body as text, whatever it is. */
  requestText(request: SalesforceRequest): Promise<SalesforceAnswer<string>>
  /**
   * The body as it arrives. Read it to its end or destroy it: until then it holds a connection and,
   * with priority `interactive`, one of the two places. Faults in it are SalesforceErrors.
   */
  stream(request: SalesforceRequest): Promise<SalesforceAnswer<Readable>>
  /**
   * Waits between two polls; ends at once with the abort reason when the target's or this signal aborts.
   */
  pause(ms: number, signal?: AbortSignal): Promise<void>
}

export interface SalesforceOrg extends SalesforceCaller {
  readonly sfdcOrgId: string
  /** API calls made so far through this handle; a composite counts once, each retry counts. */
  readonly calls: number
}

export interface Salesforce {
  org(target: Target): SalesforceOrg
  /** Without session and budget: the version list, revoking a token. Counts nothing. */
  anonymous(instanceUrl: string, signal?: AbortSignal): SalesforceCaller
  /** Waits for running exchanges, then closes all connections. */
  close(): Promise<void>
}

export interface SalesforceOptions {
  hosts: HostPolicy
  timeouts?: Partial<Timeouts>
  onCall?: (event: CallEvent) => void
  connectionsPerHost?: number
  /** The clock, for tests: waits `ms`, rejects when the signal aborts. */
  wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  random?: () => number
  /** For all calls of a handle that somebody waits for; 45 s except in tests. */
  interactiveDeadlineMs?: number
}

const INTERACTIVE_CALLS_MAX = 2
/** Somebody waits at the other end, behind proxies that give up after a minute. */
const INTERACTIVE_DEADLINE_MS = 45_000
const STREAM_LIMIT_BYTES = 4 * 1024 ** 3

const realWait = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  try {
    await sleep(ms, undefined, signal === undefined ? undefined : { signal })
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error
  }
}

const DEFAULT_EFFECT: Readonly<Record<string, Effect>> = { GET: 'read', POST: 'create' }

/** Everything that differs between a call on behalf of a target and an anonymous one. */
interface Context {
  apiVersion: string
  signal: AbortSignal | undefined
  session(): Promise<SalesforceSession | { accessToken: null; instanceUrl: string }>
  renew: ((dead: SalesforceSession) => Promise<SalesforceSession>) | null
  budget: ApiBudget | null
  priority: Priority
  placeKey: string
  deadline: { atMs: number; ms: number } | null
  count(): void
}

interface Opened {
  answer: RawAnswer
  release: () => void
}

export const createSalesforce = (options: SalesforceOptions): Salesforce => {
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const transport = createTransport({
    timeouts,
    connectionsPerHost: options.connectionsPerHost ?? 16,
  })
  const wait = options.wait ?? realWait
  const random = options.random ?? Math.random
  const places = createPlaces(INTERACTIVE_CALLS_MAX)

  /** One attempt: the result of `finish` for an answer with a good status, or a SalesforceError. */
  const attempt = async <T>(
    context: Context,
    request: SalesforceRequest,
    session: { accessToken: Secret | null; instanceUrl: string },
    finish: (opened: Opened) => Promise<T>,
  ): Promise<T> => {
    const priority = request.priority ?? context.priority
    // Before anything else, and on every attempt: no token is sent to a host that is not Salesforce's.
    const base = options.hosts.instanceBase(session.instanceUrl)
    const path = buildPath(request, context.apiVersion)
    const end = await begin(context, priority)
    const release =
      priority === 'interactive'
        ? await places.take(context.placeKey, context.signal).catch((error: unknown) => {
            end('not_served')
            throw error
          })
        : () => undefined

    const startedAt = performance.now()
    const report = (status: number | null, failure: Failure | null): void =>
      options.onCall?.({
        host: base.host,
        kind: request.kind ?? 'rest',
        status,
        failure: failure?.kind ?? null,
        ms: performance.now() - startedAt,
      })

    let answer: RawAnswer | null = null
    try {
      answer = await transport.exchange({
        base,
        path,
        method: request.method ?? 'GET',
        ...buildBody(request, session.accessToken),
        timeouts: { ...timeouts, ...request.timeouts },
        signal: context.signal,
      })
      const isApiCall = !path.startsWith('/services/oauth2/') && !path.startsWith('/id/')
      if (isApiCall) context.count()
      end(readUsage(answer.headers) ?? (isApiCall ? 'perhaps_served' : 'not_served'))

      const { status } = answer
      if ((status >= 200 && status < 300) || (status === 304 && isConditional(request))) {
        const finished = await finish({ answer, release })
        report(status, null)
        return finished
      }
      const failure = classifyAnswer({
        status,
        contentType: answer.headers['content-type'] ?? '',
        retryAfter: answer.headers['retry-after'] ?? null,
        body: await readError(answer),
      })
      throw new SalesforceError(failure)
    } catch (error) {
      answer?.discard()
      release()
      const wasSent = !(error instanceof SalesforceError) || error.failure.sent
      if (answer === null) end(wasSent ? 'perhaps_served' : 'not_served')
      if (error instanceof SalesforceError) {
        // Salesforce may have counted a request that was sent, even if no answer came back.
        if (answer === null && wasSent) context.count()
        if (error.failure.kind === 'limit_total') context.budget?.exhausted()
        report(error.failure.status, error.failure)
      } else {
        report(answer?.status ?? null, null)
      }
      throw error
    }
  }

  /** Takes a call from the budget, unless it is a protected one. */
  const begin = async (
    { budget, signal }: Context,
    priority: Priority,
  ): Promise<(end: CallEnd) => void> => {
    if (budget === null) return () => undefined
    if (priority === 'protected') {
      return (end) => {
        if (typeof end !== 'string') budget.record(end)
      }
    }
    return unless(signal, async () => {
      const end = await budget.take()
      // The caller has gone meanwhile, and nobody else would give it back.
      if (signal?.aborted === true) end('not_served')
      return end
    })
  }

  /** Makes attempts, with one renewal of a dead session and the retries that `retry.ts` allows. */
  const call = async <T>(
    of: Context,
    request: SalesforceRequest,
    finish: (opened: Opened) => Promise<T>,
  ): Promise<T> => {
    const signal = anySignal(of.signal, request.signal)
    if (of.deadline === null) return callUntil({ ...of, signal }, request, finish)
    const late = new AbortController()
    const asked = `${request.method ?? 'GET'} ${request.path.split('?', 1)[0] ?? ''}`
    const { atMs, ms } = of.deadline
    const giveUp = (): void =>
      late.abort(new SalesforceError(overdue(asked, Math.round(ms / 1000))))
    // Node's timers fire a little early or late: a remainder below a millisecond counts as zero.
    const leftMs = Math.floor(atMs - performance.now())
    if (leftMs <= 0) giveUp()
    const timer = setTimeout(giveUp, Math.max(0, leftMs))
    try {
      return await callUntil({ ...of, signal: anySignal(signal, late.signal) }, request, finish)
    } finally {
      clearTimeout(timer)
    }
  }

  const callUntil = async <T>(
    context: Context,
    request: SalesforceRequest,
    finish: (opened: Opened) => Promise<T>,
  ): Promise<T> => {
    const effect = request.effect ?? DEFAULT_EFFECT[request.method ?? 'GET'] ?? 'idempotent'
    let renewed = false
    let session = await unless(context.signal, () => context.session())
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt(context, request, session, finish)
      } catch (error) {
        if (!(error instanceof SalesforceError) || context.signal?.aborted === true) throw error
        const { failure } = error
        if (failure.kind === 'session_dead') {
          // Only once: a session that is dead right after its renewal would be renewed for ever.
          const { renew } = context
          if (renewed || renew === null || session.accessToken === null) throw error
          renewed = true
          const dead = session
          session = await unless(context.signal, () => renew(dead))
          attempts -= 1
          continue
        }
        const { attemptsMax } = request
        const question = { attempt: attempts, failure, effect, sent: failure.sent }
        if (!shouldRetry(attemptsMax === undefined ? question : { ...question, attemptsMax }))
          throw error
        const { retryAfterSeconds } = failure
        await wait(
          waitMs({ attempt: attempts, retryAfterSeconds, random: random() }),
          context.signal,
        )
        session = await unless(context.signal, () => context.session())
      }
    }
  }

  const caller = (context: Context): SalesforceCaller => ({
    apiVersion: context.apiVersion,
    signal: context.signal,

    request: (request) =>
      call(
        context,
        request,
        inMemory(async (answer) => {
          const text = await readText(answer, request.limitBytes)
          return { ...head(answer), body: parseJson(answer, text) }
        }),
      ),

    requestText: (request) =>
      call(
        context,
        request,
        inMemory(async (answer) => ({
          ...head(answer),
          body: await readText(answer, request.limitBytes),
        })),
      ),

    stream: (request) =>
      call(
        context,
        // A streamed body may take as long as its reader needs; only stalls end it.
        { ...request, timeouts: { callMs: 2 ** 31 - 1, ...request.timeouts } },
        async (opened) => {
          const { answer, release } = opened
          const body = Readable.from(answer.read(request.limitBytes ?? STREAM_LIMIT_BYTES), {
            objectMode: false,
          })
          // `close` comes after the end, after a fault, and after a destroy by a reader that never
          // started.
          body.once('close', () => {
            answer.discard()
            release()
          })
          return { ...head(answer), body }
        },
      ),

    pause: (ms, signal) => wait(ms, anySignal(context.signal, signal)),
  })

  return {
    org(target) {
      let calls = 0
      const isWaitedFor = target.isWaitedFor ?? target.priority === 'interactive'
      const ms = options.interactiveDeadlineMs ?? INTERACTIVE_DEADLINE_MS
      const faces = caller({
        apiVersion: target.apiVersion,
        signal: target.signal,
        session: () => target.sessions.current(),
        renew: (dead) => target.sessions.renew(dead),
        budget: target.budget,
        priority: target.priority,
        placeKey: target.sfdcOrgId,
        deadline: isWaitedFor ? { ms, atMs: performance.now() + ms } : null,
        count: () => {
          calls += 1
        },
      })
      return Object.freeze({
        ...faces,
        sfdcOrgId: target.sfdcOrgId,
        get calls() {
          return calls
        },
      })
    },

    anonymous: (instanceUrl, signal) =>
      caller({
        apiVersion: '',
        signal,
        session: async () => ({ accessToken: null, instanceUrl }),
        renew: null,
        budget: null,
        priority: 'protected',
        placeKey: '',
        deadline: null,
        count: () => undefined,
      }),

    close: () => transport.close(),
  }
}

/**
 * The result of the work, or the abort reason; the work itself may continue for others. After an abort it
 * is not begun: nobody would see it fail, and a failure that nobody sees ends the process.
 */
const unless = async <T>(
  signal: AbortSignal | undefined,
  work: () => T | Promise<T>,
): Promise<T> => {
  if (signal === undefined) return work()
  signal.throwIfAborted()
  let leave = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
  })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

const anySignal = (
  a: AbortSignal | undefined,
  b: AbortSignal | undefined,
): AbortSignal | undefined =>
  a === undefined || b === undefined ? (a ?? b) : AbortSignal.any([a, b])

const head = ({ status, headers }: RawAnswer) => ({ status, headers })

/** A body that is read completely here: its place is free as soon as that is done. */
const inMemory =
  <T>(read: (answer: RawAnswer) => Promise<T>) =>
  async ({ answer, release }: Opened): Promise<T> => {
    try {
      return await read(answer)
    } finally {
      release()
    }
  }
