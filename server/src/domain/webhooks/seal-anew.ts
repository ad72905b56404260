// The key that secrets of endpoints are encrypted with can be replaced without asking anybody for a new
// secret.

import { type Database, wholeOrg } from '../../db/database.ts'
import { requireEndpoint } from './endpoints.ts'
import { type Sealing } from './sealing.ts'

const ROUND = 100

/**
 * After a rotation of the server's key: encrypts with the new one what an older one encrypted, so that the
 * older one can be removed. What no key opens is left as it is.
 */
export const sealAnew = async (
  db: Database,
  sealing: Sealing,
  signal: AbortSignal,
): Promise<void> => {
  const found = await db.lookup<{ org_id: string; id: string }>(
    'endpoints_sealed_otherwise',
    sealing.keyId,
    ROUND,
  )
  for (const { org_id: orgId, id } of found) {
    if (signal.aborted) return
    const tenant = wholeOrg(orgId) // an endpoint belongs to its org, not to a client
    await db.as(tenant).tx(async (tx) => {
      const row = await requireEndpoint(tx, tenant, id, true)
      const anew = (sealed: Buffer): Buffer => {
        const secret = sealing.open(sealed, id)
        return secret === null ? sealed : sealing.seal(secret, id)
      }
      await tx
        .updateTable('webhook_endpoints')
        .set({
          secret: anew(row.secret),
          former_secret: row.former_secret === null ? null : anew(row.former_secret),
        })
        .where('org_id', '=', orgId)
        .where('id', '=', id)
        .execute()
    })
  }
}
