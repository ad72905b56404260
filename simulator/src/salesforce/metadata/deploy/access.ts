// Who may deploy, and the org's queue.

import type { Org } from '../../../org/model.ts'
import type { Viewer } from '../../../org/visibility.ts'
import { DeployJobs } from './jobs.ts'
import { DeployRefusal } from './options.ts'

/** Salesforce: Metadata API guide, "deploy()": Modify Metadata Through Metadata API Functions, or Modify All Data. */
export function checkMayDeploy(viewer: Viewer): void {
  if (viewer.has('ModifyMetadata') || viewer.has('ModifyAllData')) return
  throw new DeployRefusal(
    'INSUFFICIENT_ACCESS',
    'use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions',
    403,
  )
}

/** The deployments of the org, from the first time they are asked for. */
export const deploysOf = (org: Org): DeployJobs => (org.deploys ??= new DeployJobs(org))
