// Automations that will run when the rows of a push are saved, according to the snapshot.

import { sameName } from '../metadata/names.ts'
import { type Automation } from '../topology/topology.ts'
import { type PushKind, type PushOptions } from './model.ts'

/** An active automation on the object that the rows are written to. */
export interface MetAutomation {
  type: Automation['type']
  api_name: string
  events: string[]
  timing: string | null
}

/** What rows of this kind do to records. */
const EVENTS: Readonly<Record<PushKind, readonly string[]>> = {
  records: ['create', 'update'],
  status_update: ['update'],
  link: ['create', 'update'],
}

/**
 * The active flows, triggers, validation and workflow rules that rows of this kind start, by type and
 * name; assignment rules only if the push requests them, since they do not run otherwise.
 */
export const automationsMet = (
  automations: readonly Automation[],
  object: string,
  kind: PushKind,
  options: Pick<PushOptions, 'assignment_rules'>,
): MetAutomation[] =>
  automations
    .filter(({ active }) => active === true)
    .filter(({ type }) => type !== 'assignment_rule' || options.assignment_rules !== false)
    .filter(
      ({ object: own, trigger }) => sameName(trigger?.object ?? own ?? '') === sameName(object),
    )
    .map(({ type, api_name, trigger }) => ({
      type,
      api_name,
      events: (trigger?.events ?? []).filter((event) => EVENTS[kind].includes(event)),
      timing: trigger?.timing ?? null,
    }))
    .filter(({ events }) => events.length > 0)
    .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))

const key = ({ type, api_name: name }: MetAutomation): string => `${type} ${name}`
