// Texts of more than 255 characters, plain and rich. Salesforce filters and counts neither.

import * as z from 'zod'
import { type JsonObject } from '../../../salesforce/json.ts'
import { common, defaultFormula } from './attributes.ts'
import { byLength, lossy, refused } from './conversion.ts'
import { describedAs, fieldKind, scalar } from './kind.ts'

/** Salesforce: in a describe, only the length distinguishes a long text area from a short one. */
export const isLong = ({ length }: JsonObject): boolean =>
  typeof length === 'number' && length > 255

const isArea = describedAs('textarea')

export const longTextArea = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('LongTextArea'),
    length: z.int().min(256).max(131_072).default(32_768),
    visible_lines: z.int().min(2).max(50).default(3),
    ...defaultFormula,
  }),
  isDescribed: (described) =>
    isArea(described) && described.htmlFormatted !== true && isLong(described),
  describeTypes: () => ['textarea'],
  compare: () => [scalar('type', false, 'htmlFormatted')],
  filled: () => null,
  family: 'long text',
  becomes: (from, to) =>
    to.family === 'text' || to.family === 'long text' ? byLength(from, to) : lossy('all values'),
  resizes: byLength,
})

export const html = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('Html').describe('Rich text'),
    length: z.int().min(256).max(131_072).default(32_768),
    visible_lines: z.int().min(10).max(50).default(25),
  }),
  isDescribed: (described) => isArea(described) && described.htmlFormatted === true,
  describeTypes: () => ['textarea'],
  compare: () => [scalar('type', true, 'htmlFormatted')],
  filled: () => null,
  family: 'long text',
  // Salesforce Help, "Considerations for Converting the Field Type of a Custom Field".
  becomes: (_from, to) =>
    to.type === 'LongTextArea'
      ? lossy('the formatting')
      : refused('a rich text becomes a long text only'),
  resizes: byLength,
})
