// A list for an object that nobody has ever pushed to or mapped is empty, which alone would not tell a
// misspelled name.

import { type Tenant, type Tx } from '../../db/database.ts'
import { didYouMean } from '../mappings/suggest/words.ts'

export interface PushListWarning {
  code: 'object_unknown'
  message: string
}

/** As many pushes are looked through as are read in a moment. */
const PUSHES = 10_000

/** A warning if no mapping and no push of late names the object, of this client or of any. */
export const objectWarnings = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string | undefined,
  object: string,
): Promise<PushListWarning[]> => {
  const ofTheClient = <Query extends { where(column: 'client_id', is: '=', id: string): Query }>(
    query: Query,
  ) => (clientId === undefined ? query : query.where('client_id', '=', clientId))
  const mapped = await ofTheClient(
    tx.selectFrom('crm_field_mappings').where('org_id', '=', tenant.orgId),
  )
    .select(['canonical_object', 'sfdc_object'])
    .distinct()
    .execute()
  const pushed = await tx
    .selectFrom(
      ofTheClient(tx.selectFrom('crm_push_logs').where('org_id', '=', tenant.orgId))
        .select(['canonical_object', 'sfdc_object'])
        .orderBy('id', 'desc')
        .limit(PUSHES)
        .as('latest'),
    )
    .select(['canonical_object', 'sfdc_object'])
    .distinct()
    .execute()
  const names = [...mapped, ...pushed]
    .flatMap((row) => [row.canonical_object, row.sfdc_object])
    .filter((name) => name !== null)
  if (names.includes(object)) return []
  const message = `No mapping and none of the latest pushes names the object ${object}.${didYouMean(object, names)}`
  return [{ code: 'object_unknown', message }]
}
