// A row as formulas see it, and the fields that are never stored (formula fields and roll-up summaries),
// calculated when they are read. One module, since a formula may read another formula field.

import {
  compileFormula,
  FormulaNotSimulated,
  FormulaSyntaxError,
  type Formula,
  type FormulaScope,
} from '../formula/formula.ts'
import { isMoment, textOf, type FormulaValue } from '../formula/values.ts'
import { findObject } from '../org/changes.ts'
import { salesforceDateTime } from '../org/ids.ts'
import {
  type Field,
  type FieldDescribe,
  type Org,
  type Row,
  type SObject,
  type User,
} from '../org/model.ts'
import { isHierarchySetting } from '../org/schema.ts'
import { criterionHolds } from './criteria.ts'
import { asDouble, isNumberType } from './long-numbers.ts'
import { recordStateOf } from './state.ts'
import { targetRow } from './targets.ts'

export interface ScopeOptions {
  org: Org
  object: SObject
  row: Row
  /** The row before the change; null when it is new. */
  before: Row | null
  /** Absent if no particular user reads. */
  user?: User
  blankNumbersAsZero?: boolean
  /** Percents as in flows: 25 and not 0.25. */
  wholePercents?: boolean
}

/** The formula of this text, compiled once per org. Throws what `compileFormula` throws. */
export const formulaOf = (org: Org, source: string): Formula => {
  const { formulas } = recordStateOf(org)
  const known = formulas.get(source)
  if (known !== undefined) return known
  const made = compileFormula(source)
  formulas.set(source, made)
  return made
}

export const recordScope = (options: ScopeOptions): FormulaScope => ({
  read: (path) => read(options, options.row, path),
  prior: (path) => read(options, options.before ?? options.row, path),
  isNew: options.before === null,
  now: new Date(),
})

/** A stored value in the form that formulas use. */
export const formulaValue = (
  describe: Pick<FieldDescribe, 'type'>,
  stored: unknown,
  {
    blankNumbersAsZero = false,
    wholePercents = false,
  }: Pick<ScopeOptions, 'blankNumbersAsZero' | 'wholePercents'> = {},
): FormulaValue => {
  const raw = isNumberType(describe.type) ? asDouble(stored) : stored
  if (describe.type === 'boolean') return raw === true
  if (raw === null || raw === undefined) {
    return blankNumbersAsZero && isNumberType(describe.type) ? 0 : null
  }
  if (typeof raw === 'number') {
    return describe.type === 'percent' && !wholePercents ? raw / 100 : raw
  }
  if (typeof raw === 'boolean') return raw
  if (typeof raw !== 'string') return null
  switch (describe.type) {
    case 'date':
      return { kind: 'date', ms: Date.parse(raw) }
    case 'datetime':
      return { kind: 'datetime', ms: Date.parse(raw.replace(/\+0000$/, 'Z')) }
    case 'time':
      return { kind: 'time', ms: Date.parse(`1970-01-01T${raw}`) }
    default:
      return raw
  }
}

const unknown = (path: readonly string[]) =>
  new FormulaSyntaxError(`Field ${path.join('.')} does not exist. Check spelling.`)

const read = (options: ScopeOptions, row: Row, path: readonly string[]): FormulaValue => {
  const [first = '', ...rest] = path
  if (first.startsWith('$')) return global(options, row, path)
  return walk(options, options.object, row, [first, ...rest], path)
}

const walk = (
  options: ScopeOptions,
  object: SObject,
  row: Row,
  [first = '', ...rest]: readonly string[],
  whole: readonly string[],
): FormulaValue => {
  const { org } = options
  // `Owner:User.Name` names one of several targets.
  const [name = '', only] = first.split(':')
  if (rest.length === 0) {
    const field = object.fields.get(name.toLowerCase())
    if (field === undefined || field.deletedAt !== undefined) throw unknown(whole)
    const { describe } = field
    const raw = describe.calculated ? computedValue(org, object, field, row) : row[describe.name]
    return formulaValue(describe, raw, options)
  }
  const reference = [...object.fields.values()].find(
    ({ describe, deletedAt }) =>
      deletedAt === undefined && describe.relationshipName?.toLowerCase() === name.toLowerCase(),
  )
  if (reference === undefined) {
    if (name.toLowerCase() === object.name.toLowerCase())
      return walk(options, object, row, rest, whole)
    throw unknown(whole)
  }
  const id = row[reference.describe.name]
  const targets = reference.describe.referenceTo.filter(
    (each) => only === undefined || each.toLowerCase() === only.toLowerCase(),
  )
  if (typeof id === 'string') {
    for (const target of targets) {
      const found = targetRow(org, target, id)
      if (found?.object !== undefined) return walk(options, found.object, found.row, rest, whole)
    }
  }
  // No record there: blank, if the path is valid.
  const target = findObject(org, targets[0] ?? '')
  if (target === undefined) throw new FormulaNotSimulated(`${whole.join('.')} in a formula`)
  return walk(options, target, { Id: '' }, rest, whole)
}

/**
 * `$Setup.Limits__c.Most__c`. Salesforce: Apex reference, "Custom Settings Methods", getInstance: each field
 * has the value of the lowest level that defines it, the user's, the profile's or the org's; without
 * any, it is blank. Only settings of the type hierarchy can be named (Help, "Global Variables").
 */
const setting = (options: ScopeOptions, path: readonly string[]): FormulaValue => {
  const { org, user } = options
  const [, name = '', member = ''] = path
  const object = findObject(org, name)
  const field = object?.fields.get(member.toLowerCase())
  if (object === undefined || field === undefined || field.deletedAt !== undefined) {
    throw unknown(path)
  }
  if (!isHierarchySetting(object)) throw unknown(path)
  const rows = [...(org.records.get(name.toLowerCase())?.values() ?? [])].filter(
    (row) => row['IsDeleted'] !== true,
  )
  if (user === undefined && rows.some((row) => row['SetupOwnerId'] !== org.id)) {
    throw new FormulaNotSimulated(`${path.join('.')} in a formula that no particular user reads`)
  }
  const levels = [...(user === undefined ? [] : [user.id, user.profileId]), org.id]
  const values = levels.flatMap((owner) =>
    rows.filter((row) => row['SetupOwnerId'] === owner).map((row) => row[field.describe.name]),
  )
  return formulaValue(
    field.describe,
    values.find((value) => (value ?? null) !== null),
    options,
  )
}

/** `$User.Id`, `$Profile.Name`, `$RecordType.DeveloperName`, `$Organization.Id`. */
const global = (options: ScopeOptions, row: Row, path: readonly string[]): FormulaValue => {
  const { org, user } = options
  const [variable = '', member = ''] = path
  if (path.length === 3 && variable.toLowerCase() === '$setup') return setting(options, path)
  const of = (object: string, id: unknown): FormulaValue => {
    const found = typeof id === 'string' ? targetRow(org, object, id)?.row : undefined
    const key = Object.keys(found ?? {}).find((each) => each.toLowerCase() === member.toLowerCase())
    if (found !== undefined && key === undefined) {
      throw new FormulaNotSimulated(`${path.join('.')} in a formula`)
    }
    return formulaValue({ type: 'string' }, key === undefined ? null : found?.[key])
  }
  switch (path.length === 2 ? variable.toLowerCase() : '') {
    case '$user':
      if (user !== undefined) return of('User', user.id)
      break
    case '$profile':
      if (user !== undefined) return of('Profile', user.profileId)
      break
    case '$recordtype':
      return of('RecordType', row['RecordTypeId'])
    case '$organization':
      if (member.toLowerCase() === 'id') return org.id
      if (member.toLowerCase() === 'name') return org.name
      break
    default:
  }
  throw new FormulaNotSimulated(`${path.join('.')} in a formula`)
}

/** True for fields whose value is calculated here and not stored in the row. */
export const isComputed = ({ describe, metadata }: Field): boolean =>
  describe.calculated && (describe.calculatedFormula !== null || metadata?.['type'] === 'Summary')

/**
 * The field's value for this row, as REST shows it. Throws a `FormulaNotSimulated` or
 * `FormulaSyntaxError` if its formula is beyond this simulator.
 */
export const computedValue = (org: Org, object: SObject, field: Field, row: Row): unknown => {
  if (!isComputed(field)) return row[field.describe.name] ?? null
  const { calculatedFormula } = field.describe
  if (calculatedFormula === null) return rollUp(org, field, row)
  const value = formulaOf(org, calculatedFormula).evaluate(
    recordScope({
      org,
      object,
      row,
      before: row,
      blankNumbersAsZero: field.describe['formulaTreatNullNumberAsZero'] === true,
    }),
  )
  return shownValue(field, value)
}

/** The result of a formula, in the form of this field type in REST. */
export const shownValue = ({ describe }: Field, value: FormulaValue): unknown => {
  if (describe.type === 'boolean') return value === true
  if (value === null || value === '') return null
  if (isMoment(value)) {
    if (describe.type === 'datetime') return salesforceDateTime(new Date(value.ms))
    return textOf(value)
  }
  if (typeof value === 'number' && describe.type !== 'string') {
    const factor = 10 ** describe.scale
    const whole = describe.type === 'percent' ? value * 100 : value
    return Math.round(whole * factor) / factor
  }
  return textOf(value)
}

/** Salesforce: Metadata API guide, "CustomField", the members that begin with `summary`. */
interface SummaryItem {
  field?: unknown
  operation?: unknown
  value?: unknown
}

const rollUp = (org: Org, field: Field, row: Row): unknown => {
  const { summaryForeignKey, summaryOperation, summarizedField, summaryFilterItems } =
    field.metadata ?? {}
  const [childName = '', keyName = ''] = String(summaryForeignKey).split('.')
  const child = findObject(org, childName)
  const key = child?.fields.get(keyName.toLowerCase())
  if (child === undefined || key === undefined) return null
  const items = [summaryFilterItems ?? []].flat() as SummaryItem[]
  const children = recordStateOf(org)
    .store.liveWith(child, key, row.Id)
    .filter((each) => items.every((item) => fits(org, child, each, item)))
  if (summaryOperation === 'count') return children.length
  const summed = child.fields.get((String(summarizedField).split('.')[1] ?? '').toLowerCase())
  if (summed === undefined) return null
  const values = children.flatMap((each) => {
    const value = computedValue(org, child, summed, each)
    return typeof value === 'number' || typeof value === 'string' ? [value] : []
  })
  // Salesforce: the sum of no records is 0, their minimum and maximum are blank.
  if (summaryOperation === 'sum') {
    const factor = 10 ** field.describe.scale
    const sum = values.reduce<number>((total, value) => total + Number(value), 0)
    return Math.round(sum * factor) / factor
  }
  const sorted = values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return (summaryOperation === 'min' ? sorted[0] : sorted.at(-1)) ?? null
}

const fits = (org: Org, child: SObject, row: Row, { field, operation, value }: SummaryItem) => {
  const name = String(field).split('.').at(-1) ?? ''
  const found = child.fields.get(name.toLowerCase())
  if (found === undefined) return false
  return criterionHolds(
    computedValue(org, child, found, row),
    String(operation),
    typeof value === 'string' || typeof value === 'number' ? String(value) : '',
  )
}
