// How all clients are, the worst first.

import { type Database } from '../../../db/database.ts'
import { type Caller } from '../../caller.ts'
import { type Connections, type Health } from '../../connections/connections.ts'
import { EngineError } from '../../../errors.ts'
import { type PageRequest, positionCursor, positionOf } from '../../page.ts'
import { type ClientSelector } from '../selectors.ts'
import { type ClientTags } from '../tags.ts'
import { type ClientFacts, factsOfClients } from './facts.ts'
import {
  IDLE_DAYS_MAX,
  idleDays,
  type Risk,
  RISK_LEVELS,
  type RiskCode,
  type RiskLevel,
  rankOf,
  risksOf,
  worstOf,
} from './risks.ts'

export interface BoardInput extends PageRequest {
  selector?: ClientSelector | undefined
  /** A part of their name, in any case. */
  query?: string | undefined
  /** Clients whose worst risk is at least so bad. */
  risk?: Exclude<RiskLevel, 'none'> | undefined
  code?: RiskCode | undefined
  /** Asks Salesforce about the clients of the page. */
  refresh?: boolean | undefined
}

export interface ClientHealth {
  client_id: string
  client_name: string
  mark: string | null
  tags: ClientTags
  risk: RiskLevel
  risks: Risk[]
  connection: {
    id: string
    status: NonNullable<ClientFacts['connection']>['status']
    environment: 'production' | 'sandbox'
    sfdc_org_id: string | null
    error: { code: string; message: string } | null
    days_since_refresh: number | null
    days_allowed: number
  } | null
  api_usage: {
    used: number
    max: number
    left: number
    reserve: number
    ours: number
    forecast: number
    observed_at: string
  } | null
  snapshot: { id: string; version: number; completed_at: string; age_seconds: number } | null
  work: ClientFacts['work']
  drift: { blueprints: number; drifted: number; unknown: number; looked_at: string } | null
  missing_permissions: string[] | null
  /** What Salesforce said just now; null unless it was asked. */
  live: Health | null
}

export interface Board {
  totals: Record<RiskLevel, number>
  items: ClientHealth[]
  next_cursor: string | null
}

/** Clients that are asked at once. */
const AT_ONCE = 8
/** More would take longer than a caller waits. */
const REFRESHED_MAX = 50

interface Assessed {
  facts: ClientFacts
  risks: Risk[]
  risk: RiskLevel
}

interface Deps {
  db: Database
  connections: Pick<Connections, 'get'>
}

export const createHealthBoard = ({ db, connections }: Deps) => {
  /** What Salesforce says about these clients; null for one that has no connection to ask. */
  const ask = async (
    caller: Caller,
    clients: readonly Assessed[],
    signal?: AbortSignal,
  ): Promise<Map<string, Health | null>> => {
    const answers = new Map<string, Health | null>()
    const waiting = clients.filter(({ facts }) => facts.connection !== null)
    const asker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { client_id } = next.facts
        const found = await connections
          .get(caller, { client_id, check: true }, signal)
          .catch((error: unknown) => {
            if (error instanceof EngineError) return null
            throw error
          })
        answers.set(client_id, found?.health ?? null)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, asker))
    return answers
  }

  const assess = async (caller: Caller, selector?: ClientSelector): Promise<Assessed[]> => {
    const now = new Date()
    const all = await factsOfClients(db, caller.tenant, selector)
    return all.map((facts) => {
      const risks = risksOf(facts, now)
      return { facts, risks, risk: worstOf(risks) }
    })
  }

  return async (caller: Caller, input: BoardInput, signal?: AbortSignal): Promise<Board> => {
    const position = positionOf(input, 4)
    const limit = input.refresh === true ? Math.min(input.limit, REFRESHED_MAX) : input.limit
    const all = (await assess(caller, input.selector)).filter(({ facts }) =>
      isNamed(facts, input.query),
    )
    const wanted = all
      .filter(({ risk, risks }) => {
        const isBad = input.risk === undefined || rankOf(risk) >= rankOf(input.risk)
        return isBad && (input.code === undefined || risks.some(({ code }) => code === input.code))
      })
      .map((client) => ({ client, key: keyOf(client) }))
      .sort((a, b) => compareKeys(a.key, b.key))
      .filter(({ key }) => position === null || compareKeys(position, key) < 0)
    const page = wanted.slice(0, limit)
    const shown = page.map(({ client }) => client)
    const live = input.refresh === true ? await ask(caller, shown, signal) : null
    // Asking may have found out more: a dead grant, or one that works again.
    const present =
      live === null
        ? new Map<string, Assessed>()
        : new Map(
            (await assess(caller, { client_ids: shown.map(({ facts }) => facts.client_id) })).map(
              (client) => [client.facts.client_id, client],
            ),
          )
    const now = new Date()
    const last = page.at(-1)
    return {
      totals: totalsOf(all),
      items: shown.map((client) => {
        const id = client.facts.client_id
        return itemOf(present.get(id) ?? client, live?.get(id) ?? null, now)
      }),
      next_cursor:
        wanted.length > page.length && last !== undefined ? positionCursor(last.key, input) : null,
    }
  }
}

const isNamed = ({ client_name }: ClientFacts, query: string | undefined): boolean =>
  query === undefined || client_name.toLowerCase().includes(query.toLowerCase())

/** Worst first, then with the most risks, then by name. As texts, for the cursor. */
const keyOf = ({ facts, risk, risks }: Assessed): string[] => [
  String(9 - rankOf(risk)),
  String(99 - risks.length).padStart(2, '0'),
  facts.client_name.toLowerCase(),
  facts.client_id,
]

const compareKeys = (a: readonly string[], b: readonly string[]): number => {
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? ''
    if (part !== other) return part < other ? -1 : 1
  }
  return 0
}

const totalsOf = (all: readonly Assessed[]): Record<RiskLevel, number> =>
  Object.fromEntries(
    RISK_LEVELS.map((level) => [level, all.filter(({ risk }) => risk === level).length]),
  ) as Record<RiskLevel, number>

const itemOf = ({ facts, risks, risk }: Assessed, live: Health | null, now: Date): ClientHealth => {
  const { client_id, client_name, mark, tags, connection, drift, snapshot, usage, work } = facts
  return {
    client_id,
    client_name,
    mark,
    tags,
    risk,
    risks,
    connection:
      connection === null
        ? null
        : {
            id: connection.id,
            status: connection.status,
            environment: connection.environment,
            sfdc_org_id: connection.sfdc_org_id,
            error: connection.error,
            days_since_refresh: idleDays(facts, now),
            days_allowed: IDLE_DAYS_MAX,
          },
    api_usage:
      usage === null
        ? null
        : {
            used: usage.used,
            max: usage.max,
            left: Math.max(0, usage.max - usage.used),
            reserve: usage.reserve,
            ours: usage.ours,
            forecast: usage.forecast,
            observed_at: usage.observed_at.toISOString(),
          },
    snapshot:
      snapshot === null
        ? null
        : {
            id: snapshot.id,
            version: snapshot.version,
            completed_at: snapshot.completed_at.toISOString(),
            age_seconds: Math.max(
              0,
              Math.round((now.getTime() - snapshot.completed_at.getTime()) / 1000),
            ),
          },
    work,
    drift: drift === null ? null : { ...drift, looked_at: drift.looked_at.toISOString() },
    missing_permissions: live?.missing_permissions ?? snapshot?.missing_permissions ?? null,
    live,
  }
}
