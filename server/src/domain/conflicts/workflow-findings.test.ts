// What the check says about automations to be deployed.

import { describe, expect, it } from 'vitest'
import { checkPlan } from './check.ts'
import {
  automation,
  described,
  describedObject,
  describedPicklist,
  factsFor,
  onLead,
  type Setup,
  text,
  workflow,
} from './testing/facts.ts'

const messagesOf = async (setup: Setup, code: string): Promise<string[]> =>
  (await checkPlan(factsFor(setup))).findings
    .filter((finding) => finding.code === code)
    .map(({ message }) => message)

const missing = (setup: Setup) => messagesOf(setup, 'workflow_field_missing')

describe('fields of automations', () => {
  const ofFlow = (definition: object, setup: Setup = {}) =>
    missing({ workflows: [workflow('flow', 'F', { definition: { ...definition } })], ...setup })
  const starting = { object: 'Lead' }

  it('are found in formulas and references, the record itself and its relationships', async () => {
    const [message] = await ofFlow({
      start: { ...starting, filterFormula: '{!$Record.Gone__c} = 1' },
      recordUpdates: {
        inputReference: '$Record',
        inputAssignments: { field: 'Lost__c', value: { elementReference: '$Record.Boss__r.Name' } },
      },
      formulas: { expression: '{!$Record.Name} & {!$Record.Owner.Name}' },
    })
    expect(message).toContain('Lead.Lost__c, Lead.Gone__c, Lead.Boss__c, which exist neither')
  })

  it('are followed through relationships, of one object and of several', async () => {
    const describes = [
      describedObject('Lead', [
        described('OwnerId', {
          type: 'reference',
          referenceTo: ['Group', 'User'],
          relationshipName: 'Owner',
        }),
        described('Boss__c', {
          type: 'reference',
          referenceTo: ['User'],
          relationshipName: 'Boss__r',
        }),
      ]),
      describedObject('User', [
        described('FirstName'),
        described('ManagerId', {
          type: 'reference',
          referenceTo: ['User'],
          relationshipName: 'Manager',
        }),
      ]),
      describedObject('Limits__c', [described('Most__c')]),
    ]
    const naming = (...paths: string[]) =>
      ofFlow(
        {
          start: starting,
          variables: [
            { name: 'boss', dataType: 'SObject', objectType: 'User' },
            { name: 'team', dataType: 'SObject', objectType: 'User', isCollection: 'true' },
            { name: 'text', dataType: 'String' },
          ],
          recordLookups: { name: 'Find', object: 'User', storeOutputAutomatically: 'true' },
          loops: [
            { name: 'Each', collectionReference: 'team' },
            { name: 'Found', collectionReference: 'Find' },
          ],
          collectionProcessors: {
            name: 'Some',
            collectionReference: 'team',
            assignNextValueToReference: 'current',
          },
          textTemplates: { name: 't', text: paths.map((path) => `{!${path}}`).join(' ') },
        },
        { describes },
      )
    expect(
      await naming(
        '$Record.Owner:User.FirstName',
        '$Record.Owner.Name',
        '$Record.Boss__r.Manager.FirstName',
        '$Record__Prior.Owner:User.Manager.FirstName',
        '$Record.RecordType.DeveloperName',
        '$User.FirstName',
        '$Setup.Limits__c.Most__c',
        '$CustomMetadata.Rate__mdt.Standard.Value__c',
        '$Label.Hello__c',
        '$Permission.Gone__c',
        '$Flow.CurrentDate',
        '$Api.Session_ID',
        '$Organization.Name',
        '$Profile.Name',
        '$UserRole.Name',
        '$System.OriginDateTime',
        '$Client.FormFactor',
        'boss.FirstName',
        'Find.Manager.FirstName',
        'Each.FirstName',
        'Found.FirstName',
        'current.FirstName',
        'text',
        'An_Action.output.Field__c',
        'A_Screen.Field__c',
        'A_Subflow.record.Field__c',
      ),
    ).toEqual([])
    const gone: [path: string, field: string][] = [
      ['$Record.Owner:User.Vanished__c', 'User.Vanished__c'],
      ['$Record.Owner:Account.Name', 'Lead.Owner:Account'],
      ['$Record.Boss__r.Manager.Vanished__c', 'User.Vanished__c'],
      ['$Record__Prior.Vanished__c', 'Lead.Vanished__c'],
      ['$User.Vanished__c', 'User.Vanished__c'],
      ['$Setup.Limits__c.Vanished__c', 'Limits__c.Vanished__c'],
      ['boss.Vanished__c', 'User.Vanished__c'],
      ['Find.Vanished__c', 'User.Vanished__c'],
      ['Found.Vanished__c', 'User.Vanished__c'],
      ['Each.Vanished__c', 'User.Vanished__c'],
      ['current.Vanished__c', 'User.Vanished__c'],
      ['$Record.Gone__r.Name', 'Lead.Gone__c'],
    ]
    for (const [path, field] of gone) {
      expect(await naming(path), path).toEqual([
        `F uses ${field}, which exists neither in this Salesforce org nor in the plan.`,
      ])
    }
  })

  it('that the plan brings with their lookup are there', async () => {
    const plan = onLead({
      api_name: 'Boss__c',
      type: 'Lookup',
      label: 'Boss',
      reference_to: 'User',
      relationship_name: 'Bosses',
    })
    const definition = {
      start: starting,
      formulas: { expression: '{!$Record.Boss__r.FirstName} & {!$Record.Boss__c}' },
    }
    const describes = [describedObject('User', [described('FirstName')])]
    expect(await ofFlow(definition, { plan, describes })).toEqual([])
    const other = { ...definition, formulas: { expression: '{!$Record.Boss__r.Nope__c}' } }
    expect((await ofFlow(other, { plan, describes }))[0]).toContain('User.Nope__c')
  })

  it('that are only hidden from the connected user stop nothing', async () => {
    const definition = { start: { ...starting, filters: { field: 'Hidden__c' } } }
    expect(await ofFlow(definition)).toHaveLength(1)
    expect(
      await ofFlow(definition, { live: { allFields: async () => ['Name', 'hidden__c'] } }),
    ).toEqual([])
  })

  it('of another object in the criteria of an assignment rule are not looked for on its own', async () => {
    const rule = (field: string) =>
      missing({
        workflows: [
          workflow('assignment_rule', 'Lead.R', {
            definition: {
              ruleEntry: { criteriaItems: { field, operation: 'equals', value: 'x' } },
            },
          }),
        ],
        describes: [describedObject('Lead')],
      })
    expect(await rule('Campaign.Kind__c')).toEqual([])
    expect(await rule('Lead.Kind__c')).toHaveLength(1)
  })

  it('of a validation rule are those of its formula and the one that shows its message', async () => {
    const [message] = await missing({
      workflows: [
        workflow('validation_rule', 'Lead.V', {
          definition: { errorConditionFormula: 'Gone__c > 1', errorDisplayField: 'Away__c' },
        }),
      ],
    })
    expect(message).toContain('Lead.Gone__c, Lead.Away__c')
  })
})

describe('values of picklists', () => {
  it('in criteria are read as Salesforce reads them: joined by commas, quoted where they hold one', async () => {
    const [message] = await messagesOf(
      {
        workflows: [
          workflow('assignment_rule', 'Lead.R', {
            definition: {
              ruleEntry: {
                criteriaItems: { field: 'Lead.P__c', operation: 'equals', value: '"A, B",C,D' },
              },
            },
          }),
        ],
        describes: [
          describedObject('Lead', [
            describedPicklist('P__c', ['A, B', 'C'], { restrictedPicklist: true }),
          ]),
        ],
      },
      'workflow_picklist_value_unknown',
    )
    expect(message).toContain('Lead.P__c: D, which')
  })
})

describe('a flow that already exists', () => {
  const written = { label: 'F', processType: 'AutoLaunchedFlow', apiVersion: '60.0' }
  const there = (more: Parameters<typeof automation>[2] = {}) =>
    automation('flow', 'F', {
      definition: { ...written, status: 'Active', isTemplate: 'false' },
      definition_version: 50,
      active_version: 50,
      latest_version: 50,
      versions: Array.from({ length: 50 }, (_, index) => ({
        version: index + 1,
        status: 'Obsolete',
        last_modified_at: null,
      })),
      ...more,
    })
  const codes = async (definition: object, more: Parameters<typeof automation>[2] = {}) =>
    (
      await checkPlan(
        factsFor({
          workflows: [workflow('flow', 'F', { definition: { ...definition }, activate: true })],
          automations: [there(more)],
        }),
      )
    ).findings
      .map(({ code }) => code)
      .filter((code) => /version/.test(code))
      .toSorted()

  it('with the same content gets no version, however full it is', async () => {
    expect(await codes(written)).toEqual([])
    expect(await codes({ ...written, label: 'G' })).toEqual([
      'flow_active_version_replaced',
      'flow_gets_new_version',
      'flow_versions_full',
    ])
  })

  it('of which a different version is active is reported, though no version is created', async () => {
    expect(await codes(written, { active_version: 3 })).toEqual(['flow_active_version_replaced'])
    expect(await codes(written, { definition: null })).toHaveLength(3)
  })
})

describe('a finding', () => {
  it('references one automation in the singular and of several in the plural', async () => {
    const using = (...names: string[]) =>
      messagesOf(
        {
          plan: onLead(text('A__c', { length: 100 })),
          describes: [describedObject('Lead', [described('A__c')])],
          automations: names.map((name) =>
            automation('workflow_rule', name, { definition: { formula: 'LEN(A__c) > 3' } }),
          ),
        },
        'automation_uses_changed_field',
      )
    expect((await using('Lead.One'))[0]).toContain('under Lead.One, which uses it.')
    expect((await using('Lead.One', 'Lead.Two'))[0]).toContain('Lead.Two, which use it.')
  })

  it('does not call a reserved word a fault in the name of a flow, which the deploy takes', async () => {
    const workflows = [workflow('flow', 'Select')]
    expect(await messagesOf({ workflows }, 'workflow_name_invalid')).toEqual([])
  })
})
