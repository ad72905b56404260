// The connected user's rights are reduced, or a user with fewer rights connects: what they no longer see
// still exists in the Salesforce org, and nothing may claim otherwise.

import { Connection } from '@jsforce/jsforce-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Control } from '../../simulator/src/control/client.ts'
import { type Snapshot, type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'

const NOTHING = { added: 0, removed: 0, changed: 0 }
const PLAN = {
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Note__c', label: 'Note', type: 'Text', length: 10 }],
    },
  ],
}

interface Told extends Snapshot {
  stats: Snapshot['stats'] & { not_visible: string[]; missing_permissions: string[] | null }
}

interface Diff {
  summary: {
    objects: typeof NOTHING
    fields: typeof NOTHING
    visibility: { not_visible: number; now_visible: number }
  }
}

interface Findings {
  status: string
  findings: { code: string; message: string; severity: string; component: { full_name: string } }[]
}

let rig: SharedRig
let salesforceOrg: SalesforceOrg
let org: TestOrg
let client: TestClient

const act: Control['act'] = (...call) => rig.simulator.control.act(...call)

const profile = (name: string) =>
  act('users/update', {
    org: salesforceOrg.name,
    username: salesforceOrg.usernameOf('integration'),
    profile: name,
  })

const diff = async (from: number, to: number): Promise<Diff> =>
  (
    await org.api.post<Diff>('/api/topology/diff', {
      client_id: client.id,
      from_version: from,
      to_version: to,
    })
  ).body

const pull = async (options: Record<string, unknown> = {}): Promise<Told> =>
  (await client.pull(options)) as Told

const check = async (plan: unknown): Promise<Findings> =>
  (
    await org.api.post<Findings>('/api/conflicts/check', {
      client_id: client.id,
      plan,
      wait_seconds: 55,
    })
  ).body

beforeAll(async () => {
  rig = await sharedRig()
  salesforceOrg = await rig.salesforceOrg({ edition: 'Enterprise' })
  org = await rig.org()
  client = await org.client()
  await client.connect(salesforceOrg.name)
  await client.pull()
})

describe('a connected user whose profile is cut down', () => {
  it('no longer sees objects, which are not removed; they come back as they were', async () => {
    await profile('Minimum Access - API Only')
    const narrow = await pull()
    expect(narrow.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 0 })
    expect(narrow.stats.not_visible).toContain('Placement__c')
    expect(narrow.stats.not_visible.length).toBeGreaterThan(50)
    expect(narrow.stats.missing_permissions).toContain('View Setup and Configuration')
    const { summary } = await diff(1, narrow.version)
    expect(summary).toMatchObject({ objects: NOTHING, fields: NOTHING })
    expect(summary.visibility.not_visible).toBeGreaterThan(50)

    await profile('System Administrator')
    const wide = await pull()
    expect(wide).toMatchObject({ changes_from_previous: NOTHING, stats: { not_visible: [] } })
    expect((await diff(1, wide.version)).summary.objects).toEqual(NOTHING)
  })

  it('is told by a deploy in the words of the check which permissions are missing', async () => {
    await profile('Minimum Access - API Only')
    const report = await check(PLAN)
    const red = report.findings.filter(
      ({ severity, code }) => severity === 'red' && code.startsWith('permission_'),
    )
    expect(red).toHaveLength(4)
    const deploy = await org.api.post<{
      code: string
      detail: string
      errors: { code: string; message: string }[]
    }>('/api/deploy/custom-objects', { client_id: client.id, plan: PLAN, wait_seconds: 55 })
    expect(deploy.status).toBe(409)
    expect(deploy.body.code).toBe('missing_permissions')
    expect(new Set(deploy.body.errors.map(({ message }) => message))).toEqual(
      new Set(red.map(({ message }) => message)),
    )
    expect(deploy.body.detail).not.toContain('SELECT')
    await profile('System Administrator')
  })

  it('is told so by mapping validation, the check and a gated deploy', async () => {
    await pull()
    const mapping = await org.api.post<{ id: string }>('/api/mappings/create', {
      client_id: client.id,
      canonical_object: 'job',
      sfdc_object: 'Placement__c',
      fields: [{ canonical_field: 'title', sfdc_field: 'Name' }],
      allow_broken: true,
    })
    expect(mapping.status, mapping.text).toBe(201)
    const plan = {
      objects: [
        {
          api_name: 'Placement__c',
          fields: [{ api_name: 'Note__c', label: 'Note', type: 'Text', length: 10 }],
        },
      ],
    }
    const before = await org.api.post<{ id: string }>('/api/conflicts/check', {
      client_id: client.id,
      plan,
      wait_seconds: 55,
    })
    await profile('Minimum Access - API Only')
    const gated = await org.api.post<{ code: string; detail: string }>(
      '/api/deploy/custom-objects',
      {
        client_id: client.id,
        plan,
        conflict_report_id: before.body.id,
        accept: ['yellow'],
        wait_seconds: 55,
      },
    )
    expect(gated.body.code).toBe('topology_drifted')
    expect(gated.body.detail).toContain('no longer sees Placement__c')
    expect(
      (await check(plan)).findings.find(({ code }) => code === 'object_drifted')?.message,
    ).toContain('no longer sees Placement__c')
    await pull()
    const report = await check(plan)
    expect(report.findings.map(({ code }) => code)).not.toContain('object_appeared')
    expect(report.findings.find(({ code }) => code === 'object_unreadable')?.message).toContain(
      'no longer sees Placement__c',
    )
    const validated = await org.api.post<{ findings: { code: string }[] }>(
      '/api/mappings/validate',
      { mapping_id: mapping.body.id },
    )
    expect(validated.text).toContain('object_not_visible')
    await profile('System Administrator')
    await pull()
  })
})

describe('field-level security', () => {
  it('hides a field, which is not removed; one deleted beside it is', async () => {
    const field = (name: string) => ({
      org: salesforceOrg.name,
      object: 'Lead',
      field: { name, type: 'string', length: 40 },
    })
    await act('schema/add-field', field('Kept__c'))
    await act('schema/add-field', field('Dropped__c'))
    const { version } = await pull()
    await act('permissions/hide-field', {
      org: salesforceOrg.name,
      object: 'Lead',
      field: 'Kept__c',
    })
    await act('schema/remove-field', {
      org: salesforceOrg.name,
      object: 'Lead',
      name: 'Dropped__c',
    })
    const after = await pull()
    expect(after.stats.not_visible).toEqual(['Lead.Kept__c'])
    expect((await diff(version, after.version)).summary).toMatchObject({
      fields: { ...NOTHING, removed: 1 },
      visibility: { not_visible: 1, now_visible: 0 },
    })
  })
})

describe('a rollback as a user with fewer rights', () => {
  it('is refused in the words of the check, changes nothing, and works once they are back', async () => {
    const deployed = await org.api.post<{ id: string; status: string }>(
      '/api/deploy/custom-objects',
      { client_id: client.id, plan: PLAN, wait_seconds: 55 },
    )
    expect(deployed.body.status, deployed.text).toBe('deployed')
    const rollback = () =>
      org.api.post<{ code: string; status: string; detail: string; errors: unknown[] }>(
        '/api/deploy/rollback',
        { deployment_id: deployed.body.id, wait_seconds: 55 },
      )
    await profile('Minimum Access - API Only')
    const refused = await rollback()
    expect([refused.status, refused.body.code], refused.text).toEqual([409, 'missing_permissions'])
    expect(refused.body.errors.length).toBeGreaterThan(0)
    expect(refused.body.detail).not.toMatch(/SELECT|ERROR at Row/)
    await profile('System Administrator')
    expect((await rollback()).body.status).toBe('rolled_back')
  })
})

describe('a user whose rights are in permission sets', () => {
  const username = () => `mia@${salesforceOrg.name.replace(' ', '-')}.example`.toLowerCase()
  const set = (action: 'permissions/assign' | 'permissions/unassign') =>
    act(action, { org: salesforceOrg.name, set: 'Crew_Objects', username: username() })

  beforeAll(async () => {
    const { token, instanceUrl } = await rig.simulator.control.openSession(salesforceOrg.name)
    const admin = new Connection({ instanceUrl, accessToken: token, version: '67.0' })
    const read = { allowRead: true, allowCreate: false, allowEdit: false, allowDelete: false }
    const made = [
      await admin.metadata.create('PermissionSet', {
        fullName: 'Crew_Objects',
        label: 'Crew Objects',
        objectPermissions: ['Account', 'Lead', 'Placement__c'].map((object) => ({
          ...{ object, ...read, viewAllRecords: true, modifyAllRecords: false },
        })),
      } as never),
      await admin.metadata.create('PermissionSetGroup', {
        ...{ fullName: 'Crew', label: 'Crew', hasActivationRequired: false },
        permissionSets: ['Crew_Objects'],
      } as never),
    ].flat()
    expect(
      made.every(({ success }) => success),
      JSON.stringify(made),
    ).toBe(true)
    await act('users/create', {
      ...{ org: salesforceOrg.name, username: username(), lastName: 'Crew' },
      profile: 'Minimum Access - API Only',
    })
    await set('permissions/assign')
    await client.connect(salesforceOrg.name, { username: username() })
  })

  it('loses one: what it showed is not removed, and a pull of that object says so; a group brings it back', async () => {
    const { version, stats } = await pull({ full: true })
    const hidden = stats.not_visible.filter((name) => /^(Lead|Placement__c)\./.test(name))
    expect(hidden.length).toBeGreaterThan(2)
    await set('permissions/unassign')
    const asked = await pull({ objects: ['Placement__c'] })
    const ofLead = hidden.filter((name) => name.startsWith('Lead.'))
    expect(asked.stats.not_visible).toEqual(expect.arrayContaining(['Placement__c', ...ofLead]))
    expect(asked.stats.unreadable.find(({ object }) => object === 'Placement__c')).toEqual({
      object: 'Placement__c',
      code: 'NOT_FOUND',
      message: 'The connected user no longer sees Placement__c; an earlier version has it.',
    })
    expect((await pull()).changes_from_previous).toEqual(NOTHING)
    await act('permissions/assign-group', {
      ...{ org: salesforceOrg.name, group: 'Crew', username: username() },
    })
    const back = await pull()
    expect(back.stats.not_visible).not.toContain('Placement__c')
    expect(back.stats.not_visible).toEqual(expect.arrayContaining(hidden))
    expect((await diff(version, back.version)).summary).toMatchObject({
      objects: NOTHING,
      fields: NOTHING,
    })
  })

  it('reads why automations are not listed without the query that asked for them', async () => {
    const listed = await org.api.post<{ warnings: { code: string; message: string }[] }>(
      '/api/workflows/list',
      { client_id: client.id },
    )
    const { stats } = await pull({ objects: ['Lead'] })
    const told = [...listed.body.warnings, ...stats.unreadable].map(({ message }) => message)
    expect(told.length).toBeGreaterThan(1)
    for (const message of told) expect(message).not.toMatch(/ERROR at Row|\^|\n/)
    expect(listed.body.warnings.map(({ code }) => code)).toContain('type_not_listed')
  })
})

describe('a person with fewer rights who connects instead', () => {
  it('sees less, and nothing is removed', async () => {
    await client.connect(salesforceOrg.name, { username: salesforceOrg.usernameOf('restricted') })
    const narrow = await pull()
    expect(narrow.changes_from_previous).toEqual(NOTHING)
    expect(narrow.stats.not_visible.length).toBeGreaterThan(50)
  })
})
