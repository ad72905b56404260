import { type Role } from '../../db/tables/tenancy.ts'

export const PERMISSIONS = [
  'connections.read',
  'connections.write',
  'topology.read',
  'deploy.read',
  'deploy.write',
  'push.read',
  'push.write',
  'workflows.read',
  'workflows.write',
  'events.read',
  'webhooks.manage',
  'fleet.read',
  'fleet.write',
  'org.manage',
] as const

export type Permission = (typeof PERMISSIONS)[number]

/** What each role may do. company_* users, in addition, see only their own client. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = Object.freeze({
  org_admin: PERMISSIONS,
  company_admin: [
    'connections.read',
    'topology.read',
    'deploy.read',
    'push.read',
    'workflows.read',
    'events.read',
  ],
  company_member: ['connections.read', 'topology.read'],
})

export const isRole = (value: unknown): value is Role =>
  typeof value === 'string' && Object.hasOwn(ROLE_PERMISSIONS, value)

/** What a permission needs besides, to follow what it starts. */
const INCLUDED: Readonly<Partial<Record<Permission, readonly Permission[]>>> = {
  'connections.write': ['connections.read', 'topology.read'],
  'deploy.write': ['deploy.read', 'topology.read'],
  'push.write': ['push.read'],
  'workflows.write': ['workflows.read', 'deploy.read'],
  'webhooks.manage': ['events.read'],
  'fleet.write': ['fleet.read'],
}

/** What limits an API token; null members limit nothing. */
export interface TokenLimits {
  scopes: readonly string[] | null
  client_ids: readonly string[] | null
  approval: 'none' | 'required'
}

/**
 * What is about the org as a whole: its credentials, the endpoints that events of all its clients go to, and
 * its fleet.
 */
const OF_THE_ORG: readonly string[] = [
  'org.manage',
  'webhooks.manage',
  'fleet.read',
  'fleet.write',
] satisfies Permission[]

/**
 * What of that a credential that has to ask may have: what it does to Salesforce orgs is approved by a person,
 * and with the rest it cannot give itself anything.
 */
const MAY_ASK: readonly string[] = ['fleet.read', 'fleet.write'] satisfies Permission[]

/**
 * Whether limits rule a permission out. Whoever manages an org can give themselves everything: a credential
 * that is confined to clients, or has to ask, never does. A fleet is all clients of the org.
 */
export const isRuledOut = (
  permission: string,
  { client_ids, approval }: Omit<TokenLimits, 'scopes'>,
): boolean =>
  OF_THE_ORG.includes(permission) &&
  (client_ids !== null || (approval === 'required' && !MAY_ASK.includes(permission)))

/**
 * The permissions of a token of a user with this role: never more than the role has today, whatever the
 * token was given.
 */
export const permissionsOf = (role: Role, limits: TokenLimits): readonly Permission[] => {
  const scopes = limits.scopes?.flatMap((scope) => [
    scope,
    ...(INCLUDED[scope as Permission] ?? []),
  ])
  return ROLE_PERMISSIONS[role].filter(
    (permission) =>
      (scopes === undefined || scopes.includes(permission)) && !isRuledOut(permission, limits),
  )
}
