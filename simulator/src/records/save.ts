// The one way to change records: REST, composite, trees, Bulk, flows and the control port all use it.
// What happens to one row is in write-row.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import { findObject } from '../org/changes.ts'
import { salesforceDateTime, toId18 } from '../org/ids.ts'
import { type Field } from '../org/model.ts'
import { isPlatformEvent } from '../org/schema.ts'
import { noSuchObject, notSimulated, refusal } from '../refusals.ts'
import { erase, moveToBin, takeFromBin } from './deletion.ts'
import { readValue } from './field-values.ts'
import { mayDo, planOf, SYSTEM_VIEWER, type ObjectPlan } from './plan.ts'
import { isExternalKey, parentsToLock, readChanges, type Changes } from './prepare.ts'
import {
  deleted,
  invalidReference,
  lockedOut,
  plainText,
  problem,
  rolledBack,
  RowProblem,
} from './row-errors.ts'
import { type RowError, type RowOutcome, type SaveContext, type SaveRequest } from './save-types.ts'
import { runBeforeDelete, writeRow } from './write-row.ts'
import { type Save } from './save-call.ts'
import { recordStateOf } from './state.ts'
import { indexKey } from './store.ts'

export type { RowError, RowOutcome, SaveContext, SaveOperation, SaveRequest } from './save-types.ts'
export { fromText } from './from-text.ts'
export { Transaction } from './locks.ts'

/** Salesforce: a transaction holds at most 200 rows; Bulk and triggers work in chunks of that size. */
export const ROWS_MAX = 200

/**
 * Saves at most 200 rows in one transaction, in order; one outcome per row, in the order of the rows.
 * Takes row locks, waits for them, and returns UNABLE_TO_LOCK_ROW if the wait was in vain. Throws a
 * `Refusal` for what is wrong with the request as a whole: an unknown object (404 NOT_FOUND), a field
 * that is not an external id (404 NOT_FOUND), or something that the simulator does not do (501); then
 * nothing is saved.
 */
export const saveRecords = async (
  ctx: SaveContext,
  request: SaveRequest,
): Promise<RowOutcome[]> => {
  if (request.rows.length > ROWS_MAX) throw new Error(`more than ${ROWS_MAX} rows in a transaction`)
  const save = startSave(ctx, request)
  const { transaction } = save
  const savepoint = transaction.savepoint()
  try {
    return await run(save)
  } catch (error) {
    transaction.rollback(savepoint)
    throw error
  } finally {
    if (ctx.transaction === undefined) transaction.release()
  }
}

/** State of the org that reads like records but is changed in other ways. */
export const KEPT_ELSEWHERE: ReadonlySet<string> = new Set([
  'AssignmentRule',
  'DuplicateRule',
  'FieldPermissions',
  'Group',
  'GroupMember',
  'ObjectPermissions',
  'PermissionSet',
  'PermissionSetAssignment',
  'Profile',
  'QueueSobject',
  'RecordType',
  'User',
])

const startSave = (ctx: SaveContext, request: SaveRequest): Save => {
  const { org, user, automated = false } = ctx
  const viewer = automated ? SYSTEM_VIEWER : ctx.viewer
  const object = findObject(org, request.object)
  if (object === undefined || !viewer.seesObject(object)) {
    throw noSuchObject(request.object, object !== undefined)
  }
  if (isPlatformEvent(object.name)) throw notSimulated(`publishing of ${object.name}`)
  if (KEPT_ELSEWHERE.has(object.name)) throw notSimulated(`writing records of ${object.name}`)
  const plan = planOf(org, object, viewer)
  const state = recordStateOf(org)
  const { createable, updateable, deletable } = object.describe
  const key = request.operation === 'upsert' ? keyField(plan, request.externalIdField) : null
  const transaction = ctx.transaction ?? state.transaction()
  const depth = (ctx.depth ?? 0) + 1
  return {
    ctx,
    request,
    plan,
    state,
    automation: state.automation.concerns?.(org, object.name) === false ? {} : state.automation,
    transaction,
    nested: (inner) => saveRecords({ ...ctx, transaction, depth, automated: true }, inner),
    key,
    skipped: new Set(
      request.operation === 'insert'
        ? []
        : ['id', ...(key === null ? [] : [key.describe.name.toLowerCase()])],
    ),
    at: salesforceDateTime(new Date(Math.floor(Date.now() / 1000) * 1000)),
    mayCreate: createable && (automated || mayDo(org, user, object, 'create')),
    mayEdit: updateable && (automated || mayDo(org, user, object, 'edit')),
    mayDelete: deletable && (automated || mayDo(org, user, object, 'delete')),
  }
}

/** Throws Salesforce's NOT_FOUND for a field that identifies nothing. */
const keyField = (plan: ObjectPlan, name: string | undefined): Field | null => {
  if (name === undefined || name.toLowerCase() === 'id') return null
  const field = plan.fields.get(name.toLowerCase())?.field
  if (field !== undefined && isExternalKey(field)) return field
  throw refusal(
    404,
    'NOT_FOUND',
    `Provided external ID field does not exist or is not accessible: ${name}`,
  )
}

/** A row between reading and saving. */
interface Draft {
  given: Record<string, unknown>
  /** Null: a new record. */
  id: string | null
  changes: Changes
  /** What it needs to lock; the error names the record ids among it that could not be locked. */
  locks: string[]
  error: RowError[] | null
}

const run = async (save: Save): Promise<RowOutcome[]> => {
  const { ctx, request, state, transaction } = save
  const repeated = repeatedKeys(save)
  const drafts = request.rows.map((given) => draftOf(save, given, repeated))
  const missed = await transaction.lock(
    drafts.flatMap((draft) => (draft.error === null ? draft.locks : [])),
    state.lockWaitMs,
  )
  const saveMs = state.saveMs ?? ctx.latency?.saveMs ?? 0
  if (saveMs > 0) await sleep(saveMs * request.rows.length)

  const savepoint = transaction.savepoint()
  const outcomes: RowOutcome[] = []
  for (const draft of drafts) {
    const lost = draft.locks.filter((lock) => missed.has(lock))
    if (draft.error === null && lost.length > 0) draft.error = [lockedOut(lost.filter(isId))]
    else if (draft.error === null && struckByFault(save)) {
      draft.error = [lockedOut(draft.locks.filter(isId).slice(0, 1))]
    }
    outcomes.push(await saveDraft(save, draft))
  }
  if (!request.options.allOrNone || outcomes.every(({ success }) => success)) return outcomes
  transaction.rollback(savepoint)
  return outcomes.map((outcome) =>
    outcome.success ? { success: false, errors: [rolledBack()] } : outcome,
  )
}

const isId = (lock: string): boolean => !lock.startsWith('=')

/** Counts the row against the faults set on the control port; true if one applies. */
const struckByFault = ({ state, plan }: Save): boolean => {
  const name = plan.object.name.toLowerCase()
  for (const fault of state.lockFaults) {
    if (fault.object !== undefined && fault.object !== name) continue
    fault.passed++
    // Evenly spread: a rate of 0.25 hits every fourth.
    if (Math.floor(fault.passed * fault.rate) === Math.floor((fault.passed - 1) * fault.rate))
      continue
    if (--fault.left <= 0) state.lockFaults = state.lockFaults.filter((other) => other !== fault)
    return true
  }
  return false
}

/** Salesforce refuses every row of an upsert whose key another row of the request also has. */
const repeatedKeys = ({ request, key }: Save): Set<string> => {
  const repeated = new Set<string>()
  if (request.operation !== 'upsert') return repeated
  const name = key?.describe.name.toLowerCase() ?? 'id'
  const seen = new Set<string>()
  for (const row of request.rows) {
    const value = indexKey(valueOf(row, name))
    if (value === null) continue
    if (seen.has(value)) repeated.add(value)
    seen.add(value)
  }
  return repeated
}

/** The value of the row under this lower-cased name. */
const valueOf = (row: Record<string, unknown>, lower: string): unknown => {
  for (const name in row) {
    if (name.length === lower.length && name.toLowerCase() === lower) return row[name]
  }
  return undefined
}

const draftOf = (save: Save, given: Record<string, unknown>, repeated: Set<string>): Draft => {
  const draft: Draft = { given, id: null, changes: {}, locks: [], error: null }
  try {
    draft.id = targetOf(save, given, repeated)
    readDraft(save, draft)
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error
    draft.error = error.errors
  }
  return draft
}

/** Reads the row's changes, with the rights for the operation, and what to lock for it. */
const readDraft = (save: Save, draft: Draft): void => {
  const { ctx, request, plan, state, key, skipped } = save
  const writes =
    request.operation !== 'delete' && !['hardDelete', 'undelete'].includes(request.operation)
  const before = draft.id === null ? undefined : state.store.row(plan.object, draft.id)
  checkRights(save, draft.id === null)
  if (writes) {
    const event = draft.id === null ? 'create' : 'update'
    draft.changes = readChanges(ctx.org, plan, draft.given, event, skipped)
    if (key !== null && draft.id === null) {
      const known = plan.fields.get(key.describe.name.toLowerCase())
      const value = valueOf(draft.given, key.describe.name.toLowerCase())
      if (known?.createable === true)
        draft.changes[key.describe.name] = readValue(known, value, draft.given)
    }
  }
  draft.locks = parentsToLock(plan, before, draft.changes)
  if (draft.id !== null) draft.locks.push(draft.id)
  // Salesforce: two saves that are about to write the same unique value wait for each other.
  for (const field of key === null || plan.unique.includes(key)
    ? plan.unique
    : [...plan.unique, key]) {
    const value = indexKey(draft.changes[field.describe.name])
    if (value !== null) draft.locks.push(`=${plan.object.name}.${field.describe.name}:${value}`)
  }
}

const checkRights = (save: Save, isNew: boolean): void => {
  const { request, plan } = save
  const insufficient = () =>
    problem('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id')
  switch (request.operation) {
    case 'delete':
    case 'hardDelete':
    case 'undelete':
      if (!save.mayDelete) throw insufficient()
      return
    default:
      if (isNew && !save.mayCreate) {
        throw problem(
          'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
          `entity type cannot be inserted: ${plan.object.describe.label}`,
        )
      }
      if (!isNew && !save.mayEdit) throw insufficient()
  }
}

/** Which record the row is about; null if it creates one. */
const targetOf = (
  save: Save,
  given: Record<string, unknown>,
  repeated: Set<string>,
): string | null => {
  const { request, plan, state, key } = save
  const givenId = valueOf(given, 'id')
  if (request.operation === 'insert') {
    if (givenId === undefined || givenId === null) return null
    throw problem('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id'])
  }
  if (request.operation !== 'upsert' || key === null) {
    if (givenId === undefined || givenId === null || givenId === '') {
      if (request.operation === 'upsert') return null
      throw problem('MISSING_ARGUMENT', `Id not specified in an ${request.operation} call`)
    }
    const id = typeof givenId === 'string' ? toId18(givenId) : null
    if (id === null) throw problem('MALFORMED_ID', `malformed id ${plainText(givenId)}`)
    if (repeated.has(id.toLowerCase())) throw repeatedKey(id)
    const { keyPrefix } = plan.object.describe
    if (keyPrefix !== null && !id.startsWith(keyPrefix)) throw invalidReference()
    if (state.store.row(plan.object, id) === undefined) throw invalidReference()
    return id
  }
  const { name, label } = key.describe
  const value = valueOf(given, name.toLowerCase())
  const wanted = indexKey(typeof value === 'string' ? value.trim() : value)
  if (wanted === null) throw problem('MISSING_ARGUMENT', `${name} not specified`)
  if (repeated.has(wanted)) throw repeatedKey(plainText(value))
  const found = state.store
    .liveWith(plan.object, key, wanted)
    .filter((row) => !key.describe.caseSensitive || row[name] === value)
  if (found.length > 1) {
    const matches = found.map(({ Id }) => Id)
    throw new RowProblem([
      {
        statusCode: 'DUPLICATE_EXTERNAL_ID',
        message: `${label}: more than one record found for external id field: [${matches.join(', ')}]`,
        fields: [name],
        matches,
      },
    ])
  }
  return found[0]?.Id ?? null
}

const repeatedKey = (value: string) =>
  problem('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`)

/** Saves one row whose locks are held. */
const saveDraft = async (save: Save, draft: Draft): Promise<RowOutcome> => {
  if (draft.error !== null) return { success: false, errors: draft.error }
  const { request, plan, transaction, state, ctx } = save
  const savepoint = transaction.savepoint()
  try {
    // While it waited for its locks, another save may have created the record.
    const id = targetOf(save, draft.given, new Set())
    if (id !== draft.id) {
      draft.id = id
      readDraft(save, draft)
    }
    const before = id === null ? null : (state.store.row(plan.object, id) ?? null)
    // Salesforce: rows of custom settings never go into the recycle bin.
    const discard = plan.object.describe.customSetting ? erase : moveToBin
    const remove = { delete: discard, hardDelete: erase, undelete: takeFromBin }
    switch (request.operation) {
      case 'delete':
      case 'hardDelete':
      case 'undelete':
        if (before === null) throw invalidReference()
        if (request.operation === 'delete' && before['IsDeleted'] === true) throw deleted()
        if (request.operation !== 'undelete' && before['IsDeleted'] !== true) {
          await runBeforeDelete(save, before)
        }
        remove[request.operation](ctx.org, transaction, plan.object, before, save.at)
        return { success: true, id: before.Id, created: false }
      default:
        if (before?.['IsDeleted'] === true) throw deleted()
        return await writeRow(save, draft.changes, before)
    }
  } catch (error) {
    transaction.rollback(savepoint)
    if (error instanceof RowProblem) return { success: false, errors: error.errors }
    throw error
  }
}
