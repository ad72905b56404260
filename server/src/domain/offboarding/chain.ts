// What several deployments did to one component, one after the other.

import { type LeftComponent } from '../deployments/rows.ts'
import { type Component } from '../metadata/names.ts'

/** A component before a deployment and after it; `left` is not known where nobody read it. */
export interface Touch<T> {
  was: T | null
  left: T | null
  isKnown: boolean
}

export interface Chain<Of> {
  /** The deployments that can be taken back together: the last ones between which nobody did anything. */
  own: [Of, ...Of[]]
  last: Of
  /** Earlier ones: what somebody did after them stays, and so does what they did. */
  covered: Of[]
}

/**
 * Goes back from the last deployment as long as each found the component as the one before it had left it.
 * Null for no deployment.
 */
export const chainOf = <T, Of extends Touch<T>>(
  touches: readonly Of[],
  isSame: (a: T | null, b: T | null) => boolean,
): Chain<Of> | null => {
  const last = touches.at(-1)
  if (last === undefined) return null
  let from = touches.length - 1
  for (; from > 0; from -= 1) {
    const [earlier, later] = [touches[from - 1], touches[from]]
    if (earlier === undefined || later === undefined) break
    // Nobody knows how it left it; if it is as it was before, it did nothing.
    const left = earlier.isKnown ? earlier.left : earlier.was
    if (!isSame(left, later.was)) break
  }
  const [first = last, ...others] = touches.slice(from)
  return { own: [first, ...others], last, covered: touches.slice(0, from) }
}

/** Whether taking the chain back leaves something that earlier deployments did. */
export const leavesSomething = <T, Of extends Touch<T>>(
  { own, covered }: Chain<Of>,
  isSame: (a: T | null, b: T | null) => boolean,
): boolean => {
  const [first] = covered
  return first !== undefined && !isSame(first.was, own[0].was)
}

/** What stays because somebody else came in between; `entry` is the part of the component that it is about. */
export const changedBetween = ({ type, fullName }: Component, entry = ''): LeftComponent => ({
  type,
  full_name: fullName,
  code: 'changed_by_others',
  reason: `${entry}Somebody else changed it between two deployments. It goes back to what they made of it; what was deployed before that stays.`,
  rows: null,
})
