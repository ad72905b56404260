import { describe, expect, it } from 'vitest'
import { asDouble, longDigits, wholeDigits } from './long-numbers.ts'

describe('numbers of many digits', () => {
  it('are kept with their digits where a double would change them, to the decimal places of the field', () => {
    expect(longDigits('9007199254740993', 0)).toBe('9007199254740993')
    expect(longDigits('-0123456789012345678', 0)).toBe('-123456789012345678')
    expect(longDigits('1222333444555666.88', 2)).toBe('1222333444555666.88')
    expect(longDigits('1222333444555666.885', 2)).toBe('1222333444555666.89')
    expect(longDigits('999999999999999999', 0)).toBe('999999999999999999')
  })

  it('are doubles where a double says the same', () => {
    for (const text of ['12', '1.50', '-0', '0.30', '9007199254740992', '1e30', 'x', '']) {
      expect(longDigits(text, 2), text).toBeNull()
    }
  })

  it('are read as doubles, as pages and APIs show them', () => {
    expect(asDouble('9007199254740993')).toBe(9007199254740992)
    expect(asDouble(5)).toBe(5)
    expect(wholeDigits('-1222333444555666.88')).toBe(16)
  })
})
