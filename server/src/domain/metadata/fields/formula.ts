// A field that shows the result of a formula. To Salesforce it is a field of the result's type.

import * as z from 'zod'
import { common, formula as formulaText } from './attributes.ts'
import { refused } from './conversion.ts'
import { fieldKind, scalar } from './kind.ts'

/** What a formula can result in, and how a describe shows each. */
const RESULTS = {
  Text: ['string'],
  Number: ['double', 'int'],
  Currency: ['currency'],
  Percent: ['percent'],
  Checkbox: ['boolean'],
  Date: ['date'],
  DateTime: ['datetime'],
  Time: ['time'],
} as const

export const FORMULA_RESULTS = Object.keys(RESULTS) as [
  keyof typeof RESULTS,
  ...(keyof typeof RESULTS)[],
]

const NUMERIC_RESULTS: ReadonlySet<string> = new Set(['Number', 'Currency', 'Percent'])
const PRECISION = 18
const SCALE = 2

interface Result {
  result_type: keyof typeof RESULTS
  scale?: number | undefined
}

/** Decimal places of a formula's result; null for results that are not numbers. */
const scaleOf = ({ result_type: type, scale }: Result): number | null =>
  NUMERIC_RESULTS.has(type) ? (scale ?? SCALE) : null

export const isCalculatedOnly = () =>
  refused('a calculated field and an ordinary one cannot become each other')

export const formula = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('Formula'),
    result_type: z.enum(FORMULA_RESULTS).meta({ id: 'PlanFormulaResult' }),
    formula: formulaText,
    scale: z
      .int()
      .min(0)
      .max(17)
      .optional()
      .describe('For results of type Number, Currency, Percent; default 2'),
    treat_blanks_as: z
      .enum(['BlankAsZero', 'BlankAsBlank'])
      .meta({ id: 'PlanBlankTreatment' })
      .default('BlankAsZero'),
  }),
  isDescribed: ({ calculatedFormula }) => typeof calculatedFormula === 'string',
  describeTypes: ({ result_type: type }) => RESULTS[type],
  compare: (field) => {
    const scale = scaleOf(field)
    return [
      scalar('formula', field.formula, 'calculatedFormula'),
      ...(scale === null ? [] : [scalar('scale', scale)]),
    ]
  },
  unseen: ['treat_blanks_as'],
  elements: {
    formula: ['formula', 'text'],
    treat_blanks_as: ['formulaTreatBlanksAs', 'text'],
  },
  elementType: ({ result_type }) => result_type,
  write: (members, field) => {
    const scale = scaleOf(field)
    if (scale !== null) Object.assign(members, { precision: PRECISION, scale })
  },
  read: ({ type }) => ({ result_type: type }),
  covers: ['precision'],
  check: (field, { full, add }) => {
    if (field.scale === undefined || NUMERIC_RESULTS.has(field.result_type)) return
    add(
      'scale',
      'attribute_not_allowed',
      `${full} results in ${field.result_type}, which has no scale. Leave it out.`,
    )
  },
  isCalculated: true,
  releasePlace: 1,
  family: 'calculated',
  becomes: isCalculatedOnly,
  madeOf: isCalculatedOnly,
})
