import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { createTopologyRig, type TopologyRig } from './testing/rig.ts'
import { describeOf } from './testing/salesforce-org.ts'

let rig: TopologyRig
let clientId: string

const DATE = '2026-01-02T10:00:00.000+0000'
const LATER = '2026-01-03T10:00:00.000+0000'

const xml = (root: string, content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://soap.sforce.com/2006/04/metadata">${content}</${root}>`

const flowXml = (label: string): string =>
  xml(
    'Flow',
    `<label>${label}</label><processType>AutoLaunchedFlow</processType>
     <start><object>Lead</object><recordTriggerType>CreateAndUpdate</recordTriggerType>
       <triggerType>RecordAfterSave</triggerType></start>
     <status>Active</status><triggerOrder>10</triggerOrder>`,
  )

const unmanaged = { NamespacePrefix: null, ManageableState: 'unmanaged', LastModifiedDate: DATE }

const seed = (): void => {
  Object.assign(rig.org.automations, {
    flowDefinitions: [
      {
        ...unmanaged,
        Id: '300A',
        DeveloperName: 'Route_Lead',
        MasterLabel: 'Route Lead',
        ActiveVersionId: '301A2',
        LatestVersionId: '301A3',
      },
      {
        ...unmanaged,
        Id: '300B',
        DeveloperName: 'Hidden',
        NamespacePrefix: 'pkg',
        ManageableState: 'installed',
        MasterLabel: 'Hidden',
        ActiveVersionId: '301B1',
        LatestVersionId: '301B1',
      },
    ],
    flows: [
      ...[3, 1, 2].map((version) => ({
        Id: `301A${version}`,
        DefinitionId: '300A',
        MasterLabel: `Route Lead ${version}`,
        VersionNumber: version,
        Status: version === 2 ? 'Active' : version === 3 ? 'Draft' : 'Obsolete',
        ProcessType: 'AutoLaunchedFlow',
        LastModifiedDate: DATE,
      })),
      {
        Id: '301B1',
        DefinitionId: '300B',
        MasterLabel: 'Hidden',
        VersionNumber: 1,
        Status: 'Active',
        ProcessType: 'AutoLaunchedFlow',
        LastModifiedDate: DATE,
      },
    ],
    validationRules: [
      {
        ...unmanaged,
        Id: '03dA',
        ValidationName: 'Has_Phone',
        Active: true,
        EntityDefinition: { QualifiedApiName: 'Job__c' },
      },
    ],
    workflowRules: [
      { ...unmanaged, Id: '01QA', Name: 'Tell us & them', TableEnumOrId: '01IWs0000004Xyz' },
    ],
    assignmentRules: [
      { Id: '01QB', Name: 'Standard', SobjectType: 'Lead', Active: true, LastModifiedDate: DATE },
    ],
    apexTriggers: [
      {
        ...unmanaged,
        Id: '01qA',
        Name: 'JobTrigger',
        TableEnumOrId: '01IWs0000004XyzIAK',
        Status: 'Active',
        UsageBeforeInsert: true,
        UsageAfterUpdate: true,
        UsageAfterInsert: false,
      },
    ],
    customObjects: [{ Id: '01IWs0000004XyzIAK', DeveloperName: 'Job', NamespacePrefix: null }],
    files: new Map([
      ['Flow:Route_Lead-2', { 'flows/Route_Lead-2.flow': flowXml('Route Lead 2') }],
      [
        'ValidationRule:Job__c.Has_Phone',
        {
          'objects/Job__c.object': xml(
            'CustomObject',
            '<validationRules><fullName>Has_Phone</fullName><active>true</active><errorConditionFormula>ISBLANK(Phone__c) &amp;&amp; TRUE</errorConditionFormula></validationRules>',
          ),
        },
      ],
      [
        'Workflow:Job__c',
        {
          'workflows/Job__c.workflow': xml(
            'Workflow',
            '<rules><fullName>Other</fullName></rules><rules><fullName>Tell us %26 them</fullName><active>true</active><triggerType>onCreateOnly</triggerType></rules>',
          ),
        },
      ],
      [
        'AssignmentRules:Lead',
        {
          'assignmentRules/Lead.assignmentRules': xml(
            'AssignmentRules',
            '<assignmentRule><fullName>Standard</fullName><active>true</active><ruleEntry><assignedTo>a</assignedTo></ruleEntry></assignmentRule>',
          ),
        },
      ],
      [
        'ApexTrigger:JobTrigger',
        {
          'triggers/JobTrigger.trigger': 'trigger JobTrigger on Job__c (before insert) {}',
          'triggers/JobTrigger.trigger-meta.xml': xml('ApexTrigger', '<status>Active</status>'),
        },
      ],
    ]),
  })
}

beforeAll(async () => {
  rig = await createTopologyRig(await createDatabase())
  rig.org.put('Job__c', describeOf('Job__c', 4))
  rig.org.put('Lead', describeOf('Lead', 4))
})

beforeEach(async () => {
  seed()
  rig.org.settings.unlistable.clear()
  rig.org.settings.before = async () => null
  clientId = await rig.client(`00DWs${newId().slice(-13)}`)
  rig.org.forgetAsked()
})

afterAll(async () => {
  await rig.close()
})

const retrieves = (): number => rig.org.asked.filter(({ path }) => path.includes('/Soap/')).length

const automations = async (version?: number) =>
  (await rig.get({ client_id: clientId, version, include: ['automations'] })).automations ?? []

const named = async (apiName: string) =>
  (await automations()).find(({ api_name: name }) => name === apiName)

describe('the automations of a snapshot', () => {
  it('are listed with state, trigger and content, in the Metadata API’s own names', async () => {
    const snapshot = await rig.pull(clientId)
    expect(snapshot).toMatchObject({ automations_count: 6, stats: { unreadable: [] } })
    expect(await named('Route_Lead')).toMatchObject({
      type: 'flow',
      label: 'Route Lead 2',
      object: 'Lead',
      active: true,
      active_version: 2,
      latest_version: 3,
      versions: [
        { version: 1, status: 'Obsolete' },
        { version: 2, status: 'Active' },
        { version: 3, status: 'Draft' },
      ],
      process_type: 'AutoLaunchedFlow',
      trigger: { object: 'Lead', events: ['create', 'update'], timing: 'after', order: 10 },
      managed: false,
      last_modified_at: '2026-01-02T10:00:00.000Z',
      // The latest version is a draft: what runs is what is read.
      definition_version: 2,
      definition: { label: 'Route Lead 2' },
    })
    expect(await named('Job__c.Has_Phone')).toMatchObject({
      type: 'validation_rule',
      object: 'Job__c',
      active: true,
      definition: { errorConditionFormula: 'ISBLANK(Phone__c) && TRUE' },
    })
    expect(await named('Job__c.Tell us & them')).toMatchObject({
      type: 'workflow_rule',
      object: 'Job__c',
      active: true,
      trigger: { events: ['create'], timing: 'after' },
    })
    expect(await named('Lead.Standard')).toMatchObject({
      type: 'assignment_rule',
      object: 'Lead',
      active: true,
      definition: { ruleEntry: { assignedTo: 'a' } },
    })
    expect(await named('JobTrigger')).toMatchObject({
      type: 'apex_trigger',
      object: 'Job__c',
      active: true,
      trigger: { object: 'Job__c', events: ['create', 'update'], timing: 'both' },
      definition: { body: 'trigger JobTrigger on Job__c (before insert) {}', status: 'Active' },
    })
    // A managed package hides its content: that is not a fault.
    expect(await named('pkg__Hidden')).toMatchObject({ managed: true, definition: null })
  })

  it('are retrieved again only where their date moved', async () => {
    const first = await rig.pull(clientId)
    rig.org.forgetAsked()
    const second = await rig.pull(clientId)
    expect(retrieves()).toBe(0)
    expect(second.content_hash).toBe(first.content_hash)

    Object.assign(rig.org.automations.validationRules[0] ?? {}, { LastModifiedDate: LATER })
    rig.org.forgetAsked()
    const third = await rig.pull(clientId)
    expect(retrieves()).toBeGreaterThan(0)
    // Saved again without a change: the date changes in the list, but it is not a difference.
    expect(third.content_hash).not.toBe(second.content_hash)
    expect(third.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 0 })
  })

  it('show a new state without reading the content again', async () => {
    await rig.pull(clientId)
    Object.assign(rig.org.automations.validationRules[0] ?? {}, { Active: false })
    rig.org.forgetAsked()
    const second = await rig.pull(clientId)
    expect(retrieves()).toBe(0)
    expect(second.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 1 })
    expect(await named('Job__c.Has_Phone')).toMatchObject({
      active: false,
      definition: { active: 'true' },
    })
  })

  it('do not fail the pull where one has no content, or is not XML', async () => {
    rig.org.automations.files.delete('ValidationRule:Job__c.Has_Phone')
    rig.org.automations.files.set('AssignmentRules:Lead', {
      'assignmentRules/Lead.assignmentRules': '<AssignmentRules><assignmentRule>',
    })
    const snapshot = await rig.pull(clientId)
    expect(snapshot).toMatchObject({ status: 'complete', automations_count: 6 })
    expect(snapshot.stats.unreadable.map(({ object }) => object).sort()).toEqual([
      'Job__c.Has_Phone',
      'Lead.Standard',
    ])
    seed()
    await rig.pull(clientId)
    expect(await named('Job__c.Has_Phone')).toMatchObject({ definition: { active: 'true' } })
  })

  it('are carried over where their type cannot be listed', async () => {
    await rig.pull(clientId)
    const refusal = { status: 400, errorCode: 'INVALID_TYPE', message: 'no such table' }
    rig.org.settings.unlistable.set('WorkflowRule', refusal)
    const second = await rig.pull(clientId)
    expect(second).toMatchObject({
      status: 'complete',
      automations_count: 6,
      stats: {
        unreadable: [{ object: 'workflow_rule', code: 'INVALID_TYPE', message: 'no such table' }],
      },
      changes_from_previous: { added: 0, removed: 0, changed: 0 },
    })
  })

  it.each([
    { status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Busy' },
    { status: 500, errorCode: 'UNKNOWN_EXCEPTION', message: 'An unexpected error occurred.' },
    {
      status: 400,
      errorCode: 'QUERY_TIMEOUT',
      message: 'Your query request was running for too long.',
    },
  ])('are asked for again where listing a type meets $errorCode', async (failure) => {
    rig.org.settings.unlistable.set('WorkflowRule', failure)
    const held = await rig.pull(clientId)
    expect(held).toMatchObject({ status: 'pulling', error: { waiting: { for: 'time' } } })
    rig.org.settings.unlistable.clear()
    await rig.run(held.id)
    expect(await rig.topology.snapshot(rig.admin.tenant, held.id)).toMatchObject({
      status: 'complete',
      automations_count: 6,
      stats: { unreadable: [] },
    })
  })

  it('are retrieved again where the retrieve as a whole meets what may pass', async () => {
    rig.org.settings.before = async ({ path }) =>
      path.includes('/Soap/')
        ? { status: 503, body: '<html><title>Maintenance</title></html>' }
        : null
    const held = await rig.pull(clientId)
    expect(held).toMatchObject({ status: 'pulling', error: { waiting: { for: 'time' } } })
    rig.org.settings.before = async () => null
    await rig.run(held.id)
    expect(await rig.topology.snapshot(rig.admin.tenant, held.id)).toMatchObject({
      status: 'complete',
      stats: { unreadable: [] },
    })
  })

  it('stay in the snapshot without content when the retrieve fails as a whole', async () => {
    rig.org.settings.before = async ({ path }) =>
      path.includes('/Soap/')
        ? {
            status: 500,
            body: '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>sf:INSUFFICIENT_ACCESS</faultcode><faultstring>INSUFFICIENT_ACCESS: use of the Metadata API requires a permission</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>',
          }
        : null
    const snapshot = await rig.pull(clientId)
    expect(snapshot).toMatchObject({ status: 'complete', automations_count: 6 })
    expect(snapshot.stats.unreadable).toHaveLength(5)
    expect(snapshot.stats.unreadable[0]).toMatchObject({
      message: expect.stringContaining('requires a permission') as string,
    })
  })
})
