// What a running pull writes: what it has read so far, how far it is, and how it ended. Every
// statement is guarded by status = 'pulling', so that a copy of the work that was thought dead
// cannot touch a snapshot that has ended.

import { sql, type UpdateObject } from 'kysely'
import { type Database, type Tenant, tenantOf, type Tx } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type SnapshotStats } from '../../db/tables/topology.ts'
import { type Fault, type Progress, type WorkFault } from '../../db/tables/work.ts'
import { EngineError } from '../../errors.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { audit } from '../audit.ts'
import { requireWorking } from '../clients.ts'
import { WorkOver } from '../work/stages.ts'
import { hashBytes, hashText } from './content-hash.ts'
import { type SnapshotRow } from './snapshots.ts'
import { type Frame, insertFrame } from './store.ts'

export interface ReadItem {
  kind: 'object' | 'automation'
  name: string
  /** Null for what could not be read. */
  hash: string | null
  fieldsCount: number
  /** The date for a later conditional read; null if that would not be safe. */
  lastModified: string | null
  notModified: boolean
  unreadable: Fault | null
}

export interface JournalState {
  items: ReadItem[]
  /** The date of the list of all objects in the first run of this pull; undefined before. */
  globalLastModified: string | null | undefined
}

/** Each item once and in one order, so that two copies of the work never deadlock. */
const inOrder = (items: readonly ReadItem[]): ReadItem[] =>
  [...new Map(items.map((item) => [`${item.kind}/${item.name}`, item]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, item]) => item)

/** Identifies one client's pull in every statement. */
export interface PullKey {
  tenant: Tenant
  clientId: string
  snapshotId: string
}

export const keyOf = (row: SnapshotRow): PullKey => ({
  tenant: tenantOf(row),
  clientId: row.client_id,
  snapshotId: row.id,
})

/** Throws {@link WorkOver} unless the snapshot is still being pulled; locks its row until the commit. */
const lockPull = async (tx: Tx, { tenant, snapshotId }: PullKey): Promise<SnapshotRow> => {
  const row = await tx
    .selectFrom('crm_topology_snapshots')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', snapshotId)
    .where('status', '=', 'pulling')
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw new WorkOver('the snapshot is no longer being pulled')
  return row
}

export const createJournal = (db: Database, jobs: Pick<Jobs, 'announce'>, key: PullKey) => {
  const { tenant, clientId, snapshotId } = key
  const tx = <T>(fn: (tx: Tx) => Promise<T>): Promise<T> => db.as(tenant).tx(fn)
  const itemColumns = { org_id: tenant.orgId, client_id: clientId, snapshot_id: snapshotId }

  const update = async (
    tx: Tx,
    columns: UpdateObject<TenantTables, 'crm_topology_snapshots'>,
  ): Promise<void> => {
    await tx
      .updateTable('crm_topology_snapshots')
      .set(columns)
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', snapshotId)
      .execute()
  }

  return {
    /** What earlier runs of this pull have read. */
    load: (): Promise<JournalState> =>
      tx(async (tx) => {
        const rows = await tx
          .selectFrom('topology_pull_items')
          .selectAll()
          .where('org_id', '=', tenant.orgId)
          .where('snapshot_id', '=', snapshotId)
          .execute()
        const items: ReadItem[] = []
        let globalLastModified: string | null | undefined
        for (const row of rows) {
          if (row.kind === 'global') {
            globalLastModified = row.last_modified
            continue
          }
          items.push({
            kind: row.kind,
            name: row.name,
            hash: row.hash === null ? null : hashText(row.hash),
            fieldsCount: row.fields_count,
            lastModified: row.last_modified,
            notModified: row.not_modified,
            unreadable: row.unreadable,
          })
        }
        return { items, globalLastModified }
      }),

    /** Stores the date of the list of all objects; the first run's is kept. */
    noteGlobal: (lastModified: string | null): Promise<void> =>
      tx(async (tx) => {
        await tx
          .insertInto('topology_pull_items')
          .values({ ...itemColumns, kind: 'global', name: '', last_modified: lastModified })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }),

    /** Stores contents and what was read in one transaction. Returns the compressed bytes added. */
    record: (read: readonly ReadItem[], frame: Frame): Promise<number> =>
      tx(async (tx) => {
        const items = inOrder(read)
        // Nothing may be journaled for a snapshot that has ended; its end waits for this lock.
        const alive = await tx
          .selectFrom('crm_topology_snapshots')
          .select('id')
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', snapshotId)
          .where('status', '=', 'pulling')
          .forKeyShare()
          .executeTakeFirst()
        if (alive === undefined) throw new WorkOver('the snapshot is no longer being pulled')
        const added = await insertFrame(tx, tenant, clientId, frame)
        if (items.length > 0) {
          await tx
            .insertInto('topology_pull_items')
            .values(
              items.map((item) => ({
                ...itemColumns,
                kind: item.kind,
                name: item.name,
                hash: item.hash === null ? null : hashBytes(item.hash),
                fields_count: item.fieldsCount,
                last_modified: item.lastModified,
                not_modified: item.notModified,
                unreadable: jsonOrNull(item.unreadable),
              })),
            )
            // Another copy of this work may also have read it; the last reading is kept.
            .onConflict((conflict) =>
              conflict.columns(['snapshot_id', 'kind', 'name']).doUpdateSet((excluded) => ({
                hash: excluded.ref('excluded.hash'),
                fields_count: excluded.ref('excluded.fields_count'),
                last_modified: excluded.ref('excluded.last_modified'),
                not_modified: excluded.ref('excluded.not_modified'),
                unreadable: excluded.ref('excluded.unreadable'),
              })),
            )
            .execute()
        }
        return added
      }),

    /**
     * Stores how far the pull is, and checks whether it may continue: throws {@link WorkOver}, or
     * client_inactive or connection_revoked if that has become true since the last check.
     */
    progress: (progress: Progress, stats: SnapshotStats, connectionId: string): Promise<void> =>
      tx(async (tx) => {
        const row = await tx
          .updateTable('crm_topology_snapshots')
          // A call got through: whatever held the pull up is over.
          .set({
            progress: json(progress),
            stats: json(stats),
            error: null,
            resume_at: null,
          })
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', snapshotId)
          .where('status', '=', 'pulling')
          .returning('id')
          .executeTakeFirst()
        if (row === undefined) throw new WorkOver('the snapshot is no longer being pulled')
        const present = await tx
          .selectFrom('clients')
          .innerJoin('crm_connections', 'crm_connections.client_id', 'clients.id')
          .select(['clients.is_active', 'clients.leaving_at', 'crm_connections.status'])
          .where('clients.org_id', '=', tenant.orgId)
          .where('clients.id', '=', clientId)
          .where('crm_connections.id', '=', connectionId)
          .executeTakeFirst()
        if (present === undefined || present.status === 'revoked') throw revoked()
        requireWorking(present)
      }),

    /** Deletes what was read, since a different connection continues the pull. */
    beginAgain: (connectionId: string, sfdcUserId: string): Promise<void> =>
      tx(async (tx) => {
        await lockPull(tx, key)
        await tx
          .deleteFrom('topology_pull_items')
          .where('org_id', '=', tenant.orgId)
          .where('snapshot_id', '=', snapshotId)
          .execute()
        await update(tx, { connection_id: connectionId, sfdc_user_id: sfdcUserId })
      }),

    /** Stores the counts of a run that could not continue. */
    keepStats: (stats: SnapshotStats): Promise<void> =>
      tx(async (tx) => {
        await lockPull(tx, key)
        await update(tx, { stats: json(stats) })
      }),

    /** Stores why the pull is paused; the sweep puts it back when it is due. */
    hold: (error: WorkFault, afterSeconds: number): Promise<void> =>
      tx(async (tx) => {
        await lockPull(tx, key)
        await update(tx, {
          error: json(error),
          resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${afterSeconds})`,
        })
      }),

    /** Ends the pull as failed, with the reason. */
    fail: (error: WorkFault): Promise<void> =>
      tx(async (tx) => {
        const row = await lockPull(tx, key)
        await update(tx, {
          status: 'failed',
          error: json(error),
          resume_at: null,
          completed_at: sql<Date>`now()`,
        })
        await endPull(tx, jobs, row, error.code, row.stats)
      }),

    /** The transaction that makes a snapshot complete; everything else in it is the caller's. */
    complete: (write: (tx: Tx, row: SnapshotRow) => Promise<SnapshotStats>): Promise<void> =>
      tx(async (tx) => {
        const row = await lockPull(tx, key)
        await endPull(tx, jobs, row, 'ok', await write(tx, row))
      }),
  }
}

export type Journal = ReturnType<typeof createJournal>

const revoked = (): EngineError =>
  new EngineError('connection_revoked', 'The connection was revoked during the pull.')

/**
 * Empties the journal, writes the audit row and wakes everyone who waits, in the transaction of the end.
 */
const endPull = async (
  tx: Tx,
  jobs: Pick<Jobs, 'announce'>,
  row: SnapshotRow,
  outcome: string,
  stats: SnapshotStats,
): Promise<void> => {
  await tx
    .deleteFrom('topology_pull_items')
    .where('org_id', '=', row.org_id)
    .where('snapshot_id', '=', row.id)
    .execute()
  await audit(
    tx,
    {
      orgId: row.org_id,
      userId: row.created_by,
      credentialType: row.credential_type ?? 'system',
      credentialId: row.credential_id,
      requestId: row.request_id,
    },
    {
      action: 'topology.pull',
      clientId: row.client_id,
      targetType: 'snapshot',
      targetId: row.id,
      outcome,
      salesforceApiCalls: stats.salesforce_api_calls,
    },
  )
  await jobs.announce(tx, row.id)
}
