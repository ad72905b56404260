import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, fieldNames, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

const described = (headers: Record<string, string> = {}) =>
  admin.get('/sobjects/Lead/describe', headers)

describe('every answer', () => {
  it("carries Salesforce's headers and the usage so far", async () => {
    const { headers } = await admin.get('/limits')
    expect(headers.get('sforce-limit-info')).toBe('api-usage=1/105000')
    expect(headers.get('content-type')).toBe('application/json;charset=UTF-8')
    expect(headers.get('cache-control')).toContain('no-store')
    expect(headers.get('strict-transport-security')).toContain('max-age')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-robots-tag')).toBe('none')
    expect(headers.get('vary')).toBe('Accept-Encoding')
    expect(headers.get('set-cookie')).toContain('BrowserId=')
  })

  it('is zipped when asked for, and only then', async () => {
    const zipped = await admin.get('/sobjects', { 'accept-encoding': 'gzip' })
    const plain = await admin.get('/sobjects', { 'accept-encoding': 'identity' })
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(await zipped.text()).toBe(await plain.text())
  })

  it('is the same for a path that begins with two slashes', async () => {
    expect((await admin.get('//services/data/v66.0/limits')).status).toBe(200)
  })
})

describe('a session', () => {
  it('holds only at the host of its own org', async () => {
    const other = await clientOf(sim.control, 'Acme Sandbox')
    const answer = await fetch(`${other.instanceUrl}/services/data/v66.0/limits`, {
      headers: { authorization: `Bearer ${admin.token}` },
    })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toEqual([
      { message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' },
    ])
    expect((await other.get('/limits')).status).toBe(200)
  })

  it('ends with its user', async () => {
    await sim.control.act('users/update', {
      org: 'Acme',
      username: 'admin@acme.example',
      active: false,
    })
    expect((await admin.get('/limits')).status).toBe(401)
  })
})

describe('versions', () => {
  it('are listed without a session, oldest first, as v31.0 to v68.0', async () => {
    const list = await bodyOf<{ label: string; url: string; version: string }[]>(
      await fetch(`${admin.instanceUrl}/services/data`),
    )
    expect(list[0]).toEqual({ label: "Summer '14", url: '/services/data/v31.0', version: '31.0' })
    expect(list.at(-1)).toEqual({
      label: "Winter '27",
      url: '/services/data/v68.0',
      version: '68.0',
    })
  })

  it('that are retired answer 410, those to come 404', async () => {
    expect((await admin.get('/services/data/v30.0/limits')).status).toBe(410)
    expect((await admin.get('/services/data/v99.0/limits')).status).toBe(404)
  })
})

describe('what there is not', () => {
  it('is NOT_FOUND as Salesforce says it', async () => {
    for (const path of ['/nothing', '/sobjects/Nope', '/sobjects/Account/001000000000001AAA']) {
      const answer = await admin.get(path)
      expect(answer.status).toBe(404)
      expect(await answer.text()).toBe(
        '[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]',
      )
    }
  })

  it('in the simulator, but in Salesforce, is refused with 501', async () => {
    const refused = [
      admin.post('/sobjects/User', { LastName: 'x' }),
      admin.post('/process/rules', {}),
      admin.post('/actions/standard/emailSimple', {}),
      admin.get('/search?q=x'),
      admin.get('/sobjects/Account/updated'),
      admin.get('/sobjects/Account/describe/layouts'),
    ]
    for (const answer of await Promise.all(refused)) {
      expect([answer.url, answer.status]).toEqual([answer.url, 501])
      const [error] = await bodyOf<{ errorCode: string; message: string }[]>(answer)
      expect(error?.errorCode).toBe('NOT_SIMULATED')
    }
  })

  it('as a method is 405', async () => {
    expect((await admin.post('/limits', {})).status).toBe(405)
  })

  it('as an id with a wrong checksum is MALFORMED_ID', async () => {
    const answer = await admin.get('/sobjects/Account/001Ax0000000001AAA')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject([{ errorCode: 'MALFORMED_ID' }])
  })
})

describe('a describe', () => {
  it('is answered 304 without a body until the object changes', async () => {
    const first = await described()
    const modified = first.headers.get('last-modified') ?? ''
    expect(first.headers.get('etag')).toMatch(/^"[0-9a-f]{8}"$/)
    const again = await described({ 'if-modified-since': modified })
    expect(again.status).toBe(304)
    expect(await again.text()).toBe('')
    expect(again.headers.get('last-modified')).toBe(modified)

    const change = { org: 'Acme', object: 'Lead', name: 'Company', changes: { length: 300 } }
    await sim.control.act('schema/alter-field', change)
    const changed = await described({ 'if-modified-since': modified })
    expect(changed.status).toBe(200)
    const { fields } = await bodyOf<{ fields: { name: string; length: number }[] }>(changed)
    expect(fields.find(({ name }) => name === 'Company')?.length).toBe(300)
    expect(
      (await admin.get('/sobjects/Account/describe', { 'if-modified-since': modified })).status,
    ).toBe(304)
  })

  it('is returned again, though equal, after any change of permissions', async () => {
    const first = await described()
    const modified = first.headers.get('last-modified') ?? ''
    await sim.control.act('permissions/touch', { org: 'Acme' })
    const again = await described({ 'if-modified-since': modified })
    expect(again.status).toBe(200)
    expect(await again.text()).toBe(await first.text())
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    const global = await admin.get('/sobjects', { 'if-modified-since': modified })
    expect(global.status).toBe(200)
  })

  it('knows its ETag', async () => {
    const etag = (await described()).headers.get('etag') ?? ''
    expect((await described({ 'if-none-match': etag })).status).toBe(304)
    expect((await described({ 'if-none-match': '"00000000"' })).status).toBe(200)
  })

  it('shows a new field to nobody until it is granted', async () => {
    const field = { name: 'Region__c', type: 'string', length: 20 }
    await sim.control.act('schema/add-field', { org: 'Acme', object: 'Lead', field, grant: false })
    expect(await fieldNames(admin, 'Lead')).not.toContain('Region__c')
    await sim.control.act('permissions/grant-field', { org: 'Acme', field: 'Lead.Region__c' })
    expect(await fieldNames(admin, 'Lead')).toContain('Region__c')
  })

  it('shows each user what this user may see', async () => {
    const restricted = await clientOf(sim.control, 'Acme', 'restricted@acme.example')
    expect(await fieldNames(admin, 'Account')).toContain('AnnualRevenue')
    expect(await fieldNames(restricted, 'Account')).not.toContain('AnnualRevenue')
    expect((await restricted.get('/sobjects/Placement__c/describe')).status).toBe(404)
    await sim.control.act('permissions/assign', {
      org: 'Acme',
      set: 'Placement_Manager',
      username: 'restricted@acme.example',
    })
    expect(await fieldNames(restricted, 'Placement__c')).toContain('Salary__c')
    expect(await fieldNames(restricted, 'Placement__c')).not.toContain('Fee_Percent__c')
  })

  it('shows a reference as a child relationship of its target', async () => {
    const { childRelationships } = await bodyOf<{ childRelationships: unknown[] }>(
      await admin.get('/sobjects/Placement__c/describe'),
    )
    expect(childRelationships).toContainEqual(
      expect.objectContaining({ childSObject: 'Placement_Fee__c', cascadeDelete: true }),
    )
  })

  it('of other content after a reset is not the one that was kept', async () => {
    const add = (name: string) =>
      sim.control.act('schema/add-field', {
        org: 'Acme',
        object: 'Lead',
        field: { name, type: 'string' },
      })
    await add('One__c')
    expect(await fieldNames(admin, 'Lead')).toContain('One__c')
    await sim.control.reset()
    admin = await clientOf(sim.control)
    await add('Two__c')
    const names = await fieldNames(admin, 'Lead')
    expect(names).toContain('Two__c')
    expect(names).not.toContain('One__c')
  })
})

describe('counts', () => {
  it('leave out objects without rows', async () => {
    const answer = await admin.get('/limits/recordCount?sObjects=Account,Lead,Case')
    expect(await answer.json()).toEqual({
      sObjects: [
        { count: 2, name: 'Account' },
        { count: 1, name: 'Lead' },
      ],
    })
  })

  it('of the API calls are in /limits, the header and the journal alike', async () => {
    await admin.get('/sobjects')
    const answer = await admin.get('/limits')
    const { DailyApiRequests } = await bodyOf<{ DailyApiRequests: object }>(answer)
    expect(DailyApiRequests).toEqual({ Max: 105_000, Remaining: 104_998 })
    expect(await sim.control.act('counters', { org: 'Acme' })).toEqual({ requests: 2, apiCalls: 2 })
    expect(await sim.control.act('journal', { org: 'Acme', path: '*/limits' })).toMatchObject([
      { method: 'GET', path: '/services/data/v66.0/limits', status: 200, calls: 1 },
    ])
  })
})
