// Text on several lines, short enough to be filtered and counted.

import * as z from 'zod'
import { common, defaultFormula, required } from './attributes.ts'
import { isLong } from './long-texts.ts'
import { becomesOfText } from './text.ts'
import { describedAs, fieldKind } from './kind.ts'

const isArea = describedAs('textarea')

export const textArea = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('TextArea').describe('Up to 255 characters on several lines; has no length'),
    ...required,
    ...defaultFormula,
  }),
  isDescribed: (described) =>
    isArea(described) && described.htmlFormatted !== true && !isLong(described),
  describeTypes: () => ['textarea'],
  otherThan: (described) => (isLong(described) ? 'long textarea' : null),
  family: 'text',
  length: 255,
  becomes: becomesOfText,
})
