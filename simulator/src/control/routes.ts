// The control port: the inspector page at `/`, and `POST /_sim/<action>` to look into the world and to
// steer it. Requests to the orgs themselves never come here.

import { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { authorize } from './browser.ts'
import { defineAction, Mistake, orgIn, userIn, type Action } from './actions.ts'
import { bulkActions } from './bulk.ts'
import { changeActions } from './changes.ts'
import { deployActions } from './deploys.ts'
import { emailActions } from './emails.ts'
import { recordActions } from './records.ts'
import { inspectorPage } from './inspector.ts'
import { type OrgSpec, type World } from '../world.ts'
import { type Org } from '../org/model.ts'
import { type FaultRule, wildcard } from '../salesforce/faults.ts'
import { openSession } from '../salesforce/oauth.ts'

const faultKind = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('status'),
    status: z.number().int().min(200).max(599),
    body: z.enum(['json', 'empty', 'html']).optional(),
    errorCode: z.string().optional(),
    message: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
  }),
  z.strictObject({ type: z.literal('slow'), ms: z.number().positive() }),
  z.strictObject({ type: z.literal('reword'), find: z.string().min(1), put: z.string() }),
  z.strictObject({ type: z.literal('cut') }),
  z.strictObject({ type: z.literal('close'), when: z.enum(['before', 'after']) }),
  z.strictObject({ type: z.literal('limit'), which: z.enum(['total', 'concurrent']) }),
  z.strictObject({
    type: z.literal('dead-session'),
    shape: z.enum(['rest', 'bad-oauth-token', 'not-valid-for-rest', 'bulk']),
  }),
])

const newOrg = z.strictObject({
  name: z.string().min(1),
  edition: z.enum(['Developer', 'Enterprise', 'Unlimited', 'Professional']).optional(),
  isSandbox: z.boolean().optional(),
  seed: z
    .union([
      z.literal('small'),
      z.strictObject({ objects: z.number().int().positive(), fields: z.number().int().positive() }),
      z.strictObject({ importFolder: z.string() }),
    ])
    .optional(),
})

const specOf = ({ name, edition, isSandbox, seed }: z.infer<typeof newOrg>): OrgSpec => ({
  name,
  ...(edition === undefined ? {} : { edition }),
  ...(isSandbox === undefined ? {} : { isSandbox }),
  ...(seed === undefined ? {} : { seed }),
})

const org = z.string().describe("a Salesforce org's name or id")
const ofUser = z.strictObject({ org, username: z.string().optional() })

/** Whose sessions or grants in the org: one user's, or everybody's. */
const belongsTo = (world: World, input: { org: string; username?: string | undefined }) => {
  const found = orgIn(world, input.org)
  const user = input.username === undefined ? null : userIn(found, input.username)
  return { found, theirs: (userId: string) => user === null || user.id === userId }
}

const removeTheirs = <T extends { userId: string }>(
  grants: Map<string, T>,
  theirs: (userId: string) => boolean,
): number => {
  const gone = [...grants].filter(([, { userId }]) => theirs(userId))
  for (const [token] of gone) grants.delete(token)
  return gone.length
}

const firstUser = (of: Org) => userIn(of, [...of.users.values()][0]?.username ?? '')

const worldActions = {
  /** Back to the state right after the start; orgs created since are gone. */
  reset: defineAction(z.strictObject({}), async (world) => {
    await world.reset()
    return {}
  }),
  urls: defineAction(z.strictObject({}), (world) => ({
    login: world.loginUrl,
    testLogin: world.testLoginUrl,
    nango: world.nango.url,
  })),
  orgs: defineAction(z.strictObject({}), (world) => [...world.orgs.values()].map(orgView)),
  'orgs/create': defineAction(newOrg, async (world, input) =>
    orgView(await world.addOrg(specOf(input))),
  ),
  /** One org of each name, alike in all else: hundreds of them take seconds. */
  'orgs/create-many': defineAction(
    newOrg.omit({ name: true }).extend({ names: z.array(z.string().min(1)).min(1).max(2000) }),
    async (world, { names, ...alike }) => {
      const views: ReturnType<typeof orgView>[] = []
      for (const name of names) views.push(orgView(await world.addOrg(specOf({ ...alike, name }))))
      return views
    },
  ),
  /** Settings (`apiEnabled: false` answers API_DISABLED_FOR_ORG) and API usage. */
  'orgs/update': defineAction(
    z.strictObject({
      org,
      settings: z
        .strictObject({
          sessionMinutes: z.number().positive().optional(),
          rotateRefreshTokens: z.boolean().optional(),
          app: z.enum(['installed', 'not_installed', 'blocked']).optional(),
          refreshAddressAllowed: z.boolean().optional(),
          refreshIdleMs: z.number().min(0).optional(),
          apiEnabled: z.boolean().optional(),
          deployFlowsAsActive: z.boolean().optional(),
          longCallMs: z.number().min(0).optional(),
          longCallsMax: z.number().int().min(0).optional(),
        })
        .optional(),
      used: z.number().int().min(0).optional(),
      max: z.number().int().min(0).optional(),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      Object.assign(found.settings, input.settings ?? {})
      // Salesforce: blocking an app ends its sessions.
      if (input.settings?.app === 'blocked') found.sessions.clear()
      found.usage.used = input.used ?? found.usage.used
      found.usage.max = input.max ?? found.usage.max
      return orgView(found)
    },
  ),
  /** Gives the org a different instance URL. The old one is dead unless `keepOld`. */
  'orgs/move': defineAction(
    z.strictObject({ org, keepOld: z.boolean().default(false) }),
    async (world, input) => {
      const found = orgIn(world, input.org)
      await world.moveOrg(found, input.keepOld)
      return orgView(found)
    },
  ),
  /** A session without OAuth, for tools that need a token at once. */
  'sessions/open': defineAction(ofUser, (world, input) => {
    const found = orgIn(world, input.org)
    const user = input.username === undefined ? firstUser(found) : userIn(found, input.username)
    const session = openSession(found, user, 'control', ['api', 'id'])
    return { token: session.token, instanceUrl: found.instanceUrl }
  }),
  'sessions/list': defineAction(ofUser, (world, input) => {
    const { found, theirs } = belongsTo(world, input)
    return [...found.sessions.values()]
      .filter(({ userId }) => theirs(userId))
      .map(({ token, userId, clientId, scopes, issuedAt, expiresAt }) => ({
        token,
        username: found.users.get(userId)?.username ?? '',
        clientId,
        scopes,
        issuedAt: issuedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      }))
  }),
  /** Ends access tokens; refresh tokens stay valid. */
  'sessions/expire': defineAction(ofUser, (world, input) => {
    const { found, theirs } = belongsTo(world, input)
    return { expired: removeTheirs(found.sessions, theirs) }
  }),
  /** Ends refresh tokens; access tokens stay valid until they expire. */
  'refresh-tokens/revoke': defineAction(ofUser, (world, input) => {
    const { found, theirs } = belongsTo(world, input)
    return { revoked: removeTheirs(found.refreshGrants, theirs) }
  }),
  /** Moves every refresh token of one org to another: the same grant now leads elsewhere. */
  'refresh-tokens/move': defineAction(z.strictObject({ org, to: org }), (world, input) => {
    const from = orgIn(world, input.org)
    const to = orgIn(world, input.to)
    const { id } = firstUser(to)
    for (const [token, grant] of from.refreshGrants) {
      to.refreshGrants.set(token, { ...grant, userId: id })
    }
    const moved = from.refreshGrants.size
    from.refreshGrants.clear()
    from.sessions.clear()
    return { moved }
  }),
  /** See `FaultRule`. Rules wait until requests use them up or `faults/clear`. */
  'faults/add': defineAction(
    z.strictObject({
      org: org.optional(),
      method: z.string().optional(),
      path: z.string().optional(),
      times: z.number().int().positive().optional(),
      after: z.number().int().min(0).optional(),
      rate: z.number().gt(0).max(1).optional(),
      kind: faultKind,
    }),
    (world, input) => {
      const rule = Object.fromEntries(
        Object.entries(input).filter(([, value]) => value !== undefined),
      ) as unknown as FaultRule
      world.faults.add({
        ...rule,
        ...(input.org === undefined ? {} : { org: orgIn(world, input.org).id }),
      })
      return {}
    },
  ),
  'faults/list': defineAction(z.strictObject({}), (world) => world.faults.pending),
  /** The rules on this org; without one, all rules. */
  'faults/clear': defineAction(z.strictObject({ org: org.optional() }), (world, input) => {
    world.faults.clear(input.org === undefined ? undefined : orgIn(world, input.org).id)
    return {}
  }),
  /** Requests to the orgs, oldest first. In `path`, `*` matches anything. */
  journal: defineAction(
    z.strictObject({
      org: org.optional(),
      method: z.string().optional(),
      path: z.string().optional(),
    }),
    (world, input) => {
      const id = input.org === undefined ? null : orgIn(world, input.org).id
      const path = input.path === undefined ? null : wildcard(input.path)
      return world.journal.filter(
        (call) =>
          (id === null || call.org === id) &&
          (input.method === undefined || call.method === input.method) &&
          (path === null || path.test(call.path)),
      )
    },
  ),
  /** The requests to this org; without one, all requests. */
  'journal/clear': defineAction(z.strictObject({ org: org.optional() }), (world, input) => {
    const id = input.org === undefined ? null : orgIn(world, input.org).id
    const kept = world.journal.filter((call) => id !== null && call.org !== id)
    world.journal.splice(0, Infinity, ...kept)
    return {}
  }),
  /** Requests, and API calls they counted as, since the journal was cleared. */
  counters: defineAction(z.strictObject({ org: org.optional() }), (world, input) => {
    const id = input.org === undefined ? null : orgIn(world, input.org).id
    const calls = world.journal.filter((call) => id === null || call.org === id)
    return { requests: calls.length, apiCalls: calls.reduce((sum, call) => sum + call.calls, 0) }
  }),
  /** Does what the person at the browser would do with a connect link of Nango. */
  authorize: defineAction(
    z.strictObject({
      connectLink: z.string(),
      org,
      username: z.string().optional(),
      integration: z.string().optional(),
      deny: z.boolean().optional(),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const integrationUser = [...found.users.values()].find(({ username }) =>
        username.startsWith('integration@'),
      )
      return authorize(input.connectLink, {
        ...(input.integration === undefined ? {} : { integration: input.integration }),
        orgId: found.id,
        username: input.username ?? (integrationUser ?? firstUser(found)).username,
        deny: input.deny === true,
      })
    },
  ),
}

const actions = {
  ...worldActions,
  ...changeActions,
  ...deployActions,
  ...emailActions,
  ...recordActions,
  ...bulkActions,
}

export type ActionName = keyof typeof actions
export type ActionInput<Name extends ActionName> = z.input<(typeof actions)[Name]['input']>
export type ActionResult<Name extends ActionName> = Awaited<
  ReturnType<(typeof actions)[Name]['run']>
>

export const registerControl = (app: FastifyInstance, world: World): void => {
  // JSON whatever the content type says, so that `curl -d '{…}'` works.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes))
  app.setErrorHandler((error, _request, reply) => {
    const mistake =
      error instanceof Mistake || error instanceof SyntaxError || error instanceof z.ZodError
    const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error)
    return reply.code(mistake ? 400 : 500).send({ error: message })
  })
  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=UTF-8').send(inspectorPage(world)),
  )
  for (const [name, action] of Object.entries(actions) as [ActionName, Action][]) {
    app.post(`/_sim/${name}`, async (request, reply) => {
      const body = request.body
      const given: unknown =
        Buffer.isBuffer(body) && body.length > 0 ? JSON.parse(body.toString('utf8')) : {}
      return reply.send(await action.run(world, action.input.parse(given)))
    })
  }
}

const orgView = (found: Org) => ({
  id: found.id,
  name: found.name,
  edition: found.edition,
  isSandbox: found.isSandbox,
  instanceUrl: found.instanceUrl,
  usage: found.usage,
  settings: found.settings,
  refreshTokens: found.refreshGrants.size,
  sessions: found.sessions.size,
  usernames: [...found.users.values()].map((user) => user.username),
  objects: [...found.objects.values()].filter((object) => object.deletedAt === undefined).length,
})
