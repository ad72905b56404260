// `?columns=true`: what a query would select instead of its rows. The Salesforce CLI requests it after
// each query. Salesforce: Tooling API guide, "Query" (REST answers it too).

import { findObject } from '../../org/changes.ts'
import { queryColumns, type QueryColumn } from '../../soql/columns.ts'
import { type SoqlSource } from '../../soql/schema.ts'
import { type RestAnswer, type RestContext } from '../rest.ts'
import { refusing } from './refusals.ts'

/** The answer if the request asks for columns, null if it asks for rows. */
export const columnsAnswer = (ctx: RestContext, source: SoqlSource): RestAnswer | null => {
  const { query } = ctx.request
  if (query.get('columns')?.toLowerCase() !== 'true') return null
  const { object, grouped, columns } = refusing(() => queryColumns(source, query.get('q') ?? ''))
  return {
    status: 200,
    body: {
      columnMetadata: columns.map((column) => metadata(ctx, column)),
      entityName: object.name,
      groupBy: grouped,
      idSelected: columns.some(({ kind, field }) => kind === 'field' && field?.type === 'id'),
      keyPrefix: findObject(ctx.org, object.name)?.describe.keyPrefix ?? null,
    },
  }
}

const NUMBERS = new Set(['int', 'long', 'double', 'currency', 'percent'])
const APEX_TYPES: Record<string, string> = {
  id: 'Id',
  reference: 'Id',
  boolean: 'Boolean',
  int: 'Integer',
  long: 'Long',
  double: 'Double',
  currency: 'Double',
  percent: 'Double',
  date: 'Date',
  datetime: 'Datetime',
  time: 'Time',
  base64: 'Blob',
  address: 'Address',
  location: 'Location',
}

const metadata = (ctx: RestContext, column: QueryColumn): Record<string, unknown> => {
  const { kind, name, displayName, field, object } = column
  const described =
    object === null || field === null
      ? undefined
      : findObject(ctx.org, object.name)?.fields.get(field.name.toLowerCase())?.describe
  const type = kind === 'field' ? (field?.type ?? '') : ''
  const isNumber = NUMBERS.has(type) || kind === 'function'
  return {
    // Child rows count as an aggregate: that is how clients distinguish them from parents.
    aggregate: kind === 'function' || kind === 'children',
    apexType: kind === 'field' ? (APEX_TYPES[type] ?? 'String') : null,
    booleanType: type === 'boolean',
    columnName: name,
    custom: field?.custom ?? false,
    displayName,
    foreignKeyName: field?.relationshipName ?? null,
    insertable: kind === 'field' && (described?.createable ?? false),
    joinColumns: column.columns.map((inner) => metadata(ctx, inner)),
    numberType: isNumber,
    textType: kind === 'field' && type !== 'boolean' && !isNumber,
    updatable: kind === 'field' && (described?.updateable ?? false),
  }
}
