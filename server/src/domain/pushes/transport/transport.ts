// How rows travel to Salesforce: Collections and Bulk behind one face. A transport knows no tables; what
// it must not forget it hands to its caller, who keeps it.

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
 * Rows that travel together, and all that is needed to bring them home: of one object, one operation
 * and, where they are upserted, by one field.
 */
export interface Shipment {
  kind: PushKind
  options: Pick<PushOptions, 'all_or_none' | 'assignment_rules' | 'allow_duplicates'>
  /** The rows; asked for several times, and the same in the same order each time. */
  rows: () => AsyncIterable<readonly ReadyRow[]>
  rowCount: number
  /** What was last saved for this shipment, by whichever process; null where nothing was. */
  state: unknown
  /**
   * Keeps the state (plain JSON): committed when it resolves. Called before each sending, and with
   * null where it is certain again that nothing was sent.
   */
  save: (state: unknown) => Promise<void>
  /**
   * Why nothing more may be sent, null while it may. Asked before each sending and while a job runs:
   * rows that were not sent then end with this error, and what was sent is settled.
   */
  stopped: () => Promise<RowError | null>
  /** Salesforce's errors in the caller's words. */
  explain: Explain
  /** API calls spent since it was last told. */
  onCalls: (calls: number) => void
  signal: AbortSignal
}

export interface Transport {
  /**
   * Sends the rows, or goes on from the saved state, and yields exactly one result for each row, in any
   * order. No record is made twice and no row is lost, wherever a connection or this process breaks:
   * calling it again with the last saved state goes on.
   *
   * Throws only what stops the push as a whole: EngineErrors of session, connection and budget
   * (`api_budget_exhausted`), a SalesforceError that concerns the whole Salesforce org, what `save` and
   * `stopped` throw, and the signal's reason.
   */
  send(org: SalesforceOrg, shipment: Shipment): AsyncIterable<RowResult[]>
}
