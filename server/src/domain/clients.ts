// Clients: an org's customers, whose Salesforce orgs are looked after.

import { sql } from 'kysely'
import { type Database, type Reader, type Tenant } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { json } from '../db/json.ts'
import { type ConnectionStatus } from '../db/tables/connections.ts'
import { connectionOf } from './connections/rows.ts'
import { EngineError, notFound } from '../errors.ts'
import { actorOf, audit } from './audit.ts'
import { type Caller } from './caller.ts'
import { hasTags } from './fleet/selectors.ts'
import { type ClientTags } from './fleet/tags.ts'
import { bindIdempotency } from './idempotency.ts'
import { pageOf, type Page, type PageRequest } from './page.ts'

export interface Client {
  id: string
  org_id: string
  name: string
  domain: string | null
  metadata: Record<string, unknown>
  /** What selectors choose by. */
  tags: ClientTags
  is_active: boolean
  /** When its off-boarding ended; null: it has not left, or was activated again. */
  left_at: string | null
  created_at: string
  updated_at: string
}

export interface ClientDetail extends Client {
  /** Status of the live connection; null when the client never had one. */
  connection_status: ConnectionStatus | null
  /** Version of the newest complete snapshot; null before the first. */
  latest_snapshot_version: number | null
}

interface Row {
  id: string
  org_id: string
  name: string
  domain: string | null
  metadata: Record<string, unknown>
  tags: ClientTags
  is_active: boolean
  left_at: Date | null
  created_at: Date
  updated_at: Date
}

const toClient = (row: Row): Client => ({
  id: row.id,
  org_id: row.org_id,
  name: row.name,
  domain: row.domain,
  metadata: row.metadata,
  tags: row.tags,
  is_active: row.is_active,
  left_at: row.left_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

/** `%` and `_` of the caller's text mean themselves. */
const containing = (text: string): string => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`

export const createClients = (db: Database) => {
  const get = async (tenant: Tenant, clientId: string): Promise<ClientDetail> => {
    const row = await db
      .as(tenant)
      .read.selectFrom('clients')
      .selectAll()
      .select([
        sql<ConnectionStatus | null>`(${connectionOf({ orgId: sql`clients.org_id`, clientId: sql`clients.id` }, sql`k.status`)})`.as(
          'connection_status',
        ),
        sql<number | null>`(select s.version from crm_topology_snapshots s
             where s.client_id = clients.id and s.version is not null
             order by s.version desc limit 1)`.as('latest_snapshot_version'),
      ])
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', clientId)
      .executeTakeFirst()
    if (row === undefined) throw notFound('client')
    return {
      ...toClient(row),
      connection_status: row.connection_status,
      latest_snapshot_version: row.latest_snapshot_version,
    }
  }

  return {
    get,

    create: (
      caller: Caller,
      input: {
        name: string
        domain?: string | null | undefined
        metadata?: Record<string, unknown> | undefined
        tags?: ClientTags | undefined
      },
    ): Promise<Client> =>
      db.as(caller.tenant).tx(async (tx) => {
        const row = await tx
          .insertInto('clients')
          .values({
            id: newId(),
            org_id: caller.tenant.orgId,
            name: input.name,
            domain: input.domain ?? null,
            metadata: json(input.metadata ?? {}),
            tags: json(input.tags ?? {}),
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await bindIdempotency(tx, caller, row.id)
        await audit(tx, actorOf(caller), {
          action: 'client.create',
          clientId: row.id,
          targetType: 'client',
          targetId: row.id,
        })
        return toClient(row)
      }),

    /** `query` is searched for in name and domain, case-insensitive; a client has all of `tags`. */
    list: (
      tenant: Tenant,
      input: PageRequest & { query?: string | undefined; tags?: ClientTags | undefined },
    ): Promise<Page<Client>> => {
      let query = db
        .as(tenant)
        .read.selectFrom('clients')
        .selectAll()
        .where('org_id', '=', tenant.orgId)
      if (input.query !== undefined) {
        const pattern = containing(input.query)
        query = query.where((where) =>
          where.or([where('name', 'ilike', pattern), where('domain', 'ilike', pattern)]),
        )
      }
      if (input.tags !== undefined) query = query.where(hasTags('tags', input.tags))
      return pageOf(query, 'id', input, toClient)
    },

    update: (
      caller: Caller,
      input: {
        client_id: string
        name?: string | undefined
        domain?: string | null | undefined
        metadata?: Record<string, unknown> | undefined
        tags?: ClientTags | undefined
        is_active?: boolean | undefined
      },
    ): Promise<Client> =>
      db.as(caller.tenant).tx(async (tx) => {
        const row = await tx
          .updateTable('clients')
          .set({
            ...(input.name === undefined ? {} : { name: input.name }),
            ...(input.domain === undefined ? {} : { domain: input.domain }),
            ...(input.metadata === undefined ? {} : { metadata: json(input.metadata) }),
            ...(input.tags === undefined ? {} : { tags: json(input.tags) }),
            ...(input.is_active === undefined ? {} : { is_active: input.is_active }),
            ...(input.is_active === true ? { left_at: null } : {}),
            updated_at: sql<Date>`now()`,
          })
          .where('org_id', '=', caller.tenant.orgId)
          .where('id', '=', input.client_id)
          .returningAll()
          .executeTakeFirst()
        if (row === undefined) throw notFound('client')
        await audit(tx, actorOf(caller), {
          action: 'client.update',
          clientId: row.id,
          targetType: 'client',
          targetId: row.id,
        })
        return toClient(row)
      }),
  }
}

export type Clients = ReturnType<typeof createClients>

export interface RequiredClient extends Standing {
  id: string
  name: string
}

interface Standing {
  is_active: boolean
  leaving_at: Date | null
  left_at?: Date | null
}

/** The client's row; missing and foreign clients get the same answer. */
export const requireClient = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
): Promise<RequiredClient> => {
  const row = await reader
    .selectFrom('clients')
    .select(['id', 'name', 'is_active', 'leaving_at', 'left_at'])
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', clientId)
    .executeTakeFirst()
  if (row === undefined) throw notFound('client')
  return row
}

/**
 * Throws unless new work in its Salesforce org may begin: client_inactive, or client_leaving during an
 * off-boarding.
 */
export const requireWorking = (client: Standing): void => {
  if (!client.is_active) {
    throw new EngineError(
      'client_inactive',
      client.left_at == null
        ? 'This client is inactive: no new Salesforce work is done for it.'
        : 'This client was off-boarded: no new Salesforce work is done for it.',
    )
  }
  if (client.leaving_at !== null) {
    throw new EngineError(
      'client_leaving',
      'This client is being off-boarded: no new Salesforce work is done for it.',
    )
  }
}
