// Mail that record-triggered flows sent.

import { z } from 'zod'
import { outboxOf } from '../automation/outbox.ts'
import { defineAction, orgIn } from './actions.ts'

const org = z.string()

export const emailActions = {
  /** Oldest first; of one flow by its API name, or about one record by its 18-character id. */
  'emails/list': defineAction(
    z.strictObject({ org, flow: z.string().optional(), recordId: z.string().optional() }),
    (world, input) =>
      outboxOf(orgIn(world, input.org)).all.filter(
        (email) =>
          (input.flow === undefined || email.flow === input.flow) &&
          (input.recordId === undefined || email.recordId === input.recordId),
      ),
  ),
  'emails/clear': defineAction(z.strictObject({ org }), (world, input) => ({
    cleared: outboxOf(orgIn(world, input.org)).clear(),
  })),
}
