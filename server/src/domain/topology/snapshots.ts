// The rows of snapshots: how they are found and shown.

import { type Selectable } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import {
  type SnapshotChanges,
  type SnapshotStats,
  type SnapshotStatus,
} from '../../db/tables/topology.ts'
import { type Progress, type WorkFault } from '../../db/tables/work.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Standing } from '../../jobs/account.ts'
import { type Work } from '../../jobs/jobs.ts'
import { hashText } from './content-hash.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { type Contents } from './contents.ts'

export type SnapshotRow = Selectable<TenantTables['crm_topology_snapshots']>

export interface Snapshot {
  id: string
  client_id: string
  /** Counts 1, 2, 3 … per client; null unless complete. */
  version: number | null
  status: SnapshotStatus
  is_final: boolean
  scope: 'all' | string[]
  api_version: string
  progress: Progress
  error: WorkFault | null
  objects_count: number | null
  fields_count: number | null
  automations_count: number | null
  content_hash: string | null
  stats: SnapshotStats
  changes_from_previous: SnapshotChanges | null
  created_by: string | null
  created_at: string
  completed_at: string | null
}

export const isFinal = (status: SnapshotStatus): boolean => status !== 'pulling'

/** The statistics that a pull starts from. */
export const emptyStats = (): SnapshotStats => ({
  salesforce_api_calls: 0,
  not_modified: 0,
  bytes: 0,
  duration_ms: 0,
  unreadable: [],
  not_visible: [],
  missing_permissions: null,
})

export const toSnapshot = (row: SnapshotRow): Snapshot => ({
  id: row.id,
  client_id: row.client_id,
  version: row.version,
  status: row.status,
  is_final: isFinal(row.status),
  scope: row.scope,
  api_version: row.api_version,
  progress: row.progress,
  error: row.error,
  objects_count: row.objects_count,
  fields_count: row.fields_count,
  automations_count: row.automations_count,
  content_hash: row.content_hash,
  stats: {
    ...emptyStats(),
    ...row.stats,
    duration_ms: Math.max(0, (row.completed_at ?? new Date()).getTime() - row.created_at.getTime()),
  },
  changes_from_previous: row.changes_from_previous,
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  completed_at: row.completed_at?.toISOString() ?? null,
})

/** All snapshots of a client, in no particular order. */
export const snapshotsOf = (reader: Reader, tenant: Tenant, clientId: string) =>
  reader
    .selectFrom('crm_topology_snapshots')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)

export const snapshotById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
): Promise<SnapshotRow | undefined> =>
  reader
    .selectFrom('crm_topology_snapshots')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .executeTakeFirst()

/** How a pull stands, without what it has read. */
export const standingOf = async (reader: Reader, work: Work): Promise<Standing | null> => {
  const row = await reader
    .selectFrom('crm_topology_snapshots')
    .select(['id', 'request_id', 'status', 'error'])
    .where('org_id', '=', work.orgId)
    .where('id', '=', work.id)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    resource: { snapshot_id: row.id },
    requestId: row.request_id,
    ended: row.status === 'pulling' ? null : row.status,
    fault: row.error,
  }
}

export const newestCompleteRow = (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
): Promise<SnapshotRow | undefined> =>
  snapshotsOf(reader, tenant, clientId)
    .where('version', 'is not', null)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()

export const runningPull = (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
): Promise<SnapshotRow | undefined> =>
  snapshotsOf(tx, tenant, clientId).where('status', '=', 'pulling').executeTakeFirst()

/**
 * The version, or the newest one. Throws not_found for a version that does not exist, no_snapshot if
 * there is none at all.
 */
export const completeRow = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
  version: number | undefined,
): Promise<SnapshotRow> => {
  if (version === undefined) {
    const newest = await newestCompleteRow(reader, tenant, clientId)
    if (newest === undefined) {
      throw new EngineError('no_snapshot', 'This client has no complete snapshot yet.')
    }
    return newest
  }
  const row = await snapshotsOf(reader, tenant, clientId)
    .where('version', '=', version)
    .executeTakeFirst()
  if (row === undefined) throw notFound('snapshot')
  return row
}

/** The manifest of a complete snapshot, from its client's contents. */
export const manifestOf = async (contents: Contents, row: SnapshotRow): Promise<Manifest> => {
  if (row.manifest_hash === null) throw new Error('only a complete snapshot has a manifest')
  return readManifest(contents, hashText(row.manifest_hash))
}
