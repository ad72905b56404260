// What can block a client's connection since 2026, from the Salesforce org to the caller.

import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'

interface Checked {
  health: { faults: { code: string; possible_causes: { code: string; remedy: string }[] }[] }
}

let rig: SharedRig
let salesforceOrg: SalesforceOrg
let org: TestOrg
let client: TestClient

beforeAll(async () => {
  rig = await sharedRig()
  salesforceOrg = await rig.salesforceOrg()
  org = await rig.org()
})

const act: SharedRig['simulator']['control']['act'] = (...call) =>
  rig.simulator.control.act(...call)

const set = (settings: Record<string, unknown>) =>
  act('orgs/update', { org: salesforceOrg.name, settings })
const user = (changes: Record<string, unknown>) =>
  act('users/update', {
    org: salesforceOrg.name,
    username: salesforceOrg.usernameOf('integration'),
    ...changes,
  })

afterEach(async () => {
  await set({ app: 'installed', refreshAddressAllowed: true })
  await user({ active: true, frozen: false })
  await org.api.post('/api/connections/revoke', { client_id: client.id })
})

const connected = async () => {
  client = await org.client()
  await client.connect(salesforceOrg.name)
}

describe('a refresh that Salesforce refuses', () => {
  it.each([
    ['user_frozen', () => user({ frozen: true })],
    ['user_inactive', () => user({ active: false })],
    ['app_blocked', () => set({ app: 'blocked' })],
    ['ip_not_allowlisted', () => set({ refreshAddressAllowed: false })],
  ] as const)('because of %s names that among what may be behind it', async (cause, happen) => {
    await connected()
    await happen()
    const refused = await org.api.post<{ code: string }>('/api/connections/refresh', {
      client_id: client.id,
    })
    expect([refused.status, refused.body.code]).toEqual([502, 'nango_error'])
    await act('sessions/expire', {
      org: salesforceOrg.name,
      username: salesforceOrg.usernameOf('integration'),
    })
    const { body } = await org.api.post<Checked>('/api/connections/get', {
      client_id: client.id,
      check: true,
    })
    const causes = body.health.faults.flatMap(({ possible_causes }) => possible_causes)
    expect(causes.map(({ code }) => code)).toContain(cause)
    for (const { remedy } of causes) expect(remedy).not.toBe('')
  })
})

describe('an authorization that Salesforce turns away', () => {
  it.each(['blocked', 'not_installed'] as const)(
    '(%s) is not one that is merely late',
    async (app) => {
      client = await org.client()
      await set({ app })
      await expect(client.connect(salesforceOrg.name)).rejects.toThrow('the authorization failed')
      const asked = await org.api.post<{ code: string; errors: { code: string }[] }>(
        '/api/connections/callback',
        { client_id: client.id },
      )
      expect(asked.body.code).toBe('connection_not_ready')
      expect(asked.body.errors.map(({ code }) => code)).toEqual(
        expect.arrayContaining(['app_blocked', 'app_not_installed', 'mfa_required']),
      )
    },
  )
})
