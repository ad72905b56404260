// Fields that formulas and flows name, followed through the relationships of the Salesforce org and the
// plan, and whether they exist.

import { asText } from '../../salesforce/json.ts'
import { list, listObjects } from '../../salesforce/xml.ts'
import { fieldKindOf } from '../metadata/fields/field-kinds.ts'
import { isLong } from '../metadata/fields/long-texts.ts'
import { pathsInFormula } from '../metadata/formula-paths.ts'
import { type FormulaType, formulaTypeOf } from '../metadata/formula-types.ts'
import { sameName } from '../metadata/names.ts'
import { fieldOfRelationship, globalRecord, type RecordPath } from '../workflows/flow-references.ts'
import { missingGlobals, unknownGlobals } from './global-variables.ts'
import { type Facts } from './rule.ts'
import { fieldIn, relationIn } from './subjects.ts'

export interface FieldName {
  object: string
  field: string
}

/** Relationships that may be named on every object, whatever its describe says. */
const ALWAYS: ReadonlySet<string> = new Set(['createdby', 'lastmodifiedby', 'owner', 'recordtype'])

/** Describes show it only where there are record types; formulas may always name it. */
const RECORD_TYPE = 'recordtypeid'

/** Salesforce: formulas call a queue that owns a record `Owner:Queue`, and describes call it Group. */
const isOwningQueue = (named: string | undefined, targets: readonly string[]): boolean =>
  sameName(named ?? '') === 'queue' && targets.some((target) => sameName(target) === 'group')

/** The standard fields of an object that the plan creates. */
const OF_NEW_OBJECTS: ReadonlySet<string> = new Set(
  'Id Name OwnerId CurrencyIsoCode IsDeleted CreatedById CreatedDate LastModifiedById LastModifiedDate SystemModstamp LastActivityDate LastReferencedDate LastViewedDate'
    .split(' ')
    .map(sameName),
)

/** The fields along a path, as far as it can be followed. */
export const fieldsOnPath = (
  { object, steps: [step, ...rest] }: RecordPath,
  facts: Facts,
): FieldName[] => {
  const [next, ...others] = rest
  if (next === undefined) return sameName(step) === RECORD_TYPE ? [] : [{ object, field: step }]
  const [relationship = '', named] = step.split(':')
  const field = relationIn(facts.describeOf(object), relationship)
  if (field === null) {
    if (ALWAYS.has(sameName(relationship))) return []
    const own = fieldOfRelationship(relationship)
    const planned = facts.plannedField(object, own)
    return planned !== null && 'reference_to' in planned
      ? fieldsOnPath({ object: planned.reference_to, steps: [next, ...others] }, facts)
      : [{ object, field: own }]
  }
  const targets = list(field.referenceTo).flatMap((name) => asText(name) ?? [])
  if (isOwningQueue(named, targets)) return []
  if (named !== undefined && !targets.some((target) => sameName(target) === sameName(named))) {
    return [{ object, field: step }]
  }
  // For several objects, what all of them have may be used without naming one.
  const target = named ?? (targets.length === 1 ? targets[0] : undefined)
  return target === undefined
    ? []
    : fieldsOnPath({ object: target, steps: [next, ...others] }, facts)
}

/** Salesforce: `Place__Latitude__s` is a part of the field `Place__c`. */
const wholeOf = (field: string): string => field.replace(/__[a-z]+__s$/i, '__c')

/**
 * Whether the field is known to exist neither in the Salesforce org nor in the plan. Salesforce accepts
 * one that is only hidden from the connected user.
 */
export const isFieldMissing = async (
  { object, field }: FieldName,
  { describeOf, plannedField, plannedObject, objectExists, live }: Facts,
): Promise<boolean> => {
  if (plannedField(object, field) !== null || plannedField(object, wholeOf(field)) !== null) {
    return false
  }
  const describe = describeOf(object)
  if (describe === null) {
    // An object that exists but could not be described is reported elsewhere.
    const isNew = !objectExists(object) && plannedObject(object) !== null
    return isNew && !OF_NEW_OBJECTS.has(sameName(field))
  }
  if (field.includes('.') || fieldIn(describe, field) !== null) return false
  const all = await live.allFields(object)
  return all !== null && !all.some((name) => sameName(name) === sameName(field))
}

/** Global variables of the user that are not fields. Salesforce: Help, "Global Variables". */
const NOT_FIELDS: ReadonlySet<string> = new Set(['uitheme', 'uithemedisplayed'])

/** The path of a global variable that is a record, or a custom setting; null for others. */
const globalPath = ([root, ...steps]: readonly string[]): RecordPath | null => {
  // `$Setup.Limits__c.Most__c`: a custom setting, then its field.
  const isSetting = sameName(root ?? '') === '$setup'
  const object = isSetting ? (steps[0] ?? null) : globalRecord(root ?? '')
  const [first, ...rest] = isSetting ? steps.slice(1) : steps
  if (object === null || first === undefined || NOT_FIELDS.has(sameName(first))) return null
  return { object, steps: [first, ...rest] }
}

/** A path of a formula, and how the formula writes it. */
interface WrittenPath extends RecordPath {
  written: string
}

/** Where a formula on the object finds a path; null for global variables that are no records. */
const pathFrom = (steps: readonly [string, ...string[]], object: string): RecordPath | null => {
  const [first, second, ...rest] = steps
  if (first.startsWith('$')) return globalPath(steps)
  // Salesforce also accepts the object's own fields with its name first.
  const isOwn = second !== undefined && sameName(first) === sameName(object)
  return { object, steps: isOwn ? [second, ...rest] : steps }
}

/** The paths of a formula on the object. */
export const pathsOfFormula = (formula: string, object: string): WrittenPath[] =>
  pathsInFormula(formula).flatMap((steps): WrittenPath[] => {
    const path = pathFrom(steps, object)
    return path === null ? [] : [{ ...path, written: steps.join('.') }]
  })

/** Global variables that are no records, by the type of all their members. */
const GLOBAL_TYPES: Readonly<Record<string, FormulaType>> = {
  $api: 'text',
  $label: 'text',
  $permission: 'boolean',
}

const typeOfField = ({ object, field }: FieldName, facts: Facts): FormulaType | null => {
  const planned = facts.plannedField(object, field)
  if (planned !== null) {
    const kind = fieldKindOf(planned.type)
    const [type = ''] = kind.describeTypes(planned)
    // The type of a roll-up is that of what it rolls up.
    return planned.type === 'Summary' ? null : formulaTypeOf(type, kind.family === 'long text')
  }
  const described = fieldIn(facts.describeOf(object), field)
  return described === null ? null : formulaTypeOf(asText(described.type) ?? '', isLong(described))
}

/** What a formula on the object takes the field at the end of a path for; null if that is not known. */
export const typeOnPath = (
  steps: readonly [string, ...string[]],
  object: string,
  facts: Facts,
): FormulaType | null => {
  const path = pathFrom(steps, object)
  if (path === null) return GLOBAL_TYPES[sameName(steps[0])] ?? null
  const [field] = fieldsOnPath(path, facts)
  return field === undefined ? null : typeOfField(field, facts)
}

/** The paths of a formula, as written, that lead to a field which does not exist. */
export const missingInFormula = async (
  formula: string,
  object: string,
  facts: Facts,
): Promise<string[]> => {
  const judged = await Promise.all(
    pathsOfFormula(formula, object).map(async (path) => {
      const fields = await Promise.all(
        fieldsOnPath(path, facts).map((field) => isFieldMissing(field, facts)),
      )
      return fields.includes(true) ? [path.written] : []
    }),
  )
  const paths = pathsInFormula(formula)
  const globals = [...unknownGlobals(paths), ...(await missingGlobals(paths, facts))]
  return [...new Set([...judged.flat(), ...globals])]
}

/** The fields of the object that are described or planned: what a misspelt name may have meant. */
export const fieldNamesOf = (object: string, { describeOf, plannedObject }: Facts): string[] => [
  ...listObjects(describeOf(object)?.fields).flatMap(({ name }) => asText(name) ?? []),
  ...(plannedObject(object)?.fields ?? []).map(({ api_name: name }) => name),
]

/** The formula of a field, planned or in the Salesforce org; null where it has none. */
export const formulaOf = ({ object, field }: FieldName, facts: Facts): string | null => {
  const planned = facts.plannedField(object, field)
  if (planned !== null) return planned.type === 'Formula' ? planned.formula : null
  return asText(fieldIn(facts.describeOf(object), field)?.calculatedFormula)
}

/** How a field is found among those that a formula shows. */
export const keyOf = ({ object, field }: FieldName): string => sameName(`${object}.${field}`)

/** What each formula shows by itself, by its key: read once for many questions about a plan. */
export type ShownDirectly = Map<string, ReadonlyMap<string, FieldName>>

const shownDirectly = (name: FieldName, facts: Facts): ReadonlyMap<string, FieldName> => {
  const formula = formulaOf(name, facts)
  const shown =
    formula === null
      ? []
      : pathsOfFormula(formula, name.object).flatMap((path) => fieldsOnPath(path, facts))
  return new Map(shown.map((one) => [keyOf(one), one]))
}

/**
 * The fields that a formula field shows, through all formulas that they show themselves, by `keyOf` of each.
 */
export const shownBy = (
  formulaField: FieldName,
  facts: Facts,
  known: ShownDirectly = new Map(),
): ReadonlyMap<string, FieldName> => {
  const seen = new Map<string, FieldName>()
  const open: [string, FieldName][] = [[keyOf(formulaField), formulaField]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [key, name] = next
    const direct = known.get(key) ?? shownDirectly(name, facts)
    known.set(key, direct)
    for (const entry of direct) {
      if (seen.has(entry[0])) continue
      seen.set(...entry)
      open.push(entry)
    }
  }
  return seen
}
