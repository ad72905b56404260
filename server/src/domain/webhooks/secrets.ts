// The secrets that an endpoint's messages are signed with.

import { EngineError } from '../../errors.ts'
import { type Secret } from '../../secret.ts'
import { type Sealing } from './sealing.ts'

interface Sealed {
  id: string
  secret: Buffer
  former_secret: Buffer | null
  former_secret_until: Date | null
}

/**
 * Newest first; two while the secret is rotated. Throws if the server no longer has the key that the
 * newest was encrypted with.
 */
export const secretsOf = (sealing: Sealing, row: Sealed, now: Date): Secret[] => {
  const current = sealing.open(row.secret, row.id)
  if (current === null) {
    throw new EngineError(
      'unavailable',
      'The secret of the endpoint cannot be decrypted: ENCRYPTION_SECRET (or JWT_SECRET, if that is not set) is not the one that it was stored with. Set that one again, after a comma, or rotate the secret of the endpoint.',
    )
  }
  const isLive = (row.former_secret_until?.getTime() ?? 0) > now.getTime()
  const former =
    isLive && row.former_secret !== null ? sealing.open(row.former_secret, row.id) : null
  return former === null ? [current] : [current, former]
}
