// What everybody in the storm shares: what has happened so far, what broke a promise, and whether it is
// over.

import { type Dice } from './dice.ts'

export interface Violation {
  /** Seconds since the beginning. */
  at: number
  what: string
}

export interface Storm {
  seed: number
  dice: Dice
  /** Everything that happened, in order; violations are read together with it. */
  timeline: readonly string[]
  violations: readonly Violation[]
  note(what: string): void
  violated(what: string, about?: unknown): void
  /** Runs assertions; what they throw is a violation. */
  must(what: string, check: () => unknown): Promise<void>
  count(what: string): void
  counts: ReadonlyMap<string, number>
  /** Then nothing new is begun. */
  isOver(): boolean
  /** When everything that was begun has to have ended: a time in the far future until it is over. */
  deadline(): number
}

const ABOUT_MAX = 1_500
/** The same promise broken a hundred times is one finding. */
const VIOLATIONS_MAX = 60

export const startStorm = (
  seed: number,
  dice: Dice,
  { minutes, recoveryMs }: { minutes: number; recoveryMs: number },
): Storm => {
  const begunAt = Date.now()
  const endsAt = begunAt + minutes * 60_000
  const timeline: string[] = []
  const violations: Violation[] = []
  const counts = new Map<string, number>()
  const seconds = () => Math.round((Date.now() - begunAt) / 100) / 10
  const note = (what: string) => {
    timeline.push(`${seconds().toFixed(1).padStart(7)}  ${what}`)
  }
  const violated = (what: string, about?: unknown) => {
    const text =
      about === undefined
        ? what
        : `${what}: ${(about instanceof Error ? about.message : JSON.stringify(about)).slice(0, ABOUT_MAX)}`
    note(`VIOLATION ${text}`)
    process.stdout.write(`${timeline.at(-1)?.slice(0, 300) ?? ''}\n`)
    if (violations.length < VIOLATIONS_MAX) violations.push({ at: seconds(), what: text })
  }
  return {
    seed,
    dice,
    timeline,
    violations,
    counts,
    note,
    violated,
    must: async (what, check) => {
      try {
        await check()
      } catch (error) {
        violated(what, error)
      }
    },
    count: (what) => {
      counts.set(what, (counts.get(what) ?? 0) + 1)
    },
    isOver: () => Date.now() >= endsAt,
    deadline: () => endsAt + recoveryMs,
  }
}
