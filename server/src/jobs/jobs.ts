// Durable work. The row in our own tables is the truth about what was accepted and how far it is; the
// queue (pg-boss, in a schema of its own) only decides which replica does it now. A job's payload holds
// ids. Work whose row is unfinished and whose job is gone is put back by the sweep, so a crash at any
// moment loses nothing: between commit and enqueue, in the middle, or at the end.

import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { type JobWithMetadata, PgBoss } from 'pg-boss'
import { type Logger } from 'pino'
import { createWarnOf, type WarnOf } from '../background-faults.ts'
import { Connection } from '../db/client.ts'
import { type Database, type Tenant, type Tx } from '../db/database.ts'
import { QUEUE_SCHEMA } from '../db/migrate.ts'
import { WORK_WAIT_SECONDS } from '../retry.ts'
import { type Secret } from '../secret.ts'
import { NO_TRACING, type Tracing } from '../tracing.ts'
import { openAccount, type Standing, type TurnDone, type TurnEnd } from './account.ts'
import { createAnnouncements, DONE_CHANNEL, WORK_CHANNEL } from './announcements.ts'
import { type Courier, createCouriers } from './couriers.ts'
import { readQueueError } from './queue-errors.ts'
import { createTakers, type Takers } from './takers.ts'

/** The kinds of durable work; one queue each. */
export const WORK_KINDS = [
  'topology-pull',
  'deploy',
  'rollback',
  'conflict-check',
  'push',
  'offboard',
  'purge',
] as const
export type WorkKind = (typeof WORK_KINDS)[number]

/**
 * How much of the work that rollouts begin one replica does at once, in queues beside the others: neither does
 * a rollout of 500 clients hold up what somebody waits for, nor does it take more than three fifths of the
 * places from pushes (a test adds them up).
 */
export const FLEET_AT_ONCE = { deploy: 8, rollback: 8, 'conflict-check': 8 } as const
export type FleetWorkKind = keyof typeof FLEET_AT_ONCE

/** Of whom work is: of a caller, or of a rollout. */
export type WorkOf = 'caller' | 'fleet'

/** The queue of a kind of work; open work is listed by it. */
const queueOf = (kind: WorkKind, of: WorkOf): string =>
  of === 'fleet' && Object.hasOwn(FLEET_AT_ONCE, kind) ? `${kind}-fleet` : kind

/** Every queue of work, with its kind. */
export const WORK_QUEUES: Readonly<Record<string, WorkKind>> = Object.fromEntries([
  ...WORK_KINDS.map((kind) => [kind, kind] as const),
  ...(Object.keys(FLEET_AT_ONCE) as FleetWorkKind[]).map(
    (kind) => [queueOf(kind, 'fleet'), kind] as const,
  ),
])

/** A row to be brought to its end, and the scope for it: that of the row's client. */
export interface Work extends Tenant {
  /** Null: of the whole org. */
  readonly clientId: string | null
  readonly id: string
}

/** What is in the queue. Notes of the previous version do not name a client. */
type Note = Omit<Work, 'clientId'> & {
  readonly clientId?: string | null
  /** Written by a turn that asked for another one. */
  readonly continues?: true
  /** The span of the request that asked for the work: all turns are in its trace, on whichever replica. */
  readonly trace?: string
}

interface OpenWork {
  /** Its queue. */
  kind: string
  org_id: string
  client_id: string | null
  id: string
  sfdc_org_id: string
}

const workOf = (row: OpenWork): Work => ({
  orgId: row.org_id,
  clientId: row.client_id,
  id: row.id,
})

export interface Worker {
  /**
   * Brings the row to its final state, continuing from whatever is stored. May run again after a crash,
   * and for a moment beside a copy of itself that was thought dead: every step is safe to repeat.
   * `signal` fires when this replica shuts down; return then, another one continues. `again`: there is
   * more to do, after other waiting work has had its turn.
   */
  run(work: Work, signal: AbortSignal): Promise<'again' | void>
  /** Called if `run` threw too often: the row must end, with the reason. */
  giveUp(work: Work, error: unknown): Promise<void>
  /** How the row stands, for the log and the numbers; null if there is none. */
  standing(work: Work): Promise<Standing | null>
}

export interface Jobs {
  define(kind: WorkKind, worker: Worker): void
  /** Adds what is sent beside the work; before {@link start}. */
  carry(courier: Courier): void
  /** Starts working. Workers must be defined before. */
  start(): Promise<void>
  /**
   * Hands work to whichever replica is free. Call it after the row is committed. Of what waits, the
   * lowest `rank` is taken first, then the oldest; default 0.
   */
  enqueue(kind: WorkKind, work: Work, sfdcOrgId: string, rank?: number, of?: WorkOf): Promise<void>
  /** Notifies everybody who waits for `id` that its state is final; takes effect with the commit. */
  announce(tx: Tx, id: string): Promise<void>
  /**
   * Resolves when `isDone` returns true, when `timeoutMs` have passed, when `signal` fires, or on
   * `dismiss`; woken by announcements, and by a slow poll in case one was missed.
   */
  waitFor(
    id: string,
    options: { isDone: () => Promise<boolean>; timeoutMs: number; signal?: AbortSignal },
  ): Promise<void>
  /** What waits in the queue, by kind; kinds without a note are absent. */
  depths(): Promise<QueueDepth[]>
  /** Ends all waiting, now and from now on: a waiting caller must not hold up a shutdown. */
  dismiss(): void
  /** Stops taking work, signals running work to return, and waits for it. */
  stop(): Promise<void>
}

interface Options {
  db: Database
  url: Secret
  logger: Logger
  /** Default: warnings of its own in the log. */
  warnOf?: WarnOf
  /** How often dead workers are looked for; default 5. */
  superviseSeconds?: number
  /** Accepts work and does none, nor any clean-up: after a restore, until open work was looked at. */
  isPaused?: boolean
  /** Multiplies how long waiting work waits for the sweep; 1 except in tests. */
  waitScale?: number
  tracing?: Pick<Tracing, 'span' | 'current'>
  /** What else a clean-up does, every ten minutes; it returns soon after the signal. */
  alsoClean?: (signal: AbortSignal) => Promise<void>
  /** What else is found by looking, at the start and every ten seconds; it returns soon after the signal. */
  alsoLook?: (signal: AbortSignal) => Promise<void>
  /** Told of each turn of a job, when it starts and when it has ended. */
  onTurnStarted?: (event: { kind: WorkKind; deaths: number }) => void
  onTurnDone?: (event: TurnDone) => void
}

/** What waits in a queue. */
export interface QueueDepth {
  /** The queue's name: rollouts have some of their own. */
  kind: string
  /** A replica could take them now. */
  ready: number
  /** Put off after an unexpected fault. */
  delayed: number
  active: number
  /** How long the oldest ready note has been due; 0 if there is none. */
  oldest_ready_seconds: number
}

const SWEEP_MS = 5_000
const SWEEP_MS_LEAST = 250
/** How soon a note is seen that becomes due by time, or whose notification was missed. */
const LOOK_MS = 2_000
const HOUSEKEEPING_MS = 600_000
const ALSO_LOOK_MS = 10_000
/** A worker without a sign of life for this long is dead: the minimum that pg-boss accepts. */
const HEARTBEAT_SECONDS = 10
/** How often dead workers are looked for. */
const SUPERVISE_SECONDS = 5
const POLL_MS = 1_000
const STOP_TIMEOUT_MS = 10_000
/** At most this many chunks of work at once for one Salesforce org, across all replicas. */
const PER_SALESFORCE_ORG = 8
const ATTEMPTS_MAX = 5
/**
 * How much of a kind one replica does at once. Deploys mostly wait for Salesforce, each client's for its
 * own Salesforce org: many of them cost little, and none should wait behind another client's.
 */
export const AT_ONCE: Readonly<Record<WorkKind, number>> = {
  'topology-pull': 4,
  deploy: 16,
  rollback: 16,
  'conflict-check': 16,
  push: 16,
  offboard: 16,
  purge: 4,
}

/** pg-boss passes it on to its pool; its types do not know it. */
const CONNECTIONS = { Client: Connection }

export const createJobs = ({
  db,
  url,
  logger,
  warnOf = createWarnOf(logger),
  waitScale = 1,
  superviseSeconds = SUPERVISE_SECONDS,
  alsoClean = async () => undefined,
  alsoLook = async () => undefined,
  onTurnStarted = () => undefined,
  onTurnDone = () => undefined,
  isPaused = false,
  tracing = NO_TRACING,
}: Options): Jobs => {
  const boss = new PgBoss({
    ...CONNECTIONS,
    connectionString: url.reveal(),
    schema: QUEUE_SCHEMA,
    createSchema: false, // the migrations do that
    max: 5,
    application_name: 'sfdc-engine-x jobs',
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
  })
  boss.on('error', (thrown) => {
    const { error, queue } = readQueueError(thrown)
    warnOf('queue', error, { queue })
  })
  const workers = new Map<WorkKind, Worker>()
  const leaving = new AbortController()
  const dismissed = new AbortController()
  const takers = new Map<string, Takers>()
  const couriers = createCouriers({ signal: leaving.signal, onError: warnOf })
  const announcements = createAnnouncements(url, warnOf, {
    work: (kind) => takers.get(kind)?.wake(),
    due: (payload) => {
      if (!isPaused) couriers.announced(payload)
    },
  })
  const timers: NodeJS.Timeout[] = []

  const send = async (queue: string, note: Note, sfdcOrgId: string, rank = 0): Promise<void> => {
    // Exclusive by row id: the queue drops a second send while one waits or runs.
    const sent = await boss.send(queue, note, {
      singletonKey: note.id,
      group: { id: sfdcOrgId },
      priority: -rank,
    })
    if (sent !== null) await db.shared('select pg_notify($1, $2)', [WORK_CHANNEL, queue])
  }

  const enqueue: Jobs['enqueue'] = (kind, work, sfdcOrgId, rank, of = 'caller') => {
    const trace = tracing.current()
    return send(queueOf(kind, of), trace === undefined ? work : { ...work, trace }, sfdcOrgId, rank)
  }

  const sweep = async () => {
    const open = await db.lookup<OpenWork>('open_work')
    const traces = await tracesOf(open.map(({ id }) => id)).catch((error: unknown) => {
      warnOf('traces', error) // no reason to leave work undone
      return new Map<string, string>()
    })
    for (const row of open) {
      const trace = traces.get(row.id)
      const note = trace === undefined ? workOf(row) : { ...workOf(row), trace }
      await send(row.kind, note, row.sfdc_org_id)
    }
    await couriers.sweep()
  }

  /** Work that was paused goes on in the trace of its last turn, which the queue knows for an hour. */
  const tracesOf = async (ids: string[]): Promise<Map<string, string>> => {
    if (tracing === NO_TRACING || ids.length === 0) return new Map()
    const { rows } = await boss.getDb().executeSql(
      `select distinct on (singleton_key) singleton_key as id, data ->> 'trace' as trace
         from ${QUEUE_SCHEMA}.job where singleton_key = any($1) and data ? 'trace'
        order by singleton_key, created_on desc`,
      [ids],
    )
    return new Map((rows as { id: string; trace: string }[]).map(({ id, trace }) => [id, trace]))
  }

  /** One query for all queues, so that an idle replica polls for none of them. */
  const look = async () => {
    const due = await boss
      .getDb()
      .executeSql(
        `select distinct name from ${QUEUE_SCHEMA}.job where state < 'active' and start_after <= now()`,
      )
    for (const { name } of due.rows as { name: string }[]) takers.get(name)?.wake()
  }

  /** Null: the work of the note has ended, or is paused until the sweep writes a new one. */
  const workIn = async ({ orgId, clientId, id }: Note): Promise<Work | null> => {
    if (clientId !== undefined) return { orgId, clientId, id }
    const row = (await db.lookup<OpenWork>('open_work')).find((open) => open.id === id)
    return row === undefined ? null : workOf(row)
  }

  const perform = async (
    { queue, kind }: { queue: string; kind: WorkKind },
    worker: Worker,
    job: JobWithMetadata<Note>,
  ) => {
    const work = await workIn(job.data)
    if (work === null) return
    const signal = AbortSignal.any([leaving.signal, job.signal])
    const deaths = await deathsBefore(db, work.id)
    const account = await openAccount(
      { logger, standing: () => worker.standing(work), onDone: onTurnDone },
      {
        kind,
        work,
        deaths,
        attempt: job.retryCount + 1,
        continues: job.data.continues === true,
      },
    )
    onTurnStarted({ kind, deaths })
    let end: TurnEnd | 'done' = 'done'
    let bug: unknown
    try {
      if (deaths >= ATTEMPTS_MAX) {
        end = 'given_up'
        bug = new Error(`its process died ${deaths} times`)
        await worker.giveUp(work, bug)
      } else {
        const span = { name: `job ${kind}`, of: 'job', trace: job.data.trace } as const
        if ((await tracing.span(span, () => worker.run(work, signal))) === 'again') end = 'again'
      }
    } catch (error) {
      const isLast = job.retryCount + 1 >= ATTEMPTS_MAX
      end = signal.aborted ? 'interrupted' : isLast ? 'given_up' : 'retried'
      if (end === 'interrupted') throw error // another replica continues from the journal
      bug = error
      if (end === 'retried') throw error
      await worker.giveUp(work, error)
    } finally {
      await account.close(end, bug)
      await db.shared('delete from engine.work_starts where work_id = $1', [work.id])
    }
    if (end !== 'again') return
    // The note is ended before the work is put back: the queue drops a second one while the first runs.
    // And this start is no longer counted: another replica may begin at once.
    await boss.complete(queue, job.id)
    const { trace } = job.data
    const note = { ...work, continues: true, ...(trace === undefined ? {} : { trace }) } as const
    await send(queue, note, job.groupId ?? '', -job.priority)
  }

  const every = (
    ms: number,
    what: string,
    task: () => Promise<unknown>,
    { atOnce = false } = {},
  ) => {
    let running = false
    const turn = () => {
      if (running) return
      running = true
      task()
        .catch((error: unknown) => {
          if (!leaving.signal.aborted) warnOf(what, error)
        })
        .finally(() => {
          running = false
        })
    }
    const timer = setInterval(turn, ms)
    if (atOnce) turn()
    timer.unref()
    timers.push(timer)
  }

  return {
    define: (kind, worker) => {
      workers.set(kind, worker)
    },
    carry: couriers.add,

    start: async () => {
      await boss.start()
      await announcements.start()
      for (const [queue, kind] of Object.entries(WORK_QUEUES)) {
        const worker = workers.get(kind)
        if (worker === undefined) continue
        await boss.createQueue(queue, {
          policy: 'exclusive',
          heartbeatSeconds: HEARTBEAT_SECONDS,
          expireInSeconds: 6 * 3600,
          retryLimit: ATTEMPTS_MAX - 1,
          // The queue itself doubles the delay, with its own jitter.
          retryDelay: WORK_WAIT_SECONDS.least,
          retryBackoff: true,
          retryDelayMax: WORK_WAIT_SECONDS.most,
          deleteAfterSeconds: 3600,
        })
        if (isPaused) continue
        const taking = createTakers<Note>(boss, {
          queue,
          atOnce: queue === kind ? AT_ONCE[kind] : FLEET_AT_ONCE[kind as FleetWorkKind],
          groupConcurrency: PER_SALESFORCE_ORG,
          perform: (job) => perform({ queue, kind }, worker, job),
          onError: (error) => {
            if (!leaving.signal.aborted) warnOf('no taker', error, { kind: queue })
          },
        })
        takers.set(queue, taking)
        taking.wake()
      }
      if (isPaused) {
        logger.warn('work is accepted but not done: WORK_PAUSED')
        return
      }
      every(LOOK_MS, 'look', look)
      every(Math.max(SWEEP_MS * waitScale, SWEEP_MS_LEAST), 'sweep', sweep)
      const alsoLookMs = Math.max(ALSO_LOOK_MS * waitScale, SWEEP_MS_LEAST)
      every(alsoLookMs, 'look for more', () => alsoLook(leaving.signal), { atOnce: true })
      every(HOUSEKEEPING_MS, 'housekeeping', async () => {
        await discardExpired(db, leaving.signal)
        await alsoClean(leaving.signal)
      })
      await sweep()
    },

    enqueue,

    announce: async (tx, id) => {
      await sql`select pg_notify(${DONE_CHANNEL}, ${id})`.execute(tx)
    },

    waitFor: async (id, { isDone, timeoutMs, signal }) => {
      const deadline = Date.now() + timeoutMs
      const ended =
        signal === undefined ? dismissed.signal : AbortSignal.any([signal, dismissed.signal])
      // Subscribed before the first look: an announcement between look and wait is not missed.
      const inbox = announcements.subscribe(id)
      try {
        while (!(await isDone())) {
          const left = deadline - Date.now()
          if (left <= 0 || ended.aborted) return
          await inbox.next(Math.min(left, POLL_MS), ended)
        }
      } finally {
        inbox.close()
      }
    },

    depths: async () => {
      // The last condition is that of the queue's own index over what has not ended.
      const { rows } = await boss.getDb().executeSql(
        `select name as kind,
                (count(*) filter (where state < 'active' and start_after <= now()))::float8 as ready,
                (count(*) filter (where state < 'active' and start_after > now()))::float8 as delayed,
                (count(*) filter (where state = 'active'))::float8 as active,
                coalesce(max(extract(epoch from now() - greatest(created_on, start_after)))
                  filter (where state < 'active' and start_after <= now()), 0)::float8 as oldest_ready_seconds
           from ${QUEUE_SCHEMA}.job
          where state in ('created', 'retry', 'active') and name = any($1)
          group by name`,
        [Object.keys(WORK_QUEUES)], // an earlier version had other queues
      )
      return rows as QueueDepth[]
    },
    dismiss: () => dismissed.abort(),

    stop: async () => {
      dismissed.abort()
      for (const timer of timers) clearInterval(timer)
      leaving.abort()
      const outOfTime = new AbortController()
      await Promise.all([
        boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS, close: true }),
        // What has no outcome by then is sent again, when its lease is over.
        Promise.race([
          couriers.settled().finally(() => outOfTime.abort()),
          sleep(STOP_TIMEOUT_MS, undefined, { signal: outOfTime.signal }).catch(() => undefined),
        ]),
      ])
      await announcements.stop()
    },
  }
}

/** What is past its time goes, all of it: a single round takes the results of a few pushes only. */
export const discardExpired = async (
  db: Pick<Database, 'lookup'>,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const [row] = await db.lookup<{ discard_expired: number }>('discard_expired')
    if ((row?.discard_expired ?? 0) === 0) return
  }
}

/**
 * Counts this start and returns how many earlier ones never ended: each crashed its process. A start
 * that ends, well or not, deletes the count.
 */
const deathsBefore = async (db: Database, workId: string): Promise<number> => {
  const [row] = await db.shared<{ starts: number }>(
    `insert into engine.work_starts as w (work_id, starts) values ($1, 1)
     on conflict (work_id) do update set starts = w.starts + 1, updated_at = now()
     returning starts`,
    [workId],
  )
  return (row?.starts ?? 1) - 1
}
