import { describe, expect, it } from 'vitest'
import { sameElement } from './equality.ts'

describe('the same element', () => {
  it.each([
    ['a flag that is off', { active: 'false', name: 'a' }, { name: 'a' }],
    ['a number and its text', { length: 80 }, { length: '80' }],
    ['a list of one', { items: [{ field: 'A' }] }, { items: { field: 'A' } }],
    ['the order of members', { a: '1', b: '2' }, { b: '2', a: '1' }],
    ['line ends, of which XML knows one', { formula: 'A\r\n+ B' }, { formula: 'A\n+ B' }],
  ])('%s', (_what, one, other) => {
    expect(sameElement(one, other)).toBe(true)
  })
})

describe('another element', () => {
  it.each([
    [
      'a criterion for what is false, and one for what is empty',
      { criteriaItems: { field: 'Lead.Is__c', value: 'false' } },
      { criteriaItems: { field: 'Lead.Is__c' } },
    ],
    ['a formula that is false, and none', { formula: 'false' }, {}],
    ['a message of one word', { errorMessage: 'false' }, {}],
    ['a label of one word', { label: 'false' }, {}],
    ['the order of a list', { items: ['a', 'b'] }, { items: ['b', 'a'] }],
  ])('%s', (_what, one, other) => {
    expect(sameElement(one, other)).toBe(false)
  })
})
