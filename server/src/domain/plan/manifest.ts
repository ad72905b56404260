// What a package names: what it deploys and what it deletes.

import { type Members } from '../../salesforce/deploy-package.ts'
import { COMPONENT_KINDS, kindOf, objectOf } from '../metadata/kinds.ts'
import { type Component, sameName } from '../metadata/names.ts'
import { type Plan } from './schema.ts'

const namesOf = (components: readonly Component[], type: string): string[] =>
  components
    .filter((component) => component.type === type)
    .map(({ fullName }) => fullName)
    .toSorted()

/** The components as package.xml groups them, types in the order of reports, names alphabetically. */
export const membersOf = (components: readonly Component[]): Members =>
  new Map(
    COMPONENT_KINDS.map(({ type }) => [type, namesOf(components, type)] as const).filter(
      ([, names]) => names.length > 0,
    ),
  )

export interface DestructiveChanges {
  /** For the package's `deleteAfter`, in the order of dependencies; empty if nothing can be deleted. */
  deleteAfter: Members
  /** What is deleted together with an object. */
  implied: Component[]
  /** What the Metadata API cannot delete. */
  notDeletable: Component[]
}

/**
 * The manifest that deletes these components after the rest of its package was deployed, so that no
 * layout and no permission set refers to them any longer. The plan that created them says what refers to
 * what.
 */
export const destructiveChanges = (
  components: readonly Component[],
  plan: Plan,
): DestructiveChanges => {
  const goes = new Set(namesOf(components, 'CustomObject').map(sameName))
  const goAlong = new Map(
    COMPONENT_KINDS.map(({ type, deletion }) => [type, deletion.withObject(plan)]),
  )
  const isImplied = (component: Component): boolean => {
    const owner = objectOf(component)
    if (owner === null || !goes.has(sameName(owner))) return false
    return goAlong.get(component.type)?.(component.fullName) ?? false
  }
  const rest = components.filter((component) => !isImplied(component))
  const kinds = COMPONENT_KINDS.filter(({ deletion }) => deletion.place !== null).toSorted(
    (a, b) => (a.deletion.place ?? 0) - (b.deletion.place ?? 0),
  )
  return {
    deleteAfter: new Map(
      kinds
        .map(({ type, deletion }) => {
          const names = namesOf(rest, type)
          return [type, deletion.sorted?.(names, plan) ?? names] as const
        })
        .filter(([, names]) => names.length > 0),
    ),
    implied: components.filter(isImplied),
    notDeletable: rest.filter(({ type }) => (kindOf(type)?.deletion.place ?? null) === null),
  }
}
