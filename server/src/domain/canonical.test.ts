import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalBody, canonicalJson } from './canonical.ts'

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

/** Numbers from 0 to below `bound`, the same for the same seed (mulberry32). */
const dice = (seed: number) => {
  let state = seed
  return (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % bound
  }
}

// None with a backslash: where an object before had the name "\\" at the same place, JSON.parse of
// Node 24 takes any name that is written with an escape for that one.
const NAMES = ['a', 'b', 'B', 'aa', '', ' ', '__proto__', 'é', '\u{1f600}', '\uffff', '\ud83d', '"']
const NUMBERS = ['0', '9', '10', '2147483648', '4294967295', '01', '-1', '1.5']
const LEAVES = [null, true, false, 0, -0, 1e21, 0.1, NaN, '', 'é\u2028', '\0', '\ud83d', undefined]

interface Kinds {
  names: readonly string[]
  leaves: readonly unknown[]
}

const valueOf = (roll: (bound: number) => number, kinds: Kinds, depth = 0): unknown => {
  const pick = roll(depth > 3 ? 3 : 6)
  if (pick < 3) return kinds.leaves[roll(kinds.leaves.length)]
  const items = Array.from({ length: roll(5) }, () => valueOf(roll, kinds, depth + 1))
  if (pick === 3) return items
  return Object.fromEntries(items.map((item) => [kinds.names[roll(kinds.names.length)], item]))
}

const valuesOf = (kinds: Kinds): unknown[] =>
  Array.from({ length: 3_000 }, (_, seed) => valueOf(dice(seed + 1), kinds))

/** How hashes of plans and workflows were computed before there was one canonical JSON. */
const formerPlanText = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(
          Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
        )
      : member,
  )

describe('canonical JSON', () => {
  const all = valuesOf({ names: [...NAMES, ...NUMBERS], leaves: LEAVES })
  const parsed = all.map((value) => JSON.parse(JSON.stringify([value])) as unknown)

  it('is the same text whatever the order of members, and parses to an equal value', () => {
    for (const value of parsed) {
      const text = canonicalJson(value)
      expect(canonicalJson(reversed(value))).toBe(text)
      expect(JSON.parse(text)).toEqual(value)
      expect(canonicalBody(reversed(value))).toBe(canonicalBody(value))
      expect(JSON.parse(canonicalBody(value))).toEqual(value)
    }
  })

  it('is another text for another value', () => {
    const different = new Map(parsed.map((value) => [canonicalJson(value), value]))
    for (const value of parsed) expect(different.get(canonicalJson(value))).toEqual(value)
    expect(canonicalJson({ a: [1, 2] })).not.toBe(canonicalJson({ a: [2, 1] }))
  })

  it('gives plans and workflows the text that their stored hashes were made of', () => {
    for (const value of all) {
      if (value !== undefined) expect(canonicalJson(value)).toBe(formerPlanText(value))
    }
    const standing = { b: [{ z: 1, a: null }], a: { '10': 1, '9': 2 }, __proto__x: 1 }
    expect(hash('sha256', canonicalJson(standing), 'base64url')).toBe(
      'BpQdjRrG5YvLIDfkZjKadCQ1TAmcuKyaxYE3kZri1To',
    )
  })

  it('is one for bodies and for everything else, but for names that are whole numbers', () => {
    const plain = valuesOf({ names: NAMES, leaves: LEAVES.filter((leaf) => leaf !== undefined) })
    for (const value of plain) expect(canonicalBody(value)).toBe(canonicalJson(value))
    expect(canonicalJson({ b: 0, 10: 1, 9: 2 })).toBe('{"9":2,"10":1,"b":0}')
    expect(canonicalBody({ b: 0, 10: 1, 9: 2 })).toBe('{"10":1,"9":2,"b":0}')
  })
})
