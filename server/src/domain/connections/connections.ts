// Connections of clients to their Salesforce orgs: who may use which grant, its state, and the one door
// (`open`) through which everything else in the engine reaches Salesforce.

import { sql } from 'kysely'
import { type Logger } from 'pino'
import { isConfined, type Database, type Tenant, type Tx } from '../../db/database.ts'
import { type ConnectionStatus, type Environment } from '../../db/tables/connections.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Nango } from '../../nango/nango.ts'
import { type Salesforce } from '../../salesforce/gateway.ts'
import { type HostPolicy } from '../../salesforce/hosts.ts'
import { type Secret } from '../../secret.ts'
import { type Approvals, useApproval } from '../approvals/approvals.ts'
import { actorOf, audit, type Actor, type AuditAction } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from '../page.ts'
import { createAcceptance, recentAttempts } from './acceptance.ts'
import { createApiBudgets } from './api-budget.ts'
import { createAttempts, inactiveClient, type NewAttempt } from './attempts.ts'
import { createDoor } from './door.ts'
import { type Health } from './health.ts'
import { createRetirement, type FailedStep } from './retire.ts'
import {
  connectionById,
  lockClient,
  connectionOfClient,
  notReady,
  toConnection,
  type Connection,
  type ConnectionRow,
} from './rows.ts'
import { createTokenManager } from './token-manager.ts'
import { isSigned, readHint } from './webhook.ts'

export { type OpenConnection } from './door.ts'
export { type Connection, type ConnectionRow } from './rows.ts'
export { type Health, type HealthFault } from './health.ts'
export { type FailedStep } from './retire.ts'

export interface CreatedConnection {
  connection: Connection
  /** Null on a replay: it is handed out once. */
  session_token: string | null
  connect_link: string | null
  expires_at: string
}

interface Options {
  db: Database
  approvals: Pick<Approvals, 'require'>
  nango: Nango
  salesforce: Salesforce
  hosts: HostPolicy
  logger: Logger
  /** Nango's integration for each environment. */
  providerConfigKey: Readonly<Record<Environment, string>>
  /** Like `v66.0`. */
  apiVersion: string
  /** Share of a Salesforce org's daily API calls that is reserved for others. */
  apiReservePercent: number
  /** Empty: the webhook does not exist. */
  webhookSigningKeys: readonly Secret[]
  /** Durations that tests shorten. */
  tokenCacheMs?: number
  joinedPauseMs?: number
  /** Multiplies how long a used-up API budget is trusted to be so; 1 except in tests. */
  waitScale?: number
}

export type Connections = ReturnType<typeof createConnections>

export const createConnections = (options: Options) => {
  const { db, nango, salesforce, hosts, logger } = options
  const tokens = createTokenManager({
    db,
    nango,
    hosts,
    ...(options.tokenCacheMs === undefined ? {} : { cacheMs: options.tokenCacheMs }),
    ...(options.joinedPauseMs === undefined ? {} : { joinedPauseMs: options.joinedPauseMs }),
  })
  const budgets = createApiBudgets({
    db,
    reservePercent: options.apiReservePercent,
    logger,
    waitScale: options.waitScale ?? 1,
  })
  const retirement = createRetirement({ db, nango, salesforce, hosts, logger })
  const attempts = createAttempts({
    db,
    nango,
    hosts,
    providerConfigKey: options.providerConfigKey,
    apiVersion: options.apiVersion,
  })
  const acceptance = createAcceptance({ db, nango, attempts, retirement, tokens })
  const door = createDoor({ db, salesforce, tokens, budgets, logger })

  const show = (caller: Caller, row: ConnectionRow): Connection =>
    toConnection(row, caller.role === 'org_admin')

  /** The row that a caller names by its client, live or last revoked. */
  const namedByClient = async (
    tx: Tx,
    tenant: Tenant,
    clientId: string,
  ): Promise<ConnectionRow> => {
    await requireClient(tx, tenant, clientId)
    const row = await connectionOfClient(tx, tenant, clientId)
    if (row === undefined) throw notFound('connection')
    return row
  }

  const liveByClient = async (tenant: Tenant, clientId: string): Promise<ConnectionRow> => {
    const row = await db.as(tenant).tx((tx) => namedByClient(tx, tenant, clientId))
    if (row.status === 'revoked' || row.nango_connection_id === null) throw notReady(row)
    return row
  }

  const note = (
    tenant: Tenant,
    actor: Actor,
    action: AuditAction,
    row: { client_id: string; id?: string },
    outcome: string,
    salesforceApiCalls = 0,
  ): Promise<void> =>
    db.as(tenant).tx((tx) =>
      audit(tx, actor, {
        action,
        clientId: row.client_id,
        targetType: 'connection',
        ...(row.id === undefined ? {} : { targetId: row.id }),
        outcome,
        salesforceApiCalls,
      }),
    )

  // ------------------------------------------------------------------------ connecting a client

  const create = async (caller: Caller, input: NewAttempt): Promise<CreatedConnection> => {
    const { row, session } = await attempts.open(caller, input)
    await retirement.retireLeftovers(caller.tenant, input.client_id)
    return {
      connection: show(caller, row),
      session_token: session.token.reveal(),
      connect_link: session.connectLink.reveal(),
      expires_at: session.expiresAt.toISOString(),
    }
  }

  /** The answer to a repeated creation of this attempt: everything but the secrets. */
  const created = (caller: Caller, attemptId: string): Promise<CreatedConnection> =>
    db.as(caller.tenant).tx(async (tx) => {
      const attempt = await tx
        .selectFrom('connection_attempts')
        .select(['connection_id', 'session_expires_at', 'expires_at'])
        .where('org_id', '=', caller.tenant.orgId)
        .where('id', '=', attemptId)
        .executeTakeFirst()
      const row =
        attempt === undefined
          ? undefined
          : await connectionById(tx, caller.tenant, attempt.connection_id)
      if (attempt === undefined || row === undefined) throw notFound('connection')
      return {
        connection: show(caller, row),
        session_token: null,
        connect_link: null,
        expires_at: (attempt.session_expires_at ?? attempt.expires_at).toISOString(),
      }
    })

  const callback = async (
    caller: Caller,
    input: { client_id: string; nango_connection_id?: string | undefined },
  ): Promise<Connection> => {
    const { tenant } = caller
    const clientId = input.client_id
    const { row, known } = await db.as(tenant).tx(async (tx) => {
      const client = await requireClient(tx, tenant, clientId)
      if (!client.is_active) throw inactiveClient()
      return {
        row: await connectionOfClient(tx, tenant, clientId),
        known: await recentAttempts(tx, tenant, clientId),
      }
    })
    const live = row === undefined || row.status === 'revoked' ? null : row
    try {
      const id = input.nango_connection_id?.toLowerCase()
      if (id !== undefined && live?.nango_connection_id === id) return await confirmed(caller, live)
      const accepted =
        id === undefined
          ? await acceptance.acceptByTags(tenant, actorOf(caller), clientId, live, known)
          : await acceptance.acceptById(tenant, actorOf(caller), clientId, id, known)
      return show(caller, accepted)
    } catch (error) {
      if (error instanceof EngineError) {
        const about =
          row === undefined ? { client_id: clientId } : { client_id: clientId, id: row.id }
        await note(tenant, actorOf(caller), 'connection.callback', about, error.code)
      }
      throw told(caller, error)
    }
  }

  /** The client that holds the Salesforce org is named only to callers who see all clients. */
  const told = ({ tenant }: Caller, error: unknown): unknown =>
    isConfined(tenant) && error instanceof EngineError && error.code === 'already_exists'
      ? new EngineError(error.code, 'The Salesforce org is connected to another client.')
      : error

  /** A grant that is already the live one; checked again if it was not usable. */
  const confirmed = async (caller: Caller, live: ConnectionRow): Promise<Connection> => {
    if (live.status === 'connected') return show(caller, live)
    await tokens.reread(caller.tenant, live)
    return show(caller, await liveByClient(caller.tenant, live.client_id))
  }

  // ---------------------------------------------------------------------- looking and changing

  const list = (
    caller: Caller,
    input: PageRequest &
      TimeRange & {
        client_id?: string | undefined
        status?: ConnectionStatus | undefined
      },
  ): Promise<Page<Connection>> =>
    db.as(caller.tenant).tx(async (tx) => {
      if (input.client_id !== undefined) await requireClient(tx, caller.tenant, input.client_id)
      let query = tx
        .selectFrom('crm_connections')
        .selectAll()
        .where('org_id', '=', caller.tenant.orgId)
      if (input.client_id !== undefined) query = query.where('client_id', '=', input.client_id)
      if (input.status !== undefined) query = query.where('status', '=', input.status)
      return pageOf(within(query, 'created_at', input), 'id', input, (row) => show(caller, row))
    })

  const get = async (
    caller: Caller,
    input: {
      client_id?: string | undefined
      connection_id?: string | undefined
      check?: boolean | undefined
    },
    signal?: AbortSignal,
  ): Promise<Connection & { health?: Health }> => {
    const { tenant } = caller
    const row = await db.as(tenant).tx(async (tx) => {
      if (input.client_id !== undefined) return namedByClient(tx, tenant, input.client_id)
      const found = await connectionById(tx, tenant, input.connection_id ?? '')
      if (found === undefined) throw notFound('connection')
      return found
    })
    if (input.check !== true) return show(caller, row)
    const { health, calls } = await door.check(tenant, row, signal)
    await note(
      tenant,
      actorOf(caller),
      'connection.check',
      row,
      health.faults[0]?.code ?? 'ok',
      calls,
    )
    const after = await connectionById(db.as(tenant).read, tenant, row.id)
    return { ...show(caller, after ?? row), health }
  }

  const update = (
    caller: Caller,
    input: { client_id: string; api_version?: string | undefined },
  ): Promise<Connection> =>
    db.as(caller.tenant).tx(async (tx) => {
      const row = await namedByClient(tx, caller.tenant, input.client_id)
      if (row.status === 'revoked') throw notReady(row)
      const changed = await tx
        .updateTable('crm_connections')
        .set({ api_version: input.api_version ?? row.api_version, updated_at: sql<Date>`now()` })
        .where('org_id', '=', caller.tenant.orgId)
        .where('id', '=', row.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      await audit(tx, actorOf(caller), {
        action: 'connection.update',
        clientId: row.client_id,
        targetType: 'connection',
        targetId: row.id,
      })
      return show(caller, changed)
    })

  const refresh = async (caller: Caller, input: { client_id: string }): Promise<Connection> => {
    const { tenant } = caller
    const row = await liveByClient(tenant, input.client_id)
    try {
      await tokens.refresh(tenant, row)
      if (row.error?.code === 'api_disabled') await door.check(tenant, row)
      await note(tenant, actorOf(caller), 'connection.refresh', row, 'ok')
    } catch (error) {
      if (error instanceof EngineError) {
        await note(tenant, actorOf(caller), 'connection.refresh', row, error.code)
      }
      throw error
    }
    return show(caller, await liveByClient(tenant, input.client_id))
  }

  /**
   * Ends the connection of a client: first in the database, so that no replica hands out its token any
   * longer, then at Salesforce and Nango. Steps that fail there are named, and later calls for the client
   * try them again. Null: the client never had one. Throws not_found. `alsoDo` is a part of the transaction
   * that ends it.
   */
  const end = async (
    tenant: Tenant,
    actor: Actor,
    clientId: string,
    alsoDo?: (tx: Tx, connectionId: string) => Promise<void>,
  ): Promise<{ row: ConnectionRow; failedSteps: FailedStep[] } | null> => {
    const ending = await db.as(tenant).tx(async (tx) => {
      if ((await lockClient(tx, tenant, clientId)) === undefined) throw notFound('client')
      const present = await connectionOfClient(tx, tenant, clientId, true)
      await tx
        .updateTable('connection_attempts')
        .set({ status: 'abandoned' })
        .where('org_id', '=', tenant.orgId)
        .where('client_id', '=', clientId)
        .where('status', '=', 'open')
        .execute()
      if (present === undefined) return null
      await alsoDo?.(tx, present.id)
      if (present.status === 'revoked') return { before: present, after: present }
      const revoked = await tx
        .updateTable('crm_connections')
        .set({
          status: 'revoked',
          error: null,
          generation: sql<number>`generation + 1`,
          refresh_lease_holder: null,
          refresh_lease_until: null,
          updated_at: sql<Date>`now()`,
        })
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', present.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      await audit(tx, actor, {
        action: 'connection.revoke',
        clientId,
        targetType: 'connection',
        targetId: present.id,
      })
      return { before: present, after: revoked }
    })
    let failedSteps: FailedStep[] = []
    if (ending !== null) {
      const { before, after } = ending
      tokens.forget(after.id)
      if (before.status !== 'revoked' && before.nango_connection_id !== null) {
        failedSteps = await retirement.retire(tenant, clientId, {
          nangoConnectionId: before.nango_connection_id,
          providerConfigKey: before.provider_config_key,
          instanceUrl: before.instance_url,
          sfdcOrgId: before.sfdc_org_id,
        })
      }
    }
    if (failedSteps.length === 0) {
      await retirement.retireLeftovers(tenant, clientId)
      await retirement.retireStrays(tenant, clientId)
    }
    return ending === null ? null : { row: ending.after, failedSteps }
  }

  /**
   * As `end`, for a caller. Only a person can authorize anew, so a token that has to ask asks. Throws
   * not_found also where there is no connection.
   */
  const revoke = async (
    caller: Caller,
    input: { client_id: string },
  ): Promise<Connection & { failed_steps: FailedStep[] }> => {
    const { tenant } = caller
    const clientId = input.client_id
    const { id } = await db.as(tenant).tx((tx) => namedByClient(tx, tenant, clientId))
    const approved = await options.approvals.require(caller, () => ({
      action: 'connection_revoke',
      clientId,
      request: { client_id: clientId },
      restsOn: { connection_id: id },
      words: [
        'Revokes the grant at Salesforce and ends running work; the client has to authorize anew',
      ],
    }))
    const ended = await end(tenant, actorOf(caller), clientId, (tx, connectionId) =>
      useApproval(tx, caller, approved, connectionId),
    )
    if (ended === null) throw notFound('connection')
    return { ...show(caller, ended.row), failed_steps: ended.failedSteps }
  }

  /** How many grants of the client may still be at Nango. */
  const grantsLeft = async (tenant: Tenant, clientId: string): Promise<number> => {
    const { left } = await db
      .as(tenant)
      .read.selectFrom('connection_attempts')
      .select((select) => select.fn.countAll<string>().as('left'))
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .where('nango_connection_id', 'is not', null)
      .where('retired_at', 'is', null)
      .executeTakeFirstOrThrow()
    return Number(left)
  }

  // ----------------------------------------------------------------------------- Nango's hints

  /**
   * Throws not_found (no key configured), unauthenticated, invalid_json; otherwise the hint was
   * accepted.
   */
  const webhook = async (body: Buffer, signature: string | undefined): Promise<void> => {
    if (options.webhookSigningKeys.length === 0) {
      throw new EngineError('not_found', 'There is no endpoint POST /api/webhooks/nango.')
    }
    if (!isSigned(body, signature, options.webhookSigningKeys)) {
      throw new EngineError('unauthenticated', 'The signature does not match the body.')
    }
    const hint = readHint(body)
    if (hint === null) return
    try {
      await acceptance.follow(hint)
    } catch (error) {
      // Nango repeats a webhook that failed; a failed reading is repeated by the next caller who needs
      // it.
      if (!(error instanceof EngineError)) throw error
      logger.info(
        { code: error.code, nango_connection_id: hint.connectionId },
        'webhook without effect',
      )
    }
  }

  return {
    open: door.open,
    create,
    created,
    callback,
    list,
    get,
    update,
    refresh,
    revoke,
    end,
    grantsLeft,
    webhook,
  }
}
