// When a token is refreshed and how failures appear, compared with recordings from Nango 0.71.
import { describe, expect, it } from 'vitest'
import { activeFor, masked, until, useRig } from './testing/rig.ts'

const rig = useRig()

const FAILED =
  'The external API returned an error when trying to refresh the access token. Please try again later.'
const DAY_MS = 24 * 60 * 60 * 1000

interface Shown {
  credentials: { access_token: string; refresh_token?: string; raw: Record<string, unknown> }
  connection_config: Record<string, unknown>
  errors: unknown[]
  updated_at: string
  last_fetched_at: string
}

async function shown(id: string, query = ''): Promise<Shown> {
  const answer = await rig.fetchConnection(id, query)
  expect(answer.status).toBe(200)
  return answer.body as unknown as Shown
}

const tokenOf = async (id: string, query = '') => (await shown(id, query)).credentials.access_token

const refreshesOf = async (id: string) => (await rig.control.counters()).refreshes[id] ?? 0

const endedGrant = () => {
  rig.salesforce.refreshRefusal = {
    status: 400,
    body: JSON.stringify({
      error: 'invalid_grant',
      error_description: 'expired access/refresh token',
    }),
  }
}

const refusal = (message: string, errors: unknown[] = [{ type: 'auth', log_id: '<log id>' }]) => ({
  error: {
    code: 'invalid_credentials',
    message,
    payload: {
      connection: {
        id: 1,
        connection_id: '<uuid4>',
        provider_config_key: 'salesforce',
        provider: 'salesforce',
        errors,
        end_user: null,
        tags: { client_id: 'c1' },
        metadata: null,
        connection_config: { instance_url: rig.salesforce.url },
        webhook_url_override: null,
        created_at: '<time+00:00>',
        updated_at: '<time+00:00>',
        last_fetched_at: '<time+00:00>',
        credentials: {},
      },
    },
  },
})

describe('a plain fetch', () => {
  it('introspects at Salesforce and answers in the recorded shape', async () => {
    const id = await rig.connect({
      tags: { organization_id: 'o1', attempt_id: 'a1', client_id: 'c1' },
    })
    const { body } = await rig.fetchConnection(id)
    expect(masked(body)).toEqual({
      id: 1,
      connection_id: '<uuid4>',
      provider_config_key: 'salesforce',
      provider: 'salesforce',
      errors: [],
      end_user: null,
      tags: { client_id: 'c1', attempt_id: 'a1', organization_id: 'o1' },
      metadata: null,
      connection_config: { instance_url: rig.salesforce.url },
      webhook_url_override: null,
      created_at: '<time+00:00>',
      updated_at: '<time+00:00>',
      last_fetched_at: '<time+00:00>',
      credentials: {
        type: 'OAUTH2',
        access_token: '<access token>',
        raw: {
          access_token: '<access token>',
          signature: 'c2lnbmF0dXJl',
          scope: 'refresh_token api id',
          instance_url: rig.salesforce.url,
          id: 'https://login.salesforce.com/id/00DWs000001AbCdMAK/005Ws000001XyZaIAK',
          token_type: 'Bearer',
          issued_at: '1795379673197',
        },
      },
    })
    expect(Object.keys(body.tags as object)).toEqual(['client_id', 'attempt_id', 'organization_id'])
    expect(rig.salesforce.calledWith('introspect')).toEqual([
      {
        token: (body as unknown as Shown).credentials.access_token,
        client_id: '3MVG9client',
        client_secret: 'secret',
        token_type_hint: 'access_token',
      },
    ])
    expect(await refreshesOf(id)).toBe(0)
  })

  it.each([
    ['is inactive', async () => ({ status: 200, body: { active: false } })],
    ['has no exp', async () => ({ status: 200, body: { active: true } })],
    ['ends in 10 minutes', activeFor(10 * 60)],
    ['may not be introspected', async () => ({ status: 401, body: { error: 'invalid_client' } })],
  ])('refreshes a token that %s, on every fetch', async (_name, introspection) => {
    const id = await rig.connect()
    rig.salesforce.introspection = introspection
    const tokens = [await tokenOf(id), await tokenOf(id)]
    expect(new Set(tokens).size).toBe(2)
    expect(await refreshesOf(id)).toBe(2)
    const [, refresh] = rig.salesforce.calledWith('token')
    expect(Object.keys(refresh ?? {})).toEqual([
      'grant_type',
      'refresh_token',
      'client_id',
      'client_secret',
    ])
  })

  it('refreshes when the connection has no instance_url to introspect at', async () => {
    const id = await rig.connect()
    await rig.control.editConnection(id, { connection_config: { instance_url: null } })
    await tokenOf(id)
    expect(await refreshesOf(id)).toBe(1)
    expect(rig.salesforce.calledWith('introspect')).toEqual([])
  })
})

describe('a forced refresh', () => {
  it('gets a new token without introspection and moves updated_at', async () => {
    const id = await rig.connect()
    const before = await shown(id)
    rig.salesforce.calls = []
    const after = await shown(id, '&force_refresh=true')
    expect(after.credentials.access_token).not.toBe(before.credentials.access_token)
    expect(after.updated_at).toBe(after.last_fetched_at)
    expect(rig.salesforce.calls.map(({ path }) => path)).toEqual(['/services/oauth2/token'])
  })

  it('leaves connection_config.instance_url as the connect wrote it', async () => {
    const id = await rig.connect()
    rig.salesforce.instanceUrl = rig.salesforce.url.replace('127.0.0.1', 'localhost')
    const after = await shown(id, '&force_refresh=true')
    expect(after.connection_config.instance_url).toBe(rig.salesforce.url)
    expect(after.credentials.raw.instance_url).toBe(rig.salesforce.instanceUrl)
  })

  it('stores a rotated refresh token, and shows it only on request', async () => {
    const id = await rig.connect()
    rig.salesforce.rotatedRefreshToken = '5Aep861_rot_1'
    const after = await shown(id, '&force_refresh=true&refresh_token=true')
    expect(after.credentials.refresh_token).toBe('5Aep861_rot_1')
    expect(Object.keys(after.credentials.raw)).toEqual([
      'access_token',
      'refresh_token',
      'signature',
      'scope',
      'instance_url',
      'id',
      'token_type',
      'issued_at',
    ])
    const plain = await shown(id)
    expect(plain.credentials).not.toHaveProperty('refresh_token')
    expect(plain.credentials.raw).not.toHaveProperty('refresh_token')
    await shown(id, '&force_refresh=true')
    expect(rig.salesforce.calledWith('token').at(-1)?.refresh_token).toBe('5Aep861_rot_1')
  })
})

describe('fetches at the same time', () => {
  /** Resolves when the journal has `count` fetches with exactly this query. */
  const arrived = (count: number, query = '') =>
    until(async () => {
      const entries = await rig.control.journal()
      return entries.filter(({ url }) => url.endsWith(`=salesforce${query}`)).length === count
    })

  it.each([
    ['one refresh when forced', '&force_refresh=true', [undefined, 1]],
    ['one introspection and one refresh when expired', '', [1, 1]],
  ])('share %s', async (_name, query, expected) => {
    const id = await rig.connect()
    rig.salesforce.introspection = async () => ({ status: 200, body: { active: false } })
    const release = rig.salesforce.hold()
    const fetches = Array.from({ length: 10 }, () => tokenOf(id, query))
    await arrived(10, query)
    release()
    expect(new Set(await Promise.all(fetches)).size).toBe(1)
    const counters = await rig.control.counters()
    expect([counters.introspections[id], counters.refreshes[id]]).toEqual(expected)
  })

  it('give a forced refresh that joins a plain fetch the OLD token', async () => {
    const id = await rig.connect()
    const before = (await rig.control.connections())[0]?.access_token
    const release = rig.salesforce.hold()
    const plain = tokenOf(id)
    await until(() => rig.salesforce.calledWith('introspect').length === 1)
    const forced = tokenOf(id, '&force_refresh=true')
    await arrived(1, '&force_refresh=true')
    release()
    expect(await Promise.all([plain, forced])).toEqual([before, before])
    expect(await refreshesOf(id)).toBe(0)
  })
})

describe('a refresh that fails', () => {
  it('is 400 with the connection, an error on it, and a webhook', async () => {
    const id = await rig.connect()
    endedGrant()
    const answer = await rig.fetchConnection(id, '&force_refresh=true')
    expect(answer.status).toBe(400)
    expect(masked(answer.body)).toEqual(refusal(FAILED))
    const list = await rig.api('GET', `/connections?connectionId=${id}`)
    expect(masked(list.body)).toMatchObject({
      connections: [{ errors: [{ type: 'auth', log_id: '<log id>' }] }],
    })
    await until(() => rig.hook.received.length === 2)
    expect(rig.hook.bodies()[1]).toEqual({
      authMode: 'OAUTH2',
      connectionId: id,
      environment: 'prod',
      error: { description: FAILED, type: 'refresh_token_external_error' },
      from: 'nango',
      operation: 'refresh',
      provider: 'salesforce',
      providerConfigKey: 'salesforce',
      success: false,
      tags: { client_id: 'c1' },
      type: 'auth',
    })
  })

  it.each([
    [
      'Salesforce is down',
      async () => {
        rig.salesforce.refreshRefusal = { status: 503, body: 'Service Unavailable' }
      },
    ],
    ['a test refuses it', () => rig.control.refuseRefresh({ times: 1 })],
  ])('looks the same when %s', async (_name, arrange) => {
    const id = await rig.connect()
    await arrange()
    const answer = await rig.fetchConnection(id, '&force_refresh=true')
    expect(answer.status).toBe(400)
    expect(masked(answer.body)).toEqual(refusal(FAILED))
  })

  it('looks the same when the token host is dead', async () => {
    const id = await rig.connect()
    await rig.control.editConnection(id, { connection_config: { hostname: '127.0.0.1:1' } })
    const answer = await rig.fetchConnection(id, '&force_refresh=true')
    expect(answer).toMatchObject({ status: 400, body: { error: { message: FAILED } } })
  })

  it('backs off for 30 s with 424, even while the old token works; force goes through', async () => {
    const id = await rig.connect()
    endedGrant()
    await rig.fetchConnection(id, '&force_refresh=true')
    const waiting = await rig.fetchConnection(id)
    expect(waiting.status).toBe(424)
    expect(masked(waiting.body)).toEqual(
      refusal('A recent refresh attempt failed. Backing off before retrying.'),
    )
    expect((await rig.fetchConnection(id, '&force_refresh=true')).status).toBe(400)
    expect(await refreshesOf(id)).toBe(2)

    await rig.control.advanceClock(30_000)
    // The old token is still active: 200, with the error listed until a refresh succeeds.
    expect((await shown(id)).errors).toHaveLength(1)
    expect((await shown(id)).errors).toHaveLength(1)
    rig.salesforce.refreshRefusal = undefined
    expect((await shown(id, '&force_refresh=true')).errors).toEqual([])
    // No webhook for waiting or for recovery: one creation, two failed attempts.
    await until(() => rig.hook.received.length === 3)
    expect((await rig.control.webhooks()).length).toBe(3)
  })

  it('is exhausted after failures on four days, until a forced refresh succeeds', async () => {
    // From noon, so that no day ends between two failures of the same round.
    await rig.control.advanceClock(DAY_MS * 1.5 - (Date.now() % DAY_MS))
    const id = await rig.connect()
    endedGrant()
    rig.salesforce.introspection = async () => ({ status: 200, body: { active: false } })
    for (let day = 1; day <= 4; day += 1) {
      expect((await rig.fetchConnection(id)).status).toBe(400)
      expect((await rig.fetchConnection(id, '&force_refresh=true')).status).toBe(400)
      expect((await rig.control.connections())[0]).toMatchObject({
        failed_days: day,
        exhausted: day === 4,
      })
      await rig.control.advanceClock(DAY_MS)
    }
    const exhausted = await rig.fetchConnection(id)
    expect(exhausted.status).toBe(424)
    expect(masked(exhausted.body)).toEqual(
      refusal('The refresh limit has been reached for this connection.'),
    )
    rig.salesforce.refreshRefusal = undefined
    await tokenOf(id, '&force_refresh=true')
    expect((await rig.fetchConnection(id)).status).toBe(200)
  })
})
