import {
  noSuchColumn,
  soqlErrorAt,
  SoqlError,
  SoqlNotSimulated,
  unknownType,
  type SoqlField,
  type SoqlObject,
  type SoqlRow,
  type SoqlSource,
  type SoqlValue,
} from './schema.ts'

/** Shared by all steps of one query's evaluation. */
export interface QueryContext {
  source: SoqlSource
  /** The query text, for the excerpt in error messages. */
  soql: string
}

/** A row with its object (known only per row behind a polymorphic path). */
export interface Located {
  object: SoqlObject
  row: SoqlRow
}

export interface ResolvedPath {
  /** Relationship names in their original letter case, without the final field. */
  relationships: readonly string[]
  field: SoqlField
  /** True if some step of the path may lead to one of several objects. */
  polymorphic: boolean
  /** Null if a reference on the path is empty, or points to a row that does not exist. */
  read: (row: SoqlRow) => SoqlValue
}

// Salesforce: a polymorphic relationship shows the fields of the "Name" sObject only.
const nameFields = new Set(
  'id name type firstname lastname username email phone title alias isactive profileid userroleid'.split(
    ' ',
  ),
)

/** The object that a query names in FROM. */
export function fromObject(context: QueryContext, name: string): SoqlObject {
  const object = context.source.object(name)
  if (object?.restrictions?.onlyThroughParent) {
    throw new SoqlError(
      'INVALID_TYPE_FOR_OPERATION',
      `entity type ${object.name} does not support query`,
    )
  }
  if (object && !object.restrictions?.hidden) return object
  if (object) throw unknownType(context.soql, name)
  if (context.source.unsimulated?.(name)) throw new SoqlNotSimulated(`the object ${name}`)
  throw unknownType(context.soql, name)
}

export function readField(field: SoqlField, row: SoqlRow): SoqlValue {
  return field.read ? field.read(row) : (row[field.name] ?? null)
}

/** Follows one reference. Null if it is empty or dangling. */
export function follow(context: QueryContext, reference: SoqlField, row: SoqlRow): Located | null {
  const id = readField(reference, row)
  if (typeof id !== 'string') return null
  for (const name of reference.referenceTo ?? []) {
    const object = context.source.object(name)
    const target = object && context.source.rowById(object, id)
    if (object && target) return { object, row: target }
  }
  return null
}

function isPolymorphic(reference: SoqlField): boolean {
  return (reference.referenceTo?.length ?? 0) > 1
}

/**
 * Resolves a dotted path against an object, once per query. `alias` is what FROM named the object.
 * Throws INVALID_FIELD for an unknown column or relationship; a field hidden from the user by
 * field-level security is also unknown.
 */
export function resolvePath(
  context: QueryContext,
  from: SoqlObject,
  path: string,
  alias?: string,
): ResolvedPath {
  const segments = path.split('.')
  const first = segments[0]?.toLowerCase()
  if (
    segments.length > 1 &&
    (first === alias?.toLowerCase() || first === from.name.toLowerCase()) &&
    !from.relationship(segments[0] ?? '')
  ) {
    segments.shift()
  }
  const column = segments.pop() ?? path
  const references: SoqlField[] = []
  let object: SoqlObject | undefined = from
  for (const segment of segments) {
    const reference: SoqlField | undefined = object?.relationship(segment)
    if (!reference || !object) throw unknownRelationship(context, path, segment)
    references.push(reference)
    object = isPolymorphic(reference)
      ? undefined
      : context.source.object(reference.referenceTo?.[0] ?? '')
    if (!object && !isPolymorphic(reference)) {
      const [target = ''] = reference.referenceTo ?? []
      if (context.source.unsimulated?.(target)) throw new SoqlNotSimulated(`the object ${target}`)
      throw unknownRelationship(context, path, segment)
    }
  }
  const relationships = references.map((reference) => reference.relationshipName ?? reference.name)
  const last = references.at(-1)
  const walk = (row: SoqlRow): Located | null => {
    let at: Located | null = { object: from, row }
    for (const reference of references) at = at && follow(context, reference, at.row)
    return at
  }
  if (!object && last) {
    const field = nameObjectField(context, last, column)
    if (!field) throw noSuchColumn(context.soql, path, column, 'Name')
    return {
      relationships,
      field,
      polymorphic: true,
      read(row) {
        const target = walk(row)
        if (!target) return null
        if (field.name === 'Type') return target.object.name
        const own = target.object.field(field.name)
        return own ? readField(own, target.row) : null
      },
    }
  }
  const field = object?.field(column)
  if (!field) throw noSuchColumn(context.soql, path, column, object?.name ?? from.name)
  return {
    relationships,
    field,
    polymorphic: false,
    read: references.length
      ? (row) => {
          const target = walk(row)
          return target && readField(field, target.row)
        }
      : (row) => readField(field, row),
  }
}

/** A field of the "Name" sObject, as the first of the reference's targets that has it defines it. */
function nameObjectField(
  context: QueryContext,
  reference: SoqlField,
  column: string,
): SoqlField | undefined {
  if (!nameFields.has(column.toLowerCase())) return undefined
  if (column.toLowerCase() === 'type') {
    const flags = { filterable: true, sortable: true, groupable: true, custom: false }
    return { name: 'Type', type: 'picklist', ...flags }
  }
  for (const name of reference.referenceTo ?? []) {
    const field = context.source.object(name)?.field(column)
    if (field) return field
  }
  return undefined
}

function unknownRelationship(context: QueryContext, path: string, segment: string) {
  return soqlErrorAt(
    context.soql,
    path,
    'INVALID_FIELD',
    `Didn't understand relationship '${segment}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
  )
}
