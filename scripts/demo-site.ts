// What a demo stands on: PostgreSQL, the simulator, the engine, an organization with a token; and how a step
// is told.

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { parseConfig } from '../server/src/config.ts'
import { startEmbedded } from '../server/src/db/embedded.ts'
import { createEngine } from '../server/src/engine.ts'
import { createLogger } from '../server/src/logger.ts'
import { createControl, type Control } from '../simulator/src/control/client.ts'
import { startSimulator, type Simulator } from '../simulator/src/index.ts'
import { buildConsole } from './console.ts'
import { environmentFor } from './simulated-environment.ts'

const PASSWORD = 'correct horse battery staple'

/** Does one step and tells it with its time; below it the command that does the same by hand. */
export const step = async <T>(
  what: string,
  work: () => Promise<T>,
  tell: (result: T) => string,
  command?: string | ((result: T) => string),
): Promise<T> => {
  const started = performance.now()
  const result = await work()
  const ms = Math.round(performance.now() - started)
  console.log(`${what.padEnd(34)} ${`${ms} ms`.padStart(8)}   ${tell(result)}`)
  const typed = typeof command === 'function' ? command(result) : command
  if (typed !== undefined) console.log(styleText('dim', `    $ ${typed}`))
  return result
}

export interface DemoSite {
  /** For what the commands read; gone when the demo ends. */
  folder: string
  url: string
  /** An API token of the organization's first user. */
  token: string
  /** Opens the console, signed in as that user. */
  consoleLink: string
  /** POSTs with it; throws on anything but 2xx. */
  call: <T>(path: string, body: unknown) => Promise<T>
  control: Control
  simulator: Simulator
}

/** Starts everything, to be ended by `cleanup`, and creates the organization, step by step. */
export const startDemo = async (
  cleanup: AsyncDisposableStack,
  { exits, organization }: { exits: boolean; organization: string },
): Promise<DemoSite> => {
  const dir = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-demo-'))
  chmodSync(dir, 0o755) // as root, PostgreSQL runs under another user
  cleanup.defer(() => rmSync(dir, { recursive: true, force: true }))
  const folder = join(dir, 'files')
  mkdirSync(folder)
  const database = await step(
    'PostgreSQL from npm',
    () => startEmbedded(dir, { durable: true }),
    () => 'started, empty',
  )
  cleanup.defer(() => database.stop())
  const simulator = await step(
    'Simulated Salesforce and Nango',
    () => startSimulator(),
    ({ controlUrl }) => `started; inspect it at ${controlUrl}`,
  )
  cleanup.defer(() => simulator.close())
  if (!exits) {
    await step('The console', buildConsole, (outcome) =>
      outcome === 'built' ? 'built' : 'is built already',
    )
  }
  const environment = environmentFor(simulator)
  const config = parseConfig({
    ...environment,
    HOST: '127.0.0.1',
    PORT: process.env.PORT ?? (exits ? '0' : '8080'),
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
  })
  const engine = await step(
    'sfdc-engine-x',
    () => createEngine(config, database.url, createLogger(config.logLevel)),
    () => 'database migrated',
  )
  cleanup.defer(() => engine[Symbol.asyncDispose]())
  const url = await engine.listen().catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${config.http.port} is taken. Try: PORT=8090 npm run demo`)
  })
  console.log(
    `\nListening at ${url}. From here on everything goes through the public API; below a step, the same by hand.\n`,
  )
  const post = async <T>(token: string, path: string, body: unknown): Promise<T> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
  const { token, session } = await createOrganization(post, {
    url,
    organization,
    bootstrap: environment.SUPER_ADMIN_JWT_SECRET,
  })
  return {
    folder,
    url,
    token,
    consoleLink: `${url}/console/#session=${session}`,
    call: (path, body) => post(token, path, body),
    control: createControl(simulator.controlUrl),
    simulator,
  }
}

/** Returns an API token and a session of its first user. */
const createOrganization = async (
  post: <T>(token: string, path: string, body: unknown) => Promise<T>,
  { url, organization, bootstrap }: { url: string; organization: string; bootstrap: string },
): Promise<{ token: string; session: string }> => {
  const email = 'ada@agency.example'
  const org = await step(
    'Create an organization',
    () =>
      post<{ id: string; name: string }>(bootstrap, '/api/super-admin/orgs', {
        name: organization,
      }),
    ({ name }) => name,
    `sfx admin init ${url} --org '${organization}' --email ${email} # this, the next and the login`,
  )
  await step(
    'Create its first user',
    () =>
      post(bootstrap, '/api/super-admin/users', {
        org_id: org.id,
        email,
        password: PASSWORD,
        role: 'org_admin',
      }),
    () => email,
  )
  const { access_token: session } = await step(
    'Log in',
    () => post<{ access_token: string }>('', '/api/auth/login', { email, password: PASSWORD }),
    () => 'a session for 12 hours',
  )
  const { token } = await step(
    'Create an API token',
    () => post<{ token: string; prefix: string }>(session, '/api/tokens/create', { name: 'demo' }),
    ({ prefix }) => `${prefix}… (shown once)`,
    `sfx api /api/tokens/create -d '{"name":"demo"}'`,
  )
  return { token, session }
}
