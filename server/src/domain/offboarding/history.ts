// Everything that was ever deployed to a client: what can be taken out, and what stays for a reason that is
// known before Salesforce is asked.

import { type Reader, type Tenant } from '../../db/database.ts'
import { type Images } from '../deployments/plan/images.ts'
import {
  changesOf,
  type ComponentRow,
  componentsById,
  type DeploymentRow,
  type LeftComponent,
  type NamedComponent,
  nothingYet,
  planOf,
  rollbackOf,
  type RollbackResult,
  type StayCode,
  SHOWN_KINDS,
} from '../deployments/rows.ts'
import { keptBy } from '../deployments/plan/rolled-back.ts'
import { loadWorkflowState } from '../deployments/workflows/images.ts'
import { type Component, keyOf } from '../metadata/names.ts'
import { type Beside, type PlanDeployment } from './merge-plans.ts'
import { type WorkflowDeployment } from './merge-workflows.ts'

/** A deployment that is taken out, with what of it is still there. */
export interface Handled {
  row: DeploymentRow
  rows: readonly ComponentRow[]
  undone: ReadonlySet<string>
}

export interface History {
  plans: PlanDeployment[]
  workflows: WorkflowDeployment[]
  beside: Beside
  handled: Handled[]
  /** What stays, whatever the Salesforce org says. */
  left: LeftComponent[]
}

const REASONS: Readonly<Partial<Record<StayCode, string>>> = {
  not_stored:
    'What the deployment found is no longer stored (DEPLOYMENT_RETENTION_DAYS), so nothing can be restored.',
  outcome_unknown: 'It is not known how the deployment left it.',
  other_salesforce_org:
    'It was deployed to a different Salesforce org, to which the client is no longer connected.',
  there_before: 'It was there before the first deployment, as planned, and was not changed.',
  left_in_place: 'Nothing was removed from the Salesforce org, as asked.',
}

export const leftFor = ({ type, full_name }: NamedComponent, code: StayCode): LeftComponent => ({
  type,
  full_name,
  code,
  reason: REASONS[code] ?? code,
  rows: null,
})

/** Deployments that changed something, or may have, oldest first. */
export const deploymentsOf = (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
): Promise<DeploymentRow[]> =>
  reader
    .selectFrom('crm_deployments')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .where('check_only', '=', false)
    .where('kind', 'in', SHOWN_KINDS)
    .where((where) =>
      where.or([
        where('status', 'in', ['deployed', 'rolled_back']),
        where('applied', '=', 'unknown'),
      ]),
    )
    .orderBy('created_at')
    .orderBy('id')
    .execute()

const keyIn = ({ type, full_name }: NamedComponent): string => keyOf({ type, fullName: full_name })

/** What ended rollbacks took back for good. */
const undoneBy = async (reader: Reader, row: DeploymentRow): Promise<Set<string>> => {
  const runs = await reader
    .selectFrom('deployment_runs')
    .select('result')
    .where('org_id', '=', row.org_id)
    .where('deployment_id', '=', row.id)
    .where('kind', '=', 'rollback')
    .where('ended_at', 'is not', null)
    .orderBy('id')
    .execute()
  const undone = new Set<string>()
  // An off-boarding stores it with the deployment alone.
  for (const stored of [...runs.map(({ result }) => result), row.rollback]) {
    const result = { ...nothingYet(), ...(stored as Partial<RollbackResult> | null) }
    if (result.status !== 'complete' && result.status !== 'partial') continue
    const open = new Set([...result.kept, ...result.remaining].map(keyIn))
    for (const one of [...result.removed, ...result.restored]) {
      if (!open.has(keyIn(one))) undone.add(keyIn(one))
    }
  }
  return undone
}

const imagesOf = async (
  reader: Reader,
  row: DeploymentRow,
  moment: 'before' | 'after',
): Promise<Images> => {
  const rows = await reader
    .selectFrom('deployment_images')
    .select(['kind', 'name', 'content'])
    .where('org_id', '=', row.org_id)
    .where('deployment_id', '=', row.id)
    .where('moment', '=', moment)
    .execute()
  const of = (kind: string) => rows.filter((one) => one.kind === kind)
  return {
    files: new Map(of('file').map(({ name, content }) => [name, content])),
    describes: new Map(
      of('describe').map(({ name, content }) => [
        name,
        JSON.parse(content) as Record<string, unknown>,
      ]),
    ),
  }
}

/** The deployment itself, if its rollback could not take back all; else none. */
const rolledBackOf = async (reader: Reader, row: DeploymentRow): Promise<Beside['rolledBack']> => {
  const { status } = rollbackOf(row)
  const kept = new Set(status === 'complete' || status === 'partial' ? keptBy(row) : [])
  if (row.rollback === null || kept.size === 0) return []
  const { files: before } = await imagesOf(reader, row, 'before')
  const { files: after } = await imagesOf(reader, row, 'after')
  return [{ kept, before, after }]
}

const asComponent = ({ type, full_name: fullName }: NamedComponent): Component => ({
  type,
  fullName,
})

/** `sfdcOrgId`: where it is taken out; null: nowhere, everything is left in place. */
export const historyOf = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
  sfdcOrgId: string | null,
): Promise<History> => {
  const history: History = {
    plans: [],
    workflows: [],
    beside: { components: [], changes: [], rolledBack: [] },
    handled: [],
    left: [],
  }
  const beside = {
    components: [] as Component[],
    changes: [] as Beside['changes'][number][],
    rolledBack: [] as Beside['rolledBack'][number][],
  }
  const left = new Map<string, LeftComponent>()
  const touched = new Set<string>()
  const unchanged = new Map<string, NamedComponent>()
  for (const row of await deploymentsOf(reader, tenant, clientId)) {
    const rows = await componentsById(reader, tenant, row.id)
    const changed = rows.filter(({ action }) => action !== 'unchanged')
    const leave = (code: StayCode, some: readonly ComponentRow[] = changed): void => {
      for (const one of some) left.set(keyIn(one), leftFor(one, code))
    }
    if (row.sfdc_org_id === sfdcOrgId) beside.rolledBack.push(...(await rolledBackOf(reader, row)))
    if (row.status === 'rolled_back') {
      beside.components.push(...rows.map(asComponent))
      beside.changes.push(changesOf(row))
      continue
    }
    const undone = await undoneBy(reader, row)
    const there = changed.filter((one) => !undone.has(keyIn(one)))
    if (sfdcOrgId === null) leave('left_in_place', there)
    else if (row.sfdc_org_id !== sfdcOrgId) leave('other_salesforce_org', there)
    else if (row.images_discarded_at !== null) leave('not_stored', there)
    else {
      const isKnown = await addTo(history, reader, row, rows, undone)
      if (!isKnown) {
        leave('outcome_unknown', there)
        continue
      }
      history.handled.push({ row, rows, undone })
      for (const one of changed) touched.add(keyIn(one))
      for (const one of rows) {
        if (one.action === 'unchanged') unchanged.set(keyIn(one), one)
      }
      if (row.kind !== 'custom_objects') beside.components.push(...rows.map(asComponent))
    }
  }
  for (const [key, one] of unchanged) {
    if (!touched.has(key) && !left.has(key)) left.set(key, leftFor(one, 'there_before'))
  }
  return { ...history, beside, left: [...left.values()] }
}

/** False where it is not known how the deployment left things. */
const addTo = async (
  { plans, workflows }: History,
  reader: Reader,
  row: DeploymentRow,
  rows: readonly ComponentRow[],
  undone: ReadonlySet<string>,
): Promise<boolean> => {
  if (row.kind === 'custom_objects') {
    const [before, after] = [
      await imagesOf(reader, row, 'before'),
      await imagesOf(reader, row, 'after'),
    ]
    if (after.files.size === 0) return false
    const changes = changesOf(row)
    plans.push({ id: row.id, plan: planOf(row), rows, before, after, changes, undone })
    return true
  }
  const of = { org_id: row.org_id, deployment_id: row.id }
  const before = await loadWorkflowState(reader, of, 'before')
  const after = await loadWorkflowState(reader, of, 'after')
  const isKnown = row.status === 'deployed'
  if (isKnown) workflows.push({ id: row.id, rows, before, after, isKnown, undone })
  return isKnown
}
