// Where a body breaks, compared with JSON.parse: what it takes has no fault, and what it refuses has one.

import { describe, expect, it } from 'vitest'
import { faultIn } from './json-fault.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('a body that is not JSON', () => {
  it.each([
    ['{"Key": "value",}', 1, 17, 'a name in double quotes'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma or the closing bracket'],
    ["{'a': 1}", 1, 2, 'a name in double quotes or }'],
    ['{"a": [1, 2,]}', 1, 13, 'a value'],
    ['{"a": tru}', 1, 7, 'a value'],
    ['{"a" 1}', 1, 6, 'a colon'],
    ['{"a": "x', 1, 7, 'a value'],
    ['{"a": 1', 1, 8, 'a comma or the closing bracket'],
    ['{} {}', 1, 4, 'the end of the body'],
  ])('is told where: %s', (text, line, column, expected) => {
    expect(faultIn(text)).toEqual({ line, column, expected })
  })

  it('is one exactly where JSON.parse refuses it, wherever a character is missing or too much', () => {
    const whole = '{"a":[1,-2.5e3,"x\\u00e9\\n",[],{}],"b":{"c":null,"d":true}, "e" :false}'
    expect(faultIn(whole)).toBeNull()
    for (let at = 0; at < whole.length; at += 1) {
      const [before, after] = [whole.slice(0, at), whole.slice(at)]
      const added = [...',:"{}[]x1 \u0001'].map((one) => before + one + after)
      for (const text of [before, before + after.slice(1), ...added]) {
        expect(faultIn(text) === null, text).toBe(isJson(text))
      }
    }
  })
})
