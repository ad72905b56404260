// What runs on a save beside the rules of the schema. Saves use only this contract; an org's automation
// is in `RecordState.automation`.

import { type Org, type Row, type User } from '../org/model.ts'
import { type Transaction } from './locks.ts'
import { type RowOutcome, type SaveRequest } from './save-types.ts'

export interface RowEvent {
  /** API name. */
  object: string
  event: 'create' | 'update' | 'delete'
  before: Row | null
  /** A before-save automation changes this one in place; for a deletion: the row that is deleted. */
  after: Row
  user: User
  /** Rolls back what an automation does beside saves. */
  transaction: Transaction
}

/** Further saves, in the same transaction and with all rights; they are rolled back if the row fails. */
export type NestedSave = (request: SaveRequest) => Promise<RowOutcome[]>

/**
 * An error, thrown or returned, fails the row with CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY and its
 * message; a `RowProblem` fails it with its own codes.
 */
export interface RecordAutomation {
  /** False: it does not apply to rows of this object. Called once per save. */
  concerns?(this: void, org: Org, object: string): boolean
  beforeSave?(this: void, org: Org, row: RowEvent): void | Error
  afterSave?(this: void, org: Org, save: NestedSave, row: RowEvent): Promise<void | Error>
  /** Before the row goes into the recycle bin; not for rows that are deleted with their parent. */
  beforeDelete?(this: void, org: Org, save: NestedSave, row: RowEvent): Promise<void | Error>
}
