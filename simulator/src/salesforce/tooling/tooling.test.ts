import { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeObject } from '../../org/schema.ts'
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

const rows = async (soql: string) => (await connect().tooling.query(soql)).records

const failing = async (soql: string) =>
  (await connect()
    .tooling.query(soql)
    .then(
      () => undefined,
      (error: unknown) => error,
    )) as { errorCode: string; message: string }

const get = async (path: string) => {
  const response = await fetch(`${server.url}/services/data/v67.0/tooling${path}`, {
    headers: { authorization: `Bearer ${server.tokenOf('Ada')}` },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('Tooling query, tested with jsforce', () => {
  it('knows none of the objects of the schema for a user without View Setup', async () => {
    const profile = [...org.profiles.values()].find(({ name }) => name === 'Standard User')
    profile?.grants.system.delete('ViewSetup')
    onTestFinished(() => void profile?.grants.system.add('ViewSetup'))
    const connection = connect('Rob')
    await expect(
      connection.tooling.query(
        "SELECT Id FROM EntityDefinition WHERE QualifiedApiName = 'Trip__c'",
      ),
    ).rejects.toMatchObject({
      errorCode: 'INVALID_TYPE',
      message: expect.stringContaining(
        "sObject type 'EntityDefinition' is not supported.",
      ) as string,
    })
    await expect(
      connection.query(
        "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Trip__c'",
      ),
    ).rejects.toMatchObject({ errorCode: 'INVALID_TYPE' })
    const { totalSize } = await connection.tooling.query('SELECT Id FROM FlowDefinition')
    expect(totalSize).toBe(1)
  })

  it('answers with size, queryLocator and entityTypeName', async () => {
    const { body } = await get(`/query?q=${encodeURIComponent('SELECT Id FROM FlowDefinition')}`)
    expect(body).toMatchObject({
      size: 1,
      totalSize: 1,
      done: true,
      queryLocator: null,
      entityTypeName: 'FlowDefinition',
    })
  })

  it('shows flow definitions with their versions', async () => {
    const [definition] = await rows(
      'SELECT DeveloperName, ActiveVersionId, ActiveVersion.VersionNumber, LatestVersion.Status, LastModifiedDate FROM FlowDefinition',
    )
    expect(definition).toMatchObject({
      DeveloperName: 'Score_trip',
      ActiveVersion: { VersionNumber: 1 },
      LatestVersion: { Status: 'Draft' },
      LastModifiedDate: '2026-05-01T10:00:00.000+0000',
    })
    expect(String(definition?.['ActiveVersionId'])).toMatch(/^301/)
    expect(
      await rows("SELECT VersionNumber FROM Flow WHERE Definition.DeveloperName = 'Score_trip'"),
    ).toHaveLength(2)
  })

  it('shows fields that the user may not see', async () => {
    const { records } = await connect('Rob').tooling.query(
      "SELECT QualifiedApiName, DataType FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Trip__c' AND QualifiedApiName = 'Miles__c'",
    )
    expect(records).toMatchObject([{ QualifiedApiName: 'Miles__c', DataType: 'Number(8, 2)' }])
  })

  it('gives FullName and Metadata for one row only', async () => {
    const [rule] = await rows(
      "SELECT FullName, Metadata FROM ValidationRule WHERE ValidationName = 'Far_enough'",
    )
    expect(rule).toMatchObject({
      FullName: 'Trip__c.Far_enough',
      Metadata: { active: true, errorDisplayField: 'Miles__c' },
    })
    const error = await failing('SELECT Id, Metadata FROM CustomField')
    expect(error.errorCode).toBe('MALFORMED_QUERY')
    expect(error.message).toContain('no more than one row for retrieval. Result size: 2')
  })

  it('answers a whole row by id', async () => {
    const [field] = await rows("SELECT Id FROM CustomField WHERE DeveloperName = 'Tier'")
    const { status, body } = await get(`/sobjects/CustomField/${String(field?.['Id'])}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      FullName: 'Account.Tier__c',
      TableEnumOrId: 'Account',
      Metadata: {
        type: 'Picklist',
        valueSet: { valueSetDefinition: { value: [{ fullName: 'Gold' }, { fullName: 'Iron' }] } },
      },
    })
    expect((await get('/sobjects/CustomField/00N000000000000AAA')).status).toBe(404)
  })

  it('names the object of setup rows by name or by 01I id', async () => {
    expect(
      await rows(
        'SELECT TableEnumOrId, Status, UsageBeforeInsert, UsageAfterInsert FROM ApexTrigger',
      ),
    ).toMatchObject([
      {
        TableEnumOrId: 'Account',
        Status: 'Active',
        UsageBeforeInsert: true,
        UsageAfterInsert: false,
      },
    ])
    const [layout] = await rows(
      'SELECT TableEnumOrId, EntityDefinition.QualifiedApiName FROM Layout',
    )
    expect(String(layout?.['TableEnumOrId'])).toMatch(/^01I/)
    expect(layout).toMatchObject({ EntityDefinition: { QualifiedApiName: 'Trip__c' } })
  })

  it('finds who mentions a field', async () => {
    const dependents = await rows(
      "SELECT MetadataComponentName, MetadataComponentType FROM MetadataComponentDependency WHERE RefMetadataComponentName = 'Miles' AND RefMetadataComponentType = 'CustomField' ORDER BY MetadataComponentType",
    )
    expect(dependents.map((row) => String(row['MetadataComponentType']))).toEqual([
      'Flow',
      'Flow',
      'Layout',
      'ValidationRule',
    ])
  })

  it('shows installed packages and the limits of an object', async () => {
    expect(
      await rows(
        'SELECT SubscriberPackage.NamespacePrefix, SubscriberPackageVersion.MajorVersion FROM InstalledSubscriberPackage',
      ),
    ).toMatchObject([
      {
        SubscriberPackage: { NamespacePrefix: 'pkg' },
        SubscriberPackageVersion: { MajorVersion: 1 },
      },
    ])
    expect(
      await rows(
        "SELECT Max, Remaining FROM EntityLimit WHERE EntityDefinition.QualifiedApiName = 'Account' AND Type = 'CustomFields'",
      ),
    ).toMatchObject([{ Max: 500, Remaining: 499 }])
  })

  it('refuses more than 2,000 entity definitions', async () => {
    const large = makeTestOrg()
    for (let i = 0; i < 2000; i += 1) makeObject(large, { name: `Big${i}__c`, fields: [] })
    await using other = await serveTestOrg(large)
    const connection = new Connection({
      instanceUrl: other.url,
      accessToken: other.tokenOf('Ada'),
      version: '67.0',
    })
    const query = connection.tooling.query('SELECT QualifiedApiName FROM EntityDefinition LIMIT 10')
    await expect(query).rejects.toMatchObject({
      errorCode: 'EXCEEDED_ID_LIMIT',
      message:
        'EntityDefinition does not support queryMore(), use LIMIT to restrict the results to a single batch',
    })
    const one = "SELECT KeyPrefix FROM EntityDefinition WHERE QualifiedApiName = 'Big7__c'"
    expect((await connection.tooling.query(one)).totalSize).toBe(1)
  })

  it('asks for the object when fields are queried', async () => {
    expect((await failing('SELECT Id FROM FieldDefinition')).errorCode).toBe('MALFORMED_QUERY')
  })

  it('describes none of its objects, and says so', async () => {
    await expect(connect().tooling.describeGlobal()).rejects.toMatchObject({
      errorCode: 'NOT_SIMULATED',
    })
    expect((await get('/sobjects/Flow/describe')).status).toBe(501)
    expect((await get('/sobjects/Nothing/describe')).status).toBe(404)
  })
})
