// What compact layouts, field sets, list views and buttons have in common: they belong to an object,
// each file holds exactly one, and each has a unique name within its kind.

import type { Field, ObjectPart, PartElement, SObject } from '../../../org/model.ts'
import { nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { childTypes } from '../component.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkUnmanaged, noObject, noSuch } from './names.ts'
import { same, typed } from './typed.ts'

const ID_PREFIXES: Record<PartElement, string> = {
  compactLayouts: '0AH',
  fieldSets: '0IX',
  listViews: '00B',
  webLinks: '00b',
}
const NAME_MAX = 80

const typeOf = (element: PartElement) =>
  childTypes.find((each) => each.parent === 'CustomObject' && each.element === element)?.xmlName ??
  element

const sameName = (left: string, right: string) => left.toLowerCase() === right.toLowerCase()

/** The part of this name, in any letter case. */
export const partNamed = (
  object: SObject,
  element: PartElement,
  name: string,
): ObjectPart | undefined => object.parts[element].find((part) => sameName(part.name, name))

/** Splits `Lead.Name`; throws if the object does not exist. */
export function ownerOf(draft: Draft, fullName: string): { object: SObject; name: string } {
  const dot = fullName.indexOf('.')
  const objectName = fullName.slice(0, Math.max(dot, 0))
  const object = draft.object(objectName)
  if (object === undefined) throw noObject('fullName', objectName)
  return { object, name: fullName.slice(dot + 1) }
}

/** The live field of this name; throws Salesforce's message if there is none. */
export function fieldNamed(object: SObject, element: string, name: string): Field {
  const field = object.fields.get(name.toLowerCase())
  if (field === undefined || field.deletedAt) {
    throw noSuch(element, 'CustomField', `${object.name}.${name}`)
  }
  return field
}

/** Creates or replaces one part; `read` refuses what is wrong with it, and returns what is stored. */
export function putPart(
  draft: Draft,
  element: PartElement,
  { fullName, node }: Item,
  read: (object: SObject, node: MetadataNode) => { label: string; metadata: MetadataNode },
): Outcome {
  const { object, name } = ownerOf(draft, fullName)
  checkUnmanaged(draft.org, typeOf(element), name)
  checkDeveloperName(typeOf(element), name, NAME_MAX)
  const { label, metadata } = read(object, node)
  const { fullName: _, ...content } = typed(metadata)
  const before = partNamed(object, element, name)
  if (before !== undefined && same(before.metadata, content)) {
    return { id: before.id, created: false, changed: false }
  }
  const made: ObjectPart = {
    id: before?.id ?? draft.org.ids.make(ID_PREFIXES[element]),
    name: before?.name ?? name,
    label,
    namespace: null,
    metadata: content,
    ...draft.stamps(before),
  }
  const { parts } = draft.editQuietly(object)
  parts[element] =
    before === undefined
      ? [...parts[element], made]
      : parts[element].map((each) => (each === before ? made : each))
  return { id: made.id, created: before === undefined, changed: true }
}

/** Deletes parts of a kind: returns the id, or undefined if there is none with that name. */
export const deletePart =
  (element: PartElement, check: (object: SObject, part: ObjectPart) => void = () => undefined) =>
  (draft: Draft, fullName: string): string | undefined => {
    const dot = fullName.indexOf('.')
    const object = draft.object(fullName.slice(0, Math.max(dot, 0)))
    const part = object && partNamed(object, element, fullName.slice(dot + 1))
    if (object === undefined || part === undefined) return undefined
    checkUnmanaged(draft.org, typeOf(element), part.name)
    check(object, part)
    const { parts } = draft.editQuietly(object)
    parts[element] = parts[element].filter((each) => each !== part)
    return part.id
  }

/** Refuses a list that names something twice. */
export function checkOnce(names: readonly string[], what: string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name.toLowerCase())) throw new Problem(`Duplicate ${what}: ${name}`)
    seen.add(name.toLowerCase())
  }
}

/**
 * A deleted field is removed from the compact layouts and list views that show it, and from their
 * filters. Salesforce: simplysfdc.com/2016/09/salesforce-delete-custom-field.html for list views; that
 * compact layouts do the same is assumed. Field sets and buttons prevent its deletion.
 */
export function removeFromParts(draft: Draft, object: SObject, field: string): void {
  const names = [field, `${object.name}.${field}`].map((name) => name.toLowerCase())
  const named = (value: unknown) => names.includes(String(value).toLowerCase())
  const without = (part: ObjectPart): ObjectPart => {
    const metadata: MetadataNode = { ...(part.metadata as MetadataNode) }
    for (const element of ['columns', 'fields']) {
      if (metadata[element] === undefined) continue
      metadata[element] = texts(metadata, element).filter((name) => !named(name))
    }
    const before = nodes(metadata, 'filters')
    const filters = before.filter((filter) => !named(text(filter, 'field')))
    // Its numbers would now refer to other filters.
    if (filters.length < before.length) delete metadata['booleanFilter']
    return {
      ...part,
      metadata: metadata['filters'] === undefined ? metadata : { ...metadata, filters },
    }
  }
  const { parts } = draft.editQuietly(object)
  parts.compactLayouts = parts.compactLayouts.map(without)
  parts.listViews = parts.listViews.map(without)
}
