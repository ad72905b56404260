import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { type Caller } from '../caller.ts'
import { createTopologyRig, type TopologyRig } from '../topology/testing/rig.ts'
import { type MappingField } from './mapping.ts'
import {
  type CreateInput,
  createMappings,
  mappingFor,
  type Mappings,
  mappingVersion,
} from './mappings.ts'
import { account, lead, user } from './testing/describes.ts'

let rig: TopologyRig
let mappings: Mappings
let admin: Caller
/** A client with a snapshot. */
let clientId: string

beforeAll(async () => {
  rig = await createTopologyRig(await createDatabase())
  rig.org.put('Lead', lead())
  rig.org.put('Account', account())
  rig.org.put('User', user())
  clientId = await rig.client()
  await rig.pull(clientId)
  admin = rig.admin
  mappings = createMappings({ db: rig.db, topology: rig.topology })
})

afterAll(() => rig.close())

const fieldTo = (sfdc_field: string, more: Partial<MappingField> = {}): MappingField => ({
  canonical_field: sfdc_field.toLowerCase().replaceAll(/\W/g, '_'),
  sfdc_field,
  required: false,
  default: null,
  value_map: null,
  ...more,
})

let serial = 0
const input = (over: Partial<CreateInput> = {}): CreateInput => ({
  client_id: clientId,
  canonical_object: `object_${(serial += 1)}`,
  sfdc_object: 'Lead',
  external_id_field: 'External_Key__c',
  fields: [
    fieldTo('External_Key__c', { required: true }),
    fieldTo('LastName', { required: true }),
    fieldTo('Company', { default: 'Unknown' }),
    fieldTo('Employer__r.External_Key__c'),
  ],
  ...over,
})

const codes = (findings: { code: string }[]) => findings.map(({ code }) => code)

const newClient = async () => {
  const id = newId()
  await rig.database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Other')`, [
    id,
    admin.tenant.orgId,
  ])
  return id
}

describe('a mapping', () => {
  it('is kept as it was given, with what the newest snapshot has against it', async () => {
    const given = input({ fields: [...input().fields, fieldTo('Not_Yet__c')] })
    const made = await mappings.create(admin, { ...given, allow_broken: true })
    expect(made).toMatchObject({ ...given, version: 1, is_active: true, snapshot_version: 1 })
    expect(made.warnings.map(({ code, path }) => [code, path])).toEqual([
      ['field_only_on_create', 'fields.3.sfdc_field'],
      ['field_unknown', 'fields.4.sfdc_field'],
    ])
    const { warnings: _w, snapshot_version: _s, ...kept } = made
    expect(await mappings.get(admin.tenant, { mapping_id: made.id })).toEqual(kept)
    expect(
      await mappings.get(admin.tenant, {
        client_id: clientId,
        canonical_object: given.canonical_object,
      }),
    ).toEqual(kept)
  })

  it('is refused if it is broken, with everything that is wrong, and leaves nothing', async () => {
    const broken = input({
      fields: [...input().fields, fieldTo('Not_Yet__c'), fieldTo('Nor_This__c')],
    })
    await expect(mappings.create(admin, broken)).rejects.toMatchObject({
      code: 'invalid_mapping',
      errors: [
        { path: 'fields.4.sfdc_field', code: 'field_unknown' },
        { path: 'fields.5.sfdc_field', code: 'field_unknown' },
      ],
    })
    const none = await mappings.list(admin.tenant, {
      canonical_object: broken.canonical_object,
      limit: 1,
    })
    expect(none.items).toEqual([])
    const shapeOnly = input({ client_id: await newClient(), fields: [fieldTo('Phone')] })
    await expect(mappings.create(admin, shapeOnly)).rejects.toMatchObject({
      code: 'invalid_mapping',
      errors: [{ code: 'key_not_mapped' }],
    })
  })

  it('cannot be broken by an update, but for one that makes or leaves it inactive', async () => {
    const made = await mappings.create(admin, input())
    const broken = { mapping_id: made.id, fields: [...input().fields, fieldTo('Not_Yet__c')] }
    await expect(mappings.update(admin, broken)).rejects.toMatchObject({ code: 'invalid_mapping' })
    expect(await mappings.get(admin.tenant, { mapping_id: made.id })).toMatchObject({ version: 1 })
    const resting = await mappings.update(admin, { ...broken, is_active: false })
    expect(codes(resting.warnings)).toContain('field_unknown')
    const activate = { mapping_id: made.id, is_active: true }
    await expect(mappings.update(admin, activate)).rejects.toMatchObject({
      code: 'invalid_mapping',
    })
    const forced = await mappings.update(admin, { ...activate, allow_broken: true })
    expect(forced).toMatchObject({ version: 3, is_active: true })
    // Broken as it is, it can still be switched off.
    await mappings.update(admin, { mapping_id: made.id, is_active: false })
  })

  it('can be made before there is a snapshot', async () => {
    const made = await mappings.create(
      admin,
      input({ client_id: await newClient(), sfdc_object: 'Nothing__c', external_id_field: null }),
    )
    expect(made.snapshot_version).toBeNull()
    expect(codes(made.warnings)).toEqual(['no_key'])
  })

  it('is the only active one of its client and canonical object, also for two calls at once', async () => {
    const given = input()
    const results = await Promise.allSettled([
      mappings.create(admin, given),
      mappings.create(admin, given),
    ])
    const made = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const [first] = made
    expect(made).toHaveLength(1)
    const refused = results.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as Record<string, unknown>] : [],
    )
    expect(refused).toMatchObject([{ code: 'already_exists' }])
    expect(refused[0]?.message).toContain(first?.id)

    // Inactive, it allows a new one; active again, it would be the second.
    await mappings.update(admin, { mapping_id: first?.id ?? '', is_active: false })
    await mappings.create(admin, given)
    await expect(
      mappings.update(admin, { mapping_id: first?.id ?? '', is_active: true }),
    ).rejects.toMatchObject({ code: 'already_exists' })
    // A different client has its own mappings.
    await mappings.create(admin, { ...given, client_id: await newClient() })
  })

  it('keeps every version, so that a push goes on with the one it began with', async () => {
    const made = await mappings.create(admin, input())
    const fields = [fieldTo('External_Key__c'), fieldTo('Phone')]
    const second = await mappings.update(admin, {
      mapping_id: made.id,
      fields,
      allow_broken: true,
    })
    expect(second).toMatchObject({ version: 2, fields, sfdc_object: 'Lead' })
    const third = await mappings.update(admin, { mapping_id: made.id, external_id_field: null })
    expect(third).toMatchObject({ version: 3, fields, external_id_field: null })
    await mappings.delete(admin, made.id)
    const version = (n: number) =>
      rig.db.as(admin.tenant).tx((tx) => mappingVersion(tx, admin.tenant, made.id, n))
    expect(await version(1)).toMatchObject({
      id: made.id,
      version: 1,
      fields: made.fields,
      canonical_object: made.canonical_object,
    })
    expect(await version(2)).toMatchObject({
      version: 2,
      fields,
      external_id_field: 'External_Key__c',
    })
    expect(await version(3)).toMatchObject({ version: 3, external_id_field: null })
    expect(await version(4)).toBeNull()
  })

  it('counts each of several updates at once', async () => {
    const { id } = await mappings.create(admin, input())
    const updated = await Promise.all(
      ['A', 'B', 'C'].map((value) =>
        mappings.update(admin, {
          mapping_id: id,
          fields: [fieldTo('External_Key__c'), fieldTo('Title', { default: value })],
          allow_broken: true,
        }),
      ),
    )
    expect(updated.map(({ version }) => version).toSorted()).toEqual([2, 3, 4])
  })

  it('shows an earlier version on request', async () => {
    const made = await mappings.create(admin, input())
    await mappings.update(admin, {
      mapping_id: made.id,
      fields: [fieldTo('Phone')],
      allow_broken: true,
    })
    const get = (version?: number) => mappings.get(admin.tenant, { mapping_id: made.id, version })
    expect((await get()).fields).toHaveLength(1)
    expect((await get(1)).fields).toEqual(made.fields)
    await expect(get(9)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('is gone when deleted, its name is free, and orphaned lookups are reported', async () => {
    const parent = await mappings.create(
      admin,
      input({
        sfdc_object: 'Account',
        fields: [fieldTo('External_Key__c'), fieldTo('Name', { required: true })],
      }),
    )
    expect(parent.warnings).toEqual([])
    const child = await mappings.create(admin, input())
    const gone = await mappings.delete(admin, parent.id)
    expect(gone).toMatchObject({ id: parent.id, is_active: false, version: 1 })
    expect(codes(gone.warnings)).toContain('parents_not_pushed')
    expect(gone.warnings.some(({ message }) => message.includes(child.canonical_object))).toBe(true)
    for (const again of [
      () => mappings.get(admin.tenant, { mapping_id: parent.id }),
      () => mappings.get(admin.tenant, { mapping_id: parent.id, version: 1 }),
      () => mappings.delete(admin, parent.id),
      () => mappings.update(admin, { mapping_id: parent.id, is_active: true }),
    ]) {
      await expect(again()).rejects.toMatchObject({ code: 'not_found' })
    }
    await mappings.create(admin, input({ canonical_object: parent.canonical_object }))
  })

  it('leaves an audit row for each change', async () => {
    const made = await mappings.create(admin, input())
    await mappings.update(admin, { mapping_id: made.id, is_active: false })
    await mappings.delete(admin, made.id)
    const rows = await rig.database.query(
      `select action, client_id, user_id, outcome from audit_log where target_id = $1 order by id`,
      [made.id],
    )
    expect(rows).toEqual(
      ['mapping.create', 'mapping.update', 'mapping.delete'].map((action) => ({
        action,
        client_id: clientId,
        user_id: admin.userId,
        outcome: 'ok',
      })),
    )
  })

  it('is listed newest first, by client, canonical object and activity', async () => {
    const client = await newClient()
    const one = await mappings.create(admin, input({ client_id: client }))
    const two = await mappings.create(admin, input({ client_id: client }))
    await mappings.update(admin, { mapping_id: one.id, is_active: false })
    const ids = async (filter: object) =>
      (await mappings.list(admin.tenant, { client_id: client, limit: 10, ...filter })).items.map(
        ({ id }) => id,
      )
    expect(await ids({})).toEqual([two.id, one.id])
    expect(await ids({ is_active: true })).toEqual([two.id])
    expect(await ids({ canonical_object: one.canonical_object })).toEqual([one.id])
    const page = await mappings.list(admin.tenant, { client_id: client, limit: 1 })
    expect(await ids({ cursor: page.next_cursor ?? '' })).toEqual([one.id])
  })

  it('answers the same to a missing and to a foreign one', async () => {
    const other = await newClient()
    const company = await rig.caller('company_admin', other)
    const { id } = await mappings.create(admin, input())
    const told = (work: Promise<unknown>) => work.catch((error: unknown) => String(error))
    const nowhere = newId()
    expect(await told(mappings.get(company.tenant, { mapping_id: id }))).toBe(
      await told(mappings.get(company.tenant, { mapping_id: nowhere })),
    )
    expect(await told(mappings.list(company.tenant, { client_id: clientId, limit: 1 }))).toBe(
      await told(mappings.list(company.tenant, { client_id: nowhere, limit: 1 })),
    )
    expect((await mappings.list(company.tenant, { limit: 200 })).items).toEqual([])
    const query = { canonical_object: 'x', canonical_fields: [{ name: 'phone' }] }
    expect(await told(mappings.suggest(company.tenant, { client_id: clientId, ...query }))).toBe(
      await told(mappings.suggest(company.tenant, { client_id: nowhere, ...query })),
    )
  })
})

describe('validate', () => {
  it('holds a kept mapping and a draft against the newest snapshot', async () => {
    const made = await mappings.create(admin, input())
    const kept = await mappings.validate(admin.tenant, { mapping_id: made.id })
    expect(kept).toMatchObject({ valid: true, snapshot_version: 1 })
    expect(codes(kept.findings)).toEqual(['field_only_on_create'])
    const { client_id, ...mapping } = input({ external_id_field: 'Phone' })
    const drafted = await mappings.validate(admin.tenant, { client_id, mapping })
    expect(drafted.valid).toBe(false)
    expect(codes(drafted.findings)).toContain('key_not_external_id')
  })

  it('needs a snapshot', async () => {
    const { client_id: _, ...mapping } = input()
    await expect(
      mappings.validate(admin.tenant, { client_id: await newClient(), mapping }),
    ).rejects.toMatchObject({ code: 'no_snapshot' })
  })
})

describe('suggest', () => {
  it('gives a draft that is valid as it is', async () => {
    const suggestion = await mappings.suggest(admin.tenant, {
      client_id: clientId,
      canonical_object: 'prospect',
      canonical_fields: ['id', 'surname', 'organization', 'employer_key', 'owner_username'].map(
        (name) => ({ name }),
      ),
    })
    expect(suggestion).toMatchObject({ sfdc_object: 'Lead', snapshot_version: 1 })
    const targets = suggestion.draft?.fields.map(({ sfdc_field }) => sfdc_field)
    expect(targets).toEqual([
      'External_Key__c',
      'LastName',
      'Company',
      'Employer__r.External_Key__c',
      'User:Owner.Username',
    ])
    if (suggestion.draft === null) throw new Error('there is a draft')
    const validation = await mappings.validate(admin.tenant, {
      client_id: clientId,
      mapping: suggestion.draft,
    })
    expect(validation.valid).toBe(true)
  })

  it('follows the mappings of the org’s other clients, for callers who may see them', async () => {
    const canonical_object = 'precedent'
    await mappings.create(
      admin,
      input({
        client_id: await newClient(),
        canonical_object,
        external_id_field: null,
        fields: [
          fieldTo('Legacy_Key__c', { canonical_field: 'odd_name' }),
          fieldTo('Only_There__c', { canonical_field: 'odder_name' }),
        ],
      }),
    )
    const query = {
      client_id: clientId,
      canonical_object,
      sfdc_object: 'Lead',
      canonical_fields: [{ name: 'odd_name' }, { name: 'odder_name' }],
    }
    const seen = await mappings.suggest(admin.tenant, query)
    expect(seen.fields[0]?.proposals[0]).toMatchObject({
      sfdc_field: 'Legacy_Key__c',
      reasons: [{ code: 'used_elsewhere' }],
    })
    expect(JSON.stringify(seen)).not.toContain('Only_There__c')
    const company = await rig.caller('company_admin', clientId)
    const told = JSON.stringify(await mappings.suggest(company.tenant, query))
    expect(told).not.toContain('used_elsewhere')
  })

  it('says so when the named object is not in the snapshot', async () => {
    await expect(
      mappings.suggest(admin.tenant, {
        client_id: clientId,
        canonical_object: 'x',
        canonical_fields: [{ name: 'phone' }],
        sfdc_object: 'Leed',
      }),
    ).rejects.toMatchObject({
      code: 'unknown_object',
      message: expect.stringContaining('Did you mean Lead?') as string,
    })
  })
})

describe('what other modules learn of mappings', () => {
  it('is the active mapping for a push, and null without one', async () => {
    const made = await mappings.create(admin, input())
    const found = (canonicalObject: string) =>
      rig.db.as(admin.tenant).tx((tx) => mappingFor(tx, admin.tenant, clientId, canonicalObject))
    expect(await found(made.canonical_object)).toMatchObject({ id: made.id, version: 1 })
    await mappings.update(admin, { mapping_id: made.id, is_active: false })
    expect(await found(made.canonical_object)).toBeNull()
  })

  it('is, for the conflict check, which fields are written and what was pushed last', async () => {
    const client = await newClient()
    const made = await mappings.create(admin, input({ client_id: client }))
    const inactive = await mappings.create(admin, input({ client_id: client }))
    await mappings.update(admin, { mapping_id: inactive.id, is_active: false })
    const lastPush = { rows: 2, fields: {} }
    const told = createMappings({
      db: rig.db,
      topology: rig.topology,
      lastPush: async (_tenant, mappingId) => (mappingId === made.id ? lastPush : null),
    })
    const expected = {
      canonical_object: made.canonical_object,
      sfdc_object: 'Lead',
      external_id_field: 'External_Key__c',
      fields: [
        ['External_Key__c', true, false],
        ['LastName', true, false],
        ['Company', false, true],
        ['Employer__c', false, false],
      ].map(([sfdc_field, required, has_default], index) => ({
        canonical_field: made.fields[index]?.canonical_field,
        sfdc_field,
        required,
        has_default,
      })),
    }
    expect(await told.facts(admin.tenant, client)).toEqual([{ ...expected, lastPush }])
    expect(await mappings.facts(admin.tenant, client)).toEqual([{ ...expected, lastPush: null }])
  })
})
