// What deployments noted of files that others also write to, as one: each entry from before the first of ours to
// after the last, as long as nobody came in between. Pure.

import { type JsonObject } from '../../salesforce/json.ts'
import { type AccessChange } from '../metadata/entries.ts'
import { sameElement } from '../metadata/equality.ts'
import { type LayoutChange } from '../metadata/layout-file.ts'
import { joinListChanges } from '../metadata/layout-lists.ts'
import { type Component, keyOf, sameName } from '../metadata/names.ts'
import { type Images } from '../deployments/plan/images.ts'
import { differencesOf } from '../deployments/plan/proof.ts'
import {
  type Assignment,
  assignmentsOf,
  type Changes,
  type LeftComponent,
} from '../deployments/rows.ts'
import { type Plan } from '../plan/schema.ts'
import { chainOf, changedBetween, leavesSomething, type Touch } from './chain.ts'

/** A deployment of a plan, as far as this looks at it. */
interface Noted {
  plan: Plan
  before: Images
  after: Images
  changes: Changes
  /** Keys of what earlier rollbacks of it took back. */
  undone: ReadonlySet<string>
}

type Entry = Record<string, string>

interface AccessTouch extends Touch<Entry> {
  change: AccessChange
}

const sameEntry = (a: Entry | null, b: Entry | null): boolean =>
  a === null || b === null ? a === b : sameElement(a, b)

/** The describe of an object, whatever the case of its name. */
export const describeIn = ({ describes }: Images, object: string): JsonObject | undefined =>
  [...describes].find(([name]) => sameName(name) === sameName(object))?.[1]

/** Their changes as one, and what of them stays because somebody else came in between. */
export const mergeChanges = (
  deployments: readonly Noted[],
): { changes: Changes; left: LeftComponent[] } => {
  const left: LeftComponent[] = []
  const tell = (component: Component, entry: string): void => {
    left.push(changedBetween(component, entry))
  }
  return {
    changes: {
      permissionSets: accessOf(deployments, 'permissionSets', tell),
      profiles: accessOf(deployments, 'profiles', tell),
      layouts: layoutsOf(deployments),
      assignment: null,
      assignments: assignmentsIn(deployments),
      between: between(deployments),
    },
    left,
  }
}

/** By object, what others changed of its describe between two deployments. */
const between = (deployments: readonly Noted[]): Record<string, string[]> => {
  const names = new Map<string, Set<string>>()
  for (const [at, earlier] of deployments.entries()) {
    for (const { api_name } of earlier.plan.objects) {
      const later = deployments
        .slice(at + 1)
        .find(({ plan }) =>
          plan.objects.some((one) => sameName(one.api_name) === sameName(api_name)),
        )
      const left = describeIn(earlier.after, api_name)
      const found = later === undefined ? undefined : describeIn(later.before, api_name)
      if (left === undefined || found === undefined) continue
      const changed = names.get(api_name) ?? new Set()
      for (const name of differencesOf(left, found)) changed.add(name)
      names.set(api_name, changed)
    }
  }
  return Object.fromEntries(
    [...names].filter(([, some]) => some.size > 0).map(([name, some]) => [name, [...some]]),
  )
}

/** Entries of permission sets or profiles. */
const accessOf = (
  deployments: readonly Noted[],
  holder: 'permissionSets' | 'profiles',
  tell: (component: Component, entry: string) => void,
): Record<string, AccessChange[]> => {
  const type = holder === 'profiles' ? 'Profile' : 'PermissionSet'
  const named = new Map<string, { name: string; entries: Map<string, AccessTouch[]> }>()
  for (const { changes, undone } of deployments) {
    for (const [name, entries] of Object.entries(changes[holder])) {
      if (undone.has(keyOf({ type, fullName: name }))) continue
      const one = named.get(sameName(name)) ?? { name, entries: new Map<string, AccessTouch[]>() }
      named.set(sameName(name), one)
      for (const change of entries) {
        const key = `${change.list}:${sameName(change.key)}`
        const touch = { was: change.before, left: change.after, isKnown: true, change }
        one.entries.set(key, [...(one.entries.get(key) ?? []), touch])
      }
    }
  }
  return Object.fromEntries(
    [...named.values()].map(({ name, entries }) => [
      name,
      [...entries.values()].flatMap((touches) => {
        const chain = chainOf<Entry, AccessTouch>(touches, sameEntry)
        if (chain === null) return []
        const { change } = chain.last
        if (leavesSomething(chain, sameEntry)) {
          tell({ type, fullName: name }, `${change.list}:${change.key}: `)
        }
        return [{ ...change, before: chain.own[0].change.before }]
      }),
    ]),
  )
}

const layoutsOf = (deployments: readonly Noted[]): Record<string, LayoutChange> => {
  const named = new Map<string, { name: string; changes: LayoutChange[] }>()
  for (const { changes, undone } of deployments) {
    for (const [name, change] of Object.entries(changes.layouts)) {
      if (undone.has(keyOf({ type: 'Layout', fullName: name }))) continue
      const one = named.get(sameName(name)) ?? { name, changes: [] }
      one.changes.push(change)
      named.set(sameName(name), one)
    }
  }
  return Object.fromEntries(
    [...named.values()].map(({ name, changes }) => [
      name,
      {
        ...joinListChanges(...changes),
        created: changes[0]?.created ?? false,
        fields: [...new Set(changes.flatMap(({ fields }) => fields))],
        sections: [...new Set(changes.flatMap(({ sections }) => sections))],
        // How a column was before the first of ours was in it.
        columns: Object.assign(
          {},
          ...changes.map(({ columns }) => columns ?? {}).toReversed(),
        ) as Record<string, string>,
      },
    ]),
  )
}

/** Each as it was before the first of ours. */
const assignmentsIn = (deployments: readonly Noted[]): Assignment[] => {
  const assignments = new Map<string, Assignment>()
  for (const { changes, undone } of deployments) {
    for (const one of assignmentsOf(changes)) {
      if (undone.has(keyOf({ type: 'PermissionSet', fullName: one.permission_set }))) continue
      const key = `${sameName(one.permission_set)}:${one.assignee_id.slice(0, 15)}`
      if (!assignments.has(key)) assignments.set(key, one)
    }
  }
  return [...assignments.values()]
}
