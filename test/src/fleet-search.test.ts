// Questions about all clients at once: what their Salesforce orgs have, how they are, and who has to authorize
// again.

import { beforeAll, describe, expect, it } from 'vitest'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg
let foreign: TestOrg
let acme: TestClient
let globex: TestClient
let salesforceOrg: SalesforceOrg

beforeAll(async () => {
  rig = await sharedRig()
  const [one, other] = [await rig.salesforceOrg(), await rig.salesforceOrg()]
  salesforceOrg = one
  ;[org, foreign] = [await rig.org(), await rig.org()]
  acme = await org.client('Acme')
  globex = await org.client('Globex')
  await acme.connect(one.name)
  await globex.connect(other.name)
  await Promise.all([acme.pull(), globex.pull()])
  await untilSearched(2)
})

interface Search {
  totals: { hits: number; clients_with_hits: number; searched: number; outdated: number }
  items: {
    client_id: string
    hits_count: number
    snapshot: { version: number }
    hits: { object: string; name: string; label: string; flags: Record<string, boolean> }[]
  }[]
  next_cursor: string | null
}

const search = async (body: Record<string, unknown>): Promise<Search> => {
  const answer = await org.api.post<Search>('/api/fleet/search', body)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

const untilSearched = (clients: number) =>
  until('the snapshots are in the index', async () => {
    const { totals } = await search({ kind: 'object', limit: 1 })
    return totals.searched === clients && totals.outdated === 0
  })

const ids = (items: readonly { client_id: string }[]) => items.map(({ client_id: id }) => id)

describe('search over the fleet', () => {
  it('finds in the newest snapshot of each client what topology/get shows there, page by page', async () => {
    for (const client of [acme, globex]) {
      const { body } = await org.api.post<{
        objects: Record<string, { fields: { name: string; type: string; custom: boolean }[] }>
      }>('/api/topology/get', { client_id: client.id, include: ['fields'] })
      const expected = Object.entries(body.objects).flatMap(([object, { fields }]) =>
        fields
          .filter(({ type, custom }) => type === 'picklist' && custom)
          .map(({ name }) => `${object}.${name}`),
      )
      expect(expected.length).toBeGreaterThan(2)
      const found: string[] = []
      let cursor: string | undefined
      do {
        const page: Search = await search({
          ...{ kind: 'field', type: 'picklist', custom: true, limit: 2 },
          selector: { client_ids: [client.id] },
          ...(cursor === undefined ? {} : { cursor }),
        })
        expect(page.totals.hits).toBe(expected.length)
        for (const { hits } of page.items) {
          found.push(...hits.map(({ object, name }) => `${object}.${name}`))
        }
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
      expect(found.sort()).toEqual(expected.sort())
    }
  })

  it('groups hits by client in the order of their names, and lists the clients without', async () => {
    const both = await search({ kind: 'field', object: 'account', name: 'NAME' })
    expect(ids(both.items)).toEqual([acme.id, globex.id])
    expect(both.totals).toMatchObject({ hits: 2, clients_with_hits: 2, searched: 2 })
    expect(both.items[0]).toMatchObject({
      snapshot: { version: 1 },
      hits: [{ object: 'Account', name: 'Name' }],
    })
    const none = await search({ kind: 'object', name: 'Nothing__c', missing: true })
    expect(ids(none.items)).toEqual([acme.id, globex.id])
  })

  it('finds a snapshot that was complete and not in the index, because the process was killed', async () => {
    await rig.query(`delete from search_clients where client_id = $1`, [globex.id])
    await rig.query(`update crm_topology_snapshots set is_indexed = false where client_id = $1`, [
      globex.id,
    ])
    expect((await search({ kind: 'object' })).totals.searched).toBe(1)
    await untilSearched(2)
  })

  it('refuses a filter that says nothing about the kind, by its name and with the remedy', async () => {
    const { status, body } = await org.api.post('/api/fleet/search', {
      kind: 'object',
      unique: true,
    })
    expect([status, body.code]).toEqual([422, 'validation_failed'])
    expect(body.errors).toEqual([
      {
        path: 'unique',
        code: 'not_of_this_kind',
        message: 'unique says nothing about kind object: leave it out, or search for field.',
      },
    ])
  })

  it('shows nothing of it to other orgs, to users of a client, and to tokens that are confined to clients', async () => {
    const theirs = await foreign.api.post<Search>('/api/fleet/search', { kind: 'object' })
    expect(theirs.body).toMatchObject({ totals: { hits: 0, searched: 0 }, items: [] })
    const named = await foreign.api.post('/api/fleet/search', {
      kind: 'object',
      selector: { client_ids: [acme.id] },
    })
    expect(named.status).toBe(404)
    const user = await org.user('company_admin', acme.id)
    const token = await org.api.post<{ token: string }>('/api/tokens/create', {
      name: 'confined',
      client_ids: [acme.id],
    })
    for (const api of [user.api, rig.api.as(token.body.token)]) {
      for (const path of ['search', 'compare', 'health', 'reconsent/list']) {
        const body = { search: { kind: 'object' }, compare: { object: 'Account' } }[path] ?? {}
        expect((await api.post(`/api/fleet/${path}`, body)).status, path).toBe(403)
      }
    }
  })
})

describe('the comparison of clients', () => {
  it('puts clients with equal contents into one group, and says how an outlier differs', async () => {
    const compare = async (body: object) => {
      const answer = await org.api.post<{
        totals: { present: number; absent: number; groups: number }
        items: {
          clients: { client_id: string }[]
          is_most_common: boolean
          differences: { name: string; change: string; attributes: { name: string }[] }[]
        }[]
        absent: { client_id: string }[]
      }>('/api/fleet/compare', body)
      expect(answer.status, answer.text).toBe(200)
      return answer.body
    }
    const same = await compare({ object: 'contact' })
    expect(same.totals).toMatchObject({ present: 2, absent: 0, groups: 1 })
    const plan = {
      objects: [
        {
          api_name: 'Account',
          fields: [{ api_name: 'Fee__c', label: 'Fee', type: 'Text', length: 40 }],
        },
      ],
    }
    const deployed = await org.api.post('/api/deploy/custom-objects', {
      ...{ client_id: globex.id, plan, wait_seconds: 55 },
    })
    expect(deployed.body, deployed.text).toMatchObject({ status: 'deployed' })
    await globex.pull()
    await untilSearched(2)
    const { totals, items } = await compare({ object: 'Account' })
    expect(totals).toMatchObject({ present: 2, absent: 0, groups: 2 })
    expect(items.map(({ clients }) => ids(clients))).toEqual([[acme.id], [globex.id]])
    expect(items[1]?.differences).toEqual([
      expect.objectContaining({ name: 'Fee__c', change: 'added' }),
    ])
    const field = await compare({ object: 'Account', field: 'fee__C' })
    expect(field).toMatchObject({
      totals: { present: 1, groups: 1 },
      absent: [{ client_id: acme.id }],
    })
  })
})

describe('the light lists of a snapshot', () => {
  it('have the objects and fields of the describes, page by page', async () => {
    const { body } = await org.api.post<{
      objects: Record<string, { label: string; fields: object[] }>
    }>('/api/topology/get', { client_id: acme.id })
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await org.api.post<{
        total: number
        items: { api_name: string; label: string; fields_count: number }[]
        next_cursor: string | null
      }>('/api/topology/objects', {
        ...{ client_id: acme.id, limit: 7 },
        ...(cursor === undefined ? {} : { cursor }),
      })
      expect(page.body.total).toBe(Object.keys(body.objects).length)
      for (const { api_name, label, fields_count } of page.body.items) {
        expect({ label, fields: fields_count }).toEqual({
          label: body.objects[api_name]?.label,
          fields: body.objects[api_name]?.fields.length,
        })
        names.push(api_name)
      }
      cursor = page.body.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(names).toEqual(Object.keys(body.objects).sort())
    const fields = await org.api.post<{
      total: number
      items: { api_name: string; type: string }[]
    }>('/api/topology/fields', { client_id: acme.id, object: 'ACCOUNT', limit: 200 })
    expect(fields.body).toMatchObject({
      object: 'Account',
      total: body.objects.Account?.fields.length,
    })
    expect(fields.body.items).toContainEqual(
      expect.objectContaining({ api_name: 'Name', required: true }),
    )
    const wrong = await org.api.post('/api/topology/fields', {
      client_id: acme.id,
      object: 'Acount',
    })
    expect([wrong.status, wrong.body.code]).toEqual([400, 'unknown_object'])
    expect(wrong.text).toContain('Account')
  })
})

interface Health {
  totals: Record<string, number>
  items: {
    client_id: string
    mark: string | null
    risk: string
    risks: { code: string; level: string; remedy: string; for_admin: string | null }[]
    api_usage: { used: number; ours: number } | null
    snapshot: { version: number } | null
    live: { ok: boolean } | null
  }[]
  next_cursor: string | null
}

describe('the health of the fleet', () => {
  const health = async (body: object = {}): Promise<Health> => {
    const answer = await org.api.post<Health>('/api/fleet/health', body)
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  it('can be narrowed by a part of the name, and shows the tags that selectors choose by', async () => {
    const { totals, items } = await health({ query: 'GLOB' })
    expect(items.map(({ client_id: id }) => id)).toEqual([globex.id])
    expect(totals).toMatchObject({ critical: expect.any(Number) as number })
    expect(Object.values(totals).reduce((sum, one) => sum + one, 0)).toBe(1)
    await org.api.post('/api/clients/update', { client_id: globex.id, tags: { tier: 'gold' } })
    const [tagged] = (await health({ selector: { tags: { tier: 'gold' } } })).items
    expect(tagged).toMatchObject({ client_id: globex.id, tags: { tier: 'gold' } })
    await org.api.post('/api/clients/update', { client_id: globex.id, tags: {} })
  })

  it('shows the worst first, each with its remedy and a sentence for the client’s administrator', async () => {
    const fresh = await org.client('A new one')
    await rig.query(
      `update crm_connections set status = 'expired', error = $2 where client_id = $1`,
      [
        globex.id,
        JSON.stringify({ code: 'refresh_refused', message: 'invalid_grant: user is frozen' }),
      ],
    )
    const { totals, items } = await health()
    expect(items.map(({ client_id: id, risk }) => [id, risk])).toEqual([
      [globex.id, 'critical'],
      [fresh.id, 'notice'],
      [acme.id, expect.stringMatching(/none|notice|warning/)],
    ])
    expect(totals.critical).toBe(1)
    const [worst] = items
    expect(worst?.risks[0]).toMatchObject({
      code: 'expired',
      possible_causes: [{ code: 'user_frozen' }],
      for_admin: expect.stringContaining('Unfreeze that user under Setup > Users') as string,
    })
    expect(items.at(-1)).toMatchObject({
      snapshot: { version: 1 },
      api_usage: { used: expect.any(Number) as number },
    })
    const first = await health({ limit: 1 })
    const second = await health({ limit: 1, cursor: first.next_cursor })
    expect([...ids(first.items), ...ids(second.items)]).toEqual([globex.id, fresh.id])
    expect(ids((await health({ risk: 'critical' })).items)).toEqual([globex.id])
    expect(ids((await health({ code: 'never_connected' })).items)).toEqual([fresh.id])
  })

  it('says what tells clients of one name apart, also where the other is not on the page', async () => {
    const marks = async (query: string) =>
      (await health({ query })).items.map(({ client_id: id, mark }) => [id, mark])
    const namesakes = [await org.client('Twin'), await org.client('Twin'), await org.client('Twin')]
    const [one, two, three] = namesakes.map(({ id }) => id)
    const change = (client_id: string | undefined, changes: object) =>
      org.api.post('/api/clients/update', { client_id, ...changes })
    await change(one, { domain: 'one.example' })
    for (const id of [two, three]) await change(id, { domain: 'shared.example' })
    expect(Object.fromEntries(await marks('Twin'))).toEqual({
      [one ?? '']: 'one.example',
      [two ?? '']: two?.slice(-12),
      [three ?? '']: three?.slice(-12),
    })
    const alone = await health({ selector: { client_ids: [one ?? ''] } })
    expect(alone.items[0]?.mark).toBe('one.example')
    expect(await marks('Acme')).toEqual([[acme.id, null]])
    for (const id of namesakes.map(({ id }) => id)) await change(id, { is_active: false })
  })

  it('asks Salesforce about the clients of the page, if it is told to', async () => {
    const { items } = await health({ refresh: true, selector: { client_ids: [acme.id] } })
    expect(items).toEqual([
      expect.objectContaining({ client_id: acme.id, live: expect.anything() as object }),
    ])
    expect((await health({ selector: { client_ids: [acme.id] } })).items[0]?.live).toBeNull()
  })
})

describe('a campaign that asks clients to authorize again', () => {
  interface Campaign {
    id: string
    totals: Record<string, number>
    links: { client_id: string; connect_link: string }[] | null
    items: { client_id: string; reason: string; state: string; done_at: string | null }[]
  }
  const post = async (path: string, body: object, key?: string) => {
    const answer = await org.api.post<Campaign>(
      `/api/fleet/reconsent/${path}`,
      body,
      key === undefined ? {} : { 'idempotency-key': key },
    )
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.body
  }

  it('names those whose grant is dead, gives each a fresh link, and knows who has done it', async () => {
    const body = { name: 'Dead grants' }
    const created = await post('create', body, 'campaign-1')
    expect(created.totals).toMatchObject({ clients: 1, link_open: 1 })
    expect(created.links).toEqual([
      expect.objectContaining({
        client_id: globex.id,
        connect_link: expect.stringContaining('http') as string,
      }),
    ])
    const again = await post('create', body, 'campaign-1')
    expect([again.id, again.links]).toEqual([created.id, null])

    const fresh = await post('links', { campaign_id: created.id })
    const link =
      (fresh as unknown as { items: { connect_link: string }[] }).items[0]?.connect_link ?? ''
    expect(link).not.toBe(created.links?.[0]?.connect_link)
    const other = await rig.query<{ sfdc_org_id: string }>(
      `select sfdc_org_id from crm_connections where client_id = $1`,
      [globex.id],
    )
    const orgs = await rig.simulator.control.orgs()
    const name = orgs.find(({ id }) => id === other[0]?.sfdc_org_id)?.name ?? ''
    const arrival = await rig.simulator.control.authorize({ connectLink: link, org: name })
    expect(arrival.ok, arrival.page).toBe(true)
    const accepted = await org.api.post('/api/connections/callback', { client_id: globex.id })
    expect(accepted.status, accepted.text).toBe(200)

    const done = await post('get', { campaign_id: created.id, state: 'done' })
    expect(done).toMatchObject({
      totals: { clients: 1, done: 1, waiting: 0 },
      items: [
        { client_id: globex.id, reason: 'dead_grant', done_at: expect.any(String) as string },
      ],
    })
    expect((await post('links', { campaign_id: created.id })).items).toEqual([])
    const nobody = await org.api.post('/api/fleet/reconsent/create', { name: 'Again' })
    expect([nobody.status, nobody.body.code]).toEqual([400, 'bad_request'])
    expect(nobody.body.errors).toMatchObject([{ path: 'reason', code: 'nobody_to_ask' }])
    const stranger = await foreign.api.post('/api/fleet/reconsent/get', { campaign_id: created.id })
    expect(stranger.status).toBe(404)
  })

  it('asks all chosen clients where a reason is given, and is listed', async () => {
    const created = await post('create', {
      name: 'App rules',
      reason: 'app_rules',
      selector: { all: true },
    })
    expect(created.totals.clients).toBe(2)
    const list = await post('list', {})
    expect(list.items.map((one) => (one as unknown as { id: string }).id)).toContain(created.id)
    const { body } = await org.api.post<{ status: string }>('/api/connections/get', {
      client_id: acme.id,
    })
    expect(body.status).toBe('connected')
    expect(salesforceOrg.name).toBeTruthy()
  })
})
