// The states of a rollout and of its targets, and what follows from each. Pure.

export const ROLLOUT_STATES = [
  'draft',
  'checking',
  'ready',
  'running',
  'paused',
  'succeeded',
  'partial',
  'stopped',
  'failed',
  'rolling_back',
  'rolled_back',
  'rollback_partial',
] as const
export type RolloutState = (typeof ROLLOUT_STATES)[number]

export const PAUSE_REASONS = [
  'user',
  'gate',
  'tolerance',
  'systemic',
  'unknown_fate',
  'soak',
  'window',
] as const
export type PauseReason = (typeof PAUSE_REASONS)[number]

/** Pauses that end without anybody. */
export const isByTheClock = (reason: PauseReason | null): boolean =>
  reason === 'soak' || reason === 'window'

/** Whoever lets it go on has been told of the failures so far; a person may have paused it before there were any. */
export const tellsFailures = (reason: PauseReason | null): boolean => reason !== 'user'

export const TARGET_STATES = [
  'pending',
  'checking',
  'ready',
  'blocked',
  'queued',
  'deploying',
  'waiting',
  'deployed',
  'unchanged',
  'failed',
  'unknown',
  'skipped',
  'excluded',
  'rolling_back',
  'rolled_back',
  'rollback_partial',
] as const
export type TargetState = (typeof TARGET_STATES)[number]

export const BLOCKED_REASONS = [
  'red',
  'yellow_not_accepted',
  'not_connected',
  'missing_permission',
  'drifted',
  'check_failed',
] as const
export type BlockedReason = (typeof BLOCKED_REASONS)[number]

export const WAITING_REASONS = ['deployment_in_progress', 'api_budget', 'connection'] as const
export type WaitingReason = (typeof WAITING_REASONS)[number]

export type TargetReason = BlockedReason | WaitingReason

export const MAPPING_ACTIONS = [
  'created',
  'updated',
  'unchanged',
  'removed',
  'restored',
  'kept',
] as const

/** What became of a mapping of the version for one client. */
export interface TargetMapping {
  canonical_object: string
  mapping_id: string
  action: (typeof MAPPING_ACTIONS)[number]
  /** As the rollout left it. */
  version: number
  /** What it was before; null: there was none, or it was the same. */
  version_before: number | null
}

/** Rollouts whose own work has come to an end; a rollback may still follow. */
export const ENDED_STATES: readonly RolloutState[] = ['succeeded', 'partial', 'stopped', 'failed']

/** Where a target may stay when its wave is closed. */
const SETTLED: ReadonlySet<TargetState> = new Set([
  'blocked',
  'deployed',
  'unchanged',
  'failed',
  'skipped',
  'excluded',
  'rolled_back',
  'rollback_partial',
])

export const isSettled = (state: TargetState): boolean => SETTLED.has(state)

/** What stands in the Salesforce org as this rollout wants it. */
export const isInPlace = (state: TargetState): boolean =>
  state === 'deployed' || state === 'unchanged'

export type Counts = Readonly<Partial<Record<TargetState, number>>>

export const countOf = (counts: Counts, ...states: readonly TargetState[]): number =>
  states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)

export const totalOf = (counts: Counts): number => countOf(counts, ...TARGET_STATES)

export const sumOf = (all: readonly Counts[]): Counts => {
  const sums: Partial<Record<TargetState, number>> = {}
  for (const state of TARGET_STATES) {
    const sum = all.reduce((count, one) => count + countOf(one, state), 0)
    if (sum !== 0) sums[state] = sum
  }
  return sums
}

/** How a rollout ends whose waves are all closed. */
export const endOf = (counts: Counts): 'succeeded' | 'partial' | 'failed' => {
  const inPlace = countOf(counts, 'deployed', 'unchanged')
  if (inPlace === totalOf(counts) - countOf(counts, 'excluded')) return 'succeeded'
  return inPlace === 0 ? 'failed' : 'partial'
}
