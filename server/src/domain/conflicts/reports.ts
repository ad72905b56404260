// Conflict reports: a plan judged against a client's Salesforce org before anything is changed there,
// kept so that a deploy can be checked against it. The check is durable; the calls here start it and
// read it.

import { type Database, type Tenant } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { isStorable, json } from '../../db/json.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { type ConflictReports } from '../deployments/gate.ts'
import { bindIdempotency } from '../idempotency.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from '../page.ts'
import { parsePlan } from '../plan/check.ts'
import { planHash } from '../plan/plan-hash.ts'
import { type Plan, planSchema } from '../plan/schema.ts'
import { destinationOf } from '../work/door.ts'
import { handOver, type OnBehalf, ofWhom, waitForEnd } from '../work/follow.ts'
import { parseWorkflows } from '../workflows/definition/parse.ts'
import { type Fingerprints } from '../workflows/fingerprints.ts'
import { type PlannedWorkflow, workflowsHash } from '../workflows/workflow.ts'
import { type CheckDeps, createCheckWorker, noSnapshot } from './check-run.ts'
import { estimateApiCalls } from './estimate.ts'
import { changedByUs } from './own-changes.ts'
import {
  planOf,
  type Report,
  reportById,
  type ReportSummary,
  toReport,
  toSummary,
  workflowsOf,
} from './rows.ts'

export { type Report, type ReportSummary } from './rows.ts'

export interface CheckInput {
  client_id: string
  /** Unchecked: `parsePlan` checks it. Either this or workflows. */
  plan?: unknown
  /** Unchecked: `parseWorkflows` checks them. */
  workflows?: unknown
  /** Pull the topology first; what we changed ourselves since the snapshot is pulled anyway. */
  refresh?: boolean | undefined
  /** Let Salesforce validate it too, by a deploy with `checkOnly`. */
  validate_in_salesforce?: boolean | undefined
  wait_seconds: number
}

export interface ReportListInput extends PageRequest, TimeRange {
  client_id: string
  status?: ReportSummary['status'] | undefined
}

interface Options extends Omit<CheckDeps, 'jobs' | 'mappingFacts'> {
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  /** Default: no mappings. */
  mappingFacts?: CheckDeps['mappingFacts']
}

export interface Conflicts {
  /**
   * Starts a check and waits for its end as long as asked. Throws not_found, client_inactive,
   * connection_not_ready, invalid_plan (with paths), bad_request, and no_snapshot if there is none and
   * no refresh was requested.
   */
  check(
    caller: Caller,
    input: CheckInput,
    signal?: AbortSignal,
    onBehalf?: OnBehalf,
  ): Promise<Report>
  /** With `plan`, also what was checked; null if that were workflows. */
  get(
    tenant: Tenant,
    reportId: string,
    include?: { plan: boolean },
  ): Promise<Report & { plan?: Plan | null }>
  /** Newest first, without findings. */
  list(tenant: Tenant, input: ReportListInput): Promise<Page<ReportSummary>>
  /** For the queue. */
  worker: Worker
}

const requireStorable = (value: unknown, path: string): void => {
  if (isStorable(value)) return
  const message = `${path} contains U+0000 or half a surrogate pair. Remove it.`
  throw new EngineError('invalid_plan', message, {
    errors: [{ path, code: 'bad_text', message }],
  })
}

const refusal = (path: string, code: string, message: string): EngineError =>
  new EngineError('bad_request', message, { errors: [{ path, code, message }] })

interface Wish {
  plan: Plan
  workflows: PlannedWorkflow[]
  hash: string
}

export const createConflicts = (options: Options): Conflicts => {
  const { db, jobs, connections, topology, logger } = options
  const mappingFacts = options.mappingFacts ?? (async () => [])

  const wishOf = (input: CheckInput): Wish => {
    if ((input.plan === undefined) === (input.workflows === undefined)) {
      throw refusal('plan', 'one_of_two', 'Send either plan or workflows, not both.')
    }
    if (input.workflows === undefined) {
      const plan = parsePlan(input.plan, 'plan')
      return { plan, workflows: [], hash: planHash(plan) }
    }
    const workflows = parseWorkflows(input.workflows, 'workflows')
    requireStorable(workflows, 'workflows')
    return { plan: planSchema.parse({}), workflows, hash: workflowsHash(workflows) }
  }

  const get: Conflicts['get'] = async (tenant, id, include) => {
    const row = await reportById(db.as(tenant).read, tenant, id)
    if (row === undefined) throw notFound('conflict report')
    const report = toReport(row)
    if (include?.plan !== true) return report
    return { ...report, plan: workflowsOf(row).length > 0 ? null : planOf(row) }
  }

  /**
   * The pull of what we have changed ourselves since the snapshot; null if there is nothing. Without an id,
   * the check starts it when the pull that is running now has ended.
   */
  const pullOwn = async (
    caller: Caller,
    { client_id }: CheckInput,
    sfdcOrgId: string,
  ): Promise<{ id: string | null } | null> => {
    const changed = await changedByUs(db, caller.tenant, client_id, sfdcOrgId)
    if (changed.length === 0) return null
    const objects = changed === 'all' ? undefined : [...changed]
    try {
      // The key of the request belongs to the report.
      const asked = { ...caller, idempotency: null }
      return await topology.pull(asked, { client_id, objects, wait_seconds: 0 })
    } catch (error) {
      if (error instanceof EngineError && error.code === 'pull_in_progress') return { id: null }
      throw error
    }
  }

  const start = async (
    caller: Caller,
    input: CheckInput,
    sfdcOrgId: string,
    onBehalf: OnBehalf | undefined,
  ): Promise<string> => {
    const { tenant } = caller
    const { plan, workflows, hash: hashed } = wishOf(input)
    if (input.refresh !== true) {
      const snapshot = await topology.newestComplete(tenant, input.client_id)
      if (snapshot?.sfdcOrgId !== sfdcOrgId) throw noSnapshot()
    }
    const pull = input.refresh === true ? { id: null } : await pullOwn(caller, input, sfdcOrgId)
    const validate = input.validate_in_salesforce === true
    const stage = pull !== null ? 'pull' : validate ? 'salesforce' : 'rules'
    const id = newId()
    await db.as(tenant).tx(async (tx) => {
      await tx
        .insertInto('crm_conflict_reports')
        .values({
          id,
          org_id: tenant.orgId,
          client_id: input.client_id,
          plan: json(plan),
          workflows: json(workflows),
          plan_hash: hashed,
          stage,
          pull_id: pull?.id ?? null,
          validate_in_salesforce: validate,
          sfdc_org_id: sfdcOrgId,
          for_fleet: onBehalf !== undefined,
          api_call_estimate: estimateApiCalls(plan, workflows),
          progress: json({
            stage: stage === 'rules' ? 'facts' : stage,
            done: 0,
            total: 2 + Number(pull !== null) + Number(validate),
          }),
          created_by: caller.userId,
          credential_type: caller.credential.type,
          credential_id: caller.credential.id,
          request_id: caller.requestId,
        })
        .execute()
      await bindIdempotency(tx, caller, id)
      await onBehalf?.bind(tx, id)
    })
    return id
  }

  return {
    check: async (caller, input, signal, onBehalf) => {
      const { tenant } = caller
      const { sfdc_org_id: sfdcOrgId } = await destinationOf(connections, tenant, input.client_id)
      const id = await start(caller, input, sfdcOrgId, onBehalf)
      const isDone = async () => (await get(tenant, id)).is_final
      const work = { orgId: tenant.orgId, clientId: input.client_id, id }
      await handOver({ jobs, logger }, 'conflict-check', work, sfdcOrgId, { of: ofWhom(onBehalf) })
      await waitForEnd({ jobs }, id, isDone, input.wait_seconds, signal)
      return get(tenant, id)
    },
    get,
    list: (tenant, input) =>
      db.as(tenant).tx(async (tx) => {
        await requireClient(tx, tenant, input.client_id)
        let query = tx
          .selectFrom('crm_conflict_reports')
          .selectAll()
          .where('org_id', '=', tenant.orgId)
          .where('client_id', '=', input.client_id)
        if (input.status !== undefined) query = query.where('status', '=', input.status)
        return pageOf(within(query, 'created_at', input), 'id', input, toSummary)
      }),
    worker: createCheckWorker({ ...options, mappingFacts }),
  }
}

/** What a deploy is checked against; needs only the rows. */
export const createConflictReports = (db: Database): ConflictReports => ({
  find: async (tenant, reportId) => {
    const row = await reportById(db.as(tenant).read, tenant, reportId)
    if (row === undefined) return null
    const workflows = workflowsOf(row)
    return {
      clientId: row.client_id,
      planHash: row.plan_hash,
      checked: workflows.length > 0 ? { workflows } : { plan: planOf(row) },
      status: row.status,
      severity: row.severity,
      sfdcOrgId: row.sfdc_org_id,
      snapshotVersion: row.snapshot_version,
      judged: (workflows.length > 0
        ? row.judged_workflows
        : row.judged_components) as Fingerprints | null,
      findings: toReport(row).findings,
    }
  },
})
