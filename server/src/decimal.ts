// Decimal numbers by their digits, where a double would round them.

/** A number as its digits, without zeros at either end, and the power of ten of the last of them. */
export interface Decimal {
  negative: boolean
  /** '' for zero. */
  digits: string
  exponent: number
}

const DECIMAL = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i

/** The number that a text holds (`-007`, `1.50`, `.5`, `12e-3`); null for text that holds none. */
export const toDecimal = (text: string): Decimal | null => {
  const parts = DECIMAL.exec(text)
  if (parts === null) return null
  const [, sign, whole = '', decimals = '', bare = '', power = '0'] = parts
  const all = whole + decimals + bare
  let start = 0
  let end = all.length
  while (start < end && all.charCodeAt(start) === 48) start += 1
  while (end > start && all.charCodeAt(end - 1) === 48) end -= 1
  if (start === end) return { negative: false, digits: '', exponent: 0 }
  return {
    negative: sign === '-',
    digits: all.slice(start, end),
    exponent: Number(power) - decimals.length - bare.length + (all.length - end),
  }
}

/** How many digits are before the decimal point. */
export const wholeDigits = ({ digits, exponent }: Decimal): number =>
  digits === '' ? 0 : Math.max(0, digits.length + exponent)

/** How many digits are after the decimal point. */
export const decimalPlaces = ({ exponent }: Decimal): number => Math.max(0, -exponent)

const isSame = (a: Decimal, b: Decimal): boolean =>
  a.negative === b.negative && a.digits === b.digits && a.exponent === b.exponent

/** Whether the double, written with as few digits as identify it, is exactly this number. */
export const isHeldBy = (decimal: Decimal, double: number): boolean => {
  const held = toDecimal(String(double))
  return held !== null && isSame(held, decimal)
}

/** The same, with only so many decimal places; both are rounded half away from zero. */
export const isHeldToPlaces = (decimal: Decimal, double: number, places: number): boolean => {
  const held = toDecimal(String(double))
  return held !== null && isSame(roundedTo(held, places), roundedTo(decimal, places))
}

const roundedTo = (decimal: Decimal, places: number): Decimal => {
  const { negative, digits, exponent } = decimal
  const dropped = -exponent - places
  if (dropped <= 0) return decimal
  if (dropped > digits.length) return { negative: false, digits: '', exponent: 0 }
  const kept = BigInt(digits.slice(0, digits.length - dropped) || '0')
  const isUp = digits.charCodeAt(digits.length - dropped) >= 53
  const rounded = String(isUp ? kept + 1n : kept)
  return toDecimal(`${negative ? '-' : ''}${rounded}e${exponent + dropped}`) ?? decimal
}

/** The double that is nearest to it. */
export const toDouble = ({ negative, digits, exponent }: Decimal): number =>
  digits === ''
    ? 0
    : Number(`${negative ? '-' : ''}${digits}e${Math.max(exponent, -Number.MAX_SAFE_INTEGER)}`)

/** How long {@link plainText} is without its sign and point: 1e-999999999 has more zeros than a text can hold. */
export const plainDigits = ({ digits, exponent }: Decimal): number =>
  Math.max(digits.length, 1 - exponent) + Math.max(0, exponent)

/** Written out in full, without an exponent: as long as {@link plainDigits} says. */
export const plainText = ({ negative, digits, exponent }: Decimal): string => {
  if (digits === '') return '0'
  const sign = negative ? '-' : ''
  if (exponent >= 0) return sign + digits + '0'.repeat(exponent)
  const padded = digits.padStart(1 - exponent, '0')
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`
}
