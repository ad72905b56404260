// Salesforce lists every deploy of a user. Whatever else that user deploys while the response to ours is
// lost, usually with the command line, is never mistaken for ours, and what is missing is never reported
// as deployed.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { until } from '../../../../../test/src/until.ts'
import { buildDeployPackage, type PackageContents } from '../../../salesforce/deploy-package.ts'
import { readDeployResult } from '../../../salesforce/deploy-result.ts'
import { awaitDeploy, startDeploy } from '../../../salesforce/deploy.ts'
import { describe as describeObject } from '../../../salesforce/rest.ts'
import { ruleIn } from '../../workflows/rule-files.ts'
import { readWorkflowState } from '../../workflows/state.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'
import { claimOf } from './claim.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
beforeEach(async () => {
  await rig.control.clearFaults()
  await pace(0)
  await rig.database.query(
    'update deployment_runs set ended_at = now(), locked_sfdc_org_id = null where ended_at is null',
  )
})
afterAll(async () => {
  await rig.close()
})

const pace = (runMs: number) =>
  rig.control.act('deploys/pace', { org: rig.sfdcOrg.name, pendingMs: 0, runMs })

const text = (api_name: string) => ({ api_name, label: api_name, type: 'Text', length: 40 })
const onLead = (...names: string[]) => ({
  objects: [{ api_name: 'Lead', fields: names.map(text) }],
  permissions: { permission_set: `Set_${names[0]?.replace('__c', '') ?? ''}` },
})

const fieldsOf = async (object: string): Promise<string[]> => {
  const answer = await describeObject(rig.org, object)
  const fields = answer.result === 'ok' ? (answer.body.fields as { name: string }[]) : []
  return fields.map(({ name }) => name)
}

/** What the same user deploys by other means. */
const byOthers = (contents: PackageContents, checkOnly = false): Promise<string> =>
  startDeploy(rig.org, buildDeployPackage(contents, 'v66.0'), { checkOnly })

const fieldsPackage = (...names: string[]): PackageContents => ({
  files: new Map([
    [
      'objects/Lead.object',
      `<?xml version="1.0" encoding="UTF-8"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">${names
        .map(
          (name) =>
            `<fields><fullName>${name}</fullName><label>${name}</label><length>9</length><type>Text</type></fields>`,
        )
        .join('')}</CustomObject>`,
    ],
  ]),
  members: new Map([['CustomField', names.map((name) => `Lead.${name}`)]]),
})

/** The request never reaches Salesforce, and we cannot know. */
const loseRequest = () =>
  rig.control.addFault({
    org: rig.sfdcOrg.name,
    method: 'POST',
    path: '*/metadata/deployRequest',
    kind: { type: 'close', when: 'before' },
    times: 1,
  })

/** Runs it until its request is lost; returns its deployment. */
const lost = async (start: () => Promise<{ id: string }>): Promise<string> => {
  const { id } = await start()
  for (let turns = 0; turns < 10; turns += 1) {
    const run = (await rig.runsOf(id)).find(({ ended_at }) => ended_at === null)
    if (run?.intended_at != null) break
    await loseRequest()
    await rig.turn(id)
  }
  await rig.control.clearFaults()
  return id
}

/** Sends the deploy to Salesforce, and lets others delete something as soon as it has succeeded. */
const deletedMeanwhile = async (id: string, type: string, name: string): Promise<void> => {
  await pace(60_000)
  const killer = new AbortController()
  const working = rig.turn(id, killer.signal).catch(() => undefined)
  await until('it is at Salesforce', async () =>
    (await rig.runsOf(id)).some(({ stage }) => stage === 'wait'),
  )
  killer.abort(new Error('killed'))
  await working
  const gone = await byOthers({
    files: new Map(),
    members: new Map(),
    deleteAfter: new Map([[type, [name]]]),
  })
  await pace(0)
  expect(await awaitDeploy(rig.org, gone)).toMatchObject({ success: true })
}

describe('a deploy whose request was cut', () => {
  it.each([
    { what: 'of another component', foreign: ['Other_A__c'], ours: ['Ours_A__c'] },
    { what: 'of a part of it', foreign: ['Ours_B__c'], ours: ['Ours_B__c', 'Also_B__c'] },
    { what: 'of more than it', foreign: ['Ours_C__c', 'Other_C__c'], ours: ['Ours_C__c'] },
  ])('does not take a foreign deploy $what for its own', async ({ foreign, ours }) => {
    const id = await lost(() => rig.start(onLead(...ours)))
    const other = await byOthers(fieldsPackage(...foreign))
    await awaitDeploy(rig.org, other)
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'deployed', error: null })
    expect(done.sfdc_deploy_id).not.toBe(other)
    expect(await fieldsOf('Lead')).toEqual(expect.arrayContaining(ours))
    expect(new Set(done.components.map(({ success }) => success))).toEqual(new Set([true]))
  })

  it('takes neither a foreign one that failed nor one that runs, and waits for the latter', async () => {
    const id = await lost(() => rig.start(onLead('Ours_D__c')))
    const broken = await byOthers({
      ...fieldsPackage('Broken_D__c'),
      members: new Map([['CustomField', ['Lead.Nowhere__c']]]),
    })
    await awaitDeploy(rig.org, broken)
    await pace(60_000)
    const running = await byOthers(fieldsPackage('Running_D__c'))
    await rig.turn(id)
    expect((await rig.runsOf(id))[0]).toMatchObject({ sfdc_deploy_id: null, sends: 1 })
    await pace(0)
    await awaitDeploy(rig.org, running)
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'deployed' })
    expect([broken, running]).not.toContain(done.sfdc_deploy_id)
  })

  it('that was a validation is not called valid for the validation of something else', async () => {
    const id = await lost(() =>
      rig.start(
        {
          objects: [
            {
              api_name: 'Lead',
              fields: [
                {
                  ...{ api_name: 'Bad_E__c', label: 'Bad', type: 'Lookup' },
                  ...{ reference_to: 'Nowhere__c', relationship_name: 'Bad' },
                },
              ],
            },
          ],
        },
        { check_only: true },
      ),
    )
    await awaitDeploy(rig.org, await byOthers(fieldsPackage('Other_E__c'), true))
    expect(await rig.finish(id)).toMatchObject({ status: 'failed' })
  })

  it('of a workflow is sent again, not taken for a foreign one', async () => {
    const rule = { type: 'validation_rule' as const, api_name: 'Lead.Foreign_F' }
    const id = await lost(() =>
      rig.deployments.deployWorkflows(rig.caller, {
        client_id: rig.clientId,
        wait_seconds: 0,
        workflows: [
          {
            ...rule,
            definition: {
              form: 'validation',
              condition: 'LEN(LastName) > 70',
              message: 'Too long',
            },
            activate: true,
          },
        ],
      }),
    )
    const other = await byOthers(fieldsPackage('Other_F__c'))
    await awaitDeploy(rig.org, other)
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'deployed', components: [{ success: true }] })
    expect(done.sfdc_deploy_id).not.toBe(other)
    const state = await readWorkflowState(rig.org, [rule])
    expect(ruleIn(state, rule.type, rule.api_name)).not.toBeNull()
  })

  it('of a rollback is sent again, not taken for a foreign one', async () => {
    const { id } = await rig.deploy(onLead('Ours_G__c'))
    await lost(async () => {
      await rig.deployments.rollback(rig.caller, { deployment_id: id, wait_seconds: 0 })
      return { id }
    })
    await awaitDeploy(rig.org, await byOthers(fieldsPackage('Other_G__c')))
    expect(await rig.finish(id)).toMatchObject({
      status: 'rolled_back',
      rollback: { status: 'complete', remaining: [] },
    })
    expect(await fieldsOf('Lead')).not.toContain('Ours_G__c')
  })
})

describe('a foreign deploy of the very same names', () => {
  const rule = (name: string) => ({ type: 'validation_rule' as const, api_name: `Lead.${name}` })
  const start = (name: string, message: string) => () =>
    rig.deployments.deployWorkflows(rig.caller, {
      ...{ client_id: rig.clientId, wait_seconds: 0 },
      workflows: [
        {
          ...rule(name),
          definition: { form: 'validation', condition: 'LEN(LastName) > 72', message },
          activate: true,
        },
      ],
    })
  const theirs = (name: string): PackageContents => ({
    files: new Map([
      [
        'objects/Lead.object',
        `<?xml version="1.0" encoding="UTF-8"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><validationRules><fullName>${name}</fullName><active>true</active><errorConditionFormula>LEN(LastName) &gt; 9</errorConditionFormula><errorMessage>Theirs</errorMessage></validationRules></CustomObject>`,
      ],
    ]),
    members: new Map([['ValidationRule', [`Lead.${name}`]]]),
  })

  it('is not taken for ours if it deletes what ours deploys', async () => {
    await rig.finish((await start('Same_K', 'First')()).id)
    const id = await lost(start('Same_K', 'Second'))
    const deletion = await byOthers({
      files: new Map(),
      members: new Map(),
      deleteAfter: new Map([['ValidationRule', ['Lead.Same_K']]]),
    })
    expect(await awaitDeploy(rig.org, deletion)).toMatchObject({ success: true })
    const done = await rig.finish(id)
    expect(done).toMatchObject({ status: 'deployed', components: [{ success: true }] })
    expect(done.sfdc_deploy_id).not.toBe(deletion)
  })

  it('is not reported as a success of ours if it holds something else', async () => {
    const id = await lost(start('Same_L', 'Ours'))
    expect(await awaitDeploy(rig.org, await byOthers(theirs('Same_L')))).toMatchObject({
      success: true,
    })
    expect(await rig.finish(id)).toMatchObject({
      components: [{ success: false }],
      warnings: [{ code: 'component_differs' }],
    })
  })
})

describe('what is missing when a deploy is read back', () => {
  it('never ends as deployed, holds the Salesforce org for two looks, and can be rolled back', async () => {
    const { id } = await rig.start(onLead('Kept_H__c', 'Gone_H__c'))
    await deletedMeanwhile(id, 'CustomField', 'Lead.Gone_H__c')
    for (let turns = 0; turns < 3; turns += 1) await rig.turn(id)
    expect((await rig.runsOf(id))[0]).toMatchObject({ locked_sfdc_org_id: null })
    const done = await rig.deployments.get(rig.tenant, id)
    expect(done).toMatchObject({ status: 'failed', error: { code: 'component_missing' } })
    expect(done.error?.message).toContain('Lead.Gone_H__c')
    const byName = new Map(done.components.map((one) => [one.full_name, one.success]))
    expect([byName.get('Lead.Gone_H__c'), byName.get('Lead.Kept_H__c')]).toEqual([false, true])
    expect(await rig.rollback(id)).toMatchObject({ status: 'rolled_back' })
  })

  it.each(['a rule', 'a flow'])('of workflows, %s, does not either', async (what) => {
    const workflow =
      what === 'a rule'
        ? {
            ...{ type: 'validation_rule' as const, api_name: 'Lead.Gone_I' },
            definition: { form: 'validation', condition: 'LEN(LastName) > 71', message: 'Long' },
          }
        : {
            ...{ type: 'flow' as const, api_name: 'Gone_J' },
            definition: {
              ...{ form: 'record_triggered', label: 'Gone J', object: 'Lead', on: 'create' },
              action: { type: 'update_fields', fields: { Rating: 'Hot' } },
            },
          }
    const { id } = await rig.deployments.deployWorkflows(rig.caller, {
      ...{ client_id: rig.clientId, wait_seconds: 0 },
      workflows: [{ ...workflow, activate: false }],
    })
    // Salesforce: a flow is deleted version by version.
    await (what === 'a rule'
      ? deletedMeanwhile(id, 'ValidationRule', workflow.api_name)
      : deletedMeanwhile(id, 'Flow', `${workflow.api_name}-1`))
    expect(await rig.finish(id)).toMatchObject({
      status: 'failed',
      error: { code: 'component_missing' },
      components: [{ success: false }],
    })
  })
})

describe('whose a deploy is', () => {
  const contents = {
    members: {
      CustomField: ['Lead.A__c'],
      Layout: ['Lead-Lead %28Sales%29 Layout'],
      AssignmentRules: ['Lead'],
    },
    deleteAfter: { CustomTab: ['Old__c'] },
  }
  const result = (status: string, ...components: string[]) =>
    readDeployResult(
      {
        id: '0Af000000000001AAA',
        ...{ status, done: status !== 'InProgress', success: status === 'Succeeded' },
        details: {
          componentSuccesses: components.map((component) => {
            const [componentType, fullName] = component.split(':')
            return { componentType, fullName, success: true }
          }),
        },
      },
      'v66.0',
    )
  const all = [
    'CustomObject:Lead',
    'customfield:lead.a__C',
    'Layout:Lead-Lead (Sales) Layout',
    'AssignmentRules:Lead',
    'AssignmentRule:Lead.Standard',
    'CustomTab:Old__c',
  ]

  it('is recognised by its components, however Salesforce writes their names', () => {
    expect(claimOf(contents, result('Succeeded', ...all))).toBe('ours')
    expect(claimOf(contents, result('InProgress', ...all))).toBe('ours')
  })

  it('is foreign as soon as it holds something else, and where it ended without ours', () => {
    expect(claimOf(contents, result('InProgress', 'CustomField:Lead.B__c'))).toBe('foreign')
    expect(claimOf(contents, result('InProgress', 'CustomObject:Account'))).toBe('foreign')
    expect(claimOf(contents, result('Succeeded', ...all, 'CustomField:Lead.B__c'))).toBe('foreign')
    expect(claimOf(contents, result('Succeeded', ...all.slice(1, 3)))).toBe('foreign')
    expect(claimOf(contents, result('Failed'))).toBe('foreign')
  })

  it('is foreign if it deletes what ours deploys, or deploys what ours deletes', () => {
    const outcome = (fullName: string, made: object) => ({
      ...{ componentType: 'CustomField', fullName, success: true },
      ...{ created: false, changed: false, deleted: false, ...made },
    })
    const verdict = (one: object, other: object) =>
      claimOf(
        { members: { CustomField: ['Lead.A__c'] }, deleteAfter: { CustomField: ['Lead.B__c'] } },
        readDeployResult(
          {
            ...{ id: '0Af000000000001AAA', status: 'Succeeded', done: true, success: true },
            details: {
              componentSuccesses: [outcome('Lead.A__c', one), outcome('Lead.B__c', other)],
            },
          },
          'v66.0',
        ),
      )
    expect(verdict({ created: true }, { deleted: true })).toBe('ours')
    expect(verdict({ changed: true }, {})).toBe('ours')
    expect(verdict({ deleted: true }, { deleted: true })).toBe('foreign')
    expect(verdict({ created: true }, { created: true })).toBe('foreign')
    expect(verdict({}, { changed: true })).toBe('foreign')
  })

  it('is not known while a deploy that runs has shown nothing else', () => {
    expect(claimOf(contents, result('InProgress'))).toBe('unclear')
    expect(claimOf(contents, result('InProgress', ...all.slice(0, 2)))).toBe('unclear')
  })
})
