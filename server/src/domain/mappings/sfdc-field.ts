// Where a mapped value goes: a field of the record, or its parent, found by an external id. The form is
// that of a column in Salesforce's own CSV files (Bulk API 2.0 guide, "Relationship Fields in a Header
// Row"), so that what works there works here:
//
//   Phone                        a field
//   Account.External_Key__c      the parent in AccountId, found by its External_Key__c
//   Company__r.External_Key__c   the parent in Company__c
//   User:Owner.Email             the parent in OwnerId, which can be a user or a queue: the user

import { sameName } from '../metadata/names.ts'

export type SfdcField =
  | { kind: 'field'; name: string }
  | {
      kind: 'parent'
      /** Name of the relationship, not of the field that holds the parent's id. */
      relationship: string
      /** External id or idLookup field of the parent. */
      key: string
      /** The parent's object, where the relationship leads to more than one; else null. */
      object: string | null
    }

const NAME = String.raw`[A-Za-z](?:\w{0,78}[A-Za-z0-9])?`
const FIELD = new RegExp(`^${NAME}$`)
const PARENT = new RegExp(`^(?:(${NAME}):)?(${NAME})\\.(${NAME})$`)

/** API name of an object or a field; Salesforce's longest have 60 characters. */
export const SFDC_NAME = FIELD
export const SFDC_FIELD = new RegExp(`^(?:(?:${NAME}:)?${NAME}\\.)?${NAME}$`)

/** The parts of the target; null for text that is not one. */
export const parseSfdcField = (text: string): SfdcField | null => {
  if (FIELD.test(text)) return { kind: 'field', name: text }
  const [, object, relationship, key] = PARENT.exec(text) ?? []
  return relationship === undefined || key === undefined
    ? null
    : { kind: 'parent', relationship, key, object: object ?? null }
}

/** The text for a parent that is found by a key. */
export const parentText = (relationship: string, key: string, object: string | null): string =>
  `${object === null ? '' : `${object}:`}${relationship}.${key}`

/**
 * The field that is written, by API name. For a parent it is the field that holds its id, by
 * Salesforce's naming: `X__r` belongs to `X__c`, a standard `Account` to `AccountId`.
 */
export const writtenField = (text: string): string => {
  const target = parseSfdcField(text)
  if (target === null) return text
  if (target.kind === 'field') return target.name
  const { relationship } = target
  return /__r$/i.test(relationship) ? relationship.replace(/__r$/i, '__c') : `${relationship}Id`
}

/** Two targets with the same key write the same field. */
export const targetKey = (text: string): string => sameName(writtenField(text))
