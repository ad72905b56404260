// Signatures of webhooks, as Standard Webhooks 1.0 defines them (standardwebhooks.com): `v1`, an
// HMAC-SHA256 over id, time of the try, and body.

import { createHmac, randomBytes } from 'node:crypto'
import { Secret } from '../secret.ts'

const PREFIX = 'whsec_'
const SECRET_BYTES = 32

export const newSigningSecret = (): Secret =>
  new Secret(PREFIX + randomBytes(SECRET_BYTES).toString('base64'))

/**
 * The headers of one try. With two secrets there are two signatures, so that a receiver accepts it
 * whichever of them it has. `id` contains no full stop: it is a UUID.
 */
export const signedHeaders = (
  message: { id: string; body: string },
  secrets: readonly Secret[],
  now: Date,
): Record<string, string> => {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().slice(PREFIX.length), 'base64')
    const hmac = createHmac('sha256', key).update(`${message.id}.${timestamp}.${message.body}`)
    return `v1,${hmac.digest('base64')}`
  })
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
