// An object file as Salesforce returned it: the object's own settings, and its parts (fields, record
// types, validation rules), each an element of a list.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { sameName } from './names.ts'
import { readRoot } from './xml-tree.ts'

export interface ObjectPart {
  apiName: string
  element: JsonObject
}

export interface ObjectImage {
  /** The settings of the object itself that are one text each (label, sharingModel, enableSearch …). */
  settings: Record<string, string>
  nameField: JsonObject | null
  /** By the name of their elements: `fields`, `recordTypes`, `validationRules` … */
  parts: Record<string, ObjectPart[]>
}

/** Reads an object file. Throws SalesforceError or TypeError for a text that is not one. */
export const parseObjectFile = (text: string): ObjectImage => {
  const root = readRoot(text, 'CustomObject')
  const settings: Record<string, string> = {}
  const parts: Record<string, ObjectPart[]> = {}
  for (const [name, value] of Object.entries(root)) {
    if (typeof value === 'string') {
      if (value !== '') settings[name] = value
      continue
    }
    const named = listObjects(value).filter(({ fullName }) => leaf(fullName) !== null)
    if (named.length === 0) continue
    parts[name] = named.map((element) => ({ apiName: leaf(element.fullName) ?? '', element }))
  }
  return { settings, nameField: isObject(root.nameField) ? root.nameField : null, parts }
}

/** A part of an object by the name of its list and its own name; null if it does not exist. */
export const findPart = (
  image: ObjectImage | null,
  list: string,
  apiName: string,
): JsonObject | null =>
  image?.parts[list]?.find((part) => sameName(part.apiName) === sameName(apiName))?.element ?? null
