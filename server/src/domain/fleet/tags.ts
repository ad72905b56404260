// Tags: keys with values on clients, by which selectors choose.

import * as z from 'zod'

export const TAGS_MAX = 20

const KEY = /^[a-z][a-z0-9_.-]{0,49}$/

const tagKey = z
  .string()
  .regex(
    KEY,
    'must begin with a small letter, and have at most 50 small letters, digits, dots, hyphens and underscores',
  )

const tagValue = z
  .string()
  .trim()
  .min(1)
  .max(100)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters')
  .refine((text) => text.isWellFormed(), 'must not contain half a surrogate pair')

/** What a client is told apart by: `{ "tier": "gold", "region": "emea" }`. */
export const clientTags = z
  .record(tagKey, tagValue)
  .refine(
    (tags) => Object.keys(tags).length <= TAGS_MAX,
    `must not have more than ${TAGS_MAX} tags`,
  )
  .meta({ id: 'ClientTags' })

export type ClientTags = z.infer<typeof clientTags>
