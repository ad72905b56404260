// The workers of deployments: which stages a run goes through, by what is deployed.

import { type StoredDeploymentKind } from '../../db/tables/deployments.ts'
import { type Worker } from '../../jobs/jobs.ts'
import { planDeploy } from './plan/deploy.ts'
import { planRollback } from './plan/rollback.ts'
import { createRunWorker, type RunDeps } from './run/context.ts'
import { workflowDeploy } from './workflows/deploy.ts'
import { workflowRollback } from './workflows/rollback.ts'

const isOfPlan = (kind: StoredDeploymentKind): boolean =>
  kind === 'custom_objects' || kind === 'offboarding'

/** The workers that bring deploys and rollbacks to their end, of plans and of workflows. */
export const createDeploymentWorkers = (deps: RunDeps): { deploy: Worker; rollback: Worker } => ({
  deploy: createRunWorker(deps, ({ kind }) => (isOfPlan(kind) ? planDeploy : workflowDeploy)),
  rollback: createRunWorker(deps, ({ kind }) => (isOfPlan(kind) ? planRollback : workflowRollback)),
})
