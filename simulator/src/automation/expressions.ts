// What flows calculate with: references, literals, merge fields, conditions and their logic, compiled
// once per version. Salesforce: Metadata API guide, "Flow" (FlowElementReferenceOrValue, FlowCondition,
// FlowRecordFilter); Salesforce Help, "Flow Operators".

import { compileFormula, type FormulaScope } from '../formula/formula.ts'
import {
  equal,
  isBlank,
  isMoment,
  msOf,
  order,
  textOf,
  type FormulaValue,
} from '../formula/values.ts'
import { shownValue } from '../records/formulas.ts'
import { type Field } from '../org/model.ts'
import { child, nodes, text, type MetadataNode } from '../org/metadata-xml.ts'
import { FlowFault } from './faults.ts'

/** The current value. */
export type Operand = (scope: FormulaScope) => FormulaValue
export type Condition = (scope: FormulaScope) => boolean

const NOTHING: Operand = () => null

/** `{!…}` outside quotation marks is a name; the rest is an ordinary formula. */
const REFERENCE = /("(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|\{!\s*([^}]+?)\s*\}/g

/** A flow's formula. Throws what `compileFormula` throws. */
export const flowFormula = (source: string): Operand => {
  const formula = compileFormula(
    source.replaceAll(REFERENCE, (whole, _quoted, name: string | undefined) => name ?? whole),
  )
  return (scope) => formula.evaluate(scope)
}

export const reference = (path: string): Operand => {
  switch (path.toLowerCase()) {
    case '$globalconstant.true':
      return () => true
    case '$globalconstant.false':
      return () => false
    case '$globalconstant.emptystring':
      return () => ''
    default: {
      const parts = path.split('.')
      return (scope) => scope.read(parts)
    }
  }
}

/** A text with `{!…}` in it. */
export const mergedText = (source: string): Operand => {
  const parts = source.split(/(\{![^}]+\})/)
  if (parts.length === 1) return () => source
  const operands = parts.map((part) => {
    const name = /^\{!\s*(.+?)\s*\}$/.exec(part)?.[1]
    return name === undefined ? () => part : reference(name)
  })
  return (scope) => operands.map((operand) => textOf(operand(scope))).join('')
}

const moment = (kind: 'date' | 'datetime', given: string): Operand => {
  const ms = msOf(given)
  if (Number.isNaN(ms)) throw new FlowFault(`"${given}" is not a ${kind}`)
  return () => ({ kind, ms })
}

/** A `value`, `rightValue` and the like; an absent one is null. */
export const operandOf = (node: MetadataNode | undefined): Operand => {
  const [kind] = Object.keys(node ?? {}).filter((each) => (node?.[each] ?? null) !== null)
  const given = kind === undefined ? undefined : text(node, kind)
  if (kind === undefined || given === undefined) return NOTHING
  switch (kind) {
    case 'elementReference':
      return reference(given)
    case 'stringValue':
      return mergedText(given)
    case 'booleanValue': {
      const value = given.toLowerCase() === 'true'
      return () => value
    }
    case 'numberValue': {
      const value = Number(given)
      if (Number.isNaN(value)) throw new FlowFault(`"${given}" is not a number`)
      return () => value
    }
    case 'dateValue':
      return moment('date', given)
    case 'dateTimeValue':
      return moment('datetime', given)
    default:
      throw new FlowFault(`the simulator does not read a value of the kind ${kind}`)
  }
}

/** The right side, converted to the type of the left one: flows compare fields with typed text. */
const alike = (left: FormulaValue, right: FormulaValue): FormulaValue => {
  if (typeof right !== 'string' || right === '' || typeof left === 'string') return right
  if (typeof left === 'number') return Number.isNaN(Number(right)) ? right : Number(right)
  if (typeof left === 'boolean') return right.toLowerCase() === 'true'
  if (left !== null && isMoment(left)) {
    const ms = msOf(right)
    return Number.isNaN(ms) ? right : { kind: left.kind, ms }
  }
  return right
}

const ordered =
  (accept: (difference: number) => boolean) => (left: FormulaValue, right: FormulaValue) => {
    const difference = order(left, right)
    return difference !== null && accept(difference)
  }

const inText =
  (accept: (whole: string, part: string) => boolean) => (left: FormulaValue, right: FormulaValue) =>
    !isBlank(right) && accept(textOf(left), textOf(right))

const COMPARISONS: Record<string, (left: FormulaValue, right: FormulaValue) => boolean> = {
  EqualTo: equal,
  NotEqualTo: (left, right) => !equal(left, right),
  GreaterThan: ordered((difference) => difference > 0),
  GreaterThanOrEqualTo: ordered((difference) => difference >= 0),
  LessThan: ordered((difference) => difference < 0),
  LessThanOrEqualTo: ordered((difference) => difference <= 0),
  Contains: inText((whole, part) => whole.includes(part)),
  StartsWith: inText((whole, part) => whole.startsWith(part)),
  EndsWith: inText((whole, part) => whole.endsWith(part)),
}

const lower = (value: FormulaValue) => (typeof value === 'string' ? value.toLowerCase() : value)

interface ConditionOptions {
  /** Salesforce: filters find records as SOQL does, case-insensitively. */
  ignoreCase: boolean
}

const conditionOf = (
  path: readonly string[],
  operator: string,
  right: Operand,
  { ignoreCase }: ConditionOptions,
): Condition => {
  const wantsTrue = (scope: FormulaScope) => right(scope) !== false
  switch (operator) {
    case 'IsNull':
      return (scope) => isBlank(scope.read(path)) === wantsTrue(scope)
    case 'IsBlank':
      return (scope) => (textOf(scope.read(path)).trim() === '') === wantsTrue(scope)
    case 'IsChanged':
      return (scope) =>
        (!scope.isNew && !equal(scope.read(path), scope.prior(path))) === wantsTrue(scope)
    default: {
      const compare = COMPARISONS[operator]
      if (compare === undefined) {
        throw new FlowFault(`the simulator does not know the operator ${operator}`)
      }
      return (scope) => {
        const left = scope.read(path)
        const against = alike(left, right(scope))
        return ignoreCase ? compare(lower(left), lower(against)) : compare(left, against)
      }
    }
  }
}

/**
 * `and`, `or`, or a logic like `1 AND (2 OR NOT 3)`. Conditions that do not matter are not evaluated.
 */
export const combined = (logic: string | undefined, conditions: Condition[]): Condition => {
  const given = logic?.trim() ?? ''
  if (given === '' || /^(and|no conditions)$/i.test(given)) {
    return (scope) => conditions.every((holds) => holds(scope))
  }
  if (/^or$/i.test(given)) return (scope) => conditions.some((holds) => holds(scope))
  for (const [n] of given.matchAll(/\d+/g)) {
    if (conditions[Number(n) - 1] === undefined) {
      throw new FlowFault(`the logic "${given}" names condition ${n}, which does not exist`)
    }
  }
  const words: Record<string, string> = { and: '&&', or: '||', not: '!' }
  const formula = compileFormula(
    given
      .replaceAll(/\b(and|or|not)\b/gi, (word) => words[word.toLowerCase()] ?? word)
      .replaceAll(/\d+/g, (n) => `condition${n}`),
  )
  return (scope) => {
    const read = ([name = '']: readonly string[]) =>
      conditions[Number(name.slice('condition'.length)) - 1]?.(scope) === true
    return formula.evaluate({ ...scope, read, prior: read }) === true
  }
}

/** Filters over `field`s: of the record that started the flow (`prefix` `$Record`), or of others. */
export const filtersOf = (node: MetadataNode, prefix: readonly string[]): Condition =>
  combined(
    text(node, 'filterLogic'),
    nodes(node, 'filters').map((filter) =>
      conditionOf(
        [...prefix, ...(text(filter, 'field') ?? '').split('.')],
        text(filter, 'operator') ?? '',
        operandOf(child(filter, 'value')),
        { ignoreCase: true },
      ),
    ),
  )

/** The conditions of one outcome of a decision. */
export const conditionsOf = (rule: MetadataNode): Condition =>
  combined(
    text(rule, 'conditionLogic'),
    nodes(rule, 'conditions').map((each) =>
      conditionOf(
        (text(each, 'leftValueReference') ?? '').split('.'),
        text(each, 'operator') ?? '',
        operandOf(child(each, 'rightValue')),
        { ignoreCase: false },
      ),
    ),
  )

/** A flow's value as the field's in JSON; percents are whole numbers in flows. */
export const fieldInput = (field: Field | undefined, value: FormulaValue): unknown => {
  const type = field?.describe.type
  if (field === undefined) return isBlank(value) ? null : textOf(value)
  if (type === 'boolean') return textOf(value).toLowerCase() === 'true'
  if (isBlank(value)) return null
  if (
    typeof value === 'number' &&
    ['int', 'long', 'double', 'currency', 'percent'].includes(type ?? '')
  )
    return value
  if (type === 'date' && isMoment(value)) return new Date(value.ms).toISOString().slice(0, 10)
  return shownValue(field, value)
}
