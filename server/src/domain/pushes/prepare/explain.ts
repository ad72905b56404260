// Salesforce's errors of a row in the caller's words: canonical fields, and what to do about it.
// The texts are those of Salesforce, unaltered.

import { type MappingDraft } from '../../mappings/mapping.ts'
import { parseSfdcField, writtenField } from '../../mappings/sfdc-field.ts'
import { sameName } from '../../metadata/names.ts'
import { type RowError } from '../model.ts'
import { remedyOf } from '../remedies.ts'

/** As the gateway returns them, from Collections and Bulk alike. */
export interface SalesforceRowError {
  code: string
  message: string
  fields: readonly string[]
}

/** Messages that are more specific than their code. */
const BY_MESSAGE: readonly { text: RegExp; remedy: string }[] = [
  {
    text: /foreign key external id: .* not found/i,
    remedy: 'No parent has this key: push the parent first, or correct the key.',
  },
  {
    text: /more than one record found for external id field/i,
    remedy: 'Several records have this key: merge them, or make the field unique.',
  },
  {
    text: /apex cpu time limit|too many soql queries|too many dml|apex heap size/i,
    remedy:
      'Apex or flows of the Salesforce org do too much on these records: push/retry fewer at once, or simplify them.',
  },
  {
    text: /unable to obtain exclusive access/i,
    remedy: remedyOf('UNABLE_TO_LOCK_ROW'),
  },
  {
    text: /bad field names on insert\/update call: AccountId\b/i,
    remedy:
      'This is the contact of a person account, whose account cannot be changed: leave the field out.',
  },
  {
    text: /^Account: bad field names on insert\/update call/i,
    remedy:
      'The account is of the other kind, as its record type or the name it was created with decided: a person ' +
      'account has FirstName and LastName, and its Name cannot be written; a business account has a ' +
      'Name and no field of a person (Person…, __pc). Send the fields of its kind.',
  },
  {
    text: /bad field names on insert\/update call/i,
    remedy:
      'The record has no such field, or the connected user may not write it: grant edit access to the ' +
      'field, and read access to the object that it refers to, or leave it out.',
  },
  {
    text: /^Unable to create\/update fields: Name\b/,
    remedy:
      'Salesforce composes this Name itself (person accounts, auto-numbered objects): leave it ' +
      'out, and send FirstName and LastName for a person.',
  },
  {
    text: /record type id:|this id value isn.?t valid for the user/i,
    remedy: 'Use a record type that is active and available to the connected user.',
  },
  {
    text: /problem with this (country|state)/i,
    remedy:
      'Send a state and country from the picklists of the Salesforce org, as codes or full names.',
  },
]

/** Errors whose fields Salesforce names only in the text. */
const FIELDS_IN_TEXT: readonly RegExp[] = [
  /^Required fields are missing: \[([^\]]*)\]/,
  /^Unable to create\/update fields: ([\w, ]+?)\./,
  /^\w+: bad field names on insert\/update call: ([\w, ]+)/,
  /^No such column '([^']+)' on sobject/,
  /^duplicate value found: (\w+) duplicates value/,
]

/** Salesforce names the parent's key here, not the field of the row that looks it up. */
const PARENT_NOT_FOUND = /^Foreign key external ID: .* not found for field (\w+) in entity/s

const fieldsOf = ({ message, fields }: SalesforceRowError): string[] => {
  if (fields.length > 0) return [...fields]
  for (const pattern of FIELDS_IN_TEXT) {
    const found = pattern.exec(message)?.[1]
    if (found === undefined) continue
    return found
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
  }
  return []
}

export type Explain = (errors: readonly SalesforceRowError[], object?: string) => RowError[]

/**
 * Explains the errors of rows that were prepared with these mappings. `object` (API name) says whose
 * fields are meant if there are several; names without a mapping stay Salesforce's own.
 */
export const createExplain = (mappings: readonly MappingDraft[]): Explain => {
  const namesOf = new Map<string, Map<string, string>>()
  /** Canonical fields by object and the parent's key that they look up. */
  const lookingUp = new Map<string, string[]>()
  for (const { sfdc_object, fields } of mappings) {
    const key = sameName(sfdc_object)
    const names = namesOf.get(key) ?? new Map<string, string>()
    namesOf.set(key, names)
    for (const { sfdc_field, canonical_field } of fields) {
      names.set(sameName(writtenField(sfdc_field)), canonical_field)
      const target = parseSfdcField(sfdc_field)
      if (target?.kind !== 'parent') continue
      names.set(sameName(target.relationship), canonical_field)
      const parentKey = `${key}.${sameName(target.key)}`
      lookingUp.set(parentKey, [...(lookingUp.get(parentKey) ?? []), canonical_field])
    }
  }
  const [first] = mappings
  const sole = mappings.length === 1 ? first?.sfdc_object : undefined
  return (errors, object = sole) => {
    const names = object === undefined ? undefined : namesOf.get(sameName(object))
    const canonical = (field: string): string => names?.get(sameName(field)) ?? field
    const fieldsIn = (error: SalesforceRowError): string[] => {
      const parentKey = PARENT_NOT_FOUND.exec(error.message)?.[1]
      if (parentKey === undefined) return fieldsOf(error).map(canonical)
      return lookingUp.get(`${sameName(object ?? '')}.${sameName(parentKey)}`) ?? [parentKey]
    }
    return errors.map((error) => ({
      code: error.code,
      message: error.message,
      fields: [...new Set(fieldsIn(error))],
      remedy: remedyFor(error),
    }))
  }
}

const remedyFor = ({ code, message }: SalesforceRowError): string =>
  BY_MESSAGE.find(({ text }) => text.test(message))?.remedy ?? remedyOf(code)
