import type { MetadataNode } from '../../org/metadata-xml.ts'

/** How a metadata type is laid out in a zip. Salesforce: Metadata API guide, "Metadata Types". */
export interface MetadataType {
  xmlName: string
  directoryName: string
  suffix: string
  inFolder: boolean
  /** The component is a content file with a `-meta.xml` beside it. */
  metaFile: boolean
  childXmlNames: readonly string[]
}

/** A child type is inside its parent's file: a CustomField in `objects/X.object`. */
export interface ChildType {
  xmlName: string
  parent: string
  /** The parent's element that holds it. */
  element: string
  /** If one file holds all components of the org: its name, which is not a prefix of theirs. */
  onlyParent?: string
}

/** One component as listMetadata, readMetadata and retrieve see it. */
export interface Component {
  type: string
  fullName: string
  id: string
  namespacePrefix?: string | null
  createdById: string
  createdDate: string
  lastModifiedById: string
  lastModifiedDate: string
  /** Path in the zip without the package's directory. */
  fileName: string
  /** False for what `*` does not include: standard objects, and children of objects. */
  wildcard: boolean
  /**
   * The component's metadata, without fullName. `selected` says what else the same retrieve includes: a
   * profile shows only permissions for those.
   */
  metadata(selected: SelectedComponents): MetadataNode
  /** The content file of types with `metaFile`. */
  content?: string
}

/** Asks whether a component is part of the running retrieve. */
export type SelectedComponents = (type: string, fullName: string) => boolean

export const everything: SelectedComponents = () => true

const type = (
  xmlName: string,
  directoryName: string,
  suffix: string,
  childXmlNames: readonly string[] = [],
  metaFile = false,
): MetadataType => ({ xmlName, directoryName, suffix, inFolder: false, metaFile, childXmlNames })

/** The types this simulator serves; describeMetadata lists these and no others. */
export const metadataTypes: readonly MetadataType[] = [
  type('ApexTrigger', 'triggers', 'trigger', [], true),
  type('AssignmentRules', 'assignmentRules', 'assignmentRules', ['AssignmentRule']),
  type('CustomMetadata', 'customMetadata', 'md'),
  type('CustomApplication', 'applications', 'app'),
  type('CustomLabels', 'labels', 'labels', ['CustomLabel']),
  type('CustomObject', 'objects', 'object', [
    'BusinessProcess',
    'CustomField',
    'RecordType',
    'ValidationRule',
    'CompactLayout',
    'CustomField',
    'FieldSet',
    'ListView',
    'RecordType',
    'ValidationRule',
    'WebLink',
  ]),
  type('CustomPermission', 'customPermissions', 'customPermission'),
  type('CustomTab', 'tabs', 'tab'),
  type('Flow', 'flows', 'flow'),
  type('FlowDefinition', 'flowDefinitions', 'flowDefinition'),
  type('GlobalValueSet', 'globalValueSets', 'globalValueSet'),
  type('Group', 'groups', 'group'),
  type('InstalledPackage', 'installedPackages', 'installedPackage'),
  type('Layout', 'layouts', 'layout'),
  type('PermissionSet', 'permissionsets', 'permissionset'),
  type('PermissionSetGroup', 'permissionsetgroups', 'permissionsetgroup'),
  type('Profile', 'profiles', 'profile'),
  type('Queue', 'queues', 'queue'),
  type('QuickAction', 'quickActions', 'quickAction'),
  type('Workflow', 'workflows', 'workflow', ['WorkflowRule']),
]

export const childTypes: readonly ChildType[] = [
  { xmlName: 'BusinessProcess', parent: 'CustomObject', element: 'businessProcesses' },
  { xmlName: 'CompactLayout', parent: 'CustomObject', element: 'compactLayouts' },
  { xmlName: 'CustomField', parent: 'CustomObject', element: 'fields' },
  { xmlName: 'FieldSet', parent: 'CustomObject', element: 'fieldSets' },
  { xmlName: 'ListView', parent: 'CustomObject', element: 'listViews' },
  { xmlName: 'RecordType', parent: 'CustomObject', element: 'recordTypes' },
  { xmlName: 'ValidationRule', parent: 'CustomObject', element: 'validationRules' },
  { xmlName: 'WebLink', parent: 'CustomObject', element: 'webLinks' },
  { xmlName: 'AssignmentRule', parent: 'AssignmentRules', element: 'assignmentRule' },
  { xmlName: 'WorkflowRule', parent: 'Workflow', element: 'rules' },
  {
    xmlName: 'CustomLabel',
    parent: 'CustomLabels',
    element: 'labels',
    onlyParent: 'CustomLabels',
  },
]

/** Whether values in the files of this type state their type (`xsi:type`). */
export const saysTypes = (typeName: string): boolean => typeName === 'CustomMetadata'
/** The name of the parent of a child, and the child's own name in its parent's file. */
export function placeOfChild(
  { onlyParent }: ChildType,
  fullName: string,
): { parent: string; name: string } | undefined {
  if (onlyParent !== undefined) return { parent: onlyParent, name: fullName }
  const dot = fullName.indexOf('.')
  return dot < 0 ? undefined : { parent: fullName.slice(0, dot), name: fullName.slice(dot + 1) }
}

/** The name of a child from the names in `placeOfChild`. */
export function nameOfChild({ onlyParent }: ChildType, parent: string, name: string): string {
  return onlyParent === undefined ? `${parent}.${name}` : name
}

/** Whether a deployment treats the children in the type's file as components of their own. */
export function deploysByParts(typeName: string): boolean {
  return typeName === 'CustomObject' || typeName === 'CustomLabels'
}

/**
 * The name of a component in files. Salesforce: Tooling and the CRUD calls name global value sets with
 * `__gvs` at the end (Metadata API guide, "GlobalValueSet"); lists, reads, retrieves and the fields that
 * use them do not (salto-io/salto#4213). The simulator's calls accept both.
 */
export function plainName(typeName: string, fullName: string): string {
  return typeName === 'GlobalValueSet' ? fullName.replace(/__gvs$/i, '') : fullName
}

/** Path in the zip of a component, or of its parent when it is a child. */
export function fileNameOf(typeName: string, fullName: string): string {
  const asChild = childTypes.find(({ xmlName }) => xmlName === typeName)
  const owner = metadataTypes.find(({ xmlName }) => xmlName === (asChild?.parent ?? typeName))
  if (!owner) throw new Error(`unknown metadata type ${typeName}`)
  const name = (asChild && placeOfChild(asChild, fullName)?.parent) ?? fullName
  return `${owner.directoryName}/${name}.${owner.suffix}`
}
