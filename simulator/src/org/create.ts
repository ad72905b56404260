// A fresh Salesforce org: its people, profiles and permissions, and nothing else yet.

import { createHash } from 'node:crypto'
import { IdGenerator, toId18 } from './ids.ts'
import { addStandardActions } from './standard-actions.ts'
import { addStandardApps } from './standard-apps.ts'
import { type Grants, type Group, type Org, type Profile, type User } from './model.ts'
import { stamps } from './schema.ts'

export interface NewOrg {
  name: string
  edition?: Org['edition']
  isSandbox?: boolean
}

export const noGrants = (): Grants => ({ fields: new Map(), objects: new Map(), system: new Set() })

/** Salesforce: "API Request Limits and Allocations"; Developer Edition 15,000 a day. */
const DAILY_CALLS: Record<Org['edition'], number> = {
  Developer: 15_000,
  Professional: 100_000,
  Enterprise: 105_000,
  Unlimited: 150_000,
}

/** The system permissions that this simulator knows by name; an administrator has them all. */
export const SYSTEM_PERMISSIONS = [
  'ApiEnabled',
  'AssignPermissionSets',
  'CustomizeApplication',
  'ManageProfilesPermissionsets',
  'ManageUsers',
  'ModifyAllData',
  'ModifyMetadata',
  'ViewAllData',
  'ViewSetup',
]

/** A part of each id of an org. Thousands of orgs have each their own, so that no id exists in two. */
const podAt = (index: number): string => {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ'
  const letter = (n: number) => letters[n % letters.length] ?? 'A'
  const round = Math.floor(index / 240)
  return `${letter(index)}${round === 0 ? 'x' : letter(round).toLowerCase()}${Math.floor(round / 24) % 10}${Math.floor(index / 24) % 10}`
}

/** Ids and dates are derived from name and index, so that the same seed gives the same org. */
export const createOrg = (spec: NewOrg, index: number): Org => {
  const digest = createHash('sha256').update(`${index}:${spec.name}`).digest('hex')
  const pod = podAt(index)
  const ids = new IdGenerator(pod)
  const edition = spec.edition ?? 'Developer'
  const created = new Date('2026-01-05T09:00:00.000Z')
  const org: Org = {
    id: toId18(`00D${pod}${digest.slice(0, 8)}`) ?? '',
    name: spec.name,
    edition,
    isSandbox: spec.isSandbox ?? false,
    language: 'en_US',
    instanceName: spec.isSandbox === true ? 'CS42' : 'NA224',
    instanceUrl: '',
    createdDate: created,
    ids,
    objects: new Map(),
    globalValueSets: new Map(),
    customMetadata: new Map(),
    customLabels: new Map(),
    customPermissions: new Map(),
    users: new Map(),
    profiles: new Map(),
    permissionSets: new Map(),
    permissionSetGroups: new Map(),
    assignments: [],
    groups: [],
    roles: [],
    flows: new Map(),
    flowInterviews: [],
    workflowRules: [],
    assignmentRules: [],
    duplicateRules: [],
    apexTriggers: [],
    packages: [],
    layouts: [],
    quickActions: new Map(),
    tabs: [],
    apps: [],
    records: new Map(),
    sessions: new Map(),
    refreshGrants: new Map(),
    rotatedTokens: new Map(),
    usage: { used: 0, max: DAILY_CALLS[edition] },
    settings: { sessionMinutes: 120, rotateRefreshTokens: false, apiEnabled: true },
    orgWideModifiedAt: created,
    permissionRevision: 1,
    schemaRevision: 1,
    kept: new Map(),
  }
  addStandardApps(org)
  addStandardActions(org)
  const admin = addProfile(org, 'System Administrator', SYSTEM_PERMISSIONS, true)
  const restricted = addProfile(org, 'Minimum Access - API Only', ['ApiEnabled'], false)
  const handle = spec.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  addUser(org, {
    username: `admin@${handle}.example`,
    firstName: 'Ada',
    lastName: 'Admin',
    profileId: admin.id,
  })
  addUser(org, {
    username: `integration@${handle}.example`,
    firstName: '',
    lastName: 'Integration',
    profileId: admin.id,
  })
  addUser(org, {
    username: `restricted@${handle}.example`,
    firstName: 'Rita',
    lastName: 'Restricted',
    profileId: restricted.id,
  })
  return org
}

const addProfile = (
  org: Org,
  name: string,
  system: string[],
  readsEveryObject: boolean,
): Profile => {
  const profile: Profile = {
    id: org.ids.make('00e'),
    name,
    grants: { ...noGrants(), system: new Set(system) },
    hidden: new Set(),
    readsEveryObject,
    createdById: '',
    createdDate: org.createdDate,
    lastModifiedById: '',
    lastModifiedDate: org.createdDate,
  }
  org.profiles.set(profile.id, profile)
  return profile
}

export const addUser = (
  org: Org,
  spec: { username: string; firstName: string; lastName: string; profileId: string },
): User => {
  const user: User = {
    id: org.ids.make('005'),
    email: spec.username,
    active: true,
    createdDate: org.createdDate,
    ...spec,
  }
  org.users.set(user.id, user)
  return user
}

/** A queue or public group without members, not yet in the org. */
export const makeGroup = (
  org: Org,
  type: Group['type'],
  developerName: string,
  queueObjects: string[] = [],
): Group => ({
  id: org.ids.make('00G'),
  type,
  developerName,
  name: developerName.replaceAll('_', ' '),
  description: null,
  email: null,
  sendsEmailToMembers: false,
  includesBosses: null,
  queueObjects,
  members: {
    publicGroups: [],
    roleAndSubordinates: [],
    roleAndSubordinatesInternal: [],
    roles: [],
    users: [],
  },
  ...stamps(org),
})

export const profileNamed = (org: Org, name: string): Profile | undefined =>
  [...org.profiles.values()].find((profile) => profile.name === name)

export const userNamed = (org: Org, username: string): User | undefined =>
  [...org.users.values()].find((user) => user.username === username)

/** Grants a custom field to a profile or permission set, as field-level security does. */
export const grantField = (
  grants: Grants,
  object: string,
  field: string,
  editable = true,
): void => {
  grants.fields.set(`${object}.${field}`.toLowerCase(), { readable: true, editable })
}
