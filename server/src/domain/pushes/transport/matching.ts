// The target records of updates. An update never creates: a row with no matching record, or several,
// ends here.

import { type Failure } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText } from '../../../salesforce/json.ts'
import { type RowError } from '../model.ts'
import { fail, type Item, succeed } from './items.ts'
import { findRecords, type Found, isIdField, isRefusal, keyText, textOf } from './look-up.ts'
import { columnsOf, compareFields } from './stored-values.ts'
import { ambiguousMatch, errorsOf, recordNotFound } from './row-failures.ts'
import { type Shipment } from './transport.ts'

const isById = ({ row }: Item): boolean => isIdField(row.matchField)

/** Items that are found in the same way. */
const byMatch = (items: readonly Item[]): Item[][] => {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = `${item.row.object} ${item.row.matchField}`.toLowerCase()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

/**
 * Gives updates the ids of their records, with one query for each field that they are matched by; those
 * that already have one (from an earlier run) keep it. Items whose record is missing or not the only one
 * get their results. Throws SalesforceError.
 */
export const matchRecords = async (
  org: SalesforceOrg,
  items: readonly Item[],
  shipment: Pick<Shipment, 'kind' | 'explain'>,
): Promise<void> => {
  const open = items.filter(
    ({ row, id, result }) => row.operation === 'update' && id === null && result === null,
  )
  for (const item of open) if (isById(item)) item.id = textOf(item.row.matchValue)
  for (const group of byMatch(open.filter((item) => !isById(item)))) {
    let found: Found
    try {
      found = await lookUp(org, group, [])
    } catch (error) {
      if (!isRefusal(error)) throw error
      for (const item of group) fail(item, errorsOf([error.failure], item.row, shipment))
      continue
    }
    for (const item of group) {
      const records = found.of(item.row.matchValue)
      const id = asText(records[0]?.Id)
      if (id === null) fail(item, [recordNotFound(item.row, shipment)])
      else if (records.length > 1) fail(item, [ambiguousMatch(item.row, records.length, shipment)])
      else item.id = id
    }
  }
}

const lookUp = (
  org: SalesforceOrg,
  group: readonly Item[],
  columns: readonly string[],
): Promise<Found> =>
  findRecords(org, {
    object: group[0]?.row.object ?? '',
    keyField: group[0]?.row.matchField ?? '',
    keys: group.map(({ row }) => row.matchValue),
    columns,
  })

/** What Salesforce says about an id without a usable record, be it the record's or its parent's. */
const LOST_ID: ReadonlySet<string> = new Set([
  'INVALID_CROSS_REFERENCE_KEY',
  'ENTITY_IS_DELETED',
  'NOT_FOUND',
])
/** What Salesforce says about a parent that can no longer be changed. */
const FIXED: ReadonlySet<string> = new Set([
  'INVALID_FIELD_FOR_INSERT_UPDATE',
  'CANNOT_REPARENT_RECORD',
])

/** Whether a refusal by Bulk may mean something else than it says (see `refuse`). */
export const needsJudgement = (
  failures: readonly Failure[],
  { isLink, isUpdate }: { isLink: boolean; isUpdate: boolean },
): boolean =>
  failures.some(
    ({ code }) => ((isLink || isUpdate) && LOST_ID.has(code)) || (isLink && FIXED.has(code)),
  )

/**
 * Results of items that Salesforce refused permanently (`failures`). Two refusals mean something else
 * than they say: an update by a deleted id finds no record, and a junction that already joins the two
 * needs nothing. Throws SalesforceError.
 */
export const refuse = async (
  org: SalesforceOrg,
  items: readonly Item[],
  shipment: Pick<Shipment, 'kind' | 'explain'>,
): Promise<void> => {
  const says = ({ failures }: Item, codes: ReadonlySet<string>): boolean =>
    failures.some(({ code }) => codes.has(code))
  const isLink = shipment.kind === 'link'
  const lost = items.filter(
    (item) => item.row.operation === 'update' && (isById(item) || isLink) && says(item, LOST_ID),
  )
  const fixed = items.filter(
    (item) => item.row.operation === 'upsert' && isLink && says(item, FIXED),
  )
  for (const group of byMatch(lost)) {
    const found = await lookUpIfPossible(org, group, [])
    for (const item of group) {
      const isGone = found?.of(item.row.matchValue).length === 0
      const errors = errorsOf(item.failures, item.row, shipment)
      const isTarget = found !== null && !isGone && isLink
      if (isGone) fail(item, [recordNotFound(item.row, shipment)])
      else fail(item, isTarget ? errors.map(asLostTarget) : errors)
    }
  }
  for (const group of byMatch(fixed)) {
    const columns = group.flatMap(({ row }) => columnsOf(row.fields) ?? [])
    const found = await lookUpIfPossible(org, group, columns)
    for (const item of group) {
      const records = found?.of(item.row.matchValue) ?? []
      const [record] = records
      const id = asText(record?.Id)
      if (record === undefined || id === null || records.length > 1) continue
      if (compareFields(item.row.fields, record) === 'same') succeed(item, id, 'skipped')
    }
  }
  for (const item of items) {
    if (item.result !== null) continue
    const errors = errorsOf(item.failures, item.row, shipment)
    const isJunction = isLink && item.row.operation === 'upsert'
    fail(item, isJunction ? errors.map(asLostTarget) : errors)
  }
}

/** For a link whose own record exists, or is being created: the parent's id has no record. */
const asLostTarget = (error: RowError): RowError =>
  LOST_ID.has(error.code) ? { ...error, code: 'TARGET_NOT_FOUND' } : error

/** Null if Salesforce refuses the query: then the refusal is kept as it is. */
const lookUpIfPossible = async (
  org: SalesforceOrg,
  group: readonly Item[],
  columns: readonly string[],
): Promise<Found | null> => {
  try {
    return await lookUp(org, group, columns)
  } catch (error) {
    if (isRefusal(error) || error instanceof TypeError) return null
    throw error
  }
}

/** Two items that change the same record must not be in one call. */
export const recordKey = ({ row, id }: Item): string =>
  id === null ? keyText(row.matchField, row.matchValue).toLowerCase() : keyText('Id', id)
