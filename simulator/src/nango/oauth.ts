// The browser's part: the connect page, `GET /oauth/connect/{integration}`, `GET /oauth/callback`.
import { randomBytes, randomUUID } from 'node:crypto'
import { type FastifyInstance, type FastifyReply } from 'fastify'
import { z } from 'zod'
import { type NangoContext } from './context.ts'
import { ERRORS, NangoError, parse } from './errors.ts'
import {
  callbackFailedPage,
  callbackSucceededPage,
  connectPage,
  sessionEndedPage,
} from './pages.ts'
import {
  type Connection,
  type ConnectSession,
  credentialsFrom,
  freshRefreshState,
  type Integration,
  type IntegrationDefaults,
  type JsonObject,
  type OAuthAttempt,
} from './store.ts'

const pageQuery = z.looseObject({ session_token: z.string() })

const connectQuery = z.looseObject({
  connect_session_token: z.string().optional(),
  connection_id: z.string().optional(),
  params: z.record(z.string(), z.string()).optional(),
})

const callbackQuery = z.looseObject({
  code: z.string().optional(),
  state: z.string().optional(),
})

const STATE_COOKIE_SECONDS = 3600

export function oauthRoutes(app: FastifyInstance, ctx: NangoContext): void {
  const { gate, salesforce, store, webhooks } = ctx
  const redirectUri = () => `${ctx.url}/oauth/callback`

  app.get('/connect', (req, reply) => {
    const { session_token: token } = parse(pageQuery, req.query, 'invalid_query_params')
    const session = store.liveSession(token)
    if (session === undefined) return html(reply, 401, sessionEndedPage())
    const keys = session.allowedIntegrations ?? [...store.integrations.keys()]
    return html(reply, 200, connectPage(session, keys))
  })

  app.get('/oauth/connect/:integration', (req, reply) => {
    const query = parse(connectQuery, req.query, 'invalid_query_params')
    const session = gate.session(req, reply, query.connect_session_token ?? '')
    if (query.connection_id !== undefined) throw connectionIdForbidden()
    const { integration: key } = z.object({ integration: z.string() }).parse(req.params)
    if (session.allowedIntegrations?.includes(key) === false) throw ERRORS.integrationNotAllowed()
    const integration = store.integrations.get(key)
    if (integration === undefined) throw ERRORS.unknownProviderConfig()

    const defaults = session.defaults[key] ?? {}
    const attempt: OAuthAttempt = {
      state: randomUUID(),
      integrationKey: key,
      connectionId: connectionIdFor(session),
      reconnectsRow: session.reconnectsRow,
      connectionConfig: connectionConfig(query.params ?? {}, defaults),
      codeVerifier: randomBytes(24).toString('hex'),
      tags: session.tags,
      endUser: session.endUser,
      webhookUrlOverride: session.webhookUrlOverride,
    }
    store.addAttempt(attempt)
    const location = salesforce.authorizeUrl({
      integration,
      connectionConfig: attempt.connectionConfig,
      redirectUri: redirectUri(),
      state: attempt.state,
      codeVerifier: attempt.codeVerifier,
      authorizationParams: defaults.authorization_params ?? {},
    })
    return reply
      .status(302)
      .header('set-cookie', stateCookie(attempt.state, store.now()))
      .header('location', location)
      .type('text/plain; charset=utf-8')
      .send(`Found. Redirecting to ${location}`)
  })

  // The state cookie is not required: its check is a flag that an account has to turn on.
  app.get('/oauth/callback', async (req, reply) => {
    const query = parse(callbackQuery, req.query, 'invalid_query_params')
    if (query.state === undefined) {
      return html(reply, 400, callbackFailedPage('No state found in callback'))
    }
    const attempt = store.takeAttempt(query.state)
    const integration =
      attempt === undefined ? undefined : store.integrations.get(attempt.integrationKey)
    if (attempt === undefined || integration === undefined) {
      const message = `No session found for state: "${query.state}"`
      return html(reply, 400, callbackFailedPage(message))
    }
    if (query.code === undefined) {
      const { state: _state, ...said } = query
      return fail(reply, attempt, integration, JSON.stringify(said), denial(said))
    }
    const answer = await salesforce.exchangeCode(integration, attempt.connectionConfig, {
      code: query.code,
      redirectUri: redirectUri(),
      codeVerifier: attempt.codeVerifier,
    })
    if (!answer.ok) {
      const description = JSON.stringify(answer.error, null, 2)
      return fail(reply, attempt, integration, description, { type: 'unknown', description })
    }
    const saved = save(ctx, attempt, integration, answer.raw)
    if (saved === undefined) {
      const description = 'Failed to find connection'
      return fail(reply, attempt, integration, description, { type: 'unknown', description })
    }
    return html(reply, 200, callbackSucceededPage())
  })

  function connectionIdFor(session: ConnectSession): string {
    if (session.reconnectsRow === null) return randomUUID()
    const connection = store.connectionByRow(session.reconnectsRow)
    if (connection === undefined) throw ERRORS.reconnectTargetGone()
    return connection.connectionId
  }

  function fail(
    reply: FastifyReply,
    attempt: OAuthAttempt,
    integration: Integration,
    message: string,
    error: { type: string; description: string },
  ): FastifyReply {
    webhooks.connectionFailed(integration, attempt.connectionId, error, attempt.webhookUrlOverride)
    return html(reply, 400, callbackFailedPage(message))
  }
}

/** Creates the connection, or updates the one of a reconnect; does nothing if that no longer exists. */
function save(
  { store, webhooks }: NangoContext,
  attempt: OAuthAttempt,
  integration: Integration,
  raw: JsonObject,
): Connection | undefined {
  const config = withTokenMetadata(attempt.connectionConfig, raw)
  if (attempt.reconnectsRow === null) {
    const connection = store.addConnection(integration, {
      connectionId: attempt.connectionId,
      connectionConfig: config,
      credentials: credentialsFrom(raw),
      metadata: null,
      tags: attempt.tags,
      endUser: attempt.endUser,
      webhookUrlOverride: attempt.webhookUrlOverride,
    })
    webhooks.connectionCreated(connection)
    return connection
  }
  const connection = store.connectionByRow(attempt.reconnectsRow)
  if (connection === undefined) return undefined
  // Tags and config are replaced as a whole; metadata, ids and updated_at stay.
  connection.tags = attempt.tags
  connection.connectionConfig = config
  connection.credentials = credentialsFrom(raw)
  connection.endUser = attempt.endUser ?? connection.endUser
  connection.webhookUrlOverride = attempt.webhookUrlOverride
  connection.errors = []
  connection.refreshState = freshRefreshState()
  webhooks.connectionOverridden(connection)
  return connection
}

/** What the browser sent, overridden by what the session's creator set, even by an empty string. */
function connectionConfig(
  browserParams: Record<string, string>,
  defaults: IntegrationDefaults,
): JsonObject {
  return {
    ...browserParams,
    ...(defaults.user_scopes === undefined ? {} : { user_scope: defaults.user_scopes }),
    ...defaults.connection_config,
  }
}

/**
 * Salesforce's `instance_url` is written into the config only if it is not set yet, so a value from the
 * browser survives, while with a default of `""` the token response decides.
 */
function withTokenMetadata(config: JsonObject, raw: JsonObject): JsonObject {
  const instanceUrl = config.instance_url
  if (typeof instanceUrl === 'string' && instanceUrl !== '') return config
  const { instance_url: _empty, ...rest } = config
  return raw.instance_url === undefined ? rest : { ...rest, instance_url: raw.instance_url }
}

/** A callback without a code: the provider's words go into the description. */
function denial(said: JsonObject): { type: string; description: string } {
  const reasons = Object.entries(said).map(([key, value]) => `${key}: ${String(value)}`)
  const suffix = reasons.length === 0 ? '' : ` Provider error: ${reasons.join('; ')}`
  return {
    type: 'invalid_callback',
    description: `Did not get authorization code in the callback.${suffix}`,
  }
}

function connectionIdForbidden(): NangoError {
  return new NangoError(400, {
    code: 'invalid_query_params',
    errors: [
      {
        code: 'custom',
        message: 'connection_id is forbidden when using session token',
        path: ['connection_id'],
      },
    ],
  })
}

function stateCookie(state: string, nowMs: number): string {
  const expires = new Date(nowMs + STATE_COOKIE_SECONDS * 1000).toUTCString()
  return `oauth2-${state}=1; Max-Age=${STATE_COOKIE_SECONDS}; Path=/; Expires=${expires}; HttpOnly; SameSite=Lax`
}

function html(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.status(status).type('text/html; charset=utf-8').send(body)
}
