// What stands in an address: anybody's text. A parameter that means nothing is left out.

/** A text of at most 200 characters. The router reads `q=2026` as a number, `q=true` as a boolean. */
export const textParam = <Name extends string>(
  name: Name,
  search: Record<string, unknown>,
): { [Key in Name]?: string } => {
  const value = search[name]
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
  return (text === '' ? {} : { [name]: text.slice(0, 200) }) as { [Key in Name]?: string }
}

/** A whole number from 1. */
export const wholeParam = <Name extends string>(
  name: Name,
  search: Record<string, unknown>,
): { [Key in Name]?: number } => {
  const value = Number(search[name])
  return (Number.isSafeInteger(value) && value > 0 ? { [name]: value } : {}) as {
    [Key in Name]?: number
  }
}

/** One of these words. */
export const wordParam = <Name extends string, const Word extends string>(
  name: Name,
  words: readonly Word[],
  search: Record<string, unknown>,
): { [Key in Name]?: Word } => {
  const found = words.find((word) => word === search[name])
  return (found === undefined ? {} : { [name]: found }) as { [Key in Name]?: Word }
}

/** Knows the words of a union. All of them have to be named, or it does not compile. */
export const isWordOf =
  <Word extends string>() =>
  <const Words extends readonly Word[]>(
    ...words: [Exclude<Word, Words[number]>] extends [never] ? Words : never
  ) =>
  (value: unknown): value is Word =>
    (words as readonly unknown[]).includes(value)

/** Without what is empty. */
export const filled = <Search extends object>(search: Search): Search =>
  Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined && value !== ''),
  ) as Search
