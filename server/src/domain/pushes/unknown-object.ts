// A list for an object that nobody has ever pushed to or mapped is empty, which alone would not tell a
// misspelled name.

import { type Tenant, type Tx } from '../../db/database.ts'
import { didYouMean } from '../mappings/suggest/words.ts'

export interface PushListWarning {
  code: 'object_unknown'
  message: string
}

/** A warning if no push and no mapping names the object, of this client or of any. */
export const objectWarnings = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string | undefined,
  object: string,
): Promise<PushListWarning[]> => {
  const namesIn = (table: 'crm_push_logs' | 'crm_field_mappings') =>
    tx
      .selectFrom(table)
      .select(['canonical_object', 'sfdc_object'])
      .distinct()
      .where('org_id', '=', tenant.orgId)
      .$if(clientId !== undefined, (query) => query.where('client_id', '=', clientId ?? ''))
      .execute()
  const rows = [...(await namesIn('crm_push_logs')), ...(await namesIn('crm_field_mappings'))]
  const names = rows
    .flatMap((row) => [row.canonical_object, row.sfdc_object])
    .filter((name) => name !== null)
  if (names.includes(object)) return []
  const message = `No push and no mapping names the object ${object}.${didYouMean(object, names)}`
  return [{ code: 'object_unknown', message }]
}
