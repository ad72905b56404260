import { hash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../../domain/canonical.ts'
import { type Report } from '../../domain/conflicts/reports.ts'
import { type Deployment } from '../../domain/deployments/deployments.ts'
import { type Push } from '../../domain/pushes/pushes.ts'
import { ApiProblem, type Api, requireOfClient } from '../api.ts'
import { approvalAsked, withApproval } from '../approval.ts'
import {
  awaited,
  checkOf,
  checkResult,
  deploymentOf,
  deploymentResult,
  KINDS,
  pushOf,
  pushResult,
  rollbackOf,
  rollbackShape,
} from '../operations.ts'
import { clientId, tool, waitSeconds } from '../tool.ts'

/** A plan is what `/api/conflicts/check` takes; that endpoint says what is wrong in it, with paths. */
const plan = z
  .record(z.string(), z.unknown())
  .describe('As in the OpenAPI document: the schema Plan, at /openapi.json')

const checkPlan = tool({
  name: 'check_plan',
  title: 'Check a plan',
  description:
    'Evaluates a plan, or workflows, against the Salesforce org of a client and changes nothing there. Answers a verdict (green, yellow, red) with findings, and the plan_hash that deploy_plan takes.',
  needs: 'deploy.write',
  input: z.object({
    client_id: clientId,
    plan: plan.optional(),
    workflows: z.array(z.record(z.string(), z.unknown())).max(200).optional(),
    refresh: z.boolean().default(false).describe('Read the Salesforce org anew before'),
    wait_seconds: waitSeconds,
  }),
  output: checkResult,
  run: async ({ api }, input) => checkOf(await api.post<Report>('/api/conflicts/check', input)),
})

const lookAt = {
  check: async (api: Api, client: string, id: string) => {
    const report = await api.post<Report>('/api/conflicts/get', { report_id: id })
    return requireOfClient(report, client, 'check')
  },
  deployment: async (api: Api, client: string, id: string) => {
    const deployment = await api.post<Deployment>('/api/deploy/status', { deployment_id: id })
    return requireOfClient(deployment, client, 'deployment')
  },
  push: async (api: Api, client: string, id: string) => {
    const push = await api.post<Push>('/api/push/get', { push_id: id })
    return requireOfClient(push, client, 'push')
  },
}

const getOperation = tool({
  name: 'get_operation',
  title: 'Follow long work',
  description: 'How a check, a deployment (or its rollback) or a push stands. Waits for its end.',
  needs: 'topology.read',
  input: z.object({
    client_id: clientId,
    kind: z.enum(KINDS),
    id: z.uuid(),
    wait_seconds: waitSeconds,
  }),
  output: z.object({
    check: checkResult.nullable(),
    deployment: deploymentResult.nullable(),
    push: pushResult.nullable(),
  }),
  run: async ({ api, signal }, { client_id, kind, id, wait_seconds }) => {
    const nothing = { check: null, deployment: null, push: null }
    if (kind === 'check') {
      const look = () => lookAt.check(api, client_id, id)
      return { ...nothing, check: checkOf(await awaited(look, wait_seconds, signal)) }
    }
    if (kind === 'deployment') {
      const look = () => lookAt.deployment(api, client_id, id)
      return { ...nothing, deployment: deploymentOf(await awaited(look, wait_seconds, signal)) }
    }
    const look = () => lookAt.push(api, client_id, id)
    return { ...nothing, push: pushOf(await awaited(look, wait_seconds, signal)) }
  },
})

const changed = z.object({
  deployment: deploymentResult.nullable(),
  approval: approvalAsked.nullable().describe('Not null: nothing was changed yet'),
})

const deployPlan = tool({
  name: 'deploy_plan',
  title: 'Deploy a checked plan',
  description:
    'Deploys exactly what check_plan checked, named by the id of the check and its plan_hash. Refused if the verdict was red, if it was yellow and that is not accepted, or if the Salesforce org changed since.',
  needs: 'deploy.write',
  writes: 'additive',
  input: z.object({
    client_id: clientId,
    report_id: z.uuid().describe('The id of the check'),
    plan_hash: z.string(),
    accept_yellow: z.boolean().default(false),
    wait_seconds: waitSeconds,
  }),
  output: changed,
  run: async ({ api, urlOf }, input) => {
    const { client_id, report_id, plan_hash, accept_yellow, wait_seconds } = input
    const outcome = await withApproval(api, urlOf, (approval) =>
      api.post<Deployment>('/api/deploy/checked', {
        client_id,
        conflict_report_id: report_id,
        plan_hash,
        ...(accept_yellow ? { accept: ['yellow'] } : {}),
        wait_seconds,
        ...approval,
      }),
    )
    return 'asked' in outcome
      ? { deployment: null, approval: outcome.asked }
      : { deployment: deploymentOf(outcome.done), approval: null }
  },
})

const preview = async (
  api: Api,
  clientIdOf: string,
  deployment_id: string,
): Promise<{ rollback: z.input<typeof rollbackShape>; preview_hash: string }> => {
  await lookAt.deployment(api, clientIdOf, deployment_id)
  const { rollback } = await api.post<Deployment>('/api/deploy/rollback', {
    deployment_id,
    dry_run: true,
    wait_seconds: 50,
  })
  if (rollback === null || rollback.status !== 'dry_run') {
    throw new ApiProblem({
      status: 409,
      code: rollback?.error?.code ?? 'not_rollbackable',
      title: 'The preview did not end',
      detail: rollback?.error?.message ?? 'The preview takes longer than a call may. Try again.',
    })
  }
  const { removed, restored, kept, remaining, data } = rollback
  const what = { deployment_id, removed, restored, kept, remaining, data }
  return {
    rollback: rollbackOf(rollback),
    preview_hash: hash('sha256', canonicalJson(what), 'hex'),
  }
}

const previewRollback = tool({
  name: 'preview_rollback',
  title: 'Preview a rollback',
  description:
    'What a rollback of a deployment would remove, restore and keep, and which data would be lost. Changes nothing. Answers the preview_hash that rollback takes.',
  needs: 'deploy.write',
  input: z.object({ client_id: clientId, deployment_id: z.uuid() }),
  output: z.object({ rollback: rollbackShape, preview_hash: z.string() }),
  run: ({ api }, { client_id, deployment_id }) => preview(api, client_id, deployment_id),
})

const rollback = tool({
  name: 'rollback',
  title: 'Roll a deployment back',
  description:
    'Rolls a deployment back as preview_rollback showed. Refused if the preview would show something different by now. What somebody else changed since is kept.',
  needs: 'deploy.write',
  writes: 'destructive',
  input: z.object({
    client_id: clientId,
    deployment_id: z.uuid(),
    preview_hash: z.string().regex(/^[0-9a-f]{64}$/),
    allow_data_loss: z.boolean().default(false),
    wait_seconds: waitSeconds,
  }),
  output: changed,
  run: async ({ api, urlOf }, input) => {
    const { client_id, deployment_id, preview_hash, allow_data_loss, wait_seconds } = input
    const now = await preview(api, client_id, deployment_id)
    if (now.preview_hash !== preview_hash) {
      throw new ApiProblem({
        status: 409,
        code: 'topology_drifted',
        title: 'The preview is out of date',
        detail: 'A rollback would now do something different. Call preview_rollback again.',
      })
    }
    const outcome = await withApproval(api, urlOf, (approval) =>
      api.post<Deployment>('/api/deploy/rollback', {
        deployment_id,
        ...(allow_data_loss ? { allow_data_loss } : {}),
        wait_seconds,
        ...approval,
      }),
    )
    return 'asked' in outcome
      ? { deployment: null, approval: outcome.asked }
      : { deployment: deploymentOf(outcome.done), approval: null }
  },
})

export const changeTools = [checkPlan, getOperation, deployPlan, previewRollback, rollback]
