// A point on the earth: latitude and longitude, each also a field of its own.

import * as z from 'zod'
import { common, required } from './attributes.ts'
import { refused } from './conversion.ts'
import { describedAs, fieldKind, isNotNull, scalar } from './kind.ts'

const noConversion = () => refused('geolocations and encrypted texts have no conversion')

export const location = fieldKind({
  schema: z.strictObject({
    ...common,
    type: z.literal('Location').describe('Latitude and longitude; counts as three fields'),
    scale: z.int().min(0).max(15).default(6),
    display_in_decimal: z.boolean().default(true).describe('false: degrees, minutes and seconds'),
    ...required,
  }),
  isDescribed: describedAs('location'),
  describeTypes: () => ['location'],
  compare: (field) => [
    scalar('display_in_decimal', field.display_in_decimal, 'displayLocationInDecimal'),
  ],
  elements: { display_in_decimal: ['displayLocationInDecimal', 'boolean'] },
  room: 3,
  // Salesforce: it can be filtered only by its parts.
  filled: (name) => isNotNull(name.replace(/__c$/i, '__Latitude__s')),
  family: 'location',
  becomes: noConversion,
  madeOf: noConversion,
})
