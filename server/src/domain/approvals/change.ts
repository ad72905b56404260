// What changes a Salesforce org, as a person has to know it who approves: in words, made of API names and
// counts, and of nothing that a stranger wrote.

import { type DeploymentKind } from '../../db/tables/deployments.ts'
import { type Permission } from '../auth/permissions.ts'

/** What somebody needs to start such a change, and so to approve it. */
export const ACTIONS = {
  custom_objects: 'deploy.write',
  workflows: 'workflows.write',
  workflow_removal: 'workflows.write',
  workflow_activation: 'workflows.write',
  rollback: 'deploy.write',
  offboarding: 'fleet.write',
  push_records: 'push.write',
  push_status_update: 'push.write',
  push_link: 'push.write',
  push_retry: 'push.write',
  connection_revoke: 'connections.write',
  rollout_start: 'fleet.write',
  rollout_resume: 'fleet.write',
  rollout_approve: 'fleet.write',
  rollout_retry: 'fleet.write',
  rollout_rollback: 'fleet.write',
} as const satisfies Record<DeploymentKind, Permission> & Record<string, Permission>

export type ApprovalAction = keyof typeof ACTIONS

export const APPROVAL_ACTIONS = Object.keys(ACTIONS) as [ApprovalAction, ...ApprovalAction[]]

export interface Change {
  action: ApprovalAction
  /** Null: it is about many clients of the org. */
  clientId: string | null
  /** The request; whatever differs in it is a different change. */
  request: unknown
  /** What it rests on beside the request and the state of the client: must be the same when it is made. */
  restsOn: Readonly<Record<string, string | number | null>>
  /** What will happen, a line each. */
  words: readonly string[]
}

const SHOWN_MAX = 50

/** A name as Salesforce allows it; any other character is left out, so that no name can be a sentence. */
export const plainName = (name: string): string => name.replaceAll(/[^\w.:% -]/g, '').slice(0, 120)

/** Of a deployment or a rollout that may go on although its check warns. */
export const YELLOW_ACCEPTED = 'Yellow findings of the check are accepted'

/** The first lines, and one that counts the rest. */
export const listed = (lines: readonly string[]): string[] => {
  const rest = lines.length - SHOWN_MAX
  return rest > 0 ? [...lines.slice(0, SHOWN_MAX), `and ${rest} more`] : [...lines]
}

/** A line for each component, and one that counts the rest. */
export const listedComponents = (
  components: readonly { type: string; fullName: string }[],
): string[] => listed(components.map(({ type, fullName }) => `${type} ${plainName(fullName)}`))
