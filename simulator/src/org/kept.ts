// What the rooms above keep of an org: indexes, locks, jobs, caches. Each keeps its own here, under a
// key that nobody else has, so that the org's model need not know of any of them.

import { type Org } from './model.ts'

/**
 * Answers the state that a room keeps of an org, made the first time it is asked for. It goes with a
 * reset of the org; whoever still holds the old one can tell by asking again.
 */
export const keptByOrg = <State>(make: (org: Org) => State): ((org: Org) => State) => {
  const key = Symbol('kept by org')
  return (org) => {
    if (!org.kept.has(key)) org.kept.set(key, make(org))
    return org.kept.get(key) as State
  }
}
