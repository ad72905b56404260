// OAuth as Salesforce's login hosts and every My Domain implement it: authorize, token, introspect,
// revoke, userinfo, identity. Salesforce: "OAuth Authorization Flows" and recorded answers.

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Org, type RefreshGrant, type Session, type User } from '../org/model.ts'

/** A connected app. */
interface OAuthClient {
  clientId: string
  clientSecret: string
}

/** What the OAuth endpoints of one host have access to. */
export interface OAuthScope {
  /** Base URL with which identity URLs begin: that of the login host. */
  identityBase(org: Org): string
  /** The orgs whose users may log in here: sandboxes only at the test host. */
  orgs(): Org[]
  clients: OAuthClient[]
  /**
   * Authorization codes are stored beside the orgs: a code issued at one host is redeemed at another.
   */
  codes: Map<string, Code>
}

/** The scope of the host that a request came to. */
export type ScopeOf = (request: FastifyRequest) => OAuthScope

export interface Code {
  orgId: string
  userId: string
  clientId: string
  redirectUri: string
  challenge: string | null
  scopes: string[]
  expiresAt: number
}

const CODE_MS = 15 * 60_000
/** Salesforce: at most five refresh tokens per user and app; the oldest ends silently. */
const REFRESH_TOKENS_MAX = 5

const oauthError = (error: string, description: string) => ({
  error,
  error_description: description,
})

const form = (body: unknown): Record<string, string> =>
  Object.fromEntries(
    body instanceof URLSearchParams
      ? body
      : new URLSearchParams(typeof body === 'string' ? body : ''),
  )

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

/** An access token: the 15-character org id, `!`, and a secret part. */
const newAccessToken = (org: Org): string =>
  `${org.id.slice(0, 15)}!${randomBytes(72).toString('base64url').replaceAll('-', '.')}`

/** A session for the user, without OAuth: how tests and tools get access directly. */
export const openSession = (org: Org, user: User, clientId: string, scopes: string[]): Session => {
  const now = Date.now()
  const session: Session = {
    token: newAccessToken(org),
    userId: user.id,
    clientId,
    scopes,
    issuedAt: new Date(now),
    expiresAt: new Date(now + org.settings.sessionMinutes * 60_000),
  }
  org.sessions.set(session.token, session)
  return session
}

/** The session of this token, if it is valid here and now, or null. */
export const liveSession = (org: Org, token: string): { session: Session; user: User } | null => {
  const session = org.sessions.get(token)
  const user = session === undefined ? undefined : org.users.get(session.userId)
  return session !== undefined && user?.active === true && session.expiresAt.getTime() > Date.now()
    ? { session, user }
    : null
}

const tokenAnswer = (org: Org, session: Session, identityBase: string, secret: string) => {
  const issued_at = String(session.issuedAt.getTime())
  const id = `${identityBase}/id/${org.id}/${session.userId}`
  return {
    access_token: session.token,
    signature: createHmac('sha256', secret)
      .update(id + issued_at)
      .digest('base64'),
    scope: session.scopes.join(' '),
    instance_url: org.instanceUrl,
    id,
    token_type: 'Bearer',
    issued_at,
  }
}

const newRefreshToken = (
  org: Org,
  userId: string,
  clientId: string,
  scopes: string[],
): RefreshGrant => {
  const grant = {
    token: `5Aep861${randomBytes(57).toString('base64url').replaceAll('-', '.')}`,
    userId,
    clientId,
    scopes,
    issuedAt: new Date(),
    lastUsedAt: new Date(),
  }
  org.refreshGrants.set(grant.token, grant)
  const same = [...org.refreshGrants.values()].filter(
    (other) => other.userId === userId && other.clientId === clientId,
  )
  for (const old of same.slice(0, Math.max(0, same.length - REFRESH_TOKENS_MAX))) {
    org.refreshGrants.delete(old.token)
  }
  return grant
}

/** Registers the endpoints on a host. Form bodies must be parsed to URLSearchParams. */
export const registerOAuth = (app: FastifyInstance, scopeOf: ScopeOf): void => {
  registerAuthorize(app, scopeOf)
  registerToken(app, scopeOf)
  registerIntrospect(app, scopeOf)
  registerRevoke(app, scopeOf)
  registerIdentity(app, scopeOf)
}

const clientOf = ({ clients }: OAuthScope, id: string | undefined) =>
  clients.find(({ clientId }) => clientId === id)

const registerAuthorize = (app: FastifyInstance, scopeOf: ScopeOf): void => {
  app.get('/services/oauth2/authorize', (request, reply) => {
    const scope = scopeOf(request)
    const query = request.query as Record<string, string>
    const problem = authorizeProblem(scope, query)
    if (problem !== null)
      return reply
        .code(400)
        .type('text/html')
        .send(`<h1>OAuth Error</h1><p>${escapeHtml(problem)}</p>`)
    return reply.type('text/html; charset=UTF-8').send(consentPage(scope.orgs(), query))
  })

  app.post('/services/oauth2/authorize', (request, reply) => {
    const scope = scopeOf(request)
    const input = form(request.body)
    const problem = authorizeProblem(scope, input)
    if (problem !== null)
      return reply
        .code(400)
        .type('text/html')
        .send(`<h1>OAuth Error</h1><p>${escapeHtml(problem)}</p>`)
    const target = new URL(input.redirect_uri ?? '')
    if (input.state !== undefined) target.searchParams.set('state', input.state)
    const org = scope.orgs().find((candidate) => candidate.id === input.org)
    const user =
      org === undefined
        ? undefined
        : [...org.users.values()].find(({ username }) => username === input.username)
    if (input.decision === 'deny' || org === undefined || user?.active !== true) {
      target.searchParams.set('error', 'access_denied')
      target.searchParams.set('error_description', 'end-user denied authorization')
      return reply.redirect(target.href, 302)
    }
    const turnedAway = APP_REFUSED[org.settings.app ?? 'installed']
    if (turnedAway !== null) {
      target.searchParams.set('error', turnedAway.error)
      target.searchParams.set('error_description', turnedAway.description)
      return reply.redirect(target.href, 302)
    }
    const code = `aPrx${randomBytes(40).toString('base64url')}`
    scope.codes.set(code, {
      orgId: org.id,
      userId: user.id,
      clientId: input.client_id ?? '',
      redirectUri: input.redirect_uri ?? '',
      challenge: input.code_challenge ?? null,
      scopes: (input.scope ?? 'refresh_token api id').split(/[ +]/).filter((part) => part !== ''),
      expiresAt: Date.now() + CODE_MS,
    })
    target.searchParams.set('code', code)
    return reply.redirect(target.href, 302)
  })
}

/**
 * What the browser returns with if the org does not allow the app. Codes as seen in practice:
 * n8n-io/n8n#21589, PipedreamHQ/pipedream#21557.
 */
const APP_REFUSED = {
  installed: null,
  blocked: { error: 'OAUTH_APP_BLOCKED', description: 'this app is blocked by admin' },
  not_installed: {
    error: 'OAUTH_EC_APP_NOT_FOUND',
    description: 'external client app is not installed in this org',
  },
} as const

const invalidGrant = (description: string) => oauthError('invalid_grant', description)

/** Why the org gives this user no token through the app now, or null. */
const tokenRefusal = (org: Org, user: User | undefined) => {
  if (user?.active !== true) return invalidGrant('inactive user')
  if (user.frozen === true) return invalidGrant('authentication failure')
  // Salesforce Help, "OAuth 2.0 Authorization Errors": IP restricted.
  if (org.settings.refreshAddressAllowed === false) return invalidGrant('ip restricted')
  if (org.settings.app === 'blocked') return invalidGrant('expired access/refresh token')
  return null
}

const authorizeProblem = (scope: OAuthScope, query: Record<string, string>): string | null => {
  if (query.response_type !== 'code')
    return 'error=unsupported_response_type&error_description=response type not supported'
  if (clientOf(scope, query.client_id) === undefined)
    return 'error=invalid_client_id&error_description=client identifier invalid'
  if (!/^https?:\/\//.test(query.redirect_uri ?? ''))
    return 'error=redirect_uri_mismatch&error_description=redirect_uri must match configuration'
  return null
}

const registerToken = (app: FastifyInstance, scopeOf: ScopeOf): void => {
  app.post('/services/oauth2/token', (request, reply) => {
    const scope = scopeOf(request)
    const input = form(request.body)
    const client = clientOf(scope, input.client_id)
    if (client === undefined)
      return reply.code(400).send(oauthError('invalid_client_id', 'client identifier invalid'))
    if (client.clientSecret !== input.client_secret) {
      return reply.code(400).send(oauthError('invalid_client', 'invalid client credentials'))
    }
    switch (input.grant_type) {
      case 'authorization_code':
        return byCode(scope, client, input, reply)
      case 'refresh_token':
        return byRefreshToken(scope, client, input, reply)
      default:
        return reply
          .code(400)
          .send(oauthError('unsupported_grant_type', 'grant type not supported'))
    }
  })
}

const byCode = (
  scope: OAuthScope,
  client: OAuthClient,
  input: Record<string, string>,
  reply: FastifyReply,
): FastifyReply => {
  const { codes } = scope
  const code = codes.get(input.code ?? '')
  codes.delete(input.code ?? '')
  const org = scope.orgs().find((candidate) => candidate.id === code?.orgId)
  if (
    code === undefined ||
    org === undefined ||
    code.expiresAt < Date.now() ||
    code.clientId !== client.clientId
  ) {
    return reply.code(400).send(oauthError('invalid_grant', 'expired authorization code'))
  }
  if (code.redirectUri !== input.redirect_uri) {
    return reply
      .code(400)
      .send(oauthError('redirect_uri_mismatch', 'redirect_uri must match configuration'))
  }
  if (code.challenge !== null && code.challenge !== challengeOf(input.code_verifier ?? '')) {
    return reply.code(400).send(oauthError('invalid_grant', 'invalid code verifier'))
  }
  const user = org.users.get(code.userId)
  const refused = tokenRefusal(org, user)
  if (refused !== null || user === undefined) return reply.code(400).send(refused)
  const session = openSession(org, user, client.clientId, code.scopes)
  const offline = code.scopes.some((name) => name === 'refresh_token' || name === 'offline_access')
  return reply.send({
    ...tokenAnswer(org, session, scope.identityBase(org), client.clientSecret),
    ...(offline
      ? { refresh_token: newRefreshToken(org, user.id, client.clientId, code.scopes).token }
      : {}),
  })
}

/** Salesforce: a rotated refresh token that is used again ends every token of the user for the app. */
const endReused = (org: Org, token: string): void => {
  const reused = org.rotatedTokens.get(token)
  if (reused === undefined) return
  const isSame = (other: { userId: string; clientId: string }) =>
    other.userId === reused.userId && other.clientId === reused.clientId
  for (const grant of org.refreshGrants.values()) {
    if (isSame(grant)) org.refreshGrants.delete(grant.token)
  }
  for (const session of org.sessions.values())
    if (isSame(session)) org.sessions.delete(session.token)
}

const byRefreshToken = (
  scope: OAuthScope,
  client: OAuthClient,
  input: Record<string, string>,
  reply: FastifyReply,
): FastifyReply => {
  const token = input.refresh_token ?? ''
  for (const candidate of scope.orgs()) endReused(candidate, token)
  const org = scope.orgs().find((candidate) => candidate.refreshGrants.has(token))
  const grant = org?.refreshGrants.get(token)
  if (org === undefined || grant?.clientId !== client.clientId) {
    return reply.code(400).send(oauthError('invalid_grant', 'expired access/refresh token'))
  }
  const user = org.users.get(grant.userId)
  const refused = tokenRefusal(org, user)
  if (refused !== null || user === undefined) return reply.code(400).send(refused)
  const idleMs = org.settings.refreshIdleMs ?? Number.POSITIVE_INFINITY
  if (Date.now() - grant.lastUsedAt.getTime() >= idleMs) {
    org.refreshGrants.delete(token)
    return reply.code(400).send(invalidGrant('expired access/refresh token'))
  }
  grant.lastUsedAt = new Date()
  const session = openSession(org, user, client.clientId, grant.scopes)
  let rotated = {}
  if (org.settings.rotateRefreshTokens) {
    org.refreshGrants.delete(token)
    org.rotatedTokens.set(token, grant)
    rotated = {
      refresh_token: newRefreshToken(org, user.id, client.clientId, grant.scopes).token,
    }
  }
  return reply.send({
    ...tokenAnswer(org, session, scope.identityBase(org), client.clientSecret),
    ...rotated,
  })
}

const registerIntrospect = (app: FastifyInstance, scopeOf: ScopeOf): void => {
  app.post('/services/oauth2/introspect', (request, reply) => {
    const scope = scopeOf(request)
    const input = form(request.body)
    const client = clientOf(scope, input.client_id)
    if (client === undefined || client.clientSecret !== input.client_secret) {
      return reply.code(401).send(oauthError('invalid_client', 'invalid client credentials'))
    }
    for (const org of scope.orgs()) {
      const live = liveSession(org, input.token ?? '')
      if (live !== null) {
        return reply.send({
          active: true,
          scope: live.session.scopes.join(' '),
          client_id: live.session.clientId,
          username: live.user.username,
          sub: `${scope.identityBase(org)}/id/${org.id}/${live.user.id}`,
          token_type: 'access_token',
          exp: Math.floor(live.session.expiresAt.getTime() / 1000),
          iat: Math.floor(live.session.issuedAt.getTime() / 1000),
          nbf: Math.floor(live.session.issuedAt.getTime() / 1000),
        })
      }
    }
    return reply.send({ active: false })
  })
}

const revoke = (scope: OAuthScope, token: string): boolean => {
  for (const org of scope.orgs()) {
    if (org.sessions.delete(token)) return true
    const grant = org.refreshGrants.get(token)
    if (grant === undefined) continue
    org.refreshGrants.delete(token)
    // Salesforce: revoking a refresh token also ends its access tokens.
    for (const session of org.sessions.values()) {
      if (session.userId === grant.userId && session.clientId === grant.clientId)
        org.sessions.delete(session.token)
    }
    return true
  }
  return false
}

const registerRevoke = (app: FastifyInstance, scopeOf: ScopeOf): void => {
  app.post('/services/oauth2/revoke', (request, reply) =>
    revoke(scopeOf(request), form(request.body).token ?? '')
      ? reply.code(200).send()
      : reply
          .code(400)
          .send(oauthError('unsupported_token_type', 'this token type is not supported')),
  )
}

/** What the two identity resources have in common. Salesforce Help: "Identity URLs", "OpenID Connect". */
const identity = (scope: OAuthScope, org: Org, user: User) => {
  const host = org.instanceUrl
  const soap = (api: string) => `${host}/services/Soap/${api}/{version}/${org.id.slice(0, 15)}`
  const rest = `${host}/services/data/v{version}/`
  return {
    id: `${scope.identityBase(org)}/id/${org.id}/${user.id}`,
    user_id: user.id,
    organization_id: org.id,
    email: user.email,
    email_verified: true,
    photos: {
      picture: `${host}/profilephoto/005/F`,
      thumbnail: `${host}/profilephoto/005/T`,
    },
    urls: {
      enterprise: soap('c'),
      metadata: soap('m'),
      partner: soap('u'),
      rest,
      sobjects: `${rest}sobjects/`,
      search: `${rest}search/`,
      query: `${rest}query/`,
      recent: `${rest}recent/`,
      tooling_soap: soap('T'),
      tooling_rest: `${rest}tooling/`,
      profile: `${host}/${user.id}`,
      feeds: `${rest}chatter/feeds`,
      groups: `${rest}chatter/groups`,
      users: `${rest}chatter/users`,
      feed_items: `${rest}chatter/feed-items`,
      feed_elements: `${rest}chatter/feed-elements`,
      custom_domain: host,
    },
    active: user.active,
    user_type: 'STANDARD',
    language: org.language,
    locale: org.language,
    utcOffset: 0,
  }
}

const TIME_ZONE = 'GMT'
const nameOf = (user: User) => `${user.firstName} ${user.lastName}`.trim()
const nickName = (user: User) => user.username.split('@')[0] ?? ''

const userInfo = (scope: OAuthScope, org: Org, user: User) => {
  const { id, ...both } = identity(scope, org, user)
  return {
    sub: id,
    ...both,
    preferred_username: user.username,
    nickname: nickName(user),
    name: nameOf(user),
    given_name: user.firstName,
    family_name: user.lastName,
    zoneinfo: TIME_ZONE,
    profile: both.urls.profile,
    picture: both.photos.picture,
    address: {},
    updated_at: user.createdDate.toISOString(),
  }
}

const identityUrl = (scope: OAuthScope, org: Org, user: User) => ({
  ...identity(scope, org, user),
  asserted_user: true,
  username: user.username,
  nick_name: nickName(user),
  display_name: nameOf(user),
  first_name: user.firstName,
  last_name: user.lastName,
  timezone: TIME_ZONE,
  addr_street: null,
  addr_city: null,
  addr_state: null,
  addr_country: null,
  addr_zip: null,
  mobile_phone: null,
  mobile_phone_verified: false,
  is_lightning_login_user: false,
  status: { created_date: null, body: null },
  last_modified_date: user.createdDate.toISOString(),
})

/** The user of the access token in this header, or null. */
const bearer = (scope: OAuthScope, header: string | undefined) => {
  const token = /^(?:Bearer|OAuth) +(.+)$/i.exec(header ?? '')?.[1] ?? ''
  for (const org of scope.orgs()) {
    const live = liveSession(org, token)
    if (live !== null) return { org, user: live.user }
  }
  return null
}

const registerIdentity = (app: FastifyInstance, scopeOf: ScopeOf): void => {
  app.get('/services/oauth2/userinfo', (request, reply) => {
    const scope = scopeOf(request)
    const found = bearer(scope, request.headers.authorization)
    return found === null
      ? reply.code(403).type('text/html;charset=UTF-8').send('Bad_OAuth_Token')
      : reply.send(userInfo(scope, found.org, found.user))
  })
  app.get('/id/:org/:user', (request, reply) => {
    const scope = scopeOf(request)
    const found = bearer(scope, request.headers.authorization)
    if (found === null)
      return reply.code(403).type('text/html;charset=UTF-8').send('Bad_OAuth_Token')
    return reply.send(identityUrl(scope, found.org, found.user))
  })
}

const challengeOf = (verifier: string): string =>
  createHash('sha256').update(verifier).digest('base64url')

const consentPage = (orgs: Org[], query: Record<string, string>): string => {
  const hidden = Object.entries(query)
    .map(
      ([name, value]) =>
        `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
    )
    .join('')
  const choices = orgs
    .flatMap((org) =>
      [...org.users.values()]
        .filter((user) => user.active)
        .map(
          (user) => `<form method="post" action="/services/oauth2/authorize">${hidden}
            <input type="hidden" name="org" value="${org.id}">
            <input type="hidden" name="username" value="${escapeHtml(user.username)}">
            <p><b>${escapeHtml(org.name)}</b>${org.isSandbox ? ' (sandbox)' : ''} as ${escapeHtml(user.username)}
            <button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></p></form>`,
        ),
    )
    .join('')
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Allow access?</title>
<body style="font:16px system-ui;max-width:44rem;margin:3rem auto"><h1>Allow access?</h1>
<p>Simulated Salesforce. Choose the Salesforce org and the user who authorizes the app.</p>${choices}</body></html>`
}
