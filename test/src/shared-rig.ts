// One system for all suites that need none of their own: two replicas and one simulator, started by the
// first that asks, and running until the end. Each suite creates its own org, clients and Salesforce
// orgs in it, and may inject faults and count calls in those. A suite that does so for all of them, kills a
// process or changes settings starts a rig of its own.

import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import pg from 'pg'
import { inject } from 'vitest'
import { buildConsole } from '../../scripts/console.ts'
import { createControl, type Control, type OrgView } from '../../simulator/src/control/client.ts'
import { apiOf } from './api.ts'
import { createDatabaseOf } from './database.ts'
import { type ServerProcess, startServer, SUPER_ADMIN_SECRET } from './server-process.ts'
import {
  type AnyRig,
  createOrg,
  createSalesforceOrg,
  environmentOf,
  type SimulatedWorld,
  startWorld,
  type TestClient,
  type TestOrg,
} from './rig.ts'

export interface SharedRig extends AnyRig {
  /** Of both replicas; `api` calls the first. */
  urls: [string, string]
  /** Of both replicas. */
  environment: Readonly<Record<string, string>>
  /** One more server beside the two, with this environment too; the suite ends it. */
  addServer(environment: Record<string, string>): Promise<ServerProcess>
  /** Runs one statement as the login that owns everything; it may touch only this suite's rows. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** A Salesforce org of this suite only. */
  salesforceOrg(input?: Parameters<typeof createSalesforceOrg>[1]): Promise<SalesforceOrg>
}

export interface SalesforceOrg {
  name: string
  /** The username of its administrator, or of the user who connects it. */
  usernameOf(who: 'admin' | 'integration' | 'restricted'): string
}

export interface SharedClient {
  rig: SharedRig
  salesforceOrg: SalesforceOrg
  org: TestOrg
  client: TestClient
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Where to request the shared rig. */
    sharedRigDesk: string
  }
}

/** What the starter of the rig passes to its users. */
interface Whereabouts {
  urls: [string, string]
  /** Of the servers. */
  environment: Record<string, string>
  databaseUrl: string
  controlUrl: string
  nangoUrl: string
  orgs: SimulatedWorld['orgs']
}

/** For suites: the shared rig, started if it is not running yet. */
export const sharedRig = async (): Promise<SharedRig> => {
  const answer = await fetch(inject('sharedRigDesk'))
  if (!answer.ok) throw new Error(`the shared rig did not start: ${await answer.text()}`)
  const { urls, environment, databaseUrl, controlUrl, nangoUrl, orgs } =
    (await answer.json()) as Whereabouts
  const control: Control = createControl(controlUrl)
  const simulator = { control, orgs, nangoUrl }
  const api = apiOf(urls[0])
  const superAdmin = api.as(SUPER_ADMIN_SECRET)
  return {
    urls,
    environment,
    simulator,
    api,
    superAdmin,
    org: () => createOrg(superAdmin, api, simulator),
    addServer: (more) => startServer({ ...environment, ...more }),
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      const { rows } = await client.query<Row>(text, values).finally(() => client.end())
      return rows
    },
    salesforceOrg: async (input) => {
      const { name, usernames } = await createSalesforceOrg(control, input)
      return {
        name,
        usernameOf: (who) => {
          const found = usernames.find((username) => username.startsWith(`${who}@`))
          if (found === undefined)
            throw new Error(`${name} has no ${who} among ${usernames.join(', ')}`)
          return found
        },
      }
    },
  }
}

/** For suites that need no more than this: a client of their own org, connected and pulled. */
export const sharedClient = async (edition?: OrgView['edition']): Promise<SharedClient> => {
  const rig = await sharedRig()
  const salesforceOrg = await rig.salesforceOrg(edition === undefined ? {} : { edition })
  const org = await rig.org()
  const client = await org.client()
  await client.connect(salesforceOrg.name)
  await client.pull()
  return { rig, salesforceOrg, org, client }
}

/** For suites with a browser: the console's files, built once for the run, by the first that asks. */
export const builtConsole = async (): Promise<void> => {
  const answer = await fetch(`${inject('sharedRigDesk')}/console`)
  if (!answer.ok) throw new Error(`the console was not built: ${await answer.text()}`)
}

/** For the global set-up: a port that starts the rig on the first request, and builds the console. */
export const openSharedRigDesk = async (adminUrl: string, template: string) => {
  let started: Promise<Whereabouts & AsyncDisposable> | undefined
  let built: Promise<string> | undefined
  const desk = createServer(({ url }, response) => {
    const wanted: Promise<unknown> =
      url === '/console'
        ? (built ??= buildConsole())
        : (started ??= startSharedRig(adminUrl, template))
    wanted.then(
      (whereabouts) => response.end(JSON.stringify(whereabouts)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(desk.address() as AddressInfo).port}`,
    close: async (): Promise<void> => {
      desk.close()
      const rig = await started?.catch(() => undefined)
      await rig?.[Symbol.asyncDispose]()
    },
  }
}

const startSharedRig = async (
  adminUrl: string,
  template: string,
): Promise<Whereabouts & AsyncDisposable> => {
  const database = await createDatabaseOf(adminUrl, template)
  const world = await startWorld(true)
  const environment = { DATABASE_URL: database.url, ...environmentOf(world) }
  const [first, second] = await Promise.all([startServer(environment), startServer(environment)])
  const { controlUrl, nangoUrl, orgs } = world
  return {
    urls: [first.url, second.url],
    environment,
    databaseUrl: database.url,
    controlUrl,
    nangoUrl,
    orgs,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([first.terminate(), second.terminate()])
      await world.close()
      await database[Symbol.asyncDispose]()
    },
  }
}
