// Organizations: the tenants. Only the super-admin creates and manages them.

import { sql } from 'kysely'
import { type Database, wholeOrg } from '../db/database.ts'
import { isUniqueViolation } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { EngineError, notFound } from '../errors.ts'
import { audit, type Actor } from './audit.ts'
import { type IdempotencyClaim } from './caller.ts'
import { bindSuperAdminIdempotency } from './idempotency.ts'
import { beforeOf, cutPage, type Page, type PageRequest } from './page.ts'

export interface Organization {
  id: string
  name: string
  slug: string
  is_active: boolean
  created_at: string
  updated_at: string
}

interface Row {
  id: string
  name: string
  slug: string
  is_active: boolean
  created_at: Date
  updated_at: Date
}

const toOrganization = (row: Row): Organization => ({
  id: row.id,
  name: row.name,
  slug: row.slug,
  is_active: row.is_active,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

/** The bootstrap caller: no user, no row, only the secret. */
export interface SuperAdminCaller {
  requestId: string
  idempotency: IdempotencyClaim | null
}

export const superAdminActor = (orgId: string, caller: SuperAdminCaller): Actor => ({
  orgId,
  userId: null,
  credentialType: 'super_admin',
  credentialId: null,
  requestId: caller.requestId,
})

export const createOrganizations = (db: Database) => ({
  /** Creates an org. Without a slug, one is derived from the name. Throws `already_exists`. */
  create: async (
    caller: SuperAdminCaller,
    input: { name: string; slug?: string | undefined },
  ): Promise<Organization> => {
    const id = newId()
    const slug = input.slug ?? `${slugOf(input.name)}${id.slice(-6)}`
    try {
      return await db.as(wholeOrg(id)).tx(async (tx) => {
        const row = await tx
          .insertInto('organizations')
          .values({ id, name: input.name, slug })
          .returningAll()
          .executeTakeFirstOrThrow()
        await bindSuperAdminIdempotency(tx, caller.idempotency, id)
        await audit(tx, superAdminActor(id, caller), {
          action: 'org.create',
          targetType: 'organization',
          targetId: id,
        })
        return toOrganization(row)
      })
    } catch (error) {
      if (isUniqueViolation(error, 'organizations_slug_key')) {
        throw new EngineError('already_exists', `The slug "${slug}" is taken.`)
      }
      throw error
    }
  },

  get: async (orgId: string): Promise<Organization> => {
    const row = await db
      .as(wholeOrg(orgId))
      .read.selectFrom('organizations')
      .selectAll()
      .where('id', '=', orgId)
      .executeTakeFirst()
    if (row === undefined) throw notFound('organization')
    return toOrganization(row)
  },

  list: async (page: PageRequest): Promise<Page<Organization>> => {
    const rows = await db.lookup<Row>('organizations', beforeOf(page), page.limit + 1)
    return cutPage(rows, page, toOrganization)
  },

  /** An inactive org's credentials are refused from the next request on. */
  update: (
    caller: SuperAdminCaller,
    input: { org_id: string; name?: string | undefined; is_active?: boolean | undefined },
  ): Promise<Organization> =>
    db.as(wholeOrg(input.org_id)).tx(async (tx) => {
      const row = await tx
        .updateTable('organizations')
        .set({
          ...(input.name === undefined ? {} : { name: input.name }),
          ...(input.is_active === undefined ? {} : { is_active: input.is_active }),
          updated_at: sql<Date>`now()`,
        })
        .where('id', '=', input.org_id)
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) throw notFound('organization')
      await audit(tx, superAdminActor(row.id, caller), {
        action: 'org.update',
        targetType: 'organization',
        targetId: row.id,
      })
      return toOrganization(row)
    }),
})

export type Organizations = ReturnType<typeof createOrganizations>

/** Beginning of a slug, with a hyphen at its end: `revenue-activation-`. */
export const slugOf = (name: string): string => {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 48)
  return words === '' ? '' : `${words}-`
}
