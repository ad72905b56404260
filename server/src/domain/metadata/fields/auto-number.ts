// Records numbered by Salesforce.

import * as z from 'zod'
import { common, externalId, line } from './attributes.ts'
import { byLength, kept, lossy } from './conversion.ts'
import { describedAs, fieldKind, scalar } from './kind.ts'

/** Whether the format has exactly one place for the number, a run of zeros in braces. */
export const hasCounter = (displayFormat: string): boolean =>
  (displayFormat.match(/\{0{1,10}\}/g) ?? []).length === 1

const isText = describedAs('string')

export const autoNumber = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('AutoNumber'),
    display_format: line(30).describe('With the number between braces, e.g. `JP-{00000}`'),
    starting_number: z.int().min(0).max(999_999_999).optional().describe('Default 1'),
    ...externalId,
  }),
  isDescribed: (described) => isText(described) && described.autoNumber === true,
  describeTypes: () => ['string'],
  compare: () => [scalar('type', true, 'autoNumber')],
  unseen: ['display_format', 'starting_number'],
  elements: {
    display_format: ['displayFormat', 'text'],
    starting_number: ['startingNumber', 'number'],
  },
  write: (members, _field, { current }) => {
    // Salesforce: the number keeps counting; if given again, it would start over.
    if (current !== null) delete members.startingNumber
  },
  check: (field, { full, add }) => {
    if (hasCounter(field.display_format)) return
    add(
      'display_format',
      'bad_display_format',
      `The display format of ${full} needs one place for the number: one to ten zeros in braces, for example {0000}. Correct it.`,
    )
  },
  isReadOnly: true,
  family: 'counter',
  length: 30,
  becomes: (from, to) =>
    to.type === 'Text' ? byLength(from, to, 'values stay as text') : lossy('all values'),
  madeOf: (from) =>
    from.type === 'Text' ? kept('values stay, new ones are counted') : lossy('all values'),
})
