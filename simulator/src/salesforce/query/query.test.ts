import { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTestOrg, serveTestOrg, type TestServer } from '../testing/test-org.ts'

let server: TestServer
const org = makeTestOrg()

beforeAll(async () => {
  server = await serveTestOrg(org)
})
afterAll(() => server[Symbol.asyncDispose]())

const connect = (firstName = 'Ada') =>
  new Connection({
    instanceUrl: server.url,
    accessToken: server.tokenOf(firstName),
    version: '67.0',
  })

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/services/data/v67.0${path}`, {
    headers: { authorization: `Bearer ${server.tokenOf('Ada')}`, ...headers },
  })

const failing = async (soql: string, firstName = 'Ada') =>
  (await connect(firstName)
    .query(soql)
    .then(
      () => undefined,
      (error: unknown) => error,
    )) as { errorCode: string; message: string }

describe('REST query, tested with jsforce', () => {
  it('answers records with their attributes, references and computed compounds', async () => {
    const { totalSize, done, records } = await connect().query(
      'SELECT Id, Name, Account.Name, Account.BillingAddress, Owner.Name FROM Contact',
    )
    expect({ totalSize, done }).toEqual({ totalSize: 1, done: true })
    const [contact] = records
    expect(contact).toMatchObject({
      attributes: {
        type: 'Contact',
        url: `/services/data/v67.0/sobjects/Contact/${contact?.['Id']}`,
      },
      Name: 'Jo Roe',
      Account: { Name: 'Account 000', BillingAddress: { street: null, city: 'Oslo' } },
      Owner: { attributes: { type: 'Name' }, Name: 'Ada Admin' },
    })
  })

  it('pages with queryMore by the batch size that was asked for', async () => {
    const connection = connect()
    const headers = { 'Sforce-Query-Options': 'batchSize=200' }
    const first = await connection.query('SELECT Name FROM Account ORDER BY Name', { headers })
    expect(first).toMatchObject({ totalSize: 450, done: false })
    expect(first.nextRecordsUrl).toMatch(/\/services\/data\/v67\.0\/query\/01g\w{15}-200$/)
    const second = await connection.queryMore(first.nextRecordsUrl ?? '')
    expect(second.nextRecordsUrl).toMatch(/-400$/)
    const third = await connection.queryMore(second.nextRecordsUrl ?? '')
    expect(third).toMatchObject({ totalSize: 450, done: true })
    const names = [first, second, third].flatMap(({ records }) =>
      records.map(({ Name }) => String(Name)),
    )
    expect(new Set(names).size).toBe(450)
  })

  it('refuses a URI of more than 16 KB', async () => {
    const soql = `SELECT Id FROM Account WHERE Name = '${'x'.repeat(17_000)}'`
    expect([414, 431]).toContain((await get(`/query?q=${encodeURIComponent(soql)}`)).status)
  })

  it('refuses a locator that it did not give', async () => {
    const response = await get('/query/01g000000000000AAA-2000')
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual([
      { message: 'invalid query locator', errorCode: 'INVALID_QUERY_LOCATOR' },
    ])
  })

  it('shows deleted rows to queryAll only', async () => {
    const soql = "SELECT Id FROM Account WHERE Name = 'Gone'"
    expect((await connect().query(soql)).totalSize).toBe(0)
    expect((await connect().query(soql, { scanAll: true })).totalSize).toBe(1)
  })

  it('counts and aggregates', async () => {
    expect((await connect().query('SELECT count() FROM Account')).totalSize).toBe(450)
    const { records } = await connect().query(
      'SELECT Tier__c, COUNT(Id) n FROM Account GROUP BY Tier__c ORDER BY Tier__c',
    )
    expect(records).toMatchObject([
      { Tier__c: 'Gold', n: 225 },
      { Tier__c: 'Iron', n: 225 },
    ])
  })

  it('reads child rows and translates labels', async () => {
    const { records } = await connect().query(
      "SELECT toLabel(Tier__c), (SELECT LastName FROM Contacts) FROM Account WHERE Name = 'Account 000'",
    )
    expect(records).toMatchObject([
      {
        Tier__c: 'Gold tier',
        Contacts: { totalSize: 1, done: true, records: [{ LastName: 'Roe' }] },
      },
    ])
  })

  it('treats a field without field-level security as nonexistent', async () => {
    const soql = 'SELECT Tier__c FROM Account LIMIT 1'
    expect((await connect('Ada').query(soql)).totalSize).toBe(1)
    const error = await failing(soql, 'Rob')
    expect(error.errorCode).toBe('INVALID_FIELD')
    expect(error.message).toContain("No such column 'Tier__c' on entity 'Account'")
  })

  it('answers the errors of the engine as 400, and what it does not evaluate as 501', async () => {
    expect((await failing('SELECT Id FROM Acount')).errorCode).toBe('INVALID_TYPE')
    expect((await failing('SELECT Id FRM Account')).errorCode).toBe('MALFORMED_QUERY')
    const response = await get(`/query?q=${encodeURIComponent('SELECT FORMAT(Name) FROM Account')}`)
    expect(response.status).toBe(501)
  })
})

describe('setup entities', () => {
  it('shows people, permissions, queues and rules', async () => {
    const query = async (soql: string) => (await connect().query(soql)).records
    expect(
      await query("SELECT Name, Profile.Name FROM User WHERE Username = 'ada@example.com'"),
    ).toMatchObject([{ Name: 'Ada Admin', Profile: { Name: 'System Administrator' } }])
    expect(
      await query(
        "SELECT Field, PermissionsEdit FROM FieldPermissions WHERE Parent.Name = 'TripAccess' ORDER BY Field",
      ),
    ).toMatchObject([
      { Field: 'Account.Tier__c', PermissionsEdit: false },
      { Field: 'Trip__c.Miles__c', PermissionsEdit: true },
    ])
    expect(
      await query(
        "SELECT Assignee.Name FROM PermissionSetAssignment WHERE PermissionSet.Name = 'TripAccess'",
      ),
    ).toMatchObject([{ Assignee: { Name: 'Ada Admin' } }])
    expect(await query('SELECT Queue.Name, SobjectType FROM QueueSobject')).toMatchObject([
      { Queue: { Name: 'Triage' }, SobjectType: 'Trip__c' },
    ])
    expect(await query('SELECT Name, SobjectType, Active FROM AssignmentRule')).toMatchObject([
      { Name: 'Standard', SobjectType: 'Lead', Active: true },
    ])
    expect(
      await query('SELECT ApiName, IsActive, VersionNumber FROM FlowDefinitionView'),
    ).toMatchObject([{ ApiName: 'Score_trip', IsActive: true, VersionNumber: 1 }])
    expect(await query('SELECT Name, IsSandbox FROM Organization')).toMatchObject([
      { Name: 'Test', IsSandbox: false },
    ])
  })
})
