// Hands accepted work to the queue, and waits for its end as long as the caller wants.

import { type Logger } from 'pino'
import { translate } from '../../db/failure.ts'
import { type Tx } from '../../db/database.ts'
import { type Jobs, type Work, type WorkKind, type WorkOf } from '../../jobs/jobs.ts'

export interface FollowDeps {
  jobs: Pick<Jobs, 'enqueue' | 'waitFor'>
  logger: Logger
}

/** Who begins work for a rollout: what it stores is bound to its target in the same transaction. */
export interface OnBehalf {
  /** Throws if the target is not to have it any more; then nothing is stored. */
  bind(tx: Tx, id: string): Promise<void>
}

export const ofWhom = (onBehalf: OnBehalf | undefined): WorkOf =>
  onBehalf === undefined ? 'caller' : 'fleet'

/**
 * Hands a committed row to whichever replica is free. Never throws: the row is the promise, and a queue
 * that is briefly away only delays it until the sweep. `rank`: as in `Jobs.enqueue`.
 */
export const handOver = async (
  { jobs, logger }: FollowDeps,
  kind: WorkKind,
  work: Work,
  sfdcOrgId: string,
  { rank = 0, of = 'caller' }: { rank?: number; of?: WorkOf } = {},
): Promise<void> => {
  await jobs
    .enqueue(kind, work, sfdcOrgId, rank, of)
    .catch((error: unknown) =>
      logger.warn({ err: translate(error), kind, work_id: work.id }, 'not enqueued yet'),
    )
}

/**
 * Waits until the work has ended, `waitSeconds` are over, or `signal` fires. `id` is what its end is
 * announced by.
 */
export const waitForEnd = (
  { jobs }: Pick<FollowDeps, 'jobs'>,
  id: string,
  isDone: () => Promise<boolean>,
  waitSeconds: number,
  signal: AbortSignal | undefined,
): Promise<void> =>
  jobs.waitFor(id, {
    isDone,
    timeoutMs: waitSeconds * 1000,
    ...(signal === undefined ? {} : { signal }),
  })
