// Brings rollouts to their end: looks at what has happened, decides what comes next, begins it. A turn keeps
// nothing in memory that another replica would need. Facts are read, decisions made and targets claimed in one
// transaction that locks the rollout, so that two turns at once decide one after the other; what was claimed is
// begun outside of it, and bound by the claim. Killed at any moment, a turn is repeated from the rows.

import { sql } from 'kysely'
import { type Logger } from 'pino'
import { type Database, type Tenant, type Tx, wholeOrg } from '../../../db/database.ts'
import { json } from '../../../db/json.ts'
import { type Courier } from '../../../jobs/couriers.ts'
import { type Jobs } from '../../../jobs/jobs.ts'
import { type Decision, decide, decideRollback } from './advance.ts'
import { callerOf, createBeginning } from './begin.ts'
import { type Contents } from './contents.ts'
import { emptyTally, nextDueAt, tallyOf, underWayOf, undoingOf, waveOf } from './account.ts'
import { claim, type Claimed } from './claims.ts'
import { applyChange, changeOf, previewOf, recall, storePreview, watched } from './journal.ts'
import { saveMappings } from './mappings.ts'
import { countOf, isInPlace, sumOf } from './model.ts'
import {
  countsOf,
  isFinal,
  rolloutById,
  type RolloutRow,
  updateRollout,
  type WaveRow,
  wavesOf,
} from './rows.ts'
import { windowAt } from './window.ts'
import { type BeginDeps } from './begin.ts'

export const ROLLOUT_QUEUE = 'rollout'

interface Deps extends Omit<BeginDeps, 'waitScale'> {
  db: Database
  jobs: Pick<Jobs, 'announce'>
  contents: Contents
  logger: Logger
  waitScale?: number
}

/** Rollouts that a replica looks at side by side. */
const TURNS_AT_ONCE = 8
/** Of one rollout: checks, and dry runs of rollbacks, at once. */
const CHECKS_AT_ONCE = 16
/** What one turn begins at once: each reads the Salesforce org before it is bound. */
const BEGINS_AT_ONCE = 8
/** Nobody claims what has to wait for others: the claim would be over before it is begun. */
const atOnce = (count: number): number => Math.min(count, BEGINS_AT_ONCE)
/** After so long another turn goes on. */
const TURN_MS = 60_000
/** For news that was missed: a notification is lost with its connection. */
const LOOK_SECONDS = 15
const REST_SECONDS = 60

const earliest = (times: readonly Date[]): Date | null =>
  times.length === 0 ? null : new Date(Math.min(...times.map((at) => at.getTime())))

export const createConductor = (deps: Deps): Courier => {
  const { db, jobs, contents, logger, waitScale: scale = 1 } = deps
  const begin = createBeginning({ ...deps, waitScale: scale })

  /** What has happened to the targets; whether anything changed. */
  const settle = async (
    tx: Tx,
    rollout: RolloutRow,
    waves: readonly WaveRow[],
  ): Promise<RolloutRow> => {
    const openWave = waves.find(({ state }) => state === 'open')?.position ?? null
    const standing = { openWave, now: new Date(), scale }
    let verdicts = 0
    for (const row of await watched(tx, rollout)) {
      const preview = previewOf(row)
      if (preview !== null) await storePreview(tx, row, preview)
      const change = changeOf(rollout, row, standing)
      if (change === null) continue
      if (isInPlace(change.state) && rollout.with_mappings && row.mappings === null) {
        await saveMappings(tx, callerOf(rollout), row, await contents.mappingsOf(rollout, row))
      }
      if (!(await applyChange(tx, rollout, row, change))) continue
      if (row.state === 'checking') verdicts += 1
    }
    if (verdicts === 0) return rollout
    return updateRollout(tx, rollout, { revision: sql<number>`revision + 1` })
  }

  const viewOf = async (tx: Tx, rollout: RolloutRow, waves: readonly WaveRow[]) => {
    const counts = await countsOf(tx, wholeOrg(rollout.org_id), rollout.id)
    const seen = []
    for (const wave of waves) {
      const of = counts.get(wave.position) ?? {}
      const tally =
        wave.state === 'open' ? await tallyOf(tx, rollout, wave.position, of) : emptyTally(of)
      seen.push(waveOf(wave, tally))
    }
    const now = new Date()
    return {
      state: rollout.state === 'paused' ? ('paused' as const) : ('running' as const),
      pauseReason: rollout.pause_reason,
      mode: rollout.mode,
      waves: seen,
      window: windowAt(rollout.delivery_window, now),
      now,
      scale,
    }
  }

  /** Carries one decision out; `steps` gets what is to be begun. Returns when to look again, or goes on. */
  const carryOut = async (
    tx: Tx,
    rollout: RolloutRow,
    decision: Decision,
    steps: Claimed[],
  ): Promise<'again' | { until: Date | null }> => {
    switch (decision.do) {
      case 'wait':
        return { until: decision.until }
      case 'begin':
        steps.push(...(await claim(tx, rollout, 'deploy', atOnce(decision.count), decision.wave)))
        return { until: null }
      case 'open':
        await openWave(tx, rollout, decision.wave)
        return 'again'
      case 'close':
        // Not by what is remembered: by this rollout's own deployments, of this plan, that were read back.
        if (await closeWave(tx, rollout, decision.wave)) return 'again'
        logger.error({ rollout_id: rollout.id, wave: decision.wave }, 'wave cannot be closed')
        return { until: null }
      case 'go_on':
        await updateRollout(tx, rollout, { state: 'running', ...NOT_PAUSED })
        return 'again'
      case 'pause':
        await updateRollout(tx, rollout, {
          state: 'paused',
          pause_reason: decision.reason,
          pause_detail: json(decision.detail),
          paused_until: decision.until,
        })
        await recall(tx, rollout)
        return { until: decision.until }
      case 'finish':
        await updateRollout(tx, rollout, {
          state: decision.state,
          finished_at: sql<Date>`clock_timestamp()`,
        })
        return { until: null }
    }
  }

  const conduct = async (
    tx: Tx,
    given: RolloutRow,
    steps: Claimed[],
  ): Promise<{ until: Date | null }> => {
    const tenant = wholeOrg(given.org_id)
    for (;;) {
      const rollout = await present(tx, given)
      if (rollout.state !== 'running' && rollout.state !== 'paused') return { until: null }
      const waves = await wavesOf(tx, tenant, rollout.id)
      const next = await carryOut(tx, rollout, decide(await viewOf(tx, rollout, waves)), steps)
      if (next !== 'again') return next
    }
  }

  /** Checks, and dry runs of the rollback, are begun in any order, some at once. */
  const sideWork = async (tx: Tx, rollout: RolloutRow, steps: Claimed[]): Promise<RolloutRow> => {
    const checks = await underWayOf(tx, rollout, 'check')
    steps.push(...(await claim(tx, rollout, 'check', atOnce(CHECKS_AT_ONCE - checks.underWay))))
    if (rollout.state === 'checking' && checks.left === 0) {
      return updateRollout(tx, rollout, { state: 'ready' })
    }
    if (rollout.preview_state !== 'running') return rollout
    const previews = await underWayOf(tx, rollout, 'preview')
    steps.push(...(await claim(tx, rollout, 'preview', atOnce(CHECKS_AT_ONCE - previews.underWay))))
    return previews.left > 0
      ? rollout
      : updateRollout(tx, rollout, {
          preview_state: 'complete',
          previewed_at: sql<Date>`clock_timestamp()`,
        })
  }

  const rollBack = async (
    tx: Tx,
    rollout: RolloutRow,
    waves: readonly WaveRow[],
    steps: Claimed[],
  ): Promise<void> => {
    const decision = decideRollback(await undoingOf(tx, rollout, waves))
    if (decision.do === 'begin') {
      steps.push(...(await claim(tx, rollout, 'rollback', atOnce(decision.count), decision.wave)))
    }
    if (decision.do !== 'finish') return
    const counts = sumOf([...(await countsOf(tx, wholeOrg(rollout.org_id), rollout.id)).values()])
    await updateRollout(tx, rollout, {
      state: countOf(counts, 'rollback_partial') > 0 ? 'rollback_partial' : 'rolled_back',
      rolled_back_at: sql<Date>`clock_timestamp()`,
    })
  }

  /** One look, in one transaction: what is to be begun now. */
  const look = (tenant: Tenant, id: string) =>
    db.as(tenant).tx(async (tx) => {
      const locked = await tx
        .selectFrom('rollouts')
        .selectAll()
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', id)
        .forNoKeyUpdate()
        .executeTakeFirst()
      if (locked === undefined) return null
      const waves = await wavesOf(tx, tenant, id)
      const steps: Claimed[] = []
      const settled = await settle(tx, locked, waves)
      const ready = await sideWork(tx, settled, steps)
      let until: Date | null = null
      if (ready.state === 'rolling_back') await rollBack(tx, ready, waves, steps)
      else ({ until } = await conduct(tx, ready, steps))
      return close(tx, await present(tx, ready), until, steps)
    })

  /** Says when the next look is due at the latest, and wakes whoever waits for the rollout to come to rest. */
  const close = async (tx: Tx, rollout: RolloutRow, until: Date | null, steps: Claimed[]) => {
    const counts = sumOf([...(await countsOf(tx, wholeOrg(rollout.org_id), rollout.id)).values()])
    const rests = isFinal(rollout, counts) && steps.length === 0
    const isDrained = rests && rollout.state === 'stopped' && rollout.finished_at === null
    const due = await nextDueAt(tx, rollout)
    const isWatched = countOf(counts, 'unknown', 'waiting') > 0
    const lookSeconds = rests ? REST_SECONDS : LOOK_SECONDS
    const latest = new Date(Date.now() + lookSeconds * 1000)
    const times = [until, rests ? null : due, rests && !isWatched ? null : latest]
    const wakeAt = earliest(times.filter((at) => at !== null))
    await tx
      .updateTable('rollouts')
      .set({
        wake_at: wakeAt,
        ...(isDrained ? { finished_at: sql<Date>`clock_timestamp()` } : {}),
      })
      .where('org_id', '=', rollout.org_id)
      .where('id', '=', rollout.id)
      .execute()
    if (rests) await jobs.announce(tx, rollout.id)
    return { rollout, steps }
  }

  return {
    queues: { [ROLLOUT_QUEUE]: TURNS_AT_ONCE },
    perId: 1,

    due: async () => {
      const rows = await db.lookup<{ org_id: string; id: string }>('due_rollouts')
      return rows.map(({ org_id: orgId, id }) => ({ queue: ROLLOUT_QUEUE, orgId, id }))
    },

    run: async (note, { signal, more }) => {
      const tenant = wholeOrg(note.orgId) // a rollout is of no single client
      const deadline = performance.now() + TURN_MS
      for (;;) {
        const seen = await look(tenant, note.id)
        if (seen === null || seen.steps.length === 0 || signal.aborted) return
        await inParallel(seen.steps, (step) => begin(seen.rollout, step, signal))
        if (performance.now() > deadline) {
          more(note)
          return
        }
      }
    },
  }
}

const NOT_PAUSED = { pause_reason: null, pause_detail: null, paused_until: null } as const

const present = async (tx: Tx, { org_id: orgId, id }: RolloutRow): Promise<RolloutRow> => {
  const row = await rolloutById(tx, wholeOrg(orgId), id)
  if (row === undefined) throw new Error('a locked rollout is gone')
  return row
}

const openWave = async (tx: Tx, rollout: RolloutRow, position: number): Promise<void> => {
  await tx
    .updateTable('rollout_waves')
    .set({ state: 'open', opened_at: sql<Date>`clock_timestamp()` })
    .where('org_id', '=', rollout.org_id)
    .where('rollout_id', '=', rollout.id)
    .where('position', '=', position)
    .where('state', '=', 'pending')
    .execute()
  await tx
    .updateTable('rollout_targets')
    .set({ state: 'queued', updated_at: sql<Date>`clock_timestamp()` })
    .where('org_id', '=', rollout.org_id)
    .where('rollout_id', '=', rollout.id)
    .where('wave', '=', position)
    .where('state', '=', 'ready')
    .execute()
}

/** False if a target of it is under way, or is not proven to be in place. */
const closeWave = async (tx: Tx, rollout: RolloutRow, position: number): Promise<boolean> => {
  const { rows } = await sql`
    update rollout_waves w set state = 'closed', closed_at = clock_timestamp()
     where w.org_id = ${rollout.org_id} and w.rollout_id = ${rollout.id} and w.position = ${position}
       and w.state = 'open'
       and not exists (
         select from rollout_targets t
           left join crm_deployments d on d.org_id = t.org_id and d.id = t.deployment_id
          where t.org_id = w.org_id and t.rollout_id = w.rollout_id and t.wave = w.position
            and (t.state in ('pending', 'checking', 'ready', 'queued', 'deploying', 'waiting', 'unknown', 'rolling_back')
                 or t.state in ('deployed', 'unchanged') and t.plan_hash <> ''
                    and (d.id is null or d.status <> 'deployed' or d.deployed_at is null
                         or d.plan_hash is distinct from t.plan_hash)))
    returning w.position`.execute(tx)
  return rows.length === 1
}

const inParallel = async (
  steps: readonly Claimed[],
  work: (step: Claimed) => Promise<void>,
): Promise<void> => {
  const left = [...steps]
  const hand = async (): Promise<void> => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) await work(step)
  }
  await Promise.all(Array.from({ length: Math.min(BEGINS_AT_ONCE, left.length) }, hand))
}
