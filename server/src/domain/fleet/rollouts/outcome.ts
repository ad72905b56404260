// What the report, the deployment or the rollback of a target says about the target. Pure.

import { type WorkFault } from '../../../db/tables/work.ts'
import { type BlockedReason, type TargetState, type WaitingReason } from './model.ts'
import { type TargetRollback, type TargetRow } from './rows.ts'

/** What becomes of a target; members that are absent stay as they are. */
export interface TargetChange {
  state: TargetState
  reason?: BlockedReason | WaitingReason | null
  fault?: WorkFault | null
  isFailure?: boolean
  severity?: TargetRow['severity']
  waitingSince?: Date | null
  /** Seconds until it is tried again. */
  dueInSeconds?: number | null
  /** It has no deployment any more: nothing of the one that it had was sent. */
  unbind?: boolean
  /** Its deployment is cancelled if it has not been sent. */
  recall?: boolean
  /** It needs a new report, of a new snapshot. */
  checkAgain?: 'drifted' | 'too_old'
  decision?: string
  rollback?: TargetRollback
}

const fault = (code: WorkFault['code'], message: string): WorkFault => ({ code, message })

export interface ReportFacts {
  status: 'running' | 'complete' | 'failed'
  severity: 'green' | 'yellow' | 'red' | null
  error: WorkFault | null
  /** All of its red findings are about what the connected user may do. */
  isAboutPermissions: boolean
  /** What it found is about a snapshot that the Salesforce org has left behind. */
  isOfOldSnapshot: boolean
  /** The codes of what it found that the person was not shown; null: nothing, or no person has been shown anything. */
  saysMore: readonly string[] | null
}

const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'connection_lost',
  'connection_not_ready',
  'connection_revoked',
  'client_inactive',
  'salesforce_org_changed',
  'host_refused',
])

/** Why a target whose check could not be made, or did not end well, is blocked. */
export const blockedBy = (code: string): BlockedReason => {
  if (NOT_CONNECTED.has(code)) return 'not_connected'
  if (code === 'invalid_mapping') return 'red'
  return code === 'missing_permissions' ? 'missing_permission' : 'check_failed'
}

/** What a person has to look at before it is deployed. */
const unseen = (codes: readonly string[]): WorkFault =>
  fault(
    'topology_drifted',
    `The Salesforce org or the client's binding has changed since the report that was shown.${
      codes.length === 0 ? '' : ` New in its report: ${codes.join(', ')}.`
    } Look at the report, then retry with the revision of the rollout that you saw, or leave the client out.`,
  )

/** Null: the check goes on. `isOpen`: its wave has begun, so that a red report is a failure. */
export const afterReport = (
  { status, severity, error, isAboutPermissions, isOfOldSnapshot, saysMore }: ReportFacts,
  { acceptsYellow, isOpen }: { acceptsYellow: boolean; isOpen: boolean },
): TargetChange | null => {
  const blocked = (reason: BlockedReason, isFailure: boolean): TargetChange => ({
    state: 'blocked',
    reason,
    severity,
    isFailure,
    fault: error,
  })
  // It may go on for a day: a person has to do something in any case.
  if (status === 'running') {
    return error?.waiting?.for === 'person' ? blocked('not_connected', false) : null
  }
  if (status === 'failed') return blocked(blockedBy(error?.code ?? ''), false)
  if (isOfOldSnapshot) return { state: 'checking', checkAgain: 'too_old' }
  if (severity === 'red') return blocked(isAboutPermissions ? 'missing_permission' : 'red', isOpen)
  if (severity === 'yellow' && !acceptsYellow) return blocked('yellow_not_accepted', false)
  // Green, and yet not what the person agreed to: a value that somebody added meanwhile would be removed.
  if (saysMore !== null) return { ...blocked('drifted', false), fault: unseen(saysMore) }
  return {
    state: isOpen ? 'queued' : 'ready',
    severity,
    reason: null,
    fault: null,
    isFailure: false,
    waitingSince: null,
    dueInSeconds: null,
  }
}

export interface DeploymentFacts {
  status: 'pending' | 'validated' | 'deployed' | 'failed' | 'rolled_back'
  planHash: string | null
  applied: 'all' | 'nothing' | 'unknown' | null
  error: WorkFault | null
  /** Salesforce was given a package, or a permission set was assigned. */
  hasChanged: boolean
  /** The work on it that has not ended. */
  run: { kind: 'deploy' | 'rollback'; error: WorkFault | null; isSent: boolean } | null
}

export interface DeployQuestion {
  planHash: string
  isRecalled: boolean
  /** What it has waited for, and since when. */
  reason: string | null
  waitingSince: Date | null
  graceSeconds: number
  /** Nothing new is begun any more. */
  isStopped: boolean
  now: Date
}

const underWay = (
  { error, isSent }: { error: WorkFault | null; isSent: boolean },
  { waitingSince, isRecalled, reason, now }: DeployQuestion,
): TargetChange => {
  const code = error?.code
  // For long, perhaps: its place goes to another target, so its deployment is cancelled and begun anew when there
  // is room. Otherwise those that go on again would be more than the wave allows.
  const waitsAside = (what: WaitingReason): TargetChange =>
    isRecalled ? waits(what) : { ...waits(what), recall: true }
  const waits = (what: WaitingReason): TargetChange => ({
    state: 'waiting',
    reason: what,
    fault: error,
    isFailure: false,
    waitingSince: reason === what && waitingSince !== null ? waitingSince : now,
  })
  if (code === undefined) {
    return { state: 'deploying', reason: null, fault: null, isFailure: false, waitingSince: null }
  }
  if (code === 'connection_lost' || code === 'outcome_unknown') {
    if (isSent) return { state: 'unknown', reason: null, fault: error, isFailure: true }
    return waitsAside('connection')
  }
  if (!isSent && code === 'api_budget_exhausted') return waitsAside('api_budget')
  if (!isSent && (code === 'deployment_in_progress' || code === 'pull_in_progress')) {
    return waits('deployment_in_progress')
  }
  return { state: 'deploying', reason: null, fault: error, isFailure: false, waitingSince: null }
}

/** What a deployment says about its target. Only one that was read back, of this very plan, counts as done. */
export const afterDeployment = (
  facts: DeploymentFacts,
  question: DeployQuestion,
): TargetChange | null => {
  const { status, planHash, applied, error, hasChanged, run } = facts
  if (run !== null) return run.kind === 'deploy' ? underWay(run, question) : null
  const done = { reason: null, waitingSince: null, dueInSeconds: null } as const
  if (status === 'rolled_back') return { ...done, state: 'rolled_back', isFailure: false }
  if (status === 'deployed' && planHash === question.planHash) {
    const state = hasChanged ? 'deployed' : 'unchanged'
    return { ...done, state, fault: null, isFailure: false }
  }
  if (status === 'deployed') {
    const other = fault('internal', 'The deployment is of a different plan than the rollout.')
    return { ...done, state: 'unknown', fault: other, isFailure: true }
  }
  if (applied === 'unknown') return { ...done, state: 'unknown', fault: error, isFailure: true }
  if (status === 'failed' && error?.code === 'cancelled' && question.isRecalled) {
    return recalled(question)
  }
  return { ...done, state: 'failed', fault: error, isFailure: true }
}

/** Its deployment was cancelled by us before it was sent. */
const recalled = ({
  reason,
  waitingSince,
  graceSeconds,
  isStopped,
  now,
}: DeployQuestion): TargetChange => {
  const waitedMs = waitingSince === null ? 0 : now.getTime() - waitingSince.getTime()
  if (reason === 'connection' && waitedMs >= graceSeconds * 1000) return graceOver()
  if (isStopped) {
    return { state: 'skipped', reason: null, fault: null, decision: STOPPED, unbind: true }
  }
  if (waitingSince !== null && (reason === 'connection' || reason === 'api_budget')) {
    return { state: 'waiting', reason, waitingSince, dueInSeconds: null, unbind: true }
  }
  return {
    state: 'queued',
    reason: null,
    fault: null,
    waitingSince: null,
    dueInSeconds: null,
    unbind: true,
  }
}

/** The decision on targets that were not begun when the rollout was stopped. */
export const STOPPED = 'The rollout was stopped.'

/** A target that has waited too long for its connection. */
export const graceOver = (): TargetChange => ({
  state: 'failed',
  reason: null,
  isFailure: true,
  waitingSince: null,
  dueInSeconds: null,
  fault: fault(
    'connection_lost',
    'The connection did not come back within connection_grace_seconds. Connect the client again, then retry.',
  ),
})

export interface RollbackFacts {
  isRolledBack: boolean
  hasOpenRun: boolean
  result: TargetRollback | null
}

/** How the rollback of a target ended; null: it goes on. */
export const afterRollback = ({
  isRolledBack,
  hasOpenRun,
  result,
}: RollbackFacts): TargetChange | null => {
  if (hasOpenRun) return null
  const rollback = result === null ? {} : { rollback: result }
  if (isRolledBack) {
    return { ...rollback, state: 'rolled_back', fault: null, isFailure: false }
  }
  return { ...rollback, state: 'rollback_partial', fault: result?.error ?? null, isFailure: false }
}
