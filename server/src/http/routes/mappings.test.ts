// The mapping endpoints over real HTTP, each answer checked against its own OpenAPI description.

import { randomUUID } from 'node:crypto'
import { type AddressInfo } from 'node:net'
import { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from '../../../../test/src/api.ts'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { createAuth, newApiToken, sha256 } from '../../domain/auth/auth.ts'
import { createPasswords } from '../../domain/auth/passwords.ts'
import { type Caller } from '../../domain/caller.ts'
import { createMappings } from '../../domain/mappings/mappings.ts'
import { account, lead, user } from '../../domain/mappings/testing/describes.ts'
import { createTopologyRig, type TopologyRig } from '../../domain/topology/testing/rig.ts'
import { Secret } from '../../secret.ts'
import { createApp } from '../app.ts'
import { mappingRoutes } from './mappings.ts'

let rig: TopologyRig
let app: FastifyInstance
let admin: Api
let member: Api
let foreigner: Api
let clientId: string

const tokenOf = async ({ tenant, userId }: Caller): Promise<string> => {
  const token = newApiToken()
  await rig.database.query(
    `insert into api_tokens (id, org_id, user_id, name, prefix, token_hash) values ($1, $2, $3, 'test', 'sfx_', $4)`,
    [newId(), tenant.orgId, userId, sha256(token)],
  )
  return token
}

beforeAll(async () => {
  rig = await createTopologyRig(await createDatabase())
  rig.org.put('Lead', lead())
  rig.org.put('Account', account())
  rig.org.put('User', user())
  clientId = await rig.client()
  await rig.pull(clientId)
  const secret = new Secret('a secret of at least 32 characters')
  app = await createApp({
    routes: mappingRoutes({ mappings: createMappings({ db: rig.db, topology: rig.topology }) }),
    auth: createAuth({
      db: rig.db,
      passwords: createPasswords(),
      jwtSecrets: [secret],
      superAdminSecrets: [new Secret('another secret of 32 characters!!')],
      jwtTtlSeconds: 60,
      onBackgroundError: () => undefined,
    }),
    idempotency: { db: rig.db, secrets: [secret] },
    logger: pino({ level: 'silent' }),
    corsOrigins: [],
    rateLimitPerMinute: 0,
    trustProxy: false,
    onRequestDone: () => undefined,
    inSpan: (_start, work) => work(() => undefined),
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const api = apiOf(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  admin = api.as(await tokenOf(rig.admin))
  member = api.as(await tokenOf(await rig.caller('company_admin', clientId)))
  const other = newId()
  await rig.database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Other')`, [
    other,
    rig.admin.tenant.orgId,
  ])
  foreigner = api.as(await tokenOf(await rig.caller('company_admin', other)))
})

afterAll(async () => {
  await app.close()
  await rig.close()
})

interface Mapping {
  id: string
  version: number
  fields: Record<string, unknown>[]
  warnings: { code: string; path: string }[]
}

const bodyOf = (over: Record<string, unknown> = {}) => ({
  client_id: clientId,
  canonical_object: `object-${randomUUID().slice(0, 8)}`,
  sfdc_object: 'Lead',
  external_id_field: 'External_Key__c',
  fields: [
    { canonical_field: 'external_id', sfdc_field: 'External_Key__c', required: true },
    { canonical_field: 'last_name', sfdc_field: 'LastName', required: true },
    { canonical_field: 'company', sfdc_field: 'Company', default: 'Unknown' },
  ],
  ...over,
})

describe('the mapping endpoints', () => {
  it('carry a mapping from creation to deletion', async () => {
    const body = bodyOf()
    const made = await admin.post<Mapping>('/api/mappings/create', body)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ version: 1, warnings: [], snapshot_version: 1 })
    expect(made.body.fields[2]).toEqual({
      canonical_field: 'company',
      sfdc_field: 'Company',
      required: false,
      default: 'Unknown',
      value_map: null,
    })
    const { id: mapping_id } = made.body
    const again = await admin.post('/api/mappings/create', body)
    expect([again.status, again.body.code]).toEqual([409, 'already_exists'])

    const broken = { mapping_id, external_id_field: 'Nope__c' }
    const refused = await admin.post<{ code: string; errors: { path: string; code: string }[] }>(
      '/api/mappings/update',
      broken,
    )
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_mapping'])
    expect(refused.body.errors.map(({ code }) => code)).toEqual(['key_not_mapped', 'key_unknown'])
    const updated = await admin.post<Mapping>('/api/mappings/update', {
      ...broken,
      allow_broken: true,
    })
    expect([updated.status, updated.body.version]).toEqual([200, 2])
    expect(updated.body.warnings.map(({ code }) => code)).toEqual(['key_not_mapped', 'key_unknown'])
    const first = await member.post<Mapping>('/api/mappings/get', { mapping_id, version: 1 })
    expect(first.body).toMatchObject({ version: 1, external_id_field: 'External_Key__c' })
    const { canonical_object } = body
    const byName = await member.post('/api/mappings/get', { client_id: clientId, canonical_object })
    expect(byName.body).toMatchObject({ id: mapping_id, version: 2 })
    const listed = await member.post<{ items: Mapping[] }>('/api/mappings/list', {
      canonical_object,
    })
    expect(listed.body.items.map(({ id }) => id)).toEqual([mapping_id])

    const validation = await member.post('/api/mappings/validate', { mapping_id })
    expect(validation.body).toMatchObject({ valid: false, snapshot_version: 1 })
    const gone = await admin.post('/api/mappings/delete', { mapping_id })
    expect([gone.status, gone.body.is_active]).toEqual([200, false])
    expect((await admin.post('/api/mappings/get', { mapping_id })).status).toBe(404)
  })

  it('propose a mapping whose draft can be sent to create as it is', async () => {
    const canonical_object = `prospect-${randomUUID().slice(0, 8)}`
    const proposed = await member.post<{ draft: object; sfdc_object: string }>(
      '/api/mappings/suggest',
      {
        client_id: clientId,
        canonical_object,
        canonical_fields: [
          'id',
          'surname',
          'organization',
          { name: 'level', sample_values: ['senior', 'junior'] },
        ],
        sfdc_object: 'lead',
      },
    )
    expect(proposed.status).toBe(200)
    expect(proposed.body.sfdc_object).toBe('Lead')
    const made = await admin.post<Mapping>('/api/mappings/create', {
      client_id: clientId,
      ...proposed.body.draft,
    })
    expect([made.status, made.body.fields.length]).toEqual([201, 4])
    expect(made.body.fields[3]).toMatchObject({
      sfdc_field: 'Seniority__c',
      value_map: { senior: 'Senior', junior: 'Junior' },
    })
  })

  it('make one mapping of a repeated creation, and raise a version once for a repeated update', async () => {
    const body = bodyOf()
    const key = { 'idempotency-key': randomUUID() }
    const made = await admin.post<Mapping>('/api/mappings/create', body, key)
    const replayed = await admin.post<Mapping>('/api/mappings/create', body, key)
    expect(replayed.headers.get('idempotency-replayed')).toBe('true')
    expect([replayed.status, replayed.body]).toEqual([201, made.body])
    const change = { mapping_id: made.body.id, is_active: false }
    const updateKey = { 'idempotency-key': randomUUID() }
    await admin.post('/api/mappings/update', change, updateKey)
    const second = await admin.post<Mapping>('/api/mappings/update', change, updateKey)
    expect(second.body.version).toBe(2)
    const other = await admin.post('/api/mappings/create', bodyOf(), key)
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused'])
  })

  it('let only push.write change, and let topology.read look at its own client', async () => {
    const { body } = await admin.post<Mapping>('/api/mappings/create', bodyOf())
    const mapping_id = body.id
    for (const [path, sent] of [
      ['create', bodyOf()],
      ['update', { mapping_id, is_active: false }],
      ['delete', { mapping_id }],
    ] as const) {
      expect((await member.post(`/api/mappings/${path}`, sent)).status, path).toBe(403)
    }
    for (const [path, sent] of [
      ['get', { mapping_id }],
      ['validate', { mapping_id }],
      ['list', { client_id: clientId }],
      ['suggest', { client_id: clientId, canonical_object: 'x', canonical_fields: ['phone'] }],
    ] as const) {
      expect((await member.post(`/api/mappings/${path}`, sent)).status, path).toBe(200)
      expect((await foreigner.post(`/api/mappings/${path}`, sent)).status, path).toBe(404)
    }
  })

  it.each<[string, object, string]>([
    ['a name that is none', { sfdc_object: 'Lead; drop' }, 'sfdc_object'],
    ['a key on a parent', { external_id_field: 'Account.Key__c' }, 'external_id_field'],
    ['no fields', { fields: [] }, 'fields'],
    ['a canonical name that is none', { canonical_object: '_x' }, 'canonical_object'],
    [
      'a target that is none',
      { fields: [{ canonical_field: 'a', sfdc_field: 'a.b.c' }] },
      'fields.0.sfdc_field',
    ],
    [
      'a canonical field twice',
      {
        fields: [
          { canonical_field: 'a', sfdc_field: 'Phone' },
          { canonical_field: 'a', sfdc_field: 'Email' },
        ],
      },
      'fields.1.canonical_field',
    ],
    [
      'a field of Salesforce twice',
      {
        fields: [
          { canonical_field: 'a', sfdc_field: 'Phone' },
          { canonical_field: 'b', sfdc_field: 'phone' },
        ],
      },
      'fields.1.sfdc_field',
    ],
    [
      'an object for a default',
      { fields: [{ canonical_field: 'a', sfdc_field: 'Phone', default: {} }] },
      'fields.0.default',
    ],
    [
      'a value map that is too large',
      {
        fields: [
          {
            canonical_field: 'a',
            sfdc_field: 'Phone',
            value_map: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`v${i}`, 'x'])),
          },
        ],
      },
      'fields.0.value_map',
    ],
    ['an unknown member', { object: 'Lead' }, 'object'],
  ])('refuse %s with its path', async (_what, over, path) => {
    const answer = await admin.post<{ code: string; errors: { path: string }[] }>(
      '/api/mappings/create',
      bodyOf(over as Record<string, unknown>),
    )
    expect([answer.status, answer.body.code]).toEqual([422, 'validation_failed'])
    expect(answer.body.errors.map((one) => one.path)).toEqual([path])
  })

  it('refuse requests that name nothing, or too much', async () => {
    const mapping_id = newId()
    for (const [path, body] of [
      ['get', {}],
      ['get', { mapping_id, client_id: clientId }],
      ['get', { client_id: clientId, canonical_object: 'x', version: 1 }],
      ['validate', {}],
      ['validate', { client_id: clientId }],
      ['update', { mapping_id }],
      ['update', { mapping_id, allow_broken: true }],
      ['suggest', { client_id: clientId, canonical_object: 'x', canonical_fields: ['a', 'a'] }],
    ] as const) {
      expect((await admin.post(`/api/mappings/${path}`, body)).status, path).toBe(422)
    }
    const unknown = await admin.post('/api/mappings/suggest', {
      client_id: clientId,
      canonical_object: 'x',
      canonical_fields: ['a'],
      sfdc_object: 'Leed',
    })
    expect([unknown.status, unknown.body.code]).toEqual([400, 'unknown_object'])
  })
})
