// Row preparation: everything about a mapping and the describes behind it is resolved once, so that
// checking a row is cheap. Pure: it asks neither Salesforce nor the database.
//
// Faults have Salesforce's own code if Salesforce would also refuse the value. What it would accept is
// never refused for looking odd, with one exception: a record of push/records may be new, so every field
// that is mapped and required on create needs a value. For one that is not mapped at all, Salesforce
// itself has to refuse the row: such a mapping may be meant for existing records.
//
// `fields` of a ready row never repeats what the row is found by, except when an update changes that
// same field: then `matchValue` is the old value and `fields` has the new one.

import { clip } from '../../../text.ts'
import { type MappingCode } from '../../mappings/finding-codes.ts'
import { type MappingDraft } from '../../mappings/mapping.ts'
import { isEitherName } from '../../mappings/person-accounts.ts'
import { sameName } from '../../metadata/names.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import {
  type CreateOnly,
  type JudgedRow,
  type PushOptions,
  type ReadyRow,
  type RowError,
} from '../model.ts'
import { type Describes, targetsOf } from './described.ts'
import {
  addUnknown,
  isRecord,
  type Match,
  matchText,
  missingKey,
  notARecord,
  type ObjectPlan,
  planObject,
  warningsIn,
  type Written,
  writeNamed,
  writeMapped,
} from './object-plan.ts'
import { accountKinds } from './person-accounts.ts'
import { CLEAR, EMPTY, Refusal, type Scalar } from './refusal.ts'
import { missingField, type MappedField } from './mapped-field.ts'

/** A checked row, with the text that no second row may have (null if it failed). */
export interface Judgement {
  row: JudgedRow
  identity: string | null
}

export interface Preparer {
  /**
   * Checks one row of the input and returns what is sent for it, or its final result. Never throws for
   * its content.
   */
  judge(index: number, row: unknown): Judgement
  /** Fields whose values a profile describes; none if the rows have no mapping. */
  readonly profiled: readonly MappedField[]
  /** The caller's name of the field that identifies all rows; null if each row names its own. */
  readonly keyName: string | null
  /**
   * The key of a result in the form in which the same record always has the same. Null: one record may be in
   * several rows of a push, so that its key proves nothing.
   */
  readonly keyForm: ((key: string) => string) | null
}

/** Why no row can be checked at all. */
export interface MappingFault {
  code: MappingCode | 'mapping_missing'
  /** Dotted, from the mapping. */
  path: string
  message: string
  remedy: string
}

export type Compiled = { preparer: Preparer } | { faults: MappingFault[] }

export interface CompileInput {
  kind: 'records' | 'status_update'
  /** Null: names are Salesforce's own, including `object`. Records need a mapping. */
  mapping: MappingDraft | null
  /** As the caller names it. */
  object: string
  /**
   * Describes of the snapshot by API name: of the object, of the parents that the mapping looks up (see
   * mappings/check.ts `parentsOf`) and, as far as known, of those that ids may refer to. Values of
   * objects without a describe are sent as they are.
   */
  describes: Describes
  options: Pick<PushOptions, 'null_policy'>
}

/**
 * Resolves a mapping. Faults that it returns concern the push as a whole: `mapping_missing`,
 * `external_id_missing`, `external_id_unusable`, `object_not_writable`. What is wrong with a single
 * field is reported by the rows that have a value for it.
 */
export const compileMapping = (input: CompileInput): Compiled => {
  const { kind, mapping, object, options } = input
  if (kind === 'records' && mapping === null) {
    return {
      faults: [
        {
          code: 'mapping_missing',
          path: 'object',
          message: `There is no mapping for ${object}.`,
          remedy: 'Create one: it names the external id by which records are upserted.',
        },
      ],
    }
  }
  const plan = planObject({
    canonical: object,
    object: mapping?.sfdc_object ?? object,
    mapping,
    targets: targetsOf(input.describes),
    writing: kind === 'records' ? 'upsert' : 'update',
    nullPolicy: options.null_policy,
  })
  const { target } = plan
  const mayWrite = target === null || (kind === 'records' && target.createable) || target.updateable
  if (!mayWrite) {
    return {
      faults: [
        {
          code: 'object_not_writable',
          path: 'sfdc_object',
          message: `The connected user cannot write records of ${plan.object}.`,
          remedy:
            'Grant the object permission, if Salesforce offers it for this object; then pull the topology.',
        },
      ],
    }
  }
  if (kind === 'status_update') return { preparer: prepareUpdates(plan) }
  return mapping === null ? { faults: [] } : prepareRecords(plan, mapping)
}

export const failed = (index: number, key: string | null, errors: RowError[]): Judgement => ({
  row: {
    result: { index, key, id: null, action: 'failed', success: false, attempts: 0, errors },
  },
  identity: null,
})

export const ready = (row: ReadyRow, identity: string): Judgement => ({
  row: { ready: row },
  identity,
})

// ------------------------------------------------------------------------------------ records

const prepareRecords = (plan: ObjectPlan, mapping: MappingDraft): Compiled => {
  const keyName = mapping.external_id_field
  const fault = (code: MappingCode, message: string, remedy: string): Compiled => ({
    faults: [{ code, path: 'external_id_field', message, remedy }],
  })
  if (keyName === null) {
    return fault(
      'external_id_missing',
      'The mapping names no external id, so records cannot be upserted.',
      'Name the external id of the object, or use /api/push/status-update with ids.',
    )
  }
  const keyMapped = plan.mappedFields.find(
    ({ written, parent }) => parent === null && sameName(written) === sameName(keyName),
  )
  const usable = keyMapped !== undefined && keyMapped.isKey !== false
  if (keyMapped === undefined || !usable) {
    return fault(
      'external_id_unusable',
      keyMapped === undefined
        ? `No field of the mapping writes ${keyName}, which finds the records.`
        : `${keyName} of ${plan.object} is neither an external id nor an idLookup field, or does not exist.`,
      keyMapped === undefined
        ? `Map a field to ${keyName}.`
        : 'Use a field that is one, and pull the topology if it is new.',
    )
  }
  return { preparer: recordsPreparer(plan, keyMapped) }
}

const recordsPreparer = (plan: ObjectPlan, keyMapped: MappedField): Preparer => {
  const { object, mappedFields } = plan
  const keyField = keyMapped.written
  const keepsCase = keyMapped.field?.caseSensitive ?? false
  // Salesforce: no record is created by an Id.
  const operation = sameName(keyField) === 'id' ? 'update' : 'upsert'
  const foldsKey = !keepsCase && operation === 'upsert'
  const places = new Map(mappedFields.map((mapped, place) => [mapped.name, place]))
  // Rows come one after the other: the row's number distinguishes its entries from those of the previous
  // row.
  const values: unknown[] = mappedFields.map(() => undefined)
  const seen = new Float64Array(mappedFields.length)
  let turn = 0
  const valueOf = (place: number): unknown => (seen[place] === turn ? values[place] : undefined)
  const createOnly = operation === 'upsert' ? createOnlyOf(mappedFields) : []
  const createOnlyIn = (fields: JsonObject): Pick<ReadyRow, 'createOnly'> => {
    if (createOnly.length === 0) return {}
    const own = createOnly.filter(({ field, member }) => member in fields || field in fields)
    return own.length === 0 ? {} : { createOnly: own }
  }
  const accounts = accountKinds(plan.target, mappedFields)

  const keyForm = (key: string): string => (foldsKey ? key.toLowerCase() : key)

  const judge = (index: number, row: unknown): Judgement => {
    if (!isRecord(row)) return failed(index, null, [notARecord('A record', row)])
    const into: Written = { fields: {}, lockKeys: [], errors: null }
    turn += 1
    for (const name in row) {
      const place = places.get(name)
      if (place === undefined) addUnknown(plan, name, into)
      else {
        values[place] = row[name]
        seen[place] = turn
      }
    }
    const kind = accounts === null ? null : accounts.kindOf(valueOf)
    if (kind !== null && typeof kind === 'object') (into.errors ??= []).push(kind)
    let key: Scalar | null = null
    for (let place = 0; place < mappedFields.length; place += 1) {
      const mapped = mappedFields[place] as MappedField
      const raw = valueOf(place)
      if (mapped === keyMapped) {
        const value = mapped.takeKey(raw)
        if (value === EMPTY || value === CLEAR) {
          ;(into.errors ??= []).push(missingKey(keyField).of(mapped.name))
        } else if (value instanceof Refusal) (into.errors ??= []).push(value.of(mapped.name))
        else key = value
        continue
      }
      if (accounts !== null && kind !== null) {
        // A row whose kind is unknown already has a refusal, so a missing name is not reported again.
        const isOpen = typeof kind === 'object'
        if (isOpen && isEitherName(mapped.written)) continue
        if (!isOpen && accounts.isForeign(place, kind)) {
          const refusal = accounts.refuse(mapped, raw, kind)
          if (refusal !== null) (into.errors ??= []).push(refusal)
          continue
        }
      }
      const faults = into.errors?.length ?? 0
      if (writeMapped(mapped, raw, into) || !mapped.required) continue
      if ((into.errors?.length ?? 0) === faults) {
        ;(into.errors ??= []).push(missingField(mapped.written).of(mapped.name))
      }
    }
    const keyText = key === null ? null : String(key)
    if (into.errors !== null || key === null || keyText === null) {
      return failed(index, keyText, into.errors ?? [])
    }
    return ready(
      {
        index,
        key: keyText,
        object,
        operation,
        matchField: keyField,
        matchValue: key,
        fields: into.fields,
        lockKeys: into.lockKeys,
        ...warningsIn(into),
        ...createOnlyIn(into.fields),
      },
      keyForm(keyText),
    )
  }
  return { judge, profiled: mappedFields, keyName: keyMapped.name, keyForm }
}

const createOnlyOf = (mappedFields: readonly MappedField[]): CreateOnly[] =>
  mappedFields
    .filter(({ field }) => field !== null && field.createable && !field.updateable)
    .map(({ written, member, name }) => ({ field: written, member, name }))

// ------------------------------------------------------------------------------ status updates

const UPDATE_MEMBERS: ReadonlySet<string> = new Set(['match', 'fields'])

const prepareUpdates = (plan: ObjectPlan): Preparer => ({
  profiled: [],
  keyName: null,
  // The rows of a push are found by one field, as a rule; in case of doubt nothing is overwritten.
  keyForm: (key) => key.toLowerCase(),
  judge: (index, row) => {
    if (!isRecord(row)) return failed(index, null, [notARecord('An update', row)])
    const into: Written = { fields: {}, lockKeys: [], errors: unknownMembers(row, UPDATE_MEMBERS) }
    const match = plan.match(row.match, 'match')
    if ('code' in match) (into.errors ??= []).push(match)
    if (isRecord(row.fields)) writeNamed(plan, row.fields, into)
    else (into.errors ??= []).push(notARecord('fields', row.fields))
    const key = 'code' in match ? null : String(match.value)
    if (into.errors !== null || 'code' in match) return failed(index, key, into.errors ?? [])
    for (const _ in into.fields) return ready(updateOf(index, plan, match, into), matchText(match))
    return nothingToDo(index, key)
  },
})

/** Unknown members of a row. */
export const unknownMembers = (
  row: Record<string, unknown>,
  known: ReadonlySet<string>,
): RowError[] | null => {
  const others = Object.keys(row).filter((name) => !known.has(name))
  if (others.length === 0) return null
  return others.slice(0, 10).map((name) => {
    const field = clip(name, 100)
    return new Refusal(
      'UNKNOWN_FIELD',
      `${JSON.stringify(field)} is not a member of a row.`,
      `A row takes ${[...known].join(', ')}.`,
    ).of(field)
  })
}

export const updateOf = (
  index: number,
  plan: ObjectPlan,
  match: Match,
  into: Written,
): ReadyRow => ({
  index,
  key: String(match.value),
  object: plan.object,
  operation: 'update',
  matchField: match.field,
  matchValue: match.value,
  fields: into.fields,
  lockKeys: into.lockKeys,
  ...warningsIn(into),
})

/** Every value of the row was left out: nothing to write, and nothing wrong. */
const nothingToDo = (index: number, key: string | null): Judgement => ({
  row: {
    result: { index, key, id: null, action: 'skipped', success: true, attempts: 0, errors: [] },
  },
  identity: null,
})
