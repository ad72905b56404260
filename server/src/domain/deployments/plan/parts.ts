// One component inside the files of an image, and what is known about undoing it. Pure functions.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects, type XmlValue } from '../../../salesforce/xml.ts'
import { type Component, type ComponentType, filePath } from '../../plan/components.ts'
import { isCalculatedElement } from '../../metadata/fields/element.ts'
import { type ObjectImage, parseObjectFile, sameElement } from '../../metadata/object-file.ts'
import { sameName } from '../../metadata/names.ts'
import { asXmlValue, inSchemaOrder, readRoot, writeFile } from '../../metadata/xml-tree.ts'
import { type Action, type Reversibility } from '../rows.ts'

type Files = ReadonlyMap<string, string>

/** `Lead` of `Lead.Job_Title__c`; the name itself where it has no dot. */
export const ownerOf = (fullName: string): string => {
  const dot = fullName.indexOf('.')
  return dot < 0 ? fullName : fullName.slice(0, dot)
}

/** `Job_Title__c` of `Lead.Job_Title__c`. */
export const memberOf = (fullName: string): string => fullName.slice(fullName.indexOf('.') + 1)

/** The files of one moment; each is parsed once, however many of its parts are asked for. */
export interface FileParts {
  /** A file by its path; null for one that is not there. Names count without case. */
  file(path: string | null): string | null
  object(name: string): ObjectImage | null
  /** The component as the files have it, comparable by `sameElement`; null where it is not there. */
  part(component: Component): JsonObject | null
}

export const partsIn = (files: Files): FileParts => {
  const byPath = new Map([...files].map(([path, text]) => [sameName(path), text]))
  const objects = new Map<string, ObjectImage | null>()
  const elements = new Map<string, ReadonlyMap<string, JsonObject>>()
  const file = (path: string | null): string | null =>
    path === null ? null : (byPath.get(sameName(path)) ?? null)

  const object = (name: string): ObjectImage | null => {
    const known = objects.get(sameName(name))
    if (known !== undefined) return known
    const text = file(filePath('CustomObject', name))
    const image = text === null ? null : parseObjectFile(text)
    objects.set(sameName(name), image)
    return image
  }

  const elementIn = (
    fullName: string,
    list: 'fields' | 'recordTypes' | 'validationRules',
  ): JsonObject | null => {
    const key = `${list}:${sameName(ownerOf(fullName))}`
    let known = elements.get(key)
    if (known === undefined) {
      const parts: readonly { apiName: string; element: JsonObject }[] =
        object(ownerOf(fullName))?.[list] ?? []
      known = new Map(parts.map(({ apiName, element }) => [sameName(apiName), element]))
      elements.set(key, known)
    }
    return known.get(sameName(memberOf(fullName))) ?? null
  }

  return {
    file,
    object,
    part: ({ type, fullName }) => {
      switch (type) {
        case 'CustomObject': {
          const image = object(fullName)
          return image === null ? null : { ...image.settings, nameField: image.nameField }
        }
        case 'CustomField':
          return elementIn(fullName, 'fields')
        case 'RecordType':
          return elementIn(fullName, 'recordTypes')
        case 'ValidationRule':
          return elementIn(fullName, 'validationRules')
        default: {
          const text = file(filePath(type, fullName))
          return text === null ? null : readRoot(text, type)
        }
      }
    },
  }
}

/** The list of an object file in which such a part of an object stands. */
const LISTS: Readonly<Partial<Record<ComponentType, string>>> = {
  CustomField: 'fields',
  RecordType: 'recordTypes',
  ValidationRule: 'validationRules',
}

/** Files that hold just these parts, as `partsIn` gave them; an object and its parts share one. */
export const writeParts = (
  parts: readonly { component: Component; element: JsonObject }[],
): Map<string, string> => {
  const files = new Map<string, { root: ComponentType; members: Record<string, XmlValue[]> }>()
  for (const { component, element } of parts) {
    const { type, fullName } = component
    const list = LISTS[type]
    const root = list === undefined ? type : 'CustomObject'
    const path = filePath(root, list === undefined ? fullName : ownerOf(fullName)) ?? ''
    const members = files.get(path)?.members ?? {}
    const own = list === undefined ? element : { [list]: element }
    for (const [name, value] of Object.entries(own)) {
      members[name] = [...(members[name] ?? []), asXmlValue(value)]
    }
    files.set(path, { root, members })
  }
  return new Map(
    [...files].map(([path, { root, members }]) => [path, writeFile(root, inSchemaOrder(members))]),
  )
}

export const samePart = (a: JsonObject | null, b: JsonObject | null): boolean =>
  a === null || b === null ? a === b : sameElement(a, b)

/** Values of an own picklist: full name → is it active. */
export const picklistOf = (element: JsonObject | null): Map<string, boolean> => {
  const set = isObject(element?.valueSet) ? element.valueSet : {}
  const definition = isObject(set.valueSetDefinition) ? set.valueSetDefinition : {}
  return new Map(
    listObjects(definition.value).map((value) => [
      leaf(value.fullName) ?? '',
      leaf(value.isActive) !== 'false',
    ]),
  )
}

/** Values that `after` has and `before` has not. */
export const addedValues = (before: JsonObject | null, after: JsonObject | null): string[] => {
  const known = picklistOf(before)
  return [...picklistOf(after).keys()].filter((value) => !known.has(value))
}

/** Deleting one loses nothing that cannot be computed again. */
const isComputed = (element: JsonObject | null): boolean =>
  element !== null && isCalculatedElement(element)

const size = (element: JsonObject | null, member: string): number =>
  Number(leaf(element?.[member]) ?? 0)

/** Does the field hold less afterwards? */
export const shrinks = (before: JsonObject | null, after: JsonObject | null): boolean =>
  before !== null &&
  after !== null &&
  ['length', 'precision', 'scale'].some((member) => size(after, member) < size(before, member))

/**
 * Whether the component can be taken back later, and what that costs. `before` and `after` are the
 * component as it was found and as it is deployed; `withObject`: its object is made by the same plan.
 */
export const reversibilityOf = (
  { type }: Component,
  action: Action,
  before: JsonObject | null,
  after: JsonObject | null,
  withObject: boolean,
): { reversibility: Reversibility; reason: string | null } => {
  const say = (reversibility: Reversibility, reason: string | null = null) => ({
    reversibility,
    reason,
  })
  if (action === 'unchanged') return say('reversible')
  if (action === 'created') {
    if (type === 'CustomObject') {
      return say(
        'reversible_with_data_loss',
        'Records in it go with the object, and Salesforce blocks its name for 15 days.',
      )
    }
    if (type === 'CustomField' && !isComputed(after)) {
      return say(
        'reversible_with_data_loss',
        'What is entered in the field until then goes with it.',
      )
    }
    if (type === 'RecordType' && !withObject) {
      return say('irreversible', 'Salesforce deletes no record type by API.')
    }
    return say('reversible')
  }
  if (type !== 'CustomField') return say('reversible')
  if (before?.type !== after?.type || isComputed(before) !== isComputed(after)) {
    return say('irreversible', 'The type is converted; values that do not fit are lost.')
  }
  const added = addedValues(before, after)
  if (added.length > 0) {
    return say(
      'irreversible',
      `Salesforce deletes no picklist value by API; a rollback deactivates ${added.join(', ')}.`,
    )
  }
  if (shrinks(before, after)) {
    return say(
      'reversible_with_data_loss',
      'The field becomes shorter; what no longer fits is lost.',
    )
  }
  return shrinks(after, before)
    ? say(
        'reversible_with_data_loss',
        'The field gets its old size back; what is entered until then and does not fit goes with it.',
      )
    : say('reversible')
}
