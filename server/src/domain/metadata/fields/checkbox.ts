// True or false.

import * as z from 'zod'
import { soql, soqlName } from '../../../salesforce/escape.ts'
import { common } from './attributes.ts'
import { lossy } from './conversion.ts'
import { describedAs, fieldKind, scalar } from './kind.ts'

const isTrue = (value: unknown): boolean => value === 'true' || value === true

export const checkbox = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('Checkbox').describe('True or false, never empty'),
    default: z.boolean().default(false),
  }),
  isDescribed: describedAs('boolean'),
  describeTypes: () => ['boolean'],
  compare: (field) => [scalar('default', field.default, 'defaultValue')],
  write: (members, field) => {
    members.defaultValue = field.default
  },
  read: ({ defaultValue }) => ({ default: isTrue(defaultValue) }),
  covers: ['defaultValue'],
  // It is never empty: a value other than its default was entered by somebody.
  filled: (name, startsAs) => soql`${soqlName(name)} != ${isTrue(startsAs)}`,
  family: 'checkbox',
  becomes: () => lossy('all values'),
})
