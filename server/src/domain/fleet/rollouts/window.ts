// The hours of the day in which a rollout may send, by the clock of a time zone. Pure.

export interface DeliveryWindow {
  /** `HH:MM`, by the clock of the zone. */
  from: string
  /** If it is before `from`, it is on the next day. */
  to: string
  /** Of the IANA database: `Europe/Berlin`. */
  zone: string
}

export interface WindowState {
  isOpen: boolean
  /** When that changes; null: never. */
  changesAt: Date | null
}

const ALWAYS: WindowState = { isOpen: true, changesAt: null }

const MINUTE_MS = 60_000
/** Two days and more: a day whose clock is set ahead may have none of the hours. */
const MINUTES_AHEAD = 50 * 60

const minutesOf = (clock: string): number => {
  const [hours = '0', minutes = '0'] = clock.split(':')
  return Number(hours) * 60 + Number(minutes)
}

const clockOf = (zone: string): ((at: number) => number) => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (at) => minutesOf(format.format(at))
}

/** Whether there is such a time zone. */
export const isZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/**
 * Whether the window is open, and until when. Every minute is asked for its time on the clock, so that days
 * with 23 or 25 hours need no rule of their own.
 */
export const windowAt = (window: DeliveryWindow | null, now: Date): WindowState => {
  if (window === null) return ALWAYS
  const clock = clockOf(window.zone)
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)]
  const isOpenAt = (at: number): boolean => {
    const minute = clock(at)
    return from < to ? minute >= from && minute < to : minute >= from || minute < to
  }
  const isOpen = isOpenAt(now.getTime())
  const minute = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS
  for (let ahead = 1; ahead <= MINUTES_AHEAD; ahead += 1) {
    const at = minute + ahead * MINUTE_MS
    if (isOpenAt(at) !== isOpen) return { isOpen, changesAt: new Date(at) }
  }
  return { isOpen, changesAt: null }
}
