// kill -9 of every replica at moments around changes: each change that was committed has exactly one
// event, no other one has any, and each event reaches a receiver that fails half of the time.
//
// EVENT_CHANGES=1000 makes a long run of it.

import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import { EVENTS_AMISS } from './chaos/verdict.ts'
import { startRig, type Rig, type TestClient, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'
import { startReceiver, type ReceiverServer } from '../../simulator/src/receiver/server.ts'
import { eventIn, verify } from './webhook-signatures.ts'

const CHANGES = Number(process.env.EVENT_CHANGES ?? 80)
/** Each kills all replicas once. */
const ROUNDS = Math.max(1, Math.floor(CHANGES / 80))
const AT_ONCE = 4

let rig: Rig
let receiver: ReceiverServer
let org: TestOrg
let clients: TestClient[]

beforeAll(async () => {
  rig = await startRig({
    replicas: 2,
    simulator: true,
    environment: { ...TAKES_OVER, WORK_WAIT_SCALE: '0.001', WEBHOOK_TIMEOUT_SECONDS: '1' },
  })
  receiver = await startReceiver()
  org = await rig.org()
  const orgs = await Promise.all(
    [1, 2].map((at) =>
      rig.simulator.control.createOrg({ name: `Told ${at}`, edition: 'Unlimited' }),
    ),
  )
  clients = await Promise.all(
    orgs.map(async ({ name }) => {
      const client = await org.client()
      await client.connect(name)
      await client.pull()
      await org.api.post('/api/mappings/create', {
        client_id: client.id,
        canonical_object: 'lead',
        sfdc_object: 'Lead',
        fields: [{ canonical_field: 'name', sfdc_field: 'LastName' }],
      })
      return client
    }),
  )
})
afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]()
  await rig?.[Symbol.asyncDispose]()
})

/** A change with an event: a dry run that ends with the call, or a push that a worker ends. */
const change = async (at: number): Promise<void> => {
  const server = rig.servers.at(-1 - (at % 2))
  const client = clients[at % clients.length]
  await apiOf(server?.url ?? '', org.token)
    .post('/api/push/status-update', {
      client_id: client?.id,
      object: 'lead',
      updates: [{ match: { id: '00Q000000000001AAA' }, fields: { name: `Name ${at}` } }],
      options: { dry_run: at % 5 !== 0 },
      wait_seconds: 0,
    })
    .catch(() => undefined) // the server was killed: nobody knows whether it was accepted
}

it('after which every committed change has one event, and each event was received', async () => {
  const { body: endpoint } = await org.api.post<{ id: string; secret: string }>(
    '/api/webhook-endpoints/create',
    { url: receiver.url('/half') },
  )
  const since = new Date(0).toISOString()
  receiver.behave('/half', () =>
    Math.random() < 0.5 ? { status: 204 } : Math.random() < 0.5 ? { status: 500 } : 'cut',
  )
  let started = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const goal = Math.floor((CHANGES * round) / ROUNDS)
    // Killed when two thirds of the round were begun, in the middle of the others.
    const fatal = started + Math.floor(((goal - started) * 2) / 3)
    let killing: Promise<unknown> | null = null
    const drive = async (): Promise<void> => {
      while (started < goal) {
        const at = started++
        if (at === fatal) killing = Promise.all(rig.servers.map((server) => server.kill()))
        await change(at)
        if (killing !== null) return
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, drive))
    await (killing as Promise<unknown> | null)
    await Promise.all([rig.addServer(), rig.addServer()])
    await Promise.all(Array.from({ length: AT_ONCE }, () => driveTo(goal)))
  }
  async function driveTo(goal: number): Promise<void> {
    while (started < goal) await change(started++)
  }

  const pushes = () =>
    rig.database.query<{ id: string; final: boolean }>(
      `select id, status not in ('queued', 'in_progress') as final from crm_push_logs
        where accepted_at is not null`,
    )
  await until('every push has ended', async () => (await pushes()).every(({ final }) => final))

  // One that is not committed: neither an event nor a number is left of it.
  const [spare] = await pushes()
  const db = new pg.Client({ connectionString: rig.database.url })
  await db.connect()
  await db.query('begin')
  await db.query(`update crm_push_logs set status = 'queued' where id = $1`, [spare?.id])
  await db.query(`update crm_push_logs set status = 'failed' where id = $1`, [spare?.id])
  await db.query('set constraints all immediate')
  const { rows: within } = await db.query(
    `select from events where type = 'push.finished' and data ->> 'push_id' = $1`,
    [spare?.id],
  )
  await db.query('rollback')
  await db.end()
  expect(within, 'it was there until the rollback').toHaveLength(2)

  const events = await rig.database.query<{
    id: string
    client_id: string
    sequence: string
    push_id: string | null
  }>(
    `select id, client_id, sequence, data ->> 'push_id' as push_id from events order by client_id, sequence`,
  )
  const told = events.flatMap(({ push_id: id }) => id ?? [])
  expect(told.length).toBeGreaterThan(CHANGES / 2)
  expect(told.toSorted()).toEqual((await pushes()).map(({ id }) => id).toSorted())
  for (const [what, query] of Object.entries(EVENTS_AMISS)) {
    expect(await rig.database.query(query), what).toEqual([])
  }

  const server = rig.servers.at(-1)
  const api = apiOf(server?.url ?? '', org.token)
  const waiting = new Set(told)
  await until(`each of ${told.length} events was taken`, async () => {
    for (const message of receiver.at('/half')) {
      const { data } = eventIn(message)
      if (message.status === 204) waiting.delete((data as { push_id?: string }).push_id ?? '')
    }
    if (waiting.size === 0) return true
    await api.post('/api/webhook-endpoints/resend', { endpoint_id: endpoint.id, since })
    return false
  })
  const known = new Set(events.map(({ id }) => id))
  for (const message of receiver.at('/half')) {
    expect(known, 'nothing else was sent').toContain(eventIn(message).id)
  }
  const last = receiver.at('/half').at(-1)
  if (last !== undefined) verify(endpoint.secret, last)
}, 600_000)
