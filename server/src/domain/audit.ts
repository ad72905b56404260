// The audit log: one row for each operation, written in the transaction of the change where there is
// one. The runtime role may insert and read, nothing else.

import { type Database, type Tenant, type Tx } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from './page.ts'
import { type Caller } from './caller.ts'

/** Every action that leaves a row; the list is the vocabulary of /api/audit/list. */
export type AuditAction =
  | 'org.create'
  | 'org.update'
  | 'org.purge'
  | 'user.create'
  | 'user.update'
  | 'auth.login'
  | 'auth.logout'
  | 'auth.change_password'
  | 'client.create'
  | 'client.update'
  | 'client.export'
  | 'client.offboard'
  | 'client.offboard_cancel'
  | 'client.purge'
  | 'token.create'
  | 'token.revoke'
  | 'approval.request'
  | 'approval.grant'
  | 'approval.refuse'
  | 'connection.create'
  | 'connection.callback'
  | 'connection.update'
  | 'connection.refresh'
  | 'connection.check'
  | 'connection.revoke'
  | 'connection.lost'
  | 'reconsent.create'
  | 'reconsent.links'
  | 'topology.pull'
  | 'conflicts.check'
  | 'deployment.deploy'
  | 'deployment.rollback'
  | 'deployment.cancel'
  | 'mapping.create'
  | 'mapping.update'
  | 'mapping.delete'
  | 'push.records'
  | 'push.status_update'
  | 'push.link'
  | 'push.cancel'
  | 'workflows.list'
  | 'rollout.create'
  | 'rollout.check'
  | 'rollout.start'
  | 'rollout.pause'
  | 'rollout.resume'
  | 'rollout.stop'
  | 'rollout.retry'
  | 'rollout.skip'
  | 'rollout.approve'
  | 'rollout.rollback'
  | 'blueprint.create'
  | 'blueprint.update'
  | 'blueprint.archive'
  | 'blueprint.restore'
  | 'blueprint.version'
  | 'blueprint.bind'
  | 'blueprint.unbind'
  | 'drift.run'
  | 'drift.accept'
  | 'webhook_endpoint.create'
  | 'webhook_endpoint.update'
  | 'webhook_endpoint.rotate_secret'
  | 'webhook_endpoint.delete'
  | 'webhook_endpoint.test'
  | 'webhook_endpoint.resend'
  | 'webhook_endpoint.disabled'

export interface AuditEntry {
  action: AuditAction
  clientId?: string | null
  targetType?: string
  targetId?: string
  /** 'ok' (the default) or the code of the error that ended it. */
  outcome?: string
  salesforceApiCalls?: number
}

/** Who acted, as far as the log needs it. A job acts for the caller that asked for it. */
export interface Actor {
  orgId: string
  userId: string | null
  credentialType: 'super_admin' | 'api_token' | 'session' | 'password' | 'system'
  credentialId: string | null
  requestId: string | null
}

export const actorOf = (caller: Caller): Actor => ({
  orgId: caller.tenant.orgId,
  userId: caller.userId,
  credentialType: caller.credential.type,
  credentialId: caller.credential.id,
  requestId: caller.requestId,
})

/** Appends one row in the given transaction. */
export const audit = (tx: Tx, actor: Actor, entry: AuditEntry): Promise<void> =>
  auditAll(tx, actor, [entry])

/** One row each, for what is done to many clients at once. */
export const auditAll = async (
  tx: Tx,
  actor: Actor,
  entries: readonly AuditEntry[],
): Promise<void> => {
  // PostgreSQL takes 65,535 values in a statement.
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    await tx
      .insertInto('audit_log')
      .values(entries.slice(from, from + AT_ONCE).map((entry) => rowOf(actor, entry)))
      .execute()
  }
}

const AT_ONCE = 1_000

const rowOf = (actor: Actor, entry: AuditEntry) => ({
  id: newId(),
  org_id: actor.orgId,
  client_id: entry.clientId ?? null,
  user_id: actor.userId,
  credential_type: actor.credentialType,
  credential_id: actor.credentialId,
  action: entry.action,
  target_type: entry.targetType ?? null,
  target_id: entry.targetId ?? null,
  outcome: entry.outcome ?? 'ok',
  request_id: actor.requestId,
  salesforce_api_calls: entry.salesforceApiCalls ?? 0,
})

export interface AuditRow {
  id: string
  at: string
  client_id: string | null
  user_id: string | null
  credential_type: string
  credential_id: string | null
  action: string
  target_type: string | null
  target_id: string | null
  outcome: string
  request_id: string | null
  salesforce_api_calls: number
}

interface AuditFilter extends PageRequest, TimeRange {
  client_id?: string | undefined
  action?: string | undefined
}

/** The log of the caller's org, newest first. */
export const listAudit = async (
  db: Database,
  tenant: Tenant,
  filter: AuditFilter,
): Promise<Page<AuditRow>> => {
  let query = db
    .as(tenant)
    .read.selectFrom('audit_log')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
  if (filter.client_id !== undefined) query = query.where('client_id', '=', filter.client_id)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  return pageOf(within(query, 'at', filter), 'id', filter, (row) => ({
    id: row.id,
    at: row.at.toISOString(),
    client_id: row.client_id,
    user_id: row.user_id,
    credential_type: row.credential_type,
    credential_id: row.credential_id,
    action: row.action,
    target_type: row.target_type,
    target_id: row.target_id,
    outcome: row.outcome,
    request_id: row.request_id,
    salesforce_api_calls: row.salesforce_api_calls,
  }))
}
