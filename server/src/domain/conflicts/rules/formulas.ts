// What formulas refer to: Salesforce refuses a formula with a field that does not exist.

import { formulasOfRule } from '../definitions.ts'
import { fieldNamesOf, missingInFormula } from '../field-paths.ts'
import { didYouMean } from '../../mappings/suggest/words.ts'
import { type FormulaPlace, misusedFunctions } from '../../metadata/formula-functions.ts'
import { formulasOfFlow } from '../../workflows/flow-references.ts'
import { type PlannedWorkflow } from '../facts.ts'
import { rulesFor, type Verdict } from '../rule.ts'

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
