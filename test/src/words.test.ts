// Whatever Salesforce and Nango say is stored and returned, in whichever member it is: cut in the middle
// of a surrogate pair, with U+0000, with half pairs, a megabyte long. Work ends as it would with plain
// words.

import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import {
  makePushRig,
  placement,
  type PushBody,
  type PushRig,
  resultsOf,
  settled,
} from './push-support.ts'
import { type Connection, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

let rig: SharedRig
let org: TestOrg
let pushRig: PushRig
let clientId: string
let salesforceOrg: string

beforeAll(async () => {
  rig = await sharedRig()
  salesforceOrg = (await rig.salesforceOrg()).name
  org = await rig.org()
  pushRig = await makePushRig(rig, org, salesforceOrg)
  clientId = pushRig.client.id
  await rig.simulator.control.act('deploys/pace', { org: salesforceOrg, pendingMs: 0, runMs: 0 })
})
afterEach(() => rig.simulator.control.clearFaults(salesforceOrg))

const GRIN = '\u{1f600}'
/** One of the first two is cut inside a pair, whatever the limit. */
const WORDS = {
  'pairs from an even place on': GRIN.repeat(6_000),
  'pairs from an odd place on': `a${GRIN.repeat(6_000)}`,
  'a NUL': 'before\0after',
  'half pairs': 'front \ud83d back \ude00 wrong \ude00\ud83d end \ud83d',
  'a megabyte': 'a word '.repeat(150_000),
} as const

const sound = (words: string): string => words.toWellFormed().replaceAll('\0', '\ufffd')

/** The texts and member names in an answer. */
const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)])
}

/** The words are somewhere in it, as far as there was room, and nothing in it is broken. */
const expectTold = (body: unknown, words: string): void => {
  const texts = textsIn(body)
  for (const each of texts) {
    expect(each.isWellFormed()).toBe(true)
    expect(each).not.toContain('\0')
    expect(each.length).toBeLessThan(20_000)
  }
  const beginning = sound(words).slice(0, 8)
  expect(texts, 'told at all').toContainEqual(expect.stringContaining(beginning))
}

const post = <Body>(path: string, body: Record<string, unknown> = {}) =>
  org.api.post<Body>(path, { client_id: clientId, ...body })

const refuse = (path: string, words: string, method = 'GET', times = 1) =>
  rig.simulator.control.addFault({
    org: salesforceOrg,
    path,
    method,
    times,
    kind: { type: 'status', status: 400, errorCode: words, message: words },
  })
const reword = (path: string, find: string, put: string) =>
  rig.simulator.control.addFault({
    org: salesforceOrg,
    path,
    times: 50,
    kind: { type: 'reword', find, put },
  })

let count = 0
/** All of one length, so that a cut which depends on it falls on an even place once and on an odd one. */
const next = () => String((count += 1)).padStart(4, '0')
const newName = () => `Worded_${next()}__c`
const planOf = (...fields: object[]) => ({ objects: [{ api_name: 'Lead', fields }] })
/** Only Salesforce refuses it. */
const broken = () => ({
  api_name: newName(),
  label: 'Broken',
  type: 'Formula',
  result_type: 'Number',
  formula: 'Not_There__c + 1',
})
const deploy = async (plan: unknown) =>
  (await post<DeploymentBody>('/api/deploy/custom-objects', { plan, wait_seconds: 55 })).body
const deployment = async (id: string) =>
  (await org.api.post<DeploymentBody>('/api/deploy/status', { deployment_id: id })).body

describe.each(Object.entries(WORDS))('%s', (_what, words) => {
  it('in what one component of a deploy met, and in its file', async () => {
    await reword('*/deployRequest/*', 'Not_There__c', words)
    const body = await deploy(planOf(text(newName()), broken()))
    expect(body).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
    expect(body.components.map(({ success }) => success)).toContain(false)
    expectTold(body.error, words)
    expectTold(body.components, words)
    expectTold(await deployment(body.id), words)
  })

  it('in the refusal of a deploy', async () => {
    await refuse('*/metadata/deployRequest', words, 'POST')
    const body = await deploy(planOf(text(newName())))
    expect(body).toMatchObject({ code: 'salesforce_error', upstream: { status: 400 } })
    expectTold(body.upstream, words)
  })

  it('in the refusal of a rollback, which may be asked for again', async () => {
    const { id } = await deploy(planOf(text(newName())))
    const rollback = () =>
      org.api.post<DeploymentBody>('/api/deploy/rollback', { deployment_id: id, wait_seconds: 55 })
    await refuse('*/metadata/deployRequest', words, 'POST')
    const { body } = await rollback()
    expect(body).toMatchObject({ code: 'salesforce_error' })
    expectTold(body.upstream, words)
    expectTold((await deployment(id)).rollback, words)
    expect((await rollback()).body).toMatchObject({ status: 'rolled_back' })
  })

  it('in what a workflow change met', async () => {
    const workflow = {
      type: 'validation_rule',
      api_name: `Lead.Worded_${next()}`,
      definition: {
        errorConditionFormula: 'Not_There__c > 1',
        errorMessage: 'No.',
      },
      activate: true,
    }
    await reword('*/deployRequest/*', 'Not_There__c', words)
    const { body } = await post<DeploymentBody>('/api/workflows/deploy', {
      workflows: [workflow],
      wait_seconds: 55,
    })
    expect(body).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
    expectTold(body.error, words)
  })

  it("in Salesforce's verdict on a checked plan", async () => {
    await reword('*/deployRequest/*', 'Not_There__c', words)
    const { body } = await post<{ status: string; findings: unknown }>('/api/conflicts/check', {
      plan: planOf(broken()),
      validate_in_salesforce: true,
      wait_seconds: 55,
    })
    expect(body).toMatchObject({ status: 'complete' })
    expectTold(body.findings, words)
  })

  it('in the refusal of a pull, and of one object in it', async () => {
    const pull = async () =>
      (
        await post<{ status: string; stats: { unreadable: unknown[] }; error: unknown }>(
          '/api/topology/pull',
          { full: true, wait_seconds: 55 },
        )
      ).body
    await refuse('*/sobjects/Lead/describe*', words, 'GET', 20)
    const whole = await pull()
    expect(whole).toMatchObject({ status: 'complete' })
    expectTold(whole.stats.unreadable, words)
    await rig.simulator.control.clearFaults(salesforceOrg)
    await refuse('*/sobjects/', words, 'GET', 20)
    const none = await pull()
    expect(none).toMatchObject({ status: 'failed' })
    expectTold(none.error, words)
  })

  it('in labels that a snapshot keeps, as they are', async () => {
    const label = `Label ${next()}`
    await rig.simulator.control.act('schema/add-field', {
      org: salesforceOrg,
      object: 'Lead',
      field: { name: newName(), type: 'string', length: 9, label },
    })
    await reword('*/composite*', label, words)
    await pushRig.client.pull({ full: true })
    await rig.simulator.control.clearFaults(salesforceOrg)
    const { body } = await post<unknown>('/api/topology/get', {
      objects: ['Lead'],
      include: ['fields'],
    })
    expect(textsIn(body)).toContain(words)
    await pushRig.client.pull({ full: true })
  })

  it.each(['collections', 'bulk'] as const)('in the errors of rows, by %s', async (transport) => {
    const prefix = `words-${next()}`
    const rows = [placement(prefix, 1), { ...placement(prefix, 2), stage: 'hired' }]
    const said = 'A placement needs a start date.'
    await reword(transport === 'bulk' ? '*/failedResults*' : '*/composite/sobjects/*', said, words)
    const { body } = await post<PushBody>('/api/push/records', {
      object: 'placement',
      records: rows,
      options: { transport },
      wait_seconds: 0,
    })
    const push = await settled(org.api, body.id)
    expect(push).toMatchObject({ status: 'partial', succeeded: 1, failed: 1 })
    const results = await resultsOf(org.api, push.id)
    expect(results[1]?.errors[0]?.code).toBe('FIELD_CUSTOM_VALIDATION_EXCEPTION')
    expectTold(results[1]?.errors, words)
  })

  it('in the refusal of a whole call of a push', async () => {
    await refuse('*/composite/sobjects/*', words, 'PATCH')
    const { body } = await post<PushBody>('/api/push/records', {
      object: 'placement',
      records: [placement(`refused-${next()}`, 1)],
      options: { transport: 'collections' },
      wait_seconds: 0,
    })
    const push = await settled(org.api, body.id)
    expect(push).toMatchObject({ status: 'failed', failed: 1 })
    expectTold(await resultsOf(org.api, push.id), words)
  })

  it('in what Nango says of a grant, and Salesforce of its limits', async () => {
    const { body: connection } = await post<Connection>('/api/connections/get')
    await createNangoControl(rig.simulator.nangoUrl).addFault({
      path: `/connections/${connection.nango_connection_id}*`,
      method: 'GET',
      times: 1,
      status: 400,
      body: { error: { code: 'invalid_credentials', message: words } },
    })
    const refreshed = await post<{ upstream?: unknown; code: string }>('/api/connections/refresh')
    expect(refreshed.body).toMatchObject({ code: 'nango_error' })
    expectTold(refreshed.body.upstream, words)
    await refuse('*/limits*', words, 'GET', 1_000) // others look there too
    const checked = await post('/api/connections/get', { check: true })
    expectTold(checked.body, words)
  })
})
