// The meaningful differences of two describes, or of two automations. Pure functions.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { list } from '../../salesforce/xml.ts'
import { canonicalJson } from '../canonical.ts'

/**
 * `not_visible`: the connected user no longer sees it, but it may still exist. `now_visible`: the user
 * did not see it before. `access_changed`: only the user's access to it differs.
 */
export const CHANGES = [
  'added',
  'removed',
  'changed',
  'not_visible',
  'now_visible',
  'access_changed',
] as const
export type Change = (typeof CHANGES)[number]
/** A change of the schema itself, independent of who looks. */
export type SchemaChange = 'added' | 'removed' | 'changed'

export const isOfSchema = (change: Change): change is SchemaChange =>
  change === 'added' || change === 'removed' || change === 'changed'

/** One attribute with its values; null if one side has none. Deeper ones are `name[key].name`. */
export interface AttributeChange {
  name: string
  before: unknown
  after: unknown
}

export interface PartChange {
  api_name: string
  change: Change
  /** Empty unless changed. */
  attributes: AttributeChange[]
}

export interface ObjectDiff {
  attributes: AttributeChange[]
  fields: PartChange[]
  record_types: PartChange[]
  child_relationships: PartChange[]
}

export interface DiffOptions {
  /** Two Salesforce orgs: ids that each assigns itself do not count. */
  acrossOrgs: boolean
  /** Two API versions: a member that only one of them has does not count. */
  acrossVersions: boolean
  /** What the connected user did not see, as `Object` or `Object.Field`. */
  hidden?: { before: ReadonlySet<string>; after: ReadonlySet<string> }
}

/** Paths of the object itself, the same in every Salesforce org except for the API version. */
const NOISE = new Set(['urls'])
/** Ids and prefixes that every Salesforce org assigns itself. */
const OWN_NUMBERS = new Set(['recordTypeId', 'keyPrefix', 'id'])

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

/** In describes, the order of lists has no meaning: lists are compared as bags of their items. */
const asBag = (items: readonly unknown[]): string[] => items.map(canonicalJson).sort()

const sameValue = (before: unknown, after: unknown): boolean => {
  if (isScalar(before) || isScalar(after)) return before === after
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) return false
    const [a, b] = [asBag(before), asBag(after)]
    return a.every((item, i) => item === b[i])
  }
  return canonicalJson(before) === canonicalJson(after)
}

/** What identifies the items of a keyed list; lists without a key are compared as a whole. */
const KEYS: Readonly<Record<string, (item: JsonObject) => string>> = {
  fields: (item) => String(item.name),
  recordTypeInfos: (item) => String(item.developerName ?? item.name),
  childRelationships: (item) => `${String(item.childSObject)}.${String(item.field)}`,
  picklistValues: (item) => String(item.value),
  supportedScopes: (item) => String(item.name),
  namedLayoutInfos: (item) => String(item.name),
  actionOverrides: (item) => `${String(item.name)}/${String(item.formFactor)}`,
}

/** By key, in their order; a key that occurs twice is numbered, so that no item hides another. */
const keyed = (items: unknown, keyOf: (item: JsonObject) => string): Map<string, JsonObject> => {
  const map = new Map<string, JsonObject>()
  for (const item of Array.isArray(items) ? items : []) {
    if (!isObject(item)) continue
    const key = keyOf(item)
    let unique = key
    for (let n = 2; map.has(unique); n += 1) unique = `${key}#${n}`
    map.set(unique, item)
  }
  return map
}

const PARTS = new Set(['fields', 'recordTypeInfos', 'childRelationships'])

/**
 * Salesforce: members of a describe that say what the calling user may do, and nothing about the schema.
 */
const ACCESS = new Set([
  'createable',
  'updateable',
  'deletable',
  'undeletable',
  'mergeable',
  'queryable',
  'retrieveable',
  'searchable',
  'available',
  'defaultRecordTypeMapping',
])

const changedOr = (attributes: readonly AttributeChange[]): Change =>
  attributes.every(({ name }) => ACCESS.has(name)) ? 'access_changed' : 'changed'

/**
 * How a whole object changed, derived from its parts: if all have the same reason, the object has it
 * too.
 */
export const changeOf = ({ attributes, ...parts }: ObjectDiff): Change => {
  const kinds = new Set([
    ...Object.values(parts).flatMap((list) => list.map(({ change }) => change)),
    ...(attributes.length === 0 ? [] : [changedOr(attributes)]),
  ])
  if ([...kinds].some(isOfSchema)) return 'changed'
  const [only] = kinds
  return kinds.size === 1 && only !== undefined ? only : 'access_changed'
}

/** The names under which a part of an object may be hidden. */
const hiddenNames = (
  name: 'fields' | 'recordTypeInfos' | 'childRelationships',
  object: string,
  item: JsonObject,
): string[] => {
  if (name === 'fields') return [`${object}.${String(item.name)}`]
  const child = String(item.childSObject)
  return name === 'recordTypeInfos' ? [] : [child, `${child}.${String(item.field)}`]
}

/** Differing members of two objects, lists with a key item by item. */
const attributesOf = (
  before: JsonObject,
  after: JsonObject,
  options: DiffOptions,
  skip: ReadonlySet<string> = new Set(),
): AttributeChange[] => {
  const changes: AttributeChange[] = []
  for (const name of Object.keys({ ...before, ...after }).sort()) {
    if (skip.has(name) || NOISE.has(name)) continue
    if (options.acrossOrgs && OWN_NUMBERS.has(name)) continue
    const [a, b] = [before[name] ?? null, after[name] ?? null]
    if (options.acrossVersions && !(Object.hasOwn(before, name) && Object.hasOwn(after, name))) {
      continue
    }
    if (a === b) continue
    const keyOf = KEYS[name]
    if (keyOf !== undefined && Array.isArray(a) && Array.isArray(b)) {
      changes.push(...itemsOf(name, keyed(a, keyOf), keyed(b, keyOf), options))
    } else if (isObject(a) && isObject(b)) {
      for (const inner of attributesOf(a, b, options)) {
        changes.push({ ...inner, name: `${name}.${inner.name}` })
      }
    } else if (!sameValue(a, b)) changes.push({ name, before: a, after: b })
  }
  return changes
}

const itemsOf = (
  name: string,
  before: ReadonlyMap<string, JsonObject>,
  after: ReadonlyMap<string, JsonObject>,
  options: DiffOptions,
): AttributeChange[] => {
  const changes: AttributeChange[] = []
  for (const [key, item] of before) {
    const other = after.get(key)
    if (other === undefined) changes.push({ name: `${name}[${key}]`, before: item, after: null })
    else {
      for (const inner of attributesOf(item, other, options)) {
        changes.push({ ...inner, name: `${name}[${key}].${inner.name}` })
      }
    }
  }
  for (const [key, item] of after) {
    if (!before.has(key)) changes.push({ name: `${name}[${key}]`, before: null, after: item })
  }
  return changes
}

const partsOf = (
  name: 'fields' | 'recordTypeInfos' | 'childRelationships',
  before: JsonObject,
  after: JsonObject,
  options: DiffOptions,
): PartChange[] => {
  const keyOf = KEYS[name] ?? String
  const [a, b] = [keyed(before[name], keyOf), keyed(after[name], keyOf)]
  const object = String(after.name)
  const isHidden = (side: 'before' | 'after', item: JsonObject): boolean =>
    hiddenNames(name, object, item).some((key) => options.hidden?.[side].has(key) === true)
  const parts: PartChange[] = []
  const whole = (api_name: string, change: Change): void => {
    parts.push({ api_name, change, attributes: [] })
  }
  for (const [key, item] of a) {
    const other = b.get(key)
    if (other === undefined) whole(key, isHidden('after', item) ? 'not_visible' : 'removed')
    else {
      const attributes = attributesOf(item, other, options)
      if (attributes.length > 0) {
        parts.push({ api_name: key, change: changedOr(attributes), attributes })
      }
    }
  }
  for (const [key, item] of b) {
    if (!a.has(key)) whole(key, isHidden('before', item) ? 'now_visible' : 'added')
  }
  if (name === 'fields') {
    for (const field of goneWhileHidden(object, options)) {
      if (!a.has(field) && !b.has(field)) whole(field, 'removed')
    }
  }
  return parts.sort((x, y) => (x.api_name < y.api_name ? -1 : 1))
}

/** Fields that were hidden before and are now neither hidden nor visible: known to be gone. */
const goneWhileHidden = (object: string, { hidden }: DiffOptions): string[] => {
  const prefix = `${object}.`
  return [...(hidden?.before ?? [])]
    .filter((key) => key.startsWith(prefix) && hidden?.after.has(key) !== true)
    .map((key) => key.slice(prefix.length))
}

/** The differences of two describes of one object; null if there is none that matters. */
export const diffDescribes = (
  before: JsonObject,
  after: JsonObject,
  options: DiffOptions,
): ObjectDiff | null => {
  const diff: ObjectDiff = {
    attributes: attributesOf(before, after, options, PARTS),
    fields: partsOf('fields', before, after, options),
    record_types: partsOf('recordTypeInfos', before, after, options),
    child_relationships: partsOf('childRelationships', before, after, options),
  }
  return Object.values(diff).some((changes: unknown[]) => changes.length > 0) ? diff : null
}

/** In XML a list of one is not a list; the order of elements has a meaning (steps, rule entries). */
const sameDefinition = (before: unknown, after: unknown): boolean => {
  if (Array.isArray(before) || Array.isArray(after)) {
    const [a, b] = [list(before), list(after)]
    return a.length === b.length && a.every((item, i) => sameDefinition(item, b[i]))
  }
  if (!isObject(before) || !isObject(after)) return (before ?? null) === (after ?? null)
  return Object.keys({ ...before, ...after }).every((name) =>
    sameDefinition(before[name], after[name]),
  )
}

/** The differences of two states of one automation; being saved again is not a difference. */
export const diffAutomations = (
  before: JsonObject,
  after: JsonObject,
  { acrossOrgs }: Pick<DiffOptions, 'acrossOrgs'>,
): AttributeChange[] => {
  const changes: AttributeChange[] = []
  const compare = (prefix: string, a: JsonObject, b: JsonObject): void => {
    for (const name of Object.keys({ ...a, ...b }).sort()) {
      if (name === 'last_modified_at' || (prefix === '' && name === 'definition')) continue
      if (acrossOrgs && /(^|_)versions?$/.test(name)) continue
      if (sameDefinition(a[name], b[name])) continue
      changes.push({ name: prefix + name, before: a[name] ?? null, after: b[name] ?? null })
    }
  }
  compare('', before, after)
  if (isObject(before.definition) && isObject(after.definition)) {
    compare('definition.', before.definition, after.definition)
  } else if (!sameDefinition(before.definition, after.definition)) {
    changes.push({ name: 'definition', before: before.definition, after: after.definition })
  }
  return changes
}
