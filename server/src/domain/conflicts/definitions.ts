// What the definition of an automation says about things that a plan may change.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, list, listObjects } from '../../salesforce/xml.ts'
import { sameName } from '../metadata/names.ts'

export { objectsOfFlow } from '../workflows/workflow.ts'

/** Every text in a definition, wherever it occurs. */
function* texts(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (Array.isArray(value)) for (const entry of value) yield* texts(entry)
  else if (isObject(value)) for (const entry of Object.values(value)) yield* texts(entry)
}

/** Whether a text of the definition holds the name or value as a word of its own. */
export const mentions = (definition: JsonObject | null, word: string): boolean => {
  const pattern = new RegExp(
    `(?<![A-Za-z0-9_])${word.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}(?![A-Za-z0-9_])`,
    'i',
  )
  for (const text of texts(definition)) if (pattern.test(text)) return true
  return false
}

/** Names of the flow's elements that create records of the object and leave the field empty. */
export const createsWithout = (flow: JsonObject | null, object: string, field: string): string[] =>
  listObjects(flow?.recordCreates)
    .filter((create) => sameName(leaf(create.object) ?? '') === sameName(object))
    .filter(
      (create) =>
        !listObjects(create.inputAssignments).some(
          (assignment) => sameName(leaf(assignment.field) ?? '') === sameName(field),
        ),
    )
    .map((create) => leaf(create.name) ?? 'an element')

const RECORD_ELEMENTS = ['recordCreates', 'recordUpdates', 'recordLookups', 'recordDeletes']

const ENTRIES = ['filters', 'inputAssignments', 'outputAssignments']
const NAMED = ['displayField', 'queriedFields', 'sortField', 'valueField']

/** Fields that a flow reads, writes, sorts or filters by in its elements, with their object. */
export const fieldsOfFlow = (flow: JsonObject): { object: string; field: string }[] => {
  const start = isObject(flow.start) ? [flow.start] : []
  const elements = [...RECORD_ELEMENTS, 'dynamicChoiceSets'].flatMap((kind) =>
    listObjects(flow[kind]),
  )
  return [...start, ...elements].flatMap((element) => {
    const isOwn = leaf(element.inputReference) === '$Record'
    const object = leaf(element.object) ?? (isOwn ? leaf(start[0]?.object) : null)
    if (object === null) return []
    const fields = [
      ...ENTRIES.flatMap((name) => listObjects(element[name])).map(({ field }) => leaf(field)),
      ...NAMED.flatMap((name) => list(element[name])).map(leaf),
    ]
    return fields.flatMap((field) => (field === null ? [] : [{ object, field }]))
  })
}

/** Texts that a flow sets a field to, or compares one with. */
export const valuesOfFlow = (
  flow: JsonObject,
): { object: string; field: string; value: string }[] => {
  const start = isObject(flow.start) ? [flow.start] : []
  const own = leaf(start[0]?.object)
  const elements = RECORD_ELEMENTS.flatMap((kind) => listObjects(flow[kind]))
  return [...start, ...elements].flatMap((element) => {
    // An update of the record that started the flow names no object.
    const object = leaf(element.object) ?? (leaf(element.inputReference) === '$Record' ? own : null)
    if (object === null) return []
    return [...listObjects(element.inputAssignments), ...listObjects(element.filters)].flatMap(
      ({ field, value, operator }) => {
        const exact = operator === undefined || /^(?:Not)?EqualTo$/.test(leaf(operator) ?? '')
        const [name, text] = [leaf(field), isObject(value) ? leaf(value.stringValue) : null]
        // `{!$Record.Status}` inside a text is a value that is not known yet.
        if (name === null || text === null || !exact || text.includes('{!')) return []
        return [{ object, field: name, value: text }]
      },
    )
  })
}

/** Fields in the criteria of an assignment rule, with their object as in `Account.Type`. */
export const criteriaFieldsOf = (rule: JsonObject): string[] =>
  listObjects(rule.ruleEntry)
    .flatMap((entry) => listObjects(entry.criteriaItems))
    .flatMap(({ field }) => leaf(field) ?? [])

/** The users and queues to which an assignment rule assigns records. */
export const assigneesOf = (rule: JsonObject): { type: 'User' | 'Queue'; name: string }[] =>
  listObjects(rule.ruleEntry).flatMap((entry) => {
    const name = leaf(entry.assignedTo)
    if (name === null) return []
    return [{ type: leaf(entry.assignedToType) === 'Queue' ? 'Queue' : 'User', name }]
  })

/** The formulas of an assignment rule or a validation rule. */
export const formulasOfRule = (rule: JsonObject): string[] =>
  [
    rule.errorConditionFormula,
    ...listObjects(rule.ruleEntry).map(({ formula }) => formula),
  ].flatMap((formula) => leaf(formula) ?? [])
