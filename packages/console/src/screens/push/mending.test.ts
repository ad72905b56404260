import { describe, expect, it } from 'vitest'
import { changesOf, membersOf, mend, valueOf } from './mending.ts'

const ROW = {
  index: 7,
  row: { key: '007', seats: 12, title: 'x', tags: { a: 1 } },
  errors: [
    { code: 'TOO_LONG', message: 'title is too long.', fields: ['title'], remedy: 'Shorten it.' },
    { code: 'REQUIRED', message: 'email is missing.', fields: ['email'], remedy: 'Fill it.' },
  ],
}

describe('a failed row', () => {
  it('shows its members, and those that it lacks but its errors name, each with its errors', () => {
    expect(membersOf(ROW).map(({ name, text, messages }) => [name, text, messages])).toEqual([
      ['key', '007', []],
      ['seats', '12', []],
      ['title', 'x', ['title is too long.']],
      ['tags', '{"a":1}', []],
      ['email', '', ['email is missing.']],
    ])
  })

  it('is changed only where something different was typed, each value of the kind that it was', () => {
    const typed = { key: '008', seats: '13', title: 'x', tags: '{"a":2}', email: 'a@b.example' }
    const mended = mend({}, ROW, typed)
    expect(changesOf(mended)).toEqual([
      { index: 7, set: { key: '008', seats: 13, tags: { a: 2 }, email: 'a@b.example' } },
    ])
    expect(mend(mended, ROW, { key: '007' })).toEqual({})
    expect(changesOf(mend({ 9: { a: 'b' } }, ROW, { seats: '' }))).toEqual([
      { index: 7, set: { seats: null } },
      { index: 9, set: { a: 'b' } },
    ])
  })

  it.each([
    ['12', 'text', '12'],
    ['12', 3, 12],
    ['true', false, true],
    ['twelve', 3, 'twelve'],
    ['', 'text', null],
    ['{"a"', {}, '{"a"'],
  ])('%j typed over %j is %j', (text, before, value) => {
    expect(valueOf(text, before)).toEqual(value)
  })
})
