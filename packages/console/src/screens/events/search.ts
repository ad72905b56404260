import { type EventType } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'
import { type PeriodSearch } from '../../app/period.ts'

/** The filters, in the address. */
export interface EventsSearch extends PeriodSearch {
  client?: string
  type?: EventType
  /** The event that is open. */
  event?: string
}

export const isEventType = isWordOf<EventType>()(
  'topology.pulled',
  'conflicts.checked',
  'deployment.finished',
  'rollback.finished',
  'push.finished',
  'offboarding.finished',
  'connection.connected',
  'connection.expired',
  'connection.error',
  'connection.revoked',
  'api_budget.exhausted',
  'api_budget.restored',
  'approval.requested',
  'drift.found',
  'rollout.started',
  'rollout.wave_completed',
  'rollout.paused',
  'rollout.finished',
  'rollout.rolled_back',
  'webhook_endpoint.disabled',
)
