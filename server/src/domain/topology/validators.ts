// Validators: the dates that Salesforce last returned for conditional reads, and the content they belong
// to. They are valid for one view of a Salesforce org (connection and its grant, org, user and the
// user's rights, API version, language) and for no other.

import { sql } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../db/database.ts'
import { hashText } from './content-hash.ts'

/** All objects are read unconditionally again after this long, whatever the validators say. */
const TRUST_DAYS = 7

export interface Validator {
  lastModified: string
  hash: string
  fieldsCount: number
}

export interface Validators {
  /** Of the list of all objects; null when it has to be read unconditionally. */
  global: string | null
  /** The last pull that read everything unconditionally was too long ago, or never happened. */
  due: boolean
  objects: Map<string, Validator>
  automations: Map<string, Validator>
}

export const noValidators = (): Validators => ({
  global: null,
  due: true,
  objects: new Map(),
  automations: new Map(),
})

/** Identifies the view that validators belong to. */
export const viewOf = (of: {
  connectionId: string
  generation: number
  sfdcOrgId: string
  sfdcUserId: string
  /** Fingerprint of the user's rights: a describe shows what its reader may see. */
  rights: string
  apiVersion: string
  language: string | null
}): string =>
  [
    of.connectionId,
    of.generation,
    of.sfdcOrgId,
    of.sfdcUserId,
    of.rights,
    of.apiVersion,
    of.language,
  ].join('|')

/** The validators of the client's last pull, and the view that they are valid for. */
export const loadValidators = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
): Promise<{ view: string | null; validators: Validators }> => {
  const rows = await reader
    .selectFrom('topology_validators')
    .select(['kind', 'name', 'scope', 'last_modified', 'hash', 'fields_count'])
    .select(sql<boolean>`read_at < now() - make_interval(days => ${TRUST_DAYS})`.as('is_old'))
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .execute()
  const validators = noValidators()
  const global = rows.find(({ kind }) => kind === 'global')
  // Without the list's own row everything is read unconditionally.
  if (global === undefined) return { view: null, validators }
  validators.due = global.is_old
  validators.global = global.last_modified === '' ? null : global.last_modified
  for (const { kind, name, scope, last_modified: lastModified, hash, fields_count } of rows) {
    if (kind === 'global' || scope !== global.scope) continue
    if (hash === null || lastModified === '') continue
    const known = kind === 'object' ? validators.objects : validators.automations
    known.set(name, { lastModified, hash: hashText(hash), fieldsCount: fields_count })
  }
  return { view: global.scope, validators }
}

export interface Renewal {
  view: string
  snapshotId: string
  /** Null: the pull did not read the list of all objects, or may not keep its date. */
  global: { lastModified: string | null; unconditional: boolean } | null
  /** Names that no longer exist lose their validators; null keeps all. */
  objects: readonly string[] | null
  automations: readonly string[] | null
}

/**
 * Takes over what this pull's journal has read, in the transaction that completes it. Validators of any
 * other view are deleted: their contents are not those of the new snapshot.
 */
export const renewValidators = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
  { view, snapshotId, global, objects, automations }: Renewal,
): Promise<void> => {
  const mine = () =>
    tx
      .deleteFrom('topology_validators')
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
  await mine().where('scope', '<>', view).execute()
  for (const [kind, names] of [
    ['object', objects],
    ['automation', automations],
  ] as const) {
    if (names === null) continue
    await mine()
      .where('kind', '=', kind)
      .where(sql<boolean>`name <> all(${names}::text[])`)
      .execute()
  }
  // Read again, but without a date that can be trusted: next time it is read unconditionally.
  await mine()
    .where(
      sql<boolean>`(kind, name) in (select i.kind, i.name from topology_pull_items i
        where i.org_id = ${tenant.orgId} and i.snapshot_id = ${snapshotId}
          and i.last_modified is null and i.kind <> 'global')`,
    )
    .execute()
  await sql`
    insert into topology_validators
           (org_id, client_id, kind, name, scope, last_modified, hash, fields_count, read_at)
    select i.org_id, i.client_id, i.kind, i.name, ${view}, i.last_modified, i.hash, i.fields_count, now()
      from topology_pull_items i
     where i.org_id = ${tenant.orgId} and i.snapshot_id = ${snapshotId} and i.kind <> 'global'
       and i.hash is not null and i.last_modified is not null and not i.not_modified
    on conflict (client_id, kind, name) do update
       set scope = excluded.scope, last_modified = excluded.last_modified, hash = excluded.hash,
           fields_count = excluded.fields_count, read_at = excluded.read_at`.execute(tx)
  if (global === null) return
  await tx
    .insertInto('topology_validators')
    .values({
      org_id: tenant.orgId,
      client_id: clientId,
      kind: 'global',
      name: '',
      scope: view,
      last_modified: global.lastModified ?? '',
    })
    .onConflict((conflict) =>
      conflict.columns(['client_id', 'kind', 'name']).doUpdateSet({
        scope: view,
        last_modified: global.lastModified ?? '',
        // The time of the last unconditional pull, so a conditional one does not change it.
        ...(global.unconditional ? { read_at: sql<Date>`now()` } : {}),
      }),
    )
    .execute()
}

/**
 * Makes the next pull read these objects whatever Salesforce's dates say, because we have just changed
 * them. Call it in the transaction that records the change.
 */
export const forgetValidators = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
  objects: readonly string[] | 'all',
): Promise<void> => {
  const known = tx
    .deleteFrom('topology_validators')
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .where('kind', '=', 'object')
  const names = objects === 'all' ? [] : objects.map((name) => name.toLowerCase())
  await (
    objects === 'all' ? known : known.where(sql<boolean>`lower(name) = any(${names}::text[])`)
  ).execute()
  await tx
    .updateTable('topology_validators')
    .set({ last_modified: '' })
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .where('kind', '=', 'global')
    .execute()
}
