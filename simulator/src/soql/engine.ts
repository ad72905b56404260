import type {
  ConditionWithValueQuery,
  OrderByClause,
  Query,
  Subquery,
  WhereClause,
} from '@jetstreamapp/soql-parser-js'
import { aggregate, isAggregate, isPlainCount } from './aggregate.ts'
import { dateFunctions, datePart } from './dates.ts'
import { sortRows, type SortBy } from './order.ts'
import { parseSoql } from './parse.ts'
import { fromObject, readField, resolvePath, type QueryContext } from './paths.ts'
import {
  noSuchColumn,
  SoqlError,
  SoqlNotSimulated,
  soqlErrorAt,
  type SoqlObject,
  type SoqlRow,
  type SoqlSource,
} from './schema.ts'
import {
  compileShape,
  labelOf,
  ownFieldNames,
  renderRecord,
  type ChildRows,
  type QueryRecord,
} from './select.ts'
import {
  compileFilter,
  conditions,
  equalStrings,
  filterTest,
  requiredConditions,
  type Filter,
  type Operand,
} from './where.ts'

/** A query's whole result. Records are rendered page by page: long results stay cheap. */
export interface QueryResult {
  /** API name of the object in FROM; AggregateResult rows also keep it. */
  entityName: string
  totalSize: number
  /** Why the result cannot be paged, in Salesforce's words; undefined if it can be. */
  singleBatch?: string
  records(offset: number, limit: number): QueryRecord[]
}

/** How a result, or the child rows inside one, becomes an answer with `nextRecordsUrl`. */
export type ChildPager = (children: QueryResult) => unknown

// Salesforce: SOQL reference, "OFFSET".
const maxOffset = 2000

/**
 * Parses and evaluates one query. `pageChildren` turns the rows of a child sub-query into their form in
 * the answer. Throws `SoqlError` with Salesforce's code and text, and `SoqlNotSimulated` for valid SOQL
 * that is not evaluated here.
 */
export function runQuery(source: SoqlSource, soql: string, pageChildren: ChildPager): QueryResult {
  const context: QueryContext = { source, soql }
  const query = parseSoql(soql)
  refuseUnsupported(query)
  const object = fromObject(context, query.sObject ?? '')
  const filter = query.where && compileWhere(context, object, query.where, query.sObjectAlias)
  checkRestrictions(object, query, filter)
  const { limit, offset } = window(context, query, object)

  if (isPlainCount(query)) {
    let total = 0
    for (const _ of matching(context, object, filter)) total += 1
    const totalSize = Math.min(Math.max(0, total - offset), limit)
    return { entityName: object.name, totalSize, records: () => [] }
  }
  if (isAggregate(query)) {
    const all = aggregate(context, query, object, matching(context, object, filter))
    const rows = all.slice(offset, offset + limit)
    return {
      entityName: object.name,
      totalSize: rows.length,
      singleBatch: 'Aggregate query does not support queryMore()',
      records: (from, count) => rows.slice(from, from + count),
    }
  }
  const shape = compileShape(context, query, object, (subquery) =>
    compileChildren(context, object, subquery, pageChildren),
  )
  const rows = select(context, object, query, filter, limit, offset)
  const { maxRows, singleRowFields = [], metadataEntity } = object.restrictions ?? {}
  if (rows.length > 1 && ownFieldNames(shape).some((name) => singleRowFields.includes(name))) {
    throw new SoqlError(
      'MALFORMED_QUERY',
      `When retrieving results with Metadata or FullName fields, the query qualifications must specify no more than one row for retrieval. Result size: ${Math.min(rows.length, 2000)}`,
    )
  }
  if (maxRows !== undefined) rows.length = Math.min(rows.length, maxRows)
  return {
    entityName: object.name,
    totalSize: rows.length,
    ...(metadataEntity ? { singleBatch: `${object.name} does not support queryMore()` } : {}),
    records: (from, count) =>
      rows.slice(from, from + count).map((row) => renderRecord(context, { object, row }, shape)),
  }
}

function refuseUnsupported(query: Query): void {
  if (query.withDataCategory) throw new SoqlNotSimulated('WITH DATA CATEGORY')
  if (query.usingScope && query.usingScope.toLowerCase() !== 'everything') {
    throw new SoqlNotSimulated(`USING SCOPE ${query.usingScope}`)
  }
}

function window(context: QueryContext, query: Query | Subquery, object: SoqlObject) {
  const { offset = 0, limit } = query
  if (offset > maxOffset) {
    throw soqlErrorAt(
      context.soql,
      'OFFSET',
      'NUMBER_OUTSIDE_VALID_RANGE',
      `Maximum SOQL offset allowed is ${maxOffset}`,
    )
  }
  const ignoreLimit = object.restrictions?.metadataEntity ?? false
  return { offset, limit: ignoreLimit ? Infinity : (limit ?? Infinity) }
}

function compileWhere(
  context: QueryContext,
  object: SoqlObject,
  where: WhereClause,
  alias: string | undefined,
): Filter<SoqlRow> {
  return compileFilter<SoqlRow>(where, {
    soql: context.soql,
    now: context.source.now(),
    operand: (condition) => whereOperand(context, object, condition, alias),
    subquery: (query) => semiJoin(context, query),
  })
}

function whereOperand(
  context: QueryContext,
  object: SoqlObject,
  condition: ConditionWithValueQuery,
  alias: string | undefined,
): Operand<SoqlRow> {
  if ('field' in condition) {
    const { field, relationships, read } = resolvePath(context, object, condition.field, alias)
    return { field, path: [...relationships, field.name].join('.'), read }
  }
  const fn = 'fn' in condition ? condition.fn : undefined
  const name = fn?.functionName?.toUpperCase() ?? ''
  const [parameter] = fn?.parameters ?? []
  if (typeof parameter !== 'string') throw new SoqlNotSimulated(`function ${name}() in WHERE`)
  const { field, read } = resolvePath(context, object, parameter, alias)
  if (name === 'TOLABEL') {
    return {
      field: { ...field, type: 'string' },
      path: parameter,
      read: (row) => {
        const value = read(row)
        return typeof value === 'string' ? labelOf(field, value) : value
      },
    }
  }
  if (!dateFunctions.has(name)) throw new SoqlNotSimulated(`function ${name}() in WHERE`)
  const type = name === 'DAY_ONLY' ? 'date' : 'int'
  return { field: { ...field, type }, path: parameter, read: (row) => datePart(name, read(row)) }
}

/** Ids that the inner SELECT of a semi-join or anti-join yields, by their 15 characters. */
function semiJoin(context: QueryContext, query: Query): ReadonlySet<string> {
  const object = fromObject(context, query.sObject ?? '')
  const [item] = query.fields ?? []
  if (
    query.fields?.length !== 1 ||
    (item?.type !== 'Field' && item?.type !== 'FieldRelationship')
  ) {
    throw new SoqlError('MALFORMED_QUERY', 'A semi join sub-select must select exactly one field')
  }
  const path = ('rawValue' in item && item.rawValue) || item.field
  const { field, read } = resolvePath(context, object, path, query.sObjectAlias)
  if (field.type !== 'id' && field.type !== 'reference') {
    throw soqlErrorAt(
      context.soql,
      path,
      'MALFORMED_QUERY',
      `The selected field '${path}' in the subquery must be an ID or a reference`,
    )
  }
  const filter = query.where && compileWhere(context, object, query.where, query.sObjectAlias)
  const ids = new Set<string>()
  for (const row of matching(context, object, filter)) {
    const id = read(row)
    if (typeof id === 'string') ids.add(id.slice(0, 15))
  }
  return ids
}

/** Rows that pass the filter. An equality on Id reads those rows only. */
function* matching(
  context: QueryContext,
  object: SoqlObject,
  filter: Filter<SoqlRow> | undefined,
): Generator<SoqlRow> {
  const { source } = context
  if (!filter) {
    yield* source.rows(object, new Map())
    return
  }
  const test = filterTest(filter)
  const confined = new Map<string, readonly string[]>()
  for (const condition of requiredConditions(filter)) {
    const values = equalStrings(condition)
    const { field, path } = condition.operand
    if (values && field.type === 'id' && !path.includes('.')) {
      const ids = new Map(values.map((id) => [idKey(id), id]))
      for (const id of ids.values()) {
        const row = source.rowById(object, id)
        if (row && test(row)) yield row
      }
      return
    }
    if (values) confined.set(path.toLowerCase(), values)
  }
  for (const row of source.rows(object, confined)) if (test(row)) yield row
}

function select(
  context: QueryContext,
  object: SoqlObject,
  query: Query | Subquery,
  filter: Filter<SoqlRow> | undefined,
  limit: number,
  offset: number,
): SoqlRow[] {
  const sorts = sortsOf(context, object, query)
  const rows: SoqlRow[] = []
  const enough = sorts.length === 0 ? limit + offset : Infinity
  if (enough > 0) {
    for (const row of matching(context, object, filter)) {
      rows.push(row)
      if (rows.length >= enough) break
    }
  }
  return sortRows(rows, sorts).slice(offset, offset + limit)
}

function sortsOf(
  context: QueryContext,
  object: SoqlObject,
  query: Query | Subquery,
): SortBy<SoqlRow>[] {
  return [query.orderBy ?? []].flat().map((clause: OrderByClause) => {
    if ('fn' in clause) throw new SoqlNotSimulated('ORDER BY of a function')
    const by = resolvePath(context, object, clause.field, query.sObjectAlias)
    if (!by.field.sortable) {
      throw soqlErrorAt(
        context.soql,
        clause.field,
        'MALFORMED_QUERY',
        `field '${by.field.name}' can not be sorted in a query call`,
      )
    }
    return { ...clause, by }
  })
}

function compileChildren(
  context: QueryContext,
  parent: SoqlObject,
  subquery: Subquery,
  pageChildren: ChildPager,
): ChildRows {
  const name = subquery.relationshipName
  const relationship = parent.childRelationship(name)
  const object = relationship && context.source.object(relationship.object)
  const back = relationship && object?.field(relationship.field)
  if (!relationship || !object || !back) {
    throw soqlErrorAt(
      context.soql,
      name,
      'INVALID_TYPE',
      `Didn't understand relationship '${name}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
    )
  }
  if (
    (subquery.fields ?? []).some(
      (field) => field.type === 'FieldFunctionExpression' && field.isAggregateFn,
    )
  ) {
    throw noSuchColumn(context.soql, name, 'COUNT', object.name)
  }
  const filter =
    subquery.where && compileWhere(context, object, subquery.where, subquery.sObjectAlias)
  const { limit, offset } = window(context, subquery, object)
  const shape = compileShape(context, subquery, object, (inner) =>
    compileChildren(context, object, inner, pageChildren),
  )
  // All children are matched and sorted once, when the first parent is rendered.
  let byParent: Map<string, SoqlRow[]> | undefined
  const index = (): Map<string, SoqlRow[]> => {
    const rows = select(context, object, subquery, filter, Infinity, 0)
    return Map.groupBy(rows, (row) => idKey(readField(back, row)))
  }
  return {
    key: relationship.name,
    rowsOf(parentRow) {
      byParent ??= index()
      const id = idKey(parentRow['Id'])
      const rows = (byParent.get(id) ?? []).slice(offset, offset + limit)
      // Salesforce: a parent without matching children has null, not an empty result.
      if (rows.length === 0) return null
      return pageChildren({
        entityName: object.name,
        totalSize: rows.length,
        records: (from, count) =>
          rows
            .slice(from, from + count)
            .map((row) => renderRecord(context, { object, row }, shape)),
      })
    },
  }
}

function checkRestrictions(
  object: SoqlObject,
  query: Query,
  filter: Filter<SoqlRow> | undefined,
): void {
  const { metadataEntity, noGrouping, requiredFilters } = object.restrictions ?? {}
  // Salesforce: Tooling API guide, "SOQL Operation Limitations"; Help, "Custom Metadata Types Limitations".
  if (noGrouping && isAggregate(query)) {
    throw new SoqlError(
      'INVALID_FIELD',
      'The requested operation is not yet supported by this SObject storage type, contact salesforce.com support for more information.',
    )
  }
  if (metadataEntity) {
    const refuse = (what: string) =>
      new SoqlError('MALFORMED_QUERY', `${object.name} does not support ${what} in a query`)
    if (isAggregate(query) || isPlainCount(query)) throw refuse('COUNT() or GROUP BY')
    if (query.offset !== undefined) throw refuse('OFFSET')
    if (filter && hasOrOrNot(filter)) throw refuse('OR or NOT')
    for (const { operator } of filter ? conditions(filter) : []) {
      if (operator !== '=' && operator !== 'IN') throw refuse(`the operator ${operator}`)
    }
  }
  if (requiredFilters) {
    const filtered = new Set(
      (filter ? requiredConditions(filter) : [])
        .filter(({ operator }) => operator === '=' || operator === 'IN')
        .map(({ operand }) => operand.path.toLowerCase()),
    )
    if (!requiredFilters.some((path) => filtered.has(path.toLowerCase()))) {
      throw new SoqlError(
        'MALFORMED_QUERY',
        `Where clauses should contain ${requiredFilters[0] ?? ''} as filter when querying ${object.name}`,
      )
    }
  }
}

function hasOrOrNot<Row>(filter: Filter<Row>): boolean {
  if (filter.kind === 'condition') return false
  return filter.kind !== 'and' || filter.parts.some(hasOrOrNot)
}

/** Ids are compared by their 15 case-sensitive characters; the last three are a checksum. */
function idKey(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 15) : ''
}
