// How much data is lost by what a deployment changes and by what a rollback would delete or restore.

import { EngineError } from '../../../errors.ts'
import { recordsOf, totalOf } from '../../../salesforce/activities.ts'
import { soql, soqlName } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { countValues, getRecordCounts, queryCount } from '../../../salesforce/rest.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { filledMeasure, LOOKED_AT_MAX } from '../../metadata/fields/at-stake.ts'
import { isCalculatedElement, typeOfElement } from '../../metadata/fields/element.ts'
import { kindOf } from '../../metadata/kinds.ts'
import { type Stake } from '../../metadata/kinds/kind.ts'
import { type Component, memberOf, ownerOf, sameName } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'

export interface HeldData {
  /** `Job__c`, `Lead.Job_Title__c` */
  name: string
  /** Null: they cannot be counted, and there may be some. */
  rows: number | null
  /** What they lose; null if they lose all of it. */
  loses: string | null
}

/** What is counted decides whether data is lost, so it may use the reserve. */
const PROTECTED = { priority: 'protected' } as const

/** Null if Salesforce cannot count (an object or field that the connected user does not see). */
const counted = async (count: Promise<number | null>): Promise<number | null> => {
  try {
    return await count
  } catch (error) {
    if (error instanceof SalesforceError && error.failure.kind === 'other') return null
    throw error
  }
}

/**
 * Rows of an object; null if not known. They are counted by query and, since a query shows only records
 * shared with the connected user, also by Salesforce's own count: the larger number counts.
 */
type RowsOf = (object: string) => Promise<number | null>

const rowsIn = async (org: SalesforceOrg, objects: readonly string[]): Promise<RowsOf> => {
  const estimates = await getRecordCounts(org, objects.flatMap(recordsOf)).catch(
    (error: unknown) => {
      if (error instanceof EngineError) return new Map<string, number>()
      throw error
    },
  )
  return (object) =>
    totalOf(object, async (name) => {
      const rows = await counted(
        queryCount(org, soql`SELECT COUNT() FROM ${soqlName(name)}`, PROTECTED),
      )
      const estimate = estimates.get(name) ?? 0
      return rows === null && estimate === 0 ? null : Math.max(rows ?? 0, estimate)
    })
}

type Question = Pick<Stake, 'object' | 'field' | 'measure'>

const ask = (org: SalesforceOrg, { object, field, measure }: Question): Promise<number | null> =>
  totalOf(object, (name) => askOne(org, { object: name, field, measure }))

const askOne = async (
  org: SalesforceOrg,
  { object, field, measure }: Question,
): Promise<number | null> => {
  if (measure === null) return null
  const { where, counts } = measure
  if (counts !== null) {
    return counted(
      countValues(org, { object, field, where, counts, max: LOOKED_AT_MAX }, PROTECTED),
    )
  }
  const from = soql`SELECT COUNT() FROM ${soqlName(object)}`
  return counted(queryCount(org, where === null ? from : soql`${from} WHERE ${where}`, PROTECTED))
}

/** Records that lose something; 0 also if the object has none. Null: not known. */
const rowsAtStake = async (
  org: SalesforceOrg,
  question: Question,
  rowsOf: RowsOf,
): Promise<number | null> =>
  (await ask(org, question)) ?? ((await rowsOf(question.object)) === 0 ? 0 : null)

export interface Change {
  component: Component
  from: JsonObject
  to: JsonObject
}

const stakeOf = ({ component: { type, fullName }, from, to }: Change): Stake | null =>
  kindOf(type)?.stake?.(fullName, from, to) ?? null

/** How many records lose something through a change that the deployment is about to make. */
export const rowsLost = async (org: SalesforceOrg, change: Change): Promise<number | null> => {
  const stake = stakeOf(change)
  if (stake === null) return 0
  return rowsAtStake(org, stake, await rowsIn(org, [stake.object]))
}

export interface Reverting {
  remove: readonly Component[]
  restore: readonly Component[]
  /** Metadata files as they were before the deployment, and as they are. */
  before: ReadonlyMap<string, string>
  now: ReadonlyMap<string, string>
}

/** A field that is deleted: whatever was entered in it is at stake. */
const filled = (fullName: string, element: JsonObject): Question => {
  const field = memberOf(fullName)
  return {
    object: ownerOf(fullName),
    field,
    measure: filledMeasure(field, typeOfElement(element), leaf(element.defaultValue)),
  }
}

/**
 * What records lose by a rollback, and how many: objects and fields that are deleted, and fields that
 * hold less once they are restored. Empty if nothing is lost.
 */
export const heldData = async (
  org: SalesforceOrg,
  { remove, restore, before, now }: Reverting,
): Promise<HeldData[]> => {
  const [was, is] = [partsIn(before), partsIn(now)]
  const holding = (what: 'records' | 'values'): Component[] =>
    remove.filter(({ type }) => kindOf(type)?.holds === what)
  const objects = holding('records')
  const goes = new Set(objects.map(({ fullName }) => sameName(fullName)))
  const deleted = holding('values').flatMap((component) => {
    const element = is.part(component)
    return element === null ||
      isCalculatedElement(element) ||
      goes.has(sameName(ownerOf(component.fullName)))
      ? []
      : [
          {
            name: component.fullName,
            question: filled(component.fullName, element),
            loses: null,
          },
        ]
  })
  const narrowed = restore.flatMap((component) => {
    const [from, to] = [is.part(component), was.part(component)]
    const stake = from === null || to === null ? null : stakeOf({ component, from, to })
    return stake === null ? [] : [{ name: component.fullName, question: stake, loses: stake.loses }]
  })
  const fields = [...deleted, ...narrowed]
  if (objects.length + fields.length === 0) return []

  const owners = [
    ...objects.map(({ fullName }) => fullName),
    ...fields.map(({ question: { object } }) => object),
  ]
  const rowsOf = await rowsIn(org, [...new Set(owners)])
  const held: HeldData[] = []
  for (const { fullName: name } of objects) {
    held.push({ name, rows: await rowsOf(name), loses: null })
  }
  for (const { name, question, loses } of fields) {
    held.push({ name, rows: await rowsAtStake(org, question, rowsOf), loses })
  }
  return held.filter(({ rows }) => rows !== 0)
}
