// The target records of the updates of a Bulk part. The records found for keys are stored with the jobs:
// after a crash a key may be gone from its record, or belong to another record, and what was sent must
// be settled by the records that it was sent to.

import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { type RowError } from '../model.ts'

const ID_CHARS = 18
/** Starts the entry of a row without a record; Ids consist of letters and digits. */
const NONE = '!'

const compress = promisify<Buffer, Buffer>(zstdCompress)
const decompress = promisify<Buffer, Buffer>(zstdDecompress)

/** Text of at most 18 characters for each row: some 18 bytes per row, however many there are. */
export class Ids {
  readonly #bytes: Buffer

  constructor(rows: number, bytes: Buffer = Buffer.alloc(rows * ID_CHARS)) {
    this.#bytes = bytes
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  set(ordinal: number, id: string): void {
    const from = ordinal * ID_CHARS
    this.#bytes.fill(0, from, from + ID_CHARS)
    this.#bytes.write(id.slice(0, ID_CHARS), from, 'latin1')
  }

  get(ordinal: number): string | null {
    const from = ordinal * ID_CHARS
    const text = this.#bytes.subarray(from, from + ID_CHARS)
    const end = text.indexOf(0)
    return end === 0 ? null : text.toString('latin1', 0, end < 0 ? ID_CHARS : end)
  }
}

/** Plain JSON: some ten characters per row. */
export interface KeptTargets {
  ids: string
  /** The reasons why rows have no record, each once. */
  reasons: RowError[][]
}

export class Targets {
  readonly #ids: Ids
  readonly #reasons: RowError[][]
  readonly #places = new Map<string, number>()

  private constructor(ids: Ids, reasons: RowError[][]) {
    this.#ids = ids
    this.#reasons = reasons
  }

  static none(rows: number): Targets {
    return new Targets(new Ids(rows), [])
  }

  static async restore(rows: number, { ids, reasons }: KeptTargets): Promise<Targets> {
    const bytes = await decompress(Buffer.from(ids, 'base64'))
    if (bytes.byteLength !== rows * ID_CHARS) throw new Error('Records were kept of another part')
    return new Targets(new Ids(rows, bytes), reasons)
  }

  async keep(): Promise<KeptTargets> {
    const bytes = await compress(this.#ids.bytes)
    return { ids: bytes.toString('base64'), reasons: this.#reasons }
  }

  set(ordinal: number, id: string): void {
    this.#ids.set(ordinal, id)
  }

  /** The record's id; null if the row has none. */
  get(ordinal: number): string | null {
    const text = this.#ids.get(ordinal)
    return text?.startsWith(NONE) === true ? null : text
  }

  /** The row has no record, for this reason. */
  setNone(ordinal: number, reason: RowError[]): void {
    const text = JSON.stringify(reason)
    let place = this.#places.get(text)
    if (place === undefined) {
      place = this.#reasons.push(reason) - 1
      this.#places.set(text, place)
    }
    this.#ids.set(ordinal, `${NONE}${place}`)
  }

  /** Why the row has no record; null if it has one, or was not looked up. */
  whyNone(ordinal: number): RowError[] | null {
    const text = this.#ids.get(ordinal)
    return text?.startsWith(NONE) === true
      ? (this.#reasons[Number(text.slice(NONE.length))] ?? null)
      : null
  }
}
