// State that the modules above keep about an org: indexes, locks, jobs, caches. Each stores its own
// here, under a key that nobody else has, so that the org's model need not know any of them.

import { type Org } from './model.ts'

/** Kept state that outlives the process: as plain data (no functions, no instances of classes). */
export interface Lasting {
  saved(): unknown
  /** Takes over what `saved` returned, in a later process. */
  restore(saved: unknown): void
}

/**
 * Returns the state that a module keeps about an org, created on first use. A reset of the org discards
 * it; code that still holds the old one can notice by asking again.
 */
export const keptByOrg = <State>(make: (org: Org) => State): ((org: Org) => State) => {
  const key = Symbol('kept by org')
  return (org) => {
    if (!org.kept.has(key)) org.kept.set(key, make(org))
    return org.kept.get(key) as State
  }
}

/**
 * A function that computes its result for a value once. Only for values that never change, and that
 * determine the result: orgs that share the value share the result too.
 */
export const onceFor = <Value extends object, Rest extends unknown[], Result>(
  make: (value: Value, ...rest: Rest) => Result,
): ((value: Value, ...rest: Rest) => Result) => {
  const known = new WeakMap<Value, { result: Result }>()
  return (value, ...rest) => {
    const found = known.get(value)
    if (found !== undefined) return found.result
    const result = make(value, ...rest)
    known.set(value, { result })
    return result
  }
}
