import { type PushStatus } from '@sfdc-engine-x/client'

export const STATUSES: readonly PushStatus[] = [
  'queued',
  'in_progress',
  'succeeded',
  'partial',
  'failed',
]

export interface PushesSearch {
  status?: PushStatus
  /** Canonical name, or that of the Salesforce object. */
  object?: string
}
