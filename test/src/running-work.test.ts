// One vocabulary for running work, whatever its kind: the call that starts it answers 202 with where and
// when to poll, and `is_final` says whether the resource still changes.

import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer } from './api.ts'
import { text } from './deploy-bodies.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

interface Work {
  id: string
  status: string
  is_final: boolean
}

interface Schema {
  $ref?: string
  required?: string[]
}

interface Document {
  info: { description: string }
  paths: Record<
    string,
    {
      post?: {
        responses: Record<
          string,
          {
            headers?: Record<string, unknown>
            content: Record<string, { schema: Schema }>
          }
        >
      }
    }
  >
  components: { schemas: Record<string, Schema> }
}

let rig: SharedRig
let salesforceOrg: string
let org: TestOrg
let client: TestClient
let document: Document

beforeAll(async () => {
  rig = await sharedRig()
  salesforceOrg = (await rig.salesforceOrg()).name
  org = await rig.org()
  client = await org.client()
  await client.connect(salesforceOrg)
  await client.pull()
  document = (await org.api.get<Document & Record<string, unknown>>('/openapi.json')).body
})

const RULE = {
  type: 'validation_rule',
  api_name: 'Account.Phone_Given',
  definition: { form: 'validation', condition: 'ISBLANK(Phone)', message: 'Give a number.' },
  activate: true,
}
const named = { type: RULE.type, api_name: RULE.api_name }
let deployed = ''

/** Every endpoint that may answer 202, in an order in which each has something to do. */
const STARTS: [path: string, body: () => object][] = [
  ['/api/topology/pull', () => ({})],
  ['/api/conflicts/check', () => ({ plan: planOf('Checked__c') })],
  ['/api/deploy/custom-objects', () => ({ plan: planOf('Deployed__c') })],
  ['/api/deploy/rollback', () => ({ client_id: undefined, deployment_id: deployed })],
  ['/api/workflows/deploy', () => ({ workflows: [RULE] })],
  ['/api/deploy/workflows', () => ({ workflows: [{ ...RULE, activate: false }] })],
  ['/api/workflows/set-active', () => ({ ...named, active: true })],
  ['/api/workflows/remove', () => ({ workflows: [named] })],
]

const planOf = (field: string) => ({ objects: [{ api_name: 'Lead', fields: [text(field)] }] })

/** Where each resource is polled, as `Location` names it, and the member that takes its id. */
const POLLED: Readonly<Record<string, (id: string) => object>> = {
  '/api/topology/get': (snapshot_id) => ({ client_id: client.id, snapshot_id, include: [] }),
  '/api/conflicts/get': (report_id) => ({ report_id }),
  '/api/deploy/status': (deployment_id) => ({ deployment_id }),
  '/api/push/get': (push_id) => ({ push_id }),
}

const start = async (path: string, body: object): Promise<Answer<Work>> => {
  await rig.simulator.control.addFault({
    org: salesforceOrg,
    times: 1_000,
    kind: { type: 'slow', ms: 300 },
  })
  const answer = await org.api.post<Work>(path, { client_id: client.id, wait_seconds: 0, ...body })
  expect([path, answer.status], answer.text).toEqual([path, 202])
  await rig.simulator.control.clearFaults(salesforceOrg)
  return answer
}

const ended = async ({ headers, body: { id } }: Answer<Work>): Promise<Answer<Work>> => {
  const path = headers.get('location') ?? ''
  const body = POLLED[path]?.(id)
  if (body === undefined) throw new Error(`no test polls ${path}`)
  return until(`${path} is final`, async () => {
    const answer = await org.api.post<Work>(path, body)
    return answer.body.is_final ? answer : null
  })
}

describe('work that was accepted', () => {
  it.for(STARTS)('%s answers where and when to poll, until it is final', async ([path, body]) => {
    const started = await start(path, body())
    expect(started.body.is_final).toBe(false)
    const seconds = Number(started.headers.get('retry-after'))
    expect(seconds).toBeGreaterThanOrEqual(1)
    expect(seconds).toBeLessThanOrEqual(60)
    const { body: work } = await ended(started)
    expect(['complete', 'deployed', 'rolled_back']).toContain(work.status)
    if (path === '/api/deploy/custom-objects') deployed = work.id
  })

  it('a push too, and its retry', async () => {
    const row = { match: { id: '00QWs000000AbCd' }, fields: { Company: 'Acme' } }
    const started = await start('/api/push/status-update', { object: 'Lead', updates: [row] })
    expect(started.body.is_final).toBe(false)
    const { body: push } = await ended(started)
    expect(push.status).toBe('failed')
    const again = await start('/api/push/retry', { client_id: undefined, push_id: push.id })
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await ended(again)).body.is_final).toBe(true)
  })

  it('is told by OpenAPI in the same words, wherever an answer may be 202', () => {
    const long = Object.entries(document.paths).flatMap(([path, { post }]) => {
      const response = post?.responses['202']
      return response === undefined ? [] : [{ path, response }]
    })
    for (const { path, response } of long) {
      expect(Object.keys(response.headers ?? {}), path).toEqual(
        expect.arrayContaining(['Location', 'Retry-After']),
      )
      const { schema } = response.content['application/json'] ?? {}
      const name = schema?.$ref?.split('/').at(-1) ?? ''
      expect(document.components.schemas[name]?.required, `${path} ${name}`).toContain('is_final')
    }
    const tried = [...STARTS.map(([path]) => path), '/api/push/status-update', '/api/push/retry']
    for (const location of Object.keys(POLLED)) {
      expect(document.info.description, 'the table of running work').toContain(location)
    }
    const alike = ['/api/push/records', '/api/push/link'] // of the resource that is tried above
    // Tried by suites of their own: conflicts, rollouts, leaving.
    const elsewhere = /^\/api\/(deploy\/checked|fleet\/.*|super-admin\/orgs\/purge)$/
    const here = long.map(({ path }) => path).filter((path) => !elsewhere.test(path))
    expect(here.toSorted()).toEqual([...tried, ...alike].toSorted())
  })
})
