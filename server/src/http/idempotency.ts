// The Idempotency-Key header around a handler: claim, run, keep the answer, or replay.

import { type FastifyRequest } from 'fastify'
import { type Database } from '../db/database.ts'
import { type Caller, type IdempotencyClaim } from '../domain/caller.ts'
import { idempotencyOf, superAdminIdempotency, type StoredAnswer } from '../domain/idempotency.ts'
import { EngineError } from '../errors.ts'
import { type Secret } from '../secret.ts'
import { problemOf, toEngineError } from './problems.ts'
import { type Reply, type Route } from './route.ts'

const KEY = /^[\x20-\x7e]{1,255}$/

export interface IdempotencyStep {
  run(
    route: Route,
    request: FastifyRequest,
    body: unknown,
    callerWith: (claim: IdempotencyClaim | null) => unknown,
    handle: (caller: unknown) => Promise<Reply>,
  ): Promise<Reply>
}

export const createIdempotencyStep = (options: {
  db: Database
  secret: Secret
}): IdempotencyStep => ({
  run: async (route, request, body, callerWith, handle) => {
    const key = request.headers['idempotency-key']
    if (key === undefined || route.idempotency === undefined) return handle(callerWith(null))
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw new EngineError('validation_failed', 'The header Idempotency-Key is not usable.', {
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
        ? superAdminIdempotency(options.db, options.secret)
        : idempotencyOf(options.db, bare as Caller, options.secret)
    const outcome = await keys.claim({ method: route.method, path: route.path, key, body })
    if (outcome.kind === 'replay') {
      return replayed(route, bare, outcome.answer, outcome.resourceId)
    }
    try {
      const reply = await handle(callerWith(outcome.claim))
      await keys.settle(outcome.claim, {
        status: reply.status,
        body: withoutSecrets(reply.body, route.idempotency.secrets ?? []),
      })
      return reply
    } catch (thrown) {
      const error = toEngineError(thrown)
      await keys
        .settle(outcome.claim, { status: error.status, body: problemOf(error, request.id) })
        .catch((failure: unknown) =>
          request.log.warn({ err: failure }, 'idempotency key not settled'),
        )
      throw thrown
    }
  },
})

const REPLAYED = { 'idempotency-replayed': 'true' }

const replayed = async (
  route: Route,
  caller: unknown,
  answer: StoredAnswer | null,
  resourceId: string | null,
): Promise<Reply> => {
  const replay = route.idempotency?.replay
  if (resourceId !== null && replay !== undefined && (answer === null || answer.status < 400)) {
    const reply = await replay(caller, resourceId)
    return { ...reply, headers: { ...reply.headers, ...REPLAYED } }
  }
  if (answer === null) {
    // Created, and then the process died before it could answer; the route has no present state.
    throw new EngineError('internal', 'The first call with this key ended without an answer.')
  }
  return { status: answer.status, body: answer.body, headers: REPLAYED }
}

const withoutSecrets = (body: unknown, secrets: string[]): unknown =>
  secrets.length === 0 || typeof body !== 'object' || body === null
    ? body
    : Object.fromEntries(
        Object.entries(body).map(([name, value]) => [name, secrets.includes(name) ? null : value]),
      )
