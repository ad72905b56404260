// The certificate of an off-boarding: what was taken out, what stays and why, when, and what the components
// were before us, as hashes. Its own hash is that of its canonical JSON, so that anybody who has both can
// tell that it was not changed.

import { createHash } from 'node:crypto'
import { type Reader } from '../../db/database.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { canonicalJson } from '../canonical.ts'
import { type NamedComponent } from '../deployments/rows.ts'
import { loadWorkflowState } from '../deployments/workflows/images.ts'
import { partsIn } from '../metadata/parts.ts'
import { type Purged } from '../purge/purges.ts'
import { ruleIn } from '../workflows/rule-files.ts'
import { findFlow } from '../workflows/state.ts'
import { workflowNameOf } from '../workflows/transition.ts'
import {
  type Carried,
  carriedTo,
  type Certified,
  type OffboardingRow,
  optionsOf,
  resultOf,
} from './rows.ts'

export const hashOf = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex')

type PartOf = (component: NamedComponent) => JsonObject | null

const contentHash = (part: JsonObject | null): string | null =>
  part === null ? null : hashOf(part)

/** Reads the content of a component out of the images of what was taken out. */
const partsOf = async (
  reader: Reader,
  orgId: string,
  ids: { automations: string | null; components: string | null },
  moment: 'before' | 'after',
): Promise<PartOf> => {
  const ofWorkflows =
    ids.automations === null
      ? null
      : await loadWorkflowState(reader, { org_id: orgId, deployment_id: ids.automations }, moment)
  const files =
    ids.components === null
      ? []
      : await reader
          .selectFrom('deployment_images')
          .select(['name', 'content'])
          .where('org_id', '=', orgId)
          .where('deployment_id', '=', ids.components)
          .where('moment', '=', moment)
          .where('kind', '=', 'file')
          .execute()
  const parts = partsIn(new Map(files.map(({ name, content }) => [name, content])))
  return ({ type, full_name: fullName }) => {
    const name = workflowNameOf({ type, fullName })
    const own = parts.part({ type, fullName })
    if (own !== null || name === null || ofWorkflows === null) return own
    return name.type === 'flow'
      ? ((findFlow(ofWorkflows, fullName) as JsonObject | null) ?? null)
      : ruleIn(ofWorkflows, name.type, fullName)
  }
}

/**
 * These components with what they were, by the images of what was taken out; what an earlier attempt had taken out, as
 * that has certified it.
 */
export const certified = async (
  reader: Reader,
  row: OffboardingRow,
  some: readonly NamedComponent[],
  earlier: Carried | null,
): Promise<Certified[]> => {
  const ids = { automations: row.automations_id, components: row.components_id }
  const was = await partsOf(reader, row.org_id, ids, 'before')
  const left = await partsOf(reader, row.org_id, ids, 'after')
  const known = [...(earlier?.removed ?? []), ...(earlier?.restored ?? [])]
  return some.map(({ type, full_name }) => {
    const [before, deployed] = [was, left].map((part) => contentHash(part({ type, full_name })))
    const own = { type, full_name, before: before ?? null, deployed: deployed ?? null }
    // Neither image has it: it went before.
    const isOwn = own.before !== null || own.deployed !== null
    const former = known.find((one) => one.type === type && one.full_name === full_name)
    return isOwn ? own : (former ?? own)
  })
}

/** What is certified before anything stored here is deleted. */
export const draftCertificate = async (
  reader: Reader,
  row: OffboardingRow,
): Promise<Record<string, unknown>> => {
  const { client, removed, restored, stays, proof, connection } = resultOf(row)
  const earlier = await carriedTo(reader, row)
  const gone = await certified(reader, row, removed, earlier)
  const back = await certified(reader, row, restored, earlier)
  const sent = await deployIdsOf(reader, row, [row.automations_id, row.components_id])
  return {
    format: 1,
    offboarding_id: row.id,
    org_id: row.org_id,
    client,
    sfdc_org_id: row.sfdc_org_id,
    requested_by: row.created_by,
    started_at: row.created_at.toISOString(),
    options: optionsOf(row),
    deployments: await deploymentsIn(reader, row),
    sfdc_deploy_ids: [...(earlier?.sfdc_deploy_ids ?? []), ...sent],
    removed: gone,
    restored: back,
    stays,
    proof,
    connection,
    earlier: await earlierOf(reader, row),
    hashes: { removed: hashOf(gone), restored: hashOf(back), stays: hashOf(stays) },
  }
}

/** With what was deleted here; its hash goes with it. */
export const certify = (
  draft: Record<string, unknown>,
  completedAt: Date,
  purged: Purged | null,
): { certificate: Record<string, unknown>; hash: string } => {
  const certificate = {
    ...draft,
    completed_at: completedAt.toISOString(),
    purge:
      purged === null
        ? null
        : { deleted_rows: purged.deleted, grants_left: purged.grantsLeft, kept: ['audit_log'] },
  }
  return { certificate, hash: hashOf(certificate) }
}

/** Of a client that had left before: its certificate goes with what is stored of it, and lives on in this one. */
const earlierOf = async (reader: Reader, row: OffboardingRow) => {
  const former = await reader
    .selectFrom('offboardings')
    .select(['certificate', 'certificate_hash'])
    .where('org_id', '=', row.org_id)
    .where('client_id', '=', row.client_id)
    .where('id', '<>', row.id)
    .where('is_preview', '=', false)
    .where('certificate_hash', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return former ?? null
}

const deploymentsIn = async (reader: Reader, row: OffboardingRow) => {
  const rows = await reader
    .selectFrom('crm_deployments')
    .select(['id', 'kind', 'status', 'plan_hash', 'deployed_at'])
    .where('org_id', '=', row.org_id)
    .where('client_id', '=', row.client_id)
    .where('check_only', '=', false)
    .where('kind', 'not in', ['offboarding', 'workflow_offboarding'])
    .where('status', 'in', ['deployed', 'rolled_back'])
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ deployed_at, ...rest }) => ({
    ...rest,
    deployed_at: deployed_at?.toISOString() ?? null,
  }))
}

/** Salesforce's ids of what was sent to roll these back. */
export const deployIdsOf = async (
  reader: Reader,
  row: OffboardingRow,
  of: readonly (string | null)[],
): Promise<string[]> => {
  const ids = of.filter((id) => id !== null)
  if (ids.length === 0) return []
  const runs = await reader
    .selectFrom('deployment_runs')
    .select('sfdc_deploy_id')
    .where('org_id', '=', row.org_id)
    .where('deployment_id', 'in', ids)
    .where('sfdc_deploy_id', 'is not', null)
    .orderBy('id')
    .execute()
  return runs.flatMap(({ sfdc_deploy_id: id }) => (id === null ? [] : [id]))
}
