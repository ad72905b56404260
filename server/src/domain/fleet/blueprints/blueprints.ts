// Blueprints: what an org wants in the Salesforce orgs of its clients, under a name and in versions that
// never change.

import { hash } from 'node:crypto'
import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { json } from '../../../db/json.ts'
import { EngineError, notFound } from '../../../errors.ts'
import { actorOf, audit, type AuditAction } from '../../audit.ts'
import { canonicalJson } from '../../canonical.ts'
import { type Caller } from '../../caller.ts'
import { bindIdempotency } from '../../idempotency.ts'
import { slugOf } from '../../organizations.ts'
import { pageOf, type Page, type PageRequest } from '../../page.ts'
import { versionFaults } from './content.ts'
import { differencesOf, type VersionDifference } from './diff.ts'
import { type Declaration } from './parameters.ts'
import { type BlueprintContent } from './places.ts'
import {
  type Blueprint,
  type BlueprintVersion,
  requireBlueprint,
  requireLive,
  toBlueprint,
  toVersion,
  toVersionSummary,
  versionOf,
  type VersionSummary,
} from './rows.ts'

export interface NewVersion extends BlueprintContent {
  blueprint_id: string
  parameters?: readonly Declaration[] | undefined
  notes?: string | undefined
  /** The number of the newest version that the caller has seen. */
  expected_latest?: number | undefined
}

export interface PublishedVersion {
  /** False: it was there already. */
  isNew: boolean
  version: BlueprintVersion
}

export interface VersionDiff {
  blueprint_id: string
  from_version: number
  to_version: number
  /** Whether both hold and declare the same. */
  equal: boolean
  differences: VersionDifference[]
}

/** From the name; with something of the id only where another blueprint has that slug, or no letter can be in one. */
const freeSlug = async (tx: Tx, { orgId }: Tenant, name: string, id: string): Promise<string> => {
  const words = slugOf(name)
  const plain = words === '' ? 'blueprint' : words.slice(0, -1)
  const other = await tx
    .selectFrom('blueprints')
    .select('id')
    .where('org_id', '=', orgId)
    .where('slug', '=', plain)
    .executeTakeFirst()
  return other === undefined ? plain : `${plain}-${id.slice(-6)}`
}

const taken = (slug: string): EngineError =>
  new EngineError('already_exists', `There is already a blueprint with the slug ${slug}.`, {
    errors: [{ path: 'slug', code: 'already_exists', message: `The slug ${slug} is taken.` }],
  })

export const createBlueprints = (db: Database) => {
  const get = async (tenant: Tenant, blueprintId: string): Promise<Blueprint> =>
    toBlueprint(await requireBlueprint(db.as(tenant).read, tenant, blueprintId))

  const getVersion = async (
    tenant: Tenant,
    blueprintId: string,
    version?: number,
  ): Promise<BlueprintVersion> => {
    const reader = db.as(tenant).read
    const { latest_version } = await requireBlueprint(reader, tenant, blueprintId)
    const found = await versionOf(reader, tenant, blueprintId, version ?? latest_version)
    if (found === null) throw notFound('version of the blueprint')
    return found
  }

  return {
    get,
    getVersion,

    /** Without a slug, one is derived from the name. Throws `already_exists` for a slug that is taken. */
    create: async (
      caller: Caller,
      input: { slug?: string | undefined; name: string; description?: string | undefined },
    ): Promise<Blueprint> => {
      const id = newId()
      return db.as(caller.tenant).tx(async (tx) => {
        const slug = input.slug ?? (await freeSlug(tx, caller.tenant, input.name, id))
        const row = await tx
          .insertInto('blueprints')
          .values({
            id,
            org_id: caller.tenant.orgId,
            slug,
            name: input.name,
            description: input.description ?? null,
            created_by: caller.userId,
          })
          .onConflict((conflict) => conflict.columns(['org_id', 'slug']).doNothing())
          .returningAll()
          .executeTakeFirst()
        if (row === undefined) throw taken(slug)
        await bindIdempotency(tx, caller, id)
        await auditOf(tx, caller, 'blueprint.create', id)
        return toBlueprint(row)
      })
    },

    /** Its slug stays: programs know it by that. */
    update: (
      caller: Caller,
      input: {
        blueprint_id: string
        name?: string | undefined
        description?: string | null | undefined
      },
    ): Promise<Blueprint> =>
      change(db, caller, 'blueprint.update', input.blueprint_id, {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(input.description === undefined ? {} : { description: input.description }),
      }),

    /** Nothing new begins with an archived one; what is bound to it stays bound. */
    archive: (caller: Caller, blueprintId: string, isArchived: boolean): Promise<Blueprint> =>
      change(db, caller, isArchived ? 'blueprint.archive' : 'blueprint.restore', blueprintId, {
        is_archived: isArchived,
      }),

    /** Archived ones only where they are asked for. */
    list: (
      tenant: Tenant,
      input: PageRequest & { slug?: string | undefined; include_archived?: boolean | undefined },
    ): Promise<Page<Blueprint>> => {
      let query = db
        .as(tenant)
        .read.selectFrom('blueprints')
        .selectAll()
        .where('org_id', '=', tenant.orgId)
      if (input.slug !== undefined) query = query.where('slug', '=', input.slug)
      if (input.include_archived !== true) query = query.where('is_archived', '=', false)
      return pageOf(query, 'id', input, toBlueprint)
    },

    /**
     * Throws `invalid_blueprint` with every fault in its path, `blueprint_changed` if there is a newer
     * version than the caller expects, `blueprint_archived` and `not_found`. What the newest version holds already
     * is no new one: that one is returned.
     */
    createVersion: async (caller: Caller, input: NewVersion): Promise<PublishedVersion> => {
      const content: BlueprintContent = {
        ...(input.plan === undefined ? {} : { plan: input.plan }),
        ...(input.workflows === undefined ? {} : { workflows: input.workflows }),
        ...(input.mappings === undefined ? {} : { mappings: input.mappings }),
      }
      const parameters = input.parameters ?? []
      const faults = versionFaults(content, parameters)
      const [first] = faults
      if (first !== undefined) {
        throw new EngineError('invalid_blueprint', first.message, { errors: faults })
      }
      return db.as(caller.tenant).tx(async (tx) => {
        const blueprint = await requireBlueprint(tx, caller.tenant, input.blueprint_id, {
          lock: true,
        })
        requireLive(blueprint)
        requireLatest(blueprint, input.expected_latest)
        const contentHash = hash('sha256', canonicalJson({ ...content, parameters }), 'hex')
        const latest = await versionOf(tx, caller.tenant, blueprint.id, blueprint.latest_version)
        if (latest?.content_hash === contentHash) {
          await bindIdempotency(tx, caller, latest.id)
          return { isNew: false, version: latest }
        }
        const version = blueprint.latest_version + 1
        const row = await tx
          .insertInto('blueprint_versions')
          .values({
            id: newId(),
            org_id: caller.tenant.orgId,
            blueprint_id: blueprint.id,
            version,
            content_hash: contentHash,
            content: json(content),
            parameters: json(parameters),
            notes: input.notes ?? null,
            created_by: caller.userId,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await tx
          .updateTable('blueprints')
          .set({ latest_version: version, updated_at: sql<Date>`now()` })
          .where('org_id', '=', caller.tenant.orgId)
          .where('id', '=', blueprint.id)
          .execute()
        await bindIdempotency(tx, caller, row.id)
        await auditOf(tx, caller, 'blueprint.version', blueprint.id)
        return { isNew: true, version: toVersion(row) }
      })
    },

    /** The version that a call created. */
    versionById: async (tenant: Tenant, id: string): Promise<BlueprintVersion> => {
      const row = await db
        .as(tenant)
        .read.selectFrom('blueprint_versions')
        .selectAll()
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined) throw notFound('version of the blueprint')
      return toVersion(row)
    },

    /** Newest first, without what they hold. */
    listVersions: async (
      tenant: Tenant,
      input: PageRequest & { blueprint_id: string },
    ): Promise<Page<VersionSummary>> => {
      const reader = db.as(tenant).read
      await requireBlueprint(reader, tenant, input.blueprint_id)
      const query = reader
        .selectFrom('blueprint_versions')
        .select([
          ...(['id', 'org_id', 'blueprint_id', 'version', 'content_hash'] as const),
          ...(['notes', 'created_by', 'created_at'] as const),
        ])
        .where('org_id', '=', tenant.orgId)
        .where('blueprint_id', '=', input.blueprint_id)
      return pageOf(query, 'id', input, toVersionSummary)
    },

    /** Without `to_version` against the newest. */
    diff: async (
      tenant: Tenant,
      input: { blueprint_id: string; from_version: number; to_version?: number | undefined },
    ): Promise<VersionDiff> => {
      const from = await getVersion(tenant, input.blueprint_id, input.from_version)
      const to = await getVersion(tenant, input.blueprint_id, input.to_version)
      const differences = differencesOf(comparable(from), comparable(to))
      return {
        blueprint_id: input.blueprint_id,
        from_version: from.version,
        to_version: to.version,
        equal: differences.length === 0,
        differences,
      }
    },
  }
}

export type Blueprints = ReturnType<typeof createBlueprints>

const comparable = ({ plan, workflows, mappings, parameters }: BlueprintVersion) => ({
  plan,
  workflows,
  mappings,
  parameters,
})

const requireLatest = (
  { name, latest_version: latest }: { name: string; latest_version: number },
  expected: number | undefined,
): void => {
  if (expected === undefined || expected === latest) return
  const message = `The newest version of ${name} is ${latest}, not ${expected}.`
  throw new EngineError('blueprint_changed', message, {
    errors: [{ path: 'expected_latest', code: 'blueprint_changed', message }],
  })
}

const change = (
  db: Database,
  caller: Caller,
  action: AuditAction,
  blueprintId: string,
  members: { name?: string; description?: string | null; is_archived?: boolean },
): Promise<Blueprint> =>
  db.as(caller.tenant).tx(async (tx) => {
    const row = await tx
      .updateTable('blueprints')
      .set({ ...members, updated_at: sql<Date>`now()` })
      .where('org_id', '=', caller.tenant.orgId)
      .where('id', '=', blueprintId)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) throw notFound('blueprint')
    await auditOf(tx, caller, action, row.id)
    return toBlueprint(row)
  })

const auditOf = (tx: Tx, caller: Caller, action: AuditAction, id: string): Promise<void> =>
  audit(tx, actorOf(caller), { action, targetType: 'blueprint', targetId: id })
