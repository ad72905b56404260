// What was sent to an endpoint, as callers see it, and sending it again.

import { sql } from 'kysely'
import { type Database, type Tenant } from '../../db/database.ts'
import { type DeliveryAttempt } from '../../db/tables/events.ts'
import { notFound } from '../../errors.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { EVENT_TYPES } from '../events/catalogue.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from '../page.ts'
import { requireActive, requireEndpoint } from './endpoints.ts'

export interface Delivery {
  id: string
  endpoint_id: string
  event_id: string
  event_type: string
  client_id: string | null
  status: 'pending' | 'delivered' | 'failed'
  tries: number
  attempts: DeliveryAttempt[]
  next_try_at: string | null
  created_at: string
  ended_at: string | null
}

interface DeliveryFilter extends PageRequest, TimeRange {
  endpoint_id: string
  event_id?: string | undefined
  status?: Delivery['status'] | undefined
}

export interface ResendInput {
  endpoint_id: string
  event_id?: string | undefined
  since?: string | undefined
}

/** Events that one call puts back; the answer says whether there are more. */
const RESEND_MAX = 10_000

export const createDeliveries = (db: Database) => ({
  list: async (tenant: Tenant, filter: DeliveryFilter): Promise<Page<Delivery>> => {
    await requireEndpoint(db.as(tenant).read, tenant, filter.endpoint_id)
    let query = db
      .as(tenant)
      .read.selectFrom('webhook_deliveries as d')
      .innerJoin('events as e', (join) =>
        join.onRef('e.org_id', '=', 'd.org_id').onRef('e.id', '=', 'd.event_id'),
      )
      .selectAll('d')
      .select('e.type')
      .where('d.org_id', '=', tenant.orgId)
      .where('d.endpoint_id', '=', filter.endpoint_id)
    if (filter.event_id !== undefined) query = query.where('d.event_id', '=', filter.event_id)
    if (filter.status !== undefined) query = query.where('d.status', '=', filter.status)
    return pageOf(within(query, 'd.created_at', filter), 'd.id', filter, (row) => ({
      id: row.id,
      endpoint_id: row.endpoint_id,
      event_id: row.event_id,
      event_type: row.type,
      client_id: row.client_id,
      status: row.status,
      tries: row.tries,
      attempts: row.attempts,
      next_try_at: row.next_try_at?.toISOString() ?? null,
      created_at: row.created_at.toISOString(),
      ended_at: row.ended_at?.toISOString() ?? null,
    }))
  },

  /**
   * Sends one event, whatever became of it before, or all since a time that the endpoint asks for and has
   * not taken; what is still to be sent is sent now. Each is a delivery of its own, with all its tries.
   */
  resend: (caller: Caller, input: ResendInput): Promise<{ resent: number; has_more: boolean }> => {
    const { tenant } = caller
    return db.as(tenant).tx(async (tx) => {
      const endpoint = await requireEndpoint(tx, tenant, input.endpoint_id, true)
      if (input.event_id !== undefined) {
        const event = await tx
          .selectFrom('events')
          .select('id')
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', input.event_id)
          .where('type', 'in', [...EVENT_TYPES])
          .executeTakeFirst()
        if (event === undefined) throw notFound('event')
      }
      requireActive(endpoint)
      // What waits for its next try goes at once.
      const hastened = await tx
        .updateTable('webhook_deliveries')
        .set({ next_try_at: sql<Date>`clock_timestamp()` })
        .where('org_id', '=', tenant.orgId)
        .where('endpoint_id', '=', endpoint.id)
        .where('status', '=', 'pending')
        .$if(input.event_id !== undefined, (query) =>
          query.where('event_id', '=', input.event_id ?? ''),
        )
        .$if(input.since !== undefined, (query) =>
          query.where((where) =>
            where.exists(
              where
                .selectFrom('events as e')
                .select('e.id')
                .whereRef('e.org_id', '=', 'webhook_deliveries.org_id')
                .whereRef('e.id', '=', 'webhook_deliveries.event_id')
                .where('e.created_at', '>=', new Date(input.since ?? 0)),
            ),
          ),
        )
        .executeTakeFirstOrThrow()
      const chosen =
        input.event_id === undefined
          ? sql`e.created_at >= ${new Date(input.since ?? 0)}
              and engine.wants_event(w, e.type, e.client_id)
              and not exists (select from webhook_deliveries d
                    where d.org_id = e.org_id and d.event_id = e.id and d.endpoint_id = w.id
                      and d.status in ('pending', 'delivered'))`
          : sql`e.id = ${input.event_id}
              and not exists (select from webhook_deliveries d
                    where d.org_id = e.org_id and d.event_id = e.id and d.endpoint_id = w.id
                      and d.status = 'pending')`
      const added = await sql`
        insert into webhook_deliveries (id, org_id, client_id, endpoint_id, event_id, created_at, next_try_at)
        select engine.uuid_v7(), e.org_id, e.client_id, w.id, e.id, clock_timestamp(), clock_timestamp()
          from events e join webhook_endpoints w on w.org_id = e.org_id
         where e.org_id = ${tenant.orgId} and w.id = ${endpoint.id} and ${chosen}
         order by e.created_at limit ${RESEND_MAX}`.execute(tx)
      await sql`select engine.announce_due(
        ${tenant.orgId}::uuid, ${endpoint.id}::uuid, ${endpoint.failing_since !== null})`.execute(
        tx,
      )
      await audit(tx, actorOf(caller), {
        action: 'webhook_endpoint.resend',
        targetType: 'webhook_endpoint',
        targetId: endpoint.id,
      })
      const fresh = Number(added.numAffectedRows ?? 0n)
      return {
        resent: fresh + Number(hastened.numUpdatedRows),
        has_more: fresh === RESEND_MAX,
      }
    })
  },
})

export type Deliveries = ReturnType<typeof createDeliveries>
