// Connections of clients to their Salesforce orgs: who may use which grant, in which state it is, and
// the one door (`open`) through which everything else in the engine reaches Salesforce.

import { sql } from 'kysely'
import { type Logger } from 'pino'
import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import { type ConnectionStatus, type Environment } from '../../db/types.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type NangoConnection } from '../../nango/connection.ts'
import { NangoError } from '../../nango/failure.ts'
import { type Nango } from '../../nango/nango.ts'
import { SalesforceError } from '../../salesforce/failure.ts'
import {
  type Priority,
  type Salesforce,
  type SalesforceOrg,
  type SalesforceRequest,
  type SessionSource,
} from '../../salesforce/gateway.ts'
import { type HostPolicy } from '../../salesforce/hosts.ts'
import { type Secret } from '../../secret.ts'
import { actorOf, audit, type Actor, type AuditAction } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { pageOf, type Page, type PageRequest } from '../page.ts'
import { createApiBudgets } from './api-budget.ts'
import {
  createAttempts,
  endedAttempt,
  inactiveClient,
  RefusedGrant,
  type NewAttempt,
} from './attempts.ts'
import { lookAtHealth, notConnected, readUsage, type Health } from './health.ts'
import { createRetirement, tagsName, type FailedStep } from './retire.ts'
import {
  connectionById,
  lockClient,
  newestConnection,
  noteExpired,
  noteFault,
  notReady,
  StaleConnection,
  toConnection,
  type AttemptRow,
  type Connection,
  type ConnectionRow,
} from './rows.ts'
import { createTokenManager } from './token-manager.ts'
import { isSigned, mayReread, readHint, type Hint } from './webhook.ts'

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

export interface OpenConnection {
  connection: ConnectionRow
  salesforce: SalesforceOrg
}

interface Options {
  db: Database
  nango: Nango
  salesforce: Salesforce
  hosts: HostPolicy
  logger: Logger
  /** Nango's integration for each environment. */
  providerConfigKey: Readonly<Record<Environment, string>>
  /** Like `v66.0`. */
  apiVersion: string
  /** Share of a Salesforce org's daily API calls that is left to others. */
  apiReservePercent: number
  /** Empty: the webhook does not exist. */
  webhookSigningKeys: readonly Secret[]
  /** Spans that tests shorten. */
  tokenCacheMs?: number
  joinedPauseMs?: number
  usageStaleMs?: number
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
    ...(options.usageStaleMs === undefined ? {} : { staleMs: options.usageStaleMs }),
  })
  const retirement = createRetirement({ db, nango, salesforce, hosts, logger })
  const attempts = createAttempts({
    db,
    nango,
    hosts,
    providerConfigKey: options.providerConfigKey,
    apiVersion: options.apiVersion,
  })

  const show = (caller: Caller, row: ConnectionRow): Connection =>
    toConnection(row, caller.role === 'org_admin')

  /** The row that a caller names by its client, live or last revoked. */
  const namedByClient = async (
    tx: Tx,
    tenant: Tenant,
    clientId: string,
  ): Promise<ConnectionRow> => {
    await requireClient(tx, tenant, clientId)
    const row = await newestConnection(tx, tenant, clientId)
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

  // ------------------------------------------------------------------------------ the open door

  const handle = (
    tenant: Tenant,
    row: ConnectionRow,
    sessions: SessionSource,
    priority: Priority,
    signal?: AbortSignal,
  ): SalesforceOrg => {
    const sfdcOrgId = row.sfdc_org_id ?? ''
    const target = { sfdcOrgId, apiVersion: row.api_version, sessions }
    const budget = budgets.of(sfdcOrgId, () =>
      readUsage(salesforce.org({ ...target, budget, priority: 'protected' })),
    )
    const org = salesforce.org({
      ...target,
      budget,
      priority,
      ...(signal === undefined ? {} : { signal }),
    })
    return watched(org, async (error) => {
      const message = error.failure.message
      await db
        .as(tenant)
        .tx(async (tx) => {
          const present = await connectionById(tx, tenant, row.id, true)
          if (present?.generation !== row.generation || present.status !== 'connected') return
          await noteFault(tx, present, { code: 'api_disabled', message }, null)
        })
        .catch((failure: unknown) => logger.warn({ err: failure }, 'connection fault not noted'))
    })
  }

  /**
   * The client's connection, read once, and a handle on its Salesforce org whose sessions and budget
   * look after themselves. `protected` work (polling what Salesforce has accepted, rollback, health)
   * also goes on for an inactive client. Throws not_found, client_inactive, connection_not_ready.
   */
  const open = async (
    tenant: Tenant,
    clientId: string,
    priority: Priority,
    signal?: AbortSignal,
  ): Promise<OpenConnection> => {
    const row = await db.as(tenant).tx(async (tx) => {
      const client = await requireClient(tx, tenant, clientId)
      if (!client.is_active && priority !== 'protected') throw inactiveClient()
      return newestConnection(tx, tenant, clientId)
    })
    if (row?.status !== 'connected') throw notReady(row)
    const sessions = tokens.sessions(tenant, row)
    return { connection: row, salesforce: handle(tenant, row, sessions, priority, signal) }
  }

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

  /** What the creation of this attempt is answered with again: everything but the secrets. */
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
        row: await newestConnection(tx, tenant, clientId),
        known: await recentAttempts(tx, tenant, clientId),
      }
    })
    const live = row === undefined || row.status === 'revoked' ? null : row
    try {
      const id = input.nango_connection_id?.toLowerCase()
      if (id !== undefined && live?.nango_connection_id === id) return await confirmed(caller, live)
      const accepted =
        id === undefined
          ? await acceptByTags(caller, clientId, live, known)
          : await acceptById(tenant, actorOf(caller), clientId, id, known)
      return show(caller, accepted)
    } catch (error) {
      if (error instanceof EngineError) {
        const about =
          row === undefined ? { client_id: clientId } : { client_id: clientId, id: row.id }
        await note(tenant, actorOf(caller), 'connection.callback', about, error.code)
      }
      throw error
    }
  }

  /** A grant that is the live one already; looked at again where it was not usable. */
  const confirmed = async (caller: Caller, live: ConnectionRow): Promise<Connection> => {
    if (live.status === 'connected') return show(caller, live)
    await tokens.reread(caller.tenant, live)
    return show(caller, await liveByClient(caller.tenant, live.client_id))
  }

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
    )
    const attempt = known.find(({ id: attemptId }) => attemptId === answer.tags.attempt_id)
    if (!tagsName(answer.tags, tenant, clientId) || attempt === undefined)
      throw notFound('connection')
    return settle(tenant, actor, attempt, answer)
  }

  const acceptByTags = async (
    caller: Caller,
    clientId: string,
    live: ConnectionRow | null,
    known: readonly AttemptRow[],
  ): Promise<ConnectionRow> => {
    const { tenant } = caller
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
    // Newest first: its refresh token is the one that Salesforce surely still honours.
    const [newest, ...others] = listed
      .filter((found) => Object.entries(tags).every(([name, value]) => found.tags[name] === value))
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    if (newest === undefined) {
      throw new EngineError(
        'connection_not_ready',
        'The authorization in Salesforce is not finished yet.',
      )
    }
    const answer = await nango.getConnection({
      id: newest.id,
      providerConfigKey: attempt.provider_config_key,
    })
    if (!tagsName(answer.tags, tenant, clientId) || answer.tags.attempt_id !== attempt.id) {
      throw notFound('connection')
    }
    const accepted = await settle(tenant, actorOf(caller), attempt, answer)
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

  /** Accepts the grant, then ends the one it replaced; a refused grant of ours is ended itself. */
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
      return row
    } catch (error) {
      if (error instanceof RefusedGrant) await retirement.retire(tenant, clientId, error.grant)
      throw error
    }
  }

  // ---------------------------------------------------------------------- looking and changing

  const list = (
    caller: Caller,
    input: PageRequest & {
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
      return pageOf(query, 'id', input, (row) => show(caller, row))
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
    const { health, calls } = await check(tenant, row, signal)
    await note(
      tenant,
      actorOf(caller),
      'connection.check',
      row,
      health.faults[0]?.code ?? 'ok',
      calls,
    )
    const after = await db.as(tenant).tx((tx) => connectionById(tx, tenant, row.id))
    return { ...show(caller, after ?? row), health }
  }

  const check = async (
    tenant: Tenant,
    row: ConnectionRow,
    signal?: AbortSignal,
  ): Promise<{ health: Health; calls: number }> => {
    if (row.nango_connection_id === null || row.status === 'revoked') {
      return { health: notConnected(notReady(row)), calls: 0 }
    }
    const sessions = tokens.sessions(tenant, row, { evenUnusable: true })
    const org = handle(tenant, row, sessions, 'protected', signal)
    try {
      // Settles first whether there is a usable session at all, and with it the connection's state.
      const session = await sessions.current()
      const health = await lookAtHealth({ salesforce: org, reserveOf: budgets.reserveOf })
      if (health.faults.some(({ code }) => code === 'INVALID_SESSION_ID')) {
        await noteRefusedSession(tenant, row, sessions, session.accessToken)
      }
      return { health, calls: org.calls }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { health: notConnected(error), calls: org.calls }
    }
  }

  /** Salesforce refused a session and the one that replaced it: its own word that the grant is dead. */
  const noteRefusedSession = async (
    tenant: Tenant,
    row: ConnectionRow,
    sessions: SessionSource,
    first: Secret,
  ): Promise<void> => {
    const renewed = await sessions.current()
    if (renewed.accessToken.equals(first)) return
    await db
      .as(tenant)
      .tx((tx) =>
        noteExpired(tx, row, {
          code: 'session_refused',
          message: 'Salesforce refuses a session that it has just issued.',
        }),
      )
      .catch((error: unknown) => {
        if (!(error instanceof StaleConnection)) throw error
      })
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
   * Ends the connection: first in the database, so that no replica hands out its token any more, then
   * at Salesforce and Nango. What fails there is named and tried again by later calls for the client.
   */
  const revoke = async (
    caller: Caller,
    input: { client_id: string },
  ): Promise<Connection & { failed_steps: FailedStep[] }> => {
    const { tenant } = caller
    const clientId = input.client_id
    const { before, after } = await db.as(tenant).tx(async (tx) => {
      if ((await lockClient(tx, tenant, clientId)) === undefined) throw notFound('client')
      const present = await newestConnection(tx, tenant, clientId, true)
      if (present === undefined) throw notFound('connection')
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
      await tx
        .updateTable('connection_attempts')
        .set({ status: 'abandoned' })
        .where('org_id', '=', tenant.orgId)
        .where('client_id', '=', clientId)
        .where('status', '=', 'open')
        .execute()
      await audit(tx, actorOf(caller), {
        action: 'connection.revoke',
        clientId,
        targetType: 'connection',
        targetId: present.id,
      })
      return { before: present, after: revoked }
    })
    tokens.forget(after.id)
    let failedSteps: FailedStep[] = []
    if (before.status !== 'revoked' && before.nango_connection_id !== null) {
      failedSteps = await retirement.retire(tenant, clientId, {
        nangoConnectionId: before.nango_connection_id,
        providerConfigKey: before.provider_config_key,
        instanceUrl: before.instance_url,
        sfdcOrgId: before.sfdc_org_id,
      })
    }
    if (failedSteps.length === 0) await retirement.retireLeftovers(tenant, clientId)
    return { ...show(caller, after), failed_steps: failedSteps }
  }

  // ----------------------------------------------------------------------------- Nango's hints

  /** Throws not_found (no key configured), unauthenticated, invalid_json; else the hint was taken. */
  const webhook = async (body: Buffer, signature: string | undefined): Promise<void> => {
    if (options.webhookSigningKeys.length === 0) {
      throw new EngineError('not_found', 'There is no endpoint POST /api/webhooks/nango.')
    }
    if (!isSigned(body, signature, options.webhookSigningKeys)) {
      throw new EngineError('unauthenticated', 'The signature does not fit the body.')
    }
    const hint = readHint(body)
    if (hint === null) return
    try {
      await follow(hint)
    } catch (error) {
      // Nango repeats a webhook that failed; a look that failed is repeated by whoever needs it.
      if (!(error instanceof EngineError)) throw error
      logger.info(
        { code: error.code, nango_connection_id: hint.connectionId },
        'webhook without effect',
      )
    }
  }

  const follow = async (hint: Hint): Promise<void> => {
    const [live] = await db.lookup<{ org_id: string; connection_id: string }>(
      'connection_by_nango_id',
      hint.connectionId,
    )
    if (live !== undefined) {
      if (!(await mayReread(db, hint.connectionId))) return
      const tenant: Tenant = { orgId: live.org_id, clientId: null }
      const row = await db.as(tenant).tx((tx) => connectionById(tx, tenant, live.connection_id))
      if (row !== undefined && row.status !== 'revoked') await tokens.reread(tenant, row)
      return
    }
    if (hint.attemptId === null) return
    const [attempt] = await db.lookup<{ org_id: string; client_id: string }>(
      'connection_attempt',
      hint.attemptId,
    )
    if (attempt === undefined || !(await mayReread(db, hint.connectionId))) return
    const tenant: Tenant = { orgId: attempt.org_id, clientId: null }
    const clientId = attempt.client_id
    const known = await db.as(tenant).tx((tx) => recentAttempts(tx, tenant, clientId))
    const actor: Actor = {
      orgId: tenant.orgId,
      userId: null,
      credentialType: 'system',
      credentialId: null,
      requestId: null,
    }
    await acceptById(tenant, actor, clientId, hint.connectionId, known)
  }

  return { open, create, created, callback, list, get, update, refresh, revoke, webhook }
}

/** Attempts that a grant may still turn up for, newest first. */
const recentAttempts = (tx: Tx, tenant: Tenant, clientId: string): Promise<AttemptRow[]> =>
  tx
    .selectFrom('connection_attempts')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .orderBy('id', 'desc')
    .limit(100)
    .execute()

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]

/** The same handle, which tells when Salesforce says that the whole org has no API. */
const watched = (
  org: SalesforceOrg,
  onApiDisabled: (error: SalesforceError) => Promise<void>,
): SalesforceOrg => {
  const watch =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      try {
        return await call(...args)
      } catch (error) {
        if (error instanceof SalesforceError && error.failure.kind === 'api_disabled') {
          await onApiDisabled(error)
        }
        throw error
      }
    }
  return Object.freeze({
    ...org,
    request: watch((request: SalesforceRequest) => org.request(request)),
    requestText: watch((request: SalesforceRequest) => org.requestText(request)),
    stream: watch((request: SalesforceRequest) => org.stream(request)),
    get calls() {
      return org.calls
    },
  })
}
