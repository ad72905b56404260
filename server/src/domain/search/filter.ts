// What a search asks for, as a condition on facts.

import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { type TenantTables } from '../../db/tables.ts'
import { type FactKind, FLAG_BITS, FLAGS, FLAGS_OF, type Flag, keyOf } from './facts.ts'
import { EngineError, type MemberError } from '../../errors.ts'

export interface SearchFilter extends Partial<Record<Flag, boolean | undefined>> {
  kind: FactKind
  /** Names and labels without regard to case; `*` stands for any characters. */
  object?: string | undefined
  name?: string | undefined
  label?: string | undefined
  /** Of a picklist value. */
  field?: string | undefined
  type?: string | undefined
  /** A part of it. */
  formula?: string | undefined
  /** Of an automation. */
  trigger_object?: string | undefined
  event?: string | undefined
}

/** Members that say something about some kinds only. */
const MEMBERS_OF: Readonly<Partial<Record<keyof SearchFilter, readonly FactKind[]>>> = {
  field: ['picklist_value'],
  formula: ['field', 'automation'],
  trigger_object: ['automation'],
  event: ['automation'],
}

/** Throws `validation_failed` for members that say nothing about this kind. */
export const checkFilter = (filter: SearchFilter): void => {
  const { kind } = filter
  const errors: MemberError[] = []
  const refuse = (path: string, kinds: readonly FactKind[]): void => {
    errors.push({
      path,
      code: 'not_of_this_kind',
      message: `${path} says nothing about kind ${kind}: leave it out, or search for ${kinds.join(' or ')}.`,
    })
  }
  for (const [member, kinds] of Object.entries(MEMBERS_OF)) {
    if (filter[member as keyof SearchFilter] !== undefined && !kinds.includes(kind)) {
      refuse(member, kinds)
    }
  }
  for (const flag of FLAGS) {
    if (filter[flag] === undefined || FLAGS_OF[kind].includes(flag)) continue
    refuse(
      flag,
      (Object.keys(FLAGS_OF) as FactKind[]).filter((one) => FLAGS_OF[one].includes(flag)),
    )
  }
  if (errors.length === 0) return
  throw new EngineError('validation_failed', errors[0]?.message ?? '', { errors })
}

/** Only ASCII letters: what PostgreSQL does under the collation "C". */
const asciiLower = (text: string): string =>
  text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

/** `%` and `_` of the caller's text mean themselves. */
const likePattern = (text: string): string =>
  text.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%')

type Facts = ExpressionBuilder<TenantTables, 'search_facts'>

/** PostgreSQL uses an index for = and for a range, and for LIKE only where no row-level security applies. */
const matches = (
  column: 'object_key' | 'name_key' | 'label_key',
  text: string,
  facts: Facts,
): Expression<SqlBool>[] => {
  const key = keyOf(text)
  if (!key.includes('*')) return [facts(column, '=', key)]
  const prefix = key.slice(0, key.indexOf('*'))
  const range =
    prefix === '' ? [] : [facts(column, '>=', prefix), facts(column, '<', `${prefix}\u{10ffff}`)]
  const isPrefix = key.indexOf('*') === key.length - 1
  return isPrefix ? range : [...range, facts(column, 'like', likePattern(key))]
}

/** The condition; `org_id` is the caller's to add. */
export const conditionsOf = (filter: SearchFilter, facts: Facts): Expression<SqlBool>[] => {
  const all: Expression<SqlBool>[] = [facts('kind', '=', filter.kind)]
  // An automation's object is the one that triggers it.
  for (const object of [filter.object, filter.trigger_object]) {
    if (object !== undefined) all.push(...matches('object_key', object, facts))
  }
  if (filter.name !== undefined) all.push(...matches('name_key', filter.name, facts))
  if (filter.label !== undefined) all.push(...matches('label_key', filter.label, facts))
  if (filter.field !== undefined) {
    all.push(sql<boolean>`lower(field collate "C") = ${asciiLower(filter.field)}`)
  }
  if (filter.type !== undefined) all.push(facts('type', 'in', writingsOf(filter.type)))
  if (filter.formula !== undefined) {
    all.push(facts('formula', 'is not', null))
    all.push(
      sql<boolean>`position(${asciiLower(filter.formula)} in lower(formula collate "C")) > 0`,
    )
  }
  if (filter.event !== undefined) {
    all.push(sql<boolean>`detail -> 'events' ? ${filter.event}`)
  }
  const values = flagValues(filter)
  if (values !== null) all.push(facts('flags', '=', sql<number>`any(${values}::integer[])`))
  return all
}

/** Salesforce writes all its types in lower case but for these. */
const TYPES_IN_CAPITALS = ['anyType']

const writingsOf = (type: string): string[] => [
  asciiLower(type),
  ...TYPES_IN_CAPITALS.filter((one) => asciiLower(one) === asciiLower(type)),
]

/** Every value of the column that a filter lets through, for the index; null if it says nothing of flags. */
const flagValues = (filter: SearchFilter): number[] | null => {
  const wanted = FLAGS.filter((flag) => filter[flag] !== undefined)
  if (wanted.length === 0) return null
  const fixed = wanted.reduce((sum, flag) => sum + (filter[flag] === true ? FLAG_BITS[flag] : 0), 0)
  let values = [fixed]
  for (const flag of FLAGS_OF[filter.kind]) {
    if (filter[flag] === undefined)
      values = [...values, ...values.map((one) => one + FLAG_BITS[flag])]
  }
  return values
}
