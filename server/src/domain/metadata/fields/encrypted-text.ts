// Text under classic encryption, shown behind a mask.

import * as z from 'zod'
import { common, required } from './attributes.ts'
import { byLength, refused } from './conversion.ts'
import { describedAs, fieldKind, scalar } from './kind.ts'

const noConversion = () => refused('geolocations and encrypted texts have no conversion')

export const encryptedText = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('EncryptedText').describe('Classic encryption; cannot be filtered or counted'),
    length: z.int().min(1).max(175).default(175),
    mask_char: z.enum(['asterisk', 'X']).meta({ id: 'PlanMaskCharacter' }).default('asterisk'),
    mask_type: z
      .enum(['all', 'creditCard', 'ssn', 'lastFour', 'sin', 'nino'])
      .meta({ id: 'PlanMaskType' })
      .default('all'),
    ...required,
  }),
  isDescribed: describedAs('encryptedstring'),
  describeTypes: () => ['encryptedstring'],
  compare: (field) => [scalar('mask_type', field.mask_type, 'maskType')],
  unseen: ['mask_char'],
  elements: { mask_char: ['maskChar', 'text'], mask_type: ['maskType', 'text'] },
  filled: () => null,
  isMasked: true,
  family: 'encrypted',
  becomes: noConversion,
  madeOf: noConversion,
  resizes: byLength,
})
