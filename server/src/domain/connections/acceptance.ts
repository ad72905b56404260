// Which grant at Nango is the one that somebody authorized for a client: by its id, by the tags of the
// open attempt, or by a hint of Nango's. All ways end in the same acceptance.

import { sql } from 'kysely'
import { type Database, type Reader, type Tenant, tenantOf } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { EngineError, type ErrorCode, notFound } from '../../errors.ts'
import { type NangoConnection } from '../../nango/connection.ts'
import { NangoError } from '../../nango/failure.ts'
import { type Nango } from '../../nango/nango.ts'
import { type Actor } from '../audit.ts'
import { endedAttempt, RefusedGrant, type Attempts } from './attempts.ts'
import { tagsName, type Retirement } from './retire.ts'
import {
  connectionById,
  notAuthorized,
  notReady,
  type AttemptRow,
  type ConnectionRow,
} from './rows.ts'
import { type TokenManager } from './token-manager.ts'
import { mayReread, type Hint } from './webhook.ts'

interface Options {
  db: Database
  nango: Nango
  attempts: Attempts
  retirement: Retirement
  tokens: TokenManager
}

export const createAcceptance = ({ db, nango, attempts, retirement, tokens }: Options) => {
  /** What Nango holds under this id, if its tags name this client and an attempt of ours. */
  const acceptById = async (
    tenant: Tenant,
    actor: Actor,
    clientId: string,
    id: string,
    known: readonly AttemptRow[],
  ): Promise<ConnectionRow> => {
    const answer = await readAtNango(
      id,
      unique(known.map((attempt) => attempt.provider_config_key)),
    ).catch((error: unknown) => {
      // A refused grant was ended: whoever names it needs to know the refusal, not that it is gone.
      const refused = known.find(({ refusal }) => refusal?.nango_connection_id === id)
      throw refused === undefined ? error : (refusalOf(refused) ?? error)
    })
    const attempt = known.find(({ id: attemptId }) => attemptId === answer.tags.attempt_id)
    if (!tagsName(answer.tags, tenant, clientId) || attempt === undefined)
      throw notFound('connection')
    return settle(tenant, actor, attempt, answer)
  }

  /** The newest grant of the open attempt; without one, what was already accepted. */
  const acceptByTags = async (
    tenant: Tenant,
    actor: Actor,
    clientId: string,
    live: ConnectionRow | null,
    known: readonly AttemptRow[],
  ): Promise<ConnectionRow> => {
    const attempt = known.find(({ status }) => status === 'open')
    if (attempt === undefined) {
      // Accepted already, by an earlier call or by a webhook.
      if (live !== null && live.status !== 'pending') return live
      throw notReady(live ?? undefined)
    }
    const tags = { organization_id: tenant.orgId, client_id: clientId, attempt_id: attempt.id }
    const listed = await nango.listConnections({
      providerConfigKey: attempt.provider_config_key,
      tags,
    })
    // Newest first: Salesforce certainly still accepts its refresh token.
    const [newest, ...others] = listed
      .filter((found) => Object.entries(tags).every(([name, value]) => found.tags[name] === value))
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    if (newest === undefined) {
      throw refusalOf(attempt) ?? (attempt.has_expired ? endedAttempt() : notAuthorized())
    }
    const answer = await nango.getConnection({
      id: newest.id,
      providerConfigKey: attempt.provider_config_key,
    })
    if (!tagsName(answer.tags, tenant, clientId) || answer.tags.attempt_id !== attempt.id) {
      throw notFound('connection')
    }
    const accepted = await settle(tenant, actor, attempt, answer)
    // The same session used more than once: each completed flow made a connection of its own.
    for (const other of others) {
      await retirement.retire(tenant, clientId, {
        nangoConnectionId: other.id,
        providerConfigKey: other.providerConfigKey,
        instanceUrl: null,
        sfdcOrgId: null,
      })
    }
    return accepted
  }

  const readAtNango = async (id: string, keys: string[]): Promise<NangoConnection> => {
    for (const providerConfigKey of keys) {
      try {
        return await nango.getConnection({ id, providerConfigKey })
      } catch (error) {
        if (!(error instanceof NangoError) || error.kind !== 'gone') throw error
      }
    }
    throw notFound('connection')
  }

  /** Accepts the grant, then ends the one it replaced; a refused grant of ours is itself ended. */
  const settle = async (
    tenant: Tenant,
    actor: Actor,
    attempt: AttemptRow,
    answer: NangoConnection,
  ): Promise<ConnectionRow> => {
    const { client_id: clientId } = attempt
    try {
      if (attempt.status === 'superseded' || attempt.status === 'abandoned') {
        throw new RefusedGrant(endedAttempt(), {
          nangoConnectionId: answer.id.toLowerCase(),
          providerConfigKey: answer.providerConfigKey,
          instanceUrl: null,
          sfdcOrgId: null,
        })
      }
      const row = await attempts.accept(tenant, actor, attempt, answer)
      tokens.forget(row.id)
      await retirement.retireLeftovers(tenant, clientId)
      await retirement.retireStrays(tenant, clientId)
      return row
    } catch (error) {
      if (error instanceof RefusedGrant) {
        await noteRefused(tenant, attempt, error)
        await retirement.retire(tenant, clientId, error.grant)
      }
      throw error
    }
  }

  /**
   * The grant is about to be ended, and only a webhook may have seen the reason: the attempt keeps it
   * for whoever asks next. Its link still works, for the right Salesforce org.
   */
  const noteRefused = async (
    tenant: Tenant,
    { id }: AttemptRow,
    { code, message, grant: { nangoConnectionId } }: RefusedGrant,
  ): Promise<void> => {
    await db.as(tenant).tx((tx) =>
      tx
        .updateTable('connection_attempts')
        .set({ refusal: json({ code, message, nango_connection_id: nangoConnectionId }) })
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', id)
        .where('status', '=', 'open')
        .execute(),
    )
  }

  /** Reads the connection at Nango again because of a hint, if the hint concerns one of ours. */
  const follow = async (hint: Hint): Promise<void> => {
    const [live] = await db.lookup<{ org_id: string; client_id: string; connection_id: string }>(
      'connection_by_nango_id',
      hint.connectionId,
    )
    if (live !== undefined) {
      if (!(await mayReread(db, hint.connectionId))) return
      const tenant = tenantOf(live)
      const row = await connectionById(db.as(tenant).read, tenant, live.connection_id)
      if (row !== undefined && row.status !== 'revoked') await tokens.reread(tenant, row)
      return
    }
    if (hint.attemptId === null) return
    const [attempt] = await db.lookup<{ org_id: string; client_id: string }>(
      'connection_attempt',
      hint.attemptId,
    )
    if (attempt === undefined || !(await mayReread(db, hint.connectionId))) return
    const tenant = tenantOf(attempt)
    const clientId = attempt.client_id
    const known = await recentAttempts(db.as(tenant).read, tenant, clientId)
    const actor: Actor = {
      orgId: tenant.orgId,
      userId: null,
      credentialType: 'system',
      credentialId: null,
      requestId: null,
    }
    await acceptById(tenant, actor, clientId, hint.connectionId, known)
  }

  return { acceptById, acceptByTags, follow }
}

/** The refusal that an attempt stored, as the original error. */
const refusalOf = ({ refusal }: AttemptRow): EngineError | null =>
  refusal === null ? null : new EngineError(refusal.code as ErrorCode, refusal.message)

/** Attempts that a grant may still turn up for, the open one first and then the newest. */
export const recentAttempts = (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
): Promise<AttemptRow[]> =>
  reader
    .selectFrom('connection_attempts')
    .selectAll()
    .select(sql<boolean>`expires_at <= now()`.as('has_expired'))
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .orderBy(sql<boolean>`status = 'open'`, 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(100)
    .execute()

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
