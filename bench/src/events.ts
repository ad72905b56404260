// What events cost: pushes and deploys with events, each sent to five endpoints, against the same without
// any. Both take turns in one run.

import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import pg from 'pg'
import { finished, type Push, startPushSite } from './push-site.ts'
import { placements } from './push-contest.ts'
import { row, type Row } from './row.ts'

const CALL_MS = 60
const ENDPOINTS = 5
const PUSH_ROWS = 1_000
const PUSHES = 20
const DEPLOYS = 8
/** An event is told of by these. */
const TRIGGERS = {
  crm_push_logs: 'tell_push_finished',
  deployment_runs: 'tell_deployment_finished',
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const startReceiver = async () => {
  let taken = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      taken += 1
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    taken: () => taken,
    [Symbol.dispose]: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export const benchEvents = async (): Promise<Row[]> => {
  await using site = await startPushSite(CALL_MS, { WEBHOOK_ALLOW_LOOPBACK: 'true' })
  using receiver = await startReceiver()
  const { bench, clientId: client_id } = site
  for (let at = 0; at < ENDPOINTS; at++) {
    await bench.call('/api/webhook-endpoints/create', { url: receiver.url })
  }
  const db = new pg.Client({ connectionString: bench.databaseUrl })
  await db.connect()
  const tell = async (yes: boolean): Promise<void> => {
    for (const [table, trigger] of Object.entries(TRIGGERS)) {
      await db.query(`alter table ${table} ${yes ? 'enable' : 'disable'} trigger ${trigger}`)
    }
  }

  /** Medians of `work` with and without events, which take turns. */
  const contest = async (rounds: number, work: (name: string) => Promise<unknown>) => {
    const times = { with: [] as number[], without: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      const order =
        round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)
      for (const which of order) {
        await tell(which === 'with')
        const startedAt = performance.now()
        await work(`${which}${round}`)
        times[which].push(performance.now() - startedAt)
      }
    }
    return { withEvents: median(times.with), without: median(times.without) }
  }

  const push = await contest(PUSHES, async (name) =>
    finished(
      site,
      await bench.call<Push>('/api/push/records', {
        client_id,
        object: 'placement',
        records: placements(name, PUSH_ROWS),
        wait_seconds: 55,
      }),
    ),
  )
  const deploy = await contest(DEPLOYS, async (name) => {
    const field = { api_name: `Told_${name}__c`, label: name, type: 'Text', length: 20 }
    const plan = { objects: [{ api_name: 'Lead', fields: [field] }] }
    const body = { client_id, plan, wait_seconds: 55 }
    const { status } = await bench.call<{ status: string }>('/api/deploy/custom-objects', body)
    if (status !== 'deployed') throw new Error(`the deploy ended ${status}`)
  })
  await db.end()
  if (receiver.taken() === 0) throw new Error('no event was sent')
  const rowOf = (what: string, { withEvents, without }: typeof push): Row =>
    row(
      `${what} with events to ${ENDPOINTS} endpoints: time, median`,
      {
        figure: `${withEvents.toFixed(0)} ms`,
        against: `without events ${without.toFixed(0)} ms`,
        ratio: withEvents / without,
      },
      { atMost: 1.03 },
    )
  return [
    rowOf(`push of ${PUSH_ROWS.toLocaleString('en')} rows (calls of ${CALL_MS} ms)`, push),
    rowOf('deploy of a field', deploy),
  ]
}
