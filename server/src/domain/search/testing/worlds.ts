// Snapshots for the tests of this folder, written straight into the store, as a pull completes them.

import { type Database, type Tenant } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { canonicalJson } from '../../canonical.ts'
import { gistOf, hashBytes, hashOf } from '../../topology/content-hash.ts'
import { contentsOf } from '../../topology/contents.ts'
import { emptyManifest, encodeManifest, fieldsCountOf } from '../../topology/manifest.ts'
import { insertFrame, pack } from '../../topology/store.ts'

export interface World {
  /** Describes by API name. */
  objects: Record<string, JsonObject>
  automations: JsonObject[]
}

const contentOf = (value: unknown) => {
  const text = canonicalJson(value)
  return { text, hash: hashOf(text) }
}

/** The next complete snapshot of the client; returns its id. */
export const storeSnapshot = async (
  db: Database,
  tenant: Tenant,
  clientId: string,
  world: World,
): Promise<string> => {
  const manifest = emptyManifest()
  const contents = []
  for (const [name, describe] of Object.entries(world.objects)) {
    const content = contentOf(describe)
    contents.push({ ...content, gist: gistOf(content.text) })
    const fields = Array.isArray(describe.fields) ? describe.fields.length : 0
    manifest.objects.set(name, { hash: content.hash, fieldsCount: fields })
  }
  for (const automation of world.automations) {
    const content = contentOf(automation)
    contents.push(content)
    manifest.automations.set(
      `${String(automation.type)}/${String(automation.api_name)}`,
      content.hash,
    )
  }
  const { root, pages } = encodeManifest(manifest)
  const all = [...contents, root, ...pages]
  const stored = await contentsOf(db, tenant, clientId).stored(all.map(({ hash }) => hash))
  const frame = await pack(all.filter(({ hash }) => !stored.has(hash)))
  const id = newId()
  await db.as(tenant).tx(async (tx) => {
    await insertFrame(tx, tenant, clientId, frame)
    const newest = await tx
      .selectFrom('crm_topology_snapshots')
      .select(({ fn }) => fn.max('version').as('version'))
      .where('client_id', '=', clientId)
      .executeTakeFirst()
    await tx
      .insertInto('crm_topology_snapshots')
      .values({
        id,
        org_id: tenant.orgId,
        client_id: clientId,
        status: 'complete',
        version: (newest?.version ?? 0) + 1,
        api_version: 'v66.0',
        sfdc_org_id: '00D000000000001AAA',
        sfdc_user_id: '005000000000001AAA',
        manifest_hash: hashBytes(root.hash),
        content_hash: hashBytes(root.hash).toString('hex'),
        objects_count: manifest.objects.size,
        fields_count: fieldsCountOf(manifest),
        automations_count: manifest.automations.size,
        completed_at: new Date(),
      })
      .execute()
  })
  return id
}
