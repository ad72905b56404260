// Records without HTTP, and what can hinder saving them: pace, locks, duplicate rules.

import { setTimeout as later } from 'node:timers'
import { z } from 'zod'
import { defineAction, fieldIn, Mistake, objectIn, orgIn, userIn } from './actions.ts'
import { salesforceDateTime, toId18 } from '../org/ids.ts'
import { type Org, type Row, type SObject } from '../org/model.ts'
import { stamps } from '../org/schema.ts'
import { viewerOf } from '../org/visibility.ts'
import { computedValue } from '../records/formulas.ts'
import { ROWS_MAX, saveRecords, type RowOutcome, type SaveOperation } from '../records/save.ts'
import { recordStateOf } from '../records/state.ts'

const org = z.string()
const object = z.string()
const row = z.record(z.string(), z.unknown())

/** Saves any number of rows as this user, default the administrator, 200 at a time. */
const saveAll = async (
  of: Org,
  username: string | undefined,
  operation: SaveOperation,
  name: string,
  rows: Record<string, unknown>[],
): Promise<RowOutcome[]> => {
  const user =
    username === undefined
      ? userIn(of, [...of.users.values()][0]?.username ?? '')
      : userIn(of, username)
  const outcomes: RowOutcome[] = []
  for (let from = 0; from < rows.length; from += ROWS_MAX) {
    outcomes.push(
      ...(await saveRecords(
        { org: of, user, viewer: viewerOf(of, user) },
        {
          operation,
          object: name,
          rows: rows.slice(from, from + ROWS_MAX),
          options: { allOrNone: false, assignmentRule: 'none', allowDuplicates: true },
        },
      )),
    )
  }
  return outcomes
}

/** The rows that have each of these values, through an index where one field has one. */
const rowsWhere = (
  of: Org,
  table: SObject,
  where: Record<string, unknown>,
  deletedToo: boolean,
) => {
  const wanted = Object.entries(where).map(([name, value]) => ({
    field: fieldIn(table, name),
    value,
  }))
  const { store } = recordStateOf(of)
  const indexed = wanted.find(
    ({ field: { describe }, value }) =>
      value !== null && (describe.externalId || describe.unique || describe.type === 'reference'),
  )
  const all: Iterable<Row> =
    indexed === undefined
      ? store.rows(table).values()
      : store
          .idsWith(table, indexed.field, indexed.value)
          .flatMap((id) => store.row(table, id) ?? [])
  return [...all].filter(
    (one) =>
      (deletedToo || one['IsDeleted'] !== true) &&
      wanted.every(({ field, value }) => (computedValue(of, table, field, one) ?? null) === value),
  )
}

const byIds = z.strictObject({ org, object, ids: z.array(z.string()).min(1) })
const found = z.strictObject({
  org,
  object,
  where: row.default({}),
  deletedToo: z.boolean().default(false),
})

const idOf = (id: string): string => {
  const full = toId18(id)
  if (full === null) throw new Mistake(`"${id}" is not an id`)
  return full
}

export const recordActions = {
  /** Inserts with all checks, as this user or the administrator; one outcome per row. */
  'records/insert': defineAction(
    z.strictObject({ org, object, rows: z.array(row).min(1), username: z.string().optional() }),
    (world, input) =>
      saveAll(orgIn(world, input.org), input.username, 'insert', input.object, input.rows),
  ),
  'records/update': defineAction(
    z.strictObject({ org, object, rows: z.array(row).min(1), username: z.string().optional() }),
    (world, input) =>
      saveAll(orgIn(world, input.org), input.username, 'update', input.object, input.rows),
  ),
  /** Into the recycle bin or, with `hard`, deleted permanently. */
  'records/delete': defineAction(
    byIds.extend({ hard: z.boolean().default(false) }),
    (world, input) =>
      saveAll(
        orgIn(world, input.org),
        undefined,
        input.hard ? 'hardDelete' : 'delete',
        input.object,
        input.ids.map((Id) => ({ Id })),
      ),
  ),
  'records/undelete': defineAction(byIds, (world, input) =>
    saveAll(
      orgIn(world, input.org),
      undefined,
      'undelete',
      input.object,
      input.ids.map((Id) => ({ Id })),
    ),
  ),
  /**
   * Creates so many rows at once, without any check. `{n}` in a text of the template is the row's
   * number, from 1.
   */
  'records/fill': defineAction(
    z.strictObject({
      org,
      object,
      count: z.number().int().positive().max(1_000_000),
      template: row,
    }),
    (world, input) => {
      const of = orgIn(world, input.org)
      const table = objectIn(of, input.object)
      const { store } = recordStateOf(of)
      const values = Object.entries(input.template).map(
        ([name, value]) => [fieldIn(table, name).describe.name, value] as const,
      )
      const author = stamps(of)
      const at = salesforceDateTime(new Date(Math.floor(Date.now() / 1000) * 1000))
      for (let n = 1; n <= input.count; n++) {
        const made: Row = {
          Id: of.ids.make(table.describe.keyPrefix ?? '000'),
          IsDeleted: false,
          ...(table.fields.has('ownerid') ? { OwnerId: author.createdById } : {}),
          CreatedById: author.createdById,
          CreatedDate: at,
          LastModifiedById: author.createdById,
          LastModifiedDate: at,
          SystemModstamp: at,
        }
        for (const [name, value] of values) {
          made[name] = typeof value === 'string' ? value.replaceAll('{n}', String(n)) : value
        }
        store.put(table, made)
      }
      return { count: input.count }
    },
  ),
  'records/count': defineAction(found, (world, input) => {
    const of = orgIn(world, input.org)
    const table = objectIn(of, input.object)
    return { count: rowsWhere(of, table, input.where, input.deletedToo).length }
  }),
  /** Rows as they are stored, in the order of their creation. */
  'records/list': defineAction(
    found.extend({ limit: z.number().int().positive().default(1000) }),
    (world, input) => {
      const of = orgIn(world, input.org)
      const table = objectIn(of, input.object)
      return rowsWhere(of, table, input.where, input.deletedToo).slice(0, input.limit)
    },
  ),
  /**
   * How long each row of a save takes, with its locks held, and how long a save waits for locks that
   * another one holds (Salesforce: 10 seconds).
   */
  'records/pace': defineAction(
    z.strictObject({
      org,
      saveMs: z.number().min(0).optional(),
      lockWaitMs: z.number().min(0).optional(),
    }),
    (world, input) => {
      const state = recordStateOf(orgIn(world, input.org))
      state.saveMs = input.saveMs ?? state.saveMs
      state.lockWaitMs = input.lockWaitMs ?? state.lockWaitMs
      return { saveMs: state.saveMs, lockWaitMs: state.lockWaitMs }
    },
  ),
  /** Locks these records as another transaction would: for the given time, or until `records/unlock`. */
  'records/lock': defineAction(
    z.strictObject({ org, ids: z.array(z.string()).min(1), ms: z.number().positive().optional() }),
    async (world, input) => {
      const state = recordStateOf(orgIn(world, input.org))
      const hold = state.transaction()
      const missed = await hold.lock(input.ids.map(idOf), 0)
      state.holds.add(hold)
      if (input.ms !== undefined) {
        later(() => {
          hold.release()
          state.holds.delete(hold)
        }, input.ms).unref()
      }
      return { locked: input.ids.length - missed.size }
    },
  ),
  'records/unlock': defineAction(z.strictObject({ org }), (world, input) => {
    const { holds } = recordStateOf(orgIn(world, input.org))
    for (const hold of holds) hold.release()
    const unlocked = holds.size
    holds.clear()
    return { unlocked }
  }),
  /**
   * The next `times` rows fail with UNABLE_TO_LOCK_ROW, however they are saved; with a rate of 0.25,
   * every fourth row.
   */
  'records/fail-locks': defineAction(
    z.strictObject({
      org,
      object: z.string().optional(),
      rate: z.number().gt(0).max(1).default(1),
      times: z.number().int().positive().default(1),
    }),
    (world, input) => {
      const of = orgIn(world, input.org)
      recordStateOf(of).lockFaults.push({
        ...(input.object === undefined
          ? {}
          : { object: objectIn(of, input.object).name.toLowerCase() }),
        rate: input.rate,
        left: input.times,
        passed: 0,
      })
      return {}
    },
  ),
  /** Adds the rule, or changes the given members. */
  'records/set-duplicate-rule': defineAction(
    z.strictObject({
      org,
      object,
      name: z.string(),
      active: z.boolean().optional(),
      matchFields: z.array(z.string()).min(1).optional(),
      action: z.enum(['block', 'alert']).optional(),
      message: z.string().optional(),
    }),
    (world, input) => {
      const of = orgIn(world, input.org)
      const table = objectIn(of, input.object)
      const known = of.duplicateRules.find(
        ({ developerName, object: name }) => developerName === input.name && name === table.name,
      )
      const rule = known ?? {
        ...stamps(of),
        id: of.ids.make('0Bm'),
        object: table.name,
        developerName: input.name,
        label: input.name.replaceAll('_', ' '),
        active: true,
        matchFields: ['Email'],
        action: 'alert' as const,
        message: 'Use one of these records?',
      }
      rule.active = input.active ?? rule.active
      rule.matchFields =
        input.matchFields?.map((name) => fieldIn(table, name).describe.name) ?? rule.matchFields
      rule.action = input.action ?? rule.action
      rule.message = input.message ?? rule.message
      if (known === undefined) of.duplicateRules.push(rule)
      return { id: rule.id }
    },
  ),
}
