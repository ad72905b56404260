// Places in a Salesforce org: how many pieces of work may be under way there at once, no matter whose
// client it is, counted exactly across all replicas. The queue's own count is only approximate.

import { type Database } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'

/** The most chunks under way in one Salesforce org, across all replicas and tenants. */
const PER_SALESFORCE_ORG = 8

/** A place in the Salesforce org, exact across all replicas, for as long as it is renewed. */
export const createPlace = (db: Database, sfdcOrgId: string, leaseSeconds: number) => {
  const holder = newId()
  return {
    holder,
    take: async (): Promise<boolean> => {
      const rows = await db.lookup(
        'take_work_place',
        sfdcOrgId,
        holder,
        PER_SALESFORCE_ORG,
        leaseSeconds,
      )
      return rows.length === 1
    },
    /** False: it has expired, and another worker may have it. */
    renew: async (): Promise<boolean> => {
      const rows = await db.shared(
        `update engine.salesforce_work_places
            set until = clock_timestamp() + make_interval(secs => $2)
          where holder = $1 returning holder`,
        [holder, leaseSeconds],
      )
      return rows.length === 1
    },
    giveBack: async (): Promise<void> => {
      await db
        .shared('delete from engine.salesforce_work_places where holder = $1', [holder])
        .catch(() => undefined) // it expires by itself
    },
  }
}

export type Place = ReturnType<typeof createPlace>
