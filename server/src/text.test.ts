import { describe, expect, it } from 'vitest'
import { clip, storable } from './text.ts'

const GRIN = '\u{1f600}'

describe('clip', () => {
  it('keeps a text that fits', () => {
    expect(clip('abc', 3)).toBe('abc')
    expect(clip('', 3)).toBe('')
  })

  it('cuts at the limit, or one unit before where a pair stands across it', () => {
    expect(clip('abcd', 3)).toBe('abc')
    expect(clip(`ab${GRIN}`, 3)).toBe('ab')
    expect(clip(`a${GRIN}b`, 3)).toBe(`a${GRIN}`)
    expect(clip(GRIN, 1)).toBe('')
    expect(clip(GRIN, 0)).toBe('')
  })

  it('mends half pairs that were there before, and U+0000', () => {
    expect(clip('a\ud83d', 9)).toBe('a\ufffd')
    expect(clip('\ude00ab', 2)).toBe('\ufffda')
    expect(clip('ab\ud83d\ud83dc', 3)).toBe('ab\ufffd')
    expect(clip('a\0b', 2)).toBe('a\ufffd')
  })

  it('answers well-formed texts within the limit, whatever the text', () => {
    const units = ['a', '\ud83d', '\ude00', '\0']
    for (let seed = 0; seed < 4 ** 5; seed += 1) {
      const text = Array.from({ length: 5 }, (_, at) => units[(seed >> (at * 2)) & 3]).join('')
      for (let max = 0; max <= 6; max += 1) {
        const cut = clip(text, max)
        expect(cut.length).toBeLessThanOrEqual(max)
        expect(cut.isWellFormed()).toBe(true)
        expect(storable(text).startsWith(cut)).toBe(true)
      }
    }
  })
})

describe('storable', () => {
  it('has no U+0000 and no half pairs, and leaves everything else', () => {
    expect(storable(`a\0b\ud83d${GRIN}\t`)).toBe(`a\ufffdb\ufffd${GRIN}\t`)
  })
})
