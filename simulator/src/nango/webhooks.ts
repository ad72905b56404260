// Nango's auth webhooks: what is sent when, how it is signed, how often it is tried.
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { networkMessage } from './salesforce-oauth.ts'
import { type Connection, type Integration, type JsonObject } from './store.ts'
import { endUserInWebhook, sortedKeys } from './views.ts'

export interface WebhookSettings {
  /** No URL, no webhooks (a connection's `webhook_url_override` replaces it). */
  url: string | null
  signingKey: string
  onCreation: boolean
  onRefreshError: boolean
}

/** One webhook and its outcome, for tests to wait on. */
export interface WebhookDelivery {
  id: string
  url: string
  raw_body: string
  headers: Record<string, string>
  /** A status, or the network error, for each try. */
  attempts: (number | string)[]
  state: 'pending' | 'delivered' | 'failed'
}

const ATTEMPTS = 3
const FIRST_RETRY_MS = 100
const TIMEOUT_MS = 20_000

/** Sends webhooks in the background of the request that caused them; only `close` waits for them. */
export class WebhookSender {
  readonly settings: WebhookSettings
  readonly #running = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  #deliveries: WebhookDelivery[] = []

  constructor(settings: WebhookSettings) {
    this.settings = settings
  }

  get deliveries(): readonly WebhookDelivery[] {
    return this.#deliveries
  }

  reset(): void {
    this.#deliveries = []
  }

  connectionCreated(connection: Connection): void {
    if (!this.settings.onCreation) return
    this.#send(connection.webhookUrlOverride, this.#success(connection, 'creation'))
  }

  /** A reconnect is announced whatever the toggles say, as long as there is a URL. */
  connectionOverridden(connection: Connection): void {
    this.#send(connection.webhookUrlOverride, this.#success(connection, 'override'))
  }

  /**
   * A dance that failed. Nango calls it `creation` even for a reconnect, and leaves the tags out:
   * only the id of a reconnect can be recognised.
   */
  connectionFailed(
    integration: Integration,
    connectionId: string,
    error: { type: string; description: string },
    urlOverride: string | null,
  ): void {
    if (!this.settings.onCreation) return
    this.#send(urlOverride, {
      ...payload(integration.key, integration.provider, connectionId),
      operation: 'creation',
      success: false,
      error,
    })
  }

  refreshFailed(connection: Connection, description: string): void {
    if (!this.settings.onRefreshError) return
    this.#send(connection.webhookUrlOverride, {
      ...this.#success(connection, 'refresh'),
      success: false,
      error: { type: 'refresh_token_external_error', description },
    })
  }

  /** Sends an earlier webhook once more: same body, and no event id to distinguish the two. */
  redeliver(id: string): WebhookDelivery | undefined {
    const earlier = this.#deliveries.find((each) => each.id === id)
    return earlier === undefined ? undefined : this.#post(earlier.url, earlier.raw_body)
  }

  /** Drops the tries still waiting and resolves when no webhook is under way. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  #success(connection: Connection, operation: string): JsonObject {
    return {
      ...payload(connection.integrationKey, connection.provider, connection.connectionId),
      operation,
      success: true,
      tags: connection.tags,
      ...(connection.endUser === null ? {} : { endUser: endUserInWebhook(connection.endUser) }),
    }
  }

  #send(urlOverride: string | null, body: JsonObject): void {
    const url = urlOverride ?? this.settings.url
    if (url !== null) this.#post(url, JSON.stringify(sortedKeys(body)))
  }

  #post(url: string, rawBody: string): WebhookDelivery {
    const { signingKey } = this.settings
    const delivery: WebhookDelivery = {
      id: randomUUID(),
      url,
      raw_body: rawBody,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'nango/0.71.4 (simulator)',
        'x-nango-signature': createHash('sha256').update(`${signingKey}${rawBody}`).digest('hex'),
        'x-nango-hmac-sha256': createHmac('sha256', signingKey).update(rawBody).digest('hex'),
      },
      attempts: [],
      state: 'pending',
    }
    this.#deliveries.push(delivery)
    const run = this.#deliver(delivery).finally(() => this.#running.delete(run))
    this.#running.add(run)
    return delivery
  }

  /** Network errors and 5xx are tried three times; every other status is final. */
  async #deliver(delivery: WebhookDelivery): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const outcome = await this.#attempt(delivery)
      delivery.attempts.push(outcome)
      if (typeof outcome === 'number' && outcome < 500) {
        delivery.state = outcome < 300 ? 'delivered' : 'failed'
        return
      }
      if (attempt < ATTEMPTS) await this.#pause(FIRST_RETRY_MS * 2 ** (attempt - 1))
      if (this.#stop.signal.aborted) break
    }
    delivery.state = 'failed'
  }

  async #attempt(delivery: WebhookDelivery): Promise<number | string> {
    try {
      const res = await fetch(delivery.url, {
        method: 'POST',
        headers: delivery.headers,
        body: delivery.raw_body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      await res.body?.cancel()
      return res.status
    } catch (error) {
      return networkMessage(error)
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#stop.signal.addEventListener('abort', done, { once: true })
    })
  }
}

function payload(integrationKey: string, provider: string, connectionId: string): JsonObject {
  return {
    from: 'nango',
    type: 'auth',
    connectionId,
    providerConfigKey: integrationKey,
    provider,
    environment: 'prod',
    authMode: 'OAUTH2',
  }
}
