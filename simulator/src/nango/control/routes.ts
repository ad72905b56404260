// The control routes of the simulator, none of them Nango's. JSON in and out, no authentication:
//
//   GET    /_sim/connections            all connections with tokens and failure state
//   POST   /_sim/connections            a connection out of nowhere (NewConnection)
//   PATCH  /_sim/connections/:id        edit tokens, config, tags, exhaustion (ConnectionEdit)
//   GET    /_sim/sessions               Connect sessions
//   POST   /_sim/sessions/expire        {token?}
//   PATCH  /_sim/settings               webhook URL, signing key, toggles, rate limit
//   GET    /_sim/faults                 faults not used up yet
//   POST   /_sim/faults                 FaultRule: answer, delay or cut the next n requests
//   DELETE /_sim/faults                 forget request and refresh faults
//   POST   /_sim/refresh-faults         RefreshRefusal: the next n refreshes fail
//   POST   /_sim/clock/advance          {ms}
//   GET    /_sim/counters               requests a route, refreshes and introspections a connection
//   GET    /_sim/journal                requests to Nango's API
//   GET    /_sim/webhooks               deliveries with their tries
//   POST   /_sim/webhooks/:id/redeliver the same body again
//   POST   /_sim/reset                  empty everything but the configuration
//
// Shapes and meaning are in client.ts, the typed client.
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type NangoContext } from '../context.ts'
import { type ControlConnection, type ControlSession, type ControlSettings } from './client.ts'
import { ERRORS, parse } from '../errors.ts'
import { type Connection, credentialsFrom, type ConnectSession, type JsonObject } from '../store.ts'

const record = z.record(z.string(), z.unknown())
const tags = z.record(z.string(), z.string())

const newConnection = z.strictObject({
  provider_config_key: z.string(),
  raw: record,
  connection_id: z.string().optional(),
  tags: tags.default({}),
  connection_config: record.optional(),
  metadata: record.nullable().default(null),
  webhook: z.boolean().default(false),
})

const connectionEdit = z.strictObject({
  tags: tags.optional(),
  raw: record.optional(),
  connection_config: record.optional(),
  refresh_token: z.string().nullable().optional(),
  exhausted: z.boolean().optional(),
})

const settings = z.strictObject({
  webhook_url: z.url().nullable().optional(),
  webhook_signing_key: z.string().min(1).optional(),
  api_keys: z.array(z.uuid({ version: 'v4' })).optional(),
  webhook_on_creation: z.boolean().optional(),
  webhook_on_refresh_error: z.boolean().optional(),
  rate_limit_per_minute: z.number().int().positive().nullable().optional(),
})

const faultRule = z.strictObject({
  path: z.string().startsWith('/'),
  method: z.string().optional(),
  times: z.number().int().positive(),
  status: z.number().int().min(200).max(599).optional(),
  body: z.unknown().optional(),
  retry_after_seconds: z.number().int().positive().optional(),
  delay_ms: z.number().int().positive().optional(),
  close: z.enum(['before', 'after']).optional(),
})

const refreshRefusal = z.strictObject({
  times: z.number().int().positive(),
  connection_id: z.string().optional(),
  status: z.number().int().default(400),
  body: z
    .unknown()
    .default({ error: 'invalid_grant', error_description: 'expired access/refresh token' }),
})

export function controlRoutes(app: FastifyInstance, ctx: NangoContext): void {
  const { gate, journal, refreshFaults, refresher, requestFaults, store, webhooks } = ctx

  app.get('/_sim/connections', () => store.allConnections.map(controlConnection))

  app.post('/_sim/connections', (req, reply) => {
    const body = parse(newConnection, req.body, 'invalid_body')
    const integration = store.integrations.get(body.provider_config_key)
    if (integration === undefined) throw ERRORS.unknownProviderConfig()
    const { instance_url } = body.raw
    const connection = store.addConnection(integration, {
      connectionId: body.connection_id,
      connectionConfig: body.connection_config ?? (instance_url ? { instance_url } : {}),
      credentials: credentialsFrom(body.raw),
      metadata: body.metadata,
      tags: body.tags,
      endUser: null,
      webhookUrlOverride: null,
    })
    if (body.webhook) webhooks.connectionCreated(connection)
    return reply.status(201).send(controlConnection(connection))
  })

  app.patch('/_sim/connections/:id', (req) => {
    const id = idOf(req)
    const connection = store.connections().find((each) => each.connectionId === id)
    if (connection === undefined) throw ERRORS.connectionNotFound()
    edit(connection, parse(connectionEdit, req.body, 'invalid_body'))
    return controlConnection(connection)
  })

  app.get('/_sim/sessions', () => store.sessions.map((session) => controlSession(session, store)))

  app.post('/_sim/sessions/expire', (req) => {
    const { token } = parse(
      z.strictObject({ token: z.string().optional() }),
      req.body ?? {},
      'invalid_body',
    )
    const ended = store.sessions.filter((each) => token === undefined || each.token === token)
    for (const session of ended) session.expiresAtMs = store.now()
    return { expired: ended.length }
  })

  app.patch('/_sim/settings', (req) => {
    const body = parse(settings, req.body, 'invalid_body')
    const now = webhooks.settings
    if (body.webhook_url !== undefined) now.url = body.webhook_url
    now.signingKey = body.webhook_signing_key ?? now.signingKey
    now.onCreation = body.webhook_on_creation ?? now.onCreation
    now.onRefreshError = body.webhook_on_refresh_error ?? now.onRefreshError
    if (body.api_keys !== undefined) {
      gate.keys = body.api_keys.map((key) => ({ key, scopes: ['environment:*'] }))
    }
    if (body.rate_limit_per_minute !== undefined) {
      gate.rateLimitPerMinute = body.rate_limit_per_minute
    }
    const result: Required<ControlSettings> = {
      webhook_url: now.url,
      webhook_signing_key: now.signingKey,
      api_keys: gate.keys.map(({ key }) => key),
      webhook_on_creation: now.onCreation,
      webhook_on_refresh_error: now.onRefreshError,
      rate_limit_per_minute: gate.rateLimitPerMinute,
    }
    return result
  })

  app.get('/_sim/faults', () => requestFaults.pending)
  app.post('/_sim/faults', (req) => {
    requestFaults.add(parse(faultRule, req.body, 'invalid_body'))
    return requestFaults.pending
  })
  app.delete('/_sim/faults', () => {
    requestFaults.reset()
    refreshFaults.reset()
    return requestFaults.pending
  })

  app.post('/_sim/refresh-faults', (req) => {
    refreshFaults.add(parse(refreshRefusal, req.body, 'invalid_body'))
    return { accepted: true }
  })

  app.post('/_sim/clock/advance', (req) => {
    store.advanceClock(parse(z.strictObject({ ms: z.number() }), req.body, 'invalid_body').ms)
    return { now: new Date(store.now()).toISOString() }
  })

  app.get('/_sim/counters', () => ({
    requests: journal.counts,
    refreshes: Object.fromEntries(refresher.refreshes),
    introspections: Object.fromEntries(refresher.introspections),
  }))

  app.get('/_sim/journal', () => journal.entries)
  app.get('/_sim/webhooks', () => webhooks.deliveries)

  app.post('/_sim/webhooks/:id/redeliver', (req) => {
    const delivery = webhooks.redeliver(idOf(req))
    if (delivery === undefined) throw ERRORS.unknownRoute(req.method, req.url)
    return delivery
  })

  app.post('/_sim/reset', () => {
    ctx.reset()
    return { reset: true }
  })
}

function controlSession(session: ConnectSession, store: NangoContext['store']): ControlSession {
  const { reconnectsRow } = session
  return {
    token: session.token,
    expires_at: new Date(session.expiresAtMs).toISOString(),
    tags: session.tags,
    allowed_integrations: session.allowedIntegrations,
    integrations_config_defaults: session.defaults,
    webhook_url_override: session.webhookUrlOverride,
    reconnects_connection_id:
      reconnectsRow === null
        ? null
        : (store.allConnections.find((each) => each.row === reconnectsRow)?.connectionId ?? null),
  }
}

function edit(connection: Connection, change: z.output<typeof connectionEdit>): void {
  connection.tags = change.tags ?? connection.tags
  connection.connectionConfig = merged(connection.connectionConfig, change.connection_config)
  if (change.raw !== undefined) {
    connection.credentials = credentialsFrom(
      merged(connection.credentials.raw, change.raw),
      connection.credentials.refreshToken,
    )
  }
  if (change.refresh_token !== undefined) {
    connection.credentials.refreshToken = change.refresh_token ?? undefined
  }
  connection.refreshState.exhausted = change.exhausted ?? connection.refreshState.exhausted
}

function merged(before: JsonObject, change: JsonObject = {}): JsonObject {
  const after = { ...before, ...change }
  return Object.fromEntries(Object.entries(after).filter(([, value]) => value !== null))
}

function idOf(req: FastifyRequest): string {
  return z.object({ id: z.string() }).parse(req.params).id
}

function controlConnection(connection: Connection): ControlConnection {
  const { credentials, refreshState } = connection
  return {
    id: connection.row,
    connection_id: connection.connectionId,
    provider_config_key: connection.integrationKey,
    tags: connection.tags,
    metadata: connection.metadata,
    end_user: connection.endUser,
    connection_config: connection.connectionConfig,
    webhook_url_override: connection.webhookUrlOverride,
    access_token: credentials.accessToken ?? null,
    refresh_token: credentials.refreshToken ?? null,
    raw: credentials.raw,
    errors: connection.errors,
    failed_days: refreshState.failedDays,
    last_failure_at: isoOrNull(refreshState.lastFailureAtMs),
    exhausted: refreshState.exhausted,
    deleted_at: isoOrNull(connection.deletedAtMs),
  }
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
