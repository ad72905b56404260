// Many deployments of a client as one, which was never deployed as such: it exists to be rolled back, under
// the same lock and by the same stages as any other. Callers do not see it among the deployments.

import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { type Actor } from '../audit.ts'
import { type WorkflowState } from '../workflows/state.ts'
import { type Images } from './plan/images.ts'
import { type ComponentRow, nothingYet, type RollbackOptions, type RunRow } from './rows.ts'
import { createJournal } from './run/journal.ts'
import { saveWorkflowState } from './workflows/images.ts'

export interface Combined {
  plan: unknown
  changes: unknown
  rows: readonly Pick<
    ComponentRow,
    'type' | 'full_name' | 'path' | 'action' | 'reversibility' | 'reason'
  >[]
  /** What was found before the first, and what the last left. */
  images: { before: Images; after: Images } | { before: WorkflowState; after: WorkflowState }
}

interface Where {
  tenant: Tenant
  clientId: string
  connectionId: string
  sfdcOrgId: string
}

/**
 * Adds the deployment with the run that rolls it back, which locks the Salesforce org: a unique violation
 * of {@link LOCK} says that something else runs there.
 */
export const insertCombined = async (
  { db, jobs }: { db: Database; jobs: Pick<Jobs, 'announce'> },
  tx: Tx,
  { tenant, clientId, connectionId, sfdcOrgId }: Where,
  actor: Actor,
  combined: Combined,
  options: RollbackOptions,
): Promise<{ deploymentId: string; runId: string }> => {
  const [deploymentId, runId] = [newId(), newId()]
  const isOfWorkflows = 'flows' in combined.images.before
  const by = { created_by: actor.userId, request_id: actor.requestId }
  await tx
    .insertInto('crm_deployments')
    .values({
      id: deploymentId,
      org_id: tenant.orgId,
      client_id: clientId,
      connection_id: connectionId,
      kind: isOfWorkflows ? 'workflow_offboarding' : 'offboarding',
      status: 'deployed',
      plan: json(combined.plan),
      changes: json(combined.changes),
      applied: 'all',
      rollback: json(nothingYet()),
      sfdc_org_id: sfdcOrgId,
      ...by,
    })
    .execute()
  const run: RunRow = await tx
    .insertInto('deployment_runs')
    .values({
      id: runId,
      org_id: tenant.orgId,
      client_id: clientId,
      deployment_id: deploymentId,
      kind: 'rollback',
      options: json(options),
      stage: 'read',
      sfdc_org_id: sfdcOrgId,
      locked_sfdc_org_id: sfdcOrgId,
      credential_type: actor.credentialType,
      credential_id: actor.credentialId,
      ...by,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  const journal = createJournal(db, jobs, run)
  await journal.saveComponents(
    tx,
    combined.rows.map((row, position) => ({ ...row, position, success: true, problem: null })),
  )
  for (const moment of ['before', 'after'] as const) {
    const image = combined.images[moment]
    if ('flows' in image) await saveWorkflowState(tx, run, moment, image)
    else await journal.saveImages(tx, moment, image)
  }
  return { deploymentId, runId }
}
