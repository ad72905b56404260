// Bindings: which clients should stand at a blueprint, with which parameters of their own.

import { sql, type SqlBool } from 'kysely'
import { type Database, type Reader, type Tenant, type Tx } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { json, type JsonText } from '../../../db/json.ts'
import { EngineError, type MemberError, notFound } from '../../../errors.ts'
import { actorOf, auditAll } from '../../audit.ts'
import { canonicalJson } from '../../canonical.ts'
import { type Caller } from '../../caller.ts'
import { requireClient } from '../../clients.ts'
import { pageOf, type Page, type PageRequest } from '../../page.ts'
import { type ClientSelector, requireSome, selectClients } from '../selectors.ts'
import { fillIn } from './content.ts'
import { type ParameterValues, undeclaredValues } from './parameters.ts'
import {
  type Binding,
  bindingsOf,
  type Blueprint,
  type BlueprintVersion,
  requireBlueprint,
  requireLive,
  toBinding,
  versionOf,
} from './rows.ts'

interface Chosen {
  blueprint_id: string
  client_ids?: readonly string[] | undefined
  selector?: ClientSelector | undefined
}

export interface SetInput extends Chosen {
  /** Replace those of each client. Absent: unchanged. */
  parameters?: ParameterValues | undefined
  /** Null: not pinned. Absent: unchanged. */
  pinned_version?: number | null | undefined
  /** Accepted differences that are wanted as the version has them again. */
  withdraw?: 'all' | readonly { type: string; full_name: string }[] | undefined
}

export interface SetBindings {
  created: number
  updated: number
  items: Binding[]
}

/** Rows of one statement: PostgreSQL takes 65,535 values in one. */
const AT_ONCE = 1_000

const refusal = (code: 'validation_failed' | 'not_found', path: string, message: string) =>
  new EngineError(code, message, { errors: [{ path, code, message }] })

export const createBindings = (db: Database) => ({
  /**
   * Binds clients, or changes their bindings: all of them or none. Throws `invalid_parameters` with what is
   * wrong with a client's values, `blueprint_archived`, `client_inactive`, `bad_request` for a selector that
   * chooses nobody, and `not_found` for blueprint,
   * clients and the pinned version.
   */
  set: (caller: Caller, input: SetInput): Promise<SetBindings> =>
    db.as(caller.tenant).tx(async (tx) => {
      const { tenant } = caller
      // Locked: no version may come in between that the values were not checked against.
      const blueprint = await requireBlueprint(tx, tenant, input.blueprint_id, { lock: true })
      requireLive(blueprint)
      const clientIds = await chosen(tx, tenant, input)
      requireSome(clientIds, 'selector')
      const before = await bindingsOf(tx, tenant, blueprint.id, clientIds)
      const wanted = clientIds.map((clientId) => {
        const former = before.get(clientId)
        return {
          client_id: clientId,
          parameters: input.parameters ?? (former?.parameters as ParameterValues | undefined) ?? {},
          pinned_version:
            input.pinned_version === undefined
              ? (former?.pinned_version ?? null)
              : input.pinned_version,
        }
      })
      await checkValues(tx, tenant, blueprint, wanted)
      const items: Binding[] = []
      for (let from = 0; from < wanted.length; from += AT_ONCE) {
        const rows = await tx
          .insertInto('blueprint_bindings')
          .values(
            wanted.slice(from, from + AT_ONCE).map((one) => ({
              id: newId(),
              org_id: tenant.orgId,
              blueprint_id: blueprint.id,
              created_by: caller.userId,
              ...one,
              parameters: json(one.parameters),
            })),
          )
          .onConflict((conflict) =>
            conflict.columns(['org_id', 'blueprint_id', 'client_id']).doUpdateSet((now) => ({
              parameters: now.ref('excluded.parameters'),
              pinned_version: now.ref('excluded.pinned_version'),
              updated_at: sql<Date>`now()`,
            })),
          )
          .returningAll()
          .execute()
        items.push(...(await withdrawn(tx, tenant, rows, input.withdraw)).map(toBinding))
      }
      await auditAll(
        tx,
        actorOf(caller),
        items.map(({ client_id }) => ({
          action: 'blueprint.bind',
          clientId: client_id,
          targetType: 'blueprint',
          targetId: blueprint.id,
        })),
      )
      return { created: items.length - before.size, updated: before.size, items }
    }),

  list: async (
    tenant: Tenant,
    input: PageRequest & { blueprint_id?: string | undefined; client_id?: string | undefined },
  ): Promise<Page<Binding>> => {
    const reader = db.as(tenant).read
    let query = reader
      .selectFrom('blueprint_bindings')
      .selectAll()
      .where('org_id', '=', tenant.orgId)
    if (input.blueprint_id !== undefined) {
      await requireBlueprint(reader, tenant, input.blueprint_id)
      query = query.where('blueprint_id', '=', input.blueprint_id)
    }
    if (input.client_id !== undefined) {
      await requireClient(reader, tenant, input.client_id)
      query = query.where('client_id', '=', input.client_id)
    }
    return pageOf(query, 'id', input, toBinding)
  },

  /**
   * The clients are no longer asked to stand at the blueprint; nothing changes in their Salesforce orgs.
   * Those that are not bound stay so. Throws `not_found` for blueprint and clients.
   */
  remove: (caller: Caller, input: Chosen): Promise<{ removed: number }> =>
    db.as(caller.tenant).tx(async (tx) => {
      const { tenant } = caller
      const blueprint = await requireBlueprint(tx, tenant, input.blueprint_id)
      const clientIds = await chosen(tx, tenant, input, { evenInactive: true })
      const rows = await tx
        .deleteFrom('blueprint_bindings')
        .where('org_id', '=', tenant.orgId)
        .where('blueprint_id', '=', blueprint.id)
        .where(sql<SqlBool>`client_id = any(${clientIds}::uuid[])`)
        .returning('client_id')
        .execute()
      await auditAll(
        tx,
        actorOf(caller),
        rows.map(({ client_id }) => ({
          action: 'blueprint.unbind',
          clientId: client_id,
          targetType: 'blueprint',
          targetId: blueprint.id,
        })),
      )
      return { removed: rows.length }
    }),
})

type BindingRow = Parameters<typeof toBinding>[0]

/** Takes acceptances of drift out of bindings that this transaction has just written. */
const withdrawn = async (
  tx: Tx,
  { orgId }: Tenant,
  rows: readonly BindingRow[],
  what: SetInput['withdraw'],
): Promise<readonly BindingRow[]> => {
  if (what === undefined) return rows
  const keys =
    what === 'all' ? null : what.map((one) => `${one.type} ${one.full_name}`.toLowerCase())
  return tx
    .updateTable('blueprint_bindings')
    .set({
      overrides: sql<JsonText<unknown>>`(select coalesce(jsonb_agg(o order by n), '[]')
        from jsonb_array_elements(overrides) with ordinality as own(o, n)
       where ${keys}::text[] is not null
         and lower(concat_ws(' ', o ->> 'type', o ->> 'full_name')) <> all(${keys}::text[]))`,
    })
    .where('org_id', '=', orgId)
    .where(sql<SqlBool>`id = any(${rows.map(({ id }) => id)}::uuid[])`)
    .returningAll()
    .execute()
}

export type Bindings = ReturnType<typeof createBindings>

const chosen = async (
  reader: Reader,
  tenant: Tenant,
  { blueprint_id: blueprintId, client_ids, selector }: Chosen,
  { evenInactive = false } = {},
): Promise<string[]> => {
  if ((client_ids === undefined) === (selector === undefined)) {
    throw refusal('validation_failed', 'client_ids', 'Send either client_ids or selector.')
  }
  const clients = await selectClients(
    reader,
    tenant,
    selector ?? { client_ids: [...(client_ids ?? [])] },
    { blueprintId, evenInactive, ...(selector === undefined ? { path: '' } : {}) },
  )
  return clients.map(({ client_id }) => client_id)
}

/** Equal values are checked once, however many clients bring them. */
const checkValues = async (
  reader: Reader,
  tenant: Tenant,
  { id, latest_version: latest }: Pick<Blueprint, 'id' | 'latest_version'>,
  wanted: readonly {
    client_id: string
    parameters: ParameterValues
    pinned_version: number | null
  }[],
): Promise<void> => {
  const versions = new Map<number, BlueprintVersion | null>()
  const seen = new Set<string>()
  for (const { client_id: clientId, parameters, pinned_version: pinned } of wanted) {
    const number = pinned ?? latest
    const key = canonicalJson([number, parameters])
    if (seen.has(key)) continue
    seen.add(key)
    const version = versions.has(number)
      ? (versions.get(number) ?? null)
      : await versionOf(reader, tenant, id, number)
    versions.set(number, version)
    if (version === null && pinned !== null) {
      throw refusal('not_found', 'pinned_version', 'There is no such version of the blueprint.')
    }
    const faults = parameterFaults(version, parameters)
    const [first] = faults
    if (first !== undefined) {
      throw new EngineError('invalid_parameters', `For client ${clientId}: ${first.message}`, {
        errors: faults,
      })
    }
  }
}

const parameterFaults = (
  version: BlueprintVersion | null,
  parameters: ParameterValues,
): MemberError[] => {
  const declared = version?.parameters ?? []
  const unknown = undeclaredValues(declared, parameters)
  if (unknown.length > 0 || version === null) return unknown
  return fillIn(version, declared, parameters).problems ?? []
}

/** The binding of one client. Throws not_found. */
export const requireBinding = async (
  reader: Reader,
  tenant: Tenant,
  blueprintId: string,
  clientId: string,
): Promise<Binding> => {
  const row = (await bindingsOf(reader, tenant, blueprintId, [clientId])).get(clientId)
  if (row === undefined) throw notFound('binding')
  return toBinding(row)
}
