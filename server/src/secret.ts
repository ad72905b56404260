import { inspect } from 'node:util'

/**
 * A secret with those it has replaced, newest first: what is made goes by the first, what is met may go by
 * any, so that nothing made before ends while the secret is rotated.
 */
export type Secrets = readonly [current: Secret, ...former: Secret[]]

const HIDDEN = '[secret]'

/**
 * A value that cannot be logged, serialised or interpolated by accident: only `reveal()` gives it.
 * Tokens, keys and passwords travel through the server in this wrapping.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The bare value. Call it where it is put on the wire or into a digest, and nowhere else. */
  reveal(): string {
    return this.#value
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
