// The columns that a query selects, without running it: for the column metadata of `/query` and for the
// CSV of Bulk queries.

import type { FieldType, Query, Subquery } from '@jetstreamapp/soql-parser-js'
import { isAggregate, isPlainCount } from './aggregate.ts'
import { parseSoql } from './parse.ts'
import { fromObject, type QueryContext } from './paths.ts'
import { SoqlNotSimulated, type SoqlField, type SoqlObject, type SoqlSource } from './schema.ts'
import { compileShape, type Shape } from './select.ts'

/** As the query names them, in its order; parents and child rows have columns of their own. */
export interface QueryColumn {
  kind: 'field' | 'function' | 'parent' | 'children' | 'typeof'
  /** Its key in a record of the answer. */
  name: string
  displayName: string
  /** For a parent: the reference. Null for functions and child rows. */
  field: SoqlField | null
  /** The object of the field; null behind a polymorphic relationship. */
  object: SoqlObject | null
  columns: QueryColumn[]
}

export interface QueryColumns {
  object: SoqlObject
  grouped: boolean
  /** `SELECT COUNT()`, or functions such as SUM over rows. */
  aggregate: boolean
  columns: QueryColumn[]
}

/** Throws `SoqlError` and `SoqlNotSimulated`, like running the query. */
export function queryColumns(source: SoqlSource, soql: string): QueryColumns {
  const context: QueryContext = { source, soql }
  const query = parseSoql(soql)
  const object = fromObject(context, query.sObject ?? '')
  const grouped = query.groupBy !== undefined
  const aggregate = isPlainCount(query) || isAggregate(query)
  const columns = aggregate
    ? aggregateColumns(context, query, object)
    : selectedColumns(context, query, object)
  return { object, grouped, aggregate, columns }
}

function aggregateColumns(context: QueryContext, query: Query, object: SoqlObject): QueryColumn[] {
  let unnamed = 0
  return (query.fields ?? []).flatMap((item): QueryColumn[] => {
    if (item.type !== 'FieldFunctionExpression') {
      const columns = columnsOf(context, query, object, [withoutAlias(item)])
      const alias = 'alias' in item && item.alias
      return alias ? columns.map((column) => ({ ...column, name: alias })) : columns
    }
    const name = item.alias ?? `expr${unnamed++}`
    const displayName = item.rawValue ?? `${item.functionName}()`
    return [{ kind: 'function', name, displayName, field: null, object, columns: [] }]
  })
}

/** Grouped columns may have one, which the SELECT of plain rows refuses. */
function withoutAlias(item: FieldType): FieldType {
  if (!('alias' in item)) return item
  const { alias: _alias, ...rest } = item
  return rest
}

function selectedColumns(
  context: QueryContext,
  query: Query | Subquery,
  object: SoqlObject,
): QueryColumn[] {
  // The whole list is refused for a fault that single fields do not have: the same field twice.
  compileShape(context, query, object, ({ relationshipName }) => ({
    key: relationshipName,
    rowsOf: () => null,
  }))
  return columnsOf(context, query, object, query.fields ?? [])
}

function columnsOf(
  context: QueryContext,
  query: Query | Subquery,
  object: SoqlObject,
  fields: readonly FieldType[],
): QueryColumn[] {
  // One by one: the shape of all would group the fields of one parent at the position of the first.
  return fields.flatMap((item) => {
    let children: QueryColumn[] = []
    const shape = compileShape(context, { ...query, fields: [item] }, object, (subquery) => {
      const relationship = object.childRelationship(subquery.relationshipName)
      const child = relationship && context.source.object(relationship.object)
      if (!child) throw new SoqlNotSimulated(`columns of ${subquery.relationshipName}`)
      children = selectedColumns(context, subquery, child)
      return { key: relationship.name, rowsOf: () => null }
    })
    return shapeColumns(context, shape, object, () => children)
  })
}

function shapeColumns(
  context: QueryContext,
  shape: Shape,
  object: SoqlObject | null,
  children: () => QueryColumn[],
): QueryColumn[] {
  return shape.items.map((item): QueryColumn => {
    switch (item.kind) {
      case 'field':
      case 'label': {
        const { key, field } = item
        return { kind: 'field', name: key, displayName: field.name, field, object, columns: [] }
      }
      case 'relation': {
        const { reference, key } = item
        const [target] = reference.referenceTo ?? []
        const parent =
          item.shape.polymorphic || target === undefined
            ? null
            : (context.source.object(target) ?? null)
        const columns = shapeColumns(context, item.shape, parent, children)
        return { kind: 'parent', name: key, displayName: key, field: reference, object, columns }
      }
      case 'typeof': {
        const { key, reference } = item
        return {
          kind: 'typeof',
          name: key,
          displayName: key,
          field: reference,
          object,
          columns: [],
        }
      }
      case 'children': {
        const { key } = item.children
        return {
          kind: 'children',
          name: key,
          displayName: key,
          field: null,
          object: null,
          columns: children(),
        }
      }
    }
  })
}
