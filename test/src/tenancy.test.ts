// Two walls between tenants, each sufficient alone: what the API answers, and what PostgreSQL returns.

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DatabaseOwner } from './database.ts'
import { startRig, type Rig, type TestOrg } from './rig.ts'

/** Row-level security treats a superuser differently, and the embedded server's owner is one. */
const OWNERS: DatabaseOwner[] = ['plain login', 'superuser']

describe.each(OWNERS)('in a database of a %s,', (owner) => {
  let rig: Rig
  let mine: TestOrg
  let theirs: TestOrg

  beforeAll(async () => {
    rig = await startRig({ owner })
    mine = await rig.org()
    theirs = await rig.org()
  })
  afterAll(() => rig[Symbol.asyncDispose]())

  /** Runs statements as the runtime role in a tenant's scope, the way the server does. */
  const inScope = async <T>(
    orgId: string,
    clientId: string | null,
    work: (client: pg.Client) => Promise<T>,
  ): Promise<T> => {
    const client = new pg.Client({ connectionString: rig.database.url })
    await client.connect()
    try {
      await client.query('begin')
      await client.query(
        `select set_config('app.org_id', $1, true), set_config('app.client_id', $2, true),
              set_config('role', 'sfdc_engine_runtime', true)`,
        [orgId, clientId ?? ''],
      )
      return await work(client)
    } finally {
      await client.end()
    }
  }

  const tenantTables = () =>
    rig.database.query<{ name: string; forced: boolean; enabled: boolean }>(
      `select format('%I.%I', n.nspname, c.relname) as name, c.relforcerowsecurity as forced, c.relrowsecurity as enabled
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pgboss')
        and (n.nspname <> 'engine' or c.relname not like 'kysely_%')`,
    )

  describe('the catalog', () => {
    it('has row-level security enabled and forced on every table, with a policy for the runtime role', async () => {
      const tables = await tenantTables()
      expect(tables.length).toBeGreaterThan(15)
      for (const table of tables) {
        expect(table, `${table.name} must be protected (call engine.protect)`).toMatchObject({
          enabled: true,
          forced: true,
        })
        const policies = await rig.database.query<{ roles: string[] }>(
          `select array(select rolname::text from pg_roles where oid = any(polroles)) as roles
           from pg_policy where polrelid = $1::regclass`,
          [table.name],
        )
        expect(policies.flatMap((policy) => policy.roles)).toContain('sfdc_engine_runtime')
      }
    })

    it('has org_id NOT NULL with a foreign key, an index that starts with it or with the client, and the integrity triggers', async () => {
      const tables = await rig.database.query<{
        table: string
        nullable: boolean
        has_client: boolean
      }>(
        `select a.attrelid::regclass::text as table, not a.attnotnull as nullable,
              exists (select from pg_attribute c where c.attrelid = a.attrelid and c.attname = 'client_id') as has_client
         from pg_attribute a join pg_class k on k.oid = a.attrelid
        where a.attname = 'org_id' and k.relkind = 'r' and k.relnamespace = 'public'::regnamespace`,
      )
      expect(tables.length).toBeGreaterThan(12)
      for (const { table, nullable, has_client } of tables) {
        expect(nullable, table).toBe(false)
        const [{ fks, indexed, triggers } = { fks: 0, indexed: 0, triggers: [] }] =
          await rig.database.query<{
            fks: number
            indexed: number
            triggers: string[]
          }>(
            `select (select count(*)::int from pg_constraint where conrelid = $1::regclass and contype = 'f'
                   and confrelid = 'public.organizations'::regclass) as fks,
                (select count(*)::int from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
                  where i.indrelid = $1::regclass and a.attname = 'org_id') as indexed,
                array(select tgname::text from pg_trigger where tgrelid = $1::regclass and not tgisinternal) as triggers`,
            [table],
          )
        // The audit log outlives the org that it is about.
        if (table !== 'audit_log') {
          expect(fks, `${table} references organizations`).toBeGreaterThan(0)
        }
        expect(indexed, `${table} has an index on org_id`).toBeGreaterThan(0)
        expect(triggers, table).toContain('org_is_final')
        if (has_client) expect(triggers, table).toContain('client_belongs_to_org')
      }
    })

    it('gives the runtime role no ownership, no bypass, and only inserts and reads on the audit log', async () => {
      const [role] = await rig.database.query(
        `select rolsuper, rolbypassrls, rolcreaterole, rolcanlogin,
              (select count(*)::int from pg_class where relowner = r.oid) as owned
         from pg_roles r where rolname = 'sfdc_engine_runtime'`,
      )
      expect(role).toEqual({
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcanlogin: false,
        owned: 0,
      })
      const rights = await rig.database.query<{ privilege_type: string }>(
        `select privilege_type from information_schema.role_table_grants
        where table_name = 'audit_log' and grantee = 'sfdc_engine_runtime' order by 1`,
      )
      expect(rights.map((right) => right.privilege_type)).toEqual(['INSERT', 'SELECT'])
    })

    it('lets only the login run the lookups that see every tenant', async () => {
      const open = await rig.database.query(
        `select p.oid::regprocedure::text as name from pg_proc p
        where p.pronamespace in ('engine_lookup'::regnamespace) and (
          has_function_privilege('public', p.oid, 'execute')
          or has_function_privilege('sfdc_engine_runtime', p.oid, 'execute')
          or not p.prosecdef or not (p.proconfig @> array['search_path=""']))`,
      )
      expect(open).toEqual([])
    })

    it('binds every reference from one tenant’s table to another’s by org_id too', async () => {
      const loose = await rig.database.query(
        `select c.conrelid::regclass || '.' || c.conname as name from pg_constraint c
        where c.contype = 'f' and c.connamespace = 'public'::regnamespace
          and c.confrelid <> 'public.organizations'::regclass
          and not exists (select from pg_attribute a where a.attrelid = c.conrelid
                           and a.attname = 'org_id' and a.attnum = any(c.conkey))`,
      )
      expect(loose).toEqual([])
    })
  })

  describe('the runtime role in a tenant’s scope', () => {
    it('runs no look-up, and reads and writes no table that belongs to no tenant', async () => {
      const functions = await rig.database.query<{ call: string }>(
        `select format('select * from engine_lookup.%I(%s)', p.proname,
                     (select string_agg(format('null::%s', format_type(t, null)), ', ')
                        from unnest(p.proargtypes) as t)) as call
         from pg_proc p where p.pronamespace = 'engine_lookup'::regnamespace`,
      )
      const tables = await rig.database.query<{ name: string }>(
        `select 'engine.' || relname as name from pg_class
        where relnamespace = 'engine'::regnamespace and relkind = 'r'`,
      )
      expect([functions.length > 8, tables.length > 8]).toEqual([true, true])
      const statements = [
        ...functions.map(({ call }) => call),
        ...tables.flatMap(({ name }) => [
          `select * from ${name}`,
          `delete from ${name}`,
          `insert into ${name} default values`,
        ]),
        'select response_body from engine.super_admin_idempotency_keys',
        'select * from pgboss.job',
        'create table public.mine (id int)',
        `select pg_read_file('/etc/passwd')`,
      ]
      await inScope(mine.id, null, async (db) => {
        for (const statement of statements) {
          await db.query('savepoint before_it')
          await expect(db.query(statement), statement).rejects.toThrow(/permission denied/)
          await db.query('rollback to savepoint before_it')
        }
      })
    })

    it('cannot name what is another tenant’s, nor hold a Salesforce org that its client never had', async () => {
      const [own, foreign] = [await mine.client(), await theirs.client()]
      await rig.database.query(
        `insert into crm_deployments (id, org_id, client_id, kind, status, plan)
       values (gen_random_uuid(), $1, $2, 'custom_objects', 'deployed', '{}')`,
        [theirs.id, foreign.id],
      )
      const [{ id } = { id: '' }] = await rig.database.query<{ id: string }>(
        'select id from crm_deployments where org_id = $1',
        [theirs.id],
      )
      const run = `insert into deployment_runs
        (id, org_id, client_id, deployment_id, kind, sfdc_org_id, locked_sfdc_org_id)
      values (gen_random_uuid(), $1, $2, $3, 'deploy', 'x', $4)`
      await inScope(mine.id, null, async (db) => {
        await expect(db.query(run, [mine.id, own.id, id, '00D000000000001EAA'])).rejects.toThrow(
          /never connected/,
        )
      })
      const component = `insert into deployment_components
        (org_id, client_id, deployment_id, position, type, full_name, path, action, reversibility)
      values ($1, $2, $3, 0, 'CustomField', 'Lead.X__c', 'x', 'created', 'reversible')`
      await inScope(mine.id, null, async (db) => {
        await expect(db.query(component, [mine.id, own.id, id])).rejects.toThrow(
          /foreign key constraint/,
        )
      })
    })
  })

  describe('the database', () => {
    it('shows no row of another org, even to a statement without a WHERE', async () => {
      await mine.client()
      await theirs.client()
      await inScope(mine.id, null, async (db) => {
        for (const { name } of await tenantTables()) {
          const { rows: columns } = await db.query<{ column: string }>(
            `select attname::text as column from pg_attribute
            where attrelid = $1::regclass and attname = 'org_id' and not attisdropped`,
            [name],
          )
          const column = name === 'public.organizations' ? 'id' : columns[0]?.column
          if (column === undefined) continue
          const { rows } = await db.query<{ org: string }>(`select ${column} as org from ${name}`)
          expect(new Set(rows.map((row) => row.org)).difference(new Set([mine.id])), name).toEqual(
            new Set(),
          )
        }
        const { rows } = await db.query('select id from clients')
        expect(rows.length).toBeGreaterThan(0)
      })
    })

    it('shows a company user one client of its org and nothing of the others', async () => {
      const [own, other] = [await mine.client(), await mine.client()]
      await inScope(mine.id, own.id, async (db) => {
        const { rows } = await db.query<{ id: string }>('select id from clients')
        expect(rows).toEqual([{ id: own.id }])
        const { rowCount } = await db.query('update clients set name = $1 where id = $2', [
          'x',
          other.id,
        ])
        expect(rowCount).toBe(0)
      })
    })

    it('shows a token of several clients these and nothing of the others, in every table', async () => {
      const [one, two, third] = [await mine.client(), await mine.client(), await mine.client()]
      await inScope(mine.id, null, async (db) => {
        await db.query(`select set_config('app.client_ids', $1, true)`, [`{${one.id},${two.id}}`])
        const { rows } = await db.query<{ id: string }>('select id from clients')
        expect(rows.map(({ id }) => id).toSorted()).toEqual([one.id, two.id].toSorted())
        const insert = `insert into crm_field_mappings (id, org_id, client_id, canonical_object, sfdc_object)
                      values (gen_random_uuid(), $1, $2, 'lead', 'Lead')`
        await expect(db.query(insert, [mine.id, third.id])).rejects.toThrow(/row-level security/)
      })
      const unaware = await rig.database.query(
        `select polrelid::regclass::text as name from pg_policy
          where polname = 'tenant' and polrelid <> 'public.organizations'::regclass
            and pg_get_expr(polqual, polrelid) not like '%client_ids()%'`,
      )
      expect(unaware).toEqual([])
    })

    it('refuses to write into another org, by policy and by trigger', async () => {
      const foreign = await theirs.client()
      const insert = `insert into crm_field_mappings (id, org_id, client_id, canonical_object, sfdc_object)
                    values (gen_random_uuid(), $1, $2, 'lead', 'Lead')`
      await inScope(mine.id, null, async (db) => {
        await expect(db.query(insert, [theirs.id, foreign.id])).rejects.toThrow(
          /row-level security/,
        )
      })
      await inScope(mine.id, null, async (db) => {
        await expect(db.query(insert, [mine.id, foreign.id])).rejects.toThrow(
          /does not belong to org/,
        )
      })
      // The owner is not bound by the tenant's policy, but is still refused.
      await expect(rig.database.query(insert, [mine.id, foreign.id])).rejects.toThrow(
        /does not belong to org/,
      )
      await expect(
        rig.database.query('update clients set org_id = $1 where id = $2', [mine.id, foreign.id]),
      ).rejects.toThrow(/never moves/)
    })

    it('sees nothing at all without a scope', async () => {
      const client = new pg.Client({ connectionString: rig.database.url })
      await client.connect()
      await client.query('set role sfdc_engine_runtime')
      const { rows } = await client.query('select id from clients')
      await client.end()
      expect(rows).toEqual([])
    })
  })

  describe('the API', () => {
    it('answers foreign and missing ids alike, byte for byte but for request_id', async () => {
      const foreign = await theirs.client()
      const missing = '01931f2a-0000-7000-8000-000000000000'
      const body = (text: string) => text.replace(/"request_id":"[^"]+"/, '')
      for (const [path, member, foreignId, change] of [
        ['/api/clients/get', 'client_id', foreign.id, {}],
        ['/api/clients/update', 'client_id', foreign.id, { name: 'x' }],
        ['/api/users/update', 'user_id', theirs.adminId, { full_name: 'x' }],
      ] as const) {
        const a = await mine.api.post(path, { [member]: foreignId, ...change })
        const b = await mine.api.post(path, { [member]: missing, ...change })
        expect([a.status, b.status], path).toEqual([404, 404])
        expect(body(a.text), path).toBe(body(b.text))
      }
    })

    it('shows a company user its own client only, and answers 404 for the others', async () => {
      const [own, other] = [await mine.client(), await mine.client()]
      const user = await mine.user('company_member', own.id)
      const list = await user.api.post<{ items: { id: string }[] }>('/api/clients/list')
      expect(list.body.items.map((item) => item.id)).toEqual([own.id])
      expect((await user.api.post('/api/clients/get', { client_id: own.id })).status).toBe(200)
      expect((await user.api.post('/api/clients/get', { client_id: other.id })).status).toBe(404)
    })
  })
})
