// A whole system for one test file: a database of its own, one or more servers, and (when asked
// for) the simulator. Everything is made through the public API, as a user would.

import { randomBytes } from 'node:crypto'
import { apiOf, type Api } from './api.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { startServer, SUPER_ADMIN_SECRET, type ServerProcess } from './server-process.ts'

export interface StackOptions {
  replicas?: number
  environment?: Record<string, string>
}

export interface Stack extends AsyncDisposable {
  database: TestDatabase
  servers: ServerProcess[]
  /** The first server, without a credential. */
  api: Api
  superAdmin: Api
  /** Starts one more server on the same database. */
  addServer(environment?: Record<string, string>): Promise<ServerProcess>
  /** An org with an org_admin and an API token of theirs. */
  org(): Promise<TestOrg>
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
  /** A user with this role and a session of theirs. */
  user(role: 'org_admin' | 'company_admin' | 'company_member', clientId?: string): Promise<TestUser>
}

export interface TestClient {
  id: string
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

export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const database = await createDatabase()
  const servers: ServerProcess[] = []
  const addServer = async (environment: Record<string, string> = {}) => {
    const server = await startServer({
      DATABASE_URL: database.url,
      ...options.environment,
      ...environment,
    })
    servers.push(server)
    return server
  }
  for (let i = 0; i < (options.replicas ?? 1); i++) await addServer()
  const [first] = servers
  if (first === undefined) throw new Error('a stack needs a server')
  const api = apiOf(first.url)
  const superAdmin = api.as(SUPER_ADMIN_SECRET)

  const stack: Stack = {
    database,
    servers,
    api,
    superAdmin,
    addServer,
    org: () => createOrg(superAdmin, api),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
      await database[Symbol.asyncDispose]()
    },
  }
  return stack
}

const login = async (api: Api, email: string): Promise<string> => {
  const answer = await api.post<{ access_token: string }>('/api/auth/login', {
    email,
    password: PASSWORD,
  })
  if (answer.status !== 200) throw new Error(`login: ${answer.text}`)
  return answer.body.access_token
}

const createOrg = async (superAdmin: Api, api: Api): Promise<TestOrg> => {
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
    client: (name = `Client ${unique()}`) => created(adminApi, '/api/clients/create', { name }),
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

/** POSTs and insists on 201. */
export const created = async (api: Api, path: string, body: unknown): Promise<{ id: string }> => {
  const answer = await api.post<{ id: string }>(path, body)
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}
