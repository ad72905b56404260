// The pace of Bulk jobs, and how much of its allocations an org has used.

import { z } from 'zod'
import { defineAction, orgIn } from './actions.ts'
import { bulkOf } from '../salesforce/bulk/jobs.ts'

const org = z.string()
const count = z.number().int().min(0)
const given = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

export const bulkActions = {
  /** See `BulkPace`. What is not given returns to its usual pace. */
  'bulk/pace': defineAction(
    z.strictObject({
      org,
      queueMs: z.number().min(0).optional(),
      transactionMs: z.number().min(0).optional(),
      retryMs: z.number().min(0).optional(),
      parallelBatches: z.number().int().positive().optional(),
      queryPageRows: z.number().int().positive().optional(),
    }),
    (world, { org: name, ...pace }) => {
      bulkOf(orgIn(world, name)).setPace(given(pace))
      return {}
    },
  ),
  /**
   * Jobs stop in the queue (`queued`), or InProgress once they have processed so many rows; null lets
   * them continue.
   */
  'bulk/hold': defineAction(
    z.strictObject({ org, at: z.union([z.literal('queued'), count, z.null()]) }),
    (world, { org: name, at }) => {
      bulkOf(orgIn(world, name)).setHold(at)
      return {}
    },
  ),
  'bulk/list': defineAction(z.strictObject({ org }), (world, { org: name }) => {
    const bulk = bulkOf(orgIn(world, name))
    return [...bulk.ingestJobs, ...bulk.queryJobs].map((job) => ({
      id: job.id,
      operation: job.operation,
      object: job.object,
      state: job.state,
      processed: job.processed,
      failed: 'upload' in job ? job.failed : 0,
      retries: job.retries,
      errorMessage: job.errorMessage ?? null,
    }))
  }),
  /** What counts as used in the rolling 24 hours; `maxCalls` is the allocation of API calls. */
  'usage/set': defineAction(
    z.strictObject({
      org,
      calls: count.optional(),
      maxCalls: count.optional(),
      bulkBatches: count.optional(),
      bulkRows: count.optional(),
      bulkQueryJobs: count.optional(),
      bulkQueryResultKB: count.optional(),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const { usage } = bulkOf(found)
      found.usage.used = input.calls ?? found.usage.used
      found.usage.max = input.maxCalls ?? found.usage.max
      usage.batches = input.bulkBatches ?? usage.batches
      usage.rows = input.bulkRows ?? usage.rows
      usage.queryJobs = input.bulkQueryJobs ?? usage.queryJobs
      usage.queryResultKB = input.bulkQueryResultKB ?? usage.queryResultKB
      return { ...found.usage, bulk: { ...usage } }
    },
  ),
  /** Returns calls as if they were 24 hours old: so many, or all of them. */
  'usage/return': defineAction(
    z.strictObject({ org, calls: count.optional() }),
    (world, { org: name, calls }) => {
      const { usage } = orgIn(world, name)
      usage.used = Math.max(0, usage.used - (calls ?? usage.used))
      return { ...usage }
    },
  ),
}
