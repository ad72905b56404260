// The expanded short forms, deployed: Salesforce must accept each of them.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControl, type Control } from '../../../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../../../simulator/src/index.ts'
import { openBudget } from '../../../salesforce/testing/budget.ts'
import { Secret } from '../../../secret.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import { awaitDeploy, startDeploy } from '../../../salesforce/deploy.ts'
import { buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import {
  createSalesforce,
  type Salesforce,
  type SalesforceOrg,
} from '../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../salesforce/hosts.ts'
import { retrieve } from '../../../salesforce/metadata.ts'
import { sameElement } from '../../metadata/equality.ts'
import { type XmlValue } from '../../../salesforce/xml.ts'
import { asXmlValue, inSchemaOrder, writeFile } from '../../metadata/xml-tree.ts'
import { type PlannedWorkflow } from '../workflow.ts'
import { sameFlow } from '../transition.ts'
import { parseWorkflows } from './parse.ts'

let simulator: Simulator
let control: Control
let salesforce: Salesforce
let org: SalesforceOrg

beforeAll(async () => {
  simulator = await startSimulator()
  control = createControl(simulator.controlUrl)
  const { token, instanceUrl } = await control.openSession('Acme')
  await control.act('deploys/pace', { org: 'Acme', pendingMs: 0, runMs: 0 })
  const session = { accessToken: new Secret(token), instanceUrl }
  salesforce = createSalesforce({
    hosts: createHostPolicy([new URL(instanceUrl).host]),
    wait: (_ms, signal) => sleep(2, undefined, signal === undefined ? {} : { signal }),
  })
  org = salesforce.org({
    sfdcOrgId: '',
    apiVersion: 'v66.0',
    sessions: { current: async () => session, renew: async () => session },
    budget: openBudget,
    priority: 'work',
  })
})
afterAll(async () => {
  await salesforce.close()
  await simulator.close()
})

/** Type in package.xml, path of the file, and its text. */
const partOf = ({ type, api_name: apiName, definition }: PlannedWorkflow) => {
  const [object = '', name = ''] = apiName.split('.')
  const members = asXmlValue(definition) as Record<string, XmlValue>
  switch (type) {
    case 'flow':
      return {
        member: ['Flow', apiName] as const,
        path: `flows/${apiName}.flow`,
        text: writeFile('Flow', inSchemaOrder({ apiVersion: '66.0', ...members, status: 'Draft' })),
      }
    case 'assignment_rule':
      return {
        member: ['AssignmentRules', object] as const,
        path: `assignmentRules/${object}.assignmentRules`,
        text: writeFile('AssignmentRules', {
          assignmentRule: inSchemaOrder({ ...members, fullName: name, active: 'false' }),
        }),
      }
    case 'validation_rule':
      return {
        member: ['ValidationRule', apiName] as const,
        path: `objects/${object}.object`,
        text: writeFile('CustomObject', {
          validationRules: inSchemaOrder({ ...members, fullName: name, active: 'true' }),
        }),
      }
  }
}

const problems = ({ details }: DeployResult) =>
  details?.components.filter(({ outcome }) => outcome === 'failed')

const deployOf = async (input: object) => {
  const [workflow] = parseWorkflows([input])
  if (workflow === undefined) throw new Error('nothing was planned')
  const { member, path, text } = partOf(workflow)
  const id = await startDeploy(
    org,
    buildDeployPackage(
      { files: new Map([[path, text]]), members: new Map([[member[0], [member[1]]]]) },
      'v66.0',
    ),
  )
  const result = await awaitDeploy(org, id)
  return { workflow, member, path, result }
}

const flow = (name: string, definition: object) => ({
  type: 'flow',
  api_name: name,
  definition: {
    form: 'record_triggered',
    label: name.replaceAll('_', ' '),
    object: 'Lead',
    on: 'create_or_update',
    ...definition,
  },
})
const user = async (): Promise<string> => {
  const [acme] = await control.orgs()
  const [username] = acme?.usernames ?? []
  if (username === undefined) throw new Error('the simulated Salesforce org has no user')
  return username
}

const criteria = [
  { field: 'LeadSource', operator: 'equals', value: 'Web' },
  { field: 'AnnualRevenue', operator: 'greater_than', value: 1000 },
  { field: 'Email', operator: 'is_null', value: false },
]
const forms: [string, object][] = [
  [
    'fields of the record, by criteria',
    flow('Set_Rating', {
      description: 'Hot & <big>',
      criteria,
      logic: '1 AND (2 OR 3)',
      only_when_changed: true,
      order: 5,
      action: {
        type: 'update_fields',
        fields: {
          Rating: 'Hot',
          Enriched_At__c: { date_time: '2026-01-01T00:00:00Z' },
          Enrichment_Score__c: {
            formula: '{!$Record.AnnualRevenue} / 1000',
            result_type: 'Number',
          },
          Segment__c: null,
        },
      },
    }),
  ],
  [
    'fields of the record, by a formula',
    flow('Set_By_Formula', {
      formula: 'ISPICKVAL({!$Record.LeadSource}, "Web")',
      action: { type: 'update_fields', fields: { Rating: 'Hot' } },
    }),
  ],
  [
    'another record',
    flow('Make_Placement', {
      on: 'create',
      action: {
        type: 'create_record',
        object: 'Placement__c',
        fields: { External_Key__c: { reference: '$Record.Source_Key__c' }, Is_Remote__c: true },
      },
    }),
  ],
  [
    'fields of other records',
    flow('Update_Placements', {
      on: 'update',
      action: {
        type: 'update_records',
        object: 'Placement__c',
        criteria: [
          {
            field: 'External_Key__c',
            operator: 'equals',
            value: { reference: '$Record.Source_Key__c' },
          },
        ],
        fields: { Is_Remote__c: false },
      },
    }),
  ],
  [
    'an e-mail alert',
    flow('Alert', { action: { type: 'send_email_alert', email_alert: 'Lead.New_Lead' } }),
  ],
  [
    'a plain e-mail and a record, one after the other',
    flow('Mail_And_Make', {
      actions: [
        { type: 'send_email', to: ['a@agency.example'], subject: 'New', body: '{!$Record.Name}' },
        {
          type: 'create_record',
          object: 'Placement__c',
          fields: { Notes__c: 'From a lead' },
        },
      ],
    }),
  ],
  [
    'a record before a delete',
    flow('On_Delete', {
      on: 'delete',
      action: { type: 'create_record', object: 'Placement__c', fields: { Notes__c: 'Gone' } },
    }),
  ],
  [
    'an assignment rule',
    {
      type: 'assignment_rule',
      api_name: 'Lead.By_Source',
      definition: {
        form: 'assignment',
        entries: [
          {
            criteria: [
              { field: 'LeadSource', operator: 'equals', value: ['Web', 'Other'] },
              { field: 'Rating', operator: 'not_equals', value: 'Cold' },
            ],
            logic: 'or',
            assign_to: { queue: 'Inbound_Leads' },
          },
          { formula: 'ISBLANK(Email)', assign_to: { queue: 'Inbound_Leads' } },
        ],
      },
    },
  ],
  [
    'an assignment rule without entries',
    {
      type: 'assignment_rule',
      api_name: 'Case.Idle',
      definition: { form: 'assignment', entries: [] },
    },
  ],
  [
    'a validation rule',
    {
      type: 'validation_rule',
      api_name: 'Account.Has_Phone',
      definition: {
        form: 'validation',
        condition: 'ISBLANK(Phone)',
        message: 'A phone, "please" & thanks',
        field: 'Account.Phone',
        description: 'Since June',
      },
    },
  ],
]

describe('a short form is taken by Salesforce', () => {
  it.each(forms)('%s', async (_name, input) => {
    const { workflow, member, path, result } = await deployOf(input)
    expect(problems(result)).toEqual([])
    expect(result.status).toBe('Succeeded')

    const retrieved = await retrieve(org, new Map([[member[0], [member[1]]]]))
    const files = new Map([...retrieved.files()].map(({ path: name, bytes }) => [name, bytes]))
    const text = Buffer.from(files.get(path) ?? []).toString()
    const [found] = parseWorkflows([{ ...input, definition: undefined, xml: text }])
    const { apiVersion: _version, ...content } = found?.definition ?? {}
    const same = workflow.type === 'flow' ? sameFlow : sameElement
    expect(same(workflow.definition, content)).toBe(true)
  })

  it('an assignment rule to a user', async () => {
    const { result } = await deployOf({
      type: 'assignment_rule',
      api_name: 'Case.To_User',
      definition: { form: 'assignment', entries: [{ assign_to: { user: await user() } }] },
    })
    expect(problems(result)).toEqual([])
  })

  it('and one that names what does not exist is refused in its words', async () => {
    const { result } = await deployOf(
      flow('Nowhere', {
        action: { type: 'create_record', object: 'Nope__c', fields: { A__c: 1 } },
      }),
    )
    expect(problems(result)).toMatchObject([
      { fullName: 'Nowhere', problem: 'In field: object - no CustomObject named Nope__c found' },
    ])
  })
})
