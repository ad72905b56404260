// Numbers of more digits than a double holds. Salesforce: a number that the API gets as text is stored
// with its digits, but pages and APIs show it as a double (help 000394530, "Currency and Number Fields
// Round When There Are More Than 15 Characters"; help 000221617). So rows hold the text of such a
// number, and all readers of a row get a double.

/** Salesforce: decimals that the API stores, whatever the scale of the field (help 000212661). */
export const DECIMALS_MAX = 24

const PLAIN = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/

/**
 * The digits of a number given as text, rounded half up to so many decimal places; null if a double is
 * the same, or if it is not written in full.
 */
export const longDigits = (text: string, places: number): string | null => {
  const parts = PLAIN.exec(text)
  if (parts === null) return null
  const [, sign = '', whole = '', decimals = ''] = parts
  const padded = `${decimals.padEnd(places + 1, '0')}`
  const scaled = BigInt(`${whole}${padded.slice(0, places)}` || '0')
  const rounded = padded.charCodeAt(places) >= 53 ? scaled + 1n : scaled
  const digits = rounded.toString().padStart(places + 1, '0')
  const head = digits.slice(0, digits.length - places)
  const tail = digits.slice(digits.length - places).replace(/0+$/, '')
  const exact = `${sign === '-' ? '-' : ''}${head}${tail === '' ? '' : `.${tail}`}`
  return scaled === 0n || String(Number(exact)) === exact ? null : exact
}

/** How many digits {@link longDigits} returns before the decimal point. */
export const wholeDigits = (exact: string): number =>
  exact.replace('-', '').split('.')[0]?.length ?? 0

/** The value of a number field when read: a double, whatever the row holds. */
export const asDouble = (stored: unknown): unknown =>
  typeof stored === 'string' ? Number(stored) : stored

const NUMBERS = new Set(['int', 'long', 'double', 'currency', 'percent'])

export const isNumberType = (type: string): boolean => NUMBERS.has(type)
