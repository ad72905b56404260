import { describe, expect, it } from 'vitest'
import { parsePlan } from './check.ts'
import { planHash } from './plan-hash.ts'
import { type PlanInput } from './schema.ts'
import { everyTypePlan, JOB_PLAN } from './testing/samples.ts'

const hashOf = (input: PlanInput): string => planHash(parsePlan(input))

/** The same with every object's members, and every list without a meaning of its order, reversed. */
const reversed = (value: unknown, key = ''): unknown => {
  if (Array.isArray(value)) {
    const items = value.map((item) => reversed(item))
    return ['values', 'filters'].includes(key) ? items : items.toReversed()
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, member]) => [name, reversed(member, name)]),
    )
  }
  return value
}

describe('planHash', () => {
  it('is the same for the same plan in another order', () => {
    const plan = everyTypePlan()
    expect(planHash(parsePlan(reversed(plan)))).toBe(planHash(plan))
    const { layouts: _layouts, ...job } = JOB_PLAN
    expect(hashOf(reversed(job) as PlanInput)).toBe(hashOf(job))
  })

  it('is the same with defaults written out', () => {
    expect(planHash(parsePlan(JSON.parse(JSON.stringify(parsePlan(JOB_PLAN)))))).toBe(
      hashOf(JOB_PLAN),
    )
  })

  it.each<[string, PlanInput]>([
    ['the order of picklist values', picklist(['B', 'A'])],
    ['a value', picklist(['A', 'C'])],
    ['a label', picklist(['A', { value: 'B', label: 'Bee' }])],
    [
      'an assignment',
      { ...picklist(['A', 'B']), permissions: { assign_to_connected_user: false } },
    ],
  ])('is another one for %s', (_what, other) => {
    expect(hashOf(other)).not.toBe(hashOf(picklist(['A', 'B'])))
  })

  it('knows which of two master-details comes first', () => {
    const detail = (...names: string[]): PlanInput => ({
      objects: [
        {
          api_name: 'Line__c',
          fields: names.map((name) => ({
            api_name: `${name}__c`,
            label: name,
            type: 'MasterDetail' as const,
            reference_to: name,
            relationship_name: 'Lines',
          })),
        },
      ],
    })
    expect(hashOf(detail('Account', 'Contact'))).not.toBe(hashOf(detail('Contact', 'Account')))
  })
})

function picklist(values: (string | { value: string; label: string })[]): PlanInput {
  return {
    objects: [
      {
        api_name: 'Lead',
        fields: [{ api_name: 'P__c', label: 'P', type: 'Picklist', values }],
      },
    ],
  }
}
