// Texts by which somebody or something is reached. Salesforce gives each its own length.

import * as z from 'zod'
import { common, defaultFormula, externalId, required, unique } from './attributes.ts'
import { describedAs, fieldKind } from './kind.ts'
import { becomesOfText } from './text.ts'

const shared = { family: 'text' as const, becomes: becomesOfText }

export const email = fieldKind({
  ...shared,
  schema: z.strictObject({
    ...common,
    type: z.literal('Email'),
    ...required,
    ...unique,
    ...externalId,
    ...defaultFormula,
  }),
  isDescribed: describedAs('email'),
  describeTypes: () => ['email'],
  length: 80,
})

export const phone = fieldKind({
  ...shared,
  schema: z.strictObject({ ...common, type: z.literal('Phone'), ...required, ...defaultFormula }),
  isDescribed: describedAs('phone'),
  describeTypes: () => ['phone'],
  length: 40,
})

export const url = fieldKind({
  ...shared,
  schema: z.strictObject({ ...common, type: z.literal('Url'), ...required, ...defaultFormula }),
  isDescribed: describedAs('url'),
  describeTypes: () => ['url'],
  length: 255,
})
