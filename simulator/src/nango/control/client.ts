// The typed client of the simulator's control routes (`/_sim/*`), for tests and the demo.
import { type FaultRule } from '../faults.ts'
import { type JournalEntry } from '../journal.ts'
import { type EndUser, type JsonObject, type Tags } from '../store.ts'
import { type WebhookDelivery } from '../webhooks.ts'

/**
 * A connection with everything that Nango stores about it, including its refresh token and failure
 * state.
 */
export interface ControlConnection {
  id: number
  connection_id: string
  provider_config_key: string
  tags: Tags
  metadata: JsonObject | null
  end_user: EndUser | null
  connection_config: JsonObject
  webhook_url_override: string | null
  access_token: string | null
  refresh_token: string | null
  raw: JsonObject
  errors: { type: 'auth'; log_id: string }[]
  failed_days: number
  last_failure_at: string | null
  exhausted: boolean
  deleted_at: string | null
}

/** A connection without an OAuth dance: any tags, any token response, including hostile ones. */
export interface NewConnection {
  provider_config_key: string
  /** The token response as if Salesforce had sent it (`id`, `instance_url`, tokens …). */
  raw: JsonObject
  connection_id?: string
  tags?: Tags
  /** Default: `instance_url` of `raw`, as a connect would write it. */
  connection_config?: JsonObject
  metadata?: JsonObject | null
  /** Also send the creation webhook. */
  webhook?: boolean
}

/** A change behind Nango's back. In `raw` and `connection_config`, `null` removes a key. */
export interface ConnectionEdit {
  tags?: Tags
  raw?: JsonObject
  connection_config?: JsonObject
  refresh_token?: string | null
  exhausted?: boolean
}

export interface ControlSettings {
  webhook_url?: string | null
  webhook_signing_key?: string
  /** The API keys that are valid from now on, each with all scopes. */
  api_keys?: string[]
  webhook_on_creation?: boolean
  webhook_on_refresh_error?: boolean
  /** `null`: count and show, never refuse. */
  rate_limit_per_minute?: number | null
}

export interface RefreshRefusal {
  times: number
  /** Default: any connection. */
  connection_id?: string
  /** Default: 400 with `invalid_grant`, an ended grant. */
  status?: number
  body?: unknown
}

export interface ControlSession {
  token: string
  expires_at: string
  tags: Tags
  allowed_integrations: string[] | null
  integrations_config_defaults: JsonObject
  webhook_url_override: string | null
  reconnects_connection_id: string | null
}

export interface Counters {
  /** Per `METHOD /route/:pattern`. */
  requests: Record<string, number>
  /** Refresh attempts per connection id, refused ones included. */
  refreshes: Record<string, number>
  introspections: Record<string, number>
}

export type NangoControl = ReturnType<typeof createNangoControl>

/** A client of the simulator at `url`; every method throws on an answer that is not 2xx. */
export function createNangoControl(url: string) {
  async function call<Result>(method: string, path: string, body?: unknown): Promise<Result> {
    const res = await fetch(`${url}/_sim${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} /_sim${path}: ${res.status} ${text}`)
    return JSON.parse(text) as Result
  }

  return {
    /** Every connection ever made since the last reset, deleted ones too, oldest first. */
    connections: () => call<ControlConnection[]>('GET', '/connections'),
    createConnection: (body: NewConnection) =>
      call<ControlConnection>('POST', '/connections', body),
    editConnection: (connectionId: string, edit: ConnectionEdit) =>
      call<ControlConnection>('PATCH', `/connections/${encodeURIComponent(connectionId)}`, edit),

    sessions: () => call<ControlSession[]>('GET', '/sessions'),
    /** Ends one Connect session now, or all of them. */
    expireSessions: (token?: string) =>
      call<{ expired: number }>('POST', '/sessions/expire', { token }),

    /** Webhook URL and toggles, signing and API keys (rotation), rate limit; only given members change. */
    configure: (settings: ControlSettings) =>
      call<Required<ControlSettings>>('PATCH', '/settings', settings),

    /** See `FaultRule`; faults wait until requests use them up or `clearFaults`. */
    addFault: (rule: FaultRule) => call<FaultRule[]>('POST', '/faults', rule),
    clearFaults: () => call<FaultRule[]>('DELETE', '/faults'),
    /** The next `times` refreshes fail; Salesforce is not asked. */
    refuseRefresh: (refusal: RefreshRefusal) =>
      call<{ accepted: true }>('POST', '/refresh-faults', refusal),

    /** Moves Nango's clock: sessions, back-off, failure days, rate-limit window, token expiry. */
    advanceClock: (ms: number) => call<{ now: string }>('POST', '/clock/advance', { ms }),

    counters: () => call<Counters>('GET', '/counters'),
    /** Requests to Nango's API, oldest first; without those to `/_sim`. */
    journal: () => call<JournalEntry[]>('GET', '/journal'),

    webhooks: () => call<WebhookDelivery[]>('GET', '/webhooks'),
    /** Sends a webhook once more, signed with the current key. */
    redeliverWebhook: (id: string) =>
      call<WebhookDelivery>('POST', `/webhooks/${encodeURIComponent(id)}/redeliver`, {}),

    reset: () => call<{ reset: true }>('POST', '/reset', {}),
  }
}
