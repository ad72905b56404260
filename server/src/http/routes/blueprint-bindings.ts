import * as z from 'zod'
import { type Bindings } from '../../domain/fleet/blueprints/bindings.ts'
import { parameterValues } from '../../domain/fleet/blueprints/parameters.ts'
import { clientSelector } from '../../domain/fleet/selectors.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageOf, pageRequest, timestamp } from '../schemas.ts'
import {
  BLUEPRINT_ID,
  BLUEPRINTS,
  componentState,
  difference,
  versionNumber,
} from './blueprint-schemas.ts'

const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'

const override = z
  .object({
    type: z.string(),
    full_name: z.string(),
    state: componentState,
    differences: z.array(difference),
    note: z.string().nullable(),
    accepted_by: id.nullable(),
    accepted_at: timestamp,
  })
  .meta({ id: 'BlueprintOverride' })

export const binding = z
  .object({
    id,
    blueprint_id: id,
    client_id: id,
    parameters: parameterValues,
    pinned_version: z.int().nullable().describe('null: the newest version'),
    overrides: z
      .array(override)
      .describe('What the client keeps as it is, see `/api/fleet/drift/accept`'),
    created_by: id.nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'BlueprintBinding' })

export const exampleBinding = {
  id: '01931f2a-7c00-7000-8000-000000000062',
  blueprint_id: BLUEPRINT_ID,
  client_id: CLIENT_ID,
  parameters: { tier_label: 'Level' },
  pinned_version: null,
  overrides: [],
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:00:00.000Z',
  updated_at: '2026-11-22T09:00:00.000Z',
}

const chosen = {
  blueprint_id: id,
  client_ids: z.array(id).min(1).max(5_000).optional(),
  selector: clientSelector.optional().describe('Instead of `client_ids`'),
}

const EITHER = {
  message: 'Send either client_ids or selector.',
  path: ['client_ids'],
}
const isEither = (body: { client_ids?: unknown; selector?: unknown }): boolean =>
  (body.client_ids === undefined) !== (body.selector === undefined)

export const bindingRoutes = (bindings: Bindings): Route[] => [
  route({
    method: 'POST',
    path: '/api/blueprints/bindings/set',
    tag: BLUEPRINTS,
    summary: 'Bind clients to a blueprint, or change their bindings',
    description:
      'A bound client should stand at the newest version, or at `pinned_version`, with these parameters. ' +
      'Nothing is sent to Salesforce. All clients are bound or none; values that do not fit the version are ' +
      '`400 invalid_parameters`.',
    access: 'fleet.write',
    body: z
      .strictObject({
        ...chosen,
        parameters: parameterValues
          .optional()
          .describe('By name; they replace those of each client. Default: unchanged, or none'),
        pinned_version: versionNumber
          .nullable()
          .optional()
          .describe('null: the newest. Default: unchanged, or the newest'),
        withdraw: z
          .union(
            [
              z.literal('all'),
              z
                .array(z.strictObject({ type: line(80), full_name: line(255) }))
                .min(1)
                .max(1_000),
            ],
            { error: 'must be "all" or a list of components' },
          )
          .meta({ id: 'WithdrawnDifferences' })
          .optional()
          .describe(
            'Accepted differences (`overrides`) that no longer are: the version counts again',
          ),
      })
      .refine(isEither, EITHER),
    replies: {
      200: {
        description: 'The bindings',
        body: z
          .object({ created: z.int(), updated: z.int(), items: z.array(binding) })
          .meta({ id: 'BlueprintBindings' }),
      },
    },
    errors: [
      'not_found',
      'invalid_parameters',
      'client_inactive',
      'blueprint_archived',
      'bad_request',
    ],
    example: {
      body: {
        blueprint_id: BLUEPRINT_ID,
        selector: { tags: { tier: 'gold' } },
        parameters: { tier_label: 'Level' },
      },
      reply: { created: 1, updated: 0, items: [exampleBinding] },
    },
    idempotency: {},
    handle: async ({ caller, body }) => ({ status: 200, body: await bindings.set(caller, body) }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/bindings/list',
    tag: BLUEPRINTS,
    summary: 'List bindings, newest first',
    access: 'fleet.read',
    body: z.strictObject({
      blueprint_id: id.optional(),
      client_id: id.optional(),
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of bindings', body: pageOf(binding) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { blueprint_id: BLUEPRINT_ID },
      reply: { items: [exampleBinding], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await bindings.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/blueprints/bindings/remove',
    tag: BLUEPRINTS,
    summary: 'Remove the bindings of clients',
    description:
      'They are no longer asked to stand at the blueprint. Nothing changes in their Salesforce orgs; clients ' +
      'that are not bound are left out.',
    access: 'fleet.write',
    body: z.strictObject(chosen).refine(isEither, EITHER),
    replies: {
      200: {
        description: 'How many bindings there were',
        body: z.object({ removed: z.int() }).meta({ id: 'RemovedBindings' }),
      },
    },
    errors: ['not_found'],
    example: {
      body: { blueprint_id: BLUEPRINT_ID, client_ids: [CLIENT_ID] },
      reply: { removed: 1 },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await bindings.remove(caller, body),
    }),
  }),
]
