// What the journal says about rows that were in flight when access to the Salesforce org was lost
// permanently: known results are kept, and only rows that were sent without an answer are unknown.

import { type ReadyRow, type RowResult } from '../model.ts'
import { type ItemsState } from './items.ts'

export type LastWord =
  | { kind: 'result'; result: RowResult }
  /** Certainly not written, however often it was tried. */
  | { kind: 'not_written'; attempts: number }
  /** Sent, and the outcome can no longer be found out. */
  | { kind: 'unknown'; attempts: number }

/** By the position of the row in its shipment. */
export type LastWords = (ordinal: number, row: Pick<ReadyRow, 'index' | 'key'>) => LastWord

/** What can be read from the transports' saved state without Salesforce. */
type SavedState =
  | { via: 'collections'; items: ItemsState }
  | {
      via: 'bulk'
      jobs: readonly { through: number }[]
      open: { through: number } | null
      calls: unknown
    }

/** Reads the last state that a transport saved; null: nothing was sent. */
export const lastWordsOf = (state: unknown): LastWords => {
  const saved = state as SavedState | null
  if (saved === null) return () => ({ kind: 'not_written', attempts: 0 })
  return saved.via === 'collections' ? ofItems(saved.items) : ofJobs(saved)
}

const ofItems = ({ done, groups }: ItemsState): LastWords => {
  const results = new Map(done.map((one) => [one[0], one]))
  const others = groups.find(([, , , positions]) => positions === null)
  const byPosition = new Map(
    groups.flatMap((group) => (group[3] ?? []).map((position) => [position, group] as const)),
  )
  return (position, { index, key }) => {
    const known = results.get(position)
    if (known !== undefined) {
      const [, id, action, attempts, resent, errors] = known
      const result: RowResult = {
        index,
        key,
        id,
        action,
        success: action !== 'failed',
        ...(resent === 1 ? { resent: true } : {}),
        attempts,
        errors,
      }
      return { kind: 'result', result }
    }
    const [attempts, resent, sentAt] = byPosition.get(position) ?? others ?? [0, 0, null, null]
    const isOpen = sentAt !== null || resent === 1
    return { kind: isOpen ? 'unknown' : 'not_written', attempts }
  }
}

/** Salesforce keeps the results of jobs, so without access to it they are lost. */
const ofJobs = ({ jobs, open, calls }: Extract<SavedState, { via: 'bulk' }>): LastWords => {
  const through = Math.max(
    -1,
    ...[...jobs, ...(open === null ? [] : [open])].map((job) => job.through),
  )
  return (ordinal) =>
    calls !== null || ordinal <= through
      ? { kind: 'unknown', attempts: 1 }
      : { kind: 'not_written', attempts: 0 }
}
