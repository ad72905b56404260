// The drift of one client from one blueprint, from what is known of it. Pure: the snapshot, the history and the
// older versions come in.

import { type Fault } from '../../../db/tables/work.ts'
import { type FieldDifference } from '../../metadata/fields/kind.ts'
import { sameName } from '../../metadata/names.ts'
import { canonicalJson } from '../../canonical.ts'
import { type Deployed } from './history.ts'
import { isShownBySnapshot } from './shown.ts'
import {
  additionsOf,
  type Facts,
  isOnlyAddedTo,
  type Standing,
  type Wanted,
  type WantedComponent,
  wantedComponents,
} from './standing.ts'

export const COMPONENT_STATES = [
  'in_sync',
  'behind',
  'modified',
  'missing',
  'ahead',
  'extra_grant',
  'unreadable',
  'not_applied',
  'unknown',
] as const
export type ComponentState = (typeof COMPONENT_STATES)[number]

/** States in which something differs from the blueprint. */
const DRIFTED: ReadonlySet<ComponentState> = new Set([
  'behind',
  'modified',
  'missing',
  'ahead',
  'extra_grant',
  'not_applied',
])

export interface DriftDifference {
  attribute: string
  wanted: unknown
  /** What our newest deployment put there, where that is known. */
  deployed: unknown
  found: unknown
}

export interface ComponentDrift {
  type: string
  full_name: string
  /** In the version; null for what the client added. */
  path: string | null
  state: ComponentState
  /** Somebody accepted that it stands like this. */
  accepted: boolean
  differences: DriftDifference[]
  /** With `behind`: the version as which it stands. */
  stands_at: number | null
  /** Our newest deployment that put it in place. */
  deployed: Deployed | null
  /** When Salesforce says it was changed last, and by whom. */
  changed_at: string | null
  changed_by: string | null
  /** Why it is unknown. */
  reason: Fault | null
}

/** A difference that somebody accepted, in the binding. */
export interface Override {
  type: string
  full_name: string
  state: ComponentState
  differences: DriftDifference[]
  note: string | null
  accepted_by: string | null
  accepted_at: string
}

export type StateCounts = Partial<Record<ComponentState, number>>

export interface ClientDrift {
  state: 'in_sync' | 'drifted' | 'unknown'
  /** Why it is unknown. */
  reason: Fault | null
  counts: StateCounts
  components: ComponentDrift[]
}

interface Known {
  facts: Facts
  /** When the snapshot was complete. */
  takenAt: Date
  /** Null: no deployment of ours put the component in place. */
  deployedOf: (component: { type: string; fullName: string }) => Deployed | null
  /** Older versions with the client's values, newest first; only asked where something differs. */
  older: () => Iterable<{ version: number; wanted: Wanted }>
  overrides: readonly Override[]
}

const keyOf = (type: string, fullName: string): string => sameName(`${type}:${fullName}`)

export const evaluate = (wanted: Wanted, known: Known): ClientDrift => {
  const components = [
    ...wantedComponents(wanted).map((component) => judged(component, known)),
    ...additionsOf(wanted, known.facts).map(({ type, fullName }): ComponentDrift => ({
      ...blank(type, fullName, known),
      path: null,
      state: 'ahead',
    })),
  ].map((one) => withOverride(one, known.overrides))
  const counts: StateCounts = {}
  for (const { state } of components) counts[state] = (counts[state] ?? 0) + 1
  if (components.some(({ state, accepted }) => !accepted && DRIFTED.has(state))) {
    return { state: 'drifted', reason: null, counts, components }
  }
  const isOld = components.some(
    (one) => one.state === 'unknown' && isNewer(one.deployed, shownAt(one, known)),
  )
  return { state: isOld ? 'unknown' : 'in_sync', reason: isOld ? OLD : null, counts, components }
}

const OLD: Fault = {
  code: 'snapshot_before_deployment',
  message:
    'The newest snapshot is older than a deployment of ours. Pull the topology, or run with refresh.',
}

/** A snapshot that was taken before the deployment cannot show what that put in place. */
const isNewer = (deployed: Deployed | null, shown: Date): boolean =>
  deployed !== null && new Date(deployed.at) > shown

/** The moment at which what is known of a component was so. */
const shownAt = ({ type }: { type: string }, { takenAt, facts }: Known): Date =>
  isShownBySnapshot(type) ? takenAt : (facts.files.readAt ?? takenAt)

const blank = (type: string, fullName: string, { deployedOf, facts }: Known) => ({
  type,
  full_name: fullName,
  accepted: false,
  differences: [] as DriftDifference[],
  stands_at: null as number | null,
  deployed: deployedOf({ type, fullName }),
  ...lastChange({ type, fullName }, facts),
  reason: null as Fault | null,
})

const AUTOMATIONS: Readonly<Record<string, string>> = {
  Flow: 'flow',
  ValidationRule: 'validation_rule',
  AssignmentRule: 'assignment_rule',
}

/** What the snapshot says of an automation is no older than what the same pull read of it beside. */
const lastChange = (
  component: { type: string; fullName: string },
  { automations, files }: Facts,
): Pick<ComponentDrift, 'changed_at' | 'changed_by'> => {
  const { type, fullName } = component
  const name = sameName(`${AUTOMATIONS[type] ?? ''}/${fullName}`)
  const change = files.changeOf(component)
  const at = automations.get(name)?.last_modified_at ?? change?.at ?? null
  return { changed_at: at, changed_by: change?.by ?? null }
}

const judged = (component: WantedComponent, known: Known): ComponentDrift => {
  const base = { ...blank(component.type, component.fullName, known), path: component.path }
  const standing = component.standing(known.facts)
  if (standing.is !== 'same' && isNewer(base.deployed, shownAt(component, known))) {
    return { ...base, state: 'unknown', reason: OLD }
  }
  switch (standing.is) {
    case 'same':
      return { ...base, state: 'in_sync' }
    case 'unreadable':
      return { ...base, state: 'unreadable' }
    case 'not_known':
      return { ...base, state: 'unknown', reason: standing.why }
    case 'more':
      return { ...base, state: 'extra_grant', differences: standing.differences.map(told) }
    case 'absent':
      return { ...base, state: base.deployed === null ? 'not_applied' : 'missing' }
    case 'different':
      return { ...base, ...differingState(component, standing, known, base.deployed) }
  }
}

const differingState = (
  component: WantedComponent,
  { differences: found }: Extract<Standing, { is: 'different' }>,
  known: Known,
  deployed: Deployed | null,
): Pick<ComponentDrift, 'state' | 'differences' | 'stands_at'> => {
  const differences = found.map(told)
  const version = olderVersionOf(component, known)
  if (version !== null) return { state: 'behind', differences, stands_at: version }
  if (isOnlyAddedTo(found)) return { state: 'ahead', differences, stands_at: null }
  return { state: deployed === null ? 'not_applied' : 'modified', differences, stands_at: null }
}

const told = ({ attribute, planned, found }: FieldDifference): DriftDifference => ({
  attribute,
  wanted: planned ?? null,
  deployed: null,
  found: found ?? null,
})

/** The newest older version as which the component stands now. */
const olderVersionOf = (component: WantedComponent, { facts, older }: Known): number | null => {
  const key = keyOf(component.type, component.fullName)
  for (const { version, wanted } of older()) {
    const then = wantedComponents(wanted).find(
      ({ type, fullName }) => keyOf(type, fullName) === key,
    )
    if (then?.standing(facts).is === 'same') return version
  }
  return null
}

/** What was accepted is accepted as long as it stands as it did then. */
const withOverride = (one: ComponentDrift, overrides: readonly Override[]): ComponentDrift => {
  const accepted = overrides.some(
    ({ type, full_name, state, differences }) =>
      keyOf(type, full_name) === keyOf(one.type, one.full_name) &&
      (state === one.state || (DRIFTED.has(state) && DRIFTED.has(one.state))) &&
      foundIn(differences) === foundIn(one.differences),
  )
  return accepted ? { ...one, accepted } : one
}

const foundIn = (differences: readonly DriftDifference[]): string =>
  canonicalJson(Object.fromEntries(differences.map(({ attribute, found }) => [attribute, found])))
