import type { FieldFunctionExpression, FunctionExp, Query } from '@jetstreamapp/soql-parser-js'
import { dateFunctions, datePart } from './dates.ts'
import { compareSortKeys, sortKey, sortRows } from './order.ts'
import { resolvePath, type QueryContext } from './paths.ts'
import {
  SoqlError,
  SoqlNotSimulated,
  soqlErrorAt,
  type SoqlField,
  type SoqlObject,
  type SoqlRow,
  type SoqlValue,
} from './schema.ts'
import type { QueryRecord } from './select.ts'
import { compileFilter, filterTest, type Operand } from './where.ts'

const aggregateFunctions = new Set(['COUNT', 'COUNT_DISTINCT', 'SUM', 'AVG', 'MIN', 'MAX'])
const numeric = new Set(['int', 'long', 'double', 'currency', 'percent'])

/** Rows that share their GROUP BY values. */
interface Group {
  keys: readonly SoqlValue[]
  rows: SoqlRow[]
}

interface Column {
  name: string
  /**
   * Field or function as written, case-insensitive and without spaces: what ORDER BY and HAVING name.
   */
  signature: string
  field: SoqlField
  read: (group: Group) => SoqlValue
}

/** Whether the query returns AggregateResult rows. Plain `COUNT()` is not one of those. */
export function isAggregate(query: Query): boolean {
  if (query.groupBy !== undefined) return true
  return (query.fields ?? []).some(
    (field) =>
      field.type === 'FieldFunctionExpression' &&
      aggregateFunctions.has(field.functionName.toUpperCase()) &&
      field.parameters.length > 0,
  )
}

/** Whether the query is `SELECT COUNT() FROM …`, which returns a total and no records. */
export function isPlainCount(query: Query): boolean {
  const [field] = query.fields ?? []
  return (
    query.fields?.length === 1 &&
    field?.type === 'FieldFunctionExpression' &&
    field.functionName.toUpperCase() === 'COUNT' &&
    field.parameters.length === 0
  )
}

/**
 * Evaluates an aggregate query over rows that already passed WHERE. The caller applies LIMIT and OFFSET.
 * Without GROUP BY there is exactly one result row, even over no rows at all.
 */
export function aggregate(
  context: QueryContext,
  query: Query,
  object: SoqlObject,
  rows: Iterable<SoqlRow>,
): QueryRecord[] {
  const keys = groupKeys(context, query, object)
  const columns = selectColumns(context, query, object, keys)
  const groups = collect(keys, rows)
  const column = (expression: FunctionExp | string): Column =>
    namedColumn(context, object, columns, keys, expression, query.sObjectAlias)

  let result = groups
  if (query.having) {
    const filter = compileFilter<Group>(query.having, {
      soql: context.soql,
      now: context.source.now(),
      operand: (condition): Operand<Group> => {
        const named = column(
          'fn' in condition ? condition.fn : 'field' in condition ? condition.field : '',
        )
        return { field: named.field, path: named.name, read: named.read }
      },
      subquery: () => {
        throw new SoqlError('MALFORMED_QUERY', 'unexpected token: SELECT')
      },
    })
    result = result.filter(filterTest(filter))
  }
  const orders = [query.orderBy ?? []].flat().map((order) => ({
    ...order,
    by: column('fn' in order ? order.fn : order.field),
  }))
  result = sortRows(result, orders)
  return result.map((group) => {
    const record: QueryRecord = { attributes: { type: 'AggregateResult' } }
    for (const { name, read } of columns) record[name] = read(group)
    return record
  })
}

interface Key {
  signature: string
  name: string
  field: SoqlField
  read: (row: SoqlRow) => SoqlValue
}

function groupKeys(context: QueryContext, query: Query, object: SoqlObject): Key[] {
  return [query.groupBy ?? []].flat().map((clause) => {
    if ('fn' in clause) return functionKey(context, object, clause.fn, query.sObjectAlias)
    const { field, relationships, read } = resolvePath(
      context,
      object,
      clause.field,
      query.sObjectAlias,
    )
    if (!field.groupable) {
      throw soqlErrorAt(
        context.soql,
        clause.field,
        'MALFORMED_QUERY',
        `field '${field.name}' can not be grouped in a query call`,
      )
    }
    return {
      signature: pathSignature([...relationships, field.name]),
      name: field.name,
      field,
      read,
    }
  })
}

function functionKey(
  context: QueryContext,
  object: SoqlObject,
  fn: FunctionExp | FieldFunctionExpression,
  alias: string | undefined,
): Key {
  const name = (fn.functionName ?? '').toUpperCase()
  const [parameter] = fn.parameters ?? []
  if (!dateFunctions.has(name) || typeof parameter !== 'string') {
    throw new SoqlNotSimulated(`function ${fn.functionName ?? ''}()`)
  }
  const { field, read } = resolvePath(context, object, parameter, alias)
  return {
    signature: functionSignature(fn),
    name: field.name,
    field: { ...field, type: name === 'DAY_ONLY' ? 'date' : 'int' },
    read: (row) => datePart(name, read(row)),
  }
}

function pathSignature(path: readonly string[]): string {
  return path.join('.').toLowerCase()
}

function functionSignature(fn: FunctionExp | FieldFunctionExpression): string {
  return (fn.rawValue ?? '').replace(/\s+/g, '').toLowerCase()
}

function selectColumns(
  context: QueryContext,
  query: Query,
  object: SoqlObject,
  keys: readonly Key[],
): Column[] {
  let unnamed = 0
  return (query.fields ?? []).map((item): Column => {
    if (item.type === 'FieldFunctionExpression') {
      const name = item.alias ?? `expr${unnamed++}`
      return { ...expressionColumn(context, object, keys, item, query.sObjectAlias), name }
    }
    if (item.type !== 'Field' && item.type !== 'FieldRelationship') {
      throw new SoqlError('MALFORMED_QUERY', 'Grouped query can not have sub-queries or TYPEOF')
    }
    const path = ('rawValue' in item && item.rawValue) || item.field
    const column = expressionColumn(context, object, keys, path, query.sObjectAlias)
    return 'alias' in item && item.alias ? { ...column, name: item.alias } : column
  })
}

/** The column that HAVING or ORDER BY means: a selected one by alias or text, or one of its own. */
function namedColumn(
  context: QueryContext,
  object: SoqlObject,
  columns: readonly Column[],
  keys: readonly Key[],
  expression: FunctionExp | string,
  alias: string | undefined,
): Column {
  const byAlias =
    typeof expression === 'string' &&
    columns.find((column) => column.name.toLowerCase() === expression.toLowerCase())
  return byAlias || expressionColumn(context, object, keys, expression, alias)
}

function expressionColumn(
  context: QueryContext,
  object: SoqlObject,
  keys: readonly Key[],
  expression: FunctionExp | FieldFunctionExpression | string,
  alias: string | undefined,
): Column {
  if (typeof expression !== 'string') {
    const name = (expression.functionName ?? '').toUpperCase()
    if (aggregateFunctions.has(name)) {
      return aggregateColumn(context, object, name, expression, alias)
    }
    const { signature } = functionKey(context, object, expression, alias)
    return keyColumn(context, keys, signature, expression.rawValue ?? name)
  }
  const { relationships, field } = resolvePath(context, object, expression, alias)
  return keyColumn(context, keys, pathSignature([...relationships, field.name]), expression)
}

function keyColumn(
  context: QueryContext,
  keys: readonly Key[],
  signature: string,
  written: string,
): Column {
  const index = keys.findIndex((key) => key.signature === signature)
  const key = keys[index]
  if (!key) {
    throw soqlErrorAt(
      context.soql,
      written,
      'MALFORMED_QUERY',
      `Field must be grouped or aggregated: ${written}`,
    )
  }
  return { ...key, read: (group) => group.keys[index] ?? null }
}

function aggregateColumn(
  context: QueryContext,
  object: SoqlObject,
  name: string,
  expression: FunctionExp | FieldFunctionExpression,
  alias: string | undefined,
): Column {
  const [parameter] = expression.parameters ?? []
  const signature = functionSignature(expression)
  const double = {
    type: 'double',
    custom: false,
    filterable: true,
    sortable: true,
    groupable: false,
  }
  const of = (field: SoqlField, read: (group: Group) => SoqlValue): Column => ({
    name: field.name,
    signature,
    field,
    read,
  })
  if (parameter === undefined && name === 'COUNT') {
    return of({ name: 'COUNT', ...double }, (group) => group.rows.length)
  }
  if (typeof parameter !== 'string') throw new SoqlNotSimulated(`function ${name}() of a function`)
  const { field, read } = resolvePath(context, object, parameter, alias)
  const present = (group: Group): Exclude<SoqlValue, null>[] =>
    group.rows.map(read).filter((value): value is Exclude<SoqlValue, null> => value !== null)
  if ((name === 'SUM' || name === 'AVG') && !numeric.has(field.type)) {
    throw soqlErrorAt(
      context.soql,
      parameter,
      'MALFORMED_QUERY',
      `field ${field.name} does not support aggregate operator ${name}`,
    )
  }
  const sum = (values: readonly SoqlValue[]) =>
    values.reduce((total: number, value) => total + Number(value), 0)
  switch (name) {
    case 'COUNT':
      return of({ ...field, ...double }, (group) => present(group).length)
    case 'COUNT_DISTINCT':
      return of({ ...field, ...double }, (group) => new Set(present(group).map(foldCase)).size)
    case 'SUM':
      return of(field, (group) => {
        const values = present(group)
        return values.length === 0 ? null : sum(values)
      })
    case 'AVG':
      return of({ ...field, type: 'double' }, (group) => {
        const values = present(group)
        return values.length === 0 ? null : sum(values) / values.length
      })
    default:
      return of(field, (group) =>
        present(group).reduce<SoqlValue>((best, value) => {
          if (best === null) return value
          const order = compareSortKeys(sortKey(field, value), sortKey(field, best))
          return (name === 'MIN' ? order < 0 : order > 0) ? value : best
        }, null),
      )
  }
}

function collect(keys: readonly Key[], rows: Iterable<SoqlRow>): Group[] {
  const groups = new Map<string, Group>()
  if (keys.length === 0) groups.set('[]', { keys: [], rows: [] })
  for (const row of rows) {
    const values = keys.map((key) => key.read(row))
    const id = JSON.stringify(values.map(foldCase))
    const group = groups.get(id)
    if (group) group.rows.push(row)
    else groups.set(id, { keys: values, rows: [row] })
  }
  return [...groups.values()]
}

function foldCase(value: SoqlValue): SoqlValue {
  return typeof value === 'string' ? value.toLowerCase() : value
}
