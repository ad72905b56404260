// What an operator reads in the log: each request says why it was answered as it was and what it was
// about, each job when it started, how it ended and how long it took; and nothing that was to be
// expected looks like an error.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { makePushRig, placements, pushRecords, type PushRig } from './push-support.ts'
import { startRig, type Rig, type TestClient, type TestOrg } from './rig.ts'
import { logOf, type ServerProcess, TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

type Line = Record<string, unknown> & { msg: string; level: number }

const WARNING = 40
const ERROR = 50

let rig: Rig
let org: TestOrg
let client: TestClient
/** A second client, in a Salesforce org of its own. */
let pushRig: PushRig

const serverOf = (at = 0): ServerProcess => {
  const server = rig.servers[at]
  if (server === undefined) throw new Error(`no server ${at}`)
  return server
}

const linesOf = (server = serverOf()): Line[] =>
  server.lines.map((line) => JSON.parse(line) as Line)

/** The first line with these members that is or will be in the log. */
const line = (members: Record<string, unknown>, server = serverOf()): Promise<Line> =>
  until(`a line with ${JSON.stringify(members)}`, async () =>
    linesOf(server).find((one) =>
      Object.entries(members).every(([name, value]) => one[name] === value),
    ),
  )

const requestLine = (requestId: string | null) =>
  line({ msg: 'request', request_id: requestId ?? 'none' })

/** Every call to Salesforce meets this. */
const away = (kind: Parameters<Rig['simulator']['control']['addFault']>[0]['kind']) =>
  rig.simulator.control.addFault({ times: 1_000_000, kind })

const salesforceOrg = () => rig.simulator.orgs[0]?.name ?? ''

beforeAll(async () => {
  rig = await startRig({ simulator: true, environment: { ...TAKES_OVER, WORK_WAIT_SCALE: '0.1' } })
  org = await rig.org()
  client = await org.client()
  await client.connect()
  await client.pull()
  pushRig = await makePushRig(rig, org, 'Acme Sandbox')
})
afterAll(() => rig[Symbol.asyncDispose]())

describe('the log', () => {
  it('never holds the session of the console', async () => {
    const own = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
    const nobody = org.api.as(null)
    const answer = await nobody.raw('/console/session', {
      method: 'POST',
      headers: own,
      body: JSON.stringify({ email: org.email, password: org.password }),
    })
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    const used = await nobody.get('/api/auth/me', { ...own, cookie })
    const refused = await nobody.get('/api/auth/me', { cookie, 'sec-fetch-site': 'cross-site' })
    expect([answer.status, used.status, refused.status]).toEqual([200, 200, 401])
    for (const { headers } of [answer, used, refused]) {
      await requestLine(headers.get('x-request-id'))
    }
    const [, token = ''] = cookie.split('=')
    expect(token.length).toBeGreaterThan(100)
    expect(serverOf().lines.join('\n')).not.toContain(token.slice(-40))
  })
})

describe('the line of a request', () => {
  it('says why it was refused, who asked, and what it was about', async () => {
    const deployment_id = randomUUID()
    const answer = await org.api.post('/api/deploy/status', { deployment_id })
    expect(await requestLine(answer.headers.get('x-request-id'))).toMatchObject({
      status: 404,
      code: 'not_found',
      deployment_id,
      org_id: org.id,
      user_id: org.adminId,
    })
    const client_id = client.id
    const invalid = await org.api.post('/api/topology/pull', { client_id, objects: 'all of it' })
    expect(await requestLine(invalid.headers.get('x-request-id'))).toMatchObject({
      status: 422,
      code: 'validation_failed',
    })
    const nobody = await rig.api.post('/api/clients/list', {})
    expect(await requestLine(nobody.headers.get('x-request-id'))).toMatchObject({
      status: 401,
      code: 'unauthenticated',
    })
  })

  it('names the client and what was created, and no code if it was done', async () => {
    const answer = await org.api.post<{ id: string }>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 55,
    })
    const found = await requestLine(answer.headers.get('x-request-id'))
    expect(found).toMatchObject({ client_id: client.id, resource_id: answer.body.id })
    expect(found).not.toHaveProperty('code')
  })

  it('names the client of a company user who names none', async () => {
    const user = await org.user('company_member', client.id)
    const answer = await user.api.post('/api/topology/history', {})
    expect(await requestLine(answer.headers.get('x-request-id'))).toMatchObject({
      client_id: client.id,
    })
  })

  it('is also written for a caller who hangs up', async () => {
    await away({ type: 'slow', ms: 3_000 })
    const requestId = `gone-${randomUUID()}`
    const impatient = fetch(new URL('/api/topology/pull', serverOf().url), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${org.token}`,
        'content-type': 'application/json',
        'x-request-id': requestId,
      },
      body: JSON.stringify({ client_id: client.id, full: true, wait_seconds: 55 }),
      signal: AbortSignal.timeout(1_000),
    })
    await expect(impatient).rejects.toThrow()
    expect(await requestLine(requestId)).toMatchObject({ status: 499, code: 'client_gone' })
    await rig.simulator.control.clearFaults()
    await client.pull()
  })

  it('is all that is written of a call to Salesforce that is broken off for him', async () => {
    await away({ type: 'slow', ms: 3_000 })
    const requestId = `gone-${randomUUID()}`
    const impatient = fetch(new URL('/api/workflows/list', serverOf().url), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${org.token}`,
        'content-type': 'application/json',
        'x-request-id': requestId,
      },
      body: JSON.stringify({ client_id: client.id }),
      signal: AbortSignal.timeout(1_000),
    })
    await expect(impatient).rejects.toThrow()
    expect(await requestLine(requestId)).toMatchObject({ status: 499, code: 'client_gone' })
    await rig.simulator.control.clearFaults()
    const log = await logOf(rig.servers)
    expect(log.split('\n').filter((line) => line.includes(requestId))).toHaveLength(1)
  })

  it('warns, without a stack, if Salesforce failed', async () => {
    await away({ type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Busy.' })
    const answer = await org.api.post('/api/workflows/list', { client_id: client.id })
    await rig.simulator.control.clearFaults()
    expect(answer.status).toBe(502)
    const found = await requestLine(answer.headers.get('x-request-id'))
    expect(found).toMatchObject({
      level: WARNING,
      code: 'salesforce_error',
      client_id: client.id,
      upstream: { service: 'salesforce', status: 503, code: 'SERVER_UNAVAILABLE' },
    })
  })
})

describe('the lines of a job', () => {
  const pull = async () => {
    const { body } = await org.api.post<{ id: string }>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 0,
    })
    return body.id
  }

  it('say when it started, how it ended, how long it took and which request wanted it', async () => {
    const answer = await org.api.post<{ id: string }>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 55,
    })
    const snapshot_id = answer.body.id
    const about = {
      kind: 'topology-pull',
      snapshot_id,
      org_id: org.id,
      client_id: client.id,
      request_id: answer.headers.get('x-request-id'),
    }
    expect(await line({ msg: 'job started', snapshot_id })).toMatchObject(about)
    const ended = await line({ msg: 'job ended', snapshot_id })
    expect(ended).toMatchObject({ ...about, outcome: 'complete' })
    expect(ended.ms).toBeGreaterThan(0)
  })

  it('say that it waits, for what, and until when it is tried again', async () => {
    await away({ type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Busy.' })
    const snapshot_id = await pull()
    expect(await line({ msg: 'job ended', snapshot_id, outcome: 'waiting' })).toMatchObject({
      code: 'salesforce_error',
      upstream_code: 'SERVER_UNAVAILABLE',
      waits_for: 'time',
    })
    await rig.simulator.control.clearFaults()
    await line({ msg: 'job ended', snapshot_id, outcome: 'complete' })
  })

  it('say with which code a plan was refused', async () => {
    await away({ type: 'status', status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'No.' })
    const { body } = await org.api.post<{ id: string }>('/api/deploy/custom-objects', {
      client_id: client.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Refused__c')] }] },
      wait_seconds: 0,
    })
    expect(await line({ msg: 'job ended', deployment_id: body.id })).toMatchObject({
      outcome: 'failed',
      code: 'salesforce_error',
      upstream_code: 'INSUFFICIENT_ACCESS',
    })
    await rig.simulator.control.clearFaults()
  })

  it('say how a push ended', async () => {
    const body = await pushRecords(org.api, pushRig, placements('logged', 3))
    expect(await line({ msg: 'job ended', push_id: body.id })).toMatchObject({
      kind: 'push',
      outcome: 'succeeded',
    })
  })

  it('say that it waits for a person once the grant is dead', async () => {
    await rig.simulator.control.act('users/update', {
      org: salesforceOrg(),
      username: 'integration@acme.example',
      active: false,
    })
    await rig.simulator.control.act('sessions/expire', { org: salesforceOrg() })
    const snapshot_id = await pull()
    expect(await line({ msg: 'job ended', snapshot_id, outcome: 'waiting' })).toMatchObject({
      kind: 'topology-pull',
    })
  })

  it('and none of this was an error, or had a stack', () => {
    expect(linesOf().filter(({ level }) => level >= ERROR)).toEqual([])
    expect(serverOf().lines.filter((one) => one.includes('"stack"'))).toEqual([])
  })

  it('say that another replica took it over when its process was killed', async () => {
    const second = await rig.addServer()
    await away({ type: 'slow', ms: 1_000 })
    const { body } = await org.api.post<{ id: string }>('/api/topology/pull', {
      client_id: pushRig.client.id,
      wait_seconds: 0,
    })
    const snapshot_id = body.id
    const [owner, heir] = await until('one of them has it', async () => {
      const has = (one: ServerProcess) =>
        linesOf(one).some((l) => l.msg === 'job started' && l.snapshot_id === snapshot_id)
      if (has(serverOf())) return [serverOf(), second]
      return has(second) ? [second, serverOf()] : undefined
    })
    await owner.kill()
    await rig.simulator.control.clearFaults()
    expect(await line({ deaths: 1, snapshot_id }, heir)).toMatchObject({
      level: WARNING,
      msg: 'job taken over: the process that had it died',
      kind: 'topology-pull',
    })
    await line({ msg: 'job ended', snapshot_id, outcome: 'complete' }, heir)
  })
})
