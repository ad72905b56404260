// A Salesforce and a Nango on local ports: the login hosts, a host for every org, Nango's API, and a
// control port with an inspector page. Built from facts about both; imports nothing of the server.

import { type FastifyInstance } from 'fastify'
import { registerControl } from './control-routes.ts'
import { startNango, type NangoSimulator } from './nango/index.ts'
import { createOrg, type NewOrg } from './org/create.ts'
import { type Org } from './org/model.ts'
import { compositeRoutes } from './salesforce/composite.ts'
import { describeRoutes } from './salesforce/describe.ts'
import { createDispatcher, type Dispatcher, type RestRoute } from './salesforce/dispatch.ts'
import { Faults } from './salesforce/faults.ts'
import { plainApp, startHost, type Call } from './salesforce/host.ts'
import { soapRoutes } from './salesforce/metadata/routes.ts'
import { registerOAuth, type Code } from './salesforce/oauth.ts'
import { routes as queryRoutes } from './salesforce/query.ts'
import { resourceRoutes } from './salesforce/resources.ts'
import { routes as toolingRoutes } from './salesforce/tooling/routes.ts'
import { seedImport } from './seeds/import.ts'
import { seedLarge } from './seeds/large.ts'
import { seedSmall } from './seeds/small.ts'

export type Seed = 'small' | { objects: number; fields: number } | { importFolder: string }

export interface SimulatorOptions {
  /** What orgs hold that do not say otherwise; default small. */
  seed?: Seed
  /** Default: a production org "Acme" and a sandbox "Acme Sandbox". */
  orgs?: (NewOrg & { seed?: Seed })[]
  /** Port of the control page; 0, the default, is any free one. All others are free ones. */
  port?: number
  /** Time that answers take: each call, and each describe on top, also inside a composite. */
  latency?: { callMs?: number; describeMs?: number }
  nango?: {
    secretKey?: string
    webhookSigningKey?: string
    webhookUrl?: string
  }
}

export interface Simulator {
  controlUrl: string
  /** Stands for login.salesforce.com. */
  loginUrl: string
  /** Stands for test.salesforce.com. */
  testLoginUrl: string
  nangoUrl: string
  nangoSecretKey: string
  nangoWebhookSigningKey: string
  orgs: { id: string; name: string; instanceUrl: string; isSandbox: boolean; usernames: string[] }[]
  close(): Promise<void>
}

/** Everything that the control routes steer. */
export interface World {
  orgs: Map<string, Org>
  faults: Faults
  journal: Call[]
  nango: NangoSimulator
  loginUrl: string
  testLoginUrl: string
  addOrg(spec: NewOrg & { seed?: Seed }): Promise<Org>
  /** Back to the state right after the start: same orgs, ids and ports, no sessions, no faults. */
  reset(): void
}

export const REST_ROUTES: readonly RestRoute[] = [
  ...resourceRoutes,
  ...describeRoutes,
  ...compositeRoutes,
  ...queryRoutes,
  ...toolingRoutes,
]
export const SOAP_ROUTES = soapRoutes

const NANGO_SECRET_KEY = '8f6f2d4a-5d0b-4c5e-9a54-0c7f8f3c9e21'
const NANGO_SIGNING_KEY = '5b1e7f4c-2f86-4c0d-8a0e-6f2f3d7c1a90'
const APP = { clientId: '3MVG9_simulated_consumer_key', clientSecret: 'simulated-consumer-secret' }
const JOURNAL_MAX = 100_000

const seedInto = (org: Org, seed: Seed): void => {
  if (seed === 'small') seedSmall(org)
  else if ('importFolder' in seed) seedImport(org, seed.importFolder)
  else seedLarge(org, seed)
}

const DEFAULT_ORGS: NewOrg[] = [
  { name: 'Acme', edition: 'Enterprise' },
  { name: 'Acme Sandbox', edition: 'Enterprise', isSandbox: true },
]

/** Starts everything and resolves when all of it listens. */
export const startSimulator = async (options: SimulatorOptions = {}): Promise<Simulator> => {
  const latency = {
    callMs: options.latency?.callMs ?? 0,
    describeMs: options.latency?.describeMs ?? 0,
  }
  const faults = new Faults()
  const dispatcher = createDispatcher({ routes: REST_ROUTES, faults, latency })
  const orgs = new Map<string, Org>()
  const journal: Call[] = []
  const codes = new Map<string, Code>()
  const servers: FastifyInstance[] = []
  let index = 0

  const urls = { production: '', sandbox: '' }
  const oauthScope = (see: (org: Org) => boolean) => ({
    identityBase: (org: Org) => (org.isSandbox ? urls.sandbox : urls.production),
    orgs: () => [...orgs.values()].filter(see),
    clients: [APP],
    codes,
  })
  const login = async (sandbox: boolean): Promise<string> => {
    const app = plainApp()
    registerOAuth(
      app,
      oauthScope((org) => org.isSandbox === sandbox),
    )
    servers.push(app)
    return app.listen({ port: 0, host: '127.0.0.1' })
  }
  urls.production = await login(false)
  urls.sandbox = await login(true)

  const specs: { spec: NewOrg & { seed?: Seed }; index: number; id: string }[] = []
  const build = (spec: NewOrg & { seed?: Seed }, at: number): Org => {
    const org = createOrg(spec, at)
    seedInto(org, spec.seed ?? options.seed ?? 'small')
    return org
  }
  const listen = (org: Org): Promise<FastifyInstance> =>
    startHost({
      org,
      oauth: oauthScope((other) => other.id === org.id),
      dispatcher: dispatcher satisfies Dispatcher,
      soap: SOAP_ROUTES,
      faults,
      latency,
      onCall: (call) => {
        journal.push(call)
        if (journal.length > JOURNAL_MAX) journal.splice(0, JOURNAL_MAX / 10)
      },
    })
  const addOrg: World['addOrg'] = async (spec) => {
    const at = index++
    const org = build(spec, at)
    orgs.set(org.id, org)
    specs.push({ spec, index: at, id: org.id })
    servers.push(await listen(org))
    return org
  }
  for (const spec of options.orgs ?? DEFAULT_ORGS) await addOrg(spec)

  const nangoSecretKey = options.nango?.secretKey ?? NANGO_SECRET_KEY
  const nangoWebhookSigningKey = options.nango?.webhookSigningKey ?? NANGO_SIGNING_KEY
  const nango = await startNango({
    hosts: { 'login.salesforce.com': urls.production, 'test.salesforce.com': urls.sandbox },
    secretKey: nangoSecretKey,
    webhookSigningKey: nangoWebhookSigningKey,
    ...(options.nango?.webhookUrl === undefined ? {} : { webhookUrl: options.nango.webhookUrl }),
    integrations: [
      { key: 'salesforce', provider: 'salesforce', ...APP, scopes: 'refresh_token,api,id' },
      {
        key: 'salesforce-sandbox',
        provider: 'salesforce-sandbox',
        ...APP,
        scopes: 'refresh_token,api,id',
      },
    ],
  })

  const world: World = {
    orgs,
    faults,
    journal,
    nango,
    loginUrl: urls.production,
    testLoginUrl: urls.sandbox,
    addOrg,
    reset: () => {
      faults.clear()
      journal.length = 0
      codes.clear()
      nango.reset()
      for (const { spec, index: at, id } of specs) {
        const org = orgs.get(id)
        // The host keeps its org: the fresh state is put into it.
        if (org !== undefined) Object.assign(org, build(spec, at), { instanceUrl: org.instanceUrl })
      }
    },
  }
  const control = plainApp()
  registerControl(control, world)
  servers.push(control)
  const controlUrl = await control.listen({ port: options.port ?? 0, host: '127.0.0.1' })

  return {
    controlUrl,
    loginUrl: urls.production,
    testLoginUrl: urls.sandbox,
    nangoUrl: nango.url,
    nangoSecretKey,
    nangoWebhookSigningKey,
    orgs: [...orgs.values()].map((org) => ({
      id: org.id,
      name: org.name,
      instanceUrl: org.instanceUrl,
      isSandbox: org.isSandbox,
      usernames: [...org.users.values()].map((user) => user.username),
    })),
    close: async () => {
      await Promise.all(servers.map((server) => server.close()))
      await nango.close()
    },
  }
}
