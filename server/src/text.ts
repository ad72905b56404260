// Words from outside: Salesforce's, Nango's and a caller's. JavaScript counts UTF-16 units, so a cut can
// leave half a surrogate pair; PostgreSQL accepts neither that in jsonb nor U+0000 anywhere.

/** `text` as PostgreSQL can store it: U+FFFD in place of U+0000 and of half surrogate pairs. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

/** At most `maxUnits` UTF-16 units of `text`, never cut inside a pair, and {@link storable}. */
export const clip = (text: string, maxUnits: number): string => {
  if (text.length <= maxUnits) return storable(text)
  const isInsidePair = (text.codePointAt(maxUnits - 1) ?? 0) > 0xffff
  return storable(text.slice(0, isInsidePair ? maxUnits - 1 : maxUnits))
}
