// The CRUD calls of the Metadata API, tested with jsforce, which also converts each result by the WSDL.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, fieldNames, startRig, type Rig } from '../../testing/rig.ts'
import { connect } from './deploy/testing/deploys.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
})
afterAll(() => sim.close())

const text = (fullName: string, more: object = {}) =>
  ({ fullName, label: 'Crew', type: 'Text', length: 40, ...more }) as never
/** Refused: a check box cannot be required. Recorded so. */
const badCheckbox = (fullName: string) =>
  ({ fullName, label: 'Ready', type: 'Checkbox', required: true, defaultValue: 'false' }) as never
const REQUIRED = {
  statusCode: 'FIELD_INTEGRITY_EXCEPTION',
  message: "Can not specify 'required' for a CustomField of type Checkbox",
}
const rule = (fullName: string, active: boolean) => ({
  fullName,
  active,
  errorConditionFormula: 'ISBLANK(Email)',
  errorMessage: 'Say how to write to them',
})
const crew = (name: string, more: object = {}) =>
  ({
    fullName: name,
    label: 'Crew',
    pluralLabel: 'Crews',
    nameField: { type: 'Text', label: 'Crew Name' },
    deploymentStatus: 'Deployed',
    sharingModel: 'ReadWrite',
    ...more,
  }) as never

/** The names that Tooling lists: everything that exists, whoever may see it. */
const customFields = async (object: string): Promise<string[]> => {
  const { records } = await jsforce.tooling.query(
    `SELECT DeveloperName FROM CustomField WHERE TableEnumOrId = '${object}'`,
  )
  return records.map((row) => String(row['DeveloperName']))
}

/** A call as XML, for what jsforce does not send. */
const soap = async (body: string, headers = '', version = '67.0') => {
  const { token, instanceUrl } = await sim.control.openSession('Acme')
  const response = await fetch(`${instanceUrl}/services/Soap/m/${version}`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml', soapaction: '""' },
    body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://soap.sforce.com/2006/04/metadata"><e:Header><SessionHeader><sessionId>${token}</sessionId></SessionHeader>${headers}</e:Header><e:Body>${body}</e:Body></e:Envelope>`,
  })
  return { status: response.status, xml: await response.text() }
}
const twoFields = `<upsertMetadata>
  <metadata xsi:type="CustomField"><fullName>Lead.Crew__c</fullName><label>Crew</label><length>40</length><type>Text</type></metadata>
  <metadata xsi:type="CustomField"><fullName>Lead.Ready__c</fullName><label>Ready</label><type>Checkbox</type><defaultValue>false</defaultValue><required>true</required></metadata>
</upsertMetadata>`
const allOrNone = (value: boolean) =>
  `<AllOrNoneHeader><allOrNone>${value}</allOrNone></AllOrNoneHeader>`

describe('createMetadata', () => {
  it('creates fields that nobody sees until they are granted', async () => {
    const result = await jsforce.metadata.create('CustomField', text('Lead.Crew__c'))
    expect(result).toEqual({ fullName: 'Lead.Crew__c', success: true, errors: [] })
    const [read] = await jsforce.metadata.read('CustomField', ['Lead.Crew__c'])
    expect(read).toMatchObject({ label: 'Crew', type: 'Text', length: 40 })
    expect(await fieldNames(await clientOf(sim.control), 'Lead')).not.toContain('Crew__c')
    const allowed = await jsforce.metadata.create('PermissionSet', {
      fullName: 'Crew',
      label: 'Crew',
      fieldPermissions: [{ field: 'Lead.Crew__c', readable: true, editable: true }],
    } as never)
    expect(allowed).toMatchObject({ success: true })
    const { usernames } = (await sim.control.orgs()).find(({ name }) => name === 'Acme') ?? {}
    await sim.control.act('permissions/assign', {
      org: 'Acme',
      set: 'Crew',
      username: usernames?.find((name) => name.startsWith('admin')) ?? '',
    })
    expect(await fieldNames(await clientOf(sim.control), 'Lead')).toContain('Crew__c')
  })

  it('makes what it can, and says of each of the others why not', async () => {
    const results = await jsforce.metadata.create('CustomField', [
      text('Lead.Crew__c'),
      badCheckbox('Lead.Ready__c'),
      text('Lead.Source_Key__c'),
      text('Nope__c.Crew__c'),
    ])
    expect(results).toMatchObject([
      { fullName: 'Lead.Crew__c', success: true, errors: [] },
      { fullName: 'Lead.Ready__c', success: false, errors: [REQUIRED] },
      {
        fullName: 'Lead.Source_Key__c',
        success: false,
        errors: [{ statusCode: 'DUPLICATE_DEVELOPER_NAME' }],
      },
      {
        fullName: 'Nope__c.Crew__c',
        success: false,
        errors: [
          {
            statusCode: 'INVALID_CROSS_REFERENCE_KEY',
            message: 'In field: fullName - no CustomObject named Nope__c found',
          },
        ],
      },
    ])
    const names = await customFields('Lead')
    expect([names.includes('Crew'), names.includes('Ready')]).toEqual([true, false])
  })

  it('makes an object with its fields and rules, whichever of them names another', async () => {
    const made = await jsforce.metadata.create(
      'CustomObject',
      crew('Crew__c', {
        fields: [
          {
            fullName: 'Twice__c',
            label: 'Twice',
            type: 'Number',
            precision: 18,
            scale: 0,
            formula: 'Size__c * 2',
          },
          { fullName: 'Size__c', label: 'Size', type: 'Number', precision: 5, scale: 0 },
        ],
        validationRules: [{ ...rule('Some', true), errorConditionFormula: 'Size__c < 1' }],
      }),
    )
    expect(made).toMatchObject({ success: true })
    const read = await jsforce.metadata.read('CustomObject', 'Crew__c')
    expect(read.fields.map(({ fullName }) => fullName)).toEqual(
      expect.arrayContaining(['Size__c', 'Twice__c']) as string[],
    )
    await expect(jsforce.sobject('Crew__c').create({ Name: 'a' })).resolves.toMatchObject({
      success: true,
    })
  })

  it('leaves nothing of an object one of whose fields is refused', async () => {
    const made = await jsforce.metadata.create(
      'CustomObject',
      crew('Crew__c', { fields: [text('Name_It__c'), badCheckbox('Ready__c')] }),
    )
    expect(made).toMatchObject({ success: false, errors: [REQUIRED] })
    await expect(jsforce.describe('Crew__c')).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
    await expect(jsforce.metadata.create('CustomObject', crew('Crew__c'))).resolves.toMatchObject({
      success: true,
    })
  })
})

describe('updateMetadata and upsertMetadata', () => {
  it('replace a component whole, and update needs it to be there', async () => {
    await jsforce.metadata.create('ValidationRule', {
      ...rule('Lead.Mail', true),
      description: 'Since the move',
    } as never)
    await expect(jsforce.sobject('Lead').create({ LastName: 'a', Company: 'a' })).rejects.toThrow(
      'Say how to write to them',
    )
    const updated = await jsforce.metadata.update(
      'ValidationRule',
      rule('Lead.Mail', false) as never,
    )
    expect(updated).toEqual({ fullName: 'Lead.Mail', success: true, errors: [] })
    const read = await jsforce.metadata.read('ValidationRule', 'Lead.Mail')
    expect(String(read.active)).toBe('false')
    expect(read.description ?? null).toBeNull()
    await jsforce.sobject('Lead').create({ LastName: 'a', Company: 'a' })
    expect(
      await jsforce.metadata.update('ValidationRule', rule('Lead.Nope', false) as never),
    ).toMatchObject({
      success: false,
      errors: [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY' }],
    })
  })

  it('upsert says what it created', async () => {
    const upsert = () =>
      jsforce.metadata.upsert('CustomField', [
        text('Lead.Crew__c'),
        text('Lead.Source_Key__c', { length: 60, externalId: true }),
      ])
    expect((await upsert()).map(({ created, success }) => [created, success])).toEqual([
      [true, true],
      [false, true],
    ])
    expect((await upsert()).map(({ created }) => created)).toEqual([false, false])
  })

  it('take flags that say no on every type, as a recorded client sends them', async () => {
    const flags = { unique: false, indexed: false }
    const field = (name: string, type: string, more: object) => ({
      ...flags,
      fullName: `Lead.${name}__c`,
      label: name,
      type,
      ...more,
    })
    const results = await jsforce.metadata.upsert('CustomField', [
      field('Birthday', 'Text', { length: 30 }),
      field('Hobby', 'LongTextArea', { required: false, length: 444, visibleLines: 39 }),
      field('Age', 'Number', { precision: 3, scale: 2, required: true, defaultValue: '1' }),
      field('Ready', 'Checkbox', { defaultValue: 'false' }),
      field('Link', 'Lookup', {
        referenceTo: 'Account',
        deleteConstraint: 'SetNull',
        relationshipName: 'Leads_By_Link',
      }),
    ] as never)
    expect(results.flatMap(({ errors }) => errors)).toEqual([])
  })

  it('treat what is nil as left out', async () => {
    const { xml } = await soap(
      twoFields
        .replace('<length>', '<description xsi:nil="true"/><length>')
        .replace('<required>true</required>', ''),
    )
    expect(xml.match(/<success>true<\/success>/g)).toHaveLength(2)
    const read = await jsforce.metadata.read('CustomField', 'Lead.Crew__c')
    expect(read.description ?? null).toBeNull()
  })
})

describe('deleteMetadata', () => {
  it('deletes, and says in the recorded words what does not exist or is in use', async () => {
    await jsforce.metadata.create('CustomField', [text('Lead.Crew__c'), text('Lead.Used__c')])
    await jsforce.metadata.create('ValidationRule', {
      ...rule('Lead.Uses', true),
      errorConditionFormula: 'ISBLANK(Used__c)',
    } as never)
    const results = await jsforce.metadata.delete('CustomField', [
      'Lead.Crew__c',
      'Lead.NonExistent__c',
      'Lead.Used__c',
    ])
    expect(results).toMatchObject([
      { fullName: 'Lead.Crew__c', success: true, errors: [] },
      {
        fullName: 'Lead.NonExistent__c',
        success: false,
        errors: [
          {
            statusCode: 'INVALID_CROSS_REFERENCE_KEY',
            message: 'This custom field does not exist or is not accessible',
          },
        ],
      },
      {
        fullName: 'Lead.Used__c',
        success: false,
        errors: [
          {
            message:
              'This custom field is referenced elsewhere in salesforce.com: ValidationRule - Uses',
          },
        ],
      },
    ])
    expect(await customFields('Lead')).not.toContain('Crew')
    expect(await customFields('Lead')).toContain('Used')
  })

  it('refuses an active flow, and deletes its versions once it is switched off', async () => {
    const name = 'Placement_Notify'
    expect(await jsforce.metadata.delete('Flow', name)).toMatchObject({
      success: false,
      errors: [{ message: 'insufficient access rights on cross-reference id' }],
    })
    const off = { fullName: name, activeVersionNumber: 0 }
    expect(await jsforce.metadata.update('FlowDefinition', off as never)).toMatchObject({
      success: true,
    })
    expect(await jsforce.metadata.delete('Flow', name)).toMatchObject({ success: false })
    const { records } = await jsforce.tooling.query(
      `SELECT VersionNumber FROM Flow WHERE Definition.DeveloperName = '${name}'`,
    )
    for (const { VersionNumber: number } of records) {
      const version = `${name}-${String(number)}`
      expect(await jsforce.metadata.delete('Flow', version)).toMatchObject({ success: true })
    }
    expect((await jsforce.metadata.read('FlowDefinition', name)).fullName ?? null).toBeNull()
  })
})

describe('AllOrNoneHeader', () => {
  it('takes back what went well, and the schema is as it was', async () => {
    const before = await jsforce.describe('Lead')
    const { status, xml } = await soap(twoFields, allOrNone(true))
    expect(status).toBe(200)
    expect(xml).toContain(
      '<result><created>false</created><errors><message>Record rolled back because not all records were valid and the request was using AllOrNone header</message><statusCode>ALL_OR_NONE_OPERATION_ROLLED_BACK</statusCode></errors><fullName>Lead.Crew__c</fullName><success>false</success></result>',
    )
    expect(xml).toContain('<statusCode>FIELD_INTEGRITY_EXCEPTION</statusCode>')
    expect(await customFields('Lead')).not.toContain('Crew')
    expect(await jsforce.describe('Lead')).toEqual(before)
  })

  it.each([
    ['set to false', allOrNone(false), '67.0', true],
    ['left out', '', '67.0', true],
    ['left out before version 34', '', '33.0', false],
  ])('%s', async (_name, header, version, stays) => {
    await soap(twoFields, header, version)
    expect((await customFields('Lead')).includes('Crew')).toBe(stays)
  })
})

describe('a call is refused whole', () => {
  it('with an eleventh component, in the recorded words', async () => {
    const names = Array.from({ length: 11 }, (_, i) => `Lead.Crew${i}__c`)
    const words =
      'EXCEEDED_ID_LIMIT: record limit reached. cannot submit more than 10 records in this operation'
    const create = jsforce.metadata.create(
      'CustomField',
      names.map((name) => text(name)),
    )
    await expect(create).rejects.toThrow(words)
    await expect(jsforce.metadata.delete('CustomField', names)).rejects.toThrow(words)
    expect((await customFields('Lead')).filter((name) => name.startsWith('Crew'))).toEqual([])
  })

  it('without the permission to change metadata', async () => {
    const { usernames } = (await sim.control.orgs()).find(({ name }) => name === 'Acme') ?? {}
    const username = usernames?.find((name) => name.startsWith('restricted')) ?? ''
    const restricted = await connect(sim, 'Acme', username)
    const create = () => restricted.metadata.create('CustomField', text('Lead.Crew__c'))
    await expect(create()).rejects.toThrow('INSUFFICIENT_ACCESS')
    await sim.control.act('permissions/create-set', { org: 'Acme', name: 'Deployers' })
    await sim.control.act('permissions/assign', { org: 'Acme', set: 'Deployers', username })
    const grant = { org: 'Acme', set: 'Deployers' }
    await sim.control.act('permissions/grant-system', { ...grant, permission: 'ManageUsers' })
    await expect(create()).rejects.toThrow('INSUFFICIENT_ACCESS')
    await sim.control.act('permissions/grant-system', { ...grant, permission: 'ModifyMetadata' })
    expect(await create()).toMatchObject({ success: true })
  })

  it('of two types, of none, or of one that is not simulated, which leaves nothing', async () => {
    const mixed = twoFields.replace('"CustomField"', '"ValidationRule"')
    expect((await soap(mixed)).xml).toContain('same type')
    expect((await soap(twoFields.replaceAll(/ xsi:type="\w+"/g, ''))).xml).toContain('xsi:type')
    await expect(jsforce.metadata.create('Nope' as never, text('a'))).rejects.toThrow("'Nope'")
    await expect(jsforce.metadata.delete('Nope', 'a')).rejects.toThrow('INVALID_TYPE')
    const workflow = jsforce.metadata.upsert('Workflow', { fullName: 'Lead' } as never)
    await expect(workflow).rejects.toThrow('The simulator does not save Workflow')
    const fields = [text('Lead.Crew__c'), text('Lead.Crew2__c', { type: 'ExternalLookup' })]
    await expect(jsforce.metadata.create('CustomField', fields)).rejects.toThrow(
      'The simulator does not deploy fields of type ExternalLookup',
    )
    expect(await customFields('Lead')).not.toContain('Crew')
  })
})
