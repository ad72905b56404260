// What every bench shares: a database, the server as a process, and a tenant created through the API.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildServer } from '../../scripts/server-file.ts'
import { startCommand } from '../../scripts/start-command.ts'
import { startEmbedded } from '../../server/src/db/embedded.ts'
import { startProgram, type Program } from './processes.ts'

export const SUPER_ADMIN = 'bench-super-admin-secret-0123456789abcdef'
export const NANGO_KEY = '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11'
export const PASSWORD = 'correct horse battery staple'

/** An organization with an admin and a client. */
export interface Tenant {
  token: string
  clientId: string
  email: string
}

type Call = <Body>(path: string, body: unknown) => Promise<Body>

export interface Bench extends AsyncDisposable {
  databaseUrl: string
  /** The environment of the server. */
  settings: Record<string, string>
  server: Program
  /** One more server on the same database; the caller disposes of it. */
  startReplica(): Promise<Program>
  tenant: Tenant
  /** POSTs to the server as the tenant's admin; throws on anything but 2xx. */
  call: Call
  /** One more organization, and calls as its admin. */
  addTenant(name: string): Promise<Pick<Bench, 'tenant' | 'call'>>
  login(): Promise<void>
}

export const startBench = async (environment: Record<string, string>): Promise<Bench> => {
  const dir = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-bench-'))
  chmodSync(dir, 0o755)
  const database = await startEmbedded(dir, { durable: true })
  const databaseUrl = database.url.reveal()
  const settings = {
    DATABASE_URL: databaseUrl,
    JWT_SECRET: 'bench-jwt-secret-0123456789abcdef-0123456789',
    SUPER_ADMIN_JWT_SECRET: SUPER_ADMIN,
    NANGO_SECRET_KEY: NANGO_KEY,
    RATE_LIMIT_PER_MINUTE: '0',
    PORT: '0',
    HOST: '127.0.0.1',
    ...environment,
  }
  await buildServer()
  const { command, environment: ofStart } = startCommand()
  const startReplica = () => startProgram(command, { ...ofStart, ...settings })
  const server = await startReplica()

  const post = async <Body>(token: string, path: string, body: unknown): Promise<Body> => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return JSON.parse(text) as Body
  }

  const addTenant: Bench['addTenant'] = async (name) => {
    const email = `${name.toLowerCase().replaceAll(' ', '-')}@agency.example`
    const org = await post<{ id: string }>(SUPER_ADMIN, '/api/super-admin/orgs', { name })
    await post(SUPER_ADMIN, '/api/super-admin/users', {
      org_id: org.id,
      email,
      password: PASSWORD,
      role: 'org_admin',
    })
    const session = await post<{ access_token: string }>('', '/api/auth/login', {
      email,
      password: PASSWORD,
    })
    const { token } = await post<{ token: string }>(session.access_token, '/api/tokens/create', {
      name: 'bench',
    })
    const call: Call = (path, body) => post(token, path, body)
    const client = await call<{ id: string }>('/api/clients/create', { name: `${name} client` })
    return { tenant: { token, clientId: client.id, email }, call }
  }
  const { tenant, call } = await addTenant('Bench')

  return {
    databaseUrl,
    settings,
    server,
    startReplica,
    tenant,
    call,
    addTenant,
    login: async () => {
      await post('', '/api/auth/login', { email: tenant.email, password: PASSWORD })
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await database.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
