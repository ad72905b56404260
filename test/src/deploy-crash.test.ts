// kill -9 at every stage of a deploy, of its rollback and of a check: one client is stopped at each of
// them, the server dies once, and all of them must end as if nothing had happened.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { allEnded, holdRuns, killAndRestart } from './held-runs.ts'
import { type Rig, startRig, type TestClient, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

/**
 * A moment, named by the step that is being stored when the process dies: its transaction never commits.
 */
const DEPLOY_MOMENTS = {
  before_image: `old.stage = 'before_image' and new.stage <> old.stage`,
  build: `old.stage = 'build' and new.stage <> old.stage`,
  intent: `old.intended_at is null and new.intended_at is not null`,
  'sent, and the id not stored': `old.sfdc_deploy_id is null and new.sfdc_deploy_id is not null`,
  wait: `old.stage = 'wait' and new.stage <> old.stage`,
  permissions: `old.stage = 'permissions' and new.stage <> old.stage`,
  read_back: `old.stage = 'read_back' and new.ended_at is not null`,
}
const ROLLBACK_MOMENTS = {
  read: `old.stage = 'read' and new.stage <> old.stage`,
  release: `old.stage = 'release' and new.stage <> old.stage`,
  intent: DEPLOY_MOMENTS.intent,
  'sent, and the id not stored': DEPLOY_MOMENTS['sent, and the id not stored'],
  wait: `old.stage = 'wait' and new.stage <> old.stage`,
  verify: `old.stage = 'verify' and new.ended_at is not null`,
}
/** Milliseconds; longer than any test: Salesforce goes on once the pace is set anew. */
const UNTIL_RELEASED = 600_000
/** One more for the deploy: the request is under way, slower than the restart. */
const SLOW = 'on its way'

interface Held {
  moment: string
  salesforceOrg: string
  client: TestClient
  id: string
}

let rig: Rig
let agency: TestOrg
let held: Held[]

beforeAll(async () => {
  const moments = [...Object.keys(DEPLOY_MOMENTS), SLOW]
  rig = await startRig({
    environment: TAKES_OVER,
    simulator: { orgs: moments.map((name) => ({ name, edition: 'Enterprise' })) },
  })
  agency = await rig.org()
  held = await Promise.all(
    moments.map(async (moment) => {
      const client = await agency.client(moment)
      await client.connect(moment)
      await client.pull()
      return { moment, salesforceOrg: moment, client, id: '' }
    }),
  )
})
afterAll(() => rig[Symbol.asyncDispose]())

const hold = (moments: Record<string, string>, clients: readonly Held[]) =>
  holdRuns(
    rig,
    new Map(
      Object.entries(moments).map(([name, condition]) => [
        clients.find(({ moment }) => moment === name)?.client.id ?? '',
        condition,
      ]),
    ),
  )

const deploysOf = (salesforceOrg: string) =>
  rig.simulator.control.act('deploys/list', { org: salesforceOrg }) as Promise<
    { status: string; checkOnly: boolean }[]
  >
const PLAN = {
  objects: [
    {
      api_name: 'Posting__c',
      label: 'Posting',
      plural_label: 'Postings',
      name_field: { label: 'Name', type: 'Text' },
      fields: [text('Title__c')],
    },
    { api_name: 'Lead', fields: [text('Posting_Ref__c')] },
  ],
  permissions: { permission_set: 'Set_Posting' },
  tabs: ['Posting__c'],
}

describe('kill -9', () => {
  it('at each stage of a deploy: it ends deployed, and Salesforce was sent one package', async () => {
    await hold(DEPLOY_MOMENTS, held)
    const slow = rig.simulator.orgs.find(({ name }) => name === SLOW)
    await rig.simulator.control.addFault({
      org: slow?.id ?? '',
      method: 'POST',
      path: '*/metadata/deployRequest',
      kind: { type: 'slow', ms: 9_000 },
    })
    for (const one of held) {
      const answer = await agency.api.post<DeploymentBody>('/api/deploy/custom-objects', {
        client_id: one.client.id,
        plan: PLAN,
        wait_seconds: 0,
      })
      expect(answer.status, answer.text).toBe(202)
      one.id = answer.body.id
    }
    const slowId = held.find(({ moment }) => moment === SLOW)?.id
    const api = await killAndRestart(
      rig,
      agency.token,
      Object.keys(DEPLOY_MOMENTS).length,
      async () => {
        const [run] = await rig.database.query(
          'select 1 from deployment_runs where deployment_id = $1 and intended_at is not null',
          [slowId],
        )
        return run !== undefined
      },
    )
    await allEnded(rig)
    for (const one of held) {
      const { body } = await api.post<DeploymentBody>('/api/deploy/status', {
        deployment_id: one.id,
      })
      expect(body, one.moment).toMatchObject({ status: 'deployed', warnings: [], error: null })
      expect(await deploysOf(one.salesforceOrg), one.moment).toMatchObject([
        { status: 'Succeeded', checkOnly: false },
      ])
    }
  })

  it('at each stage of a rollback: everything is rolled back, once, and nothing stays locked', async () => {
    const taken = held.slice(0, Object.keys(ROLLBACK_MOMENTS).length)
    const names = Object.keys(ROLLBACK_MOMENTS)
    for (const [index, one] of taken.entries()) one.moment = names[index] ?? ''
    await hold(ROLLBACK_MOMENTS, taken)
    const before = apiOf(rig.servers.at(-1)?.url ?? '', agency.token)
    for (const one of taken) {
      const answer = await before.post<DeploymentBody>('/api/deploy/rollback', {
        deployment_id: one.id,
        wait_seconds: 0,
      })
      expect(answer.status, answer.text).toBe(202)
    }
    const api = await killAndRestart(rig, agency.token, names.length)
    await allEnded(rig)
    for (const one of taken) {
      const { body } = await api.post<DeploymentBody>('/api/deploy/status', {
        deployment_id: one.id,
      })
      expect(body, one.moment).toMatchObject({
        status: 'rolled_back',
        rollback: { status: 'complete', kept: [], remaining: [], proof: { complete: true } },
      })
      expect(await deploysOf(one.salesforceOrg), one.moment).toMatchObject([
        { status: 'Succeeded' },
        { status: 'Succeeded' },
      ])
    }
    // Not locked: the next deploy of each client goes through.
    const next = await Promise.all(
      taken.map(({ client }) =>
        api.post<DeploymentBody>('/api/deploy/custom-objects', {
          client_id: client.id,
          plan: {
            objects: [{ api_name: 'Lead', fields: [text('Next__c')] }],
            permissions: { permission_set: 'Set_Next' },
          },
          wait_seconds: 55,
        }),
      ),
    )
    expect(next.map(({ body }) => body.status)).toEqual(taken.map(() => 'deployed'))
  })

  it('while a check evaluates rules, and while Salesforce validates another: both end as if nothing had happened', async () => {
    const [judged, validated] = held as [Held, Held]
    const api = apiOf(rig.servers.at(-1)?.url ?? '', agency.token)
    const check = async (one: Held, more: object = {}): Promise<string> => {
      const answer = await api.post<{ id: string }>('/api/conflicts/check', {
        client_id: one.client.id,
        plan: {
          objects: [{ api_name: 'Lead', fields: [text('Checked__c')] }],
          permissions: { permission_set: 'Set_Checked' },
        },
        refresh: true,
        wait_seconds: 0,
        ...more,
      })
      expect(answer.status, answer.text).toBe(202)
      return answer.body.id
    }
    await holdRuns(
      rig,
      new Map([[judged.client.id, `new.status = 'complete'`]]),
      'crm_conflict_reports',
    )
    const { salesforceOrg } = validated
    const pace = (runMs?: number) =>
      rig.simulator.control.act('deploys/pace', {
        org: salesforceOrg,
        ...(runMs === undefined ? {} : { runMs }),
      })
    await pace(UNTIL_RELEASED)
    const before = (await deploysOf(salesforceOrg)).length
    const checks = [await check(judged), await check(validated, { validate_in_salesforce: true })]
    const restarted = await killAndRestart(
      rig,
      agency.token,
      1,
      async () => (await deploysOf(salesforceOrg)).length > before,
      'crm_conflict_reports',
    )
    await pace()
    for (const report_id of checks) {
      const ended = await until('the check ended', async () => {
        const { body } = await restarted.post<{ status: string }>('/api/conflicts/get', {
          report_id,
        })
        return body.status === 'running' ? null : body
      })
      expect(ended).toMatchObject({ status: 'complete', severity: 'green', error: null })
      const audited = await rig.database.query(
        `select outcome from audit_log where target_id = $1 and action = 'conflicts.check'`,
        [report_id],
      )
      expect(audited).toEqual([{ outcome: 'ok' }])
    }
    expect((await deploysOf(salesforceOrg)).length, 'validated once').toBe(before + 1)
  })
})
