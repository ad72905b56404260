// What Salesforce has but the simulator does not is refused in the simulator's own words: nobody must
// conclude that Salesforce does not have it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

const query = (soql: string, api = '') => `${api}/query?q=${encodeURIComponent(soql)}`

const soap = (path: string, call: string) =>
  fetch(`${admin.instanceUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml', soapaction: '""' },
    body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader><sessionId>${admin.token}</sessionId></SessionHeader></e:Header><e:Body>${call}</e:Body></e:Envelope>`,
  })

describe('what is not simulated', () => {
  it.each([
    '/tooling/sobjects/ApexClass/01p000000000001AAA',
    '/tooling/sobjects/ApexClass/describe',
    '/tooling/sobjects/CustomField/describe',
    '/tooling/sobjects',
    query('SELECT Id FROM ApexClass', '/tooling'),
    query('SELECT Id FROM StaticResource', '/tooling'),
    '/query?explain=SELECT%20Id%20FROM%20Account',
    '/tooling/query?explain=SELECT%20Id%20FROM%20CustomField',
    query('SELECT Id FROM UserLicense'),
    query('SELECT Id FROM SetupAuditTrail'),
    query('SELECT Id FROM AssetShare'),
    query('SELECT Profile.UserLicense.Name FROM User'),
    '/sobjects/UserLicense/describe',
    '/sobjects/UserLicense',
    '/sobjects/FlowExecutionErrorEvent/describe',
    '/sobjects/SetupAuditTrail/0Ym000000000001AAA',
    '/composite/sobjects/UserLicense?ids=100000000000001AAA&fields=Id',
  ])('is refused with 501: GET %s', async (path) => {
    const answer = await admin.get(path)
    expect(answer.status).toBe(501)
    expect(await answer.json()).toMatchObject([{ errorCode: 'NOT_SIMULATED' }])
  })

  it.each([
    ['/sobjects/UserLicense', { Name: 'A' }],
    ['/tooling/sobjects/ApexClass', { Name: 'A', Body: 'class A {}' }],
    ['/composite/sobjects', { records: [{ attributes: { type: 'UserLicense' }, Name: 'A' }] }],
    ['/jobs/ingest', { object: 'UserLicense', operation: 'insert' }],
  ])('is refused with 501: POST %s', async (path, body) => {
    const answer = await admin.post(path, body)
    expect(answer.status).toBe(501)
    expect(await answer.json()).toMatchObject([{ errorCode: 'NOT_SIMULATED' }])
  })

  it('is refused with 501: a record and its content in one multipart request', async () => {
    const body = new FormData()
    body.set('entity_content', new Blob(['{"PathOnClient":"a.txt"}'], { type: 'application/json' }))
    body.set('VersionData', new Blob(['hi']), 'a.txt')
    const answer = await fetch(`${admin.instanceUrl}/services/data/v67.0/sobjects/ContentVersion`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin.token}` },
      body,
    })
    expect(answer.status).toBe(501)
    expect(await answer.json()).toMatchObject([{ errorCode: 'NOT_SIMULATED' }])
  })

  it.each(['u', 'c', 'T', 's'])('is a SOAP fault with 501: /services/Soap/%s', async (api) => {
    const answer = await soap(`/services/Soap/${api}/67.0`, '<getUserInfo/>')
    expect(answer.status).toBe(501)
    expect(await answer.text()).toContain('<faultcode>sf:NOT_SIMULATED</faultcode>')
  })

  it('is a SOAP fault with 501 for types and calls of the Metadata API', async () => {
    for (const call of [
      '<listMetadata><queries><type>ApexClass</type></queries></listMetadata>',
      '<readMetadata><type>ReportType</type><fullNames>Screenings</fullNames></readMetadata>',
      '<retrieve><retrieveRequest><unpackaged><types><members>*</members><name>ApexClass</name></types></unpackaged></retrieveRequest></retrieve>',
      '<renameMetadata><type>CustomObject</type></renameMetadata>',
    ]) {
      const answer = await soap('/services/Soap/m/67.0', call)
      expect([call, answer.status]).toEqual([call, 501])
      expect(await answer.text()).toContain('sf:NOT_SIMULATED')
    }
  })

  it('is refused with 501 at every address of the hosts that Salesforce answers', async () => {
    for (const base of [admin.instanceUrl, sim.loginUrl]) {
      const answer = await fetch(`${base}/services/apexrest/orders`)
      expect(answer.status).toBe(501)
      expect(await answer.json()).toMatchObject([{ errorCode: 'NOT_SIMULATED' }])
    }
    expect((await fetch(`${admin.instanceUrl}/cometd/67.0`, { method: 'POST' })).status).toBe(501)
  })

  it('is any other value of Sforce-Auto-Assign than TRUE, FALSE and an id', async () => {
    const lead = { LastName: 'Auto', Company: 'Assign' }
    const send = (value: string) =>
      admin.post('/sobjects/Lead', lead, { 'sforce-auto-assign': value })
    expect((await send('banana')).status).toBe(501)
    expect((await send('false')).status).toBe(201)
  })
})

describe('what Salesforce has not either', () => {
  it('is refused as Salesforce refuses it', async () => {
    const unknown = await admin.get(query('SELECT Id FROM Acount'))
    expect(unknown.status).toBe(400)
    expect(await unknown.json()).toMatchObject([{ errorCode: 'INVALID_TYPE' }])
    // Salesforce: scratch orgs exist only in a Dev Hub, and records not in Tooling.
    expect((await admin.get(query('SELECT Id FROM ScratchOrgInfo'))).status).toBe(400)
    expect((await admin.get(query('SELECT Id FROM Account', '/tooling'))).status).toBe(400)
    expect((await admin.get('/sobjects/Acount/describe')).status).toBe(404)
    expect((await admin.get('/tooling/sobjects/Acount/1')).status).toBe(404)
    expect((await fetch(`${admin.instanceUrl}/acount`)).status).toBe(404)
    const fault = await soap(
      '/services/Soap/m/67.0',
      '<listMetadata><queries><type>Banana</type></queries></listMetadata>',
    )
    expect(fault.status).toBe(500)
    expect(await fault.text()).toContain('INVALID_TYPE')
  })
})

describe('the small resources', () => {
  it('give every limit of the guide', async () => {
    const limits = await bodyOf<Record<string, { Max: number; Remaining: number }>>(
      await admin.get('/limits'),
    )
    expect(Object.keys(limits)).toHaveLength(49)
    expect(Object.keys(limits)).toEqual(Object.keys(limits).toSorted())
    expect(limits['PermissionSets']).toMatchObject({ CreateCustom: { Max: 1000 } })
  })

  it('give the organization whole', async () => {
    const { records } = await bodyOf<{ records: Record<string, unknown>[] }>(
      await admin.get(query('SELECT FIELDS(ALL) FROM Organization LIMIT 1')),
    )
    expect(records[0]).toMatchObject({
      FiscalYearStartMonth: 1,
      DefaultLeadAccess: 'ReadEditTransfer',
      DefaultLocaleSidKey: 'en_US',
      ReceivesInfoEmails: true,
    })
    expect(records[0]?.['CreatedById']).toMatch(/^005/)
  })

  it('give the identity whole, under the names of each resource', async () => {
    const headers = { authorization: `Bearer ${admin.token}` }
    const userInfo = await bodyOf<Record<string, string>>(
      await fetch(`${admin.instanceUrl}/services/oauth2/userinfo`, { headers }),
    )
    const id = new URL(userInfo['sub'] ?? '').pathname
    const identity = await bodyOf(await fetch(`${admin.instanceUrl}${id}`, { headers }))
    expect(userInfo).toMatchObject({ zoneinfo: 'GMT', given_name: expect.any(String) as string })
    expect(identity).toMatchObject({
      id: userInfo['sub'],
      username: userInfo['preferred_username'],
      first_name: userInfo['given_name'],
      timezone: 'GMT',
      mobile_phone_verified: false,
      status: { created_date: null, body: null },
      urls: { partner: expect.stringContaining('/services/Soap/u/{version}/00D') as string },
    })
    expect(identity).not.toHaveProperty('given_name')
  })
})
