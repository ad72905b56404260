import type { FieldType, Query, Subquery } from '@jetstreamapp/soql-parser-js'
import { follow, readField, resolvePath, type Located, type QueryContext } from './paths.ts'
import {
  noSuchColumn,
  SoqlError,
  SoqlNotSimulated,
  soqlErrorAt,
  type SoqlField,
  type SoqlObject,
  type SoqlRow,
} from './schema.ts'

export type QueryRecord = Record<string, unknown>

/** The rows of a child sub-query for one parent, as in the answer. */
export interface ChildRows {
  key: string
  rowsOf(parent: SoqlRow): unknown
}

type Item =
  | { kind: 'field'; key: string; field: SoqlField }
  | { kind: 'label'; key: string; field: SoqlField }
  | { kind: 'relation'; key: string; reference: SoqlField; shape: Shape }
  | {
      kind: 'typeof'
      key: string
      reference: SoqlField
      byType: Map<string, Shape>
      other: Shape | null
    }
  | { kind: 'children'; children: ChildRows }

/** What to read from a row, nested as in the answer. Fields keep the query's order. */
export interface Shape {
  items: Item[]
  /** Fields are looked up per row: the shape is behind a polymorphic reference. */
  polymorphic: boolean
}

/**
 * Compiles the SELECT list of a query without aggregates. `children` compiles a sub-query.
 * Throws INVALID_FIELD or MALFORMED_QUERY as Salesforce does.
 */
export function compileShape(
  context: QueryContext,
  query: Query | Subquery,
  object: SoqlObject,
  children: (subquery: Subquery) => ChildRows,
): Shape {
  const shape: Shape = { items: [], polymorphic: false }
  const selected = new Set<string>()
  for (const field of query.fields ?? []) {
    addField(context, shape, object, field, query, children, selected)
  }
  return shape
}

function addField(
  context: QueryContext,
  shape: Shape,
  object: SoqlObject,
  item: FieldType,
  query: Query | Subquery,
  children: (subquery: Subquery) => ChildRows,
  selected: Set<string>,
): void {
  switch (item.type) {
    case 'FieldSubquery':
      shape.items.push({ kind: 'children', children: children(item.subquery) })
      return
    case 'FieldTypeof':
      shape.items.push(typeOf(context, object, item))
      return
    case 'FieldFunctionExpression': {
      const [parameter] = item.parameters
      const name = item.functionName.toUpperCase()
      if (name === 'FIELDS' && typeof parameter === 'string') {
        for (const field of fieldsOf(object, parameter.toUpperCase(), query)) {
          once(context, selected, field.name)
          shape.items.push({ kind: 'field', key: field.name, field })
        }
        return
      }
      if (name === 'TOLABEL' && typeof parameter === 'string') {
        const path = resolvePath(context, object, parameter, query.sObjectAlias)
        addPath(context, shape, object, parameter, query.sObjectAlias, 'label', item.alias)
        if (path.relationships.length === 0) once(context, selected, item.alias ?? path.field.name)
        return
      }
      throw new SoqlNotSimulated(`function ${item.functionName}()`)
    }
    default: {
      const path = 'rawValue' in item && item.rawValue ? item.rawValue : item.field
      if ('alias' in item && item.alias) {
        throw soqlErrorAt(
          context.soql,
          item.alias,
          'MALFORMED_QUERY',
          'only aggregate expressions use field aliasing',
        )
      }
      const added = addPath(context, shape, object, path, query.sObjectAlias, 'field')
      once(context, selected, added)
    }
  }
}

function once(context: QueryContext, selected: Set<string>, name: string): void {
  if (selected.has(name)) {
    throw soqlErrorAt(context.soql, name, 'INVALID_FIELD', `duplicate field selected: ${name}`)
  }
  selected.add(name)
}

function addPath(
  context: QueryContext,
  shape: Shape,
  object: SoqlObject,
  path: string,
  alias: string | undefined,
  kind: 'field' | 'label',
  key?: string,
): string {
  const { field, relationships } = resolvePath(context, object, path, alias)
  let at = shape
  let from: SoqlObject | undefined = object
  for (const name of relationships) {
    const reference: SoqlField | undefined = from?.relationship(name)
    if (!reference) throw noSuchColumn(context.soql, path, name, object.name)
    const polymorphic: boolean = (reference.referenceTo?.length ?? 0) > 1
    let item = at.items.find((candidate) => candidate.kind === 'relation' && candidate.key === name)
    if (item?.kind !== 'relation') {
      item = { kind: 'relation', key: name, reference, shape: { items: [], polymorphic } }
      at.items.push(item)
    }
    at = item.shape
    from = polymorphic ? undefined : context.source.object(reference.referenceTo?.[0] ?? '')
  }
  at.items.push({ kind, key: key ?? field.name, field })
  return [...relationships, field.name].join('.')
}

// Salesforce: SOQL reference, "FIELDS()": ALL and CUSTOM are unbounded and need LIMIT up to 200.
function fieldsOf(
  object: SoqlObject,
  group: string,
  query: Query | Subquery,
): readonly SoqlField[] {
  const all = object.fields()
  if (group === 'STANDARD') return all.filter((field) => !field.custom)
  if (group !== 'ALL' && group !== 'CUSTOM') {
    throw new SoqlError('MALFORMED_QUERY', `unexpected token: '${group}'`)
  }
  if (query.limit === undefined || query.limit > 200) {
    throw new SoqlError(
      'MALFORMED_QUERY',
      'The SOQL FIELDS function must have a LIMIT of at most 200',
    )
  }
  return group === 'ALL' ? all : all.filter((field) => field.custom)
}

function typeOf(
  context: QueryContext,
  object: SoqlObject,
  item: Extract<FieldType, { type: 'FieldTypeof' }>,
): Item {
  const reference = object.relationship(item.field)
  if (!reference || (reference.referenceTo?.length ?? 0) < 2) {
    throw noSuchColumn(context.soql, item.field, item.field, object.name)
  }
  const byType = new Map<string, Shape>()
  let other: Shape | null = null
  for (const condition of item.conditions) {
    if (condition.type === 'ELSE') {
      const shape: Shape = { items: [], polymorphic: true }
      for (const name of condition.fieldList) {
        const path = resolvePath(context, object, `${item.field}.${name}`)
        shape.items.push({ kind: 'field', key: path.field.name, field: path.field })
      }
      other = shape
      continue
    }
    const target = context.source.object(condition.objectType ?? '')
    if (!target) throw noSuchColumn(context.soql, item.field, item.field, object.name)
    const shape: Shape = { items: [], polymorphic: false }
    for (const name of condition.fieldList) {
      addPath(context, shape, target, name, undefined, 'field')
    }
    byType.set(target.name, shape)
  }
  return { kind: 'typeof', key: reference.relationshipName ?? item.field, reference, byType, other }
}

/** One record as in the answer: `attributes`, then what the shape selects. */
export function renderRecord(
  context: QueryContext,
  { object, row }: Located,
  shape: Shape,
): QueryRecord {
  const record: QueryRecord = {
    // Salesforce: behind a polymorphic relationship the type is "Name", and the url is the real one.
    attributes: { type: shape.polymorphic ? 'Name' : object.name, url: object.url(row) },
  }
  for (const item of shape.items) {
    switch (item.kind) {
      case 'field':
        record[item.key] = shape.polymorphic
          ? polymorphicValue(object, item.field, row)
          : readField(item.field, row)
        break
      case 'label': {
        const value = readField(item.field, row)
        record[item.key] = typeof value === 'string' ? labelOf(item.field, value) : value
        break
      }
      case 'relation': {
        const target = follow(context, item.reference, row)
        record[item.key] = target && renderRecord(context, target, item.shape)
        break
      }
      case 'typeof': {
        const target = follow(context, item.reference, row)
        const chosen = target && (item.byType.get(target.object.name) ?? item.other)
        record[item.key] = target && chosen ? renderRecord(context, target, chosen) : null
        break
      }
      case 'children':
        record[item.children.key] = item.children.rowsOf(row)
        break
    }
  }
  return record
}

/** The label of a picklist value; for a multi-select, those of its items. */
export function labelOf(field: SoqlField, value: string): string {
  const { label } = field
  if (!label) return value
  return field.type === 'multipicklist' ? value.split(';').map(label).join(';') : label(value)
}

function polymorphicValue(object: SoqlObject, field: SoqlField, row: SoqlRow): unknown {
  if (field.name === 'Type') return object.name
  const own = object.field(field.name)
  return own ? readField(own, row) : null
}

/** Names of the shape's own fields, without those behind relationships. */
export function ownFieldNames(shape: Shape): string[] {
  return shape.items.flatMap((item) =>
    item.kind === 'field' || item.kind === 'label' ? [item.field.name] : [],
  )
}
