// The components of a plan, in Salesforce's terms.

import { COMPONENT_KINDS, FILE_KINDS } from '../metadata/kinds.ts'
import { type PlanComponent } from '../metadata/kinds/kind.ts'
import { type Component, keyOf, sameName } from '../metadata/names.ts'
import { type Plan } from './schema.ts'

/**
 * Every component that the plan creates or changes, once each, in the order of reports. An object that
 * it only adds to does not count.
 */
export const componentsOf = (plan: Plan): PlanComponent[] =>
  COMPONENT_KINDS.flatMap(({ type, named }) => {
    const found = new Map<string, PlanComponent>()
    for (const one of named(plan)) {
      const key = sameName(one.fullName)
      if (!found.has(key)) found.set(key, { type, ...one })
    }
    return [...found.values()]
  })

/**
 * What must be read before a plan is compiled, and kept as its before-image: whatever has a file of
 * its own, and what that builds on. Fields, record types and rules come with their objects.
 */
export const componentsToRead = (plan: Plan): Component[] =>
  unique(
    FILE_KINDS.flatMap(({ type, toRead, buildsOn }) => [
      ...toRead(plan).map((fullName) => ({ type, fullName })),
      ...(buildsOn?.(plan) ?? []),
    ]),
  )

const unique = (components: readonly Component[]): Component[] => [
  ...new Map(components.map((one) => [keyOf(one), one])).values(),
]
