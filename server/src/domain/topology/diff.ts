// What two describes, or two automations, differ in as far as it means something. Pure functions.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { list } from '../../salesforce/xml.ts'
import { canonicalJson } from '../canonical.ts'

export type Change = 'added' | 'removed' | 'changed'

/** One attribute with its values; null where one side has none. Deeper ones are `name[key].name`. */
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
  /** Two Salesforce orgs: what each of them numbers by itself does not count. */
  acrossOrgs: boolean
  /** Two API versions: a member that only one of them has does not count. */
  acrossVersions: boolean
}

/** Paths of the object itself, the same in every Salesforce org but for its API version. */
const NOISE = new Set(['urls'])
/** Ids and prefixes that every Salesforce org gives out by itself. */
const OWN_NUMBERS = new Set(['recordTypeId', 'keyPrefix', 'id'])

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Describes give the order of no list a meaning: lists compare as bags of their items. */
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

/** How the items of a keyed list are told apart; lists without a key compare as a whole. */
const KEYS: Readonly<Record<string, (item: JsonObject) => string>> = {
  fields: (item) => String(item.name),
  recordTypeInfos: (item) => String(item.developerName ?? item.name),
  childRelationships: (item) => `${String(item.childSObject)}.${String(item.field)}`,
  picklistValues: (item) => String(item.value),
  supportedScopes: (item) => String(item.name),
  namedLayoutInfos: (item) => String(item.name),
  actionOverrides: (item) => `${String(item.name)}/${String(item.formFactor)}`,
}

/** By key, in their order; a key that comes twice is numbered, so that nothing hides another. */
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
  const parts: PartChange[] = []
  for (const [key, item] of a) {
    const other = b.get(key)
    if (other === undefined) parts.push({ api_name: key, change: 'removed', attributes: [] })
    else {
      const attributes = attributesOf(item, other, options)
      if (attributes.length > 0) parts.push({ api_name: key, change: 'changed', attributes })
    }
  }
  for (const key of b.keys()) {
    if (!a.has(key)) parts.push({ api_name: key, change: 'added', attributes: [] })
  }
  return parts.sort((x, y) => (x.api_name < y.api_name ? -1 : 1))
}

/** What two describes of one object differ in; null when in nothing that means something. */
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

/** In XML a list of one is no list; the order of elements has a meaning (steps, rule entries). */
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

/** What two states of one automation differ in; that it was saved again is no difference. */
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
