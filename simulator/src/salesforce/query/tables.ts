import type {
  Confinement,
  SoqlField,
  SoqlObject,
  SoqlRestrictions,
  SoqlRow,
  SoqlSource,
  SoqlValue,
} from '../../soql/schema.ts'

/** A column: its describe type, or a reference with the relationship's name. */
export type ColumnSpec = string | { to: readonly string[]; as: string }

/** A reference column: `reference('Flow', 'ActiveVersion')`. */
export function reference(to: string | readonly string[], as: string): ColumnSpec {
  return { to: typeof to === 'string' ? [to] : to, as }
}

/** A virtual entity: rows computed from the state of the Salesforce org, not stored as records. */
export interface VirtualTable {
  name: string
  columns: Record<string, ColumnSpec>
  /** The key of a row in urls and references; `Id` unless the entity has only a durable id. */
  key?: string
  restrictions?: SoqlRestrictions
  /** Paths (lower case) whose restriction lets `rows` compute fewer rows. */
  confinedBy?: readonly string[]
  rows(confined: Confinement): Iterable<SoqlRow>
}

// Salesforce: these types can be neither filtered nor sorted (SOQL reference, field properties).
const opaque = new Set(['complexvalue', 'textarea', 'base64'])

/** Expensive values are functions in rows, called only when a query reads them. */
function computed(value: unknown): SoqlValue {
  return typeof value === 'function' ? (value as () => SoqlValue)() : (value ?? null)
}

function columnField(name: string, spec: ColumnSpec): SoqlField {
  const type = typeof spec === 'string' ? spec : 'reference'
  const usable = !opaque.has(type)
  return {
    name,
    type,
    custom: false,
    filterable: usable,
    sortable: usable,
    groupable: usable,
    ...(type === 'complexvalue' ? { read: (row: SoqlRow) => computed(row[name]) } : {}),
    ...(type === 'boolean' ? { read: (row: SoqlRow) => row[name] ?? false } : {}),
    ...(typeof spec === 'string' ? {} : { referenceTo: spec.to, relationshipName: spec.as }),
  }
}

export type TableObject = SoqlObject & { table: VirtualTable }

/** Gives a virtual table the interface of the query engine. */
export function tableObject(table: VirtualTable, urlBase: string): TableObject {
  const fields = Object.entries(table.columns).map(([name, spec]) => columnField(name, spec))
  const byName = new Map(fields.map((field) => [field.name.toLowerCase(), field]))
  const byRelationship = new Map(
    fields.flatMap((field) =>
      field.relationshipName ? [[field.relationshipName.toLowerCase(), field] as const] : [],
    ),
  )
  return {
    table,
    name: table.name,
    field: (name) => byName.get(name.toLowerCase()),
    fields: () => fields,
    relationship: (name) => byRelationship.get(name.toLowerCase()),
    childRelationship: () => undefined,
    ...(table.restrictions ? { restrictions: table.restrictions } : {}),
    url: (row) => `${urlBase}/sobjects/${table.name}/${String(row[table.key ?? 'Id'])}`,
  }
}

/**
 * A query's view of virtual tables. Made per query: a table's rows are computed on first use and
 * kept until the query is done, so that a path over a million rows computes its target once.
 */
export function tableSource(
  tables: ReadonlyMap<string, VirtualTable>,
  urlBase: string,
  now: () => Date,
): SoqlSource & { object(name: string): TableObject | undefined } {
  const objects = new Map<string, TableObject>()
  const rows = new Map<string, readonly SoqlRow[]>()
  const indexes = new Map<string, ReadonlyMap<string, SoqlRow>>()
  const rowsOf = (table: VirtualTable) => {
    const known = rows.get(table.name)
    if (known) return known
    const all = [...table.rows(new Map())]
    rows.set(table.name, all)
    return all
  }
  const indexOf = (table: VirtualTable) => {
    const known = indexes.get(table.name)
    if (known) return known
    const index = new Map(rowsOf(table).map((row) => [keyOf(row[table.key ?? 'Id']), row]))
    indexes.set(table.name, index)
    return index
  }
  const tableOf = (object: SoqlObject) => tables.get(object.name.toLowerCase())
  return {
    object(name) {
      const lower = name.toLowerCase()
      const known = objects.get(lower)
      if (known) return known
      const table = tables.get(lower)
      if (!table) return undefined
      const object = tableObject(table, urlBase)
      objects.set(lower, object)
      return object
    },
    rows(object, confined) {
      const table = tableOf(object)
      if (!table) return []
      const narrow = table.confinedBy?.some((path) => confined.has(path)) ?? false
      return narrow ? table.rows(confined) : rowsOf(table)
    },
    rowById(object, id) {
      const table = tableOf(object)
      if (!table) return undefined
      return indexOf(table).get(keyOf(id))
    },
    now,
  }
}

/** Salesforce ids match by 15 characters; durable ids (`Account`, `Account.00N…`) as a whole. */
function keyOf(id: unknown): string {
  const text = typeof id === 'string' ? id : ''
  return /^[0-9a][A-Za-z0-9]{14}([A-Za-z0-9]{3})?$/.test(text) ? text.slice(0, 15) : text
}
