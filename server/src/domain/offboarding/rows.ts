// Off-boardings as rows and as callers see them.

import { type Selectable } from 'kysely'
import { type Reader, type Tenant, tenantOf } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type Progress, type WorkFault } from '../../db/tables/work.ts'
import { type Standing } from '../../jobs/account.ts'
import { type Work } from '../../jobs/jobs.ts'
import { type FailedStep } from '../connections/connections.ts'
import { type NamedComponent, type Proof, type StayCode } from '../deployments/rows.ts'

export type OffboardingRow = Selectable<TenantTables['offboardings']>

/** The stages in their order; `purge` is the purge's own work. */
export const STAGES = [
  'automations',
  'components',
  'settle',
  'revoke',
  'certify',
  'purge',
  'done',
] as const
export type OffboardingStage = (typeof STAGES)[number]

/** Until something of the client was ended that cannot be brought back. */
export const CANCELLABLE: ReadonlySet<string> = new Set<OffboardingStage>([
  'automations',
  'components',
])

export interface OffboardingOptions {
  allow_data_loss: boolean
  /** Deletes what is stored here of the client, once it has been taken out. */
  purge: boolean
  /** Takes nothing out of the Salesforce org. */
  leave_in_place: boolean
}

/** Something that we put there, or found there, and that stays. */
export interface Stay extends NamedComponent {
  code: StayCode
  reason: string
  /** Rows that would lose data; null: not countable, or not about data. */
  rows: number | null
  changed_by: string | null
  changed_at: string | null
}

/** What is known of it so far; jsonb of the row. */
export interface OffboardingResult {
  client: { id: string; name: string }
  removed: NamedComponent[]
  restored: NamedComponent[]
  stays: Stay[]
  proof: Proof | null
  connection: { status: 'revoked'; failed_steps: FailedStep[] } | null
  /** Of one that failed. */
  carried?: Carried
}

export interface Certified extends NamedComponent {
  /** SHA-256 of its content before the first deployment; null: it did not exist. */
  before: string | null
  /** … and as the last deployment left it; null: it was removed by it. */
  deployed: string | null
}

/** What one that failed had done, with those that failed before it: the certificate of the next names it. */
export interface Carried {
  removed: Certified[]
  restored: Certified[]
  proof: Proof | null
  sfdc_deploy_ids: string[]
  /** What it was about to do when its end was lost from sight: the next one finds out. */
  unseen?: { removed: Certified[]; restored: Certified[] }
}

export interface Offboarding extends Omit<OffboardingResult, 'client' | 'carried'> {
  id: string
  client_id: string
  client_name: string
  status: OffboardingRow['status']
  is_final: boolean
  is_preview: boolean
  options: OffboardingOptions
  progress: Progress
  purged: boolean
  certificate: unknown
  certificate_hash: string | null
  error: WorkFault | null
  salesforce_api_calls: number
  created_by: string | null
  created_at: string
  completed_at: string | null
}

export const scopeOf = (row: OffboardingRow): Tenant & { clientId: string } => {
  const clientId = row.client_id ?? ''
  return { ...tenantOf({ org_id: row.org_id, client_id: clientId }), clientId }
}

export const resultOf = (row: OffboardingRow): OffboardingResult => row.result as OffboardingResult
export const optionsOf = (row: OffboardingRow): OffboardingOptions =>
  row.options as OffboardingOptions

export const toOffboarding = (row: OffboardingRow): Offboarding => {
  const { client, carried: _, ...result } = resultOf(row)
  const isFinal = row.status !== 'running'
  const at = STAGES.indexOf(row.stage as OffboardingStage)
  return {
    id: row.id,
    client_id: client.id,
    client_name: client.name,
    status: row.status,
    is_final: isFinal,
    is_preview: row.is_preview,
    options: optionsOf(row),
    ...result,
    progress: {
      stage: isFinal ? 'done' : row.stage,
      done: isFinal ? STAGES.length - 1 : Math.max(0, at),
      total: STAGES.length - 1,
    },
    purged: row.client_id === null,
    // Until the end it is a draft.
    certificate: isFinal ? row.certificate : null,
    certificate_hash: row.certificate_hash,
    error: row.error,
    salesforce_api_calls: row.salesforce_api_calls,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
  }
}

export const offboardingById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
): Promise<OffboardingRow | undefined> =>
  reader
    .selectFrom('offboardings')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .executeTakeFirst()

/** What those before this one did that failed since the client last left; null: nothing. */
export const carriedTo = async (reader: Reader, row: OffboardingRow): Promise<Carried | null> => {
  const before = await reader
    .selectFrom('offboardings')
    .selectAll()
    .where('org_id', '=', row.org_id)
    .where('client_id', '=', row.client_id)
    .where('id', '<', row.id)
    .where('is_preview', '=', false)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return before?.status === 'failed' ? (resultOf(before).carried ?? null) : null
}

export const standingOf = async (reader: Reader, work: Work): Promise<Standing | null> => {
  const row = await offboardingById(reader, work, work.id)
  if (row === undefined) return null
  return {
    resource: { offboarding_id: row.id },
    requestId: row.request_id,
    ended: row.status === 'running' ? null : row.status,
    fault: row.error,
  }
}
