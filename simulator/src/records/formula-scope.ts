// A row as formulas see it: its fields and those of its parents, and who is at work.

import {
  compileFormula,
  FormulaNotSimulated,
  FormulaSyntaxError,
  type Formula,
  type FormulaScope,
  type FormulaValue,
} from '../formula/formula.ts'
import { findObject } from '../org/changes.ts'
import { type FieldDescribe, type Org, type Row, type SObject, type User } from '../org/model.ts'
import { computedValue } from './computed.ts'
import { recordStateOf } from './state.ts'
import { targetRow } from './targets.ts'

export interface ScopeOptions {
  org: Org
  object: SObject
  row: Row
  /** The row before the change; null when it is new. */
  before: Row | null
  /** Absent where no one in particular reads. */
  user?: User
  blankNumbersAsZero?: boolean
  /** As flows have percents: 25 and not 0.25. */
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

const NUMBERS = new Set(['int', 'long', 'double', 'currency', 'percent'])

/** A stored value as formulas reckon with it. */
export const formulaValue = (
  describe: Pick<FieldDescribe, 'type'>,
  raw: unknown,
  {
    blankNumbersAsZero = false,
    wholePercents = false,
  }: Pick<ScopeOptions, 'blankNumbersAsZero' | 'wholePercents'> = {},
): FormulaValue => {
  if (describe.type === 'boolean') return raw === true
  if (raw === null || raw === undefined) {
    return blankNumbersAsZero && NUMBERS.has(describe.type) ? 0 : null
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
  // `Owner:User.Name` says which of several targets is meant.
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
  // Nothing there: blank, if the path leads somewhere at all.
  const target = findObject(org, targets[0] ?? '')
  if (target === undefined) throw new FormulaNotSimulated(`${whole.join('.')} in a formula`)
  return walk(options, target, { Id: '' }, rest, whole)
}

/** `$User.Id`, `$Profile.Name`, `$RecordType.DeveloperName`, `$Organization.Id`. */
const global = (options: ScopeOptions, row: Row, path: readonly string[]): FormulaValue => {
  const { org, user } = options
  const [variable = '', member = ''] = path
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
