import { describe, expect, it } from 'vitest'
import { InexactNumber, parseExactly } from './exact-json.ts'

const INEXACT = [
  '9007199254740993',
  '-123456789012345678',
  '1222333444555666.88',
  '0.12345678901234567890',
  '1e400',
  '1e-400',
  '1234567890.12345678901E3',
  '999999999999999999',
]
const EXACT = [
  '9007199254740991',
  '9007199254740992',
  '0.30000000000000004',
  '100000000000000000000',
  '-0',
  '1.50',
  '123456789012345e10',
  '1E3',
  '0.1000000000000000000000',
  '1e-7',
]

describe('JSON with numbers of many digits', () => {
  it('tells every number that a double would change, wherever it is, and gives it back as written', () => {
    for (const source of INEXACT) {
      for (const json of [`[${source}]`, `{"a":{"b":[1,${source}]}}`, `{"a" : ${source}}`]) {
        const value = parseExactly(json)
        expect(JSON.stringify(value), json).toBe(json.replaceAll(' ', ''))
      }
      expect((parseExactly(`[${source}]`) as unknown[])[0]).toBeInstanceOf(InexactNumber)
    }
  })

  it('leaves a number alone that a double holds', () => {
    for (const source of EXACT) {
      expect(parseExactly(`{"a":${source}}`), source).toEqual({ a: Number(source) })
    }
  })

  it('leaves texts alone, whatever digits they hold', () => {
    const json = '{"a":"x, 12345678901234567890","__proto__x":["0.12345678901234567890"]}'
    expect(parseExactly(json)).toEqual(JSON.parse(json))
  })

  it('refuses what is not JSON', () => {
    expect(() => parseExactly('{"a":12345678901234567890,}')).toThrow(SyntaxError)
    expect(() => parseExactly('{')).toThrow(SyntaxError)
  })
})
