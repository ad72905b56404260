// What a save is asked and what it answers: one contract for REST, composite, trees, Bulk and flows.

import { type Org, type User } from '../org/model.ts'
import { type Viewer } from '../org/visibility.ts'
import { type Transaction } from './locks.ts'

export type SaveOperation = 'insert' | 'update' | 'upsert' | 'delete' | 'hardDelete' | 'undelete'

export interface SaveContext {
  org: Org
  user: User
  viewer: Viewer
  /** Milliseconds that each row takes, with its locks held; what the control port set wins. */
  latency?: { saveMs?: number }
  /** The save is a part of this one, which its owner ends. Absent: a transaction of its own. */
  transaction?: Transaction | undefined
  /** How many saves of automations this one is inside of. */
  depth?: number
  /** Salesforce: record-triggered flows run in system context, whatever their user may do. */
  automated?: boolean
}

export interface SaveRequest {
  operation: SaveOperation
  /** API name, in any letter case. */
  object: string
  /** Of an upsert: `Id`, or a field with `externalId` or `idLookup`. */
  externalIdField?: string
  /**
   * JSON values as REST takes them; rows of `update`, `delete`, `hardDelete` and `undelete` have an
   * `Id`. A parent by its external id is `{ Rel__r: { Ext__c: …, attributes?: { type } } }`.
   * `attributes` is ignored.
   */
  rows: readonly Record<string, unknown>[]
  options: {
    /** One row fails, and none is saved. */
    allOrNone: boolean
    /** Of leads and cases: the active rule, no rule, or this one. */
    assignmentRule: 'default' | 'none' | { id: string }
    /** Rules that only alert let duplicates through. */
    allowDuplicates: boolean
  }
}

export interface RowError {
  statusCode: string
  message: string
  fields: string[]
  /** Of DUPLICATES_DETECTED: what the rule found, as Salesforce shows it. */
  duplicateResult?: Record<string, unknown>
  /** Of an external id that several records have: their ids. REST answers 300. */
  matches?: string[]
}

export type RowOutcome =
  { success: true; id: string; created: boolean } | { success: false; errors: RowError[] }
