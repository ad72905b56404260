// kill -9 at every stage of a deploy of automations, of their removal, and of its rollback.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { type DeploymentBody } from './deploy-bodies.ts'
import { allEnded, holdRuns, killAndRestart } from './held-runs.ts'
import { type Rig, startRig, type TestClient, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'

const leaves = (stage: string): string => `old.stage = '${stage}' and new.stage <> old.stage`
const SENT = `old.sfdc_deploy_id is null and new.sfdc_deploy_id is not null`
const ends = (stage: string): string => `old.stage = '${stage}' and new.ended_at is not null`

const DEPLOY = {
  before_image: leaves('before_image'),
  build: leaves('build'),
  sent: SENT,
  wait: leaves('wait'),
  activate: leaves('activate'),
  read_back: ends('read_back'),
}
const REMOVAL = {
  before_image: leaves('before_image'),
  build: leaves('build'),
  activate: leaves('activate'),
  delete_versions: leaves('delete_versions'),
  read_back: ends('read_back'),
}
const ROLLBACK = {
  read: leaves('read'),
  sent: SENT,
  wait: leaves('wait'),
  activate: leaves('activate'),
  verify: ends('verify'),
}

interface Held {
  salesforceOrg: string
  client: TestClient
  id: string
}

let rig: Rig
let agency: TestOrg
let held: Held[]

beforeAll(async () => {
  const names = Object.keys(DEPLOY)
  rig = await startRig({
    environment: TAKES_OVER,
    simulator: { orgs: names.map((name) => ({ name, edition: 'Enterprise' })) },
  })
  agency = await rig.org()
  held = await Promise.all(
    names.map(async (salesforceOrg) => {
      const client = await agency.client(salesforceOrg)
      await client.connect(salesforceOrg)
      await client.pull()
      return { salesforceOrg, client, id: '' }
    }),
  )
})
afterAll(() => rig[Symbol.asyncDispose]())

/** Starts the work for one client per moment, and kills the server at all of them. */
const killedAtEach = async (
  api: Api,
  moments: Record<string, string>,
  start: (one: Held) => { path: string; body: object },
): Promise<{ api: Api; taken: Held[] }> => {
  const taken = held.slice(0, Object.keys(moments).length)
  await holdRuns(
    rig,
    new Map(Object.values(moments).map((condition, i) => [taken[i]?.client.id ?? '', condition])),
  )
  for (const one of taken) {
    const { path, body } = start(one)
    const answer = await api.post<DeploymentBody>(path, { ...body, wait_seconds: 0 })
    expect(answer.status, answer.text).toBe(202)
    one.id = answer.body.id
  }
  const next = await killAndRestart(rig, agency.token, taken.length)
  await allEnded(rig)
  return { api: next, taken }
}

const flow = {
  type: 'flow',
  api_name: 'Rate_It',
  definition: {
    form: 'record_triggered',
    label: 'Rate It',
    object: 'Lead',
    on: 'create',
    action: { type: 'update_fields', fields: { Rating: 'Hot' } },
  },
  activate: true,
}

const expectEach = async (
  api: Api,
  taken: readonly Held[],
  status: string,
  there: { active_version: number; latest_version: number } | null,
) => {
  for (const { id, client, salesforceOrg } of taken) {
    const { body } = await api.post<DeploymentBody>('/api/deploy/status', { deployment_id: id })
    expect(body, salesforceOrg).toMatchObject({ status, warnings: [], error: null })
    const list = await api.post<{ items: { api_name: string }[] }>('/api/workflows/list', {
      client_id: client.id,
      types: ['flow'],
      limit: 200,
    })
    const found = list.body.items.filter(({ api_name: name }) => name === 'Rate_It')
    expect(found, salesforceOrg).toMatchObject(there === null ? [] : [there])
  }
}

describe('kill -9', () => {
  it('at each stage of a deploy, a removal and its rollback ends in the right state, done once', async () => {
    const deployed = await killedAtEach(agency.api, DEPLOY, ({ client }) => ({
      path: '/api/workflows/deploy',
      body: { client_id: client.id, workflows: [flow] },
    }))
    await expectEach(deployed.api, deployed.taken, 'deployed', {
      active_version: 1,
      latest_version: 1,
    })
    const removed = await killedAtEach(deployed.api, REMOVAL, ({ client }) => ({
      path: '/api/workflows/remove',
      body: { client_id: client.id, workflows: [{ type: 'flow', api_name: 'Rate_It' }] },
    }))
    await expectEach(removed.api, removed.taken, 'deployed', null)
    const back = await killedAtEach(removed.api, ROLLBACK, ({ id }) => ({
      path: '/api/deploy/rollback',
      body: { deployment_id: id },
    }))
    await expectEach(back.api, back.taken, 'rolled_back', { active_version: 1, latest_version: 1 })
  })
})
