import * as z from 'zod'
import { type Deployments } from '../../domain/deployments/deployments.ts'
import { workflowInput, workflowType } from '../../domain/workflows/definition/schema.ts'
import { route, type Route } from '../route.ts'
import { approvalId, id, line, waitSeconds } from '../schemas.ts'
import {
  CLIENT_ID,
  createDeploymentReplies,
  type DeploymentReplies,
  exampleDeployment,
  PLAN_BODY_BYTES,
  workflowName,
} from './deployment-schema.ts'

const exampleWorkflow = {
  type: 'flow' as const,
  api_name: 'Lead_Rating',
  definition: {
    form: 'record_triggered',
    label: 'Lead Rating',
    object: 'Lead',
    on: 'create',
    criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
    action: { type: 'update_fields', fields: { Rating: 'Hot' } },
  },
  activate: true,
}

const byWorkflow = (workflow: unknown) => ({ client_id: CLIENT_ID, workflows: [workflow] })

/** One of each short form, and Metadata JSON. */
const EXAMPLE_BODIES = {
  'A record-triggered flow': byWorkflow(exampleWorkflow),
  'An assignment rule': byWorkflow({
    type: 'assignment_rule',
    api_name: 'Lead.By_Source',
    definition: {
      form: 'assignment',
      entries: [
        {
          criteria: [{ field: 'LeadSource', operator: 'equals', value: ['Web', 'Referral'] }],
          assign_to: { queue: 'Inbound' },
        },
        { assign_to: { user: 'dispatch@acme.example' } },
      ],
    },
    activate: true,
  }),
  'A validation rule': byWorkflow({
    type: 'validation_rule',
    api_name: 'Account.Phone_Given',
    definition: {
      form: 'validation',
      condition: 'ISBLANK(Phone)',
      message: 'Give a phone number.',
      field: 'Phone',
    },
    activate: true,
  }),
  'Metadata JSON': byWorkflow({
    type: 'validation_rule',
    api_name: 'Account.Phone_Given',
    definition: {
      errorConditionFormula: 'ISBLANK(Phone)',
      errorMessage: 'Give a phone number.',
      errorDisplayField: 'Phone',
    },
    activate: 'keep',
  }),
}

const exampleComponent = {
  type: 'Flow',
  full_name: 'Lead_Rating',
  action: 'created',
  reversibility: 'reversible',
  reason: null,
  success: true,
  problem: null,
}

const exampleOf = (kind: string, plan: unknown, action = 'created') => ({
  ...exampleDeployment,
  kind,
  plan,
  components: [{ ...exampleComponent, action }],
})
const ERRORS = [
  'not_found',
  'bad_request',
  'invalid_plan',
  'client_inactive',
  'connection_not_ready',
  'deployment_in_progress',
  'salesforce_error',
] as const

const deployRoute = (
  deployments: Deployments,
  { replies, replyOf, replay }: DeploymentReplies,
  path: string,
  tag: string,
  access: 'workflows.write' | 'deploy.write',
): Route =>
  route({
    method: 'POST',
    path,
    tag,
    summary: 'Deploy automations',
    description:
      'Flows, assignment rules and validation rules as Metadata JSON, as XML, or in a short form ' +
      '(`definition.form`: `record_triggered`, `assignment`, `validation`). One atomic Metadata ' +
      'deploy; then flows are activated by their definition, in production as in a sandbox, and ' +
      'all of it is read back. Assignment rules are merged into the file of their object; ' +
      'activating one deactivates the one that was active, which is then among the components. ' +
      '`/api/workflows/deploy` and `/api/deploy/workflows` are the same operation.',
    access,
    bodyLimitBytes: PLAN_BODY_BYTES,
    body: z.strictObject({
      client_id: id,
      workflows: z
        .array(z.unknown().meta({ describedBy: workflowInput }))
        .min(1)
        .max(200)
        .describe('An error in one of them is `400 invalid_plan` with its path'),
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
    errors: [...ERRORS, 'conflicts_found', 'no_snapshot'],
    example: {
      body: byWorkflow(exampleWorkflow),
      variants: EXAMPLE_BODIES,
      reply: exampleOf('workflows', { workflows: [exampleWorkflow] }),
    },
    idempotency: { replay },
    handle: async ({ caller, body, context }) =>
      replyOf(await deployments.deployWorkflows(caller, body, context.signal)),
  })

const setActiveRoute = (
  deployments: Deployments,
  { replies, replyOf, replay }: DeploymentReplies,
): Route =>
  route({
    method: 'POST',
    path: '/api/workflows/set-active',
    tag: 'Workflows',
    summary: 'Activate or deactivate an automation',
    description:
      'Activates `version` of a flow (default: the active one, else the newest). Of an ' +
      'object at most one assignment rule is active: the one that is deactivated for it is among ' +
      'the components. Rolled back by `/api/deploy/rollback`.',
    access: 'workflows.write',
    body: z.strictObject({
      client_id: id,
      type: workflowType,
      api_name: line(255),
      active: z.boolean(),
      version: z.int().min(1).optional().describe('For a flow that is to be active'),
      ...approvalId,
      wait_seconds: waitSeconds,
    }),
    approvable: true,
    replies,
    errors: [...ERRORS],
    example: {
      body: { client_id: CLIENT_ID, type: 'flow', api_name: 'Lead_Rating', active: false },
      reply: exampleOf(
        'workflow_activation',
        { activation: { type: 'flow', api_name: 'Lead_Rating', active: false } },
        'updated',
      ),
    },
    idempotency: { replay },
    handle: async ({ caller, body, context }) =>
      replyOf(await deployments.setActive(caller, body, context.signal)),
  })

const removeRoute = (
  deployments: Deployments,
  { replies, replyOf, replay }: DeploymentReplies,
): Route =>
  route({
    method: 'POST',
    path: '/api/workflows/remove',
    tag: 'Workflows',
    summary: 'Remove automations',
    description:
      'Flows are deactivated and all their versions deleted; rules are deleted. While interviews ' +
      'are paused or wait in one of the flows, the answer is `409 flow_interviews_waiting` with ' +
      'their number, and nothing is changed. A flow whose first version already cannot be ' +
      'deleted, because another flow uses it, keeps running as before. A rollback restores a flow ' +
      'as one new version.',
    access: 'workflows.write',
    body: z.strictObject({
      client_id: id,
      workflows: z.array(workflowName).min(1).max(200),
      ...approvalId,
      wait_seconds: waitSeconds,
    }),
    approvable: true,
    replies,
    errors: [...ERRORS, 'flow_interviews_waiting'],
    example: {
      body: { client_id: CLIENT_ID, workflows: [{ type: 'flow', api_name: 'Lead_Rating' }] },
      reply: exampleOf(
        'workflow_removal',
        { workflows: [{ type: 'flow', api_name: 'Lead_Rating' }] },
        'deleted',
      ),
    },
    idempotency: { replay },
    handle: async ({ caller, body, context }) =>
      replyOf(await deployments.removeWorkflows(caller, body, context.signal)),
  })

/** Changes of a client's automations; each answer is a deployment, and can be rolled back. */
export const workflowChangeRoutes = ({ deployments }: { deployments: Deployments }): Route[] => {
  const answers = createDeploymentReplies(deployments)
  return [
    deployRoute(deployments, answers, '/api/workflows/deploy', 'Workflows', 'workflows.write'),
    deployRoute(deployments, answers, '/api/deploy/workflows', 'Deploy', 'deploy.write'),
    setActiveRoute(deployments, answers),
    removeRoute(deployments, answers),
  ]
}
