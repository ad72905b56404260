// What the newest pull of a client has read for drift, as it is stored.

import { type Reader, type Tenant } from '../../../db/database.ts'
import { type Fault } from '../../../db/tables/work.ts'

/** Who changed a component last, and when; null where Salesforce does not say. */
export interface LastChange {
  at: string | null
  by: string | null
}

export interface DriftReading {
  sfdcOrgId: string
  readAt: Date
  /** Why there are no files. */
  error: Fault | null
  /** By `keyOf`: everything that was asked for. */
  components: ReadonlyMap<string, LastChange | null>
  files: ReadonlyMap<string, string>
}

/** The newest reading of a client; null if no pull has read anything for drift. */
export const readingOf = async (
  reader: Reader,
  { orgId }: Tenant,
  clientId: string,
): Promise<DriftReading | null> => {
  const row = await reader
    .selectFrom('fleet_readings')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('client_id', '=', clientId)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    sfdcOrgId: row.sfdc_org_id,
    readAt: row.read_at,
    error: row.error,
    components: new Map(Object.entries(row.components)),
    files: new Map(Object.entries(row.files)),
  }
}
