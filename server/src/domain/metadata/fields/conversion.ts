// What happens to the values of a field that changes its type or size. Each type says what happens to
// its own; here are the words for it. Sources: Salesforce Help, "Considerations for Converting the Field
// Type of a Custom Field"; Change Data Capture Developer Guide, "Conversions That Don't Generate Events"
// (values stay, or are cut), "… That Generate a Change Event" (values are set to null).

/** Groups of types whose values are of the same nature. */
export type Family =
  | 'text'
  | 'long text'
  | 'number'
  | 'moment'
  | 'picklist'
  | 'multi-select'
  | 'checkbox'
  | 'counter'
  | 'relationship'
  | 'calculated'
  | 'location'
  | 'encrypted'

/** A field, as far as its values are concerned. */
export interface Side {
  type: string
  family: Family
  /** Characters that it holds; null if it does not hold text. */
  length: number | null
  /** Digits in total, and decimal places; null if it does not hold numbers. */
  precision: number | null
  scale: number | null
  /** The list of its values; null if it has none of its own. */
  values: readonly string[] | null
}

/** Which of the filled rows may lose something through a change. */
export type AtStake =
  | { rows: 'filled' }
  | { rows: 'longer'; than: number }
  /** More digits before or after the decimal point. */
  | { rows: 'more digits'; whole: number; scale: number }
  | { rows: 'unlisted'; values: readonly string[] }

export type Conversion =
  /** Every value stays as it is. */
  | { kind: 'kept'; note: string }
  | { kind: 'lossy'; loses: string; atStake: AtStake }
  | { kind: 'refused'; why: string }

export interface ConversionSide {
  family: Family
  /** Characters that every field of the type holds, if the plan does not set them. */
  length?: number
  /** What happens to its values in another type. */
  becomes(from: Side, to: Side): Conversion
  /** What happens to another type's values in this one, if this type decides; else null. */
  madeOf?(from: Side, to: Side): Conversion | null
  /** What happens to its values in a field of the same type. Default: they stay. */
  resizes?(from: Side, to: Side): Conversion
}

export const kept = (note: string): Conversion => ({ kind: 'kept', note })

export const refused = (why: string): Conversion => ({ kind: 'refused', why })

export const lossy = (loses: string, atStake: AtStake = { rows: 'filled' }): Conversion => ({
  kind: 'lossy',
  loses,
  atStake,
})

/** All other conversions that Salesforce does: it converts what it can. */
export const whatFits = (): Conversion => lossy('values that do not fit the new type')

export const unlisted = ({ values }: Side): Conversion =>
  lossy(
    'values that are not in the list',
    values === null ? { rows: 'filled' } : { rows: 'unlisted', values },
  )

/** A text in another text field: cut if that is shorter. */
export const byLength = (from: Side, to: Side, note = 'texts stay'): Conversion => {
  if (to.length === null || (from.length !== null && from.length <= to.length)) return kept(note)
  return lossy(`everything after ${to.length} characters`, {
    rows: 'longer',
    than: to.length,
  })
}

/** Digits before the decimal point; null if it does not hold numbers. */
export const wholeDigits = ({ precision, scale }: Pick<Side, 'precision' | 'scale'>) =>
  precision === null ? null : precision - (scale ?? 0)

/** A number in another number field: rounded or refused if that has fewer digits. */
export const byDigits = (from: Side, to: Side): Conversion => {
  const [whole, wanted] = [wholeDigits(from) ?? 0, wholeDigits(to) ?? 0]
  const [scale, wantedScale] = [from.scale ?? 0, to.scale ?? 0]
  if (wanted >= whole && wantedScale >= scale) return kept('numbers stay')
  return lossy(`digits beyond ${wanted} before and ${wantedScale} after the decimal point`, {
    rows: 'more digits',
    whole: wanted,
    scale: wantedScale,
  })
}
