// What blueprints and their versions look like, and the examples of the documentation.

import * as z from 'zod'
import { declaredParameter } from '../../domain/fleet/blueprints/parameters.ts'
import { COMPONENT_STATES } from '../../domain/fleet/drift/evaluate.ts'
import { id, timestamp } from '../schemas.ts'

export const BLUEPRINT_ID = '01931f2a-7c00-7000-8000-000000000060'
export const BLUEPRINTS = 'Blueprints'

export const slug = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens')
  .max(64)

export const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine(
      (value) => value.isWellFormed() && !value.includes('\0'),
      'must contain neither U+0000 nor half a surrogate pair',
    )

export const versionNumber = z.int().min(1).max(2_147_483_647)

export const blueprint = z
  .object({
    id,
    slug: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    latest_version: z.int().describe('0: it has none yet'),
    is_archived: z.boolean(),
    created_by: id.nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Blueprint' })

/** As it is sent and returned: what may be in it depends on where parameters stand. */
export const content = {
  plan: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('As for `/api/deploy/custom-objects`, with `{ "param": "name" }` in place of values'),
  workflows: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .max(200)
    .optional()
    .describe('As for `/api/workflows/deploy`, with parameters'),
  mappings: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .max(100)
    .optional()
    .describe('As for `/api/mappings/create` without `client_id`, with parameters'),
}

export const versionSummary = z
  .object({
    id,
    blueprint_id: id,
    version: z.int(),
    content_hash: z.string().describe('Versions that hold and declare the same have the same hash'),
    notes: z.string().nullable(),
    created_by: id.nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'BlueprintVersionSummary' })

export const version = versionSummary
  .extend({ ...content, parameters: z.array(declaredParameter) })
  .meta({ id: 'BlueprintVersion' })

export const versionDifference = z
  .object({
    path: z.string().describe('With names of elements: `plan.objects.Lead.fields.Tier__c.length`'),
    change: z.enum(['added', 'removed', 'changed']).meta({ id: 'BlueprintChange' }),
    before: z.unknown(),
    after: z.unknown(),
  })
  .meta({ id: 'BlueprintDifference' })

export const exampleBlueprint = {
  id: BLUEPRINT_ID,
  slug: 'lead-tiers',
  name: 'Lead tiers',
  description: null,
  latest_version: 1,
  is_archived: false,
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:00:00.000Z',
  updated_at: '2026-11-22T09:00:00.000Z',
}

export const exampleContent = {
  plan: {
    objects: [
      {
        api_name: 'Lead',
        fields: [
          {
            api_name: 'Tier__c',
            label: { param: 'tier_label' },
            type: 'Picklist',
            values: ['Gold', 'Silver'],
          },
        ],
      },
    ],
  },
  parameters: [{ name: 'tier_label', type: 'text', required: false, default: 'Tier' }],
}

export const exampleSummary = {
  id: '01931f2a-7c00-7000-8000-000000000061',
  blueprint_id: BLUEPRINT_ID,
  version: 1,
  content_hash: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
  notes: 'First version',
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:00:00.000Z',
}

export const exampleVersion = { ...exampleSummary, ...exampleContent }

export const componentState = z
  .enum(COMPONENT_STATES)
  .describe(
    '`behind`: as an older version put it. `modified`: somebody changed what we deployed. `missing`: somebody ' +
      'removed it. `ahead`: the client added it. `extra_grant`: more access than wanted. `unreadable`: the ' +
      'connected user does not see it. `not_applied`: no deployment of ours has put it in place. `unknown`: the ' +
      'snapshot does not say',
  )
  .meta({ id: 'DriftComponentState' })

export const difference = z
  .object({
    attribute: z.string(),
    wanted: z.unknown(),
    deployed: z.unknown().describe('What our newest deployment put there; null: not known'),
    found: z.unknown(),
  })
  .meta({ id: 'DriftDifference' })
