// The only code that asks Nango for a token. Tokens live in memory for a few minutes, keyed by
// connection and generation; a dead session is renewed once, however many callers and replicas wait.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type NangoConnection } from '../../nango/connection.ts'
import { NangoError } from '../../nango/failure.ts'
import { type Nango } from '../../nango/nango.ts'
import { type SalesforceSession, type SessionSource } from '../../salesforce/gateway.ts'
import { type HostPolicy } from '../../salesforce/hosts.ts'
import { faultError, judge } from './judge.ts'
import { once } from './once.ts'
import {
  connectionById,
  isNews,
  noteFault,
  noteRefusal,
  noteSuccess,
  notReady,
  StaleConnection,
  type ConnectionRow,
} from './rows.ts'

export interface TokenManager {
  /**
   * The sessions of one operation on the connection as it was read. Every couple of seconds the row is
   * read again, so that a revocation or a replacement ends or moves the operation on every replica.
   * `evenUnusable`: also while the connection is expired or in error (health).
   */
  sessions(tenant: Tenant, row: ConnectionRow, options?: { evenUnusable?: boolean }): SessionSource
  /** Forces a refresh now, or joins one that is running. Afterwards the row says how it ended. */
  refresh(tenant: Tenant, row: ConnectionRow): Promise<void>
  /** Asks Nango without forcing a refresh and stores the result. */
  reread(tenant: Tenant, row: ConnectionRow): Promise<void>
  /** Drops the tokens of a connection from memory, whatever their generation. */
  forget(connectionId: string): void
}

interface Options {
  db: Database
  nango: Nango
  hosts: HostPolicy
  /** How long a token is used without asking Nango again. */
  cacheMs?: number
  /** Pause before the second forced refresh, if the first one returned the old token. */
  joinedPauseMs?: number
}

interface Held {
  session: SalesforceSession
  /** By the process's monotonic clock: setting the system clock back must not keep a token alive. */
  until: number
}

type Claim =
  | { kind: 'mine' }
  | { kind: 'held' }
  /** Somebody refreshed since our token was obtained. */
  | { kind: 'refreshed'; row: ConnectionRow }
  | { kind: 'refused'; retryAfterSeconds: number }

const CACHE_MS = 3 * 60_000
const ROW_AGE_MAX_MS = 2_000
const BACKOFF_SECONDS = 30
/** Longer than a single exchange with Nango may take. */
const LEASE_SECONDS = 30
const WAIT_FOR_OTHERS_MS = 35_000
const POLL_MS = 150
const JOINED_PAUSE_MS = 1_000

export const createTokenManager = (options: Options): TokenManager => {
  const { db, nango, hosts, cacheMs = CACHE_MS, joinedPauseMs = JOINED_PAUSE_MS } = options
  const cache = new Map<string, Held>()
  const plainFlights = new Map<string, Promise<SalesforceSession>>()
  const forcedFlights = new Map<string, Promise<SalesforceSession>>()
  /** The number of refreshes that the row had counted when a session was requested. */
  const countAt = new WeakMap<SalesforceSession, bigint>()

  const keyOf = (row: ConnectionRow): string => `${row.id}:${row.generation}`

  const cached = (row: ConnectionRow): SalesforceSession | null => {
    const held = cache.get(keyOf(row))
    return held !== undefined && held.until > performance.now() ? held.session : null
  }

  const keep = (
    row: ConnectionRow,
    session: SalesforceSession,
    count: bigint,
  ): SalesforceSession => {
    const now = performance.now()
    for (const [key, held] of cache) if (held.until <= now) cache.delete(key)
    countAt.set(session, count)
    cache.set(keyOf(row), { session, until: now + cacheMs })
    return session
  }

  const nameOf = (row: ConnectionRow) => {
    if (row.nango_connection_id === null) throw notReady(row)
    return { id: row.nango_connection_id, providerConfigKey: row.provider_config_key }
  }

  /** Judges an answer, notes what it changes, and keeps the token if it may be used. */
  const settle = async (
    tenant: Tenant,
    row: ConnectionRow,
    answer: NangoConnection,
    holder: string | null,
  ): Promise<SalesforceSession> => {
    const verdict = judge(answer, hosts, row.sfdc_org_id)
    if (!verdict.usable) {
      cache.delete(keyOf(row))
      await db.as(tenant).tx((tx) => noteFault(tx, row, verdict.fault, holder))
      throw faultError(verdict.fault)
    }
    if (holder !== null || isNews(row, verdict)) {
      await db.as(tenant).tx((tx) => noteSuccess(tx, row, verdict, holder))
    }
    const count = BigInt(row.refresh_count) + (holder === null ? 0n : 1n)
    return keep(row, verdict.session, count)
  }

  /** `escalate`: a refusal is answered with a forced refresh, which is the only proof. */
  const askPlainly = async (
    tenant: Tenant,
    row: ConnectionRow,
    escalate: boolean,
  ): Promise<SalesforceSession> => {
    // While refreshes are refused, a plain read is refused as well, or backs off.
    if (escalate && row.refresh_refused_count > 0) return forced(tenant, row, null, false)
    let answer: NangoConnection
    try {
      answer = await nango.getConnection(nameOf(row))
    } catch (error) {
      if (!(error instanceof NangoError)) throw error
      if (escalate && (error.kind === 'refresh_refused' || error.kind === 'refresh_backoff')) {
        return forced(tenant, row, null, false)
      }
      await db.as(tenant).tx((tx) => noteRefusal(tx, row, error, null))
      throw error
    }
    return settle(tenant, row, answer, null)
  }

  const plain = (tenant: Tenant, row: ConnectionRow): Promise<SalesforceSession> =>
    once(plainFlights, keyOf(row), () => askPlainly(tenant, row, true))

  const forced = (
    tenant: Tenant,
    row: ConnectionRow,
    dead: SalesforceSession | null,
    explicit: boolean,
  ): Promise<SalesforceSession> =>
    once(forcedFlights, keyOf(row), () => force(tenant, row, dead, explicit))

  const force = async (
    tenant: Tenant,
    row: ConnectionRow,
    dead: SalesforceSession | null,
    explicit: boolean,
  ): Promise<SalesforceSession> => {
    const holder = randomUUID()
    const deadline = performance.now() + WAIT_FOR_OTHERS_MS
    // An explicit request is satisfied by a refresh that ends after the request was made; a dead session
    // by any refresh that was counted after the session was obtained.
    let known = BigInt(row.refresh_count)
    if (!explicit && dead !== null) known = countAt.get(dead) ?? known
    for (let waited = false; ;) {
      const claim = await claimLease(tenant, row, { holder, known, explicit, waited })
      switch (claim.kind) {
        case 'mine':
          return refreshAsHolder(tenant, row, dead, holder)
        case 'refreshed': {
          const session = await askPlainly(tenant, claim.row, false)
          if (dead === null || !session.accessToken.equals(dead.accessToken)) return session
          known = BigInt(claim.row.refresh_count)
          break
        }
        case 'refused':
          throw new NangoError('refresh_backoff', {
            status: null,
            code: 'refresh_backoff',
            message: 'A refresh was refused a moment ago; it will be tried again later.',
            retryAfterSeconds: claim.retryAfterSeconds,
          })
        case 'held':
          if (performance.now() > deadline) {
            throw new EngineError('unavailable', 'The refresh of this session takes too long.', {
              retryAfterSeconds: 5,
            })
          }
          waited = true
          await sleep(POLL_MS)
      }
    }
  }

  const claimLease = (
    tenant: Tenant,
    seen: ConnectionRow,
    {
      holder,
      known,
      explicit,
      waited,
    }: { holder: string; known: bigint; explicit: boolean; waited: boolean },
  ): Promise<Claim> =>
    db.as(tenant).tx(async (tx): Promise<Claim> => {
      const row = await connectionById(tx, tenant, seen.id, true)
      if (row === undefined || row.generation !== seen.generation || row.status === 'revoked') {
        throw new StaleConnection()
      }
      if (BigInt(row.refresh_count) > known) return { kind: 'refreshed', row }
      const now = await tx
        .selectNoFrom([
          sql<boolean>`coalesce(${row.refresh_lease_until}::timestamptz > now(), false)`.as(
            'leased',
          ),
          sql<number>`coalesce(${BACKOFF_SECONDS} - extract(epoch from now() - ${row.refresh_refused_at}::timestamptz), 0)::float8`.as(
            'backoff',
          ),
        ])
        .executeTakeFirstOrThrow()
      if (now.leased) return { kind: 'held' }
      const refusedWhileWaiting = waited && row.refresh_refused_count > seen.refresh_refused_count
      if (refusedWhileWaiting || (!explicit && now.backoff > 0)) {
        return { kind: 'refused', retryAfterSeconds: Math.max(1, Math.ceil(now.backoff)) }
      }
      await takeLease(tx, row, holder)
      return { kind: 'mine' }
    })

  const takeLease = async (tx: Tx, row: ConnectionRow, holder: string): Promise<void> => {
    await tx
      .updateTable('crm_connections')
      .set({
        refresh_lease_holder: holder,
        refresh_lease_until: sql<Date>`now() + make_interval(secs => ${LEASE_SECONDS})`,
      })
      .where('org_id', '=', row.org_id)
      .where('id', '=', row.id)
      .execute()
  }

  const refreshAsHolder = async (
    tenant: Tenant,
    row: ConnectionRow,
    dead: SalesforceSession | null,
    holder: string,
  ): Promise<SalesforceSession> => {
    try {
      let answer = await nango.getConnection({ ...nameOf(row), forceRefresh: true })
      // Nango: a forced refresh that meets a plain read in flight joins it and returns the old token.
      if (isUnchanged(answer, dead)) {
        await db.as(tenant).tx((tx) => takeLease(tx, row, holder))
        await sleep(joinedPauseMs)
        answer = await nango.getConnection({ ...nameOf(row), forceRefresh: true })
        if (isUnchanged(answer, dead)) {
          throw new NangoError('unavailable', {
            status: 200,
            code: 'token_unchanged',
            message: 'Two forced refreshes returned the same dead token.',
          })
        }
      }
      return await settle(tenant, row, answer, holder)
    } catch (error) {
      if (error instanceof NangoError) {
        await db.as(tenant).tx((tx) => noteRefusal(tx, row, error, holder))
      }
      throw error
    }
  }

  /** The row as it is now, if operations that began on `pinned` may go on with it. */
  const reload = async (
    tenant: Tenant,
    pinned: ConnectionRow,
    evenUnusable: boolean,
  ): Promise<ConnectionRow> => {
    const row = await connectionById(db.as(tenant).read, tenant, pinned.id)
    if (row === undefined || row.status === 'revoked') {
      throw new EngineError('connection_revoked', 'The connection was revoked.')
    }
    if (row.sfdc_org_id !== pinned.sfdc_org_id) {
      throw new EngineError(
        'salesforce_org_changed',
        'The client was connected to a different Salesforce org in the meantime.',
      )
    }
    if (row.status !== 'connected' && !evenUnusable) {
      throw row.error?.code === 'salesforce_org_changed'
        ? new EngineError('salesforce_org_changed', row.error.message)
        : notReady(row)
    }
    return row
  }

  return {
    sessions: (tenant, pinned, { evenUnusable = false } = {}) => {
      let row = pinned
      let readAt = performance.now()
      const rowNoOlderThan = async (ageMs: number): Promise<ConnectionRow> => {
        if (performance.now() - readAt < ageMs) return row
        row = await reload(tenant, pinned, evenUnusable)
        readAt = performance.now()
        return row
      }
      /** Tries once more with the current row, if the one at hand was replaced in the meantime. */
      const onPresentRow = async (
        ageMs: number,
        get: (row: ConnectionRow) => Promise<SalesforceSession>,
      ): Promise<SalesforceSession> => {
        try {
          return await get(await rowNoOlderThan(ageMs))
        } catch (error) {
          if (!(error instanceof StaleConnection)) throw error
          return get(await rowNoOlderThan(0))
        }
      }
      return {
        current: () =>
          onPresentRow(
            ROW_AGE_MAX_MS,
            async (present) => cached(present) ?? plain(tenant, present),
          ),
        renew: (dead) =>
          onPresentRow(0, async (present) => {
            const session = cached(present)
            if (session !== null && !session.accessToken.equals(dead.accessToken)) return session
            return forced(tenant, present, dead, false)
          }),
      }
    },

    refresh: async (tenant, row) => {
      await forced(tenant, row, cached(row), true)
    },

    reread: async (tenant, row) => {
      await askPlainly(tenant, row, false)
    },

    forget: (connectionId) => {
      for (const key of cache.keys()) if (key.startsWith(`${connectionId}:`)) cache.delete(key)
    },
  }
}

const isUnchanged = (answer: NangoConnection, dead: SalesforceSession | null): boolean =>
  dead !== null && answer.grant?.accessToken.equals(dead.accessToken) === true
