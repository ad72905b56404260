// One call of `saveRecords` in progress.

import { type Field } from '../org/model.ts'
import { type RecordAutomation } from './automation.ts'
import { type Transaction } from './locks.ts'
import { type ObjectPlan } from './plan.ts'
import { type RowOutcome, type SaveContext, type SaveRequest } from './save-types.ts'
import { type RecordState } from './state.ts'

/** Everything that the rows of the call need looked up once. */
export interface Save {
  ctx: SaveContext
  request: SaveRequest
  plan: ObjectPlan
  state: RecordState
  /** Empty if no automation applies. */
  automation: RecordAutomation
  transaction: Transaction
  /** The field of an upsert by external id; null for one by Id and for everything else. */
  key: Field | null
  /** Given names that are not fields. */
  skipped: ReadonlySet<string>
  at: string
  mayCreate: boolean
  mayEdit: boolean
  mayDelete: boolean
  /** A save of an automation, in the same transaction. */
  nested: (request: SaveRequest) => Promise<RowOutcome[]>
}
