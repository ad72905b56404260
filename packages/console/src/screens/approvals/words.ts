// Approvals in words.

import { type ApprovalAction, type ApprovalState } from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'

/** What the button does, and what the approval is called in lists. */
export const ACTIONS: Readonly<Record<ApprovalAction, string>> = {
  custom_objects: 'Deploy a plan',
  workflows: 'Deploy automations',
  workflow_removal: 'Remove automations',
  workflow_activation: 'Activate or deactivate an automation',
  rollback: 'Roll back a deployment',
  offboarding: 'Off-board the client',
  push_records: 'Push records',
  push_status_update: 'Push status updates',
  push_link: 'Push links between records',
  push_retry: 'Push failed rows again',
  connection_revoke: 'Revoke the connection',
  rollout_start: 'Start a rollout',
  rollout_resume: 'Resume a rollout',
  rollout_approve: 'Begin the next wave of a rollout',
  rollout_retry: 'Try targets of a rollout again',
  rollout_rollback: 'Roll a rollout back',
}

export const STATES: Readonly<Record<ApprovalState, readonly [StatusTone, string]>> = {
  pending: ['attention', 'Waits for a decision'],
  granted: ['running', 'Granted, not yet used'],
  used: ['done', 'Used'],
  refused: ['stopped', 'Refused'],
  expired: ['idle', 'Expired'],
}
