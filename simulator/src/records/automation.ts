// What runs on a save beside the rules of the schema. Saves know it by this contract alone; what an
// org has is in `RecordState.automation`.

import { type Org, type Row, type User } from '../org/model.ts'
import { type Transaction } from './locks.ts'
import { type RowOutcome, type SaveRequest } from './save-types.ts'

export interface RowEvent {
  /** API name. */
  object: string
  event: 'create' | 'update' | 'delete'
  before: Row | null
  /** A before-save automation changes this one in place; of a deletion: the row that goes. */
  after: Row
  user: User
  /** What an automation does beside saves is taken back through this. */
  transaction: Transaction
}

/** Further saves, in the same transaction and with all rights; they go when the row fails. */
export type NestedSave = (request: SaveRequest) => Promise<RowOutcome[]>

/**
 * An error, thrown or returned, fails the row with CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY and its
 * message; a `RowProblem` fails it with its own codes.
 */
export interface RecordAutomation {
  /** False: rows of this object are none of its business. Asked once per save. */
  concerns?(this: void, org: Org, object: string): boolean
  beforeSave?(this: void, org: Org, row: RowEvent): void | Error
  afterSave?(this: void, org: Org, save: NestedSave, row: RowEvent): Promise<void | Error>
  /** Before the row goes into the recycle bin; not for rows that go with their parent. */
  beforeDelete?(this: void, org: Org, save: NestedSave, row: RowEvent): Promise<void | Error>
}
