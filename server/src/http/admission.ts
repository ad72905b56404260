// Who calls, and what they may call.

import { type FastifyRequest } from 'fastify'
import { type Auth, type Identity } from '../domain/auth/auth.ts'
import { type IdempotencyClaim } from '../domain/caller.ts'
import { EngineError } from '../errors.ts'
import { consoleSessionOf } from './console-session.ts'
import { type RefusedCredentials } from './refused-credentials.ts'
import { type Route } from './route.ts'

/** What is known about a request once its credential was checked. */
export interface Admitted {
  identity: Identity | null
  claim: IdempotencyClaim | null
}

/** With RATE_LIMIT_PER_MINUTE=0. */
export const UNLIMITED: RefusedCredentials = { admit: (_token, _address, look) => look() }

/** Throws `unauthenticated` and, after many wrong credentials from one address, `rate_limited`. */
export const admit = async (
  route: Route,
  auth: Auth,
  refused: RefusedCredentials,
  request: FastifyRequest,
): Promise<Admitted> => {
  const admittedAs = (identity: Identity | null): Admitted => ({ identity, claim: null })
  if (route.access === 'public') return admittedAs(null)
  const given = credentialOf(request)
  if (given !== null) {
    const { token, isCookie } = given
    const found = await refused.admit(token, request.ip, async () => {
      if (route.access === 'super_admin') {
        return !isCookie && auth.isSuperAdmin(token) ? admittedAs(null) : null
      }
      const identity = await auth.authenticate(token)
      if (identity === null || (isCookie && identity.credential.type !== 'session')) return null
      return admittedAs(identity)
    })
    if (found !== null) return found
  }
  throw new EngineError('unauthenticated', 'Send a valid credential as Authorization: Bearer.')
}

const BEARER = /^Bearer +([\x21-\x7e]{1,4096})$/i

const bearerOf = (request: FastifyRequest): string | null =>
  BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null

/** The token of the header, and only where there is no such header, the session of the console's page. */
const credentialOf = (request: FastifyRequest): { token: string; isCookie: boolean } | null => {
  const isCookie = request.headers.authorization === undefined
  const token = isCookie ? consoleSessionOf(request) : bearerOf(request)
  return token === null ? null : { token, isCookie }
}

/** Throws `forbidden`. */
export const authorize = (route: Route, identity: Identity | null): void => {
  if (route.access === 'public' || route.access === 'super_admin' || route.access === 'any') return
  if (identity?.permissions.includes(route.access) !== true) {
    throw new EngineError('forbidden', `This needs the permission ${route.access}.`)
  }
}
