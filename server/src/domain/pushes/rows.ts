// Pushes as rows and as callers see them.

import { type Selectable } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type DryRunCounts, type PushStatus } from '../../db/tables/pushes.ts'
import { type Fault, type WorkFault } from '../../db/tables/work.ts'
import { type Standing } from '../../jobs/account.ts'
import { type Work } from '../../jobs/jobs.ts'
import { type Actor } from '../audit.ts'
import { type MetAutomation } from './automations.ts'
import { type PushKind, type PushOptions, type RowResult, type Transport } from './model.ts'

export type PushRow = Selectable<TenantTables['crm_push_logs']>
export type ChunkRow = Selectable<TenantTables['push_chunks']>

/** Why a push is paused, or why it ended as it did. */
export interface PushFault extends WorkFault {
  /** When it resumes by itself. */
  resumes_at?: string
}

export interface Push {
  id: string
  client_id: string
  kind: PushKind
  canonical_object: string | null
  sfdc_object: string | null
  status: PushStatus
  is_final: boolean
  dry_run: boolean
  transport: Transport
  options: PushOptions
  total: number
  processed: number
  succeeded: number
  failed: number
  created_count: number
  updated_count: number
  salesforce_api_calls: number
  mapping_version: number | null
  retry_of: string | null
  automations: MetAutomation[] | null
  dry_run_counts: DryRunCounts | null
  error: PushFault | null
  created_by: string | null
  created_at: string
  started_at: string | null
  completed_at: string | null
}

/** The most rows for which an answer contains the results. */
export const RESULTS_IN_ANSWER_MAX = 2_000

export interface PushWithResults extends Push {
  /** Once the push has ended, if it has at most {@link RESULTS_IN_ANSWER_MAX} rows. */
  results?: RowResult[]
}

export const isFinal = (status: PushStatus): boolean =>
  status === 'succeeded' || status === 'partial' || status === 'failed'

/** How the push of a lane stands. */
export const standingOf = async (reader: Reader, lane: Work): Promise<Standing | null> => {
  const row = await reader
    .selectFrom('push_lanes as l')
    .innerJoin('crm_push_logs as p', 'p.id', 'l.push_id')
    .select(['p.id', 'p.request_id', 'p.status', 'p.error'])
    .where('l.org_id', '=', lane.orgId)
    .where('l.id', '=', lane.id)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    resource: { push_id: row.id },
    requestId: row.request_id,
    ended: isFinal(row.status) ? row.status : null,
    fault: row.error,
  }
}

/** The status of a push that has ended. */
export const finalStatus = (total: number, failed: number): 'succeeded' | 'partial' | 'failed' =>
  failed === 0 ? 'succeeded' : failed === total ? 'failed' : 'partial'

const CANCELLED: Fault = { code: 'cancelled', message: 'The push was cancelled.' }

/** Why nothing more of the push may be sent; null if it continues. */
export const stopOf = (
  push: Pick<PushRow, 'stop' | 'cancel_requested_at'> | undefined,
): Fault | null =>
  push?.stop ?? (push === undefined || push.cancel_requested_at !== null ? CANCELLED : null)

export const optionsOf = (row: PushRow): PushOptions => row.options as PushOptions

export const toPush = (row: PushRow): Push => ({
  id: row.id,
  client_id: row.client_id,
  kind: row.kind,
  canonical_object: row.canonical_object,
  sfdc_object: row.sfdc_object,
  status: row.status,
  is_final: isFinal(row.status),
  dry_run: row.dry_run,
  transport: row.transport ?? 'collections',
  options: optionsOf(row),
  total: row.total,
  processed: row.processed,
  succeeded: row.succeeded,
  failed: row.failed,
  created_count: row.created_count,
  updated_count: row.updated_count,
  salesforce_api_calls: row.salesforce_api_calls,
  mapping_version: row.mapping_version,
  retry_of: row.retry_of,
  automations: row.automations as MetAutomation[] | null,
  dry_run_counts: row.dry_run_counts,
  error: row.error,
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  started_at: row.started_at?.toISOString() ?? null,
  completed_at: row.completed_at?.toISOString() ?? null,
})

/** Who asked for the push: its audit row is written when it ends. */
export const pushActor = (row: PushRow): Actor => ({
  orgId: row.org_id,
  userId: row.created_by,
  credentialType: row.credential_type ?? 'system',
  credentialId: row.credential_id,
  requestId: row.request_id,
})

/** An accepted push; one whose input is still being stored does not exist for callers. */
export const pushById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
): Promise<PushRow | undefined> =>
  reader
    .selectFrom('crm_push_logs')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .where('accepted_at', 'is not', null)
    .executeTakeFirst()

/** The same, locked against changes until the transaction ends. */
export const lockPush = (tx: Tx, tenant: Tenant, id: string): Promise<PushRow | undefined> =>
  tx
    .selectFrom('crm_push_logs')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .where('accepted_at', 'is not', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
