import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../test/src/database.ts'
import { Secret } from '../secret.ts'
import { type Database, openDatabase } from './database.ts'
import { isStorable, json, jsonOrNull } from './json.ts'

let made: TestDatabase
let db: Database

beforeAll(async () => {
  made = await createDatabase()
  db = openDatabase({ url: new Secret(made.url), maxConnections: 2, onIdleError: () => undefined })
})
afterAll(async () => {
  await db.close()
  await made[Symbol.asyncDispose]()
})

/** The value as read back from a jsonb column. */
const kept = async (value: unknown): Promise<unknown> => {
  const rows = await db.shared<{ value: unknown }>('select $1::jsonb as value', [json(value)])
  return rows[0]?.value
}

const GRIN = '\u{1f600}'

describe('json', () => {
  it.each([
    ['a NUL', 'a\0b', 'a\ufffdb'],
    ['several NULs', '\0\0', '\ufffd\ufffd'],
    ['the front half of a pair', 'a\ud83d', 'a\ufffd'],
    ['the back half of a pair', '\ude00b', '\ufffdb'],
    ['halves in the wrong order', '\ude00\ud83d', '\ufffd\ufffd'],
    ['a whole pair', GRIN, GRIN],
    ['the words for a NUL', String.raw`\u0000 \\u0000 \ud83d`, String.raw`\u0000 \\u0000 \ud83d`],
    ['a backslash before a NUL', '\\\0', '\\\ufffd'],
    ['other control characters', '\u0001\t\n\u001f\u007f', '\u0001\t\n\u001f\u007f'],
    ['a noncharacter', '\uffff', '\uffff'],
    ['names of members', { 'a\0': { '\ud83d': 1 } }, { 'a\ufffd': { '\ufffd': 1 } }],
    ['members without a value', { a: undefined, b: [undefined] }, { b: [null] }],
    ['numbers without bounds', [NaN, Infinity, -Infinity], [null, null, null]],
    ['nothing at all', undefined, null],
  ])('is taken by PostgreSQL and read back: %s', async (_what, value, expected) => {
    expect(await kept(value)).toEqual(expected)
  })

  it('keeps a long text whole', async () => {
    const text = `${'\\"\ud83d\0'.repeat(250_000)}${GRIN}`
    expect(await kept([text])).toEqual([text.toWellFormed().replaceAll('\0', '\ufffd')])
  })

  it("makes SQL's null of null where that is wanted", () => {
    expect(jsonOrNull(null)).toBeNull()
    expect(jsonOrNull({ a: 1 })).toBe('{"a":1}')
    expect(json(null)).toBe('null')
  })

  it('mends nothing exactly where isStorable says so', async () => {
    for (const value of ['a', GRIN, { a: [1, null, true] }, String.raw`\u0000`, 1e308]) {
      expect(isStorable(value)).toBe(true)
      expect(await kept(value)).toEqual(value)
    }
    for (const value of ['\0', '\ud83d', { '\0': 1 }, [['\ude00']], Infinity]) {
      expect(isStorable(value)).toBe(false)
    }
  })
})

describe('a text that a statement is given', () => {
  it('is mended too, alone and in lists', async () => {
    const rows = await db.shared<{ text: string; list: string[] }>(
      'select $1::text as text, $2::text[] as list',
      ['a\0b\ud83d', ['\0', GRIN]],
    )
    expect(rows).toEqual([{ text: 'a\ufffdb\ufffd', list: ['\ufffd', GRIN] }])
  })
})
