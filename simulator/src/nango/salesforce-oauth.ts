// Nango as an OAuth client of Salesforce: where the endpoints are, and the three calls it makes.
import { createHash } from 'node:crypto'
import { type Integration, type JsonObject } from './store.ts'

/** Whether a token call returned a token; failures contain what Nango puts into logs and webhooks. */
export type TokenAnswer = { ok: true; raw: JsonObject } | { ok: false; error: TokenError }

export interface TokenError {
  name: 'Error'
  message: string
  provider_error_payload?: unknown
}

const REQUEST_TIMEOUT_MS = 20_000
const DEFAULT_HOST: Record<Integration['provider'], string> = {
  salesforce: 'login.salesforce.com',
  'salesforce-sandbox': 'test.salesforce.com',
}

/** Reaches Salesforce's real host names through a map, so that local stand-ins answer for them. */
export class SalesforceOAuth {
  readonly #hosts: Record<string, string>

  constructor(hosts: Record<string, string>) {
    this.#hosts = hosts
  }

  /**
   * The origin for a host name: its entry in the hosts map, plain http for loopback, else https. The
   * name is inserted unchecked, as Nango does: it ignores the pattern in its providers.yaml.
   */
  originOf(hostname: string): string {
    const mapped = this.#hosts[hostname]
    if (mapped !== undefined) return mapped.replace(/\/$/, '')
    const loopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(hostname)
    return `${loopback ? 'http' : 'https'}://${hostname}`
  }

  /** A URL as it is called, its host looked up in the hosts map. */
  reachable(url: string): string {
    const { host, origin } = new URL(url)
    const mapped = this.#hosts[host]
    return mapped === undefined ? url : url.replace(origin, mapped.replace(/\/$/, ''))
  }

  /** Nango's host rule: `connection_config.hostname` if it says anything, else the provider's. */
  loginOrigin(integration: Integration, connectionConfig: JsonObject): string {
    const hostname = connectionConfig.hostname
    return this.originOf(
      typeof hostname === 'string' && hostname !== ''
        ? hostname
        : DEFAULT_HOST[integration.provider],
    )
  }

  /** Where the browser is sent: code flow with PKCE (S256). */
  authorizeUrl(request: {
    integration: Integration
    connectionConfig: JsonObject
    redirectUri: string
    state: string
    codeVerifier: string
    authorizationParams: Record<string, string>
  }): string {
    const { integration, connectionConfig } = request
    const override = connectionConfig.oauth_scopes_override
    const scopes = typeof override === 'string' && override !== '' ? override : integration.scopes
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: integration.clientId,
      redirect_uri: request.redirectUri,
      scope: scopes.split(',').join(' '),
      state: request.state,
      // Nango's `salesforce` provider asks for consent each time, `salesforce-sandbox` does not.
      ...(integration.provider === 'salesforce' ? { prompt: 'consent' } : {}),
      ...request.authorizationParams,
      code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const origin = this.loginOrigin(integration, connectionConfig)
    return `${origin}/services/oauth2/authorize?${query.toString()}`
  }

  exchangeCode(
    integration: Integration,
    connectionConfig: JsonObject,
    grant: { code: string; redirectUri: string; codeVerifier: string },
  ): Promise<TokenAnswer> {
    return this.#token(integration, connectionConfig, {
      grant_type: 'authorization_code',
      code: grant.code,
      redirect_uri: grant.redirectUri,
      code_verifier: grant.codeVerifier,
    })
  }

  refresh(
    integration: Integration,
    connectionConfig: JsonObject,
    refreshToken: string,
  ): Promise<TokenAnswer> {
    return this.#token(integration, connectionConfig, {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
    })
  }

  /**
   * Seconds since the epoch at which Salesforce says the token ends, or `null` for everything that
   * Nango reads as "expired": inactive, no `exp`, a refusal, no answer, no instance URL.
   */
  async introspect(
    integration: Integration,
    connectionConfig: JsonObject,
    accessToken: string | undefined,
  ): Promise<number | null> {
    try {
      // Nango introspects at the instance URL of the connect, not of the last token response.
      const url = `${String(connectionConfig.instance_url)}/services/oauth2/introspect`
      const res = await this.#post(url, {
        token: accessToken ?? '',
        client_id: integration.clientId,
        client_secret: integration.clientSecret,
        token_type_hint: 'access_token',
      })
      const answer = (await res.json()) as { active?: unknown; exp?: unknown }
      if (!res.ok || answer.active !== true || typeof answer.exp !== 'number') return null
      return answer.exp
    } catch {
      return null
    }
  }

  async #token(
    integration: Integration,
    connectionConfig: JsonObject,
    grant: Record<string, string>,
  ): Promise<TokenAnswer> {
    const url = `${this.loginOrigin(integration, connectionConfig)}/services/oauth2/token`
    try {
      const res = await this.#post(url, {
        ...grant,
        client_id: integration.clientId,
        client_secret: integration.clientSecret,
      })
      const body = parseJson(await res.text())
      if (res.ok && isObject(body) && typeof body.access_token === 'string') {
        return { ok: true, raw: body }
      }
      const message = `Response Error: ${res.status} ${res.statusText}`
      return { ok: false, error: { name: 'Error', message, provider_error_payload: body } }
    } catch (error) {
      return { ok: false, error: { name: 'Error', message: networkMessage(error) } }
    }
  }

  #post(url: string, form: Record<string, string>): Promise<Response> {
    return fetch(this.reachable(url), {
      method: 'POST',
      body: new URLSearchParams(form),
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return body
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `fetch` hides the reason of a failed connection in `cause`. */
export function networkMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
