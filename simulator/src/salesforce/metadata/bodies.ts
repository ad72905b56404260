// The metadata of each kind of component, from the state of the simulated Salesforce org. One place
// for both APIs: Metadata (as XML) and Tooling (the `Metadata` member, as JSON).

import { showsActivityFields } from '../../org/activities.ts'
import { tabNamed } from '../../org/standard-apps.ts'
import type {
  ApexTrigger,
  App,
  AssignmentRule,
  CustomMetadataRecord,
  CustomLabel,
  CustomPermission,
  BusinessProcess,
  Field,
  Flow,
  FlowVersion,
  GlobalValueSet,
  Grants,
  Group,
  InstalledPackage,
  Org,
  PermissionSet,
  PermissionSetGroup,
  Profile,
  GroupMembers,
  RecordType,
  SObject,
  ValidationRule,
  WorkflowRule,
} from '../../org/model.ts'
import { isCustomMetadataType } from '../../org/schema.ts'
import type { SelectedComponents } from './component.ts'
import { customFieldMetadata, metadataFieldType } from './custom-field.ts'
import {
  nodes,
  text,
  texts,
  typedText,
  writtenName,
  type MetadataNode,
} from '../../org/metadata-xml.ts'
import { statusFieldOf } from '../../org/business-processes.ts'

export function fieldBody(field: Field): MetadataNode {
  if (field.metadata) {
    // Salesforce: the starting number of an auto number is given once and not returned.
    const {
      fullName: _,
      startingNumber: _start,
      populateExistingRows: _rows,
      ...metadata
    } = field.metadata as MetadataNode
    return metadata
  }
  const metadata = customFieldMetadata(field.describe, { description: field.description })
  if (field.globalValueSet === undefined) return metadata
  return { ...metadata, valueSet: { restricted: true, valueSetName: field.globalValueSet } }
}

/**
 * A standard field in its object's file: Salesforce writes the name and what an administrator can set,
 * not the type.
 * A standard field as it stands in its object's file: Salesforce writes the name and what an
 * administrator can set; the type only of picklists and lookups.
 */
export function standardFieldBody(field: Field): MetadataNode {
  const { inlineHelpText, name } = field.describe
  const type = metadataFieldType(field.describe)
  return {
    inlineHelpText: inlineHelpText ?? undefined,
    trackFeedHistory: false,
    // Salesforce: a parent of the same object is not a lookup.
    type: /picklist|Lookup/i.test(type) ? (name === 'ParentId' ? 'Hierarchy' : type) : undefined,
  }
}

/** Whether a standard field has metadata of its own: writable ones do, except stamps. */
export const isStandardField = ({ describe: { custom, updateable } }: Field): boolean =>
  !custom && updateable

export function validationRuleBody(rule: ValidationRule): MetadataNode {
  return {
    active: rule.active,
    description: rule.description ?? undefined,
    errorConditionFormula: rule.errorConditionFormula,
    errorDisplayField: rule.errorDisplayField ?? undefined,
    errorMessage: rule.errorMessage,
  }
}

export function recordTypeBody(object: SObject, recordType: RecordType): MetadataNode {
  if (recordType.metadata) return withoutLostPicklists(object, recordType.metadata as MetadataNode)
  const status = statusFieldOf(object)
  const picklists = liveFields(object).filter(
    ({ describe }) => /picklist$/.test(describe.type) && describe.name !== status,
  )
  return {
    active: recordType.active,
    businessProcess: recordType.businessProcess && writtenName(recordType.businessProcess),
    description: recordType.description ?? undefined,
    label: recordType.name,
    picklistValues: picklists
      .filter(({ describe }) => describe.picklistValues.length > 0)
      .map(({ describe }) => ({
        picklist: describe.name,
        values: describe.picklistValues
          .filter(({ active }) => active)
          .map((value) => ({
            fullName: writtenName(value.value),
            default: value.defaultValue,
          })),
      })),
  }
}

/** A deleted picklist is no longer part of a record type. */
function withoutLostPicklists(object: SObject, metadata: MetadataNode): MetadataNode {
  const lists = nodes(metadata, 'picklistValues')
  const kept = lists.filter((list) => {
    const field = object.fields.get((text(list, 'picklist') ?? '').toLowerCase())
    return field !== undefined && field.deletedAt === undefined
  })
  return kept.length === lists.length ? metadata : { ...metadata, picklistValues: kept }
}

export function businessProcessBody({
  active,
  description,
  values,
}: BusinessProcess): MetadataNode {
  return {
    description: description ?? undefined,
    isActive: active,
    values: values.map(({ value, isDefault }) => ({
      fullName: writtenName(value),
      default: isDefault,
    })),
  }
}

export function liveFields(object: SObject): Field[] {
  return [...object.fields.values()].filter((field) => field.deletedAt === undefined)
}

/** The fields that use a global value set: this one, or any. */
export function globalValueSetFields(org: Org, set?: GlobalValueSet) {
  return [...org.objects.values()]
    .filter(({ deletedAt }) => deletedAt === undefined)
    .flatMap((object) => liveFields(object).map((field) => ({ object, field })))
    .filter(({ field: { globalValueSet } }) =>
      set === undefined ? globalValueSet !== undefined : globalValueSet === set.developerName,
    )
}

/** A field with metadata of its own; the parts of a geolocation (`__s`) have none. */
export function isCustomField(name: string): boolean {
  return /__c$/i.test(name)
}

/** Whether it is a custom field of this object: those of tasks and events are Activity's. */
export const isDefinedOn = (object: SObject, { describe }: Field): boolean =>
  isCustomField(describe.name) && !showsActivityFields(object)

/** How an object's file names Salesforce's own compact layout. */
export const SYSTEM_COMPACT_LAYOUT = 'SYSTEM'

const partBodies = (object: SObject): MetadataNode =>
  Object.fromEntries(
    Object.entries(object.parts).map(([element, parts]) => [
      element,
      parts.map(({ name, metadata }) => ({ fullName: name, ...(metadata as MetadataNode) })),
    ]),
  )

/** A whole object with everything that its file lists. */
export function objectBody(object: SObject): MetadataNode {
  const fields = liveFields(object)
  const nameField = fields.find(({ describe }) => describe.nameField)
  const deployed = object.metadata as MetadataNode | undefined
  const parts = fields
    .filter((field) =>
      field.describe.custom
        ? isDefinedOn(object, field)
        : !object.describe.custom && isStandardField(field),
    )
    .map((field) => ({
      fullName: field.describe.name,
      ...(field.describe.custom ? fieldBody(field) : standardFieldBody(field)),
    }))
  if (isCustomMetadataType(object.name) || object.describe.customSetting) {
    return { ...deployed, fields: parts }
  }
  if (isCustomMetadataType(object.name))
    return { ...deployed, ...partBodies(object), fields: parts }
  const own: MetadataNode = object.describe.custom
    ? {
        deploymentStatus: object.deploymentStatus,
        description: object.description ?? undefined,
        label: object.describe.label,
        nameField: nameField && {
          label: nameField.describe.label,
          type: nameField.describe.autoNumber ? 'AutoNumber' : 'Text',
        },
        pluralLabel: object.describe.labelPlural,
        visibility: 'Public',
      }
    : {}
  return {
    allowInChatterGroups: false,
    businessProcesses: object.businessProcesses.map((process) => ({
      fullName: writtenName(process.name),
      ...businessProcessBody(process),
    })),
    compactLayoutAssignment: object.compactLayout ?? SYSTEM_COMPACT_LAYOUT,
    enableFeeds: object.describe.feedEnabled,
    enableHistory: false,
    searchLayouts: null,
    ...own,
    ...deployed,
    ...partBodies(object),
    fields: parts,
    recordTypes: object.recordTypes
      .filter(({ developerName }) => developerName !== 'Master')
      .map((recordType) => ({
        fullName: recordType.developerName,
        ...recordTypeBody(object, recordType),
      })),
    sharingModel: object.sharingModel,
    validationRules: object.validationRules.map((rule) => ({
      fullName: rule.name,
      ...validationRuleBody(rule),
    })),
  }
}

/** Salesforce: inactive values of a global set are also returned ("CustomValue"). */
export function globalValueSetBody(set: GlobalValueSet): MetadataNode {
  return {
    customValue: set.values.map(({ value, label, active, defaultValue, color, description }) => ({
      fullName: value,
      color: color ?? undefined,
      default: defaultValue,
      description: description ?? undefined,
      isActive: active ? undefined : false,
      label,
    })),
    description: set.description ?? undefined,
    masterLabel: set.label,
    sorted: set.sorted,
  }
}

/** The stated types of values, by type of field. */
const SCHEMA_TYPES: Record<string, string> = {
  boolean: 'boolean',
  date: 'date',
  datetime: 'dateTime',
  double: 'double',
  percent: 'double',
}

/** Salesforce: every field of the type, by name; those without a value are nil. */
export function customMetadataBody(type: SObject, record: CustomMetadataRecord): MetadataNode {
  const fields = liveFields(type)
    .map(({ describe }) => describe)
    .filter(({ custom }) => custom)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  return {
    description: record.description ?? undefined,
    label: record.label,
    protected: record.protected,
    values: fields.map(({ name, type: kind }) => {
      const value = record.values[name] ?? null
      const schemaType = SCHEMA_TYPES[kind] ?? 'string'
      const written = value === null ? null : inXml(schemaType, String(value))
      return { field: name, value: typedText(`xsd:${schemaType}`, written) }
    }),
  }
}

const inXml = (schemaType: string, value: string): string => {
  if (schemaType === 'dateTime') return value.replace(/\+0000$/, 'Z')
  return schemaType === 'double' && /^-?\d+$/.test(value) ? `${value}.0` : value
}

/** An app; a deleted tab is no longer one of its tabs. */
export const appBody = (org: Org, { metadata }: App): MetadataNode => {
  const node = metadata as MetadataNode
  return {
    ...node,
    tabs: texts(node, 'tabs').filter((tab) => tabNamed(org, tab) !== undefined),
  }
}

export const customLabelBody = (label: CustomLabel): MetadataNode => ({
  ...(label.categories !== null && { categories: label.categories }),
  language: label.language,
  protected: label.isProtected,
  shortDescription: label.shortDescription,
  value: label.value,
})

export const customPermissionBody = (permission: CustomPermission): MetadataNode => ({
  ...(permission.description !== null && { description: permission.description }),
  isLicensed: false,
  label: permission.label,
})

export function flowVersionBody(version: FlowVersion): MetadataNode {
  const { fullName: _, ...metadata } = version.metadata as MetadataNode
  return { ...metadata, status: version.status }
}

export function flowDefinitionBody(flow: Flow): MetadataNode {
  return {
    activeVersionNumber: flow.activeVersion ?? 0,
    description: flow.description ?? undefined,
    masterLabel: flow.label,
  }
}

export function assignmentRuleBody(rule: AssignmentRule): MetadataNode {
  return {
    active: rule.active,
    ruleEntry: rule.entries.map((entry) => ({
      assignedTo: entry.assignedTo,
      assignedToType: entry.assignedToType,
      booleanFilter: entry.booleanFilter,
      criteriaItems: entry.criteriaItems.map(({ field, operation, value }) => ({
        field,
        operation,
        value,
      })),
      formula: entry.formula,
    })),
  }
}

export function workflowRuleBody(rule: WorkflowRule): MetadataNode {
  return {
    active: rule.active,
    description: rule.description ?? undefined,
    formula: rule.formula,
    triggerType: rule.triggerType,
  }
}

export function apexTriggerBody(trigger: ApexTrigger): MetadataNode {
  return {
    apiVersion: trigger.apiVersion.toFixed(1),
    status: trigger.active ? 'Active' : 'Inactive',
  }
}

export function installedPackageBody(installed: InstalledPackage): MetadataNode {
  return { activateRSS: false, versionNumber: installed.version }
}

/** The `Object.Field` names of the grants' lower-cased keys; keys of deleted components are left out. */
export function grantedFields(org: Org, grants: Pick<Grants, 'fields'>) {
  return [...grants.fields].flatMap(([key, grant]) => {
    const dot = key.indexOf('.')
    const object = org.objects.get(key.slice(0, dot))
    const field = object?.fields.get(key.slice(dot + 1))
    if (!object || !field || object.deletedAt || field.deletedAt) return []
    return [{ object, field, name: `${object.name}.${field.describe.name}`, ...grant }]
  })
}

export function grantedObjects(org: Org, grants: Pick<Grants, 'objects'>) {
  return [...grants.objects].flatMap(([key, grant]) => {
    const object = org.objects.get(key)
    return object && !object.deletedAt ? [{ object, ...grant }] : []
  })
}

function grantsBody(org: Org, grants: Grants, selected: SelectedComponents): MetadataNode {
  const byName = <T extends { name: string }>(left: T, right: T) =>
    left.name < right.name ? -1 : 1
  return {
    fieldPermissions: grantedFields(org, grants)
      .filter(({ name }) => selected('CustomField', name))
      .sort(byName)
      .map(({ name, editable, readable }) => ({ editable, field: name, readable })),
    objectPermissions: grantedObjects(org, grants)
      .filter(({ object }) => selected('CustomObject', object.name))
      .map(({ object, ...grant }) => ({
        allowCreate: grant.create,
        allowDelete: grant.delete,
        allowEdit: grant.edit,
        allowRead: grant.read,
        modifyAllRecords: grant.modifyAll,
        object: object.name,
        viewAllRecords: grant.viewAll,
      })),
    userPermissions: [...grants.system].sort().map((name) => ({ enabled: true, name })),
  }
}

export function permissionSetBody(org: Org, set: PermissionSet): MetadataNode {
  return {
    description: set.description ?? undefined,
    hasActivationRequired: false,
    label: set.label,
    ...(set.extras as MetadataNode | undefined),
    ...grantsBody(org, set.grants, () => true),
  }
}

export const permissionSetGroupBody = (org: Org, group: PermissionSetGroup): MetadataNode => ({
  description: group.description ?? undefined,
  hasActivationRequired: group.hasActivationRequired,
  label: group.label,
  permissionSets: group.permissionSetIds
    .flatMap((id) => org.permissionSets.get(id) ?? [])
    .map(({ namespace, name }) => (namespace === null ? name : `${namespace}__${name}`))
    .sort(),
  status: 'Updated',
})

const profileParts: Readonly<Record<string, { element: string; type: string }>> = {
  flowAccesses: { element: 'flow', type: 'Flow' },
  layoutAssignments: { element: 'layout', type: 'Layout' },
  recordTypeVisibilities: { element: 'recordType', type: 'RecordType' },
  tabVisibilities: { element: 'tab', type: 'CustomTab' },
}

// Salesforce: a profile's file holds permissions only for what the same package names
// (Metadata API guide, "Profile").
export function profileBody(
  org: Org,
  profile: Profile,
  selected: SelectedComponents,
): MetadataNode {
  const extras = Object.fromEntries(
    Object.entries((profile.extras ?? {}) as MetadataNode).map(([part, value]) => {
      const naming = profileParts[part]
      if (naming === undefined) return [part, value]
      const shown = nodes({ entry: value }, 'entry').filter((entry) =>
        selected(naming.type, text(entry, naming.element) ?? ''),
      )
      return [part, shown]
    }),
  )
  return {
    custom: false,
    userLicense: 'Salesforce',
    ...extras,
    ...grantsBody(org, profile.grants, selected),
  }
}

/** How the lists of a queue's members are written: the list, and its entries. */
export const QUEUE_MEMBERS = {
  publicGroups: 'publicGroup',
  roleAndSubordinates: 'roleAndSubordinate',
  roleAndSubordinatesInternal: 'roleAndSubordinateInternal',
  roles: 'role',
  users: 'user',
} as const satisfies Record<keyof GroupMembers, string>

const MEMBER_LISTS = Object.keys(QUEUE_MEMBERS) as (keyof GroupMembers)[]

export function queueBody(org: Org, group: Group): MetadataNode {
  const members = MEMBER_LISTS.filter((list) => group.members[list].length > 0).map(
    (list) => [list, { [QUEUE_MEMBERS[list]]: group.members[list] }] as const,
  )
  return {
    ...(group.description !== null && { description: group.description }),
    ...(group.includesBosses !== null && { doesIncludeBosses: group.includesBosses }),
    doesSendEmailToMembers: group.sendsEmailToMembers,
    ...(group.email !== null && { email: group.email }),
    name: group.name,
    ...(members.length > 0 && { queueMembers: Object.fromEntries(members) }),
    queueSobject: queueObjectsOf(org, group).map((sobjectType) => ({ sobjectType })),
  }
}

export const groupBody = (group: Group): MetadataNode => ({
  ...(group.description !== null && { description: group.description }),
  doesIncludeBosses: group.includesBosses ?? true,
  name: group.name,
})

/** The existing objects of a queue: a deleted one is no longer one of its objects. */
export const queueObjectsOf = (org: Org, group: Group): string[] =>
  group.queueObjects.filter((name) => {
    const object = org.objects.get(name.toLowerCase())
    return object !== undefined && object.deletedAt === undefined
  })
