import { describe, expect, it } from 'vitest'
import { textOf, valueOf } from './typed-value.ts'

describe('what is typed over a value', () => {
  it.each([
    ['12', 'text', '12'],
    ['12', 3, 12],
    ['true', false, true],
    ['twelve', 3, 'twelve'],
    ['', 'text', null],
    ['{"a"', {}, '{"a"'],
  ])('%j over %j is %j', (text, before, value) => {
    expect(valueOf(text, before)).toEqual(value)
  })

  it('is the value again if nothing was changed', () => {
    for (const value of ['007', 7, true, null, { a: [1] }]) {
      expect(valueOf(textOf(value), value)).toEqual(value)
    }
  })
})
