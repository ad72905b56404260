// Which records refer to the components of a rollback, so that their owner or group must not be deleted.

import { soql, soqlName } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { queryCount } from '../../../salesforce/rest.ts'
import { kindOf } from '../../metadata/kinds.ts'
import { type Component, keyOf } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { type HoldingRecords } from '../../metadata/undoing.ts'
import { type Reading } from './images.ts'

/** By the key of the component they refer to. */
export type Holding = ReadonlyMap<string, readonly HoldingRecords[]>

/**
 * The records that hold the components, for kinds that records can hold. Records that the connected user
 * does not see are missing: then Salesforce itself refuses the deletion.
 */
export const readHolding = async (
  org: SalesforceOrg,
  components: readonly Component[],
  { files, properties }: Pick<Reading, 'files' | 'properties'>,
): Promise<Holding> => {
  const ids = new Map(properties.map((one) => [keyOf(one), one.id]))
  const parts = partsIn(files)
  const holding = new Map<string, HoldingRecords[]>()
  for (const component of components) {
    const id = ids.get(keyOf(component)) ?? null
    const content = parts.part(component)
    if (id === null || content === null) continue
    const found: HoldingRecords[] = []
    for (const { object, field } of heldBy(component, content)) {
      const rows = await rowsOf(org, object, field, id)
      if (rows > 0) found.push({ object, rows })
    }
    if (found.length > 0) holding.set(keyOf(component), found)
  }
  return holding
}

const heldBy = ({ type }: Component, content: JsonObject): { object: string; field: string }[] => {
  const kind = kindOf(type)
  return kind !== null && 'folder' in kind ? (kind.heldBy?.(content) ?? []) : []
}

const rowsOf = async (
  org: SalesforceOrg,
  object: string,
  field: string,
  id: string,
): Promise<number> => {
  try {
    // The counts decide what is deleted, so they may use the reserve.
    return await queryCount(
      org,
      soql`SELECT COUNT() FROM ${soqlName(object)} WHERE ${soqlName(field)} = ${id}`,
      { priority: 'protected' },
    )
  } catch (error) {
    if (error instanceof SalesforceError && error.failure.kind === 'other') return 0
    throw error
  }
}
