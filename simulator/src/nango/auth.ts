// Who may call: environment API keys with scopes, Connect session tokens, and the rate limit.
import { type FastifyReply, type FastifyRequest } from 'fastify'
import { ERRORS } from './errors.ts'
import { type ConnectSession, type NangoStore } from './store.ts'

/** The scopes of Nango's API keys (April 2026) that the simulated routes require. */
export type Scope =
  | 'environment:*'
  | 'environment:integrations:read'
  | 'environment:connections:list'
  | 'environment:connections:read'
  | 'environment:connections:read_credentials'
  | 'environment:connections:create'
  | 'environment:connections:update'
  | 'environment:connections:delete'
  | 'environment:connect_sessions:write'
  | 'environment:proxy'
  | 'environment:webhook_signing_key:rotate'

export interface ApiKey {
  /** A UUIDv4, as every Nango key. */
  key: string
  scopes: Scope[]
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
const WINDOW_MS = 60_000
/** What Nango's free plan shows in its headers. */
const SHOWN_LIMIT = 200

interface Bucket {
  endsAtMs: number
  used: number
}

export class Gatekeeper {
  #keys = new Map<string, ApiKey>()
  readonly #store: NangoStore
  readonly #buckets = new Map<string, Bucket>()
  /** Requests per minute; `null` counts and shows the free plan's limit but never refuses. */
  rateLimitPerMinute: number | null

  constructor(keys: ApiKey[], rateLimitPerMinute: number | null, store: NangoStore) {
    this.keys = keys
    this.rateLimitPerMinute = rateLimitPerMinute
    this.#store = store
  }

  get keys(): readonly ApiKey[] {
    return [...this.#keys.values()]
  }

  /** From now on these are valid, and no others. */
  set keys(keys: readonly ApiKey[]) {
    const notUuid = keys.find(({ key }) => !UUID_V4.test(key))
    // The real server would answer 401 to each call with such a key.
    if (notUuid !== undefined) throw new Error('A Nango API key must be a UUID v4')
    this.#keys = new Map(keys.map((each) => [each.key, each]))
  }

  reset(): void {
    this.#buckets.clear()
  }

  /** The key of a request that has any of `scopes`; counts it against the account's limit. */
  apiKey(req: FastifyRequest, reply: FastifyReply, ...scopes: [Scope, ...Scope[]]): ApiKey {
    const secret = bearer(req)
    if (!UUID_V4.test(secret)) throw ERRORS.invalidSecretKeyFormat()
    const key = this.#keys.get(secret)
    if (key === undefined) throw ERRORS.unknownAccount()
    // All keys of an account share one bucket; its refusals come before scope checks.
    this.#countRequest(req, reply, 'account-secret')
    if (!scopes.some((scope) => hasScope(key, scope))) throw ERRORS.insufficientScope(scopes[0])
    return key
  }

  /** The session of a Connect token, from the header or (browser flow) given as `token`. */
  session(req: FastifyRequest, reply: FastifyReply, token = bearer(req)): ConnectSession {
    const session = this.#store.liveSession(token)
    if (session === undefined) throw ERRORS.unknownSessionToken()
    this.#countRequest(req, reply, 'connect-session')
    return session
  }

  #countRequest(req: FastifyRequest, reply: FastifyReply, name: string): void {
    const now = this.#store.now()
    let bucket = this.#buckets.get(name)
    if (bucket === undefined || bucket.endsAtMs <= now) {
      bucket = { endsAtMs: now + WINDOW_MS, used: 0 }
      this.#buckets.set(name, bucket)
    }
    bucket.used += 1
    const limit = this.rateLimitPerMinute ?? SHOWN_LIMIT
    const refused = this.rateLimitPerMinute !== null && bucket.used > limit
    rateLimitHeaders(reply, limit, Math.max(0, limit - bucket.used), bucket.endsAtMs)
    if (!refused) return
    reply.header('retry-after', Math.ceil((bucket.endsAtMs - now) / 1000))
    throw ERRORS.tooManyRequests(req.method, pathOf(req))
  }

  /** Headers of a 429 that a fault asked for. */
  refusalHeaders(reply: FastifyReply, retryAfterSeconds: number): void {
    const limit = this.rateLimitPerMinute ?? SHOWN_LIMIT
    rateLimitHeaders(reply, limit, 0, this.#store.now() + retryAfterSeconds * 1000)
    reply.header('retry-after', retryAfterSeconds)
  }
}

/** Whether the key has the scope itself or a wildcard above it (`environment:connections:*`). */
export function hasScope(key: ApiKey, scope: Scope): boolean {
  return key.scopes.some(
    (each) => each === scope || (each.endsWith('*') && scope.startsWith(each.slice(0, -1))),
  )
}

export function pathOf(req: FastifyRequest): string {
  return req.url.split('?', 1)[0] ?? req.url
}

function bearer(req: FastifyRequest): string {
  const header = req.headers.authorization
  if (header === undefined) throw ERRORS.missingAuthHeader()
  // Nango takes what follows "Bearer ", or the whole header when the word is missing.
  const secret = header.split('Bearer ').at(-1) ?? ''
  if (secret === '') throw ERRORS.malformedAuthHeader()
  return secret
}

function rateLimitHeaders(
  reply: FastifyReply,
  limit: number,
  remaining: number,
  resetAtMs: number,
): void {
  reply.headers({
    'x-ratelimit-limit': limit,
    'x-ratelimit-remaining': remaining,
    'x-ratelimit-reset': Math.ceil(resetAtMs / 1000),
  })
}
