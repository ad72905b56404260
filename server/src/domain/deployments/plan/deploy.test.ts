import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { until } from '../../../../../test/src/until.ts'
import { newId } from '../../../db/ids.ts'
import { parsePlan } from '../../plan/check.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { type JudgedReport } from '../deployments.ts'
import { cancelDeploy } from '../../../salesforce/deploy.ts'
import { describe as describeObject } from '../../../salesforce/rest.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
})

const planOf = (name: string) => ({
  objects: [
    {
      api_name: `${name}__c`,
      label: name,
      plural_label: `${name}s`,
      name_field: { label: 'Name', type: 'Text' },
      fields: [
        { api_name: 'Title__c', label: 'Title', type: 'Text', length: 80 },
        { api_name: 'Open__c', label: 'Open', type: 'Checkbox', default: false },
      ],
    },
    {
      api_name: 'Lead',
      fields: [{ api_name: `${name}_Ref__c`, label: `${name} Ref`, type: 'Text', length: 40 }],
    },
  ],
})

const sent = async (): Promise<number> =>
  (await rig.control.act('deploys/list', { org: rig.sfdcOrg.name })).length

const setStatus = async (status: string): Promise<void> => {
  await rig.database.query('update crm_connections set status = $1', [status])
}

/** Version of a fresh snapshot. */
const pull = async (): Promise<number | null> => {
  const started = await rig.topology.pull(rig.caller, {
    client_id: rig.clientId,
    wait_seconds: 0,
  })
  const work = { orgId: rig.tenant.orgId, clientId: rig.clientId, id: started.id }
  await rig.topology.worker.run(work, new AbortController().signal)
  return (await rig.topology.snapshot(rig.tenant, started.id)).version
}

const fieldsOf = async (object: string): Promise<string[]> => {
  const answer = await describeObject(rig.org, object)
  const fields = answer.result === 'ok' ? (answer.body.fields as { name: string }[]) : []
  return fields.map(({ name }) => name)
}

describe('a deploy', () => {
  it('is done when every new field is visible to the connected user', async () => {
    const done = await rig.deploy(planOf('Posting'))
    expect(done.error).toBeNull()
    expect(done).toMatchObject({ status: 'deployed', warnings: [] })
    expect(await fieldsOf('Posting__c')).toEqual(expect.arrayContaining(['Title__c', 'Open__c']))
    expect(await fieldsOf('Lead')).toContain('Posting_Ref__c')
    const actions = new Map(done.components.map((one) => [one.full_name, one]))
    expect(actions.get('Posting__c')).toMatchObject({
      action: 'created',
      success: true,
      reversibility: 'reversible_with_data_loss',
    })
    expect(actions.get('Lead.Posting_Ref__c')).toMatchObject({ action: 'created', success: true })
  })

  it('of a plan that is in place sends nothing and says unchanged', async () => {
    await rig.deploy(planOf('Twice'))
    const before = await sent()
    const again = await rig.deploy(planOf('Twice'))
    expect(again).toMatchObject({ status: 'deployed', warnings: [], sfdc_deploy_id: null })
    expect(new Set(again.components.map(({ action }) => action))).toEqual(new Set(['unchanged']))
    expect(await sent()).toBe(before)
  })

  it('with check_only is validated and changes nothing', async () => {
    const done = await rig.deploy(planOf('Checked'), { check_only: true })
    expect(done).toMatchObject({ status: 'validated', error: null })
    expect(await fieldsOf('Lead')).not.toContain('Checked_Ref__c')
  })

  it("that Salesforce refuses fails whole, with Salesforce's own problem at its component", async () => {
    const done = await rig.deploy({
      objects: [
        {
          api_name: 'Lead',
          fields: [
            { api_name: 'Fine__c', label: 'Fine', type: 'Text', length: 10 },
            {
              api_name: 'Broken__c',
              label: 'Broken',
              type: 'Lookup',
              reference_to: 'Nowhere__c',
              relationship_name: 'Broken',
            },
          ],
        },
      ],
    })
    expect(done.status).toBe('failed')
    const broken = done.components.find(({ full_name }) => full_name === 'Lead.Broken__c')
    expect(broken).toMatchObject({ success: false, problem: { severity: 'error' } })
    expect(broken?.problem?.message).toContain('Nowhere__c')
    expect(done.error?.message).toContain('Nowhere__c')
    expect(await fieldsOf('Lead')).not.toContain('Fine__c')
  })

  it('is the only one in its Salesforce org', async () => {
    const first = await rig.start(planOf('Alone'))
    await expect(rig.start(planOf('Second'))).rejects.toMatchObject({
      code: 'deployment_in_progress',
    })
    expect((await rig.finish(first.id)).status).toBe('deployed')
    expect((await rig.deploy(planOf('Second'))).status).toBe('deployed')
  })

  it('whose answer got lost is found again and not sent twice', async () => {
    const before = await sent()
    await rig.control.addFault({
      org: rig.sfdcOrg.name,
      method: 'POST',
      path: '*/metadata/deployRequest',
      kind: { type: 'close', when: 'after' },
      times: 1,
    })
    const { id } = await rig.start(planOf('Lost'))
    await rig.turn(id)
    const [run] = await rig.runsOf(id)
    expect(run).toMatchObject({ sends: 1, ended_at: null })
    const done = await rig.finish(id)
    expect(done.status).toBe('deployed')
    expect(await sent()).toBe(before + 1)
    expect((await rig.runsOf(id))[0]?.sends).toBe(1)
  })

  it('goes on where a killed replica left it, at every stage', async () => {
    const before = await sent()
    const { id } = await rig.start(planOf('Killed'))
    const stages = new Set<string>()
    for (let turns = 0; turns < 40; turns += 1) {
      const [run] = await rig.runsOf(id)
      if (run === undefined || run.ended_at !== null) break
      stages.add(run.stage)
      // Killed as soon as it has done one step.
      const killer = new AbortController()
      const watcher = (async () => {
        for (;;) {
          const [now] = await rig.runsOf(id)
          if (now?.ended_at !== null || now.stage !== run.stage) break
          await new Promise((resolve) => setImmediate(resolve))
        }
        killer.abort(new Error('killed'))
      })()
      await rig.turn(id, killer.signal).catch((error: unknown) => {
        if (!killer.signal.aborted) throw error
      })
      await watcher
    }
    expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({ status: 'deployed' })
    expect(await sent()).toBe(before + 1)
    expect(stages.size).toBeGreaterThan(1)
  })

  it.each(['setup', 'admin-operation'] as const)(
    'waits out the lock of Salesforce (%s), also where what refers to a locked component failed',
    async (kind) => {
      await rig.control.act('deploys/lock', { org: rig.sfdcOrg.name, kind, times: 1 })
      const name = `Locked_${kind.replace('-', '_')}`
      expect((await rig.deploy(planOf(name))).status).toBe('deployed')
    },
  )

  it('cancelled before it was sent is never sent', async () => {
    const before = await sent()
    const { id } = await rig.start(planOf('Cancelled'))
    await rig.deployments.cancel(rig.caller, { deployment_id: id })
    expect(await rig.finish(id)).toMatchObject({
      status: 'failed',
      error: { code: 'cancelled' },
    })
    expect(await sent()).toBe(before)
  })

  it('builds on nothing that does not exist', async () => {
    const done = await rig.deploy({
      objects: [
        {
          api_name: 'Missing__c',
          fields: [{ api_name: 'A__c', label: 'A', type: 'Text', length: 5 }],
        },
      ],
    })
    expect(done).toMatchObject({ status: 'failed', error: { code: 'invalid_plan' } })
  })

  it('stays pending while its connection is lost, and can be abandoned', async () => {
    const { id } = await rig.start(planOf('Adrift'))
    await rig.control.act('deploys/pace', { org: rig.sfdcOrg.name, runMs: 60_000 })
    try {
      const killer = new AbortController()
      const working = rig.turn(id, killer.signal).catch(() => undefined)
      await until('it is sent', async () => (await rig.runsOf(id))[0]?.stage === 'wait')
      killer.abort(new Error('killed'))
      await working
      await setStatus('expired')
      await rig.turn(id)
      expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({
        status: 'pending',
        error: { code: 'connection_lost' },
      })
      const gone = await rig.deployments.cancel(rig.caller, {
        deployment_id: id,
        abandon: true,
      })
      expect(gone).toMatchObject({ status: 'failed', error: { code: 'abandoned' } })
      expect((await rig.deployments.get(rig.tenant, id)).is_final).toBe(true)
    } finally {
      const [run] = await rig.runsOf(id)
      await cancelDeploy(rig.org, String(run?.sfdc_deploy_id))
      await setStatus('connected')
      await rig.control.act('deploys/pace', { org: rig.sfdcOrg.name, pendingMs: 0, runMs: 0 })
    }
  })

  it('that Salesforce no longer lets us follow can be abandoned, a running one cannot', async () => {
    const { id } = await rig.start(planOf('Blind'))
    const letGo = () => rig.deployments.cancel(rig.caller, { deployment_id: id, abandon: true })
    await expect(letGo()).rejects.toMatchObject({ code: 'deployment_in_progress' })
    expect((await rig.runsOf(id))[0]?.cancel_requested_at, 'a refusal changes nothing').toBeNull()
    await rig.control.addFault({
      path: '*/metadata/deployRequest/*',
      method: 'GET',
      times: 100,
      kind: { type: 'status', status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'no more' },
    })
    try {
      for (let turns = 0; turns < 3; turns += 1) await rig.turn(id)
      expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({ status: 'pending' })
      expect(await letGo()).toMatchObject({ status: 'failed', error: { code: 'abandoned' } })
      expect((await rig.runsOf(id))[0]).toMatchObject({ locked_sfdc_org_id: null })
    } finally {
      await rig.control.act('faults/clear', {})
    }
  })

  /** As if it had waited for a day: what it waits for, it has waited for since yesterday. */
  const aDayLater = (id: string) =>
    rig.database.query(
      `update deployment_runs set error = jsonb_set(error, '{waiting,since}', to_jsonb($2::text))
        where deployment_id = $1 and ended_at is null`,
      [id, new Date(Date.now() - 86_400_000).toISOString()],
    )
  const refusing = (path: string) =>
    rig.control.addFault({
      path,
      times: 1_000,
      kind: { type: 'status', status: 501, errorCode: 'NOT_IMPLEMENTED', message: 'no' },
    })
  it.each([
    ['that Salesforce does not let us read', {}, '*/services/Soap/m/*'],
    ['that is only checked', { check_only: true }, '*/metadata/deployRequest/*'],
  ])('%s ends after a day, and the next one gets its place', async (_, input, path) => {
    const { id } = await rig.start(planOf('Unread'), input)
    await refusing(path)
    try {
      await rig.turn(id)
      expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({
        status: 'pending',
        error: { waiting: { until: expect.any(String) as string } },
      })
      await expect(rig.start(planOf('Next'))).rejects.toMatchObject({
        code: 'deployment_in_progress',
      })
      await aDayLater(id)
      await rig.turn(id)
      expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({
        status: 'failed',
        error: { message: expect.stringContaining('It was tried for 24 hours.') as string },
      })
      expect((await rig.runsOf(id))[0]).toMatchObject({ locked_sfdc_org_id: null })
    } finally {
      await rig.control.act('faults/clear', {})
    }
    expect(await rig.deploy(planOf('Next'), { check_only: true })).toMatchObject({ error: null })
  })
  it('whose rollback is only tried lets it go after a day too, and stays deployed', async () => {
    const { id } = await rig.deploy(planOf('Tried'))
    await rig.deployments.rollback(rig.caller, {
      ...{ deployment_id: id, wait_seconds: 0, dry_run: true },
    })
    await refusing('*/metadata/deployRequest/*')
    try {
      await rig.turn(id)
      await aDayLater(id)
      await rig.turn(id)
      expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({
        status: 'deployed',
        rollback: {
          status: 'failed',
          error: { message: expect.stringContaining('24 hours') as string },
        },
      })
    } finally {
      await rig.control.act('faults/clear', {})
    }
    expect(await rig.rollback(id)).toMatchObject({ status: 'rolled_back' })
  })

  it('leaves one audit row with its Salesforce calls, and the touched objects to be read again', async () => {
    const known = async (): Promise<boolean> => {
      const rows = await rig.database.query(
        `select name from topology_validators where kind = 'object' and name = 'Lead'`,
      )
      return rows.length > 0
    }
    await rig.database.query(
      `insert into topology_validators (org_id, client_id, kind, name, scope, last_modified)
       values ($1, $2, 'object', 'Lead', 'any', 'Mon, 01 Jan 2024 00:00:00 GMT')
       on conflict do nothing`,
      [rig.tenant.orgId, rig.clientId],
    )
    expect(await known()).toBe(true)
    const { id } = await rig.deploy(planOf('Logged'))
    const rows = await rig.database.query<{ outcome: string; salesforce_api_calls: number }>(
      `select outcome, salesforce_api_calls from audit_log where target_id = $1`,
      [id],
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]?.outcome).toBe('ok')
    expect(rows[0]?.salesforce_api_calls).toBeGreaterThan(5)
    expect(await known()).toBe(false)
  })
})

describe('a conflict report named with a deploy', () => {
  const plan = planOf('Judged')
  const report = (over: Partial<JudgedReport> = {}): string => {
    const id = newId()
    rig.reports.set(id, {
      clientId: rig.clientId,
      planHash: planHash(parsePlan(plan)),
      checked: { plan: parsePlan(plan) },
      status: 'complete',
      severity: 'green',
      sfdcOrgId: rig.sfdcOrgId,
      snapshotVersion: null,
      judged: null,
      findings: [],
      ...over,
    })
    return id
  }
  const start = (over: Partial<JudgedReport>, accept?: 'yellow'[]) =>
    rig.start(plan, { conflict_report_id: report(over), accept })

  it('stops the deploy where it is red, yellow and not accepted, or of something else', async () => {
    const before = await sent()
    await expect(start({ severity: 'red' }, ['yellow'])).rejects.toMatchObject({
      code: 'conflicts_found',
    })
    await expect(start({ severity: 'yellow' })).rejects.toMatchObject({ code: 'conflicts_found' })
    for (const over of [{ planHash: 'other' }, { clientId: newId() }, { severity: null }]) {
      await expect(start(over)).rejects.toMatchObject({ code: 'invalid_plan' })
    }
    await expect(rig.start(plan, { conflict_report_id: newId() })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await sent()).toBe(before)
  })

  it('stops the deploy where a touched object has changed since it was checked', async () => {
    const version = await pull()
    expect(version).not.toBeNull()
    await rig.control.act('schema/add-field', {
      org: rig.sfdcOrg.name,
      object: 'Lead',
      field: { name: 'Meanwhile__c', type: 'string', length: 10 },
    })
    await expect(start({ snapshotVersion: version })).rejects.toMatchObject({
      code: 'topology_drifted',
    })
  })

  it('stops the deploy where a different Salesforce org was checked', async () => {
    await expect(start({ sfdcOrgId: '00DAx000000OtherEAA' })).rejects.toMatchObject({
      code: 'topology_drifted',
    })
  })

  it('says in the refusal what it found, by the path in the body', async () => {
    const finding = { code: 'field_type_changed', message: 'It is a number.', path: 'objects.0' }
    const refused = start({
      severity: 'red',
      findings: [
        { ...finding, severity: 'red' },
        { ...finding, severity: 'yellow', code: 'label_taken' },
      ],
    })
    await expect(refused).rejects.toMatchObject({
      code: 'conflicts_found',
      errors: [{ path: 'plan.objects.0', code: 'field_type_changed', message: 'It is a number.' }],
    })
  })
})
