// Who may deploy.

import type { Viewer } from '../../../org/visibility.ts'
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
