// A secret is replaced without invalidating what was signed with it: docs/operations/secrets.md, step by
// step.

import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { apiOf, type Api } from './api.ts'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { createDatabase } from './database.ts'
import { startRig } from './rig.ts'
import { startReceiver, type ReceiverServer } from '../../simulator/src/receiver/server.ts'
import { isSignedWith } from './webhook-signatures.ts'
import { JWT_SECRET, startServer, SUPER_ADMIN_SECRET } from './server-process.ts'

const NEXT_JWT = 'next-jwt-secret-0123456789abcdef-0123456789'
const NEXT_SUPER_ADMIN = 'next-super-admin-secret-0123456789abcdef'
const LOGIN = { email: 'admin@rotation.example', password: 'correct horse battery' }

const statusOf = async (api: Api): Promise<number> => (await api.get('/api/auth/me')).status

const logIn = async (api: Api): Promise<string> =>
  (await api.post<{ access_token: string }>('/api/auth/login', LOGIN)).body.access_token

interface Health {
  ok: boolean
  faults: { code: string; remedy: string }[]
}

/** Sends a test message to the endpoint, and says whether it is signed with this secret. */
const isSigned = async (api: Api, receiver: ReceiverServer, of: { id: string; secret: string }) => {
  const before = receiver.received.length
  const sent = await api.post('/api/webhook-endpoints/test', { endpoint_id: of.id })
  const message = receiver.received[before]
  return sent.status === 200 && message !== undefined && isSignedWith(of.secret, message)
}

describe('a secret that is rotated', () => {
  it('ends no session, no idempotency key and no super-admin while both are named, and the old one’s when it is alone', async () => {
    await using database = await createDatabase()
    await using receiver = await startReceiver()
    const withSecrets = (jwt: string, superAdmin: string) =>
      startServer({
        DATABASE_URL: database.url,
        JWT_SECRET: jwt,
        SUPER_ADMIN_JWT_SECRET: superAdmin,
      })
    const key = { 'idempotency-key': randomUUID() }
    const client = { name: 'Acme' }

    const before = await withSecrets(JWT_SECRET, SUPER_ADMIN_SECRET)
    const bootstrap = apiOf(before.url).as(SUPER_ADMIN_SECRET)
    const org = await bootstrap.post<{ id: string }>('/api/super-admin/orgs', { name: 'Rotating' })
    await bootstrap.post('/api/super-admin/users', {
      org_id: org.body.id,
      role: 'org_admin',
      ...LOGIN,
    })
    const oldSession = await logIn(apiOf(before.url))
    const first = await apiOf(before.url)
      .as(oldSession)
      .post<{ id: string }>('/api/clients/create', client, key)
    const { body: endpoint } = await apiOf(before.url)
      .as(oldSession)
      .post<{ id: string; secret: string }>('/api/webhook-endpoints/create', {
        url: receiver.url('/hook'),
      })
    await before.terminate()

    const during = await withSecrets(
      `${NEXT_JWT},${JWT_SECRET}`,
      `${NEXT_SUPER_ADMIN},${SUPER_ADMIN_SECRET}`,
    )
    const api = apiOf(during.url)
    expect(await statusOf(api.as(oldSession))).toBe(200)
    const again = await api.as(oldSession).post<{ id: string }>('/api/clients/create', client, key)
    expect([again.status, again.body.id]).toEqual([201, first.body.id])
    for (const secret of [NEXT_SUPER_ADMIN, SUPER_ADMIN_SECRET]) {
      expect((await api.as(secret).post('/api/super-admin/orgs/list')).status).toBe(200)
    }
    const newSession = await logIn(api)
    expect(await isSigned(api.as(newSession), receiver, endpoint)).toBe(true)
    await during.terminate()

    const after = await withSecrets(NEXT_JWT, NEXT_SUPER_ADMIN)
    const last = apiOf(after.url)
    expect(await statusOf(last.as(oldSession))).toBe(401)
    expect(await statusOf(last.as(newSession))).toBe(200)
    // Too early for this one: it was not encrypted anew yet, and that is said instead of sending.
    expect(await isSigned(last.as(newSession), receiver, endpoint)).toBe(false)
    expect((await last.as(SUPER_ADMIN_SECRET).post('/api/super-admin/orgs/list')).status).toBe(401)
    await after.terminate()
  })

  it('of Nango’s loses nothing while Nango accepts both, and a revoked one is named', async () => {
    await using rig = await startRig({
      simulator: { orgs: [{ name: 'Acme', edition: 'Unlimited' }] },
    })
    const org = await rig.org()
    const client = await org.client()
    await client.connect('Acme')
    const nango = createNangoControl(rig.simulator.nangoUrl)
    const next = randomUUID()
    await nango.configure({ api_keys: [rig.simulator.nangoSecretKey, next] })
    const renewed = await rig.addServer({ NANGO_SECRET_KEY: next })
    await nango.configure({ api_keys: [next] })

    await rig.simulator.control.act('sessions/expire', { org: 'Acme' }) // so that Nango is asked

    const healthAt = async (url: string) =>
      (
        await apiOf(url, org.token).post<{ status: string; health: Health }>(
          '/api/connections/get',
          { client_id: client.id, check: true },
        )
      ).body
    const refused = await healthAt(rig.servers[0]?.url ?? '')
    expect(refused.status).toBe('connected')
    expect(refused.health.faults).toMatchObject([{ code: 'unknown_account' }])
    expect(refused.health.faults[0]?.remedy).toMatch(/^Nothing is wrong .* NANGO_SECRET_KEY/)
    expect((await healthAt(renewed.url)).health).toMatchObject({ ok: true, faults: [] })
  })
})
