// The course of deployments: slower, locked out, and what happens 15 days later.

import { z } from 'zod'
import { defineAction, orgIn } from './actions.ts'
import { touchObject } from '../org/changes.ts'
import { deploysOf } from '../salesforce/metadata/deploy/jobs.ts'

const org = z.string()

export const deployActions = {
  /** Milliseconds that deployments wait and run; without numbers: back to the usual pace. */
  'deploys/pace': defineAction(
    z.strictObject({
      org,
      pendingMs: z.number().min(0).optional(),
      runMs: z.number().min(0).optional(),
    }),
    (world, { org: name, pendingMs, runMs }) => {
      deploysOf(orgIn(world, name)).setPace({
        ...(pendingMs === undefined ? {} : { pendingMs }),
        ...(runMs === undefined ? {} : { runMs }),
      })
      return {}
    },
  ),
  /**
   * The next deployments collide with another setup change: the whole deployment fails with
   * ALREADY_IN_PROCESS (`setup`), or its first component (`admin-operation`).
   */
  'deploys/lock': defineAction(
    z.strictObject({
      org,
      kind: z.enum(['setup', 'admin-operation']).default('setup'),
      times: z.number().int().positive().default(1),
    }),
    (world, { org: name, kind, times }) => {
      deploysOf(orgIn(world, name)).lock(kind, times)
      return {}
    },
  ),
  'deploys/list': defineAction(z.strictObject({ org }), (world, { org: name }) =>
    deploysOf(orgIn(world, name)).all.map(({ id, status, options, messages }) => ({
      id,
      status,
      checkOnly: options.checkOnly,
      problems: messages.flatMap(({ problem }) => problem ?? []),
    })),
  ),
  /** Erases deleted fields and objects for good, as Salesforce does after 15 days. */
  'schema/erase-deleted': defineAction(z.strictObject({ org }), (world, { org: name }) => {
    const found = orgIn(world, name)
    let erased = 0
    for (const [key, object] of found.objects) {
      if (object.deletedAt !== undefined) {
        found.objects.delete(key)
        found.records.delete(key)
        erased++
        continue
      }
      for (const [field, { deletedAt }] of object.fields) {
        if (deletedAt === undefined) continue
        object.fields.delete(field)
        touchObject(found, object)
        erased++
      }
    }
    return { erased }
  }),
}
