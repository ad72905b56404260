// The one way from durable work to a client's Salesforce org, with the checks that all of it needs.

import { type Database, type Tenant } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type Priority } from '../../salesforce/gateway.ts'
import { type ConnectionRow, type OpenConnection } from '../connections/connections.ts'
import { connectionOfClient } from '../connections/rows.ts'

/** The way to a client's Salesforce org, as far as work needs it. See `connections.open`. */
export interface ConnectionDoor {
  open(
    tenant: Tenant,
    clientId: string,
    priority: Priority,
    signal?: AbortSignal,
    options?: { probe?: boolean; known?: ConnectionRow | undefined },
  ): Promise<OpenConnection>
}

/** Where a piece of work goes. */
export interface Destination {
  tenant: Tenant
  clientId: string
  /** The Salesforce org that the work was accepted for. */
  sfdcOrgId: string | null
  priority: Priority
}

/**
 * Opens the connection for work that is under way. `probe`: it already waits for this connection, so one
 * whose API was switched off is asked whether it is back. Throws what `connections.open` throws, and
 * salesforce_org_changed if the connection now leads to a different Salesforce org.
 */
export const openDoor = async (
  connections: ConnectionDoor,
  { tenant, clientId, sfdcOrgId, priority }: Destination,
  signal: AbortSignal,
  options: { probe?: boolean; known?: ConnectionRow | undefined } = {},
): Promise<OpenConnection> => {
  const opened = await connections.open(tenant, clientId, priority, signal, options)
  if (opened.connection.sfdc_org_id !== sfdcOrgId) {
    throw new EngineError(
      'salesforce_org_changed',
      'The connection leads to a different Salesforce org than when this work began.',
    )
  }
  return opened
}

/** A connection that says where it leads. */
export type SettledConnection = ConnectionRow & { sfdc_org_id: string; sfdc_user_id: string }

/**
 * The connection that new work is accepted for. Throws not_found, client_inactive and
 * connection_not_ready.
 */
export const destinationOf = async (
  connections: ConnectionDoor,
  tenant: Tenant,
  clientId: string,
): Promise<SettledConnection> => {
  const { connection } = await connections.open(tenant, clientId, 'work')
  const { sfdc_org_id, sfdc_user_id } = connection
  if (sfdc_org_id === null || sfdc_user_id === null) {
    throw new EngineError(
      'connection_not_ready',
      'The connection does not name its Salesforce org yet.',
    )
  }
  return { ...connection, sfdc_org_id, sfdc_user_id }
}

/**
 * What a fault means once the connection was looked at: `connection_not_ready` stands for a grant that
 * was revoked permanently, for one that was replaced a moment ago, and for one that somebody has to
 * renew.
 */
export const explain = async (
  db: Database,
  { tenant, clientId }: Pick<Destination, 'tenant' | 'clientId'>,
  error: unknown,
): Promise<unknown> => {
  if (!(error instanceof EngineError) || error.code !== 'connection_not_ready') return error
  const row = await connectionOfClient(db.as(tenant).read, tenant, clientId)
  if (row === undefined || row.status === 'revoked') {
    return new EngineError('connection_revoked', 'The connection was revoked.', { cause: error })
  }
  if (row.status === 'connected') {
    return new EngineError('unavailable', 'The connection was replaced a moment ago.', {
      cause: error,
    })
  }
  return error
}
