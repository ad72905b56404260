// What callers send as `workflows`: Metadata JSON, XML, or a short form for the common cases. The
// schemas are also the documentation.

import * as z from 'zod'

export const WORKFLOW_TYPES = ['flow', 'assignment_rule', 'validation_rule'] as const
export const workflowType = z.enum(WORKFLOW_TYPES).meta({ id: 'WorkflowType' })
export type WorkflowType = (typeof WORKFLOW_TYPES)[number]

/** In characters, of a file or of Metadata JSON: far beyond what Flow Builder opens. */
export const DEFINITION_MAX = 1_048_576

const text = z.string().max(32_000)
const object = z
  .string()
  .regex(/^[A-Za-z]\w{0,79}$/, 'Give the API name of an object, like Account or Job__c.')
const field = z
  .string()
  .regex(/^[A-Za-z]\w{0,79}$/, 'Give the API name of a field, without its object.')
const reference = z.strictObject({
  reference: z
    .string()
    .regex(/^[$A-Za-z][\w.:$]{0,254}$/, 'Write it as in `$Record.OwnerId`, without braces.')
    .describe(
      '`$Record.OwnerId`, `$Record__Prior.Status`, `$User.Id` …, or `Create_Record`: the record that this action created',
    ),
})

/** A value in a short form: a literal, a reference into the flow, a date, or a formula. */
const value = z
  .union(
    [
      text,
      z.number(),
      z.boolean(),
      reference,
      z.strictObject({ date: z.iso.date('Give a date as in 2026-11-30.') }),
      z.strictObject({
        date_time: z.iso.datetime({
          offset: true,
          error: 'Give date, time and offset as in 2026-11-30T08:00:00Z.',
        }),
      }),
      z.strictObject({
        formula: text.min(1).describe('Fields as `{!$Record.AnnualRevenue}`'),
        result_type: z
          .enum(['String', 'Number', 'Currency', 'Boolean', 'Date', 'DateTime'])
          .meta({ id: 'FlowFormulaResult' }),
        scale: z.int().min(0).max(17).optional().describe('For Number and Currency. Default: 2'),
      }),
    ],
    {
      error:
        'Use a text, a number, a boolean, { reference }, { date }, { date_time } or { formula, result_type }.',
    },
  )
  .meta({ id: 'FlowValue' })
export type ShortValue = z.output<typeof value>

const fields = z
  .record(field, value.nullable())
  .refine((given) => Object.keys(given).length > 0, 'Name at least one field.')
  .describe('By API name; null empties the field')

const RECORD_OPERATORS = {
  equals: 'EqualTo',
  not_equals: 'NotEqualTo',
  greater_than: 'GreaterThan',
  greater_or_equal: 'GreaterThanOrEqualTo',
  less_than: 'LessThan',
  less_or_equal: 'LessThanOrEqualTo',
  contains: 'Contains',
  starts_with: 'StartsWith',
  ends_with: 'EndsWith',
  is_null: 'IsNull',
} as const
const START_OPERATORS = { ...RECORD_OPERATORS, is_changed: 'IsChanged' } as const
/** Salesforce: FlowRecordFilterOperator of the Metadata API. */
export const flowOperator = (operator: keyof typeof START_OPERATORS): string =>
  START_OPERATORS[operator]

const operators = <T extends Record<string, string>>(of: T, id: string) =>
  z.enum(Object.keys(of) as [keyof T & string, ...(keyof T & string)[]]).meta({ id })

const recordOperator = operators(RECORD_OPERATORS, 'FlowRecordOperator')
const startOperator = operators(START_OPERATORS, 'FlowStartOperator')

const flowCriteria = <Operator extends z.ZodType>(operator: Operator) =>
  z
    .array(z.strictObject({ field, operator, value }))
    .max(100)
    .describe('`is_null` and `is_changed` take true or false')

const logic = z
  .string()
  .min(1)
  .max(1000)
  .describe(
    '`and` (default), `or`, or an expression with the numbers of the criteria: `1 AND (2 OR 3)`',
  )

const action = z
  .discriminatedUnion('type', [
    z
      .strictObject({ type: z.literal('update_fields'), fields })
      .describe('Sets fields of the record itself, before it is saved')
      .meta({ id: 'UpdateFieldsAction' }),
    z
      .strictObject({
        type: z.literal('update_records'),
        object,
        criteria: flowCriteria(recordOperator)
          .min(1)
          .describe(
            'Which records: `{ "field": "Id", "operator": "equals", "value": { "reference": "$Record.AccountId" } }`',
          ),
        logic: logic.default('and'),
        fields,
      })
      .describe('Sets fields of other records, after the save')
      .meta({ id: 'UpdateRecordsAction' }),
    z
      .strictObject({ type: z.literal('create_record'), object, fields })
      .describe('Creates another record, after the save')
      .meta({ id: 'CreateRecordAction' }),
    z
      .strictObject({
        type: z.literal('send_email_alert'),
        email_alert: z
          .string()
          .regex(/^[A-Za-z]\w*\.[A-Za-z]\w*$/, 'Give it as Object.Name_Of_Alert.'),
      })
      .describe('Sends an e-mail alert that exists on the object, after the save')
      .meta({ id: 'SendEmailAlertAction' }),
    z
      .strictObject({
        type: z.literal('send_email'),
        to: z
          .union([z.array(z.email()).min(1).max(5), reference], {
            error: 'Give 1 to 5 addresses, or { reference } to one.',
          })
          .meta({ id: 'EmailRecipients' }),
        subject: z.string().min(1).max(255),
        body: text.min(1),
      })
      .describe(
        'Sends a plain e-mail, after the save; subject and body may hold `{!$Record.Name}` and the like',
      )
      .meta({ id: 'SendEmailAction' }),
  ])
  .meta({ id: 'FlowAction' })
export type ShortAction = z.output<typeof action>

export const shortFlow = z
  .strictObject({
    form: z.literal('record_triggered'),
    label: z.string().min(1).max(255),
    description: text.optional(),
    object: object.describe('The object whose records start it'),
    on: z.enum(['create', 'update', 'create_or_update', 'delete']).meta({ id: 'FlowStartEvent' }),
    criteria: flowCriteria(startOperator).default([]),
    logic: logic.default('and'),
    formula: text
      .min(1)
      .optional()
      .describe(
        'Instead of criteria: the flow starts where the formula is true; fields as `{!$Record.Status}`',
      ),
    only_when_changed: z
      .boolean()
      .default(false)
      .describe('Only when the change makes the record meet the criteria'),
    order: z
      .int()
      .min(1)
      .max(2000)
      .optional()
      .describe('Position among the flows of the same event'),
    action: action.optional(),
    actions: z
      .array(action)
      .min(1)
      .max(20)
      .optional()
      .describe('Instead of `action`: several, one after the other'),
  })
  .describe('A record-triggered flow in short')
  .meta({ id: 'RecordTriggeredFlow' })
export type ShortFlow = z.output<typeof shortFlow>

const ASSIGNMENT_OPERATIONS = {
  equals: 'equals',
  not_equals: 'notEqual',
  greater_than: 'greaterThan',
  greater_or_equal: 'greaterOrEqual',
  less_than: 'lessThan',
  less_or_equal: 'lessOrEqual',
  contains: 'contains',
  not_contains: 'notContain',
  starts_with: 'startsWith',
  includes: 'includes',
  excludes: 'excludes',
} as const
/** Salesforce: FilterOperation of the Metadata API. */
export const assignmentOperation = (operation: keyof typeof ASSIGNMENT_OPERATIONS): string =>
  ASSIGNMENT_OPERATIONS[operation]

const assignmentValue = z
  .union([z.string().max(1000), z.number(), z.boolean()])
  .meta({ id: 'AssignmentValue' })

export const shortAssignment = z
  .strictObject({
    form: z.literal('assignment'),
    entries: z
      .array(
        z.strictObject({
          criteria: z
            .array(
              z.strictObject({
                field: z
                  .string()
                  .regex(
                    /^[A-Za-z]\w*(?:\.[A-Za-z]\w*)?$/,
                    'Use the API name of a field, as in LeadSource or Account.Type.',
                  )
                  .describe(
                    "A field of the rule's object, or of a related object with its name before the field's",
                  ),
                operator: operators(ASSIGNMENT_OPERATIONS, 'AssignmentOperator'),
                value: z
                  .union([assignmentValue, z.array(assignmentValue).min(1).max(100)])
                  .meta({ id: 'AssignmentValues' })
                  .describe('With a list, any one of the values matches'),
              }),
            )
            .max(25)
            .default([]),
          logic: logic.default('and'),
          formula: text.min(1).optional().describe('Instead of criteria'),
          assign_to: z
            .union(
              [
                z.strictObject({ user: z.string().min(1).max(80).describe('Its username') }),
                z.strictObject({ queue: z.string().min(1).max(80).describe('Its developer name') }),
              ],
              { error: 'Give { user } by its username or { queue } by its developer name.' },
            )
            .meta({ id: 'AssignmentOwner' }),
          email_template: z
            .string()
            .regex(/^\w+(?:\/\w+)+$/, 'Give it as Folder/Name_Of_Template.')
            .optional()
            .describe('Template of the e-mail that notifies the new owner'),
        }),
      )
      .max(3000)
      .describe('Without entries, the rule assigns nothing'),
  })
  .describe('An assignment rule in short: the first entry that matches assigns the record')
  .meta({ id: 'ShortAssignmentRule' })
export type ShortAssignment = z.output<typeof shortAssignment>

export const shortValidation = z
  .strictObject({
    form: z.literal('validation'),
    condition: text.min(1).describe('Records for which this formula is true are rejected'),
    message: z.string().min(1).max(255),
    field: z
      .string()
      .regex(/^[A-Za-z]\w*(?:\.[A-Za-z]\w*)?$/, 'Give the API name of a field.')
      .optional()
      .describe('The field next to which the message is shown. Default: the top of the page'),
    description: z.string().max(255).optional(),
  })
  .describe('A validation rule in short')
  .meta({ id: 'ShortValidationRule' })
export type ShortValidation = z.output<typeof shortValidation>

const metadataJson = z
  .record(z.string(), z.unknown())
  .describe(
    'Metadata JSON: the members of Flow, AssignmentRule or ValidationRule of the Metadata API',
  )
  .meta({ id: 'WorkflowMetadata' })

/** Any object here: which form it has, and what is wrong with it, is found by its type. */
const definition = z
  .record(z.string(), z.unknown())
  .describe(
    'A short form (`form`: `record_triggered` for a flow, `assignment` for an assignment rule, ' +
      '`validation` for a validation rule), or Metadata JSON',
  )
  .meta({
    describedBy: z
      .union([shortFlow, shortAssignment, shortValidation, metadataJson])
      .meta({ id: 'WorkflowDefinition' }),
  })

export const workflowInput = z
  .strictObject({
    type: workflowType,
    api_name: z
      .string()
      .min(1)
      .max(255)
      .describe('A flow: `My_Flow`; a rule: `Lead.My_Rule`, its object before it'),
    definition: definition.optional(),
    xml: z
      .string()
      .max(DEFINITION_MAX)
      .optional()
      .describe('The metadata file, instead of `definition`; a file of several rules too'),
    activate: z
      .union([z.boolean(), z.literal('keep')], { error: 'Give true, false or "keep".' })
      .meta({ id: 'WantedActivation' })
      .default('keep')
      .describe('`keep`: unchanged in the Salesforce org; a new automation stays inactive'),
  })
  .refine((given) => (given.definition === undefined) !== (given.xml === undefined), {
    message: 'Send either definition or xml, not both.',
    path: ['definition'],
  })
  .meta({ id: 'Workflow' })

export const workflowsInput = z.array(workflowInput).min(1).max(200)
