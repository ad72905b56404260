// The takers of a queue: what a replica does of it at once.

import { type JobWithMetadata, type PgBoss } from 'pg-boss'

export interface Takers {
  /** There may be a note in the queue: one of them looks for it. */
  wake(): void
}

interface Options<Note> {
  queue: string
  /** Takers at most. */
  atOnce: number
  /** Of what shares a group, at most so much at once over all replicas. */
  groupConcurrency?: number
  perform: (job: JobWithMetadata<Note>) => Promise<void>
  onError: (error: unknown) => void
}

/** One note at a time for each taker; takers are woken when there is one. */
const TAKING = { pollingIntervalSeconds: 60, includeMetadata: true } as const

/**
 * The takers of a queue, each with one piece of work at a time: as many as were ever needed at once. New
 * work wakes an idle one, and a taker that finds work wakes the next. (pg-boss by itself wakes all of
 * them for each piece of work, and only one gets it.)
 */
export const createTakers = <Note extends object>(
  boss: PgBoss,
  { queue, atOnce, groupConcurrency, perform, onError }: Options<Note>,
): Takers => {
  const taking = { ...TAKING, ...(groupConcurrency === undefined ? {} : { groupConcurrency }) }
  const idle = new Set<string>()
  let count = 0

  const hire = async (): Promise<void> => {
    count += 1
    // It looks for work at once by itself, and has its id by the time it finds any.
    const id = await boss.work<Note, void, typeof taking>(queue, taking, async ([job]) => {
      if (job === undefined) return
      idle.delete(id)
      wake()
      try {
        await perform(job)
      } finally {
        idle.add(id)
        boss.notifyWorker(id) // what waited for it, or for a place in its group, is next
      }
    })
    idle.add(id)
  }
  const wake = (): void => {
    const [first] = idle
    if (first !== undefined) boss.notifyWorker(first)
    else if (count < atOnce) {
      hire().catch((error: unknown) => {
        count -= 1
        onError(error)
      })
    }
  }
  return { wake }
}
