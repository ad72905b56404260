// Events as callers see them: the list is the truth about what happened, and a webhook a hint to look.

import { sql, type Selectable } from 'kysely'
import { type Database, isConfined, type Tenant, type Tx } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { type TenantTables } from '../../db/tables.ts'
import { EngineError, notFound } from '../../errors.ts'
import { requireClient } from '../clients.ts'
import {
  beforeOf,
  cutPage,
  pageOf,
  type Page,
  type PageRequest,
  type TimeRange,
  within,
} from '../page.ts'
import { EVENT_KINDS, EVENT_TYPES, type EventData, type EventType, isOfFleet } from './catalogue.ts'

/** An event, in the list and as the body of a webhook. */
export interface Event {
  id: string
  type: EventType
  /** When it happened, by the database's clock. */
  timestamp: string
  /** Null: it concerns the org. */
  client_id: string | null
  /** Counts the events of the client, or of the org, from 1 and without gaps. */
  sequence: number
  data: Record<string, unknown>
}

type EventRow = Selectable<TenantTables['events']>

const isKnown = (type: string): type is EventType => Object.hasOwn(EVENT_KINDS, type)

/** With the members of the catalogue, in its order: jsonb has an order of its own. */
const dataOf = ({ type, data }: EventRow): Event['data'] =>
  (isKnown(type) ? EVENT_KINDS[type].data.safeParse(data).data : undefined) ?? data

export const toEvent = (row: EventRow): Event => ({
  id: row.id,
  type: row.type as EventType,
  timestamp: row.created_at.toISOString(),
  client_id: row.client_id,
  sequence: Number(row.sequence),
  data: dataOf(row),
})

/**
 * Writes an event in the transaction of the change that it tells of. `tenant.clientId` is the client it
 * concerns; null: the org. For changes of state, a trigger is better: see `engine.define_event`.
 */
export const appendEvent = async <Type extends EventType>(
  tx: Tx,
  tenant: Tenant,
  type: Type,
  data: EventData<Type>,
): Promise<void> => {
  await sql`select engine.append_event(
    ${tenant.orgId}::uuid, ${tenant.clientId}::uuid, ${type}, ${json(data)}::jsonb)`.execute(tx)
}

interface EventFilter extends PageRequest, TimeRange {
  client_id?: string | undefined
  types?: readonly EventType[] | undefined
  /** Only of one client: its events with a higher number, oldest first. */
  after_sequence?: number | undefined
}

/** Of these types; whoever sees only some clients is shown nothing of the fleet. */
const isShown = (tenant: Tenant, types: readonly EventType[] = EVENT_TYPES) => {
  const shown = isConfined(tenant) ? types.filter((type) => !isOfFleet(type)) : types
  return sql<boolean>`type = any(${[...shown]}::text[])`
}

export const createEvents = (db: Database) => ({
  /**
   * Newest first; with `after_sequence` oldest first. Types of a later version, which writes to the same
   * database during an update, are not listed yet.
   */
  list: async (tenant: Tenant, filter: EventFilter): Promise<Page<Event>> => {
    const { client_id: clientId, types, after_sequence: after } = filter
    if (after !== undefined && clientId === undefined) {
      throw new EngineError('validation_failed', 'after_sequence needs client_id.', {
        errors: [
          {
            path: 'client_id',
            code: 'required',
            message:
              'Sequences count the events of one client: name it, or leave after_sequence out.',
          },
        ],
      })
    }
    if (clientId !== undefined) {
      await db.as(tenant).tx((tx) => requireClient(tx, tenant, clientId))
    }
    let query = db
      .as(tenant)
      .read.selectFrom('events')
      .selectAll()
      .where('org_id', '=', tenant.orgId)
      .where(isShown(tenant, types))
    if (clientId !== undefined) query = query.where('client_id', '=', clientId)
    query = within(query, 'created_at', filter)
    if (after === undefined) return pageOf(query, 'id', filter, toEvent)
    // A page goes on after the event that the cursor names.
    const cursor = beforeOf(filter)
    const from =
      cursor === null
        ? sql<string>`${after}::bigint`
        : sql<string>`greatest(${after}::bigint, (select sequence from events
            where org_id = ${tenant.orgId} and client_id = ${clientId} and id = ${cursor}))`
    const rows = await query
      .where('sequence', '>', from)
      .orderBy('sequence')
      .limit(filter.limit + 1)
      .execute()
    return cutPage(rows, filter, toEvent)
  },

  get: async (tenant: Tenant, eventId: string): Promise<Event> => {
    const row = await db
      .as(tenant)
      .read.selectFrom('events')
      .selectAll()
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', eventId)
      .where(isShown(tenant))
      .executeTakeFirst()
    if (row === undefined) throw notFound('event')
    return toEvent(row)
  },
})

export type Events = ReturnType<typeof createEvents>
