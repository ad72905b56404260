// The fields of a plan: one strict shape for each type, so that an attribute a type does not have is
// refused by name. What one attribute means for another is judged in check-fields.ts.

import * as z from 'zod'

/** One line of text as people read it. Line breaks and other control characters stay out. */
export const line = (max: number) =>
  z
    .string()
    .overwrite((text) => text.trim())
    .min(1)
    .max(max)
    // eslint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not hold control characters')

/** Text of several lines. Salesforce keeps neither blanks around a text nor a carriage return in it. */
export const prose = (max: number) =>
  z
    .string()
    .overwrite((text) => text.replaceAll(/\r\n?/g, '\n').trim())
    .min(1)
    .max(max)

/** Judged letter by letter in names.ts, which says what is wrong with it; here only its size. */
export const apiName = z.string().min(1).max(255)

/** Salesforce: a custom formula holds at most 3,900 characters. */
const formula = prose(3_900)

const common = {
  api_name: apiName.describe('API name of the custom field, with `__c`'),
  label: line(40).describe('Field label'),
  description: prose(1_000).optional().describe('For administrators'),
  help_text: prose(510).optional().describe('Help shown to users beside the field'),
}

const required = {
  required: z.boolean().default(false).describe('No record can be saved without a value'),
}
const defaultFormula = {
  default_formula: formula
    .optional()
    .describe("Default value as a formula, e.g. `TODAY()` or `'EU'`"),
}
const unique = { unique: z.boolean().default(false).describe('No two records share a value') }
const externalId = {
  external_id: z
    .boolean()
    .default(false)
    .describe('Key of another system; records can be upserted by it'),
}

const digits = (scale: number) => ({
  precision: z
    .int()
    .min(1)
    .max(18)
    .default(18)
    .describe('Digits in all, those behind the point included'),
  scale: z.int().min(0).max(17).default(scale).describe('Digits behind the decimal point'),
})

const picklistValue = z
  .union([
    line(255),
    z.strictObject({
      value: line(255).describe('API value'),
      label: line(255).describe('Shown to users'),
    }),
  ])
  .describe('A value, or a value and the label that users see instead')

const valueSet = (max: number) => ({
  values: z.array(picklistValue).min(1).max(max).optional().describe('Own values, in their order'),
  global_value_set: apiName
    .optional()
    .describe('Name of a global value set, in place of own values; always restricted'),
  default: line(255)
    .optional()
    .describe('The value that new records start with; default as it is, none for a new field'),
  restricted: z
    .boolean()
    .optional()
    .describe('Only values of the list can be saved; default as it is, false for a new field'),
  sorted: z.boolean().default(false).describe('Shown by alphabet instead of in the order given'),
})

const relationship = {
  reference_to: apiName.describe('API name of the object looked up'),
  relationship_name: apiName.describe('Name of the way back from the parent, without `__r`'),
  relationship_label: line(80).optional().describe('Label of the related list on the parent'),
}

export const FILTER_OPERATIONS = [
  'equals',
  'notEqual',
  'lessThan',
  'greaterThan',
  'lessOrEqual',
  'greaterOrEqual',
  'contains',
  'notContain',
  'startsWith',
  'includes',
  'excludes',
] as const

/** What a formula can result in; each is a field type of its own to Salesforce. */
export const FORMULA_RESULTS = [
  'Text',
  'Number',
  'Currency',
  'Percent',
  'Checkbox',
  'Date',
  'DateTime',
  'Time',
] as const

/** The shape of each field type, by its name. */
export const FIELD_SCHEMAS = {
  Text: z.strictObject({
    ...common,
    type: z.literal('Text'),
    length: z.int().min(1).max(255).default(255),
    ...required,
    ...unique,
    case_sensitive: z.boolean().default(false).describe('Whether `unique` tells ABC from abc'),
    ...externalId,
    ...defaultFormula,
  }),
  TextArea: z.strictObject({
    ...common,
    type: z.literal('TextArea').describe('Up to 255 characters on several lines; has no length'),
    ...required,
    ...defaultFormula,
  }),
  LongTextArea: z.strictObject({
    ...common,
    type: z.literal('LongTextArea'),
    length: z.int().min(256).max(131_072).default(32_768),
    visible_lines: z.int().min(2).max(50).default(3),
    ...defaultFormula,
  }),
  Html: z.strictObject({
    ...common,
    type: z.literal('Html').describe('Rich text'),
    length: z.int().min(256).max(131_072).default(32_768),
    visible_lines: z.int().min(10).max(50).default(25),
  }),
  Number: z.strictObject({
    ...common,
    type: z.literal('Number'),
    ...digits(0),
    ...required,
    ...unique,
    ...externalId,
    ...defaultFormula,
  }),
  Currency: z.strictObject({
    ...common,
    type: z.literal('Currency'),
    ...digits(2),
    ...required,
    ...defaultFormula,
  }),
  Percent: z.strictObject({
    ...common,
    type: z.literal('Percent'),
    ...digits(2),
    ...required,
    ...defaultFormula,
  }),
  Checkbox: z.strictObject({
    ...common,
    type: z.literal('Checkbox').describe('True or false, never empty'),
    default: z.boolean().default(false),
  }),
  Date: z.strictObject({ ...common, type: z.literal('Date'), ...required, ...defaultFormula }),
  DateTime: z.strictObject({
    ...common,
    type: z.literal('DateTime'),
    ...required,
    ...defaultFormula,
  }),
  Time: z.strictObject({ ...common, type: z.literal('Time'), ...required, ...defaultFormula }),
  Email: z.strictObject({
    ...common,
    type: z.literal('Email'),
    ...required,
    ...unique,
    ...externalId,
    ...defaultFormula,
  }),
  Phone: z.strictObject({ ...common, type: z.literal('Phone'), ...required, ...defaultFormula }),
  Url: z.strictObject({ ...common, type: z.literal('Url'), ...required, ...defaultFormula }),
  Picklist: z.strictObject({
    ...common,
    type: z.literal('Picklist').describe('One of a list of values'),
    ...valueSet(1_000),
    ...required,
  }),
  MultiselectPicklist: z.strictObject({
    ...common,
    type: z.literal('MultiselectPicklist').describe('Several of a list of values'),
    ...valueSet(500),
    visible_lines: z.int().min(3).max(10).default(4),
    ...required,
  }),
  AutoNumber: z.strictObject({
    ...common,
    type: z.literal('AutoNumber'),
    display_format: line(30).describe('With the number between braces, e.g. `JP-{00000}`'),
    starting_number: z.int().min(0).max(999_999_999).optional().describe('Default 1'),
    ...externalId,
  }),
  Lookup: z.strictObject({
    ...common,
    type: z.literal('Lookup'),
    ...relationship,
    delete_constraint: z
      .enum(['SetNull', 'Restrict', 'Cascade'])
      .optional()
      .describe(
        'When the record looked up is deleted; default SetNull, or Restrict where required',
      ),
    ...required,
  }),
  MasterDetail: z.strictObject({
    ...common,
    type: z
      .literal('MasterDetail')
      .describe('Required by its nature; the detail is deleted with its master'),
    ...relationship,
    relationship_order: z
      .int()
      .min(0)
      .max(1)
      .optional()
      .describe('0 for the primary, 1 for the secondary master; default the order in the plan'),
    reparentable: z.boolean().default(false).describe('A detail may move to another master'),
    write_requires_master_read: z
      .boolean()
      .default(false)
      .describe('Read access to the master is enough to write a detail'),
  }),
  Formula: z.strictObject({
    ...common,
    type: z.literal('Formula'),
    result_type: z.enum(FORMULA_RESULTS),
    formula,
    scale: z
      .int()
      .min(0)
      .max(17)
      .optional()
      .describe('For results of type Number, Currency, Percent; default 2'),
    treat_blanks_as: z.enum(['BlankAsZero', 'BlankAsBlank']).default('BlankAsZero'),
  }),
  Summary: z.strictObject({
    ...common,
    type: z.literal('Summary').describe('Roll-up of the details of a master'),
    operation: z.enum(['count', 'sum', 'min', 'max']),
    summary_foreign_key: z
      .string()
      .min(3)
      .max(255)
      .describe('The master-detail field on the detail, e.g. `Line__c.Order__c`'),
    summarized_field: z
      .string()
      .min(3)
      .max(255)
      .optional()
      .describe('The field rolled up, e.g. `Line__c.Amount__c`; not for count'),
    filters: z
      .array(
        z.strictObject({
          field: z.string().min(3).max(255).describe('Field of the detail, e.g. `Line__c.Paid__c`'),
          operation: z.enum(FILTER_OPERATIONS),
          value: z.string().max(255),
        }),
      )
      .min(1)
      .max(10)
      .optional()
      .describe('Only details that meet all of these are rolled up'),
  }),
  Location: z.strictObject({
    ...common,
    type: z.literal('Location').describe('Latitude and longitude; counts as three fields'),
    scale: z.int().min(0).max(15).default(6),
    display_in_decimal: z.boolean().default(true).describe('Else degrees, minutes, seconds'),
    ...required,
  }),
  EncryptedText: z.strictObject({
    ...common,
    type: z.literal('EncryptedText').describe('Classic encryption; cannot be filtered or counted'),
    length: z.int().min(1).max(175).default(175),
    mask_char: z.enum(['asterisk', 'X']).default('asterisk'),
    mask_type: z.enum(['all', 'creditCard', 'ssn', 'lastFour', 'sin', 'nino']).default('all'),
    ...required,
  }),
} as const

export const planField = z
  .discriminatedUnion('type', [
    FIELD_SCHEMAS.Text,
    FIELD_SCHEMAS.TextArea,
    FIELD_SCHEMAS.LongTextArea,
    FIELD_SCHEMAS.Html,
    FIELD_SCHEMAS.Number,
    FIELD_SCHEMAS.Currency,
    FIELD_SCHEMAS.Percent,
    FIELD_SCHEMAS.Checkbox,
    FIELD_SCHEMAS.Date,
    FIELD_SCHEMAS.DateTime,
    FIELD_SCHEMAS.Time,
    FIELD_SCHEMAS.Email,
    FIELD_SCHEMAS.Phone,
    FIELD_SCHEMAS.Url,
    FIELD_SCHEMAS.Picklist,
    FIELD_SCHEMAS.MultiselectPicklist,
    FIELD_SCHEMAS.AutoNumber,
    FIELD_SCHEMAS.Lookup,
    FIELD_SCHEMAS.MasterDetail,
    FIELD_SCHEMAS.Formula,
    FIELD_SCHEMAS.Summary,
    FIELD_SCHEMAS.Location,
    FIELD_SCHEMAS.EncryptedText,
  ])
  .describe('A custom field; each type has its own attributes')
  .meta({ id: 'PlanField' })

export type PlanField = z.output<typeof planField>
export type FieldType = PlanField['type']
export type FieldOf<Type extends FieldType> = Extract<PlanField, { type: Type }>
export type PicklistField = FieldOf<'Picklist'> | FieldOf<'MultiselectPicklist'>

export const FIELD_TYPES = Object.keys(FIELD_SCHEMAS) as FieldType[]

export const isFieldType = (type: unknown): type is FieldType =>
  typeof type === 'string' && Object.hasOwn(FIELD_SCHEMAS, type)

export const isPicklist = (field: PlanField): field is PicklistField =>
  field.type === 'Picklist' || field.type === 'MultiselectPicklist'

/**
 * A picklist's own values; empty where a global value set is used. Without a label of the plan's own
 * a new value is labelled by itself, and one that is there keeps its label.
 */
export const picklistValues = (field: PicklistField): { value: string; label: string | null }[] =>
  (field.values ?? []).map((value) =>
    typeof value === 'string' ? { value, label: null } : { value: value.value, label: value.label },
  )

/** What happens to the look-up when its record is deleted, where the plan left it open. */
export const deleteConstraint = (
  field: FieldOf<'Lookup'>,
): NonNullable<FieldOf<'Lookup'>['delete_constraint']> =>
  // Salesforce: a required look-up cannot be cleared, so its record is protected instead.
  field.delete_constraint ?? (field.required ? 'Restrict' : 'SetNull')

/** Whether no record can be saved without a value: then Salesforce takes no field permission for it. */
export const isRequired = (field: PlanField): boolean =>
  field.type === 'MasterDetail' || ('required' in field && field.required)

/** Whether users never write it: formulas, roll-ups and automatic numbers. */
export const isReadOnly = (field: PlanField): boolean =>
  field.type === 'Formula' || field.type === 'Summary' || field.type === 'AutoNumber'
