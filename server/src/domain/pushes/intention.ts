// What a push asks for, before its first row is read.

import { json, jsonOrNull } from '../../db/json.ts'
import { type Approved } from '../approvals/approvals.ts'
import { type Caller } from '../caller.ts'
import { type LastPush } from '../conflicts/facts.ts'
import { type MetAutomation } from './automations.ts'
import { type JudgedRow, type PushKind, type PushOptions } from './model.ts'
import { type PushKey } from './store.ts'

export interface PushInput {
  kind: PushKind
  client_id: string
  /**
   * Canonical name, or Salesforce's own if there is no mapping; null for links, which name their objects
   * themselves.
   */
  object: string | null
  options: PushOptions
  wait_seconds: number
}

/** One row of the input with its JSON as it came. */
export interface InputRow {
  row: unknown
  source: string
  /** In a retry: which of its members a change has set. */
  mended?: { change: number; members: readonly string[] }
  /** In a retry: what it was when it was refused for having the key of another row. */
  refused?: RefusedRow
}

/** A row that repeated the key of another one, with that key. */
export interface RefusedRow {
  row: unknown
  key: string | null
}

/** Checks rows one after the other; knows what must be unique in the whole push. */
export interface Judge {
  /** Called with each batch before its rows are checked: reads what they name that is not known yet. */
  meet?(rows: readonly InputRow[]): Promise<void>
  /** `refused`: the row is sent only if its key is another one now. */
  judge(index: number, row: unknown, refused?: RefusedRow): JudgedRow
  /**
   * Called with each key that the pushes before this retry have written, before its rows are checked; rows that
   * have one of them fail. Null: the keys of results do not tell.
   */
  readonly refuseWritten: ((key: string) => void) | null
  /** Statistics of the values of all rows so far; null if no mapping is used. */
  profile(): LastPush | null
}

/** A push before its rows are read. */
export interface Intention {
  clientId: string
  kind: PushKind
  canonicalObject: string | null
  sfdcObject: string | null
  options: PushOptions
  judge: Judge
  mapping: { id: string; version: number } | null
  snapshotId: string | null
  /** For a dry run: what would run when the rows are saved. */
  automations: MetAutomation[] | null
  /** Null for a dry run: it needs none. */
  connection: { id: string; sfdcOrgId: string } | null
  retryOf: string | null
  /** That it may be sent, asked when all of its rows are known. Throws `approval_required`. */
  approve: (taken: Taken) => Promise<Approved>
}

/** All rows of a push, before it is accepted. */
export interface Taken {
  total: number
  /** Rows that cannot be sent. */
  failed: number
  /** Of an upload: SHA-256 of its rows as they came. */
  rowsHash: string | null
}

/** The columns of the push that are known from the start. */
export const baseRow = (caller: Caller, key: PushKey, intention: Intention) => ({
  id: key.pushId,
  org_id: caller.tenant.orgId,
  client_id: key.clientId,
  connection_id: intention.connection?.id ?? null,
  sfdc_org_id: intention.connection?.sfdcOrgId ?? null,
  kind: intention.kind,
  canonical_object: intention.canonicalObject,
  sfdc_object: intention.sfdcObject,
  dry_run: intention.options.dry_run,
  options: json(intention.options),
  mapping_id: intention.mapping?.id ?? null,
  mapping_version: intention.mapping?.version ?? null,
  snapshot_id: intention.snapshotId,
  automations: jsonOrNull(intention.automations),
  retry_of: intention.retryOf,
  created_by: caller.userId,
  credential_type: caller.credential.type,
  credential_id: caller.credential.id,
  request_id: caller.requestId,
})
