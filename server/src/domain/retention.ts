// How long things are kept: what is past its time is deleted in small batches, across all tenants, with
// every clean-up. What something else stands on stays. docs/operations/retention.md tells operators.

import { isDeepStrictEqual } from 'node:util'
import { type Logger } from 'pino'
import { sql } from 'kysely'
import { type Database, type Reader, type Tenant, tenantOf, type Tx } from '../db/database.ts'
import { hashText } from './topology/content-hash.ts'
import { hashesIn } from './topology/manifest.ts'
import { type Contents, contentsOf } from './topology/contents.ts'
import { deleteContents } from './topology/store.ts'

/** 0 days: for ever. */
export interface RetentionSettings {
  snapshotDays: number
  /** The newest complete snapshots of each client, kept however old they are; at least 1. */
  snapshotCount: number
  reportDays: number
  /** Images and packages of deployments that can still be rolled back. */
  deploymentDays: number
  /** Images and packages of deployments that cannot be rolled back any longer. */
  closedDeploymentDays: number
  auditDays: number
}

interface Deps {
  db: Database
  logger: Pick<Logger, 'info'>
  settings: RetentionSettings
}

interface OldSnapshot {
  org_id: string
  client_id: string
  id: string
}

/** Rows a statement: no lock is held for long. */
const BATCH = 500
/** Deployments a statement: each may have megabytes of images. */
const DEPLOYMENTS = 20
const SNAPSHOTS = 100

/** What one clean-up deletes. Safe on several replicas at once, and after a crash at any moment. */
export const createRetention = ({ db, logger, settings }: Deps) => {
  /** The number that one of the SQL functions returns, until it returns none. */
  const repeat = async (
    name: 'discard_reports' | 'discard_audit' | 'discard_images',
    args: number[],
    signal: AbortSignal,
  ): Promise<number> => {
    let gone = 0
    while (!signal.aborted) {
      const [row] = await db.lookup<Record<string, number>>(name, ...args)
      const round = row?.[name] ?? 0
      if (round === 0) break
      gone += round
    }
    return gone
  }

  const snapshots = async (signal: AbortSignal): Promise<number> => {
    const { snapshotDays, snapshotCount } = settings
    let gone = 0
    while (!signal.aborted) {
      const old = await db.lookup<OldSnapshot>(
        'old_snapshots',
        snapshotDays,
        snapshotCount,
        SNAPSHOTS,
      )
      let round = 0
      for (const [first, ...others] of byClient(old)) {
        round += await deleteSnapshots(
          db,
          tenantOf(first),
          [first, ...others].map(({ id }) => id),
        )
        if (signal.aborted) break
      }
      gone += round
      if (round === 0) break
    }
    return gone
  }

  return {
    /** Deletes everything that is past its time, or as much as it can until `signal` fires. */
    clean: async (signal: AbortSignal): Promise<void> => {
      const { reportDays, deploymentDays, closedDeploymentDays, auditDays } = settings
      const removed = {
        // Before the snapshots, which reports hold.
        reports: await repeat('discard_reports', [reportDays, BATCH], signal),
        snapshots: await snapshots(signal),
        deployments: await repeat(
          'discard_images',
          [deploymentDays, closedDeploymentDays, DEPLOYMENTS],
          signal,
        ),
        audit: await repeat('discard_audit', [auditDays, BATCH], signal),
      }
      if (Object.values(removed).some((count) => count > 0)) {
        logger.info({ removed }, 'removed what was past its retention')
      }
    },
  }
}

/** Rows come ordered by client. */
const byClient = (rows: readonly OldSnapshot[]): [OldSnapshot, ...OldSnapshot[]][] => {
  const groups: [OldSnapshot, ...OldSnapshot[]][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (last?.[0].client_id === row.client_id) last.push(row)
    else groups.push([row])
  }
  return groups
}

/**
 * Deletes these snapshots of one client, and the contents that no other one has. Manifests are read
 * before the transaction: they never change. Returns how many went; 0 if a pull, another replica's clean-up,
 * or a report or push that uses one of them came in between, and the next clean-up tries again.
 */
const deleteSnapshots = async (
  db: Database,
  tenant: Tenant & { clientId: string | null },
  ids: readonly string[],
): Promise<number> => {
  const clientId = tenant.clientId ?? ''
  const contents = contentsOf(db, tenant, clientId)
  const before = await snapshotsOf(db.as(tenant).read, tenant)
  const isAsBefore = async (reader: Reader): Promise<boolean> =>
    isDeepStrictEqual(await snapshotsOf(reader, tenant), before)
  const dead = await onlyIn(contents, before, new Set(ids)).catch(async (error: unknown) => {
    if (await isAsBefore(db.as(tenant).read)) throw error
    return null // another replica deleted them while they were read
  })
  if (dead === null) return 0
  return db.as(tenant).tx(async (tx) => {
    // Every row that refers to a client locks it for that: no pull begins, and no content is added.
    await sql`select from clients where org_id = ${tenant.orgId} and id = ${clientId} for update`.execute(
      tx,
    )
    if (!(await isAsBefore(tx)) || before.some(({ status }) => status === 'pulling')) return 0
    if (await isOneUsed(tx, tenant, ids)) return 0
    const { numDeletedRows } = await tx
      .deleteFrom('crm_topology_snapshots')
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .where('id', 'in', [...ids])
      .executeTakeFirstOrThrow()
    const hashes = [...dead]
    for (let from = 0; from < hashes.length; from += BATCH) {
      await deleteContents(tx, tenant, hashes.slice(from, from + BATCH))
    }
    return Number(numDeletedRows)
  })
}

const snapshotsOf = (reader: Reader, tenant: Tenant) =>
  reader
    .selectFrom('crm_topology_snapshots')
    .select(['id', 'status', 'manifest_hash'])
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', tenant.clientId)
    .orderBy('id')
    .execute()

/** Whether a report names one of them, or a push that has not ended uses it. */
const isOneUsed = async (tx: Tx, tenant: Tenant, ids: readonly string[]): Promise<boolean> => {
  const { rows } = await sql`
    select from crm_conflict_reports r
     where r.org_id = ${tenant.orgId} and (r.snapshot_id = any(${ids}) or r.pull_id = any(${ids}))
    union all
    select from crm_push_logs p
     where p.org_id = ${tenant.orgId} and p.snapshot_id = any(${ids}) and p.status in ('queued', 'in_progress')
     limit 1
  `.execute(tx)
  return rows.length > 0
}

type SnapshotRow = Awaited<ReturnType<typeof snapshotsOf>>[number]

/** The contents that only the snapshots which go have. */
const onlyIn = async (
  contents: Contents,
  rows: readonly SnapshotRow[],
  going: ReadonlySet<string>,
): Promise<Set<string>> => {
  const kept = await hashesOf(
    contents,
    rows.filter(({ id }) => !going.has(id)),
  )
  const dead = await hashesOf(
    contents,
    rows.filter(({ id }) => going.has(id)),
  )
  for (const hash of kept) dead.delete(hash)
  return dead
}

/** All contents of these snapshots. */
const hashesOf = async (
  contents: Contents,
  rows: readonly { manifest_hash: Buffer | null }[],
): Promise<Set<string>> => {
  const roots = new Set(
    rows.flatMap(({ manifest_hash: root }) => (root === null ? [] : [hashText(root)])),
  )
  const hashes = new Set<string>()
  for (const root of roots) for (const hash of await hashesIn(contents, root)) hashes.add(hash)
  return hashes
}

export type Retention = ReturnType<typeof createRetention>
