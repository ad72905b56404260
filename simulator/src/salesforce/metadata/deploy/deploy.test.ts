import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { bodyOf, clientOf, fieldNames, startRig, type Rig } from '../../../testing/rig.ts'
import {
  connect,
  deploy,
  fieldZip,
  file,
  finished,
  manifest,
  OPTIONS,
  problemOf,
  zipOf,
} from './testing/deploys.ts'

let sim: Rig
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(() => sim.control.reset())
afterAll(() => sim.close())

const TEXT = '<length>40</length><type>Text</type>'
const grant = (field: string) =>
  file(
    'PermissionSet',
    `<fieldPermissions><editable>true</editable><field>${field}</field><readable>true</readable></fieldPermissions><label>Deployer</label>`,
  )

const visit = (extra = '', sharing = 'ReadWrite') =>
  file(
    'CustomObject',
    `<deploymentStatus>Deployed</deploymentStatus><label>Visit</label><nameField><displayFormat>V-{0000}</displayFormat><label>Visit No</label><type>AutoNumber</type></nameField><pluralLabel>Visits</pluralLabel><sharingModel>${sharing}</sharingModel>${extra}`,
  )

const visitZip = (extra = '') =>
  zipOf({ CustomObject: ['Visit__c'] }, { 'objects/Visit__c.object': visit(extra) })

const deletion = (type: string, name: string, manifestName = 'destructiveChanges.xml') =>
  zipOf(
    {},
    {
      [manifestName]: file(
        'Package',
        `<types><members>${name}</members><name>${type}</name></types>`,
      ),
    },
  )

describe('a deployment by SOAP, tested with jsforce', () => {
  it('goes from Pending over InProgress to Succeeded, and reports package.xml as a component', async () => {
    const jsforce = await connect(sim, 'Acme')
    await sim.control.act('deploys/pace', { org: 'Acme', pendingMs: 60_000 })
    const { id } = await jsforce.metadata.deploy(fieldZip('Lead.Tier__c', TEXT), OPTIONS)
    expect(id).toMatch(/^0Af.{15}$/)
    const state = () => jsforce.metadata.checkDeployStatus(id ?? '', false)
    expect(await state()).toMatchObject({ status: 'Pending', done: false, success: false })
    await sim.control.act('deploys/pace', { org: 'Acme', pendingMs: 0, runMs: 60_000 })
    await vi.waitFor(async () => expect((await state()).status).toBe('InProgress'), {
      timeout: 60_000,
      interval: 2,
    })
    expect(await state()).toMatchObject({ done: false, numberComponentsTotal: 1 })
    await sim.control.act('deploys/pace', { org: 'Acme' })
    const { result, successes, failures } = await finished(jsforce, id ?? '')
    expect(failures).toEqual([])
    expect(result).toMatchObject({
      success: true,
      done: true,
      checkOnly: false,
      rollbackOnError: true,
      numberComponentsTotal: 1,
      numberComponentsDeployed: 1,
      numberComponentErrors: 0,
      createdByName: 'Ada Admin',
    })
    const entry = successes.find(({ fullName }) => fullName === 'Lead.Tier__c')
    expect(entry).toMatchObject({ componentType: 'CustomField', fileName: 'objects/Lead.object' })
    expect(entry?.id).toMatch(/^00N/)
    expect(successes.find(({ fullName }) => fullName === 'package.xml')).toMatchObject({
      componentType: '',
    })
  })

  it('shows a deployed field only after field-level security grants it', async () => {
    const client = await clientOf(sim.control)
    const jsforce = await connect(sim, 'Acme')
    await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT))
    expect(await fieldNames(client, 'Lead')).not.toContain('Tier__c')
    const granted = await deploy(
      jsforce,
      zipOf(
        { PermissionSet: ['Deployer'] },
        { 'permissionsets/Deployer.permissionset': grant('Lead.Tier__c') },
      ),
    )
    expect(granted.result.status).toBe('Succeeded')
    expect(await fieldNames(client, 'Lead')).not.toContain('Tier__c')
    const user = await jsforce.identity()
    const assignment = jsforce.sobject('PermissionSetAssignment')
    const row = {
      AssigneeId: user.user_id,
      PermissionSetId: granted.successes.find(({ id }) => id?.startsWith('0PS'))?.id,
    }
    const made = await assignment.create(row)
    expect(made).toMatchObject({ success: true })
    expect(await fieldNames(client, 'Lead')).toContain('Tier__c')
    await expect(assignment.create(row)).rejects.toMatchObject({ errorCode: 'DUPLICATE_VALUE' })
    await assignment.destroy(String(made.id))
    expect(await fieldNames(client, 'Lead')).not.toContain('Tier__c')
  })

  it('moves Last-Modified of what it changed, and of nothing else', async () => {
    const client = await clientOf(sim.control)
    const jsforce = await connect(sim, 'Acme')
    const modified = async (object: string) =>
      (await client.get(`/sobjects/${object}/describe`)).headers.get('last-modified') ?? ''
    const before = [await modified('Lead'), await modified('Contact')]
    await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT))
    expect(Date.parse(await modified('Lead'))).toBeGreaterThan(Date.parse(before[0] ?? ''))
    expect(await modified('Contact')).toBe(before[1])
  })

  it('changes nothing with checkOnly, and nothing when one component of several fails', async () => {
    const jsforce = await connect(sim, 'Acme')
    const before = await jsforce.metadata.list([{ type: 'CustomField' }], '67.0')
    const client = await clientOf(sim.control)
    const modified = (await client.get('/sobjects/Lead/describe')).headers.get('last-modified')
    const checked = await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT), { checkOnly: true })
    expect(checked.result).toMatchObject({ status: 'Succeeded', checkOnly: true })
    const mixed = zipOf(
      { CustomField: ['Lead.Good__c', 'Lead.Bad__c'] },
      {
        'objects/Lead.object': file(
          'CustomObject',
          `<fields>\n<fullName>Good__c</fullName><label>Good</label>${TEXT}</fields>\n<fields>\n<fullName>Bad__c</fullName><label>Bad</label><length>300</length><type>Text</type></fields>`,
        ),
      },
    )
    const failed = await deploy(jsforce, mixed)
    expect(failed.result).toMatchObject({
      status: 'Failed',
      success: false,
      numberComponentErrors: 1,
      numberComponentsDeployed: 1,
    })
    expect(failed.failures).toMatchObject([
      {
        fullName: 'Lead.Bad__c',
        problem: 'Invalid length, maximum is: 255',
        problemType: 'Error',
        lineNumber: 6,
      },
    ])
    expect(await jsforce.metadata.list([{ type: 'CustomField' }], '67.0')).toEqual(before)
    expect((await client.get('/sobjects/Lead/describe')).headers.get('last-modified')).toBe(
      modified,
    )
  })

  it('keeps what went well without rollbackOnError, which production refuses', async () => {
    const zip = zipOf(
      { CustomField: ['Lead.Good__c', 'Lead.Gone__c'] },
      {
        'objects/Lead.object': file(
          'CustomObject',
          `<fields><fullName>Good__c</fullName><label>Good</label>${TEXT}</fields>`,
        ),
      },
    )
    const options = { rollbackOnError: false }
    const sandbox = await connect(sim, 'Acme Sandbox')
    const { result, failures } = await deploy(sandbox, zip, options)
    expect(result.status).toBe('SucceededPartial')
    expect(failures[0]?.problem).toBe(
      "An object 'Lead.Gone__c' of type CustomField was named in package.xml, but was not found in zipped directory",
    )
    const fields = await sandbox.metadata.read('CustomField', ['Lead.Good__c'])
    expect(fields).toMatchObject([{ fullName: 'Lead.Good__c', type: 'Text' }])
    const production = await connect(sim, 'Acme')
    await expect(deploy(production, zip, options)).rejects.toMatchObject({
      errorCode: 'sf:INVALID_OPERATION',
    })
    await expect(deploy(production, zip, { purgeOnDelete: true })).rejects.toThrow(
      'purgeOnDelete option can only be used on a non-active org',
    )
  })

  it('needs the permission to change metadata', async () => {
    const jsforce = await connect(sim, 'Acme', 'restricted@acme.example')
    await expect(deploy(jsforce, visitZip())).rejects.toMatchObject({
      errorCode: 'sf:INSUFFICIENT_ACCESS',
    })
  })

  it('runs one deployment at a time', async () => {
    const jsforce = await connect(sim, 'Acme')
    await sim.control.act('deploys/pace', { org: 'Acme', pendingMs: 5, runMs: 40 })
    const ids = []
    for (const name of ['A__c', 'B__c']) {
      const { id } = await jsforce.metadata.deploy(fieldZip(`Lead.${name}`, TEXT), OPTIONS)
      ids.push(id ?? '')
    }
    const [first, second] = await Promise.all(ids.map((id) => finished(jsforce, id)))
    expect(Date.parse(String(second?.result.startDate))).toBeGreaterThanOrEqual(
      Date.parse(String(first?.result.completedDate)),
    )
  })

  it('cancels at once while it waits, and at its end while it runs', async () => {
    const jsforce = await connect(sim, 'Acme')
    await sim.control.act('deploys/pace', { org: 'Acme', pendingMs: 0, runMs: 60_000 })
    const running = await jsforce.metadata.deploy(fieldZip('Lead.A__c', TEXT), OPTIONS)
    const waiting = await jsforce.metadata.deploy(fieldZip('Lead.B__c', TEXT), OPTIONS)
    const state = () => jsforce.metadata.checkDeployStatus(running.id ?? '')
    await vi.waitFor(async () => expect((await state()).status).toBe('InProgress'), {
      timeout: 60_000,
      interval: 2,
    })
    expect(await jsforce.metadata.cancelDeploy(waiting.id ?? '')).toMatchObject({ done: 'true' })
    expect(await jsforce.metadata.cancelDeploy(running.id ?? '')).toMatchObject({ done: 'false' })
    expect((await state()).status).toBe('Canceling')
    await sim.control.act('deploys/pace', { org: 'Acme' })
    for (const { id } of [running, waiting]) {
      const { result } = await finished(jsforce, id ?? '')
      expect(result).toMatchObject({ status: 'Canceled', success: false })
    }
    const fields = await jsforce.metadata.list([{ type: 'CustomField' }], '67.0')
    expect(fields.map(({ fullName }) => fullName)).not.toContain('Lead.A__c')
    await expect(jsforce.metadata.cancelDeploy(running.id ?? '')).rejects.toThrow(
      'Deployment already completed',
    )
  })

  it('fails as a whole while the set-up is locked, and goes through afterwards', async () => {
    const jsforce = await connect(sim, 'Acme')
    await sim.control.act('deploys/lock', { org: 'Acme' })
    const { result } = await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT))
    expect(result).toMatchObject({ status: 'Failed', errorStatusCode: 'ALREADY_IN_PROCESS' })
    await sim.control.act('deploys/lock', { org: 'Acme', kind: 'admin-operation' })
    expect(await problemOf(jsforce, fieldZip('Lead.Tier__c', TEXT))).toBe(
      'admin operation already in progress',
    )
    const again = await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT))
    expect(again.result.status).toBe('Succeeded')
  })

  it('shows in Tooling as DeployRequest', async () => {
    const jsforce = await connect(sim, 'Acme')
    await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT), { checkOnly: true })
    await deploy(jsforce, fieldZip('Lead.Tier__c', '<type>Nope</type>'))
    const { records } = await jsforce.tooling.query(
      'SELECT Id, Status, CheckOnly, StartDate, CompletedDate, CreatedBy.Name, NumberComponentErrors FROM DeployRequest ORDER BY Id',
    )
    expect(records).toMatchObject([
      { Status: 'Succeeded', CheckOnly: true, CreatedBy: { Name: 'Ada Admin' } },
      { Status: 'Failed', CheckOnly: false, NumberComponentErrors: 1 },
    ])
  })
})

describe('packages in folders', () => {
  it('are deployed together without singlePackage', async () => {
    const jsforce = await connect(sim, 'Acme')
    const field = (name: string) =>
      file(
        'CustomObject',
        `<fields><fullName>${name}</fullName><label>${name}</label>${TEXT}</fields>`,
      )
    const zip = zipSync(
      Object.fromEntries(
        ['A__c', 'B__c'].flatMap((name) => [
          [`${name}/package.xml`, strToU8(manifest({ CustomField: [`Lead.${name}`] }))],
          [`${name}/objects/Lead.object`, strToU8(field(name))],
        ]),
      ),
    )
    const { successes } = await deploy(jsforce, Buffer.from(zip), { singlePackage: false })
    expect(successes.map(({ fileName }) => fileName).toSorted()).toEqual([
      'A__c/objects/Lead.object',
      'A__c/package.xml',
      'B__c/objects/Lead.object',
      'B__c/package.xml',
    ])
  })
})

describe('a deployment over REST', () => {
  it('takes the parts as jsforce sends them', async () => {
    const jsforce = await connect(sim, 'Acme')
    const { id } = await jsforce.metadata.deployRest(fieldZip('Lead.Tier__c', TEXT), OPTIONS)
    expect((await finished(jsforce, id ?? '')).result.status).toBe('Succeeded')
    const state = await jsforce.metadata.checkDeployStatus(id ?? '', true, true)
    expect(state).toMatchObject({ status: 'Succeeded', done: true, numberComponentErrors: 0 })
    expect(state.details).toMatchObject({ componentFailures: [] })
  })

  it('takes a part named json, in either order, with 201, and cancels with 202', async () => {
    const { instanceUrl, token } = await clientOf(sim.control)
    await sim.control.act('deploys/pace', { org: 'Acme', pendingMs: 10_000 })
    const url = `${instanceUrl}/services/data/v67.0/metadata/deployRequest`
    const headers = { authorization: `Bearer ${token}` }
    const options = new Blob([JSON.stringify({ deployOptions: OPTIONS })], {
      type: 'application/json',
    })
    const zip = new File([new Uint8Array(fieldZip('Lead.Tier__c', TEXT))], 'deploy.zip')
    for (const order of [
      ['json', 'file'],
      ['file', 'json'],
    ]) {
      const form = new FormData()
      for (const name of order) form.append(name, name === 'json' ? options : zip)
      const started = await fetch(url, { method: 'POST', headers, body: form })
      expect(started.status).toBe(201)
      const { id, deployResult } = await bodyOf<{ id: string; deployResult: { status: string } }>(
        started,
      )
      expect(deployResult.status).toBe('Pending')
      const canceled = await fetch(`${url}/${id}`, {
        method: 'PATCH',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ deployResult: { status: 'Canceling' } }),
      })
      expect(canceled.status).toBe(202)
      expect(await bodyOf(canceled)).toMatchObject({ deployResult: { status: 'Canceled' } })
    }
    const unknown = await fetch(`${url}/0Af000000000000AAA`, { headers })
    expect(unknown.status).toBe(404)
    const noParts = await fetch(url, { method: 'POST', headers, body: 'nothing' })
    expect(noParts.status).toBe(400)
  })
})

describe('custom objects', () => {
  it('are described as deployed, with a key prefix of their own', async () => {
    const jsforce = await connect(sim, 'Acme')
    const place =
      '<fields><fullName>Place__c</fullName><displayLocationInDecimal>true</displayLocationInDecimal><label>Place</label><scale>4</scale><type>Location</type></fields>'
    const { failures } = await deploy(jsforce, visitZip(place))
    expect(failures).toEqual([])
    const described = await jsforce.describe('Visit__c')
    expect(described).toMatchObject({
      label: 'Visit',
      labelPlural: 'Visits',
      keyPrefix: 'a03',
      custom: true,
    })
    expect(described.fields.find(({ nameField }) => nameField)).toMatchObject({
      autoNumber: true,
      label: 'Visit No',
    })
    await sim.control.act('permissions/grant-field', { org: 'Acme', field: 'Visit__c.Place__c' })
    const { fields } = await jsforce.describe('Visit__c')
    const parts = fields.filter(({ compoundFieldName }) => compoundFieldName === 'Place__c')
    expect(parts.map(({ name, type, scale }) => [name, type, scale])).toEqual([
      ['Place__Latitude__s', 'double', 4],
      ['Place__Longitude__s', 'double', 4],
    ])
    expect(fields.find(({ name }) => name === 'Place__c')?.type).toBe('location')
  })

  it('become details with their first master-detail field, and have no owner then', async () => {
    const jsforce = await connect(sim, 'Acme')
    const field =
      '<fields><fullName>Account__c</fullName><label>Account</label><referenceTo>Account</referenceTo><relationshipName>Visits</relationshipName><relationshipOrder>0</relationshipOrder><type>MasterDetail</type></fields>'
    expect(await problemOf(jsforce, visitZip(field))).toBe(
      'Cannot set sharingModel to ReadWrite on a CustomObject with a MasterDetail relationship field',
    )
    const { failures } = await deploy(
      jsforce,
      zipOf(
        { CustomObject: ['Visit__c'] },
        { 'objects/Visit__c.object': visit(field, 'ControlledByParent') },
      ),
    )
    expect(failures).toEqual([])
    const { fields } = await jsforce.describe('Visit__c')
    expect(fields.map(({ name }) => name)).not.toContain('OwnerId')
    expect(fields.find(({ name }) => name === 'Account__c')).toMatchObject({
      nillable: false,
      relationshipOrder: 0,
      cascadeDelete: true,
      updateable: false,
    })
    const account = await jsforce.describe('Account')
    expect(
      account.childRelationships.find(({ childSObject }) => childSObject === 'Visit__c'),
    ).toMatchObject({ relationshipName: 'Visits__r', field: 'Account__c', cascadeDelete: true })
  })

  it('block their name after deletion until they are erased', async () => {
    const jsforce = await connect(sim, 'Acme')
    await deploy(jsforce, visitZip())
    const deleted = await deploy(jsforce, deletion('CustomObject', 'Visit__c'))
    expect(deleted.successes).toContainEqual(
      expect.objectContaining({
        fullName: 'Visit__c',
        deleted: true,
        fileName: 'destructiveChanges.xml',
      }),
    )
    await expect(jsforce.describe('Visit__c')).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
    expect(await problemOf(jsforce, visitZip())).toMatch(/deleted object/)
    await sim.control.act('schema/erase-deleted', { org: 'Acme' })
    expect((await deploy(jsforce, visitZip())).result.status).toBe('Succeeded')
  })
})

describe('destructive changes', () => {
  it('keep a deleted field under another name, counted and without its data in a new one', async () => {
    const jsforce = await connect(sim, 'Acme')
    await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT))
    const remaining = async () => {
      const { records } = await jsforce.tooling.query(
        "SELECT Remaining FROM EntityLimit WHERE EntityDefinition.QualifiedApiName = 'Lead' AND Type = 'CustomFields'",
      )
      return Number(records[0]?.['Remaining'])
    }
    const before = await remaining()
    await deploy(jsforce, deletion('CustomField', 'Lead.Tier__c', 'destructiveChangesPost.xml'))
    expect(await remaining()).toBe(before)
    const again = await deploy(jsforce, fieldZip('Lead.Tier__c', TEXT))
    expect(again.successes.find(({ fullName }) => fullName === 'Lead.Tier__c')?.created).toBe(true)
    expect(await remaining()).toBe(before - 1)
    const sandbox = await connect(sim, 'Acme Sandbox')
    await deploy(sandbox, fieldZip('Lead.Tier__c', TEXT))
    const purged = await deploy(sandbox, deletion('CustomField', 'Lead.Tier__c'), {
      purgeOnDelete: true,
    })
    expect(purged.result.status).toBe('Succeeded')
  })

  it('refuse what is referenced, active or a record type, and warn of what does not exist', async () => {
    const jsforce = await connect(sim, 'Acme')
    expect(await problemOf(jsforce, deletion('CustomField', 'Lead.Enrichment_Score__c'))).toBe(
      'This custom field is referenced elsewhere in salesforce.com: ValidationRule - Score_In_Range',
    )
    expect(await problemOf(jsforce, deletion('Flow', 'Lead_Set_Segment'))).toBe(
      'insufficient access rights on cross-reference id',
    )
    expect(await problemOf(jsforce, deletion('RecordType', 'Case.Billing'))).toBe(
      'Cannot delete record type through API',
    )
    const missing = deletion('CustomField', 'Lead.Nope__c')
    const { result, failures } = await deploy(jsforce, missing)
    expect(result.status).toBe('Failed')
    expect(failures).toMatchObject([
      { problem: 'No CustomField named: Lead.Nope__c found', problemType: 'Warning' },
    ])
    const ignored = await deploy(jsforce, missing, { ignoreWarnings: true })
    expect(ignored.result.status).toBe('Succeeded')
    expect(ignored.successes).toContainEqual(
      expect.objectContaining({ problemType: 'Warning', success: true }),
    )
  })

  it('go in an order in which a field goes after the rule that uses it', async () => {
    const jsforce = await connect(sim, 'Acme')
    const zip = zipOf(
      {},
      {
        'destructiveChanges.xml': file(
          'Package',
          '<types><members>Lead.Enrichment_Score__c</members><name>CustomField</name></types><types><members>Lead.Score_In_Range</members><name>ValidationRule</name></types>',
        ),
      },
    )
    expect((await deploy(jsforce, zip)).failures).toEqual([])
  })
})

describe('a lost answer', () => {
  it('leaves a deployment that was taken, and none where the request was lost', async () => {
    const jsforce = await connect(sim, 'Acme')
    const lose = (when: 'before' | 'after') =>
      sim.control.addFault({
        method: 'POST',
        path: '/services/Soap/m/*',
        kind: { type: 'close', when },
      })
    const count = async () => (await sim.control.act('deploys/list', { org: 'Acme' })).length
    await lose('before')
    await expect(jsforce.metadata.deploy(fieldZip('Lead.A__c', TEXT), OPTIONS)).rejects.toThrow()
    expect(await count()).toBe(0)
    await lose('after')
    await expect(jsforce.metadata.deploy(fieldZip('Lead.A__c', TEXT), OPTIONS)).rejects.toThrow()
    expect(await count()).toBe(1)
  })
})
