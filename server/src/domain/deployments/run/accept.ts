// How a change is accepted: its run is stored in one transaction with what it is a run of, holds the
// Salesforce org from then on, and is handed to the queue and followed.

import { isUniqueViolation, type Tenant, type Tx } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { json } from '../../../db/json.ts'
import { type WorkFault } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { type Jobs } from '../../../jobs/jobs.ts'
import { type Approved, useApproval } from '../../approvals/approvals.ts'
import { type Caller } from '../../caller.ts'
import { bindIdempotency } from '../../idempotency.ts'
import { handOver, type OnBehalf, ofWhom, waitForEnd } from '../../work/follow.ts'
import { type StageDeps } from '../../work/stages.ts'
import { runById, type RunRow } from '../rows.ts'

/** The index that allows one run in a Salesforce org. */
export const LOCK = 'deployment_runs_one_per_salesforce_org'

export interface Beginning {
  signal?: AbortSignal | undefined
  onBehalf?: OnBehalf | undefined
}

/** What is accepted: a run of this deployment, in this Salesforce org. */
interface Acceptance extends Pick<RunRow, 'kind' | 'options'> {
  deploymentId: string
  clientId: string
  sfdcOrgId: string
  approved: Approved
  waitSeconds: number
}

export type Accept = (
  caller: Caller,
  what: Acceptance,
  beginning: Beginning,
  store: (tx: Tx, insertRun: () => Promise<void>) => Promise<void>,
) => Promise<RunRow | undefined>

export /** Why a run ended; null while it runs and after a success. */
const endOf = (run: RunRow | undefined): WorkFault | null =>
  run?.ended_at == null ? null : run.error

interface Deps extends Pick<StageDeps, 'db' | 'logger'> {
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
}

/**
 * Stores what `store` writes together with the run, uses the approval up, and waits for the end as long as
 * asked; the run as it is then. Throws deployment_in_progress, approval_unusable, and Salesforce's failure if
 * that was the end.
 */
export const createAccept = ({ db, jobs, logger }: Deps): Accept => {
  /** Hands the run to the queue and waits for its end. */
  const follow = async (
    tenant: Tenant,
    runId: string,
    { kind, clientId, sfdcOrgId, waitSeconds }: Acceptance,
    { signal, onBehalf }: Beginning,
  ): Promise<RunRow | undefined> => {
    const look = () => runById(db.as(tenant).read, tenant, runId)
    const isDone = async () => (await look())?.ended_at !== null
    const work = { orgId: tenant.orgId, clientId, id: runId }
    await handOver({ jobs, logger }, kind, work, sfdcOrgId, { of: ofWhom(onBehalf) })
    await waitForEnd({ jobs }, runId, isDone, waitSeconds, signal)
    return look()
  }

  return async (caller, what, beginning, store) => {
    const { tenant } = caller
    const runId = newId()
    await exclusively(() =>
      db.as(tenant).tx(async (tx) => {
        await store(tx, () => insertRun(tx, caller, runId, what, beginning))
        await bindIdempotency(tx, caller, what.deploymentId)
        await beginning.onBehalf?.bind(tx, what.deploymentId)
      }),
    )
    const run = await follow(tenant, runId, what, beginning)
    throwUpstream(run)
    return run
  }
}

/** The run that holds the Salesforce org; the unique index decides between two at once. */
const insertRun = async (
  tx: Tx,
  caller: Caller,
  id: string,
  { kind, options, deploymentId, clientId, sfdcOrgId, approved }: Acceptance,
  { onBehalf }: Beginning,
): Promise<void> => {
  await tx
    .insertInto('deployment_runs')
    .values({
      id,
      org_id: caller.tenant.orgId,
      client_id: clientId,
      deployment_id: deploymentId,
      kind,
      options: json(options),
      stage: kind === 'deploy' ? 'before_image' : 'read',
      sfdc_org_id: sfdcOrgId,
      locked_sfdc_org_id: sfdcOrgId,
      for_fleet: onBehalf !== undefined,
      created_by: caller.userId,
      credential_type: caller.credential.type,
      credential_id: caller.credential.id,
      request_id: caller.requestId,
    })
    .execute()
  await useApproval(tx, caller, approved, deploymentId)
}

const exclusively = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (!isUniqueViolation(error, LOCK)) throw error
    throw new EngineError(
      'deployment_in_progress',
      'Another deployment or rollback is running in this Salesforce org.',
      { retryAfterSeconds: 10 },
    )
  }
}

/**
 * A caller who waited gets Salesforce's failure like that of any other call: 502 in Salesforce's own
 * words, or the permissions that the connected user lacks if that is the reason.
 */
const throwUpstream = (run: RunRow | undefined): void => {
  const fault = endOf(run)
  if (fault?.code !== 'salesforce_error' && fault?.code !== 'missing_permissions') return
  if (fault.upstream === undefined) return
  throw new EngineError(
    fault.code,
    `${fault.message.replace(/[.!?]?$/, '.')} Nothing was changed; see deployment ${run?.deployment_id ?? ''}.`,
    {
      upstream: fault.upstream,
      ...(fault.errors === undefined ? {} : { errors: fault.errors }),
    },
  )
}
