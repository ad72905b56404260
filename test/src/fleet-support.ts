// What the suites about rollouts share: clients with small Salesforce orgs of their own, a rollout as its
// caller sees it, and how often Salesforce was asked to deploy.

import { expect } from 'vitest'
import { type Control } from '../../simulator/src/control/client.ts'
import { type Api } from './api.ts'
import { text } from './deploy-bodies.ts'
import { createSalesforceOrg, type TestClient, type TestOrg } from './rig.ts'
import { until } from './until.ts'

/** Two objects of the client's own, and nothing else: a pull of it costs little. */
const SMALL = { objects: 2, fields: 26 }
export const OBJECT = 'Object_00000__c'
/** A picklist of that object, with the values `Value 0` to `Value 5`. */
export const PICKLIST = 'Field_002__c'
export const VALUES = Array.from({ length: 6 }, (_, n) => `Value ${n}`)

export interface Member {
  client: TestClient
  /** Its Salesforce org. */
  salesforce: string
}

/** So many connected clients with a snapshot each. */
export const membersOf = async (
  agency: TestOrg,
  control: Control,
  count: number,
): Promise<Member[]> => {
  const members: Member[] = []
  for (let n = 0; n < count; n++) {
    const { name } = await createSalesforceOrg(control, { edition: 'Enterprise', seed: SMALL })
    const client = await agency.client(`Member ${n}`)
    await client.connect(name)
    await client.pull()
    members.push({ client, salesforce: name })
  }
  return members
}

export interface RolloutBody {
  id: string
  state: string
  pause_reason: string | null
  paused_until: string | null
  is_final: boolean
  revision: number
  targets: number
  counts: Record<string, number>
  waves: { name: string; state: string; targets: number; counts: Record<string, number> }[]
  rollback_preview: {
    state: string
    removed: number
    restored: number
    kept: number
    remaining: number
    data: { client_id: string; name: string; rows: number | null }[]
  } | null
  code?: string
  detail?: string
  errors?: { path: string; code: string; message: string }[]
}

export interface TargetBody {
  client_id: string
  wave: number
  state: string
  reason: string | null
  error: { code: string; message: string } | null
  is_failure: boolean
  severity: string | null
  checked_at: string | null
  conflict_report_id: string | null
  deployment_id: string | null
  decided_by: string | null
  decision: string | null
  rollback: {
    status: string
    removed: number
    restored: number
    kept: number
    remaining: number
    data: { name: string; rows: number | null }[]
    proof: { complete: boolean; differences: number } | null
  } | null
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

/** A plan of one new text field, which its own permission set grants. */
export const fieldPlan = (name: string, more: object[] = []) => ({
  objects: [{ api_name: OBJECT, fields: [text(`${name}__c`), ...more] }],
  permissions: { permission_set: name },
})

/** A rollout, by the calls of the API alone. Each answer has counts that add up. */
export const rolloutsOf = (api: () => Api) => {
  const call = async (verb: string, body: object): Promise<RolloutBody> => {
    const answer = await api().post<RolloutBody>(`/api/fleet/rollouts/${verb}`, body)
    expect([200, 201, 202], `${verb}: ${answer.text}`).toContain(answer.status)
    const { counts, targets, waves } = answer.body
    expect(sum(counts), answer.text).toBe(targets)
    for (const wave of waves) expect(sum(wave.counts), answer.text).toBe(wave.targets)
    expect(waves.reduce((total, wave) => total + wave.targets, 0)).toBe(targets)
    return answer.body
  }
  const get = (rollout_id: string) => call('get', { rollout_id })
  const targets = async (
    rollout_id: string,
    members: readonly Member[],
  ): Promise<(TargetBody | undefined)[]> => {
    const { body, text: said } = await api().post<{ items: TargetBody[] }>(
      '/api/fleet/rollouts/targets',
      { rollout_id, limit: 200 },
    )
    const ids = body.items.map(({ client_id }) => client_id)
    expect(new Set(ids).size, said).toBe(ids.length)
    return members.map(({ client }) => body.items.find(({ client_id }) => client_id === client.id))
  }
  return {
    call,
    get,
    targets,
    create: async (members: readonly Member[], plan: object, strategy: object) => {
      const { id } = await call('create', {
        plan,
        targets: { client_ids: members.map(({ client }) => client.id) },
        strategy,
      })
      return id
    },
    /** Makes the reports, and waits for them. */
    check: async (rollout_id: string, more: object = {}) => {
      await call('check', { rollout_id, wait_seconds: 55, ...more })
      return until('the reports', async () => {
        const body = await get(rollout_id)
        return body.state !== 'checking' && body
      })
    },
    /** What the API says to a call that it refuses. */
    refused: async (verb: string, body: object) => {
      const answer = await api().post<RolloutBody>(`/api/fleet/rollouts/${verb}`, body)
      return {
        status: answer.status,
        code: answer.body.code,
        errors: answer.body.errors ?? [],
        text: answer.text,
      }
    },
    /** Waits until it has this state, and this reason for its pause. */
    reaches: (
      rollout_id: string,
      state: string,
      reason: string | null = null,
      timeoutMs?: number,
    ) => {
      let last: RolloutBody | undefined
      const isThere = async () => {
        last = await get(rollout_id)
        return last.state === state && last.pause_reason === reason && last
      }
      return until(`${rollout_id} is ${state} ${reason ?? ''}`, isThere, timeoutMs).catch(
        async (error: unknown) => {
          const { body } = await api().post('/api/fleet/rollouts/targets', { rollout_id })
          throw new Error(`${String(error)}: ${JSON.stringify(last)} ${JSON.stringify(body)}`)
        },
      )
    },
  }
}

/** What Salesforce was asked to deploy in this org, validations not counted. */
export const deploysIn = async (control: Control, salesforce: string): Promise<number> =>
  (await control.act('deploys/list', { org: salesforce })).filter(({ checkOnly }) => !checkOnly)
    .length
