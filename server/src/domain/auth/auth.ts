// Credentials: what a Bearer token allows right now. Nothing is cached: a revoked token, an ended
// session, a deactivated user, client or org is dead with the next request, on every replica.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { sql } from 'kysely'
import { type Database, type Tenant, wholeOrg } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { type Role } from '../../db/tables/tenancy.ts'
import { EngineError } from '../../errors.ts'
import { type Secrets } from '../../secret.ts'
import { actorOf, audit, type Actor } from '../audit.ts'
import { type Caller, type Credential } from '../caller.ts'
import { createLoginThrottle } from './login-throttle.ts'
import { type Passwords } from './passwords.ts'
import { isRole, permissionsOf, ROLE_PERMISSIONS, type TokenLimits } from './permissions.ts'

export const API_TOKEN_PREFIX = 'sfx_'

export interface IssuedSession {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  expires_at: string
}

/** Who a credential stands for, without what belongs to one request. */
export type Identity = Omit<Caller, 'requestId' | 'idempotency'>

export interface Auth {
  /** The identity behind a Bearer token, or null: unknown, expired, revoked, inactive, forged. */
  authenticate(token: string): Promise<Identity | null>
  /**
   * Compares digests in constant time: the time shows neither the content nor the length of the secret.
   */
  isSuperAdmin(token: string): boolean
  /** Throws `unauthenticated` for a wrong e-mail and a wrong password alike, in the same time. */
  login(input: {
    email: string
    password: string
    address: string
    requestId: string
  }): Promise<IssuedSession>
  /** Ends this session; an API token is left alone (it is ended by /api/tokens/revoke). */
  logout(caller: Caller): Promise<void>
  /** Sets a new password and ends the user's other sessions. */
  changePassword(caller: Caller, current: string, next: string): Promise<void>
}

interface Options {
  db: Database
  passwords: Passwords
  jwtSecrets: Secrets
  superAdminSecrets: Secrets
  jwtTtlSeconds: number
  /** Called when a last use or a failed login could not be recorded; the request itself continues. */
  onBackgroundError: (error: unknown) => void
}

interface CredentialRow {
  org_id: string
  user_id: string
  role: string
  client_id: string | null
  email: string
}

export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A fresh API token: `sfx_` and 256 random bits. */
export const newApiToken = (): string => API_TOKEN_PREFIX + randomBytes(32).toString('base64url')

interface UserRow {
  org_id: string
  user_id: string
  role: Role
  client_id: string | null
  password_hash: string
  may_log_in: boolean
}

const wrongLogin = () => new EngineError('unauthenticated', 'E-mail or password is wrong.')

const wrongPassword = () =>
  new EngineError('validation_failed', 'The current password is wrong.', {
    errors: [
      {
        path: 'current_password',
        code: 'wrong_password',
        message: 'This is not your current password.',
      },
    ],
  })

export const createAuth = (options: Options): Auth => {
  const { db, passwords } = options
  const throttle = createLoginThrottle(db, options.jwtSecrets[0])
  const [key, ...formerKeys] = inBytes(options.jwtSecrets)
  const superAdminDigests = options.superAdminSecrets.map((secret) => sha256(secret.reveal()))

  const identity = (
    row: CredentialRow,
    credential: Credential,
    expiresAt: Date | null,
  ): Identity | null =>
    isRole(row.role)
      ? {
          tenant: { orgId: row.org_id, clientId: row.client_id },
          userId: row.user_id,
          email: row.email,
          role: row.role,
          permissions: ROLE_PERMISSIONS[row.role],
          credential,
          expiresAt,
        }
      : null

  const byApiToken = async (token: string): Promise<Identity | null> => {
    const [row] = await db.lookup<
      CredentialRow & TokenLimits & { token_id: string; stale: boolean; expires_at: Date | null }
    >('token', sha256(token))
    if (row === undefined) return null
    const whole = identity(row, { type: 'api_token', id: row.token_id }, row.expires_at)
    const found = whole === null ? null : limited(whole, row)
    if (found !== null && row.stale) {
      touchToken(db, wholeOrg(row.org_id), row.token_id).catch(options.onBackgroundError)
    }
    return found
  }

  const bySession = async (token: string): Promise<Identity | null> => {
    const claims = await verifiedClaims(token, [key, ...formerKeys])
    if (claims === null) return null
    const [row] = await db.lookup<CredentialRow & { session_id: string }>('session', claims.jti)
    // A token whose claims no longer match the user's row was issued for an earlier state of the user.
    if (
      row === undefined ||
      row.org_id !== claims.org_id ||
      row.user_id !== claims.user_id ||
      row.role !== claims.role ||
      row.client_id !== claims.client_id
    ) {
      return null
    }
    return identity(row, { type: 'session', id: row.session_id }, new Date(claims.exp * 1000))
  }

  return {
    authenticate: (token) =>
      token.startsWith(API_TOKEN_PREFIX) ? byApiToken(token) : bySession(token),

    isSuperAdmin: (token) => {
      const digest = sha256(token)
      // All of them, whatever the first says: the time must not show which one matched.
      return superAdminDigests.filter((known) => timingSafeEqual(digest, known)).length > 0
    },

    login: async ({ email, password, address, requestId }) => {
      const actor = (user: UserRow): Actor => ({
        orgId: user.org_id,
        userId: user.user_id,
        credentialType: 'password',
        credentialId: null,
        requestId,
      })
      const user = await throttle.attempt(email, address, async (isKnown) => {
        const [found] = await db.lookup<UserRow>('user_by_email', email)
        const right = await passwords.matches(
          password,
          found?.password_hash ?? null,
          isKnown ? 'known' : 'strangers',
        )
        if (right && found?.may_log_in === true) return found
        if (found !== undefined) {
          // Not awaited: the time of the answer must not show that such a user exists.
          db.as(wholeOrg(found.org_id))
            .tx((tx) =>
              audit(tx, actor(found), {
                action: 'auth.login',
                clientId: found.client_id,
                outcome: 'unauthenticated',
              }),
            )
            .catch(options.onBackgroundError)
        }
        return null
      })
      if (user === null) throw wrongLogin()

      const jti = newId()
      const issuedAt = Math.floor(Date.now() / 1000)
      const expiresAt = issuedAt + options.jwtTtlSeconds
      await db.as(wholeOrg(user.org_id)).tx(async (tx) => {
        // Replaced or deactivated while it was compared: such a login must not outlive that.
        const unchanged = await tx
          .selectFrom('users')
          .select('id')
          .where('org_id', '=', user.org_id)
          .where('id', '=', user.user_id)
          .where('password_hash', '=', user.password_hash)
          .where('is_active', '=', true)
          .forShare()
          .executeTakeFirst()
        if (unchanged === undefined) throw wrongLogin()
        await tx
          .insertInto('login_sessions')
          .values({
            id: jti,
            org_id: user.org_id,
            client_id: user.client_id,
            user_id: user.user_id,
            expires_at: new Date(expiresAt * 1000),
          })
          .execute()
        await audit(tx, actor(user), {
          action: 'auth.login',
          clientId: user.client_id,
          targetType: 'session',
          targetId: jti,
        })
      })
      const access_token = await new SignJWT({
        org_id: user.org_id,
        user_id: user.user_id,
        role: user.role,
        client_id: user.client_id,
      })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setJti(jti)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key)
      return {
        access_token,
        token_type: 'Bearer',
        expires_in: options.jwtTtlSeconds,
        expires_at: new Date(expiresAt * 1000).toISOString(),
      }
    },

    logout: async (caller) => {
      if (caller.credential.type !== 'session') return
      await db.as(caller.tenant).tx(async (tx) => {
        await tx
          .updateTable('login_sessions')
          .set({ ended_at: sql<Date>`now()` })
          .where('org_id', '=', caller.tenant.orgId)
          .where('id', '=', caller.credential.id)
          .execute()
        await audit(tx, actorOf(caller), {
          action: 'auth.logout',
          clientId: caller.tenant.clientId,
          targetType: 'session',
          targetId: caller.credential.id,
        })
      })
    },

    changePassword: async (caller, current, next) => {
      const address = `change-password:${caller.userId}`
      const user = await throttle.attempt(caller.email, address, async () => {
        const [found] = await db.lookup<UserRow>('user_by_email', caller.email)
        const right = await passwords.matches(current, found?.password_hash ?? null, 'known')
        return right && found !== undefined ? found : null
      })
      const password_hash = user === null ? null : await passwords.hash(next)
      const changed = await db.as(caller.tenant).tx(async (tx) => {
        const row =
          user === null || password_hash === null
            ? undefined
            : await tx
                .updateTable('users')
                .set({ password_hash, updated_at: sql<Date>`now()` })
                .where('org_id', '=', caller.tenant.orgId)
                .where('id', '=', caller.userId)
                // A reset by an admin in the meantime wins: whoever knew the old password is locked out.
                .where('password_hash', '=', user.password_hash)
                .returning('id')
                .executeTakeFirst()
        const entry = {
          action: 'auth.change_password',
          clientId: caller.tenant.clientId,
          targetType: 'user',
          targetId: caller.userId,
        } as const
        if (row === undefined) {
          await audit(tx, actorOf(caller), { ...entry, outcome: 'validation_failed' })
          return false
        }
        await tx
          .updateTable('login_sessions')
          .set({ ended_at: sql<Date>`now()` })
          .where('org_id', '=', caller.tenant.orgId)
          .where('user_id', '=', caller.userId)
          .where('ended_at', 'is', null)
          .where('id', '<>', caller.credential.id)
          .execute()
        await audit(tx, actorOf(caller), entry)
        return true
      })
      if (!changed) throw wrongPassword()
    },
  }
}

/** What is left of an identity within the limits of its token. */
const limited = (identity: Identity, limits: TokenLimits): Identity => {
  const { client_ids: clientIds, approval } = limits
  const [only] = clientIds ?? []
  return {
    ...identity,
    // One client is the scope of a company user. Both apply where a user of one client has such a token.
    tenant:
      clientIds?.length === 1 && only !== undefined && identity.tenant.clientId === null
        ? { ...identity.tenant, clientId: only }
        : { ...identity.tenant, ...(clientIds === null ? {} : { clientIds }) },
    permissions: permissionsOf(identity.role, limits),
    mustAsk: approval === 'required',
  }
}

const touchToken = (db: Database, tenant: Tenant, tokenId: string): Promise<void> =>
  db.as(tenant).tx(async (tx) => {
    await tx
      .updateTable('api_tokens')
      .set({ last_used_at: sql<Date>`now()` })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', tokenId)
      .execute()
  })

interface Claims {
  jti: string
  org_id: string
  user_id: string
  role: string
  client_id: string | null
  /** Seconds since 1970. */
  exp: number
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const inBytes = ([current, ...former]: Secrets): [Uint8Array, ...Uint8Array[]] => {
  const encoder = new TextEncoder()
  return [
    encoder.encode(current.reveal()),
    ...former.map((secret) => encoder.encode(secret.reveal())),
  ]
}

/** The claims of a token signed with one of our keys that has not expired; null for any other. */
const verifiedClaims = async (
  token: string,
  keys: readonly Uint8Array[],
): Promise<Claims | null> => {
  for (const key of keys) {
    const claims = await claimsBy(token, key)
    if (claims !== null) return claims
  }
  return null
}

/** The claims of a token that this key signed with HS256. */
const claimsBy = async (token: string, key: Uint8Array): Promise<Claims | null> => {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      requiredClaims: ['exp', 'jti', 'org_id', 'user_id', 'role'],
    })
    const { jti, org_id, user_id, role, client_id = null, exp } = payload
    const isText = (value: unknown): value is string => typeof value === 'string'
    return isText(jti) &&
      UUID.test(jti) &&
      isText(org_id) &&
      isText(user_id) &&
      isText(role) &&
      exp !== undefined &&
      (client_id === null || isText(client_id))
      ? { jti, org_id, user_id, role, client_id, exp }
      : null
  } catch {
    return null
  }
}
