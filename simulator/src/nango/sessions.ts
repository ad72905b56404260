// Connect sessions: `POST /connect/sessions`, `…/reconnect`, `GET|DELETE /connect/session`.
import { type FastifyInstance } from 'fastify'
import { type NangoContext } from './context.ts'
import { ERRORS, parse } from './errors.ts'
import { identityOf, reconnectBody, sessionBody } from './schemas.ts'
import { type ConnectSession } from './store.ts'

export function sessionRoutes(app: FastifyInstance, ctx: NangoContext): void {
  const { gate, store } = ctx

  app.post('/connect/sessions', (req, reply) => {
    gate.apiKey(req, reply, 'environment:connect_sessions:write')
    const integrations = new Set(store.integrations.keys())
    const body = parse(sessionBody(integrations), req.body, 'invalid_body')
    const session = store.addSession({
      ...identityOf(body),
      allowedIntegrations: body.allowed_integrations ?? null,
      defaults: body.integrations_config_defaults ?? {},
      webhookUrlOverride: body.webhook_url_override ?? null,
      reconnectsRow: null,
    })
    return reply.status(201).send(created(session))
  })

  app.post('/connect/sessions/reconnect', (req, reply) => {
    gate.apiKey(req, reply, 'environment:connect_sessions:write')
    const body = parse(reconnectBody, req.body, 'invalid_body')
    const connection = store.findConnection(body.integration_id, body.connection_id)
    if (connection === undefined) throw ERRORS.reconnectTargetUnknown()
    // Tags and defaults come only from this session: what it leaves out is lost at the reconnect.
    const session = store.addSession({
      ...identityOf(body),
      allowedIntegrations: [body.integration_id],
      defaults: body.integrations_config_defaults ?? {},
      webhookUrlOverride: body.webhook_url_override ?? connection.webhookUrlOverride,
      reconnectsRow: connection.row,
    })
    return reply.status(201).send(created(session))
  })

  app.get('/connect/session', (req, reply) => {
    const session = gate.session(req, reply)
    const theme = { primary: '#00B2E3' }
    return {
      data: {
        endUser: session.endUser,
        connectUISettings: {
          showWatermark: true,
          defaultTheme: 'system',
          theme: { light: theme, dark: theme },
        },
        ...(session.allowedIntegrations === null
          ? {}
          : { allowed_integrations: session.allowedIntegrations }),
        ...(Object.keys(session.defaults).length === 0
          ? {}
          : { integrations_config_defaults: session.defaults }),
        ...(session.reconnectsRow === null ? {} : { isReconnecting: true }),
        websocketsPath: '/',
      },
    }
  })

  app.delete('/connect/session', (req, reply) => {
    store.deleteSession(gate.session(req, reply).token)
    return reply.status(204).send()
  })

  function created(session: ConnectSession) {
    return {
      data: {
        token: session.token,
        connect_link: `${ctx.url}/connect?session_token=${session.token}`,
        expires_at: new Date(session.expiresAtMs).toISOString(),
      },
    }
  }
}
