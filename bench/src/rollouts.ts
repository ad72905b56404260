// One plan to many Salesforce orgs: what a rollout costs beside the checks and deployments that it consists
// of, whether memory stays flat, and what a look at it costs. FLEET_CLIENTS says how many; default 500.

import { median } from './load.ts'
import { cpuMs, residentMb } from './processes.ts'
import { row, type Row } from './row.ts'
import { type Site, startSite } from './site.ts'

const CLIENTS = Number(process.env.FLEET_CLIENTS ?? 500)
/** More clients, to which a plan goes by single calls: as the floor, and before it to warm up. */
const SINGLE = Math.min(40, CLIENTS)
const AT_ONCE = 20
const OWN_MS = 20
const GET_MS = 20
const LOOK_EVERY_MS = 1_000
const LOOKS = 100
/** Garbage is collected now and then, so two parts of a run are never quite the same. */
const FLAT = 1.1
/** Two objects: what a snapshot holds is measured elsewhere. */
const SEED = { objects: 2, fields: 26 }

interface Rollout {
  id: string
  state: string
  revision: number
  is_final: boolean
  counts: Record<string, number>
}

const plan = (name: string) => ({
  objects: [
    {
      api_name: 'Object_00000__c',
      fields: [{ api_name: `${name}__c`, label: name, type: 'Text', length: 40 }],
    },
  ],
  permissions: { permission_set: name },
})

/** Callers that wait: fewer than the connections that a server has to its database. */
const CALLERS = 6

/** Works on all of them, so many at once. */
const eachOf = async <T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> => {
  const left = [...all]
  const walk = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: CALLERS }, walk))
}

/** Connected clients with a snapshot each, in their order. */
const addClients = async ({ bench, control }: Site): Promise<string[]> => {
  const names = Array.from({ length: CLIENTS + 2 * SINGLE }, (_, n) => `Fleet ${n}`)
  await control.act('orgs/create-many', { names, seed: SEED })
  const ids = new Map<string, string>()
  await eachOf(names, async (org) => {
    const { id: client_id } = await bench.call<{ id: string }>('/api/clients/create', { name: org })
    const { connect_link } = await bench.call<{ connect_link: string }>('/api/connections/create', {
      client_id,
    })
    await control.authorize({ connectLink: connect_link, org })
    await bench.call('/api/connections/callback', { client_id })
    await bench.call('/api/topology/pull', { client_id, wait_seconds: 55 })
    ids.set(org, client_id)
  })
  return names.map((name) => ids.get(name) ?? '')
}

/** Processor time of the server for each client, by single calls. */
const singly = async (
  { bench }: Site,
  clients: readonly string[],
  name: string,
): Promise<number> => {
  const before = cpuMs(bench.server.pid)
  await eachOf(clients, async (client_id) => {
    const body = { client_id, plan: plan(name), wait_seconds: 55 }
    const { id } = await bench.call<{ id: string }>('/api/conflicts/check', body)
    const { status } = await bench.call<{ status: string }>('/api/deploy/custom-objects', {
      ...body,
      conflict_report_id: id,
    })
    if (status !== 'deployed') throw new Error(`a single deployment ended ${status}`)
  })
  return (cpuMs(bench.server.pid) - before) / clients.length
}

interface Watched {
  rollout: Rollout
  memory: number[]
  /** What each look took. */
  looks: number[]
}

/** Looks at the rollout until nothing happens by itself any more. */
const watch = async ({ bench }: Site, rollout_id: string): Promise<Watched> => {
  const memory: number[] = []
  const looks: number[] = []
  for (;;) {
    const since = performance.now()
    const rollout = await bench.call<Rollout>('/api/fleet/rollouts/get', { rollout_id })
    looks.push(performance.now() - since)
    memory.push(residentMb(bench.server.pid))
    const total = Object.values(rollout.counts).reduce((sum, count) => sum + count, 0)
    if (total !== CLIENTS) throw new Error(`the counts say ${total} of ${CLIENTS} targets`)
    if (rollout.is_final) return { rollout, memory, looks }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** What a look takes when nothing else happens: time, and processor time of the server. */
const lookAgain = async (
  { bench }: Site,
  rollout_id: string,
): Promise<{ ms: number; cpu: number }> => {
  const before = cpuMs(bench.server.pid)
  const times: number[] = []
  for (let n = 0; n < LOOKS; n += 1) {
    const since = performance.now()
    await bench.call('/api/fleet/rollouts/get', { rollout_id })
    times.push(performance.now() - since)
  }
  return { ms: median(times), cpu: (cpuMs(bench.server.pid) - before) / LOOKS }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1)

export const benchRollouts = async (): Promise<Row[]> => {
  await using site = await startSite(['--seed', 'small'])
  const { bench } = site
  const all = await addClients(site)
  const clients = all.slice(2 * SINGLE)
  await singly(site, all.slice(0, SINGLE), 'Warm')
  const floor = await singly(site, all.slice(SINGLE, 2 * SINGLE), 'Single')

  const before = cpuMs(bench.server.pid)
  const since = performance.now()
  const created = await bench.call<Rollout>('/api/fleet/rollouts/create', {
    plan: plan('Fleet'),
    targets: { client_ids: clients },
    strategy: { waves: [{ name: 'all', max_concurrent: AT_ONCE }] },
  })
  const one = { rollout_id: created.id, wait_seconds: 0 }
  await bench.call('/api/fleet/rollouts/check', one)
  const checked = await watch(site, created.id)
  if (checked.rollout.state !== 'ready') throw new Error(`checked: ${checked.rollout.state}`)
  await bench.call('/api/fleet/rollouts/start', { ...one, revision: checked.rollout.revision })
  const done = await watch(site, created.id)
  const seconds = (performance.now() - since) / 1000
  if (done.rollout.counts['deployed'] !== CLIENTS) {
    throw new Error(`it ended ${done.rollout.state}: ${JSON.stringify(done.rollout.counts)}`)
  }
  const spent = cpuMs(bench.server.pid) - before
  const meanwhile = [...checked.looks, ...done.looks]
  const get = await lookAgain(site, created.id)
  // Who looks is no part of the rollout.
  const each = (spent - meanwhile.length * get.cpu) / CLIENTS
  const { memory } = done
  const third = Math.floor(memory.length / 3)
  const [middle, last] = [mean(memory.slice(third, 2 * third)), mean(memory.slice(2 * third))]
  return [
    row(
      `rollout to ${CLIENTS} Salesforce orgs: its own processor time for a target`,
      {
        figure: `${(each - floor).toFixed(1)} ms`,
        against: `${OWN_MS} ms (with its check and deployment ${each.toFixed(1)} ms, by single calls ${floor.toFixed(1)} ms)`,
        ratio: Math.max(each - floor, 0) / OWN_MS,
      },
      { atMost: 1 },
    ),
    row(
      '… from `create` to the last target, checks and all',
      {
        figure: `${seconds.toFixed(0)} s`,
        against: `${AT_ONCE} side by side, Salesforce answering at once`,
        ratio: seconds / CLIENTS,
      },
      'told',
    ),
    row(
      '… memory of the server, last third',
      {
        figure: `${last.toFixed(0)} MB, at most ${Math.max(...memory).toFixed(0)} MB`,
        against: `the third before ${middle.toFixed(0)} MB`,
        ratio: last / middle,
      },
      { atMost: FLAT },
    ),
    row(
      '… `get` of it, median',
      {
        figure: `${get.ms.toFixed(1)} ms`,
        against: `${GET_MS} ms (meanwhile ${median([...meanwhile]).toFixed(1)} ms)`,
        ratio: get.ms / GET_MS,
      },
      { atMost: 1 },
    ),
  ]
}
