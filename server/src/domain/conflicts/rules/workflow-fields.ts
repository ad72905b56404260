// What the automations of a request refer to: fields, and picklist values.

import { isObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { sameName } from '../../metadata/names.ts'
import { customNamesIn, fieldsOfFlow, recordFieldsOfFlow, valuesOfFlow } from '../definitions.ts'
import { type PlannedWorkflow } from '../facts.ts'
import { type Facts, rulesFor } from '../rule.ts'
import { activeValues, entriesOf, fieldIn } from '../subjects.ts'
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

/** `$Record.Owner.Name` names a relationship, whose field is asked for. */
const startFields = ({ definition }: PlannedWorkflow, { describeOf }: Facts): FieldName[] => {
  const object = isObject(definition.start) ? leaf(definition.start.object) : null
  if (object === null) return []
  const describe = describeOf(object)
  return recordFieldsOfFlow(definition).flatMap(({ name, isRelationship }) => {
    if (!isRelationship) return [{ object, field: name }]
    const relation = entriesOf(describe, 'fields').find(
      ({ relationshipName }) =>
        typeof relationshipName === 'string' && sameName(relationshipName) === sameName(name),
    )
    // Describes leave out some relationships of Salesforce's own.
    const isOwn = relation === undefined && /__r$/i.test(name)
    return isOwn ? [{ object, field: name.replace(/__r$/i, '__c') }] : []
  })
}

const usedBy = (workflow: PlannedWorkflow, facts: Facts): FieldName[] => {
  const { type, definition, api_name: name } = workflow
  if (type === 'flow') return [...fieldsOfFlow(definition), ...startFields(workflow, facts)]
  if (type === 'assignment_rule') return criteriaOf(workflow)
  const shown = leaf(definition.errorDisplayField)
  return [
    ...customNamesIn(leaf(definition.errorConditionFormula) ?? ''),
    ...(shown === null ? [] : [shown]),
  ].map((field) => ({ object: objectOf(name), field }))
}

/** Those that are neither in the Salesforce org nor in the plan. Salesforce takes one that is only hidden. */
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

/** `"Acme, Inc",Other` are two. */
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
            message: `${workflow.api_name} uses ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in this Salesforce org nor in the plan.`,
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
            message: `${workflow.api_name} sets or checks ${listed(unknown)}, which the restricted ${one(unknown, 'picklist does', 'picklists do')} not have; a record set so could not be saved, a condition would never hold.`,
            remedy: 'Correct the value (use its API name), or add it to the picklist.',
            at: 'definition',
          }
    },
  }),
]
