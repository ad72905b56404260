// What Salesforce fills in by itself: composed names, auto numbers, and stages and states that follow
// from one another.

import { type FormulaScope } from '../formula/formula.ts'
import { type Field, type Org, type Row, type SObject, type User } from '../org/model.ts'
import { formulaOf, shownValue } from './formulas.ts'
import { isNamedByParts } from './person-accounts.ts'
import { fillOpportunity } from './opportunities.ts'
import { recordStateOf } from './state.ts'

/** Values that follow from others; `changes` are the requested ones. */
export const fillDerived = (object: SObject, row: Row, changes: Record<string, unknown>): void => {
  const has = (name: string) => object.fields.has(name.toLowerCase())
  if (has('FirstName') && has('LastName') && has('Name') && isNamedByParts(object, row)) {
    row['Name'] = [row['FirstName'], row['MiddleName'], row['LastName'], row['Suffix']]
      .filter((part) => typeof part === 'string' && part !== '')
      .join(' ')
  }
  if (object.name === 'Opportunity') fillOpportunity(row, changes)
  if (object.name === 'Task') fillTask(row)
  if (object.name === 'Case' && 'Status' in changes) {
    const closed = row['Status'] === 'Closed'
    if (closed && row['IsClosed'] !== true) row['ClosedDate'] = row['LastModifiedDate']
    if (!closed) row['ClosedDate'] = null
    row['IsClosed'] = closed
  }
  // Salesforce: a custom object's row without a name gets its 15-character id as name, if that is
  // allowed.
  const nameless = object.fields.get('name')?.describe.nillable === true
  if (object.describe.custom && nameless && (row['Name'] ?? null) === null) {
    row['Name'] = row.Id.slice(0, 15)
  }
}

/** Salesforce: TaskStatus and TaskPriority say which values of a task close it, and which are urgent. */
const fillTask = (row: Row): void => {
  const closed = row['Status'] === 'Completed'
  if (closed && row['IsClosed'] !== true) row['CompletedDateTime'] = row['LastModifiedDate']
  if (!closed) row['CompletedDateTime'] = null
  row['IsClosed'] = closed
  row['IsHighPriority'] = row['Priority'] === 'High'
}

/** Formats of auto numbers that no deployment has set: `P-{0000}` for a Placement. */
const formatOf = (object: SObject, { describe, metadata }: Field): string => {
  const deployed = metadata?.['displayFormat']
  if (typeof deployed === 'string') return deployed
  return object.describe.custom && describe.nameField
    ? `${object.describe.label.slice(0, 1).toUpperCase()}-{0000}`
    : '{00000000}'
}

/** The next number of the field. Numbers of failed saves are not reused. */
export const nextAutoNumber = (org: Org, object: SObject, field: Field, now: Date): string => {
  const { autoNumbers, store } = recordStateOf(org)
  const { name } = field.describe
  const key = `${object.name}.${name}`
  let last = autoNumbers.get(key)
  if (last === undefined) {
    last = Number(field.metadata?.['startingNumber'] ?? 1) - 1
    for (const row of store.rows(object).values()) {
      const digits = /(\d+)\D*$/.exec(typeof row[name] === 'string' ? row[name] : '')?.[1]
      if (digits !== undefined) last = Math.max(last, Number(digits))
    }
  }
  autoNumbers.set(key, last + 1)
  const dates: Record<string, string> = {
    YYYY: String(now.getUTCFullYear()),
    YY: String(now.getUTCFullYear()).slice(2),
    MM: String(now.getUTCMonth() + 1).padStart(2, '0'),
    DD: String(now.getUTCDate()).padStart(2, '0'),
  }
  return formatOf(object, field)
    .replaceAll(/\{(YYYY|YY|MM|DD)\}/g, (_, part: string) => dates[part] ?? '')
    .replace(/\{(0+)\}/, (_, zeros: string) => String((last ?? 0) + 1).padStart(zeros.length, '0'))
}

/** The default value of this field in a new row. */
export const defaultOf = (field: Field, org: Org, scope: FormulaScope): unknown => {
  const { describe } = field
  if (describe.type === 'boolean') return describe.defaultValue === true
  if (describe.defaultValueFormula !== null) {
    return shownValue(field, formulaOf(org, describe.defaultValueFormula).evaluate(scope))
  }
  const chosen = describe.picklistValues.filter(
    ({ active, defaultValue }) => active && defaultValue,
  )
  return chosen.length === 0 ? null : chosen.map(({ value }) => value).join(';')
}

/** Author and time of a change. Salesforce stores whole seconds. */
export const stampRow = (
  object: SObject,
  row: Row,
  user: User,
  at: string,
  isNew: boolean,
): void => {
  const set = (name: string, value: unknown) => {
    if (object.fields.has(name.toLowerCase())) row[name] = value
  }
  if (isNew) {
    row['IsDeleted'] = false
    set('CreatedById', user.id)
    set('CreatedDate', at)
    if ((row['OwnerId'] ?? null) === null) set('OwnerId', user.id)
  }
  set('LastModifiedById', user.id)
  set('LastModifiedDate', at)
  set('SystemModstamp', at)
}
