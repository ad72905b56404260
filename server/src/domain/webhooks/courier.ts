// Sends events to endpoints. Each endpoint has turns of its own, which send a few of its deliveries at once:
// one that has a long backlog takes nothing from another, and however many do not answer, the others wait for
// none of them. Endpoints from which nothing but failures come take their turns in a queue of their own.
//
// A delivery is sent under a lease, and its outcome is stored by whoever holds the lease. If the process
// dies in between, it is sent again after the lease: at least once, as the documentation says.

import { randomUUID } from 'node:crypto'
import { type Logger } from 'pino'
import { sql } from 'kysely'
import { type Database, type Tenant, type Tx, wholeOrg } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { type DeliveryAttempt } from '../../db/tables/events.ts'
import { type Courier } from '../../jobs/couriers.ts'
import { WEBHOOK_PATIENCE_SECONDS, WEBHOOK_TRIES_MAX, webhookWaitSeconds } from '../../retry.ts'
import { type SendOutcome, type Webhooks } from '../../webhooks/sender.ts'
import { audit } from '../audit.ts'
import { appendEvent, toEvent } from '../events/events.ts'
import { endPending, type EndpointRow } from './endpoints.ts'
import { secretsOf } from './secrets.ts'
import { type Sealing } from './sealing.ts'

/** At once to one endpoint, over all replicas; to one that fails, one at a time. */
const AT_ONCE = 4
/** How many turns of each kind look at once in a replica: less than it has connections to the database. */
const QUEUES = { webhook: 8, 'webhook-retry': 2 } as const
/** After so long, other endpoints have their turn. */
const TURN_MS = 30_000
/** How much longer than a try its lease is. */
const LEASE_SPARE_SECONDS = 5
/** A success is noted at the endpoint once in so many seconds. */
const NOTE_SECONDS = 60

interface Deps {
  db: Database
  webhooks: Pick<Webhooks, 'send' | 'timeoutMs'>
  sealing: Sealing
  logger: Pick<Logger, 'warn'>
  /** Multiplies the waits between tries; 1 except in tests. */
  waitScale?: number
}

type Queue = keyof typeof QUEUES

interface Claimed {
  id: string
  holder: string
  tries: number
  attempts: DeliveryAttempt[]
  eventId: string
  body: string
  endpoint: EndpointRow
  /** More is due: another one may be sent beside it. */
  isMoreDue: boolean
}

interface Sent {
  delivery: Claimed
  outcome: SendOutcome
}

const GONE = 410

/** How many of an endpoint's deliveries may be under way, by its `failing_since`. */
const most = (failingSince: Date | null): number => (failingSince === null ? AT_ONCE : 1)

const queueOf = (isFailing: boolean): Queue => (isFailing ? 'webhook-retry' : 'webhook')

export const createCourier = (deps: Deps): Courier => {
  const { db, webhooks, sealing, logger, waitScale = 1 } = deps
  const patienceMs = WEBHOOK_PATIENCE_SECONDS * waitScale * 1000
  const leaseSeconds = webhooks.timeoutMs / 1000 + LEASE_SPARE_SECONDS

  /** The endpoint, locked, unless it is gone or disabled. */
  const activeEndpoint = (tx: Tx, tenant: Tenant, id: string): Promise<EndpointRow | undefined> =>
    tx
      .selectFrom('webhook_endpoints')
      .selectAll()
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', id)
      .where('status', '=', 'active')
      .forNoKeyUpdate()
      .executeTakeFirst()

  /** The oldest that is due, under a lease; null: none is, or enough are under way. */
  const claim = async (tx: Tx, endpoint: EndpointRow): Promise<Claimed | null> => {
    const holder = randomUUID()
    const { rows } = await sql<{
      id: string
      tries: number
      attempts: DeliveryAttempt[]
      event_id: string
      is_more_due: boolean
    }>`
      with due as materialized (
        select n.id from webhook_deliveries n
         where n.org_id = ${endpoint.org_id} and n.endpoint_id = ${endpoint.id} and n.status = 'pending'
           and n.next_try_at <= clock_timestamp()
           and (n.lease_until is null or n.lease_until <= clock_timestamp())
         order by n.next_try_at, n.id limit 2
      ), under_way as materialized (
        select count(*) as count from webhook_deliveries u
         where u.org_id = ${endpoint.org_id} and u.endpoint_id = ${endpoint.id} and u.status = 'pending'
           and u.lease_until > clock_timestamp()
      )
      update webhook_deliveries d
         set lease_holder = ${holder},
             lease_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
       where d.org_id = ${endpoint.org_id} and d.id = (select id from due limit 1)
         and (select count from under_way) < ${most(endpoint.failing_since)}
      returning d.id, d.tries, d.attempts, d.event_id, (select count(*) from due) > 1 as is_more_due`.execute(
      tx,
    )
    const [row] = rows
    if (row === undefined) return null
    const event = await tx
      .selectFrom('events')
      .selectAll()
      .where('org_id', '=', endpoint.org_id)
      .where('id', '=', row.event_id)
      .executeTakeFirstOrThrow()
    const { id, tries, attempts, is_more_due: isMoreDue } = row
    const body = JSON.stringify(toEvent(event))
    return { id, holder, tries, attempts, eventId: event.id, body, endpoint, isMoreDue }
  }

  const disable = async (
    tx: Tx,
    tenant: Tenant,
    endpoint: EndpointRow,
    reason: 'gone' | 'failing',
  ): Promise<void> => {
    await tx
      .updateTable('webhook_endpoints')
      .set({ status: 'disabled', disabled_reason: reason, disabled_at: sql<Date>`now()` })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', endpoint.id)
      .execute()
    await endPending(tx, endpoint)
    await audit(
      tx,
      {
        orgId: tenant.orgId,
        userId: null,
        credentialType: 'system',
        credentialId: null,
        requestId: null,
      },
      {
        action: 'webhook_endpoint.disabled',
        targetType: 'webhook_endpoint',
        targetId: endpoint.id,
        outcome: reason,
      },
    )
    await appendEvent(tx, tenant, 'webhook_endpoint.disabled', { endpoint_id: endpoint.id, reason })
    logger.warn({ endpoint_id: endpoint.id, reason }, 'webhook endpoint disabled')
  }

  /** Stores how a try ended; false: the delivery is in other hands, or has ended meanwhile. */
  const settleDelivery = async (tx: Tx, { delivery, outcome }: Sent): Promise<boolean> => {
    const { failure } = outcome
    const tries = delivery.tries + 1
    const attempt: DeliveryAttempt = {
      at: new Date(Date.now() - outcome.ms).toISOString(),
      status: outcome.status,
      failure,
      ms: outcome.ms,
    }
    const wait =
      failure === null || outcome.status === GONE
        ? null
        : webhookWaitSeconds({
            tries,
            retryAfterSeconds: outcome.retryAfterSeconds,
            random: Math.random(),
          })
    const settled = await tx
      .updateTable('webhook_deliveries')
      .set({
        tries,
        attempts: json([...delivery.attempts, attempt].slice(-WEBHOOK_TRIES_MAX)),
        lease_holder: null,
        lease_until: null,
        ...(wait === null
          ? {
              status: failure === null ? ('delivered' as const) : ('failed' as const),
              next_try_at: null,
              ended_at: sql<Date>`clock_timestamp()`,
            }
          : {
              next_try_at: sql<Date>`clock_timestamp() + make_interval(secs => ${wait * waitScale})`,
            }),
      })
      .where('org_id', '=', delivery.endpoint.org_id)
      .where('id', '=', delivery.id)
      .where('status', '=', 'pending')
      .where('lease_holder', '=', delivery.holder)
      .returning('id')
      .executeTakeFirst()
    return settled !== undefined
  }

  /** What a try says about its endpoint. Returns the endpoint as it is now; undefined: disabled. */
  const settleEndpoint = async (
    tx: Tx,
    tenant: Tenant,
    endpoint: EndpointRow,
    { outcome }: Sent,
  ): Promise<EndpointRow | undefined> => {
    const { failure } = outcome
    if (failure === null) {
      const noted = endpoint.last_success_at?.getTime() ?? 0
      if (endpoint.failing_since === null && Date.now() - noted < NOTE_SECONDS * 1000) {
        return endpoint
      }
      return updateEndpoint(tx, endpoint, {
        failing_since: null,
        last_success_at: sql<Date>`clock_timestamp()`,
      })
    }
    const row = await updateEndpoint(tx, endpoint, {
      failing_since: sql<Date>`coalesce(failing_since, clock_timestamp())`,
      last_failure_at: sql<Date>`clock_timestamp()`,
      last_failure: outcome.status === null ? failure : `${failure} ${outcome.status}`,
    })
    const failingMs = Date.now() - (row.failing_since?.getTime() ?? Date.now())
    const reason = outcome.status === GONE ? 'gone' : failingMs >= patienceMs ? 'failing' : null
    if (reason === null) return row
    await disable(tx, tenant, row, reason)
    return undefined
  }

  /**
   * Stores what was sent, if anything, and takes what is next, in one transaction. `elsewhere`: the queue in
   * which there may be more.
   */
  const next = (tenant: Tenant, id: string, queue: Queue, sent: Sent | null, goOn: boolean) =>
    db.as(tenant).tx(async (tx): Promise<{ delivery: Claimed | null; elsewhere: Queue | null }> => {
      let endpoint = await activeEndpoint(tx, tenant, id)
      if (endpoint === undefined) return { delivery: null, elsewhere: null }
      if (sent !== null && (await settleDelivery(tx, sent))) {
        endpoint = await settleEndpoint(tx, tenant, endpoint, sent)
      }
      if (endpoint === undefined) return { delivery: null, elsewhere: null }
      const home = queueOf(endpoint.failing_since !== null)
      // It begins to fail: the other queue goes on with it.
      if (!goOn || (queue === 'webhook' && home !== queue)) {
        return { delivery: null, elsewhere: home }
      }
      return { delivery: await claim(tx, endpoint), elsewhere: null }
    })

  /** Throws if the message cannot be signed; then it stays due, and no try is counted. */
  const send = async (delivery: Claimed): Promise<Sent> => {
    const { endpoint, eventId: id, body } = delivery
    const secrets = secretsOf(sealing, endpoint, new Date())
    return { delivery, outcome: await webhooks.send({ url: endpoint.url, id, body, secrets }) }
  }

  return {
    queues: QUEUES,
    perId: AT_ONCE,

    due: async () => {
      const rows = await db.lookup<{ org_id: string; id: string; is_failing: boolean }>(
        'due_webhook_endpoints',
      )
      return rows.map((row) => ({ queue: queueOf(row.is_failing), orgId: row.org_id, id: row.id }))
    },

    /** Until nothing is due, or it has taken long enough. While there is more, another turn joins it. */
    run: async (note, { signal, looked, more }) => {
      const { orgId, id } = note
      const queue = note.queue as Queue
      const tenant = wholeOrg(orgId) // an endpoint belongs to its org, not to a client
      const deadline = performance.now() + TURN_MS
      let sent: Sent | null = null
      for (;;) {
        const goOn = !signal.aborted && performance.now() < deadline
        const { delivery, elsewhere } = await next(tenant, id, queue, sent, goOn)
        looked()
        if (elsewhere !== null) more({ queue: elsewhere, orgId, id })
        if (delivery === null) return
        if (delivery.isMoreDue) more(note)
        sent = await send(delivery)
      }
    },
  }
}

const updateEndpoint = (
  tx: Tx,
  { org_id: orgId, id }: EndpointRow,
  set: Record<string, unknown>,
): Promise<EndpointRow> =>
  tx
    .updateTable('webhook_endpoints')
    .set(set)
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
