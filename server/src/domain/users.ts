// Users of an org. company_* users belong to one client and see nothing else.

import { sql } from 'kysely'
import { type Database, isUniqueViolation, type Tenant, type Tx, wholeOrg } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { type Role } from '../db/tables/tenancy.ts'
import { EngineError, notFound } from '../errors.ts'
import { actorOf, audit, type Actor } from './audit.ts'
import { type Passwords } from './auth/passwords.ts'
import { ROLE_PERMISSIONS } from './auth/permissions.ts'
import { type Caller, requirePower } from './caller.ts'
import { bindIdempotency, bindSuperAdminIdempotency } from './idempotency.ts'
import { superAdminActor, type SuperAdminCaller } from './organizations.ts'
import { pageOf, type Page, type PageRequest } from './page.ts'

export interface User {
  id: string
  org_id: string
  email: string
  full_name: string | null
  role: Role
  client_id: string | null
  is_active: boolean
  created_at: string
}

interface Row {
  id: string
  org_id: string
  email: string
  full_name: string | null
  role: Role
  client_id: string | null
  is_active: boolean
  created_at: Date
}

const COLUMNS = [
  'id',
  'org_id',
  'email',
  'full_name',
  'role',
  'client_id',
  'is_active',
  'created_at',
] as const

const toUser = (row: Row): User => ({ ...row, created_at: row.created_at.toISOString() })

interface NewUser {
  email: string
  password: string
  role: Role
  full_name?: string | null | undefined
  client_id?: string | null | undefined
}

interface UserChange {
  user_id: string
  is_active?: boolean | undefined
  role?: Role | undefined
  full_name?: string | null | undefined
  client_id?: string | null | undefined
  password?: string | undefined
}

export const createUsers = (db: Database, passwords: Passwords) => {
  const insert = async (
    tenant: Tenant,
    input: NewUser,
    actor: Actor,
    bind: (tx: Tx, userId: string) => Promise<void>,
  ): Promise<User> => {
    const client_id = input.client_id ?? null
    requireFit(input.role, client_id)
    // Hashing takes a quarter of a second: never inside a transaction.
    const password_hash = await passwords.hash(input.password)
    try {
      return await db.as(tenant).tx(async (tx) => {
        await requireOrg(tx, tenant.orgId)
        if (client_id !== null) await requireOwnClient(tx, tenant, client_id)
        const row = await tx
          .insertInto('users')
          .values({
            id: newId(),
            org_id: tenant.orgId,
            email: input.email,
            password_hash,
            full_name: input.full_name ?? null,
            role: input.role,
            client_id,
          })
          .returning(COLUMNS)
          .executeTakeFirstOrThrow()
        await bind(tx, row.id)
        await audit(tx, actor, {
          action: 'user.create',
          clientId: client_id,
          targetType: 'user',
          targetId: row.id,
        })
        return toUser(row)
      })
    } catch (error) {
      if (isUniqueViolation(error, 'users_email_once')) {
        throw new EngineError('already_exists', 'A user with this e-mail already exists.')
      }
      throw error
    }
  }

  return {
    get: async (tenant: Tenant, userId: string): Promise<User> => {
      const row = await db
        .as(tenant)
        .read.selectFrom('users')
        .select(COLUMNS)
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', userId)
        .executeTakeFirst()
      if (row === undefined) throw notFound('user')
      return toUser(row)
    },

    /** Throws `forbidden` for a role with more power than the caller's credential. */
    create: async (caller: Caller, input: NewUser): Promise<User> => {
      requirePower(caller, ROLE_PERMISSIONS[input.role])
      return insert(caller.tenant, input, actorOf(caller), (tx, id) =>
        bindIdempotency(tx, caller, id),
      )
    },

    /**
     * For the bootstrap: creates a user of any org. Throws `not_found` for an org that does not exist.
     */
    createAsSuperAdmin: (
      caller: SuperAdminCaller,
      input: NewUser & { org_id: string },
    ): Promise<User> =>
      insert(wholeOrg(input.org_id), input, superAdminActor(input.org_id, caller), (tx, id) =>
        bindSuperAdminIdempotency(tx, caller.idempotency, id),
      ),

    list: (tenant: Tenant, page: PageRequest): Promise<Page<User>> =>
      pageOf(
        db.as(tenant).read.selectFrom('users').select(COLUMNS).where('org_id', '=', tenant.orgId),
        'id',
        page,
        toUser,
      ),

    /**
     * A new password, role, client or a deactivation ends the user's sessions at once.
     * Throws `forbidden` for a user, or a role, with more power than the caller's credential, and
     * `last_admin` rather than leave an org without an active org_admin.
     */
    update: async (caller: Caller, input: UserChange): Promise<User> => {
      const password_hash =
        input.password === undefined ? undefined : await passwords.hash(input.password)
      return db.as(caller.tenant).tx(async (tx) => {
        const { orgId } = caller.tenant
        // All admins are locked in the same order: two simultaneous demotions cannot leave none.
        const admins = await tx
          .selectFrom('users')
          .select('id')
          .where('org_id', '=', orgId)
          .where('role', '=', 'org_admin')
          .where('is_active', '=', true)
          .orderBy('id')
          .forUpdate()
          .execute()
        const before = await tx
          .selectFrom('users')
          .select(COLUMNS)
          .where('org_id', '=', orgId)
          .where('id', '=', input.user_id)
          .forUpdate()
          .executeTakeFirst()
        if (before === undefined) throw notFound('user')

        const role = input.role ?? before.role
        // Whoever sets somebody's password can act as them.
        requirePower(caller, ROLE_PERMISSIONS[before.role])
        requirePower(caller, ROLE_PERMISSIONS[role])
        // Becoming org_admin also removes the client: nothing else can be meant.
        const kept = input.client_id === undefined ? before.client_id : input.client_id
        const client_id = input.client_id === undefined && role === 'org_admin' ? null : kept
        requireFit(role, client_id)
        if (client_id !== null && client_id !== before.client_id) {
          await requireOwnClient(tx, caller.tenant, client_id)
        }
        const is_active = input.is_active ?? before.is_active
        const remains = role === 'org_admin' && is_active
        if (!remains && admins.length === 1 && admins[0]?.id === before.id) {
          throw new EngineError(
            'last_admin',
            'This is the last active org_admin of the organization.',
          )
        }

        const row = await tx
          .updateTable('users')
          .set({
            role,
            client_id,
            is_active,
            ...(input.full_name === undefined ? {} : { full_name: input.full_name }),
            ...(password_hash === undefined ? {} : { password_hash }),
            updated_at: sql<Date>`now()`,
          })
          .where('org_id', '=', orgId)
          .where('id', '=', before.id)
          .returning(COLUMNS)
          .executeTakeFirstOrThrow()
        if (
          password_hash !== undefined ||
          !is_active ||
          role !== before.role ||
          client_id !== before.client_id
        ) {
          await tx
            .updateTable('login_sessions')
            .set({ ended_at: sql<Date>`now()` })
            .where('org_id', '=', orgId)
            .where('user_id', '=', before.id)
            .where('ended_at', 'is', null)
            .execute()
        }
        await audit(tx, actorOf(caller), {
          action: 'user.update',
          clientId: client_id,
          targetType: 'user',
          targetId: before.id,
        })
        return toUser(row)
      })
    },
  }
}

export type Users = ReturnType<typeof createUsers>

const requireFit = (role: Role, clientId: string | null): void => {
  if ((role === 'org_admin') !== (clientId === null)) {
    const message =
      role === 'org_admin' ? 'org_admin takes no client_id.' : `${role} needs a client_id.`
    throw new EngineError('invalid_role', message, {
      errors: [{ path: 'client_id', code: 'invalid_role', message }],
    })
  }
}

const requireOrg = async (tx: Tx, orgId: string): Promise<void> => {
  const row = await tx
    .selectFrom('organizations')
    .select('id')
    .where('id', '=', orgId)
    .executeTakeFirst()
  if (row === undefined) throw notFound('organization')
}

const requireOwnClient = async (tx: Tx, tenant: Tenant, clientId: string): Promise<void> => {
  const row = await tx
    .selectFrom('clients')
    .select('id')
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', clientId)
    .executeTakeFirst()
  if (row === undefined) throw notFound('client')
}
