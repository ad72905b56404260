// One system for all suites that need none of their own: one server and one simulator, started by the
// first that asks, and running until the end. Each suite creates its own org, clients and Salesforce
// orgs in it. No suite may kill, fault, count or reconfigure what others share: a suite that does starts
// a rig of its own.

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import pg from 'pg'
import { inject } from 'vitest'
import { createControl, type Control, type OrgView } from '../../simulator/src/control/client.ts'
import { apiOf } from './api.ts'
import { createDatabaseOf } from './database.ts'
import { startServer, SUPER_ADMIN_SECRET } from './server-process.ts'
import {
  type AnyRig,
  createOrg,
  environmentOf,
  type SimulatedWorld,
  startWorld,
  type TestClient,
  type TestOrg,
} from './rig.ts'

export interface SharedRig extends AnyRig {
  url: string
  /** Runs one statement as the login that owns everything; it may touch only this suite's rows. */
  query(text: string, values: unknown[]): Promise<void>
  /** A Salesforce org of this suite only. */
  salesforceOrg(edition?: OrgView['edition']): Promise<SalesforceOrg>
}

export interface SalesforceOrg {
  name: string
  /** The username of its administrator, or of the user who connects it. */
  usernameOf(who: 'admin' | 'integration'): string
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
  url: string
  databaseUrl: string
  controlUrl: string
  nangoUrl: string
  orgs: SimulatedWorld['orgs']
}

/** For suites: the shared rig, started if it is not running yet. */
export const sharedRig = async (): Promise<SharedRig> => {
  const answer = await fetch(inject('sharedRigDesk'))
  if (!answer.ok) throw new Error(`the shared rig did not start: ${await answer.text()}`)
  const { url, databaseUrl, controlUrl, nangoUrl, orgs } = (await answer.json()) as Whereabouts
  const control: Control = createControl(controlUrl)
  const simulator = { control, orgs, nangoUrl }
  const api = apiOf(url)
  const superAdmin = api.as(SUPER_ADMIN_SECRET)
  return {
    url,
    simulator,
    api,
    superAdmin,
    org: () => createOrg(superAdmin, api, simulator),
    query: async (text, values) => {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      await client.query(text, values).finally(() => client.end())
    },
    salesforceOrg: async (edition = 'Unlimited') => {
      const name = `Acme ${randomBytes(4).toString('hex')}`
      const { usernames } = await control.createOrg({ name, edition })
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
  const salesforceOrg = await rig.salesforceOrg(edition)
  const org = await rig.org()
  const client = await org.client()
  await client.connect(salesforceOrg.name)
  await client.pull()
  return { rig, salesforceOrg, org, client }
}

/** For the global set-up: a port that starts the rig on the first request. */
export const openSharedRigDesk = async (adminUrl: string, template: string) => {
  let started: Promise<Whereabouts & AsyncDisposable> | undefined
  const desk = createServer((_request, response) => {
    started ??= startSharedRig(adminUrl, template)
    started.then(
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
  const server = await startServer({ DATABASE_URL: database.url, ...environmentOf(world) })
  const { controlUrl, nangoUrl, orgs } = world
  return {
    url: server.url,
    databaseUrl: database.url,
    controlUrl,
    nangoUrl,
    orgs,
    [Symbol.asyncDispose]: async () => {
      await server.terminate()
      await world.close()
      await database[Symbol.asyncDispose]()
    },
  }
}
