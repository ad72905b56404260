// The connections resource: fetch (and refresh), list, change, import, delete.
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { hasScope } from './auth.ts'
import { type NangoContext } from './context.ts'
import { ERRORS, parse } from './errors.ts'
import {
  connectionParams,
  connectionQuery,
  identityOf,
  importBody,
  listQuery,
  metadataBody,
  patchBody,
  providerConfigQuery,
} from './schemas.ts'
import { type Connection, credentialsFrom, freshRefreshState, type JsonObject } from './store.ts'
import { connectionListItem, connectionView } from './views.ts'

const DEFAULT_LIMIT = 10_000

export function connectionRoutes(app: FastifyInstance, ctx: NangoContext): void {
  routesToRead(app, ctx)
  routesToImport(app, ctx)
  routesToChange(app, ctx)
  metadataRoutes(app, ctx)
}

function routesToRead(app: FastifyInstance, { gate, refresher, store }: NangoContext): void {
  app.get('/connections', (req, reply) => {
    gate.apiKey(req, reply, 'environment:connections:list')
    const query = parse(listQuery, req.query, 'invalid_query_params')
    const limit = query.limit ?? DEFAULT_LIMIT
    const start = (query.page ?? 0) * limit
    const found = store.connections().filter((each) => isListed(each, query))
    return { connections: found.slice(start, start + limit).map(connectionListItem) }
  })

  app.get('/connections/:connectionId', fetchConnection)
  // Deprecated since August 2025, still served by 0.71.
  app.get('/connection/:connectionId', fetchConnection)

  async function fetchConnection(req: FastifyRequest, reply: FastifyReply): Promise<JsonObject> {
    const key = gate.apiKey(
      req,
      reply,
      'environment:connections:read',
      'environment:connections:read_credentials',
    )
    const { connectionId } = parse(connectionParams, req.params, 'invalid_uri_params')
    const query = parse(connectionQuery, req.query, 'invalid_query_params')
    const force = query.force_refresh === 'true'
    const withRefreshToken = query.refresh_token === 'true'
    const mayReadCredentials = hasScope(key, 'environment:connections:read_credentials')
    if (!mayReadCredentials && (force || withRefreshToken)) throw ERRORS.credentialsScope()
    if (!store.integrations.has(query.provider_config_key)) throw ERRORS.unknownProviderConfig()
    const connection = store.findConnection(query.provider_config_key, connectionId)
    if (connection === undefined) throw ERRORS.connectionNotFound()

    const { lastFetchedAtMs, updatedAtMs } = connection
    connection.lastFetchedAtMs = store.now()
    // Silently: a key that may not read credentials gets a 200 without any, and no token is checked.
    if (!mayReadCredentials) return connectionView(connection, 'none')
    const outcome = await refresher.ensureFresh(connection, force)
    if (!outcome.ok) {
      // The failure shows the times of the row as it was read, but the new error.
      const asRead = { ...connection, lastFetchedAtMs, updatedAtMs }
      throw ERRORS.invalidCredentials(
        outcome.status,
        outcome.message,
        connectionView(asRead, 'none'),
      )
    }
    return connectionView(
      connection,
      withRefreshToken ? 'with_refresh_token' : 'without_refresh_token',
    )
  }
}

function routesToImport(app: FastifyInstance, { gate, store, webhooks }: NangoContext): void {
  app.post('/connections', (req, reply) => {
    gate.apiKey(req, reply, 'environment:connections:create')
    const body = parse(importBody, req.body, 'invalid_body')
    const integration = store.integrations.get(body.provider_config_key)
    if (integration === undefined) throw ERRORS.unknownProviderConfig()
    const seed = {
      ...identityOf(body),
      connectionConfig: body.connection_config ?? {},
      credentials: credentialsFrom(body.credentials),
      metadata: body.metadata ?? {},
      webhookUrlOverride: body.webhook_url_override ?? null,
    }
    const existing =
      body.connection_id === undefined
        ? undefined
        : store.findConnection(integration.key, body.connection_id)
    let connection: Connection
    if (existing === undefined) {
      connection = store.addConnection(integration, { ...seed, connectionId: body.connection_id })
      webhooks.connectionCreated(connection)
    } else {
      connection = Object.assign(existing, seed, {
        errors: [],
        refreshState: freshRefreshState(),
      })
      webhooks.connectionOverridden(connection)
    }
    const view = connectionView(connection, 'with_refresh_token')
    // Only the response of the import has times with a Z.
    for (const field of ['created_at', 'updated_at', 'last_fetched_at']) {
      view[field] = String(view[field]).replace('+00:00', 'Z')
    }
    return reply.status(201).send(view)
  })
}

function routesToChange(app: FastifyInstance, { gate, store }: NangoContext): void {
  app.patch('/connections/:connectionId', (req, reply) => {
    gate.apiKey(req, reply, 'environment:connections:update')
    const body = parse(patchBody, req.body, 'invalid_body')
    const found = connectionToChange(req)
    if (found === undefined) throw ERRORS.connectionNotFound()
    if (body.tags !== undefined || body.end_user !== undefined) {
      const { tags, endUser } = identityOf(body)
      found.tags = tags
      found.endUser = endUser ?? found.endUser
    }
    if (body.webhook_url_override !== undefined) {
      found.webhookUrlOverride = body.webhook_url_override
    }
    return { success: true }
  })

  app.delete('/connections/:connectionId', (req, reply) => {
    gate.apiKey(req, reply, 'environment:connections:delete')
    const found = connectionToChange(req)
    if (found === undefined) throw ERRORS.unknownConnectionOnDelete()
    // Soft, silent and local: no revocation at Salesforce, no webhook.
    found.deletedAtMs = store.now()
    return { success: true }
  })

  function connectionToChange(req: FastifyRequest): Connection | undefined {
    const { connectionId } = parse(connectionParams, req.params, 'invalid_uri_params')
    const query = parse(providerConfigQuery, req.query, 'invalid_query_params')
    if (!store.integrations.has(query.provider_config_key)) throw ERRORS.unknownProviderConfig()
    return store.findConnection(query.provider_config_key, connectionId)
  }
}

function metadataRoutes(app: FastifyInstance, { gate, store }: NangoContext): void {
  app.post('/connections/metadata', (req, reply) => {
    const { body, connections } = metadataChange(req, reply)
    for (const each of connections) each.metadata = body.metadata
    return reply.status(201).send(body)
  })

  app.patch('/connections/metadata', (req, reply) => {
    const { body, connections } = metadataChange(req, reply)
    for (const each of connections) each.metadata = { ...each.metadata, ...body.metadata }
    return reply.status(200).send(body)
  })

  /** All named connections or none: one unknown id refuses the whole change. */
  function metadataChange(req: FastifyRequest, reply: FastifyReply) {
    gate.apiKey(req, reply, 'environment:connections:update')
    const body = parse(metadataBody, req.body, 'invalid_body')
    const ids = Array.isArray(body.connection_id) ? body.connection_id : [body.connection_id]
    const connections = ids.map((id) => {
      const connection = store.findConnection(body.provider_config_key, id)
      if (connection === undefined) throw ERRORS.unknownConnection(id, body.provider_config_key)
      return connection
    })
    return { body, connections }
  }
}

function isListed(connection: Connection, query: ReturnType<typeof listQuery.parse>): boolean {
  const { endUser, tags } = connection
  const integrations = query.integrationId?.split(',')
  return (
    (query.connectionId === undefined || connection.connectionId === query.connectionId) &&
    (integrations === undefined || integrations.includes(connection.integrationKey)) &&
    (query.endUserId === undefined || endUser?.id === query.endUserId) &&
    (query.endUserOrganizationId === undefined ||
      endUser?.organization?.id === query.endUserOrganizationId) &&
    Object.entries(query.tags ?? {}).every(([key, value]) => tags[key] === value) &&
    (query.search === undefined || searchText(connection).includes(query.search.toLowerCase()))
  )
}

function searchText({ connectionId, endUser, tags }: Connection): string {
  const parts = [connectionId, endUser?.display_name, endUser?.email, ...Object.values(tags)]
  return parts.join('\n').toLowerCase()
}
