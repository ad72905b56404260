import { inspect } from 'node:util'

/**
 * A secret with those it has replaced, newest first: the first one signs, any of them verifies, so that
 * nothing signed earlier becomes invalid while the secret is rotated.
 */
export type Secrets = readonly [current: Secret, ...former: Secret[]]

const HIDDEN = '[secret]'

/**
 * A value that cannot be logged, serialised or interpolated by accident: only `reveal()` returns it.
 * Tokens, keys and passwords are passed through the server in this wrapper.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The bare value. Call it only where the value is sent or put into a digest. */
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
