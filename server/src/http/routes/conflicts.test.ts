// The conflict endpoints over real HTTP, each answer checked against its own OpenAPI description.

import { randomUUID } from 'node:crypto'
import { type AddressInfo } from 'node:net'
import { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControl } from '../../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../../simulator/src/index.ts'
import { type Api, apiOf } from '../../../../test/src/api.ts'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { newId } from '../../db/ids.ts'
import { createAuth, newApiToken, sha256 } from '../../domain/auth/auth.ts'
import { createPasswords } from '../../domain/auth/passwords.ts'
import { type ConflictsRig, createConflictsRig } from '../../domain/conflicts/testing/rig.ts'
import { Secret } from '../../secret.ts'
import { createApp } from '../app.ts'
import { conflictRoutes } from './conflicts.ts'

interface Report {
  id: string
  status: string
  severity: string | null
  findings: { code: string; component: { full_name: string } }[]
}

let simulator: Simulator
let rig: ConflictsRig
let app: FastifyInstance
let admin: Api
let member: Api
let foreigner: Api

const tokenOf = async (userId: string): Promise<string> => {
  const token = newApiToken()
  await rig.database.query(
    `insert into api_tokens (id, org_id, user_id, name, prefix, token_hash) values ($1, $2, $3, 'test', 'sfx_', $4)`,
    [newId(), rig.tenant.orgId, userId, sha256(token)],
  )
  return token
}
const memberOf = async (clientId: string): Promise<string> => {
  const id = newId()
  await rig.database.query(
    `insert into users (id, org_id, client_id, email, password_hash, role) values ($1, $2, $3, $4, 'x', 'company_admin')`,
    [id, rig.tenant.orgId, clientId, `${id}@agency.example`],
  )
  return tokenOf(id)
}

beforeAll(async () => {
  simulator = await startSimulator()
  const control = createControl(simulator.controlUrl)
  const { token, instanceUrl } = await control.openSession('Acme')
  const database = await createDatabase()
  rig = await createConflictsRig({ database, token, instanceUrl, byQueue: true })
  const secret = new Secret('a secret of at least 32 characters')
  app = await createApp({
    routes: conflictRoutes({ conflicts: rig.conflicts }),
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
  admin = api.as(await tokenOf(rig.caller.userId))
  member = api.as(await memberOf(rig.clientId))
  const other = newId()
  await rig.database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Other')`, [
    other,
    rig.tenant.orgId,
  ])
  foreigner = api.as(await memberOf(other))
})
afterAll(async () => {
  await app.close()
  await rig.close()
  await simulator.close()
})

const bodyOf = (name: string, more: Record<string, unknown> = {}) => ({
  client_id: rig.clientId,
  plan: {
    objects: [
      { api_name: 'Lead', fields: [{ api_name: name, label: name, type: 'Text', length: 40 }] },
    ],
  },
  ...more,
})

describe('the conflict endpoints', () => {
  it('refuse what means nothing, in the order of the contract', async () => {
    const check = (body: unknown) => admin.post('/api/conflicts/check', body)
    const [none, both] = [{ client_id: rig.clientId }, bodyOf('A__c', { workflows: [{}] })]
    expect((await check(none)).status).toBe(422)
    expect((await check(both)).status).toBe(422)
    const workflows = await check({ client_id: rig.clientId, workflows: [{ type: 'flow' }] })
    expect([workflows.status, workflows.body.code]).toEqual([400, 'invalid_plan'])
    expect(workflows.body.errors).toMatchObject([{ path: 'workflows.0.api_name' }])
    const early = await check(bodyOf('A__c'))
    expect([early.status, early.body.code]).toEqual([409, 'no_snapshot'])
    const invalid = await check(bodyOf('Not a name'))
    expect([invalid.status, invalid.body.code]).toEqual([400, 'invalid_plan'])
    expect(invalid.body.errors).toMatchObject([{ path: 'plan.objects.0.fields.0.api_name' }])
    const unknown = await check(bodyOf('A__c', { client_id: newId() }))
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found'])
    expect((await member.post('/api/conflicts/check', bodyOf('A__c'))).status).toBe(403)
  })

  it('answer a finished report with 201, and the same key with the same report', async () => {
    const key = { 'idempotency-key': randomUUID() }
    const body = bodyOf('Keyed__c', { refresh: true, wait_seconds: 55 })
    const made = await admin.post<Report>('/api/conflicts/check', body, key)
    expect([made.status, made.body.status]).toEqual([201, 'complete'])
    expect(made.body.findings.map(({ component }) => component.full_name)).toContain(
      'Lead.Keyed__c',
    )
    const again = await admin.post<Report>('/api/conflicts/check', body, key)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect([again.status, again.body]).toEqual([201, made.body])
  })

  it('answer 202 while the check runs, and name where to look', async () => {
    const started = await admin.post<Report>(
      '/api/conflicts/check',
      bodyOf('Patient__c', { refresh: true, wait_seconds: 0 }),
    )
    expect([started.status, started.body.status]).toEqual([202, 'running'])
    expect(started.headers.get('location')).toBe('/api/conflicts/get')
    const done = await until('the report is complete', async () => {
      const { body } = await admin.post<Report>('/api/conflicts/get', {
        report_id: started.body.id,
      })
      return body.status === 'running' ? null : body
    })
    expect(done).toMatchObject({ status: 'complete', severity: 'green' })
  })

  it("show a client's people its reports, and nobody else's", async () => {
    const { body: made } = await admin.post<Report>('/api/conflicts/check', bodyOf('Shown__c'))
    const get = { report_id: made.id }
    const list = { client_id: rig.clientId }
    expect((await member.post('/api/conflicts/get', get)).body).toEqual(made)
    const listed = await member.post<{ items: Report[] }>('/api/conflicts/list', list)
    expect(listed.body.items[0]).toMatchObject({ id: made.id, severity: made.severity })
    expect(listed.body.items[0]).not.toHaveProperty('findings')
    expect((await foreigner.post('/api/conflicts/get', get)).status).toBe(404)
    expect((await foreigner.post('/api/conflicts/list', list)).status).toBe(404)
  })
})
