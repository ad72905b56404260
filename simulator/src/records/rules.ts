// What a row is checked against once its values are known: required fields, unique values, validation
// rules, duplicate rules.

import { FormulaNotSimulated, FormulaSyntaxError } from '../formula/formula.ts'
import {
  type DuplicateRule,
  type Field,
  type Org,
  type Row,
  type SObject,
  type User,
} from '../org/model.ts'
import { notSimulated } from '../refusals.ts'
import { badPicklistValue } from './field-values.ts'
import { formulaOf, recordScope } from './formulas.ts'
import { type ObjectPlan } from './plan.ts'
import { missingFields, problem, rowError, RowProblem } from './row-errors.ts'
import { type RowError } from './save-types.ts'
import { recordStateOf } from './state.ts'
import { indexKey } from './store.ts'

export interface Change {
  org: Org
  user: User
  plan: ObjectPlan
  /** The row as it was; null when it is new. */
  before: Row | null
  after: Row
}

const changed = ({ before, after }: Change, name: string): boolean =>
  before === null || before[name] !== after[name]

const absent = (value: unknown): boolean => value === null || value === undefined

export const checkRequired = (change: Change): void => {
  const { plan, before, after } = change
  const missing = plan.required.filter(({ describe }) => absent(after[describe.name]))
  const emptied =
    before === null
      ? []
      : [...plan.fields.values()].filter(
          ({ field: { describe } }) =>
            !describe.nillable &&
            describe.defaultedOnCreate &&
            describe.updateable &&
            absent(after[describe.name]) &&
            !absent(before[describe.name]),
        )
  const names = [...missing, ...emptied.map(({ field }) => field)].map(
    ({ describe }) => describe.name,
  )
  if (names.length > 0) throw missingFields(names)
}

/** Salesforce: a record type allows some of a picklist's values. */
export const checkRecordTypeValues = (change: Change): void => {
  const { plan, after } = change
  const type = after['RecordTypeId']
  const lists = typeof type === 'string' ? plan.recordTypePicklists.get(type) : undefined
  if (lists === undefined) return
  for (const [name, allowed] of lists) {
    const known = plan.fields.get(name)
    const value = known === undefined ? undefined : after[known.field.describe.name]
    if (known === undefined || typeof value !== 'string') continue
    if (!known.field.describe.restrictedPicklist || !changed(change, known.field.describe.name))
      continue
    const bad = value.split(';').find((each) => !allowed.has(each.toLowerCase()))
    if (bad !== undefined) throw badPicklistValue(known.field, bad)
  }
}

/**
 * Salesforce: the values of a dependent picklist that fit the controlling one; if the picklist is
 * restricted, the API enforces them. Bit n of `validFor` stands for the nth controlling value (REST API
 * guide, "sObject Describe").
 */
export const checkDependentValues = (change: Change): void => {
  const { plan, after } = change
  for (const field of plan.dependent) {
    const { name, controllerName, picklistValues } = field.describe
    const controller = plan.object.fields.get(String(controllerName).toLowerCase())
    const value = after[name]
    if (controller === undefined || typeof value !== 'string') continue
    if (!changed(change, name) && !changed(change, controller.describe.name)) continue
    const nth = controllingIndex(controller, after[controller.describe.name])
    for (const each of value.split(';')) {
      const { validFor = null } = picklistValues.find((known) => known.value === each) ?? {}
      if (validFor !== null && !hasBit(validFor, nth)) throw badPicklistValue(field, each)
    }
  }
}

const controllingIndex = ({ describe }: Field, value: unknown): number =>
  describe.type === 'boolean'
    ? Number(value === true)
    : describe.picklistValues.findIndex((each) => each.value === value)

const hasBit = (base64: string, n: number): boolean =>
  n >= 0 && ((Buffer.from(base64, 'base64')[n >> 3] ?? 0) & (0x80 >> (n & 7))) !== 0

export const checkUnique = (change: Change): void => {
  const { org, plan, after } = change
  const { store } = recordStateOf(org)
  for (const field of plan.unique) {
    const { name, caseSensitive } = field.describe
    if (absent(after[name]) || !changed(change, name)) continue
    const other = store
      .liveWith(plan.object, field, after[name])
      .find((row) => row.Id !== after.Id && (!caseSensitive || row[name] === after[name]))
    if (other === undefined) continue
    // Recorded: for a custom setting it is the id of the owner that both rows have.
    const owner = name === 'SetupOwnerId' ? after[name] : undefined
    const id = typeof owner === 'string' ? owner.slice(0, 15) : other.Id
    throw problem(
      'DUPLICATE_VALUE',
      `duplicate value found: ${name} duplicates value on record with id: ${id}`,
    )
  }
}

/**
 * Throws a `RowProblem` with the message of every rule that the row breaks. A rule whose formula is
 * beyond this simulator is refused as not simulated: it must not count as one that passed.
 */
export const checkValidationRules = ({ org, user, plan, before, after }: Change): void => {
  const broken: RowError[] = []
  const scope = recordScope({ org, object: plan.object, row: after, before, user })
  for (const rule of plan.object.validationRules) {
    if (!rule.active) continue
    if (
      !simulated(
        `validation rule ${rule.name} of ${plan.object.name}`,
        () => formulaOf(org, rule.errorConditionFormula).evaluate(scope) === true,
      )
    )
      continue
    const field = rule.errorDisplayField
    broken.push(
      rowError(
        'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        rule.errorMessage,
        field === null ? [] : [field],
      ),
    )
  }
  if (broken.length > 0) throw new RowProblem(broken)
}

/** Runs what evaluates a formula; one that cannot be evaluated becomes a refusal with 501. */
export const simulated = <T>(what: string, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    if (error instanceof FormulaNotSimulated || error instanceof FormulaSyntaxError)
      throw notSimulated(`${what}: ${error.message}`)
    throw error
  }
}

/** Salesforce: DUPLICATES_DETECTED, with what was found. Rules that only alert can be overridden. */
export const checkDuplicates = (change: Change, allowDuplicates: boolean): void => {
  const { org, plan } = change
  for (const rule of org.duplicateRules) {
    if (!rule.active || rule.object !== plan.object.name) continue
    if (rule.action === 'alert' && allowDuplicates) continue
    if (!rule.matchFields.some((name) => changed(change, name))) continue
    const found = matches(change, rule)
    if (found.length === 0) continue
    throw new RowProblem([
      {
        ...rowError('DUPLICATES_DETECTED', rule.message),
        duplicateResult: duplicateResult(plan.object, rule, found),
      },
    ])
  }
}

const matches = ({ org, plan, after }: Change, rule: DuplicateRule): Row[] => {
  const same = (name: string, row: Row) => indexKey(row[name]) === indexKey(after[name])
  // Salesforce: by default, blank fields do not match.
  if (rule.matchFields.some((name) => absent(after[name]))) return []
  const [first = ''] = rule.matchFields
  const field = plan.object.fields.get(first.toLowerCase())
  if (field === undefined) return []
  return recordStateOf(org)
    .store.liveWith(plan.object, field, after[first])
    .filter((row) => row.Id !== after.Id && rule.matchFields.every((name) => same(name, row)))
}

const duplicateResult = (object: SObject, rule: DuplicateRule, found: Row[]) => ({
  allowSave: rule.action === 'alert',
  duplicateRule: rule.developerName,
  duplicateRuleEntityType: object.name,
  errorMessage: rule.message,
  matchResults: [
    {
      entityType: object.name,
      errors: [],
      matchEngine: 'ExactMatchEngine',
      matchRecords: found.slice(0, 10).map(({ Id }) => ({
        additionalInformation: [],
        fieldDiffs: [],
        matchConfidence: 100,
        record: { attributes: { type: object.name }, Id },
      })),
      rule: `${rule.developerName}_Match`,
      size: Math.min(found.length, 10),
      success: true,
    },
  ],
})
