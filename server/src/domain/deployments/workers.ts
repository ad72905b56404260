// The workers of deployments: which stages a run goes through, by what is deployed.

import { type Worker } from '../../jobs/jobs.ts'
import { planDeploy } from './plan/deploy.ts'
import { planRollback } from './plan/rollback.ts'
import { createRunWorker, type RunDeps } from './run/context.ts'
import { workflowDeploy } from './workflows/deploy.ts'
import { workflowRollback } from './workflows/rollback.ts'

/** The workers that bring deploys and rollbacks to their end, of plans and of workflows. */
export const createDeploymentWorkers = (deps: RunDeps): { deploy: Worker; rollback: Worker } => ({
  deploy: createRunWorker(deps, ({ kind }) =>
    kind === 'custom_objects' ? planDeploy : workflowDeploy,
  ),
  rollback: createRunWorker(deps, ({ kind }) =>
    kind === 'custom_objects' ? planRollback : workflowRollback,
  ),
})
