import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { type FaultRule } from '../../../../simulator/src/salesforce/faults.ts'
import { newId } from '../../db/ids.ts'
import { createListRig, type ListRig } from './testing/list-rig.ts'
import { type WorkflowItem } from './workflows.ts'

let rig: ListRig

beforeAll(async () => {
  rig = await createListRig(await createDatabase())
})
beforeEach(() => rig.control.clearFaults())
afterAll(() => rig.close())

const names = (items: readonly WorkflowItem[]): string[] =>
  items.map(({ api_name: name }) => name).sort()
const named = (items: readonly WorkflowItem[], name: string): WorkflowItem | undefined =>
  items.find(({ api_name: apiName }) => apiName === name)

const ALL = [
  'Account.Old_Region_Check',
  'Case.Escalate Old Cases',
  'Case.Holiday Cover',
  'Case.Standard',
  'Case_Process',
  'Lead.Score_In_Range',
  'Lead.Standard',
  'Lead_Set_Segment',
  'New_Client_Intake',
  'Nightly_Cleanup',
  'Opportunity.Amount_When_Closed',
  'Opportunity.Big Deal Alert',
  'PlacementTrigger',
  'Placement_Notify',
  'Placement__c.Start_After_Offer',
  'Score_Lead',
  'signhere__Send_Envelope',
]

describe('a live list', () => {
  it('has every automation of the Salesforce org with its state, by few calls', async () => {
    await rig.control.clearJournal()
    const page = await rig.list()
    expect(names(page.items)).toEqual(ALL)
    expect([page.total, page.next_cursor, page.warnings, page.execution_order]).toEqual([
      ALL.length,
      null,
      [],
      null,
    ])
    // Not counting the polls of a Metadata retrieve, which the rig does without waiting.
    const asked = (await rig.control.journal()).filter(({ path }) => !path.includes('/Soap/m/'))
    expect(asked.length).toBeLessThanOrEqual(10)
    expect(named(page.items, 'Lead_Set_Segment')).toEqual({
      type: 'flow',
      api_name: 'Lead_Set_Segment',
      label: 'Lead: set segment',
      object: 'Lead',
      active: true,
      active_version: 3,
      latest_version: 3,
      process_type: 'AutoLaunchedFlow',
      trigger: { object: 'Lead', events: ['create', 'update'], timing: 'before', order: 10 },
      managed: false,
      deployed_by_engine: false,
      last_modified_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as unknown,
    })
    expect(named(page.items, 'Placement_Notify')).toMatchObject({
      object: 'Placement__c',
      active_version: 1,
      latest_version: 2,
      trigger: { events: ['update'], timing: 'after' },
    })
    expect(named(page.items, 'New_Client_Intake')).toMatchObject({ object: null, trigger: null })
    expect(named(page.items, 'signhere__Send_Envelope')).toMatchObject({ managed: true })
    // Only its metadata says whether a workflow rule is active.
    expect(named(page.items, 'Opportunity.Big Deal Alert')).toMatchObject({ active: true })
    expect(named(page.items, 'Case.Escalate Old Cases')).toMatchObject({ active: false })
    expect(named(page.items, 'PlacementTrigger')).toMatchObject({
      type: 'apex_trigger',
      object: 'Placement__c',
      trigger: { timing: 'both' },
    })
  })

  it('leaves one audit row with its number of calls', async () => {
    const count = async () =>
      rig.database.query<{ salesforce_api_calls: number; outcome: string; client_id: string }>(
        `select salesforce_api_calls, outcome, client_id from audit_log
          where action = 'workflows.list' order by id`,
      )
    const before = (await count()).length
    await rig.list()
    const rows = await count()
    expect(rows).toHaveLength(before + 1)
    expect(rows.at(-1)).toMatchObject({ outcome: 'ok', client_id: rig.clientId })
    expect(rows.at(-1)?.salesforce_api_calls).toBeGreaterThan(5)
  })

  it('is filtered by type, object and state, names without case', async () => {
    const of = async (input: Parameters<ListRig['list']>[0]) => names((await rig.list(input)).items)
    expect(await of({ types: ['assignment_rule'] })).toEqual([
      'Case.Holiday Cover',
      'Case.Standard',
      'Lead.Standard',
    ])
    expect(await of({ object: 'lead' })).toEqual([
      'Lead.Score_In_Range',
      'Lead.Standard',
      'Lead_Set_Segment',
    ])
    expect(await of({ types: ['assignment_rule'], object: 'Case', active: false })).toEqual([
      'Case.Holiday Cover',
    ])
    expect(await of({ types: ['flow'], active: false })).toEqual(['Score_Lead'])
    expect(await of({ object: 'Nothing__c' })).toEqual([])
  })

  it('says what runs on an object in which order, whatever types are asked for', async () => {
    const { execution_order: order, items } = await rig.list({
      object: 'placement__c',
      types: ['flow'],
    })
    expect(names(items)).toEqual(['Placement_Notify'])
    const before = (name: string, type: string) => ({
      timing: 'before',
      type,
      api_name: name,
      order: null,
    })
    const check = before('Placement__c.Start_After_Offer', 'validation_rule')
    const trigger = before('PlacementTrigger', 'apex_trigger')
    expect(order).toEqual([
      { object: 'Placement__c', event: 'create', steps: [trigger, check] },
      {
        object: 'Placement__c',
        event: 'update',
        steps: [
          check,
          { ...trigger, timing: 'after' },
          { ...trigger, type: 'flow', api_name: 'Placement_Notify', timing: 'after' },
        ],
      },
    ])
  })

  it('names a type that cannot be listed, and lists the others', async () => {
    await rig.control.addFault({
      path: '*FROM*ValidationRule*',
      kind: {
        type: 'status',
        status: 400,
        body: 'json',
        errorCode: 'INVALID_TYPE',
        message: "sObject type 'ValidationRule' is not supported.",
      },
    })
    const page = await rig.list()
    expect(page.warnings).toEqual([
      {
        code: 'type_not_listed',
        type: 'validation_rule',
        message:
          "Salesforce did not list them: sObject type 'ValidationRule' is not supported. (INVALID_TYPE)",
      },
    ])
    expect(page.items.filter(({ type }) => type === 'validation_rule')).toEqual([])
    expect(page.items.length).toBeGreaterThan(10)
  })

  it('says when it cannot tell when flows start, and lists them', async () => {
    await rig.control.addFault({
      path: '*FlowDefinitionView*',
      kind: { type: 'status', status: 400, body: 'json', errorCode: 'INVALID_TYPE', message: 'x' },
    })
    const page = await rig.list({ types: ['flow'] })
    expect(page.warnings).toMatchObject([{ code: 'content_not_read', type: 'flow' }])
    expect(named(page.items, 'Lead_Set_Segment')).toMatchObject({ active: true, trigger: null })
  })

  it.each<[string, FaultRule['kind']]>([
    ['is down', { type: 'status', status: 503, body: 'empty' }],
    [
      'has an error of its own',
      {
        type: 'status',
        status: 500,
        body: 'json',
        errorCode: 'UNKNOWN_EXCEPTION',
        message: 'An unexpected error occurred.',
      },
    ],
    ['shows a maintenance page', { type: 'status', status: 503, body: 'html' }],
    ['shows a page for an answer', { type: 'status', status: 200, body: 'html' }],
    ['answers with something else', { type: 'reword', find: '{', put: '<' }],
    ['is cut off', { type: 'cut' }],
    ['closes the connection', { type: 'close', when: 'before' }],
    [
      'refuses every type',
      {
        type: 'status',
        status: 403,
        body: 'json',
        errorCode: 'INSUFFICIENT_ACCESS',
        message: 'no',
      },
    ],
  ])('is not empty where Salesforce %s', async (_what, kind) => {
    await rig.control.addFault({ path: '*/query*', times: 500, kind })
    await expect(rig.list()).rejects.toMatchObject({ code: 'salesforce_error' })
  })

  it('fails where one type meets what may pass, and lists it once that is over', async () => {
    await rig.control.addFault({
      path: '*FROM*ValidationRule*',
      times: 500,
      kind: { type: 'status', status: 503, body: 'empty' },
    })
    await expect(rig.list()).rejects.toMatchObject({ code: 'salesforce_error' })
    await rig.control.clearFaults()
    expect(names((await rig.list()).items)).toEqual(ALL)
  })

  it('fails as a whole where the Salesforce org does, and says so in the audit log', async () => {
    await rig.control.addFault({
      times: 200,
      kind: {
        type: 'status',
        status: 403,
        body: 'json',
        errorCode: 'API_DISABLED_FOR_ORG',
        message: 'The REST API is not enabled for this Organization.',
      },
    })
    await expect(rig.list()).rejects.toMatchObject({ code: 'salesforce_error' })
    const [row] = await rig.database.query<{ outcome: string }>(
      `select outcome from audit_log where action = 'workflows.list' order by id desc limit 1`,
    )
    expect(row?.outcome).toBe('salesforce_error')
  })
})

describe('a list from a snapshot', () => {
  it('is refused without one, and is what was captured, without a call', async () => {
    await expect(rig.list({ source: 'snapshot' })).rejects.toMatchObject({ code: 'no_snapshot' })
    await rig.pull()
    const before = rig.org.calls
    const stored = await rig.list({ source: 'snapshot' })
    expect(rig.org.calls).toBe(before)
    expect([stored.source, stored.snapshot_version]).toEqual(['snapshot', 1])
    const live = await rig.list()
    expect(stored.items.map(({ api_name: name }) => name)).toEqual(
      live.items.map(({ api_name: name }) => name),
    )
    expect(named(stored.items, 'Placement_Notify')).toEqual(named(live.items, 'Placement_Notify'))
    const object = 'Placement__c'
    expect((await rig.list({ source: 'snapshot', object })).execution_order).toEqual(
      (await rig.list({ object })).execution_order,
    )
  })

  it('says that an object is unknown, with the nearest name', async () => {
    for (const source of ['live', 'snapshot'] as const) {
      const { items, warnings } = await rig.list({ source, object: 'Leed' })
      expect([items, warnings.map(({ code }) => code)]).toEqual([[], ['object_unknown']])
      expect(warnings[0]?.message).toContain('Did you mean Lead?')
      expect((await rig.list({ source, object: 'contact' })).warnings).toEqual([])
    }
  })

  it('spares a live list the retrieve of what did not move since', async () => {
    await rig.control.clearJournal()
    const page = await rig.list()
    expect(named(page.items, 'Opportunity.Big Deal Alert')).toMatchObject({ active: true })
    const asked = await rig.control.journal()
    expect(asked.filter(({ path }) => path.includes('/Soap/m/'))).toEqual([])
    expect(asked.length).toBeLessThanOrEqual(10)
  })

  it('says what its pull could not list', async () => {
    await rig.control.addFault({
      path: '*FROM*WorkflowRule*',
      kind: { type: 'status', status: 400, body: 'json', errorCode: 'INVALID_TYPE', message: 'no' },
    })
    await rig.pull()
    const page = await rig.list({ source: 'snapshot' })
    expect(page.warnings).toEqual([
      {
        code: 'type_not_listed',
        type: 'workflow_rule',
        message: 'Version 2 has them from the version before: no',
      },
    ])
    expect(names(page.items)).toEqual(ALL)
    expect((await rig.list({ source: 'snapshot', types: ['flow'] })).warnings).toEqual([])
  })
})

describe('pages', () => {
  it.each(['live', 'snapshot'] as const)(
    'of a %s list hold each automation once',
    async (source) => {
      const seen: WorkflowItem[] = []
      let cursor: string | null = null
      do {
        const page = await rig.list({ source, limit: 5, ...(cursor === null ? {} : { cursor }) })
        expect(page.total).toBe(ALL.length)
        expect(page.items.length).toBeLessThanOrEqual(5)
        seen.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== null)
      expect(names(seen)).toEqual(ALL)
      const dates = seen.map(({ last_modified_at: date }) => date ?? '')
      expect(dates).toEqual(dates.toSorted().toReversed())
    },
  )

  it('of a snapshot stay with it when there is a newer one', async () => {
    const { next_cursor: cursor, snapshot_version: version } = await rig.list({
      source: 'snapshot',
      limit: 5,
    })
    await rig.pull()
    const next = await rig.list({ source: 'snapshot', limit: 5, cursor: cursor ?? '' })
    expect(next.snapshot_version).toBe(version)
    expect((await rig.list({ source: 'snapshot' })).snapshot_version).toBe((version ?? 0) + 1)
  })

  it('take no cursor of another source, and none that was not given out', async () => {
    const { next_cursor: live } = await rig.list({ limit: 1 })
    const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const cursor of ['x', json({}), json([1, 2, 3]), `${live}A`, json([1, '', 'flow/A'])]) {
      await expect(rig.list({ cursor })).rejects.toMatchObject({ code: 'invalid_cursor' })
    }
    await expect(rig.list({ source: 'snapshot', cursor: live ?? '' })).rejects.toMatchObject({
      code: 'invalid_cursor',
    })
  })
})

describe('deployed_by_engine', () => {
  const plan = {
    objects: [
      {
        api_name: 'Lead',
        validation_rules: [
          { api_name: 'Ours', error_condition_formula: 'ISBLANK(Email)', error_message: 'No' },
        ],
      },
    ],
    permissions: { permission_set: 'Ours' },
  }
  const isOurs = async (name: string): Promise<boolean | undefined> =>
    named((await rig.list()).items, name)?.deployed_by_engine

  /** A deployment as stored in the database once it has ended. */
  const insert = async (
    kind: string,
    action: string,
    more: { status?: string; check_only?: boolean; sfdc_org_id?: string; rollback?: unknown } = {},
  ): Promise<void> => {
    const id = newId()
    const { orgId } = rig.tenant
    const sfdcOrgId = more.sfdc_org_id ?? rig.sfdcOrg.id
    await rig.database.query(
      `insert into crm_deployments (id, org_id, client_id, kind, status, plan, check_only, sfdc_org_id, rollback)
       values ($1, $2, $3, $4, $5, '{}', $6, $7, $8)`,
      [
        id,
        orgId,
        rig.clientId,
        kind,
        more.status ?? 'deployed',
        more.check_only ?? false,
        sfdcOrgId,
        more.rollback === undefined ? null : JSON.stringify(more.rollback),
      ],
    )
    await rig.database.query(
      `insert into deployment_components (org_id, client_id, deployment_id, position, type, full_name, path, action, reversibility)
       values ($1, $2, $3, 0, 'Flow', 'SCORE_lead', 'workflows.0', $4, 'reversible')`,
      [orgId, rig.clientId, id, action],
    )
  }

  it('holds for a validation rule of an object deploy until that is rolled back', async () => {
    const { id, status } = await rig.deploy(plan)
    expect(status).toBe('deployed')
    expect(await isOurs('Lead.Ours')).toBe(true)
    expect(await isOurs('Lead.Score_In_Range')).toBe(false)
    await rig.rollback(id)
    expect(await isOurs('Lead.Ours')).toBeUndefined()
    // Somebody else creates one with this name afterwards: not ours.
    const again = await rig.deploy(plan)
    await rig.database.query(`update crm_deployments set status = 'rolled_back' where id = $1`, [
      again.id,
    ])
    expect(await isOurs('Lead.Ours')).toBe(false)
  })

  it('counts what was deployed to this Salesforce org and still exists, the last change winning', async () => {
    const flow = { type: 'Flow', full_name: 'Score_Lead' }
    await insert('workflows', 'created', { check_only: true, status: 'validated' })
    await insert('workflows', 'created', { status: 'failed' })
    await insert('workflows', 'created', { status: 'rolled_back' })
    await insert('workflows', 'unchanged')
    await insert('workflows', 'created', { sfdc_org_id: '00D000000000000AAA' })
    const taken = { status: 'partial', removed: [{ ...flow, full_name: 'SCORE_lead' }] }
    await insert('workflows', 'created', { rollback: taken })
    expect(await isOurs('Score_Lead')).toBe(false)
    await insert('workflow_activation', 'updated')
    expect(await isOurs('Score_Lead')).toBe(true)
    await insert('workflow_removal', 'deleted')
    await rig.database.query(
      `update deployment_components set success = false where action = 'deleted'`,
    )
    // A removal that Salesforce refused.
    expect(await isOurs('Score_Lead')).toBe(true)
    await insert('workflow_removal', 'deleted')
    expect(await isOurs('Score_Lead')).toBe(false)
    await insert('workflows', 'created')
    expect(await isOurs('Score_Lead')).toBe(true)
  })
})

describe('a list of a client', () => {
  it('that belongs to another org, or does not exist, is not found', async () => {
    const elsewhere = newId()
    await rig.database.query(
      `insert into organizations (id, name, slug) values ($1, 'Other', $2)`,
      [elsewhere, `other-${elsewhere}`],
    )
    const foreign = { ...rig.caller, tenant: { orgId: elsewhere, clientId: null } }
    const input = { client_id: rig.clientId, limit: 10 }
    for (const source of ['live', 'snapshot'] as const) {
      await expect(rig.workflows.list(foreign, { ...input, source })).rejects.toMatchObject({
        code: 'not_found',
      })
      await expect(rig.list({ source, client_id: newId() })).rejects.toMatchObject({
        code: 'not_found',
      })
    }
  })

  it('that is another one of the same org is not found by people of this one', async () => {
    const other = newId()
    await rig.database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Other')`, [
      other,
      rig.tenant.orgId,
    ])
    const person = { ...rig.caller, tenant: { orgId: rig.tenant.orgId, clientId: other } }
    await expect(
      rig.workflows.list(person, { client_id: rig.clientId, source: 'snapshot', limit: 1 }),
    ).rejects.toMatchObject({ code: 'not_found' })
    await expect(rig.list({ client_id: other })).rejects.toMatchObject({
      code: 'connection_not_ready',
    })
  })
})
