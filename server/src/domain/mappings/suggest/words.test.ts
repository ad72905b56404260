import { describe, expect, it } from 'vitest'
import { closestName } from './words.ts'

describe('the name that was most likely meant', () => {
  it.each([
    ['placemnt', ['Placement__c', 'placement'], 'placement'],
    ['Placemnt__c', ['placement', 'Placement__c'], 'Placement__c'],
    ['leed', ['deed', 'lead'], 'deed'],
  ])('%s: the closest, whatever the order of the names', (meant, names, expected) => {
    expect(closestName(meant, names)).toBe(expected)
    expect(closestName(meant, names.toReversed())).toBe(expected)
  })

  it('is none if no name is close', () => {
    expect(closestName('invoice', ['Lead', 'Account'])).toBeNull()
  })
})
