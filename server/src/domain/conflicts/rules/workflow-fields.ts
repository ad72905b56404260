// What the automations of a request refer to: fields, and picklist values.

import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { nearNames } from '../../mappings/suggest/words.ts'
import { sameName } from '../../metadata/names.ts'
import { pathsInFormula } from '../../metadata/formula-paths.ts'
import { recordPathsOf, referencesIn } from '../../workflows/flow-references.ts'
import { fieldsOfFlow, formulasOfRule, valuesOfFlow } from '../definitions.ts'
import {
  type FieldName,
  fieldNamesOf,
  fieldsOnPath,
  isFieldMissing,
  pathsOfFormula,
} from '../field-paths.ts'
import { missingGlobals, unknownGlobals } from '../global-variables.ts'
import { type PlannedWorkflow } from '../facts.ts'
import { type Facts, rulesFor } from '../rule.ts'
import { activeValues, fieldIn } from '../subjects.ts'
import { listed, one } from '../../words.ts'

const rule = rulesFor('automation')

interface FieldValue extends FieldName {
  value: string
}

const objectOf = (apiName: string): string => apiName.slice(0, apiName.indexOf('.'))

/** Salesforce: criteria name a field with its object, as in Lead.Industry. */
const criteriaOf = ({ definition, api_name: name }: PlannedWorkflow): FieldValue[] =>
  listObjects(definition.ruleEntry)
    .flatMap((entry) => listObjects(entry.criteriaItems))
    .flatMap((item) => {
      const [first, second] = (leaf(item.field) ?? '').split('.')
      if (first === undefined || first === '') return []
      const value = leaf(item.value) ?? ''
      return second === undefined
        ? [{ object: objectOf(name), field: first, value }]
        : [{ object: first, field: second, value }]
    })

const usedBy = (workflow: PlannedWorkflow, facts: Facts): FieldName[] => {
  const { type, definition, api_name: name } = workflow
  if (type === 'flow') {
    return [
      ...fieldsOfFlow(definition),
      ...recordPathsOf(definition).flatMap((path) => fieldsOnPath(path, facts)),
    ]
  }
  const object = objectOf(name)
  const shown = leaf(definition.errorDisplayField)
  return [
    ...(type === 'assignment_rule' ? criteriaOf(workflow) : []),
    ...formulasOfRule(definition)
      .flatMap((formula) => pathsOfFormula(formula, object))
      .flatMap((path) => fieldsOnPath(path, facts)),
    ...(shown === null ? [] : [{ object, field: shown }]),
  ]
}

/** The paths of global variables in a workflow that name what does not exist. */
const globalsMissing = async (
  { type, definition }: PlannedWorkflow,
  facts: Facts,
): Promise<string[]> => {
  if (type === 'flow') {
    const paths = referencesIn(definition).map((reference) => reference.split('.'))
    return missingGlobals(paths, facts)
  }
  const paths = formulasOfRule(definition).flatMap((formula) => pathsInFormula(formula))
  return [...unknownGlobals(paths), ...(await missingGlobals(paths, facts))]
}

/** Those that are neither in the Salesforce org nor in the plan, each once. */
const missingOf = async (used: readonly FieldName[], facts: Facts): Promise<string[]> => {
  const judged = await Promise.all(
    used.map(async (name) =>
      (await isFieldMissing(name, facts)) ? [`${name.object}.${name.field}`] : [],
    ),
  )
  return [...new Set(judged.flat())]
}

/** `Object.Field` for every field that is described of the objects in `names`. */
const knownFields = (names: readonly string[], facts: Facts): string[] =>
  [...new Set(names.map(objectOf))].flatMap((object) =>
    fieldNamesOf(object, facts).map((field) => `${object}.${field}`),
  )

/** `"Acme, Inc",Other` holds two values. */
const valuesIn = (written: string): string[] =>
  [...written.matchAll(/"([^"]*)"|([^,]+)/g)].map(([, quoted, bare]) =>
    (quoted ?? bare ?? '').trim(),
  )

const unknownValues = (workflow: PlannedWorkflow, facts: Facts): string[] => {
  const given =
    workflow.type === 'flow'
      ? valuesOfFlow(workflow.definition)
      : workflow.type === 'assignment_rule'
        ? criteriaOf(workflow).flatMap(({ value, ...name }) =>
            valuesIn(value).map((single) => ({ ...name, value: single })),
          )
        : []
  return given.flatMap(({ object, field, value }) => {
    if (facts.plannedField(object, field) !== null) return []
    const found = fieldIn(facts.describeOf(object), field)
    if (found?.type !== 'picklist' || found.restrictedPicklist !== true || value === '') return []
    return activeValues(found).some((known) => sameName(known) === sameName(value))
      ? []
      : [`${object}.${field}: ${value}`]
  })
}

export const workflowFieldRules = [
  rule('workflow', {
    code: 'workflow_field_missing',
    severities: ['red'],
    judge: async ({ workflow }, facts) => {
      const missing = [
        ...(await missingOf(usedBy(workflow, facts), facts)),
        ...new Set(await globalsMissing(workflow, facts)),
      ]
      return missing.length === 0
        ? null
        : {
            message: `${workflow.api_name} uses ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in this Salesforce org nor in the plan.${nearNames(missing, knownFields(missing, facts))}`,
            remedy: 'Correct the name, or deploy the field first.',
            at: 'definition',
          }
    },
  }),
  rule('workflow', {
    code: 'workflow_picklist_value_unknown',
    severities: ['yellow'],
    judge: ({ workflow }, facts) => {
      const unknown = [...new Set(unknownValues(workflow, facts))]
      return unknown.length === 0
        ? null
        : {
            message: `${workflow.api_name} sets or checks ${listed(unknown)}, which the restricted ${one(unknown, 'picklist does', 'picklists do')} not have; a record set to such a value could not be saved, and a condition on it would never be true.`,
            remedy: 'Correct the value (use its API name), or add it to the picklist.',
            at: 'definition',
          }
    },
  }),
]
