// Drift: how the Salesforce orgs of clients differ from the blueprints that they are bound to. A run looks at the
// newest snapshots, or pulls them first; nothing heals itself.

import { sql, type SqlBool } from 'kysely'
import { type Logger } from 'pino'
import { type Database, type Tenant, wholeOrg } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { json, jsonOrNull } from '../../../db/json.ts'
import { type Fault } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { type Jobs, type Work, type Worker } from '../../../jobs/jobs.ts'
import { actorOf, audit } from '../../audit.ts'
import { type Caller } from '../../caller.ts'
import { requireClient } from '../../clients.ts'
import { bindIdempotency } from '../../idempotency.ts'
import { pageOf, type Page, type PageRequest } from '../../page.ts'
import { type Topology } from '../../topology/topology.ts'
import { waitForEnd } from '../../work/follow.ts'
import { type Binding, requireBlueprint } from '../blueprints/rows.ts'
import { type ClientSelector } from '../selectors.ts'
import { acceptIn, type AcceptInput } from './accept.ts'
import { type Assessment, type BoundClient, createAssessor } from './assess.ts'
import { boundOf, chosenOf } from './bound.ts'
import { type ComponentState } from './evaluate.ts'
import { historyOf } from './history.ts'
import {
  type DriftResult,
  type DriftRun,
  requireRun,
  type ResultRow,
  toResult,
  toRun,
} from './rows.ts'
import { countsOf, store, tell, verdict } from './verdicts.ts'

export interface RunInput {
  /** Default: all that are not archived. */
  blueprint_id?: string | undefined
  /** Default: every bound client that is active. */
  selector?: ClientSelector | undefined
  max_age_hours?: number | undefined
  refresh?: boolean | undefined
  wait_seconds: number
}

export interface ResultsInput extends PageRequest {
  run_id: string
  client_id?: string | undefined
  state?: DriftResult['state'] | undefined
  /** Only clients with such a component, and of those only these components. */
  component_state?: ComponentState | undefined
}

interface Options {
  db: Database
  jobs: Pick<Jobs, 'enqueue' | 'waitFor'>
  topology: Pick<Topology, 'newestComplete' | 'pull' | 'snapshot'>
  logger: Logger
}

/** Clients that are looked at side by side: each takes a few reads of the database. */
const AT_ONCE = 6
const ROWS_AT_ONCE = 200

export const createDrift = ({ db, jobs, topology, logger }: Options) => {
  /** What the rows say that are waiting for this pull, or all that wait in a run. */
  const settle = async (
    tenant: Tenant,
    of: { runId: string } | { pullId: string },
  ): Promise<void> => {
    let waiting = db
      .as(tenant)
      .read.selectFrom('fleet_drift_results')
      .selectAll()
      .where('org_id', '=', tenant.orgId)
      .where('state', 'is', null)
    waiting =
      'runId' in of
        ? waiting.where('run_id', '=', of.runId)
        : waiting.where('pull_id', '=', of.pullId)
    const rows = await waiting.execute()
    const runs = new Set(rows.map(({ run_id }) => run_id))
    const ended = await endedOf(rows, tenant)
    if (ended.length > 0) {
      const bound = await boundOf(db.as(tenant).read, tenant, {
        clientIds: ended.map(({ row }) => row.client_id),
      })
      const history = await historyOf(
        db.as(tenant).read,
        tenant,
        ended.map(({ row }) => row.client_id),
      )
      const assessor = createAssessor({ db, topology }, tenant, history)
      await inParallel(ended, async ({ row, fault }) => {
        const binding = bound.find(
          (one) => one.client_id === row.client_id && one.blueprint_id === row.blueprint_id,
        )
        const found =
          fault !== null || binding === undefined
            ? unknownFor(fault ?? UNBOUND)
            : await assessor.assess(binding, null)
        await db.as(tenant).tx((tx) => store(tx, tenant, row, found))
      })
    }
    for (const runId of runs) await complete(tenant, runId)
  }

  const endedOf = async (
    rows: readonly ResultRow[],
    tenant: Tenant,
  ): Promise<{ row: ResultRow; fault: Fault | null }[]> => {
    const found = await Promise.all(
      rows.map(async (row) => {
        const pull = await topology.snapshot(tenant, row.pull_id ?? '').catch((error: unknown) => {
          if (error instanceof EngineError && error.code === 'not_found') return null
          throw error
        })
        if (pull === null) return [{ row, fault: PULL_GONE }]
        if (!pull.is_final) return []
        const fault =
          pull.status === 'complete'
            ? null
            : { code: pull.error?.code ?? 'pull_failed', message: pull.error?.message ?? '' }
        return [{ row, fault }]
      }),
    )
    return found.flat()
  }

  /** Ends a run of which nothing waits any more. */
  const complete = (tenant: Tenant, runId: string): Promise<void> =>
    db.as(tenant).tx(async (tx) => {
      const run = await requireRun(tx, tenant, runId, { lock: true })
      if (run.status === 'complete') return
      const counts = await countsOf(tx, tenant, runId)
      await tx
        .updateTable('fleet_drift_runs')
        .set({
          counts: json(counts),
          ...(counts.waiting === 0
            ? { status: 'complete' as const, completed_at: sql<Date>`now()` }
            : {}),
        })
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', runId)
        .execute()
    })

  const get = async (tenant: Tenant, runId: string): Promise<DriftRun> => {
    const run = await requireRun(db.as(tenant).read, tenant, runId)
    if (run.status === 'complete') return toRun(run)
    await settle(tenant, { runId })
    return toRun(await requireRun(db.as(tenant).read, tenant, runId))
  }

  /** Stores a run with its rows: known ones with their verdict, others wait for their pulls. */
  const begin = (
    caller: Caller,
    input: RunInput,
    rows: readonly { bound: BoundClient; found: Assessment | null; pullId: string | null }[],
  ): Promise<string> =>
    db.as(caller.tenant).tx(async (tx) => {
      const { tenant } = caller
      const id = newId()
      const isDone = rows.every(({ found }) => found !== null)
      await tx
        .insertInto('fleet_drift_runs')
        .values({
          id,
          org_id: tenant.orgId,
          blueprint_id: input.blueprint_id ?? null,
          selector: jsonOrNull(input.selector ?? null),
          max_age_hours: input.max_age_hours ?? null,
          refresh: input.refresh ?? false,
          status: isDone ? 'complete' : 'running',
          completed_at: isDone ? new Date() : null,
          created_by: caller.userId,
        })
        .execute()
      await bindIdempotency(tx, caller, id)
      for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
        await tx
          .insertInto('fleet_drift_results')
          .values(
            rows.slice(from, from + ROWS_AT_ONCE).map(({ bound, found, pullId }) => ({
              id: newId(),
              org_id: tenant.orgId,
              client_id: bound.client_id,
              run_id: id,
              blueprint_id: bound.blueprint_id,
              version: bound.version,
              pull_id: pullId,
              ...(found === null ? {} : verdict(found)),
            })),
          )
          .execute()
      }
      for (const { bound, found } of rows) {
        if (found !== null) await tell(tx, tenant, { ...bound, run_id: id }, found)
      }
      await tx
        .updateTable('fleet_drift_runs')
        .set({ counts: json(await countsOf(tx, tenant, id)) })
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', id)
        .execute()
      await audit(tx, actorOf(caller), {
        action: 'drift.run',
        targetType: 'drift_run',
        targetId: id,
      })
      return id
    })

  const pulled = async (
    caller: Caller,
    bound: BoundClient,
  ): Promise<{ bound: BoundClient; found: Assessment | null; pullId: string | null }> => {
    try {
      const pull = await topology.pull(caller, { client_id: bound.client_id, wait_seconds: 0 })
      return { bound, found: null, pullId: pull.id }
    } catch (error) {
      if (!(error instanceof EngineError) || error.status >= 500) throw error
      const { code, message } = error
      return { bound, found: unknownFor({ code, message }), pullId: null }
    }
  }

  return {
    get,

    /**
     * Looks at the newest snapshots and has ended when it returns; with `refresh` it pulls them first, and
     * waits as long as asked. Throws `not_found` for blueprint and clients.
     */
    run: async (caller: Caller, input: RunInput, signal?: AbortSignal): Promise<DriftRun> => {
      const { tenant } = caller
      const bound = await db.as(tenant).tx((tx) => chosenOf(tx, tenant, input))
      if (input.refresh !== true) {
        const history = await historyOf(db.as(tenant).read, tenant, [
          ...new Set(bound.map(({ client_id }) => client_id)),
        ])
        const assessor = createAssessor({ db, topology }, tenant, history)
        const rows = await inParallel(bound, async (one) => ({
          bound: one,
          found: await assessor.assess(one, input.max_age_hours ?? null),
          pullId: null,
        }))
        return get(tenant, await begin(caller, input, rows))
      }
      // A pull of its own key would be replayed: the key is the run's.
      const quiet = { ...caller, idempotency: null }
      const rows = await inParallel(bound, (one) => pulled(quiet, one))
      const id = await begin(caller, input, rows)
      const until = Date.now() + input.wait_seconds * 1_000
      for (const { pullId } of rows) {
        const seconds = (until - Date.now()) / 1_000
        if (pullId === null || seconds <= 0 || signal?.aborted === true) continue
        const isDone = async () => (await topology.snapshot(tenant, pullId)).is_final
        await waitForEnd({ jobs }, pullId, isDone, seconds, signal)
      }
      return get(tenant, id)
    },

    list: async (
      tenant: Tenant,
      input: PageRequest & { blueprint_id?: string | undefined },
    ): Promise<Page<DriftRun>> => {
      const { read } = db.as(tenant)
      let query = read.selectFrom('fleet_drift_runs').selectAll().where('org_id', '=', tenant.orgId)
      if (input.blueprint_id !== undefined) {
        await requireBlueprint(read, tenant, input.blueprint_id)
        query = query.where('blueprint_id', '=', input.blueprint_id)
      }
      return pageOf(query, 'id', input, toRun)
    },

    results: async (tenant: Tenant, input: ResultsInput): Promise<Page<DriftResult>> => {
      await get(tenant, input.run_id)
      const { client_id, state, component_state: component } = input
      const { read } = db.as(tenant)
      if (client_id !== undefined) await requireClient(read, tenant, client_id)
      let query = read
        .selectFrom('fleet_drift_results')
        .selectAll()
        .where('org_id', '=', tenant.orgId)
        .where('run_id', '=', input.run_id)
      if (client_id !== undefined) query = query.where('client_id', '=', client_id)
      if (state === 'waiting') query = query.where('state', 'is', null)
      else if (state !== undefined) query = query.where('state', '=', state)
      if (component !== undefined) query = query.where(sql<SqlBool>`counts ? ${component}`)
      return pageOf(query, 'id', input, (row) => {
        const result = toResult(row)
        return component === undefined
          ? result
          : {
              ...result,
              components: result.components.filter((one) => one.state === component),
            }
      })
    },

    /**
     * Writes what differs into the binding: these components stay as they were found, also in rollouts.
     * Throws `not_found`, and `drift_superseded` if there is a newer result.
     */
    accept: (caller: Caller, input: AcceptInput): Promise<{ accepted: number; binding: Binding }> =>
      db.as(caller.tenant).tx((tx) => acceptIn(tx, caller, input)),

    /** A worker of pulls that also ends the runs that wait for its pull. */
    afterPulls: (worker: Worker): Worker => ({
      ...worker,
      run: async (work: Work, signal) => {
        const again = await worker.run(work, signal)
        if (again !== 'again') {
          // The whole org: a run and its other clients are not this client's.
          await settle(wholeOrg(work.orgId), { pullId: work.id }).catch((error: unknown) => {
            // Whoever reads the run settles it as well.
            logger.warn({ error, pull_id: work.id }, 'drift not settled after a pull')
          })
        }
        return again
      },
    }),
  }
}

export type Drift = ReturnType<typeof createDrift>

const UNBOUND: Fault = { code: 'not_bound', message: 'The client is no longer bound.' }
const PULL_GONE: Fault = { code: 'pull_failed', message: 'The pull no longer exists.' }

const unknownFor = (reason: Fault): Assessment => ({
  ...{ state: 'unknown', counts: {}, components: [], reason, snapshot: null },
})

const inParallel = async <In, Out>(
  list: readonly In[],
  work: (one: In) => Promise<Out>,
): Promise<Out[]> => {
  const done: Out[] = []
  const rest = list.entries()
  const lane = async (): Promise<void> => {
    for (const [at, one] of rest) done[at] = await work(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return done
}
