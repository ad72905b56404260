// What a push consists of: input rows, rows that were checked and are ready to send, and one result for
// each of them. The modules beside this one share nothing else.

import { type JsonObject, type JsonValue } from '../../salesforce/json.ts'

export type PushKind = 'records' | 'status_update' | 'link'
export type Transport = 'collections' | 'bulk'

/** One fault of a row, as in the answer. */
export interface RowError {
  /** Salesforce's own code where it came from Salesforce, else one of ours. */
  code: string
  message: string
  /** Canonical fields, or Salesforce's if no mapping names one. */
  fields: string[]
  remedy: string
}

/** `would_…`: in a dry run. */
export type RowAction = 'created' | 'updated' | 'skipped' | 'failed' | 'would_update' | 'would_send'

/** The result of one input row; `index` counts from 0 in input order. */
export interface RowResult {
  index: number
  /** The row's external id as text; null if it has none. */
  key: string | null
  /** The record's id, 18 characters; null if unknown. */
  id: string | null
  action: RowAction
  success: boolean
  /** Sent again after a broken connection although it may have been written: automations may have run twice. */
  resent?: boolean
  /** How often it was sent; 0 if it never was. */
  attempts: number
  errors: RowError[]
  /** How the row's values may be stored differently than the sender expects; the row is sent anyway. */
  warnings?: RowError[]
}

/** What a row asks for after it was mapped, checked and coerced. */
export interface ReadyRow {
  index: number
  key: string | null
  /** API name of the object that is written. */
  object: string
  /**
   * `upsert` by `matchField`; `update` of a record that exists, found by `id` or by `matchField`;
   * `create` only for a plain insert.
   */
  operation: 'upsert' | 'update'
  /** Salesforce field that identifies the record; `Id` if the row gives the id itself. */
  matchField: string
  /** Its value, as JSON for REST. */
  matchValue: JsonValue
  /**
   * Salesforce fields with their values as the REST API takes them: numbers, booleans, dates as
   * `YYYY-MM-DD`, date-times as ISO 8601 in UTC, null for "make it empty". A lookup by external id is
   * `{ "Account__r": { "External_Key__c": "…" } }` (with `attributes.type` where it is polymorphic).
   */
  fields: JsonObject
  /** The parents of the row: rows that share one lock each other when written in parallel. */
  lockKeys: string[]
  /** Returned with the row's result, however it ends. */
  warnings?: RowError[]
  /** The members of `fields` that only a new record accepts. */
  createOnly?: CreateOnly[]
}

/** A field that can be set only when a record is created. */
export interface CreateOnly {
  /** API name. */
  field: string
  /** The member of `fields` that holds its value: the field, or the relationship to a parent. */
  member: string
  /** The caller's name for it. */
  name: string
}

/** A row that was checked: it can be sent, or already has its final result. */
export type JudgedRow = { ready: ReadyRow } | { result: RowResult }

export interface PushOptions {
  dry_run: boolean
  all_or_none: boolean
  transport: 'auto' | Transport
  null_policy: 'skip' | 'blank'
  /** False: none; true: the active one; else the rule's id. */
  assignment_rules: boolean | string
  allow_duplicates: boolean
}

/** A row that was not sent, or whose outcome is not known. */
export const failedResult = (
  index: number,
  key: string | null,
  error: RowResult['errors'][number],
): RowResult => ({
  index,
  key,
  id: null,
  action: 'failed',
  success: false,
  attempts: 0,
  errors: [error],
})

/** The result with the warnings that the row had before it was sent. */
export const warned = (result: RowResult, warnings: RowError[] | undefined): RowResult =>
  warnings === undefined
    ? result
    : { ...result, warnings: [...warnings, ...(result.warnings ?? [])] }
