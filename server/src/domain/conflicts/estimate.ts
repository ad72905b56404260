// How many Salesforce API calls a deploy of the plan would take.

import { COMPOSITE_MAX } from '../../salesforce/composite.ts'
import { componentsOf } from '../plan/components.ts'
import { type Plan } from '../plan/schema.ts'

/** Polls of a running retrieve or deploy until it is done: short ones take three, large ones more. */
const polls = (components: number): number => 3 + Math.ceil(components / 50)

/**
 * Calls for the whole way: the before-image (start of a retrieve and its polls), the deploy and its
 * polls, the assignment of the permission set (look it up, look for it, insert), the activation of
 * flows, and the read-back. An estimate: a busy Salesforce org queues deploys, which are polled longer.
 */
export const estimateApiCalls = (plan: Plan, workflows: readonly { type: string }[]): number => {
  const components = componentsOf(plan).length
  const total = components + workflows.length
  const images = 1 + polls(total)
  const deploy = 1 + polls(total)
  const assigned = plan.permissions.assign_to_connected_user
  const assignment = plan.objects.length > 0 && assigned ? 3 : 0
  // With the assignment, the describes show everything; without it, the Tooling API is asked object by
  // object.
  const readBack = assigned ? Math.ceil(plan.objects.length / COMPOSITE_MAX) : plan.objects.length
  // Flow definitions are looked up, patched, and read again.
  const activation = 3 * workflows.filter(({ type }) => type === 'flow').length
  return images + deploy + assignment + readBack + activation
}
