// Mail that record-triggered flows sent.

import { z } from 'zod'
import { defineAction, orgIn } from './control-actions.ts'
import { recordStateOf } from './records/state.ts'

const org = z.string()

export const emailActions = {
  /** Oldest first; of one flow by its API name, or about one record by its 18-character id. */
  'emails/list': defineAction(
    z.strictObject({ org, flow: z.string().optional(), recordId: z.string().optional() }),
    (world, input) =>
      recordStateOf(orgIn(world, input.org)).outbox.all.filter(
        (email) =>
          (input.flow === undefined || email.flow === input.flow) &&
          (input.recordId === undefined || email.recordId === input.recordId),
      ),
  ),
  'emails/clear': defineAction(z.strictObject({ org }), (world, input) => ({
    cleared: recordStateOf(orgIn(world, input.org)).outbox.clear(),
  })),
}
