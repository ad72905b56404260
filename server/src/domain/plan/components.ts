// What a plan consists of in Salesforce's own terms, in the order in which reports list it.

import { layoutFullName, metadataName, sameName } from '../metadata/names.ts'
import { touchesObject, type Plan } from './schema.ts'

/** Metadata types a plan can touch, in the order of reports. */
export const COMPONENT_TYPES = [
  'CustomObject',
  'CustomField',
  'RecordType',
  'ValidationRule',
  'PermissionSet',
  'Profile',
  'Layout',
  'CustomTab',
] as const

export type ComponentType = (typeof COMPONENT_TYPES)[number]

/** A metadata component by the names that package.xml uses. */
export interface Component {
  type: ComponentType
  fullName: string
}

export interface PlanComponent extends Component {
  /** Dotted path of the member of the plan that it comes from. */
  path: string
}

/** Every component the plan makes or changes, once each. An object it only adds to is none. */
export const componentsOf = (plan: Plan): PlanComponent[] => {
  const found: PlanComponent[] = []
  const seen = new Set<string>()
  const add = (type: ComponentType, fullName: string, path: string): void => {
    const key = sameName(`${type}:${fullName}`)
    if (seen.has(key)) return
    seen.add(key)
    found.push({ type, fullName, path })
  }

  for (const [index, object] of plan.objects.entries()) {
    const path = `objects.${index}`
    const name = object.api_name
    if (touchesObject(object)) add('CustomObject', name, path)
    object.fields.forEach((field, at) =>
      add('CustomField', `${name}.${field.api_name}`, `${path}.fields.${at}`),
    )
    object.record_types.forEach((recordType, at) =>
      add('RecordType', `${name}.${recordType.api_name}`, `${path}.record_types.${at}`),
    )
    object.validation_rules.forEach((rule, at) =>
      add('ValidationRule', `${name}.${rule.api_name}`, `${path}.validation_rules.${at}`),
    )
  }
  const { permission_set: main, permission_sets: others, profiles } = plan.permissions
  if (main !== null) add('PermissionSet', main, 'permissions.permission_set')
  others.forEach((name, at) => add('PermissionSet', name, `permissions.permission_sets.${at}`))
  profiles.forEach((name, at) => add('Profile', metadataName(name), `permissions.profiles.${at}`))
  plan.layouts.forEach((layout, at) =>
    add('Layout', layoutFullName(layout.object, layout.layout), `layouts.${at}`),
  )
  plan.tabs.forEach((tab, at) => add('CustomTab', tab, `tabs.${at}`))

  return COMPONENT_TYPES.flatMap((type) => found.filter((component) => component.type === type))
}

/**
 * What must be read before a plan is compiled, and kept as its before-image: the objects whole (their
 * fields, record types and rules come with them), layouts, permission sets, profiles and tabs. All in
 * one retrieve: Salesforce gives a profile's entries only for what stands in the same package.
 */
export const componentsToRead = (plan: Plan): Component[] => [
  ...plan.objects.map(({ api_name }) => ({ type: 'CustomObject' as const, fullName: api_name })),
  ...componentsOf(plan)
    .filter(({ type }) => ['PermissionSet', 'Profile', 'Layout', 'CustomTab'].includes(type))
    .map(({ type, fullName }) => ({ type, fullName })),
]

const FOLDERS: Readonly<Partial<Record<ComponentType, readonly [folder: string, suffix: string]>>> =
  {
    CustomObject: ['objects', 'object'],
    PermissionSet: ['permissionsets', 'permissionset'],
    Profile: ['profiles', 'profile'],
    Layout: ['layouts', 'layout'],
    CustomTab: ['tabs', 'tab'],
  }

/** Path of the file of a component that has one of its own; null for what stands inside an object. */
export const filePath = (type: ComponentType, fullName: string): string | null => {
  const place = FOLDERS[type]
  return place === undefined ? null : `${place[0]}/${fullName}.${place[1]}`
}

/** The component whose file stands at a path of a package; null for other files. */
export const componentAt = (path: string): Component | null => {
  for (const type of COMPONENT_TYPES) {
    const place = FOLDERS[type]
    if (place === undefined) continue
    const [folder, suffix] = place
    if (path.startsWith(`${folder}/`) && path.endsWith(`.${suffix}`)) {
      return { type, fullName: path.slice(folder.length + 1, -suffix.length - 1) }
    }
  }
  return null
}
