// How long an event waits for its turn, whatever other endpoints do; with the queues and the database as in a
// server, without one.

import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { startReceiver, type ReceiverServer } from '../../../../simulator/src/receiver/server.ts'
import { type Database, openDatabase, wholeOrg } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { createJobs, type Jobs } from '../../jobs/jobs.ts'
import { Secret } from '../../secret.ts'
import { createWebhooks, type Webhooks } from '../../webhooks/sender.ts'
import { type Caller } from '../caller.ts'
import { appendEvent } from '../events/events.ts'
import { seedOrg } from '../testing/tenant.ts'
import { createCourier } from './courier.ts'
import { createSealing } from './sealing.ts'

/** More than a replica does anything at once of. */
const HANGING = 120
const TIMEOUT_MS = 10_000

let database: TestDatabase
let db: Database
let caller: Caller
let receiver: ReceiverServer
let webhooks: Webhooks
let jobs: Jobs
const complaints: string[] = []
const sealing = createSealing([new Secret('of the courier')])

beforeAll(async () => {
  database = await createDatabase()
  const url = new Secret(database.url)
  db = openDatabase({ url, onIdleError: () => undefined })
  caller = await seedOrg(database)
  receiver = await startReceiver()
  webhooks = createWebhooks({ timeoutMs: TIMEOUT_MS, allowLoopback: true })
  const logger = pino({ level: 'warn' }, { write: (line: string) => void complaints.push(line) })
  jobs = createJobs({ db, url, logger })
  jobs.carry(createCourier({ db, webhooks, sealing, logger }))
  await jobs.start()
})
afterAll(async () => {
  await receiver[Symbol.asyncDispose]() // cuts what hangs
  await jobs.stop()
  await webhooks.close()
  await db.close()
  await database[Symbol.asyncDispose]()
})

type Kind = 'webhook_endpoint.disabled' | 'approval.requested'

const endpoint = async (path: string, kind: Kind): Promise<void> => {
  const id = newId()
  await database.query(
    `insert into webhook_endpoints (id, org_id, url, event_types, secret)
     values ($1, $2, $3, array[$4], $5)`,
    [
      id,
      caller.tenant.orgId,
      receiver.url(path),
      kind,
      sealing.seal(new Secret(`whsec_${Buffer.alloc(32).toString('base64')}`), id),
    ],
  )
}

const happens = (kind: Kind): Promise<void> => {
  const tenant = wholeOrg(caller.tenant.orgId)
  const id = newId()
  return db.as(tenant).tx((tx) =>
    kind === 'webhook_endpoint.disabled'
      ? appendEvent(tx, tenant, kind, { endpoint_id: id, reason: 'gone' })
      : appendEvent(tx, tenant, kind, {
          approval_id: id,
          action: 'push_records',
          expires_at: '',
        }),
  )
}

describe('an event', () => {
  it('reaches its endpoint within a second while a hundred others hang', async () => {
    const paths = Array.from({ length: HANGING }, (_, at) => `/hanging-${at}`)
    for (const path of paths) {
      receiver.behave(path, 'hang')
      await endpoint(path, 'webhook_endpoint.disabled')
    }
    await happens('webhook_endpoint.disabled')
    const begun = Date.now()
    const hanging = () => paths.filter((path) => receiver.at(path).length > 0).length
    await until('each of them hangs', () => hanging() === HANGING)
    const ms = Date.now() - begun
    expect(complaints).toEqual([])
    expect(ms, 'none waited until another was given up').toBeLessThan(TIMEOUT_MS)

    await endpoint('/healthy', 'approval.requested')
    await happens('approval.requested')
    const [message] = await until('it came', () => {
      const all = receiver.at('/healthy')
      return all.length > 0 ? all : null
    })
    const [event] = await database.query<{ at: Date }>(
      'select created_at as at from events where id = $1',
      [(message?.body as { id: string } | undefined)?.id],
    )
    expect((message?.at ?? Number.NaN) - (event?.at.getTime() ?? 0)).toBeLessThan(1_000)
  })
})
