import * as z from 'zod'
import { type Events } from '../../domain/events/events.ts'
import { event, eventType, exampleEvent } from '../event-schemas.ts'
import { route, type Route } from '../route.ts'
import { id, pageOf, pageRequest, timeRange } from '../schemas.ts'

export const eventRoutes = ({ events }: { events: Events }): Route[] => [
  route({
    method: 'POST',
    path: '/api/events/list',
    tag: 'Events',
    summary: 'List events, newest first',
    description:
      'What happened, for 30 days: pulls, checks, deployments, rollbacks and pushes that ended, ' +
      'connections and API budgets that changed. An event is stored together with the change that it ' +
      'tells of, so this list is complete; webhooks are hints to look here. Events contain ids, ' +
      'states and counts, and no data of records.\n\n' +
      '`sequence` counts the events of each client without gaps. With `client_id` and ' +
      '`after_sequence`, those after it are listed, oldest first: remember the last one, and ask ' +
      'again from there. Those of the fleet (`drift.found`, `rollout.*`) are not shown to company users and to ' +
      'tokens of some clients; their numbers are left out.',
    access: 'events.read',
    body: z.strictObject({
      client_id: id.optional(),
      types: z.array(eventType).min(1).max(50).optional().describe('Default: all'),
      after_sequence: z
        .int()
        .min(0)
        .optional()
        .describe('Only events with a higher `sequence`, oldest first; needs `client_id`'),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of events', body: pageOf(event) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { types: ['push.finished', 'deployment.finished'] },
      reply: { items: [exampleEvent('push.finished')], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await events.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/events/get',
    tag: 'Events',
    summary: 'Get an event',
    access: 'events.read',
    body: z.strictObject({ event_id: id }),
    replies: { 200: { description: 'The event', body: event } },
    errors: ['not_found'],
    example: {
      body: { event_id: exampleEvent('push.finished').id },
      reply: exampleEvent('push.finished'),
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await events.get(caller.tenant, body.event_id),
    }),
  }),
]
