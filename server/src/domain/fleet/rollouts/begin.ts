// Begins what was decided for a target: its check, its deployment, its rollback. Through the same functions as
// everybody else; what they store is bound to the target in the same transaction, so that a target has one
// deployment at most, however often this is tried.

import { sql } from 'kysely'
import { type Logger } from 'pino'
import { type Database, type Reader, type Tx, wholeOrg } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { workWaitSecondsAfter } from '../../../retry.ts'
import { type Caller } from '../../caller.ts'
import { type Conflicts } from '../../conflicts/reports.ts'
import { type Deployments } from '../../deployments/deployments.ts'
import { type Mappings } from '../../mappings/mappings.ts'
import { type OnBehalf } from '../../work/follow.ts'
import { type CauseName, causeOf, isPassing, toldOf } from '../../work/faults.ts'
import { nothingYet } from '../../deployments/rows.ts'
import { bindingsOf } from '../blueprints/rows.ts'
import { type Contents } from './contents.ts'
import { wasBound } from './kept.ts'
import { type Beginning, type Claimed, heldTarget } from './claims.ts'
import { applyChange, storePreview } from './journal.ts'
import { type RolloutState, type WaitingReason } from './model.ts'
import { requireMappings, restoreMappings } from './mappings.ts'
import { blockedBy, graceOver, type TargetChange } from './outcome.ts'
import {
  lockRollout,
  type RolloutRow,
  type TargetRow,
  updateRollout,
  wakeConductor,
} from './rows.ts'

export interface BeginDeps {
  db: Database
  conflicts: Pick<Conflicts, 'check'>
  deployments: Pick<Deployments, 'deploy' | 'deployWorkflows' | 'rollback'>
  mappings: Pick<Mappings, 'validate'>
  contents: Contents
  logger: Logger
  /** Multiplies all waiting; 1 except in tests. */
  waitScale: number
}

/** A report counts for so long. */
export const REPORT_HOURS = 24
/** How often something unexpected may happen to a target before it fails. */
const ATTEMPTS_MAX = 5
const LOOK_AGAIN_SECONDS = 5

/** What a target waits for that was not begun; anything else that passes is tried again in a moment. */
const WAITS_FOR: Readonly<Partial<Record<CauseName, WaitingReason>>> = {
  other_work: 'deployment_in_progress',
  budget_spent: 'api_budget',
  connection_lost: 'connection',
  connection_revoked: 'connection',
  setup_wrong: 'connection',
}

/** The claim is lost, or the rollout no longer wants it: nothing is begun. */
class NotWanted extends Error {
  override name = 'NotWanted'
}

/** The client should not stand at this version any more. Nobody has failed. */
class LeftOut extends Error {
  override name = 'LeftOut'
}

/** Throws LeftOut for a client whose binding was removed since its check, or is pinned to another version. */
const requireBound = async (
  reader: Reader,
  { org_id: orgId, blueprint_id: blueprintId, version }: RolloutRow,
  { client_id: clientId, values }: TargetRow,
): Promise<void> => {
  if (blueprintId === null) return
  const binding = (await bindingsOf(reader, wholeOrg(orgId), blueprintId, [clientId])).get(clientId)
  if (binding === undefined && wasBound({ values })) {
    throw new LeftOut('The binding of the client to the blueprint was removed.')
  }
  const pinned = binding?.pinned_version ?? version
  if (pinned !== version) throw new LeftOut(`The client was pinned to version ${pinned}.`)
}

const WANTED: Readonly<Record<Exclude<Beginning, 'preview'>, readonly RolloutState[]>> = {
  check: ['draft', 'checking', 'ready', 'running', 'paused'],
  deploy: ['running'],
  rollback: ['rolling_back'],
}

const isWanted = (row: RolloutRow, begin: Beginning): boolean =>
  begin === 'preview' ? row.preview_state === 'running' : WANTED[begin].includes(row.state)

const BOUND: Readonly<Record<Beginning, (id: string) => Record<string, unknown>>> = {
  check: (id) => ({ report_id: id, needs_refresh: false }),
  deploy: (id) => ({ deployment_id: id, state: 'deploying', reason: null, fault: null }),
  rollback: () => ({ state: 'rolling_back', fault: null }),
  preview: () => ({ preview_state: 'running' }),
}

/** Whoever started the rollout; that it may was asked, and approved, then. */
export const callerOf = (row: RolloutRow): Caller => ({
  tenant: wholeOrg(row.org_id), // the rollout is of no single client
  userId: row.acts_for ?? '',
  email: '',
  role: 'org_admin',
  permissions: [],
  credential: {
    type: row.credential_type === 'session' ? 'session' : 'api_token',
    id: row.credential_id ?? '',
  },
  requestId: row.request_id ?? '',
  idempotency: null,
})

export const createBeginning = ({
  db,
  conflicts,
  deployments,
  mappings,
  contents,
  logger,
  waitScale,
}: BeginDeps) => {
  /** Binds what was stored to the target, if it is still to have it. */
  const bound = (held: Claimed): OnBehalf => ({
    bind: async (tx, id) => {
      const { target, claim, begin } = held
      const row = await lockRollout(tx, wholeOrg(target.org_id), target.rollout_id)
      if (!isWanted(row, begin)) throw new NotWanted()
      if (begin === 'deploy') await requireBound(tx, row, target)
      const mine = await tx
        .updateTable('rollout_targets')
        .set({
          ...BOUND[begin](id),
          claim: null,
          claimed_until: null,
          due_at: null,
          attempts: 0,
          updated_at: sql<Date>`clock_timestamp()`,
        })
        .where('org_id', '=', target.org_id)
        .where('id', '=', target.id)
        .where('claim', '=', claim)
        .returning('id')
        .executeTakeFirst()
      if (mine === undefined) throw new NotWanted()
      // First, so that no push writes to a field that is about to go.
      if (begin === 'rollback') await restoreMappings(tx, callerOf(row), target)
    },
  })

  const check = async (row: RolloutRow, held: Claimed, signal: AbortSignal): Promise<void> => {
    const { target } = held
    const content = await contents.of(row, target)
    await requireMappings(mappings, target, await contents.mappingsOf(row, target), content)
    const ask = (refresh: boolean) =>
      conflicts.check(
        callerOf(row),
        { client_id: target.client_id, ...content, refresh, wait_seconds: 0 },
        signal,
        bound(held),
      )
    try {
      await ask(target.needs_refresh)
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'no_snapshot')) throw error
      await ask(true)
    }
  }

  const deploy = async (row: RolloutRow, held: Claimed, signal: AbortSignal): Promise<void> => {
    const { target } = held
    // Also where the deployment is bound; here, so that Salesforce is not asked for nothing.
    await requireBound(db.as(wholeOrg(row.org_id)).read, row, target)
    const content = await contents.of(row, target)
    const options = {
      client_id: target.client_id,
      ...(target.report_id === null ? {} : { conflict_report_id: target.report_id }),
      ...(row.accepts_yellow ? { accept: ['yellow' as const] } : {}),
      wait_seconds: 0,
    }
    const onBehalf = bound(held)
    if ('plan' in content) {
      await deployments.deploy(callerOf(row), { ...options, ...content }, signal, onBehalf)
    } else {
      await deployments.deployWorkflows(callerOf(row), { ...options, ...content }, signal, onBehalf)
    }
  }

  const undo = async (row: RolloutRow, held: Claimed, signal: AbortSignal): Promise<void> => {
    const isDry = held.begin === 'preview'
    await deployments.rollback(
      callerOf(row),
      {
        deployment_id: held.target.deployment_id ?? '',
        dry_run: isDry,
        // A dry run says what would be lost; it loses nothing.
        allow_data_loss: isDry || row.allow_data_loss,
        wait_seconds: 0,
      },
      signal,
      bound(held),
    )
  }

  const BEGIN = { check, deploy, rollback: undo, preview: undo } as const

  /** What the person was shown was checked in the Salesforce org that the client is connected to. */
  const leadsElsewhere = async ({ org_id, client_id, report_id }: TargetRow): Promise<boolean> => {
    if (report_id === null) return false
    const row = await db
      .as(wholeOrg(org_id))
      .read.selectFrom('crm_conflict_reports as r')
      .select((of) =>
        of
          .exists(
            of
              .selectFrom('crm_connections as k')
              .select('k.id')
              .where('k.org_id', '=', org_id)
              .where('k.client_id', '=', client_id)
              .where('k.status', '=', 'connected')
              .whereRef('k.sfdc_org_id', '<>', 'r.sfdc_org_id'),
          )
          .as('elsewhere'),
      )
      .where('r.org_id', '=', org_id)
      .where('r.id', '=', report_id)
      .executeTakeFirst()
    return row?.elsewhere === true
  }

  const refusedDeploy = (
    error: EngineError,
    row: RolloutRow,
    target: TargetRow,
    isElsewhere: boolean,
  ): TargetChange => {
    const now = new Date()
    const fault = toldOf(error)
    const waits = (reason: WaitingReason): TargetChange => {
      const since = target.reason === reason ? (target.waiting_since ?? now) : now
      const waited = (now.getTime() - since.getTime()) / 1000 / waitScale
      const left = row.connection_grace_seconds - waited
      if (reason === 'connection' && left <= 0) return graceOver()
      const pause = Math.max(LOOK_AGAIN_SECONDS, workWaitSecondsAfter(waited))
      const seconds =
        reason === 'deployment_in_progress'
          ? LOOK_AGAIN_SECONDS
          : reason === 'connection'
            ? Math.min(pause, left)
            : pause
      return {
        state: 'waiting',
        reason,
        fault,
        isFailure: false,
        waitingSince: since,
        dueInSeconds: seconds * waitScale,
      }
    }
    const reason = WAITS_FOR[causeOf(error)]
    if (reason !== undefined) return waits(reason)
    const failed: TargetChange = { state: 'failed', reason: null, fault, isFailure: true }
    if (error.code === 'conflicts_found') {
      return { state: 'blocked', reason: 'red', fault, isFailure: true }
    }
    if (error.code !== 'topology_drifted') return failed
    if (isElsewhere) return { ...failed, fault: { ...fault, code: 'salesforce_org_changed' } }
    return target.is_rechecked
      ? { state: 'blocked', reason: 'drifted', fault }
      : { state: 'checking', reason: null, fault, checkAgain: 'drifted' }
  }

  const refusalOf = (
    { begin, target }: Claimed,
    row: RolloutRow,
    error: unknown,
    isElsewhere: boolean,
  ): TargetChange => {
    const again = (seconds: number): TargetChange => ({
      state: target.state,
      dueInSeconds: seconds * waitScale,
    })
    if (error instanceof LeftOut) {
      return {
        state: 'skipped',
        reason: null,
        fault: null,
        isFailure: false,
        decision: error.message,
      }
    }
    if (!(error instanceof EngineError)) {
      logger.error({ err: error, rollout_id: row.id, target_id: target.id, begin }, 'not begun')
      const attempts = target.attempts + 1
      if (attempts < ATTEMPTS_MAX) return again(workWaitSecondsAfter(2 ** attempts))
    }
    const fault = toldOf(error)
    if (begin === 'deploy') {
      const isOwn = WAITS_FOR[causeOf(error)] !== undefined
      if (isPassing(error) && !isOwn) return again(LOOK_AGAIN_SECONDS)
      return error instanceof EngineError
        ? refusedDeploy(error, row, target, isElsewhere)
        : { state: 'failed', reason: null, fault, isFailure: true }
    }
    if (isPassing(error)) return again(LOOK_AGAIN_SECONDS)
    if (begin === 'check') {
      return {
        state: 'blocked',
        reason: blockedBy(fault.code),
        fault,
        isFailure: false,
      }
    }
    return { state: 'rollback_partial', fault, rollback: failedRollback(fault) }
  }

  const failedRollback = (error: ReturnType<typeof toldOf>) => {
    const { status: _status, proof: _proof, ...lists } = nothingYet()
    return {
      status: 'failed',
      removed: lists.removed.length,
      restored: lists.restored.length,
      kept: lists.kept.length,
      remaining: lists.remaining.length,
      data: [],
      proof: null,
      error,
    }
  }

  /** Stores why it was not begun, if the claim still holds. */
  const refuse = async (held: Claimed, error: unknown): Promise<void> => {
    const hasDrifted = error instanceof EngineError && error.code === 'topology_drifted'
    const isElsewhere = hasDrifted && (await leadsElsewhere(held.target))
    await db.as(wholeOrg(held.target.org_id)).tx(async (tx: Tx) => {
      const row = await lockRollout(tx, wholeOrg(held.target.org_id), held.target.rollout_id)
      const target = await heldTarget(tx, held)
      if (target === undefined) return
      const change = refusalOf({ ...held, target }, row, error, isElsewhere)
      if (held.begin === 'preview' && change.state === 'rollback_partial') {
        await storePreview(tx, target, failedRollback(toldOf(error)))
      } else {
        await applyChange(tx, row, target, change)
        if (target.state === 'checking' && change.state !== 'checking') {
          await updateRollout(tx, row, { revision: sql<number>`revision + 1` })
        }
      }
      if (!(error instanceof EngineError || error instanceof LeftOut)) {
        await tx
          .updateTable('rollout_targets')
          .set({ attempts: sql<number>`attempts + 1` })
          .where('org_id', '=', target.org_id)
          .where('id', '=', target.id)
          .execute()
      }
      await wakeConductor(tx, row)
    })
  }

  const isTooOld = ({ checked_at: at }: TargetRow): boolean =>
    at !== null && Date.now() - at.getTime() > REPORT_HOURS * 3_600_000

  /** Begins it, or stores why not. Throws nothing but for a database that is away. */
  return async (row: RolloutRow, held: Claimed, signal: AbortSignal): Promise<void> => {
    try {
      if (held.begin === 'deploy' && isTooOld(held.target)) {
        await db.as(wholeOrg(row.org_id)).tx(async (tx) => {
          const present = await lockRollout(tx, wholeOrg(row.org_id), row.id)
          const target = await heldTarget(tx, held)
          if (target === undefined) return
          await applyChange(tx, present, target, { state: 'checking', checkAgain: 'too_old' })
          await wakeConductor(tx, present)
        })
        return
      }
      await BEGIN[held.begin](row, held, signal)
    } catch (error) {
      // Whoever has the claim next begins it: what was already stored is bound, and ends the claim.
      if (error instanceof NotWanted || signal.aborted) return
      await refuse(held, error)
    }
  }
}
