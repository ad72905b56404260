// Campaigns that ask clients to authorize again, in words.

import { type ReconsentReason, type ReconsentState } from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'

export const REASONS: Readonly<Record<ReconsentReason, string>> = {
  dead_grant: 'The authorization is dead',
  scope: 'More access is needed',
  app_rules: 'The rules of the app or of Salesforce changed',
}

export const isReason = (value: unknown): value is ReconsentReason =>
  typeof value === 'string' && Object.hasOwn(REASONS, value)

export const CLIENT_STATES: Readonly<Record<ReconsentState, readonly [StatusTone, string]>> = {
  waiting: ['attention', 'Has no valid link'],
  link_open: ['running', 'Has a link'],
  refused: ['stopped', 'Not accepted'],
  done: ['done', 'Authorized again'],
}
