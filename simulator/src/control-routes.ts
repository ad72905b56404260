// The control port: the inspector page at `/`, and `/_sim/*` to look into the world and to change it.
// What Salesforce's administrators do by clicking is done here by a POST.

import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { addField, findObject, removeField, touchObject, touchOrg } from './org/changes.ts'
import { grantField, noGrants, profileNamed, userNamed } from './org/create.ts'
import { type Org } from './org/model.ts'
import { makeField, makeObject, stamps, systemFields, type FieldSpec } from './org/schema.ts'
import { inspectorPage } from './inspector.ts'
import { type Seed, type World } from './index.ts'
import { type FaultRule } from './salesforce/faults.ts'
import { openSession } from './salesforce/oauth.ts'
import { addFlow } from './seeds/small.ts'
import { authorize } from './browser.ts'

class Mistake extends Error {}

const bodyOf = (request: FastifyRequest): Record<string, unknown> => {
  const body = request.body
  if (!Buffer.isBuffer(body) || body.length === 0) return {}
  return JSON.parse(body.toString('utf8')) as Record<string, unknown>
}

export const registerControl = (app: FastifyInstance, world: World): void => {
  const orgOf = (name: unknown): Org => {
    const found = [...world.orgs.values()].find((org) => org.id === name || org.name === name)
    if (found === undefined)
      throw new Mistake(
        `no org "${String(name)}"; there are: ${[...world.orgs.values()].map((org) => org.name).join(', ')}`,
      )
    return found
  }
  const objectOf = (org: Org, name: unknown) => {
    const object = findObject(org, String(name))
    if (object === undefined) throw new Mistake(`${org.name} has no object "${String(name)}"`)
    return object
  }
  const userOf = (org: Org, username: unknown) => {
    const user = userNamed(org, String(username))
    if (user === undefined) throw new Mistake(`${org.name} has no user "${String(username)}"`)
    return user
  }

  app.setErrorHandler((error, _request, reply) => {
    const mistake = error instanceof Mistake || error instanceof SyntaxError
    return reply
      .code(mistake ? 400 : 500)
      .send({ error: error instanceof Error ? error.message : String(error) })
  })
  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=UTF-8').send(inspectorPage(world)),
  )

  const actions: Record<string, (input: Record<string, unknown>) => unknown> = {
    reset: () => {
      world.reset()
      return {}
    },
    orgs: () => [...world.orgs.values()].map(orgView),
    'orgs/create': async (input) =>
      orgView(
        await world.addOrg({
          name: String(input.name),
          ...(input.edition === undefined ? {} : { edition: input.edition as Org['edition'] }),
          isSandbox: input.isSandbox === true,
          ...(input.seed === undefined ? {} : { seed: input.seed as Seed }),
        }),
      ),
    'orgs/update': (input) => {
      const org = orgOf(input.org)
      Object.assign(org.settings, input.settings ?? {})
      if (typeof input.used === 'number') org.usage.used = input.used
      if (typeof input.max === 'number') org.usage.max = input.max
      return orgView(org)
    },
    /** A session without OAuth, for tools that want a token at once. */
    'sessions/open': (input) => {
      const org = orgOf(input.org)
      const session = openSession(
        org,
        userOf(org, input.username ?? [...org.users.values()][0]?.username),
        'control',
        ['api', 'id'],
      )
      return { token: session.token, instanceUrl: org.instanceUrl }
    },
    'sessions/list': (input) => [...orgOf(input.org).sessions.values()],
    /** Expires every session of the org; refresh tokens live on. */
    'sessions/expire': (input) => {
      const org = orgOf(input.org)
      const count = org.sessions.size
      org.sessions.clear()
      return { expired: count }
    },
    'refresh-tokens/revoke': (input) => {
      const org = orgOf(input.org)
      const count = org.refreshGrants.size
      org.refreshGrants.clear()
      return { revoked: count }
    },
    /** Moves every refresh token of one org to another: the same grant now leads elsewhere. */
    'refresh-tokens/move': (input) => {
      const from = orgOf(input.org)
      const to = orgOf(input.to)
      const user = [...to.users.values()][0]
      for (const [token, grant] of from.refreshGrants) {
        to.refreshGrants.set(token, { ...grant, userId: user?.id ?? grant.userId })
      }
      from.refreshGrants.clear()
      from.sessions.clear()
      return {}
    },
    'faults/add': (input) => {
      const rule = input as unknown as FaultRule
      world.faults.add({ ...rule, ...(rule.org === undefined ? {} : { org: orgOf(rule.org).id }) })
      return {}
    },
    'faults/list': () => world.faults.pending,
    'faults/clear': () => {
      world.faults.clear()
      return {}
    },
    journal: (input) => {
      const org = input.org === undefined ? null : orgOf(input.org).id
      return world.journal.filter((call) => org === null || call.org === org)
    },
    'journal/clear': () => {
      world.journal.length = 0
      return {}
    },
    'schema/add-object': (input) => {
      const org = orgOf(input.org)
      const name = String(input.name)
      const object = makeObject(org, {
        name,
        ...(typeof input.label === 'string' ? { label: input.label } : {}),
        describe: { keyPrefix: org.ids.make('a9').slice(0, 3) },
        fields: [
          ...systemFields(true),
          {
            name: 'Name',
            type: 'string',
            label: 'Name',
            length: 80,
            nameField: true,
            idLookup: true,
          },
        ],
      })
      touchObject(org, object)
      return {}
    },
    'schema/remove-object': (input) => {
      const org = orgOf(input.org)
      const object = objectOf(org, input.object)
      object.deletedAt = new Date()
      touchObject(org, object)
      return {}
    },
    /** A field as describe shows it; custom ones are granted to the admin profile unless `grant` is false. */
    'schema/add-field': (input) => {
      const org = orgOf(input.org)
      const object = objectOf(org, input.object)
      const spec = input.field as FieldSpec
      addField(org, object, makeField(org, { custom: spec.name.endsWith('__c'), ...spec }))
      const admin = profileNamed(org, 'System Administrator')
      if (input.grant !== false && admin !== undefined)
        grantField(admin.grants, object.name, spec.name)
      return {}
    },
    'schema/alter-field': (input) => {
      const org = orgOf(input.org)
      const object = objectOf(org, input.object)
      const field = object.fields.get(String(input.name).toLowerCase())
      if (field === undefined)
        throw new Mistake(`${object.name} has no field "${String(input.name)}"`)
      field.describe = { ...field.describe, ...(input.changes as object) }
      touchObject(org, object)
      field.lastModifiedDate = object.schemaModifiedAt
      return {}
    },
    'schema/remove-field': (input) => {
      const org = orgOf(input.org)
      if (!removeField(org, objectOf(org, input.object), String(input.name)))
        throw new Mistake('no such field')
      return {}
    },
    'automations/add-flow': (input) => {
      const org = orgOf(input.org)
      const flow = addFlow(org, input.flow as Parameters<typeof addFlow>[1])
      flow.lastModifiedDate = new Date()
      for (const version of flow.versions) version.lastModifiedDate = new Date()
      return { id: flow.id }
    },
    'automations/set-validation-rule': (input) => {
      const org = orgOf(input.org)
      const object = objectOf(org, input.object)
      const rule = object.validationRules.find(({ name }) => name === input.name)
      if (rule === undefined) {
        object.validationRules.push({
          ...stamps(org),
          id: org.ids.make('03d'),
          name: String(input.name),
          active: input.active !== false,
          description: null,
          errorConditionFormula: String(input.formula ?? 'false'),
          errorMessage: String(input.message ?? 'Not allowed.'),
          errorDisplayField: null,
          namespace: null,
          lastModifiedDate: new Date(),
        })
      } else {
        if (input.active !== undefined) rule.active = input.active === true
        if (input.formula !== undefined) rule.errorConditionFormula = String(input.formula)
        rule.lastModifiedDate = new Date(
          Math.max(Date.now(), rule.lastModifiedDate.getTime() + 1000),
        )
      }
      return {}
    },
    /** Any change of permissions: every describe's Last-Modified moves, whatever it shows. */
    'permissions/touch': (input) => {
      touchOrg(orgOf(input.org))
      return {}
    },
    'permissions/create-set': (input) => {
      const org = orgOf(input.org)
      const set = {
        ...stamps(org),
        id: org.ids.make('0PS'),
        name: String(input.name),
        label: String(input.name),
        description: null,
        namespace: null,
        grants: noGrants(),
      }
      for (const field of (input.fields as string[] | undefined) ?? []) {
        const [object = '', name = ''] = field.split('.')
        grantField(set.grants, object, name)
      }
      org.permissionSets.set(set.id, set)
      touchOrg(org)
      return { id: set.id }
    },
    'permissions/assign': (input) => {
      const org = orgOf(input.org)
      const set = [...org.permissionSets.values()].find(({ name }) => name === input.set)
      if (set === undefined) throw new Mistake('no such permission set')
      org.assignments.push({
        id: org.ids.make('0Pa'),
        permissionSetId: set.id,
        assigneeId: userOf(org, input.username).id,
      })
      touchOrg(org)
      return {}
    },
    /** Takes a field from the eyes of a profile: a standard one is hidden, a custom one's grant ends. */
    'permissions/hide-field': (input) => {
      const org = orgOf(input.org)
      const profile = profileNamed(org, String(input.profile ?? 'System Administrator'))
      const key = `${String(input.object)}.${String(input.field)}`.toLowerCase()
      profile?.hidden.add(key)
      profile?.grants.fields.delete(key)
      touchOrg(org)
      return {}
    },
    'users/update': (input) => {
      const org = orgOf(input.org)
      const user = userOf(org, input.username)
      if (typeof input.active === 'boolean') user.active = input.active
      if (typeof input.profile === 'string') {
        user.profileId = profileNamed(org, input.profile)?.id ?? user.profileId
        touchOrg(org)
      }
      return {}
    },
    authorize: (input) =>
      authorize(String(input.connectLink), {
        ...(input.integration === undefined ? {} : { integration: String(input.integration) }),
        orgId: orgOf(input.org).id,
        username: String(input.username ?? [...orgOf(input.org).users.values()][1]?.username),
        deny: input.deny === true,
      }),
    urls: () => ({ login: world.loginUrl, testLogin: world.testLoginUrl, nango: world.nango.url }),
  }
  for (const [name, action] of Object.entries(actions)) {
    app.post(`/_sim/${name}`, async (request, reply) => reply.send(await action(bodyOf(request))))
  }
}

const orgView = (org: Org) => ({
  id: org.id,
  name: org.name,
  edition: org.edition,
  isSandbox: org.isSandbox,
  instanceUrl: org.instanceUrl,
  usage: org.usage,
  usernames: [...org.users.values()].map((user) => user.username),
  objects: [...org.objects.values()].filter((object) => object.deletedAt === undefined).length,
})
