// Person accounts: accounts that are people. Salesforce: Object Reference, Account, "Fields available if
// IsPersonAccount is true"; help 000386207 and recorded answers ("bad field names on insert/update
// call"). An account becomes one by its record type or, if none is given, by a LastName. Then Salesforce
// composes its Name, which cannot be written; a business account has none of the person's fields.

import { addField, findObject, touchObject, touchOrg } from '../org/changes.ts'
import { type Org, type Row, type SObject } from '../org/model.ts'
import { makeField, stamps, type FieldSpec } from '../org/schema.ts'
import { notSimulated } from '../refusals.ts'
import { type Transaction } from './locks.ts'
import { type Changes } from './prepare.ts'
import { problem } from './row-errors.ts'
import { recordStateOf } from './state.ts'

const NAMES = new Set(['firstname', 'middlename', 'lastname', 'suffix', 'salutation'])
const PERSON_TYPE = 'PersonAccount'

const text = (name: string, length: number): FieldSpec => ({ name, type: 'string', length })

/** Some of each kind of the sixty fields that Salesforce adds. */
const FIELDS: FieldSpec[] = [
  text('FirstName', 40),
  text('LastName', 80),
  { name: 'Salutation', type: 'picklist', length: 40 },
  {
    name: 'IsPersonAccount',
    type: 'boolean',
    nillable: false,
    defaultedOnCreate: true,
    createable: false,
    updateable: false,
  },
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

/** Turns person accounts on. Salesforce: permanently. */
export const enablePersonAccounts = (org: Org): void => {
  const account = findObject(org, 'Account')
  if (account === undefined) return
  for (const spec of FIELDS) {
    if (account.fields.has(spec.name.toLowerCase())) continue
    addField(org, account, makeField(org, { label: spec.name, custom: false, ...spec }))
  }
  account.recordTypes.push({
    ...stamps(org),
    id: org.ids.make('012'),
    developerName: PERSON_TYPE,
    name: 'Person Account',
    active: true,
    isDefault: false,
    description: null,
  })
  touchObject(org, account)
  touchOrg(org)
}

const hasPersonAccounts = (object: SObject): boolean =>
  object.name === 'Account' && object.fields.has('ispersonaccount')

/** Fields that only people have: names, `Person…` of the standard ones, `__pc` of Contact's own. */
const isPersonField = (object: SObject, name: string): boolean => {
  const lower = name.toLowerCase()
  if (NAMES.has(lower) || lower.endsWith('__pc')) return true
  return lower.startsWith('person') && object.fields.get(lower)?.describe.custom !== true
}

const personType = (object: SObject): string | null =>
  object.recordTypes.find(({ developerName }) => developerName === PERSON_TYPE)?.id ?? null

/** The record type decides; without one, or with the master record type, a LastName does. */
const isPerson = (object: SObject, before: Row | null, changes: Changes): boolean => {
  const given = changes['RecordTypeId'] ?? null
  const type = personType(object)
  if (before !== null) {
    const was = before['IsPersonAccount'] === true
    if (given !== null && (given === type) !== was) {
      throw notSimulated('a change between person and business account')
    }
    return was
  }
  return given === null ? (changes['LastName'] ?? null) !== null : given === type
}

const badFields = (names: string[]) =>
  problem(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Account: bad field names on insert/update call: ${names.join(', ')}`,
    names,
  )

/**
 * Adapts the row to its kind. Throws a `RowProblem` for fields of the other kind, and for a person
 * without a LastName.
 */
export const settlePersonAccount = (
  object: SObject,
  before: Row | null,
  after: Row,
  changes: Changes,
): void => {
  if (!hasPersonAccounts(object)) return
  const person = isPerson(object, before, changes)
  const bad = Object.keys(changes).filter((name) =>
    person ? name === 'Name' : isPersonField(object, name),
  )
  if (bad.length > 0) throw badFields(bad)
  after['IsPersonAccount'] = person
  if (!person) return
  after['RecordTypeId'] ??= personType(object)
  if ((after['LastName'] ?? null) === null) {
    throw problem('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]', ['LastName'])
  }
}

/** Whether Salesforce composes the Name of this row. */
export const isNamedByParts = (object: SObject, row: Row): boolean =>
  !hasPersonAccounts(object) || row['IsPersonAccount'] === true

/** Salesforce: a person account and its contact are one; saving one also saves the other. */
export const savePersonContact = (
  org: Org,
  object: SObject,
  after: Row,
  transaction: Transaction,
): void => {
  if (!hasPersonAccounts(object) || after['IsPersonAccount'] !== true) return
  const contact = findObject(org, 'Contact')
  if (contact === undefined) return
  const { store } = recordStateOf(org)
  const known = after['PersonContactId']
  const before = typeof known === 'string' ? store.row(contact, known) : undefined
  const row: Row = {
    CreatedDate: after['CreatedDate'],
    CreatedById: after['CreatedById'],
    OwnerId: after['OwnerId'],
    IsDeleted: false,
    ...before,
    Id: before?.Id ?? org.ids.make('003'),
    AccountId: after.Id,
    FirstName: after['FirstName'] ?? null,
    LastName: after['LastName'] ?? null,
    Name: after['Name'] ?? null,
    Email: after['PersonEmail'] ?? null,
    LastModifiedDate: after['LastModifiedDate'],
    LastModifiedById: after['LastModifiedById'],
    SystemModstamp: after['SystemModstamp'],
  }
  after['PersonContactId'] = row.Id
  store.put(contact, row)
  transaction.onRollback(() => {
    if (before === undefined) store.erase(contact, row.Id)
    else store.put(contact, before)
  })
}
