// The session of the console in a browser: the same login session as everywhere, handed out as a cookie
// that no script can read. A browser adds it by itself, so it counts only where the console's own page
// asks, and only for JSON, which no form of a foreign page can send.

import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import * as z from 'zod'
import { type Auth } from '../domain/auth/auth.ts'
import { EngineError } from '../errors.ts'
import { checked } from './checked.ts'
import { email } from './routes/users.ts'

/**
 * `__Host-`: browsers take it only with Secure, without a domain and for the path `/`, so that no other
 * host, and no page over plain http, can set it.
 */
const COOKIE = '__Host-sfx'
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict'
const BODY_LIMIT_BYTES = 16 * 1024
const TOKEN = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,4096}$/
const JSON_TYPES = /^application\/(json|x-ndjson)\s*(;|$)/i
const BODILESS = ['GET', 'HEAD', 'DELETE']
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

const PATH = '/console/session'

const body = z.union([
  z.strictObject({ email, password: z.string().min(1).max(1000) }),
  z.strictObject({ session: z.string().min(1).max(4096) }),
])

/** The session that the console's own page brings in its cookie; null for requests of anybody else. */
export const consoleSessionOf = (request: FastifyRequest): string | null => {
  const found = cookieOf(request)
  return found !== null && isSameOrigin(request) && isJson(request) ? found : null
}

/**
 * POST signs in: with e-mail and password, or on this machine with a session that somebody has already,
 * for the link that the demo prints. DELETE ends the session.
 */
export const registerConsoleSession = (app: FastifyInstance, auth: Auth): void => {
  app.post(PATH, { bodyLimit: BODY_LIMIT_BYTES }, async (request, reply) => {
    requireOwnPage(request)
    const given = checked(body, request.body)
    const { session, expiresAt } =
      'session' in given
        ? await knownSession(auth, request, given.session)
        : await newSession(auth, request, given)
    const seconds = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000))
    setCookie(reply, session, seconds)
    return reply.send({ expires_at: expiresAt.toISOString() })
  })

  app.delete(PATH, async (request, reply) => {
    requireOwnPage(request)
    const session = cookieOf(request)
    const identity = session === null ? null : await sessionIdentity(auth, session)
    if (identity !== null) {
      await auth.logout({ ...identity, requestId: request.id, idempotency: null })
    }
    setCookie(reply, '', 0)
    return reply.send({ ok: true })
  })
}

const newSession = async (
  auth: Auth,
  request: FastifyRequest,
  login: { email: string; password: string },
) => {
  const issued = await auth.login({ ...login, address: request.ip, requestId: request.id })
  return { session: issued.access_token, expiresAt: new Date(issued.expires_at) }
}

/**
 * On this machine only: elsewhere a link could sign somebody in as its author, who would then see what
 * that person enters.
 */
const knownSession = async (auth: Auth, request: FastifyRequest, session: string) => {
  if (!LOOPBACK.test(request.hostname)) {
    throw new EngineError(
      'forbidden',
      'A link signs in on this machine only. Use e-mail and password.',
    )
  }
  const identity = await sessionIdentity(auth, session)
  if (identity?.expiresAt == null) {
    throw new EngineError('unauthenticated', 'The session of this link has ended.')
  }
  return { session, expiresAt: identity.expiresAt }
}

/** Whose session it is; null for anything else, an API token too. */
const sessionIdentity = async (auth: Auth, session: string) => {
  const identity = await auth.authenticate(session)
  return identity?.credential.type === 'session' ? identity : null
}

const setCookie = (reply: FastifyReply, value: string, seconds: number): void => {
  reply.header('set-cookie', `${COOKIE}=${value}; ${ATTRIBUTES}; Max-Age=${seconds}`)
  reply.header('cache-control', 'no-store')
}

const requireOwnPage = (request: FastifyRequest): void => {
  if (!isSameOrigin(request)) {
    throw new EngineError('forbidden', 'Only the page of the console on this server may call this.')
  }
  if (!isJson(request)) {
    throw new EngineError('unsupported_media_type', 'The body must be application/json.')
  }
}

const cookieOf = ({ headers }: FastifyRequest): string | null => {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const found = pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1)
  return found !== undefined && TOKEN.test(found) ? found : null
}

/**
 * Whether a page of this very server asks. Browsers say so in Sec-Fetch-Site, which no script can set; older
 * ones send Origin at least with what changes something.
 */
const isSameOrigin = ({ headers, host }: FastifyRequest): boolean => {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin } = headers
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
}

const isJson = ({ method, headers }: FastifyRequest): boolean =>
  BODILESS.includes(method) || JSON_TYPES.test(headers['content-type'] ?? '')
