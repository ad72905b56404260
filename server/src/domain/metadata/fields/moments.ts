// Days, moments and hours.

import * as z from 'zod'
import { common, defaultFormula, required } from './attributes.ts'
import { lossy } from './conversion.ts'
import { describedAs, fieldKind } from './kind.ts'

const shared = {
  family: 'moment' as const,
  becomes: () => lossy('all values'),
  madeOf: () => lossy('all values'),
}
/** Salesforce Help, "Roll-Up Summary Fields": of moments, days and points in time only. */
const rollsUp = 'order' as const

export const date = fieldKind({
  ...shared,
  rollsUp,
  schema: z.strictObject({ ...common, type: z.literal('Date'), ...required, ...defaultFormula }),
  isDescribed: describedAs('date'),
  describeTypes: () => ['date'],
})

export const dateTime = fieldKind({
  ...shared,
  rollsUp,
  schema: z.strictObject({
    ...common,
    type: z.literal('DateTime'),
    ...required,
    ...defaultFormula,
  }),
  isDescribed: describedAs('datetime'),
  describeTypes: () => ['datetime'],
})

export const time = fieldKind({
  ...shared,
  schema: z.strictObject({ ...common, type: z.literal('Time'), ...required, ...defaultFormula }),
  isDescribed: describedAs('time'),
  describeTypes: () => ['time'],
})
