// A mapping checked against the describes of a snapshot. Pure: what is known is passed in, and what is
// not known is a finding, never a refusal.

import { type JsonObject } from '../../salesforce/json.ts'
import { sameName } from '../metadata/names.ts'
import {
  type DescribedField,
  type DescribedObject,
  fieldNamed,
  isKey,
  isRequired,
  isUniqueKey,
  readObject,
  relationshipNamed,
} from './describe.ts'
import {
  checkField,
  type KnownSchema,
  missingObject,
  type Objects,
  unknownField,
} from './check-field.ts'
import { error, type Fault, type Finding, placed, some, warning } from './finding.ts'
import { type MappingDraft } from './mapping.ts'
import { isEitherName, isPersonOrg } from './person-accounts.ts'
import { parseSfdcField, targetKey } from './sfdc-field.ts'

/** Objects as the checks read them, each parsed once. */
const objectsIn = (known: KnownSchema): Objects => {
  const objects = new Map(
    [...known.describes].map(([name, describe]) => [sameName(name), readObject(describe)]),
  )
  return (name) => objects.get(sameName(name)) ?? null
}

/** Objects that mapped relationships of `describe` lead to; the check needs their describes too. */
export const parentsOf = (mapping: MappingDraft, describe: JsonObject): string[] => {
  const object = readObject(describe)
  const parents = mapping.fields.flatMap(({ sfdc_field }) => {
    const target = parseSfdcField(sfdc_field)
    if (target?.kind !== 'parent') return []
    if (target.object !== null) return [target.object]
    const { referenceTo = [] } = relationshipNamed(object, target.relationship) ?? {}
    return referenceTo.length === 1 ? referenceTo : []
  })
  return [...new Set(parents)]
}

/** What can be checked without knowing the Salesforce org. */
export const checkShape = (mapping: MappingDraft): Finding[] => {
  const { external_id_field: key, fields } = mapping
  const findings: Finding[] = []
  if (key === null) {
    findings.push(
      placed(
        'external_id_field',
        warning(
          'no_key',
          'Without an external id, push/records is not possible; records can only be updated and linked by their Id.',
          'Set external_id_field, or leave it out if that is what you want.',
        ),
      ),
    )
  } else if (!fields.some(({ sfdc_field }) => targetKey(sfdc_field) === sameName(key))) {
    findings.push(
      placed(
        'external_id_field',
        error(
          'key_not_mapped',
          `No canonical field is mapped to ${key}, so every record would lack its key.`,
          `Map the canonical field that identifies the record to ${key}.`,
        ),
      ),
    )
  }
  for (const [index, field] of fields.entries()) {
    const path = `fields.${index}`
    if (key !== null && targetKey(field.sfdc_field) === sameName(key) && field.default !== null) {
      findings.push(
        placed(`${path}.default`, {
          ...error(
            'default_on_key',
            `A default for ${key} would give all records without a key the same key.`,
            'Leave the default out; a record without a key fails by itself.',
          ),
        }),
      )
    }
    if (field.canonical_field === 'id') {
      findings.push(
        placed(
          `${path}.canonical_field`,
          warning(
            'canonical_id_shadowed',
            "In the `match` of status updates and links, `id` is Salesforce's own Id and not this field.",
            'Give the canonical field a different name, such as external_id, if you match by it.',
          ),
        ),
      )
    }
  }
  return findings
}

/** Checks everything: the shape, and each mapped field against the describes. */
export const checkMapping = (mapping: MappingDraft, known: KnownSchema): Finding[] => {
  const findings = checkShape(mapping)
  const objectOf = objectsIn(known)
  const object = objectOf(mapping.sfdc_object)
  if (object === null) {
    return [placed('sfdc_object', missingObject(mapping.sfdc_object, known)), ...findings]
  }
  const checked = mapping.fields.map((field, index) => {
    const { written, faults } = checkField(field, mapping, object, known, objectOf)
    findings.push(...faults.map((fault) => placed(`fields.${index}`, fault)))
    return written
  })
  findings.push(...twice(checked))
  findings.push(...writable(object).map((fault) => placed('sfdc_object', fault)))
  findings.push(
    ...keyFaults(mapping, object, known).map((fault) => placed('external_id_field', fault)),
  )
  findings.push(
    ...missingRequired(mapping, object, checked).map((fault) => placed('fields', fault)),
  )
  return findings
}

const writable = (object: DescribedObject): Fault[] => {
  const { createable, updateable, name } = object
  if (createable && updateable) return []
  const cannot =
    !createable && !updateable
      ? 'neither create nor change'
      : createable
        ? 'not change'
        : 'not create'
  const code = createable || updateable ? 'object_partly_writable' : 'object_not_writable'
  return [
    (createable || updateable ? warning : error)(
      code,
      `The connected user can ${cannot} records of ${name}.`,
      'Grant the object permission, if Salesforce offers it for this object.',
    ),
  ]
}

const keyFaults = (mapping: MappingDraft, object: DescribedObject, known: KnownSchema): Fault[] => {
  const name = mapping.external_id_field
  if (name === null) return []
  const key = fieldNamed(object, name)
  if (key === null) return [{ ...unknownField(name, object, known), code: 'key_unknown', at: '' }]
  if (!isKey(key)) {
    const keys = object.fields.filter((field) => isKey(field) && field.type !== 'id')
    return [
      error(
        'key_not_external_id',
        `${object.name}.${key.name} is neither an external id nor an idLookup field, so Salesforce cannot upsert by it.`,
        keys.length === 0
          ? `${object.name} has no external id yet: deploy one, as a unique Text field.`
          : `Use one that is (${some(keys.map((field) => field.name))}), or make it an external id.`,
      ),
    ]
  }
  const faults: Fault[] = []
  if (!isUniqueKey(key)) {
    faults.push(
      warning(
        'key_not_unique',
        `Several records can have the same ${key.name}; Salesforce refuses a row that matches more than one.`,
        'Make the field unique, or use an external id that is.',
      ),
    )
  }
  if (!key.createable) {
    faults.push(
      warning(
        'key_not_writable',
        `${key.name} cannot be set when a record is created, so a pushed record that is not found is never found again.`,
        'Use a writable external id.',
      ),
    )
  }
  return faults
}

/** Two ways to write one field, such as AccountId and Account.Key__c of a relationship with its own name. */
const twice = (written: readonly (DescribedField | null)[]): Finding[] => {
  const first = new Map<string, number>()
  return written.flatMap((field, index) => {
    if (field === null) return []
    const before = first.get(field.name)
    if (before === undefined) {
      first.set(field.name, index)
      return []
    }
    return [
      placed(
        `fields.${index}.sfdc_field`,
        error(
          'field_mapped_twice',
          `${field.name} is also written by fields.${before}.`,
          'Keep one of the two.',
        ),
      ),
    ]
  })
}

const noNameMapped = ({ name }: DescribedObject): Fault =>
  error(
    'required_field_not_mapped',
    `${name} has neither Name nor LastName mapped: every record that a push creates would fail.`,
    'Map Name for businesses, LastName for person accounts, or both.',
  )

const missingRequired = (
  mapping: MappingDraft,
  object: DescribedObject,
  written: readonly (DescribedField | null)[],
): Fault[] => {
  const mapped = new Map(
    written.flatMap((field, index) => (field === null ? [] : [[field.name, index]])),
  )
  const persons = isPersonOrg(object)
  const named = object.fields.some(({ name }) => isEitherName(name) && mapped.has(name))
  const required = object.fields.filter(isRequired)
  const eitherName = persons ? required.find(({ name }) => isEitherName(name)) : undefined
  return required.flatMap((field): Fault[] => {
    // An account has a Name or a LastName: a row without either fails before it is sent.
    if (persons && isEitherName(field.name) && (named || field !== eitherName)) return []
    const index = mapped.get(field.name)
    if (index === undefined) {
      // A mapping without a key cannot create records.
      return mapping.external_id_field === null
        ? []
        : field === eitherName
          ? [noNameMapped(object)]
          : [
              error(
                'required_field_not_mapped',
                `${object.name}.${field.name} (${field.label}) is required and not mapped: every record that a push creates would fail.`,
                'Map it; if the records have no such value, give a default.',
              ),
            ]
    }
    const { required: isSet, default: value } = mapping.fields[index] ?? {
      required: true,
      default: null,
    }
    const isKeyField = sameName(field.name) === sameName(mapping.external_id_field ?? '')
    return isSet || value !== null || isKeyField
      ? []
      : [
          {
            ...warning(
              'required_field_optional',
              `${field.name} is required in Salesforce and may be empty here: rows that create a record without it would fail there.`,
              'Set required, so that such a row fails before it is sent, or give a default.',
            ),
            at: `${index}.required`,
          },
        ]
  })
}
