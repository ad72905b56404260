// What a package names: what it brings, and what it takes away.

import { type Members } from '../../salesforce/deploy-package.ts'
import { type Component, COMPONENT_TYPES, type ComponentType } from './components.ts'
import { sameName } from '../metadata/names.ts'
import { type Plan } from './schema.ts'

/** The components as package.xml groups them, types in the order of reports, names by alphabet. */
export const membersOf = (components: readonly Component[]): Members =>
  new Map(
    COMPONENT_TYPES.map(
      (type) =>
        [
          type,
          components
            .filter((component) => component.type === type)
            .map(({ fullName }) => fullName)
            .toSorted(),
        ] as const,
    ).filter(([, names]) => names.length > 0),
  )

export interface DestructiveChanges {
  /** For the package's `deleteAfter`, in the order of dependencies; empty where nothing can be deleted. */
  deleteAfter: Members
  /** What goes with an object that is deleted. */
  implied: Component[]
  /** What the Metadata API cannot delete. */
  notDeletable: Component[]
}

/** What refers to others goes before what is referred to. */
const DELETE_ORDER: readonly ComponentType[] = [
  'ValidationRule',
  'CustomTab',
  'Layout',
  'CustomField',
  'CustomObject',
  'PermissionSet',
]

const objectNameOf = ({ type, fullName }: Component): string | null => {
  if (type === 'Layout') return fullName.slice(0, fullName.indexOf('-'))
  const dot = fullName.indexOf('.')
  return type === 'CustomObject' || type === 'PermissionSet' || dot < 0
    ? null
    : fullName.slice(0, dot)
}

/** Fields that hold on to other fields or objects; these are deleted by name even with their object. */
const HOLDING = ['Summary', 'Formula', 'MasterDetail', 'Lookup'] as const

const holdingRank = (type: string | undefined): number => {
  const rank = HOLDING.findIndex((holding) => holding === type)
  return rank < 0 ? HOLDING.length : rank
}

const lookUpFields = (plan: Plan) => {
  const fields = new Map(
    plan.objects.flatMap((object) =>
      object.fields.map(
        (field) => [sameName(`${object.api_name}.${field.api_name}`), field] as const,
      ),
    ),
  )
  return (fullName: string) => fields.get(sameName(fullName))
}

/** Details before their masters, and whatever looks up an object before that object. */
const childrenFirst = (names: readonly string[], plan: Plan): string[] => {
  const sorted: string[] = []
  const visiting = new Set<string>()
  const visit = (name: string): void => {
    if (visiting.has(sameName(name))) return
    visiting.add(sameName(name))
    for (const child of plan.objects) {
      const refers = child.fields.some(
        (field) => 'reference_to' in field && sameName(field.reference_to) === sameName(name),
      )
      const other = names.find((candidate) => sameName(candidate) === sameName(child.api_name))
      if (refers && other !== undefined) visit(other)
    }
    sorted.push(name)
  }
  for (const name of names) visit(name)
  return sorted
}

/**
 * What deletes these components, after the rest of its package was deployed, so that layouts and
 * permission sets have let go of them. The plan that made them tells what refers to what.
 * Salesforce deletes no record type by API, and a profile is never ours to delete.
 */
export const destructiveChanges = (
  components: readonly Component[],
  plan: Plan,
): DestructiveChanges => {
  const fieldOf = lookUpFields(plan)
  const objects = components.filter(({ type }) => type === 'CustomObject')
  const goes = new Set(objects.map(({ fullName }) => sameName(fullName)))
  const isImplied = (component: Component): boolean => {
    const owner = objectNameOf(component)
    if (owner === null || !goes.has(sameName(owner))) return false
    const type = fieldOf(component.fullName)?.type
    // A master-detail goes with its detail; it cannot be let go of before.
    return (
      component.type !== 'CustomField' ||
      type === 'MasterDetail' ||
      holdingRank(type) === HOLDING.length
    )
  }
  const implied = components.filter(isImplied)
  const rest = components.filter((component) => !isImplied(component))
  const deletable = rest.filter(({ type }) => DELETE_ORDER.includes(type))
  const namesOf = (type: ComponentType): string[] => {
    const names = deletable
      .filter((component) => component.type === type)
      .map(({ fullName }) => fullName)
      .toSorted()
    if (type === 'CustomObject') return childrenFirst(names, plan)
    if (type !== 'CustomField') return names
    return names.toSorted((a, b) => holdingRank(fieldOf(a)?.type) - holdingRank(fieldOf(b)?.type))
  }
  return {
    deleteAfter: new Map(
      DELETE_ORDER.map((type) => [type, namesOf(type)] as const).filter(
        ([, names]) => names.length > 0,
      ),
    ),
    implied,
    notDeletable: rest.filter(({ type }) => !DELETE_ORDER.includes(type)),
  }
}
