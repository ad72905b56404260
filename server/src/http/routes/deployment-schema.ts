// A deployment as callers see it: the response of every route about deployments.

import * as z from 'zod'
import { type Caller } from '../../domain/caller.ts'
import { type Deployment, type Deployments } from '../../domain/deployments/deployments.ts'
import { planSchema } from '../../domain/plan/schema.ts'
import { workflowInput, workflowType } from '../../domain/workflows/definition/schema.ts'
import { type Reply } from '../route.ts'
import { isFinal, replyWith } from '../running.ts'
import { fault, id, line, progress, timestamp, workFault } from '../schemas.ts'

export const PLAN_BODY_BYTES = 8 * 1024 * 1024

export const deploymentStatus = z
  .enum(['pending', 'validated', 'deployed', 'failed', 'rolled_back'])
  .meta({ id: 'DeploymentStatus' })
export const deploymentKind = z
  .enum(['custom_objects', 'workflows', 'workflow_removal', 'workflow_activation'])
  .meta({ id: 'DeploymentKind' })
export const reversibility = z
  .enum(['reversible', 'reversible_with_data_loss', 'irreversible'])
  .meta({ id: 'Reversibility' })
export const named = z
  .object({ type: z.string(), full_name: z.string() })
  .meta({ id: 'ComponentName' })

const component = named
  .extend({
    action: z.enum(['created', 'updated', 'unchanged', 'deleted']).meta({ id: 'ComponentAction' }),
    reversibility,
    reason: z
      .string()
      .nullable()
      .describe('What a rollback does, what it costs, or what it cannot roll back'),
    success: z
      .boolean()
      .nullable()
      .describe('Null until Salesforce has answered, and on a failure'),
    problem: z
      .object({
        message: z.string(),
        severity: z.enum(['error', 'warning']).meta({ id: 'ComponentProblemSeverity' }),
        file: z.string().nullable(),
        line: z.int().nullable(),
        column: z.int().nullable(),
        code: z.string().nullable(),
      })
      .meta({ id: 'ComponentProblem' })
      .nullable()
      .describe("Salesforce's own words and the place in the package"),
  })
  .meta({ id: 'DeployedComponent' })

export const workflowName = z
  .strictObject({ type: workflowType, api_name: line(255) })
  .meta({ id: 'WorkflowName' })

/** What `plan` of a deployment is, by its kind. */
const deploymentPlan = z
  .union([
    planSchema,
    z
      .strictObject({ workflows: z.array(workflowInput) })
      .describe('Of a deployment of kind `workflows`: `definition` is Metadata JSON')
      .meta({ id: 'WorkflowsPlan' }),
    z
      .strictObject({ workflows: z.array(workflowName) })
      .describe('Of a deployment of kind `workflow_removal`')
      .meta({ id: 'WorkflowRemovalPlan' }),
    z
      .strictObject({
        activation: workflowName.extend({ active: z.boolean(), version: z.int().optional() }),
      })
      .describe('Of a deployment of kind `workflow_activation`')
      .meta({ id: 'WorkflowActivationPlan' }),
  ])
  .meta({ id: 'DeploymentPlan' })

export const rollbackProof = z
  .object({
    complete: z.boolean(),
    compared: z.int(),
    differences: z.array(named.extend({ what: z.string() })),
  })
  .meta({ id: 'RollbackProof' })

const rollbackResult = z
  .object({
    status: z
      .enum(['running', 'dry_run', 'complete', 'partial', 'failed'])
      .meta({ id: 'RollbackStatus' })
      .describe('`dry_run`: the lists show what would be done'),
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
      .describe(
        'Left as it is, with the reason, and who changed it when, where the Salesforce org records it',
      ),
    remaining: z
      .array(named.extend({ reason: z.string() }))
      .describe(
        'What is left of this deployment and can still be removed by naming it in `components`',
      ),
    data: z
      .array(z.object({ name: z.string(), rows: z.int().nullable() }))
      .describe('What would lose data if removed or restored; rows null: not countable'),
    proof: rollbackProof
      .nullable()
      .describe(
        'What was read back after the rollback, compared with the state before the deployment',
      ),
    error: workFault.nullable(),
  })
  .meta({ id: 'Rollback' })

export const deploymentSummary = z
  .object({
    id,
    client_id: id,
    kind: deploymentKind,
    status: deploymentStatus.describe('`validated`: a `check_only` that passed'),
    is_final: isFinal.describe(
      'True unless a deploy, or a rollback of it, is under way: stop polling then',
    ),
    conflict_report_id: id.nullable(),
    sfdc_deploy_id: z.string().nullable(),
    check_only: z.boolean(),
    progress,
    warnings: z.array(fault),
    error: workFault
      .nullable()
      .describe('Why it failed; with status `pending`, why it is paused. It resumes by itself'),
    rollback: rollbackResult.nullable(),
    created_by: id.nullable(),
    created_at: timestamp,
    deployed_at: timestamp.nullable(),
    rolled_back_at: timestamp.nullable(),
  })
  .meta({ id: 'DeploymentSummary' })
export const deployment = deploymentSummary
  .extend({
    plan: z
      .unknown()
      .describe('As it was parsed, with defaults filled in; its shape depends on `kind`')
      .meta({ describedBy: deploymentPlan }),
    components: z.array(component),
  })
  .meta({ id: 'Deployment' })

export const DEPLOYMENT_ID = '0199a1b2-0000-7000-8000-0000000000d1'
export const CLIENT_ID = '0199a1b2-0000-7000-8000-0000000000c1'
export const examplePlan = {
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 }],
    },
  ],
}
export const exampleSummary = {
  id: DEPLOYMENT_ID,
  client_id: CLIENT_ID,
  kind: 'custom_objects',
  status: 'deployed',
  is_final: true,
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
export const exampleDeployment = {
  ...exampleSummary,
  plan: examplePlan,
  components: [
    {
      type: 'CustomField',
      full_name: 'Lead.Job_Title__c',
      action: 'created',
      reversibility: 'reversible_with_data_loss',
      reason:
        'Rollback deletes the field. If records hold values by then, it requires allow_data_loss.',
      success: true,
      problem: null,
    },
  ],
}

/** The response of every operation on a deployment, and of its repetition. */
export const createDeploymentReplies = (deployments: Deployments) => {
  /** 202 as long as a deploy, or a rollback of it, is under way. */
  const replyOf = (body: Deployment): Reply =>
    replyWith(body, '/api/deploy/status', { paused: body.error ?? body.rollback?.error ?? null })
  return {
    replies: {
      200: { description: 'The deployment has ended', body: deployment },
      202: { description: 'The deployment is under way', body: deployment },
    },
    replyOf,
    replay: async (caller: Caller, deploymentId: string): Promise<Reply> =>
      replyOf(await deployments.get(caller.tenant, deploymentId)),
  }
}

export type DeploymentReplies = ReturnType<typeof createDeploymentReplies>
