// Writes through the Tooling API, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, bodyOf, startRig, type Rig } from '../../testing/rig.ts'
import { connect } from '../metadata/deploy/testing/deploys.ts'

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

const table = (name: string) => jsforce.tooling.sobject(name)
const field = (more: object = {}) => ({ label: 'Crew', type: 'Text', length: 40, ...more })
const rule = (more: object = {}) => ({
  active: true,
  errorConditionFormula: 'ISBLANK(Email)',
  errorMessage: 'Say how to write to them',
  ...more,
})
const flow = (more: object = {}) => ({
  apiVersion: 67,
  label: 'Crew flow',
  processType: 'AutoLaunchedFlow',
  start: { locationX: 50, locationY: 0 },
  status: 'Draft',
  ...more,
})
const post = async (name: string, FullName: string, Metadata: object): Promise<string> => {
  const { id } = await table(name).create({ FullName, Metadata })
  if (id === undefined) throw new Error(`${name} ${FullName} was not made`)
  return id
}
const patch = (name: string, Id: string, Metadata: object) => table(name).update({ Id, Metadata })
const metadataOf = async (name: string, id: string) =>
  (await table(name).retrieve(id))['Metadata'] as Record<string, unknown>
const rows = async (soql: string) => (await jsforce.tooling.query(soql)).records
const lead = { LastName: 'a', Company: 'a' }

describe('CustomField', () => {
  it('is made with 201 and the envelope of Tooling', async () => {
    const client = await clientOf(sim.control)
    const answer = await client.post('/tooling/sobjects/CustomField', {
      FullName: 'Lead.Crew__c',
      Metadata: field(),
    })
    expect(answer.status).toBe(201)
    expect(await bodyOf(answer)).toEqual({
      id: expect.stringMatching(/^00N\w{15}$/) as string,
      success: true,
      errors: [],
      warnings: [],
      infos: [],
    })
  })

  it('is changed by its Metadata, which is replaced whole', async () => {
    const id = await post('CustomField', 'Lead.Crew__c', field({ description: 'Old', length: 40 }))
    expect(await metadataOf('CustomField', id)).toMatchObject({ description: 'Old', length: 40 })
    await patch('CustomField', id, field({ length: 60, inlineHelpText: null }))
    const metadata = await metadataOf('CustomField', id)
    expect(metadata).toMatchObject({ length: 60 })
    expect(metadata['description'] ?? null).toBeNull()
  })

  it('given back as it was read stays as it is', async () => {
    const id = await post('CustomField', 'Lead.Crew__c', field({ externalId: true }))
    const read = await metadataOf('CustomField', id)
    await patch('CustomField', id, read)
    expect(await metadataOf('CustomField', id)).toEqual(read)
  })

  it('is deleted, not while a rule uses it', async () => {
    const id = await post('CustomField', 'Lead.Crew__c', field())
    const using = rule({ errorConditionFormula: 'ISBLANK(Crew__c)' })
    const ruleId = await post('ValidationRule', 'Lead.Uses', using)
    await expect(table('CustomField').destroy(id)).rejects.toMatchObject({
      errorCode: 'DEPENDENCY_EXISTS',
    })
    await table('ValidationRule').destroy(ruleId)
    await table('CustomField').destroy(id)
    expect(await rows(`SELECT Id FROM CustomField WHERE Id = '${id}'`)).toEqual([])
    await expect(table('CustomField').destroy(id)).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
  })

  it.each([
    ['without a length', { label: 'Crew', type: 'Text' }, 'FIELD_INTEGRITY_EXCEPTION', /length/],
    [
      'as a required check box',
      { label: 'Crew', type: 'Checkbox', required: true, defaultValue: 'false' },
      'FIELD_INTEGRITY_EXCEPTION',
      /^Can not specify 'required' for a CustomField of type Checkbox$/,
    ],
    [
      'of a type that is not simulated',
      { label: 'Crew', type: 'ExternalLookup' },
      'NOT_SIMULATED',
      /^The simulator does not deploy fields/,
    ],
  ])('is refused %s', async (_name, Metadata, errorCode, message) => {
    await expect(post('CustomField', 'Lead.Crew__c', Metadata)).rejects.toMatchObject({
      errorCode,
      message: expect.stringMatching(message) as string,
    })
  })

  it('is refused when it is there, is nameless, or its row has other columns', async () => {
    await expect(post('CustomField', 'Lead.Source_Key__c', field())).rejects.toMatchObject({
      errorCode: 'DUPLICATE_DEVELOPER_NAME',
    })
    const create = (row: Record<string, unknown>) => table('CustomField').create(row)
    await expect(create({ Metadata: field() })).rejects.toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
    })
    const whole = { FullName: 'Lead.Crew__c', Metadata: field() }
    await expect(create({ ...whole, DeveloperName: 'Crew' })).rejects.toMatchObject({
      errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE',
    })
    await expect(create({ ...whole, Nope: 1 })).rejects.toMatchObject({
      errorCode: 'INVALID_FIELD',
    })
    await expect(table('Layout').create(whole)).rejects.toMatchObject({
      errorCode: 'NOT_SIMULATED',
    })
  })
})

describe('ValidationRule', () => {
  it('holds from the moment it is made, and not while it is switched off', async () => {
    const id = await post('ValidationRule', 'Lead.Mail', rule())
    const leads = jsforce.sobject('Lead')
    await expect(leads.create(lead)).rejects.toMatchObject({
      errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      message: 'Say how to write to them',
    })
    await patch('ValidationRule', id, rule({ active: false }))
    expect(await rows(`SELECT Active FROM ValidationRule WHERE Id = '${id}'`)).toMatchObject([
      { Active: false },
    ])
    expect(await leads.create(lead)).toMatchObject({ success: true })
    await patch('ValidationRule', id, rule())
    await expect(leads.create(lead)).rejects.toThrow('Say how to write to them')
    await table('ValidationRule').destroy(id)
    expect(await leads.create(lead)).toMatchObject({ success: true })
  })

  it('loses what its Metadata leaves out, and is refused when that is needed', async () => {
    const id = await post('ValidationRule', 'Lead.Mail', rule({ errorDisplayField: 'Email' }))
    await patch('ValidationRule', id, rule())
    const metadata = await metadataOf('ValidationRule', id)
    expect(metadata['errorDisplayField'] ?? null).toBeNull()
    await expect(patch('ValidationRule', id, { active: false })).rejects.toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
    })
    expect(await metadataOf('ValidationRule', id)).toEqual(metadata)
  })
})

it('refuses to write what Salesforce writes and the simulator does not', async () => {
  await expect(jsforce.tooling.sobject('ApexClass').create({ Name: 'A' })).rejects.toMatchObject({
    errorCode: 'NOT_SIMULATED',
  })
  await expect(
    jsforce.tooling.sobject('WorkflowRule').create({ FullName: 'Lead.A', Metadata: {} } as never),
  ).rejects.toMatchObject({ errorCode: 'NOT_SIMULATED' })
})

describe('access', () => {
  const person = async (...permissions: string[]) => {
    const { usernames = [] } = (await sim.control.orgs()).find(({ name }) => name === 'Acme') ?? {}
    const username = usernames.find((name) => name.startsWith('restricted')) ?? ''
    await sim.control.act('permissions/create-set', { org: 'Acme', name: 'Extra' })
    await sim.control.act('permissions/assign', { org: 'Acme', set: 'Extra', username })
    for (const permission of permissions) {
      await sim.control.act('permissions/grant-system', { org: 'Acme', set: 'Extra', permission })
    }
    return (await connect(sim, 'Acme', username)).tooling
  }

  it.each([
    ['ManageUsers alone', ['ManageUsers'], false],
    ['CustomizeApplication', ['CustomizeApplication'], true],
    ['ModifyMetadata', ['ModifyMetadata'], true],
  ])('is given by %s: %s %s', async (_name, permissions, allowed) => {
    const made = await post('ValidationRule', 'Lead.Mail', rule())
    const tooling = await person(...permissions)
    const [definition] = await rows('SELECT Id FROM FlowDefinition')
    const calls = [
      () => tooling.sobject('CustomField').create({ FullName: 'Lead.X__c', Metadata: field() }),
      () => tooling.sobject('ValidationRule').update({ Id: made, Metadata: rule() }),
      () => tooling.sobject('ValidationRule').destroy(made),
      () =>
        tooling
          .sobject('FlowDefinition')
          .update({ Id: definition?.Id ?? '', Metadata: { activeVersionNumber: 1 } }),
    ]
    for (const call of calls) {
      if (allowed) await call()
      else {
        await expect(call()).rejects.toMatchObject({ errorCode: 'INSUFFICIENT_ACCESS_OR_READONLY' })
      }
    }
  })
})

describe('a composite', () => {
  const parts = (last: object) => [
    {
      method: 'POST',
      url: '/services/data/v66.0/tooling/sobjects/CustomField',
      referenceId: 'made',
      body: { FullName: 'Lead.Crew__c', Metadata: field() },
    },
    {
      method: 'PATCH',
      url: '/services/data/v66.0/tooling/sobjects/CustomField/@{made.id}',
      referenceId: 'changed',
      body: { Metadata: field({ length: 60 }) },
    },
    {
      method: 'POST',
      url: '/services/data/v66.0/tooling/sobjects/ValidationRule',
      referenceId: 'rule',
      body: { FullName: 'Lead.Mail', Metadata: last },
    },
  ]
  const run = async (last: object, allOrNone: boolean) => {
    const client = await clientOf(sim.control)
    const { compositeResponse } = await bodyOf<{
      compositeResponse: { httpStatusCode: number; body: unknown }[]
    }>(await client.post('/tooling/composite', { allOrNone, compositeRequest: parts(last) }))
    const [made] = await rows(
      "SELECT Id FROM CustomField WHERE TableEnumOrId = 'Lead' AND DeveloperName = 'Crew'",
    )
    return { statuses: compositeResponse.map((each) => each.httpStatusCode), made }
  }

  it('makes and changes, by the id of the part before', async () => {
    const { statuses, made } = await run(rule(), true)
    expect(statuses).toEqual([201, 204, 201])
    expect(await metadataOf('CustomField', made?.Id ?? '')).toMatchObject({ length: 60 })
  })

  it('with allOrNone is rolled back whole when a part fails, and without it is not', async () => {
    const before = await jsforce.describe('Lead')
    const bad = rule({ errorConditionFormula: 'ISBLANK(Nope__c)' })
    expect(await run(bad, true)).toEqual({ statuses: [400, 400, 400], made: undefined })
    expect(await jsforce.describe('Lead')).toEqual(before)
    const { statuses, made } = await run(bad, false)
    expect(statuses).toEqual([201, 204, 400])
    expect(made).toBeDefined()
  })
})

describe('Flow and FlowDefinition', () => {
  const made = async () => {
    const first = await post('Flow', 'Crew_Flow', flow())
    const second = await post('Flow', 'Crew_Flow', flow({ description: 'two' }))
    const [{ DefinitionId: definition } = { DefinitionId: '' }] = await rows(
      `SELECT DefinitionId FROM Flow WHERE Id = '${first}'`,
    )
    return { first, second, definition: String(definition) }
  }
  const activate = (definition: string, activeVersionNumber: number | null) =>
    patch('FlowDefinition', definition, { activeVersionNumber, masterLabel: 'Crew flow' })
  /** The versions as Tooling and the views of the REST API show them. */
  const seen = async () => {
    const tooling = await rows(
      "SELECT VersionNumber, Status FROM Flow WHERE Definition.DeveloperName = 'Crew_Flow' ORDER BY VersionNumber",
    )
    const views = await jsforce.query(
      "SELECT VersionNumber, Status FROM FlowVersionView WHERE FlowDefinitionView.ApiName = 'Crew_Flow' ORDER BY VersionNumber",
    )
    const [view] = (
      await jsforce.query(
        "SELECT IsActive, ActiveVersionId, LatestVersionId, VersionNumber, IsOutOfDate, Label, Description FROM FlowDefinitionView WHERE ApiName = 'Crew_Flow'",
      )
    ).records
    const [definition] = await rows(
      "SELECT ActiveVersionId, LatestVersionId, MasterLabel, Description FROM FlowDefinition WHERE DeveloperName = 'Crew_Flow'",
    )
    const shown = (list: readonly Record<string, unknown>[]) =>
      list.map((row) => `${String(row['VersionNumber'])} ${String(row['Status'])}`)
    expect(shown(views.records)).toEqual(shown(tooling))
    expect([view?.['ActiveVersionId'], view?.['LatestVersionId'], view?.['Label']]).toEqual([
      definition?.['ActiveVersionId'],
      definition?.['LatestVersionId'],
      definition?.['MasterLabel'],
    ])
    expect(view?.['IsActive']).toBe(definition?.['ActiveVersionId'] !== null)
    return { versions: shown(tooling), view, definition }
  }

  it('are switched by activeVersionNumber, in Tooling and in the views alike', async () => {
    const { first, second, definition } = await made()
    expect((await seen()).versions).toEqual(['1 Draft', '2 Draft'])
    await activate(definition, 1)
    let now = await seen()
    expect(now.versions).toEqual(['1 Active', '2 Draft'])
    expect(now.view).toMatchObject({
      ActiveVersionId: first,
      LatestVersionId: second,
      VersionNumber: 1,
      IsOutOfDate: true,
    })
    await activate(definition, 2)
    now = await seen()
    expect(now.versions).toEqual(['1 Obsolete', '2 Active'])
    expect(now.view).toMatchObject({ ActiveVersionId: second, IsOutOfDate: false })
    await activate(definition, 0)
    expect((await seen()).versions).toEqual(['1 Obsolete', '2 Obsolete'])
    await activate(definition, 2)
    await activate(definition, null)
    now = await seen()
    expect(now.versions).toEqual(['1 Obsolete', '2 Obsolete'])
    expect(now.view).toMatchObject({ IsActive: false, ActiveVersionId: null })
  })

  it('keep the active version, label and description where a switch is refused', async () => {
    const { definition } = await made()
    await activate(definition, 2)
    const before = await seen()
    await expect(activate(definition, 7)).rejects.toThrow()
    await expect(table('FlowDefinition').update({ Id: definition })).rejects.toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
    })
    expect(await seen()).toEqual(before)
  })

  it('act when switched on, and stop when switched off', async () => {
    const id = await post(
      'Flow',
      'Rate_Lead',
      flow({
        label: 'Rate lead',
        status: 'Active',
        recordUpdates: [
          {
            name: 'Rate',
            label: 'Rate',
            locationX: 0,
            locationY: 0,
            inputAssignments: [{ field: 'Rating', value: { stringValue: 'Hot' } }],
            inputReference: '$Record',
          },
        ],
        start: {
          locationX: 0,
          locationY: 0,
          connector: { targetReference: 'Rate' },
          object: 'Lead',
          recordTriggerType: 'Create',
          triggerType: 'RecordBeforeSave',
        },
      }),
    )
    const rating = async () => {
      const created = await jsforce.sobject('Lead').create(lead)
      return (await jsforce.sobject('Lead').retrieve(created.id ?? ''))['Rating'] as unknown
    }
    const [definition] = await rows(`SELECT DefinitionId FROM Flow WHERE Id = '${id}'`)
    // A production org: what arrives as active is a draft there.
    expect(await rating()).toBeNull()
    await activate(String(definition?.['DefinitionId']), 1)
    expect(await rating()).toBe('Hot')
    await activate(String(definition?.['DefinitionId']), 0)
    expect(await rating()).toBeNull()
  })

  it('lose a version that is not active, and with the last one the definition goes', async () => {
    const { first, second, definition } = await made()
    await activate(definition, 1)
    await expect(table('Flow').destroy(first)).rejects.toMatchObject({ errorCode: 'DELETE_FAILED' })
    await table('Flow').destroy(second)
    expect((await seen()).versions).toEqual(['1 Active'])
    await activate(definition, 0)
    await table('Flow').destroy(first)
    await expect(table('FlowDefinition').retrieve(definition)).rejects.toMatchObject({
      errorCode: 'NOT_FOUND',
    })
  })

  it('of a package stay as they are', async () => {
    const [managed] = await rows("SELECT Id FROM FlowDefinition WHERE NamespacePrefix = 'signhere'")
    const [version] = await rows(`SELECT Id FROM Flow WHERE DefinitionId = '${managed?.Id ?? ''}'`)
    await expect(activate(managed?.Id ?? '', 0)).rejects.toThrow('managed')
    await expect(table('Flow').destroy(version?.Id ?? '')).rejects.toThrow()
  })
})
