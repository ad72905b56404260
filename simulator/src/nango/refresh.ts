// When Nango refreshes a connection's token, and what it stores about failed refreshes.
import { randomBytes } from 'node:crypto'
import { type SalesforceOAuth, type TokenAnswer } from './salesforce-oauth.ts'
import {
  type Connection,
  credentialsFrom,
  freshRefreshState,
  type Integration,
  type NangoStore,
} from './store.ts'
import { type RefreshFaults } from './faults.ts'
import { type WebhookSender } from './webhooks.ts'

export type RefreshOutcome = { ok: true } | { ok: false; status: 400 | 424; message: string }

const DAY_MS = 24 * 60 * 60 * 1000
const BACKOFF_MS = 30_000
/** Nango's margin for Salesforce is fixed: a token with less than this to live is refreshed. */
const EXPIRY_MARGIN_MS = 15 * 60 * 1000
const MAX_FAILED_DAYS = 4

// One message for every cause: revoked grant, dead host and a 503 cannot be distinguished.
const FAILED =
  'The external API returned an error when trying to refresh the access token. Please try again later.'

/** Keeps a connection's token fresh; counts what it asked Salesforce for, per connection id. */
export class TokenRefresher {
  readonly #store: NangoStore
  readonly #salesforce: SalesforceOAuth
  readonly #webhooks: WebhookSender
  readonly #faults: RefreshFaults
  readonly #inFlight = new Map<Connection, Promise<RefreshOutcome>>()
  readonly refreshes = new Map<string, number>()
  readonly introspections = new Map<string, number>()

  constructor(
    store: NangoStore,
    salesforce: SalesforceOAuth,
    webhooks: WebhookSender,
    faults: RefreshFaults,
  ) {
    this.#store = store
    this.#salesforce = salesforce
    this.#webhooks = webhooks
    this.#faults = faults
  }

  reset(): void {
    this.refreshes.clear()
    this.introspections.clear()
  }

  /**
   * Makes sure the connection has a usable token, or says why not. With `force` it asks Salesforce for a
   * new one, in spite of back-off and exhaustion; without, only if introspection says so.
   *
   * Nango keeps one promise per connection, whatever it was started for: a forced refresh that arrives
   * during a plain fetch joins it and ends with the OLD token.
   */
  async ensureFresh(connection: Connection, force: boolean): Promise<RefreshOutcome> {
    if (!force) {
      const refusal = this.#refusalWithoutAttempt(connection)
      if (refusal !== undefined) return refusal
    }
    const joined = this.#inFlight.get(connection)
    if (joined !== undefined) return joined
    const run = this.#run(connection, force).finally(() => this.#inFlight.delete(connection))
    this.#inFlight.set(connection, run)
    return run
  }

  #refusalWithoutAttempt(connection: Connection): RefreshOutcome | undefined {
    const { exhausted, lastFailureAtMs } = connection.refreshState
    if (exhausted) {
      const message = 'The refresh limit has been reached for this connection.'
      return { ok: false, status: 424, message }
    }
    if (lastFailureAtMs !== null && this.#store.now() - lastFailureAtMs < BACKOFF_MS) {
      const message = 'A recent refresh attempt failed. Backing off before retrying.'
      return { ok: false, status: 424, message }
    }
    return undefined
  }

  async #run(connection: Connection, force: boolean): Promise<RefreshOutcome> {
    const integration = this.#store.integrations.get(connection.integrationKey)
    if (integration === undefined) return { ok: false, status: 400, message: FAILED }
    if (!force && (await this.#stillValid(connection, integration))) {
      // A good introspection ends the back-off; the listed error stays until a real refresh.
      connection.refreshState = freshRefreshState()
      return { ok: true }
    }
    const answer = await this.#refresh(connection, integration)
    if (!answer.ok) return this.#fail(connection)
    // connection_config.instance_url is left as the connect wrote it, even if raw's has changed.
    connection.credentials = credentialsFrom(answer.raw, connection.credentials.refreshToken)
    connection.errors = []
    connection.refreshState = freshRefreshState()
    connection.updatedAtMs = this.#store.now()
    connection.lastFetchedAtMs = connection.updatedAtMs
    return { ok: true }
  }

  async #stillValid(connection: Connection, integration: Integration): Promise<boolean> {
    increment(this.introspections, connection.connectionId)
    const expSeconds = await this.#salesforce.introspect(
      integration,
      connection.connectionConfig,
      connection.credentials.accessToken,
    )
    return expSeconds !== null && expSeconds * 1000 - this.#store.now() >= EXPIRY_MARGIN_MS
  }

  async #refresh(connection: Connection, integration: Integration): Promise<TokenAnswer> {
    increment(this.refreshes, connection.connectionId)
    const refusal = this.#faults.take(connection.connectionId)
    if (refusal !== undefined) return refusal
    const { refreshToken } = connection.credentials
    if (refreshToken === undefined) {
      return { ok: false, error: { name: 'Error', message: 'No refresh token available' } }
    }
    return this.#salesforce.refresh(integration, connection.connectionConfig, refreshToken)
  }

  #fail(connection: Connection): RefreshOutcome {
    const now = this.#store.now()
    const { lastFailureAtMs, failedDays } = connection.refreshState
    const sameDay =
      lastFailureAtMs !== null && Math.floor(lastFailureAtMs / DAY_MS) === Math.floor(now / DAY_MS)
    const counted = sameDay ? failedDays : failedDays + 1
    connection.refreshState = {
      failedDays: counted,
      lastFailureAtMs: now,
      exhausted: counted >= MAX_FAILED_DAYS,
    }
    const logId = `${now}_${randomBytes(6).toString('base64url')}`
    connection.errors = [{ type: 'auth', log_id: logId }]
    connection.updatedAtMs = now
    this.#webhooks.refreshFailed(connection, FAILED)
    return { ok: false, status: 400, message: FAILED }
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
