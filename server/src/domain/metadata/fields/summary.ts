// A roll-up of the details of a master.

import * as z from 'zod'
import { listObjects } from '../../../salesforce/xml.ts'
import { sameName } from '../names.ts'
import { common } from './attributes.ts'
import { isCalculatedOnly } from './formula.ts'
import { type Checking, fieldKind } from './kind.ts'

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

const schema = z.strictObject({
  ...common,
  type: z.literal('Summary').describe('Roll-up of the details of a master'),
  operation: z.enum(['count', 'sum', 'min', 'max']).meta({ id: 'PlanSummaryOperation' }),
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
        operation: z.enum(FILTER_OPERATIONS).meta({ id: 'PlanSummaryFilterOperation' }),
        value: z.string().max(255),
      }),
    )
    .min(1)
    .max(10)
    .optional()
    .describe('Only details that meet all of these are rolled up'),
})

type Summary = z.output<typeof schema>

/**
 * Relationships of standard objects over which fields roll up, although no describe shows a master-detail.
 * Source: Salesforce Help, "Roll-Up Summary Fields", for the first three; deployed files for quotes.
 */
const STANDARD_LINKS: ReadonlySet<string> = new Set([
  'opportunity.accountid',
  'opportunitylineitem.opportunityid',
  'campaignmember.campaignid',
  'quotelineitem.quoteid',
  'orderitem.orderid',
])

/** Whether fields roll up over this relationship of a standard object (`Opportunity.AccountId`). */
export const rollsUpOver = (path: string): boolean => STANDARD_LINKS.has(sameName(path))

const FIELD_PATH = /^([A-Za-z]\w*)\.([A-Za-z]\w*)$/

/** Object and field of `Line__c.Order__c`; null for another text. */
const partsOf = (path: string): { object: string; field: string } | null => {
  const [, object, field] = FIELD_PATH.exec(path) ?? []
  return object === undefined || field === undefined ? null : { object, field }
}

const check = (field: Summary, checking: Checking): void => {
  const { full, object, add, fieldOf } = checking
  const key = partsOf(field.summary_foreign_key)
  if (key === null) {
    add(
      'summary_foreign_key',
      'bad_field_path',
      `${full} needs the detail's master-detail field with its object. Write it as Child__c.Master__c.`,
    )
    return
  }
  const link = fieldOf(key.object, key.field)
  if (
    link !== null &&
    (link.type !== 'MasterDetail' || sameName(link.referenceTo ?? '') !== sameName(object))
  ) {
    add(
      'summary_foreign_key',
      'not_a_master_detail',
      `${field.summary_foreign_key} is not a master-detail to ${object}, so ${full} cannot roll up over it. Make it a MasterDetail.`,
    )
  }
  for (const [index, filter] of (field.filters ?? []).entries()) {
    if (!isOn(key.object, filter.field)) {
      add(
        ['filters', index, 'field'],
        'bad_field_path',
        `A filter of ${full} must name a field of ${key.object}, with its object.`,
      )
    }
  }
  checkSummarized(field, key.object, checking)
}

const isOn = (object: string, path: string): boolean =>
  sameName(partsOf(path)?.object ?? '') === sameName(object)

const checkSummarized = (
  { operation, summarized_field: summarized }: Summary,
  detail: string,
  { full, add, fieldOf }: Checking,
): void => {
  const refuse = (code: string, message: string): void => add('summarized_field', code, message)
  if (operation === 'count') {
    if (summarized !== undefined) {
      refuse(
        'attribute_not_allowed',
        `${full} counts records, not a field. Leave summarized_field out.`,
      )
    }
    return
  }
  if (summarized === undefined) {
    refuse(
      'missing',
      `${full} does not name the field to take the ${operation} of. Add summarized_field.`,
    )
    return
  }
  if (!isOn(detail, summarized)) {
    refuse('bad_field_path', `${full} must roll up a field of ${detail}, with its object.`)
    return
  }
  const source = fieldOf(detail, partsOf(summarized)?.field ?? '')
  // Salesforce: what can be rolled up by sum; dates only by min and max.
  if (source === null || source.rollsUp === 'sum') return
  if (source.rollsUp === 'order' && operation !== 'sum') return
  refuse(
    'wrong_type',
    `${summarized} is of type ${source.type}, which has no ${operation}. Choose a number${operation === 'sum' ? '' : ' or date'}.`,
  )
}

export const summary = fieldKind({
  schema,
  isDescribed: ({ calculated, calculatedFormula }) =>
    // Salesforce: a roll-up is calculated without a formula.
    calculated === true && typeof calculatedFormula !== 'string',
  describeTypes: () => ['double', 'int', 'currency', 'percent', 'date', 'datetime', 'time'],
  otherThan: ({ type, calculatedFormula }) =>
    typeof calculatedFormula === 'string' ? `${String(type)}, formula` : null,
  unseen: ['operation', 'summary_foreign_key', 'summarized_field', 'filters'],
  elements: {
    operation: ['summaryOperation', 'text'],
    summary_foreign_key: ['summaryForeignKey', 'text'],
    summarized_field: ['summarizedField', 'text'],
  },
  write: (members, field) => {
    members.summaryFilterItems = field.filters?.map(({ field: name, operation, value }) => ({
      field: name,
      operation,
      value,
    }))
  },
  read: ({ summaryFilterItems }) => {
    const filters = listObjects(summaryFilterItems)
    return filters.length === 0
      ? {}
      : { filters: filters.map(({ field, operation, value }) => ({ field, operation, value })) }
  },
  covers: ['summaryFilterItems'],
  check,
  isCalculated: true,
  releasePlace: 0,
  rollsUp: 'sum',
  family: 'calculated',
  becomes: isCalculatedOnly,
  madeOf: isCalculatedOnly,
})
