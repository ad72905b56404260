// Blueprints in the database: versions that never change and are never lost, and which clients are bound with
// which parameters.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/src/database.ts'
import { type Database, openDatabase } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { Secret } from '../../../secret.ts'
import { type Caller } from '../../caller.ts'
import { createClients } from '../../clients.ts'
import { seedOrg } from '../../testing/tenant.ts'
import { createBindings, type Bindings } from './bindings.ts'
import { type Blueprints, createBlueprints } from './blueprints.ts'
import { differencesOf } from './diff.ts'
import { declarations } from './parameters.ts'
import { versionForRollout } from './rows.ts'

let database: TestDatabase
let db: Database
let caller: Caller
let stranger: Caller
let blueprints: Blueprints
let bindings: Bindings
let clients: string[]
let foreign: string

beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
  ;[caller, stranger] = [await seedOrg(database), await seedOrg(database)]
  ;[blueprints, bindings] = [createBlueprints(db), createBindings(db)]
  const registry = createClients(db)
  clients = []
  for (const tags of [{ tier: 'gold' }, { tier: 'gold' }, { tier: 'silver' }]) {
    clients.push((await registry.create(caller, { name: 'Acme', tags })).id)
  }
  foreign = (await registry.create(stranger, { name: 'Foreign' })).id
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

const lead = (label: unknown, more: object = {}) => ({
  plan: {
    objects: [
      {
        api_name: 'Lead',
        fields: [{ api_name: 'Tier__c', label, type: 'Text', length: 40, ...more }],
      },
    ],
  },
})
const LABEL = declarations.parse([{ name: 'label', type: 'text' }])
const PARAMETRIC = { ...lead({ param: 'label' }), parameters: LABEL }

const blueprint = async (...versions: object[]): Promise<string> => {
  const { id } = await blueprints.create(caller, { name: 'Lead tiers' })
  for (const one of versions) await blueprints.createVersion(caller, { blueprint_id: id, ...one })
  return id
}
const slugged = async (name: string): Promise<string> =>
  (await blueprints.create(caller, { name })).slug
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code: string; errors?: { path: string; code: string }[] }) =>
      [error.code, ...(error.errors ?? []).map(({ path, code }) => `${path} ${code}`)].join(', '),
  )

describe('a blueprint', () => {
  it('has a slug of its own in its org, and none of another org’s is seen', async () => {
    const { id, slug } = await blueprints.create(caller, { name: 'Näme & more' })
    expect(slug).toBe('na-me-more')
    expect(await codeOf(blueprints.create(caller, { name: 'x', slug }))).toBe(
      'already_exists, slug already_exists',
    )
    expect(await codeOf(blueprints.create(stranger, { name: 'x', slug }))).toBe('ok')
    const missing = [
      blueprints.get(stranger.tenant, id),
      blueprints.get(caller.tenant, newId()),
      blueprints.update(stranger, { blueprint_id: id, name: 'mine' }),
      blueprints.createVersion(stranger, { blueprint_id: id, ...lead('Tier') }),
      bindings.set(stranger, { blueprint_id: id, client_ids: [foreign] }),
      bindings.set(caller, { blueprint_id: id, client_ids: [foreign] }),
    ]
    for (const code of await Promise.all(missing.map(codeOf))) expect(code).toMatch(/^not_found/)
  })

  it('that is archived gets no versions, bindings and rollouts until it is restored', async () => {
    const id = await blueprint(lead('Tier'))
    await blueprints.archive(caller, id, true)
    const listed = async (all: boolean) =>
      (await blueprints.list(caller.tenant, { limit: 200, include_archived: all })).items.some(
        (one) => one.id === id,
      )
    expect([await listed(false), await listed(true)]).toEqual([false, true])
    const tries = () =>
      Promise.all(
        [
          blueprints.createVersion(caller, { blueprint_id: id, ...lead('Tier') }),
          bindings.set(caller, { blueprint_id: id, client_ids: clients }),
          db
            .as(caller.tenant)
            .tx((tx) => versionForRollout(tx, caller.tenant, { blueprintId: id })),
        ].map(codeOf),
      )
    expect(new Set(await tries())).toEqual(new Set(['blueprint_archived']))
    await blueprints.archive(caller, id, false)
    expect(new Set(await tries())).toEqual(new Set(['ok']))
  })
})

describe('the slug of a blueprint', () => {
  it('is its name, with a suffix only if that is taken', async () => {
    const own = await slugged('Lead  Tiers! (new)')
    expect(own).toBe('lead-tiers-new')
    expect(await slugged('Lead Tiers New')).toMatch(/^lead-tiers-new-[0-9a-f]{6}$/)
    expect(await slugged('日本')).toBe('blueprint')
    const given = { name: 'Other', slug: 'lead-tiers-new' }
    expect(await codeOf(blueprints.create(caller, given))).toMatch(/^already_exists/)
  })
})

describe('a version', () => {
  it('that holds what the newest holds is that one', async () => {
    const id = await blueprint(lead('Tier'))
    const again = await blueprints.createVersion(caller, { blueprint_id: id, ...lead('Tier') })
    expect(again).toMatchObject({ isNew: false, version: { version: 1 } })
    expect((await blueprints.get(caller.tenant, id)).latest_version).toBe(1)
    const other = await blueprints.createVersion(caller, { blueprint_id: id, ...lead('Level') })
    expect(other).toMatchObject({ isNew: true, version: { version: 2 } })
  })

  it('counts up, never changes, and has the hash of what it holds', async () => {
    const id = await blueprint(lead('Tier'), lead('Level'), lead('Tier'))
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((version) => blueprints.getVersion(caller.tenant, id, version)),
    )
    expect(one?.content_hash).toBe(three?.content_hash)
    expect(one?.content_hash).not.toBe(two?.content_hash)
    expect(one?.plan).toEqual(lead('Tier').plan)
    expect((await blueprints.getVersion(caller.tenant, id)).version).toBe(3)
    expect((await blueprints.get(caller.tenant, id)).latest_version).toBe(3)
    const change = db
      .as(caller.tenant)
      .tx((tx) => tx.updateTable('blueprint_versions').set({ notes: 'changed' }).execute())
    await expect(change).rejects.toThrow(/permission denied/)
  })

  it('is not created over one that the caller has not seen, and of two at once one is', async () => {
    const id = await blueprint()
    const create = (expected_latest: number) =>
      codeOf(
        blueprints.createVersion(caller, { blueprint_id: id, ...lead('Tier'), expected_latest }),
      )
    expect((await Promise.all([create(0), create(0)])).toSorted()).toEqual([
      'blueprint_changed, expected_latest blueprint_changed',
      'ok',
    ])
    expect(await create(1)).toBe('ok')
  })

  it('is refused with the paths of its faults, and then changes nothing', async () => {
    const id = await blueprint()
    expect(
      await codeOf(
        blueprints.createVersion(caller, { blueprint_id: id, ...lead({ param: 'label' }) }),
      ),
    ).toBe('invalid_blueprint, plan.objects.0.fields.0.label parameter_undeclared')
    expect((await blueprints.get(caller.tenant, id)).latest_version).toBe(0)
  })

  it('differs from another by names, not by positions', async () => {
    const more = { api_name: 'Rank__c', label: 'Rank', type: 'Checkbox' }
    const before = lead('Tier')
    const after = lead('Level', { length: 80 })
    after.plan.objects[0]?.fields.unshift(more as never)
    const id = await blueprint(before, { ...after, notes: 'x' })
    const diff = await blueprints.diff(caller.tenant, { blueprint_id: id, from_version: 1 })
    expect(diff.differences.map(({ path, change }) => `${path} ${change}`)).toEqual([
      'plan.objects.Lead.fields.Tier__c.label changed',
      'plan.objects.Lead.fields.Tier__c.length changed',
      'plan.objects.Lead.fields.Rank__c added',
    ])
    const same = { blueprint_id: id, from_version: 2, to_version: 2 }
    expect((await blueprints.diff(caller.tenant, same)).equal).toBe(true)
    expect(differencesOf({ a: [1, 2] }, { a: [2, 1] })).toEqual([
      { path: 'a', change: 'changed', before: [1, 2], after: [2, 1] },
    ])
  })
})

describe('a binding', () => {
  it('is set for clients or a selector, once each, and keeps what is not mentioned', async () => {
    const id = await blueprint(PARAMETRIC)
    const gold = { blueprint_id: id, selector: { tags: { tier: 'gold' } } }
    const first = await bindings.set(caller, { ...gold, parameters: { label: 'Level' } })
    expect([first.created, first.updated]).toEqual([2, 0])
    const again = await bindings.set(caller, { ...gold, pinned_version: 1 })
    expect([again.created, again.updated]).toEqual([0, 2])
    expect(
      again.items.map(({ parameters, pinned_version }) => [parameters, pinned_version]),
    ).toEqual(Array.from({ length: 2 }, () => [{ label: 'Level' }, 1]))
    const freed = await bindings.set(caller, { ...gold, pinned_version: null })
    expect(freed.items.map(({ pinned_version }) => pinned_version)).toEqual([null, null])
    const listed = await bindings.list(caller.tenant, { limit: 50, blueprint_id: id })
    expect(listed.items.map(({ client_id }) => client_id).toSorted()).toEqual(
      clients.slice(0, 2).toSorted(),
    )
    const [removed, one] = [
      await bindings.remove(caller, { blueprint_id: id, client_ids: clients }),
      await bindings.list(caller.tenant, { limit: 50, blueprint_id: id }),
    ]
    expect([removed, one.items]).toEqual([{ removed: 2 }, []])
    const rows = await database.query<{ count: number }>(
      `select count(*)::int as count from audit_log where target_id = $1 and action = 'blueprint.bind'`,
      [id],
    )
    expect(rows[0]?.count).toBe(6)
  })

  it('is not set with a selector that chooses nobody', async () => {
    const id = await blueprint(PARAMETRIC)
    await expect(
      bindings.set(caller, { blueprint_id: id, selector: { tags: { tier: 'platinum' } } }),
    ).rejects.toMatchObject({
      code: 'bad_request',
      errors: [{ path: 'selector', code: 'no_targets' }],
    })
  })

  it('is refused for values that do not fit its version, for all clients alike', async () => {
    const id = await blueprint(PARAMETRIC, lead('Tier'))
    const set = (parameters: object | undefined, pinned_version: number | null) =>
      codeOf(
        bindings.set(caller, {
          blueprint_id: id,
          client_ids: clients,
          pinned_version,
          ...(parameters === undefined ? {} : { parameters: parameters as never }),
        }),
      )
    expect(await set({}, 1)).toBe('invalid_parameters, parameters.label missing')
    expect(await set({ label: 1 }, 1)).toBe('invalid_parameters, parameters.label wrong_type')
    expect(await set({ label: 'x'.repeat(41) }, 1)).toBe(
      'invalid_parameters, plan.objects.0.fields.0.label too_long',
    )
    // The newest version declares none.
    expect(await set({ label: 'Tier' }, null)).toBe(
      'invalid_parameters, parameters.label undeclared',
    )
    expect(await set(undefined, 3)).toBe('not_found, pinned_version not_found')
    const bound = await bindings.list(caller.tenant, { limit: 50, blueprint_id: id })
    expect(bound.items).toEqual([])
    expect(await set({ label: 'Tier' }, 1)).toBe('ok')
    // What a client has already brought is checked against the version that it is to stand at.
    expect(await set(undefined, null)).toBe('invalid_parameters, parameters.label undeclared')
  })
})
