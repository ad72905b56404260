// What may happen between the steps of a change of automations: people who work in the same Salesforce
// org, interviews, refusals. None of their work is lost, switched off or left half done.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import { awaitDeploy, startDeploy } from '../../../salesforce/deploy.ts'
import { activeRuleOf, ruleIn } from '../../workflows/rule-files.ts'
import { findFlow, readWorkflowState, type WorkflowName } from '../../workflows/state.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
beforeEach(async () => {
  await rig.control.clearFaults()
  // A failing test does not affect the others.
  await rig.database.query(
    'update deployment_runs set ended_at = now(), locked_sfdc_org_id = null where ended_at is null',
  )
})
afterAll(async () => {
  await rig.close()
})

const flow = (name: string, rating: string, activate: boolean | 'keep' = true) => ({
  type: 'flow' as const,
  api_name: name,
  definition: {
    form: 'record_triggered',
    label: name.replaceAll('_', ' '),
    object: 'Lead',
    on: 'create',
    action: { type: 'update_fields', fields: { Rating: rating } },
  },
  activate,
})
const assignment = (name: string, activate: boolean | 'keep', source = 'Web') => ({
  type: 'assignment_rule' as const,
  api_name: `Lead.${name}`,
  definition: {
    form: 'assignment',
    entries: [
      {
        criteria: [{ field: 'LeadSource', operator: 'equals', value: source }],
        assign_to: { user: rig.username },
      },
    ],
  },
  activate,
})
const flowState = async (name: string) =>
  findFlow(await readWorkflowState(rig.org, [{ type: 'flow', api_name: name }]), name)
const stateOf = async (name: string) => {
  const found = await flowState(name)
  return found === null
    ? null
    : { active: found.active, versions: found.versions.map(({ number }) => number) }
}
const leadRules = () =>
  readWorkflowState(rig.org, [{ type: 'assignment_rule', api_name: 'Lead.Any' }])
const activeRule = async () => activeRuleOf(await leadRules(), 'Lead')
const act = (action: string, input: object) =>
  rig.control.act(
    action as 'automations/add-interview',
    {
      org: rig.sfdcOrg.name,
      ...input,
    } as never,
  )

/** Requests like this one get this answer, until `clearFaults`. */
const refuse = (method: string, path: string, status: number, errorCode: string) =>
  rig.control.addFault({
    org: rig.sfdcOrg.name,
    method,
    path,
    times: 1000,
    kind: { type: 'status', status, errorCode, message: 'Not now' },
  })
const busy = (method: string, path: string) => refuse(method, path, 503, 'SERVER_UNAVAILABLE')

/** Begins, and is paused at the faults. */
const begin = async (deployment: Promise<{ id: string }>): Promise<string> => {
  const { id } = await deployment
  await rig.turn(id)
  await rig.control.clearFaults()
  return id
}
const api = () => ({ client_id: rig.clientId, wait_seconds: 0 })
const remove = (...workflows: WorkflowName[]) =>
  rig.deployments.removeWorkflows(rig.caller, { ...api(), workflows })

describe('a removal', () => {
  it('deletes no version of a flow in which an interview paused meanwhile, and leaves it on', async () => {
    await rig.deployWorkflows([flow('Late', 'Hot')])
    await rig.deployWorkflows([flow('Late', 'Cold')])
    await busy('DELETE', '*/tooling/sobjects/Flow/*')
    const id = await begin(remove({ type: 'flow', api_name: 'Late' }))
    expect(await stateOf('Late')).toEqual({ active: null, versions: [1, 2] })
    await act('automations/add-interview', { flow: 'Late', version: 2 })
    const done = await rig.finish(id)
    expect(done).toMatchObject({
      status: 'failed',
      error: { code: 'flow_interviews_waiting' },
      components: [{ success: false }],
    })
    expect(done.error?.message).toContain('Interviews of Late are paused or waiting (1)')
    expect(await stateOf('Late')).toEqual({ active: 2, versions: [1, 2] })
  })

  it('that Salesforce refuses for the first version leaves the flow on, with all its versions', async () => {
    await rig.deployWorkflows([flow('Used', 'Hot')])
    await rig.deployWorkflows([flow('Used', 'Cold')])
    await refuse('DELETE', '*/tooling/sobjects/Flow/*', 400, 'DELETE_FAILED')
    const id = await begin(remove({ type: 'flow', api_name: 'Used' }))
    const done = await rig.finish(id)
    expect(done).toMatchObject({
      status: 'failed',
      error: {
        code: 'salesforce_error',
        message: 'Salesforce answered 400 (DELETE_FAILED): Not now.',
      },
      components: [{ success: false, problem: { code: 'DELETE_FAILED' } }],
    })
    expect(await stateOf('Used')).toEqual({ active: 2, versions: [1, 2] })
  })

  it('deletes nothing of a flow that could not be switched off', async () => {
    await rig.deployWorkflows([flow('Stuck', 'Hot'), flow('Free', 'Hot')])
    await rig.deployWorkflows([flow('Stuck', 'Cold')])
    const stuck = await flowState('Stuck')
    await refuse(
      'PATCH',
      `*/tooling/sobjects/FlowDefinition/${stuck?.definition_id ?? ''}`,
      403,
      'INSUFFICIENT_ACCESS',
    )
    const done = await rig.removeWorkflows([
      { type: 'flow', api_name: 'Stuck' },
      { type: 'flow', api_name: 'Free' },
    ])
    expect(done).toMatchObject({
      status: 'deployed',
      components: [{ success: false, problem: { code: 'INSUFFICIENT_ACCESS' } }, { success: true }],
    })
    expect(await stateOf('Stuck')).toEqual({ active: 2, versions: [1, 2] })
    expect(await stateOf('Free')).toBeNull()
  })

  it('deletes nothing of a flow that somebody switched on again meanwhile', async () => {
    await rig.deployWorkflows([flow('Wanted', 'Hot')])
    await rig.deployWorkflows([flow('Wanted', 'Cold')])
    await busy('DELETE', '*/tooling/sobjects/Flow/*')
    const id = await begin(remove({ type: 'flow', api_name: 'Wanted' }))
    await act('automations/activate-flow', { flow: 'Wanted', version: 2 })
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'failed', components: [{ success: false }] })
    expect(await stateOf('Wanted')).toEqual({ active: 2, versions: [1, 2] })
  })

  it('that ended half-way is rolled back: the version that was active is active again', async () => {
    await rig.deployWorkflows([flow('Half', 'Hot')])
    await rig.deployWorkflows([flow('Half', 'Cold')])
    const second = (await flowState('Half'))?.versions.at(-1)?.id ?? ''
    await refuse('DELETE', `*/tooling/sobjects/Flow/${second}`, 400, 'DELETE_FAILED')
    const removed = await rig.removeWorkflows([{ type: 'flow', api_name: 'Half' }])
    expect(removed).toMatchObject({ status: 'deployed', components: [{ success: false }] })
    expect(removed.warnings).toMatchObject([{ code: 'deletion_failed' }])
    expect(await stateOf('Half')).toEqual({ active: null, versions: [2] })
    await rig.control.clearFaults()
    expect(await rig.rollback(removed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: {
        kept: [],
        restored: [{ full_name: 'Half' }],
        proof: { complete: true, compared: 1 },
      },
    })
    expect(await stateOf('Half')).toEqual({ active: 2, versions: [2] })
  })

  it('of a rule ends as done where Salesforce forgot its deploy', async () => {
    await rig.deployWorkflows([assignment('Forgotten', false)])
    await refuse('GET', '*/metadata/deployRequest/*', 404, 'NOT_FOUND')
    const done = await rig.removeWorkflows([
      { type: 'assignment_rule', api_name: 'Lead.Forgotten' },
    ])
    expect(done).toMatchObject({ status: 'deployed', components: [{ success: true }] })
  })
})

describe('a deploy', () => {
  it('does not activate a version that somebody else saved meanwhile', async () => {
    await rig.deployWorkflows([flow('Raced', 'Hot')])
    await busy('PATCH', '*/tooling/sobjects/FlowDefinition/*')
    const id = await begin(
      rig.deployments.deployWorkflows(rig.caller, {
        ...api(),
        workflows: [flow('Raced', 'Cold')],
      }),
    )
    await act('automations/add-flow-version', { flow: 'Raced', changes: { label: 'Theirs' } })
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'deployed', warnings: [{ code: 'activation_failed' }] })
    expect(await stateOf('Raced')).toEqual({ active: 1, versions: [1, 2, 3] })
  })

  it('that waited to be sent keeps what the client changed in its own rules meanwhile', async () => {
    const before = await activeRule()
    const path = 'assignmentRules/Lead.assignmentRules'
    await busy('POST', '*/metadata/deployRequest')
    const id = await begin(
      rig.deployments.deployWorkflows(rig.caller, {
        ...api(),
        workflows: [assignment('Patient', false)],
      }),
    )
    const text = (await leadRules()).files[path] ?? ''
    const theirs = `<assignmentRule><fullName>Theirs</fullName><active>false</active><ruleEntry>
      <assignedTo>${rig.username}</assignedTo><assignedToType>User</assignedToType>
      <criteriaItems><field>Lead.Rating</field><operation>equals</operation><value>Hot</value></criteriaItems>
      </ruleEntry></assignmentRule>`
    const deployed = await startDeploy(
      rig.org,
      buildDeployPackage(
        {
          files: new Map([
            [path, text.replace('</AssignmentRules>', `${theirs}</AssignmentRules>`)],
          ]),
          members: new Map([['AssignmentRules', ['Lead']]]),
        },
        rig.org.apiVersion,
      ),
      {},
    )
    await awaitDeploy(rig.org, deployed)
    await rig.database.query(
      'update deployment_runs set intended_at = null where deployment_id = $1',
      [id],
    )
    expect(await rig.finish(id)).toMatchObject({ status: 'deployed', warnings: [] })
    const [run] = await rig.runsOf(id)
    const sent = run?.package as { files: Record<string, string> } | undefined
    expect(sent?.files[path]).toContain('Theirs')
    expect(await activeRule()).toBe(before)
  })

  it('of two assignment rules says that the one that runs is switched off for the other, and gives back', async () => {
    await rig.deployWorkflows([assignment('Second', true)])
    const made = await rig.deployWorkflows([
      assignment('First', true),
      assignment('Second', 'keep'),
    ])
    expect(made).toMatchObject({ status: 'deployed', warnings: [] })
    expect(made.components).toMatchObject([
      { full_name: 'Lead.First', action: 'created' },
      { full_name: 'Lead.Second', action: 'updated', success: true },
    ])
    expect(made.components[1]?.reason).toContain('Lead.First')
    expect(await activeRule()).toBe('First')
    expect(await rig.rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true, compared: 2 } },
    })
    expect(await activeRule()).toBe('Second')
  })

  it('names the rule that it switches off also where a validation rule has the same name', async () => {
    const active = (await activeRule()) ?? ''
    const made = await rig.deployWorkflows([
      {
        type: 'validation_rule',
        api_name: `Lead.${active}`,
        definition: { form: 'validation', condition: 'LEN(Company) < 2', message: 'No' },
        activate: false,
      },
      assignment('Namesake', true),
    ])
    expect(made.components.map(({ type, full_name }) => [type, full_name])).toContainEqual([
      'AssignmentRule',
      `Lead.${active}`,
    ])
    await rig.rollback(made.id)
    expect(await activeRule()).toBe(active)
  })
})

describe('a rollback', () => {
  it('leaves the assignment rule on that somebody switched on since', async () => {
    const first = await rig.deployWorkflows([assignment('Mine', true)])
    await rig.deployWorkflows([assignment('Chosen', true)])
    const done = await rig.rollback(first.id)
    expect(await activeRule()).toBe('Chosen')
    expect(done).toMatchObject({ status: 'deployed', rollback: { status: 'partial' } })
    const [, other] = done.rollback?.kept ?? []
    expect(other?.reason).toContain('Lead.Chosen')
    expect(other?.changed_at).not.toBeNull()
  })

  it('of a switch keeps versions that others saved since, named or not', async () => {
    await rig.deployWorkflows([flow('Switched', 'Hot')])
    const off = await rig.setActive({ type: 'flow', api_name: 'Switched', active: false })
    await act('automations/add-flow-version', { flow: 'Switched' })
    const named = { components: [{ type: 'Flow', full_name: 'Switched' }] }
    expect(await rig.rollback(off.id, named)).toMatchObject({ status: 'rolled_back' })
    expect(await stateOf('Switched')).toEqual({ active: 1, versions: [1, 2] })
  })

  it('of an update deletes its own version only, where it is named', async () => {
    await rig.deployWorkflows([flow('Grown', 'Hot')])
    const ours = await rig.deployWorkflows([flow('Grown', 'Cold')])
    await act('automations/add-flow-version', { flow: 'Grown' })
    expect(await rig.rollback(ours.id)).toMatchObject({ rollback: { status: 'partial' } })
    const named = { components: [{ type: 'Flow', full_name: 'Grown' }] }
    expect(await rig.rollback(ours.id, named)).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true } },
    })
    expect(await stateOf('Grown')).toEqual({ active: 1, versions: [1, 3] })
  })

  it('reports when somebody activated or deactivated the flow, and changes nothing', async () => {
    await rig.deployWorkflows([flow('Told', 'Hot')])
    const ours = await rig.deployWorkflows([flow('Told', 'Cold')])
    await act('automations/add-flow-version', { flow: 'Told', activate: true })
    const done = await rig.rollback(ours.id)
    expect(done.rollback).toMatchObject({ status: 'partial', kept: [{ full_name: 'Told' }] })
    expect(done.rollback?.kept[0]?.changed_at).not.toBeNull()
    expect(done.rollback?.kept[0]?.changed_by).not.toBeNull()
    expect(await stateOf('Told')).toEqual({ active: 3, versions: [1, 2, 3] })
  })

  it('that could not delete for a paused interview deletes nothing, and can be run again', async () => {
    const made = await rig.deployWorkflows([flow('Again', 'Hot')])
    const id = await act('automations/add-interview', { flow: 'Again' })
    const first = await rig.rollback(made.id)
    expect(first).toMatchObject({
      status: 'deployed',
      rollback: { status: 'partial', removed: [], remaining: [{ full_name: 'Again' }] },
    })
    expect(first.rollback?.remaining[0]?.reason).toContain(
      'Interviews of Again are paused or waiting (1)',
    )
    await act('automations/end-interview', id)
    expect(await rig.rollback(made.id)).toMatchObject({ status: 'rolled_back' })
    expect(await stateOf('Again')).toBeNull()
  })

  it('of a removal that could not switch the flow on again can be run again', async () => {
    await rig.deployWorkflows([flow('Reborn', 'Hot')])
    const removed = await rig.removeWorkflows([{ type: 'flow', api_name: 'Reborn' }])
    await refuse('PATCH', '*/tooling/sobjects/FlowDefinition/*', 403, 'INSUFFICIENT_ACCESS')
    expect(await rig.rollback(removed.id)).toMatchObject({
      status: 'deployed',
      rollback: { status: 'partial', remaining: [{ full_name: 'Reborn' }] },
    })
    await rig.control.clearFaults()
    expect(await rig.rollback(removed.id)).toMatchObject({ status: 'rolled_back' })
    expect(await stateOf('Reborn')).toEqual({ active: 1, versions: [1] })
  })

  it('creates the active version again where somebody deleted it since and the flow is named', async () => {
    await rig.deployWorkflows([flow('Pruned', 'Hot')])
    const ours = await rig.deployWorkflows([flow('Pruned', 'Cold')])
    const [first] = (await flowState('Pruned'))?.versions ?? []
    await rig.org.request({
      method: 'DELETE',
      path: `/tooling/sobjects/Flow/${first?.id ?? ''}`,
      kind: 'tooling',
    })
    expect(await rig.rollback(ours.id)).toMatchObject({
      status: 'deployed',
      rollback: { status: 'partial', kept: [{ full_name: 'Pruned' }] },
    })
    const named = { components: [{ type: 'Flow', full_name: 'Pruned' }] }
    expect(await rig.rollback(ours.id, named)).toMatchObject({ status: 'rolled_back' })
    expect(await stateOf('Pruned')).toEqual({ active: 3, versions: [3] })
  })
})

describe('a flow of an installed package', () => {
  it('is neither removed nor changed, and the refusal says so', async () => {
    await act('automations/add-flow', {
      flow: { name: 'Theirs', label: 'Theirs', namespace: 'acmepkg' },
    })
    const name: WorkflowName = { type: 'flow', api_name: 'acmepkg__Theirs' }
    await expect(remove(name)).rejects.toMatchObject({
      code: 'invalid_plan',
      errors: [{ path: 'workflows.0.api_name', code: 'managed' }],
    })
    // In this Salesforce org, the plain name is a different flow.
    const made = await rig.deployWorkflows([flow('Theirs', 'Hot')])
    expect(made).toMatchObject({ status: 'deployed', components: [{ action: 'created' }] })
    expect(ruleIn(await leadRules(), 'assignment_rule', 'Lead.Theirs')).not.toBeNull()
  })
})
