// The rows of a part as a job needs them: their columns, the key by which their results are joined, and
// which of them CSV can express. Rows are read as often as needed and never held.

import { bulkRowFault, type BulkValue, encodeBulkCsv } from '../../../salesforce/bulk-rows.ts'
import { type CsvSource } from '../../../salesforce/bulk.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type ReadyRow } from '../model.ts'
import { cellsOf, Columns, valuesOf } from './bulk-columns.ts'
import { KeyIndex, PartLedger, ROUTE } from './bulk-ledger.ts'
import { type KeptTargets, Targets } from './bulk-targets.ts'
import { fail, newItem } from './items.ts'
import { isIdField, keyText, textOf } from './look-up.ts'
import { matchRecords } from './matching.ts'
import { forExisting, onlyOnCreate } from './only-on-create.ts'
import { type Shipment } from './transport.ts'

/** Below Salesforce's 100 MB by a margin for errors in our estimate of the CSV. */
const CSV_BYTES_MAX = 95_000_000
/** The number of updates whose records are found with one query. */
const MATCH_ROWS = 1_000

export type Numbered = [ordinal: number, row: ReadyRow]

export interface Part {
  object: string
  operation: ReadyRow['operation']
  matchField: string
  /** The column that identifies rows. */
  keyColumn: string
  ledger: PartLedger
  /** Fields of any row that only a new record accepts. */
  createOnly: ReadonlySet<string>
  /** The records found for the keys of updates; null if none were looked for. */
  found: KeptTargets | null
  /** The row that was sent with this key; null if there is none. */
  ordinalOf(key: string): number | null
  /** All rows in their order, in batches: an async step per row would cost more than the row. */
  batches: () => AsyncGenerator<Numbered[], void, undefined>
  /** The last of the rows that wait for a job and fit into one upload; -1 if there is none. */
  lastForJob(): number
  /** The rows that wait for a job, up to this one, as CSV. */
  csv(through: number): CsvSource
}

/**
 * Goes through the rows once. Updates get their records, those of an earlier run (`known`) if it sent
 * any; updates without a record get their results, and rows that cannot be sent with a job get their
 * route. Null for a part without rows. Throws SalesforceError.
 */
export const surveyPart = async (
  org: SalesforceOrg,
  shipment: Shipment,
  known: KeptTargets | null,
): Promise<Part | null> => {
  const targets =
    known === null
      ? Targets.none(shipment.rowCount)
      : await Targets.restore(shipment.rowCount, known)
  const ledger = new PartLedger(shipment.rowCount, targets)
  const index = new KeyIndex(shipment.rowCount)

  async function* batches(): AsyncGenerator<Numbered[], void, undefined> {
    let ordinal = 0
    for await (const some of shipment.rows()) {
      const from = ordinal
      ordinal += some.length
      yield some.map((row, at): Numbered => [from + at, row])
    }
    if (ordinal !== ledger.rows) throw new Error(`${ordinal} rows where ${ledger.rows} were told`)
  }

  const createOnly = new Set<string>()
  const keyOf = (ordinal: number, row: ReadyRow): BulkValue => {
    if (row.operation === 'update') return targets.get(ordinal) ?? ''
    return typeof row.matchValue === 'number' ? row.matchValue : textOf(row.matchValue)
  }

  const note = (columns: Columns, ordinal: number, row: ReadyRow): void => {
    if (!ledger.isOpen(ordinal)) return
    const cells = cellsOf(row)
    const key = keyOf(ordinal, row)
    const names = ['']
    const values = [key]
    for (const [name, value] of cells ?? []) {
      names.push(name)
      values.push(value)
    }
    const fits = cells !== null && bulkRowFault(names, values) === null
    if (!fits || !index.add(keyText(columns.key, key), ordinal)) {
      ledger.route(ordinal, ROUTE.calls)
      return
    }
    for (const [name] of cells) columns.add(name)
    if (row.createOnly !== undefined) for (const name of onlyOnCreate(row)) createOnly.add(name)
    let bytes = 0
    for (const value of values) bytes += bytesOf(value)
    ledger.bytes[ordinal] = bytes
  }

  let isLookedFor = false
  const matchAll = async (columns: Columns, gathered: readonly Numbered[]): Promise<void> => {
    const items = gathered.map(([ordinal, row]) => {
      const item = newItem(row)
      const reason = targets.whyNone(ordinal)
      if (reason === null) item.id = targets.get(ordinal)
      else fail(item, reason)
      return item
    })
    await matchRecords(org, items, shipment)
    for (const [at, [ordinal, row]] of gathered.entries()) {
      const { result = null, id = null } = items[at] ?? {}
      isLookedFor ||= !isIdField(row.matchField)
      if (result !== null) {
        ledger.take(ordinal, result)
        targets.setNone(ordinal, result.errors)
      } else if (id !== null) targets.set(ordinal, id)
      note(columns, ordinal, row)
    }
  }

  let sample: ReadyRow | null = null
  let columns = new Columns('Id')
  let gathered: Numbered[] = []
  for await (const batch of batches()) {
    for (const [ordinal, row] of batch) {
      if (sample === null) {
        sample = row
        if (row.operation === 'upsert') columns = new Columns(row.matchField)
      }
      if (row.operation !== sample.operation || row.object !== sample.object) {
        throw new TypeError('A part holds rows of one object and one operation')
      }
      if (row.operation === 'upsert') note(columns, ordinal, row)
      else if (gathered.push([ordinal, row]) === MATCH_ROWS) {
        await matchAll(columns, gathered)
        gathered = []
      }
    }
  }
  await matchAll(columns, gathered)
  if (sample === null) return null

  const found = isLookedFor ? (known ?? (await targets.keep())) : null
  return createPart({ sample, columns, ledger, index, createOnly, found, batches, keyOf })
}

/** The result of a survey of the rows. */
interface Surveyed {
  /** Any one of the rows: all are of one object and one operation. */
  sample: ReadyRow
  columns: Columns
  ledger: PartLedger
  index: KeyIndex
  createOnly: ReadonlySet<string>
  found: KeptTargets | null
  batches: Part['batches']
  keyOf: (ordinal: number, row: ReadyRow) => BulkValue
}

const createPart = ({
  sample,
  columns,
  ledger,
  index,
  createOnly,
  found,
  batches,
  keyOf,
}: Surveyed): Part => {
  const { object, operation, matchField } = sample
  return {
    ...{ object, operation, matchField, ledger, createOnly, found, batches },
    keyColumn: columns.key,
    ordinalOf: (key) => index.get(keyText(columns.key, key)),

    lastForJob: () => {
      let bytes = columns.names.join(',').length
      let last = -1
      for (const ordinal of ledger.forJob()) {
        bytes += (ledger.bytes[ordinal] ?? 0) + columns.names.length
        if (bytes > CSV_BYTES_MAX && last >= 0) break
        last = ordinal
      }
      return last
    },

    csv: (through) => () => {
      async function* values(): AsyncGenerator<BulkValue[][]> {
        for await (const batch of batches()) {
          yield batch
            .filter(([ordinal]) => ordinal <= through && ledger.isForJob(ordinal))
            .map(([ordinal, row]) => {
              const sent = ledger.isForExisting(ordinal) ? forExisting(row) : row
              return valuesOf(columns, keyOf(ordinal, row), cellsOf(sent) ?? [])
            })
        }
      }
      return encodeBulkCsv(columns.names, values())
    },
  }
}

/** The size of a cell, estimated generously. */
const bytesOf = (value: BulkValue): number => {
  if (typeof value !== 'string') return 6
  let quotes = 2
  for (let at = value.indexOf('"'); at >= 0; at = value.indexOf('"', at + 1)) quotes += 1
  return Buffer.byteLength(value) + quotes
}
