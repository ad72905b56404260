// The door through which the engine reaches a client's Salesforce org, with sessions and budget managed
// inside, and the live check of the connection.

import { type Logger } from 'pino'
import { type Database, type Tenant } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { SalesforceError } from '../../salesforce/failure.ts'
import {
  type Priority,
  type Salesforce,
  type SalesforceOrg,
  type SalesforceRequest,
  type SessionSource,
} from '../../salesforce/gateway.ts'
import { type Secret } from '../../secret.ts'
import { requireClient, requireWorking } from '../clients.ts'
import { type ApiBudgets } from './api-budget.ts'
import { lookAtHealth, notConnected, readUsage, type Health } from './health.ts'
import {
  connectionById,
  connectionOfClient,
  noteApiWorks,
  noteExpired,
  noteFault,
  notReady,
  StaleConnection,
  type ConnectionRow,
} from './rows.ts'
import { type TokenManager } from './token-manager.ts'

export interface OpenConnection {
  connection: ConnectionRow
  salesforce: SalesforceOrg
}

interface How {
  priority: Priority
  signal: AbortSignal | undefined
  isWaitedFor?: boolean
}

interface Options {
  db: Database
  salesforce: Salesforce
  tokens: TokenManager
  budgets: ApiBudgets
  logger: Logger
}

export const createDoor = ({ db, salesforce, tokens, budgets, logger }: Options) => {
  const handle = (
    tenant: Tenant,
    row: ConnectionRow,
    sessions: SessionSource,
    { priority, signal, isWaitedFor = priority === 'interactive' }: How,
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
      isWaitedFor,
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
   * The client's connection, read once, and a handle on its Salesforce org that manages sessions and
   * budget itself. `protected` work (polling what Salesforce has accepted, rollback, health) also
   * continues for an inactive client, or one that is leaving. With `probe`, a connection whose API was switched off is first
   * asked whether it is back, since nothing else would find out. `known`: read a moment ago by a caller
   * that compares its standing before it sends anything. Throws not_found, client_inactive,
   * client_leaving, connection_not_ready.
   */
  const open = async (
    tenant: Tenant,
    clientId: string,
    priority: Priority,
    signal?: AbortSignal,
    { probe = false, known }: { probe?: boolean; known?: ConnectionRow | undefined } = {},
  ): Promise<OpenConnection> => {
    const newest = () =>
      db.as(tenant).tx(async (tx) => {
        const client = await requireClient(tx, tenant, clientId)
        if (priority !== 'protected') requireWorking(client)
        return connectionOfClient(tx, tenant, clientId)
      })
    let row = known ?? (await newest())
    if (probe && row?.status === 'error' && row.error?.code === 'api_disabled') {
      await check(tenant, row, signal)
      row = await newest()
    }
    if (row?.status !== 'connected') throw notReady(row)
    const sessions = tokens.sessions(tenant, row)
    return { connection: row, salesforce: handle(tenant, row, sessions, { priority, signal }) }
  }

  /** Asks Salesforce about the connection, whatever its state, and stores the result. */
  const check = async (
    tenant: Tenant,
    row: ConnectionRow,
    signal?: AbortSignal,
  ): Promise<{ health: Health; calls: number }> => {
    if (row.nango_connection_id === null || row.status === 'revoked') {
      return { health: notConnected(notReady(row)), calls: 0 }
    }
    const sessions = tokens.sessions(tenant, row, { evenUnusable: true })
    const org = handle(tenant, row, sessions, { priority: 'protected', signal, isWaitedFor: true })
    try {
      // First finds out whether there is a usable session at all, and thereby the connection's state.
      const session = await sessions.current()
      const health = await lookAtHealth({ salesforce: org, reserveOf: budgets.reserveOf })
      if (health.api_usage !== null) await apiWorks(tenant, row.id)
      if (health.faults.some(({ code }) => code === 'INVALID_SESSION_ID')) {
        await noteRefusedSession(tenant, row, sessions, session.accessToken)
      }
      return { health, calls: org.calls }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { health: notConnected(error), calls: org.calls }
    }
  }

  const apiWorks = (tenant: Tenant, connectionId: string): Promise<void> =>
    db.as(tenant).tx(async (tx) => {
      const present = await connectionById(tx, tenant, connectionId, true)
      if (present !== undefined) await noteApiWorks(tx, present)
    })

  /**
   * Salesforce refused a session and the one that replaced it, and so says itself that the grant is
   * dead.
   */
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
          message: 'Salesforce refuses a session it has just issued.',
        }),
      )
      .catch((error: unknown) => {
        if (!(error instanceof StaleConnection)) throw error
      })
  }

  return { open, check }
}

/** The same handle; it also reports when Salesforce says that the whole org has no API. */
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
