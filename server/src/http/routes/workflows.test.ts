// The list of automations over real HTTP, each answer checked against its own OpenAPI description.

import { type AddressInfo } from 'node:net'
import { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from '../../../../test/src/api.ts'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { createAuth, newApiToken, sha256 } from '../../domain/auth/auth.ts'
import { createPasswords } from '../../domain/auth/passwords.ts'
import { createListRig, type ListRig } from '../../domain/workflows/testing/list-rig.ts'
import { type WorkflowPage } from '../../domain/workflows/workflows.ts'
import { Secret } from '../../secret.ts'
import { createApp } from '../app.ts'
import { workflowRoutes } from './workflows.ts'

const LIST = '/api/workflows/list'

let rig: ListRig
let app: FastifyInstance
let admin: Api
let manager: Api
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
const personOf = async (clientId: string, role: string): Promise<string> => {
  const id = newId()
  await rig.database.query(
    `insert into users (id, org_id, client_id, email, password_hash, role) values ($1, $2, $3, $4, 'x', $5)`,
    [id, rig.tenant.orgId, clientId, `${id}@agency.example`, role],
  )
  return tokenOf(id)
}

beforeAll(async () => {
  rig = await createListRig(await createDatabase())
  const secret = new Secret('a secret of at least 32 characters')
  app = await createApp({
    routes: workflowRoutes({ workflows: rig.workflows }),
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
  manager = api.as(await personOf(rig.clientId, 'company_admin'))
  member = api.as(await personOf(rig.clientId, 'company_member'))
  const other = newId()
  await rig.database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Other')`, [
    other,
    rig.tenant.orgId,
  ])
  foreigner = api.as(await personOf(other, 'company_admin'))
})
afterAll(async () => {
  await app.close()
  await rig.close()
})

describe('/api/workflows/list', () => {
  it('answers live by default, and from a snapshot once there is one', async () => {
    const body = { client_id: rig.clientId, object: 'Lead' }
    const live = await admin.post<WorkflowPage>(LIST, body)
    expect([live.status, live.body.source, live.body.total]).toEqual([200, 'live', 3])
    expect(live.body.execution_order?.map(({ event }) => event)).toEqual(['create', 'update'])
    const none = await admin.post(LIST, { ...body, source: 'snapshot' })
    expect([none.status, none.body.code]).toEqual([409, 'no_snapshot'])
    await rig.pull()
    const stored = await admin.post<WorkflowPage>(LIST, { ...body, source: 'snapshot' })
    expect([stored.status, stored.body.snapshot_version]).toEqual([200, 1])
    expect(stored.body.items.map(({ api_name: name }) => name)).toEqual(
      live.body.items.map(({ api_name: name }) => name),
    )
  })

  it('is for those who may read workflows, of their own client', async () => {
    const body = { client_id: rig.clientId, types: ['flow'] }
    expect((await manager.post(LIST, body)).status).toBe(200)
    expect((await member.post(LIST, body)).status).toBe(403)
    const foreign = await foreigner.post(LIST, body)
    const absent = await admin.post(LIST, { ...body, client_id: newId() })
    expect([foreign.status, absent.status]).toEqual([404, 404])
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...absent.body, request_id: '' })
  })

  it('pages by its cursor, and refuses what does not fit', async () => {
    const body = { client_id: rig.clientId, limit: 10 }
    const first = await admin.post<WorkflowPage>(LIST, body)
    const second = await admin.post<WorkflowPage>(LIST, {
      ...body,
      cursor: first.body.next_cursor,
    })
    const all = [...first.body.items, ...second.body.items]
    expect(new Set(all.map(({ type, api_name: name }) => `${type}/${name}`)).size).toBe(
      first.body.total,
    )
    const cursor = await admin.post(LIST, { ...body, cursor: 'x' })
    expect([cursor.status, cursor.body.code]).toEqual([400, 'invalid_cursor'])
    for (const bad of [{ types: ['macro'] }, { types: [] }, { object: 'A B' }, { limit: 201 }]) {
      expect((await admin.post(LIST, { ...body, ...bad })).status).toBe(422)
    }
  })
})
