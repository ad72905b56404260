// The assignment of the permission set to the connected user, who would not see the new fields without
// it.

import { soql, urlPath } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText } from '../../../salesforce/json.ts'
import { query } from '../../../salesforce/rest.ts'
import { type Plan } from '../../plan/schema.ts'

/** The set that the plan wants assigned; null where it wants none. */
export const wantedAssignment = ({ objects, permissions }: Plan): string | null =>
  permissions.assign_to_connected_user && objects.length > 0 ? permissions.permission_set : null

export interface AssignmentsSeen {
  /** Null: the permission set does not exist. */
  permissionSetId: string | null
  /** Id of the user's assignment; null where it has none. */
  assignmentId: string | null
  /** How many other users have it. */
  others: number
}

/** Who has the permission set. Never stopped by the budget: it completes work that is under way. */
export const readAssignments = async (
  org: SalesforceOrg,
  permissionSet: string,
  userId: string,
): Promise<AssignmentsSeen> => {
  const seen: AssignmentsSeen = { permissionSetId: null, assignmentId: null, others: 0 }
  // Salesforce: every profile owns a hidden permission set; those are not meant.
  const sets = soql`SELECT Id FROM PermissionSet WHERE Name = ${permissionSet} AND NamespacePrefix = null AND IsOwnedByProfile = false`
  for await (const record of query(org, sets, { priority: 'protected' })) {
    seen.permissionSetId = asText(record.Id)
  }
  if (seen.permissionSetId === null) return seen
  const rows = soql`SELECT Id, AssigneeId FROM PermissionSetAssignment WHERE PermissionSetId = ${seen.permissionSetId}`
  for await (const record of query(org, rows, { priority: 'protected' })) {
    // Ids come with 15 or 18 characters; the first 15 name the user.
    if (asText(record.AssigneeId)?.slice(0, 15) === userId.slice(0, 15)) {
      seen.assignmentId = asText(record.Id)
    } else seen.others += 1
  }
  return seen
}

/**
 * Makes sure that the user has the permission set; safe to repeat. Throws SalesforceError; `not_found`
 * if the permission set does not exist.
 */
export const assign = async (
  org: SalesforceOrg,
  permissionSet: string,
  userId: string,
): Promise<void> => {
  const { permissionSetId, assignmentId } = await readAssignments(org, permissionSet, userId)
  if (assignmentId !== null || permissionSetId === null) return
  try {
    await org.request({
      method: 'POST',
      path: '/sobjects/PermissionSetAssignment',
      kind: 'rest',
      effect: 'create',
      priority: 'protected',
      json: { AssigneeId: userId, PermissionSetId: permissionSetId },
    })
  } catch (error) {
    // Salesforce: assigned in the meantime, which is what we want.
    if (!(error instanceof SalesforceError && error.failure.code === 'DUPLICATE_VALUE')) throw error
  }
}

/** Removes the permission set from the user; does nothing if the user does not have it. */
export const unassign = async (
  org: SalesforceOrg,
  permissionSet: string,
  userId: string,
): Promise<void> => {
  const { assignmentId } = await readAssignments(org, permissionSet, userId)
  if (assignmentId === null) return
  try {
    await org.request({
      method: 'DELETE',
      path: urlPath`/sobjects/PermissionSetAssignment/${assignmentId}`,
      kind: 'rest',
      priority: 'protected',
    })
  } catch (error) {
    if (!(error instanceof SalesforceError && error.failure.kind === 'not_found')) throw error
  }
}
