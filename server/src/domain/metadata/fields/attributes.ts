// What several field types have in common in a plan: the shapes of their attributes, and the element of
// an object file that holds each.

import * as z from 'zod'

/** One line of text for people. Line breaks and other control characters are not allowed. */
export const line = (max: number) =>
  z
    .string()
    .overwrite((text) => text.trim())
    .min(1)
    .max(max)
    // oxlint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters')

/** Text of several lines. Salesforce keeps neither spaces around a text nor carriage returns in it. */
export const prose = (max: number) =>
  z
    .string()
    .overwrite((text) => text.replaceAll(/\r\n?/g, '\n').trim())
    .min(1)
    .max(max)

/** names.ts checks it letter by letter and says what is wrong with it; here only its size. */
export const apiName = z.string().min(1).max(255)

/** Salesforce: a custom formula holds at most 3,900 characters. */
export const formula = prose(3_900)

export const common = {
  api_name: apiName.describe('API name of the custom field, with `__c`'),
  label: line(40).describe('Field label'),
  description: prose(1_000).optional().describe('For administrators'),
  help_text: prose(510).optional().describe('Help shown to users beside the field'),
}

export const required = {
  required: z.boolean().default(false).describe('No record can be saved without a value'),
}

export const defaultFormula = {
  default_formula: formula
    .optional()
    .describe("Default value as a formula, e.g. `TODAY()` or `'EU'`"),
}

export const unique = {
  unique: z.boolean().default(false).describe('No two records share a value'),
}

export const externalId = {
  external_id: z
    .boolean()
    .default(false)
    .describe('Key from another system; records can be upserted by it'),
}

export const relationship = {
  reference_to: apiName.describe('API name of the object looked up'),
  relationship_name: apiName.describe(
    'Name of the relationship from the parent to these records, without `__r`',
  ),
  relationship_label: line(80).optional().describe('Label of the related list on the parent'),
}

/** The element of an attribute, and what its text is. */
export type ElementOf = readonly [element: string, value: 'text' | 'number' | 'boolean']

/** Attributes that are one element each. Those of a single type are defined with that type. */
export const SHARED_ELEMENTS: Readonly<Record<string, ElementOf>> = {
  api_name: ['fullName', 'text'],
  label: ['label', 'text'],
  description: ['description', 'text'],
  help_text: ['inlineHelpText', 'text'],
  required: ['required', 'boolean'],
  unique: ['unique', 'boolean'],
  external_id: ['externalId', 'boolean'],
  length: ['length', 'number'],
  visible_lines: ['visibleLines', 'number'],
  precision: ['precision', 'number'],
  scale: ['scale', 'number'],
  default_formula: ['defaultValue', 'text'],
  reference_to: ['referenceTo', 'text'],
  relationship_name: ['relationshipName', 'text'],
  relationship_label: ['relationshipLabel', 'text'],
}

/** Shared attributes that no describe shows; only the metadata shows whether they are in place. */
export const SHARED_UNSEEN = [
  'description',
  'visible_lines',
  'relationship_name',
  'relationship_label',
] as const
