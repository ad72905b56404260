export type Expiry = '1' | '7' | '30' | '90' | '365' | 'never'

export const EXPIRIES: readonly { value: Expiry; label: string }[] = [
  { value: '1', label: 'After a day' },
  { value: '7', label: 'After a week' },
  { value: '30', label: 'After 30 days' },
  { value: '90', label: 'After 90 days' },
  { value: '365', label: 'After a year' },
  { value: 'never', label: 'Never' },
]

const DAY_MS = 86_400_000

/** Null: never. */
export const expiryOf = (expiry: Expiry, nowMs: number): string | null =>
  expiry === 'never' ? null : new Date(nowMs + Number(expiry) * DAY_MS).toISOString()
