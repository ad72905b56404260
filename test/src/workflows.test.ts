// Automations through the public API: what is deployed runs, what is removed is gone, and all of it can
// be rolled back without a trace.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

interface Automation {
  type: string
  api_name: string
  object: string | null
  active: boolean
  active_version: number | null
  latest_version: number | null
  deployed_by_engine: boolean
}

let rig: SharedRig
let acme: string
let usernameOf: SalesforceOrg['usernameOf']
let org: TestOrg
let client: TestClient

beforeAll(async () => {
  rig = await sharedRig()
  const made = await rig.salesforceOrg({ edition: 'Enterprise' })
  acme = made.name
  usernameOf = (who) => made.usernameOf(who)
  org = await rig.org()
  client = await org.client()
  await client.connect(acme)
  await client.pull()
})

const post = <T = DeploymentBody>(path: string, body: object) =>
  org.api.post<T>(path, { client_id: client.id, ...body })
const ended = async (path: string, body: object): Promise<DeploymentBody> => {
  const answer = await post(path, { wait_seconds: 55, ...body })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}
const rollback = async (deploymentId: string): Promise<DeploymentBody> => {
  const answer = await org.api.post<DeploymentBody>('/api/deploy/rollback', {
    deployment_id: deploymentId,
    wait_seconds: 55,
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}
const list = async (filter: object = {}): Promise<Automation[]> => {
  const answer = await post<{ items: Automation[] }>('/api/workflows/list', {
    limit: 200,
    ...filter,
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.items
}
const find = async (apiName: string) =>
  (await list()).find(({ api_name: name }) => name === apiName) ?? null
const leftSince = async (version: number) => {
  const { version: now } = await client.pull()
  const answer = await post<{ objects: unknown[]; automations: unknown[] }>('/api/topology/diff', {
    from_version: version,
    to_version: now,
  })
  return [...answer.body.objects, ...answer.body.automations]
}

const ratingFlow = (apiName: string, rating: string, activate: boolean | 'keep' = true) => ({
  type: 'flow',
  api_name: apiName,
  definition: {
    form: 'record_triggered',
    label: apiName.replaceAll('_', ' '),
    object: 'Lead',
    on: 'create',
    criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
    action: { type: 'update_fields', fields: { Rating: rating } },
  },
  activate,
})

describe('a flow', () => {
  it('that is deployed acts on records, is listed as ours, and leaves nothing after its rollback', async () => {
    const { version } = await client.pull()
    const made = await ended('/api/workflows/deploy', { workflows: [ratingFlow('Rate_It', 'Hot')] })
    expect(made).toMatchObject({ kind: 'workflows', status: 'deployed', warnings: [] })
    expect(await find('Rate_It')).toMatchObject({
      type: 'flow',
      object: 'Lead',
      active: true,
      active_version: 1,
      deployed_by_engine: true,
    })
    const inserted = await rig.simulator.control.act('records/insert', {
      org: acme,
      object: 'Lead',
      rows: [{ LastName: 'Web', Company: 'Acme', LeadSource: 'Web' }],
    })
    expect(inserted).toBeDefined()
    const records = await rig.simulator.control.act('records/list', {
      org: acme,
      object: 'Lead',
    })
    expect(records.find((record) => record.LastName === 'Web')?.Rating).toBe('Hot')

    const done = await rollback(made.id)
    expect(done).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true, differences: [] } },
    })
    expect(await find('Rate_It')).toBeNull()
    expect(await leftSince(version)).toEqual([])
  })

  it('with a JSON number that would lose digits is refused, and nothing is deployed', async () => {
    const answer = await org.api.raw('/api/workflows/deploy', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body:
        `{"client_id":"${client.id}","workflows":[{"type":"flow","api_name":"Long_Number",` +
        '"definition":{"label":"Long Number","processType":"AutoLaunchedFlow","constants":' +
        '[{"name":"Most","dataType":"Number","value":{"numberValue":9007199254740993}}]}}]}',
    })
    expect(answer, answer.text).toMatchObject({
      status: 422,
      body: {
        errors: [
          {
            path: 'workflows.0.definition.constants.0.value.numberValue',
            code: 'number_not_exact',
          },
        ],
      },
    })
    expect(await find('Long_Number')).toBeNull()
  })

  it('is checked before: a new version of an active flow is reported, and the report gates the deploy', async () => {
    await ended('/api/workflows/deploy', { workflows: [ratingFlow('Checked', 'Hot')] })
    await client.pull()
    const workflows = [ratingFlow('Checked', 'Cold')]
    const report = await post<{
      id: string
      severity: string
      findings: { code: string; component: { full_name: string } }[]
    }>('/api/conflicts/check', { workflows, wait_seconds: 55 })
    expect(report.status, report.text).toBe(201)
    expect(report.body.findings.map(({ code }) => code)).toContain('flow_active_version_replaced')
    expect(report.body.severity).toBe('yellow')
    const gated = { workflows, conflict_report_id: report.body.id, wait_seconds: 55 }
    const stopped = await post('/api/deploy/workflows', gated)
    expect([stopped.status, stopped.body.code]).toEqual([409, 'conflicts_found'])
    const other = await post('/api/deploy/workflows', {
      ...gated,
      workflows: [ratingFlow('Checked', 'Warm')],
      accept: ['yellow'],
    })
    expect(other.status).toBe(400)
    const passed = await ended('/api/deploy/workflows', { ...gated, accept: ['yellow'] })
    expect(passed.status).toBe('deployed')
    expect(await find('Checked')).toMatchObject({ active_version: 2, latest_version: 2 })
  })

  it('from a file reads back as deployed, however the file writes its values, and is unchanged then', async () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
<Flow xmlns="http://soap.sforce.com/2006/04/metadata">
    <actionCalls>
        <name>Post</name>
        <label>Post</label>
        <locationX>050</locationX>
        <locationY>0</locationY>
        <actionName>chatterPost</actionName>
        <actionType>chatterPost</actionType>
        <connector/>
        <inputParameters>
            <name>text</name>
            <value><stringValue>false</stringValue></value>
        </inputParameters>
        <inputParameters>
            <name>communityId</name>
        </inputParameters>
        <storeOutputAutomatically>false</storeOutputAutomatically>
    </actionCalls>
    <apiVersion>60.0</apiVersion>
    <constants>
        <name>Half</name>
        <dataType>Number</dataType>
        <value><numberValue>0.50</numberValue></value>
    </constants>
    <constants>
        <name>Since</name>
        <dataType>DateTime</dataType>
        <value><dateTimeValue>2026-01-02T03:04:05.000Z</dateTimeValue></value>
    </constants>
    <environments>Default</environments>
    <interviewLabel>From a file {!$Flow.CurrentDateTime}</interviewLabel>
    <label>From a file</label>
    <processType>AutoLaunchedFlow</processType>
    <start>
        <locationX>50</locationX>
        <locationY>0</locationY>
        <connector>
            <targetReference>Post</targetReference>
        </connector>
    </start>
    <status>Active</status>
</Flow>
`
    const body = { workflows: [{ type: 'flow', api_name: 'From_A_File', xml, activate: true }] }
    const first = await ended('/api/workflows/deploy', body)
    expect(first).toMatchObject({
      status: 'deployed',
      warnings: [],
      components: [{ action: 'created', success: true }],
    })
    expect(await ended('/api/workflows/deploy', body)).toMatchObject({
      warnings: [],
      components: [{ action: 'unchanged', success: true }],
    })
    expect(await find('From_A_File')).toMatchObject({ active_version: 1, latest_version: 1 })
  })

  it('that changed since it was checked is not deployed by that report', async () => {
    const workflows = [ratingFlow('Judged', 'Hot'), ratingFlow('Judged_Too', 'Hot')]
    const check = () =>
      post<{ id: string; severity: string }>('/api/conflicts/check', {
        workflows,
        wait_seconds: 55,
      })
    const report = await check()
    expect(report.body.severity, report.text).not.toBe('red')
    // Somebody else creates a flow of that name in the meantime.
    await ended('/api/workflows/deploy', { workflows: [ratingFlow('Judged', 'Cold')] })
    const gated = { workflows, accept: ['yellow'], wait_seconds: 55 }
    const stopped = await post<{ code: string; detail: string }>('/api/workflows/deploy', {
      ...gated,
      conflict_report_id: report.body.id,
    })
    expect([stopped.status, stopped.body.code]).toEqual([409, 'topology_drifted'])
    expect(stopped.body.detail).toContain('Changed since the check: Judged.')
    expect(await find('Judged')).toMatchObject({ active_version: 1, latest_version: 1 })
    expect(await find('Judged_Too')).toBeNull()

    const again = await check()
    const passed = await ended('/api/workflows/deploy', {
      ...gated,
      conflict_report_id: again.body.id,
    })
    expect(passed.status).toBe('deployed')
  })

  it('with paused interviews is not removed: 409 with their number, and nothing is changed', async () => {
    await ended('/api/workflows/deploy', { workflows: [ratingFlow('Paused', 'Hot')] })
    const removal = { workflows: [{ type: 'flow', api_name: 'Paused' }] }
    const { id } = await rig.simulator.control.act('automations/add-interview', {
      org: acme,
      flow: 'Paused',
    })
    const refused = await post('/api/workflows/remove', { ...removal, wait_seconds: 55 })
    expect([refused.status, refused.body.code]).toEqual([409, 'flow_interviews_waiting'])
    expect(refused.text).toContain('Paused: 1')
    expect(await find('Paused')).toMatchObject({ active: true, active_version: 1 })
    await rig.simulator.control.act('automations/end-interview', { org: acme, id })
    const removed = await ended('/api/workflows/remove', removal)
    expect(removed).toMatchObject({ kind: 'workflow_removal', status: 'deployed', warnings: [] })
    expect(await find('Paused')).toBeNull()
    expect((await rollback(removed.id)).status).toBe('rolled_back')
    expect(await find('Paused')).toMatchObject({ active: true, active_version: 1 })
  })

  it('that was removed and restored is still rolled back, deployment by deployment', async () => {
    const { version } = await client.pull()
    const name = 'Rolled_Back'
    const made = [
      await ended('/api/workflows/deploy', { workflows: [ratingFlow(name, 'Hot')] }),
      await ended('/api/workflows/deploy', { workflows: [ratingFlow(name, 'Cold')] }),
      await ended('/api/workflows/set-active', { type: 'flow', api_name: name, active: false }),
      await ended('/api/workflows/remove', { workflows: [{ type: 'flow', api_name: name }] }),
    ]
    const activeAfter: (boolean | undefined)[] = []
    for (const { id } of made.toReversed()) {
      const done = await rollback(id)
      expect(done).toMatchObject({
        status: 'rolled_back',
        rollback: { proof: { complete: true, differences: [] }, kept: [], remaining: [] },
      })
      activeAfter.push((await find(name))?.active)
    }
    expect(activeAfter).toEqual([false, true, true, undefined])
    expect(await leftSince(version)).toEqual([])
  })

  it('is switched off and on, and a repetition says unchanged', async () => {
    await ended('/api/workflows/deploy', { workflows: [ratingFlow('Switched', 'Hot')] })
    const off = { type: 'flow', api_name: 'Switched', active: false }
    expect(await ended('/api/workflows/set-active', off)).toMatchObject({
      kind: 'workflow_activation',
      components: [{ action: 'updated', success: true }],
    })
    expect(await find('Switched')).toMatchObject({ active: false, active_version: null })
    expect(await ended('/api/workflows/set-active', off)).toMatchObject({
      components: [{ action: 'unchanged' }],
    })
    const missing = await post('/api/workflows/set-active', { ...off, api_name: 'Not_There' })
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found'])
    const version = await post('/api/workflows/set-active', { ...off, active: true, version: 9 })
    expect([version.status, version.body.errors?.[0]?.path]).toEqual([400, 'version'])
  })
})

describe('an assignment rule', () => {
  it("joins the client's own, names the one it switches off, and gives its place back", async () => {
    const rules = () => list({ types: ['assignment_rule'], object: 'Lead' })
    const before = await rules()
    const active = before.find((rule) => rule.active)?.api_name ?? ''
    expect(active).not.toBe('')
    const { version } = await client.pull()
    const made = await ended('/api/workflows/deploy', {
      workflows: [
        {
          type: 'assignment_rule',
          api_name: 'Lead.From_The_Web',
          definition: {
            form: 'assignment',
            entries: [
              {
                criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
                assign_to: { user: usernameOf('integration') },
              },
            ],
          },
          activate: true,
        },
      ],
    })
    expect(made.status).toBe('deployed')
    expect(made.components.map(({ full_name: name }) => name)).toEqual([
      'Lead.From_The_Web',
      active,
    ])
    const now = await rules()
    expect(now.map(({ api_name: name }) => name).toSorted()).toEqual(
      [...before.map(({ api_name: name }) => name), 'Lead.From_The_Web'].toSorted(),
    )
    expect(now.filter((rule) => rule.active).map(({ api_name: name }) => name)).toEqual([
      'Lead.From_The_Web',
    ])
    expect((await rollback(made.id)).status).toBe('rolled_back')
    expect(await rules()).toMatchObject(
      before.map(({ api_name, active: was }) => ({ api_name, active: was })),
    )
    expect(await leftSince(version)).toEqual([])
  })
})

describe('workflows', () => {
  it('are refused with the member and the remedy', async () => {
    const answer = await post('/api/workflows/deploy', {
      workflows: [
        ratingFlow('Bad name', 'Hot'),
        { type: 'flow', api_name: 'No_Content' },
        { type: 'assignment_rule', api_name: 'Account.X', definition: { form: 'assignment' } },
        { type: 'validation_rule', api_name: 'Lead.X', xml: '<Flow/>' },
      ],
    })
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_plan'])
    expect(answer.body.errors?.length).toBeGreaterThan(0)
    for (const { path, message } of answer.body.errors ?? []) {
      expect(path).toMatch(/^workflows\.\d/)
      expect(message.length).toBeGreaterThan(10)
    }
  })

  it('are seen by those who may read them and changed by those who may write them', async () => {
    const admin = await org.user('company_admin', client.id)
    const member = await org.user('company_member', client.id)
    const body = { client_id: client.id }
    expect((await admin.api.post('/api/workflows/list', body)).status).toBe(200)
    expect((await member.api.post('/api/workflows/list', body)).status).toBe(403)
    const change = { ...body, workflows: [{ type: 'flow', api_name: 'X' }] }
    expect((await admin.api.post('/api/workflows/remove', change)).status).toBe(403)
  })
})
