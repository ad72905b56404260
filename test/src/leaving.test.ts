// A client leaves: what was ever deployed goes, what must stay is told, the certificate is true, and after
// the purge nothing is stored but audit rows without contents. The Salesforce org itself is read beside the
// server, and compared with what it was before the first deployment.

import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../server/src/domain/canonical.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import {
  differences,
  mentioning,
  named,
  type Offboarding,
  post,
  readOrg,
  rule,
  type Schema,
  SMALL_ORG,
} from './leaving-support.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

const DEPLOYMENTS = 30

let rig: SharedRig
let org: TestOrg
let client: TestClient
let neighbour: TestClient
let name: string
let before: Schema

const asked = () => ({ client_id: client.id, wait_seconds: 55 })

let deployed = 0
const deploy = async (plan: object): Promise<DeploymentBody> => {
  const body = await post<DeploymentBody>(org.api, '/api/deploy/custom-objects', {
    ...asked(),
    plan,
  })
  expect(body.status, JSON.stringify(body.error)).toBe('deployed')
  deployed += 1
  return body
}
const onLead = (set: string, ...fields: object[]) => ({
  objects: [{ api_name: 'Lead', fields }],
  permissions: { permission_set: set },
})
const objectPlan = (object: string, set: string, ...fields: object[]) => ({
  objects: [
    {
      api_name: `${object}__c`,
      label: object,
      plural_label: `${object}s`,
      name_field: { label: 'Name', type: 'Text' },
      fields,
    },
  ],
  permissions: { permission_set: set },
})
const workflows = async (...list: object[]): Promise<void> => {
  const body = await post<DeploymentBody>(org.api, '/api/deploy/workflows', {
    ...asked(),
    workflows: list,
  })
  expect(body.status, JSON.stringify(body.error)).toBe('deployed')
  deployed += 1
}
const flow = (value: object) => ({
  type: 'flow',
  api_name: 'Rate_It',
  activate: true,
  definition: {
    label: 'Rate It',
    processType: 'AutoLaunchedFlow',
    start: {
      object: 'Lead',
      recordTriggerType: 'Create',
      triggerType: 'RecordBeforeSave',
      connector: { targetReference: 'Set' },
    },
    assignments: {
      name: 'Set',
      label: 'Set',
      assignmentItems: {
        assignToReference: '$Record.Rating',
        operator: 'Assign',
        value,
      },
    },
  },
})

const control = () => rig.simulator.control
const others = (action: 'schema/alter-field', changes: Record<string, unknown>, field: string) =>
  control().act(action, { org: name, object: 'Lead', name: field, changes })

/** Thirty deployments, some over others, and what people do between them and after them. */
const history = async (): Promise<void> => {
  await deploy({
    ...objectPlan('Job', 'Set_Job', text('Title__c'), text('Place__c')),
    tabs: ['Job__c'],
  })
  await deploy({
    objects: [{ api_name: 'Job__c', fields: [text('Note__c')] }],
    permissions: { permission_set: 'Set_Job' },
  })
  await deploy({
    ...onLead('Set_Lead', text('Score__c')),
    layouts: [{ object: 'Lead', layout: 'Lead Layout', section: 'Ours', fields: ['Score__c'] }],
  })
  await deploy(onLead('Set_Lead', text('Score__c', 80)))
  await deploy(onLead('Set_Lead', text('Score__c', 120), text('Mine__c', 60)))
  await deploy(objectPlan('Held', 'Set_Held', text('Kept__c')))
  await deploy(onLead('Set_Lead', text('Data__c'), text('Used__c'), text('Changed__c')))
  await deploy(onLead('Set_Lead', text('Between__c')))
  await others('schema/alter-field', { length: 50, label: 'Their Label' }, 'Between__c')
  await deploy(onLead('Set_Lead', { ...text('Between__c', 90), label: 'Our Label' }))
  await workflows(rule('Give a phone number.'))
  await workflows(rule('Give a phone number, please.'))
  await workflows(flow({ stringValue: 'Hot' }))
  // Automations of ours use what goes after them.
  await workflows(flow({ elementReference: '$Record.Score__c' }))
  // One of theirs, which does until it is as it was.
  await control().act('automations/set-validation-rule', {
    ...{ org: name, object: 'Lead', name: 'Was_There', active: true },
    ...{ formula: 'ISBLANK(LastName)', message: 'Give a name.' },
  })
  await workflows({
    ...rule('Give a name.'),
    api_name: 'Lead.Was_There',
    definition: {
      errorConditionFormula: 'AND(ISBLANK(LastName), ISBLANK(Score__c))',
      errorMessage: 'Give a name.',
    },
  })
  await workflows({
    ...rule('Give a score.'),
    api_name: 'Lead.Score_Needed',
    definition: { errorConditionFormula: 'LEN(Mine__c + Score__c) > 130', errorMessage: 'Less.' },
  })
  while (deployed < DEPLOYMENTS) {
    const n = deployed % 2
    // The same fields again and again, longer each time.
    await deploy(onLead('Set_Loop', text(`Loop_${n}__c`, 40 + deployed)))
  }
  await others('schema/alter-field', { label: 'Theirs' }, 'Changed__c')
  await control().act('automations/set-validation-rule', {
    org: name,
    object: 'Lead',
    name: 'Theirs',
    active: true,
    formula: 'LEN(Used__c) > 30',
    message: 'Too long.',
  })
  await control().act('records/fill', {
    org: name,
    object: 'Lead',
    count: 3,
    template: { LastName: 'Row', Company: 'Acme', Data__c: 'worth keeping' },
  })
  await control().act('records/fill', {
    org: name,
    object: 'Held__c',
    count: 2,
    template: { Name: 'Held' },
  })
}

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  client = await org.client('Leaver')
  neighbour = await org.client('Neighbour')
  name = (await rig.salesforceOrg({ edition: 'Unlimited' })).name
  await control().act('deploys/pace', { org: name, pendingMs: 0, runMs: 0 })
  await control().act('schema/add-field', {
    org: name,
    object: 'Lead',
    field: { name: 'Mine__c', type: 'string', label: 'Mine', length: 20 },
  })
  await client.connect(name)
  await client.pull()
  await neighbour.connect((await rig.salesforceOrg(SMALL_ORG)).name)
  await neighbour.pull()
  before = await readOrg(rig, name)
  await history()
}, 240_000)

const KEPT = {
  'CustomObject Held__c': 'holds_data',
  'CustomField Lead.Data__c': 'holds_data',
  'CustomField Lead.Used__c': 'in_use',
  'CustomField Lead.Changed__c': 'changed_by_others',
  'CustomField Lead.Between__c': 'changed_by_others',
}

describe('an off-boarding of a client with thirty deployments', () => {
  let preview: Offboarding
  let done: Offboarding

  it('is previewed: it says what goes and what stays, and changes nothing', async () => {
    const standing = await readOrg(rig, name)
    preview = await post(org.api, '/api/fleet/offboard/preview', asked())
    expect(preview.status, JSON.stringify(preview.error)).toBe('partial')
    expect(preview).toMatchObject({ is_preview: true, connection: null, certificate: null })
    const codes = Object.fromEntries(
      preview.stays.map(({ type, full_name, code }) => [`${type} ${full_name}`, code]),
    )
    expect(codes).toMatchObject(KEPT)
    expect(named(preview.restored)).toContain('ValidationRule Lead.Was_There')
    expect(named(preview.removed)).toEqual(
      expect.arrayContaining(['CustomObject Job__c', 'CustomField Lead.Score__c', 'Flow Rate_It']),
    )
    expect(differences(standing, await readOrg(rig, name))).toEqual([])
  })

  it('is asked for first by a token that has to ask', async () => {
    const { token } = await post<{ token: string }>(org.api, '/api/tokens/create', {
      name: 'agent',
      approval: 'required',
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const answer = await org.api
      .as(token)
      .post<{ code: string; approval_id: string }>('/api/fleet/offboard/start', asked())
    expect(answer.body.code, answer.text).toBe('approval_required')
    const person = await org.user('org_admin')
    const { summary } = await post<{ summary: string[] }>(person.api, '/api/approvals/get', {
      approval_id: answer.body.approval_id,
    })
    expect(summary.join('\n')).toMatch(/Removes everything that 30 deployments .*\n.*\nRevokes/s)
  })

  it('takes out what nobody changed, in one deploy, keeps the rest with its reasons, and revokes', async () => {
    const deploys = async () =>
      (
        (await control().act('deploys/list', { org: name })) as {
          status: string
          checkOnly: boolean
        }[]
      ).filter(({ status, checkOnly }) => status === 'Succeeded' && !checkOnly).length
    const sentBefore = await deploys()
    done = await post(org.api, '/api/fleet/offboard/start', asked())
    expect(done.error).toBeNull()
    expect(done.status).toBe('partial')
    // The preview promised this, and nothing else.
    expect(named(done.removed)).toEqual(named(preview.removed))
    expect(named(done.restored)).toEqual(named(preview.restored))
    expect(named(done.stays)).toEqual(named(preview.stays))
    const codes = Object.fromEntries(
      done.stays
        .filter(({ type }) => type === 'CustomField' || type === 'CustomObject')
        .filter(({ full_name }) => !full_name.startsWith('Held__c.'))
        .map(({ type, full_name, code }) => [`${type} ${full_name}`, code]),
    )
    expect(codes).toEqual(KEPT)
    expect(done.stays.find(({ full_name }) => full_name === 'Held__c')?.rows).toBe(2)
    expect(done.stays.find(({ full_name }) => full_name === 'Lead.Data__c')?.rows).toBe(3)
    expect(done.stays.find(({ full_name }) => full_name === 'Lead.Used__c')?.reason).toMatch(
      /referenced/,
    )
    expect(done.proof).toMatchObject({ complete: true, differences: [] })
    expect(done.connection).toEqual({ status: 'revoked', failed_steps: [] })
    // The rule and the flow, then everything else.
    expect((await deploys()) - sentBefore).toBeLessThanOrEqual(2)
  })

  it('leaves the Salesforce org as it was before the first deployment but for what it names', async () => {
    const after = await readOrg(rig, name)
    const ours = differences(before, after)
    expect(ours.filter((one) => one.startsWith('object'))).toEqual(['object Held__c'])
    const fields = ours.filter((one) => one.startsWith('Lead.') || one.startsWith('Account.'))
    expect(fields).toEqual(['Lead.between__c', 'Lead.changed__c', 'Lead.data__c', 'Lead.used__c'])
    // Back to what they made of it, not to what we did.
    expect(after.fields['Lead.between__c']).toMatchObject({ label: 'Their Label', length: '50' })
    expect(after.fields['Lead.mine__c']).toEqual(before.fields['Lead.mine__c'])
    expect(after.layout).toBe(before.layout)
    expect(after.flows).toEqual(before.flows)
    expect(after.rules.filter((one) => JSON.stringify(one).includes('Theirs'))).toHaveLength(1)
    expect(after.rules).toHaveLength(before.rules.length + 2)
    // A set stays as long as it opens something that stays.
    const sets = ours.filter((one) => one.startsWith('{"Name"'))
    expect(sets).toEqual(['{"Name":"Set_Held"}', '{"Name":"Set_Lead"}'])
  })

  it('gives a certificate whose hash is that of its contents, and that says the same', async () => {
    const { certificate } = done
    const hash = createHash('sha256').update(canonicalJson(certificate)).digest('hex')
    expect(hash).toBe(done.certificate_hash)
    expect(named(certificate?.removed as never)).toEqual(named(done.removed))
    expect(certificate?.stays).toEqual(done.stays)
    const removed = (certificate?.removed ?? []) as {
      full_name: string
      before: unknown
      deployed: unknown
    }[]
    const job = removed.find(({ full_name }) => full_name === 'Job__c')
    expect(job?.before).toBeNull()
    expect(job?.deployed).toMatch(/^[0-9a-f]{64}$/)
    expect(certificate?.deployments).toHaveLength(DEPLOYMENTS)
  })

  it('says of each deployment what became of it, and shows no deployment of its own', async () => {
    const { items } = await post<{ items: { status: string; kind: string }[] }>(
      org.api,
      '/api/deploy/list',
      { client_id: client.id, limit: 100 },
    )
    expect(items).toHaveLength(DEPLOYMENTS)
    const left = items.filter(({ status }) => status !== 'rolled_back')
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(8)
  })

  it('tells it as an event, and in the audit log', async () => {
    const { items } = await post<{
      items: { type: string; data: { offboarding_id: string; preview: boolean } }[]
    }>(org.api, '/api/events/list', { client_id: client.id, types: ['offboarding.finished'] })
    expect(items.map(({ data }) => [data.offboarding_id, data.preview])).toEqual([
      [done.id, false],
      [preview.id, true],
    ])
    const audit = await post<{ items: { action: string; outcome: string }[] }>(
      org.api,
      '/api/audit/list',
      { client_id: client.id, action: 'client.offboard' },
    )
    expect(audit.items.map(({ outcome }) => outcome)).toEqual(['ok', 'preview'])
  })
})

describe('its purge', () => {
  it('deletes all that is stored of the client, keeps audit rows and the certificate, and nothing of others', async () => {
    const neighbours = await mentioning(rig, neighbour.id)
    const started = await post(org.api, '/api/fleet/offboard/start', {
      ...asked(),
      purge: true,
      leave_in_place: true,
    })
    const done = await until('the client is purged', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: started.id })
      return state.is_final ? state : null
    })
    expect(done).toMatchObject({ purged: true, error: null })
    const hash = createHash('sha256').update(canonicalJson(done.certificate)).digest('hex')
    expect(hash).toBe(done.certificate_hash)
    const { purge } = done.certificate as { purge: { deleted_rows: Record<string, number> } }
    expect(purge.deleted_rows.crm_deployments).toBeGreaterThanOrEqual(DEPLOYMENTS)

    const left = await mentioning(rig, client.id)
    expect(Object.keys(left).toSorted()).toEqual(['public.audit_log', 'public.offboardings'])
    expect(left['public.offboardings'], 'the certificate').toBe(1)
    expect(await mentioning(rig, neighbour.id)).toEqual(neighbours)
    const columns = await rig.query<{ name: string }>(
      `select attname::text as name from pg_attribute
        where attrelid = 'audit_log'::regclass and attnum > 0 and atttypid = 'jsonb'::regtype`,
    )
    expect(columns, 'audit rows have no contents').toEqual([])
    const answer = await org.api.post('/api/clients/get', { client_id: client.id })
    expect(answer.status).toBe(404)
  })
})
