// Text on one line.

import * as z from 'zod'
import { common, defaultFormula, externalId, required, unique } from './attributes.ts'
import { byLength, kept, unlisted, whatFits, type Conversion, type Side } from './conversion.ts'
import { describedAs, fieldKind, scalar } from './kind.ts'

/** What happens to short texts, whatever they are for (an address, a number to dial, a link). */
export const becomesOfText = (from: Side, to: Side): Conversion => {
  if (to.family === 'text' || to.family === 'long text') return byLength(from, to)
  // Salesforce's documentation names only Text.
  return to.family === 'picklist' && from.type === 'Text' ? unlisted(to) : whatFits()
}

const isText = describedAs('string')

export const text = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('Text'),
    length: z.int().min(1).max(255).default(255),
    ...required,
    ...unique,
    case_sensitive: z.boolean().default(false).describe('Whether uniqueness is case-sensitive'),
    ...externalId,
    ...defaultFormula,
  }),
  isDescribed: (described) => isText(described) && described.autoNumber !== true,
  describeTypes: () => ['string'],
  otherThan: ({ autoNumber }) => (autoNumber === true ? 'auto number' : null),
  compare: (field) =>
    field.unique ? [scalar('case_sensitive', field.case_sensitive, 'caseSensitive')] : [],
  elements: { case_sensitive: ['caseSensitive', 'boolean'] },
  write: (members, field) => {
    // Salesforce accepts caseSensitive only together with unique.
    if (!field.unique) delete members.caseSensitive
  },
  check: (field, { full, add }) => {
    if (!field.case_sensitive || field.unique) return
    add(
      'case_sensitive',
      'attribute_not_allowed',
      `${full} is not unique, so case_sensitive has no effect. Leave it out or add unique.`,
    )
  },
  family: 'text',
  becomes: becomesOfText,
  resizes: (from, to) => (from.length === null ? kept('texts stay') : byLength(from, to)),
})
