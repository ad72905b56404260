// What the journal says of rows that were in flight when the Salesforce org was lost for good: results
// that are known stay known, and only what was sent and not answered is in the dark.

import { type ReadyRow, type RowResult } from '../model.ts'
import { type ItemsState } from './items.ts'

export type LastWord =
  | { kind: 'result'; result: RowResult }
  /** Certainly not written, however often it was tried. */
  | { kind: 'not_written'; attempts: number }
  /** Sent, and nobody can be asked what became of it. */
  | { kind: 'unknown'; attempts: number }

/** By the row's place among those of its shipment. */
export type LastWords = (ordinal: number, row: Pick<ReadyRow, 'index' | 'key'>) => LastWord

/** As much of what the transports save as can be told without Salesforce. */
type SavedState =
  | { via: 'collections'; items: ItemsState }
  | {
      via: 'bulk'
      jobs: readonly { through: number }[]
      open: { through: number } | null
      calls: unknown
    }

/** Reads the state that a transport saved last; null: nothing was sent. */
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

/** Results of jobs are kept by Salesforce, so with it they are gone. */
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
