// Tested with a third-party client for the real Salesforce.

import { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createNangoControl } from '../nango/control/client.ts'
import { clientOf, startRig, type Rig } from '../testing/rig.ts'

let sim: Rig
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(() => sim.control.reset())
afterAll(() => sim.close())

const connection = async (): Promise<Connection> => {
  const { token, instanceUrl } = await clientOf(sim.control)
  return new Connection({ instanceUrl, accessToken: token, version: '66.0' })
}

describe('jsforce', () => {
  it('learns who it is', async () => {
    const identity = await (await connection()).identity()
    expect(identity.username).toBe('admin@acme.example')
  })

  it('describes the org and an object', async () => {
    const jsforce = await connection()
    const { sobjects } = await jsforce.describeGlobal()
    expect(sobjects.map(({ name }) => name)).toContain('signhere__Envelope__c')
    const lead = await jsforce.describe('Lead')
    expect(lead.fields.find(({ name }) => name === 'Segment__c')?.picklistValues).toHaveLength(3)
  })

  it('reads limits, and the usage that comes with every answer', async () => {
    const jsforce = await connection()
    const limits = await jsforce.limits()
    expect(limits.DailyApiRequests?.Max).toBe(105_000)
    expect(jsforce.limitInfo.apiUsage).toEqual({ used: 1, limit: 105_000 })
  })

  it('queries and retrieves records', async () => {
    const jsforce = await connection()
    const { records } = await jsforce.query<{ Id: string }>(
      "SELECT Id FROM Account WHERE Name = 'Globex'",
    )
    const row = await jsforce.sobject('Account').retrieve(records[0]?.Id ?? '')
    expect(row.Name).toBe('Globex')
  })

  it('retrieves the user it is, although users are no records here', async () => {
    const jsforce = await connection()
    const { user_id } = await jsforce.identity()
    const user = await jsforce.sobject('User').retrieve(user_id)
    expect(user).toMatchObject({ Id: user_id, Username: 'admin@acme.example' })
  })

  it('creates, changes, upserts and deletes a record', async () => {
    const leads = (await connection()).sobject('Lead')
    const { id = '' } = await leads.create({ LastName: 'Judge', Company: 'Court' })
    expect(await leads.update({ Id: id, Title: 'Chief' })).toEqual({
      id,
      success: true,
      errors: [],
    })
    expect((await leads.retrieve(id)).Title).toBe('Chief')
    const keyed = { Source_Key__c: 'j-1', LastName: 'Judge', Company: 'Court' }
    const made = await leads.upsert(keyed, 'Source_Key__c')
    const again = await leads.upsert({ ...keyed, Title: 'x' }, 'Source_Key__c')
    expect([made.success && made.created, again.success && again.created]).toEqual([true, false])
    expect(await leads.destroy(id)).toMatchObject({ id, success: true })
    await expect(leads.retrieve(id)).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
    await expect(leads.create({ Company: 'Court' })).rejects.toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
      message: 'Required fields are missing: [LastName]',
    })
  })

  it('works on collections, and takes all of it or none', async () => {
    const leads = (await connection()).sobject('Lead')
    const rows = Array.from({ length: 250 }, (_, n) => ({ LastName: `L${n}`, Company: 'Court' }))
    const made = await leads.create(rows, { allowRecursive: true })
    expect(made.filter(({ success }) => success)).toHaveLength(250)
    const ids = made.flatMap((result) => (result.success ? [result.id] : []))
    const updated = await leads.update(ids.slice(0, 3).map((Id) => ({ Id, Title: 'x' })))
    expect(updated.map(({ success }) => success)).toEqual([true, true, true])
    const mixed = [{ LastName: 'x', Company: 'Court' }, { Company: 'Court' }]
    const some = await leads.create(mixed)
    expect(some.map(({ success }) => success)).toEqual([true, false])
    const none = await leads.create(mixed, { allOrNone: true })
    expect(none).toMatchObject([
      { success: false, errors: [{ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK' }] },
      { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING' }] },
    ])
    const keyed = [1, 2].map((n) => ({ Source_Key__c: `k${n}`, LastName: 'x', Company: 'Court' }))
    await leads.upsert(keyed, 'Source_Key__c')
    const again = await leads.upsert(keyed, 'Source_Key__c')
    expect(again.map((result) => result.success && result.created)).toEqual([false, false])
    expect((await leads.destroy(ids.slice(0, 200))).every(({ success }) => success)).toBe(true)
    expect(await leads.count()).toBe(250 - 200 + 1 + 1 + 2)
  })

  it('gets the error code of a refusal', async () => {
    const jsforce = await connection()
    await expect(jsforce.describe('Nope')).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
  })

  it('tries again after a 503', async () => {
    const jsforce = await connection()
    await sim.control.addFault({ kind: { type: 'status', status: 503 } })
    expect((await jsforce.describeGlobal()).maxBatchSize).toBe(200)
  })

  it('refreshes its session when it has expired', async () => {
    const answer = await fetch(`${sim.nangoUrl}/connect/sessions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${sim.nangoSecretKey}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ tags: { client: 'c1' }, allowed_integrations: ['salesforce'] }),
    })
    const { data } = (await answer.json()) as { data: { connect_link: string } }
    await sim.control.authorize({ connectLink: data.connect_link, org: 'Acme' })
    const [made] = await createNangoControl(sim.nangoUrl).connections()
    const jsforce = new Connection({
      oauth2: {
        loginUrl: sim.loginUrl,
        clientId: '3MVG9_simulated_consumer_key',
        clientSecret: 'simulated-consumer-secret',
      },
      instanceUrl: String(made?.connection_config.instance_url),
      accessToken: String(made?.access_token),
      refreshToken: String(made?.refresh_token),
      version: '66.0',
    })
    await sim.control.act('sessions/expire', { org: 'Acme' })
    expect((await jsforce.identity()).username).toBe('integration@acme.example')
    expect(jsforce.accessToken).not.toBe(made?.access_token)
  })
})
