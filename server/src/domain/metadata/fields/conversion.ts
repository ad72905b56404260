// What becomes of the values of a field that changes its type or size. Each type says what becomes of its
// own; here are the words for it. Sources: Salesforce Help, "Considerations for Converting the Field Type
// of a Custom Field"; Change Data Capture Developer Guide, "Conversions That Don't Generate Events" (values
// stay, or are cut), "… That Generate a Change Event" (values are set to null).

/** Types whose values are of one nature. */
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

/** A field as far as its values are concerned. */
export interface Side {
  type: string
  family: Family
  /** Characters that it holds; null where it holds no text. */
  length: number | null
  /** Digits in all, and behind the point; null where it holds no number. */
  precision: number | null
  scale: number | null
  /** The list that its values are taken from; null where there is none of its own. */
  values: readonly string[] | null
}

/** Which of the filled rows a change may take something from. */
export type AtStake =
  | { rows: 'filled' }
  | { rows: 'longer'; than: number }
  /** More digits before the point, or behind it. */
  | { rows: 'more digits'; whole: number; scale: number }
  | { rows: 'unlisted'; values: readonly string[] }

export type Conversion =
  /** Every value stays as it is. */
  | { kind: 'kept'; note: string }
  | { kind: 'lossy'; loses: string; atStake: AtStake }
  | { kind: 'refused'; why: string }

export interface ConversionSide {
  family: Family
  /** Characters that every field of the type holds, where that is not for the plan to say. */
  length?: number
  /** What becomes of its values in another type. */
  becomes(from: Side, to: Side): Conversion
  /** What becomes of another type's values in this one, where this type decides; else null. */
  madeOf?(from: Side, to: Side): Conversion | null
  /** What becomes of its values in a field of the same type; default they stay. */
  resizes?(from: Side, to: Side): Conversion
}

export const kept = (note: string): Conversion => ({ kind: 'kept', note })

export const refused = (why: string): Conversion => ({ kind: 'refused', why })

export const lossy = (loses: string, atStake: AtStake = { rows: 'filled' }): Conversion => ({
  kind: 'lossy',
  loses,
  atStake,
})

/** The rest of the conversions that Salesforce does: what it can make of a value, it makes. */
export const whatFits = (): Conversion => lossy('values that do not fit the new type')

export const unlisted = ({ values }: Side): Conversion =>
  lossy(
    'values that are not in the list',
    values === null ? { rows: 'filled' } : { rows: 'unlisted', values },
  )

/** A text in another field of texts: cut where that is shorter. */
export const byLength = (from: Side, to: Side, note = 'texts stay'): Conversion => {
  if (to.length === null || (from.length !== null && from.length <= to.length)) return kept(note)
  return lossy(`everything after ${to.length} characters`, {
    rows: 'longer',
    than: to.length,
  })
}

/** Digits before the point; null where it holds no number. */
export const wholeDigits = ({ precision, scale }: Pick<Side, 'precision' | 'scale'>) =>
  precision === null ? null : precision - (scale ?? 0)

/** A number in another field of numbers: rounded or refused where that has fewer digits. */
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
