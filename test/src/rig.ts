// A whole system for one test file: a database of its own, one or more servers, and (on request) the
// simulator. Everything is created through the public API, as a user would do it.

import { randomBytes } from 'node:crypto'
import { apiOf, type Api } from './api.ts'
import { createDatabase, type DatabaseOwner, type TestDatabase } from './database.ts'
import { createControl, type Control, type OrgView } from '../../simulator/src/control/client.ts'
import { type ActionInput } from '../../simulator/src/control/routes.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/src/index.ts'
import { startServer, SUPER_ADMIN_SECRET, type ServerProcess } from './server-process.ts'

export interface RigOptions {
  replicas?: number
  /** With a simulator (true: its default orgs). */
  simulator?: SimulatorOptions | true
  environment?: Record<string, string>
  /** Default: a plain login. */
  owner?: DatabaseOwner
}

export interface SimulatedWorld extends Simulator {
  control: Control
}

/** What a rig offers, whether own or shared. */
export interface AnyRig {
  /** Throws if the rig was started without one. */
  readonly simulator: Pick<SimulatedWorld, 'control' | 'orgs' | 'nangoUrl'>
  /** The first server, without a credential. */
  api: Api
  superAdmin: Api
  /** An org with an org_admin and an API token of theirs. */
  org(): Promise<TestOrg>
}

export interface Rig extends AnyRig, AsyncDisposable {
  readonly simulator: SimulatedWorld
  database: TestDatabase
  servers: ServerProcess[]
  /** Starts one more server on the same database. */
  addServer(environment?: Record<string, string>): Promise<ServerProcess>
}

export interface TestOrg {
  id: string
  adminId: string
  email: string
  password: string
  token: string
  /** The first server as this org's admin. */
  api: Api
  client(name?: string): Promise<TestClient>
  /** A user with this role and a session. */
  user(role: 'org_admin' | 'company_admin' | 'company_member', clientId?: string): Promise<TestUser>
}

export interface TestClient {
  id: string
  /**
   * Runs the whole authorization, as `username` of this Salesforce org (default: the integration user).
   */
  connect(
    salesforceOrg?: string,
    options?: { username?: string; allow_other_org?: boolean },
  ): Promise<Connection>
  /** Pulls and requires a complete snapshot. */
  pull(options?: Record<string, unknown>): Promise<Snapshot>
}

export interface Connection {
  id: string
  client_id: string
  status: string
  sfdc_org_id: string
  instance_url: string
  nango_connection_id: string
  error: { code: string; message: string } | null
}

export interface Snapshot {
  id: string
  version: number
  status: string
  objects_count: number
  fields_count: number
  automations_count: number
  content_hash: string
  error: { code: string; message: string } | null
  stats: {
    salesforce_api_calls: number
    not_modified: number
    unreadable: { object: string; code: string; message: string }[]
  }
  changes_from_previous: { added: number; removed: number; changed: number } | null
}

export interface TestUser {
  id: string
  email: string
  password: string
  session: string
  api: Api
}

export const PASSWORD = 'correct horse battery staple'
const unique = () => randomBytes(5).toString('hex')

export const startRig = async (options: RigOptions = {}): Promise<Rig> => {
  const database = await createDatabase({ owner: options.owner })
  const world = options.simulator === undefined ? null : await startWorld(options.simulator)
  const servers: ServerProcess[] = []
  const addServer = async (environment: Record<string, string> = {}) => {
    const server = await startServer({
      DATABASE_URL: database.url,
      ...(world === null ? {} : environmentOf(world)),
      ...options.environment,
      ...environment,
    })
    servers.push(server)
    return server
  }
  for (let i = 0; i < (options.replicas ?? 1); i++) await addServer()
  const [first] = servers
  if (first === undefined) throw new Error('a rig needs a server')
  const api = apiOf(first.url)
  const superAdmin = api.as(SUPER_ADMIN_SECRET)

  const rig: Rig = {
    get simulator() {
      if (world === null) throw new Error('this rig has no simulator')
      return world
    },
    database,
    servers,
    api,
    superAdmin,
    addServer,
    org: () => createOrg(superAdmin, api, world),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
      await world?.close()
      await database[Symbol.asyncDispose]()
    },
  }
  return rig
}

const login = async (api: Api, email: string): Promise<string> => {
  const answer = await api.post<{ access_token: string }>('/api/auth/login', {
    email,
    password: PASSWORD,
  })
  if (answer.status !== 200) throw new Error(`login: ${answer.text}`)
  return answer.body.access_token
}

export const startWorld = async (options: SimulatorOptions | true): Promise<SimulatedWorld> => {
  const simulator = await startSimulator(options === true ? {} : options)
  return { ...simulator, control: createControl(simulator.controlUrl) }
}

/** The environment of a server. */
export const environmentOf = (world: SimulatedWorld): Record<string, string> => ({
  NANGO_SECRET_KEY: world.nangoSecretKey,
  NANGO_BASE_URL: world.nangoUrl,
  NANGO_WEBHOOK_SIGNING_KEY: world.nangoWebhookSigningKey,
  SFDC_INSTANCE_HOST_ALLOWLIST: '127.0.0.1',
})

/** What a client of the org can do, through the API and, at the browser, through the simulator. */
const clientOf = (api: Api, world: AnyRig['simulator'] | null, id: string): TestClient => ({
  id,
  connect: async (salesforceOrg, { username, ...options } = {}) => {
    if (world === null) throw new Error('this rig has no simulator')
    const chosen = world.orgs.find(({ name }) => name === salesforceOrg) ?? world.orgs[0]
    const session = await api.post<{ connect_link: string }>('/api/connections/create', {
      client_id: id,
      environment: chosen?.isSandbox === true ? 'sandbox' : 'production',
      ...options,
    })
    if (session.status !== 201) throw new Error(`connections/create: ${session.text}`)
    const arrival = await world.control.authorize({
      connectLink: session.body.connect_link,
      org: salesforceOrg ?? chosen?.name ?? '',
      ...(username === undefined ? {} : { username }),
    })
    if (!arrival.ok) throw new Error(`the authorization failed: ${arrival.page}`)
    const answer = await api.post<Connection>('/api/connections/callback', { client_id: id })
    if (answer.status !== 200) throw new Error(`connections/callback: ${answer.text}`)
    return answer.body
  },
  pull: async (options = {}) => {
    const answer = await api.post<Snapshot>('/api/topology/pull', {
      client_id: id,
      wait_seconds: 55,
      ...options,
    })
    if (answer.status !== 200 || answer.body.status !== 'complete') {
      throw new Error(`topology/pull: ${answer.status} ${answer.text}`)
    }
    return answer.body
  },
})

/** A new Salesforce org under a name of its own. */
export const createSalesforceOrg = (
  control: Control,
  input: Omit<ActionInput<'orgs/create'>, 'name'> = {},
): Promise<OrgView> =>
  control.createOrg({ name: `Acme ${unique()}`, edition: 'Unlimited', ...input })

/** An org with an org_admin and an API token of theirs, in this world. */
export const createOrg = async (
  superAdmin: Api,
  api: Api,
  world: AnyRig['simulator'] | null,
): Promise<TestOrg> => {
  const org = await created(superAdmin, '/api/super-admin/orgs', { name: `Org ${unique()}` })
  const email = `admin-${unique()}@agency.example`
  const admin = await created(superAdmin, '/api/super-admin/users', {
    org_id: org.id,
    email,
    password: PASSWORD,
    role: 'org_admin',
  })
  const session = await login(api, email)
  const { token } = (await created(api.as(session), '/api/tokens/create', {
    name: 'tests',
  })) as unknown as {
    token: string
  }
  const adminApi = api.as(token)
  return {
    id: org.id,
    adminId: admin.id,
    email,
    password: PASSWORD,
    token,
    api: adminApi,
    client: async (name = `Client ${unique()}`) => {
      const { id } = await created(adminApi, '/api/clients/create', { name })
      return clientOf(adminApi, world, id)
    },
    user: async (role, clientId) => {
      const address = `${role}-${unique()}@agency.example`
      const user = await created(adminApi, '/api/users/create', {
        email: address,
        password: PASSWORD,
        role,
        ...(clientId === undefined ? {} : { client_id: clientId }),
      })
      const userSession = await login(api, address)
      return {
        id: user.id,
        email: address,
        password: PASSWORD,
        session: userSession,
        api: api.as(userSession),
      }
    },
  }
}

/** POSTs and requires 201. */
export const created = async (api: Api, path: string, body: unknown): Promise<{ id: string }> => {
  const answer = await api.post<{ id: string }>(path, body)
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}
