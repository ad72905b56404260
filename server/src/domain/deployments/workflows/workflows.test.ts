// Automations deployed, changed, activated, removed and rolled back, in production and in a sandbox.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { findFlow, readWorkflowState, type WorkflowName } from '../../workflows/state.ts'
import { activeRuleOf, isActive, ruleIn } from '../../workflows/rule-files.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

const flow = (name: string, rating: string, activate: boolean | 'keep' = true) => ({
  type: 'flow',
  api_name: name,
  definition: {
    form: 'record_triggered',
    label: name.replaceAll('_', ' '),
    object: 'Lead',
    on: 'create',
    criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
    action: { type: 'update_fields', fields: { Rating: rating } },
  },
  activate,
})
const assignment = (name: string, activate: boolean | 'keep', queueOrUser: object) => ({
  type: 'assignment_rule',
  api_name: `Lead.${name}`,
  definition: {
    form: 'assignment',
    entries: [
      {
        criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
        assign_to: queueOrUser,
      },
    ],
  },
  activate,
})

describe.each([{ isSandbox: false }, { isSandbox: true }])(
  'automations, sandbox: $isSandbox',
  ({ isSandbox }) => {
    let rig: DeploymentsRig

    beforeAll(async () => {
      rig = await createDeploymentsRig(await createDatabase(), { isSandbox })
    })
    afterAll(async () => {
      await rig.close()
    })

    const stateOf = async (name: string) => {
      const state = await readWorkflowState(rig.org, [{ type: 'flow', api_name: name }])
      const found = findFlow(state, name)
      return found === null
        ? null
        : { active: found.active, versions: found.versions.map(({ number }) => number) }
    }
    const rules = (...names: string[]) =>
      readWorkflowState(
        rig.org,
        names.map((api_name): WorkflowName => ({ type: 'assignment_rule', api_name })),
      )
    const deploy = (...workflows: object[]) => rig.deployWorkflows(workflows)

    it('go through their whole life, and back: each step leaves the versions that it says', async () => {
      const first = await deploy(flow('Life', 'Hot'))
      expect(first).toMatchObject({
        status: 'deployed',
        warnings: [],
        kind: 'workflows',
        components: [{ type: 'Flow', full_name: 'Life', action: 'created', success: true }],
      })
      expect(await stateOf('Life')).toEqual({ active: 1, versions: [1] })

      const same = await deploy(flow('Life', 'Hot'))
      expect(same.components).toMatchObject([{ action: 'unchanged' }])
      expect(same.sfdc_deploy_id).toBeNull()
      expect(await stateOf('Life')).toEqual({ active: 1, versions: [1] })

      const kept = await deploy(flow('Life', 'Warm', 'keep'))
      expect(kept.components).toMatchObject([{ action: 'updated' }])
      expect(await stateOf('Life')).toEqual({ active: 1, versions: [1, 2] })

      const on = await rig.setActive({ type: 'flow', api_name: 'Life', active: true, version: 2 })
      expect(on).toMatchObject({ kind: 'workflow_activation', status: 'deployed' })
      expect(await stateOf('Life')).toEqual({ active: 2, versions: [1, 2] })
      const off = await rig.setActive({ type: 'flow', api_name: 'Life', active: false })
      expect(await stateOf('Life')).toEqual({ active: null, versions: [1, 2] })

      expect((await rig.rollback(off.id)).status).toBe('rolled_back')
      expect(await stateOf('Life')).toEqual({ active: 2, versions: [1, 2] })
      expect((await rig.rollback(on.id)).status).toBe('rolled_back')
      expect(await stateOf('Life')).toEqual({ active: 1, versions: [1, 2] })
      expect(await rig.rollback(kept.id)).toMatchObject({
        status: 'rolled_back',
        rollback: { proof: { complete: true } },
      })
      expect(await stateOf('Life')).toEqual({ active: 1, versions: [1] })

      const removed = await rig.removeWorkflows([{ type: 'flow', api_name: 'Life' }])
      expect(removed).toMatchObject({
        kind: 'workflow_removal',
        status: 'deployed',
        warnings: [],
        components: [{ action: 'deleted', success: true, reversibility: 'reversible' }],
      })
      expect(await stateOf('Life')).toBeNull()
      const back = await rig.rollback(removed.id)
      expect(back).toMatchObject({
        status: 'rolled_back',
        rollback: { restored: [{ type: 'Flow', full_name: 'Life' }], proof: { complete: true } },
      })
      expect(await stateOf('Life')).toEqual({ active: 1, versions: [1] })
    })

    it('that were removed and brought back are still rolled back with what made them', async () => {
      const made = await deploy(flow('Returned', 'Hot'))
      const removed = await rig.removeWorkflows([{ type: 'flow', api_name: 'Returned' }])
      await rig.rollback(removed.id)
      expect(await rig.rollback(made.id)).toMatchObject({
        status: 'rolled_back',
        rollback: { kept: [], remaining: [], proof: { complete: true } },
      })
      expect(await stateOf('Returned')).toBeNull()
    })

    it('that were made are gone after the rollback', async () => {
      const made = await deploy(flow('Gone', 'Hot'))
      const done = await rig.rollback(made.id)
      expect(done).toMatchObject({
        status: 'rolled_back',
        rollback: { status: 'complete', proof: { complete: true, differences: [] } },
      })
      expect(await stateOf('Gone')).toBeNull()
    })

    it('with several versions say that older ones are lost when they are removed', async () => {
      await deploy(flow('Twice', 'Hot'))
      await deploy(flow('Twice', 'Cold'))
      const removed = await rig.removeWorkflows([{ type: 'flow', api_name: 'Twice' }])
      expect(removed.components).toMatchObject([{ reversibility: 'reversible_with_data_loss' }])
    })

    it('that somebody changed since are kept, unless they are named', async () => {
      const made = await deploy(flow('Drifted', 'Hot'))
      await rig.control.act('automations/add-flow-version', {
        org: rig.sfdcOrg.name,
        flow: 'Drifted',
      })
      const first = await rig.rollback(made.id)
      expect(first).toMatchObject({
        status: 'deployed',
        rollback: { status: 'partial', kept: [{ full_name: 'Drifted' }] },
      })
      expect(await stateOf('Drifted')).toMatchObject({ versions: [1, 2] })
      const second = await rig.rollback(made.id, {
        components: [{ type: 'Flow', full_name: 'Drifted' }],
      })
      expect(second.status).toBe('rolled_back')
      expect(await stateOf('Drifted')).toBeNull()
    })

    it('as assignment rules keep all the rules that were there; ours names the one it switches off', async () => {
      const before = await rules('Lead.Ours')
      const active = activeRuleOf(before, 'Lead')
      expect(active).not.toBeNull()
      const made = await deploy(assignment('Ours', true, { user: rig.username }))
      expect(made).toMatchObject({ status: 'deployed', warnings: [] })
      expect(made.components).toMatchObject([
        { full_name: 'Lead.Ours', action: 'created' },
        { full_name: `Lead.${active ?? ''}`, action: 'updated' },
      ])
      expect(made.components[1]?.reason).toContain('Lead.Ours')
      const after = await rules('Lead.Ours')
      expect(activeRuleOf(after, 'Lead')).toBe('Ours')
      expect(ruleIn(after, 'assignment_rule', `Lead.${active ?? ''}`)).not.toBeNull()

      const done = await rig.rollback(made.id)
      expect(done).toMatchObject({ status: 'rolled_back', rollback: { proof: { complete: true } } })
      const restored = await rules('Lead.Ours')
      expect(activeRuleOf(restored, 'Lead')).toBe(active)
      expect(ruleIn(restored, 'assignment_rule', 'Lead.Ours')).toBeNull()
    })

    it('as validation rules are made, switched off, removed and brought back', async () => {
      const rule = (activate: boolean) => ({
        type: 'validation_rule',
        api_name: 'Lead.Has_Company',
        definition: { form: 'validation', condition: 'LEN(Company) < 2', message: 'A company' },
        activate,
      })
      const name: WorkflowName = { type: 'validation_rule', api_name: 'Lead.Has_Company' }
      const read = async () =>
        ruleIn(await readWorkflowState(rig.org, [name]), 'validation_rule', name.api_name)
      await deploy(rule(true))
      expect(isActive(await read())).toBe(true)
      const off = await rig.setActive({ ...name, active: false })
      expect(isActive(await read())).toBe(false)
      await rig.rollback(off.id)
      expect(isActive(await read())).toBe(true)
      const removed = await rig.removeWorkflows([name])
      expect(await read()).toBeNull()
      await rig.rollback(removed.id)
      expect(isActive(await read())).toBe(true)
    })

    it('fail whole where one is refused, with the words of Salesforce', async () => {
      const made = await deploy(flow('Fine', 'Hot'), {
        type: 'validation_rule',
        api_name: 'Lead.Broken',
        definition: { form: 'validation', condition: 'Not_There__c = 1', message: 'No' },
        activate: true,
      })
      expect(made).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
      expect(
        made.components.find(({ full_name }) => full_name === 'Lead.Broken')?.problem?.message,
      ).toContain('Not_There__c')
      expect(await stateOf('Fine')).toBeNull()
    })

    it('are refused with a function that Salesforce does not have', async () => {
      const withFormula = {
        ...{ type: 'flow', api_name: 'Calls_Nope', activate: false },
        xml: `<?xml version="1.0" encoding="UTF-8"?>
<Flow xmlns="http://soap.sforce.com/2006/04/metadata"><formulas><name>Sum</name><dataType>String</dataType><expression>NOPE({!$Flow.CurrentDate})</expression></formulas><label>Calls Nope</label><processType>AutoLaunchedFlow</processType><status>Draft</status></Flow>`,
      }
      const validation = {
        ...{ type: 'validation_rule', api_name: 'Lead.Calls_Nope', activate: true },
        definition: { form: 'validation', condition: 'NOPE(Company)', message: 'No' },
      }
      for (const one of [withFormula, validation]) {
        const { components } = await deploy(one)
        expect(components[0]?.problem?.message).toContain('Unknown function NOPE. Check spelling.')
      }
    })

    it('with paused interviews are not removed, and nothing is changed', async () => {
      await deploy(flow('Waited', 'Hot'))
      await rig.control.act('automations/add-interview', {
        org: rig.sfdcOrg.name,
        flow: 'Waited',
      })
      await expect(
        rig.removeWorkflows([{ type: 'flow', api_name: 'Waited' }]),
      ).rejects.toMatchObject({ code: 'flow_interviews_waiting' })
      expect(await stateOf('Waited')).toEqual({ active: 1, versions: [1] })
    })

    it('that do not exist cannot be switched or removed', async () => {
      const nowhere = { type: 'flow' as const, api_name: 'Nowhere' }
      await expect(rig.setActive({ ...nowhere, active: true })).rejects.toMatchObject({
        code: 'not_found',
      })
      await expect(rig.removeWorkflows([nowhere])).rejects.toMatchObject({ code: 'not_found' })
    })

    it('that do not exist are answered with the nearest name of the snapshot', async () => {
      await deploy(flow('Nearly_There', 'Hot'), assignment('Nearby', false, { user: rig.username }))
      await rig.pull()
      for (const [type, name, near] of [
        ['flow', 'Nearly_Ther', 'Nearly_There'],
        ['assignment_rule', 'Lead.Nearbi', 'Lead.Nearby'],
      ] as const) {
        const asked = { type, api_name: name }
        const message = `There is no ${type.replace('_', ' ')} ${name} in this Salesforce org. Did you mean ${near}?`
        await expect(rig.setActive({ ...asked, active: true })).rejects.toMatchObject({ message })
        await expect(rig.removeWorkflows([asked])).rejects.toMatchObject({ message })
      }
    })
  },
)
