import { type Role } from '../../db/types.ts'

export const PERMISSIONS = [
  'connections.read',
  'connections.write',
  'topology.read',
  'deploy.write',
  'push.write',
  'workflows.read',
  'workflows.write',
  'events.read',
  'webhooks.manage',
  'org.manage',
] as const

export type Permission = (typeof PERMISSIONS)[number]

/** What each role may do. company_* users, in addition, see only their own client. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = Object.freeze({
  org_admin: PERMISSIONS,
  company_admin: ['connections.read', 'topology.read', 'workflows.read', 'events.read'],
  company_member: ['connections.read', 'topology.read'],
})

export const isRole = (value: unknown): value is Role =>
  typeof value === 'string' && Object.hasOwn(ROLE_PERMISSIONS, value)
