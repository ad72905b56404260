// What the connected user may do in the Salesforce org, in Salesforce's own words: which permissions the
// engine needs, what Setup calls them, and whether the user has them.

import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical.ts'
import { composite, type SubAnswer } from '../../salesforce/composite.ts'
import { type Soql, soql, soqlName } from '../../salesforce/escape.ts'
import { concernsWholeOrg, SalesforceError } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { listObjects } from '../../salesforce/xml.ts'

/** PermissionSet's and UserPermissionAccess's name without `Permissions` → the label in Setup. */
export const PERMISSION_LABELS = {
  ApiEnabled: 'API Enabled',
  CustomizeApplication: 'Customize Application',
  ModifyMetadata: 'Modify Metadata Through Metadata API Functions',
  ModifyAllData: 'Modify All Data',
  ManageProfilesPermissionsets: 'Manage Profiles and Permission Sets',
  AssignPermissionSets: 'Assign Permission Sets',
  ViewSetup: 'View Setup and Configuration',
  ViewAllData: 'View All Data',
} as const satisfies Readonly<Record<string, string>>

export type PermissionName = keyof typeof PERMISSION_LABELS

export const PERMISSION_NAMES = Object.keys(PERMISSION_LABELS) as PermissionName[]

/** Either of them shows what Setup shows, whether or not the user may see the data. */
export const SEES_SETUP: readonly PermissionName[] = ['ViewSetup', 'CustomizeApplication']

export interface Rights {
  /** Null if Salesforce did not return it. */
  username: string | null
  /** Null if Salesforce did not return it. */
  permissions: ReadonlySet<PermissionName> | null
  /**
   * Changes with the user's profile, permission sets and permissions, as far as Salesforce returns them.
   */
  fingerprint: string
}

const COLUMNS = PERMISSION_NAMES.map((name) => `Permissions${name}`)

const recordsOf = ({ body, failure }: SubAnswer): JsonObject[] | null => {
  if (failure !== null) {
    if (concernsWholeOrg(failure)) throw new SalesforceError(failure)
    return null
  }
  return isObject(body) ? listObjects(body.records) : null
}

const queryOf = ({ text }: Soql) => ({
  method: 'GET' as const,
  url: `/query?q=${encodeURIComponent(text)}`,
})

/**
 * The connected user's rights, in one call. What Salesforce refuses to return is left out. Throws only
 * for faults that concern the Salesforce org as a whole.
 */
export const readRights = async (org: SalesforceOrg, userId: string): Promise<Rights> => {
  let answers: SubAnswer[]
  try {
    answers = await composite(
      org,
      [
        // Salesforce: one row, the permissions of the querying user from all sources.
        soql`SELECT ${soqlName(...COLUMNS)} FROM UserPermissionAccess LIMIT 1`,
        soql`SELECT Username, ProfileId FROM User WHERE Id = ${userId}`,
        soql`SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ${userId}`,
      ].map(queryOf),
      { effect: 'read' },
    )
  } catch (error) {
    if (!(error instanceof SalesforceError) || concernsWholeOrg(error.failure)) throw error
    return { username: null, permissions: null, fingerprint: '' }
  }
  const [access, users, sets] = answers.map(recordsOf)
  const [row] = access ?? []
  const permissions =
    row === undefined ? null : PERMISSION_NAMES.filter((name) => row[`Permissions${name}`] === true)
  const told = {
    permissions,
    profile: asText(users?.[0]?.ProfileId),
    sets: sets?.map(({ PermissionSetId: id }) => asText(id)).sort() ?? null,
  }
  return {
    username: asText(users?.[0]?.Username),
    permissions: permissions && new Set(permissions),
    fingerprint: hash('sha256', canonicalJson(told), 'base64url').slice(0, 22),
  }
}

/** What the user lacks of what the engine needs, as Setup calls it; null if not known. */
export const missingLabels = ({ permissions }: Rights): string[] | null =>
  permissions &&
  PERMISSION_NAMES.filter((name) => name !== 'ModifyAllData' && !permissions.has(name)).map(
    (name) => PERMISSION_LABELS[name],
  )
