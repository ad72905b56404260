import { Connection } from '@jsforce/jsforce-node'
import { strFromU8, unzipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeTestOrg, serveTestOrg, type TestServer } from '../testing/test-org.ts'
import { nodes, parseMetadataFile, text } from '../../org/metadata-xml.ts'

let server: TestServer
const org = makeTestOrg()

beforeAll(async () => {
  server = await serveTestOrg(org)
})
afterEach(() => vi.useRealTimers())
afterAll(() => server[Symbol.asyncDispose]())

type RetrieveResult = Awaited<ReturnType<Connection['metadata']['checkRetrieveStatus']>>

const connect = () =>
  new Connection({ instanceUrl: server.url, accessToken: server.tokenOf('Ada'), version: '67.0' })

const list = async (type: string) => {
  const found = await connect().metadata.list([{ type }], '67.0')
  return found.map(({ fullName }) => fullName)
}

async function retrieve(types: { name: string; members: string[] }[]) {
  const { metadata } = connect()
  // Its steps follow the clock: each poll comes 30 ms after the previous one, however long it takes.
  const statuses: string[] = []
  const poll = async (): Promise<RetrieveResult> => {
    const state = await metadata.checkRetrieveStatus(started.id)
    statuses.push(state.status)
    if (state.done || statuses.length > 10) return state
    vi.setSystemTime(Date.now() + 30)
    return poll()
  }
  vi.useFakeTimers({ toFake: ['Date'] })
  const started = await metadata.retrieve({
    apiVersion: '67.0',
    singlePackage: true,
    unpackaged: { types, version: '67.0' },
  } as unknown as Parameters<typeof metadata.retrieve>[0])
  const result = await poll()
  const zip = unzipSync(Buffer.from(result.zipFile, 'base64'))
  const files = Object.entries(zip).map(([path, bytes]) => [path, strFromU8(bytes)] as const)
  return { id: started.id, result, statuses, files: Object.fromEntries(files) }
}

describe('Metadata API, tested with jsforce', () => {
  it('describes the types it serves', async () => {
    const described = await connect().metadata.describe('67.0')
    expect(described).toMatchObject({ partialSaveAllowed: true, testRequired: true })
    const object = described.metadataObjects.find(({ xmlName }) => xmlName === 'CustomObject')
    expect(object).toMatchObject({ directoryName: 'objects', suffix: 'object', inFolder: false })
    expect(object?.childXmlNames).toContain('ValidationRule')
  })

  it('lists the components of each type', async () => {
    expect(await list('CustomObject')).toEqual(['Account', 'Contact', 'Trip__c', 'pkg__Thing__c'])
    expect(await list('CustomField')).toEqual(['Account.Tier__c', 'Trip__c.Miles__c'])
    expect(await list('ValidationRule')).toEqual(['Trip__c.Far_enough'])
    expect(await list('Flow')).toEqual(['Score_trip'])
    expect(await list('Profile')).toEqual(['Admin', 'Standard'])
    expect(await list('RecordType')).toEqual(['Account.Partner'])
    expect(await list('WorkflowRule')).toEqual(['Account.Greet'])
    expect(await list('CustomTab')).toEqual([])
    const [flow] = await connect().metadata.list({ type: 'Flow' }, '67.0')
    expect(flow).toMatchObject({
      fileName: 'flows/Score_trip.flow',
      createdByName: 'Ada Admin',
      manageableState: 'unmanaged',
    })
  })

  it('refuses a fourth list query and an eleventh name', async () => {
    const queries = Array.from({ length: 4 }, () => ({ type: 'Flow' }))
    await expect(connect().metadata.list(queries, '67.0')).rejects.toThrow('EXCEEDED_ID_LIMIT')
    const names = Array.from({ length: 11 }, (_, i) => `X${i}__c`)
    await expect(connect().metadata.read('CustomObject', names)).rejects.toThrow(
      'EXCEEDED_ID_LIMIT',
    )
  })

  it('reads components, and null for one that does not exist', async () => {
    const [field, missing] = await connect().metadata.read('CustomField', [
      'Trip__c.Miles__c',
      'Trip__c.Nope__c',
    ])
    expect(field).toMatchObject({
      fullName: 'Trip__c.Miles__c',
      type: 'Number',
      precision: 10,
      scale: 2,
    })
    expect(missing?.fullName ?? null).toBeNull()
    const object = await connect().metadata.read('CustomObject', 'Trip__c')
    expect(object).toMatchObject({ label: 'Trip', nameField: { type: 'Text' } })
    expect(object.validationRules).toMatchObject([{ fullName: 'Far_enough', active: true }])
  })

  it('reads the active version of a flow by its name, and any version by number', async () => {
    expect(await connect().metadata.read('Flow', 'Score_trip')).toMatchObject({ status: 'Active' })
    expect(await connect().metadata.read('Flow', 'Score_trip-2')).toMatchObject({
      fullName: 'Score_trip-2',
      status: 'Draft',
    })
  })

  it('retrieves a zip in steps, and gives it out once', async () => {
    const { id, files, result, statuses } = await retrieve([
      { name: 'CustomObject', members: ['*'] },
      { name: 'Flow', members: ['*', 'Score_trip-2'] },
      { name: 'AssignmentRules', members: ['Lead'] },
      { name: 'Workflow', members: ['Account'] },
      { name: 'ApexTrigger', members: ['OnAccount'] },
      { name: 'CustomField', members: ['Account.Nope__c'] },
    ])
    expect(id).toMatch(/^09S/)
    expect(statuses).toEqual(['Pending', 'InProgress', 'Succeeded'])
    expect(Object.keys(files).sort()).toEqual([
      'assignmentRules/Lead.assignmentRules',
      'flows/Score_trip-2.flow',
      'flows/Score_trip.flow',
      'objects/Trip__c.object',
      'objects/pkg__Thing__c.object',
      'package.xml',
      'triggers/OnAccount.trigger',
      'triggers/OnAccount.trigger-meta.xml',
      'workflows/Account.workflow',
    ])
    const rules = parseMetadataFile(files['assignmentRules/Lead.assignmentRules'] ?? '')
    const [rule] = nodes(rules.node, 'assignmentRule')
    expect(text(rule, 'fullName')).toBe('Standard')
    expect(result.messages).toMatchObject([
      { problem: "Entity of type 'CustomField' named 'Account.Nope__c' cannot be found" },
    ])
    const again = await connect().metadata.checkRetrieveStatus(id)
    expect(again.success).toBe(true)
    expect(again.zipFile).toBeFalsy()
  })

  it('gives a profile only the permissions of what is retrieved beside it', async () => {
    const admin = [...org.profiles.values()][0]
    admin?.grants.fields.set('trip__c.miles__c', { readable: true, editable: true })
    admin?.grants.fields.set('account.tier__c', { readable: true, editable: true })
    const { files } = await retrieve([
      { name: 'Profile', members: ['Admin'] },
      { name: 'CustomField', members: ['Trip__c.Miles__c'] },
    ])
    const { node } = parseMetadataFile(files['profiles/Admin.profile'] ?? '')
    expect(nodes(node, 'fieldPermissions').map((item) => text(item, 'field'))).toEqual([
      'Trip__c.Miles__c',
    ])
  })

  it('answers a dead session as fault INVALID_SESSION_ID with status 500', async () => {
    const response = await fetch(`${server.url}/services/Soap/m/67.0`, {
      method: 'POST',
      headers: { 'content-type': 'text/xml', soapaction: '""' },
      body: '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader><sessionId>no</sessionId></SessionHeader></e:Header><e:Body><describeMetadata/></e:Body></e:Envelope>',
    })
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('<faultcode>sf:INVALID_SESSION_ID</faultcode>')
  })

  it('refuses calls that it does not do', async () => {
    const { metadata } = connect()
    const rename = metadata.rename('CustomObject', 'Trip__c', 'Journey__c')
    await expect(rename).rejects.toThrow('does not do this: the call renameMetadata')
  })
})
