import type {
  ConditionWithValueQuery,
  HavingClause,
  LiteralType,
  Operator,
  Query,
  WhereClause,
} from '@jetstreamapp/soql-parser-js'
import { dateLiteralSpan, parseTime, type Span } from './dates.ts'
import {
  SoqlError,
  SoqlNotSimulated,
  soqlErrorAt,
  type SoqlField,
  type SoqlValue,
} from './schema.ts'

export type Test<Row> = (row: Row) => boolean

/** The left side of a condition: a field, a date function of one, or an aggregate. */
export interface Operand<Row> {
  field: SoqlField
  /** As written in the query, for error texts. */
  path: string
  read: (row: Row) => SoqlValue
}

export interface Condition<Row> {
  operand: Operand<Row>
  operator: Operator
  literals: readonly Literal[]
  test: Test<Row>
}

/** AND/OR/NOT over conditions: kept as a tree so that an index can be chosen from it. */
export type Filter<Row> =
  | { kind: 'and' | 'or'; parts: Filter<Row>[] }
  | { kind: 'not'; part: Filter<Row> }
  | { kind: 'condition'; condition: Condition<Row> }

interface Literal {
  type: LiteralType
  text: string
}

export interface FilterScope<Row> {
  soql: string
  now: Date
  operand(condition: ConditionWithValueQuery): Operand<Row>
  /** Values of the inner SELECT of a semi-join. */
  subquery(query: Query): ReadonlySet<string>
}

type Token = '(' | ')' | 'AND' | 'OR' | 'NOT' | ConditionWithValueQuery

/**
 * Compiles a WHERE or HAVING clause. The parser returns a flat chain with counted parentheses, so
 * precedence is decided here, in Salesforce's way: AND and OR next to each other without parentheses are
 * refused.
 */
export function compileFilter<Row>(
  clause: WhereClause | HavingClause,
  scope: FilterScope<Row>,
): Filter<Row> {
  const tokens = flatten(clause)
  let at = 0

  const expression = (): Filter<Row> => {
    const parts = [term()]
    let kind: 'and' | 'or' | undefined
    for (let next = tokens[at]; next === 'AND' || next === 'OR'; next = tokens[at]) {
      const operator = next === 'AND' ? 'and' : 'or'
      if (kind && kind !== operator) {
        throw soqlErrorAt(scope.soql, next, 'MALFORMED_QUERY', `unexpected token: ${next}`)
      }
      kind = operator
      at += 1
      parts.push(term())
    }
    const [only] = parts
    return kind ? { kind, parts } : (only as Filter<Row>)
  }
  const term = (): Filter<Row> => {
    const token = tokens[at++]
    if (token === 'NOT') return { kind: 'not', part: term() }
    if (token === '(') {
      const inner = expression()
      if (tokens[at++] !== ')') throw new SoqlError('MALFORMED_QUERY', "expecting ')'")
      return inner
    }
    if (typeof token !== 'object') {
      throw new SoqlError('MALFORMED_QUERY', `unexpected token: ${token ?? '<EOF>'}`)
    }
    return { kind: 'condition', condition: compileCondition(token, scope) }
  }

  const filter = expression()
  if (at < tokens.length) throw new SoqlError('MALFORMED_QUERY', 'unexpected token: )')
  return filter
}

function flatten(clause: WhereClause | HavingClause): Token[] {
  const tokens: Token[] = []
  for (let node: WhereClause | HavingClause | undefined = clause; node;) {
    const open = node.left?.openParen ?? 0
    for (let i = 0; i < open; i += 1) tokens.push('(')
    if (node.left && ('field' in node.left || 'fn' in node.left)) {
      tokens.push(node.left)
      const close = node.left.closeParen ?? 0
      for (let i = 0; i < close; i += 1) tokens.push(')')
    }
    if ('operator' in node) {
      tokens.push(node.operator)
      node = node.right
    } else {
      node = undefined
    }
  }
  return tokens
}

export function filterTest<Row>(filter: Filter<Row>): Test<Row> {
  if (filter.kind === 'condition') return filter.condition.test
  if (filter.kind === 'not') {
    const inner = filterTest(filter.part)
    return (row) => !inner(row)
  }
  const tests = filter.parts.map(filterTest)
  return filter.kind === 'and'
    ? (row) => tests.every((test) => test(row))
    : (row) => tests.some((test) => test(row))
}

/** Every condition of the filter, wherever it is. */
export function* conditions<Row>(filter: Filter<Row>): Generator<Condition<Row>> {
  if (filter.kind === 'condition') yield filter.condition
  else if (filter.kind === 'not') yield* conditions(filter.part)
  else for (const part of filter.parts) yield* conditions(part)
}

/** The conditions that every matching row must meet: those joined by AND at the top level. */
export function requiredConditions<Row>(filter: Filter<Row>): Condition<Row>[] {
  if (filter.kind === 'condition') return [filter.condition]
  return filter.kind === 'and' ? filter.parts.flatMap(requiredConditions) : []
}

function compileCondition<Row>(
  condition: ConditionWithValueQuery,
  scope: FilterScope<Row>,
): Condition<Row> {
  if (!('operator' in condition)) throw new SoqlError('MALFORMED_QUERY', 'unexpected token: (')
  const operand = scope.operand(condition)
  const operator = condition.operator.toUpperCase() as Operator
  const { read } = operand
  if ('valueQuery' in condition) {
    const values = scope.subquery(condition.valueQuery)
    const has: Test<Row> = (row) => {
      const value = read(row)
      return typeof value === 'string' && values.has(value.slice(0, 15))
    }
    const test: Test<Row> = operator === 'NOT IN' ? (row) => !has(row) : has
    return { operand, operator, literals: [], test }
  }
  const literals = literalsOf(condition.value, condition.literalType)
  for (const literal of literals) checkLiteral(operand, operator, literal, scope.soql)
  const test = compileTest(operand, operator, literals, scope)
  return { operand, operator, literals, test }
}

function literalsOf(
  value: string | string[],
  type: LiteralType | LiteralType[] | undefined,
): Literal[] {
  const texts = Array.isArray(value) ? value : [value]
  return texts.map((text, index) => ({
    type: (Array.isArray(type) ? type[index] : type) ?? 'STRING',
    text,
  }))
}

const numberTypes = new Set(['int', 'long', 'double', 'currency', 'percent'])
const numberLiterals = new Set<LiteralType>([
  'INTEGER',
  'DECIMAL',
  'INTEGER_WITH_CURRENCY_PREFIX',
  'DECIMAL_WITH_CURRENCY_PREFIX',
])
const timeTypes = new Set(['date', 'datetime'])

function checkLiteral<Row>(
  { field, path }: Operand<Row>,
  operator: Operator,
  { type, text }: Literal,
  soql: string,
): void {
  const refuse = (code: string, message: string) => soqlErrorAt(soql, path, code, message)
  const wrong = (expected: string, quoted: boolean) =>
    refuse(
      'INVALID_FIELD',
      `value of filter criterion for field '${field.name}' must be of type ${expected} and should ${quoted ? '' : 'not '}be enclosed in quotes`,
    )
  if (!field.filterable) {
    throw refuse('INVALID_FIELD', `field '${field.name}' can not be filtered in a query call`)
  }
  const isId = field.type === 'id' || field.type === 'reference'
  if (isId && !['=', '!=', 'IN', 'NOT IN', '<', '>', '<=', '>='].includes(operator)) {
    throw refuse('INVALID_QUERY_FILTER_OPERATOR', 'invalid operator on id field')
  }
  if ((operator === 'INCLUDES' || operator === 'EXCLUDES') && field.type !== 'multipicklist') {
    throw refuse('INVALID_FIELD', `includes/excludes operators only valid on multipicklist field`)
  }
  if (type === 'NULL') return
  if (numberTypes.has(field.type)) {
    if (!numberLiterals.has(type)) throw wrong(field.type === 'int' ? 'int' : 'double', false)
  } else if (field.type === 'boolean') {
    if (type !== 'BOOLEAN') throw wrong('boolean', false)
  } else if (timeTypes.has(field.type)) {
    const fits =
      type === 'DATE_LITERAL' ||
      type === 'DATE_N_LITERAL' ||
      type === (field.type === 'date' ? 'DATE' : 'DATETIME')
    if (!fits) throw wrong(field.type === 'date' ? 'date' : 'dateTime', false)
  } else if (type !== 'STRING') {
    throw wrong('string', true)
  } else if (isId && text !== "''" && !/^'([A-Za-z0-9]{15}|[A-Za-z0-9]{18})'$/.test(text)) {
    throw refuse('INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${unquote(text)}`)
  }
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** The characters of a quoted SOQL string. */
export function unquote(text: string): string {
  const inner = text.startsWith("'") ? text.slice(1, -1) : text
  return inner.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, code: string) =>
    code.length > 1
      ? String.fromCharCode(parseInt(code.slice(1), 16))
      : (escapes[code.toLowerCase()] ?? code),
  )
}

function likePattern(text: string): RegExp {
  // In a LIKE pattern `\%` and `\_` are literal, so this reads the escapes itself.
  const inner = text.slice(1, -1)
  let pattern = ''
  for (let i = 0; i < inner.length; i += 1) {
    const char = inner[i] ?? ''
    if (char === '%') pattern += '.*'
    else if (char === '_') pattern += '.'
    else {
      const next = char === '\\' ? (inner[++i] ?? '') : char
      const literal = char === '\\' ? (escapes[next.toLowerCase()] ?? next) : next
      pattern += literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    }
  }
  return new RegExp(`^${pattern}$`, 'is')
}

/** A literal as a value that rows can be compared with. */
type Comparable = string | number | boolean | Span | null

function comparable(field: SoqlField, literal: Literal, now: Date): Comparable {
  switch (literal.type) {
    case 'NULL':
      return null
    case 'BOOLEAN':
      return literal.text.toUpperCase() === 'TRUE'
    case 'DATE_LITERAL':
    case 'DATE_N_LITERAL':
      return dateLiteralSpan(literal.text, now)
    case 'DATE':
    case 'DATETIME':
      return parseTime(literal.text)
    case 'STRING': {
      const text = unquote(literal.text)
      // Salesforce: an empty string matches what null matches, since text is never stored empty.
      return text === '' ? null : normalise(field, text)
    }
    default:
      return Number(literal.text.replace(/^[A-Z]{3}/i, ''))
  }
}

function normalise(field: SoqlField, value: unknown): Exclude<Comparable, Span> {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'string') return null
  if (timeTypes.has(field.type)) return parseTime(value)
  if (field.type === 'id' || field.type === 'reference') return value.slice(0, 15)
  return value.toLowerCase()
}

function compare(left: Comparable, right: Comparable): number | null {
  if (left === null || right === null || typeof left === 'object') return null
  if (typeof right === 'object') {
    const at = Number(left)
    return at < right.start ? -1 : at >= right.end ? 1 : 0
  }
  return left < right ? -1 : left > right ? 1 : 0
}

function compileTest<Row>(
  operand: Operand<Row>,
  operator: Operator,
  literals: readonly Literal[],
  scope: FilterScope<Row>,
): Test<Row> {
  const { field, read } = operand
  const value = (row: Row) => normalise(field, read(row))
  const [first] = literals
  if (operator === 'INCLUDES' || operator === 'EXCLUDES') {
    // Each quoted item is a set of values joined by semicolons; the row must have all of them.
    const sets = literals.map((literal) => unquote(literal.text).toLowerCase().split(';'))
    const includes: Test<Row> = (row) => {
      const has = String(value(row) ?? '').split(';')
      return sets.some((set) => set.every((item) => has.includes(item.trim())))
    }
    return operator === 'INCLUDES' ? includes : (row) => !includes(row)
  }
  if (operator === 'LIKE') {
    if (first?.type !== 'STRING') {
      throw new SoqlError('MALFORMED_QUERY', 'LIKE needs a string in quotes')
    }
    const pattern = likePattern(first.text)
    return (row) => {
      const text = read(row)
      return typeof text === 'string' && pattern.test(text)
    }
  }
  const wanted = literals.map((literal) => comparable(field, literal, scope.now))
  const set = new Set(wanted)
  const spans = wanted.filter((item): item is Span => item !== null && typeof item === 'object')
  const isIn: Test<Row> = (row) => {
    const own = value(row)
    return set.has(own) || spans.some((span) => compare(own, span) === 0)
  }
  const ordered = (accept: (order: number) => boolean): Test<Row> => {
    const [limit = null] = wanted
    return (row) => {
      const order = compare(value(row), limit)
      return order !== null && accept(order)
    }
  }
  switch (operator) {
    case '=':
    case 'IN':
      return isIn
    case '!=':
    case 'NOT IN':
      return (row) => !isIn(row)
    case '<':
      return ordered((order) => order < 0)
    case '<=':
      return ordered((order) => order <= 0)
    case '>':
      return ordered((order) => order > 0)
    case '>=':
      return ordered((order) => order >= 0)
    default:
      throw new SoqlNotSimulated(`operator ${String(operator)}`)
  }
}

/** Values that the condition restricts its operand to, if it is an equality of strings. */
export function equalStrings<Row>(condition: Condition<Row>): string[] | null {
  const { operator, literals } = condition
  if (operator !== '=' && operator !== 'IN') return null
  if (literals.length === 0 || literals.some((literal) => literal.type !== 'STRING')) return null
  return literals.map((literal) => unquote(literal.text))
}
