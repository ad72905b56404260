import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Control, createControl } from '../../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../../simulator/src/index.ts'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { EngineError } from '../../errors.ts'
import { describe as describeObject } from '../../salesforce/rest.ts'
import { type Deployment } from '../deployments/deployments.ts'
import { type Report } from './reports.ts'
import { type ConflictsRig, createConflictsRig } from './testing/rig.ts'

let simulator: Simulator
let control: Control
let rig: ConflictsRig
const ORG = 'Acme'

beforeAll(async () => {
  simulator = await startSimulator()
  control = createControl(simulator.controlUrl)
  await control.act('deploys/pace', { org: ORG, pendingMs: 0, runMs: 0 })
  const { token, instanceUrl } = await control.openSession(ORG)
  rig = await createConflictsRig({
    database: await createDatabase(),
    token,
    instanceUrl,
  })
})
afterEach(async () => {
  rig.before.request = async () => undefined
  rig.budget.spent = false
  await control.clearFaults()
})
afterAll(async () => {
  await rig.close()
  await simulator.close()
})

const onLead = (name: string, more: Record<string, unknown> = {}) => ({
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: name, label: name, type: 'Text', length: 40, ...more }],
    },
  ],
})
/** Only Salesforce refuses it: a formula that mentions a field that does not exist. */
const refusedBySalesforce = (name: string) => ({
  objects: [
    {
      api_name: 'Lead',
      fields: [
        {
          api_name: name,
          label: name,
          type: 'Formula',
          result_type: 'Text',
          formula: 'No_Such_Field__c',
        },
      ],
    },
  ],
})

const refusal = (work: Promise<unknown>): Promise<EngineError> =>
  work.then(
    () => expect.fail('went through'),
    (error: unknown) => {
      if (!(error instanceof EngineError)) throw error
      return error
    },
  )
const stored = async (): Promise<number> =>
  (await rig.database.query('select 1 from crm_conflict_reports')).length
const rowOf = async (id: string): Promise<Record<string, unknown>> => {
  const rows = await rig.database.query('select * from crm_conflict_reports where id = $1', [id])
  return rows[0] ?? {}
}
const run = (id: string, signal = new AbortController().signal): Promise<unknown> =>
  rig.conflicts.worker.run({ orgId: rig.tenant.orgId, clientId: rig.clientId, id }, signal)
const get = (id: string): Promise<Report> => rig.conflicts.get(rig.tenant, id)
const deploysSent = async (): Promise<number> =>
  (await control.act('deploys/list', { org: ORG })).length

/** A replica that dies at its first request to Salesforce. */
const dieAtRequest = async (id: string, at: (path: string) => boolean = () => true) => {
  const replica = new AbortController()
  rig.before.request = async ({ path }) => {
    if (!at(path)) return
    replica.abort(new Error('killed'))
    throw new Error('killed')
  }
  await expect(run(id, replica.signal)).rejects.toThrow('killed')
  rig.before.request = async () => undefined
}

describe('a conflict check', () => {
  it('without a snapshot and without refresh is refused, and nothing is stored', async () => {
    const error = await refusal(rig.start(onLead('Early__c')))
    expect(error.code).toBe('no_snapshot')
    expect(await stored()).toBe(0)
  })

  it('with refresh pulls first and checks exactly that snapshot', async () => {
    const done = await rig.check(onLead('Fresh__c'), { refresh: true })
    expect(done.error).toBeNull()
    expect(done).toMatchObject({
      status: 'complete',
      snapshot_version: 1,
      progress: { stage: 'complete', done: 3, total: 3 },
    })
  })

  it('of an invalid plan names every fault by its path, and nothing is stored', async () => {
    const before = await stored()
    const error = await refusal(rig.start(onLead('Bad Name')))
    expect(error.code).toBe('invalid_plan')
    expect(error.errors?.map(({ path }) => path)).toContain('plan.objects.0.fields.0.api_name')
    expect((await refusal(rig.start({ objects: [] }))).code).toBe('invalid_plan')
    const nul = await refusal(rig.start(onLead('Nul__c', { description: 'a\0b' })))
    expect(nul.code).toBe('invalid_plan')
    expect(await stored()).toBe(before)
  })

  it('says of every component why it is safe, and whether it can be rolled back', async () => {
    const done = await rig.check(onLead('Safe__c'))
    expect(done).toMatchObject({ status: 'complete', severity: 'green', error: null })
    const codesOf = (name: string) =>
      done.findings
        .filter(({ component }) => component.full_name === name)
        .map(({ code, severity }) => [code, severity])
    expect(codesOf('Lead.Safe__c')).toEqual([['field_new', 'green']])
    expect(codesOf('SFDC_Engine_X')).toEqual([['permission_set_merged', 'green']])
    expect(done.counts).toEqual({ green: done.findings.length, yellow: 0, red: 0 })
    expect(done.reversibility.map(({ component, level }) => [component.full_name, level])).toEqual([
      ['Lead.Safe__c', 'reversible_with_data_loss'],
      ['SFDC_Engine_X', 'reversible'],
    ])
    expect(done.api_call_estimate).toBeGreaterThan(5)
    const [audit] = await rig.database.query(
      `select * from audit_log where target_id = $1 and action = 'conflicts.check'`,
      [done.id],
    )
    expect(audit).toMatchObject({ outcome: 'ok', target_type: 'conflict_report' })
    expect(Number(audit?.salesforce_api_calls)).toBeGreaterThan(0)
  })

  it('of 50 components takes a handful of Salesforce calls', async () => {
    const fields = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        api_name: `Wide_${index}__c`,
        label: `Wide ${index}`,
        type: 'Text',
        length: 40,
      }))
    const done = await rig.check({
      objects: [
        {
          api_name: 'Wide__c',
          label: 'Wide',
          plural_label: 'Wides',
          name_field: { label: 'Name', type: 'Text' },
          fields: fields(27),
        },
        { api_name: 'Lead', fields: fields(20) },
      ],
      tabs: ['Wide__c'],
    })
    expect(done.reversibility).toHaveLength(50)
    expect(done).toMatchObject({ status: 'complete', severity: 'green' })
    expect(Number((await rowOf(done.id)).salesforce_api_calls)).toBeLessThanOrEqual(6)
  })

  it('goes on where a replica was killed, at the pull', async () => {
    const { id } = await rig.start(onLead('Killed_Pulling__c'), { refresh: true })
    // The first replica starts the pull, and dies while it runs.
    await run(id)
    expect(await rowOf(id)).toMatchObject({ stage: 'pull', status: 'running' })
    const pullId = (await rowOf(id)).pull_id
    expect(pullId).not.toBeNull()
    const replica = new AbortController()
    replica.abort(new Error('killed'))
    await expect(run(id, replica.signal)).rejects.toThrow('killed')
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'complete', snapshot_id: pullId })
  })

  it('goes on where a replica was killed, at the rules', async () => {
    const { id } = await rig.start(onLead('Killed_Judging__c'))
    await dieAtRequest(id)
    expect(await get(id)).toMatchObject({ status: 'running', findings: [] })
    expect(await rig.finish(id)).toMatchObject({ status: 'complete', severity: 'green' })
  })

  it('is found by the sweep as long as it runs, and not after', async () => {
    const { id } = await rig.start(onLead('Swept__c'))
    const found = async () =>
      (await rig.db.lookup<{ kind: string; id: string }>('open_work')).filter(
        (work) => work.id === id,
      )
    expect(await found()).toMatchObject([{ kind: 'conflict-check' }])
    await rig.finish(id)
    expect(await found()).toEqual([])
  })

  it('is paused while the API budget is used up, says so, and resumes by itself', async () => {
    const { id } = await rig.start(onLead('Broke__c'))
    rig.budget.spent = true
    await run(id)
    expect(await get(id)).toMatchObject({
      status: 'running',
      error: { code: 'api_budget_exhausted' },
    })
    rig.budget.spent = false
    expect(await rig.finish(id)).toMatchObject({ status: 'complete', error: null })
  })

  it('fails with the reason when the connection is gone, and is never half a report', async () => {
    const { id } = await rig.start(onLead('Unplugged__c'))
    await rig.database.query(`update crm_connections set status = 'revoked'`)
    await run(id)
    await rig.database.query(`update crm_connections set status = 'connected'`)
    expect(await get(id)).toMatchObject({
      status: 'failed',
      error: { code: 'connection_revoked' },
      severity: null,
      findings: [],
    })
  })

  it('of workflows is distinguished by its own hash', async () => {
    const workflow = {
      type: 'validation_rule',
      api_name: 'Account.New_Rule',
      definition: { errorConditionFormula: 'false', errorMessage: 'Never' },
      activate: 'keep',
    }
    const done = await rig.check(undefined, { workflows: [workflow] })
    expect(done).toMatchObject({ status: 'complete', error: null })
    expect(done.findings).toContainEqual(
      expect.objectContaining({
        code: 'workflow_new',
        path: 'workflows.0',
        component: { type: 'ValidationRule', full_name: 'Account.New_Rule' },
      }),
    )
    const other = await rig.check(undefined, { workflows: [{ ...workflow, activate: true }] })
    expect(other.plan_hash).not.toBe(done.plan_hash)
  })
})

describe('a check that Salesforce validates too', () => {
  it('asks it about workflows as well', async () => {
    const workflows = [
      {
        type: 'validation_rule',
        api_name: 'Account.Refused_Rule',
        definition: { form: 'validation', condition: 'Not_There__c = 1', message: 'Never' },
      },
    ]
    const done = await rig.check(undefined, { workflows, validate_in_salesforce: true })
    expect(done).toMatchObject({ status: 'complete', severity: 'red' })
    expect(done.findings.find(({ code }) => code === 'salesforce_refuses')?.component).toEqual({
      type: 'ValidationRule',
      full_name: 'Account.Refused_Rule',
    })
  })

  it('is green where Salesforce takes the plan, and changes nothing there', async () => {
    const done = await rig.check(onLead('Taken__c'), { validate_in_salesforce: true })
    expect(done).toMatchObject({ status: 'complete', severity: 'green' })
    const lead = await describeObject(rig.org, 'Lead')
    expect(JSON.stringify(lead)).not.toContain('Taken__c')
  })

  it('has what Salesforce refuses as a finding of that component', async () => {
    const done = await rig.check(refusedBySalesforce('Refused__c'), {
      validate_in_salesforce: true,
    })
    expect(done).toMatchObject({ status: 'complete', severity: 'red' })
    const found = done.findings.find(({ code }) => code === 'salesforce_refuses')
    expect(found?.component).toEqual({ type: 'CustomField', full_name: 'Lead.Refused__c' })
    expect(found?.message).toContain('No_Such_Field__c')
  })

  it('sends its deploy once, wherever a replica is killed', async () => {
    const before = await deploysSent()
    const { id } = await rig.start(onLead('Sent_Once__c'), { validate_in_salesforce: true })
    // Killed after the deploy was accepted, before its id was stored.
    await run(id)
    await rig.database.query(
      `update crm_conflict_reports set validation_id = null, resume_at = null where id = $1`,
      [id],
    )
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'complete', severity: 'green' })
    expect((await deploysSent()) - before).toBe(1)
  })

  it('goes on at the rules with what Salesforce said, and asks it nothing twice', async () => {
    const { id } = await rig.start(refusedBySalesforce('Kept_Word__c'), {
      validate_in_salesforce: true,
    })
    await run(id)
    await rig.hurry()
    await rig.sweep('deploy')
    const sent = await deploysSent()
    await rig.hurry()
    await dieAtRequest(id, (path) => path.includes('composite'))
    expect(await rowOf(id)).toMatchObject({ stage: 'rules', status: 'running' })
    const done = await rig.finish(id)
    expect(done.findings.map(({ code }) => code)).toContain('salesforce_refuses')
    expect(await deploysSent()).toBe(sent)
  })

  it('waits its turn while something else is deployed in that Salesforce org', async () => {
    const other: Deployment = await rig.deployments.deploy(rig.caller, {
      client_id: rig.clientId,
      plan: onLead('Other_Deploy__c'),
      wait_seconds: 0,
    })
    const { id } = await rig.start(onLead('Waiting__c'), { validate_in_salesforce: true })
    await run(id)
    expect(await rowOf(id)).toMatchObject({
      status: 'running',
      stage: 'salesforce',
      validation_id: null,
      error: { code: 'deployment_in_progress' },
      attempts: 0,
    })
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'complete' })
    expect((await rig.deployments.get(rig.tenant, other.id)).status).toBe('deployed')
  })

  it('fails where its deploy was cancelled: nobody knows what Salesforce would say', async () => {
    await rig.pull()
    const { id } = await rig.start(onLead('Cancelled__c'), { validate_in_salesforce: true })
    await run(id)
    const deploymentId = String((await rowOf(id)).validation_id)
    await rig.deployments.cancel(rig.caller, { deployment_id: deploymentId })
    expect(await rig.finish(id)).toMatchObject({
      status: 'failed',
      error: { code: 'cancelled' },
    })
  })
})

describe('a deploy that names a report', () => {
  const deploy = (plan: unknown, reportId: string, accept?: 'yellow'[]) =>
    rig.deployments.deploy(rig.caller, {
      client_id: rig.clientId,
      plan,
      conflict_report_id: reportId,
      accept,
      wait_seconds: 0,
    })

  it('goes ahead on green', async () => {
    await rig.pull()
    const plan = onLead('Gated__c')
    const report = await rig.check(plan)
    const { id } = await deploy(plan, report.id)
    await rig.finish(report.id)
    expect((await rig.deployments.get(rig.tenant, id)).status).toBe('deployed')
    await rig.pull()
  })

  it('is refused on red, and for another plan', async () => {
    const missing = {
      objects: [{ api_name: 'Nowhere__c', fields: onLead('X__c').objects[0]?.fields }],
    }
    const red = await rig.check(missing)
    expect(red.severity).toBe('red')
    expect((await refusal(deploy(missing, red.id))).code).toBe('conflicts_found')
    expect((await refusal(deploy(onLead('Y__c'), red.id))).code).toBe('invalid_plan')
    expect((await refusal(deploy(missing, newId()))).code).toBe('not_found')
  })

  it('is refused where a touched object changed since the check, which a new check says too', async () => {
    const plan = onLead('Drifted__c')
    const report = await rig.check(plan)
    await control.act('schema/alter-field', {
      org: ORG,
      object: 'Lead',
      name: 'Company',
      changes: { length: 300 },
    })
    expect((await refusal(deploy(plan, report.id))).code).toBe('topology_drifted')
    const again = await rig.check(plan)
    expect(again.findings.map(({ code }) => code)).toContain('object_drifted')
    expect((await rig.check(plan, { refresh: true })).severity).toBe('green')
  })
})

describe('reports', () => {
  it('are listed newest first, without their findings', async () => {
    const first = await rig.check(onLead('Listed_1__c'))
    const second = await rig.check(onLead('Listed_2__c'))
    const page = await rig.conflicts.list(rig.tenant, { client_id: rig.clientId, limit: 2 })
    expect(page.items.map(({ id }) => id)).toEqual([second.id, first.id])
    expect(page.items[0]).not.toHaveProperty('findings')
    expect(page.next_cursor).not.toBeNull()
  })

  it("are not there for another client's people, nor for another org", async () => {
    const { id } = await rig.check(onLead('Private__c'))
    const own = { orgId: rig.tenant.orgId, clientId: rig.clientId }
    const others = { orgId: rig.tenant.orgId, clientId: newId() }
    expect((await rig.conflicts.get(own, id)).id).toBe(id)
    for (const tenant of [others, { orgId: newId(), clientId: null }]) {
      expect((await refusal(rig.conflicts.get(tenant, id))).code).toBe('not_found')
      const listed = rig.conflicts.list(tenant, { client_id: rig.clientId, limit: 5 })
      expect((await refusal(listed)).code).toBe('not_found')
      expect(await rig.reports.find(tenant, id)).toBeNull()
    }
  })
})
