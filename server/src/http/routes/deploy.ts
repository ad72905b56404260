import * as z from 'zod'
import { type Deployment, type Deployments } from '../../domain/deployments/deployments.ts'
import { planSchema } from '../../domain/plan/schema.ts'
import { type Caller } from '../../domain/caller.ts'
import { type Reply, route, type Route } from '../route.ts'
import {
  fault,
  id,
  line,
  pageOf,
  pageRequest,
  progress,
  timestamp,
  waitSeconds,
} from '../schemas.ts'

const PLAN_BODY_BYTES = 8 * 1024 * 1024

const status = z.enum(['pending', 'validated', 'deployed', 'failed', 'rolled_back'])
const named = z.object({ type: z.string(), full_name: z.string() })

const component = named.extend({
  action: z.enum(['created', 'updated', 'unchanged', 'deleted']),
  reversibility: z.enum(['reversible', 'reversible_with_data_loss', 'irreversible']),
  reason: z.string().nullable().describe('What a rollback costs, or why there can be none'),
  success: z.boolean().nullable().describe('Null until Salesforce has said, and beside a failure'),
  problem: z
    .object({
      message: z.string(),
      severity: z.enum(['error', 'warning']),
      file: z.string().nullable(),
      line: z.int().nullable(),
      column: z.int().nullable(),
      code: z.string().nullable(),
    })
    .nullable()
    .describe("Salesforce's own words and the place in the package"),
})

const rollbackResult = z.object({
  status: z
    .enum(['running', 'dry_run', 'complete', 'partial', 'failed'])
    .describe('`dry_run`: the lists tell what would be done'),
  removed: z.array(named),
  restored: z.array(named),
  kept: z
    .array(
      named.extend({
        reason: z.string(),
        changed_by: z.string().nullable(),
        changed_at: z.string().nullable(),
      }),
    )
    .describe('Left as it is, and why; who changed it and when, where the Salesforce org tells'),
  remaining: z
    .array(named.extend({ reason: z.string() }))
    .describe('What is left of this deployment and can be taken out still, by naming it'),
  data: z
    .array(z.object({ name: z.string(), rows: z.int().nullable() }))
    .describe('What holds data among the things to be removed; rows null: not countable'),
  proof: z
    .object({
      complete: z.boolean(),
      compared: z.int(),
      differences: z.array(named.extend({ what: z.string() })),
    })
    .nullable()
    .describe('The second reading, compared with what was there before the deployment'),
  error: fault
    .extend({
      errors: z
        .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
        .optional(),
    })
    .nullable(),
})

const summary = z.object({
  id,
  client_id: id,
  kind: z.enum(['custom_objects', 'workflows', 'workflow_removal', 'workflow_activation']),
  status: status.describe('`validated`: a `check_only` that passed'),
  conflict_report_id: id.nullable(),
  sfdc_deploy_id: z.string().nullable(),
  check_only: z.boolean(),
  progress,
  warnings: z.array(fault),
  error: fault
    .nullable()
    .describe(
      'Why it failed. With status `pending`: why it stands still (`connection_lost`, ' +
        '`api_budget_exhausted`, what is being tried again)',
    ),
  rollback: rollbackResult.nullable(),
  created_by: id.nullable(),
  created_at: timestamp,
  deployed_at: timestamp.nullable(),
  rolled_back_at: timestamp.nullable(),
})
const deployment = summary.extend({
  plan: z.unknown().describe('As it was understood, defaults filled in'),
  components: z.array(component),
})

const DEPLOYMENT_ID = '0199a1b2-0000-7000-8000-0000000000d1'
const CLIENT_ID = '0199a1b2-0000-7000-8000-0000000000c1'
const examplePlan = {
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 }],
    },
  ],
}
const exampleSummary = {
  id: DEPLOYMENT_ID,
  client_id: CLIENT_ID,
  kind: 'custom_objects',
  status: 'deployed',
  conflict_report_id: null,
  sfdc_deploy_id: '0AfWs000001AbCdKAK',
  check_only: false,
  progress: { stage: 'done', done: 6, total: 6 },
  warnings: [],
  error: null,
  rollback: null,
  created_by: null,
  created_at: '2026-11-20T09:00:00.000Z',
  deployed_at: '2026-11-20T09:00:21.000Z',
  rolled_back_at: null,
}
const example = {
  ...exampleSummary,
  plan: examplePlan,
  components: [
    {
      type: 'CustomField',
      full_name: 'Lead.Job_Title__c',
      action: 'created',
      reversibility: 'reversible_with_data_loss',
      reason: 'What is entered in the field until then goes with it.',
      success: true,
      problem: null,
    },
  ],
}

export const deployRoutes = ({ deployments }: { deployments: Deployments }): Route[] => {
  /** 202 as long as a deploy, or a rollback of what was deployed, is under way. */
  const replyOf = async (caller: Caller, body: Deployment): Promise<Reply> =>
    (await deployments.isRunning(caller.tenant, body.id))
      ? { status: 202, body, headers: { location: '/api/deploy/status' } }
      : { status: 200, body }
  const replies = {
    200: { description: 'It has ended', body: deployment },
    202: { description: 'It is under way', body: deployment },
  }
  const replay = async (caller: Caller, deploymentId: string): Promise<Reply> =>
    replyOf(caller, await deployments.get(caller.tenant, deploymentId))

  return [
    route({
      method: 'POST',
      path: '/api/deploy/custom-objects',
      tag: 'Deploy',
      summary: 'Deploy custom objects and fields',
      description:
        'One atomic Metadata deploy of the whole plan, with field permissions and layouts: all of ' +
        'it or nothing. What is in place already is not sent. Done means read back: every field is ' +
        'visible to the connected user. With `conflict_report_id` the report must be of this very ' +
        'plan, and what it judged must not have changed. The work survives a broken connection and ' +
        'a restart; poll with `/api/deploy/status`.',
      access: 'deploy.write',
      bodyLimitBytes: PLAN_BODY_BYTES,
      body: z.strictObject({
        client_id: id,
        plan: z
          .record(z.string(), z.unknown())
          .describe('See the schema `Plan`; a fault in it is `400 invalid_plan` with its path')
          .meta({ properties: z.toJSONSchema(planSchema, { io: 'input' }).properties }),
        conflict_report_id: id.optional(),
        accept: z.array(z.literal('yellow')).max(1).optional(),
        check_only: z
          .boolean()
          .optional()
          .describe('Validates in the Salesforce org and changes nothing'),
        wait_seconds: waitSeconds,
      }),
      replies,
      errors: [
        'not_found',
        'invalid_plan',
        'client_inactive',
        'connection_not_ready',
        'deployment_in_progress',
        'conflicts_found',
        'topology_drifted',
        'no_snapshot',
        'salesforce_error',
      ],
      example: { body: { client_id: CLIENT_ID, plan: examplePlan }, reply: example },
      idempotency: { replay },
      handle: async ({ caller, body, context }) =>
        replyOf(caller, await deployments.deploy(caller, body, context.signal)),
    }),
    route({
      method: 'POST',
      path: '/api/deploy/status',
      tag: 'Deploy',
      summary: 'How a deployment stands',
      access: 'deploy.write',
      body: z.strictObject({ deployment_id: id }),
      replies: { 200: { description: 'The deployment', body: deployment } },
      errors: ['not_found'],
      example: { body: { deployment_id: DEPLOYMENT_ID }, reply: example },
      handle: async ({ caller, body }) => ({
        status: 200,
        body: await deployments.get(caller.tenant, body.deployment_id),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/deploy/list',
      tag: 'Deploy',
      summary: 'List deployments, newest first',
      description: 'Without plan and components.',
      access: 'deploy.write',
      body: z.strictObject({ client_id: id.optional(), status: status.optional(), ...pageRequest }),
      replies: { 200: { description: 'A page of deployments', body: pageOf(summary) } },
      errors: ['not_found', 'invalid_cursor'],
      example: {
        body: { client_id: CLIENT_ID },
        reply: { items: [exampleSummary], next_cursor: null },
      },
      handle: async ({ caller, body }) => ({
        status: 200,
        body: await deployments.list(caller.tenant, body),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/deploy/cancel',
      tag: 'Deploy',
      summary: 'Cancel a deployment while it still can be',
      description:
        'Not sent yet: it never is. Sent: Salesforce is asked to cancel; poll `/api/deploy/status` ' +
        'for what became of it. What Salesforce has applied is not undone by this. `abandon` lets ' +
        'go of a deployment whose connection is lost for good.',
      access: 'deploy.write',
      body: z.strictObject({ deployment_id: id, abandon: z.boolean().optional() }),
      replies: { 200: { description: 'The deployment', body: deployment } },
      errors: ['not_found', 'deployment_in_progress'],
      example: { body: { deployment_id: DEPLOYMENT_ID }, reply: example },
      idempotency: {},
      handle: async ({ caller, body }) => ({
        status: 200,
        body: await deployments.cancel(caller, body),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/deploy/rollback',
      tag: 'Deploy',
      summary: 'Take a deployment back',
      description:
        'Removes what this deployment created and restores what it changed. What somebody changed ' +
        'since is kept and reported, unless it is named in `components` (then only those are taken ' +
        'back). Where data would be lost: `409 data_would_be_lost` with the rows in `errors`, unless ' +
        '`allow_data_loss`. With `dry_run` the answer tells in `rollback` what would be done.',
      access: 'deploy.write',
      body: z.strictObject({
        deployment_id: id,
        dry_run: z.boolean().optional(),
        allow_data_loss: z.boolean().optional(),
        components: z
          .array(z.strictObject({ type: line(80), full_name: line(255) }))
          .min(1)
          .max(10_000)
          .optional(),
        wait_seconds: waitSeconds,
      }),
      replies,
      errors: [
        'not_found',
        'bad_request',
        'connection_not_ready',
        'not_rollbackable',
        'data_would_be_lost',
        'deployment_in_progress',
      ],
      example: {
        body: { deployment_id: DEPLOYMENT_ID },
        reply: {
          ...example,
          status: 'rolled_back',
          rolled_back_at: '2026-11-20T10:00:21.000Z',
          rollback: {
            status: 'complete',
            removed: [{ type: 'CustomField', full_name: 'Lead.Job_Title__c' }],
            restored: [],
            kept: [],
            remaining: [],
            data: [],
            proof: { complete: true, compared: 2, differences: [] },
            error: null,
          },
        },
      },
      idempotency: { replay },
      handle: async ({ caller, body, context }) =>
        replyOf(caller, await deployments.rollback(caller, body, context.signal)),
    }),
  ]
}
