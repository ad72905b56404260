// A client leaves: what was ever deployed goes, what must stay is told, the certificate is true, and after
// the purge nothing is stored but audit rows without contents. The Salesforce org itself is read beside the
// server, and compared with what it was before the first deployment.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../server/src/domain/canonical.ts'
import { readFiles } from '../../server/src/domain/deployments/plan/images.ts'
import { elementsIn } from '../../server/src/domain/metadata/xml-tree.ts'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { createSalesforce } from '../../server/src/salesforce/gateway.ts'
import { createHostPolicy } from '../../server/src/salesforce/hosts.ts'
import { openBudget } from '../../server/src/salesforce/testing/budget.ts'
import { Secret } from '../../server/src/secret.ts'
import { type Api } from './api.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { fieldPlan, OBJECT } from './fleet-support.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

interface Stay {
  type: string
  full_name: string
  code: string
  reason: string
  rows: number | null
}

interface Offboarding {
  id: string
  status: string
  code?: string
  is_final: boolean
  removed: { type: string; full_name: string }[]
  restored: { type: string; full_name: string }[]
  stays: Stay[]
  proof: { complete: boolean; differences: unknown[] } | null
  connection: { status: string; failed_steps: unknown[] } | null
  purged: boolean
  certificate: Record<string, unknown> | null
  certificate_hash: string | null
  error: { code: string; message: string } | null
}

interface Schema {
  objects: string[]
  fields: Record<string, unknown>
  flows: unknown[]
  rules: unknown[]
  sets: unknown[]
  assignments: number
  layout: string
}

const VERSION = 'v66.0'
/** A pull of it costs little. */
const SMALL_ORG = { edition: 'Enterprise', seed: { objects: 2, fields: 26 } } as const

let rig: SharedRig
let org: TestOrg
let client: TestClient
let neighbour: TestClient
let name: string
let before: Schema

const asked = () => ({ client_id: client.id, wait_seconds: 55 })

const salesforce = createSalesforce({ hosts: createHostPolicy(['127.0.0.1']) })
afterAll(() => salesforce.close())
const gateway = (token: string, instanceUrl: string) => {
  const session = { accessToken: new Secret(token), instanceUrl }
  return salesforce.org({
    sfdcOrgId: '00D',
    apiVersion: VERSION,
    sessions: { current: async () => session, renew: async () => session },
    budget: openBudget,
    priority: 'work',
  })
}

/** The Salesforce org as an administrator's own program reads it. */
const readOrg = async (salesforceOrg: string): Promise<Schema> => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(salesforceOrg)
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${instanceUrl}/services/data/${VERSION}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  const rows = async (query: string, tooling = false) =>
    (
      await get<{ records: Record<string, unknown>[] }>(
        `${tooling ? '/tooling' : ''}/query?q=${encodeURIComponent(query)}`,
      )
    ).records.map(({ attributes: _, ...rest }) => rest)
  const global = await get<{ sobjects: { name: string; custom: boolean }[] }>('/sobjects')
  const custom = global.sobjects.filter((one) => one.custom).map((one) => one.name)
  const { files } = await readFiles(gateway(token, instanceUrl), [
    ...['Lead', 'Account', 'Job__c', 'Held__c'].map((fullName) => ({
      type: 'CustomObject',
      fullName,
    })),
    { type: 'Layout', fullName: 'Lead-Lead Layout' },
  ])
  const fields: Record<string, unknown> = {}
  for (const [path, file] of files) {
    if (!path.endsWith('.object')) continue
    const object = path.slice('objects/'.length, -'.object'.length)
    for (const [field, element] of elementsIn(file, { root: 'CustomObject', list: 'fields' })) {
      fields[`${object}.${field}`] = element
    }
  }
  return {
    objects: custom.toSorted(),
    fields,
    flows: await rows('SELECT DeveloperName, ActiveVersionId FROM FlowDefinition', true),
    rules: await rows('SELECT ValidationName, Active FROM ValidationRule', true),
    sets: await rows('SELECT Name FROM PermissionSet WHERE IsOwnedByProfile = false'),
    assignments: (await rows('SELECT Id FROM PermissionSetAssignment')).length,
    layout: files.get('layouts/Lead-Lead Layout.layout') ?? '',
  }
}

const readRules = async (salesforceOrg: string): Promise<string[]> => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(salesforceOrg)
  const query = encodeURIComponent('SELECT ValidationName FROM ValidationRule')
  const answer = await fetch(`${instanceUrl}/services/data/${VERSION}/tooling/query?q=${query}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { records } = (await answer.json()) as { records: { ValidationName: string }[] }
  return records.map(({ ValidationName }) => ValidationName)
}

/** What differs, by name. */
const differences = (a: Schema, b: Schema): string[] => {
  const flat = (schema: Schema) =>
    new Map([
      ...schema.objects.map((one) => [`object ${one}`, true] as const),
      ...Object.entries(schema.fields),
      ...[...schema.flows, ...schema.rules, ...schema.sets].map(
        (one) => [JSON.stringify(one), true] as const,
      ),
      ['layout', schema.layout] as const,
    ])
  const [was, is] = [flat(a), flat(b)]
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((key) => JSON.stringify(was.get(key)) !== JSON.stringify(is.get(key)))
    .toSorted()
}

const post = async <T = Offboarding>(api: Api, path: string, body: object): Promise<T> => {
  const answer = await api.post<T>(path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

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
const rule = (message: string) => ({
  type: 'validation_rule',
  api_name: 'Account.Phone_Needed',
  definition: { errorConditionFormula: 'ISBLANK(Phone)', errorMessage: message },
  activate: true,
})
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
  while (deployed < 30) {
    const n = deployed % 4
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
  await neighbour.connect((await rig.salesforceOrg()).name)
  await neighbour.pull()
  before = await readOrg(name)
  await history()
}, 240_000)

const named = (list: readonly { type: string; full_name: string }[]): string[] =>
  list.map(({ type, full_name }) => `${type} ${full_name}`).toSorted()

/** Rows that have the client's id anywhere, by table. */
const mentioning = async (clientId: string): Promise<Record<string, number>> => {
  const tables = await rig.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('public', 'engine')`,
  )
  const counts: Record<string, number> = {}
  for (const { name: table } of tables) {
    const [{ count } = { count: 0 }] = await rig.query<{ count: number }>(
      `select count(*)::int as count from ${table} t where t::text like $1`,
      [`%${clientId}%`],
    )
    if (count > 0) counts[table] = count
  }
  return counts
}

const KEPT = {
  'CustomObject Held__c': 'holds_data',
  'CustomField Lead.Data__c': 'holds_data',
  'CustomField Lead.Used__c': 'in_use',
  'CustomField Lead.Changed__c': 'changed_by_others',
  'CustomField Lead.Between__c': 'changed_by_others',
}

describe('an off-boarding', { timeout: 120_000 }, () => {
  it('that is cancelled while it waits, or while Salesforce works, changes nothing, and the client goes on', async () => {
    const stays = await org.client('Stays')
    const { name: salesforceOrg } = await rig.salesforceOrg({ edition: 'Enterprise' })
    await stays.connect(salesforceOrg)
    await stays.pull()
    await post<DeploymentBody>(org.api, '/api/deploy/custom-objects', {
      client_id: stays.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Stays__c')] }] },
      wait_seconds: 55,
    })
    const standing = await readOrg(salesforceOrg)
    const started = async (
      isWhereItShouldBe: (run: { stage: string; code: string | null }) => boolean,
    ) => {
      const { id } = await post(org.api, '/api/fleet/offboard/start', {
        client_id: stays.id,
        wait_seconds: 0,
      })
      await until('its rollback is where it should be', async () => {
        const [run] = await rig.query<{ stage: string; code: string | null }>(
          `select u.stage, u.error ->> 'code' as code from deployment_runs u
             join offboardings o on u.deployment_id in (o.automations_id, o.components_id)
            where o.id = $1 and u.ended_at is null`,
          [id],
        )
        return run !== undefined && isWhereItShouldBe(run)
      })
      return id
    }
    const cancelled = async (offboarding_id: string, more: object = {}) => {
      await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id, ...more })
      return until('the off-boarding has ended', async () => {
        const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id })
        return state.is_final ? state : null
      })
    }
    const ended = { status: 'failed', error: { code: 'cancelled' }, connection: null }
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    const waiting = await started(({ code }) => code === 'connection_lost')
    expect(await cancelled(waiting)).toMatchObject(ended)
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await post(org.api, '/api/connections/get', { client_id: stays.id, check: true })
    // As long as it also takes to cancel it.
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 15_000 })
    const sent = await started(({ stage }) => stage === 'wait')
    expect(await cancelled(sent)).toMatchObject(ended)
    expect(differences(standing, await readOrg(salesforceOrg))).toEqual([])
    // Nobody knows what becomes of a package that was sent before the connection was lost: it is abandoned.
    const lost = await started(({ stage }) => stage === 'wait')
    const abandon = { offboarding_id: lost, abandon: true }
    const early = await org.api.post<{ code: string }>('/api/fleet/offboard/cancel', abandon)
    expect([early.status, early.body.code]).toEqual([409, 'deployment_in_progress'])
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    await until('the connection is lost', async () => {
      const { error } = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: lost })
      return error?.code === 'connection_lost'
    })
    expect(await cancelled(lost, abandon)).toMatchObject({
      ...{ status: 'failed', error: { code: 'abandoned' }, connection: null },
    })
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 0 })
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await post(org.api, '/api/connections/get', { client_id: stays.id, check: true })
    // Once more it does nothing, and the client works.
    expect(await cancelled(sent)).toMatchObject(ended)
    const goesOn = await org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
      client_id: stays.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Again__c')] }] },
      wait_seconds: 55,
    })
    expect(goesOn.status, goesOn.text).toBe(200)
  })

  it('that ends half way says what it removed, and so does the certificate of the next', async () => {
    const half = await org.client('Half')
    const { name: salesforceOrg } = await rig.salesforceOrg(SMALL_ORG)
    await control().act('deploys/pace', { org: salesforceOrg, pendingMs: 0, runMs: 0 })
    await half.connect(salesforceOrg)
    await half.pull()
    const by = { client_id: half.id, wait_seconds: 55 }
    const given = {
      ...rule('Give a name.'),
      api_name: `${OBJECT}.Given`,
      definition: { errorConditionFormula: 'ISBLANK(Name)', errorMessage: 'Give a name.' },
    }
    for (const [path, what] of [
      ['custom-objects', { plan: fieldPlan('Half') }],
      ['workflows', { workflows: [given] }],
    ] as const) {
      const made = await post<DeploymentBody>(org.api, `/api/deploy/${path}`, { ...by, ...what })
      expect(made.status, JSON.stringify(made)).toBe('deployed')
    }
    const standing = await readRules(salesforceOrg)
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 5_000 })
    const { id } = await post(org.api, '/api/fleet/offboard/start', { ...by, wait_seconds: 0 })
    await until('its components were sent', async () => {
      const [sent] = await rig.query(
        `select from deployment_runs u join offboardings o on u.deployment_id = o.components_id
          where o.id = $1 and u.stage = 'wait'`,
        [id],
      )
      return sent !== undefined
    })
    const gone = [`ValidationRule ${OBJECT}.Given`]
    const running = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
    expect(named(running.removed), 'before somebody cancels it').toEqual(gone)
    await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id: id })
    const ended = await until('the off-boarding has ended', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final ? state : null
    })
    expect(standing).toContain('Given')
    expect(await readRules(salesforceOrg), 'it went before the cancel').not.toContain('Given')
    expect(named(ended.removed)).toEqual(gone)
    expect(ended).toMatchObject({ status: 'failed', certificate: null, proof: { complete: true } })
    expect(ended.error).toMatchObject({ code: 'cancelled' })
    expect(ended.error?.message).not.toMatch(/nothing was changed/)
    const { items } = await post<{ items: { status: string; kind: string }[] }>(
      org.api,
      '/api/deploy/list',
      { client_id: half.id },
    )
    expect(items.map(({ kind, status }) => [kind, status]).toSorted()).toEqual([
      ['custom_objects', 'deployed'],
      ['workflows', 'rolled_back'],
    ])
    // Once more half way, before anything: what went the first time is not forgotten.
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    const second = await post(org.api, '/api/fleet/offboard/start', { ...by, wait_seconds: 0 })
    await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id: second.id })
    await until('the second has ended', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: second.id })
      return state.is_final
    })
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await post(org.api, '/api/connections/get', { client_id: half.id, check: true })
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 0 })
    const done = await post(org.api, '/api/fleet/offboard/start', by)
    expect(done, JSON.stringify(done.error)).toMatchObject({ status: 'complete', stays: [] })
    expect(named(done.removed)).toEqual([
      `CustomField ${OBJECT}.Half__c`,
      'PermissionSet Half',
      ...gone,
    ])
    const { removed, sfdc_deploy_ids: sent } = done.certificate as {
      removed: { type: string; full_name: string; before: unknown; deployed: unknown }[]
      sfdc_deploy_ids: string[]
    }
    expect(named(removed)).toEqual(named(done.removed))
    for (const { before: was, deployed: left } of removed) {
      expect([was, left]).toEqual([null, expect.stringMatching(/^[0-9a-f]{64}$/)])
    }
    expect(sent, 'the package of each half').toHaveLength(2)
  })
})

describe('an off-boarding of a client with thirty deployments', { timeout: 120_000 }, () => {
  let preview: Offboarding
  let done: Offboarding

  it('is previewed: it says what goes and what stays, and changes nothing', async () => {
    const standing = await readOrg(name)
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
    expect(differences(standing, await readOrg(name))).toEqual([])
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
    const after = await readOrg(name)
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
    expect(certificate?.deployments).toHaveLength(30)
  })

  it('says of each deployment what became of it, and shows no deployment of its own', async () => {
    const { items } = await post<{ items: { status: string; kind: string }[] }>(
      org.api,
      '/api/deploy/list',
      { client_id: client.id, limit: 100 },
    )
    expect(items).toHaveLength(30)
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

describe('a client that has left', { timeout: 120_000 }, () => {
  it('is out of the fleet, leaves once, and its rollouts tell what became of it, even when it is purged', async () => {
    const gone = await org.client('Short')
    await gone.connect((await rig.salesforceOrg({ edition: 'Enterprise' })).name)
    await gone.pull()
    interface Rolled {
      id: string
      state: string
      targets: number
      counts: Record<string, number>
      is_final: boolean
    }
    const blueprint = await post<{ id: string }>(org.api, '/api/blueprints/create', {
      name: 'Short stay',
    })
    await post(org.api, '/api/blueprints/versions/create', {
      blueprint_id: blueprint.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Brief__c')] }] },
    })
    const bind = { blueprint_id: blueprint.id, client_ids: [gone.id] }
    await post(org.api, '/api/blueprints/bindings/set', bind)
    const { id: rollout_id } = await post<Rolled>(org.api, '/api/fleet/rollouts/create', {
      blueprint_id: blueprint.id,
      targets: { client_ids: [gone.id] },
      strategy: { waves: [{ name: 'all' }] },
    })
    const rollout = () => post<Rolled>(org.api, '/api/fleet/rollouts/get', { rollout_id })
    await post(org.api, '/api/fleet/rollouts/check', { rollout_id, wait_seconds: 55 })
    await post(org.api, '/api/fleet/rollouts/start', { rollout_id, wait_seconds: 55 })
    await until('it is deployed', async () => (await rollout()).counts.deployed === 1)

    const refused = async (path: string, body: object) => {
      const answer = await org.api.post<{ code: string; detail: string }>(path, body)
      return [answer.status, answer.body.code, answer.body.detail]
    }
    const leave = { client_id: gone.id, wait_seconds: 0 }
    const { id } = await post(org.api, '/api/fleet/offboard/start', leave)
    const twice = await refused('/api/fleet/offboard/start', leave)
    expect(twice).toEqual([409, 'client_leaving', expect.stringContaining(id)])
    const left = await until('it has left', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final && state
    })
    expect(left).toMatchObject({ status: 'complete', error: null })

    const shown = await post<object>(org.api, '/api/clients/get', { client_id: gone.id })
    expect(shown).toMatchObject({ is_active: false, left_at: expect.any(String) as string })
    const once = await refused('/api/fleet/offboard/start', leave)
    expect(once).toEqual([409, 'client_left', expect.stringContaining(id)])
    const everywhere = async (path: string, body: object): Promise<string> =>
      (await org.api.post(path, body)).text
    expect(await everywhere('/api/blueprints/bindings/list', {})).not.toContain(gone.id)
    expect(await everywhere('/api/fleet/health', {})).not.toContain(gone.id)
    const brief = { kind: 'field', object: 'Lead', name: 'Brief__c' }
    expect(await everywhere('/api/fleet/search', brief)).not.toContain(gone.id)
    const again = await refused('/api/blueprints/bindings/set', bind)
    expect(again).toEqual([400, 'client_inactive', expect.stringContaining('has left')])
    const counts = { rolled_back: 1 }
    expect(await rollout()).toMatchObject({ state: 'succeeded', targets: 1, counts })

    const { id: second } = await post(org.api, '/api/fleet/offboard/start', {
      ...leave,
      purge: true,
    })
    const purged = await until('it is purged', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: second })
      return state.is_final && state
    })
    expect(purged).toMatchObject({
      ...{ purged: true, error: null },
      certificate: { earlier: { certificate_hash: left.certificate_hash } },
    })
    expect(await rollout()).toMatchObject({ targets: 1, counts, waves: [{ targets: 1, counts }] })
    const { items } = await post<{ items: Offboarding[] }>(org.api, '/api/fleet/offboard/list', {
      client_id: gone.id,
    })
    expect(items.map((one) => one.id)).toEqual([second])
  })
})

describe('a purge', { timeout: 120_000 }, () => {
  it('deletes all that is stored of the client, keeps audit rows and the certificate, and nothing of others', async () => {
    const neighbours = await mentioning(neighbour.id)
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
    expect(purge.deleted_rows.crm_deployments).toBeGreaterThanOrEqual(30)

    const left = await mentioning(client.id)
    expect(Object.keys(left).toSorted()).toEqual(['public.audit_log', 'public.offboardings'])
    expect(left['public.offboardings'], 'the certificate').toBe(1)
    expect(await mentioning(neighbour.id)).toEqual(neighbours)
    const columns = await rig.query<{ name: string }>(
      `select attname::text as name from pg_attribute
        where attrelid = 'audit_log'::regclass and attnum > 0 and atttypid = 'jsonb'::regtype`,
    )
    expect(columns, 'audit rows have no contents').toEqual([])
    const answer = await org.api.post('/api/clients/get', { client_id: client.id })
    expect(answer.status).toBe(404)
  })

  it('tells in the certificate how many grants Nango still keeps when it waits no longer', async () => {
    const leaver = await org.client('Granted')
    await leaver.connect((await rig.salesforceOrg(SMALL_ORG)).name)
    const [{ grant } = { grant: '' }] = await rig.query<{ grant: string }>(
      'select nango_connection_id as grant from crm_connections where client_id = $1',
      [leaver.id],
    )
    await createNangoControl(rig.simulator.nangoUrl).addFault({
      ...{ method: 'DELETE', path: `/connections/${grant}`, times: 1_000, status: 500 },
      body: { error: { code: 'server_error', message: 'down' } },
    })
    const { id } = await post(org.api, '/api/fleet/offboard/start', {
      ...{ client_id: leaver.id, purge: true, leave_in_place: true, wait_seconds: 0 },
    })
    await until('it waits for Nango', async () => {
      const waiting = await rig.query(
        `update purges set created_at = now() - interval '2 days', resume_at = null
          where client_id = $1 and stage = 'grants' and error is not null returning id`,
        [leaver.id],
      )
      return waiting.length > 0
    })
    const done = await until('the client is purged', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final ? state : null
    })
    expect(done.certificate?.purge).toMatchObject({ grants_left: 1 })
  })

  it('of an organization is refused while it is active, or without its slug', async () => {
    const other = await rig.org()
    const purge = (confirm: string) =>
      rig.superAdmin.post<{ code: string }>('/api/super-admin/orgs/purge', {
        org_id: other.id,
        confirm,
        wait_seconds: 0,
      })
    const [{ slug } = { slug: '' }] = await rig.query<{ slug: string }>(
      'select slug from organizations where id = $1',
      [other.id],
    )
    expect((await purge(slug)).body.code).toBe('org_active')
    await rig.superAdmin.post('/api/super-admin/orgs/update', {
      org_id: other.id,
      is_active: false,
    })
    expect((await purge('wrong')).body.code).toBe('confirmation_mismatch')
    // Of several calls at once one begins it, and all of them follow it.
    const all = await Promise.all([1, 2, 3, 4].map(() => purge(slug)))
    for (const { status, text: said } of all) expect(status, said).toBeLessThan(300)
  })

  it('of an inactive organization deletes everything of it but audit rows, and its grants at Nango', async () => {
    const other = await rig.org()
    const theirs = await other.client('Theirs')
    await theirs.connect((await rig.salesforceOrg()).name)
    await theirs.pull()
    await post(other.api, '/api/clients/export', { client_id: theirs.id }).catch(() => undefined)
    const neighbours = await mentioning(neighbour.id)
    const [{ slug } = { slug: '' }] = await rig.query<{ slug: string }>(
      'select slug from organizations where id = $1',
      [other.id],
    )
    const [{ grant } = { grant: '' }] = await rig.query<{ grant: string }>(
      'select nango_connection_id as grant from crm_connections where org_id = $1',
      [other.id],
    )
    await rig.superAdmin.post('/api/super-admin/orgs/update', {
      org_id: other.id,
      is_active: false,
    })
    const body = { org_id: other.id, confirm: slug, wait_seconds: 55 }
    const done = await rig.superAdmin.post<{ status: string; is_final: boolean }>(
      '/api/super-admin/orgs/purge',
      body,
    )
    expect(done.body, done.text).toMatchObject({ status: 'complete', is_final: true })
    expect(Object.keys(await mentioning(other.id)), 'of the org').toEqual(['public.audit_log'])
    expect(Object.keys(await mentioning(theirs.id)), 'of its client').toEqual(['public.audit_log'])
    expect(await mentioning(neighbour.id)).toEqual(neighbours)
    const nango = await fetch(`${rig.simulator.nangoUrl}/connections`, {
      headers: { authorization: `Bearer ${rig.environment.NANGO_SECRET_KEY}` },
    })
    expect(await nango.text()).not.toContain(grant)
    expect(
      (
        await rig.superAdmin.post('/api/super-admin/orgs/update', {
          org_id: other.id,
          is_active: true,
        })
      ).status,
    ).toBe(404)
    expect((await rig.superAdmin.post('/api/super-admin/orgs/purge', body)).body).toMatchObject({
      status: 'complete',
    })
  })
})
