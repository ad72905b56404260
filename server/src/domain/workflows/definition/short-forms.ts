// The short forms, expanded to what the Metadata API expects.

import { type JsonObject } from '../../../salesforce/json.ts'
import { sameName } from '../../metadata/names.ts'
import { readLogic } from './logic.ts'
import { normalizedMetadata } from './normalize.ts'
import { refuse } from './refusal.ts'
import {
  assignmentOperation,
  flowOperator,
  type ShortAction,
  type ShortAssignment,
  type ShortFlow,
  type ShortValidation,
  type ShortValue,
} from './schema.ts'

const logicOf = (written: string, count: number, at: string): string => {
  const { text, fault } = readLogic(written, count)
  if (text !== null) return text
  throw refuse(
    at,
    'bad_logic',
    `The logic ${JSON.stringify(written)} does not fit the ${count} criteria: ${fault}. Use and, or, or an expression with all the numbers: 1 AND (2 OR 3).`,
  )
}

/**
 * Salesforce: in a flow's formulas a field or resource is written {!name}; without braces it is unknown.
 */
const flowFormula = (formula: string, at: string): string => {
  const code = formula.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/\*[\s\S]*?\*\//g, ' ')
  const bare = /(?<![\w{!$])\$(?:Record|User|Flow)\w*\.\w+/.exec(code)
  if (bare === null) return formula
  throw refuse(
    at,
    'bad_formula',
    `In a formula of a flow, write {!${bare[0]}} in place of ${bare[0]}.`,
  )
}

/** The resources that the values of a flow need, and what they refer to. */
class Formulas {
  readonly list: JsonObject[] = []
  readonly references: { name: string; at: string }[] = []

  add(value: Extract<ShortValue, { formula: string }>, at: string): string {
    const name = `Formula_${this.list.length + 1}`
    const isNumeric = value.result_type === 'Number' || value.result_type === 'Currency'
    if (!isNumeric && value.scale !== undefined) {
      throw refuse(
        `${at}.scale`,
        'scale_not_numeric',
        `A formula with result ${value.result_type} has no scale. Leave it out.`,
      )
    }
    this.list.push({
      name,
      dataType: value.result_type,
      expression: flowFormula(value.formula, `${at}.formula`),
      ...(isNumeric ? { scale: String(value.scale ?? 2) } : {}),
    })
    return name
  }
}

/** FlowElementReferenceOrValue; a formula becomes a resource of the flow. */
const flowValue = (value: ShortValue, formulas: Formulas, at: string): JsonObject => {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'number') return { numberValue: String(value) }
  if (typeof value === 'boolean') return { booleanValue: String(value) }
  if ('reference' in value) {
    formulas.references.push({ name: value.reference, at: `${at}.reference` })
    return { elementReference: value.reference }
  }
  if ('date' in value) return { dateValue: value.date }
  if ('date_time' in value) return { dateTimeValue: new Date(value.date_time).toISOString() }
  return { elementReference: formulas.add(value, at) }
}

/** Salesforce: FlowInputFieldAssignment without a value empties the field. */
const assignments = (
  fields: Readonly<Record<string, ShortValue | null>>,
  formulas: Formulas,
  at: string,
): JsonObject[] =>
  Object.entries(fields).map(([field, value]) => ({
    field,
    ...(value === null ? {} : { value: flowValue(value, formulas, `${at}.${field}`) }),
  }))

const BOOLEAN_OPERATORS: ReadonlySet<string> = new Set(['is_null', 'is_changed'])

const filters = (criteria: ShortFlow['criteria'], formulas: Formulas, at: string): JsonObject[] =>
  criteria.map(({ field, operator, value }, index) => {
    if (BOOLEAN_OPERATORS.has(operator) && typeof value !== 'boolean') {
      throw refuse(
        `${at}.${index}.value`,
        'needs_boolean',
        `${operator} takes true or false as its value.`,
      )
    }
    return {
      field,
      operator: flowOperator(operator),
      value: flowValue(value, formulas, `${at}.${index}.value`),
    }
  })

interface Element {
  /** The member of Flow that holds it. */
  member: 'recordUpdates' | 'recordCreates' | 'actionCalls'
  label: string
  content: JsonObject
}

const actionCall = (
  label: string,
  name: string,
  type: string,
  inputs: Readonly<Record<string, JsonObject>>,
): Element => ({
  member: 'actionCalls',
  label,
  content: {
    actionName: name,
    actionType: type,
    flowTransactionModel: 'CurrentTransaction',
    inputParameters: Object.entries(inputs).map(([input, value]) => ({ name: input, value })),
  },
})

const elementOf = (action: ShortAction, formulas: Formulas, at: string): Element => {
  switch (action.type) {
    case 'update_fields':
      return {
        member: 'recordUpdates',
        label: 'Update Fields',
        content: {
          inputAssignments: assignments(action.fields, formulas, `${at}.fields`),
          inputReference: '$Record',
        },
      }
    case 'update_records':
      return {
        member: 'recordUpdates',
        label: 'Update Records',
        content: {
          filterLogic: logicOf(action.logic, action.criteria.length, `${at}.logic`),
          filters: filters(action.criteria, formulas, `${at}.criteria`),
          inputAssignments: assignments(action.fields, formulas, `${at}.fields`),
          object: action.object,
        },
      }
    case 'create_record':
      return {
        member: 'recordCreates',
        label: 'Create Record',
        content: {
          inputAssignments: assignments(action.fields, formulas, `${at}.fields`),
          object: action.object,
          storeOutputAutomatically: 'true',
        },
      }
    case 'send_email_alert':
      return actionCall('Send Email Alert', action.email_alert, 'emailAlert', {
        SObjectRowId: { elementReference: '$Record.Id' },
      })
    case 'send_email':
      // Salesforce: Actions developer guide, Send Email: addresses are one text, joined by commas.
      return actionCall('Send Email', 'emailSimple', 'emailSimple', {
        emailAddresses: Array.isArray(action.to)
          ? { stringValue: action.to.join(',') }
          : flowValue(action.to, formulas, `${at}.to`),
        emailSubject: { stringValue: action.subject },
        emailBody: { stringValue: action.body },
      })
  }
}

/** Combinations that make no sense in a short flow, though each member fits its schema. */
const checkFlow = (short: ShortFlow, actions: readonly ShortAction[], at: string[]): void => {
  const isDelete = short.on === 'delete'
  if (short.formula !== undefined && short.criteria.length > 0) {
    throw refuse(
      'definition.formula',
      'criteria_and_formula',
      'A flow starts by criteria or by a formula. Use one of them.',
    )
  }
  const hasEntry = short.formula !== undefined || short.criteria.length > 0
  if (short.only_when_changed && (!hasEntry || isDelete || short.on === 'create')) {
    throw refuse(
      'definition.only_when_changed',
      'needs_criteria',
      'only_when_changed needs criteria or a formula, and a flow that runs on updates.',
    )
  }
  const changed = short.criteria.findIndex(({ operator }) => operator === 'is_changed')
  // Salesforce: the operator compares with the previous record, and is not allowed with
  // only_when_changed.
  if (changed >= 0 && (isDelete || short.on === 'create' || short.only_when_changed)) {
    throw refuse(
      `definition.criteria.${changed}.operator`,
      'is_changed_misplaced',
      'is_changed needs a flow that runs on updates, without only_when_changed. Remove one of them.',
    )
  }
  // Salesforce Help, "Define the Run Order of Record-Triggered Flows": only for before-save and
  // after-save flows.
  if (isDelete && short.order !== undefined) {
    throw refuse(
      'definition.order',
      'no_order_on_delete',
      'Flows that run on delete have no trigger order. Leave it out.',
    )
  }
  for (const [index, action] of actions.entries()) {
    const place = at[index] ?? 'definition.action'
    if (action.type === 'update_fields' && isDelete) {
      throw refuse(
        `${place}.type`,
        'record_is_deleted',
        'A record that is being deleted cannot be changed. Use update_records for other records.',
      )
    }
    if (action.type === 'update_fields' && actions.some(({ type }) => type !== 'update_fields')) {
      throw refuse(
        `${place}.type`,
        'update_fields_alone',
        'update_fields runs before the save, the other actions after it. Use two flows.',
      )
    }
    if (action.type === 'send_email_alert') {
      const object = action.email_alert.slice(0, action.email_alert.indexOf('.'))
      if (sameName(object) !== sameName(short.object)) {
        throw refuse(
          `${place}.email_alert`,
          'alert_of_other_object',
          `The e-mail alert belongs to ${object}, but the flow starts on ${short.object}. Use an alert of ${short.object}.`,
        )
      }
    }
  }
}

/** Salesforce Help, "Global Variables in Flows": without those that only screen flows have. */
const GLOBALS: ReadonlySet<string> = new Set([
  '$api',
  '$flow',
  '$label',
  '$organization',
  '$permission',
  '$profile',
  '$record',
  '$record__prior',
  '$setup',
  '$system',
  '$user',
  '$userrole',
])

/**
 * A reference leads to a global variable, or to the record that an earlier action of this flow created.
 */
const checkReferences = (
  { references }: Formulas,
  on: ShortFlow['on'],
  elements: readonly (Element & { name: string })[],
): void => {
  const made = new Set(
    elements.filter(({ member }) => member === 'recordCreates').map(({ name }) => sameName(name)),
  )
  for (const { name, at } of references) {
    const root = sameName(name.split('.')[0] ?? '')
    if (!GLOBALS.has(root) && !made.has(root)) {
      throw refuse(
        at,
        'unknown_reference',
        `${name} leads nowhere. Begin with $Record, $Record__Prior, $User or another global variable, or name a create_record action of this flow (Create_Record, Create_Record_2 …).`,
      )
    }
    if (root === '$record__prior' && on !== 'update' && on !== 'create_or_update') {
      throw refuse(
        at,
        'prior_misplaced',
        `$Record__Prior needs a flow that runs on updates; this one runs on ${on}. Use $Record.`,
      )
    }
  }
}

const RECORD_TRIGGERS = {
  create: 'Create',
  update: 'Update',
  create_or_update: 'CreateAndUpdate',
  delete: 'Delete',
}

const actionsOf = ({ action, actions }: ShortFlow): { list: ShortAction[]; at: string[] } => {
  if ((action === undefined) === (actions === undefined)) {
    throw refuse('definition.action', 'one_of_action_and_actions', 'Give either action or actions.')
  }
  return action === undefined
    ? {
        list: actions ?? [],
        at: (actions ?? []).map((_, index) => `definition.actions.${index}`),
      }
    : { list: [action], at: ['definition.action'] }
}

/** Names like Update_Fields, Update_Fields_2: unique within the flow. */
const named = (elements: readonly Element[]): (Element & { name: string })[] =>
  elements.map((element, index) => {
    const before = elements.slice(0, index).filter(({ label }) => label === element.label).length
    const label = before === 0 ? element.label : `${element.label} ${before + 1}`
    return { ...element, label, name: label.replaceAll(' ', '_') }
  })

const SPACING = 120

/**
 * Salesforce: Metadata API guide, Flow; the elements that Flow Builder itself writes for these cases.
 * Throws Refusal.
 */
export const writeFlow = (short: ShortFlow): JsonObject => {
  const { list, at } = actionsOf(short)
  checkFlow(short, list, at)
  const formulas = new Formulas()
  const entry = filters(short.criteria, formulas, 'definition.criteria')
  const logic = logicOf(short.logic, entry.length, 'definition.logic')
  const elements = named(
    list.map((action, index) => elementOf(action, formulas, at[index] ?? 'definition.action')),
  )
  checkReferences(formulas, short.on, elements)
  const members: Record<string, JsonObject[]> = {}
  for (const [index, { member, label, name, content }] of elements.entries()) {
    const next = elements[index + 1]
    ;(members[member] ??= []).push({
      name,
      label,
      locationX: '176',
      locationY: String(287 + index * SPACING),
      ...(next === undefined ? {} : { connector: { targetReference: next.name } }),
      ...content,
    })
  }
  const isBefore = list.every(({ type }) => type === 'update_fields')
  return normalizedMetadata({
    description: short.description,
    environments: 'Default',
    formulas: formulas.list,
    interviewLabel: `${short.label} {!$Flow.CurrentDateTime}`,
    label: short.label,
    ...members,
    processMetadataValues: [
      { name: 'BuilderType', value: { stringValue: 'LightningFlowBuilder' } },
      { name: 'CanvasMode', value: { stringValue: 'AUTO_LAYOUT_CANVAS' } },
      { name: 'OriginBuilderType', value: { stringValue: 'LightningFlowBuilder' } },
    ],
    processType: 'AutoLaunchedFlow',
    start: {
      locationX: '50',
      locationY: '0',
      connector: { targetReference: elements[0]?.name },
      doesRequireRecordChangedToMeetCriteria: short.only_when_changed ? 'true' : null,
      filterFormula:
        short.formula === undefined ? null : flowFormula(short.formula, 'definition.formula'),
      ...(entry.length === 0 ? {} : { filterLogic: logic, filters: entry }),
      object: short.object,
      recordTriggerType: RECORD_TRIGGERS[short.on],
      triggerType:
        short.on === 'delete'
          ? 'RecordBeforeDelete'
          : isBefore
            ? 'RecordBeforeSave'
            : 'RecordAfterSave',
    },
    triggerOrder: short.order,
  })
}

/**
 * Salesforce Help, "Entering Filter Criteria": values are joined by commas, and a value with commas is
 * quoted, since it would otherwise be several values.
 */
const criterionValue = (
  value: ShortAssignment['entries'][number]['criteria'][number]['value'],
  at: string,
): string =>
  (Array.isArray(value) ? value : [value])
    .map((one) => {
      const text = String(one)
      if (!text.includes(',')) return text
      if (!text.includes('"')) return `"${text}"`
      throw refuse(
        at,
        'bad_value',
        `Salesforce cannot take ${text}: a value with a comma is written in quotation marks, so it cannot contain one itself. Compare by starts_with or contains.`,
      )
    })
    .join(',')

const numbered = (logic: string, count: number): string =>
  logic === 'or' ? Array.from({ length: count }, (_, index) => index + 1).join(' OR ') : logic

/**
 * Salesforce: Metadata API guide, AssignmentRules; fields are written with their object:
 * `Lead.LeadSource`. Throws Refusal.
 */
export const writeAssignmentRule = (object: string, short: ShortAssignment): JsonObject =>
  normalizedMetadata({
    ruleEntry: short.entries.map((entry, index) => {
      const at = `definition.entries.${index}`
      const { criteria, formula, assign_to: to } = entry
      if (formula !== undefined && criteria.length > 0) {
        throw refuse(
          `${at}.formula`,
          'criteria_and_formula',
          'An entry has criteria or a formula. Use one of them.',
        )
      }
      const logic = logicOf(entry.logic, criteria.length, `${at}.logic`)
      return {
        assignedTo: 'user' in to ? to.user : to.queue,
        assignedToType: 'user' in to ? 'User' : 'Queue',
        booleanFilter: logic === 'and' ? null : numbered(logic, criteria.length),
        criteriaItems: criteria.map(({ field, operator, value }, item) => ({
          field: field.includes('.') ? field : `${object}.${field}`,
          operation: assignmentOperation(operator),
          value: criterionValue(value, `${at}.criteria.${item}.value`),
        })),
        formula,
        template: entry.email_template,
      }
    }),
  })

/** Salesforce: Metadata API guide, ValidationRule. Throws Refusal. */
export const writeValidationRule = (object: string, short: ShortValidation): JsonObject => {
  const dot = short.field?.indexOf('.') ?? -1
  if (dot >= 0 && sameName(short.field?.slice(0, dot) ?? '') !== sameName(object)) {
    throw refuse(
      'definition.field',
      'field_of_other_object',
      `The message is shown next to a field of ${object}. Use one of its fields, or leave it out.`,
    )
  }
  return normalizedMetadata({
    description: short.description,
    errorConditionFormula: short.condition,
    errorDisplayField: short.field?.slice(dot + 1),
    errorMessage: short.message,
  })
}
