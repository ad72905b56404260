import { type WebhookDeliveryStatus } from '@sfdc-engine-x/client'
import { isWordOf } from '../../app/params.ts'

export interface WebhookSearch {
  status?: WebhookDeliveryStatus
  /** The delivery that is open. */
  delivery?: string
}

export const isDeliveryStatus = isWordOf<WebhookDeliveryStatus>()('pending', 'delivered', 'failed')
