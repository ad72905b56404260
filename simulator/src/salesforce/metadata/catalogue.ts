import type { Flow, FlowVersion, Org, PartElement, SObject, Stamps } from '../../org/model.ts'
import {
  apexTriggerBody,
  appBody,
  assignmentRuleBody,
  customMetadataBody,
  businessProcessBody,
  fieldBody,
  isDefinedOn,
  isStandardField,
  standardFieldBody,
  flowDefinitionBody,
  flowVersionBody,
  globalValueSetBody,
  customLabelBody,
  customPermissionBody,
  installedPackageBody,
  liveFields,
  objectBody,
  permissionSetBody,
  permissionSetGroupBody,
  profileBody,
  groupBody,
  queueBody,
  recordTypeBody,
  validationRuleBody,
  workflowRuleBody,
} from './bodies.ts'
import { fileNameOf, type Component } from './component.ts'
import { fieldInVersion, objectInVersion } from './old-picklists.ts'
import { writtenFlow } from './flow-types.ts'
import { writtenName, type MetadataNode } from '../../org/metadata-xml.ts'

/** The components of one Salesforce org, by metadata type. Built per call, each type on first use. */
export class ComponentCatalogue {
  private readonly org: Org
  private readonly version: number
  private readonly known = new Map<string, readonly Component[]>()

  /** The shape of picklists depends on the API version; default: today's. */
  constructor(org: Org, version = Infinity) {
    this.org = org
    this.version = version
  }

  /** Every component of a type; undefined when the simulator does not know the type. */
  list(type: string): readonly Component[] | undefined {
    const known = this.known.get(type)
    if (known) return known
    const make = Object.hasOwn(builders, type) ? builders[type] : undefined
    const components = make?.(this.org, this.version)
    if (components) this.known.set(type, components)
    return components
  }

  /** A component by its exact name, in any letter case. `Name-3` is version 3 of a flow. */
  find(type: string, fullName: string): Component | undefined {
    const wanted = fullName.toLowerCase()
    const found = this.list(type)?.find((component) => component.fullName.toLowerCase() === wanted)
    if (found) return found
    if (type === 'CustomField') return this.standardField(fullName)
    return type === 'Flow' ? this.flowVersion(fullName) : undefined
  }

  // Salesforce: standard fields are not listed as components, but can be read by name.
  private standardField(fullName: string): Component | undefined {
    const [objectName = '', name = ''] = fullName.split('.')
    const object = this.org.objects.get(objectName.toLowerCase())
    const field = object?.fields.get(name.toLowerCase())
    if (!object || object.describe.custom || !field || !isStandardField(field)) return undefined
    const metadata = () => fieldInVersion(object, field, standardFieldBody(field), this.version)
    const path = `${object.name}.${field.describe.name}`
    return component({ type: 'CustomField', fullName: path, id: '', metadata }, field)
  }

  // Salesforce: since v44 a flow's name has no version, but `Name-3` still addresses one.
  private flowVersion(fullName: string): Component | undefined {
    const [, name = '', number] = /^(.+)-(\d+)$/.exec(fullName) ?? []
    const flow = this.org.flows.get(name.toLowerCase())
    const version = flow?.versions.find((candidate) => candidate.number === Number(number))
    return flow && version && flowComponent(flow, version, `${flowName(flow)}-${version.number}`)
  }
}

type Builder = (org: Org, version: number) => Component[]

interface Parts {
  type: string
  fullName: string
  id: string
  namespace?: string | null
  /** Whether `*` includes it. */
  wildcard?: boolean
  metadata: Component['metadata']
  content?: string
}

function component(parts: Parts, stamps: Stamps): Component {
  return {
    type: parts.type,
    fullName: parts.fullName,
    id: parts.id,
    namespacePrefix: parts.namespace ?? null,
    createdById: stamps.createdById,
    createdDate: stamps.createdDate.toISOString(),
    lastModifiedById: stamps.lastModifiedById,
    lastModifiedDate: stamps.lastModifiedDate.toISOString(),
    fileName: fileNameOf(parts.type, parts.fullName),
    wildcard: parts.wildcard ?? true,
    metadata: parts.metadata,
    ...(parts.content === undefined ? {} : { content: parts.content }),
  }
}

export function liveObjects(org: Org): SObject[] {
  return [...org.objects.values()].filter((object) => object.deletedAt === undefined)
}

/** `ns__Name`, or the plain name outside packages. */
export function qualified(namespace: string | null, name: string): string {
  return namespace === null || name.startsWith(`${namespace}__`) ? name : `${namespace}__${name}`
}

export function flowName(flow: Flow): string {
  return qualified(flow.namespace, flow.developerName)
}

/** The version that a flow's name means: the active one, else the newest. */
export function currentVersion(flow: Flow): FlowVersion | undefined {
  return (
    flow.versions.find((version) => version.number === flow.activeVersion) ?? latestVersion(flow)
  )
}

export function latestVersion(flow: Flow): FlowVersion | undefined {
  return flow.versions.reduce<FlowVersion | undefined>(
    (latest, version) => (latest && latest.number > version.number ? latest : version),
    undefined,
  )
}

function flowComponent(flow: Flow, version: FlowVersion, fullName: string): Component {
  const metadata = () => writtenFlow(flowVersionBody(version))
  return component(
    { type: 'Flow', fullName, id: version.id, namespace: flow.namespace, metadata },
    version,
  )
}

// Salesforce: standard profiles have different names in metadata than in Setup.
const profileNames: Readonly<Record<string, string>> = {
  'System Administrator': 'Admin',
  'Standard User': 'Standard',
  'Read Only': 'ReadOnly',
  'Minimum Access - Salesforce': 'Minimum Access - Salesforce',
}

export function profileFullName(name: string): string {
  return profileNames[name] ?? name
}

const never: Stamps = {
  createdById: '',
  createdDate: new Date(0),
  lastModifiedById: '',
  lastModifiedDate: new Date(0),
}

const builders: Readonly<Record<string, Builder>> = {
  CustomObject: (org, version) =>
    liveObjects(org).map((object) =>
      component(
        {
          type: 'CustomObject',
          fullName: object.name,
          id: object.describe.custom ? object.durableId : '',
          namespace: object.namespace,
          // Salesforce: the wildcard includes only custom objects; standard ones are named.
          wildcard: object.describe.custom,
          metadata: () => objectInVersion(object, objectBody(object), version),
        },
        object,
      ),
    ),
  CustomField: (org, version) =>
    ofObjects(org, (object) =>
      liveFields(object)
        .filter((field) => isDefinedOn(object, field))
        .map((field) => ({
          item: field,
          name: field.describe.name,
          body: () => fieldInVersion(object, field, fieldBody(field), version),
        })),
    )('CustomField'),
  ValidationRule: (org) =>
    ofObjects(org, (object) =>
      object.validationRules.map((rule) => ({
        item: rule,
        name: rule.name,
        body: () => validationRuleBody(rule),
      })),
    )('ValidationRule'),
  CompactLayout: (org) => ofParts(org, 'compactLayouts')('CompactLayout'),
  FieldSet: (org) => ofParts(org, 'fieldSets')('FieldSet'),
  ListView: (org) => ofParts(org, 'listViews')('ListView'),
  WebLink: (org) => ofParts(org, 'webLinks')('WebLink'),
  CustomMetadata: (org) =>
    [...org.customMetadata.values()].flatMap((record) => {
      const type = org.objects.get(record.type.toLowerCase())
      if (type === undefined) return []
      const fullName = `${type.name.slice(0, -'__mdt'.length)}.${record.developerName}`
      const metadata = () => customMetadataBody(type, record)
      return [component({ type: 'CustomMetadata', fullName, id: record.id, metadata }, record)]
    }),
  BusinessProcess: (org) =>
    ofObjects(org, (object) =>
      object.businessProcesses.map((process) => ({
        item: process,
        name: writtenName(process.name),
        body: () => businessProcessBody(process),
      })),
    )('BusinessProcess'),
  RecordType: (org) =>
    ofObjects(org, (object) =>
      object.recordTypes
        .filter(({ developerName }) => developerName !== 'Master')
        .map((recordType) => ({
          item: recordType,
          name: recordType.developerName,
          body: () => recordTypeBody(object, recordType),
        })),
    )('RecordType'),
  Flow: (org) =>
    [...org.flows.values()].flatMap((flow) => {
      const version = currentVersion(flow)
      return version ? [flowComponent(flow, version, flowName(flow))] : []
    }),
  FlowDefinition: (org) =>
    [...org.flows.values()].map((flow) =>
      component(
        {
          type: 'FlowDefinition',
          fullName: flowName(flow),
          id: flow.id,
          namespace: flow.namespace,
          metadata: () => flowDefinitionBody(flow),
        },
        flow,
      ),
    ),
  GlobalValueSet: (org) =>
    [...org.globalValueSets.values()].map((set) =>
      component(
        {
          type: 'GlobalValueSet',
          fullName: set.developerName,
          id: set.id,
          metadata: () => globalValueSetBody(set),
        },
        set,
      ),
    ),
  CustomLabels: (org) => {
    const labels = [...org.customLabels.values()]
    if (labels.length === 0) return []
    const metadata = () => ({
      labels: labels
        .toSorted((left, right) => (left.name < right.name ? -1 : 1))
        .map((label) => ({ fullName: label.name, ...customLabelBody(label) })),
    })
    return [
      component(
        { type: 'CustomLabels', fullName: 'CustomLabels', id: '', metadata },
        newest(labels),
      ),
    ]
  },
  CustomLabel: (org) =>
    [...org.customLabels.values()].map((label) =>
      component(
        {
          type: 'CustomLabel',
          fullName: label.name,
          id: label.id,
          wildcard: false,
          metadata: () => customLabelBody(label),
        },
        label,
      ),
    ),
  CustomPermission: (org) =>
    [...org.customPermissions.values()].map((permission) =>
      component(
        {
          type: 'CustomPermission',
          fullName: permission.name,
          id: permission.id,
          metadata: () => customPermissionBody(permission),
        },
        permission,
      ),
    ),
  AssignmentRules: (org) =>
    [...Map.groupBy(org.assignmentRules, (rule) => rule.object)].map(([object, rules]) =>
      component(
        {
          type: 'AssignmentRules',
          fullName: object,
          id: '',
          metadata: () => ({
            assignmentRule: rules.map((rule) => ({
              fullName: rule.name,
              ...assignmentRuleBody(rule),
            })),
          }),
        },
        newest(rules),
      ),
    ),
  AssignmentRule: (org) =>
    org.assignmentRules.map((rule) =>
      component(
        {
          type: 'AssignmentRule',
          fullName: `${rule.object}.${rule.name}`,
          id: rule.id,
          wildcard: false,
          metadata: () => assignmentRuleBody(rule),
        },
        rule,
      ),
    ),
  Workflow: (org) =>
    [...Map.groupBy(org.workflowRules, (rule) => rule.object)].map(([object, rules]) =>
      component(
        {
          type: 'Workflow',
          fullName: object,
          id: '',
          metadata: () => ({
            rules: rules.map((rule) => ({ fullName: rule.name, ...workflowRuleBody(rule) })),
          }),
        },
        newest(rules),
      ),
    ),
  WorkflowRule: (org) =>
    org.workflowRules.map((rule) =>
      component(
        {
          type: 'WorkflowRule',
          fullName: `${rule.object}.${rule.name}`,
          id: rule.id,
          namespace: rule.namespace,
          wildcard: false,
          metadata: () => workflowRuleBody(rule),
        },
        rule,
      ),
    ),
  ApexTrigger: (org) =>
    org.apexTriggers.map((trigger) =>
      component(
        {
          type: 'ApexTrigger',
          fullName: qualified(trigger.namespace, trigger.name),
          id: trigger.id,
          namespace: trigger.namespace,
          metadata: () => apexTriggerBody(trigger),
          // Salesforce hides the source of managed Apex.
          content: trigger.namespace === null ? trigger.body : '(hidden)',
        },
        trigger,
      ),
    ),
  Layout: (org) =>
    org.layouts.map((layout) =>
      component(
        {
          type: 'Layout',
          fullName: `${layout.object}-${layout.name}`,
          id: layout.id,
          namespace: layout.namespace,
          metadata: () => layout.metadata as MetadataNode,
        },
        layout,
      ),
    ),
  QuickAction: (org) =>
    [...org.quickActions.values()].map((action) =>
      component(
        {
          type: 'QuickAction',
          fullName: action.fullName,
          id: action.id,
          metadata: () => action.metadata as MetadataNode,
        },
        action,
      ),
    ),
  PermissionSet: (org) =>
    [...org.permissionSets.values()].map((set) =>
      component(
        {
          type: 'PermissionSet',
          fullName: qualified(set.namespace, set.name),
          id: set.id,
          namespace: set.namespace,
          metadata: () => permissionSetBody(org, set),
        },
        set,
      ),
    ),
  PermissionSetGroup: (org) =>
    [...org.permissionSetGroups.values()].map((group) =>
      component(
        {
          type: 'PermissionSetGroup',
          fullName: group.developerName,
          id: group.id,
          metadata: () => permissionSetGroupBody(org, group),
        },
        group,
      ),
    ),
  Profile: (org) =>
    [...org.profiles.values()].map((profile) =>
      component(
        {
          type: 'Profile',
          fullName: profileFullName(profile.name),
          id: profile.id,
          metadata: (selected) => profileBody(org, profile, selected),
        },
        profile,
      ),
    ),
  CustomApplication: (org) =>
    org.apps.map((app) =>
      component(
        {
          type: 'CustomApplication',
          fullName: app.name,
          id: app.id,
          metadata: () => appBody(org, app),
        },
        app,
      ),
    ),
  CustomTab: (org) =>
    org.tabs.map((tab) =>
      component(
        {
          type: 'CustomTab',
          fullName: tab.name,
          id: '',
          metadata: () => tab.metadata as MetadataNode,
        },
        tab,
      ),
    ),
  InstalledPackage: (org) =>
    org.packages.map((installed) =>
      component(
        {
          type: 'InstalledPackage',
          fullName: installed.namespace,
          id: installed.id,
          namespace: installed.namespace,
          metadata: () => installedPackageBody(installed),
        },
        never,
      ),
    ),
  Group: (org) =>
    org.groups
      .filter((group) => group.type === 'Regular')
      .map((group) =>
        component(
          {
            type: 'Group',
            fullName: group.developerName,
            id: group.id,
            metadata: () => groupBody(group),
          },
          group,
        ),
      ),
  Queue: (org) =>
    org.groups
      .filter((group) => group.type === 'Queue')
      .map((group) =>
        component(
          {
            type: 'Queue',
            fullName: group.developerName,
            id: group.id,
            metadata: () => queueBody(org, group),
          },
          group,
        ),
      ),
}

interface ChildItem {
  item: Stamps & { id: string; namespace?: string | null }
  name: string
  body: () => MetadataNode
}

function ofObjects(org: Org, items: (object: SObject) => ChildItem[]) {
  return (type: string): Component[] =>
    liveObjects(org).flatMap((object) =>
      items(object).map(({ item, name, body }) =>
        component(
          {
            type,
            fullName: `${object.name}.${name}`,
            id: item.id,
            namespace: item.namespace ?? /^([A-Za-z0-9]+)__.+__c$/.exec(name)?.[1] ?? null,
            wildcard: false,
            metadata: body,
          },
          item,
        ),
      ),
    )
}

const ofParts = (org: Org, element: PartElement) =>
  ofObjects(org, (object) =>
    object.parts[element].map((part) => ({
      item: part,
      name: part.name,
      body: () => part.metadata as MetadataNode,
    })),
  )

function newest(items: readonly Stamps[]): Stamps {
  return items.reduce<Stamps>(
    (latest, item) => (item.lastModifiedDate > latest.lastModifiedDate ? item : latest),
    items[0] ?? never,
  )
}
