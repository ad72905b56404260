// Salesforce ids: 15 case-sensitive characters and, in the API, three more that keep the id unambiguous
// where case is lost. Salesforce: "ID Field Type" of the Object Reference.

const SUFFIX = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const UPPER_A = 65
const UPPER_Z = 90

/** The three check characters: bit k of a block is set when its character k is upper case. */
const checksum = (id15: string): string =>
  [0, 5, 10]
    .map((start) => {
      let bits = 0
      for (let k = 0; k < 5; k++) {
        const code = id15.charCodeAt(start + k)
        if (code >= UPPER_A && code <= UPPER_Z) bits |= 1 << k
      }
      return SUFFIX[bits] ?? ''
    })
    .join('')

/** The 18-character form of a 15- or 18-character id; null when it is malformed or its check fails. */
export const toId18 = (id: string): string | null => {
  if (!/^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$/.test(id)) return null
  const full = id.slice(0, 15) + checksum(id.slice(0, 15))
  return id.length === 18 && id.toUpperCase() !== full.toUpperCase() ? null : full
}

const base62 = (value: number, width: number): string => {
  let text = ''
  for (let rest = value; text.length < width; rest = Math.floor(rest / 62)) {
    text = (DIGITS[rest % 62] ?? '0') + text
  }
  return text
}

/** Makes ids of one org: the key prefix, the org's pod, and a counter per prefix. */
export class IdGenerator {
  readonly #pod: string
  readonly #next: Map<string, number>

  /** With what `saved` returned, it goes on where that generator was. */
  constructor(pod: string, next: ReadonlyMap<string, number> = new Map()) {
    this.#pod = pod.slice(0, 4).padEnd(4, '0')
    this.#next = new Map(next)
  }

  saved(): { pod: string; next: ReadonlyMap<string, number> } {
    return { pod: this.#pod, next: this.#next }
  }

  /** A fresh 18-character id with this three-character prefix. */
  make(prefix: string): string {
    const n = (this.#next.get(prefix) ?? 0) + 1
    this.#next.set(prefix, n)
    const id15 = `${prefix}${this.#pod}${base62(n, 8)}`
    return id15 + checksum(id15)
  }
}

/** Salesforce's date and time in JSON: `2026-05-01T10:00:00.000+0000`. */
export const salesforceDateTime = (date: Date): string => date.toISOString().replace('Z', '+0000')
