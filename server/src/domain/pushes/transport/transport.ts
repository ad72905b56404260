// How rows are sent to Salesforce: Collections and Bulk behind one interface. A transport knows no
// tables; it hands what it must not forget to its caller, who stores it.

import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import {
  type PushKind,
  type PushOptions,
  type ReadyRow,
  type RowError,
  type RowResult,
} from '../model.ts'
import { type Explain } from '../prepare/explain.ts'

/**
 * Rows that are sent together, and everything needed to bring them to their results: of one object, one
 * operation and, if they are upserted, by one field.
 */
export interface Shipment {
  kind: PushKind
  options: Pick<PushOptions, 'all_or_none' | 'assignment_rules' | 'allow_duplicates'>
  /** The rows; read several times, and the same in the same order each time. */
  rows: () => AsyncIterable<readonly ReadyRow[]>
  rowCount: number
  /** What was last saved for this shipment, by any process; null if nothing was. */
  state: unknown
  /**
   * Stores the state (plain JSON): committed when it resolves. With null once it is certain again that
   * nothing was sent.
   */
  save: (state: unknown) => Promise<void>
  /**
   * Called before each call that sends rows: stores the state like `save`, unless nothing more may be
   * sent. Then it stores nothing and returns why.
   */
  intend: (state: unknown) => Promise<RowError | null>
  /**
   * Why nothing more may be sent; null while it may. Called before each job and while it runs: rows that
   * were not sent then end with this error, and what was sent is settled.
   */
  stopped: () => Promise<RowError | null>
  /** Salesforce's errors in the caller's words. */
  explain: Explain
  /** Reports API calls that were made since the last report. */
  onCalls: (calls: number) => void
  signal: AbortSignal
}

export interface Transport {
  /**
   * Sends the rows, or continues from the saved state, and yields exactly one result for each row, in
   * any order. No record is created twice and no row is lost, wherever a connection or this process
   * breaks: a new call with the last saved state continues.
   *
   * Throws only what stops the push as a whole: EngineErrors of session, connection and budget
   * (`api_budget_exhausted`), a SalesforceError that concerns the whole Salesforce org, what `save` and
   * `stopped` throw, and the signal's reason.
   */
  send(org: SalesforceOrg, shipment: Shipment): AsyncIterable<RowResult[]>
}
