import { expect, it } from 'vitest'
import { requestOf } from './kinds.ts'

it('asks nothing before there is anything to search for', () => {
  expect(requestOf({})).toBeNull()
  expect(requestOf({ kind: 'object', missing: true, tags: 'a=b' })).toBeNull()
})

it('asks only by what the kind has', () => {
  expect(requestOf({ object: 'Lead', name: 'Tier*', flag: 'custom' })).toEqual({
    kind: 'field',
    object: 'Lead',
    name: 'Tier*',
    custom: true,
  })
  const more = { object: 'Lead', formula: 'ISBLANK', flag: 'unique' }
  expect(requestOf({ kind: 'automation', ...more })).toEqual({
    kind: 'automation',
    trigger_object: 'Lead',
    formula: 'ISBLANK',
  })
  expect(requestOf({ kind: 'object', name: 'Job*', ...more })).toEqual({
    kind: 'object',
    name: 'Job*',
  })
})

it('looks at the clients with tags, and says what is no tag', () => {
  expect(requestOf({ name: 'A', tags: 'plan=premium', missing: true })).toMatchObject({
    missing: true,
    selector: { tags: { plan: 'premium' } },
  })
  expect(() => requestOf({ name: 'A', tags: 'premium' })).toThrow(/is not a key and a value/)
})
