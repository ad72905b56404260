// API tokens: credentials of programs. A token is shown once; the database stores its SHA-256.

import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { type Role } from '../db/tables/tenancy.ts'
import { EngineError, notFound } from '../errors.ts'
import { actorOf, audit } from './audit.ts'
import { newApiToken, sha256 } from './auth/auth.ts'
import { isRuledOut, type Permission, permissionsOf, type TokenLimits } from './auth/permissions.ts'
import { type Caller, requirePower } from './caller.ts'
import { bindIdempotency } from './idempotency.ts'
import { pageOf, type Page, type PageRequest } from './page.ts'

export interface ApiToken {
  id: string
  name: string
  /** The token's first characters, to distinguish it from others. */
  prefix: string
  user_id: string
  /** Null: all permissions of its user's role. */
  scopes: string[] | null
  /** Null: all clients that its user sees. */
  client_ids: string[] | null
  approval: 'none' | 'required'
  is_active: boolean
  last_used_at: string | null
  expires_at: string | null
  created_at: string
}

interface Row {
  id: string
  name: string
  prefix: string
  user_id: string
  scopes: string[] | null
  client_ids: string[] | null
  approval: 'none' | 'required'
  is_active: boolean
  last_used_at: Date | null
  expires_at: Date | null
  created_at: Date
}

const COLUMNS = [
  'id',
  'name',
  'prefix',
  'user_id',
  'scopes',
  'client_ids',
  'approval',
  'is_active',
  'last_used_at',
  'expires_at',
  'created_at',
] as const

const toToken = (row: Row): ApiToken => ({
  ...row,
  last_used_at: row.last_used_at?.toISOString() ?? null,
  expires_at: row.expires_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
})

const PREFIX_LENGTH = 12

interface NewToken {
  name: string
  user_id?: string | undefined
  expires_at?: string | undefined
  scopes?: readonly Permission[] | undefined
  client_ids?: readonly string[] | undefined
  approval?: 'none' | 'required' | undefined
}

const refuse = (path: string, code: string, message: string): EngineError =>
  new EngineError('validation_failed', message, { errors: [{ path, code, message }] })

/** Limits that contradict themselves, or a time that has passed. */
const checkInput = ({ scopes, client_ids, approval, expires_at }: NewToken): void => {
  if (expires_at !== undefined && Date.parse(expires_at) <= Date.now()) {
    throw refuse(
      'expires_at',
      'in_the_past',
      'The token would be expired from the start. Use a time in the future.',
    )
  }
  if (approval === 'required' && expires_at === undefined) {
    throw refuse('expires_at', 'required', 'A token that needs approvals must expire.')
  }
  const limits = { client_ids: client_ids ?? null, approval: approval ?? ('none' as const) }
  const at = scopes?.findIndex((scope) => isRuledOut(scope, limits)) ?? -1
  if (at >= 0) {
    throw refuse(
      `scopes.${at}`,
      'not_allowed',
      `A token with client_ids or approval cannot have ${scopes?.[at]}: it is about the organization as a whole, its credentials, its fleet, or where events of all clients are sent.`,
    )
  }
}

/** Throws for a scope that the token's user does not have, and for power that the caller lacks. */
const checkPower = (caller: Caller, role: Role, limits: TokenLimits): void => {
  const all = permissionsOf(role, { scopes: null, client_ids: null, approval: 'none' })
  for (const [index, scope] of (limits.scopes ?? []).entries()) {
    if (all.some((permission) => permission === scope)) continue
    throw refuse(`scopes.${index}`, 'not_permitted', `The role ${role} does not have ${scope}.`)
  }
  requirePower(caller, permissionsOf(role, limits))
}

/** Throws `not_found` for a client that is not there; `invalid_client` for one that the user cannot see. */
const checkClients = async (
  tx: Tx,
  { orgId }: Tenant,
  user: { client_id: string | null },
  given: readonly string[],
): Promise<void> => {
  const clientIds = given.map((id) => id.toLowerCase())
  const found = await tx
    .selectFrom('clients')
    .select('id')
    .where('org_id', '=', orgId)
    .where('id', 'in', clientIds)
    .execute()
  const known = new Set(found.map(({ id }) => id))
  const missing = clientIds.findIndex((id) => !known.has(id))
  if (missing >= 0) throw notFound('client', `client_ids.${missing}`)
  const unseen = clientIds.findIndex((id) => user.client_id !== null && id !== user.client_id)
  if (unseen < 0) return
  const message = 'The user of the token belongs to a different client.'
  throw new EngineError('invalid_client', message, {
    errors: [{ path: `client_ids.${unseen}`, code: 'invalid_client', message }],
  })
}

export const createTokens = (db: Database) => ({
  /**
   * The only time that the token itself is returned. It acts with its user's current role, within its
   * limits. Throws `validation_failed` for limits that are none, `not_found` for user and clients, and
   * `forbidden` if it had more power than the caller.
   */
  create: async (caller: Caller, input: NewToken): Promise<ApiToken & { token: string }> => {
    checkInput(input)
    const limits = {
      scopes: input.scopes === undefined ? null : [...new Set(input.scopes)],
      client_ids:
        input.client_ids === undefined
          ? null
          : [...new Set(input.client_ids.map((id) => id.toLowerCase()))],
      approval: input.approval ?? ('none' as const),
    }
    const token = newApiToken()
    const user_id = input.user_id ?? caller.userId
    return db.as(caller.tenant).tx(async (tx) => {
      const user = await tx
        .selectFrom('users')
        .select(['id', 'client_id', 'role'])
        .where('org_id', '=', caller.tenant.orgId)
        .where('id', '=', user_id)
        .executeTakeFirst()
      if (user === undefined) throw notFound('user')
      checkPower(caller, user.role, limits)
      if (input.client_ids !== undefined) {
        await checkClients(tx, caller.tenant, user, input.client_ids)
      }
      const row = await tx
        .insertInto('api_tokens')
        .values({
          id: newId(),
          org_id: caller.tenant.orgId,
          user_id,
          created_by: caller.userId,
          name: input.name,
          prefix: token.slice(0, PREFIX_LENGTH),
          token_hash: sha256(token),
          expires_at: input.expires_at ?? null,
          ...limits,
        })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow()
      await bindIdempotency(tx, caller, row.id)
      await audit(tx, actorOf(caller), {
        action: 'token.create',
        clientId: user.client_id,
        targetType: 'api_token',
        targetId: row.id,
      })
      return { ...toToken(row), token }
    })
  },

  get: async (tenant: Tenant, tokenId: string): Promise<ApiToken> => {
    const row = await db
      .as(tenant)
      .read.selectFrom('api_tokens')
      .select(COLUMNS)
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', tokenId)
      .executeTakeFirst()
    if (row === undefined) throw notFound('token')
    return toToken(row)
  },

  list: (tenant: Tenant, page: PageRequest): Promise<Page<ApiToken>> =>
    pageOf(
      db
        .as(tenant)
        .read.selectFrom('api_tokens')
        .select(COLUMNS)
        .where('org_id', '=', tenant.orgId),
      'id',
      page,
      toToken,
    ),

  /**
   * It is invalid from the next request on, on every replica. Revoking a revoked token changes nothing.
   */
  revoke: (caller: Caller, tokenId: string): Promise<ApiToken> =>
    db.as(caller.tenant).tx(async (tx) => {
      const row = await tx
        .updateTable('api_tokens')
        .set({ is_active: sql<boolean>`false` })
        .where('org_id', '=', caller.tenant.orgId)
        .where('id', '=', tokenId)
        .returning(COLUMNS)
        .executeTakeFirst()
      if (row === undefined) throw notFound('token')
      await audit(tx, actorOf(caller), {
        action: 'token.revoke',
        targetType: 'api_token',
        targetId: row.id,
      })
      return toToken(row)
    }),
})

export type Tokens = ReturnType<typeof createTokens>
