import { findObject } from '../../org/changes.ts'
import { FormulaNotSimulated, FormulaSyntaxError } from '../../formula/formula.ts'
import type { Field, Org, Row, SObject } from '../../org/model.ts'
import { isCustomMetadataType } from '../../org/schema.ts'
import type { Viewer } from '../../org/visibility.ts'
import { computedValue, isComputed } from '../../records/formulas.ts'
import { asDouble, isNumberType } from '../../records/long-numbers.ts'
import { recordStateOf } from '../../records/state.ts'
import {
  SoqlNotSimulated,
  type Confinement,
  type SoqlField,
  type SoqlObject,
  type SoqlRow,
  type SoqlSource,
  type SoqlValue,
} from '../../soql/schema.ts'
import { isDocumentedObject } from '../../documented.ts'
import { childRelationships } from '../../org/child-relationships.ts'
import { toolingTables } from '../tooling/component-tables.ts'
import { asSeenBy } from '../tooling/entity-tables.ts'
import { setupTables, userPermissionAccess } from './setup-tables.ts'
import { tableSource } from './tables.ts'

export interface OrgSourceOptions {
  org: Org
  viewer: Viewer
  /** `/services/data/v67.0` */
  base: string
  /** Whether rows in the recycle bin are included: queryAll. */
  deletedToo: boolean
}

// Tooling objects that REST queries also know.
const alsoInRest = new Set(['entitydefinition', 'fielddefinition', 'entityparticle', 'apextrigger'])

/**
 * A user's view of the records of a Salesforce org for one query. Objects and fields that the user
 * may not see do not exist for it.
 */
export function orgSource(options: OrgSourceOptions): SoqlSource {
  const { org, viewer, base, deletedToo } = options
  const tables = setupTables(org)
  tables.set('userpermissionaccess', userPermissionAccess(viewer))
  for (const [name, table] of toolingTables(org)) if (alsoInRest.has(name)) tables.set(name, table)
  const virtual = tableSource(tables, base, () => new Date())
  const objects = new Map<string, SoqlObject>()

  const resolve = (name: string): SoqlObject | undefined => {
    const def = findObject(org, name)
    if (!def) return asSeenBy(viewer, virtual.object(name))
    if (!viewer.seesObject(def)) return undefined
    return withColumnsOf(virtual.object(name), def, objectView(org, viewer, def, base))
  }
  const virtualOf = (object: SoqlObject) => virtual.object(object.name)
  const recordsOf = (object: SoqlObject) => org.records.get(object.name.toLowerCase())
  const alive = (row: SoqlRow) => deletedToo || row['IsDeleted'] !== true

  return {
    object(name) {
      const lower = name.toLowerCase()
      const known = objects.get(lower)
      if (known) return known
      const object = resolve(name)
      if (object) objects.set(lower, object)
      return object
    },
    unsimulated: (name) => findObject(org, name) === undefined && isDocumentedObject(name),
    *rows(object: SoqlObject, confined: Confinement) {
      const table = virtualOf(object)
      if (table) yield* virtual.rows(table, confined)
      const few = table ? null : indexedRows(org, object.name, confined)
      for (const row of few ?? recordsOf(object)?.values() ?? []) {
        if (alive(row) && !(table && virtual.rowById(table, row.Id))) yield row
      }
    },
    rowById(object, id) {
      const table = virtualOf(object)
      const computed = table && virtual.rowById(table, id)
      if (computed) return computed
      const records = recordsOf(object)
      const row = records && findRow(records, id)
      return row && alive(row) ? row : undefined
    },
    now: () => new Date(),
  }
}

/** Rows found by an index, if the query asks for values of an indexed field; or null. */
function indexedRows(org: Org, name: string, confined: Confinement): Row[] | null {
  const object = findObject(org, name)
  for (const [path, values] of object ? confined : []) {
    const field = object?.fields.get(path)
    if (!object || !field || isComputed(field) || values.includes('')) continue
    const { externalId, unique, idLookup, type } = field.describe
    if (type === 'id' || !(externalId || unique || idLookup || type === 'reference')) continue
    const { store } = recordStateOf(org)
    const ids = new Set(values.flatMap((value) => store.idsWith(object, field, value)))
    return [...ids].flatMap((id) => store.row(object, id) ?? [])
  }
  return null
}

/** A setup entity also has the columns that its describe leaves out. */
function withColumnsOf(table: SoqlObject | undefined, def: SObject, view: SoqlObject): SoqlObject {
  if (!table) return view
  const missing = table.fields().filter(({ name }) => !def.fields.has(name.toLowerCase()))
  const extra = new Map(missing.map((field) => [field.name.toLowerCase(), field]))
  return {
    ...view,
    field: (name) => view.field(name) ?? extra.get(name.toLowerCase()),
    fields: () => [...view.fields(), ...missing],
    relationship: (name) => view.relationship(name) ?? table.relationship(name),
  }
}

function findRow(records: ReadonlyMap<string, SoqlRow>, id: string): SoqlRow | undefined {
  const exact = records.get(id)
  if (exact || id.length === 18) return exact
  for (const [key, row] of records) if (key.startsWith(id)) return row
  return undefined
}

function objectView(org: Org, viewer: Viewer, def: SObject, base: string): SoqlObject {
  const views = new Map<Field, SoqlField>()
  const view = (field: Field | undefined): SoqlField | undefined => {
    if (!field || !viewer.seesField(def, field)) return undefined
    const known = views.get(field)
    if (known) return known
    const made = fieldView(org, def, field)
    views.set(field, made)
    return made
  }
  return {
    name: def.name,
    field: (name) => view(def.fields.get(name.toLowerCase())),
    fields: () =>
      [...def.fields.values()].flatMap((field) => {
        const visible = view(field)
        return visible ? [visible] : []
      }),
    relationship(name) {
      const lower = name.toLowerCase()
      for (const field of def.fields.values()) {
        if (field.describe.relationshipName?.toLowerCase() === lower) return view(field)
      }
      return undefined
    },
    childRelationship(name) {
      const lower = name.toLowerCase()
      for (const child of childRelationships(org, def) as ChildRelationship[]) {
        if (child.relationshipName?.toLowerCase() === lower) {
          return { name: child.relationshipName, object: child.childSObject, field: child.field }
        }
      }
      return undefined
    },
    ...(def.describe.queryable ? {} : { restrictions: { onlyThroughParent: true } }),
    ...(isCustomMetadataType(def.name) ? { restrictions: { noGrouping: true } } : {}),
    url: (row) => `${base}/sobjects/${def.name}/${String(row['Id'])}`,
  }
}

interface ChildRelationship {
  relationshipName: string | null
  childSObject: string
  field: string
}

function fieldView(org: Org, def: SObject, field: Field): SoqlField {
  const { describe } = field
  const labels = new Map(describe.picklistValues.map(({ value, label }) => [value, label]))
  const read = fieldReader(org, def, field)
  return {
    name: describe.name,
    type: describe.type,
    custom: describe.custom,
    filterable: describe.filterable,
    sortable: describe.sortable,
    groupable: describe.groupable,
    referenceTo: describe.referenceTo,
    relationshipName: describe.relationshipName,
    ...(labels.size > 0 ? { label: (value: string) => labels.get(value) ?? value } : {}),
    ...(read ? { read } : {}),
  }
}

type Reader = (row: SoqlRow) => SoqlValue

/** How to read a field that is not simply in the row; undefined for fields that are. */
export function fieldReader(org: Org, def: SObject, field: Field): Reader | undefined {
  const { name, type } = field.describe
  if (!isComputed(field)) return compoundReader(def, name, type)
  return (row) => {
    try {
      return computedValue(org, def, field, row as Row) as SoqlValue
    } catch (error) {
      if (!(error instanceof FormulaNotSimulated || error instanceof FormulaSyntaxError))
        throw error
      throw new SoqlNotSimulated(`the formula of ${def.name}.${name}: ${error.message}`)
    }
  }
}

// Salesforce: compound fields (addresses, locations, person names) are composed from their components;
// the answer names an address's parts in lower camel case.
function compoundReader(def: SObject, name: string, type: string): Reader | undefined {
  const stored: Reader = (row) => row[name] ?? null
  if (type === 'address') {
    const prefix = name.replace(/Address$/, '')
    const parts = [...def.fields.values()].filter(
      ({ describe }) => describe.compoundFieldName === name,
    )
    return (row) => {
      const own = stored(row)
      if (own !== null) return own
      const entries = parts.map(({ describe }) => {
        const part = describe.name.slice(prefix.length)
        return [part.charAt(0).toLowerCase() + part.slice(1), row[describe.name] ?? null] as const
      })
      return entries.some(([, value]) => value !== null) ? Object.fromEntries(entries) : null
    }
  }
  if (name === 'Name' && def.fields.has('firstname') && def.fields.has('lastname')) {
    return (row) => {
      const whole = [row['FirstName'], row['LastName']].filter(
        (part) => typeof part === 'string' && part !== '',
      )
      return stored(row) ?? (whole.length > 0 ? whole.join(' ') : null)
    }
  }
  if (type === 'boolean') return (row) => stored(row) ?? false
  if (isNumberType(type)) return (row) => asDouble(stored(row)) as SoqlValue
  return undefined
}
