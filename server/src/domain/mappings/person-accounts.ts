// What a describe shows about person accounts. Salesforce: Object Reference, Account, "Fields available
// if IsPersonAccount is true"; Contact's own fields appear on Account with the suffix __pc.

import { sameName } from '../metadata/names.ts'

/** The name that makes an account a person. */
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

/** Whether only person accounts have this field of Account. */
export const isPersonField = ({ name }: { name: string }): boolean => {
  const lower = sameName(name)
  if (PERSON_NAMES.has(lower) || lower.endsWith('__pc')) return true
  return lower.startsWith('person') && !lower.endsWith('__c')
}

/** One of the two names: an account has either one, though both may be described as required. */
export const isEitherName = (name: string): boolean =>
  sameName(name) === 'name' || sameName(name) === PERSON_NAME
