import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { newId } from '../../db/ids.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { createTopologyRig, type TopologyRig } from './testing/rig.ts'
import { type Asked, describeOf } from './testing/salesforce-org.ts'

let rig: TopologyRig
let clientId: string

const COUNT = 60

beforeAll(async () => {
  rig = await createTopologyRig(await createDatabase())
  for (let i = 0; i < COUNT; i += 1) rig.org.put(`Job_${i}__c`, describeOf(`Job_${i}__c`, 6))
})

beforeEach(async () => {
  rig.org.settings.unreadable.clear()
  rig.org.settings.unlistable.clear()
  rig.org.settings.before = async () => null
  rig.org.settings.language = 'en_US'
  rig.budget.spent = false
  clientId = await rig.client(`00DWs${newId().slice(-13)}`)
  rig.org.forgetAsked()
})

afterAll(async () => {
  await rig.close()
})

const calls = (): number =>
  rig.org.asked.filter(({ path }) => path.startsWith('/services/data')).length +
  rig.org.asked.filter(({ path }) => path.includes('/Soap/')).length

const asksForDescribes = ({ path, parts }: Asked): boolean =>
  [path, ...parts.map((part) => part.path)].some((one) => one.includes('/sobjects/'))

const rename = (object: JsonObject): JsonObject => ({
  ...object,
  label: `${String(object.label)}!`,
})

describe('a cold pull', () => {
  it('gives back what Salesforce sent, asked unconditionally and 25 to a call', async () => {
    const snapshot = await rig.pull(clientId)
    expect(snapshot).toMatchObject({
      status: 'complete',
      version: 1,
      scope: 'all',
      objects_count: COUNT,
      fields_count: COUNT * 6,
      error: null,
      changes_from_previous: null,
      progress: { stage: 'complete', done: COUNT, total: COUNT },
      stats: { not_modified: 0, unreadable: [] },
    })
    expect(snapshot.stats.salesforce_api_calls).toBe(calls())
    expect(calls()).toBeLessThanOrEqual(COUNT / 25 + 25)
    expect([...rig.org.describes().values()]).toEqual(Array(COUNT).fill(null))
    const { objects } = await rig.get({ client_id: clientId })
    const sent = [...rig.org.objects].map(([name, { describe }]) => [name, describe])
    expect(objects).toEqual(Object.fromEntries(sent))
    expect(await rig.rows('topology_pull_items', clientId)).toBe(0)
  })

  it('leaves one audit row with its number of calls', async () => {
    const snapshot = await rig.pull(clientId)
    const rows = await rig.database.query<JsonObject>(
      `select action, outcome, salesforce_api_calls, user_id, credential_type from audit_log
        where target_id = $1`,
      [snapshot.id],
    )
    expect(rows).toEqual([
      {
        action: 'topology.pull',
        outcome: 'ok',
        salesforce_api_calls: snapshot.stats.salesforce_api_calls,
        user_id: rig.admin.userId,
        credential_type: 'api_token',
      },
    ])
  })

  it('lists an object that cannot be described, and asks for it again the next time', async () => {
    const refusal = { status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'No.' }
    rig.org.settings.unreadable.set('Job_7__c', refusal)
    const first = await rig.pull(clientId)
    expect(first).toMatchObject({
      status: 'complete',
      objects_count: COUNT - 1,
      stats: {
        unreadable: [{ object: 'Job_7__c', code: 'INSUFFICIENT_ACCESS', message: 'No.' }],
      },
    })
    rig.org.settings.unreadable.clear()
    rig.org.forgetAsked()
    const second = await rig.pull(clientId)
    expect(rig.org.describes()).toEqual(new Map([['Job_7__c', null]]))
    expect(second).toMatchObject({ objects_count: COUNT, stats: { unreadable: [] } })
    // It existed all along: that it can be read now is not a change of the Salesforce org.
    expect(second.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 0 })
  })
})

describe('a re-pull', () => {
  it('asks one describe call and adds one row when nothing changed', async () => {
    const first = await rig.pull(clientId)
    const blobs = await rig.rows('topology_blobs', clientId)
    rig.org.forgetAsked()
    const second = await rig.pull(clientId)
    const describeCalls = rig.org.asked.filter(asksForDescribes)
    expect(describeCalls).toHaveLength(1)
    expect(describeCalls[0]?.ifModifiedSince).not.toBeNull()
    expect(second).toMatchObject({
      version: 2,
      content_hash: first.content_hash,
      objects_count: COUNT,
      stats: { not_modified: COUNT, bytes: 0 },
      changes_from_previous: { added: 0, removed: 0, changed: 0 },
    })
    expect(await rig.rows('topology_blobs', clientId)).toBe(blobs)
  })

  it('stores nothing when a permission set moved every date and no content', async () => {
    const first = await rig.pull(clientId)
    rig.org.touchEverything()
    const second = await rig.pull(clientId)
    expect(second).toMatchObject({
      content_hash: first.content_hash,
      stats: { not_modified: 0, bytes: 0 },
      changes_from_previous: { added: 0, removed: 0, changed: 0 },
    })
    rig.org.forgetAsked()
    await rig.pull(clientId)
    expect(rig.org.describes().size).toBe(0)
  })

  it('reads only what changed, adds and drops objects, and keeps every version readable', async () => {
    await rig.pull(clientId)
    const before = await rig.get({ client_id: clientId })
    rig.org.change('Job_3__c', rename)
    rig.org.put('Fresh__c', describeOf('Fresh__c', 4))
    const gone = rig.org.objects.get('Job_9__c')
    rig.org.remove('Job_9__c')
    const second = await rig.pull(clientId)
    expect(second).toMatchObject({
      objects_count: COUNT,
      stats: { not_modified: COUNT - 2 },
      changes_from_previous: { added: 1, removed: 1, changed: 1 },
    })
    const after = await rig.get({ client_id: clientId, version: 2 })
    expect(after.objects).toEqual(
      Object.fromEntries([...rig.org.objects].map(([name, { describe }]) => [name, describe])),
    )
    expect((await rig.get({ client_id: clientId, version: 1 })).objects).toEqual(before.objects)

    rig.org.remove('Fresh__c')
    rig.org.put('Job_9__c', gone?.describe ?? {})
  })

  it('sees a second change within the same second of Salesforce’s clock', async () => {
    await rig.pull(clientId)
    const { now } = rig.org.settings
    const second = Date.now()
    rig.org.settings.now = () => second
    rig.org.change('Job_4__c', rename, second)
    await rig.pull(clientId)
    rig.org.change('Job_4__c', rename, second)
    rig.org.settings.now = now
    const third = await rig.pull(clientId)
    expect(third.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 1 })
    const { objects } = await rig.get({ client_id: clientId, objects: ['job_4__C'] })
    expect(objects).toEqual({ Job_4__c: rig.org.objects.get('Job_4__c')?.describe })
    rig.org.objects.clear()
    for (let i = 0; i < COUNT; i += 1) rig.org.put(`Job_${i}__c`, describeOf(`Job_${i}__c`, 6))
  })

  it('asks nothing conditionally for another language, user or grant, on `full`, after 7 days, or where told to forget', async () => {
    const wasConditional = () => [...rig.org.describes().values()].every((date) => date !== null)
    const repull = async (input = {}) => {
      rig.org.forgetAsked()
      rig.org.change('Job_0__c', rename)
      await rig.pull(clientId, input)
      return wasConditional()
    }
    await rig.pull(clientId)
    expect(await repull()).toBe(true)
    rig.org.settings.language = 'de'
    expect(await repull()).toBe(false)
    expect(await repull()).toBe(true)
    await rig.database.query(
      `update crm_connections set generation = generation + 1 where client_id = $1`,
      [clientId],
    )
    expect(await repull()).toBe(false)
    expect(await repull({ full: true })).toBe(false)
    expect(await repull()).toBe(true)
    await rig.database.query(
      `update topology_validators set read_at = now() - interval '8 days' where client_id = $1`,
      [clientId],
    )
    expect(await repull()).toBe(false)
    expect(await repull()).toBe(true)

    await rig.db
      .as(rig.admin.tenant)
      .tx((tx) => rig.topology.forget(tx, rig.admin.tenant, clientId, ['job_5__c']))
    rig.org.forgetAsked()
    await rig.pull(clientId)
    const unconditional = [...rig.org.describes()].filter(([, date]) => date === null)
    expect(unconditional.map(([name]) => name)).toEqual(['Job_5__c'])
  })
})

describe('the list of objects', () => {
  const dates = () =>
    rig.org.asked
      .filter(({ path }) => path.endsWith('/sobjects/'))
      .map(({ ifModifiedSince }) => ifModifiedSince)

  it('is asked for once, beside the rights, if they are those of the last pull', async () => {
    await rig.pull(clientId)
    rig.org.forgetAsked()
    await rig.pull(clientId)
    expect(dates()).toEqual([expect.any(String)])
  })

  it('is asked for again if the answer beside the rights may be older than they are', async () => {
    await rig.pull(clientId)
    rig.org.forgetAsked()
    // What the user may see has changed, and no date of Salesforce's.
    rig.org.settings.language = 'fr'
    const snapshot = await rig.pull(clientId)
    expect(dates()).toEqual([expect.any(String), null])
    expect(rig.org.describes().size).toBe(COUNT)
    expect(snapshot.stats.not_modified).toBe(0)
  })
})

describe('a partial pull', () => {
  it('describes what was named, in any case, and carries the rest over', async () => {
    await rig.pull(clientId)
    rig.org.change('Job_1__c', rename)
    rig.org.change('Job_2__c', rename)
    rig.org.forgetAsked()
    const snapshot = await rig.pull(clientId, { objects: ['job_1__C', 'Nowhere__c'] })
    expect([...rig.org.describes().keys()].sort()).toEqual(['Job_1__c', 'Nowhere__c'])
    expect(snapshot).toMatchObject({
      status: 'complete',
      objects_count: COUNT,
      changes_from_previous: { added: 0, removed: 0, changed: 1 },
      stats: { unreadable: [{ object: 'Nowhere__c', code: 'NOT_FOUND' }] },
    })
    // Other changes are not lost: the next full pull sees them.
    const whole = await rig.pull(clientId)
    expect(whole.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 1 })
  })

  it('needs a complete version of the same Salesforce org', async () => {
    await expect(rig.start(clientId, { objects: ['Job_1__c'] })).rejects.toMatchObject({
      code: 'no_snapshot',
    })
    await rig.pull(clientId)
    await rig.database.query(
      `update crm_connections set sfdc_org_id = '00DWs000009AbCdMAK' where client_id = $1`,
      [clientId],
    )
    await expect(rig.start(clientId, { objects: ['Job_1__c'] })).rejects.toMatchObject({
      code: 'no_snapshot',
    })
  })
})

describe('a second pull', () => {
  it('joins a running one that covers it, and is refused beside one that does not', async () => {
    await rig.pull(clientId)
    const running = await rig.start(clientId, { objects: ['Job_1__c', 'Job_2__c'] })
    expect(running.status).toBe('pulling')
    expect((await rig.start(clientId, { objects: ['JOB_2__c'] })).id).toBe(running.id)
    for (const input of [{}, { objects: ['Job_3__c'] }, { objects: ['Job_1__c'], full: true }]) {
      await expect(rig.start(clientId, input)).rejects.toMatchObject({ code: 'pull_in_progress' })
    }
    await rig.run(running.id)
    expect((await rig.start(clientId)).id).not.toBe(running.id)
  })

  it('is one pull when two calls come at the same moment', async () => {
    const [a, b] = await Promise.all([rig.start(clientId), rig.start(clientId)])
    expect(a.id).toBe(b.id)
  })
})

describe('a pull that is interrupted', () => {
  it('goes on with what is missing, and is never shown half', async () => {
    const { id } = await rig.start(clientId)
    const leaving = new AbortController()
    let composites = 0
    rig.org.settings.before = async (asked) => {
      // The third composite does not get its answer before the process is told to stop.
      const isComposite = asked.parts.length > 0 && asksForDescribes(asked)
      if (!isComposite || (composites += 1) < 3) return null
      await until('two composites are journaled', async () => {
        const [row] = await rig.database.query<{ done: number }>(
          `select (progress->>'done')::int as done from crm_topology_snapshots where id = $1`,
          [id],
        )
        return row?.done === 50 || (await rig.rows('topology_pull_items', clientId)) > 50
      })
      leaving.abort(new Error('killed'))
      return null
    }
    await expect(rig.run(id, leaving.signal)).rejects.toThrow('killed')
    const half = await rig.get({ client_id: clientId, snapshot_id: id })
    expect(half).toMatchObject({
      status: 'pulling',
      version: null,
      objects: null,
      automations: null,
    })
    const kept = await rig.rows('topology_pull_items', clientId)
    // Stored before anything that was read after it, or the run that continues would store a later date.
    const [first] = await rig.database.query<{ kind: string }>(
      'select kind from topology_pull_items where snapshot_id = $1 order by ctid limit 1',
      [id],
    )
    expect(first?.kind).toBe('global')

    rig.org.settings.before = async () => null
    rig.org.forgetAsked()
    await rig.run(id)
    // The date of the list of objects is kept beside the describes.
    expect(rig.org.describes().size).toBe(COUNT - Math.max(0, kept - 1))
    const whole = await rig.get({ client_id: clientId })
    expect(whole).toMatchObject({ id, status: 'complete', version: 1, objects_count: COUNT })
    expect(Object.keys(whole.objects ?? {})).toHaveLength(COUNT)
    expect(await rig.rows('topology_pull_items', clientId)).toBe(0)
  })

  it('counts once when two copies of it run at the same time', async () => {
    const { id } = await rig.start(clientId)
    await Promise.all([rig.run(id), rig.run(id)])
    expect(await rig.topology.snapshot(rig.admin.tenant, id)).toMatchObject({
      status: 'complete',
      version: 1,
      objects_count: COUNT,
    })
    const audit = await rig.database.query(`select 1 from audit_log where target_id = $1`, [id])
    expect(audit).toHaveLength(1)
  })

  it('misses no change that was made while it was dead', async () => {
    await rig.pull(clientId)
    rig.org.change('Job_10__c', rename)
    const { id } = await rig.start(clientId)
    const leaving = new AbortController()
    rig.org.settings.before = async ({ path }) => {
      if (path.includes('/query')) leaving.abort(new Error('killed'))
      return null
    }
    await expect(rig.run(id, leaving.signal)).rejects.toThrow('killed')
    rig.org.settings.before = async () => null
    for (const name of rig.org.objects.keys()) rig.org.change(name, rename)
    await rig.run(id)
    await rig.pull(clientId)
    const { objects } = await rig.get({ client_id: clientId })
    expect(objects).toEqual(
      Object.fromEntries([...rig.org.objects].map(([name, { describe }]) => [name, describe])),
    )
  })

  it('is paused while the API budget is used up, and resumes by itself', async () => {
    const { id } = await rig.start(clientId)
    rig.org.settings.before = async ({ path }) => {
      if (path.endsWith('/sobjects/')) rig.budget.spent = true
      return null
    }
    await rig.run(id)
    expect(await rig.topology.snapshot(rig.admin.tenant, id)).toMatchObject({
      status: 'pulling',
      error: { code: 'api_budget_exhausted' },
    })
    rig.org.settings.before = async () => null
    rig.budget.spent = false
    await rig.run(id)
    const snapshot = await rig.topology.snapshot(rig.admin.tenant, id)
    expect(snapshot).toMatchObject({ status: 'complete', error: null, objects_count: COUNT })
    expect(snapshot.stats.salesforce_api_calls).toBe(calls())
  })
})

describe('a pull that cannot end well', () => {
  it.each([
    ['connection_revoked', `update crm_connections set status = 'revoked' where client_id = $1`],
    ['client_inactive', `update clients set is_active = false where id = $1`],
  ])('fails with %s', async (code, statement) => {
    const { id } = await rig.start(clientId)
    await rig.database.query(statement, [clientId])
    await rig.run(id)
    expect(await rig.topology.snapshot(rig.admin.tenant, id)).toMatchObject({
      status: 'failed',
      version: null,
      error: { code },
    })
  })

  it('fails when the connection is revoked in the middle', async () => {
    const { id } = await rig.start(clientId)
    rig.org.settings.before = async ({ path }) => {
      if (path.endsWith('/composite')) {
        await rig.database.query(
          `update crm_connections set status = 'revoked' where client_id = $1`,
          [clientId],
        )
      }
      return null
    }
    await rig.run(id)
    expect(await rig.topology.snapshot(rig.admin.tenant, id)).toMatchObject({
      status: 'failed',
      error: { code: 'connection_revoked' },
    })
  })

  it('ends with the reason when it is given up, and lets the next one start', async () => {
    const { id } = await rig.start(clientId)
    const work = { orgId: rig.admin.tenant.orgId, clientId, id }
    await rig.topology.worker.giveUp(work, new Error('its process died 5 times'))
    expect(await rig.topology.snapshot(rig.admin.tenant, id)).toMatchObject({
      status: 'failed',
      error: { code: 'internal' },
    })
    expect(await rig.pull(clientId)).toMatchObject({ status: 'complete', version: 1 })
  })
})

describe('a pull that waits', () => {
  const shown = async (id: string) => rig.topology.snapshot(rig.admin.tenant, id)

  it('says why from the first failure on, since when and until when, and resumes by itself', async () => {
    const { id } = await rig.start(clientId)
    const page = { status: 503, body: [{ errorCode: 'SERVER_UNAVAILABLE', message: 'busy' }] }
    rig.org.settings.before = async ({ path }) => (path.includes('/sobjects/') ? page : null)
    await rig.run(id)
    const first = await shown(id)
    expect(first).toMatchObject({
      status: 'pulling',
      error: {
        code: 'salesforce_error',
        message: 'Salesforce answered 503 (SERVER_UNAVAILABLE): busy.',
        upstream: { service: 'salesforce', status: 503, code: 'SERVER_UNAVAILABLE' },
        waiting: { for: 'time' },
      },
    })
    await rig.run(id)
    const { waiting } = (await shown(id)).error ?? {}
    expect(waiting?.since).toBe(first.error?.waiting?.since)
    const hours = (Date.parse(waiting?.until ?? '') - Date.parse(waiting?.since ?? '')) / 3_600_000
    expect(hours).toBe(24)
    rig.org.settings.before = async () => null
    await rig.run(id)
    expect(await shown(id)).toMatchObject({ status: 'complete', version: 1, error: null })
  })

  it('for a person goes on as soon as the client is connected again, whoever it is connected as', async () => {
    const { id } = await rig.start(clientId)
    await rig.database.query(`update crm_connections set status = 'expired' where client_id = $1`, [
      clientId,
    ])
    await rig.run(id)
    expect(await shown(id)).toMatchObject({
      status: 'pulling',
      error: { code: 'connection_lost', waiting: { for: 'person' } },
    })
    await rig.database.query(
      `update crm_connections set status = 'connected', sfdc_user_id = '005000000000002AAA' where client_id = $1`,
      [clientId],
    )
    await rig.run(id)
    expect(await shown(id)).toMatchObject({ status: 'complete', error: null })
  })
})
