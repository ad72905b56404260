// Texts of others, which may be of any length and hold anything.

/** At most `max` UTF-16 units of a text; never half a surrogate pair, wherever it is cut. */
export const clip = (text: string, max: number): string =>
  (text.length > max ? text.slice(0, max).replace(/[\ud800-\udbff]$/, '') : text).toWellFormed()
