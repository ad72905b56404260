// Which clients of an org: by name, by tags, by what they are bound to. One shape and one meaning for
// everything that is about many clients.

import { type Expression, sql, type SqlBool } from 'kysely'
import * as z from 'zod'
import { type Reader, type Tenant } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { type ConnectionStatus, type Environment } from '../../db/tables/connections.ts'
import { EngineError } from '../../errors.ts'
import { newestOfBinding } from './drift/newest.ts'
import { clientTags, type ClientTags } from './tags.ts'

/** More than an org has clients; the ids of so many still fit into a body. */
const NAMED_MAX = 5_000

const named = z.array(z.uuid()).min(1).max(NAMED_MAX)

const trueOrBlueprint = z
  .union([z.literal(true), z.uuid()], { error: 'must be true or the id of a blueprint' })
  .meta({ id: 'ByBlueprint' })

export const clientSelector = z
  .strictObject({
    all: z.literal(true).optional().describe('Every active client'),
    client_ids: named.optional().describe('These; each of them has to be an active client'),
    tags: clientTags
      .refine((tags) => Object.keys(tags).length > 0, 'must name a tag')
      .optional()
      .describe('Clients that have all of these tags with these values'),
    bound: trueOrBlueprint
      .optional()
      .describe(
        'Clients bound to this blueprint; true: to the one that the call is about, or else to any',
      ),
    drifted: trueOrBlueprint
      .optional()
      .describe(
        'Clients that differed from this blueprint when drift was last looked for; true: as for `bound`',
      ),
    environment: z
      .enum(['production', 'sandbox'])
      .meta({ id: 'Environment' })
      .optional()
      .describe('Clients whose connection is to such a Salesforce org'),
    exclude: named.optional().describe('Ids of clients that are left out, whatever else holds'),
  })
  .refine(
    ({ exclude: _exclude, ...chosen }) => Object.values(chosen).some((one) => one !== undefined),
    'chooses no clients: name all, client_ids, tags, bound, drifted or environment',
  )
  .describe('Which clients: those for which everything in it holds')
  .meta({ id: 'ClientSelector' })

export type ClientSelector = z.infer<typeof clientSelector>

export interface SelectedClient {
  client_id: string
  name: string
  tags: ClientTags
  /** Of the live connection, or the last one where none is live; null when the client never had one. */
  environment: Environment | null
  connection_status: ConnectionStatus | null
}

/** What the call that a selector came with says about it. */
interface Occasion {
  /** The blueprint that `bound: true` and `drifted: true` mean. */
  blueprintId?: string
  /** Where the selector is in the body, for errors; '' for the body itself. */
  path?: string
  /** Inactive clients that are named are chosen too: for what only takes something from them. */
  evenInactive?: boolean
}

/**
 * The clients that a selector chooses, in the order in which they were created. Throws `not_found` for a
 * named client that is not there or is another org's, and `client_inactive` for a named one that is inactive;
 * others that are inactive are not chosen.
 */
export const selectClients = async (
  tx: Reader,
  tenant: Tenant,
  selector: ClientSelector,
  { blueprintId, path = 'selector', evenInactive = false }: Occasion = {},
): Promise<SelectedClient[]> => {
  const { client_ids, exclude, tags, bound, drifted, environment } = selector
  const at = (member: string) => (path === '' ? member : `${path}.${member}`)
  await requireNamed(tx, tenant, client_ids ?? [], at('client_ids'), {
    active: !evenInactive,
  })
  await requireNamed(tx, tenant, exclude ?? [], at('exclude'), { active: false })

  let query = tx
    .selectFrom('clients as c')
    .leftJoinLateral(
      (from) =>
        from
          .selectFrom('crm_connections as k')
          .select(['k.environment', 'k.status'])
          .whereRef('k.org_id', '=', 'c.org_id')
          .whereRef('k.client_id', '=', 'c.id')
          .orderBy(sql`k.status <> 'revoked'`, 'desc')
          .orderBy('k.created_at', 'desc')
          .orderBy('k.id', 'desc')
          .limit(1)
          .as('connection'),
      (join) => join.onTrue(),
    )
    .select([
      'c.id as client_id',
      'c.name',
      'c.tags',
      'connection.environment',
      'connection.status as connection_status',
    ])
    .where('c.org_id', '=', tenant.orgId)
    .orderBy('c.id')
  if (!evenInactive || client_ids === undefined) query = query.where('c.is_active', '=', true)
  // As one value each: a list of parameters has a limit, and every length would be a statement of its own.
  if (client_ids !== undefined) query = query.where(sql<SqlBool>`c.id = any(${client_ids}::uuid[])`)
  if (exclude !== undefined) query = query.where(sql<SqlBool>`c.id <> all(${exclude}::uuid[])`)
  if (tags !== undefined) query = query.where(hasTags('c.tags', tags))
  if (environment !== undefined) query = query.where('connection.environment', '=', environment)
  if (bound !== undefined) {
    const blueprint = bound === true ? blueprintId : bound
    if (blueprint !== undefined) await requireBlueprint(tx, tenant, blueprint, at('bound'))
    query = query.where((where) => {
      const binding = where
        .selectFrom('blueprint_bindings as b')
        .select('b.id')
        .where('b.org_id', '=', tenant.orgId)
        .whereRef('b.client_id', '=', 'c.id')
      return where.exists(
        blueprint === undefined ? binding : binding.where('b.blueprint_id', '=', blueprint),
      )
    })
  }
  if (drifted !== undefined) {
    const blueprint = drifted === true ? blueprintId : drifted
    if (blueprint !== undefined) await requireBlueprint(tx, tenant, blueprint, at('drifted'))
    query = query.where(hasDrifted(tenant, blueprint))
  }
  return query.execute()
}

/** Whether a column of tags has all of these. */
export const hasTags = (column: string, tags: ClientTags): Expression<SqlBool> =>
  sql<SqlBool>`${sql.ref(column)} @> ${json(tags)}::jsonb`

/** Clients that are still bound, and whose newest result for that binding is drift. */
const hasDrifted = ({ orgId }: Tenant, blueprintId: string | undefined): Expression<SqlBool> => {
  const ofBlueprint =
    blueprintId === undefined ? sql`` : sql`and b.blueprint_id = ${blueprintId}::uuid`
  return sql<SqlBool>`exists (
    select from blueprint_bindings b cross join lateral (${newestOfBinding()}) newest
     where b.org_id = ${orgId}::uuid and b.client_id = c.id ${ofBlueprint}
       and newest.state = 'drifted')`
}

const refusal = (
  code: 'not_found' | 'client_inactive',
  path: string,
  message: string,
): EngineError => new EngineError(code, message, { errors: [{ path, code, message }] })

/** Throws for the first named client that is missing; equally for one of another org. */
const requireNamed = async (
  tx: Reader,
  { orgId }: Tenant,
  ids: readonly string[],
  path: string,
  { active }: { active: boolean },
): Promise<void> => {
  if (ids.length === 0) return
  const rows = await tx
    .selectFrom('clients')
    .select(['id', 'is_active', 'left_at'])
    .where('org_id', '=', orgId)
    .where(sql<SqlBool>`id = any(${ids}::uuid[])`)
    .execute()
  const found = new Map(rows.map((row) => [row.id, row]))
  for (const [index, id] of ids.entries()) {
    const client = found.get(id.toLowerCase())
    const at = `${path}.${index}`
    if (client === undefined) throw refusal('not_found', at, 'There is no such client.')
    if (active && !client.is_active) {
      const why = client.left_at === null ? 'is inactive' : 'has left: it was off-boarded'
      throw refusal('client_inactive', at, `This client ${why}.`)
    }
  }
}

const requireBlueprint = async (
  tx: Reader,
  { orgId }: Tenant,
  blueprintId: string,
  path: string,
): Promise<void> => {
  const row = await tx
    .selectFrom('blueprints')
    .select('id')
    .where('org_id', '=', orgId)
    .where('id', '=', blueprintId)
    .executeTakeFirst()
  if (row === undefined) throw refusal('not_found', path, 'There is no such blueprint.')
}

/** Throws bad_request if a selector chooses nobody: it is mistyped, and what is begun for nobody looks done. */
export const requireSome = (clients: readonly unknown[], path: string): void => {
  if (clients.length > 0) return
  const message = 'No active client fits this selector.'
  throw new EngineError('bad_request', message, { errors: [{ path, code: 'no_targets', message }] })
}
