// Rollouts: one version, or a plan or workflows as they are, brought to many clients in waves, and rolled back
// as one. The calls here store what is wanted and return the state; the conductor does the work.

import { sql } from 'kysely'
import { Readable } from 'node:stream'
import { type Reader, type Tenant, type Tx } from '../../../db/database.ts'
import { notFound } from '../../../errors.ts'
import { type Jobs } from '../../../jobs/jobs.ts'
import {
  type Approvals,
  type Approved,
  CHANGES_NOTHING,
  requireSame,
  useApproval,
} from '../../approvals/approvals.ts'
import { actorOf, audit, type AuditAction } from '../../audit.ts'
import { type Caller } from '../../caller.ts'
import { requireClient } from '../../clients.ts'
import { bindIdempotency } from '../../idempotency.ts'
import { type Page, type PageRequest, pageOf, type TimeRange, within } from '../../page.ts'
import { waitForEnd } from '../../work/follow.ts'
import { requireBlueprint } from '../blueprints/rows.ts'
import { type BeginDeps } from './begin.ts'
import { affectedBy, basisOf, componentsFor, type RolloutAction, rolloutChange } from './change.ts'
import { createConductor } from './conductor.ts'
import {
  approve,
  type ApproveInput,
  beginChecks,
  type CheckInput,
  pause,
  requireApprove,
  requireResume,
  requireRetry,
  requireStart,
  resume,
  retry,
  type RetryInput,
  skip,
  type SkipInput,
  start,
  stop,
} from './controls.ts'
import { createRollout, type CreateInput } from './create.ts'
import { beginPreview, beginRollback, requireRollback } from './undo.ts'
import { mappingTotals } from './mappings.ts'
import { type Matrix, readMatrix } from './matrix.ts'
import { type Counts, type RolloutState, type TargetState } from './model.ts'
import {
  countsOf,
  lockRollout,
  type RollbackTotals,
  type Rollout,
  rolloutById,
  type RolloutRow,
  type RolloutSummary,
  type Target,
  type TargetRollback,
  toRollout,
  toSummary,
  toTarget,
  wakeConductor,
  type WaveRow,
  wavesOf,
} from './rows.ts'

export { type CreateInput } from './create.ts'
export { type Matrix } from './matrix.ts'
export { type Rollout, type RolloutSummary, type Target } from './rows.ts'

interface Options extends Omit<BeginDeps, 'waitScale'> {
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  approvals: Pick<Approvals, 'require'>
  waitScale?: number
}

export interface RolloutListInput extends PageRequest, TimeRange {
  blueprint_id?: string | undefined
  state?: RolloutState | undefined
  client_id?: string | undefined
}

export interface TargetListInput extends PageRequest {
  rollout_id: string
  state?: TargetState | undefined
  wave?: number | undefined
  /** Of the error, of a finding that keeps the target back, or why it is blocked or waits. */
  code?: string | undefined
}

/** What is to be done, and is asked for first; `chosen`: the targets of a retry. */
interface Asked<Found> {
  action: AuditAction
  does: RolloutAction
  request?: object
  chosen?: (found: Found) => readonly { id: string }[]
}

interface Waiting {
  wait_seconds: number
}

const EXPORT_ROWS = 500

export const createRollouts = (options: Options) => {
  const { db, jobs, approvals, contents } = options

  const get = (tenant: Tenant, id: string): Promise<Rollout> =>
    db.as(tenant).tx(async (tx) => {
      const row = await rolloutById(tx, tenant, id)
      if (row === undefined) throw notFound('rollout')
      const preview = row.preview_state === null ? null : await previewOf(tx, row)
      return toRollout(row, await wavesOf(tx, tenant, id), await countsOf(tx, tenant, id), preview)
    })

  /** One thing done to a rollout, with its audit row; wakes the conductor. */
  const change = async (
    caller: Caller,
    id: string,
    action: AuditAction,
    work: (tx: Tx, row: RolloutRow, waves: WaveRow[]) => Promise<unknown>,
    approved: Approved = CHANGES_NOTHING,
  ): Promise<void> => {
    await db.as(caller.tenant).tx(async (tx) => {
      const row = await lockRollout(tx, caller.tenant, id)
      await work(tx, row, await wavesOf(tx, caller.tenant, id))
      await useApproval(tx, caller, approved, id)
      await bindIdempotency(tx, caller, id)
      await audit(tx, actorOf(caller), { action, targetType: 'rollout', targetId: id })
      await wakeConductor(tx, row)
    })
  }

  /**
   * A change that whoever has to ask needs an approval for. Whether it is possible, and what the approval rests on,
   * is looked at twice: before, because an approval that is asked for is stored, and nobody is asked for what cannot
   * be done; and in the transaction that locks the rollout.
   */
  const changeApproved = async <Found>(
    caller: Caller,
    id: string,
    { action, does, request = {}, chosen = () => [] }: Asked<Found>,
    possible: (tx: Tx, row: RolloutRow, waves: readonly WaveRow[]) => Promise<Found>,
    work: (tx: Tx, row: RolloutRow, waves: readonly WaveRow[], found: Found) => Promise<void>,
  ): Promise<void> => {
    const { mustAsk, tenant } = caller
    const affectedOf = (tx: Tx, row: RolloutRow, waves: readonly WaveRow[], found: Found) =>
      affectedBy(tx, does, row, waves, chosen(found))
    if (mustAsk !== true) {
      return change(caller, id, action, async (tx, row, waves) =>
        work(tx, row, waves, await possible(tx, row, waves)),
      )
    }
    const {
      row: seen,
      waves: its,
      affected,
    } = await db.as(tenant).tx(async (tx) => {
      const row = await rolloutById(tx, tenant, id)
      if (row === undefined) throw notFound('rollout')
      const waves = await wavesOf(tx, tenant, id)
      const found = await possible(tx, row, waves)
      return { row, waves, affected: await affectedOf(tx, row, waves, found) }
    })
    const components = await componentsFor(contents, seen, affected)
    const asked = rolloutChange(does, seen, its, request, affected, components)
    const approved = await approvals.require(caller, () => asked)
    await change(
      caller,
      id,
      action,
      async (tx, row, waves) => {
        const found = await possible(tx, row, waves)
        const now = basisOf(does, row, waves, await affectedOf(tx, row, waves, found))
        requireSame(asked.restsOn, now)
        await work(tx, row, waves, found)
      },
      approved,
    )
  }

  /** Waits until nothing happens without somebody, as long as the caller wants. */
  const follow = async (
    { tenant }: Caller,
    id: string,
    { wait_seconds }: Waiting,
    signal: AbortSignal | undefined,
  ): Promise<Rollout> => {
    const isDone = async () => (await get(tenant, id)).is_final
    if (wait_seconds > 0) await waitForEnd({ jobs }, id, isDone, wait_seconds, signal)
    return get(tenant, id)
  }

  const targetsQuery = (reader: Reader, tenant: Tenant, input: Omit<TargetListInput, 'limit'>) => {
    const { rollout_id: id, state, wave, code } = input
    let query = reader
      .selectFrom('rollout_targets as t')
      .innerJoin('clients as c', (join) =>
        join.onRef('c.org_id', '=', 't.org_id').onRef('c.id', '=', 't.client_id'),
      )
      .selectAll('t')
      .select('c.name as client_name')
      .where('t.org_id', '=', tenant.orgId)
      .where('t.rollout_id', '=', id)
    if (state !== undefined) query = query.where('t.state', '=', state)
    if (wave !== undefined) query = query.where('t.wave', '=', wave)
    if (code !== undefined) {
      query = query.where(
        sql<boolean>`(t.fault ->> 'code' = ${code} or t.reason = ${code} or exists (
          select from crm_conflict_reports r cross join jsonb_array_elements(r.findings) f
           where r.org_id = t.org_id and r.id = t.report_id
             and f ->> 'severity' <> 'green' and f ->> 'code' = ${code}))`,
      )
    }
    return query
  }

  const requireRollout = async (tenant: Tenant, id: string): Promise<void> => {
    if ((await rolloutById(db.as(tenant).read, tenant, id)) === undefined) throw notFound('rollout')
  }

  const targets = async (tenant: Tenant, input: TargetListInput): Promise<Page<Target>> => {
    await requireRollout(tenant, input.rollout_id)
    return pageOf(targetsQuery(db.as(tenant).read, tenant, input), 't.id', input, toTarget)
  }

  /** All of them, a line each, read in short transactions. */
  const targetLines = async (
    tenant: Tenant,
    input: Omit<TargetListInput, 'limit' | 'cursor'>,
  ): Promise<Readable> => {
    await requireRollout(tenant, input.rollout_id)
    const lines = async function* () {
      let cursor: string | undefined
      do {
        const page: Page<Target> = await targets(tenant, { ...input, limit: EXPORT_ROWS, cursor })
        if (page.items.length > 0) {
          yield page.items.map((item) => `${JSON.stringify(item)}\n`).join('')
        }
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
    }
    return Readable.from(lines())
  }

  const list = async (tenant: Tenant, input: RolloutListInput): Promise<Page<RolloutSummary>> => {
    const { read } = db.as(tenant)
    if (input.client_id !== undefined) await requireClient(read, tenant, input.client_id)
    if (input.blueprint_id !== undefined) await requireBlueprint(read, tenant, input.blueprint_id)
    let query = read
      .selectFrom('rollouts')
      .selectAll()
      .select(
        sql<Counts>`(select coalesce(jsonb_object_agg(c.state, c.targets), '{}') from (
          select k.state, sum(k.targets)::int as targets from rollout_counts k
           where k.org_id = rollouts.org_id and k.rollout_id = rollouts.id
           group by k.state having sum(k.targets) <> 0) c)`.as('counts'),
      )
      .where('org_id', '=', tenant.orgId)
    if (input.blueprint_id !== undefined) {
      query = query.where('blueprint_id', '=', input.blueprint_id)
    }
    if (input.state !== undefined) query = query.where('state', '=', input.state)
    if (input.client_id !== undefined) {
      query = query.where(
        sql<boolean>`exists (select from rollout_targets t where t.org_id = rollouts.org_id
          and t.rollout_id = rollouts.id and t.client_id = ${input.client_id})`,
      )
    }
    return pageOf(within(query, 'created_at', input), 'id', input, ({ counts, ...row }) =>
      toSummary(row, counts),
    )
  }

  return {
    get,
    list,
    targets,
    targetLines,
    matrix: (tenant: Tenant, id: string): Promise<Matrix> => readMatrix(db, tenant, id),

    create: async (caller: Caller, input: CreateInput): Promise<Rollout> =>
      get(caller.tenant, await createRollout(db, contents, caller, input)),

    check: async (
      caller: Caller,
      input: CheckInput & Waiting & { rollout_id: string },
      signal?: AbortSignal,
    ): Promise<Rollout> => {
      const id = input.rollout_id
      await change(caller, id, 'rollout.check', (tx, row, waves) =>
        beginChecks(tx, caller, row, waves, contents, input),
      )
      return follow(caller, id, input, signal)
    },

    start: async (
      caller: Caller,
      input: Waiting & { rollout_id: string; revision?: number | undefined },
      signal?: AbortSignal,
    ): Promise<Rollout> => {
      const { rollout_id: id, revision } = input
      const possible = (tx: Tx, row: RolloutRow, waves: readonly WaveRow[]) =>
        requireStart(tx, row, waves, revision)
      const what = { action: 'rollout.start', does: 'rollout_start' } as const
      await changeApproved(caller, id, what, possible, (tx, row) => start(tx, caller, row))
      return follow(caller, id, input, signal)
    },

    pause: async (caller: Caller, { rollout_id: id }: { rollout_id: string }) => {
      await change(caller, id, 'rollout.pause', (tx, row) => pause(tx, row))
      return get(caller.tenant, id)
    },

    resume: async (
      caller: Caller,
      input: Waiting & { rollout_id: string; revision?: number | undefined },
      signal?: AbortSignal,
    ): Promise<Rollout> => {
      const { rollout_id: id, revision } = input
      const possible = (tx: Tx, row: RolloutRow) => requireResume(tx, row, revision)
      const what = { action: 'rollout.resume', does: 'rollout_resume' } as const
      await changeApproved(caller, id, what, possible, (tx, row) => resume(tx, caller, row))
      return follow(caller, id, input, signal)
    },

    approve: async (
      caller: Caller,
      input: ApproveInput & Waiting & { rollout_id: string },
      signal?: AbortSignal,
    ): Promise<Rollout> => {
      const { rollout_id: id, wave, revision } = input
      const possible = (tx: Tx, row: RolloutRow, waves: readonly WaveRow[]) =>
        requireApprove(tx, row, waves, input)
      const request = {
        ...(wave === undefined ? {} : { wave }),
        ...(revision === undefined ? {} : { revision }),
      }
      const what = { action: 'rollout.approve', does: 'rollout_approve', request } as const
      const isSeen = revision !== undefined
      await changeApproved(caller, id, what, possible, (tx, row, _waves, next) =>
        approve(tx, caller, row, next, isSeen),
      )
      return follow(caller, id, input, signal)
    },

    stop: async (caller: Caller, { rollout_id: id }: { rollout_id: string }) => {
      await change(caller, id, 'rollout.stop', (tx, row) => stop(tx, caller, row))
      return get(caller.tenant, id)
    },

    skip: async (
      caller: Caller,
      { rollout_id: id, ...input }: SkipInput & { rollout_id: string },
    ): Promise<Rollout> => {
      await change(caller, id, 'rollout.skip', (tx, row) => skip(tx, caller, row, input))
      return get(caller.tenant, id)
    },

    retry: async (
      caller: Caller,
      input: RetryInput & Waiting & { rollout_id: string },
      signal?: AbortSignal,
    ): Promise<Rollout> => {
      const { rollout_id: id, client_ids: clientIds, revision } = input
      const possible = (tx: Tx, row: RolloutRow) => requireRetry(tx, row, input)
      const request = {
        ...(clientIds === undefined ? {} : { client_ids: clientIds }),
        ...(revision === undefined ? {} : { revision }),
      }
      const chosen = (targets: readonly { id: string }[]) => targets
      const what = { action: 'rollout.retry', does: 'rollout_retry', request, chosen } as const
      const isSeen = revision !== undefined
      await changeApproved(caller, id, what, possible, (tx, row, waves, found) =>
        retry(tx, caller, row, waves, contents, found, isSeen),
      )
      return follow(caller, id, input, signal)
    },

    rollback: async (
      caller: Caller,
      input: Waiting & {
        rollout_id: string
        dry_run?: boolean | undefined
        allow_data_loss?: boolean | undefined
      },
      signal?: AbortSignal,
    ): Promise<Rollout> => {
      const { rollout_id: id, dry_run: isDry, allow_data_loss: allow = false } = input
      const possible = (tx: Tx, row: RolloutRow) => requireRollback(tx, row)
      if (isDry === true) {
        await change(caller, id, 'rollout.rollback', async (tx, row) => {
          await possible(tx, row)
          await beginPreview(tx, caller, row)
        })
      } else {
        const request = { allow_data_loss: allow }
        const what = { action: 'rollout.rollback', does: 'rollout_rollback', request } as const
        await changeApproved(caller, id, what, possible, (tx, row) =>
          beginRollback(tx, caller, row, allow),
        )
      }
      return follow(caller, id, input, signal)
    },

    /** For the queue. */
    conductor: createConductor(options),
  }
}

export type Rollouts = ReturnType<typeof createRollouts>

/** What a rollback would do, added up over the dry runs of all targets. */
const previewOf = async (tx: Tx, rollout: RolloutRow): Promise<RollbackTotals> => {
  const { org_id: orgId, id } = rollout
  const rows = await tx
    .selectFrom('rollout_targets')
    .select(['client_id', 'preview'])
    .where('org_id', '=', orgId)
    .where('rollout_id', '=', id)
    .where('preview_state', '=', 'done')
    .orderBy('position')
    .execute()
  const totals: RollbackTotals = {
    targets: rows.length,
    removed: 0,
    restored: 0,
    kept: 0,
    remaining: 0,
    data: [],
    failed: [],
    mappings: await mappingTotals(tx, rollout),
  }
  for (const { client_id, preview } of rows) {
    const { error, data, ...one } = preview as TargetRollback
    totals.removed += one.removed
    totals.restored += one.restored
    totals.kept += one.kept
    totals.remaining += one.remaining
    totals.data.push(...data.map((lost) => ({ client_id, ...lost })))
    if (error !== null) totals.failed.push({ client_id, code: error.code })
  }
  return totals
}
