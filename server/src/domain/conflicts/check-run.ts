// The check as durable work: pull → salesforce → rules. What a stage waits for (a pull, a validating
// deploy) is durable work of its own, and its id is stored; the rules run in one go and are simply run
// again if they were killed.

import { sql } from 'kysely'
import { type Database, type Tenant, tenantOf, wholeOrg } from '../../db/database.ts'
import { type Progress, type WorkFault } from '../../db/tables/work.ts'
import { EngineError } from '../../errors.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { ROLE_PERMISSIONS } from '../auth/permissions.ts'
import { type Caller } from '../caller.ts'
import { type Deployments } from '../deployments/deployments.ts'
import { sameName } from '../metadata/names.ts'
import { type CompleteSnapshot, type Topology } from '../topology/topology.ts'
import { createStagedWorker, type StageContext, type StageDeps } from '../work/stages.ts'
import { readFingerprints } from '../workflows/fingerprints.ts'
import { checkPlan } from './check.ts'
import { type MappingFacts, type SnapshotFacts } from './facts.ts'
import { createJournal, type Journal } from './journal.ts'
import { createLiveFacts } from './live/live.ts'
import { packageSizeOf, workflowsSizeOf } from './live/package-size.ts'
import {
  planOf,
  problemsOf,
  reportById,
  type ReportRow,
  type Stage,
  standingOf,
  workflowsOf,
} from './rows.ts'
import { readSnapshotFacts } from './snapshot-facts.ts'
import { comparedIn, readStanding } from './standing.ts'
import { verdictOf } from './validation.ts'

export interface CheckDeps extends StageDeps {
  jobs: Pick<Jobs, 'announce' | 'waitFor'>
  topology: Pick<Topology, 'pull' | 'snapshot' | 'newestComplete' | 'completeVersion'>
  deployments: Pick<Deployments, 'deploy' | 'deployWorkflows' | 'get'>
  /** This client's active mappings, each with the value profile of its last push. */
  mappingFacts: (tenant: Tenant, clientId: string) => Promise<readonly MappingFacts[]>
  /** Share of the daily API calls that is left to the client's other tools. */
  apiReservePercent: number
}

/** What the stages of one run work with. */
interface Context extends StageContext {
  deps: CheckDeps
  journal: Journal
}

type Run = (context: Context, row: ReportRow) => Promise<'next' | 'stop'>

/** How long a run waits for other work before it pauses and leaves it to the sweep to resume it. */
const WAIT_MS = 30_000
const LOOK_AGAIN_SECONDS = 5

/** The stages that this report goes through, in their order. */
const stagesOf = (row: ReportRow, pulls: boolean): string[] => [
  ...(pulls ? ['pull'] : []),
  ...(row.validate_in_salesforce ? ['salesforce'] : []),
  'facts',
  'rules',
]

/** How far a report is. Only its first stage and its pull say whether it pulls. */
export const progressAt = (row: ReportRow, stage: string): Progress => {
  const stages = stagesOf(row, row.stage === 'pull' || row.pull_id !== null)
  const at = stages.indexOf(stage)
  return { stage, done: at < 0 ? stages.length : at, total: stages.length }
}

/** A check acts for the caller who asked for it, in the report's client and nowhere else. */
const callerOf = async ({ db }: CheckDeps, row: ReportRow): Promise<Caller> => {
  const user = await db
    .as(wholeOrg(row.org_id)) // an org's own users belong to no client
    .tx((tx) =>
      tx
        .selectFrom('users')
        .select(['id', 'email', 'role'])
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.created_by)
        .executeTakeFirst(),
    )
  if (user === undefined)
    throw new EngineError('not_found', 'The user who started this check no longer exists.')
  return {
    tenant: tenantOf(row),
    userId: user.id,
    email: user.email,
    role: user.role,
    permissions: ROLE_PERMISSIONS[user.role],
    credential: {
      type: row.credential_type === 'session' ? 'session' : 'api_token',
      id: row.credential_id ?? '',
    },
    requestId: row.request_id ?? '',
    idempotency: null,
  }
}

/** The state of work that runs elsewhere: whether it has ended, and whether it is itself waiting. */
interface Elsewhere {
  ended: boolean
  error: WorkFault | null
}

/** Waits until work that runs elsewhere has ended or is itself waiting, and returns its state then. */
const ended = async (
  { deps, signal }: Context,
  id: string,
  look: () => Promise<Elsewhere>,
): Promise<Elsewhere> => {
  const isDone = async (): Promise<boolean> => {
    const { ended, error } = await look()
    return ended || error !== null
  }
  await deps.jobs.waitFor(id, { isDone, timeoutMs: WAIT_MS, signal })
  signal.throwIfAborted()
  return look()
}

const afterPull = (row: ReportRow): Stage => (row.validate_in_salesforce ? 'salesforce' : 'rules')

const pulling: Run = async (context, row) => {
  const { deps, journal } = context
  const { tenant } = journal
  let pullId = row.pull_id
  if (pullId === null) {
    const caller = await callerOf(deps, row)
    const started = await deps.topology.pull(caller, {
      client_id: row.client_id,
      wait_seconds: 0,
    })
    pullId = started.id
    await journal.step({ pull_id: pullId })
  }
  const id = pullId
  const look = () => deps.topology.snapshot(tenant, id)
  const pull = await ended(context, id, async () => {
    const { status, error } = await look()
    return { ended: status !== 'pulling', error }
  })
  if (!pull.ended) {
    await journal.hold(pull.error, LOOK_AGAIN_SECONDS)
    return 'stop'
  }
  const snapshot = await look()
  if (snapshot.status === 'failed') {
    await journal.fail(snapshot.error ?? { code: 'internal', message: 'The pull failed.' })
    return 'stop'
  }
  const stage = afterPull(row)
  await journal.step({
    stage,
    progress: progressAt({ ...row, pull_id: id }, stage === 'rules' ? 'facts' : stage),
    snapshot: { id, version: snapshot.version ?? 0 },
  })
  return 'next'
}

/** A validation deploy that this report started, if a run was killed before it could store its id. */
const findValidation = ({ deps, journal }: Context, row: ReportRow): Promise<string | null> =>
  deps.db.as(journal.tenant).tx(async (tx) => {
    const found = await tx
      .selectFrom('crm_deployments')
      .select('id')
      .where('org_id', '=', row.org_id)
      .where('client_id', '=', row.client_id)
      .where('check_only', '=', true)
      .where('plan_hash', '=', row.plan_hash)
      .where('request_id', '=', row.request_id)
      .where('created_at', '>=', row.created_at)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    return found?.id ?? null
  })

const validating: Run = async (context, row) => {
  const { deps, journal } = context
  const { tenant } = journal
  let deploymentId = row.validation_id ?? (await findValidation(context, row))
  if (deploymentId === null) {
    // It takes its turn: while something else is being deployed there, this throws
    // deployment_in_progress.
    const caller = await callerOf(deps, row)
    const input = { client_id: row.client_id, check_only: true, wait_seconds: 0 }
    const workflows = workflowsOf(row)
    const started =
      workflows.length > 0
        ? await deps.deployments.deployWorkflows(caller, { ...input, workflows })
        : await deps.deployments.deploy(caller, { ...input, plan: planOf(row) })
    deploymentId = started.id
  }
  const id = deploymentId
  if (row.validation_id === null) await journal.step({ validation_id: id })
  const deploy = await ended(context, id, async () => {
    const { is_final, error } = await deps.deployments.get(tenant, id)
    return { ended: is_final, error }
  })
  if (!deploy.ended) {
    await journal.hold(deploy.error, LOOK_AGAIN_SECONDS)
    return 'stop'
  }
  const verdict = verdictOf(await deps.deployments.get(tenant, id))
  if ('fault' in verdict) {
    await journal.fail(verdict.fault)
    return 'stop'
  }
  await journal.step({
    stage: 'rules',
    problems: verdict.problems,
    progress: progressAt(row, 'facts'),
  })
  return 'next'
}

/** The snapshot to check against: the one pulled for this check, otherwise the newest. */
const snapshotFor = async ({ deps, journal }: Context, row: ReportRow) => {
  const { tenant } = journal
  const snapshot: CompleteSnapshot | null =
    row.snapshot_version === null
      ? await deps.topology.newestComplete(tenant, row.client_id)
      : await deps.topology.completeVersion(tenant, row.client_id, row.snapshot_version)
  if (snapshot === null || snapshot.sfdcOrgId !== row.sfdc_org_id) throw noSnapshot()
  return snapshot
}

export const noSnapshot = (): EngineError =>
  new EngineError(
    'no_snapshot',
    'There is no complete snapshot of this Salesforce org. Pull the topology, or check with refresh: true.',
  )

const judging: Run = async (context, row) => {
  const { deps, journal, spent } = context
  const plan = planOf(row)
  const workflows = workflowsOf(row)
  const snapshot = await snapshotFor(context, row)
  const [facts, mappings, deletedByUs, standing] = await Promise.all([
    readSnapshotFacts(snapshot, plan, workflows),
    deps.mappingFacts(journal.tenant, row.client_id),
    // If Salesforce itself has validated the plan, it knows better which names are free again.
    problemsOf(row) === null ? readDeletedByUs(deps.db, row) : [],
    // Before the rules ask: a change in the meantime then shows as drift and does not go unnoticed.
    readFingerprints(context.org, workflows),
    journal.step({
      snapshot: { id: snapshot.id, version: snapshot.version },
      progress: progressAt(row, 'rules'),
    }),
  ])
  const live = liveFacts(context, snapshot, facts, row, deletedByUs)
  const components = await readStanding(comparedIn(plan), live)
  const check = await checkPlan({
    plan,
    workflows,
    snapshot: facts,
    mappings,
    live,
    apiReservePercent: deps.apiReservePercent,
    salesforceProblems: problemsOf(row),
    now: new Date(),
  })
  const judged = { workflows: standing, components }
  await journal.complete(check, judged, progressAt(row, 'complete'), spent())
  return 'stop'
}

/**
 * Custom objects that rollbacks of ours deleted there. Salesforce: their names stay taken until they are
 * erased, for 15 days at most, and no query shows which. Another client of the org may have been
 * connected there when they were deleted.
 */
const readDeletedByUs = (db: Database, row: ReportRow): Promise<string[]> =>
  db.as(wholeOrg(row.org_id)).tx(async (tx) => {
    const { rows } = await sql<{ name: string }>`
      select distinct removed->>'full_name' as name
        from deployment_runs r
       cross join lateral jsonb_array_elements(r.result->'removed') removed
       where r.org_id = ${row.org_id} and r.sfdc_org_id = ${row.sfdc_org_id}
         and r.kind = 'rollback' and r.ended_at > now() - interval '15 days'
         and r.result->>'status' in ('complete', 'partial')
         and removed->>'type' = 'CustomObject'`.execute(tx)
    return rows.map(({ name }) => name)
  })

const liveFacts = (
  { org, userId }: Context,
  { apiVersion }: CompleteSnapshot,
  { describes, objectNames, unreadable, notVisible }: SnapshotFacts,
  row: ReportRow,
  deletedByUs: readonly string[],
) => {
  const byName = new Map([...describes].map(([name, body]) => [sameName(name), body]))
  const existing = new Set([...objectNames, ...unreadable, ...notVisible].map(sameName))
  const plan = planOf(row)
  return createLiveFacts({
    org,
    userId,
    deletedByUs,
    snapshot: {
      apiVersion,
      objectNames,
      describeOf: (name) => byName.get(sameName(name)) ?? null,
    },
    packageSize:
      workflowsOf(row).length > 0
        ? workflowsSizeOf(workflowsOf(row))
        : packageSizeOf(plan, org.apiVersion, (name) => existing.has(sameName(name))),
  })
}

const STAGES: Readonly<Record<Stage, Run>> = {
  pull: pulling,
  salesforce: validating,
  rules: judging,
}

interface State {
  row: ReportRow
  journal: Journal
}

export const createCheckWorker = (deps: CheckDeps): Worker =>
  createStagedWorker<State>(deps, {
    load: async (work) => {
      const row = await reportById(deps.db.as(work).read, work, work.id)
      if (row?.status !== 'running') return null
      return { row, journal: createJournal(deps.db, deps.jobs, row) }
    },
    standing: (work) => standingOf(deps.db.as(work).read, work),
    kindOf: () => 'conflict-check',
    destination: ({ row, journal }) => ({
      tenant: journal.tenant,
      clientId: row.client_id,
      sfdcOrgId: row.sfdc_org_id,
      priority: 'work',
    }),
    step: (context, { row, journal }) => STAGES[row.stage]({ ...context, deps, journal }, row),
    isSent: () => false,
    waiting: ({ row }) => row.error,
    hold: ({ journal }, fault, afterSeconds, calls) => journal.hold(fault, afterSeconds, calls),
    end: ({ journal }, fault, calls) => journal.fail(fault, calls),
  })
