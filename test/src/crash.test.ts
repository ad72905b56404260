// Real processes, really killed: accepted work reaches its end, and is never shown half done.

import { afterEach, describe, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import { startRig, type Snapshot, type Rig } from './rig.ts'
import { sharedClient, type SharedRig } from './shared-rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

let rig: Rig | undefined
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]()
  rig = undefined
})

const SIZE = { objects: 250, fields: 3000 }

/** A rig in the middle of a pull: some describes are stored, more are to come. */
const amidPull = async (replicas: number) => {
  rig = await startRig({
    replicas,
    environment: TAKES_OVER,
    simulator: {
      orgs: [{ name: 'Acme', edition: 'Unlimited', seed: SIZE }],
      latency: { callMs: 200, describeMs: 20 },
    },
  })
  const { control } = rig.simulator
  const org = await rig.org()
  const client = await org.client()
  await client.connect('Acme')
  const answer = await org.api.post<Snapshot>('/api/topology/pull', {
    client_id: client.id,
    wait_seconds: 0,
  })
  expect(answer.status).toBe(202)
  const world = rig
  await until('describes were stored', async () => {
    const [row] = await world.database.query<{ n: number }>(
      'select count(*)::int as n from topology_pull_items',
    )
    return (row?.n ?? 0) >= 50
  })
  return { rig, control, org, client, pull: answer.body }
}

const finished = async (
  { query }: Pick<Rig['database'], 'query'> | Pick<SharedRig, 'query'>,
  snapshotId: string,
) =>
  until(
    'the pull ended',
    async () => {
      const [row] = await query<{
        status: string
        objects_count: number
        fields_count: number
        error: unknown
      }>(
        'select status, objects_count, fields_count, error from crm_topology_snapshots where id = $1',
        [snapshotId],
      )
      return row?.status === 'pulling' ? null : row
    },
    60_000,
  )

describe('kill -9 in the middle of a pull', () => {
  it('is followed by a complete snapshot once the server is started again; no half one is ever shown', async () => {
    const { rig: world, org, client, pull, control } = await amidPull(1)
    await world.servers[0]?.kill()
    const [half] = await world.database.query(
      'select status, version from crm_topology_snapshots where id = $1',
      [pull.id],
    )
    expect(half).toEqual({ status: 'pulling', version: null })
    const [stored] = await world.database.query<{ n: number }>(
      `select count(*)::int as n from topology_pull_items where kind = 'object'`,
    )
    const second = await world.addServer()
    const api = apiOf(second.url, org.token)
    const early = await api.post('/api/topology/get', { client_id: client.id })
    expect([early.status, early.body.code], 'nothing complete, so nothing is shown').toEqual([
      409,
      'no_snapshot',
    ])
    expect(await finished(world.database, pull.id)).toMatchObject({
      status: 'complete',
      objects_count: SIZE.objects,
      fields_count: SIZE.fields,
    })
    // It continued from what was stored: no stored describe is requested again. (One more composite asks
    // what the connected user may do.)
    const tookOver = second.lines.find((line) => line.includes('job taken over')) ?? '{}'
    const { time } = JSON.parse(tookOver) as { time: string }
    // Salesforce may still have been answering the dead process when the next one was already up.
    const composites = (await control.journal()).filter(
      (call) => call.path.endsWith('/composite') && Date.parse(call.at) >= Date.parse(time),
    )
    expect(composites.length).toBeLessThanOrEqual(
      Math.ceil((SIZE.objects - (stored?.n ?? 0)) / 25) + 1,
    )
    const again = await api.post<Snapshot>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 55,
    })
    expect([again.status, again.body.status], 'the connection is not stuck').toEqual([
      200,
      'complete',
    ])
  })

  it('is taken over by the other replica', async () => {
    const { rig: world, org, pull } = await amidPull(2)
    // It does not matter which replica has it: killing one of two is enough, since the survivor either
    // has the work or takes it over.
    const [first, second] = world.servers
    await first?.kill()
    expect(await finished(world.database, pull.id)).toMatchObject({
      status: 'complete',
      objects_count: SIZE.objects,
    })
    const api = apiOf(second?.url ?? '', org.token)
    const read = await api.post<Snapshot>('/api/topology/history', {
      client_id: (pull as unknown as { client_id: string }).client_id,
    })
    expect(read.status).toBe(200)
    const versions = await world.database.query(
      'select version from crm_topology_snapshots where version is not null',
    )
    expect(versions).toEqual([{ version: 1 }])
  })

  it('between commit and enqueue loses nothing: the sweep finds the row', async () => {
    const { rig: shared, client } = await sharedClient()
    const done = await client.pull()
    // The state that such a crash leaves: a row, and no job.
    const id = '01931f2a-0000-7000-8000-00000000abcd'
    await copySnapshot(shared, done.id, id)
    expect(await finished(shared, id)).toMatchObject({ status: 'complete' })
  })
})

/** A pull like this one, accepted and not begun, without a note in the queue. */
const copySnapshot = (rig: SharedRig, from: string, id: string) =>
  rig.query(
    `insert into crm_topology_snapshots (id, org_id, client_id, connection_id, api_version, sfdc_org_id, sfdc_user_id, created_by)
     select $2, org_id, client_id, connection_id, api_version, sfdc_org_id, sfdc_user_id, created_by
       from crm_topology_snapshots where id = $1`,
    [from, id],
  )

describe('work that has taken its process down five times', () => {
  it('is not started again: it ends as failed with the reason, and the next pull goes through', async () => {
    const { rig: shared, client } = await sharedClient()
    const done = await client.pull()
    const id = '01931f2a-0000-7000-8000-00000000dead'
    await shared.query('insert into engine.work_starts (work_id, starts) values ($1, 5)', [id])
    await copySnapshot(shared, done.id, id)
    const ended = await finished(shared, id)
    expect(ended.status).toBe('failed')
    expect(ended.error).toMatchObject({ code: expect.any(String) as string })
    expect((await client.pull()).status).toBe('complete')
  })
})

describe('SIGTERM in the middle of a pull', () => {
  it('answers what cannot finish, ends the process in order and leaves the work to the next one', async () => {
    const { rig: world, control, org, client, pull } = await amidPull(1)
    const salesforceOrg = world.simulator.orgs[0]?.id ?? ''
    await control.addFault({
      org: salesforceOrg,
      times: 1_000,
      kind: { type: 'slow', ms: 15_000 },
    })
    const look = org.api.post('/api/connections/get', { client_id: client.id, check: true })
    // The server has it, since it has answered a later one.
    await org.api.post('/api/clients/list')
    const [code, answer] = await Promise.all([world.servers[0]?.terminate(), look])
    expect([code, answer.status, answer.body.code]).toEqual([0, 503, 'unavailable'])
    expect(answer.headers.get('retry-after')).toBe('2')
    await control.clearFaults()
    await world.addServer()
    expect(await finished(world.database, pull.id)).toMatchObject({
      status: 'complete',
      objects_count: SIZE.objects,
    })
  })
})
