// What the automations of a request refer to: fields, and picklist values.

import { asText } from '../../../salesforce/json.ts'
import { leaf, list, listObjects } from '../../../salesforce/xml.ts'
import { nearNames } from '../../mappings/suggest/words.ts'
import { sameName } from '../../metadata/names.ts'
import {
  fieldOfRelationship,
  type RecordPath,
  recordPathsOf,
} from '../../workflows/flow-references.ts'
import { customNamesIn, fieldsOfFlow, valuesOfFlow } from '../definitions.ts'
import { type PlannedWorkflow } from '../facts.ts'
import { type Facts, rulesFor } from '../rule.ts'
import { activeValues, fieldIn, relationIn } from '../subjects.ts'
import { listed, one } from '../../words.ts'

const rule = rulesFor('automation')

interface FieldName {
  object: string
  field: string
}

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

/** Relationships that may be named on every object, whatever its describe says. */
const ALWAYS: ReadonlySet<string> = new Set(['createdby', 'lastmodifiedby', 'owner', 'recordtype'])

/** The fields along a path, as far as it can be followed. */
const fieldsOnPath = (
  { object, steps: [step, ...rest] }: RecordPath,
  facts: Facts,
): FieldName[] => {
  const [next, ...others] = rest
  if (next === undefined) return [{ object, field: step }]
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
  if (named !== undefined && !targets.some((target) => sameName(target) === sameName(named))) {
    return [{ object, field: step }]
  }
  // For several objects, what all of them have may be used without naming one.
  const target = named ?? (targets.length === 1 ? targets[0] : undefined)
  return target === undefined
    ? []
    : fieldsOnPath({ object: target, steps: [next, ...others] }, facts)
}

const usedBy = (workflow: PlannedWorkflow, facts: Facts): FieldName[] => {
  const { type, definition, api_name: name } = workflow
  if (type === 'flow') {
    return [
      ...fieldsOfFlow(definition),
      ...recordPathsOf(definition).flatMap((path) => fieldsOnPath(path, facts)),
    ]
  }
  const object = objectOf(name)
  if (type === 'assignment_rule') {
    const formulas = listObjects(definition.ruleEntry).map(({ formula }) => leaf(formula) ?? '')
    return [
      ...criteriaOf(workflow),
      ...formulas.flatMap(customNamesIn).map((field) => ({ object, field })),
    ]
  }
  const shown = leaf(definition.errorDisplayField)
  return [
    ...customNamesIn(leaf(definition.errorConditionFormula) ?? ''),
    ...(shown === null ? [] : [shown]),
  ].map((field) => ({ object, field }))
}

/**
 * Those that are neither in the Salesforce org nor in the plan. Salesforce accepts one that is only
 * hidden.
 */
const missingOf = async (used: readonly FieldName[], facts: Facts): Promise<string[]> => {
  const unseen = used.filter(({ object, field }) => {
    const describe = facts.describeOf(object)
    return (
      describe !== null &&
      !field.includes('.') &&
      fieldIn(describe, field) === null &&
      facts.plannedField(object, field) === null
    )
  })
  const judged = await Promise.all(
    unseen.map(async ({ object, field }) => {
      const all = await facts.live.allFields(object)
      const exists = all?.some((name) => sameName(name) === sameName(field)) ?? false
      return exists ? [] : [`${object}.${field}`]
    }),
  )
  return [...new Set(judged.flat())]
}

/** `Object.Field` for every field that is described of the objects in `names`. */
const knownFields = (names: readonly string[], { describeOf }: Facts): string[] =>
  [...new Set(names.map(objectOf))].flatMap((object) =>
    listObjects(describeOf(object)?.fields).flatMap(({ name }) => {
      const field = asText(name)
      return field === null ? [] : [`${object}.${field}`]
    }),
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
      const missing = await missingOf(usedBy(workflow, facts), facts)
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
