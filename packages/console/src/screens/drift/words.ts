// Drift in words.

import { type DriftClientState, type DriftComponentState } from '@sfdc-engine-x/client'
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

/** `3 somebody changed it, 1 …`: what differs, without what is as wanted. */
export const differencesInWords = (counts: Readonly<Record<string, number | undefined>>): string =>
  Object.entries(COMPONENT_STATES)
    .flatMap(([state, word]) => {
      const count = counts[state] ?? 0
      return count === 0 || state === 'in_sync' ? [] : [`${count} × ${word.toLowerCase()}`]
    })
    .join(', ')
