// Lists: filters by time, kind and status, cursors that belong to their filters, and the work of all
// clients in one list.

import { beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { text } from './deploy-bodies.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

interface Item {
  id: string
  kind?: string
  status?: string
  created_at?: string
  at?: string
}
interface Page {
  items: Item[]
  next_cursor: string | null
}
interface WorkItem extends Item {
  client_id: string
  state: string
  is_final: boolean
  error: { code: string } | null
  poll: string
}

let rig: SharedRig
let org: TestOrg
/** Two clients: both pulled, checked, deployed and pushed; the push of the second one failed. */
let acme: TestClient
let globex: TestClient

const RULE = {
  type: 'validation_rule',
  api_name: 'Account.Listed',
  definition: { form: 'validation', condition: 'ISBLANK(Phone)', message: 'Give a number.' },
}

const work = async (client: TestClient, pushed: object): Promise<void> => {
  const by = { client_id: client.id, wait_seconds: 55 }
  const plan = { objects: [{ api_name: 'Lead', fields: [text('Listed__c')] }] }
  for (const [path, body] of [
    ['/api/conflicts/check', { plan }],
    ['/api/deploy/custom-objects', { plan }],
    ['/api/workflows/deploy', { workflows: [RULE] }],
    ['/api/push/status-update', { object: 'Lead', updates: [pushed] }],
  ] as const) {
    const answer = await org.api.post(path, { ...by, ...body })
    expect([200, 201], answer.text).toContain(answer.status)
  }
}

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  const [one, two] = [await rig.salesforceOrg(), await rig.salesforceOrg()]
  ;[acme, globex] = [await org.client('Acme'), await org.client('Globex')]
  await acme.connect(one.name)
  await globex.connect(two.name)
  await acme.pull()
  await globex.pull()
  await rig.simulator.control.act('records/insert', {
    org: one.name,
    object: 'Lead',
    rows: [{ LastName: 'Lovelace', Company: 'Engines' }],
  })
  const [lead] = await rig.simulator.control.act('records/list', { org: one.name, object: 'Lead' })
  await work(acme, { match: { id: lead?.Id }, fields: { Company: 'Acme' } })
  await work(globex, { match: { id: '00QWs000000AbCd' }, fields: { Company: 'Acme' } })
})

const list = async (path: string, body: object, api: Api = org.api): Promise<Page> => {
  const answer = await api.post<Page & Record<string, unknown>>(path, body)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}
const ids = (page: Page) => page.items.map(({ id }) => id)

/** Every list that can be limited in time, and what it needs beside. */
const IN_TIME: [path: string, body: () => object][] = [
  ['/api/topology/history', () => ({ client_id: acme.id })],
  ['/api/conflicts/list', () => ({ client_id: acme.id })],
  ['/api/deploy/list', () => ({})],
  ['/api/push/list', () => ({})],
  ['/api/connections/list', () => ({})],
  ['/api/audit/list', () => ({})],
  ['/api/work/list', () => ({})],
]

describe('a list', () => {
  it.for(IN_TIME)('%s is limited by since and until', async ([path, body]) => {
    const all = await list(path, body())
    const newest = all.items[0]
    const madeAt = newest?.created_at ?? newest?.at ?? ''
    expect(madeAt, path).not.toBe('')
    expect(ids(await list(path, { ...body(), since: madeAt }))).toContain(newest?.id)
    expect(ids(await list(path, { ...body(), until: madeAt }))).not.toContain(newest?.id)
    const early = await list(path, { ...body(), until: '2020-01-01T00:00:00Z' })
    const hasWarnings = path === '/api/push/list'
    expect(early).toEqual({
      items: [],
      next_cursor: null,
      ...(hasWarnings ? { warnings: [] } : {}),
    })
    expect((await list(path, { ...body(), since: '2020-01-01T00:00:00Z' })).items).toEqual(
      all.items,
    )
  })

  it('is limited by kind and status', async () => {
    const kinds = async (path: string, filter: object) =>
      (await list(path, filter)).items.map(({ kind, status }) => `${kind} ${status}`)
    expect(await kinds('/api/deploy/list', { kind: 'workflows' })).toEqual([
      'workflows deployed',
      'workflows deployed',
    ])
    expect(await kinds('/api/deploy/list', { kind: 'workflows', status: 'failed' })).toEqual([])
    expect(await kinds('/api/push/list', { kind: 'records' })).toEqual([])
    expect(await kinds('/api/push/list', { kind: 'status_update', status: 'failed' })).toEqual([
      'status_update failed',
    ])
    const acmeOnly = { client_id: acme.id }
    for (const [path, running] of [
      ['/api/topology/history', 'pulling'],
      ['/api/conflicts/list', 'running'],
    ] as const) {
      expect((await list(path, { ...acmeOnly, status: 'complete' })).items).toHaveLength(1)
      expect((await list(path, { ...acmeOnly, status: running })).items).toEqual([])
    }
  })

  it('takes a cursor only with the filters that it was given for', async () => {
    const first = await list('/api/deploy/list', { kind: 'workflows', limit: 1 })
    const cursor = first.next_cursor
    const second = await list('/api/deploy/list', { kind: 'workflows', limit: 50, cursor })
    expect(second.items).toHaveLength(1)
    expect(ids(second)).not.toEqual(ids(first))
    for (const other of [
      {},
      { kind: 'custom_objects' },
      { kind: 'workflows', client_id: acme.id },
    ]) {
      const answer = await org.api.post('/api/deploy/list', { ...other, cursor })
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor'])
    }
  })
})

describe('the list of all work', () => {
  const works = async (body: object, api?: Api) =>
    (await list('/api/work/list', body, api)).items as WorkItem[]

  it('holds every kind of all clients, newest first, and each is polled where it says', async () => {
    const items = await works({})
    const named = items.map(
      ({ client_id, kind }) => `${client_id === acme.id ? 'acme' : 'globex'} ${kind}`,
    )
    const each = ['push', 'deployment', 'deployment', 'conflict_report']
    expect(named).toEqual([
      ...each.map((kind) => `globex ${kind}`),
      ...each.map((kind) => `acme ${kind}`),
      'globex snapshot',
      'acme snapshot',
    ])
    expect(items.every(({ is_final }) => is_final)).toBe(true)
    for (const { poll, id, client_id } of items) {
      const member = { snapshot: 'snapshot_id' }
      const body = poll.includes('topology')
        ? { client_id, [member.snapshot]: id, include: [] }
        : {
            [poll.includes('conflicts')
              ? 'report_id'
              : poll.includes('push')
                ? 'push_id'
                : 'deployment_id']: id,
          }
      const answer = await org.api.post(poll, body)
      expect([answer.status, answer.body.id]).toEqual([200, id])
    }
  })

  it('shows the failures of all clients, with the reason where the work has one', async () => {
    const failures = await works({ states: ['failed', 'partial'] })
    expect(
      failures.map(({ client_id, kind, state, status }) => ({ client_id, kind, state, status })),
    ).toEqual([{ client_id: globex.id, kind: 'push', state: 'failed', status: 'failed' }])
    expect(await works({ states: ['running', 'paused'] })).toEqual([])
    expect(await works({ states: ['failed'], client_id: acme.id })).toEqual([])
    expect(
      (await works({ kinds: ['snapshot', 'conflict_report'] })).map(({ kind }) => kind),
    ).toEqual(['conflict_report', 'conflict_report', 'snapshot', 'snapshot'])
  })

  it('counts no dry run as failed, whatever it found: nothing was sent', async () => {
    const failedOf = async () =>
      (
        await org.api.post<{ items: { work: { failed: number } }[] }>('/api/fleet/health', {
          selector: { client_ids: [globex.id] },
        })
      ).body.items[0]?.work.failed
    const before = [await works({ states: ['failed', 'partial'] }), await failedOf()]
    const tried = await org.api.post('/api/push/status-update', {
      client_id: globex.id,
      object: 'Lead',
      updates: [{ match: { id: 'not an id' }, fields: { Company: 'Acme' } }],
      options: { dry_run: true },
    })
    expect(tried.body, tried.text).toMatchObject({ dry_run: true, status: 'failed' })
    expect([await works({ states: ['failed', 'partial'] }), await failedOf()]).toEqual(before)
    const [item] = await works({ states: ['succeeded'], kinds: ['push'] })
    expect(item).toMatchObject({ id: tried.body.id, state: 'succeeded', status: 'failed' })
  })

  it('is read page by page without a gap', async () => {
    const all = ids(await list('/api/work/list', {}))
    const paged: string[] = []
    let cursor: string | null = null
    do {
      const page: Page = await list('/api/work/list', {
        limit: 3,
        ...(cursor === null ? {} : { cursor }),
      })
      paged.push(...ids(page))
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(paged).toEqual(all)
  })

  it('shows rollbacks beside their deployment', async () => {
    const [deployed] = (
      await list('/api/deploy/list', { client_id: acme.id, kind: 'custom_objects' })
    ).items
    const deployment_id = deployed?.id
    const refused = { deployment_id, dry_run: true, wait_seconds: 55 }
    expect((await org.api.post('/api/deploy/rollback', refused)).status).toBe(200)
    const [item] = await works({ kinds: ['rollback'] })
    expect(item).toMatchObject({
      id: deployment_id,
      client_id: acme.id,
      state: 'succeeded',
      status: 'dry_run',
      is_final: true,
      poll: '/api/deploy/status',
    })
  })

  it('has for each caller what its own lists would show', async () => {
    const company = await org.user('company_member', acme.id)
    const seen = await works({}, company.api)
    expect([...new Set(seen.map(({ client_id }) => client_id))]).toEqual([acme.id])
    expect([...new Set(seen.map(({ kind }) => kind))].toSorted()).toEqual([
      'conflict_report',
      'snapshot',
    ])
    const pushes = await company.api.post('/api/work/list', { kinds: ['push'] })
    expect([pushes.status, pushes.body.code]).toEqual([403, 'forbidden'])
    const foreign = await company.api.post('/api/work/list', { client_id: globex.id })
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found'])
  })
})
