import * as z from 'zod'
import { type Blueprints } from '../../domain/fleet/blueprints/blueprints.ts'
import { type CreateFromClient } from '../../domain/fleet/blueprints/from-client.ts'
import { canonicalName } from '../../domain/mappings/mapping.ts'
import { workflowType } from '../../domain/workflows/definition/schema.ts'
import { route, type Route } from '../route.ts'
import { id, line } from '../schemas.ts'
import { BLUEPRINT_ID, BLUEPRINTS, exampleVersion, text, version } from './blueprint-schemas.ts'

const leftOut = z
  .object({
    type: z.string(),
    full_name: z.string(),
    reason: z.string().describe('What a plan cannot say about it'),
  })
  .meta({ id: 'LeftOutOfBlueprint' })

const reply = z
  .object({
    version,
    snapshot_version: z.int().nullable().describe('null in a replay'),
    left_out: z
      .array(leftOut)
      .nullable()
      .describe('What was named, or belongs to it, and is not in the version; null in a replay'),
  })
  .meta({ id: 'BlueprintFromClient' })

export const fromClientRoute = (blueprints: Blueprints, fromClient: CreateFromClient): Route =>
  route({
    method: 'POST',
    path: '/api/blueprints/from-client',
    tag: BLUEPRINTS,
    summary: 'Create a version from what a client has',
    description:
      'Writes named things of the newest snapshot as a plan, workflows and mappings, without a Salesforce ' +
      'call. A field is in it only if a deploy would leave it unchanged in the client it came from, as far as ' +
      'the snapshot shows; everything else is in `left_out` with the reason. Descriptions, page layouts, ' +
      'permissions and the like are not in a snapshot.',
    access: 'fleet.write',
    body: z
      .strictObject({
        blueprint_id: id,
        client_id: id,
        objects: z
          .array(
            z.strictObject({
              api_name: line(255),
              fields: z
                .array(line(255))
                .min(1)
                .max(900)
                .optional()
                .describe(
                  'Default: the object itself, and all custom fields but those of packages',
                ),
            }),
          )
          .min(1)
          .max(200)
          .optional(),
        workflows: z
          .array(z.strictObject({ type: workflowType, api_name: line(255) }))
          .min(1)
          .max(200)
          .optional(),
        mappings: z
          .array(canonicalName)
          .min(1)
          .max(100)
          .optional()
          .describe('Canonical objects whose active mappings are taken'),
        notes: text(2_000).optional(),
        expected_latest: z
          .int()
          .min(0)
          .optional()
          .describe('As for `/api/blueprints/versions/create`'),
      })
      .refine(
        ({ objects, workflows, mappings }) =>
          objects !== undefined || workflows !== undefined || mappings !== undefined,
        { message: 'Name objects, workflows or mappings.', path: ['objects'] },
      ),
    replies: { 201: { description: 'The version, and what is not in it', body: reply } },
    errors: [
      'not_found',
      'no_snapshot',
      'unknown_object',
      'unknown_field',
      'invalid_blueprint',
      'blueprint_changed',
      'blueprint_archived',
    ],
    example: {
      body: {
        blueprint_id: BLUEPRINT_ID,
        client_id: '01931f2a-7c00-7000-8000-000000000003',
        objects: [{ api_name: 'Lead', fields: ['Tier__c', 'Number__c'] }],
      },
      reply: {
        version: exampleVersion,
        snapshot_version: 12,
        left_out: [
          {
            type: 'CustomField',
            full_name: 'Lead.Number__c',
            reason: 'A snapshot does not show its display_format, which a plan needs.',
          },
        ],
      },
    },
    idempotency: {
      replay: async (caller, versionId) => ({
        status: 201,
        body: {
          version: await blueprints.versionById(caller.tenant, versionId),
          snapshot_version: null,
          left_out: null,
        },
      }),
    },
    handle: async ({ caller, body }) => ({ status: 201, body: await fromClient(caller, body) }),
  })
