// API tokens: credentials of programs. A token is shown once; the database stores its SHA-256.

import { sql } from 'kysely'
import { type Database, type Tenant } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { EngineError, notFound } from '../errors.ts'
import { actorOf, audit } from './audit.ts'
import { newApiToken, sha256 } from './auth/auth.ts'
import { type Caller } from './caller.ts'
import { bindIdempotency } from './idempotency.ts'
import { pageOf, type Page, type PageRequest } from './page.ts'

export interface ApiToken {
  id: string
  name: string
  /** The token's first characters, to distinguish it from others. */
  prefix: string
  user_id: string
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

export const createTokens = (db: Database) => ({
  /** The only time that the token itself is returned. It acts with its user's current role. */
  create: async (
    caller: Caller,
    input: { name: string; user_id?: string | undefined; expires_at?: string | undefined },
  ): Promise<ApiToken & { token: string }> => {
    if (input.expires_at !== undefined && Date.parse(input.expires_at) <= Date.now()) {
      throw new EngineError('validation_failed', 'The token would be expired from the start.', {
        errors: [{ path: 'expires_at', code: 'in_the_past', message: 'Use a time in the future.' }],
      })
    }
    const token = newApiToken()
    const user_id = input.user_id ?? caller.userId
    return db.as(caller.tenant).tx(async (tx) => {
      const user = await tx
        .selectFrom('users')
        .select(['id', 'client_id'])
        .where('org_id', '=', caller.tenant.orgId)
        .where('id', '=', user_id)
        .executeTakeFirst()
      if (user === undefined) throw notFound('user')
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
