// State about an org's records beside the rows: indexes, locks, the recycle bin, counters.

import { type Org } from '../org/model.ts'
import { keptByOrg, type Lasting } from '../org/kept.ts'
import { type RecordAutomation } from './automation.ts'
import { LockTable, Transaction } from './locks.ts'
import { RecordStore } from './store.ts'
import { type Formula } from '../formula/formula.ts'

/** Salesforce: a save waits 10 seconds for a row that another one holds. */
const LOCK_WAIT_MS = 10_000

/** Rows that fail with UNABLE_TO_LOCK_ROW though nothing locks them. */
export interface LockFault {
  /** Lower-cased API name; absent: every object. */
  object?: string
  /** The share of rows: 0.25 is every fourth. */
  rate: number
  /** How many rows it still hits. */
  left: number
  passed: number
}

/** What went into the bin with one deletion, and is restored with it. */
export interface Deletion {
  /** Object and id; the first is the record that was deleted, the others were deleted with it. */
  rows: { object: string; id: string }[]
  /** Lookups that were emptied because their parent was deleted. */
  cleared: { object: string; id: string; field: string; was: string }[]
}

/** What outlives a restart: locks and transactions do not, and indexes are built again. */
type Saved = Pick<RecordState, 'bin' | 'autoNumbers' | 'lockFaults' | 'saveMs' | 'lockWaitMs'>

export class RecordState implements Lasting {
  readonly store: RecordStore
  readonly locks = new LockTable()
  /** By the id of the record that was deleted. */
  readonly bin = new Map<string, Deletion>()
  /** Last number assigned, by `object.field`. */
  readonly autoNumbers = new Map<string, number>()
  /** Parsed formulas by their text. */
  readonly formulas = new Map<string, Formula>()
  /** Transactions of the control port that hold rows. */
  readonly holds = new Set<Transaction>()
  lockFaults: LockFault[] = []
  /** What runs on saves; nothing until it is set. */
  automation: RecordAutomation = {}
  /** Milliseconds that each row of a save takes, with its locks held. */
  saveMs: number | null = null
  lockWaitMs = LOCK_WAIT_MS

  constructor(org: Org) {
    this.store = new RecordStore(org)
  }

  saved(): Saved {
    const { bin, autoNumbers, lockFaults, saveMs, lockWaitMs } = this
    return { bin, autoNumbers, lockFaults, saveMs, lockWaitMs }
  }

  restore({ bin, autoNumbers, lockFaults, saveMs, lockWaitMs }: Saved): void {
    for (const [id, deletion] of bin) this.bin.set(id, deletion)
    for (const [field, last] of autoNumbers) this.autoNumbers.set(field, last)
    Object.assign(this, { lockFaults, saveMs, lockWaitMs })
  }

  transaction(): Transaction {
    return new Transaction(this.locks)
  }
}

export const recordStateOf = keptByOrg((org) => new RecordState(org))
