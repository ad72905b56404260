// Endpoints of an org: where its events are sent. They belong to the org and not to a client, so only
// users of the whole org see them.

import { sql, type Selectable } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { type TenantTables } from '../../db/tables.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Secret } from '../../secret.ts'
import { type SendOutcome, type Webhooks } from '../../webhooks/sender.ts'
import { newSigningSecret } from '../../webhooks/signature.ts'
import { actorOf, audit, type AuditAction } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { type EventType, TEST_TYPE } from '../events/catalogue.ts'
import { bindIdempotency } from '../idempotency.ts'
import { pageOf, type Page, type PageRequest } from '../page.ts'
import { secretsOf } from './secrets.ts'
import { type Sealing } from './sealing.ts'

export type EndpointRow = Selectable<TenantTables['webhook_endpoints']>

export interface Endpoint {
  id: string
  url: string
  description: string | null
  event_types: string[] | null
  client_ids: string[] | null
  status: 'active' | 'disabled'
  disabled_reason: EndpointRow['disabled_reason']
  disabled_at: string | null
  failing_since: string | null
  last_success_at: string | null
  last_failure_at: string | null
  last_failure: string | null
  former_secret_until: string | null
  created_at: string
  updated_at: string
}

export interface EndpointInput {
  url?: string | undefined
  description?: string | null | undefined
  event_types?: readonly EventType[] | null | undefined
  client_ids?: readonly string[] | null | undefined
}

const ENDPOINTS_MAX = 20

const toEndpoint = (row: EndpointRow): Endpoint => ({
  id: row.id,
  url: row.url,
  description: row.description,
  event_types: row.event_types,
  client_ids: row.client_ids,
  status: row.status,
  disabled_reason: row.disabled_reason,
  disabled_at: row.disabled_at?.toISOString() ?? null,
  failing_since: row.failing_since?.toISOString() ?? null,
  last_success_at: row.last_success_at?.toISOString() ?? null,
  last_failure_at: row.last_failure_at?.toISOString() ?? null,
  last_failure: row.last_failure,
  former_secret_until: row.former_secret_until?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

/** Throws `not_found`; locks the row until the end of the transaction if asked to. */
export const requireEndpoint = async (
  reader: Pick<Tx, 'selectFrom'>,
  tenant: Tenant,
  id: string,
  lock = false,
): Promise<EndpointRow> => {
  const query = reader
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
  const row = await (lock ? query.forNoKeyUpdate() : query).executeTakeFirst()
  if (row === undefined) throw notFound('webhook endpoint')
  return row
}

export const requireActive = (row: EndpointRow): void => {
  if (row.status === 'active') return
  const why = {
    by_request: 'by request',
    gone: 'because it answered 410',
    failing: 'because nothing but failures came back for five days',
  }[row.disabled_reason ?? 'by_request']
  throw new EngineError('endpoint_disabled', `The endpoint was disabled ${why}.`)
}

/** Ends what was still to be sent to an endpoint, in the transaction that disables it. */
export const endPending = async (tx: Tx, row: { org_id: string; id: string }): Promise<void> => {
  await tx
    .updateTable('webhook_deliveries')
    .set({
      status: 'failed',
      next_try_at: null,
      lease_holder: null,
      lease_until: null,
      ended_at: sql<Date>`clock_timestamp()`,
    })
    .where('org_id', '=', row.org_id)
    .where('endpoint_id', '=', row.id)
    .where('status', '=', 'pending')
    .execute()
}

interface Deps {
  db: Database
  webhooks: Pick<Webhooks, 'accept' | 'send'>
  sealing: Sealing
}

export const createEndpoints = ({ db, webhooks, sealing }: Deps) => {
  const note = (tx: Tx, caller: Caller, action: AuditAction, id: string, outcome = 'ok') =>
    audit(tx, actorOf(caller), {
      action,
      targetType: 'webhook_endpoint',
      targetId: id,
      outcome,
    })

  const requireClients = async (
    tx: Tx,
    tenant: Tenant,
    ids: readonly string[] | null | undefined,
  ): Promise<void> => {
    for (const id of ids ?? []) await requireClient(tx, tenant, id)
  }

  const columnsOf = ({ url, description, event_types, client_ids }: EndpointInput) => ({
    ...(url === undefined ? {} : { url }),
    ...(description === undefined ? {} : { description }),
    ...(event_types === undefined
      ? {}
      : { event_types: event_types === null ? null : [...new Set(event_types)] }),
    ...(client_ids === undefined
      ? {}
      : { client_ids: client_ids === null ? null : [...new Set(client_ids)] }),
  })

  return {
    /** The only answer with the secret, beside that of `rotateSecret`. */
    create: async (
      caller: Caller,
      input: EndpointInput & { url: string },
    ): Promise<Endpoint & { secret: string }> => {
      const { tenant } = caller
      await webhooks.accept(input.url)
      const secret = newSigningSecret()
      const id = newId()
      return db.as(tenant).tx(async (tx) => {
        // Creations of an org take turns, so that the count is right.
        await tx
          .selectFrom('organizations')
          .select('id')
          .where('id', '=', tenant.orgId)
          .forNoKeyUpdate()
          .executeTakeFirstOrThrow()
        const { count } = await tx
          .selectFrom('webhook_endpoints')
          .select(sql<number>`count(*)::int`.as('count'))
          .where('org_id', '=', tenant.orgId)
          .executeTakeFirstOrThrow()
        if (count >= ENDPOINTS_MAX) {
          throw new EngineError(
            'too_many_endpoints',
            `An organization has at most ${ENDPOINTS_MAX} webhook endpoints.`,
          )
        }
        await requireClients(tx, tenant, input.client_ids)
        const row = await tx
          .insertInto('webhook_endpoints')
          .values({
            ...columnsOf(input),
            id,
            org_id: tenant.orgId,
            url: input.url,
            secret: sealing.seal(secret, id),
            created_by: caller.userId,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await bindIdempotency(tx, caller, id)
        await note(tx, caller, 'webhook_endpoint.create', id)
        return { ...toEndpoint(row), secret: secret.reveal() }
      })
    },

    list: (tenant: Tenant, page: PageRequest): Promise<Page<Endpoint>> =>
      pageOf(
        db
          .as(tenant)
          .read.selectFrom('webhook_endpoints')
          .selectAll()
          .where('org_id', '=', tenant.orgId),
        'id',
        page,
        toEndpoint,
      ),

    get: async (tenant: Tenant, id: string): Promise<Endpoint> =>
      toEndpoint(await requireEndpoint(db.as(tenant).read, tenant, id)),

    /** What was still to be sent to a disabled endpoint ends as failed; `resend` brings it back. */
    update: async (
      caller: Caller,
      id: string,
      input: EndpointInput & { status?: 'active' | 'disabled' | undefined },
    ): Promise<Endpoint> => {
      const { tenant } = caller
      // Looked for first: whether a URL is allowed tells nothing about a foreign endpoint.
      await requireEndpoint(db.as(tenant).read, tenant, id)
      if (input.url !== undefined) await webhooks.accept(input.url)
      return db.as(tenant).tx(async (tx) => {
        const before = await requireEndpoint(tx, tenant, id, true)
        await requireClients(tx, tenant, input.client_ids)
        const disables = input.status === 'disabled' && before.status === 'active'
        if (disables) await endPending(tx, before)
        const row = await tx
          .updateTable('webhook_endpoints')
          .set({
            ...columnsOf(input),
            ...(disables
              ? {
                  status: 'disabled' as const,
                  disabled_reason: 'by_request' as const,
                  disabled_at: sql<Date>`now()`,
                }
              : {}),
            ...(input.status === 'active'
              ? {
                  status: 'active' as const,
                  disabled_reason: null,
                  disabled_at: null,
                  ...(before.status === 'active' ? {} : { failing_since: null }),
                }
              : {}),
            updated_at: sql<Date>`now()`,
          })
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow()
        await note(tx, caller, 'webhook_endpoint.update', id)
        return toEndpoint(row)
      })
    },

    /**
     * A new secret. The present one goes on signing beside it for so many hours, so that the receiver can
     * be changed meanwhile; the one that it replaced is dropped: there are two at most.
     */
    rotateSecret: (
      caller: Caller,
      id: string,
      keepHours: number,
    ): Promise<Endpoint & { secret: string }> => {
      const { tenant } = caller
      const secret = newSigningSecret()
      return db.as(tenant).tx(async (tx) => {
        const before = await requireEndpoint(tx, tenant, id, true)
        const row = await tx
          .updateTable('webhook_endpoints')
          .set({
            secret: sealing.seal(secret, id),
            former_secret: keepHours === 0 ? null : before.secret,
            former_secret_until:
              keepHours === 0 ? null : sql<Date>`now() + make_interval(hours => ${keepHours})`,
            updated_at: sql<Date>`now()`,
          })
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow()
        await bindIdempotency(tx, caller, id)
        await note(tx, caller, 'webhook_endpoint.rotate_secret', id)
        return { ...toEndpoint(row), secret: secret.reveal() }
      })
    },

    /** With everything that was sent to it, and is still to be sent. Its events stay. */
    delete: (caller: Caller, id: string): Promise<{ id: string }> =>
      db.as(caller.tenant).tx(async (tx) => {
        const deleted = await tx
          .deleteFrom('webhook_endpoints')
          .where('org_id', '=', caller.tenant.orgId)
          .where('id', '=', id)
          .returning('id')
          .executeTakeFirst()
        if (deleted === undefined) throw notFound('webhook endpoint')
        await note(tx, caller, 'webhook_endpoint.delete', id)
        return deleted
      }),

    /** Sends a signed message of its own, once and now, and says how the endpoint answered. */
    test: async (caller: Caller, id: string): Promise<SendOutcome & { delivered: boolean }> => {
      const { tenant } = caller
      const row = await requireEndpoint(db.as(tenant).read, tenant, id)
      requireActive(row)
      const messageId = newId()
      const secrets: Secret[] = secretsOf(sealing, row, new Date())
      const outcome = await webhooks.send({
        url: row.url,
        id: messageId,
        secrets,
        body: JSON.stringify({
          id: messageId,
          type: TEST_TYPE,
          timestamp: new Date().toISOString(),
          client_id: null,
          sequence: 0,
          data: { endpoint_id: id },
        }),
      })
      await db
        .as(tenant)
        .tx((tx) => note(tx, caller, 'webhook_endpoint.test', id, outcome.failure ?? 'ok'))
      return { delivered: outcome.failure === null, ...outcome }
    },
  }
}

export type Endpoints = ReturnType<typeof createEndpoints>
