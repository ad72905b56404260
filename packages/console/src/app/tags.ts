// Tags as people type them. Pure.

import { type ClientTags } from '@sfdc-engine-x/client'

/** `tier=gold, region=emea`. */
export const textOfTags = (tags: ClientTags): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')

/** The tags that somebody typed; null with a sentence about what is wrong. */
export const tagsOf = (text: string): { tags: ClientTags | null; error: string | null } => {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const pairs = parts.map((part) => /^([^=\s]+)\s*=\s*(\S.*)$/.exec(part))
  const wrong = parts.find((_, at) => pairs[at] === null)
  if (wrong !== undefined) {
    return { tags: null, error: `“${wrong}” is not a key and a value. Write it as tier=gold.` }
  }
  const entries = pairs.flatMap((pair) =>
    pair?.[1] === undefined || pair[2] === undefined ? [] : [[pair[1], pair[2]] as const],
  )
  const keys = entries.map(([key]) => key)
  const twice = keys.find((key, at) => keys.indexOf(key) !== at)
  return twice === undefined
    ? { tags: Object.fromEntries(entries), error: null }
    : { tags: null, error: `“${twice}” is there twice. A key has one value.` }
}
