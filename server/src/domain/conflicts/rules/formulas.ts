// What Salesforce refuses about formulas, of fields, rules, default values and flows: names that do not
// exist, functions that do not belong there, syntax, and types that do not fit.

import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { formulasOfRule } from '../definitions.ts'
import {
  fieldNamesOf,
  keyOf,
  missingInFormula,
  pathsOfFormula,
  shownBy,
  type ShownDirectly,
  typeOnPath,
} from '../field-paths.ts'
import { didYouMean } from '../../mappings/suggest/words.ts'
import { fieldKindOf, type PlanField } from '../../metadata/fields/field-kinds.ts'
import { type FormulaPlace, misusedFunctions } from '../../metadata/formula-functions.ts'
import { faultOfFormula, type FormulaType, formulaTypeOf } from '../../metadata/formula-types.ts'
import { sameName } from '../../metadata/names.ts'
import { formulasOfFlow } from '../../workflows/flow-references.ts'
import { type PlannedWorkflow } from '../facts.ts'
import { type Facts, rulesFor, type Verdict } from '../rule.ts'

const rule = rulesFor('types')

const missing = (
  full: string,
  names: readonly string[],
  known: readonly string[],
  at: string,
): Verdict[] =>
  names.map((name) => ({
    message: `The formula of ${full} references ${name}, which exists neither in the Salesforce org nor in the plan.${didYouMean(name, known)}`,
    remedy: 'Correct the name, or add the field to the plan.',
    at,
  }))

const ELSEWHERE: Readonly<Record<FormulaPlace, string>> = {
  field: 'allows in rules and not in formula fields',
  rule: 'does not allow in rules',
  flow: 'does not support in the formulas of a flow',
}

const misused = (full: string, formula: string, place: FormulaPlace, at: string): Verdict[] =>
  misusedFunctions(formula, place).map(({ name, why }) => ({
    message:
      why === 'unknown'
        ? `The formula of ${full} calls ${name}, which is not a function of Salesforce.`
        : `The formula of ${full} calls ${name}, which Salesforce ${ELSEWHERE[place]}.`,
    remedy:
      why === 'unknown' ? 'Correct the name of the function.' : 'Write the formula without it.',
    at,
  }))

/** The fault of a formula on an object, as a verdict. */
const invalid = (full: string, fault: string | null, at: string): Verdict | null =>
  fault === null
    ? null
    : {
        message: `The formula of ${full} ${fault}; Salesforce refuses it.`,
        remedy: 'Correct the formula.',
        at,
      }

/** What a formula of the field has to result in. */
const resultOf = (field: PlanField): FormulaType | null => {
  const type = formulaTypeOf(fieldKindOf(field.type).describeTypes(field)[0] ?? '', false)
  return type === 'picklist' || type === 'multipicklist' ? 'text' : type
}

const defaultOf = (field: PlanField): string | null =>
  'default_formula' in field ? (field.default_formula ?? null) : null

/** Of a record, only its type is known before its values are entered. */
const KNOWN_AT_CREATION: ReadonlySet<string> = new Set(['recordtype', 'recordtypeid'])

/** Paths of a default value's formula that lead to fields of the new record itself. */
const ownFields = (formula: string, object: string): string[] =>
  pathsOfFormula(formula, object).flatMap(({ written, steps: [first] }) =>
    written.startsWith('$') || KNOWN_AT_CREATION.has(sameName(first)) ? [] : [written],
  )

/** What a formula of a flow results in, by its data type. */
const FLOW_RESULTS: Readonly<Record<string, FormulaType>> = {
  Boolean: 'boolean',
  Currency: 'number',
  Date: 'date',
  DateTime: 'datetime',
  Number: 'number',
  String: 'text',
}

const MERGE_FIELD = /\{!\s*([$A-Za-z][\w.:$]*)\s*\}/g

/** The fault of a formula of a flow; in flows, nothing is said about the types of what it names. */
const faultInFlow = (formula: string, expected: FormulaType | null): string | null => {
  const plain = formula.replaceAll(MERGE_FIELD, (_, path: string) => ` ${path} `)
  if (plain.includes('{!')) return null
  return faultOfFormula(plain, { typeOf: () => null, expected, isField: false })
}

const faultsOfWorkflow = (workflow: PlannedWorkflow, facts: Facts): (string | null)[] => {
  const { type, definition, api_name: name } = workflow
  if (type !== 'flow') {
    const object = name.slice(0, name.indexOf('.'))
    return formulasOfRule(definition).map((formula) =>
      faultOfFormula(formula, {
        typeOf: (steps) => typeOnPath(steps, object, facts),
        expected: 'boolean',
        isField: false,
      }),
    )
  }
  const types = new Map(
    listObjects(definition.formulas).map(({ expression, dataType }) => [
      leaf(expression),
      FLOW_RESULTS[leaf(dataType) ?? ''] ?? null,
    ]),
  )
  return formulasOfFlow(definition).map(({ formula, isCondition }) =>
    faultInFlow(formula, isCondition ? 'boolean' : (types.get(formula) ?? null)),
  )
}

/** The formulas of a workflow, with the place of each. */
const formulasOf = ({
  type,
  definition,
}: PlannedWorkflow): { formula: string; place: FormulaPlace }[] => {
  if (type === 'flow') {
    return formulasOfFlow(definition).map(({ formula, isCondition }) => ({
      formula,
      place: isCondition ? 'rule' : 'flow',
    }))
  }
  return formulasOfRule(definition).map((formula) => ({ formula, place: 'rule' }))
}

export const formulaRules = [
  rulesFor('automation')('workflow', {
    code: 'workflow_function_refused',
    severities: ['red'],
    judge: ({ workflow }) =>
      formulasOf(workflow).flatMap(({ formula, place }) =>
        misused(workflow.api_name, formula, place, 'definition'),
      ),
  }),
  rulesFor('automation')('workflow', {
    code: 'workflow_formula_invalid',
    severities: ['red'],
    judge: ({ workflow }, facts) =>
      faultsOfWorkflow(workflow, facts).flatMap(
        (fault) => invalid(workflow.api_name, fault, 'definition') ?? [],
      ),
  }),
  rule('field', {
    code: 'formula_invalid',
    severities: ['red'],
    judge: ({ field, object, full }, facts) =>
      field.type === 'Formula'
        ? invalid(
            full,
            faultOfFormula(field.formula, {
              typeOf: (steps) => typeOnPath(steps, object.api_name, facts),
              expected: resultOf(field),
              isField: true,
            }),
            'formula',
          )
        : null,
  }),
  rule('package', {
    code: 'formula_circular',
    severities: ['red'],
    judge: (_, facts) => {
      const known: ShownDirectly = new Map()
      return facts.plan.objects.flatMap(({ api_name: object, fields }, index) =>
        fields.flatMap((field, at): Verdict[] => {
          if (field.type !== 'Formula') return []
          const name = { object, field: field.api_name }
          if (!shownBy(name, facts, known).has(keyOf(name))) return []
          const full = `${object}.${field.api_name}`
          return [
            {
              message: `The formula of ${full} leads back to ${full}; Salesforce refuses this.`,
              remedy:
                'Take the field out of its own formula, and out of the formulas that it shows.',
              at: `objects.${index}.fields.${at}.formula`,
              component: { type: 'CustomField', fullName: full },
            },
          ]
        }),
      )
    },
  }),
  rule('field', {
    code: 'default_formula_refused',
    severities: ['red'],
    judge: async ({ field, object, full }, facts) => {
      const formula = defaultOf(field)
      if (formula === null) return null
      const name = `the default value of ${full}`
      const own = ownFields(formula, object.api_name)
      const verdicts = [
        ...own.map((path) => ({
          // Salesforce Help, "Default Field Value Considerations".
          message: `The formula of ${name} uses ${path}; a default value is set before the fields of a record are filled in.`,
          remedy: 'Use constants, functions and global variables such as $User.',
          at: 'default_formula',
        })),
        ...missing(
          name,
          (await missingInFormula(formula, object.api_name, facts)).filter(
            (path) => !own.includes(path),
          ),
          [],
          'default_formula',
        ),
        ...misused(name, formula, 'field', 'default_formula'),
      ]
      const result = resultOf(field)
      const fault = faultOfFormula(formula, {
        typeOf: (steps) => typeOnPath(steps, object.api_name, facts),
        // Salesforce takes NOW() for a day, as real files show (DeliveryDate__c of SalesforceFoundation/PMM).
        expected: result === 'date' ? null : result,
        isField: false,
      })
      return verdicts.concat(invalid(name, fault, 'default_formula') ?? [])
    },
  }),
  rule('field', {
    code: 'formula_field_missing',
    severities: ['red'],
    judge: async ({ field, object, full }, facts) =>
      field.type === 'Formula'
        ? missing(
            full,
            await missingInFormula(field.formula, object.api_name, facts),
            fieldNamesOf(object.api_name, facts),
            'formula',
          )
        : null,
  }),
  rule('validation_rule', {
    code: 'validation_rule_field_missing',
    severities: ['red'],
    judge: async ({ rule: planned, object, component }, facts) =>
      missing(
        component.fullName,
        await missingInFormula(planned.error_condition_formula, object.api_name, facts),
        fieldNamesOf(object.api_name, facts),
        'error_condition_formula',
      ),
  }),
  rule('field', {
    code: 'formula_function_refused',
    severities: ['red'],
    judge: ({ field, full }) =>
      field.type === 'Formula' ? misused(full, field.formula, 'field', 'formula') : null,
  }),
  rule('validation_rule', {
    code: 'validation_rule_formula_invalid',
    severities: ['red'],
    judge: ({ rule: planned, object, component }, facts) =>
      invalid(
        component.fullName,
        faultOfFormula(planned.error_condition_formula, {
          typeOf: (steps) => typeOnPath(steps, object.api_name, facts),
          expected: 'boolean',
          isField: false,
        }),
        'error_condition_formula',
      ),
  }),
  rule('validation_rule', {
    code: 'validation_rule_function_refused',
    severities: ['red'],
    judge: ({ rule: planned, component }) =>
      misused(
        component.fullName,
        planned.error_condition_formula,
        'rule',
        'error_condition_formula',
      ),
  }),
]
