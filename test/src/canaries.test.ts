// Secrets are planted and searched for: no token, password, key or secret may be in any answer (except
// the one that issues it), log line or table.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { JWT_SECRET, logOf, SUPER_ADMIN_SECRET } from './server-process.ts'
import { PASSWORD, startRig, type Rig } from './rig.ts'

let rig: Rig
/** Every answer of the server in this file, with its source. */
const answers: { url: string; text: string }[] = []
const realFetch = globalThis.fetch

beforeAll(async () => {
  globalThis.fetch = async (input, init) => {
    const response = await realFetch(input, init)
    const url = input instanceof Request ? input.url : input.toString()
    answers.push({ url, text: await response.clone().text() })
    return response
  }
  rig = await startRig({ simulator: true, environment: { LOG_LEVEL: 'trace' } })
})
afterAll(async () => {
  globalThis.fetch = realFetch
  await rig[Symbol.asyncDispose]()
})

it('nothing secret is in an answer, a log line or a table after everything was done that handles secrets', async () => {
  const { control } = rig.simulator
  const org = await rig.org()
  const client = await org.client()
  await client.connect()
  const nango = createNangoControl(rig.simulator.nangoUrl)
  await client.pull()
  await control.act('sessions/expire', { org: 'Acme' })
  await org.api.post('/api/connections/get', { client_id: client.id, check: true })
  await org.api.post('/api/connections/refresh', { client_id: client.id })
  await org.api.post('/api/tokens/create', { name: 'x' }, { 'idempotency-key': 'once' })
  await org.api.post('/api/auth/change-password', {
    current_password: 'wrong',
    new_password: `${PASSWORD}!`,
  })
  // Secrets leak most easily in faults: Salesforce and Nango fail and quote the request.
  const [held] = await nango.connections()
  const token = held?.access_token ?? ''
  await control.addFault({
    org: 'Acme',
    path: '*limits*',
    kind: {
      type: 'status',
      status: 400,
      errorCode: 'INVALID_HEADER',
      message: `Bad header Authorization: Bearer ${token}`,
    },
  })
  await org.api.post('/api/connections/get', { client_id: client.id, check: true })
  await nango.addFault({
    path: '/connections/*',
    times: 5,
    status: 500,
    body: {
      error: {
        code: 'server_error',
        message: `key ${rig.simulator.nangoSecretKey} token ${token}`,
      },
    },
  })
  await org.api.post('/api/connections/refresh', { client_id: client.id })
  await nango.clearFaults()
  const attempt = await org.api.post<{ session_token: string; connect_link: string }>(
    '/api/connections/create',
    { client_id: client.id },
  )
  await org.api.post('/api/connections/revoke', { client_id: client.id })

  const secrets: Record<string, string> = {
    'Salesforce access token': token,
    'Salesforce refresh token': held?.refresh_token ?? '',
    'Nango key': rig.simulator.nangoSecretKey,
    'Nango signing key': rig.simulator.nangoWebhookSigningKey,
    'connect session token': attempt.body.session_token,
    password: PASSWORD,
    'API token': org.token,
    'JWT secret': JWT_SECRET,
    'super-admin secret': SUPER_ADMIN_SECRET,
  }
  for (const [name, secret] of Object.entries(secrets))
    expect(secret.length, `${name} was planted`).toBeGreaterThan(20)

  const serverUrl = rig.servers[0]?.url ?? ''
  const ours = answers.filter(({ url }) => url.startsWith(serverUrl))
  expect(ours.length).toBeGreaterThan(15)
  const handsOut: Record<string, RegExp> = {
    'API token': /\/api\/tokens\/create$/,
    'connect session token': /\/api\/connections\/create$/,
  }
  const logs = await logOf(rig.servers)
  expect(logs.length).toBeGreaterThan(1000)
  const tables = await rig.database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  expect(tables.length).toBeGreaterThan(20)
  for (const [name, secret] of Object.entries(secrets)) {
    const leaking = ours.filter(
      ({ url, text }) => text.includes(secret) && handsOut[name]?.test(url) !== true,
    )
    expect(
      leaking.map(({ url }) => url),
      `${name} in an answer`,
    ).toEqual([])
    expect(logs.includes(secret), `${name} in the log`).toBe(false)
    for (const table of tables) {
      const [found] = await rig.database.query<{ n: number }>(
        `select count(*)::int as n from ${table.name} as t where position($1 in t::text) > 0
            or position($2 in t::text) > 0`,
        [secret, Buffer.from(secret).toString('hex')],
      )
      expect(found?.n, `${name} in ${table.name}`).toBe(0)
    }
  }
})
