// The request and the result of a save: one contract for REST, composite, trees, Bulk and flows.

import { type Org, type User } from '../org/model.ts'
import { type Viewer } from '../org/visibility.ts'
import { type Transaction } from './locks.ts'

export type SaveOperation = 'insert' | 'update' | 'upsert' | 'delete' | 'hardDelete' | 'undelete'

export interface SaveContext {
  org: Org
  user: User
  viewer: Viewer
  /**
   * Milliseconds that each row takes, with its locks held; the control port's setting takes precedence.
   */
  latency?: { saveMs?: number }
  /**
   * The transaction that this save is part of, which its owner ends. Absent: a transaction of its own.
   */
  transaction?: Transaction | undefined
  /** How deep this save is nested in saves of automations. */
  depth?: number
  /** Salesforce: record-triggered flows run in system context, whatever their user may do. */
  automated?: boolean
}

export interface SaveRequest {
  operation: SaveOperation
  /** API name, in any letter case. */
  object: string
  /** For an upsert: `Id`, or a field with `externalId` or `idLookup`. */
  externalIdField?: string
  /**
   * JSON values as REST takes them; rows of `update`, `delete`, `hardDelete` and `undelete` have an
   * `Id`. A parent by its external id is `{ Rel__r: { Ext__c: …, attributes?: { type } } }`.
   * `attributes` is ignored.
   */
  rows: readonly Record<string, unknown>[]
  options: {
    /** If one row fails, none is saved. */
    allOrNone: boolean
    /** For leads and cases: the active rule, no rule, or this one. */
    assignmentRule: 'default' | 'none' | { id: string }
    /** Duplicate rules that only alert do not block. */
    allowDuplicates: boolean
  }
}

export interface RowError {
  statusCode: string
  message: string
  fields: string[]
  /** For DUPLICATES_DETECTED: what the rule found, as Salesforce shows it. */
  duplicateResult?: Record<string, unknown>
  /** For an external id that several records have: their ids. REST returns 300. */
  matches?: string[]
}

export type RowOutcome =
  | { success: true; id: string; created: boolean }
  | { success: false; errors: RowError[] }
