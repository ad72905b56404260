// What is remembered of each row of a Bulk part while its jobs run: some 60 bytes, so that hundreds of
// thousands of rows take little memory. Rows are identified by their ordinals, their positions in the
// part.

import { type Failure } from '../../../salesforce/failure.ts'
import { type RowAction, type RowError, type RowResult } from '../model.ts'
import { Ids, Targets } from './bulk-targets.ts'

const NOWHERE = 0xffffffff

/**
 * Ordinals by key. Of each key only 64 bits are kept, and a key whose bits already occur is refused, so
 * a match is never another row's.
 */
export class KeyIndex {
  readonly #mask: number
  readonly #bits: Uint32Array
  readonly #ordinals: Uint32Array
  /** The bits of the key that was last looked up. */
  #high = 0
  #low = 0

  constructor(rows: number) {
    const size = 2 ** Math.max(4, Math.ceil(Math.log2(rows * 1.5 + 1)))
    this.#mask = size - 1
    this.#bits = new Uint32Array(size * 2)
    this.#ordinals = new Uint32Array(size).fill(NOWHERE)
  }

  /** False: a row with this key (or one that cannot be distinguished from it) already exists. */
  add(key: string, ordinal: number): boolean {
    const place = this.#find(key)
    if (this.#ordinals[place] !== NOWHERE) return false
    this.#bits[place * 2] = this.#high
    this.#bits[place * 2 + 1] = this.#low
    this.#ordinals[place] = ordinal
    return true
  }

  /** The row with this key; null if there is none. */
  get(key: string): number | null {
    const ordinal = this.#ordinals[this.#find(key)]
    return ordinal === undefined || ordinal === NOWHERE ? null : ordinal
  }

  /** The position where the key is, or would be. */
  #find(key: string): number {
    this.#hash(key)
    let place = (this.#low ^ (this.#high >>> 7)) & this.#mask
    while (
      this.#ordinals[place] !== NOWHERE &&
      (this.#bits[place * 2] !== this.#high || this.#bits[place * 2 + 1] !== this.#low)
    ) {
      place = (place + 1) & this.#mask
    }
    return place
  }

  /** Two independent multiplicative hashes, each mixed until every bit depends on every other. */
  #hash(key: string): void {
    let a = 0x9e3779b9
    let b = 0x85ebca6b
    for (let at = 0; at < key.length; at += 1) {
      const code = key.charCodeAt(at)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x5bd1e995)
      b ^= b >>> 13
    }
    this.#high = mix(a ^ key.length) >>> 0
    this.#low = mix(b) >>> 0
  }
}

const mix = (input: number): number => {
  let bits = input
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d)
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b)
  return bits ^ (bits >>> 16)
}

const ACTIONS: readonly (RowAction | null)[] = [null, 'created', 'updated', 'skipped', 'failed']

/** How a row is sent, or how it has to be settled. */
export const ROUTE = Object.freeze({
  /** With the job. */
  job: 0,
  /** With Collections: CSV cannot express it, or another row has the same key. */
  calls: 1,
  /** It failed in a way that has to be examined (see `refuse`). */
  judge: 2,
})
export type Route = (typeof ROUTE)[keyof typeof ROUTE]

/** Why rows failed, stored once for all rows with the same failure. */
interface Cause {
  failures: readonly Failure[]
  errors: readonly RowError[] | null
}

export class PartLedger {
  readonly rows: number
  /** Target records of updates. */
  readonly targets: Targets
  /** Bytes of CSV, without separators. */
  readonly bytes: Uint32Array
  readonly #ids: Ids
  readonly #actions: Uint8Array
  readonly #routes: Uint8Array
  readonly #attempts: Uint8Array
  readonly #resent: Uint8Array
  readonly #existing: Uint8Array
  readonly #causes: Uint32Array
  /** 1 + the index in `#doubts` of the time of a sending that was not answered. */
  readonly #doubted: Uint8Array
  readonly #doubts: Date[] = []
  readonly #known: Cause[] = [{ failures: [], errors: null }]
  readonly #byText = new Map<string, number>()

  constructor(rows: number, targets: Targets = Targets.none(rows)) {
    this.rows = rows
    this.targets = targets
    this.bytes = new Uint32Array(rows)
    this.#ids = new Ids(rows)
    this.#actions = new Uint8Array(rows)
    this.#routes = new Uint8Array(rows)
    this.#attempts = new Uint8Array(rows)
    this.#resent = new Uint8Array(rows)
    this.#existing = new Uint8Array(rows)
    this.#causes = new Uint32Array(rows)
    this.#doubted = new Uint8Array(rows)
  }

  isOpen(ordinal: number): boolean {
    return this.#actions[ordinal] === 0
  }

  /** Still to be sent with a job. */
  isForJob(ordinal: number): boolean {
    return this.isOpen(ordinal) && this.#routes[ordinal] === ROUTE.job && !this.#doubted[ordinal]
  }

  *forJob(): Generator<number, void, undefined> {
    for (let ordinal = 0; ordinal < this.rows; ordinal += 1) {
      if (this.isForJob(ordinal)) yield ordinal
    }
  }

  countForJob(): number {
    let count = 0
    for (const _ of this.forJob()) count += 1
    return count
  }

  routeOf(ordinal: number): Route {
    return this.#routes[ordinal] as Route
  }

  route(ordinal: number, route: Route): void {
    this.#routes[ordinal] = route
  }

  sent(ordinal: number): void {
    this.#attempts[ordinal] = Math.min(255, (this.#attempts[ordinal] ?? 0) + 1)
  }

  attemptsOf(ordinal: number): number {
    return this.#attempts[ordinal] ?? 0
  }

  succeed(ordinal: number, id: string, action: 'created' | 'updated'): void {
    this.#actions[ordinal] = ACTIONS.indexOf(action)
    this.#ids.set(ordinal, id)
    this.#causes[ordinal] = 0
  }

  /**
   * The row was refused for fields that its existing record does not accept: it is sent again without
   * them.
   */
  settleForExisting(ordinal: number): void {
    this.#existing[ordinal] = 1
    this.#causes[ordinal] = 0
  }

  isForExisting(ordinal: number): boolean {
    return this.#existing[ordinal] === 1
  }

  /** Why the row failed so far; `isFinal`: it is not sent again. */
  failed(ordinal: number, failures: readonly Failure[], isFinal: boolean): void {
    const text = failures.map(({ code, message, fields }) => [code, message, fields])
    this.#causes[ordinal] = this.#intern(JSON.stringify(text), { failures, errors: null })
    if (isFinal) this.#actions[ordinal] = ACTIONS.indexOf('failed')
  }

  /** Ends a row that failed for a cause that did not go away. False: it never failed. */
  endAsFailed(ordinal: number): boolean {
    if (this.failuresOf(ordinal).length === 0) return false
    this.#actions[ordinal] = ACTIONS.indexOf('failed')
    return true
  }

  /** Ends a row with errors of our own. */
  fail(ordinal: number, errors: readonly RowError[]): void {
    this.#causes[ordinal] = this.#intern(JSON.stringify(errors), { failures: [], errors })
    this.#actions[ordinal] = ACTIONS.indexOf('failed')
  }

  failuresOf(ordinal: number): readonly Failure[] {
    return this.#known[this.#causes[ordinal] ?? 0]?.failures ?? []
  }

  /** It was sent at this time, and its outcome is not known. */
  doubt(ordinal: number, sentAt: Date): void {
    let place = this.#doubts.findIndex((known) => known.getTime() === sentAt.getTime())
    if (place < 0) place = this.#doubts.push(sentAt) - 1
    this.#doubted[ordinal] = Math.min(255, place + 1)
  }

  doubtOf(ordinal: number): Date | null {
    const place = this.#doubted[ordinal] ?? 0
    return place === 0 ? null : (this.#doubts[place - 1] ?? null)
  }

  /** Takes over a result that came from elsewhere. */
  take(ordinal: number, { id, action, attempts, resent, errors }: RowResult): void {
    this.#actions[ordinal] = ACTIONS.indexOf(action)
    this.#attempts[ordinal] = Math.min(255, attempts)
    if (resent === true) this.#resent[ordinal] = 1
    if (id !== null) this.#ids.set(ordinal, id)
    this.#causes[ordinal] =
      errors.length === 0 ? 0 : this.#intern(JSON.stringify(errors), { failures: [], errors })
  }

  resultOf(
    ordinal: number,
    { index, key }: Pick<RowResult, 'index' | 'key'>,
    explain: (failures: readonly Failure[]) => readonly RowError[],
  ): RowResult {
    const action = ACTIONS[this.#actions[ordinal] ?? 0] ?? null
    if (action === null) throw new Error('A row was left without a result')
    const cause = this.#known[this.#causes[ordinal] ?? 0]
    if (cause !== undefined) cause.errors ??= explain(cause.failures)
    return {
      index,
      key,
      id: this.#ids.get(ordinal),
      action,
      success: action !== 'failed',
      ...(this.#resent[ordinal] === 1 ? { resent: true } : {}),
      attempts: this.attemptsOf(ordinal),
      errors: action === 'failed' ? [...(cause?.errors ?? [])] : [],
    }
  }

  #intern(text: string, cause: Cause): number {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const place = this.#known.push(cause) - 1
    this.#byText.set(text, place)
    return place
  }
}
