// The state of a Nango environment: integrations, connections, Connect sessions, running OAuth attempts,
// and their common clock.
import { randomBytes, randomUUID } from 'node:crypto'

export type JsonObject = Record<string, unknown>
export type Tags = Record<string, string>

export interface Integration {
  /** Nango calls it `provider_config_key`, `integration_id` or `unique_key`, depending on the route. */
  key: string
  provider: 'salesforce' | 'salesforce-sandbox'
  clientId: string
  clientSecret: string
  /** Comma separated, as Nango stores it. */
  scopes: string
}

export interface EndUser {
  id: string
  display_name: string | null
  email: string | null
  tags: Tags | null
  organization: { id: string; display_name: string | null } | null
}

export interface IntegrationDefaults {
  user_scopes?: string | undefined
  authorization_params?: Record<string, string> | undefined
  connection_config?: JsonObject | undefined
}

/** What a session gives to the connection that it creates or updates. */
export interface ConnectionIntent {
  tags: Tags
  endUser: EndUser | null
  webhookUrlOverride: string | null
}

export interface ConnectSession extends ConnectionIntent {
  token: string
  expiresAtMs: number
  allowedIntegrations: string[] | null
  defaults: Record<string, IntegrationDefaults>
  /** Row id of the connection that a reconnect session is bound to. */
  reconnectsRow: number | null
}

/** One browser on its way through Salesforce's consent page. */
export interface OAuthAttempt extends ConnectionIntent {
  state: string
  integrationKey: string
  /** Chosen before the outcome is known: failed-creation webhooks carry an id that never exists. */
  connectionId: string
  reconnectsRow: number | null
  connectionConfig: JsonObject
  codeVerifier: string
}

export interface Credentials {
  accessToken: string | undefined
  refreshToken: string | undefined
  /** The last token response, as it came. */
  raw: JsonObject
}

export interface Connection extends ConnectionIntent {
  /** Nango's row number, `id` in its answers. */
  row: number
  connectionId: string
  integrationKey: string
  provider: string
  metadata: JsonObject | null
  connectionConfig: JsonObject
  createdAtMs: number
  updatedAtMs: number
  lastFetchedAtMs: number
  /** Nango deletes softly: the row and its credentials stay for 31 days. */
  deletedAtMs: number | null
  credentials: Credentials
  errors: { type: 'auth'; log_id: string }[]
  /** `failedDays` counts UTC days with at least one failed refresh since the last good one. */
  refreshState: { failedDays: number; lastFailureAtMs: number | null; exhausted: boolean }
}

/** What of an environment outlives a restart; the integrations are configuration. */
export interface SavedStore {
  clockOffsetMs: number
  lastRow: number
  connections: Connection[]
  sessions: Map<string, ConnectSession>
  attempts: Map<string, OAuthAttempt>
}

export const SESSION_TTL_MS = 30 * 60 * 1000

/** The state of one Nango environment; `reset` empties it but keeps the integrations. */
export class NangoStore {
  readonly integrations: Map<string, Integration>
  #clockOffsetMs = 0
  #lastRow = 0
  #connections: Connection[] = []
  #sessions = new Map<string, ConnectSession>()
  #attempts = new Map<string, OAuthAttempt>()

  constructor(integrations: Integration[]) {
    this.integrations = new Map(integrations.map((each) => [each.key, each]))
  }

  /** Nango's wall clock in epoch milliseconds: the machine's, plus what `advanceClock` added. */
  now(): number {
    return Date.now() + this.#clockOffsetMs
  }

  advanceClock(ms: number): void {
    this.#clockOffsetMs += ms
  }

  reset(): void {
    this.#clockOffsetMs = 0
    this.#lastRow = 0
    this.#connections = []
    this.#sessions.clear()
    this.#attempts.clear()
  }

  saved(): SavedStore {
    return {
      clockOffsetMs: this.#clockOffsetMs,
      lastRow: this.#lastRow,
      connections: this.#connections,
      sessions: this.#sessions,
      attempts: this.#attempts,
    }
  }

  /** Takes over what `saved` returned, in a later process. */
  restore({ clockOffsetMs, lastRow, connections, sessions, attempts }: SavedStore): void {
    this.#clockOffsetMs = clockOffsetMs
    this.#lastRow = lastRow
    this.#connections = connections
    this.#sessions = sessions
    this.#attempts = attempts
  }

  /** All rows, soft-deleted ones too, oldest first. */
  get allConnections(): readonly Connection[] {
    return this.#connections
  }

  /** Living connections, newest first: the order of Nango's own list. */
  connections(): Connection[] {
    return this.#connections.filter((each) => each.deletedAtMs === null).reverse()
  }

  findConnection(integrationKey: string, connectionId: string): Connection | undefined {
    return this.connections().find(
      (each) => each.integrationKey === integrationKey && each.connectionId === connectionId,
    )
  }

  connectionByRow(row: number): Connection | undefined {
    return this.connections().find((each) => each.row === row)
  }

  addConnection(
    integration: Integration,
    seed: ConnectionIntent & {
      connectionId?: string | undefined
      connectionConfig: JsonObject
      credentials: Credentials
      metadata: JsonObject | null
    },
  ): Connection {
    const now = this.now()
    this.#lastRow += 1
    const connection: Connection = {
      ...seed,
      row: this.#lastRow,
      connectionId: seed.connectionId ?? randomUUID(),
      integrationKey: integration.key,
      provider: integration.provider,
      createdAtMs: now,
      updatedAtMs: now,
      lastFetchedAtMs: now,
      deletedAtMs: null,
      errors: [],
      refreshState: freshRefreshState(),
    }
    this.#connections.push(connection)
    return connection
  }

  addSession(seed: Omit<ConnectSession, 'token' | 'expiresAtMs'>): ConnectSession {
    const session = {
      ...seed,
      token: `nango_connect_session_${randomBytes(32).toString('hex')}`,
      expiresAtMs: this.now() + SESSION_TTL_MS,
    }
    this.#sessions.set(session.token, session)
    return session
  }

  get sessions(): ConnectSession[] {
    return [...this.#sessions.values()]
  }

  /** The session of a token while it lives. Using it does not end it. */
  liveSession(token: string): ConnectSession | undefined {
    const session = this.#sessions.get(token)
    return session !== undefined && session.expiresAtMs > this.now() ? session : undefined
  }

  deleteSession(token: string): void {
    this.#sessions.delete(token)
  }

  addAttempt(attempt: OAuthAttempt): void {
    this.#attempts.set(attempt.state, attempt)
  }

  /** Returns an attempt once: a second callback with the same state finds nothing. */
  takeAttempt(state: string): OAuthAttempt | undefined {
    const attempt = this.#attempts.get(state)
    this.#attempts.delete(state)
    return attempt
  }
}

export function freshRefreshState(): Connection['refreshState'] {
  return { failedDays: 0, lastFailureAtMs: null, exhausted: false }
}

/** Splits a Salesforce token response into what Nango keeps apart. */
export function credentialsFrom(raw: JsonObject, keptRefreshToken?: string): Credentials {
  return {
    accessToken: text(raw.access_token),
    // A refresh response has a refresh token only if the app rotates them; otherwise the old one stays
    // in use.
    refreshToken: text(raw.refresh_token) ?? keptRefreshToken,
    raw,
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
