// One row of a save, from its changes to the automations that it starts.

import { type Row } from '../org/model.ts'
import { Refusal } from '../refusals.ts'
import { assign } from './assignment.ts'
import { type RecordAutomation, type RowEvent } from './automation.ts'
import { readValue } from './field-values.ts'
import { recordScope } from './formulas.ts'
import { saveOtherSide, settlePersonAccount } from './person-accounts.ts'
import { checkReferences, type Changes } from './prepare.ts'
import { plainText, problem, RowProblem } from './row-errors.ts'
import {
  checkDependentValues,
  checkDuplicates,
  checkRecordTypeValues,
  checkRequired,
  checkUnique,
  checkValidationRules,
  simulated,
} from './rules.ts'
import { type RowOutcome } from './save-types.ts'
import { type Save } from './save-call.ts'
import { defaultOf, fillDerived, nextAutoNumber, stampRow } from './standard-behaviour.ts'

/** Salesforce: automations that start one another end at this depth. */
const DEPTH_MAX = 16

/**
 * Creates or changes one row, whose locks are held, in Salesforce's order of events: values, before-save
 * automations, the rules of the schema, validation rules, duplicate rules, the row itself with its
 * assignment, after-save automations ("Triggers and Order of Execution", Apex guide). Throws a
 * `RowProblem`; the caller rolls back what it has changed until then.
 */
export const writeRow = async (
  save: Save,
  changes: Changes,
  before: Row | null,
): Promise<RowOutcome> => {
  const { ctx, request, plan, state, transaction, at } = save
  const { org, user } = ctx
  const { object } = plan
  // Salesforce: a converted lead stays as it is.
  if (object.name === 'Lead' && before?.['IsConverted'] === true) {
    throw problem('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead')
  }
  const isNew = before === null
  const after: Row = isNew ? newRow(save) : { ...before }
  Object.assign(after, changes)
  settlePersonAccount(object, before, after, changes)
  stampRow(object, after, user, at, isNew)
  fillDerived(object, after, isNew ? after : changes)
  const automated = runBefore(save, before, after)
  if (Object.keys(automated).length > 0) fillDerived(object, after, automated)

  checkReferences(org, object, after, Object.keys({ ...changes, ...automated }))
  const change = { org, user, plan, before, after }
  checkRequired(change)
  checkRecordTypeValues(change)
  checkDependentValues(change)
  checkUnique(change)
  checkValidationRules(change)
  checkDuplicates(change, request.options.allowDuplicates)
  assign(org, object, after, before, user, request.options.assignmentRule)

  saveOtherSide(org, object, after, transaction)
  state.store.put(object, after)
  transaction.onRollback(() => {
    if (before === null) state.store.erase(object, after.Id)
    else state.store.put(object, before)
  })
  await runAfter(save, before, after)
  return { success: true, id: after.Id, created: isNew }
}

/** For objects whose recorded describes have none. */
const KEY_PREFIXES: Record<string, string> = { Event: '00U' }

const newRow = ({ ctx, plan, at }: Save): Row => {
  const { org, user } = ctx
  const { object } = plan
  const row: Row = {
    Id: org.ids.make(object.describe.keyPrefix ?? KEY_PREFIXES[object.name] ?? '000'),
  }
  const scope = recordScope({ org, object, row, before: null, user })
  for (const field of plan.defaults) {
    row[field.describe.name] = simulated(
      `the default value of ${object.name}.${field.describe.name}`,
      () => defaultOf(field, org, scope),
    )
  }
  // Salesforce: without an owner, a row of a custom setting belongs to the org.
  if (object.describe.customSetting) row['SetupOwnerId'] = org.id
  for (const field of plan.autoNumbers) {
    row[field.describe.name] = nextAutoNumber(org, object, field, new Date(Date.parse(at)))
  }
  return row
}

const failedAutomation = (error: unknown) =>
  error instanceof RowProblem
    ? error
    : problem(
        'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
        error instanceof Error ? error.message : plainText(error),
      )

const eventOf = (
  { plan, ctx, transaction }: Save,
  before: Row | null,
  after: Row,
  event: RowEvent['event'] = before === null ? 'create' : 'update',
): RowEvent => ({
  object: plan.object.name,
  event,
  before,
  after,
  user: ctx.user,
  transaction,
})

/**
 * Runs before-save automations and returns what they set, which is checked against the field's type like
 * any other value.
 */
const runBefore = (save: Save, before: Row | null, after: Row): Changes => {
  const { ctx, plan } = save
  const { beforeSave } = save.automation
  const changes: Changes = {}
  if (beforeSave === undefined) return changes
  const given = { ...after }
  const failed = caught(() => beforeSave(ctx.org, eventOf(save, before, after)))
  if (failed !== null) throw failed
  for (const name of Object.keys(after)) {
    if (after[name] === given[name]) continue
    const field = plan.object.fields.get(name.toLowerCase())
    if (field === undefined) throw failedAutomation(`The field ${name} does not exist`)
    // Automations run with all rights: only the value is checked.
    const known = plan.fields.get(name.toLowerCase()) ?? {
      field,
      createable: true,
      updateable: true,
      restrictedTo: null,
    }
    after[name] = readValue(known, after[name], { [name]: after[name] })
    changes[name] = after[name]
  }
  return changes
}

const caught = (work: () => void | Error): RowProblem | null => {
  try {
    const result = work()
    return result instanceof Error ? failedAutomation(result) : null
  } catch (error) {
    if (error instanceof Refusal) throw error
    return failedAutomation(error)
  }
}

const runAfter = async (save: Save, before: Row | null, after: Row): Promise<void> =>
  runNesting(save, save.automation.afterSave, eventOf(save, before, after))

/** Runs automations before the row is deleted. Throws a `RowProblem`. */
export const runBeforeDelete = async (save: Save, row: Row): Promise<void> =>
  runNesting(save, save.automation.beforeDelete, eventOf(save, row, row, 'delete'))

const runNesting = async (
  { ctx, nested }: Save,
  run: RecordAutomation['afterSave'],
  event: RowEvent,
): Promise<void> => {
  if (run === undefined) return
  if ((ctx.depth ?? 0) >= DEPTH_MAX) throw failedAutomation('Maximum trigger depth exceeded')
  let failed: void | Error
  try {
    failed = await run(ctx.org, nested, event)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw failedAutomation(error)
  }
  if (failed instanceof Error) throw failedAutomation(failed)
}
