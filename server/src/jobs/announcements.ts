// What the replicas tell each other through PostgreSQL: that work has ended, that there is some to take, and
// that something is due to be sent. A hint each: whoever misses one finds out by looking.

import pg from 'pg'
import { type WarnOf } from '../background-faults.ts'
import { type Secret } from '../secret.ts'
import { DUE_CHANNEL } from './couriers.ts'

/** Work that has ended, by the id of its row. */
export const DONE_CHANNEL = 'sfdc_engine_done'
/** New work, by its queue. */
export const WORK_CHANNEL = 'sfdc_engine_work'

interface Inbox {
  /** Resolves on an announcement, after `ms`, or when `signal` fires. */
  next(ms: number, signal: AbortSignal): Promise<void>
  close(): void
}

/** One LISTEN connection a process; lost, it is made again, and the pollers bridge the gap. */
export const createAnnouncements = (
  url: Secret,
  warnOf: WarnOf,
  on: { work: (kind: string) => void; due: (payload: string) => void },
) => {
  const waiting = new Map<string, Set<() => void>>()
  let client: pg.Client | null = null
  let stopped = false
  let retry: NodeJS.Timeout | undefined

  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: url.reveal(),
      application_name: 'sfdc-engine-x listen',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    })
    const lost = (error?: Error) => {
      if (client !== next) return
      client = null
      // It may still be open (a standby refuses LISTEN): without this, each retry would leave one
      // behind.
      void next.end().catch(() => undefined)
      if (stopped) return
      warnOf('announcements: connection lost', error ?? new Error('Connection terminated'))
      retry = setTimeout(() => void connect().catch(lost), 1_000)
    }
    next.on('error', lost)
    next.on('end', () => lost())
    next.on('notification', ({ channel, payload }) => {
      if (channel === WORK_CHANNEL) return on.work(payload ?? '')
      if (channel === DUE_CHANNEL) return on.due(payload ?? '')
      for (const wake of waiting.get(payload ?? '') ?? []) wake()
    })
    client = next
    try {
      await next.connect()
      await next.query(`listen ${DONE_CHANNEL}; listen ${WORK_CHANNEL}; listen ${DUE_CHANNEL}`)
    } catch (error) {
      lost(error as Error)
    }
  }

  return {
    start: connect,
    subscribe: (id: string): Inbox => {
      let pending = false
      let wake: (() => void) | null = null
      const onAnnounced = () => {
        pending = true
        wake?.()
      }
      const listeners = waiting.get(id) ?? new Set()
      waiting.set(id, listeners.add(onAnnounced))
      return {
        next: (ms, signal) =>
          new Promise((resolve) => {
            const finish = () => {
              clearTimeout(timer)
              signal.removeEventListener('abort', finish)
              wake = null
              pending = false
              resolve()
            }
            const timer = setTimeout(finish, ms)
            wake = finish
            signal.addEventListener('abort', finish, { once: true })
            if (pending || signal.aborted) finish()
          }),
        close: () => {
          listeners.delete(onAnnounced)
          if (listeners.size === 0) waiting.delete(id)
        },
      }
    },
    stop: async () => {
      stopped = true
      clearTimeout(retry)
      const last = client
      client = null
      await last?.end().catch(() => undefined)
    },
  }
}
