// The check as durable work: pull → salesforce → rules. What a stage waits for (a pull, a validating
// deploy) is durable work of its own, and its id is stored; the rules run in one go and are simply run
// again where a run of them was killed.

import { sql } from 'kysely'
import { type Logger } from 'pino'
import { type Database, type Tenant } from '../../db/database.ts'
import { type Fault, type Progress } from '../../db/types.ts'
import { EngineError } from '../../errors.ts'
import { type Jobs, type Work, type Worker } from '../../jobs/jobs.ts'
import { SalesforceError } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { clip } from '../../text.ts'
import { ROLE_PERMISSIONS } from '../auth/permissions.ts'
import { type Caller } from '../caller.ts'
import { type OpenConnection } from '../connections/connections.ts'
import { type Deployments } from '../deployments/deployments.ts'
import { sameName } from '../metadata/names.ts'
import { type CompleteSnapshot, type Topology } from '../topology/topology.ts'
import { readFingerprints } from '../workflows/fingerprints.ts'
import { checkPlan } from './check.ts'
import { type MappingFacts, type SnapshotFacts } from './facts.ts'
import { CheckOver, createJournal, type Journal } from './journal.ts'
import { createLiveFacts } from './live/live.ts'
import { packageSizeOf, workflowsSizeOf } from './live/package-size.ts'
import { planOf, problemsOf, reportById, type ReportRow, type Stage, workflowsOf } from './rows.ts'
import { readSnapshotFacts } from './snapshot-facts.ts'
import { verdictOf } from './validation.ts'

/** The one door to Salesforce, as far as a check needs it. */
export interface ConnectionDoor {
  open(
    tenant: Tenant,
    clientId: string,
    priority: 'work',
    signal?: AbortSignal,
  ): Promise<OpenConnection>
}

export interface CheckDeps {
  db: Database
  jobs: Pick<Jobs, 'announce' | 'waitFor'>
  connections: ConnectionDoor
  topology: Pick<Topology, 'pull' | 'snapshot' | 'newestComplete' | 'completeVersion'>
  deployments: Pick<Deployments, 'deploy' | 'deployWorkflows' | 'get' | 'isRunning'>
  /** This client's active mappings, each with the value profile of its last push. */
  mappingFacts: (tenant: Tenant, clientId: string) => Promise<readonly MappingFacts[]>
  /** Share of the daily API calls that is left to the client's other tools. */
  apiReservePercent: number
  logger: Logger
}

/** What the stages of one run work with. */
interface Context {
  deps: CheckDeps
  journal: Journal
  signal: AbortSignal
  org: SalesforceOrg
  userId: string
  /** Calls made since it was last asked, to be noted with the next step. */
  spent: () => number
}

type Run = (context: Context, row: ReportRow) => Promise<'next' | 'stop'>

/** A run waits for other work so long, then stands aside for the sweep to bring it back. */
const WAIT_MS = 30_000
const LOOK_AGAIN_SECONDS = 5
/** A cause that passes is waited for so often, about a quarter of an hour. */
const TRIES_MAX = 20

/** The stages that this report goes through, in their order. */
const stagesOf = (row: ReportRow, pulls: boolean): string[] => [
  ...(pulls ? ['pull'] : []),
  ...(row.validate_in_salesforce ? ['salesforce'] : []),
  'facts',
  'rules',
]

/** How far a report is. Whether it pulls, only its first stage and its pull say. */
export const progressAt = (row: ReportRow, stage: string): Progress => {
  const stages = stagesOf(row, row.stage === 'pull' || row.pull_id !== null)
  const at = stages.indexOf(stage)
  return { stage, done: at < 0 ? stages.length : at, total: stages.length }
}

/** A check acts for the caller who asked for it. */
const callerOf = async ({ db }: CheckDeps, row: ReportRow): Promise<Caller> => {
  const tenant = { orgId: row.org_id, clientId: null }
  const user = await db
    .as(tenant)
    .tx((tx) =>
      tx
        .selectFrom('users')
        .select(['id', 'email', 'role'])
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.created_by)
        .executeTakeFirst(),
    )
  if (user === undefined) throw new EngineError('not_found', 'Who asked for this is gone.')
  return {
    tenant,
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

/** Waits for work that runs elsewhere; false: it has not ended yet. */
const ended = async (
  { deps, signal }: Context,
  id: string,
  isDone: () => Promise<boolean>,
): Promise<boolean> => {
  await deps.jobs.waitFor(id, { isDone, timeoutMs: WAIT_MS, signal })
  signal.throwIfAborted()
  return isDone()
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
  if (!(await ended(context, id, async () => (await look()).status !== 'pulling'))) {
    await journal.hold((await look()).error, LOOK_AGAIN_SECONDS)
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

/** A validating deploy that this report started, where a run was killed before it could note its id. */
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
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return found?.id ?? null
  })

const validating: Run = async (context, row) => {
  const { deps, journal } = context
  const { tenant } = journal
  let deploymentId = row.validation_id ?? (await findValidation(context, row))
  if (deploymentId === null) {
    // It waits its turn: while something else is deployed there this throws deployment_in_progress.
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
  const isDone = async () => !(await deps.deployments.isRunning(tenant, id))
  if (!(await ended(context, id, isDone))) {
    await journal.hold((await deps.deployments.get(tenant, id)).error, LOOK_AGAIN_SECONDS)
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

/** The snapshot that is judged: the one that was pulled for this, or else the newest. */
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
    'There is no complete snapshot of this Salesforce org. Pull the topology, or check with refresh.',
  )

const judging: Run = async (context, row) => {
  const { deps, journal, spent } = context
  const plan = planOf(row)
  const workflows = workflowsOf(row)
  const snapshot = await snapshotFor(context, row)
  const [facts, mappings, deletedByUs, judged] = await Promise.all([
    readSnapshotFacts(snapshot, plan, workflows),
    deps.mappingFacts(journal.tenant, row.client_id),
    // Where Salesforce itself has validated the plan, it knows better which names are free again.
    problemsOf(row) === null ? readDeletedByUs(deps.db, row) : [],
    // Before the rules ask: what changes meanwhile is drift, not something unseen.
    readFingerprints(context.org, workflows),
    journal.step({
      snapshot: { id: snapshot.id, version: snapshot.version },
      progress: progressAt(row, 'rules'),
    }),
  ])
  const check = await checkPlan({
    plan,
    workflows,
    snapshot: facts,
    mappings,
    live: liveFacts(context, snapshot, facts, row, deletedByUs),
    apiReservePercent: deps.apiReservePercent,
    salesforceProblems: problemsOf(row),
    now: new Date(),
  })
  await journal.complete(check, judged, progressAt(row, 'complete'), spent())
  return 'stop'
}

/**
 * Custom objects that rollbacks of ours deleted there. Salesforce: their names stay taken until they are
 * erased, for 15 days at most, and no query shows whose.
 */
const readDeletedByUs = (db: Database, row: ReportRow): Promise<string[]> =>
  db.as({ orgId: row.org_id, clientId: null }).tx(async (tx) => {
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
  { describes, objectNames, unreadable }: SnapshotFacts,
  row: ReportRow,
  deletedByUs: readonly string[],
) => {
  const byName = new Map([...describes].map(([name, body]) => [sameName(name), body]))
  const existing = new Set([...objectNames, ...unreadable].map(sameName))
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
      plan.objects.length === 0
        ? workflowsSizeOf(workflowsOf(row))
        : packageSizeOf(plan, org.apiVersion, (name) => existing.has(sameName(name))),
  })
}

const STAGES: Readonly<Record<Stage, Run>> = {
  pull: pulling,
  salesforce: validating,
  rules: judging,
}

/** What a caller is told about why a check ended; Salesforce's own words where it gave them. */
const faultOf = (error: unknown): Fault => {
  if (error instanceof SalesforceError) {
    const { code, message } = error.failure
    return { code: error.code, message: clip(`${error.message} ${code}: ${message}`, 1000) }
  }
  if (error instanceof EngineError) return { code: error.code, message: error.message }
  return { code: 'internal', message: 'Something went wrong on our side.' }
}

/** Somebody else's work that ends by itself: it does not count as a try. */
const WAITS: ReadonlySet<string> = new Set(['deployment_in_progress', 'pull_in_progress'])

/** After a fault: stands still, ends, or (by throwing) lets the queue try again. */
const settle = async (
  { logger }: CheckDeps,
  journal: Journal,
  error: unknown,
  calls: number,
): Promise<void> => {
  if (!(error instanceof EngineError)) throw error
  const fault = faultOf(error)
  if (error.code === 'api_budget_exhausted') {
    await journal.hold(fault, 60, { calls })
    logger.info({ code: error.code }, 'conflict check stands still')
    return
  }
  if (WAITS.has(error.code)) {
    await journal.hold(fault, LOOK_AGAIN_SECONDS, { calls })
    return
  }
  const { attempts } = await journal.load()
  const passing = error instanceof SalesforceError ? error.failure.passing : error.retryable
  if (passing && attempts < TRIES_MAX) {
    await journal.hold(fault, Math.min(60, 2 ** Math.min(attempts, 6)), { failed: true, calls })
  } else await journal.fail(fault, calls)
}

export const createCheckWorker = (deps: CheckDeps): Worker => {
  const load = ({ orgId, id }: Work): Promise<ReportRow | undefined> => {
    const tenant = { orgId, clientId: null }
    return deps.db.as(tenant).tx((tx) => reportById(tx, tenant, id))
  }
  return {
    run: async (work, signal) => {
      const first = await load(work)
      if (first?.status !== 'running') return
      const journal = createJournal(deps.db, deps.jobs, first)
      let spent = (): number => 0
      try {
        const opened = await deps.connections.open(journal.tenant, first.client_id, 'work', signal)
        const { connection, salesforce: org } = opened
        if (connection.sfdc_org_id !== first.sfdc_org_id) {
          throw new EngineError(
            'salesforce_org_changed',
            'The connection leads to another Salesforce org than when this began.',
          )
        }
        let counted = 0
        spent = () => {
          const fresh = org.calls - counted
          counted += fresh
          return fresh
        }
        const userId = connection.sfdc_user_id ?? ''
        const context: Context = { deps, journal, signal, org, userId, spent }
        for (let row = first; ; row = await journal.load()) {
          signal.throwIfAborted()
          if ((await STAGES[row.stage](context, row)) === 'stop') return
        }
      } catch (error) {
        if (signal.aborted) throw error
        if (error instanceof CheckOver) return
        await settle(deps, journal, error, spent()).catch((thrown: unknown) => {
          if (!(thrown instanceof CheckOver)) throw thrown
        })
      }
    },

    giveUp: async (work, error) => {
      const row = await load(work)
      if (row?.status !== 'running') return
      await createJournal(deps.db, deps.jobs, row)
        .fail(faultOf(error))
        .catch((thrown: unknown) => {
          if (!(thrown instanceof CheckOver)) throw thrown
        })
    },
  }
}
