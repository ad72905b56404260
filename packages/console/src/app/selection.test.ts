import { expect, it } from 'vitest'
import { NOTHING_SELECTED, requiredTags, selectionError, selectorOf } from './selection.ts'

it('reads tags as people type them, and says what is none', () => {
  expect(requiredTags(' plan=premium , region = eu,')).toEqual({ plan: 'premium', region: 'eu' })
  expect(requiredTags('note=a=b')).toEqual({ note: 'a=b' })
  for (const typed of ['', ' , ', 'plan', '=x', 'plan=']) {
    expect(() => requiredTags(typed), typed).toThrow(/tier=gold/)
  }
})

it('chooses by one thing, and by the environment besides', () => {
  expect(selectorOf({ ...NOTHING_SELECTED, environment: 'sandbox' })).toEqual({
    all: true,
    environment: 'sandbox',
  })
  expect(selectorOf({ ...NOTHING_SELECTED, by: 'bound' }, 'b1')).toEqual({ bound: 'b1' })
  expect(selectorOf({ ...NOTHING_SELECTED, by: 'drifted' })).toEqual({ drifted: true })
  expect(selectorOf({ ...NOTHING_SELECTED, by: 'tags', tags: 'a=b' })).toEqual({ tags: { a: 'b' } })
})

it('never takes an empty choice for all clients', () => {
  expect(selectionError({ ...NOTHING_SELECTED, by: 'clients' })).toBe('Choose at least one client.')
  expect(selectionError({ ...NOTHING_SELECTED, by: 'tags' })).toMatch(/tag/)
  expect(selectionError(NOTHING_SELECTED)).toBeNull()
})
