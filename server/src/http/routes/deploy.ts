import * as z from 'zod'
import { type Deployments } from '../../domain/deployments/deployments.ts'
import { planSchema } from '../../domain/plan/schema.ts'
import { type ErrorCode } from '../../errors.ts'
import { route, type Route } from '../route.ts'
import { approvalId, id, line, pageOf, pageRequest, timeRange, waitSeconds } from '../schemas.ts'
import {
  CLIENT_ID,
  createDeploymentReplies,
  type DeploymentReplies,
  deployment,
  DEPLOYMENT_ID,
  deploymentKind,
  deploymentStatus,
  deploymentSummary,
  exampleDeployment,
  examplePlan,
  exampleSummary,
  PLAN_BODY_BYTES,
} from './deployment-schema.ts'

/** What a deploy may be refused for. */
const DEPLOYS: ErrorCode[] = [
  'not_found',
  'bad_request',
  'invalid_plan',
  'client_inactive',
  'connection_not_ready',
  'deployment_in_progress',
  'conflicts_found',
  'topology_drifted',
  'no_snapshot',
  'salesforce_error',
]

const customObjectsRoute = (
  deployments: Deployments,
  { replies, replyOf, replay }: DeploymentReplies,
): Route =>
  route({
    method: 'POST',
    path: '/api/deploy/custom-objects',
    tag: 'Deploy',
    summary: 'Deploy custom objects and fields',
    description:
      'One atomic Metadata deploy of the whole plan, with field permissions and layouts: all of ' +
      'it or nothing. What already exists as planned is not sent. The deployment succeeds once ' +
      'every field is visible to the connected user. With `conflict_report_id` the report must be ' +
      'for exactly this plan, and what it checked must not have changed. The work survives a ' +
      'broken connection and a restart; poll with `/api/deploy/status`.',
    access: 'deploy.write',
    bodyLimitBytes: PLAN_BODY_BYTES,
    body: z.strictObject({
      client_id: id,
      plan: z
        .record(z.string(), z.unknown())
        .describe('An error in it is `400 invalid_plan` with its path')
        .meta({ describedBy: planSchema }),
      conflict_report_id: id.optional(),
      accept: z.array(z.literal('yellow')).max(1).optional(),
      check_only: z
        .boolean()
        .optional()
        .describe('Validates in the Salesforce org and changes nothing'),
      ...approvalId,
      wait_seconds: waitSeconds,
    }),
    approvable: true,
    replies,
    errors: DEPLOYS,
    example: { body: { client_id: CLIENT_ID, plan: examplePlan }, reply: exampleDeployment },
    idempotency: { replay },
    handle: async ({ caller, body, context }) =>
      replyOf(await deployments.deploy(caller, body, context.signal)),
  })

const checkedRoute = (
  deployments: Deployments,
  { replies, replyOf, replay }: DeploymentReplies,
): Route =>
  route({
    method: 'POST',
    path: '/api/deploy/checked',
    tag: 'Deploy',
    summary: 'Deploy what a conflict report checked',
    description:
      'For whoever has read a report and does not send its plan again: a person who decides, or an ' +
      'agent. `plan_hash` is that of the report, so that nothing else can be meant. What was checked ' +
      'must not have changed since. A report about workflows also needs the permission ' +
      '`workflows.write`.',
    access: 'deploy.write',
    body: z.strictObject({
      client_id: id,
      conflict_report_id: id,
      plan_hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe('As the report has it'),
      accept: z.array(z.literal('yellow')).max(1).optional(),
      ...approvalId,
      wait_seconds: waitSeconds,
    }),
    approvable: true,
    replies,
    errors: DEPLOYS,
    example: {
      body: {
        client_id: CLIENT_ID,
        conflict_report_id: '0192f3a4-5b6c-7d8e-9f00-112233445566',
        plan_hash: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
      },
      reply: exampleDeployment,
    },
    idempotency: { replay },
    handle: async ({ caller, body, context }) =>
      replyOf(await deployments.deployChecked(caller, body, context.signal)),
  })

const statusRoute = (deployments: Deployments): Route =>
  route({
    method: 'POST',
    path: '/api/deploy/status',
    tag: 'Deploy',
    summary: 'Get a deployment',
    access: 'deploy.read',
    body: z.strictObject({ deployment_id: id }),
    replies: { 200: { description: 'The deployment', body: deployment } },
    errors: ['not_found'],
    example: { body: { deployment_id: DEPLOYMENT_ID }, reply: exampleDeployment },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deployments.get(caller.tenant, body.deployment_id),
    }),
  })

const listRoute = (deployments: Deployments): Route =>
  route({
    method: 'POST',
    path: '/api/deploy/list',
    tag: 'Deploy',
    summary: 'List deployments, newest first',
    description: 'Without plan and components.',
    access: 'deploy.read',
    body: z.strictObject({
      client_id: id.optional(),
      kind: deploymentKind.optional(),
      status: deploymentStatus.optional(),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of deployments', body: pageOf(deploymentSummary) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { client_id: CLIENT_ID },
      reply: { items: [exampleSummary], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deployments.list(caller.tenant, body),
    }),
  })

const cancelRoute = (deployments: Deployments): Route =>
  route({
    method: 'POST',
    path: '/api/deploy/cancel',
    tag: 'Deploy',
    summary: 'Cancel a deployment',
    description:
      'If it was not sent yet, it never is. If it was, Salesforce is asked to cancel it; poll ' +
      '`/api/deploy/status` for the outcome. What Salesforce has applied is not rolled back. ' +
      '`abandon` ends a deployment whose connection is lost for good, or that is stalled.',
    access: 'deploy.write',
    body: z.strictObject({ deployment_id: id, abandon: z.boolean().optional() }),
    replies: { 200: { description: 'The deployment', body: deployment } },
    errors: ['not_found', 'deployment_in_progress'],
    example: { body: { deployment_id: DEPLOYMENT_ID }, reply: exampleDeployment },
    idempotency: {},
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deployments.cancel(caller, body),
    }),
  })

const rollbackRoute = (
  deployments: Deployments,
  { replies, replyOf, replay }: DeploymentReplies,
): Route =>
  route({
    method: 'POST',
    path: '/api/deploy/rollback',
    tag: 'Deploy',
    summary: 'Roll back a deployment',
    description:
      'Removes what this deployment created and restores what it changed. What somebody else ' +
      'changed since is kept and reported, unless it is named in `components` (then only those ' +
      'are rolled back). Where data would be lost: `409 data_would_be_lost` with the rows in ' +
      '`errors`, unless `allow_data_loss`. With `dry_run`, `rollback` in the answer shows what ' +
      'would be done; Salesforce validates it, and what it refuses is in `remaining` with the ' +
      'reason.',
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
      ...approvalId,
      wait_seconds: waitSeconds,
    }),
    approvable: true,
    replies,
    errors: [
      'not_found',
      'bad_request',
      'connection_not_ready',
      'not_rollbackable',
      'data_would_be_lost',
      'deployment_in_progress',
      'salesforce_error',
    ],
    example: {
      body: { deployment_id: DEPLOYMENT_ID },
      reply: {
        ...exampleDeployment,
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
      replyOf(await deployments.rollback(caller, body, context.signal)),
  })

export const deployRoutes = ({ deployments }: { deployments: Deployments }): Route[] => {
  const answers = createDeploymentReplies(deployments)
  return [
    customObjectsRoute(deployments, answers),
    checkedRoute(deployments, answers),
    statusRoute(deployments),
    listRoute(deployments),
    cancelRoute(deployments),
    rollbackRoute(deployments, answers),
  ]
}
