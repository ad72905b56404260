// A token that has to ask: nothing that changes a Salesforce org begins before a person has agreed to exactly
// that, in time, once, and while everything is as it was.

import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api } from './api.ts'
import { text } from './deploy-bodies.ts'
import { documented } from './endpoints.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'

interface Body {
  id: string
  code: string
  detail: string
  approval_id: string
  url: string
  state: string
  summary: string[]
  status: string
  resource_id: string | null
  results: unknown[]
  plan_hash: string
}

let rig: SharedRig
let org: TestOrg
let client: TestClient
let other: TestClient
let salesforceOrg: string
/** The token that has to ask, and one like it. */
let agent: Api
let second: Api
/** One of all clients: a token of some has nothing to do with the fleet. */
let fleetAgent: Api
/** A person who may decide. */
let person: Api

const planOf = (field: string) => ({
  objects: [
    { api_name: 'Lead', fields: [{ api_name: `${field}__c`, label: field, type: 'Checkbox' }] },
  ],
})
const call = (api: Api, path: string, body: object, headers = {}): Promise<Answer<Body>> =>
  api.post<Body>(path, body, headers)
const ok = async (api: Api, path: string, body: object): Promise<Body> => {
  const answer = await call(api, path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}
/** A deploy of a plan that was checked. */
const checkedDeploy = async (field: string, of = client) => {
  const plan = planOf(field)
  const by = { client_id: of.id, plan, wait_seconds: 55 }
  const report = await ok(org.api, '/api/conflicts/check', { ...by, refresh: true })
  return { ...by, conflict_report_id: report.id, accept: ['yellow'] }
}
const ask = async (api: Api, path: string, body: object): Promise<string> => {
  const answer = await call(api, path, body)
  expect([answer.status, answer.body.code], answer.text).toEqual([409, 'approval_required'])
  return answer.body.approval_id
}
const granted = async (path: string, body: object): Promise<string> => {
  const approval_id = await ask(agent, path, body)
  await ok(person, '/api/approvals/grant', { approval_id })
  return approval_id
}
const codeOf = async (api: Api, path: string, body: object): Promise<string> => {
  const answer = await call(api, path, body)
  return answer.status < 300 ? String(answer.status) : answer.body.code
}
const lead = (name: string, of = client) => ({
  client_id: of.id,
  object: 'lead',
  updates: [{ match: { id: '00Q000000000001AAA' }, fields: { name } }],
  wait_seconds: 55,
})
const pushed = async () =>
  (await org.api.post<{ items: Body[] }>('/api/push/list', { client_id: client.id })).body.items
    .length

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  client = await org.client()
  other = await org.client()
  salesforceOrg = (await rig.salesforceOrg()).name
  await client.connect(salesforceOrg)
  await other.connect((await rig.salesforceOrg()).name)
  for (const of of [client, other]) {
    await of.pull()
    await ok(org.api, '/api/mappings/create', {
      client_id: of.id,
      canonical_object: 'lead',
      sfdc_object: 'Lead',
      fields: [{ canonical_field: 'name', sfdc_field: 'LastName' }],
    })
  }
  const token = async (limits: object = { client_ids: [client.id, other.id] }) => {
    const { body } = await org.api.post<{ token: string }>('/api/tokens/create', {
      name: 'agent',
      approval: 'required',
      ...limits,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    return org.api.as(body.token)
  }
  agent = await token()
  second = await token()
  fleetAgent = await token({})
  person = (await org.user('org_admin')).api
})

describe('a deploy by a token that has to ask', () => {
  const path = '/api/deploy/custom-objects'

  it('is told to a person in words, begins once that person agrees, and only once', async () => {
    const deploy = await checkedDeploy('Asked')
    const first = await call(agent, path, deploy)
    expect(first.body).toMatchObject({ status: 409, code: 'approval_required' })
    expect(first.body.url).toBe(`/console/approvals/${first.body.approval_id}`)
    expect(await ask(agent, path, deploy), 'the same question is one approval').toBe(
      first.body.approval_id,
    )
    const { approval_id } = first.body
    expect(await ask(agent, path, { ...deploy, approval_id }), 'not granted yet').toBe(approval_id)

    const { body } = await org.api.post<{ items: { data: object }[] }>('/api/events/list', {
      client_id: client.id,
      types: ['approval.requested'],
    })
    expect(body.items[0]?.data).toMatchObject({ approval_id, action: 'custom_objects' })
    const told = await ok(person, '/api/approvals/get', { approval_id })
    expect(told.state).toBe('pending')
    expect(told.summary.join('\n')).toContain('CustomField Lead.Asked__c')
    expect(told.summary.join('\n')).toContain(deploy.conflict_report_id)
    await ok(person, '/api/approvals/grant', { approval_id })
    const deployed = await ok(agent, path, { ...deploy, approval_id })
    expect(deployed.status).toBe('deployed')
    expect(await ok(person, '/api/approvals/get', { approval_id })).toMatchObject({
      state: 'used',
      resource_id: deployed.id,
    })
    // The deploy itself changed what the report judged; the other endpoints have no report.
    expect(await codeOf(agent, path, { ...deploy, approval_id })).toBe('topology_drifted')
  })

  it('needs the report of a check, so that the person sees the verdict', async () => {
    const body = { client_id: client.id, plan: planOf('Unchecked') }
    expect(await codeOf(agent, path, body)).toBe('bad_request')
    // What Salesforce only validates changes nothing.
    expect(await codeOf(agent, path, { ...body, check_only: true, wait_seconds: 55 })).toBe('200')
  })

  it('is void for another plan, client or token, once refused, and after its time', async () => {
    const deploy = await checkedDeploy('Bound')
    const approval_id = await granted(path, deploy)
    const unlike = await checkedDeploy('Unlike')
    expect(await codeOf(agent, path, { ...unlike, approval_id })).toBe('approval_unusable')
    const elsewhere = await checkedDeploy('Bound', other)
    expect(await codeOf(agent, path, { ...elsewhere, approval_id })).toBe('approval_unusable')
    expect(await codeOf(second, path, { ...deploy, approval_id })).toBe('not_found')

    const refused = await ask(agent, path, unlike)
    await ok(person, '/api/approvals/refuse', { approval_id: refused })
    expect(await codeOf(agent, path, { ...unlike, approval_id: refused })).toBe('approval_unusable')
    const grant = { approval_id: refused }
    expect(await codeOf(person, '/api/approvals/grant', grant)).toBe('approval_unusable')

    await rig.query('update approvals set expires_at = now() where id = $1', [approval_id])
    expect(await codeOf(agent, path, { ...deploy, approval_id })).toBe('approval_unusable')
    expect(await ok(person, '/api/approvals/get', { approval_id })).toMatchObject({
      state: 'expired',
    })
  })

  it('is void when the Salesforce org changed since, whether or not a pull has seen it', async () => {
    const deploy = await checkedDeploy('Drifts')
    const approval_id = await granted(path, deploy)
    await rig.simulator.control.act('schema/add-field', {
      org: salesforceOrg,
      object: 'Lead',
      field: { name: 'Appeared__c', label: 'Appeared', type: 'Checkbox' },
    })
    expect(await codeOf(agent, path, { ...deploy, approval_id })).toBe('topology_drifted')
    const push = lead('Drifts')
    const toPush = await granted('/api/push/status-update', push)
    await client.pull()
    const use = { ...push, approval_id: toPush }
    expect(await codeOf(agent, '/api/push/status-update', use)).toBe('topology_drifted')
  })
})

describe('an approval', () => {
  const path = '/api/push/status-update'

  it('is granted by no API token and by nobody who could not make the change', async () => {
    const approval_id = await ask(agent, path, lead('Granted'))
    const grant = (api: Api) => codeOf(api, '/api/approvals/grant', { approval_id })
    expect(await grant(agent)).toBe('forbidden')
    expect(await grant(org.api), 'an org_admin’s token without limits').toBe('forbidden')
    expect(await grant((await org.user('company_admin', client.id)).api)).toBe('not_found')
    expect(await grant((await (await rig.org()).user('org_admin')).api)).toBe('not_found')
    expect(await grant(person)).toBe('200')
    const { body } = await person.post<{ items: { action: string; target_id: string }[] }>(
      '/api/audit/list',
      { action: 'approval.grant' },
    )
    expect(body.items[0]?.target_id).toBe(approval_id)
  })

  it('that was granted is withdrawn by refusing it, until it is used', async () => {
    const withdrawn = await granted(path, lead('Withdrawn'))
    const before = await pushed()
    expect(await ok(person, '/api/approvals/refuse', { approval_id: withdrawn })).toMatchObject({
      state: 'refused',
      used_at: null,
    })
    const late = await call(agent, path, {
      ...lead('Withdrawn'),
      approval_id: withdrawn,
    })
    expect([late.status, late.body.code]).toEqual([409, 'approval_unusable'])
    expect(late.body.detail).toBe('The approval is refused.')
    expect(await pushed()).toBe(before)
    const again = { approval_id: withdrawn }
    expect(await codeOf(person, '/api/approvals/refuse', again)).toBe('approval_unusable')

    const used = await granted(path, lead('Used'))
    await ok(agent, path, { ...lead('Used'), approval_id: used })
    const refusal = await call(person, '/api/approvals/refuse', { approval_id: used })
    expect([refusal.status, refusal.body.code]).toEqual([409, 'approval_unusable'])
    expect(refusal.body.detail).toBe('The approval is used already.')

    // Both at once: one of them wins, and the other is told.
    const contested = await granted(path, lead('Contested'))
    const started = await pushed()
    const codes = await Promise.all([
      codeOf(agent, path, { ...lead('Contested'), approval_id: contested }),
      codeOf(person, '/api/approvals/refuse', { approval_id: contested }),
    ])
    expect(codes.toSorted()).toEqual(['200', 'approval_unusable'])
    expect(await pushed()).toBe(started + (codes[0] === '200' ? 1 : 0))
  })

  it('begins one push, whether it is used again or by several calls at once', async () => {
    const push = lead('Twice')
    const approval_id = await granted(path, push)
    const before = await pushed()
    const codes = await Promise.all(
      Array.from({ length: 4 }, () => codeOf(agent, path, { ...push, approval_id })),
    )
    expect(codes.toSorted()).toEqual([
      '200',
      'approval_unusable',
      'approval_unusable',
      'approval_unusable',
    ])
    expect(await codeOf(agent, path, { ...push, approval_id })).toBe('approval_unusable')
    expect(await pushed()).toBe(before + 1)
  })

  it('keeps the idempotency key of the call from the question to the answer', async () => {
    const push = lead('Kept')
    const key = { 'idempotency-key': randomUUID() }
    const asked = await call(agent, path, push, key)
    const { approval_id } = asked.body
    await ok(person, '/api/approvals/grant', { approval_id })
    const done = await call(agent, path, { ...push, approval_id }, key)
    expect(done.status, done.text).toBe(200)
    const again = await call(agent, path, { ...push, approval_id }, key)
    expect([again.status, again.body.id]).toEqual([200, done.body.id])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  it('is one of a hundred open ones of its token at most, and the same question stays the same', async () => {
    const first = await ask(second, path, lead('First'))
    await rig.query(
      `insert into approvals (id, org_id, client_id, token_id, action, request_hash, bound, summary, expires_at)
       select gen_random_uuid(), org_id, client_id, token_id, action, sha256(n::text::bytea), bound, summary,
              expires_at
         from approvals, generate_series(2, 100) n where id = $1`,
      [first],
    )
    const refused = await call(second, path, lead('One More'))
    expect([refused.status, refused.body.code], refused.text).toEqual([429, 'rate_limited'])
    const after = Number(refused.headers.get('retry-after'))
    expect(after).toBeGreaterThan(600)
    expect(after).toBeLessThanOrEqual(900)
    expect(await ask(second, path, lead('First'))).toBe(first)
    await ask(agent, path, lead('One More'))
    await ok(person, '/api/approvals/refuse', { approval_id: first })
    await ask(second, path, lead('One More'))
  })

  it('is needed to end the connection, which no program can bring back', async () => {
    const own = await org.client()
    await own.connect((await rig.salesforceOrg()).name)
    const { body } = await org.api.post<{ token: string }>('/api/tokens/create', {
      ...{ name: 'revoker', approval: 'required', client_ids: [own.id] },
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const revoker = org.api.as(body.token)
    const revoke = { client_id: own.id }
    const approval_id = await ask(revoker, '/api/connections/revoke', revoke)
    const status = async () => (await ok(person, '/api/connections/get', revoke)).status
    expect(await status()).toBe('connected')
    const told = await ok(person, '/api/approvals/get', { approval_id })
    expect(told.summary.join('\n')).toContain('Revokes the grant')
    await ok(person, '/api/approvals/grant', { approval_id })
    const codes = await Promise.all(
      [1, 2].map(() => codeOf(revoker, '/api/connections/revoke', { ...revoke, approval_id })),
    )
    expect(codes.filter((code) => code === '200')).toHaveLength(1)
    expect(await status()).toBe('revoked')
    expect(await codeOf(org.api, '/api/connections/revoke', revoke), 'others need none').toBe('200')
  })

  it('of a rollout says what goes where, and is void once another client has failed', async () => {
    const { id } = await ok(org.api, '/api/fleet/rollouts/create', {
      plan: { objects: [{ api_name: 'Lead', fields: [text('Told__c')] }] },
      targets: { client_ids: [client.id, other.id] },
      strategy: { waves: [{ name: 'all', failure_tolerance: 0 }], accept: ['yellow'] },
    })
    const failed = (clientId: string) =>
      rig.query(
        `update rollout_targets set state = 'failed', is_failure = true
          where rollout_id = $1 and client_id = $2`,
        [id, clientId],
      )
    await rig.query(
      `update rollouts set state = 'paused', pause_reason = 'tolerance' where id = $1`,
      [id],
    )
    await failed(client.id)
    const resume = { rollout_id: id, wait_seconds: 0 }
    const approval_id = await ask(fleetAgent, '/api/fleet/rollouts/resume', resume)
    const { summary } = await ok(person, '/api/approvals/get', { approval_id })
    expect(summary.join('\n')).toContain('CustomField Lead.Told__c')
    expect(summary).toContain('Yellow findings of the check are accepted')
    expect(summary.filter((line) => /^Client .*, which has failed$/.test(line))).toHaveLength(1)
    expect(summary.filter((line) => line.startsWith('Client '))).toHaveLength(2)
    await ok(person, '/api/approvals/grant', { approval_id })
    await failed(other.id)
    const use = { ...resume, approval_id }
    expect(await codeOf(fleetAgent, '/api/fleet/rollouts/resume', use)).toBe('approval_unusable')
  })

  it('of a push says that fields are emptied', async () => {
    const push = { ...lead('Emptied'), options: { null_policy: 'blank' } }
    const approval_id = await ask(agent, path, push)
    const { summary } = await ok(person, '/api/approvals/get', { approval_id })
    expect(summary).toContain('Fields whose value is null are emptied')
  })

  it('is void when the mapping it rests on was changed', async () => {
    const push = lead('Remapped', other)
    const approval_id = await granted(path, push)
    const { body } = await org.api.post<{ items: Body[] }>('/api/mappings/list', {
      client_id: other.id,
    })
    await ok(org.api, '/api/mappings/update', {
      mapping_id: body.items[0]?.id,
      fields: [{ canonical_field: 'name', sfdc_field: 'FirstName' }],
      allow_broken: true,
    })
    expect(await codeOf(agent, path, { ...push, approval_id })).toBe('approval_unusable')
  })
})

/** A rollout for each call that has to be asked for, in a state in which it is possible. */
const rolloutsToAskFor = async (deploymentId: unknown): Promise<Record<string, string>> => {
  const plan = { objects: [{ api_name: 'Lead', fields: [text('By_Rollout__c')] }] }
  const states: Record<string, [rollout: string, target: string]> = {
    start: [`state = 'ready'`, `state = 'excluded'`],
    resume: [`state = 'paused', pause_reason = 'user'`, `state = 'ready'`],
    approve: [`state = 'paused', pause_reason = 'gate'`, `state = 'ready'`],
    retry: [`state = 'partial'`, `state = 'failed'`],
    rollback: [
      `state = 'stopped'`,
      `state = 'deployed', deployment_id = '${String(deploymentId)}'`,
    ],
  }
  const made: Record<string, string> = {}
  for (const [verb, [ofRollout, ofTarget]] of Object.entries(states)) {
    const { id } = await ok(org.api, '/api/fleet/rollouts/create', {
      plan,
      targets: { client_ids: [client.id] },
    })
    await rig.query(`update rollouts set ${ofRollout} where id = $1`, [id])
    await rig.query(`update rollout_targets set ${ofTarget} where rollout_id = $1`, [id])
    made[verb] = String(id)
  }
  return made
}

describe('every endpoint that changes a Salesforce org', () => {
  it('asks first, and any other that writes is known to change none', async () => {
    const endpoints = await documented(rig.urls[0] ?? '')
    const by = { client_id: client.id, wait_seconds: 55 }
    const deploy = await checkedDeploy('Every')
    const rule = {
      type: 'validation_rule',
      api_name: 'Account.Phone_Given',
      definition: { form: 'validation', condition: 'ISBLANK(Phone)', message: 'Give a number.' },
      activate: true,
    }
    const workflows = { ...by, workflows: [rule] }
    const ruleReport = await ok(org.api, '/api/conflicts/check', workflows)
    const checkedReport = await ok(org.api, '/api/conflicts/get', {
      report_id: deploy.conflict_report_id,
    })
    const ofRule = { ...workflows, conflict_report_id: ruleReport.id, accept: ['yellow'] }
    const there = await ok(org.api, '/api/workflows/deploy', {
      ...workflows,
      workflows: [{ ...rule, api_name: 'Account.Is_There' }],
    })
    const named = { type: 'validation_rule', api_name: 'Account.Is_There' }
    const failed = await ok(org.api, '/api/push/status-update', lead('Fails'))
    const bodies: Record<string, object> = {
      '/api/deploy/custom-objects': deploy,
      '/api/deploy/checked': {
        client_id: client.id,
        conflict_report_id: deploy.conflict_report_id,
        plan_hash: checkedReport.plan_hash,
        accept: ['yellow'],
      },
      '/api/deploy/workflows': ofRule,
      '/api/workflows/deploy': ofRule,
      '/api/workflows/set-active': { ...by, ...named, active: false },
      '/api/workflows/remove': { ...by, workflows: [named] },
      '/api/deploy/rollback': { deployment_id: there.id },
      '/api/fleet/offboard/start': by,
      '/api/push/status-update': lead('Every'),
      '/api/push/retry': { push_id: failed.id },
      '/api/connections/revoke': { client_id: client.id },
    }
    for (const [verb, rolloutId] of Object.entries(await rolloutsToAskFor(there.id))) {
      bodies[`/api/fleet/rollouts/${verb}`] = { rollout_id: rolloutId }
    }
    const approvable = endpoints.filter(({ ids }) => ids.includes('approval_id'))
    const asking = approvable
      .map(({ path }) => path)
      .filter((path) => !path.startsWith('/api/approvals/'))
    const shaped = ['/api/push/records', '/api/push/link'] // the same code; they need more of a mapping
    expect(asking.toSorted()).toEqual([...Object.keys(bodies), ...shaped].toSorted())
    for (const [path, body] of Object.entries(bodies)) {
      await ask(path.startsWith('/api/fleet/') ? fleetAgent : agent, path, body)
    }
    const writes = endpoints.filter(
      ({ path, permission }) => permission?.endsWith('.write') === true && !asking.includes(path),
    )
    expect(writes.map(({ path }) => path).toSorted()).toEqual(
      [
        '/api/blueprints/archive',
        '/api/blueprints/bindings/remove',
        '/api/blueprints/bindings/set',
        '/api/blueprints/create',
        '/api/blueprints/from-client',
        '/api/blueprints/update',
        '/api/blueprints/versions/create',
        '/api/connections/callback',
        '/api/connections/create',
        '/api/connections/refresh',
        '/api/connections/update',
        '/api/conflicts/check',
        '/api/deploy/cancel',
        '/api/fleet/reconsent/create',
        '/api/fleet/reconsent/links',
        '/api/fleet/drift/accept',
        '/api/fleet/offboard/cancel',
        '/api/fleet/offboard/preview',
        '/api/fleet/rollouts/check',
        '/api/fleet/rollouts/create',
        '/api/fleet/rollouts/pause',
        '/api/fleet/rollouts/skip',
        '/api/fleet/rollouts/stop',
        '/api/mappings/create',
        '/api/mappings/delete',
        '/api/mappings/update',
        '/api/push/cancel',
        '/api/push/failed-rows', // reads: rows are as confidential as writing them
        '/api/topology/pull',
      ].toSorted(),
    )
  })

  it('looks without asking, and takes no approval from a credential that needs none', async () => {
    const dry = { ...lead('Dry'), options: { dry_run: true } }
    expect(await codeOf(agent, '/api/push/status-update', dry)).toBe('200')
    const needless = { ...lead('Needless'), approval_id: randomUUID() }
    expect(await codeOf(org.api, '/api/push/status-update', needless)).toBe('bad_request')
  })
})

describe('rows that come one after the other', () => {
  const path = '/api/push/status-update'
  const send = async (api: Api, names: readonly unknown[], envelope: object = {}) => {
    const answer = await api.raw(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: [
        { client_id: client.id, object: 'lead', wait_seconds: 55, ...envelope },
        ...names.map((name, n) => ({ match: { id: `00Q00000000000${n}` }, fields: { name } })),
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    })
    return answer as unknown as Answer<Body>
  }
  const codesOf = ({ status, body }: Answer<Body>) => (status < 300 ? String(status) : body.code)

  it('are told to a person by their number, come once more, and are one push', async () => {
    const names = ['Line 1', 'Line 2', 'x'.repeat(300)]
    const before = await pushed()
    const asked = await send(agent, names)
    expect([asked.status, asked.body.code], asked.text).toEqual([409, 'approval_required'])
    const { approval_id } = asked.body
    expect(await pushed(), 'nothing was begun').toBe(before)
    expect(
      await rig.query('select from crm_push_logs where client_id = $1 and accepted_at is null', [
        client.id,
      ]),
      'nothing was kept',
    ).toEqual([])
    expect((await send(agent, names)).body.approval_id, 'the same question').toBe(approval_id)
    const { summary } = await ok(person, '/api/approvals/get', { approval_id })
    expect(summary.join('\n')).toContain('Updates existing 3 records of lead')
    expect(summary.join('\n')).toContain('1 cannot be sent')

    // Not granted yet: told before a row is read, so that a line that is no row does not matter.
    expect(codesOf(await send(agent, [{}], { approval_id }))).toBe('approval_required')
    await ok(person, '/api/approvals/grant', { approval_id })
    expect(codesOf(await send(agent, [...names, 'Line 4'], { approval_id }))).toBe(
      'approval_unusable',
    )
    expect(codesOf(await send(agent, names.slice(1), { approval_id }))).toBe('approval_unusable')
    expect(codesOf(await send(second, names, { approval_id }))).toBe('not_found')
    const codes = (await Promise.all([1, 2].map(() => send(agent, names, { approval_id })))).map(
      codesOf,
    )
    expect(codes.filter((code) => code === '200')).toHaveLength(1)
    expect(codesOf(await send(agent, names, { approval_id }))).toBe('approval_unusable')
    expect(await pushed()).toBe(before + 1)
    expect(await ok(person, '/api/approvals/get', { approval_id })).toMatchObject({ state: 'used' })
  })

  it('need no approval for a dry run', async () => {
    expect(codesOf(await send(agent, ['Dry'], { options: { dry_run: true } }))).toBe('200')
  })
})
