// Rows of a part that are not sent with a job: those that CSV cannot express, the few that a job left,
// those whose answer was lost, and refusals that have to be examined.

import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type ReadyRow, type RowError } from '../model.ts'
import { type PartLedger, ROUTE } from './bulk-ledger.ts'
import { type SalesforceClock } from './clock.ts'
import { deliver } from './deliver.ts'
import { type Item, type ItemsState, newItem, restoreItems, settleForExisting } from './items.ts'
import { refuse } from './matching.ts'
import { type Shipment } from './transport.ts'

const GROUP_ROWS = 200

/**
 * How far the calls have come. Results of finished groups are not stored before the end of the part:
 * after a crash their rows are in doubt and looked up.
 */
export interface CallsNote {
  /** By Salesforce's clock, before the first of them. */
  at: number
  /** Ordinals of the group under way; those before it are done. */
  from: number
  through: number
  rows: number
  items: ItemsState | null
}

export interface RestOptions {
  org: SalesforceOrg
  clock: SalesforceClock
  shipment: Shipment
  ledger: PartLedger
  batches: () => AsyncIterable<[ordinal: number, row: ReadyRow][]>
  /** The state that an earlier run left. */
  note: CallsNote | null
  save: (note: CallsNote) => Promise<void>
  /** As `save`, before a call that sends rows; see `Shipment.intend`. */
  intend: (note: CallsNote) => Promise<RowError | null>
}

type Numbered = [ordinal: number, item: Item]

/** Gives every row that is still open its result. Throws what `deliver` throws. */
export const settleByCalls = async (options: RestOptions): Promise<void> => {
  const { org, clock, ledger, batches, shipment, note, save, intend } = options
  let open = 0
  for (let ordinal = 0; ordinal < ledger.rows; ordinal += 1) if (ledger.isOpen(ordinal)) open += 1
  if (open === 0) return
  const at = note?.at ?? (await clock.now(org)).getTime()

  const itemOf = (ordinal: number, row: ReadyRow): Item => {
    const item = newItem(row)
    if (ledger.isForExisting(ordinal)) settleForExisting(item)
    item.id = row.operation === 'update' ? ledger.targets.get(ordinal) : null
    item.attempts = ledger.attemptsOf(ordinal)
    item.failures = ledger.failuresOf(ordinal)
    item.sentAt = ledger.doubtOf(ordinal)
    if (item.sentAt !== null) item.attempts += 1
    return item
  }

  const judge = async (group: readonly Numbered[]): Promise<void> => {
    await refuse(
      org,
      group.map(([, item]) => item),
      shipment,
    )
    enter(group)
  }

  const send = async (group: readonly Numbered[]): Promise<void> => {
    const items = group.map(([, item]) => item)
    const from = group[0]?.[0] ?? 0
    const through = group.at(-1)?.[0] ?? 0
    const noteOf = (kept: ItemsState | null): CallsNote => {
      return { at, from, through, rows: items.length, items: kept }
    }
    let round = 0
    if (note !== null) {
      const isSame = note.from === from && note.through === through && note.rows === items.length
      if (isSame && note.items !== null) round = restoreItems(items, note.items)
      else {
        for (const [ordinal, item] of group) {
          const wasSent = ordinal < note.from || (ordinal <= note.through && note.items !== null)
          if (!wasSent || item.sentAt !== null) continue
          item.sentAt = new Date(at)
          item.attempts += 1
        }
      }
    }
    await deliver(
      {
        org,
        clock,
        shipment,
        save: (kept) => save(noteOf(kept)),
        intend: (kept) => intend(noteOf(kept)),
      },
      items,
      round,
    )
    enter(group)
  }

  const enter = (group: readonly Numbered[]): void => {
    for (const [ordinal, { result }] of group) if (result !== null) ledger.take(ordinal, result)
  }

  let toJudge: Numbered[] = []
  let toSend: Numbered[] = []
  for await (const batch of batches()) {
    for (const [ordinal, row] of batch) {
      if (!ledger.isOpen(ordinal)) continue
      const numbered: Numbered = [ordinal, itemOf(ordinal, row)]
      if (ledger.routeOf(ordinal) === ROUTE.judge) toJudge.push(numbered)
      else toSend.push(numbered)
      if (toJudge.length === GROUP_ROWS) {
        await judge(toJudge)
        toJudge = []
      }
      if (toSend.length === GROUP_ROWS) {
        await send(toSend)
        toSend = []
      }
    }
  }
  if (toJudge.length > 0) await judge(toJudge)
  if (toSend.length > 0) await send(toSend)
}
