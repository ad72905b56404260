// The end of a pull: the manifest, what changed since the previous snapshot, and the one transaction
// that makes the snapshot complete.

import { sql } from 'kysely'
import { type Database } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type SnapshotChanges, type SnapshotStats } from '../../db/tables/topology.ts'
import { type Progress } from '../../db/tables/work.ts'
import { hashBytes } from './content-hash.ts'
import { differencesOf } from './compare.ts'
import { isOfSchema } from './diff.ts'
import { type Journal, keyOf } from './journal.ts'
import { encodeManifest, fieldsCountOf, type Manifest } from './manifest.ts'
import { type SnapshotRow } from './snapshots.ts'
import { type Contents } from './contents.ts'
import { insertFrame, pack } from './store.ts'
import { type Renewal, renewValidators } from './validators.ts'

interface FinishTask {
  db: Database
  journal: Journal
  row: SnapshotRow
  base: { row: SnapshotRow; manifest: Manifest } | null
  contents: Contents
  manifest: Manifest
  stats: SnapshotStats
  progress: Progress
  apiVersion: string
  language: string | null
  renewal: Renewal
}

const changesSince = async (
  { base, contents, manifest, row, apiVersion }: FinishTask,
  isSame: boolean,
): Promise<SnapshotChanges | null> => {
  if (base === null) return null
  const changes: SnapshotChanges = { added: 0, removed: 0, changed: 0 }
  if (isSame) return changes
  const before = { manifest: base.manifest, contents }
  const differences = differencesOf(
    before,
    { manifest, contents },
    {
      acrossOrgs: base.row.sfdc_org_id !== row.sfdc_org_id,
      acrossVersions: base.row.api_version !== apiVersion,
    },
  )
  for await (const { change } of differences) if (isOfSchema(change)) changes[change] += 1
  return changes
}

/** Completes the snapshot. Every content that the manifest names is already in the store. */
export const finishPull = async (task: FinishTask): Promise<void> => {
  const { journal, row, base, manifest, stats } = task
  const { tenant, clientId } = keyOf(row)
  const { root, pages } = encodeManifest(manifest)
  const hashColumn = hashBytes(root.hash)
  const isSame = base?.row.manifest_hash?.equals(hashColumn) === true
  const changes = await changesSince(task, isSame)
  const stored = await task.contents.stored([root, ...pages].map(({ hash }) => hash))
  const frame = await pack([root, ...pages].filter(({ hash }) => !stored.has(hash)))

  await journal.complete(async (tx) => {
    stats.bytes += await insertFrame(tx, tenant, clientId, frame)
    // This row is locked and the only one of its client that is being pulled: nobody else takes the next
    // version.
    const newest = await tx
      .selectFrom('crm_topology_snapshots')
      .select(sql<number>`coalesce(max(version), 0)`.as('version'))
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      .executeTakeFirstOrThrow()
    await renewValidators(tx, tenant, clientId, task.renewal)
    await tx
      .updateTable('crm_topology_snapshots')
      .set({
        status: 'complete',
        version: newest.version + 1,
        api_version: task.apiVersion,
        language: task.language,
        progress: json(task.progress),
        error: null,
        manifest_hash: hashColumn,
        content_hash: hashColumn.toString('hex'),
        objects_count: manifest.objects.size,
        fields_count: fieldsCountOf(manifest),
        automations_count: manifest.automations.size,
        stats: json(stats),
        changes_from_previous: jsonOrNull(changes),
        completed_at: sql<Date>`clock_timestamp()`,
      })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', row.id)
      .execute()
    return stats
  })
}
