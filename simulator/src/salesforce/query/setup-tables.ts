// Setup entities that REST can query: people, permissions, queues, rules. Their rows are
// computed from the state of the simulated Salesforce org. Salesforce: Object Reference.

import { USER_PERMISSIONS } from '../../documented.ts'
import { SYSTEM_PERMISSIONS } from '../../org/create.ts'
import { stamps } from '../../org/schema.ts'
import { hasPersonAccounts } from '../../records/person-accounts.ts'
import { groupGrants, unionOf, type Viewer } from '../../org/visibility.ts'
import { processIdOf } from '../../org/business-processes.ts'
import { salesforceDateTime } from '../../org/ids.ts'
import type { Grants, Org } from '../../org/model.ts'
import type { Confinement, SoqlRow } from '../../soql/schema.ts'
import { grantedFields, grantedObjects, queueObjectsOf } from '../metadata/bodies.ts'
import { liveObjects } from '../metadata/catalogue.ts'
import { customMetadataTables } from './custom-metadata.ts'
import { appTables } from './app-tables.ts'
import { duplicateRules } from './duplicate-rules.ts'
import { flowInterviews } from '../flow-interviews.ts'
import { flowDefinitionViews, flowVersionViews } from './flow-views.ts'
import { auditColumns, auditValues } from './audit.ts'
import { relatedLists } from './related-lists.ts'
import { statusTables } from './status-tables.ts'
import { derivedId } from './derived-ids.ts'
import { listViews } from './list-views.ts'
import { reference, type VirtualTable } from './tables.ts'

/** The values that a path is restricted to, in lower case, or null if it is free. */
export function confinedTo(confined: Confinement, ...paths: string[]): Set<string> | null {
  const values = paths.map((path) => confined.get(path)).find((found) => found !== undefined)
  return values ? new Set(values.map((value) => value.toLowerCase())) : null
}

/** Every setup entity, by lower-cased name. */
export function setupTables(org: Org): Map<string, VirtualTable> {
  const tables = [
    organization(org),
    users(org),
    profiles(org),
    permissionSets(org),
    permissionSetGroups(org),
    permissionSetGroupComponents(org),
    permissionSetAssignments(org),
    fieldPermissions(org),
    objectPermissions(org),
    recordTypes(org),
    businessProcesses(org),
    groups(org),
    groupMembers(org),
    roles(org),
    queueObjects(org),
    assignmentRules(org),
    duplicateRules(org),
    listViews(org),
    flowDefinitionViews(org),
    flowVersionViews(org),
    flowInterviews(org),
    ...customMetadataTables(org),
    ...relatedLists(org),
    ...statusTables(org),
    ...appTables(org),
  ]
  return new Map(tables.map((table) => [table.name.toLowerCase(), table]))
}

/** The access that a new org starts with; the sharing of objects is not stored here. */
const DEFAULT_ACCESS = {
  DefaultAccountAccess: 'Edit',
  DefaultCalendarAccess: 'HideDetailsInsert',
  DefaultCampaignAccess: 'All',
  DefaultCaseAccess: 'ReadEditTransfer',
  DefaultContactAccess: 'ControlledByParent',
  DefaultLeadAccess: 'ReadEditTransfer',
  DefaultOpportunityAccess: 'Edit',
  DefaultPricebookAccess: 'ReadSelect',
}

const organization = (org: Org): VirtualTable => ({
  name: 'Organization',
  columns: {
    Id: 'id',
    Name: 'string',
    OrganizationType: 'picklist',
    IsSandbox: 'boolean',
    InstanceName: 'string',
    LanguageLocaleKey: 'picklist',
    TrialExpirationDate: 'datetime',
    NamespacePrefix: 'string',
    TimeZoneSidKey: 'picklist',
    DefaultLocaleSidKey: 'picklist',
    ...auditColumns,
  },
  rows: () => [
    {
      Id: org.id,
      Name: org.name,
      OrganizationType: `${org.edition} Edition`,
      IsSandbox: org.isSandbox,
      InstanceName: org.instanceName,
      LanguageLocaleKey: org.language,
      TrialExpirationDate: null,
      NamespacePrefix: null,
      TimeZoneSidKey: 'GMT',
      DefaultLocaleSidKey: org.language,
      FiscalYearStartMonth: 1,
      UsesStartDateAsFiscalYearName: false,
      ReceivesAdminInfoEmails: true,
      ReceivesInfoEmails: true,
      UiSkin: 'Theme3',
      MonthlyPageViewsEntitlement: 0,
      MonthlyPageViewsUsed: 0,
      IsReadOnly: false,
      ...DEFAULT_ACCESS,
      ...auditValues(stamps(org)),
    },
  ],
})

const users = (org: Org): VirtualTable => ({
  name: 'User',
  columns: {
    Id: 'id',
    Username: 'string',
    Name: 'string',
    FirstName: 'string',
    LastName: 'string',
    Email: 'email',
    Alias: 'string',
    IsActive: 'boolean',
    ProfileId: reference('Profile', 'Profile'),
    UserType: 'picklist',
    CreatedDate: 'datetime',
  },
  rows: () =>
    [...org.users.values()].map((user) => ({
      Id: user.id,
      Username: user.username,
      Name: `${user.firstName} ${user.lastName}`.trim(),
      FirstName: user.firstName,
      LastName: user.lastName,
      Email: user.email,
      Alias: user.lastName.slice(0, 8).toLowerCase(),
      IsActive: user.active,
      ProfileId: user.profileId,
      UserType: 'Standard',
      TimeZoneSidKey: 'GMT',
      LocaleSidKey: 'en_US',
      LanguageLocaleKey: org.language,
      CreatedDate: salesforceDateTime(user.createdDate),
      LastModifiedDate: salesforceDateTime(user.createdDate),
      SystemModstamp: salesforceDateTime(user.createdDate),
    })),
})

/** Salesforce: a column for each user permission. */
const PERMISSION_COLUMNS = Object.fromEntries(
  [...USER_PERMISSIONS].map((name) => [`Permissions${name}`, 'boolean']),
)

// Hundreds of columns: made once, not for each query.
const PROFILE_COLUMNS: VirtualTable['columns'] = {
  Id: 'id',
  Name: 'string',
  UserType: 'picklist',
  ...PERMISSION_COLUMNS,
  ...auditColumns,
}

const PERMISSION_SET_COLUMNS: VirtualTable['columns'] = {
  Id: 'id',
  Name: 'string',
  Label: 'string',
  Description: 'string',
  NamespacePrefix: 'string',
  IsOwnedByProfile: 'boolean',
  IsCustom: 'boolean',
  Type: 'picklist',
  ProfileId: reference('Profile', 'Profile'),
  PermissionSetGroupId: reference('PermissionSetGroup', 'PermissionSetGroup'),
  ...PERMISSION_COLUMNS,
  ...auditColumns,
}

const profiles = (org: Org): VirtualTable => ({
  name: 'Profile',
  columns: PROFILE_COLUMNS,
  rows: () =>
    [...org.profiles.values()].map((profile) => ({
      Id: profile.id,
      Name: profile.name,
      UserType: 'Standard',
      ...permissionFlags(profile.grants),
      ...auditValues(profile),
    })),
})

/** `ApiEnabled` appears as the column `PermissionsApiEnabled`. */
const permissionFlags = (grants: Grants): SoqlRow =>
  Object.fromEntries([...grants.system].map((name) => [`Permissions${name}`, true]))

/**
 * One row: the permissions of the querying user, whichever profile or permission set they come from.
 * Salesforce: Object Reference, UserPermissionAccess (API 41.0 and later).
 */
export const userPermissionAccess = (viewer: Viewer): VirtualTable => ({
  name: 'UserPermissionAccess',
  columns: Object.fromEntries(SYSTEM_PERMISSIONS.map((name) => [`Permissions${name}`, 'boolean'])),
  rows: () => [
    Object.fromEntries(SYSTEM_PERMISSIONS.map((name) => [`Permissions${name}`, viewer.has(name)])),
  ],
})

// Salesforce: each profile has a permission set of its own, which has its permissions in queries.
const profileSetId = (profileId: string) => derivedId('0PS', `profile ${profileId}`)

const permissionSets = (org: Org): VirtualTable => ({
  name: 'PermissionSet',
  columns: PERMISSION_SET_COLUMNS,
  rows: () => [
    ...[...org.permissionSets.values()].map((set) => ({
      Id: set.id,
      Name: set.name,
      Label: set.label,
      Description: set.description,
      NamespacePrefix: set.namespace,
      IsOwnedByProfile: false,
      IsCustom: true,
      Type: 'Regular',
      ProfileId: null,
      ...permissionFlags(set.grants),
      ...auditValues(set),
    })),
    ...[...org.profiles.values()].map((profile) => ({
      Id: profileSetId(profile.id),
      Name: `X${profile.id.slice(0, 15)}`,
      Label: profileSetId(profile.id),
      Description: null,
      NamespacePrefix: null,
      IsOwnedByProfile: true,
      IsCustom: false,
      Type: 'Profile',
      ProfileId: profile.id,
      ...permissionFlags(profile.grants),
      ...auditValues(profile),
    })),
    ...[...org.permissionSetGroups.values()].map((group) => ({
      Id: group.setId,
      Name: group.developerName,
      Label: group.label,
      Description: group.description,
      NamespacePrefix: null,
      IsOwnedByProfile: false,
      IsCustom: true,
      Type: 'Group',
      ProfileId: null,
      PermissionSetGroupId: group.id,
      ...permissionFlags(unionOf(groupGrants(org, group))),
      ...auditValues(group),
    })),
  ],
})

const permissionSetGroups = (org: Org): VirtualTable => ({
  name: 'PermissionSetGroup',
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    MasterLabel: 'string',
    Description: 'string',
    Language: 'picklist',
    NamespacePrefix: 'string',
    Status: 'picklist',
    HasActivationRequired: 'boolean',
    ...auditColumns,
  },
  rows: () =>
    [...org.permissionSetGroups.values()].map((group) => ({
      Id: group.id,
      DeveloperName: group.developerName,
      MasterLabel: group.label,
      Description: group.description,
      Language: org.language,
      NamespacePrefix: null,
      Status: 'Updated',
      HasActivationRequired: group.hasActivationRequired,
      ...auditValues(group),
    })),
})

const permissionSetGroupComponents = (org: Org): VirtualTable => ({
  name: 'PermissionSetGroupComponent',
  columns: {
    Id: 'id',
    PermissionSetGroupId: reference('PermissionSetGroup', 'PermissionSetGroup'),
    PermissionSetId: reference('PermissionSet', 'PermissionSet'),
    ...auditColumns,
  },
  rows: () =>
    [...org.permissionSetGroups.values()].flatMap((group) =>
      group.permissionSetIds.map((id) => ({
        Id: derivedId('0PF', `${group.id} ${id}`),
        PermissionSetGroupId: group.id,
        PermissionSetId: id,
        ...auditValues(group),
      })),
    ),
})

const permissionSetAssignments = (org: Org): VirtualTable => ({
  name: 'PermissionSetAssignment',
  columns: {
    Id: 'id',
    PermissionSetId: reference('PermissionSet', 'PermissionSet'),
    AssigneeId: reference('User', 'Assignee'),
    PermissionSetGroupId: reference('PermissionSetGroup', 'PermissionSetGroup'),
    ExpirationDate: 'datetime',
    IsActive: 'boolean',
  },
  rows: () => [
    ...org.assignments.map((assignment) => ({
      Id: assignment.id,
      PermissionSetId: assignment.permissionSetId,
      AssigneeId: assignment.assigneeId,
      PermissionSetGroupId: assignment.permissionSetGroupId ?? null,
      ExpirationDate: null,
      IsActive: true,
    })),
    ...[...org.users.values()].map((user) => ({
      Id: derivedId('0Pa', `profile of ${user.id}`),
      PermissionSetId: profileSetId(user.profileId),
      AssigneeId: user.id,
      PermissionSetGroupId: null,
      ExpirationDate: null,
      IsActive: true,
    })),
  ],
})

/** The owners of permissions; profiles and groups are represented by their permission set. */
function parents(org: Org, confined: Confinement): { id: string; grants: Grants }[] {
  const ids = confinedTo(confined, 'parentid')
  const keys = ids && new Set([...ids].map((id) => id.slice(0, 15)))
  return [
    ...[...org.permissionSets.values()].map(({ id, grants }) => ({ id, grants })),
    ...[...org.profiles.values()].map(({ id, grants }) => ({ id: profileSetId(id), grants })),
    ...[...org.permissionSetGroups.values()].map((group) => ({
      id: group.setId,
      grants: unionOf(groupGrants(org, group)),
    })),
  ].filter(({ id }) => !keys || keys.has(id.slice(0, 15).toLowerCase()))
}

const fieldPermissions = (org: Org): VirtualTable => ({
  name: 'FieldPermissions',
  columns: {
    Id: 'id',
    ParentId: reference('PermissionSet', 'Parent'),
    SobjectType: 'picklist',
    Field: 'picklist',
    PermissionsRead: 'boolean',
    PermissionsEdit: 'boolean',
  },
  confinedBy: ['parentid'],
  rows: (confined) =>
    parents(org, confined).flatMap(({ id, grants }) =>
      grantedFields(org, grants).map(({ object, name, readable, editable }) => ({
        get Id() {
          return derivedId('01k', `${id} ${name}`)
        },
        ParentId: id,
        SobjectType: object.name,
        Field: name,
        PermissionsRead: readable,
        PermissionsEdit: editable,
      })),
    ),
})

const objectPermissions = (org: Org): VirtualTable => ({
  name: 'ObjectPermissions',
  columns: {
    Id: 'id',
    ParentId: reference('PermissionSet', 'Parent'),
    SobjectType: 'picklist',
    PermissionsRead: 'boolean',
    PermissionsCreate: 'boolean',
    PermissionsEdit: 'boolean',
    PermissionsDelete: 'boolean',
    PermissionsViewAllRecords: 'boolean',
    PermissionsModifyAllRecords: 'boolean',
  },
  confinedBy: ['parentid'],
  rows: (confined) =>
    parents(org, confined).flatMap(({ id, grants }) =>
      grantedObjects(org, grants).map(({ object, ...grant }) => ({
        get Id() {
          return derivedId('110', `${id} ${object.name}`)
        },
        ParentId: id,
        SobjectType: object.name,
        PermissionsRead: grant.read,
        PermissionsCreate: grant.create,
        PermissionsEdit: grant.edit,
        PermissionsDelete: grant.delete,
        PermissionsViewAllRecords: grant.viewAll,
        PermissionsModifyAllRecords: grant.modifyAll,
      })),
    ),
})

const recordTypes = (org: Org): VirtualTable => ({
  name: 'RecordType',
  columns: {
    Id: 'id',
    Name: 'string',
    DeveloperName: 'string',
    NamespacePrefix: 'string',
    Description: 'string',
    BusinessProcessId: 'string',
    SobjectType: 'picklist',
    IsActive: 'boolean',
    // Salesforce: where accounts may be people.
    ...(hasPersonAccounts(org) && { IsPersonType: 'boolean' as const }),
    ...auditColumns,
  },
  rows: () =>
    liveObjects(org).flatMap((object) =>
      object.recordTypes.map((recordType) => ({
        Id: recordType.id,
        Name: recordType.name,
        DeveloperName: recordType.developerName,
        NamespacePrefix: null,
        Description: recordType.description,
        BusinessProcessId: processIdOf(object, recordType),
        SobjectType: object.name,
        IsActive: recordType.active,
        IsPersonType: recordType.isPerson === true,
        ...auditValues(recordType),
      })),
    ),
})

const businessProcesses = (org: Org): VirtualTable => ({
  name: 'BusinessProcess',
  columns: {
    Id: 'id',
    Name: 'string',
    NamespacePrefix: 'string',
    Description: 'string',
    TableEnumOrId: 'picklist',
    IsActive: 'boolean',
    ...auditColumns,
  },
  rows: () =>
    liveObjects(org).flatMap((object) =>
      object.businessProcesses.map((process) => ({
        Id: process.id,
        Name: process.name,
        NamespacePrefix: null,
        Description: process.description,
        TableEnumOrId: object.name,
        IsActive: process.active,
        ...auditValues(process),
      })),
    ),
})

const groups = (org: Org): VirtualTable => ({
  name: 'Group',
  columns: {
    Id: 'id',
    Name: 'string',
    DeveloperName: 'string',
    Type: 'picklist',
    Email: 'email',
    DoesSendEmailToMembers: 'boolean',
    ...auditColumns,
  },
  rows: () =>
    org.groups.map((group) => ({
      Id: group.id,
      Name: group.name,
      DeveloperName: group.developerName,
      Type: group.type,
      Email: group.email,
      DoesSendEmailToMembers: group.sendsEmailToMembers,
      ...auditValues(group),
    })),
})

/** Users and public groups; groups for roles are not stored. */
const groupMembers = (org: Org): VirtualTable => ({
  name: 'GroupMember',
  columns: { Id: 'id', GroupId: reference('Group', 'Group'), UserOrGroupId: 'string' },
  rows: () =>
    org.groups.flatMap((group) => {
      const { users, publicGroups } = group.members
      const ids = [
        ...[...org.users.values()].filter(({ username }) => users.includes(username)),
        ...org.groups.filter(
          ({ type, developerName }) => type !== 'Queue' && publicGroups.includes(developerName),
        ),
      ].map(({ id }) => id)
      return ids.map((id) => ({
        Id: derivedId('011', `${group.id} ${id}`),
        GroupId: group.id,
        UserOrGroupId: id,
      }))
    }),
})

const roles = (org: Org): VirtualTable => ({
  name: 'UserRole',
  columns: { Id: 'id', Name: 'string', DeveloperName: 'string', ...auditColumns },
  rows: () =>
    org.roles.map((role) => ({
      Id: role.id,
      Name: role.name,
      DeveloperName: role.developerName,
      ...auditValues(role),
    })),
})

const queueObjects = (org: Org): VirtualTable => ({
  name: 'QueueSobject',
  columns: { Id: 'id', QueueId: reference('Group', 'Queue'), SobjectType: 'picklist' },
  rows: () =>
    org.groups.flatMap((group) =>
      queueObjectsOf(org, group).map((object) => ({
        Id: derivedId('03g', `${group.id} ${object}`),
        QueueId: group.id,
        SobjectType: object,
      })),
    ),
})

const assignmentRules = (org: Org): VirtualTable => ({
  name: 'AssignmentRule',
  columns: {
    Id: 'id',
    Name: 'string',
    SobjectType: 'picklist',
    Active: 'boolean',
    ...auditColumns,
  },
  rows: () =>
    org.assignmentRules.map((rule) => ({
      Id: rule.id,
      Name: rule.name,
      SobjectType: rule.object,
      Active: rule.active,
      ...auditValues(rule),
    })),
})
