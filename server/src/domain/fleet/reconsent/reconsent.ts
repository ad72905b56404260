// Asking clients to authorize again: a campaign names the clients and why, gives each a fresh link, and says
// who has done it. A link is an ordinary connect link, so what it brings is accepted like any other grant.

import { type Selectable, sql } from 'kysely'
import { type Database, type Tx } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { jsonOrNull } from '../../../db/json.ts'
import { type TenantTables } from '../../../db/tables.ts'
import { type Fault } from '../../../db/tables/work.ts'
import { EngineError, notFound } from '../../../errors.ts'
import { actorOf, audit } from '../../audit.ts'
import { type Caller } from '../../caller.ts'
import { type Connections } from '../../connections/connections.ts'
import { connectionOf } from '../../connections/rows.ts'
import { bindIdempotency } from '../../idempotency.ts'
import { beforeOf, cutPage, type Page, type PageRequest } from '../../page.ts'
import { type ClientFacts, factsOfClients } from '../health/facts.ts'
import { type ClientSelector } from '../selectors.ts'

export const RECONSENT_REASONS = ['scope', 'dead_grant', 'app_rules'] as const
export type ReconsentReason = (typeof RECONSENT_REASONS)[number]

export const RECONSENT_STATES = ['waiting', 'link_open', 'refused', 'done'] as const
export type ReconsentState = (typeof RECONSENT_STATES)[number]

/** Links of one call: each is a call to Nango. */
export const LINKS_MAX = 50
const LINKS_AT_ONCE = 8

export interface NewCampaign {
  name: string
  note?: string | undefined
  /** Absent: each client's own, and only clients that have one. */
  reason?: ReconsentReason | undefined
  selector?: ClientSelector | undefined
}

export interface Link {
  client_id: string
  client_name: string
  /** Null where none could be created. */
  connect_link: string | null
  expires_at: string | null
  error: Fault | null
}

export interface Campaign {
  id: string
  name: string
  note: string | null
  totals: { clients: number } & Record<ReconsentState, number>
  created_by: string | null
  created_at: string
}

export interface AskedClient {
  client_id: string
  client_name: string
  reason: ReconsentReason
  cause: Fault | null
  state: ReconsentState
  link_expires_at: string | null
  /** Why what was authorized was not accepted. */
  refusal: Fault | null
  done_at: string | null
}

interface Row {
  id: string
  client_id: string
  client_name: string
  reason: ReconsentReason
  cause: Fault | null
  state: ReconsentState
  expires_at: Date | null
  refusal: Fault | null
  done_at: Date | null
}

interface Deps {
  db: Database
  connections: Pick<Connections, 'create'>
}

/** Why a client has to authorize again; null: it does not. */
const ownReason = ({ connection }: ClientFacts): ReconsentReason | null => {
  if (connection?.status === 'expired') return 'dead_grant'
  if (connection?.status !== 'error') return null
  return connection.error?.code === 'missing_scope' ? 'scope' : null
}

/** Every client of these campaigns with its state, as a FROM item. */
const asked = (orgId: string, campaignIds: readonly string[]) => sql`(
  select r.id, r.campaign_id, r.client_id, c.name as client_name, r.reason, r.cause,
         case when k.connected_at > r.asked_at then 'done'
              when t.refusal is not null then 'refused'
              when t.status = 'open' and t.expires_at > now() then 'link_open'
              else 'waiting' end as state,
         case when t.status = 'open' and t.expires_at > now() then coalesce(t.session_expires_at, t.expires_at) end
           as expires_at,
         t.refusal, case when k.connected_at > r.asked_at then k.connected_at end as done_at
    from reconsent_clients r
    join clients c on c.org_id = r.org_id and c.id = r.client_id
    left join lateral (
      ${connectionOf(
        { orgId: sql`r.org_id`, clientId: sql`r.client_id` },
        sql`case when k.status <> 'revoked' then k.connected_at end as connected_at`,
      )}) k on true
    left join lateral (
      select t.status, t.expires_at, t.session_expires_at, t.refusal from connection_attempts t
       where t.org_id = r.org_id and t.client_id = r.client_id and t.created_at >= r.asked_at
       order by t.id desc limit 1) t on true
   where r.org_id = ${orgId} and r.campaign_id = any(${[...campaignIds]}::uuid[])) a`

export const createReconsent = ({ db, connections }: Deps) => {
  const campaignsOf = async (
    caller: Caller,
    rows: readonly Selectable<TenantTables['reconsent_campaigns']>[],
  ): Promise<Campaign[]> => {
    const { orgId } = caller.tenant
    const ids = rows.map(({ id }) => id)
    const counts = await db.as(caller.tenant).tx(async (tx) => {
      const found = await sql<{ campaign_id: string; state: ReconsentState; count: number }>`
        select campaign_id, state, count(*)::integer as count from ${asked(orgId, ids)}
         group by campaign_id, state`.execute(tx)
      return found.rows
    })
    return rows.map((row) => {
      const own = counts.filter(({ campaign_id: id }) => id === row.id)
      const states = Object.fromEntries(
        RECONSENT_STATES.map((state) => [
          state,
          own.find((one) => one.state === state)?.count ?? 0,
        ]),
      ) as Record<ReconsentState, number>
      return {
        id: row.id,
        name: row.name,
        note: row.note,
        totals: { clients: own.reduce((sum, { count }) => sum + count, 0), ...states },
        created_by: row.created_by,
        created_at: row.created_at.toISOString(),
      }
    })
  }

  const campaignOf = async (caller: Caller, campaignId: string): Promise<Campaign> => {
    const rows = await db
      .as(caller.tenant)
      .read.selectFrom('reconsent_campaigns')
      .selectAll()
      .where('org_id', '=', caller.tenant.orgId)
      .where('id', '=', campaignId)
      .execute()
    const [campaign] = await campaignsOf(caller, rows)
    if (campaign === undefined) throw notFound('campaign')
    return campaign
  }

  const clientsOf = async (
    caller: Caller,
    request: PageRequest & { campaign_id: string; state?: ReconsentState | undefined },
  ): Promise<Page<AskedClient>> => {
    const before = beforeOf(request)
    const rows = await db.as(caller.tenant).tx(async (tx) => {
      const found = await sql<Row>`
        select * from ${asked(caller.tenant.orgId, [request.campaign_id])}
         where true ${request.state === undefined ? sql`` : sql`and state = ${request.state}`}
               ${before === null ? sql`` : sql`and id < ${before}::uuid`}
         order by id desc limit ${request.limit + 1}`.execute(tx)
      return found.rows
    })
    return cutPage(rows, request, toClient)
  }

  /** Fresh links for these clients; one that fails says why, and the others get theirs. */
  const linksFor = async (
    caller: Caller,
    clients: readonly { client_id: string; client_name: string }[],
  ): Promise<Link[]> => {
    // The key of the call belongs to the campaign, not to one of the links.
    const asking = { ...caller, idempotency: null }
    const links = new Map<string, Link>()
    const waiting = [...clients]
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { client_id, client_name } = next
        const nothing = { connect_link: null, expires_at: null }
        try {
          const { connect_link, expires_at } = await connections.create(asking, { client_id })
          links.set(client_id, { client_id, client_name, connect_link, expires_at, error: null })
        } catch (error) {
          if (!(error instanceof EngineError)) throw error
          const fault = { code: error.code, message: error.message }
          links.set(client_id, { client_id, client_name, ...nothing, error: fault })
        }
      }
    }
    await Promise.all(Array.from({ length: LINKS_AT_ONCE }, worker))
    return clients.flatMap(({ client_id: id }) => links.get(id) ?? [])
  }

  const requireConnections = (caller: Caller): void => {
    if (caller.permissions.includes('connections.write')) return
    throw new EngineError('forbidden', 'This needs the permission connections.write.')
  }

  return {
    /**
     * Throws `bad_request` if no chosen client has to authorize again. With the campaign come links for the
     * first clients; the others get theirs with `links`.
     */
    create: async (caller: Caller, input: NewCampaign): Promise<Campaign & { links: Link[] }> => {
      requireConnections(caller)
      const { orgId } = caller.tenant
      const facts = await factsOfClients(db, caller.tenant, input.selector)
      const clients = facts.flatMap((client) => {
        const reason = client.connection === null ? null : (input.reason ?? ownReason(client))
        return reason === null ? [] : [{ ...client, reason }]
      })
      if (clients.length === 0) {
        throw input.reason === undefined
          ? nobodyToAsk(
              'reason',
              'None of these clients has to authorize again: name a reason to ask them all the same.',
            )
          : nobodyToAsk(
              'selector',
              'None of these clients was ever connected: use /api/connections/create.',
            )
      }
      const id = newId()
      await db.as(caller.tenant).tx(async (tx) => {
        await tx
          .insertInto('reconsent_campaigns')
          .values({
            id,
            org_id: orgId,
            name: input.name,
            note: input.note ?? null,
            created_by: caller.userId,
          })
          .execute()
        await insertClients(tx, orgId, id, clients)
        await bindIdempotency(tx, caller, id)
        await audit(tx, actorOf(caller), {
          action: 'reconsent.create',
          targetType: 'reconsent_campaign',
          targetId: id,
        })
      })
      const first = await clientsOf(caller, { campaign_id: id, limit: LINKS_MAX })
      const links = await linksFor(caller, first.items)
      return { ...(await campaignOf(caller, id)), links }
    },

    /** The answer to a repeated creation: the campaign without its links, which are handed out once. */
    created: async (caller: Caller, id: string): Promise<Campaign & { links: null }> => ({
      ...(await campaignOf(caller, id)),
      links: null,
    }),

    get: async (
      caller: Caller,
      input: PageRequest & { campaign_id: string; state?: ReconsentState | undefined },
    ): Promise<Campaign & Page<AskedClient>> => ({
      ...(await campaignOf(caller, input.campaign_id)),
      ...(await clientsOf(caller, input)),
    }),

    list: async (caller: Caller, input: PageRequest): Promise<Page<Campaign>> => {
      const before = beforeOf(input)
      let query = db
        .as(caller.tenant)
        .read.selectFrom('reconsent_campaigns')
        .selectAll()
        .where('org_id', '=', caller.tenant.orgId)
        .orderBy('id', 'desc')
        .limit(input.limit + 1)
      if (before !== null) query = query.where('id', '<', before)
      const { items, next_cursor } = cutPage(await query.execute(), input, (row) => row)
      return { items: await campaignsOf(caller, items), next_cursor }
    },

    /** Fresh links for clients that have not authorized yet; a link that was given before no longer works. */
    links: async (
      caller: Caller,
      input: { campaign_id: string; client_ids?: string[] | undefined },
    ): Promise<{ items: Link[] }> => {
      requireConnections(caller)
      await campaignOf(caller, input.campaign_id)
      const { orgId } = caller.tenant
      const { client_ids: only } = input
      const open = await db.as(caller.tenant).tx(async (tx) => {
        if (only !== undefined) await requireAsked(tx, orgId, input.campaign_id, only)
        const { rows } = await sql<Row>`
          select * from ${asked(orgId, [input.campaign_id])} where state <> 'done'
                 ${only === undefined ? sql`` : sql`and client_id = any(${only}::uuid[])`}
           order by state = 'link_open', id desc limit ${LINKS_MAX}`.execute(tx)
        await audit(tx, actorOf(caller), {
          action: 'reconsent.links',
          targetType: 'reconsent_campaign',
          targetId: input.campaign_id,
        })
        return rows
      })
      return { items: await linksFor(caller, open) }
    },
  }
}

export type Reconsent = ReturnType<typeof createReconsent>

const nobodyToAsk = (path: string, message: string): EngineError =>
  new EngineError('bad_request', message, { errors: [{ path, code: 'nobody_to_ask', message }] })

/** Throws `not_found` for a client that the campaign does not ask, whoever's it is. */
const requireAsked = async (
  tx: Tx,
  orgId: string,
  campaignId: string,
  clientIds: readonly string[],
): Promise<void> => {
  const rows = await tx
    .selectFrom('reconsent_clients')
    .select('client_id')
    .where('org_id', '=', orgId)
    .where('campaign_id', '=', campaignId)
    .execute()
  const known = new Set(rows.map(({ client_id: id }) => id))
  if (clientIds.some((id) => !known.has(id.toLowerCase()))) throw notFound('client')
}

const insertClients = async (
  tx: Tx,
  orgId: string,
  campaignId: string,
  clients: readonly (ClientFacts & { reason: ReconsentReason })[],
): Promise<void> => {
  // By name, and pages come newest first.
  const inOrder = clients.toSorted((a, b) =>
    a.client_name.toLowerCase() < b.client_name.toLowerCase() ? 1 : -1,
  )
  await tx
    .insertInto('reconsent_clients')
    .values(
      inOrder.map(({ client_id, connection, reason }) => ({
        id: newId(),
        org_id: orgId,
        client_id,
        campaign_id: campaignId,
        reason,
        cause: jsonOrNull(connection?.error ?? null),
      })),
    )
    .execute()
}

const toClient = (row: Row): AskedClient => ({
  client_id: row.client_id,
  client_name: row.client_name,
  reason: row.reason,
  cause: row.cause,
  state: row.state,
  link_expires_at: row.expires_at?.toISOString() ?? null,
  refusal: row.refusal === null ? null : { code: row.refusal.code, message: row.refusal.message },
  done_at: row.done_at?.toISOString() ?? null,
})
