// Person accounts: if a Salesforce org has them, an account is a business or a person. Salesforce:
// Object Reference, Account: the Name of a person is composed of its names and cannot be written, and a
// business account has none of the person's fields; a row with fields of both kinds fails ("bad field
// names on insert/update call"). The name that a row has shows its kind.

import { isPersonField, isPersonOrg, PERSON_NAME } from '../../mappings/person-accounts.ts'
import { sameName } from '../../metadata/names.ts'
import { type RowError } from '../model.ts'
import { type TargetObject } from './described.ts'
import { type MappedField } from './mapped-field.ts'
import { CLEAR, EMPTY, Refusal } from './refusal.ts'

export type AccountKind = 'business' | 'person'

export interface AccountKinds {
  /**
   * The kind of a row, by its values in the order of the mapped fields; or what is wrong if none shows
   * it.
   */
  kindOf(valueOf: (place: number) => unknown): AccountKind | RowError
  /** Whether a row of this kind has no such field. */
  isForeign(place: number, kind: AccountKind): boolean
  /** Why a value of a field of the other kind cannot be sent; null if there is none to send. */
  refuse(mapped: MappedField, raw: unknown, kind: AccountKind): RowError | null
}

const isGiven = (raw: unknown): boolean =>
  raw !== undefined && raw !== null && !(typeof raw === 'string' && raw.trim() === '')

const noName = (): Refusal =>
  new Refusal(
    'REQUIRED_FIELD_MISSING',
    'Required fields are missing: [Name] of a business account, or [LastName] of a person account.',
    'Send one of the two; to change only existing records, use /api/push/status-update.',
  )

const bothNames = (): Refusal =>
  new Refusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    'Account: bad field names on insert/update call: Name. Salesforce composes the Name of a person account.',
    'Send LastName (and FirstName) for a person, or Name for a business, not both.',
  )

const ofTheOtherKind = (written: string): Refusal =>
  new Refusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Account: bad field names on insert/update call: ${written}. Only person accounts have this field.`,
    'Leave it out for a business account; a person account has a LastName and no Name.',
  )

/** Null if accounts are of only one kind, or the mapping writes no name. */
export const accountKinds = (
  object: TargetObject | null,
  mappedFields: readonly MappedField[],
): AccountKinds | null => {
  if (object === null || !isPersonOrg(object)) return null
  const kinds = mappedFields.map(({ written, field, parent }): AccountKind | null => {
    if (parent !== null || field === null) return null
    if (sameName(written) === 'name') return 'business'
    return isPersonField(field) ? 'person' : null
  })
  const placeOf = (name: string) =>
    mappedFields.findIndex(({ written, parent }) => parent === null && sameName(written) === name)
  const places = { business: placeOf('name'), person: placeOf(PERSON_NAME) }
  if (places.business < 0 && places.person < 0) return null
  const namesOf = [places.business, places.person].flatMap((at) => mappedFields[at]?.name ?? [])
  const hasDefault = (place: number) => mappedFields[place]?.hasDefault === true

  return {
    kindOf: (valueOf) => {
      const hasName = places.business >= 0 && isGiven(valueOf(places.business))
      const hasLastName = places.person >= 0 && isGiven(valueOf(places.person))
      if (hasName && hasLastName) return bothNames().of(...namesOf)
      if (hasName) return 'business'
      if (hasLastName) return 'person'
      // No name is given: other values show that it is a person, and the defaults of the mapping supply
      // the name.
      const isPerson = kinds.some((kind, at) => kind === 'person' && isGiven(valueOf(at)))
      if (hasDefault(places.person) && (isPerson || !hasDefault(places.business))) return 'person'
      if (hasDefault(places.business) && !isPerson) return 'business'
      return noName().of(...namesOf)
    },
    isForeign: (place, kind) => {
      const own = kinds[place] ?? null
      return own !== null && own !== kind
    },
    refuse: (mapped, raw, kind) => {
      if (!isGiven(raw)) return null
      const value = mapped.take(raw)
      if (value === EMPTY || value === CLEAR) return null
      return (kind === 'person' ? bothNames() : ofTheOtherKind(mapped.written)).of(mapped.name)
    },
  }
}
