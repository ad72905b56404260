// How connections look in Nango's answers and webhooks.
import { type Connection, type EndUser, type JsonObject } from './store.ts'

/** `2026-11-22T20:34:34.630+00:00`, the form of single-connection answers. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+00:00')
}

/** `2026-11-22T20:34:34.63+00:00`: lists have PostgreSQL's form, without trailing zeros. */
function listTimestamp(ms: number): string {
  const local = new Date(ms).toISOString().slice(0, -1)
  return `${local.replace(/\.?0+$/, '')}+00:00`
}

/**
 * A JSON value with its object keys in the order of PostgreSQL's jsonb (shorter first, then by
 * bytes). Nango keeps tags, metadata and connection_config in jsonb columns, so callers never
 * see the order they sent.
 */
export function jsonbOrder<Value>(value: Value): Value {
  return orderKeys(value, (a, b) => a.length - b.length || (a < b ? -1 : 1)) as Value
}

/** A JSON value with its object keys in alphabetical order, as in webhook bodies. */
export function sortedKeys<Value>(value: Value): Value {
  return orderKeys(value, (a, b) => (a < b ? -1 : 1)) as Value
}

function orderKeys(value: unknown, compare: (a: string, b: string) => number): unknown {
  if (Array.isArray(value)) return value.map((each) => orderKeys(each, compare))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => compare(a, b))
      .map(([key, each]) => [key, orderKeys(each, compare)]),
  )
}

/** The part of `credentials` that an answer shows; `none` is what a key without the scope gets. */
export type CredentialsShown = 'none' | 'without_refresh_token' | 'with_refresh_token'

/** The object of `GET /connections/{id}`. */
export function connectionView(connection: Connection, shown: CredentialsShown): JsonObject {
  return {
    ...head(connection),
    connection_config: jsonbOrder(connection.connectionConfig),
    webhook_url_override: connection.webhookUrlOverride,
    created_at: timestamp(connection.createdAtMs),
    updated_at: timestamp(connection.updatedAtMs),
    last_fetched_at: timestamp(connection.lastFetchedAtMs),
    credentials: credentialsView(connection, shown),
  }
}

/** An item of `GET /connections`: no credentials, no connection_config. */
export function connectionListItem(connection: Connection): JsonObject {
  return { ...head(connection), created: listTimestamp(connection.createdAtMs) }
}

function head(connection: Connection): JsonObject {
  return {
    id: connection.row,
    connection_id: connection.connectionId,
    provider_config_key: connection.integrationKey,
    provider: connection.provider,
    errors: connection.errors,
    end_user: connection.endUser,
    tags: jsonbOrder(connection.tags),
    metadata: jsonbOrder(connection.metadata),
  }
}

function credentialsView(connection: Connection, shown: CredentialsShown): JsonObject {
  if (shown === 'none') return {}
  const { accessToken, refreshToken, raw } = connection.credentials
  const { refresh_token: rawRefreshToken, ...rawWithout } = raw
  const withRefreshToken = shown === 'with_refresh_token'
  return {
    type: 'OAUTH2',
    access_token: accessToken,
    ...(withRefreshToken && refreshToken !== undefined ? { refresh_token: refreshToken } : {}),
    raw: withRefreshToken && rawRefreshToken !== undefined ? raw : rawWithout,
  }
}

/** The `endUser` of a webhook; Nango leaves it out for connections that have tags only. */
export function endUserInWebhook(endUser: EndUser): JsonObject {
  return {
    endUserId: endUser.id,
    ...(endUser.email === null ? {} : { endUserEmail: endUser.email }),
    ...(endUser.organization === null ? {} : { organizationId: endUser.organization.id }),
    ...(endUser.tags === null ? {} : { tags: endUser.tags }),
  }
}
