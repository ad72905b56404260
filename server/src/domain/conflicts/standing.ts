// The state of a plan's components as short texts to compare: whether what a conflict report checked is
// unchanged.

import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical.ts'
import { kindOf } from '../metadata/kinds.ts'
import { type Component, keyOf } from '../metadata/names.ts'
import { componentsOf } from '../plan/components.ts'
import { type Plan } from '../plan/schema.ts'
import { type Fingerprints } from '../workflows/fingerprints.ts'
import { type LiveFacts } from './facts.ts'

/** The components of the plan that are compared by their content; see `comparedBy` of their kinds. */
export const comparedIn = (plan: Plan): Component[] =>
  componentsOf(plan).filter(({ type }) => kindOf(type)?.comparedBy === undefined)

/**
 * Reads how these components stand, by `keyOf`: as they are, or that they do not exist. One that Salesforce
 * does not show counts as one that does not exist.
 */
export const readStanding = async (
  components: readonly Component[],
  live: Pick<LiveFacts, 'contentOf'>,
): Promise<Fingerprints> => {
  const read = components.map(async (component) => {
    const content = await live.contentOf(component.type, component.fullName)
    return [keyOf(component), hash('sha256', canonicalJson(content), 'hex')] as const
  })
  return Object.fromEntries(await Promise.all(read))
}
