// Webhook endpoints and deliveries in words.

import {
  type EventType,
  type WebhookDeliveryStatus,
  type WebhookEndpoint,
} from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'
import { isEventType } from '../events/search.ts'

export const endpointStanding = ({
  status,
  disabled_reason: reason,
  failing_since: failing,
}: WebhookEndpoint): readonly [StatusTone, string] => {
  if (status === 'active') return failing === null ? ['done', 'Active'] : ['attention', 'Failing']
  switch (reason) {
    case 'gone':
      return ['stopped', 'Disabled: it said that it is gone']
    case 'failing':
      return ['stopped', 'Disabled: it failed for five days']
    default:
      return ['idle', 'Disabled']
  }
}

export const DELIVERIES: Readonly<Record<WebhookDeliveryStatus, readonly [StatusTone, string]>> = {
  pending: ['running', 'To be sent'],
  delivered: ['done', 'Delivered'],
  failed: ['stopped', 'Failed'],
}

/** All types, in words. */
export const EVENT_TYPES: Readonly<Record<EventType, string>> = {
  'topology.pulled': 'A pull ended',
  'conflicts.checked': 'A check ended',
  'deployment.finished': 'A deployment ended',
  'rollback.finished': 'A rollback ended',
  'push.finished': 'A push ended',
  'offboarding.finished': 'An off-boarding ended',
  'connection.connected': 'A client was connected',
  'connection.expired': 'An authorization expired',
  'connection.error': 'A connection became unusable',
  'connection.revoked': 'A connection was revoked',
  'api_budget.exhausted': 'The daily API calls were used up',
  'api_budget.restored': 'There are API calls again',
  'approval.requested': 'A token asked for an approval',
  'drift.found': 'A client drifted',
  'rollout.started': 'A rollout started',
  'rollout.wave_completed': 'A wave was closed',
  'rollout.paused': 'A rollout paused',
  'rollout.finished': 'A rollout ended',
  'rollout.rolled_back': 'A rollout was rolled back',
  'webhook_endpoint.disabled': 'A webhook endpoint was disabled',
}

/** A type in words; its name for one of a newer server. */
export const eventInWords = (type: string): string => (isEventType(type) ? EVENT_TYPES[type] : type)
