// What a deployment and its rollback report is true, even if plans are unusual, are rolled back in parts
// or out of order, or if the connection changes meanwhile.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { sharedClient, type SharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg
let client: TestClient
let acme: string

beforeAll(async () => {
  const mine = await sharedClient()
  ;({ rig, org, client } = mine)
  acme = mine.salesforceOrg.name
  await pace({ pendingMs: 0, runMs: 0 })
})

const pace = (ms: { pendingMs?: number; runMs?: number }) =>
  rig.simulator.control.act('deploys/pace', { org: acme, ...ms })
const deploy = (plan: unknown, more: Record<string, unknown> = {}) =>
  org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
    client_id: client.id,
    plan,
    wait_seconds: 55,
    ...more,
  })
const status = (deploymentId: string) =>
  org.api.post<DeploymentBody>('/api/deploy/status', { deployment_id: deploymentId })
const ended = (deploymentId: string) =>
  until(
    'the deployment ended',
    async () => (await status(deploymentId)).body.status !== 'pending',
    60_000,
  )
const rollback = (deploymentId: string, more: Record<string, unknown> = {}) =>
  org.api.post<DeploymentBody>('/api/deploy/rollback', {
    deployment_id: deploymentId,
    wait_seconds: 55,
    ...more,
  })
const onLead = (set: string, ...fields: object[]) => ({
  objects: [{ api_name: 'Lead', fields }],
  permissions: { permission_set: set },
})
const object = (name: string, fields: object[]) => ({
  api_name: `${name}__c`,
  label: name,
  plural_label: `${name}s`,
  name_field: { label: 'Name', type: 'Text' },
  fields,
})
const lookup = (api_name: string, to: string, relationship: string, type = 'Lookup') => ({
  ...{ api_name, label: api_name.replace('__c', ''), type, reference_to: to },
  relationship_name: relationship,
})
const actionOf = ({ components }: DeploymentBody, name: string) =>
  components.find(({ full_name }) => full_name === name)?.action
const names = (list: readonly { full_name: string }[] = []) => list.map((one) => one.full_name)

/** Whether the Salesforce org has the permission set, known from what a deploy would do with it. */
const hasPermissionSet = async (set: string): Promise<boolean> => {
  const { body } = await deploy(onLead(set, text('Probe__c')), { check_only: true })
  expect(body.status).toBe('validated')
  return actionOf(body, set) !== 'created'
}

describe('a rollback', () => {
  it('in parts and then of the rest leaves no permission set of ours behind', async () => {
    const { body } = await deploy({
      ...onLead('Set_Parts', text('Part_A__c'), text('Part_B__c')),
      layouts: [
        {
          object: 'Lead',
          layout: 'Lead Layout',
          section: 'Parts',
          fields: ['Part_A__c', 'Part_B__c'],
        },
      ],
    })
    const part = await rollback(body.id, {
      components: [{ type: 'CustomField', full_name: 'Lead.Part_A__c' }],
    })
    expect(part.body).toMatchObject({ status: 'deployed', rollback: { status: 'partial' } })
    const rest = await rollback(body.id)
    expect(rest.body).toMatchObject({
      status: 'rolled_back',
      rollback: { status: 'complete', kept: [], remaining: [], proof: { complete: true } },
    })
    expect(names(rest.body.rollback?.removed)).toContain('Set_Parts')
    expect(await hasPermissionSet('Set_Parts')).toBe(false)
  })

  it('keeps a record type, which Salesforce lets nobody delete, and nothing else on its account', async () => {
    const { body } = await deploy({
      objects: [
        {
          api_name: 'Account',
          fields: [text('Typed__c')],
          record_types: [{ api_name: 'Agency', label: 'Agency' }],
        },
      ],
      permissions: { permission_set: 'Set_Typed' },
    })
    expect(body.status).toBe('deployed')
    const done = await rollback(body.id)
    expect(done.body.status).toBe('rolled_back')
    expect(names(done.body.rollback?.kept)).toEqual(['Account.Agency'])
    expect(await hasPermissionSet('Set_Typed')).toBe(false)
  })

  it('rolls objects back that look each other up, masters named before their details', async () => {
    const { body } = await deploy({
      objects: [
        object('Circle_A', [lookup('Other__c', 'Circle_B__c', 'Circle_As')]),
        object('Circle_B', [
          lookup('Other__c', 'Circle_A__c', 'Circle_Bs'),
          lookup('Self__c', 'Circle_B__c', 'Selves'),
        ]),
        object('Circle_Detail', [
          lookup('Master__c', 'Circle_A__c', 'Circle_Details', 'MasterDetail'),
        ]),
        {
          api_name: 'Lead',
          fields: [
            lookup('Circle_A__c', 'Circle_A__c', 'Circle_Leads'),
            {
              api_name: 'Circle_Name__c',
              label: 'Circle Name',
              type: 'Formula',
              result_type: 'Text',
              formula: 'Circle_A__r.Name',
            },
          ],
        },
      ],
      permissions: { permission_set: 'Set_Circle' },
      tabs: ['Circle_A__c'],
    })
    expect(body).toMatchObject({ status: 'deployed', warnings: [] })
    const done = await rollback(body.id)
    expect(done.body).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], remaining: [], proof: { complete: true, differences: [] } },
    })
  })

  it('that makes a field shorter than what was entered meanwhile is refused with the rows', async () => {
    await deploy(onLead('Set_Length', text('Grown__c', 10)))
    const { body } = await deploy(onLead('Set_Length', text('Grown__c', 80)))
    expect(body.components[0]).toMatchObject({
      action: 'updated',
      reversibility: 'reversible_with_data_loss',
    })
    const lead = { LastName: 'Long', Company: 'Acme', Grown__c: 'x'.repeat(50) }
    await rig.simulator.control.act('records/fill', {
      org: acme,
      object: 'Lead',
      count: 3,
      template: lead,
    })
    const refused = await rollback(body.id)
    expect([refused.status, refused.body.code]).toEqual([409, 'data_would_be_lost'])
    expect(refused.body.errors).toMatchObject([{ path: 'Lead.Grown__c' }])
    expect(refused.body.errors?.[0]?.message).toContain('3 rows')
    const meant = await rollback(body.id, { allow_data_loss: true })
    expect(meant.body.status).toBe('rolled_back')
  })

  it('out of order keeps what the later deployment made of a field, and is whole after it', async () => {
    await deploy(onLead('Set_Order', text('Order__c', 20)))
    const second = await deploy(onLead('Set_Order', text('Order__c', 40)))
    const third = await deploy(onLead('Set_Order', text('Order__c', 60), text('Beside__c')))
    const early = await rollback(second.body.id)
    expect(early.body).toMatchObject({ status: 'deployed', rollback: { status: 'partial' } })
    expect(names(early.body.rollback?.kept)).toEqual(['Lead.Order__c'])
    expect((await rollback(third.body.id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true } },
    })
    expect((await rollback(second.body.id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true } },
    })
  })

  it('is proven whole though others have changed the same object since', async () => {
    const first = await deploy(onLead('Set_Mine', text('Mine__c')))
    await deploy(onLead('Set_Theirs', text('Theirs__c')))
    await rig.simulator.control.act('schema/add-field', {
      org: acme,
      object: 'Lead',
      field: { name: 'By_Hand__c', type: 'string', label: 'By Hand', length: 10 },
    })
    expect((await rollback(first.body.id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], proof: { complete: true, differences: [] } },
    })
  })

  it('asked for twice at once happens once', async () => {
    const { body } = await deploy(onLead('Set_Both', text('Both__c')))
    const both = await Promise.all([rollback(body.id), rollback(body.id)])
    expect(both.map((answer) => answer.status).toSorted()).toEqual([200, 409])
    expect((await status(body.id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { status: 'complete', removed: [{ full_name: 'Lead.Both__c' }, {}] },
    })
  })

  it('that Salesforce cannot take answers 502 in its own words, and can be asked for again', async () => {
    const { body } = await deploy(onLead('Set_Later', text('Later__c')))
    await rig.simulator.control.addFault({
      org: acme,
      path: '*/metadata/deployRequest',
      method: 'POST',
      kind: { type: 'status', status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'not now' },
    })
    const refused = await rollback(body.id)
    expect(refused.status).toBe(502)
    expect(refused.body.upstream).toMatchObject({ code: 'INSUFFICIENT_ACCESS', message: 'not now' })
    expect((await rollback(body.id)).body.status).toBe('rolled_back')
  })
})

describe('a plan', () => {
  it('with texts that XML or the database cannot hold is refused with the path', async () => {
    for (const bad of ['a\u0000b', 'half \ud800', 'x\u000by', '\uffff']) {
      const answer = await deploy(
        onLead('Set_Text', { ...text('Text__c'), description: bad, help_text: 'fine' }),
      )
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_plan'])
      expect(answer.body.errors).toMatchObject([
        { path: 'plan.objects.0.fields.0.description', code: 'bad_text' },
      ])
    }
  })

  it('with awkward names and texts is deployed as it is, found in place again, and rolled back', async () => {
    const awkward = `<Büro> & "Ünï" 'q' 🎈 ]]> %41`
    const plan = {
      objects: [
        {
          ...object('Awkward', [
            {
              ...text('Text__c'),
              label: awkward,
              description: ` ${awkward}\r\n\ttab  and blanks `,
              help_text: awkward,
            },
            {
              api_name: 'Choice__c',
              label: 'Choice',
              type: 'Picklist',
              values: ['Ja/Nein', 'A & B', { value: 'ü', label: '🎈' }, 'x;y', '100%', `it's "q"`],
              restricted: true,
              default: 'A & B',
            },
          ]),
          label: awkward,
          plural_label: awkward,
          description: `${awkward}\r\nline `,
          validation_rules: [
            {
              api_name: 'Rule',
              error_condition_formula: 'Text__c = "<&>"',
              error_message: awkward,
            },
          ],
        },
      ],
      permissions: { permission_set: 'Set_Awkward' },
      layouts: [
        {
          object: 'Awkward__c',
          layout: 'Büro (a/b) & Co. Layout',
          section: awkward,
          fields: ['Text__c'],
        },
      ],
      tabs: ['Awkward__c'],
    }
    const made = await deploy(plan)
    expect(made.body).toMatchObject({ status: 'deployed', warnings: [], error: null })
    const again = await deploy(plan)
    expect(new Set(again.body.components.map(({ action }) => action))).toEqual(
      new Set(['unchanged']),
    )
    expect((await rollback(made.body.id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], remaining: [], proof: { complete: true } },
    })
  })

  it('for an object whose name a rollback has left blocked is red, and Salesforce agrees', async () => {
    const plan = { objects: [object('Blocked', [text('Name_Of__c')])] }
    const { body } = await deploy(plan)
    expect((await rollback(body.id)).body.status).toBe('rolled_back')
    const check = (more: Record<string, unknown>) =>
      org.api.post<{ severity: string; findings: { code: string; severity: string }[] }>(
        '/api/conflicts/check',
        { client_id: client.id, plan, wait_seconds: 55, ...more },
      )
    const report = await check({ refresh: true })
    expect(report.body).toMatchObject({ severity: 'red' })
    expect(report.body.findings).toContainEqual(
      expect.objectContaining({ code: 'object_name_deleted', severity: 'red' }),
    )
    expect((await deploy(plan)).body).toMatchObject({ status: 'failed' })
    // Once it is erased, Salesforce accepts the plan: then Salesforce's answer counts.
    await rig.simulator.control.act('schema/erase-deleted', { org: acme })
    expect((await check({ validate_in_salesforce: true })).body.severity).toBe('green')
    expect((await deploy(plan)).body).toMatchObject({ status: 'deployed' })
  })

  it('grants in a permission set of the client, and takes back only that', async () => {
    await deploy(onLead('Set_Of_Client', text('Of_Client__c')))
    const { body } = await deploy({
      ...onLead('Set_Guest', text('Guest__c')),
      permissions: { permission_set: 'Set_Guest', permission_sets: ['Set_Of_Client'] },
    })
    expect(body.status).toBe('deployed')
    expect((await rollback(body.id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { restored: [{ full_name: 'Set_Of_Client' }], proof: { complete: true } },
    })
    const again = await deploy(onLead('Set_Of_Client', text('Of_Client__c')))
    expect(new Set(again.body.components.map(({ action }) => action))).toEqual(
      new Set(['unchanged']),
    )
  })
})

describe('work on its way', () => {
  it('is not abandoned while it is running, and the refusal changes nothing', async () => {
    await pace({ runMs: 3_000 })
    const { body } = await deploy(onLead('Set_Going', text('Going__c')), { wait_seconds: 0 })
    const refused = await org.api.post('/api/deploy/cancel', {
      deployment_id: body.id,
      abandon: true,
    })
    expect([refused.status, refused.body.code]).toEqual([409, 'deployment_in_progress'])
    await ended(body.id)
    expect((await status(body.id)).body.status).toBe('deployed')
    await pace({ pendingMs: 0, runMs: 0 })
  })

  it('that is cancelled at Salesforce ends so, leaves nothing and holds nothing', async () => {
    await pace({ pendingMs: 0, runMs: 6_000 })
    const {
      body,
      status: code,
      headers,
    } = await deploy(onLead('Set_Stop', text('Stop__c')), {
      wait_seconds: 0,
    })
    expect([code, headers.get('location')]).toEqual([202, '/api/deploy/status'])
    await until('it is at Salesforce', async () => {
      const { sfdc_deploy_id: sent } = (await status(body.id)).body
      return sent !== null
    })
    await org.api.post('/api/deploy/cancel', { deployment_id: body.id })
    await ended(body.id)
    await pace({ pendingMs: 0, runMs: 0 })
    expect((await status(body.id)).body).toMatchObject({
      status: 'failed',
      error: { code: 'cancelled' },
    })
    expect((await deploy(onLead('Set_Stop', text('Stop__c')))).body.status).toBe('deployed')
  })

  it('goes on to its end when the client is deactivated after it was sent', async () => {
    await pace({ pendingMs: 0, runMs: 3_000 })
    const { body } = await deploy(onLead('Set_Idle', text('Idle__c')), { wait_seconds: 0 })
    await until('it is at Salesforce', async () => {
      return (await status(body.id)).body.sfdc_deploy_id !== null
    })
    const activate = (is_active: boolean) =>
      org.api.post('/api/clients/update', { client_id: client.id, is_active })
    await activate(false)
    await ended(body.id)
    expect((await status(body.id)).body.status).toBe('deployed')
    const more = await deploy(onLead('Set_Idle', text('Idle_2__c')))
    expect([more.status, more.body.code]).toEqual([400, 'client_inactive'])
    await activate(true)
    await pace({ pendingMs: 0, runMs: 0 })
  })

  it('waits where the connection was revoked after it was sent, and is settled by a new one', async () => {
    await pace({ pendingMs: 0, runMs: 4_000 })
    const { body } = await deploy(onLead('Set_Cut', text('Cut__c')), { wait_seconds: 0 })
    await until('it is at Salesforce', async () => {
      return (await status(body.id)).body.sfdc_deploy_id !== null
    })
    await org.api.post('/api/connections/revoke', { client_id: client.id })
    await until('it stands still', async () => {
      return (await status(body.id)).body.error?.code === 'connection_lost'
    })
    await client.connect(acme)
    await rig.query(
      `update deployment_runs set resume_at = now() where client_id = $1 and ended_at is null`,
      [client.id],
    )
    await ended(body.id)
    expect((await status(body.id)).body.status).toBe('deployed')
    await pace({ pendingMs: 0, runMs: 0 })
  })

  it('of one Salesforce org is not rolled back in another', async () => {
    const other = (await rig.salesforceOrg()).name
    const { body } = await deploy(onLead('Set_Home', text('Home__c')))
    const checked = await org.api.post<{ id: string }>('/api/conflicts/check', {
      client_id: client.id,
      plan: onLead('Set_Away', text('Away__c')),
      wait_seconds: 55,
      refresh: true,
    })
    await client.connect(other, { allow_other_org: true })
    const refused = await rollback(body.id)
    expect([refused.status, refused.body.code]).toEqual([409, 'not_rollbackable'])
    const judgedElsewhere = await deploy(onLead('Set_Away', text('Away__c')), {
      conflict_report_id: checked.body.id,
      accept: ['yellow'],
    })
    expect([judgedElsewhere.status, judgedElsewhere.body.code]).toEqual([409, 'topology_drifted'])
    await client.connect(acme, { allow_other_org: true })
    expect((await rollback(body.id)).body.status).toBe('rolled_back')
  })
})

describe('deployments and reports of others', () => {
  it('answer as if they did not exist', async () => {
    const { body } = await deploy(onLead('Set_Private', text('Private__c')))
    const stranger = await rig.org()
    const missing = '0199a1b2-0000-7000-8000-00000000dead'
    const without = (answer: { status: number; text: string }) => [
      answer.status,
      answer.text.replace(/"request_id":"[^"]*"/, ''),
    ]
    for (const path of ['status', 'cancel', 'rollback']) {
      const ask = (id: string) => stranger.api.post(`/api/deploy/${path}`, { deployment_id: id })
      const foreign = await ask(body.id)
      expect(foreign.status).toBe(404)
      expect(without(foreign)).toEqual(without(await ask(missing)))
    }
    const list = (id: string) => stranger.api.post('/api/deploy/list', { client_id: id })
    expect(without(await list(client.id))).toEqual(without(await list(missing)))
    const own = await stranger.client()
    const into = (id: string) =>
      stranger.api.post('/api/deploy/custom-objects', {
        client_id: id,
        plan: onLead('Set_Private', text('Private__c')),
      })
    expect(without(await into(client.id))).toEqual(without(await into(missing)))
    expect((await into(own.id)).body.code).toBe('connection_not_ready')
    const asked = async (role: 'company_admin' | 'company_member', clientId: string) => {
      const { api } = await org.user(role, clientId)
      const { status, body: told } = await api.post('/api/deploy/status', {
        deployment_id: body.id,
      })
      return [status, told.code]
    }
    expect(await asked('company_member', client.id)).toEqual([403, 'forbidden'])
    // The client's own admin sees what was done to it, and another client's does not.
    expect(await asked('company_admin', client.id)).toEqual([200, undefined])
    expect(await asked('company_admin', (await org.client()).id)).toEqual([404, 'not_found'])
  })
})
