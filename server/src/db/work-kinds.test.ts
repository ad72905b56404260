// engine.define_work and engine.define_expiry: a new kind of work, or of rows that expire, is one call
// in a migration.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../test/src/database.ts'
import { AT_ONCE, FLEET_AT_ONCE, WORK_QUEUES } from '../jobs/jobs.ts'
import { newId } from './ids.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const definitionOf = async (name: string): Promise<unknown> => {
  const rows = await database.query<{ text: string }>(
    'select pg_get_functiondef($1::regprocedure) as text',
    [`engine_lookup.${name}()`],
  )
  return rows[0]?.text
}

describe('a kind of work', () => {
  it('is known to the sweep if the queue knows it', async () => {
    const rows = await database.query<{ kind: string }>('select kind from engine.work_kinds')
    expect(rows.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(WORK_QUEUES).toSorted())
  })

  it('leaves pushes two fifths of the places, however many clients a rollout has', () => {
    const ofFleet = Object.values(FLEET_AT_ONCE).reduce((sum, one) => sum + one, 0)
    expect(AT_ONCE.push / (AT_ONCE.push + ofFleet)).toBeGreaterThanOrEqual(0.4)
  })

  it('is listed with its client from the call on that defines it, and is defined again by a second one', async () => {
    const [orgId, clientId, open] = [newId(), newId(), newId()]
    await database.query(`
      create table public.errands (
        id uuid primary key, org_id uuid not null, client_id uuid not null, done boolean not null);
      call engine.protect('public.errands', 'select, insert, update');
      call engine.define_work('errand', 'public.errands w', 'not w.done', $$'00D'$$)`)
    await database.query(`insert into organizations (id, name, slug) values ($1, 'A', $2)`, [
      orgId,
      'a',
    ])
    await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'C')`, [
      clientId,
      orgId,
    ])
    await database.query('insert into errands values ($1, $3, $4, false), ($2, $3, $4, true)', [
      open,
      newId(),
      orgId,
      clientId,
    ])
    const listed = () => database.query('select * from engine_lookup.open_work()')
    const row = { kind: 'errand', org_id: orgId, client_id: clientId, id: open, sfdc_org_id: '00D' }
    expect(await listed()).toEqual([row])
    // What a replica of the previous version asks.
    const { client_id: _client, ...former } = row
    expect(await database.query('select * from engine_lookup.unfinished_work()')).toEqual([former])

    await database.query(
      `call engine.define_work('errand', 'public.errands w', 'false', $$'00D'$$)`,
    )
    expect(await listed()).toEqual([])
  })

  it.each([
    ['a table that is not there', 'public.nothing w', 'true'],
    ['a table without its schema', 'crm_push_logs w', 'true'],
    ['a column that is not there', 'public.crm_push_logs w', 'w.nothing'],
    ['a condition that is none', 'public.crm_push_logs w', 'w.id'],
    ['rows that name no client', 'public.organizations w', 'true'],
  ])('is refused by the migration, and changes nothing, with %s', async (_what, rows, isOpen) => {
    const before = await definitionOf('open_work')
    await expect(
      database.query('call engine.define_work($1, $2, $3)', ['wrong', rows, isOpen]),
    ).rejects.toThrow(/does not exist|must be type boolean/)
    expect(await definitionOf('open_work')).toBe(before)
    expect(await database.query(`select from engine.work_kinds where kind = 'wrong'`)).toEqual([])
  })
})

describe('what goes when its time is over', () => {
  it('goes with the housekeeping from the call on that defines it', async () => {
    await database.query(`
      create table engine.crumbs (until timestamptz not null);
      call engine.protect_shared('engine.crumbs', 'select, insert, update, delete');
      insert into engine.crumbs values (now() - interval '1 s'), (now() + interval '1 day');
      call engine.define_expiry('crumbs', 'delete from engine.crumbs where until < now()')`)
    const discard = () =>
      database.query<{ gone: number }>('select engine_lookup.discard_expired() as gone')
    expect(await discard()).toEqual([{ gone: 1 }])
    expect(await discard()).toEqual([{ gone: 0 }])
    expect(await database.query('select from engine.crumbs')).toHaveLength(1)
  })

  it('is refused by the migration, and changes nothing, where it does not fit the tables', async () => {
    const before = await definitionOf('discard_expired')
    await expect(
      database.query(`call engine.define_expiry('wrong', 'delete from crm_push_logs')`),
    ).rejects.toThrow(/does not exist/)
    expect(await definitionOf('discard_expired')).toBe(before)
  })
})

describe('the runtime role', () => {
  it('can define neither, and not write what they are made from', async () => {
    for (const statement of [
      `call engine.define_work('x', 'public.crm_push_logs w', 'true')`,
      `call engine.define_expiry('x', 'delete from public.users')`,
      `insert into engine.work_kinds values ('x', 'public.users w', 'true', 'null')`,
      `update engine.expiries set statement = 'delete from public.users'`,
    ]) {
      await expect(
        database.query(`do $do$ begin set local role sfdc_engine_runtime; ${statement}; end $do$`),
        statement,
      ).rejects.toThrow(/permission denied/)
    }
  })
})
