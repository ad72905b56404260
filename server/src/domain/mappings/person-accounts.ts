// What a describe tells of person accounts. Salesforce: Object Reference, Account, "Fields available if
// IsPersonAccount is true"; the fields of Contact's own appear on Account with the suffix __pc.

import { sameName } from '../metadata/names.ts'

/** The name that makes a person of an account. */
export const PERSON_NAME = 'lastname'

const PERSON_NAMES: ReadonlySet<string> = new Set([
  'firstname',
  'middlename',
  PERSON_NAME,
  'salutation',
  'suffix',
])

interface Described {
  name: string
  fields: readonly { name: string }[]
}

/** Whether accounts of this Salesforce org may be people. */
export const isPersonOrg = ({ name, fields }: Described): boolean =>
  sameName(name) === 'account' && fields.some((field) => sameName(field.name) === 'ispersonaccount')

/** Whether only accounts that are people have this field of Account. */
export const isPersonField = ({ name }: { name: string }): boolean => {
  const lower = sameName(name)
  if (PERSON_NAMES.has(lower) || lower.endsWith('__pc')) return true
  return lower.startsWith('person') && !lower.endsWith('__c')
}

/** One of the two names of which an account has either, though both may be described as required. */
export const isEitherName = (name: string): boolean =>
  sameName(name) === 'name' || sameName(name) === PERSON_NAME
