// A Salesforce and a Nango on local ports: the login hosts, a host for every org, Nango's API, and a
// control port with an inspector page. Built from facts about both; imports nothing of the server.

import { type FastifyInstance } from 'fastify'
import { runFlowsIn } from './automation/record-flows.ts'
import { registerControl } from './control/routes.ts'
import { startNango, type NangoOptions } from './nango/index.ts'
import { WebhookReceiver } from './receiver/receiver.ts'
import { createOrg } from './org/create.ts'
import { type Org } from './org/model.ts'
import { createDispatcher } from './salesforce/dispatch.ts'
import { Faults } from './salesforce/faults.ts'
import { registerElsewhere } from './salesforce/elsewhere.ts'
import { createHosts, plainApp, type Call, type Host } from './salesforce/host.ts'
import { registerOAuth, type Code, type OAuthScope } from './salesforce/oauth.ts'
import { REST_ROUTES, SOAP_ROUTES } from './salesforce/routes.ts'
import { readWorld } from './saved/file.ts'
import { createKeeper, type Keeper } from './saved/keeper.ts'
import { isBusy, isSaving, restoredOrg, savedOrg, type SavedHost } from './saved/world.ts'
import { lastingPort } from './saved/ports.ts'
import { seedInto, type Seed } from './seeds/seed.ts'
import { type OrgSpec, type World } from './world.ts'

export interface SimulatorOptions {
  /** The seed of orgs that do not name one; default small. */
  seed?: Seed
  /** Default: a production org "Acme" and a sandbox "Acme Sandbox". */
  orgs?: OrgSpec[]
  /**
   * Port of the control page; the login hosts, Nango and the orgs then take the ports after it, in
   * this order. 0, the default: any free ports, of a saved world such as stay free while it is away.
   */
  port?: number
  /**
   * The public addresses of the login hosts, behind something that provides TLS. Identities begin with
   * these: in Salesforce their ids are always https.
   */
  publicUrls?: { login?: string; testLogin?: string }
  /**
   * The time that answers take: for each call, plus for each describe and each saved row, also inside a
   * composite. A save holds its locks for that time.
   */
  latency?: { callMs?: number; describeMs?: number; saveMs?: number }
  nango?: {
    secretKey?: string
    webhookSigningKey?: string
    webhookUrl?: string
    extraKeys?: NonNullable<NangoOptions['extraKeys']>
  }
  /**
   * Saves the world in a file, soon after each change and at the end, and begins with what is saved
   * there: with the same orgs at the same ports, whatever `orgs` and `port` say. `notice` is told why a
   * file could not be read or written.
   */
  keep?: { file: string; notice: (text: string) => void }
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
  /** See `World.reset`. */
  reset(): Promise<void>
  close(): Promise<void>
}

const NANGO_SECRET_KEY = '8f6f2d4a-5d0b-4c5e-9a54-0c7f8f3c9e21'
const NANGO_SIGNING_KEY = '5b1e7f4c-2f86-4c0d-8a0e-6f2f3d7c1a90'
const APP = { clientId: '3MVG9_simulated_consumer_key', clientSecret: 'simulated-consumer-secret' }
const JOURNAL_MAX = 100_000

/** An org and the servers that answer for it. */
interface Hosted {
  org: Org
  spec: OrgSpec
  index: number
  /** Created at the start; others are gone after a reset. */
  initial: boolean
  /** The last one is where the org says that it is. */
  hosts: Host[]
}

const DEFAULT_ORGS: OrgSpec[] = [
  { name: 'Acme', edition: 'Enterprise' },
  { name: 'Acme Sandbox', edition: 'Enterprise', isSandbox: true },
]

/**
 * Starts everything and resolves when all of it listens. Rejects with EADDRINUSE if a port that `port`
 * or a saved world asks for is in use.
 */
export const startSimulator = async (options: SimulatorOptions = {}): Promise<Simulator> => {
  const { callMs = 0, describeMs = 0, saveMs = 0 } = options.latency ?? {}
  const latency = { callMs, describeMs, saveMs }
  const saved = options.keep === undefined ? null : await savedIn(options.keep)
  const faults = new Faults()
  faults.restore(saved?.faults ?? [])
  const dispatcher = createDispatcher({ routes: REST_ROUTES, faults, latency })
  const hosted = new Map<string, Hosted>()
  const orgs = new Map<string, Org>()
  const journal: Call[] = []
  const codes = new Map<string, Code>(saved?.codes)
  const servers: FastifyInstance[] = []
  const told = options.publicUrls ?? {}
  let keeper: Keeper | null = null
  const onTraffic = () => keeper?.touched()
  let lastPort = saved === null ? (options.port ?? 0) : 0
  const anyPort = async () => (options.keep === undefined ? 0 : await lastingPort())
  const nextPort = async () => (lastPort === 0 ? await anyPort() : ++lastPort)

  const control = plainApp(onTraffic)
  const urls = { production: '', sandbox: '' }
  const oauthScope = (of: () => Org[]): OAuthScope => ({
    identityBase: (org) =>
      org.isSandbox ? (told.testLogin ?? urls.sandbox) : (told.login ?? urls.production),
    orgs: of,
    clients: [APP],
    codes,
  })
  const login = async (sandbox: boolean, port: number): Promise<string> => {
    const app = plainApp(onTraffic)
    // Salesforce: sandbox users log in at test.salesforce.com, and only there.
    const scope = oauthScope(() =>
      [...orgs.values()].filter(({ isSandbox }) => isSandbox === sandbox),
    )
    registerOAuth(app, () => scope)
    registerElsewhere(app)
    servers.push(app)
    return app.listen({ port, host: '127.0.0.1' })
  }
  urls.production = await login(false, saved?.ports.login ?? (await nextPort()))
  urls.sandbox = await login(true, saved?.ports.testLogin ?? (await nextPort()))
  const nangoPort = saved?.ports.nango ?? (await nextPort())

  const build = (spec: OrgSpec, index: number): Org => {
    const org = createOrg(spec, index)
    seedInto(org, spec.seed ?? options.seed ?? 'small')
    return org
  }
  const hosts = await createHosts({
    oauth: (org) => oauthScope(() => [org]),
    dispatcher,
    soap: SOAP_ROUTES,
    faults,
    latency,
    onTraffic,
    onCall: (call) => {
      journal.push(call)
      if (journal.length > JOURNAL_MAX) journal.splice(0, JOURNAL_MAX / 10)
    },
  })
  let made = saved?.made ?? 0
  const host = async (home: Omit<Hosted, 'hosts'>, ports: readonly number[]): Promise<Org> => {
    const { org } = home
    const own: Host[] = []
    for (const port of ports) own.push(await hosts.listen(org, port))
    hosted.set(org.id, { ...home, hosts: own })
    orgs.set(org.id, org)
    return org
  }
  const hostNew = async (spec: OrgSpec, initial: boolean): Promise<Org> => {
    const index = made++
    const org = build(spec, index)
    runFlowsIn(org)
    return host({ org, spec, index, initial }, [await nextPort()])
  }
  const hostSaved = ({ org, ports, ...home }: SavedHost): Promise<Org> =>
    host({ org: restoredOrg(org), ...home }, ports)
  const closeHosts = async () => {
    const all = [...servers, ...[...hosted.values()].flatMap((home) => home.hosts)]
    await Promise.all(all.map((one) => one.close()))
  }
  try {
    if (saved === null) {
      for (const spec of options.orgs ?? DEFAULT_ORGS) await hostNew(spec, true)
    } else for (const home of saved.hosts) await hostSaved(home)
  } catch (error) {
    await closeHosts()
    throw error
  }

  const { secretKey = NANGO_SECRET_KEY, webhookSigningKey = NANGO_SIGNING_KEY } =
    options.nango ?? {}
  const nango = await startNango({
    ...options.nango,
    port: nangoPort,
    hosts: { 'login.salesforce.com': urls.production, 'test.salesforce.com': urls.sandbox },
    secretKey,
    webhookSigningKey,
    onTraffic,
    ...(saved !== null && { saved: saved.nango }),
    integrations: (['salesforce', 'salesforce-sandbox'] as const).map((name) => ({
      key: name,
      provider: name,
      ...APP,
      scopes: 'refresh_token,api,id',
    })),
  })

  const receiver = new WebhookReceiver()
  const world: World = {
    orgs,
    faults,
    journal,
    nango,
    receiver,
    loginUrl: urls.production,
    testLoginUrl: urls.sandbox,
    addOrg: (spec) => hostNew(spec, false),
    moveOrg: async (org, keepOld) => {
      const home = hosted.get(org.id)
      if (home === undefined) return
      const old = home.hosts
      home.hosts = [...(keepOld ? old : []), await hosts.listen(org, await anyPort())]
      if (!keepOld) await Promise.all(old.map((one) => one.close()))
    },
    reset: async () => {
      faults.clear()
      codes.clear()
      nango.reset()
      receiver.clear()
      for (const [id, { org, spec, index, initial, hosts: own }] of hosted) {
        if (initial) {
          startAgain(org, build(spec, index))
          continue
        }
        hosted.delete(id)
        orgs.delete(id)
        await Promise.all(own.map((one) => one.close()))
      }
      made = hosted.size
      journal.length = 0
    },
  }
  registerControl(control, world)
  servers.push(control)
  const controlUrl = await control.listen({
    port: saved?.ports.control ?? (options.port || (await anyPort())),
    host: '127.0.0.1',
  })
  const ports = {
    control: portOf(control),
    login: Number(new URL(urls.production).port),
    testLogin: Number(new URL(urls.sandbox).port),
    nango: Number(new URL(nango.url).port),
  }
  keeper =
    options.keep === undefined
      ? null
      : createKeeper({
          ...options.keep,
          state: () => ({
            hosts: [...hosted.values()].map(({ org, hosts: own, ...home }) => ({
              ...home,
              ports: own.map(({ port }) => port),
              org: savedOrg(org),
            })),
            made,
            ports,
            faults: faults.saved(),
            codes,
            nango: nango.saved(),
          }),
          isBusy: () => [...orgs.values()].some(isBusy),
          isSaving: () => [...orgs.values()].some(isSaving),
        })
  onTraffic()

  return {
    controlUrl,
    loginUrl: urls.production,
    testLoginUrl: urls.sandbox,
    nangoUrl: nango.url,
    nangoSecretKey: secretKey,
    nangoWebhookSigningKey: webhookSigningKey,
    orgs: [...orgs.values()].map((org) => ({
      id: org.id,
      name: org.name,
      instanceUrl: org.instanceUrl,
      isSandbox: org.isSandbox,
      usernames: [...org.users.values()].map((user) => user.username),
    })),
    reset: world.reset,
    close: async () => {
      receiver.clear()
      await closeHosts()
      await nango.close()
      await keeper?.close()
    },
  }
}

const portOf = ({ server }: FastifyInstance): number => {
  const address = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}

/** The world to go on with, if there is one. */
const savedIn = async ({ file, notice }: NonNullable<SimulatorOptions['keep']>) => {
  const found = await readWorld(file)
  if (found === null) return null
  if ('world' in found) return found.world
  notice(`${file} is not used: ${found.unusable}. The simulator starts with new orgs.`)
  return null
}

/** The hosts keep their org: the fresh state replaces its old one completely. */
const startAgain = (org: Org, fresh: Org): void => {
  const { instanceUrl } = org
  for (const key of Object.keys(org)) Reflect.deleteProperty(org, key)
  Object.assign(org, fresh, { instanceUrl, kept: new Map() })
  runFlowsIn(org)
}
