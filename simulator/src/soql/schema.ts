/**
 * What the SOQL engine needs to know about the data that it queries. The engine itself holds no data and
 * knows no Salesforce object by name: REST and Tooling each pass it their own `SoqlSource`.
 */

export type SoqlValue = string | number | boolean | null | object

/** One record: API field name → value, dates as Salesforce writes them. */
export type SoqlRow = Readonly<Record<string, unknown>>

export interface SoqlField {
  /** API name in its original letter case; answers use it, whatever the query's case was. */
  name: string
  /** Describe type: id, reference, string, picklist, multipicklist, boolean, double, date, … */
  type: string
  custom: boolean
  filterable: boolean
  sortable: boolean
  groupable: boolean
  /** Objects that a reference points to; more than one makes it polymorphic. */
  referenceTo?: readonly string[]
  /** The name that a path uses to follow the reference (`Owner` of `OwnerId`). */
  relationshipName?: string | null
  /** Display label of a picklist value, for `toLabel()`. */
  label?: (value: string) => string
  /** How to read the value if it is not simply `row[name]` (compound address, Metadata). */
  read?: (row: SoqlRow) => SoqlValue
}

/** Restrictions of the virtual entities. Salesforce: Tooling API guide, "SOQL operation limits". */
export interface SoqlRestrictions {
  /** Only `=` and `IN`; no OR, NOT, COUNT, GROUP BY, OFFSET; LIMIT has no effect; no queryMore. */
  metadataEntity?: boolean
  /** Does not exist for the querying user, except through a relationship. */
  hidden?: boolean
  /** Only a sub-query of a parent can read it. */
  onlyThroughParent?: boolean
  /** No functions over rows and no GROUP BY; a bare COUNT() is allowed. */
  noGrouping?: boolean
  /** At least one of these paths must be filtered by equality. */
  requiredFilters?: readonly string[]
  /** Selecting one of these is allowed only when at most one row matches. */
  singleRowFields?: readonly string[]
  /** A query may not return more rows than this. */
  maxRows?: number
}

/** A relationship seen from the parent: `Contacts` of Account, by Contact's `AccountId`. */
export interface SoqlChildRelationship {
  name: string
  object: string
  field: string
}

export interface SoqlObject {
  name: string
  /** Absent for fields that the querying user may not see. */
  field(name: string): SoqlField | undefined
  fields(): readonly SoqlField[]
  /** The field whose relationship has this name. */
  relationship(name: string): SoqlField | undefined
  /** The name in a sub-query's FROM. */
  childRelationship(name: string): SoqlChildRelationship | undefined
  restrictions?: SoqlRestrictions
  /** The `attributes.url` of a row. Virtual entities without an Id have their DurableId in it. */
  url(row: SoqlRow): string
}

/** Values that equality conditions restrict paths to: lower-cased path → values as written. */
export type Confinement = ReadonlyMap<string, readonly string[]>

export interface SoqlSource {
  /** Found in any letter case; absent if the object is unknown or the user may not read it. */
  object(name: string): SoqlObject | undefined
  /** Whether Salesforce has an object of this name that is not simulated. */
  unsimulated?(name: string): boolean
  /**
   * All rows, or only those that can match `confined`. The engine tests every row that it gets, so a
   * source may ignore it.
   */
  rows(object: SoqlObject, confined: Confinement): Iterable<SoqlRow>
  /** `id` is 15 or 18 characters long. */
  rowById(object: SoqlObject, id: string): SoqlRow | undefined
  now(): Date
}

/** Refused as Salesforce refuses it: the code and text go to the caller unchanged. */
export class SoqlError extends Error {
  override name = 'SoqlError'
  readonly errorCode: string

  constructor(errorCode: string, message: string) {
    super(message)
    this.errorCode = errorCode
  }
}

/** Valid SOQL that this engine does not evaluate. It must be refused, never answered partially. */
export class SoqlNotSimulated extends Error {
  override name = 'SoqlNotSimulated'
}

/**
 * An error at a position in the query. Salesforce puts the text around it and a caret before the
 * message: newline, excerpt, newline, caret, "ERROR at Row:r:Column:c".
 */
export function soqlErrorAt(
  soql: string,
  token: string,
  errorCode: string,
  message: string,
): SoqlError {
  const at = locate(soql, token)
  const before = soql.slice(0, at)
  const row = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1) + 1
  const start = Math.max(0, at - 40, before.lastIndexOf('\n') + 1)
  const lineEnd = soql.indexOf('\n', at)
  const excerpt = soql.slice(start, Math.min(lineEnd < 0 ? soql.length : lineEnd, at + 40))
  const caret = ' '.repeat(at - start) + '^'
  return new SoqlError(
    errorCode,
    `\n${excerpt}\n${caret}\nERROR at Row:${row}:Column:${column}\n${message}`,
  )
}

function locate(soql: string, token: string): number {
  const escaped = token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const found = new RegExp(`(?<![\\w.])${escaped}(?!\\w)`, 'i').exec(soql)
  return found ? found.index : Math.max(0, soql.toLowerCase().indexOf(token.toLowerCase()))
}

export function noSuchColumn(soql: string, path: string, column: string, entity: string) {
  return soqlErrorAt(
    soql,
    path,
    'INVALID_FIELD',
    `No such column '${column}' on entity '${entity}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
  )
}

export function unknownType(soql: string, name: string) {
  return soqlErrorAt(
    soql,
    name,
    'INVALID_TYPE',
    `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`,
  )
}
