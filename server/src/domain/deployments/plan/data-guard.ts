// How much data goes with what a rollback would delete.

import { EngineError } from '../../../errors.ts'
import { type Soql, soql, soqlName } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { getRecordCounts, queryCount } from '../../../salesforce/rest.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { isCalculatedElement, typeOfElement } from '../../metadata/fields/element.ts'
import { fieldKindOf } from '../../metadata/fields/field-kinds.ts'
import { isNotNull } from '../../metadata/fields/kind.ts'
import { kindOf } from '../../metadata/kinds.ts'
import { shrinks } from '../../metadata/kinds/custom-field.ts'
import { type Component, memberOf, ownerOf, sameName } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'

export interface HeldData {
  /** `Job__c`, `Lead.Job_Title__c` */
  name: string
  /** Null: they cannot be counted, and there may be some. */
  rows: number | null
}

/** Null where the field cannot stand in a WHERE. */
const filled = (field: string, element: JsonObject): Soql | null => {
  const type = typeOfElement(element)
  const kind = type === null ? null : fieldKindOf(type)
  return kind?.filled === undefined
    ? isNotNull(field)
    : kind.filled(field, leaf(element.defaultValue))
}

/** Null where Salesforce cannot count (an object or field that the connected user does not see). */
const counted = async (org: SalesforceOrg, text: Soql): Promise<number | null> => {
  try {
    return await queryCount(org, text, { priority: 'protected' })
  } catch (error) {
    if (error instanceof SalesforceError && error.failure.kind === 'other') return null
    throw error
  }
}

export interface AtStake {
  remove: readonly Component[]
  restore: readonly Component[]
  /** Metadata files as they were before the deployment, and as they are. */
  before: ReadonlyMap<string, string>
  now: ReadonlyMap<string, string>
}

/**
 * What holds data among the components to be deleted, and among the fields that are to become smaller
 * or of another type again, with its rows; empty where nothing does. Objects are counted by query and, since a query shows only records shared with the connected user, by
 * Salesforce's own count too: the larger number stands.
 */
export const heldData = async (
  org: SalesforceOrg,
  { remove, restore, before, now }: AtStake,
): Promise<HeldData[]> => {
  const [was, is] = [partsIn(before), partsIn(now)]
  const holding = (components: readonly Component[], what: 'records' | 'values'): Component[] =>
    components.filter(({ type }) => kindOf(type)?.holds === what)
  const narrowed = holding(restore, 'values').filter((component) => {
    const [next, present] = [was.part(component), is.part(component)]
    return shrinks(present, next) || present?.type !== next?.type
  })
  const objects = holding(remove, 'records')
  const goes = new Set(objects.map(({ fullName }) => sameName(fullName)))
  const fields = [
    ...holding(remove, 'values').filter(({ fullName }) => !goes.has(sameName(ownerOf(fullName)))),
    ...narrowed,
  ]
  if (objects.length + fields.length === 0) return []
  const owners = [...new Set([...objects, ...fields].map(({ fullName }) => ownerOf(fullName)))]
  const estimates = await getRecordCounts(org, owners).catch((error: unknown) => {
    if (error instanceof EngineError) return new Map<string, number>()
    throw error
  })
  const rowsOf = async (object: string): Promise<number | null> => {
    const rows = await counted(org, soql`SELECT COUNT() FROM ${soqlName(object)}`)
    const estimate = estimates.get(object) ?? 0
    return rows === null && estimate === 0 ? null : Math.max(rows ?? 0, estimate)
  }
  const held: HeldData[] = []
  for (const { fullName } of objects) {
    const rows = await rowsOf(fullName)
    if (rows !== 0) held.push({ name: fullName, rows })
  }
  for (const component of fields) {
    const element = is.part(component)
    if (element === null || isCalculatedElement(element)) continue
    const [object, field] = [ownerOf(component.fullName), memberOf(component.fullName)]
    const condition = filled(field, element)
    const rows =
      condition === null
        ? null
        : await counted(org, soql`SELECT COUNT() FROM ${soqlName(object)} WHERE ${condition}`)
    if (rows === 0) continue
    // What cannot be counted counts as filled if there are rows at all.
    const all = rows ?? (await rowsOf(object))
    if (all !== 0) held.push({ name: component.fullName, rows })
  }
  return held
}
