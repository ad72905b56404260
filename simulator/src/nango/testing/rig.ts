// What the Nango simulator's tests share: a stand-in for Salesforce's OAuth endpoints, a listener for
// webhooks, and a browser for the OAuth dance.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { createNangoControl, type NangoControl } from '../control/client.ts'
import { type NangoOptions, type NangoSimulator, startNango } from '../index.ts'
import { type JsonObject } from '../store.ts'

export const SECRET_KEY = '3f1de3c4-4a7c-4c53-9d7c-0f7d5b0c2a11'
export const READ_ONLY_KEY = '9a52c1d2-50f3-4f0b-8f0e-6f0f7f3e1b22'
export const SIGNING_KEY = 'c0ffee00-1b2d-4e5f-8a9b-0123456789ab'

export interface OAuthCall {
  path: string
  form: Record<string, string>
}

/** Salesforce's authorize, token and introspect endpoints, their answers set by a test. */
export class SalesforceStandIn {
  #server: Server | undefined
  #issued = 0
  #challenges = new Map<string, string>()
  url = ''
  calls: OAuthCall[] = []
  /** The answer of introspection. */
  introspection: () => Promise<{ status: number; body: unknown }> = activeFor(2 * 60 * 60)
  /** The token endpoint's answer to a refresh, `undefined` for a new token. */
  refreshRefusal: { status: number; body: string } | undefined
  rotatedRefreshToken: string | undefined
  instanceUrl: string | undefined
  denyConsent = false
  /** Answers of the token and introspect endpoints wait for it. */
  held: Promise<void> = Promise.resolve()

  async start(): Promise<void> {
    this.#server = createServer((req, res) => {
      void this.#answer(req).then(({ status, body, location }) => {
        res.writeHead(status, {
          'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
          ...(location === undefined ? {} : { location }),
        })
        res.end(typeof body === 'string' ? body : JSON.stringify(body))
      })
    })
    this.url = await listen(this.#server)
  }

  reset(): void {
    this.calls = []
    this.introspection = activeFor(2 * 60 * 60)
    this.refreshRefusal = undefined
    this.rotatedRefreshToken = undefined
    this.instanceUrl = undefined
    this.denyConsent = false
  }

  /** Holds answers back until the returned function is called. */
  hold(): () => void {
    let release = () => {}
    this.held = new Promise((resolve) => (release = resolve))
    return release
  }

  async close(): Promise<void> {
    await closeServer(this.#server)
  }

  /** Forms posted to an endpoint, e.g. `calledWith('token')`. */
  calledWith(endpoint: 'token' | 'introspect'): Record<string, string>[] {
    return this.calls
      .filter(({ path }) => path === `/services/oauth2/${endpoint}`)
      .map(({ form }) => form)
  }

  async #answer(
    req: IncomingMessage,
  ): Promise<{ status: number; body: unknown; location?: string }> {
    const url = new URL(req.url ?? '/', this.url)
    if (url.pathname === '/services/oauth2/authorize') return this.#authorize(url.searchParams)
    if (url.pathname === '/services/data') {
      return { status: 200, body: [{ authorization: req.headers.authorization }] }
    }
    const form = Object.fromEntries(new URLSearchParams(await bodyOf(req)))
    this.calls.push({ path: url.pathname, form })
    await this.held
    if (url.pathname === '/services/oauth2/introspect') return this.introspection()
    if (url.pathname === '/services/oauth2/token') return this.#token(form)
    return { status: 404, body: 'no such endpoint' }
  }

  #authorize(query: URLSearchParams): { status: number; body: unknown; location: string } {
    const back = new URL(query.get('redirect_uri') ?? '')
    if (this.denyConsent) {
      back.searchParams.set('error', 'access_denied')
      back.searchParams.set('error_description', 'end-user denied authorization')
    } else {
      const code = `aPrx_${this.#challenges.size}`
      this.#challenges.set(code, query.get('code_challenge') ?? '')
      back.searchParams.set('code', code)
    }
    back.searchParams.set('state', query.get('state') ?? '')
    return { status: 302, body: '', location: back.href }
  }

  #token(form: Record<string, string>): { status: number; body: unknown } {
    if (form.grant_type === 'refresh_token') {
      if (this.refreshRefusal !== undefined) return this.refreshRefusal
      const rotated =
        this.rotatedRefreshToken === undefined ? {} : { refresh_token: this.rotatedRefreshToken }
      return { status: 200, body: this.#issue(rotated) }
    }
    const challenge = createHash('sha256')
      .update(form.code_verifier ?? '')
      .digest('base64url')
    if (this.#challenges.get(form.code ?? '') !== challenge) {
      const body = { error: 'invalid_grant', error_description: 'expired authorization code' }
      return { status: 400, body }
    }
    return { status: 200, body: this.#issue({ refresh_token: `5Aep861_${this.#issued}` }) }
  }

  #issue(more: JsonObject): JsonObject {
    this.#issued += 1
    return {
      access_token: `00DWs000001AbCd!AQ4_${this.#issued}`,
      ...more,
      signature: 'c2lnbmF0dXJl',
      scope: 'refresh_token api id',
      instance_url: this.instanceUrl ?? this.url,
      id: 'https://login.salesforce.com/id/00DWs000001AbCdMAK/005Ws000001XyZaIAK',
      token_type: 'Bearer',
      issued_at: '1795379673197',
    }
  }
}

export function activeFor(seconds: number): () => Promise<{ status: number; body: unknown }> {
  return async () => ({
    status: 200,
    body: { active: true, exp: Math.floor(Date.now() / 1000) + seconds },
  })
}

export interface ReceivedWebhook {
  headers: Record<string, string>
  rawBody: string
}

/** Takes webhooks; answers 200, or the statuses queued in `answers`. */
export class WebhookListener {
  #server: Server | undefined
  url = ''
  received: ReceivedWebhook[] = []
  answers: number[] = []

  async start(): Promise<void> {
    this.#server = createServer((req, res) => {
      void bodyOf(req).then((rawBody) => {
        const headers = Object.fromEntries(
          Object.entries(req.headers).map(([name, value]) => [name, String(value)]),
        )
        this.received.push({ headers, rawBody })
        res.writeHead(this.answers.shift() ?? 200).end()
      })
    })
    this.url = `${await listen(this.#server)}/webhooks/nango`
  }

  bodies(): unknown[] {
    return this.received.map(({ rawBody }) => JSON.parse(rawBody) as unknown)
  }

  close(): Promise<void> {
    return closeServer(this.#server)
  }
}

export interface Rig {
  nango: NangoSimulator
  control: NangoControl
  salesforce: SalesforceStandIn
  hook: WebhookListener
  /** A request with the full key; `key: null` sends none. */
  api(method: string, path: string, body?: unknown, key?: string | null): Promise<ApiAnswer>
  /** A Connect session with `tags`, and whatever else its body should say. */
  session(body?: JsonObject): Promise<string>
  /** Walks connect → Salesforce → callback as a browser; `query` joins the connect request. */
  dance(token: string, query?: string, integration?: string): Promise<Dance>
  /** The id of a new connection, created by the OAuth dance. */
  connect(body?: JsonObject): Promise<string>
  /** `GET /connections/{id}` with the `salesforce` key. */
  fetchConnection(id: string, query?: string): Promise<ApiAnswer>
}

export interface ApiAnswer {
  status: number
  headers: Headers
  body: JsonObject
}

export interface Dance {
  authorizeUrl: URL
  cookie: string | null
  status: number
  html: string
}

/** One simulator with its surroundings for a test file, emptied after each test. */
export function useRig(options: Partial<NangoOptions> = {}): Rig {
  const salesforce = new SalesforceStandIn()
  const hook = new WebhookListener()
  let nango: NangoSimulator | undefined
  const running = () => {
    if (nango === undefined) throw new Error('The rig runs only inside tests')
    return nango
  }

  beforeAll(async () => {
    await Promise.all([salesforce.start(), hook.start()])
    const credentials = {
      clientId: '3MVG9client',
      clientSecret: 'secret',
      scopes: 'offline_access,api',
    }
    nango = await startNango({
      hosts: { 'login.salesforce.com': salesforce.url, 'test.salesforce.com': salesforce.url },
      secretKey: SECRET_KEY,
      extraKeys: [{ key: READ_ONLY_KEY, scopes: ['environment:connections:read'] }],
      webhookSigningKey: SIGNING_KEY,
      webhookUrl: hook.url,
      integrations: [
        { key: 'salesforce', provider: 'salesforce', ...credentials },
        { key: 'salesforce-sandbox', provider: 'salesforce-sandbox', ...credentials },
      ],
      ...options,
    })
  })
  afterEach(async () => {
    // A webhook that is still under way would otherwise reach the next test.
    await until(async () =>
      (await rig.control.webhooks()).every(({ state }) => state !== 'pending'),
    )
    running().reset()
    salesforce.reset()
    hook.received = []
    hook.answers = []
  })
  afterAll(async () => {
    await nango?.close()
    await Promise.all([salesforce.close(), hook.close()])
  })

  const rig: Rig = {
    salesforce,
    hook,
    get nango() {
      return running()
    },
    get control() {
      return createNangoControl(running().url)
    },
    async api(method, path, body, key = SECRET_KEY) {
      const res = await fetch(`${running().url}${path}`, {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await res.text()
      return {
        status: res.status,
        headers: res.headers,
        body: text === '' ? {} : (JSON.parse(text) as JsonObject),
      }
    },
    async session(body = {}) {
      const answer = await rig.api('POST', '/connect/sessions', {
        tags: { client_id: 'c1' },
        ...body,
      })
      return tokenOf(answer)
    },
    async dance(token, query = '', integration = 'salesforce') {
      const start = await fetch(
        `${running().url}/oauth/connect/${integration}?connect_session_token=${token}${query}`,
        { redirect: 'manual' },
      )
      const authorizeUrl = new URL(start.headers.get('location') ?? '')
      const consent = await fetch(authorizeUrl, { redirect: 'manual' })
      const callback = await fetch(consent.headers.get('location') ?? '')
      return {
        authorizeUrl,
        cookie: start.headers.get('set-cookie'),
        status: callback.status,
        html: await callback.text(),
      }
    },
    async connect(body) {
      await rig.dance(await rig.session(body))
      const made = (await rig.control.connections()).at(-1)
      if (made === undefined) throw new Error('The dance made no connection')
      return made.connection_id
    },
    fetchConnection: (id, query = '') =>
      rig.api('GET', `/connections/${id}?provider_config_key=salesforce${query}`),
  }
  return rig
}

export function tokenOf(answer: ApiAnswer): string {
  return String((answer.body.data as JsonObject).token)
}

/** Waits for a condition, at most five seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The condition did not come true')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/**
 * A value in which everything that differs from run to run is replaced by its kind, so that the rest can
 * be compared exactly with a recorded answer.
 */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'string') return maskedText(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, masked(each)]))
}

const KINDS: [RegExp, string][] = [
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/, '<time+00:00>'],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?\+00:00$/, '<short time>'],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '<timeZ>'],
  [/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, '<uuid4>'],
  [/^\d{13}_[A-Za-z0-9_-]{8}$/, '<log id>'],
  [/^00DWs000001AbCd!AQ4_\d+$/, '<access token>'],
  [/^nango_connect_session_[0-9a-f]{64}$/, '<session token>'],
]

function maskedText(text: string): string {
  return KINDS.find(([pattern]) => pattern.test(text))?.[1] ?? text
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closeServer(server: Server | undefined): Promise<void> {
  if (server === undefined) return
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
