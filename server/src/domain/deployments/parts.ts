// One component inside the files of an image, and what is known about undoing it. Pure functions.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { type Component, filePath } from '../plan/components.ts'
import { findPart, type ObjectImage, parseObjectFile, sameElement } from '../plan/decompile.ts'
import { sameName } from '../plan/names.ts'
import { readRoot } from '../plan/xml-tree.ts'
import { type Action, type Reversibility } from './rows.ts'

type Files = ReadonlyMap<string, string>

export const keyOf = ({ type, fullName }: { type: string; fullName: string }): string =>
  sameName(`${type}:${fullName}`)

/** A file by its path; names count without case. */
export const findFile = (files: Files, path: string | null): string | null => {
  if (path === null) return null
  const exact = files.get(path)
  if (exact !== undefined) return exact
  for (const [name, text] of files) if (sameName(name) === sameName(path)) return text
  return null
}

/** `Lead` of `Lead.Job_Title__c`; the name itself where it has no dot. */
export const ownerOf = (fullName: string): string => {
  const dot = fullName.indexOf('.')
  return dot < 0 ? fullName : fullName.slice(0, dot)
}

/** `Job_Title__c` of `Lead.Job_Title__c`. */
export const memberOf = (fullName: string): string => fullName.slice(fullName.indexOf('.') + 1)

export const objectImage = (files: Files, object: string): ObjectImage | null => {
  const text = findFile(files, filePath('CustomObject', object))
  return text === null ? null : parseObjectFile(text)
}

/** The component as the files have it, comparable by `sameElement`; null where it is not there. */
export const partOf = (files: Files, { type, fullName }: Component): JsonObject | null => {
  switch (type) {
    case 'CustomObject': {
      const image = objectImage(files, fullName)
      return image === null ? null : { ...image.settings, nameField: image.nameField }
    }
    case 'CustomField':
      return elementIn(files, fullName, 'fields')
    case 'RecordType':
      return elementIn(files, fullName, 'recordTypes')
    case 'ValidationRule':
      return elementIn(files, fullName, 'validationRules')
    default: {
      const text = findFile(files, filePath(type, fullName))
      return text === null ? null : readRoot(text, type)
    }
  }
}

const elementIn = (
  files: Files,
  fullName: string,
  parts: 'fields' | 'recordTypes' | 'validationRules',
): JsonObject | null =>
  findPart<{ apiName: string; element: JsonObject }>(
    objectImage(files, ownerOf(fullName))?.[parts] ?? [],
    memberOf(fullName),
  )?.element ?? null

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

/** Types that show what other fields hold: deleting them loses nothing that cannot be computed again. */
const isComputed = (element: JsonObject | null): boolean =>
  element?.type === 'Summary' || typeof element?.formula === 'string'

const size = (element: JsonObject | null, member: string): number =>
  Number(leaf(element?.[member]) ?? 0)

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
  const shrinks = ['length', 'precision', 'scale'].some(
    (member) => size(after, member) < size(before, member),
  )
  return shrinks
    ? say('reversible_with_data_loss', 'The field becomes shorter; what no longer fits is lost.')
    : say('reversible')
}
