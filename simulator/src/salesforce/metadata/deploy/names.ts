// Rules for names and texts of components. Salesforce Help: "Rules for API names"; where no public
// source has the wording of a refusal, the words are ours.

import { isDocumentedObject } from '../../../documented.ts'
import type { Org } from '../../../org/model.ts'
import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { NotDone, Problem } from './draft.ts'

const MAX_NAME = 40

/** Refuses a developer name (without its `__c`) that Salesforce would not accept. */
export function checkDeveloperName(kind: string, name: string, maxLength = MAX_NAME): void {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name.endsWith('_') || name.includes('__')) {
    throw new Problem(
      `The ${kind} API Name can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores.`,
    )
  }
  checkLength('DeveloperName', name, maxLength)
}

export function checkLength(what: string, value: string | undefined, max: number): void {
  if (value !== undefined && value.length > max) {
    throw new Problem(
      `Value too long for field: ${what} maximum length is:${max}`,
      'STRING_TOO_LONG',
    )
  }
}

/** The text of a required element. */
export function required(node: MetadataNode, element: string): string {
  const value = text(node, element)
  if (value === undefined || value === '')
    throw new Problem(`Required field is missing: ${element}`, 'REQUIRED_FIELD_MISSING')
  return value
}

/** One of the enum's values. */
export function oneOf<Word extends string>(
  name: string,
  words: readonly Word[],
  value: string,
): Word {
  const found = words.find((word) => word === value)
  if (found === undefined)
    throw new Problem(
      `'${value}' is not a valid value for the enum '${name}'`,
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    )
  return found
}

export function flag(node: MetadataNode, element: string): boolean | undefined {
  const value = text(node, element)
  if (value === undefined) return undefined
  if (value !== 'true' && value !== 'false') {
    throw new Problem(`'${value}' is not a valid value for the type xsd:boolean`)
  }
  return value === 'true'
}

/** A whole number; undefined if the element is absent. */
export function whole(node: MetadataNode, element: string): number | undefined {
  const value = text(node, element)
  if (value === undefined) return undefined
  if (!/^-?\d+$/.test(value)) {
    throw new Problem(`'${value}' is not a valid value for the type xsd:int`)
  }
  return Number(value)
}

/** Refuses changes of components of an installed package (`ns__Name`, `ns__Name__c`). */
export function checkUnmanaged(org: Org, kind: string, name: string): void {
  const prefix = name.split('__')[0]?.toLowerCase()
  if (
    /^[A-Za-z0-9]+__(?!c$)./i.test(name) &&
    org.packages.some((each) => each.namespace.toLowerCase() === prefix)
  ) {
    throw new Problem(
      `Cannot modify managed object: entity=${kind}, component=${name}`,
      'CANNOT_MODIFY_MANAGED_OBJECT',
    )
  }
}

/** Salesforce's message for a name that does not exist. */
export function noSuch(element: string, type: string, name: string): Problem {
  return new Problem(
    `In field: ${element} - no ${type} named ${name} found`,
    'INVALID_CROSS_REFERENCE_KEY',
  )
}

/** Salesforce's message for a value that a picklist does not have, as written in the file. */
export function missingValue(value: string, picklist: string): Problem {
  return new Problem(`Picklist value: ${value} in picklist: ${picklist} not found`)
}
/** Salesforce has them, but no object reference lists them. */
const UNLISTED = new Set(['caseclose'])

/** Big objects, external objects and those of Data Cloud: no package brings one here. */
const OTHER_KINDS = /__(b|dll|dlm|x)$/i

/** The same for an object; for one that Salesforce has, the simulator's own words. */
export const noObject = (element: string, name: string): Problem =>
  isDocumentedObject(name) || UNLISTED.has(name.toLowerCase()) || OTHER_KINDS.test(name)
    ? new NotDone(`has no object ${name}`)
    : noSuch(element, 'CustomObject', name)
