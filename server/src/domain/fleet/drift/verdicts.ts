// What a run found out, written down once, and told where it is new.

import { type Tenant, type Tx } from '../../../db/database.ts'
import { json, jsonOrNull } from '../../../db/json.ts'
import { appendEvent } from '../../events/events.ts'
import { type Assessment } from './assess.ts'
import { type ComponentDrift, type ComponentState } from './evaluate.ts'
import { newestResult, noCounts, type ResultRow, type RunCounts } from './rows.ts'

/** The members of a row that say how a client stands. */
export const verdict = ({ state, counts, components, reason, snapshot }: Assessment) => ({
  state,
  reason: jsonOrNull(reason),
  snapshot_id: snapshot?.id ?? null,
  snapshot_version: snapshot?.version ?? null,
  snapshot_at: snapshot?.completedAt ?? null,
  counts: json(counts),
  components: json(components),
})

/** The verdict of a row that waited, once. */
export const store = async (
  tx: Tx,
  tenant: Tenant,
  row: ResultRow,
  found: Assessment,
): Promise<void> => {
  const changed = await tx
    .updateTable('fleet_drift_results')
    .set(verdict(found))
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', row.id)
    .where('state', 'is', null)
    .returning('id')
    .execute()
  if (changed.length > 0) await tell(tx, tenant, row, found)
}

const keysOf = (components: readonly ComponentDrift[]): string[] =>
  components
    .filter(({ state, accepted }) => !accepted && state !== 'in_sync' && state !== 'unknown')
    .map(({ type, full_name, state }) => `${state} ${type} ${full_name}`)

/** Tells of drift that the result before did not show. */
export const tell = async (
  tx: Tx,
  tenant: Tenant,
  of: { run_id: string; client_id: string; blueprint_id: string; version: number },
  found: Assessment,
): Promise<void> => {
  if (found.state !== 'drifted') return
  const before = await newestResult(tx, tenant, {
    ...{ clientId: of.client_id, blueprintId: of.blueprint_id, except: of.run_id },
  })
  // What was true of an older snapshot is no news.
  if ((before?.snapshot_version ?? 0) > (found.snapshot?.version ?? 0)) return
  const known = new Set(keysOf((before?.components ?? []) as ComponentDrift[]))
  if (keysOf(found.components).every((key) => known.has(key))) return
  await appendEvent(tx, { orgId: tenant.orgId, clientId: of.client_id }, 'drift.found', {
    run_id: of.run_id,
    blueprint_id: of.blueprint_id,
    version: of.version,
    components: found.counts,
  })
}

/** How many clients and components of a run are in each state. */
export const countsOf = async (tx: Tx, { orgId }: Tenant, runId: string): Promise<RunCounts> => {
  const rows = await tx
    .selectFrom('fleet_drift_results')
    .select(['state', 'counts'])
    .where('org_id', '=', orgId)
    .where('run_id', '=', runId)
    .execute()
  const counts = noCounts()
  for (const row of rows) {
    counts[row.state ?? 'waiting'] += 1
    for (const [state, count] of Object.entries(row.counts as Record<ComponentState, number>)) {
      const known = counts.components[state as ComponentState] ?? 0
      counts.components[state as ComponentState] = known + count
    }
  }
  return counts
}
