// Numbers, amounts and percentages.

import * as z from 'zod'
import { common, defaultFormula, externalId, required, unique } from './attributes.ts'
import { byDigits, kept, lossy, whatFits, type Conversion, type Side } from './conversion.ts'
import { type Checking, describedAs, fieldKind, scalar } from './kind.ts'

const digits = (scale: number) => ({
  precision: z
    .int()
    .min(1)
    .max(18)
    .default(18)
    .describe('Digits in total, decimal places included'),
  scale: z.int().min(0).max(17).default(scale).describe('Decimal places'),
})

interface Digits {
  precision: number
  scale: number
}

const compare = ({ precision, scale }: Digits) => [
  scalar('precision', precision),
  scalar('scale', scale),
]

const check = ({ precision, scale }: Digits, { full, add }: Checking): void => {
  if (scale <= precision) return
  add(
    'scale',
    'scale_over_precision',
    `${full} has ${scale} decimal places but ${precision} in all. Raise precision or lower scale.`,
  )
}

const becomes = (from: Side, to: Side): Conversion => {
  if (to.family === 'number') return byDigits(from, to)
  if (to.family !== 'text') return whatFits()
  // Besides the digits there may be a sign and a decimal point.
  return (to.length ?? 0) >= (from.precision ?? 0) + 2
    ? kept('numbers stay as text')
    : lossy(`numbers of more than ${to.length ?? 0} characters`)
}

const shared = {
  compare,
  check,
  family: 'number' as const,
  becomes,
  resizes: byDigits,
  rollsUp: 'sum' as const,
}

export const number = fieldKind({
  ...shared,
  schema: z.strictObject({
    ...common,
    type: z.literal('Number'),
    ...digits(0),
    ...required,
    ...unique,
    ...externalId,
    ...defaultFormula,
  }),
  // Only standard fields without decimal places are `int`.
  isDescribed: describedAs('double', 'int'),
  describeTypes: () => ['double', 'int'],
})

export const currency = fieldKind({
  ...shared,
  schema: z.strictObject({
    ...common,
    type: z.literal('Currency'),
    ...digits(2),
    ...required,
    ...defaultFormula,
  }),
  isDescribed: describedAs('currency'),
  describeTypes: () => ['currency'],
})

export const percent = fieldKind({
  ...shared,
  schema: z.strictObject({
    ...common,
    type: z.literal('Percent'),
    ...digits(2),
    ...required,
    ...defaultFormula,
  }),
  isDescribed: describedAs('percent'),
  describeTypes: () => ['percent'],
})
