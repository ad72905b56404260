// The Idempotency-Key header around a handler: claim, run, store the answer, or replay.

import { type FastifyRequest } from 'fastify'
import { type Database } from '../db/database.ts'
import { type Caller, type IdempotencyClaim } from '../domain/caller.ts'
import {
  idempotencyOf,
  keyReused,
  superAdminIdempotency,
  type ClaimOutcome,
} from '../domain/idempotency.ts'
import { EngineError, type ErrorCode } from '../errors.ts'
import { type Secrets } from '../secret.ts'
import { problemOf, toEngineError } from './problems.ts'
import { type Reply, type Route } from './route.ts'

/** The call is repeated, with the same key, once a person has agreed. */
const ASKS: readonly ErrorCode[] = ['approval_required', 'approval_unusable']

const KEY = /^[\x20-\x7e]{1,255}$/

export interface IdempotencyStep {
  run(
    route: Route,
    request: FastifyRequest,
    body: unknown,
    callerWith: (claim: IdempotencyClaim | null) => unknown,
    handle: (caller: unknown) => Promise<Reply>,
    /** For a request of more than `body`: whether it has the same content as the first call. */
    matches?: (caller: unknown, resourceId: string) => Promise<boolean>,
  ): Promise<Reply>
}

export const createIdempotencyStep = (options: {
  db: Database
  secrets: Secrets
}): IdempotencyStep => ({
  run: async (route, request, body, callerWith, handle, matches) => {
    const key = request.headers['idempotency-key']
    if (key === undefined || route.idempotency === undefined) return handle(callerWith(null))
    // Node joins several into one; calls from within the process have no `headersDistinct`.
    const sent = request.raw.rawHeaders.filter(
      (name, at) => at % 2 === 0 && name.toLowerCase() === 'idempotency-key',
    ).length
    if (typeof key !== 'string' || sent !== 1 || !KEY.test(key)) {
      throw new EngineError('validation_failed', 'The header Idempotency-Key is not valid.', {
        errors: [
          {
            path: 'Idempotency-Key',
            code: 'invalid_header',
            message: 'Send 1 to 255 printable ASCII characters, once.',
          },
        ],
      })
    }
    const bare = callerWith(null)
    const keys =
      route.access === 'super_admin'
        ? superAdminIdempotency(options.db, options.secrets)
        : idempotencyOf(options.db, bare as Caller, options.secrets)
    const outcome = await keys.claim({ method: route.method, path: route.path, key, body })
    if (outcome.kind === 'replay') {
      const { resourceId } = outcome
      if (resourceId !== null && matches !== undefined && !(await matches(bare, resourceId))) {
        throw keyReused()
      }
      return replayed(route, bare, body, outcome)
    }
    // What was done is done: an answer that cannot be stored is still returned.
    const settle = (settling: Promise<void>) =>
      settling.catch((failure: unknown) =>
        request.log.warn({ err: failure }, 'idempotency key not settled'),
      )
    let reply: Reply
    try {
      reply = await handle(callerWith(outcome.claim))
    } catch (thrown) {
      const error = toEngineError(thrown)
      const answer = { status: error.status, body: problemOf(error, request.id) }
      // What came with a refused upload is not kept, so it could not be known whether a repetition
      // (usually of one that was cut) sends the same.
      const isFree = matches !== undefined || ASKS.includes(error.code)
      await settle(isFree ? keys.free(outcome.claim) : keys.settle(outcome.claim, answer))
      throw thrown
    }
    const kept = withoutSecrets(reply.body, route.idempotency.secrets ?? [])
    await settle(keys.settle(outcome.claim, { status: reply.status, body: kept }))
    return reply
  },
})

type Replay = Extract<ClaimOutcome, { kind: 'replay' }>

const REPLAYED = { 'idempotency-replayed': 'true' }

const replayed = async (
  route: Route,
  caller: unknown,
  body: unknown,
  { answer, resourceId }: Replay,
): Promise<Reply> => {
  const replay = route.idempotency?.replay
  const isLong = Object.hasOwn(route.replies, 202)
  // For a long operation the current state is returned, for any other the first answer; and if there was
  // none (the process died, or is just about to answer), what the first call created.
  const tellsPresent = answer === null || (isLong && answer.status < 400)
  if (tellsPresent && resourceId !== null && replay !== undefined) {
    const reply = await replay(caller, resourceId, body)
    return { ...reply, headers: { ...reply.headers, ...REPLAYED } }
  }
  if (answer === null) throw new Error(`${route.path} binds its keys and has no replay`)
  return {
    status: answer.status,
    body: answer.body,
    headers: { ...REPLAYED, ...retryAfterOf(answer.body) },
  }
}

/** A stored problem says again when to repeat the call. */
const retryAfterOf = (body: unknown): Record<string, string> => {
  const { retry_after: seconds } = (body ?? {}) as { retry_after?: unknown }
  return typeof seconds === 'number' ? { 'retry-after': String(seconds) } : {}
}

const withoutSecrets = (body: unknown, secrets: string[]): unknown =>
  secrets.length === 0 || typeof body !== 'object' || body === null
    ? body
    : Object.fromEntries(
        Object.entries(body).map(([name, value]) => [name, secrets.includes(name) ? null : value]),
      )
