// Rows of push/link: a lookup that is set on a record, or a junction record that joins two.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type MappingDraft } from '../../mappings/mapping.ts'
import { SFDC_NAME } from '../../mappings/sfdc-field.ts'
import { closestName } from '../../mappings/suggest/words.ts'
import { sameName } from '../../metadata/names.ts'
import { type PushOptions, type RowError } from '../model.ts'
import { type Describes, type TargetField, targetsOf } from './described.ts'
import {
  addUnknown,
  isRecord,
  type Match,
  matchText,
  notARecord,
  type ObjectPlan,
  planObject,
  warningsIn,
  type Written,
  writeMapped,
} from './object-plan.ts'
import {
  failed,
  type Judgement,
  type Preparer,
  ready,
  unknownMembers,
  updateOf,
} from './prepare.ts'
import { Refusal, shown } from './refusal.ts'
import { missingField, noSuchField, type MappedField, type Writing } from './mapped-field.ts'

export interface LinkInput {
  /** The active mapping of a canonical object; null if there is none. */
  mappings: (canonicalObject: string) => MappingDraft | null
  describes: Describes
  /** Every object of the snapshot; null if there is none. */
  objectNames: readonly string[] | null
  options: Pick<PushOptions, 'null_policy'>
}

const LINK_MEMBERS: ReadonlySet<string> = new Set(['object', 'match', 'field', 'target'])
const JUNCTION_ROW_MEMBERS: ReadonlySet<string> = new Set([...LINK_MEMBERS, 'junction'])
const JUNCTION_MEMBERS: ReadonlySet<string> = new Set(['object', 'fields', 'external_id'])
const RECORD_MEMBERS: ReadonlySet<string> = new Set(['object', 'match'])
const PLANS_MAX = 500

/** The record that a lookup has to refer to. */
interface Reference {
  plan: ObjectPlan
  match: Match
}

/**
 * Rows `{ object, match, field, target: { object, match } }` set the lookup `field` of a record.
 *
 * Rows `{ junction: { object, fields, external_id }, object?, match?, field?, target? }` upsert a junction record
 * by its external id, given as its value or as `{ field: value }`. Its lookups are values
 * `{ object, match }` in `fields`; a record named by `object` and `match`, and `target`, go into the one
 * lookup of the junction that leads to their object (that of `target` may be named by `field`).
 */
export const compileLinks = (input: LinkInput): Preparer => {
  const planOf = plansOf(input)
  return {
    profiled: [],
    keyName: null,
    keyForm: null,
    judge: (index, row) => {
      if (!isRecord(row)) return failed(index, null, [notARecord('A link', row)])
      return row.junction === undefined || row.junction === null
        ? judgeLink(index, row, planOf)
        : judgeJunction(index, row, planOf, input.mappings)
    },
  }
}

/**
 * Names of the objects in a row, mapped or not: their describes (and those of the objects that their
 * mappings look up) are needed when the row is judged.
 */
export const objectsOfLink = (row: unknown): string[] => {
  if (!isRecord(row)) return []
  const { junction } = row
  const inFields = isRecord(junction) && isRecord(junction.fields) ? junction.fields : {}
  return [row, row.target, junction, ...Object.values(inFields)].flatMap((part) =>
    isRecord(part) && typeof part.object === 'string' ? [part.object] : [],
  )
}

type PlanOf = (name: unknown, path: string, writing: Writing) => ObjectPlan | RowError

const plansOf = ({ mappings, describes, objectNames, options }: LinkInput): PlanOf => {
  const targets = targetsOf(describes)
  const plans = new Map<string, ObjectPlan>()
  const known = objectNames === null ? null : new Set(objectNames.map(sameName))
  return (name, path, writing) => {
    if (typeof name !== 'string' || name === '') {
      return new Refusal(
        'INVALID_ROW',
        `${path} must name an object.`,
        'Name a canonical object that is mapped, or an object of the Salesforce org.',
      ).of(path)
    }
    const key = `${writing}:${name}`
    const planned = plans.get(key)
    if (planned !== undefined) return planned
    const mapping = mappings(name)
    const object = mapping?.sfdc_object ?? name
    const exists = known === null || known.has(sameName(object)) || targets(object) !== null
    if (mapping === null && (!SFDC_NAME.test(name) || !exists)) {
      const near = name.length > 100 ? null : closestName(name, objectNames ?? [])
      return new Refusal(
        'UNKNOWN_OBJECT',
        `${shown(name)} is neither mapped nor an object of the Salesforce org.`,
        near === null ? 'Map it, or correct the name.' : `Did you mean ${near}?`,
      ).of(path)
    }
    const plan = planObject({
      canonical: name,
      object,
      mapping,
      targets,
      writing,
      nullPolicy: options.null_policy,
    })
    if (plans.size < PLANS_MAX) plans.set(key, plan)
    return plan
  }
}

/** Reads `{ object, match }`; adds what is wrong with it to `errors`. */
const readReference = (
  raw: unknown,
  path: string,
  planOf: PlanOf,
  errors: RowError[],
): Reference | null => {
  if (!isRecord(raw)) {
    errors.push(notARecord(path, raw))
    return null
  }
  errors.push(...(unknownMembers(raw, RECORD_MEMBERS) ?? []))
  return readRecord(raw.object, raw.match, path, planOf, errors)
}

const readRecord = (
  object: unknown,
  rawMatch: unknown,
  path: string,
  planOf: PlanOf,
  errors: RowError[],
  writing: Writing = 'update',
): Reference | null => {
  const prefix = path === '' ? '' : `${path}.`
  const plan = planOf(object, `${prefix}object`, writing)
  if ('code' in plan) {
    errors.push(plan)
    return null
  }
  const match = plan.match(rawMatch, `${prefix}match`)
  if ('code' in match) {
    errors.push(match)
    return null
  }
  return { plan, match }
}

// --------------------------------------------------------------------------------- lookups

/** Points the lookup of `plan` at the record, or returns what is wrong. */
const point = (
  plan: ObjectPlan,
  lookUp: { written: string; field: TargetField | null },
  { plan: to, match }: Reference,
  into: Written,
): Refusal | null => {
  const { written, field } = lookUp
  const { referenceTo = [], relationshipName = null } = field ?? {}
  if (field !== null) {
    if (field.type !== 'reference') {
      return new Refusal(
        'INVALID_FIELD',
        `${written} of ${plan.object} is not a lookup.`,
        'Name a field that leads to another object.',
      )
    }
    if (!referenceTo.some((object) => sameName(object) === sameName(to.object))) {
      return new Refusal(
        'FIELD_INTEGRITY_EXCEPTION',
        `${written} of ${plan.object} does not lead to ${to.object}.`,
        `It leads to ${referenceTo.slice(0, 8).join(', ')}.`,
      )
    }
  }
  if (match.field === 'Id') into.fields[written] = match.value
  else {
    const relationship = relationshipName ?? relationshipOf(written)
    if (relationship === null) {
      return new Refusal(
        'INVALID_FIELD',
        `No relationship is known for ${written}.`,
        'Pull the topology, or match the target by its id.',
      )
    }
    const key = { [match.field]: match.value }
    into.fields[relationship] =
      field === null || referenceTo.length > 1 ? { attributes: { type: to.object }, ...key } : key
  }
  into.lockKeys.push(lockKeyOf(to, match))
  return null
}

/** In the form in which mappedFields name the same parents. */
const lockKeyOf = (to: ObjectPlan, { field, value }: Match): string =>
  field === 'Id' ? String(value) : `${to.object}.${field}=${String(value).toLowerCase()}`

/** Salesforce: `X__c` is followed as `X__r`, `AccountId` as `Account`. */
const relationshipOf = (field: string): string | null => {
  if (/__c$/i.test(field)) return field.replace(/__c$/i, '__r')
  return /.Id$/.test(field) ? field.slice(0, -2) : null
}

/** The lookup that the caller means: a canonical field, else Salesforce's own name. */
const namedLookUp = (
  plan: ObjectPlan,
  name: unknown,
  path: string,
  writing: Writing,
): { written: string; field: TargetField | null } | RowError => {
  if (typeof name !== 'string' || name === '') {
    return new Refusal('INVALID_ROW', `${path} must name a lookup.`, 'Name the field to set.').of(
      path,
    )
  }
  const mapped = plan.mappedFieldOf(name)
  const field = mapped?.field ?? (mapped === null ? (plan.target?.field(name) ?? null) : null)
  if (mapped === null && field === null) return plan.unknown(name)
  if (mapped !== null && field === null && plan.target !== null) {
    return noSuchField(mapped.written, plan.object).of(name)
  }
  if (field !== null && !field.updateable && !(writing === 'upsert' && field.createable)) {
    return new Refusal(
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      `Unable to create/update fields: ${field.name}. It cannot be changed by the connected user.`,
      'Grant edit access to it; a master-detail must allow reparenting.',
    ).of(name)
  }
  return { written: field?.name ?? mapped?.written ?? name, field }
}

const judgeLink = (index: number, row: JsonObject, planOf: PlanOf): Judgement => {
  const errors: RowError[] = unknownMembers(row, LINK_MEMBERS) ?? []
  const own = readRecord(row.object, row.match, '', planOf, errors)
  const target = readReference(row.target, 'target', planOf, errors)
  const key = own === null ? null : String(own.match.value)
  const into: Written = { fields: {}, lockKeys: [], errors: null }
  let written = ''
  if (own !== null) {
    const lookUp = namedLookUp(own.plan, row.field, 'field', 'update')
    if ('code' in lookUp) errors.push(lookUp)
    else if (target !== null) {
      written = lookUp.written
      const refusal = point(own.plan, lookUp, target, into)
      if (refusal !== null) errors.push(refusal.of(String(row.field)))
    }
  }
  if (own === null || errors.length > 0) return failed(index, key, errors)
  // Two different lookups of one record are two links; the same lookup set twice is a repetition.
  return ready(
    updateOf(index, own.plan, own.match, into),
    `${own.plan.object}:${matchText(own.match)}:${written}`,
  )
}

// -------------------------------------------------------------------------------- junctions

const judgeJunction = (
  index: number,
  row: JsonObject,
  planOf: PlanOf,
  mappings: LinkInput['mappings'],
): Judgement => {
  const { junction } = row
  const errors: RowError[] = unknownMembers(row, JUNCTION_ROW_MEMBERS) ?? []
  if (!isRecord(junction)) return failed(index, null, [...errors, notARecord('junction', junction)])
  errors.push(...(unknownMembers(junction, JUNCTION_MEMBERS) ?? []))
  const plan = planOf(junction.object, 'junction.object', 'upsert')
  if ('code' in plan) return failed(index, null, [...errors, plan])
  const mapping = mappings(plan.canonical)
  const key = externalIdOf(plan, mapping, junction.external_id)
  if ('code' in key) errors.push(key)
  const keyText = 'code' in key ? null : String(key.value)

  const into: Written = { fields: {}, lockKeys: [], errors: null }
  const taken = new Set<string>()
  fillJunction(plan, junction.fields, planOf, into, taken, errors)
  if (row.object !== undefined || row.match !== undefined) {
    const own = readRecord(row.object, row.match, '', planOf, errors)
    if (own !== null) join(plan, own, undefined, 'match', into, taken, errors)
  }
  if (row.target !== undefined) {
    const target = readReference(row.target, 'target', planOf, errors)
    if (target !== null) join(plan, target, row.field, 'target', into, taken, errors)
  }
  errors.push(...(into.errors ?? []))
  errors.push(...missingOf(plan, key, taken, into))
  if (errors.length > 0 || 'code' in key || keyText === null) return failed(index, keyText, errors)
  return ready(
    {
      index,
      key: keyText,
      object: plan.object,
      operation: 'upsert',
      matchField: key.field,
      matchValue: key.value,
      fields: into.fields,
      lockKeys: into.lockKeys,
      ...warningsIn(into),
    },
    `${plan.object}:${matchText(key)}`,
  )
}

/** `external_id` is the value of the mapping's external id, or `{ field: value }`. */
const externalIdOf = (
  plan: ObjectPlan,
  mapping: MappingDraft | null,
  raw: unknown,
): Match | RowError => {
  const path = 'junction.external_id'
  if (isRecord(raw)) {
    const match = plan.match(raw, path)
    return 'code' in match || match.field !== 'Id'
      ? match
      : new Refusal(
          'INVALID_MATCH',
          'A junction record is created by an external id, not by its Id.',
          'Give an external id of the junction object.',
        ).of(path)
  }
  const field = mapping?.external_id_field ?? null
  const mapped = plan.mappedFields.find(
    ({ written, parent }) => parent === null && sameName(written) === sameName(field ?? ''),
  )
  if (mapped === undefined) {
    return new Refusal(
      'INVALID_MATCH',
      `Which external id of ${plan.object} is meant is not known.`,
      'Write it as { "Field__c": value }, or map the object with its external id.',
    ).of(path)
  }
  return plan.matchBy(mapped, raw)
}

/** The junction's own values; those of the form `{ object, match }` are lookups. */
const fillJunction = (
  plan: ObjectPlan,
  given: unknown,
  planOf: PlanOf,
  into: Written,
  taken: Set<string>,
  errors: RowError[],
): void => {
  if (given === undefined || given === null) return
  if (!isRecord(given)) {
    errors.push(notARecord('junction.fields', given))
    return
  }
  for (const name of Object.keys(given)) {
    const value = given[name]
    if (isRecord(value)) {
      const lookUp = namedLookUp(plan, name, 'junction.fields', 'upsert')
      if ('code' in lookUp) {
        errors.push(lookUp)
        continue
      }
      taken.add(sameName(lookUp.written))
      const to = readReference(value, `junction.fields.${name}`, planOf, errors)
      const refusal = to === null ? null : point(plan, lookUp, to, into)
      if (refusal !== null) errors.push(refusal.of(name))
      continue
    }
    const mapped: MappedField | null = plan.mappedFieldOf(name)
    if (mapped === null) {
      addUnknown(plan, name, into)
      continue
    }
    const before = into.errors?.length ?? 0
    const wrote = writeMapped(mapped, value, into)
    // A refused value is already a fault; it is not also reported as missing.
    if (wrote || (into.errors?.length ?? 0) > before) taken.add(sameName(mapped.written))
  }
}

/** Puts a record into the lookup of the junction that leads to its object. */
const join = (
  plan: ObjectPlan,
  to: Reference,
  name: unknown,
  path: string,
  into: Written,
  taken: Set<string>,
  errors: RowError[],
): void => {
  let lookUp: { written: string; field: TargetField | null } | RowError
  if (name !== undefined && name !== null) {
    lookUp = namedLookUp(plan, name, 'field', 'upsert')
  } else {
    const leading = (plan.target?.fields ?? []).filter(
      (field) =>
        field.type === 'reference' &&
        field.createable &&
        field.referenceTo.some((object) => sameName(object) === sameName(to.plan.object)),
    )
    const free = leading.filter((field) => !taken.has(sameName(field.name)))
    const [only] = free
    lookUp =
      only !== undefined && free.length === 1
        ? { written: only.name, field: only }
        : notOneLookUp(plan, to, leading, free).of(path)
  }
  if ('code' in lookUp) {
    errors.push(lookUp)
    return
  }
  taken.add(sameName(lookUp.written))
  const refusal = point(plan, lookUp, to, into)
  if (refusal !== null) errors.push(refusal.of(path))
}

const notOneLookUp = (
  plan: ObjectPlan,
  to: Reference,
  leading: readonly TargetField[],
  free: readonly TargetField[],
): Refusal => {
  const named = (fields: readonly TargetField[]) => fields.map(({ name }) => name).join(' and ')
  if (free.length === 0 && leading.length > 0) {
    return new Refusal(
      'INVALID_ROW',
      `${named(leading)} of ${plan.object} already gets its value from junction.fields.`,
      'Leave it out there, or name the two records only there.',
    )
  }
  return new Refusal(
    'INVALID_ROW',
    free.length === 0
      ? `No lookup of ${plan.object} to ${to.plan.object} is known.`
      : `${plan.object} leads to ${to.plan.object} by ${named(free)}.`,
    'Give the record under junction.fields, as { "Look_Up__c": { "object": …, "match": … } }.',
  )
}

/** Defaults of the mapping, and what a new junction record lacks. */
const missingOf = (
  plan: ObjectPlan,
  key: Match | RowError,
  taken: ReadonlySet<string>,
  into: Written,
): RowError[] => {
  const keyField = 'code' in key ? '' : sameName(key.field)
  const absent = (written: string) =>
    !taken.has(sameName(written)) && sameName(written) !== keyField
  const missing: RowError[] = []
  const refused: Written = { ...into, errors: null, warnings: (into.warnings ??= []) }
  for (const mapped of plan.mappedFields) {
    if (!absent(mapped.written)) continue
    const before = refused.errors?.length ?? 0
    if (writeMapped(mapped, undefined, refused) || !mapped.required) continue
    if ((refused.errors?.length ?? 0) === before) {
      missing.push(missingField(mapped.written).of(mapped.name))
    }
  }
  const required = plan.unmappedRequired.filter(({ fields: [name = ''] }) => absent(name))
  return [...(refused.errors ?? []), ...missing, ...required]
}
