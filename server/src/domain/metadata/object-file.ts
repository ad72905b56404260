// Files as Salesforce gave them, read back: the before-image of a deployment, what it restores, and
// whether two states of a file mean the same.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, list, listObjects } from '../../salesforce/xml.ts'
import { readAccess } from '../plan/access.ts'
import { type FieldImage, readField } from './fields/element.ts'
import { sameName } from './names.ts'
import {
  type PlanRecordType,
  type PlanValidationRule,
  recordTypeSchema,
  validationRuleSchema,
} from '../plan/schema.ts'
import { childrenNamed, childText, readDocument, readRoot } from './xml-tree.ts'

export interface RecordTypeImage {
  apiName: string
  recordType: PlanRecordType | null
  element: JsonObject
}

export interface ValidationRuleImage {
  apiName: string
  rule: PlanValidationRule | null
  element: JsonObject
}

/** An object file. */
export interface ObjectImage {
  /** The settings of the object itself that are one text each (label, sharingModel, enableSearch …). */
  settings: Record<string, string>
  nameField: JsonObject | null
  fields: FieldImage[]
  recordTypes: RecordTypeImage[]
  validationRules: ValidationRuleImage[]
}

const present = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  )

const readRecordType = (element: JsonObject): RecordTypeImage => {
  const parsed = recordTypeSchema.safeParse(
    present({
      api_name: leaf(element.fullName),
      label: leaf(element.label),
      description: leaf(element.description),
      active: element.active === 'true',
      business_process: leaf(element.businessProcess),
    }),
  )
  return {
    apiName: leaf(element.fullName) ?? '',
    recordType: parsed.success ? parsed.data : null,
    element,
  }
}

const readRule = (element: JsonObject): ValidationRuleImage => {
  const parsed = validationRuleSchema.safeParse(
    present({
      api_name: leaf(element.fullName),
      description: leaf(element.description),
      active: element.active === 'true',
      error_condition_formula: leaf(element.errorConditionFormula),
      error_message: leaf(element.errorMessage),
      error_display_field: leaf(element.errorDisplayField),
    }),
  )
  return {
    apiName: leaf(element.fullName) ?? '',
    rule: parsed.success ? parsed.data : null,
    element,
  }
}

/** Reads an object file. Throws SalesforceError or TypeError for a text that is none. */
export const parseObjectFile = (text: string): ObjectImage => {
  const root = readRoot(text, 'CustomObject')
  const settings = Object.fromEntries(
    Object.entries(root).filter(
      (member): member is [string, string] => typeof member[1] === 'string' && member[1] !== '',
    ),
  )
  return {
    settings,
    nameField: isObject(root.nameField) ? root.nameField : null,
    fields: listObjects(root.fields).map(readField),
    recordTypes: listObjects(root.recordTypes).map(readRecordType),
    validationRules: listObjects(root.validationRules).map(readRule),
  }
}

/** A part of an object file by its name; null where it is not there. */
export const findPart = <Part extends { apiName: string }>(
  parts: readonly Part[],
  apiName: string,
): Part | null => parts.find((part) => sameName(part.apiName) === sameName(apiName)) ?? null

export interface PermissionSetImage {
  label: string | null
  description: string | null
  /** fieldPermissions, objectPermissions, recordTypeVisibilities, tabSettings: their entries. */
  access: Record<string, Record<string, string>[]>
}

export const parsePermissionSetFile = (text: string): PermissionSetImage => {
  const root = readRoot(text, 'PermissionSet')
  return {
    label: leaf(root.label),
    description: leaf(root.description),
    access: readAccess(text, 'PermissionSet'),
  }
}

export interface LayoutImage {
  sections: {
    label: string | null
    style: string | null
    /** Fields of each column from top to bottom; other items (spaces, buttons) have field null. */
    columns: { field: string | null; behavior: string | null }[][]
  }[]
}

export const parseLayoutFile = (text: string): LayoutImage => ({
  sections: childrenNamed(readDocument(text, 'Layout').root, 'layoutSections').map((section) => ({
    label: childText(section, 'label'),
    style: childText(section, 'style'),
    columns: childrenNamed(section, 'layoutColumns').map((column) =>
      childrenNamed(column, 'layoutItems').map((item) => ({
        field: childText(item, 'field'),
        behavior: childText(item, 'behavior'),
      })),
    ),
  })),
})

export interface TabImage {
  customObject: boolean
  motif: string | null
  label: string | null
}

export const parseTabFile = (text: string): TabImage => {
  const root = readRoot(text, 'CustomTab')
  return {
    customObject: root.customObject === 'true',
    motif: leaf(root.motif),
    label: leaf(root.label),
  }
}

/** Flags that stand for true where they are absent; of all others absent means false. */
const TRUE_WHEN_ABSENT: ReadonlySet<string> = new Set(['isActive'])

/** Values as Salesforce means them: numbers and booleans by their text, an absent flag by its default. */
const meaning = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(meaning)
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, member]) => [name, meaning(member)] as const)
        .filter(
          ([name, member]) =>
            member !== undefined &&
            member !== '' &&
            member !== (TRUE_WHEN_ABSENT.has(name) ? 'true' : 'false'),
        )
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return undefined
  }
  // The indentation of an element that lost its last child.
  const text = String(value)
  return text.trim() === '' ? '' : text
}

/** A list of one is not repeated in XML, so it is no list. */
const unlisted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 1 ? unlisted(value[0]) : value.map(unlisted)
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unlisted(member)]))
    : value
}

/** Whether two elements say the same; the order of members does not count, that of a list does. */
export const sameElement = (a: unknown, b: unknown): boolean =>
  JSON.stringify(meaning(unlisted(a))) === JSON.stringify(meaning(unlisted(b)))

export interface FileDifference {
  /** Name of the top-level element. */
  member: string
  /** How many of its elements stand only in the one or only in the other. */
  onlyBefore: number
  onlyAfter: number
}

/**
 * What differs between two states of a metadata file, by top-level element; the order of its elements
 * does not count, what stands inside a layout section does. Empty is the proof of a full rollback.
 */
export const fileDifferences = (
  rootName: string,
  before: string,
  after: string,
): FileDifference[] => {
  const [a, b] = [readRoot(before, rootName), readRoot(after, rootName)]
  const members = [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted()
  return members.flatMap((member) => {
    const texts = (value: unknown): string[] =>
      list(value)
        .map((item) => JSON.stringify(meaning(unlisted(item))))
        .filter((text) => text !== '"false"')
    const rest = texts(b[member])
    let onlyBefore = 0
    for (const text of texts(a[member])) {
      const at = rest.indexOf(text)
      if (at < 0) onlyBefore += 1
      else rest.splice(at, 1)
    }
    return onlyBefore + rest.length === 0 ? [] : [{ member, onlyBefore, onlyAfter: rest.length }]
  })
}
