// Whether what came was signed: verified by the package of Standard Webhooks, not by code of ours.

import { Webhook } from 'standardwebhooks'
import { type Received } from '../../simulator/src/receiver/receiver.ts'

/** An event as it is sent. */
export interface SentEvent {
  id: string
  type: string
  client_id: string | null
  sequence: number
  data: object
}

export const eventIn = ({ body }: Received): SentEvent => body as SentEvent

/** Throws if the message was not signed with this secret, or its signature is older than five minutes. */
export const verify = (secret: string, { text, headers }: Received): unknown =>
  new Webhook(secret).verify(text, headers)

/** Whether one of the signatures fits. */
export const isSignedWith = (secret: string, message: Received): boolean => {
  try {
    verify(secret, message)
    return true
  } catch {
    return false
  }
}
