// Which records the components of a rollback own: Salesforce does not delete the owner of records.

import { soql, soqlName } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { queryCount } from '../../../salesforce/rest.ts'
import { kindOf } from '../../metadata/kinds.ts'
import { type Component, keyOf } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { type OwnedRecords } from '../../metadata/undoing.ts'
import { type Reading } from './images.ts'

/** By the key of the owner. */
export type Owned = ReadonlyMap<string, readonly OwnedRecords[]>

/**
 * What those of the components own that may own records. Records that the connected user does not see are
 * left out: then Salesforce refuses the deletion itself.
 */
export const readOwned = async (
  org: SalesforceOrg,
  components: readonly Component[],
  { files, properties }: Pick<Reading, 'files' | 'properties'>,
): Promise<Owned> => {
  const ids = new Map(properties.map((one) => [keyOf(one), one.id]))
  const parts = partsIn(files)
  const owned = new Map<string, OwnedRecords[]>()
  for (const component of components) {
    const id = ids.get(keyOf(component)) ?? null
    const content = parts.part(component)
    if (id === null || content === null) continue
    const found: OwnedRecords[] = []
    for (const object of objectsOf(component, content)) {
      const rows = await rowsOf(org, object, id)
      if (rows > 0) found.push({ object, rows })
    }
    if (found.length > 0) owned.set(keyOf(component), found)
  }
  return owned
}

const objectsOf = ({ type }: Component, content: JsonObject): string[] => {
  const kind = kindOf(type)
  return kind !== null && 'folder' in kind ? (kind.mayOwn?.(content) ?? []) : []
}

const rowsOf = async (org: SalesforceOrg, object: string, ownerId: string): Promise<number> => {
  try {
    // What is counted decides what is deleted, so it may use the reserve.
    return await queryCount(
      org,
      soql`SELECT COUNT() FROM ${soqlName(object)} WHERE OwnerId = ${ownerId}`,
      { priority: 'protected' },
    )
  } catch (error) {
    if (error instanceof SalesforceError && error.failure.kind === 'other') return 0
    throw error
  }
}
