// Which keys a push has seen: a hash of each, since five million texts would not fit in memory.

import { randomBytes } from 'node:crypto'

const SEGMENTS = 256
const FIRST_SLOTS = 16
const LOAD_MAX = 0.8
const GROWTH = 1.4

/** Spreads every bit of the input over all 32. */
const mix = (input: number): number => {
  let bits = input
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d)
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b)
  return bits ^ (bits >>> 16)
}

interface Segment {
  /** Pairs of 32 bits; a pair of zeros is a free slot. */
  slots: Uint32Array
  size: number
}

/**
 * A set of texts that only grows, at about 11 to 16 bytes each (5,000,000 keys: about 70 MB). Texts are
 * distinguished by 63 bits with a secret seed, so among five million keys two different ones collide
 * with a probability of one in 700,000, and nobody can choose keys that collide.
 */
export class KeySet {
  readonly #seeds: [number, number]
  readonly #segments: Segment[] = Array.from({ length: SEGMENTS }, () => ({
    slots: new Uint32Array(FIRST_SLOTS * 2),
    size: 0,
  }))
  #size = 0

  constructor() {
    const seed = randomBytes(8)
    this.#seeds = [seed.readUInt32LE(0), seed.readUInt32LE(4)]
  }

  get size(): number {
    return this.#size
  }

  /** Bytes that the keys use now. */
  get bytes(): number {
    return this.#segments.reduce((sum, { slots }) => sum + slots.byteLength, 0)
  }

  has(key: string): boolean {
    const { high, low } = this.#hash(key)
    return find(this.#segmentOf(high).slots, high, low) < 0
  }

  /** True: the key is new and was added. */
  add(key: string): boolean {
    const { high, low } = this.#hash(key)
    const segment = this.#segmentOf(high)
    if (!insert(segment.slots, high, low)) return false
    segment.size += 1
    this.#size += 1
    // Segments grow one by one, so that growing never takes twice the whole.
    if (segment.size >= (segment.slots.length / 2) * LOAD_MAX) grow(segment)
    return true
  }

  #segmentOf(high: number): Segment {
    return this.#segments[high >>> 24] as Segment
  }

  #hash(key: string): { high: number; low: number } {
    let a = this.#seeds[0]
    let b = this.#seeds[1]
    for (let at = 0; at < key.length; at += 1) {
      const code = key.charCodeAt(at)
      a = Math.imul(a ^ code, 0x9e3779b1)
      a ^= a >>> 15
      b = Math.imul(b + code, 0x85ebca77)
      b ^= b >>> 13
    }
    const high = mix(a ^ Math.imul(b, 0x27d4eb2f)) >>> 0
    // Never zero: zeros mark a free slot.
    const low = (mix(b + Math.imul(a, 0x165667b1)) | 1) >>> 0
    return { high, low }
  }
}

/**
 * Where the key belongs, by open addressing: the next free slot after the one that the hash selects. Less than
 * zero: it is there already.
 */
const find = (slots: Uint32Array, high: number, low: number): number => {
  const count = slots.length / 2
  // The upper 8 bits select the segment; the others the position in it.
  let slot = Math.floor(((high & 0xffffff) / 0x1000000) * count)
  for (;;) {
    const at = slot * 2
    if (slots[at + 1] === 0) return at
    if (slots[at] === high && slots[at + 1] === low) return -1
    slot = slot + 1 === count ? 0 : slot + 1
  }
}

/** False: the key is there already. */
const insert = (slots: Uint32Array, high: number, low: number): boolean => {
  const at = find(slots, high, low)
  if (at < 0) return false
  slots[at] = high
  slots[at + 1] = low
  return true
}

const grow = (segment: Segment): void => {
  const { slots } = segment
  const larger = new Uint32Array(Math.ceil((slots.length / 2) * GROWTH) * 2)
  for (let at = 0; at < slots.length; at += 2) {
    const low = slots[at + 1] ?? 0
    if (low !== 0) insert(larger, slots[at] ?? 0, low)
  }
  segment.slots = larger
}
