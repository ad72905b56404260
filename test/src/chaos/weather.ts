// What goes wrong in the storm: one thing after another with the machines, and beside it one after another
// with Salesforce and Nango.

import { setTimeout as pass } from 'node:timers/promises'
import pg from 'pg'
import { createNangoControl } from '../../../simulator/src/nango/control/client.ts'
import { type ActionInput } from '../../../simulator/src/control/routes.ts'
import { type Dice } from './dice.ts'
import { type Storm } from './storm.ts'
import { CALLS_A_DAY, CONNECTIONS_MAX, type StormClient, type World } from './world.ts'

/** Something that goes wrong; what it returns makes it good again. */
interface Trouble {
  name: string
  begin(): Promise<() => Promise<void>>
}

export interface Weather {
  run(): Promise<void>
}

type FaultKind = ActionInput<'faults/add'>['kind']

/** Between two troubles of one kind; Salesforce orgs have longer ones, so that work gets on, too. */
const PAUSE_MS = { least: 300, most: 4_000 }
const SALESFORCE_PAUSE_MS = { least: 500, most: 12_000 }
const LASTS_MS = { least: 300, most: 5_000 }
const MANY = 1_000_000
/** Held connections leave room for none of the servers', and none for us. */
const SPARE_CONNECTIONS = 3

const nothing = async () => undefined

const machineTroubles = (storm: Storm, world: World, dice: Dice): Trouble[] => {
  const { replicas, postgres } = world
  const one = () => dice.between(0, replicas.count - 1)
  const asAdmin = async <T>(work: (admin: pg.Client) => Promise<T>): Promise<T> => {
    const admin = new pg.Client({ connectionString: adminUrlOf(world) })
    admin.on('error', () => undefined)
    await admin.connect()
    return work(admin).finally(() => admin.end())
  }
  const cutAll = () =>
    asAdmin((admin) =>
      admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`,
      ),
    )
  return [
    {
      name: 'kill -9 of a replica',
      begin: async () => {
        const at = one()
        await replicas.kill(at)
        return () => replicas.start(at)
      },
    },
    {
      name: 'kill -9 of both replicas',
      begin: async () => {
        const all = Array.from({ length: replicas.count }, (_, at) => at)
        await Promise.all(all.map((at) => replicas.kill(at)))
        return async () => {
          for (const at of all) await replicas.start(at)
        }
      },
    },
    {
      name: 'SIGTERM of a replica',
      begin: async () => {
        const at = one()
        const code = await replicas.terminate(at)
        if (code !== 0) storm.violated(`a replica that was told to end did so with ${code}`)
        return () => replicas.start(at)
      },
    },
    {
      name: 'crash of PostgreSQL',
      begin: async () => {
        await postgres.crash()
        return nothing
      },
    },
    {
      name: 'every database connection cut',
      begin: async () => {
        await cutAll()
        return nothing
      },
    },
    {
      name: 'database connections used up',
      begin: async () => {
        const held: pg.Client[] = []
        const take = async () => {
          const client = new pg.Client({ connectionString: world.database.url })
          client.on('error', () => undefined)
          await client.connect()
          held.push(client)
        }
        await cutAll()
        for (let n = 0; n < CONNECTIONS_MAX - SPARE_CONNECTIONS; n++) {
          const taken = await take().then(
            () => true,
            () => false,
          )
          if (!taken) break
        }
        return async () => {
          await Promise.all(held.map((client) => client.end().catch(() => undefined)))
        }
      },
    },
    {
      name: 'a table locked, so that every pool waits',
      begin: async () => {
        const table = dice.pick(['crm_connections', 'push_chunks', 'deployment_runs', 'clients'])
        const client = new pg.Client({ connectionString: world.database.url })
        client.on('error', () => undefined)
        await client.connect()
        await client.query('begin')
        await client.query(`lock table ${table} in access exclusive mode`)
        return async () => {
          await client.end()
        }
      },
    },
  ]
}

/** Of the engine's database, as PostgreSQL's administrator. */
const adminUrlOf = ({ postgres, database }: World): string => {
  const url = new URL(postgres.url)
  url.pathname = new URL(database.url).pathname
  return url.href
}

const SALESFORCE_FAULTS: readonly { name: string; kind: FaultKind; rates: readonly number[] }[] = [
  {
    name: 'answers 503',
    kind: { type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Too busy.' },
    rates: [0.3, 1],
  },
  {
    name: 'answers 500 with HTML',
    kind: { type: 'status', status: 500, body: 'html' },
    rates: [0.3, 1],
  },
  {
    name: 'answers 502 with nothing',
    kind: { type: 'status', status: 502, body: 'empty' },
    rates: [0.3],
  },
  { name: 'is slow', kind: { type: 'slow', ms: 1_500 }, rates: [0.5, 1] },
  { name: 'is away', kind: { type: 'close', when: 'before' }, rates: [0.3, 1] },
  { name: 'acts and does not answer', kind: { type: 'close', when: 'after' }, rates: [0.2, 0.5] },
  { name: 'stops in the middle of answers', kind: { type: 'cut' }, rates: [0.3, 1] },
  { name: 'has too many requests', kind: { type: 'limit', which: 'concurrent' }, rates: [0.5, 1] },
  { name: 'forgets sessions', kind: { type: 'dead-session', shape: 'rest' }, rates: [0.1] },
]

const salesforceTroubles = (
  { simulator: { control } }: World,
  { salesforceOrg: org, connectedUser: username }: StormClient,
  authorize: () => Promise<void>,
  dice: Dice,
): Trouble[] => [
  ...SALESFORCE_FAULTS.map(({ name, kind, rates }) => ({
    name: `Salesforce ${name}`,
    begin: async () => {
      await control.addFault({ org, times: MANY, rate: dice.pick(rates), kind })
      return () => control.clearFaults(org)
    },
  })),
  {
    name: 'the calls of the day are used up',
    begin: async () => {
      await control.act('orgs/update', { org, used: CALLS_A_DAY })
      return async () => {
        await control.act('orgs/update', { org, used: 0 })
      }
    },
  },
  {
    name: 'sessions end',
    begin: async () => {
      await control.act('sessions/expire', { org, username })
      return nothing
    },
  },
  {
    name: 'the grant is dead',
    begin: async () => {
      await control.act('refresh-tokens/revoke', { org, username })
      await control.act('sessions/expire', { org, username })
      return authorize
    },
  },
  {
    name: 'the API is switched off',
    begin: async () => {
      await control.act('orgs/update', { org, settings: { apiEnabled: false } })
      return async () => {
        await control.act('orgs/update', { org, settings: { apiEnabled: true } })
      }
    },
  },
  {
    name: 'rows are locked',
    begin: async () => {
      await control.act('records/fail-locks', { org, rate: 0.05, times: 200 })
      return nothing
    },
  },
  {
    name: 'set-up is locked',
    begin: async () => {
      await control.act('deploys/lock', { org, kind: dice.pick(['setup', 'admin-operation']) })
      return nothing
    },
  },
  {
    name: 'deployments are slow',
    begin: async () => {
      await control.act('deploys/pace', { org, pendingMs: 500, runMs: 2_000 })
      return async () => {
        await control.act('deploys/pace', { org })
      }
    },
  },
]

const nangoTroubles = (
  { simulator }: World,
  clients: readonly StormClient[],
  dice: Dice,
): Trouble[] => {
  const nango = createNangoControl(simulator.nangoUrl)
  const expireAll = () =>
    Promise.all(
      clients.map(({ salesforceOrg: org, connectedUser: username }) =>
        simulator.control.act('sessions/expire', { org, username }),
      ),
    )
  const failing = (
    name: string,
    rule: Omit<Parameters<typeof nango.addFault>[0], 'path' | 'times'>,
  ) => ({
    name: `Nango ${name}`,
    begin: async () => {
      await nango.addFault({ path: '/*', times: MANY, ...rule })
      // Otherwise the servers would not need it.
      if (dice.chance(0.7)) await expireAll()
      return async () => {
        await nango.clearFaults()
      }
    },
  })
  return [
    failing('is down', { status: 503 }),
    failing('answers garbage', { status: 200, body: { surprise: true } }),
    failing('closes connections', { close: 'before' }),
    failing('acts and does not answer', { close: 'after' }),
    failing('is slow', { delay_ms: 2_000 }),
    failing('has too many requests', { status: 429, retry_after_seconds: 1 }),
  ]
}

export const weatherOf = (
  storm: Storm,
  world: World,
  authorize: (client: StormClient) => Promise<void>,
): Weather => {
  const dice = storm.dice.of(1_000)
  /** One trouble after the other until the storm is over; each is made good before the next begins. */
  const front = async (
    troubles: readonly Trouble[],
    own: Dice,
    where = '',
    pauseMs = PAUSE_MS,
  ): Promise<void> => {
    for (;;) {
      await pass(own.between(pauseMs.least, pauseMs.most))
      if (storm.isOver()) return
      const trouble = own.pick(troubles)
      storm.note(`${where}${trouble.name}`)
      storm.count(`trouble: ${trouble.name}`)
      const heal = await trouble.begin()
      await pass(own.between(LASTS_MS.least, LASTS_MS.most))
      await heal()
      storm.note(`${where}${trouble.name}: over`)
    }
  }
  return {
    run: async () => {
      await Promise.all([
        front(machineTroubles(storm, world, dice.of(0)), dice.of(1)),
        front(nangoTroubles(world, world.clients, dice.of(2)), dice.of(3)),
        ...world.clients.map((client, n) =>
          front(
            salesforceTroubles(world, client, () => authorize(client), dice.of(10 + n)),
            dice.of(20 + n),
            `${client.name}: `,
            SALESFORCE_PAUSE_MS,
          ),
        ),
      ])
    },
  }
}
