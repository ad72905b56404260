// What a rollout does next: facts about its rows in, one decision out. Pure, so that every order of events
// can be tried. The conductor reads the facts and carries the decision out in one transaction.

import {
  type Counts,
  countOf,
  endOf,
  isByTheClock,
  isSettled,
  type PauseReason,
  sumOf,
  TARGET_STATES,
  totalOf,
} from './model.ts'
import { type WindowState } from './window.ts'

/** The targets of one wave. */
export interface Tally {
  counts: Counts
  /** A deployment of theirs may reach its Salesforce org, or is just being begun. */
  underWay: number
  /** They could be begun now. */
  due: number
  /** Failures that nobody has looked at yet; also those whose fate is not known. */
  failures: number
  /** Of these, the ones whose fate is not known. */
  unknown: number
  /** The error that most of the failures have in common. */
  common: { code: string; count: number } | null
}

export interface Wave extends Tally {
  position: number
  state: 'pending' | 'open' | 'closed'
  maxConcurrent: number
  failureTolerance: number
  soakSeconds: number
  gate: 'auto' | 'manual'
  isApproved: boolean
  closedAt: Date | null
}

export interface View {
  state: 'running' | 'paused'
  pauseReason: PauseReason | null
  mode: 'strict' | 'soft'
  waves: readonly Wave[]
  window: WindowState
  now: Date
  /** Multiplies the soak; 1 except in tests. */
  scale: number
}

export type Decision =
  | { do: 'begin'; wave: number; count: number }
  | { do: 'open'; wave: number }
  | { do: 'close'; wave: number }
  | {
      do: 'pause'
      reason: PauseReason
      /** When it goes on by itself. */
      until: Date | null
      detail: Readonly<Record<string, string | number>>
    }
  /** A pause by the clock is over. */
  | { do: 'go_on' }
  | { do: 'finish'; state: 'succeeded' | 'partial' | 'failed' }
  /** Something else has to happen first; look again then at the latest. */
  | { do: 'wait'; until: Date | null }

/** Targets of a wave with the same error: then the next ones would fail for it too. */
export const SYSTEMIC = 3

/** Targets of a wave that have not come to an end. */
const unsettled = ({ counts }: Tally): number =>
  countOf(counts, ...TARGET_STATES.filter((state) => !isSettled(state)))

/** How many of a wave may be under way at once. */
export const limitOf = (
  { maxConcurrent, failureTolerance, failures }: Wave,
  mode: View['mode'],
): number =>
  mode === 'soft' || failures === 0
    ? maxConcurrent
    : Math.max(0, Math.min(maxConcurrent, failureTolerance - failures + 1))

/** Targets that were left out by a person: of a wave of these nothing is sent, and nothing is awaited. */
const isOfNobody = ({ counts }: Pick<Tally, 'counts'>): boolean =>
  totalOf(counts) === countOf(counts, 'skipped', 'excluded')

/** When the last of the closed waves that sent something has stood long enough. */
const soakEnd = (waves: readonly Wave[], scale: number): Date => {
  const ends = waves
    .filter((wave) => wave.state === 'closed' && !isOfNobody(wave))
    .map(({ closedAt, soakSeconds }) => (closedAt?.getTime() ?? 0) + soakSeconds * 1000 * scale)
  return new Date(Math.max(0, ...ends))
}

/** Why nothing more may be sent in an open wave. */
const alarmOf = (wave: Wave): Decision | null => {
  const { failures, failureTolerance, unknown, common, position } = wave
  const pause = (reason: PauseReason, detail: Record<string, string | number>): Decision => ({
    do: 'pause',
    reason,
    until: null,
    detail: { wave: position, ...detail },
  })
  if (unknown > 0) return pause('unknown_fate', { targets: unknown })
  if (common !== null && common.count >= SYSTEMIC) {
    return pause('systemic', { code: common.code, targets: common.count })
  }
  if (failures > failureTolerance) {
    return pause('tolerance', { failures, failure_tolerance: failureTolerance })
  }
  return null
}

const pausedByWindow = ({ changesAt }: WindowState, wave: number): Decision => ({
  do: 'pause',
  reason: 'window',
  until: changesAt,
  detail: { wave },
})

const inOpenWave = (wave: Wave, { mode, window }: View): Decision => {
  const alarm = alarmOf(wave)
  if (alarm !== null) return alarm
  const left = unsettled(wave)
  if (left === 0) return { do: 'close', wave: wave.position }
  // Somebody has seen it and went on; it is still not known, and nothing else is left to do.
  const unknown = countOf(wave.counts, 'unknown')
  if (unknown === left && wave.underWay === 0) {
    return {
      do: 'pause',
      reason: 'unknown_fate',
      until: null,
      detail: { wave: wave.position, targets: unknown },
    }
  }
  if (!window.isOpen) {
    return left > wave.underWay
      ? pausedByWindow(window, wave.position)
      : { do: 'wait', until: window.changesAt }
  }
  const room = limitOf(wave, mode) - wave.underWay
  const count = Math.min(room, wave.due)
  return count > 0
    ? { do: 'begin', wave: wave.position, count }
    : { do: 'wait', until: window.changesAt }
}

const beforeWave = (next: Wave, view: View): Decision => {
  const { position, counts } = next
  const pause = (
    reason: PauseReason,
    until: Date | null,
    detail: Record<string, number> = {},
  ): Decision => ({ do: 'pause', reason, until, detail: { wave: position, ...detail } })
  if (isOfNobody(next)) return { do: 'open', wave: position }
  const until = soakEnd(view.waves, view.scale)
  if (until > view.now) return pause('soak', until)
  // What a check has found is for a person, whatever the gate says.
  const blocked = countOf(counts, 'blocked')
  const unchecked = countOf(counts, 'pending')
  if ((next.gate === 'manual' || blocked + unchecked > 0) && !next.isApproved) {
    return pause('gate', null, {
      ...(blocked > 0 ? { blocked } : {}),
      ...(unchecked > 0 ? { unchecked } : {}),
    })
  }
  if (countOf(counts, 'checking') > 0) return { do: 'wait', until: null }
  if (blocked + unchecked > 0) return pause('gate', null, { blocked, unchecked })
  if (!view.window.isOpen) return pausedByWindow(view.window, position)
  return { do: 'open', wave: position }
}

const whenPaused = (view: View): Decision => {
  const { pauseReason, window, waves, now, scale } = view
  if (!isByTheClock(pauseReason)) return { do: 'wait', until: null }
  if (pauseReason === 'window') {
    return window.isOpen ? { do: 'go_on' } : { do: 'wait', until: window.changesAt }
  }
  const until = soakEnd(waves, scale)
  return until > now ? { do: 'wait', until } : { do: 'go_on' }
}

/** The next decision; after it is carried out, there may be another one. */
export const decide = (view: View): Decision => {
  if (view.state === 'paused') return whenPaused(view)
  const open = view.waves.find(({ state }) => state === 'open')
  if (open !== undefined) return inOpenWave(open, view)
  const next = view.waves.find(({ state }) => state === 'pending')
  if (next === undefined) {
    return { do: 'finish', state: endOf(sumOf(view.waves.map(({ counts }) => counts))) }
  }
  return beforeWave(next, view)
}

/** What a rollback works with: the waves, and what of each is left to be rolled back. */
export interface Undoing {
  position: number
  maxConcurrent: number
  /** Rolling back, or a deployment that is still under way. */
  underWay: number
  /** To be rolled back, and could be begun now. */
  due: number
  /** To be rolled back, due or not. */
  left: number
}

export type UndoDecision =
  | { do: 'begin'; wave: number; count: number }
  | { do: 'wait' }
  | { do: 'finish' }

/** The last wave first: one is begun when nothing of those after it is left. */
export const decideRollback = (waves: readonly Undoing[]): UndoDecision => {
  const last = waves.findLast(({ underWay, left }) => underWay + left > 0)
  if (last === undefined) return { do: 'finish' }
  const count = Math.min(last.maxConcurrent - last.underWay, last.due)
  return count > 0 ? { do: 'begin', wave: last.position, count } : { do: 'wait' }
}
