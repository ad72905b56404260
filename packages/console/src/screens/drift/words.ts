// Drift in words.

import {
  type ComponentDrift,
  type DriftClientState,
  type DriftComponentState,
  type DriftResult,
} from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'

export const CLIENT_STATES: Readonly<Record<DriftClientState, readonly [StatusTone, string]>> = {
  drifted: ['attention', 'Drifted'],
  in_sync: ['done', 'As wanted'],
  unknown: ['idle', 'Unknown'],
  waiting: ['running', 'Being read'],
}

export const COMPONENT_STATES: Readonly<Record<DriftComponentState, string>> = {
  in_sync: 'As wanted',
  behind: 'As an older version put it',
  modified: 'Somebody changed it',
  missing: 'Somebody removed it',
  ahead: 'The client added it',
  extra_grant: 'More access than wanted',
  unreadable: 'The connected user does not see it',
  not_applied: 'Not deployed yet',
  unknown: 'The snapshot does not say',
}

/** What differs, without what is as wanted: `3 × somebody changed it, 1 × somebody changed it (accepted)`. */
export const differencesInWords = (
  components: readonly Pick<ComponentDrift, 'state' | 'accepted'>[],
): string =>
  Object.entries(COMPONENT_STATES)
    .filter(([state]) => state !== 'in_sync')
    .flatMap(([state, word]) =>
      [false, true].flatMap((isAccepted) => {
        const { length } = components.filter(
          (one) => one.state === state && one.accepted === isAccepted,
        )
        return length === 0
          ? []
          : [`${length} × ${word.toLowerCase()}${isAccepted ? ' (accepted)' : ''}`]
      }),
    )
    .join(', ')

/** The state of a client. What differs and was accepted is no drift, and is not as wanted either. */
export const clientStateOf = ({
  state,
  components,
}: Pick<DriftResult, 'state' | 'components'>): readonly [StatusTone, string] =>
  state === 'in_sync' && components.some(({ accepted }) => accepted)
    ? ['done', 'As accepted']
    : CLIENT_STATES[state]
