// Pushes and automations: what will run is reported beforehand, and does run.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

interface PushBody {
  status: string
  succeeded: number
  salesforce_api_calls: number
  automations: { type: string; api_name: string; events: string[] }[] | null
}

let rig: SharedRig
let acme: string
let org: TestOrg
let client: TestClient

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg({ edition: 'Enterprise' })).name
  org = await rig.org()
  client = await org.client()
  await client.connect(acme)
  await client.pull()
})

const post = <T>(path: string, body: object) =>
  org.api.post<T>(path, { client_id: client.id, wait_seconds: 55, ...body })

describe('a push', () => {
  it('reports in its dry run which automations its rows will start, and they are started', async () => {
    const deployed = await post<DeploymentBody>('/api/workflows/deploy', {
      workflows: [
        {
          type: 'flow',
          api_name: 'Rate_Pushed',
          definition: {
            form: 'record_triggered',
            label: 'Rate Pushed',
            object: 'Lead',
            on: 'create',
            action: { type: 'update_fields', fields: { Rating: 'Hot' } },
          },
          activate: true,
        },
      ],
    })
    expect(deployed.body.status, deployed.text).toBe('deployed')
    const fields = await post<DeploymentBody>('/api/deploy/custom-objects', {
      plan: {
        objects: [
          {
            api_name: 'Lead',
            fields: [
              {
                api_name: 'Key__c',
                label: 'Key',
                type: 'Text',
                length: 40,
                external_id: true,
                unique: true,
              },
            ],
          },
        ],
      },
    })
    expect(fields.body.status, fields.text).toBe('deployed')
    await client.pull()
    const mapping = await org.api.post('/api/mappings/create', {
      client_id: client.id,
      canonical_object: 'person',
      sfdc_object: 'Lead',
      external_id_field: 'Key__c',
      fields: [
        { canonical_field: 'key', sfdc_field: 'Key__c' },
        { canonical_field: 'last', sfdc_field: 'LastName', required: true },
        { canonical_field: 'firm', sfdc_field: 'Company', required: true },
      ],
    })
    expect(mapping.status, mapping.text).toBe(201)
    const push = (options: object) =>
      post<PushBody>('/api/push/records', {
        object: 'person',
        records: [{ key: 'a', last: 'Pushed', firm: 'Acme' }],
        options,
      })
    const dry = await push({ dry_run: true })
    expect(dry.status, dry.text).toBe(200)
    expect(dry.body.salesforce_api_calls).toBe(0)
    const named = dry.body.automations ?? []
    expect(named).toContainEqual({
      type: 'flow',
      api_name: 'Rate_Pushed',
      events: ['create'],
      timing: 'before',
    })
    expect(named.map(({ type }) => type)).not.toContain('assignment_rule')
    const asked = await push({ dry_run: true, assignment_rules: true })
    expect(asked.body.automations?.map(({ type }) => type)).toContain('assignment_rule')

    const sent = await push({})
    expect(sent.body, sent.text).toMatchObject({ status: 'succeeded', automations: null })
    const leads = await rig.simulator.control.act('records/list', { org: acme, object: 'Lead' })
    expect(leads.find((lead) => lead.Key__c === 'a')).toMatchObject({ Rating: 'Hot' })
  })
})
