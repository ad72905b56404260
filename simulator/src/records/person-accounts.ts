// Person accounts: accounts that are people. Salesforce: Object Reference, Account, "Fields available if
// IsPersonAccount is true"; help 000386207 and recorded answers ("bad field names on insert/update
// call"). An account becomes one by its record type or, if none is given, by a LastName. Then Salesforce
// composes its Name, which cannot be written; a business account has none of the person's fields. The
// contact of a person is the same record seen from the other side (Help, "What Is a Person Account?").

import { addField, findObject, touchObject, touchOrg } from '../org/changes.ts'
import { type Org, type Row, type SObject } from '../org/model.ts'
import { makeField, recordTypeField, stamps, type FieldSpec } from '../org/schema.ts'
import { notSimulated } from '../refusals.ts'
import { type Transaction } from './locks.ts'
import { type Changes } from './prepare.ts'
import { problem } from './row-errors.ts'
import { recordStateOf } from './state.ts'

const NAMES = new Set(['firstname', 'middlename', 'lastname', 'suffix', 'salutation'])
const PERSON_TYPE = 'PersonAccount'

const text = (name: string, length: number): FieldSpec => ({ name, type: 'string', length })

/** Account and Contact both have it. */
const IS_PERSON: FieldSpec = {
  name: 'IsPersonAccount',
  type: 'boolean',
  nillable: false,
  defaultedOnCreate: true,
  createable: false,
  updateable: false,
}

/** Some of each kind of the sixty fields that Salesforce adds. */
const FIELDS: FieldSpec[] = [
  text('FirstName', 40),
  text('LastName', 80),
  { name: 'Salutation', type: 'picklist', length: 40 },
  IS_PERSON,
  {
    name: 'PersonContactId',
    type: 'reference',
    referenceTo: ['Contact'],
    relationshipName: 'PersonContact',
    createable: false,
  },
  { name: 'PersonEmail', type: 'email', length: 80 },
  { name: 'PersonMobilePhone', type: 'phone', length: 40 },
  { name: 'PersonTitle', type: 'string', length: 80 },
  { name: 'PersonBirthdate', type: 'date' },
  { name: 'PersonMailingCity', type: 'string', length: 40 },
  { name: 'PersonHasOptedOutOfEmail', type: 'boolean', nillable: false, defaultedOnCreate: true },
]

/** Turns person accounts on, with these record types beside Salesforce's own. Salesforce: permanently. */
export const enablePersonAccounts = (org: Org, more: readonly string[] = []): void => {
  const account = findObject(org, 'Account')
  if (account === undefined) return
  addMissing(org, account, [recordTypeField(), ...FIELDS])
  const contact = findObject(org, 'Contact')
  if (contact !== undefined) addMissing(org, contact, [IS_PERSON])
  for (const developerName of [PERSON_TYPE, ...more]) {
    account.recordTypes.push({
      ...stamps(org),
      id: org.ids.make('012'),
      developerName,
      name: developerName === PERSON_TYPE ? 'Person Account' : developerName.replaceAll('_', ' '),
      active: true,
      isDefault: false,
      description: null,
      isPerson: true,
    })
  }
  touchObject(org, account)
  touchOrg(org)
}

const addMissing = (org: Org, object: SObject, specs: readonly FieldSpec[]): void => {
  for (const spec of specs) {
    if (object.fields.has(spec.name.toLowerCase())) continue
    addField(org, object, makeField(org, { label: spec.name, custom: false, ...spec }))
  }
}

const mayBePerson = (object: SObject): boolean =>
  object.name === 'Account' && object.fields.has('ispersonaccount')

/** Whether accounts of this org may be people. */
export const hasPersonAccounts = (org: Org): boolean => {
  const account = findObject(org, 'Account')
  return account !== undefined && mayBePerson(account)
}

/** Fields that only people have: names, `Person…` of the standard ones, `__pc` of Contact's own. */
const isPersonField = (object: SObject, name: string): boolean => {
  const lower = name.toLowerCase()
  if (NAMES.has(lower) || lower.endsWith('__pc')) return true
  return lower.startsWith('person') && object.fields.get(lower)?.describe.custom !== true
}

const isPersonType = (object: SObject, id: unknown): boolean =>
  object.recordTypes.some((type) => type.id === id && type.isPerson === true)

/** The record type decides; without one, or with the master record type, a LastName does. */
const isPerson = (object: SObject, before: Row | null, changes: Changes): boolean => {
  const given = changes['RecordTypeId'] ?? null
  if (before !== null) {
    const was = before['IsPersonAccount'] === true
    if (given !== null && isPersonType(object, given) !== was) {
      throw notSimulated('a change between person and business account')
    }
    return was
  }
  return given === null ? (changes['LastName'] ?? null) !== null : isPersonType(object, given)
}

const badFields = (names: string[]) =>
  problem(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Account: bad field names on insert/update call: ${names.join(', ')}`,
    names,
  )

/**
 * Adapts the row to its kind. Throws a `RowProblem` for fields of the other kind, for a person without a
 * LastName, and for a person's contact that is to have a different account (the message, which names
 * Account, as others met it: b2c-crm-sync issue 14).
 */
export const settlePersonAccount = (
  object: SObject,
  before: Row | null,
  after: Row,
  changes: Changes,
): void => {
  if (object.name === 'Contact' && before?.['IsPersonAccount'] === true) {
    if (Object.hasOwn(changes, 'AccountId')) throw badFields(['AccountId'])
    return
  }
  if (!mayBePerson(object)) return
  const person = isPerson(object, before, changes)
  const bad = Object.keys(changes).filter((name) =>
    person ? name === 'Name' : isPersonField(object, name),
  )
  if (bad.length > 0) throw badFields(bad)
  after['IsPersonAccount'] = person
  if (!person) return
  after['RecordTypeId'] ??= object.recordTypes.find(({ isPerson: own }) => own === true)?.id ?? null
  if ((after['LastName'] ?? null) === null) {
    throw problem('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]', ['LastName'])
  }
}

/** Whether Salesforce composes the Name of this row. */
export const isNamedByParts = (object: SObject, row: Row): boolean =>
  !mayBePerson(object) || row['IsPersonAccount'] === true

/** The fields of people on Account, each with the same one of Contact: `PersonEmail`, `Level__pc`. */
const sharedFields = (account: SObject, contact: SObject): [string, string][] =>
  [...account.fields.values()].flatMap(({ describe: { name } }): [string, string][] => {
    if (!isPersonField(account, name)) return []
    const own = name.replace(/^Person(?=[A-Z])/, '').replace(/__pc$/i, '__c')
    const found = contact.fields.get(own.toLowerCase())?.describe.name
    return found === undefined ? [] : [[name, found]]
  })

const STAMPS = ['LastModifiedDate', 'LastModifiedById', 'SystemModstamp'] as const

/** Salesforce: a person account and its contact are one; saving one also saves the other. */
export const saveOtherSide = (
  org: Org,
  object: SObject,
  after: Row,
  transaction: Transaction,
): void => {
  const account = findObject(org, 'Account')
  const contact = findObject(org, 'Contact')
  if (account === undefined || contact === undefined || !mayBePerson(account)) return
  if (after['IsPersonAccount'] !== true) return
  const { store } = recordStateOf(org)
  const put = (of: SObject, before: Row | undefined, row: Row): void => {
    store.put(of, row)
    transaction.onRollback(() => {
      if (before === undefined) store.erase(of, row.Id)
      else store.put(of, before)
    })
  }
  const taken = (names: readonly (readonly [string, string])[]) =>
    Object.fromEntries(
      [...names, ...['Name', ...STAMPS].map((name) => [name, name] as const)].map(([to, from]) => [
        to,
        after[from] ?? null,
      ]),
    )
  if (object === contact) {
    const id = after['AccountId']
    const before = typeof id === 'string' ? store.row(account, id) : undefined
    if (before !== undefined)
      put(account, before, { ...before, ...taken(sharedFields(account, contact)) })
    return
  }
  if (object !== account) return
  const known = after['PersonContactId']
  const before = typeof known === 'string' ? store.row(contact, known) : undefined
  const row: Row = {
    CreatedDate: after['CreatedDate'],
    CreatedById: after['CreatedById'],
    OwnerId: after['OwnerId'],
    IsDeleted: false,
    IsPersonAccount: true,
    ...before,
    Id: before?.Id ?? org.ids.make('003'),
    AccountId: after.Id,
    ...taken(sharedFields(account, contact).map(([own, other]) => [other, own] as const)),
  }
  after['PersonContactId'] = row.Id
  put(contact, before, row)
}
