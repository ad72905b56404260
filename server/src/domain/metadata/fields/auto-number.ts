// Records numbered by Salesforce.

import * as z from 'zod'
import { common, externalId, line } from './attributes.ts'
import { byLength, kept, lossy } from './conversion.ts'
import { describedAs, fieldKind, scalar } from './kind.ts'

/**
 * What is wrong with a format. Salesforce: Help, "Auto-Number Formatting": one place for the number, and
 * parts of the date.
 */
export const displayFormatFault = (displayFormat: string, of: string): string | null => {
  if ((displayFormat.match(/\{0{1,10}\}/g) ?? []).length !== 1) {
    return `The display format of ${of} needs one place for the number: one to ten zeros in braces, for example {0000}. Correct it.`
  }
  return /[{}]/.test(displayFormat.replaceAll(/\{(?:0+|YYYY|YY|MM|DD)\}/gi, ''))
    ? `The display format of ${of} has braces around something else than the number, {YYYY}, {YY}, {MM} or {DD}. Correct it.`
    : null
}

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
    const fault = displayFormatFault(field.display_format, full)
    if (fault !== null) add('display_format', 'bad_display_format', fault)
  },
  isReadOnly: true,
  family: 'counter',
  length: 30,
  becomes: (from, to) =>
    to.type === 'Text' ? byLength(from, to, 'values stay as text') : lossy('all values'),
  madeOf: (from) =>
    from.type === 'Text' ? kept('values stay, new ones are counted') : lossy('all values'),
})
