// What runs on a save beside the rules of the schema: record-triggered flows.

import { type Org, type Row } from '../org/model.ts'
import { type RowOutcome, type SaveRequest } from './save-types.ts'

export interface RowEvent {
  /** API name. */
  object: string
  event: 'create' | 'update'
  before: Row | null
  /** A before-save automation changes this one in place. */
  after: Row
}

/**
 * An error, thrown or returned, fails the row with CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY and its
 * message; a `RowProblem` fails it with its own codes.
 */
export interface RecordAutomation {
  beforeSave?(this: void, org: Org, row: RowEvent): void | Error
  /** Further saves belong to the same transaction: they go when the row fails. */
  afterSave?(
    this: void,
    org: Org,
    save: (request: SaveRequest) => Promise<RowOutcome[]>,
    row: RowEvent,
  ): Promise<void | Error>
}

/** What orgs start with; `RecordState.automation` is an org's own. */
export const AUTOMATION: RecordAutomation = {}
