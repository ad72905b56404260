// The place of the storm: PostgreSQL, two replicas, a simulated Salesforce and Nango, and several
// organizations with several clients, each with a Salesforce org of its own.

import { createDatabaseOf, createPlainOwner, type TestDatabase } from '../database.ts'
import { type LocalPostgres, startLocalPostgres } from '../local-postgres.ts'
import { makePushRig, map, type Row } from '../push-support.ts'
import {
  createOrg,
  createSalesforceOrg,
  environmentOf,
  type SimulatedWorld,
  startWorld,
  type TestClient,
  type TestOrg,
} from '../rig.ts'
import { SUPER_ADMIN_SECRET } from '../server-process.ts'
import { type Replicas, startReplicas } from './replicas.ts'
import { type SalesforceOrgView, viewOf } from './salesforce-org.ts'

export interface StormClient {
  /** For notes: `1.2` is the second client of the first organization. */
  name: string
  org: TestOrg
  client: TestClient
  salesforceOrg: string
  /** The id of that Salesforce org. */
  sfdcOrgId: string
  connectedUser: string
  view: SalesforceOrgView
  /** Its connection is revoked and made anew again and again. */
  isRestless: boolean
  /** As they were before the storm. */
  before: { components: Map<string, string>; describes: Map<string, Row> }
}

export interface World extends AsyncDisposable {
  postgres: LocalPostgres
  database: TestDatabase
  simulator: SimulatedWorld
  replicas: Replicas
  clients: readonly StormClient[]
}

const ORGANIZATIONS = 3
const CLIENTS_EACH = 2
/** Two replicas take some 60; the rest is for those who look, and to be used up. */
export const CONNECTIONS_MAX = 100
const COMPANIES = 6
/** More than any storm uses, so that only the weather uses it up. */
export const CALLS_A_DAY = 10_000_000
/** All waiting is fifty times as fast. */
const SCALE = 0.02

const COMPANY_MAPPING = {
  canonical_object: 'company',
  sfdc_object: 'Account',
  external_id_field: 'Key__c',
  fields: [
    { canonical_field: 'key', sfdc_field: 'Key__c' },
    { canonical_field: 'name', sfdc_field: 'Name', required: true },
  ],
}

const addClient = async (
  world: Omit<World, 'clients' | typeof Symbol.asyncDispose>,
  org: TestOrg,
  { name, isRestless }: Pick<StormClient, 'name' | 'isRestless'>,
): Promise<StormClient> => {
  const { simulator, replicas } = world
  const { control } = simulator
  const made = await createSalesforceOrg(control)
  const rig = { simulator, api: replicas.api(), superAdmin: replicas.api(), org: async () => org }
  await control.act('orgs/update', { org: made.name, max: CALLS_A_DAY })
  const { client } = await makePushRig(rig, org, made.name)
  await map(org, client, COMPANY_MAPPING)
  await control.act('records/fill', {
    org: made.name,
    object: 'Account',
    count: COMPANIES,
    template: { Name: 'Company {n}', Key__c: 'company-{n}' },
  })
  await control.act('records/pace', { org: made.name, saveMs: 0.2 })
  await control.act('bulk/pace', { org: made.name, queueMs: 200, transactionMs: 5 })
  const connectedUser = made.usernames.find((one) => one.startsWith('integration@')) ?? ''
  const view = await viewOf(simulator, made.name, connectedUser)
  const before = { components: await view.components(), describes: await view.describes() }
  return {
    name,
    org,
    client,
    salesforceOrg: made.name,
    sfdcOrgId: made.id,
    connectedUser,
    view,
    isRestless,
    before,
  }
}

/** The number of the company that a row belongs to. */
export const companyOf = (n: number): number => 1 + (n % COMPANIES)

export const startStormWorld = async (): Promise<World> => {
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(
    await startLocalPostgres(undefined, { maxConnections: CONNECTIONS_MAX }),
  )
  const database = stack.use(await createDatabaseOf(await createPlainOwner(postgres.url), null))
  const simulator = await startWorld({ orgs: [] })
  stack.defer(() => simulator.close())
  const replicas = stack.use(
    await startReplicas({
      DATABASE_URL: database.url,
      WORK_WAIT_SCALE: String(SCALE),
      ...environmentOf(simulator),
    }),
  )
  const world = { postgres, database, simulator, replicas }
  const api = replicas.api()
  const clients: StormClient[] = []
  for (let n = 1; n <= ORGANIZATIONS; n++) {
    const org = await createOrg(api.as(SUPER_ADMIN_SECRET), api, simulator)
    for (let m = 1; m <= CLIENTS_EACH; m++) {
      clients.push(
        await addClient(world, org, { name: `${n}.${m}`, isRestless: n > 1 && m === CLIENTS_EACH }),
      )
    }
  }
  const all = stack.move()
  return { ...world, clients, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
