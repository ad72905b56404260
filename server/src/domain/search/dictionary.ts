// What describes and automations consist of, by their contents: whoever has one that any client of the org had
// before is indexed without reading it. An entry is only a shortcut: what is missing here is read and parsed.

import { sql } from 'kysely'
import { type Tx } from '../../db/database.ts'
import { NAME_BYTES, packNames, shortHash, unpackNames } from './facts.ts'
import { namesAsRows } from './sets.ts'

/** Entries a statement. */
const BATCH = 1_000

/** Facts are named with their object, so a content under a different name has different facts. */
export const contentKey = (name: string, hash: string): string => shortHash(`${name} ${hash}`)

const bytesOf = (key: string): Buffer => Buffer.from(key, 'latin1')

/** The facts of those of these contents that the org knows, by their keys. */
export const knownContents = async (
  tx: Tx,
  orgId: string,
  keys: readonly string[],
): Promise<Map<string, string[]>> => {
  const found = new Map<string, string[]>()
  for (let from = 0; from < keys.length; from += BATCH) {
    const some = keys.slice(from, from + BATCH).map(bytesOf)
    const rows = await tx
      .selectFrom('search_contents')
      .select(['key', 'facts'])
      .where('org_id', '=', orgId)
      .where('key', '=', sql<Buffer>`any(${some}::bytea[])`)
      .execute()
    for (const { key, facts } of rows) found.set(key.toString('latin1'), unpackNames(facts))
  }
  return found
}

export const keepContents = async (
  tx: Tx,
  orgId: string,
  contents: ReadonlyMap<string, readonly string[]>,
): Promise<void> => {
  if (contents.size === 0) return
  await sql`
    insert into search_contents (org_id, key, facts)
    select ${orgId}, c.key, c.facts
      from unnest(${[...contents.keys()].map(bytesOf)}::bytea[],
                  ${[...contents.values()].map(packNames)}::bytea[]) as c(key, facts)
    on conflict (org_id, key) do update set facts = excluded.facts`.execute(tx)
}

/** Of these contents, those that have a fact that no client has any more; null: of all. */
export const forgetContents = async (
  tx: Tx,
  orgId: string,
  contents: ReadonlyMap<string, readonly string[]> | null,
  dropped: readonly string[],
): Promise<void> => {
  if (dropped.length === 0) return
  if (contents === null) return forgetAnyContents(tx, orgId, dropped)
  const gone = new Set(dropped)
  const keys = [...contents].flatMap(([key, facts]) =>
    facts.some((name) => gone.has(name)) ? [bytesOf(key)] : [],
  )
  if (keys.length === 0) return
  await tx
    .deleteFrom('search_contents')
    .where('org_id', '=', orgId)
    .where('key', '=', sql<Buffer>`any(${keys}::bytea[])`)
    .execute()
}

const forgetAnyContents = async (
  tx: Tx,
  orgId: string,
  dropped: readonly string[],
): Promise<void> => {
  await sql`
    delete from search_contents c
     where c.org_id = ${orgId} and c.key in (
       select k.key from search_contents k
        cross join lateral generate_series(1, octet_length(k.facts), ${sql.lit(NAME_BYTES)}) at
        where k.org_id = ${orgId} and substring(k.facts from at for ${sql.lit(NAME_BYTES)}) in (
          select name from ${namesAsRows(packNames(dropped))} gone))`.execute(tx)
}
