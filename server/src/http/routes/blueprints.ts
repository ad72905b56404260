import * as z from 'zod'
import { type Bindings } from '../../domain/fleet/blueprints/bindings.ts'
import { type Blueprints } from '../../domain/fleet/blueprints/blueprints.ts'
import { type CreateFromClient } from '../../domain/fleet/blueprints/from-client.ts'
import { declarations } from '../../domain/fleet/blueprints/parameters.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageOf, pageRequest, update } from '../schemas.ts'
import { bindingRoutes } from './blueprint-bindings.ts'
import { fromClientRoute } from './blueprint-from-client.ts'
import {
  blueprint,
  BLUEPRINT_ID,
  BLUEPRINTS,
  content,
  versionDifference,
  exampleBlueprint,
  exampleContent,
  exampleSummary,
  exampleVersion,
  slug,
  text,
  version,
  versionNumber,
  versionSummary,
} from './blueprint-schemas.ts'
import { PLAN_BODY_BYTES } from './deployment-schema.ts'

const blueprintRoutesOf = (blueprints: Blueprints): Route[] => [
  route({
    method: 'POST',
    path: '/api/blueprints/create',
    tag: BLUEPRINTS,
    summary: 'Create a blueprint',
    description:
      'What you want in the Salesforce orgs of several clients, under one name. Its versions say what that ' +
      'is: create one with `/api/blueprints/versions/create`.',
    access: 'fleet.write',
    body: z.strictObject({
      name: line(200),
      slug: slug
        .optional()
        .describe(
          'Unique, and never changes. Default: the name in lower-case letters and hyphens, with a suffix if ' +
            'another blueprint has that',
        ),
      description: text(2_000).optional(),
    }),
    replies: { 201: { description: 'The blueprint', body: blueprint } },
    errors: ['already_exists'],
    example: {
      body: { name: 'Lead tiers', slug: 'lead-tiers' },
      reply: { ...exampleBlueprint, latest_version: 0 },
    },
    idempotency: {
      replay: async (caller, blueprintId) => ({
        status: 201,
        body: await blueprints.get(caller.tenant, blueprintId),
      }),
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await blueprints.create(caller, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/update',
    tag: BLUEPRINTS,
    summary: 'Update the name or description of a blueprint',
    access: 'fleet.write',
    body: update(
      { blueprint_id: id },
      { name: line(200).optional(), description: text(2_000).nullable().optional() },
    ),
    replies: { 200: { description: 'The blueprint', body: blueprint } },
    errors: ['not_found'],
    example: {
      body: { blueprint_id: BLUEPRINT_ID, description: 'For all agencies' },
      reply: { ...exampleBlueprint, description: 'For all agencies' },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.update(caller, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/get',
    tag: BLUEPRINTS,
    summary: 'Get a blueprint',
    access: 'fleet.read',
    body: z.strictObject({ blueprint_id: id }),
    replies: { 200: { description: 'The blueprint', body: blueprint } },
    errors: ['not_found'],
    example: { body: { blueprint_id: BLUEPRINT_ID }, reply: exampleBlueprint },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.get(caller.tenant, body.blueprint_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/list',
    tag: BLUEPRINTS,
    summary: 'List blueprints, newest first',
    access: 'fleet.read',
    body: z.strictObject({
      ...pageRequest,
      slug: slug.optional(),
      include_archived: z.boolean().optional(),
    }),
    replies: { 200: { description: 'A page of blueprints', body: pageOf(blueprint) } },
    errors: ['invalid_cursor'],
    example: { body: {}, reply: { items: [exampleBlueprint], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/archive',
    tag: BLUEPRINTS,
    summary: 'Archive a blueprint, or restore it',
    description:
      'An archived blueprint gets no new versions, bindings and rollouts. What is bound to it stays bound, ' +
      'and nothing changes in any Salesforce org.',
    access: 'fleet.write',
    body: z.strictObject({
      blueprint_id: id,
      is_archived: z.boolean().default(true).describe('false restores it'),
    }),
    replies: { 200: { description: 'The blueprint', body: blueprint } },
    errors: ['not_found'],
    example: {
      body: { blueprint_id: BLUEPRINT_ID },
      reply: { ...exampleBlueprint, is_archived: true },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.archive(caller, body.blueprint_id, body.is_archived),
    }),
  }),
]

const createVersionRoute = (blueprints: Blueprints): Route =>
  route({
    method: 'POST',
    path: '/api/blueprints/versions/create',
    tag: BLUEPRINTS,
    summary: 'Create a version of a blueprint',
    description:
      'Holds a plan, workflows, mappings, or several of them, and never changes. `{ "param": "name" }` in ' +
      'place of a value leaves it to each client: in labels, descriptions, lists of picklist values, default ' +
      'values, names of layouts, sections, profiles, permission sets, queues and users, and in every number ' +
      'and switch. API names are the same for all clients.\n\n' +
      'What is wrong is `400 invalid_blueprint` with its path: an undeclared or unused parameter, one in a ' +
      'place of a different type, and whatever a deploy of the content would refuse.\n\n' +
      'What the newest version holds already makes no new one: the answer is that version, with 200.',
    access: 'fleet.write',
    bodyLimitBytes: PLAN_BODY_BYTES,
    body: z.strictObject({
      blueprint_id: id,
      ...content,
      parameters: declarations.optional(),
      notes: text(2_000).optional().describe('What is new in it'),
      expected_latest: z
        .int()
        .min(0)
        .optional()
        .describe(
          'The newest version that you have seen, 0 if none: `409 blueprint_changed` if there is a newer one',
        ),
    }),
    replies: {
      200: { description: 'The newest version, which holds this already', body: version },
      201: { description: 'The version', body: version },
    },
    errors: ['not_found', 'invalid_blueprint', 'blueprint_changed', 'blueprint_archived'],
    example: {
      body: {
        blueprint_id: BLUEPRINT_ID,
        ...exampleContent,
        parameters: [{ name: 'tier_label', type: 'text', default: 'Tier' }],
        notes: 'First version',
        expected_latest: 0,
      },
      reply: exampleVersion,
    },
    idempotency: {
      replay: async (caller, versionId) => ({
        status: 201,
        body: await blueprints.versionById(caller.tenant, versionId),
      }),
    },
    handle: async ({ caller, body }) => {
      const { isNew, version: made } = await blueprints.createVersion(caller, body)
      return { status: isNew ? 201 : 200, body: made }
    },
  })

const versionRoutesOf = (blueprints: Blueprints): Route[] => [
  createVersionRoute(blueprints),
  route({
    method: 'POST',
    path: '/api/blueprints/versions/get',
    tag: BLUEPRINTS,
    summary: 'Get a version of a blueprint',
    access: 'fleet.read',
    body: z.strictObject({
      blueprint_id: id,
      version: versionNumber.optional().describe('Default: the newest'),
    }),
    replies: { 200: { description: 'The version', body: version } },
    errors: ['not_found'],
    example: { body: { blueprint_id: BLUEPRINT_ID }, reply: exampleVersion },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.getVersion(caller.tenant, body.blueprint_id, body.version),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/versions/list',
    tag: BLUEPRINTS,
    summary: 'List the versions of a blueprint, newest first',
    description: 'Without what they hold.',
    access: 'fleet.read',
    body: z.strictObject({ blueprint_id: id, ...pageRequest }),
    replies: { 200: { description: 'A page of versions', body: pageOf(versionSummary) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { blueprint_id: BLUEPRINT_ID },
      reply: { items: [exampleSummary], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.listVersions(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/versions/diff',
    tag: BLUEPRINTS,
    summary: 'Compare two versions of a blueprint',
    description: 'Elements of lists are compared by their names, wherever they stand.',
    access: 'fleet.read',
    body: z.strictObject({
      blueprint_id: id,
      from_version: versionNumber,
      to_version: versionNumber.optional().describe('Default: the newest'),
    }),
    replies: {
      200: {
        description: 'What differs',
        body: z
          .object({
            blueprint_id: id,
            from_version: z.int(),
            to_version: z.int(),
            equal: z.boolean(),
            differences: z.array(versionDifference),
          })
          .meta({ id: 'BlueprintVersionDiff' }),
      },
    },
    errors: ['not_found'],
    example: {
      body: { blueprint_id: BLUEPRINT_ID, from_version: 1 },
      reply: {
        blueprint_id: BLUEPRINT_ID,
        from_version: 1,
        to_version: 2,
        equal: false,
        differences: [
          {
            path: 'plan.objects.Lead.fields.Tier__c.restricted',
            change: 'added',
            before: null,
            after: true,
          },
        ],
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await blueprints.diff(caller.tenant, body),
    }),
  }),
]

export const blueprintRoutes = ({
  blueprints,
  bindings,
  fromClient,
}: {
  blueprints: Blueprints
  bindings: Bindings
  fromClient: CreateFromClient
}): Route[] => [
  ...blueprintRoutesOf(blueprints),
  ...versionRoutesOf(blueprints),
  fromClientRoute(blueprints, fromClient),
  ...bindingRoutes(bindings),
]
