// What is sent beside the work: queues of their own, so that neither holds up the other. As with the work,
// rows are the truth about what is due, and a note in a queue only decides which replica does it now.

import { type JobWithMetadata, type PgBoss } from 'pg-boss'
import { createTakers, type Takers } from './takers.ts'

/** Something of an org has things to be sent. */
export interface CourierNote {
  queue: string
  orgId: string
  id: string
}

export interface Courier {
  /** Its queues, and how many notes of each a replica works on at once. */
  readonly queues: Readonly<Record<string, number>>
  /** What is due, and in nobody's hands: found by the sweep. */
  due(): Promise<CourierNote[]>
  /**
   * Sends what is due. Several turns of the same id may run at once, on any replica. Returns the note of
   * the next turn, if something is left. `signal` fires when this replica shuts down.
   */
  run(note: CourierNote, signal: AbortSignal): Promise<CourierNote | null>
}

/** Announces what has become due: the queue, the org and the id, with spaces between them. */
export const DUE_CHANNEL = 'sfdc_engine_due'

/** A turn ends long before. */
const EXPIRE_SECONDS = 120
const KEPT_SECONDS = 300

interface Options {
  signal: AbortSignal
  onError: (what: string, error: unknown, about?: Record<string, unknown>) => void
  takers: Map<string, Takers>
  heartbeatSeconds: number
}

export const createCouriers = (boss: PgBoss, options: Options) => {
  const couriers: Courier[] = []
  const { signal, onError, takers, heartbeatSeconds } = options

  const isKnown = (queue: string): boolean =>
    couriers.some(({ queues }) => Object.hasOwn(queues, queue))

  /** One note waits at most: a turn sees all that was due when it began, and what came since. */
  const send = async (note: CourierNote): Promise<void> => {
    await boss.send(note.queue, note, { singletonKey: note.id })
    takers.get(note.queue)?.wake()
  }

  return {
    add: (courier: Courier): void => {
      couriers.push(courier)
    },

    start: async (isPaused: boolean): Promise<void> => {
      for (const courier of couriers) {
        for (const [queue, atOnce] of Object.entries(courier.queues)) {
          // At most one waits, beside any that run: what becomes due during a turn is not missed.
          await boss.createQueue(queue, {
            policy: 'short',
            heartbeatSeconds,
            expireInSeconds: EXPIRE_SECONDS,
            retryLimit: 0, // the sweep
            deleteAfterSeconds: KEPT_SECONDS,
          })
          if (isPaused) continue
          const perform = async ({ data }: JobWithMetadata<CourierNote>): Promise<void> => {
            const next = await courier.run(data, signal)
            if (next !== null) await send(next)
          }
          takers.set(
            queue,
            createTakers<CourierNote>(boss, {
              queue,
              atOnce,
              perform: (job) =>
                perform(job).catch((error: unknown) => {
                  if (!signal.aborted) onError('nothing sent', error, { queue, id: job.data.id })
                }),
              onError: (error) => {
                if (!signal.aborted) onError('no taker', error, { kind: queue })
              },
            }),
          )
          takers.get(queue)?.wake()
        }
      }
    },

    /** What was announced on {@link DUE_CHANNEL}. */
    announced: (payload: string): void => {
      const [queue = '', orgId = '', id = ''] = payload.split(' ')
      if (signal.aborted || !isKnown(queue)) return
      send({ queue, orgId, id }).catch((error: unknown) => onError('no note', error, { queue }))
    },

    sweep: async (): Promise<void> => {
      for (const courier of couriers) for (const note of await courier.due()) await send(note)
    },
  }
}
