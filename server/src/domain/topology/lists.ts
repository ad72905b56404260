// The light lists of one snapshot: what it has, without whole describes. Only the describes of a page are
// opened.

import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { listObjects } from '../../salesforce/xml.ts'
import { EngineError } from '../../errors.ts'
import { didYouMean } from '../mappings/suggest/words.ts'
import { type PageRequest, positionCursor, positionOf } from '../page.ts'
import { type Contents } from './contents.ts'
import { type Manifest } from './manifest.ts'
import { type SnapshotRow } from './snapshots.ts'

export interface ListedSnapshot {
  id: string
  version: number | null
  completed_at: string | null
}

export interface ListedObject {
  api_name: string
  label: string | null
  label_plural: string | null
  key_prefix: string | null
  custom: boolean
  fields_count: number
  record_types_count: number
}

export interface ListedField {
  api_name: string
  label: string | null
  type: string
  custom: boolean
  required: boolean
  unique: boolean
  external_id: boolean
  calculated: boolean
  length: number | null
  reference_to: string[]
  picklist_values_count: number
}

export interface LightList<Item> {
  snapshot: ListedSnapshot
  total: number
  items: Item[]
  next_cursor: string | null
}

interface Source {
  row: SnapshotRow
  manifest: Manifest
  contents: Contents
}

interface ListRequest extends PageRequest {
  /** A part of the API name (of a field: or of its label), without regard to case. */
  query?: string | undefined
}

const snapshotOf = ({ row }: Source): ListedSnapshot => ({
  id: row.id,
  version: row.version,
  completed_at: row.completed_at?.toISOString() ?? null,
})

/** The page after the cursor of items that are sorted by name. */
const pageOfNames = <Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  request: ListRequest,
): { page: Item[]; next_cursor: string | null } => {
  const [after] = positionOf(request, 1) ?? []
  const rest = after === undefined ? items : items.filter((item) => nameOf(item) > after)
  const page = rest.slice(0, request.limit)
  const last = page.at(-1)
  return {
    page,
    next_cursor:
      last !== undefined && rest.length > page.length
        ? positionCursor([nameOf(last)], request)
        : null,
  }
}

const holds = (query: string | undefined, ...texts: (string | null)[]): boolean =>
  query === undefined ||
  texts.some((text) => text?.toLowerCase().includes(query.toLowerCase()) === true)

const parse = (bytes: Buffer | undefined): JsonObject => {
  const content: unknown = JSON.parse(String(bytes))
  return isObject(content) ? content : {}
}

/** Objects by name. */
export const listObjectsOf = async (
  source: Source,
  request: ListRequest,
): Promise<LightList<ListedObject>> => {
  const wanted = [...source.manifest.objects].filter(([name]) => holds(request.query, name))
  const { page, next_cursor } = pageOfNames(wanted, ([name]) => name, request)
  const texts = await source.contents.read(page.map(([, { hash }]) => hash))
  return {
    snapshot: snapshotOf(source),
    total: wanted.length,
    items: page.map(([name, { hash, fieldsCount }]) => {
      const describe = parse(texts.get(hash))
      return {
        api_name: name,
        label: asText(describe.label),
        label_plural: asText(describe.labelPlural),
        key_prefix: asText(describe.keyPrefix),
        custom: describe.custom === true,
        fields_count: fieldsCount,
        record_types_count: listObjects(describe.recordTypeInfos).filter(
          ({ master }) => master !== true,
        ).length,
      }
    }),
    next_cursor,
  }
}

const toField = (field: JsonObject): ListedField => ({
  api_name: asText(field.name) ?? '',
  label: asText(field.label),
  type: asText(field.type) ?? 'unknown',
  custom: field.custom === true,
  required: isRequired(field),
  unique: field.unique === true,
  external_id: field.externalId === true,
  calculated: field.calculated === true,
  length: typeof field.length === 'number' && field.length > 0 ? field.length : null,
  reference_to: Array.isArray(field.referenceTo)
    ? field.referenceTo.flatMap((name) => asText(name) ?? [])
    : [],
  picklist_values_count: listObjects(field.picklistValues).length,
})

/**
 * Whether no record can be created without a value. Salesforce: a checkbox is never empty, and what has a
 * value from the start may be left out.
 */
export const isRequired = (field: JsonObject): boolean =>
  field.nillable === false &&
  field.defaultedOnCreate !== true &&
  field.createable !== false &&
  field.type !== 'boolean'

/** Fields of one object by name. Throws `unknown_object`. */
export const listFieldsOf = async (
  source: Source,
  request: ListRequest & { object: string },
): Promise<LightList<ListedField> & { object: string }> => {
  const wanted = request.object.toLowerCase()
  const found = [...source.manifest.objects].find(([name]) => name.toLowerCase() === wanted)
  if (found === undefined) throw unknownObject(source.manifest, request.object)
  const [name, { hash }] = found
  const describe = parse((await source.contents.read([hash])).get(hash))
  const fields = listObjects(describe.fields)
    .map(toField)
    .filter(({ api_name: field, label }) => holds(request.query, field, label))
    .sort((a, b) => (a.api_name < b.api_name ? -1 : 1))
  const { page, next_cursor } = pageOfNames(fields, (field) => field.api_name, request)
  return {
    snapshot: snapshotOf(source),
    object: name,
    total: fields.length,
    items: page,
    next_cursor,
  }
}

const unknownObject = (manifest: Manifest, object: string): EngineError => {
  const near = didYouMean(object, [...manifest.objects.keys()])
  const message = `This version does not describe an object ${object}.${near}`
  return new EngineError('unknown_object', message, {
    errors: [{ path: 'object', code: 'unknown_object', message }],
  })
}
