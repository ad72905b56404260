// What of the world outlives the process, as plain data. Indexes, caches and compiled flows are built
// again; locks, transactions, open query locators, retrieves and journals end with the process.

import { runFlowsIn } from '../automation/record-flows.ts'
import { outboxOf } from '../automation/outbox.ts'
import { type SavedNango } from '../nango/index.ts'
import { IdGenerator } from '../org/ids.ts'
import { type Lasting } from '../org/kept.ts'
import { type Org } from '../org/model.ts'
import { recordStateOf } from '../records/state.ts'
import { bulkOf } from '../salesforce/bulk/jobs.ts'
import { resumeJobs } from '../salesforce/bulk/resume.ts'
import { type Armed } from '../salesforce/faults.ts'
import { deploysOf } from '../salesforce/metadata/deploy/jobs.ts'
import { type Code } from '../salesforce/oauth.ts'
import { type OrgSpec } from '../world.ts'

type SavedOrg = Omit<Org, 'ids' | 'kept'> & {
  ids: ReturnType<IdGenerator['saved']>
  /** What modules keep about the org, by the names in LASTING. */
  parts: Record<string, unknown>
}

export interface SavedHost {
  org: SavedOrg
  spec: OrgSpec
  index: number
  initial: boolean
  /** Where the org answered; at the last one by its own word. */
  ports: number[]
}

export interface SavedWorld {
  hosts: SavedHost[]
  /** How many orgs were created, those that are gone included. */
  made: number
  ports: { control: number; login: number; testLogin: number; nango: number }
  faults: readonly Armed[]
  codes: Map<string, Code>
  nango: SavedNango
}

/** What modules keep about an org beyond a restart. Everything else they keep is built again. */
export const LASTING: Readonly<Record<string, (org: Org) => Lasting>> = {
  records: recordStateOf,
  outbox: outboxOf,
  deploys: deploysOf,
  bulk: bulkOf,
}

export const savedOrg = (org: Org): SavedOrg => {
  const { ids, kept: _kept, ...data } = org
  const parts = Object.entries(LASTING).map(([name, of]) => [name, of(org).saved()])
  return { ...data, ids: ids.saved(), parts: Object.fromEntries(parts) as SavedOrg['parts'] }
}

/** The org as it was saved. Its unfinished deploys and jobs go on. */
export const restoredOrg = ({ ids, parts, ...data }: SavedOrg): Org => {
  const org: Org = {
    // Worlds that were saved before there were custom permissions have none.
    ...{ customPermissions: new Map() },
    ...data,
    ids: new IdGenerator(ids.pod, ids.next),
    kept: new Map(),
  }
  // In the file, too, orgs share the standard fields.
  for (const { fields } of org.objects.values()) fields.forEach((field) => Object.freeze(field))
  runFlowsIn(org)
  for (const [name, of] of Object.entries(LASTING)) of(org).restore(parts[name])
  resumeJobs(org)
  return org
}

/** True while an org changes without being asked. */
export const isBusy = (org: Org): boolean => deploysOf(org).busy || bulkOf(org).busy

/** True while a save is half done: its rows are locked until it commits or rolls back. */
export const isSaving = (org: Org): boolean => {
  const { locks, holds } = recordStateOf(org)
  return locks.size > 0 && holds.size === 0
}
