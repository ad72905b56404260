// The shape of events: in /api/events, and as the bodies of webhooks.

import * as z from 'zod'
import { EVENT_KINDS, EVENT_TYPES, type EventType } from '../domain/events/catalogue.ts'
import { id, timestamp } from './schemas.ts'

const nameOf = (type: EventType): string =>
  `Event${type
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}`

/** The event of one type, by its own name. */
const eventOf = (type: EventType) =>
  z
    .object({
      id: id.describe('The same in every try: `webhook-id`'),
      type: z.literal(type),
      timestamp: timestamp.describe('When it happened'),
      client_id: id.nullable().describe('The client it concerns; null: the organization'),
      sequence: z
        .int()
        .min(1)
        .describe('Counts the events of the client, or of the organization, without gaps'),
      data: EVENT_KINDS[type].data,
    })
    .meta({ id: nameOf(type), description: EVENT_KINDS[type].summary })

const [first, ...others] = EVENT_TYPES.map(eventOf)
if (first === undefined) throw new Error('there are no events')

export const eventSchemas = [first, ...others]

/** Any event, told apart by `type`. */
export const event = z.discriminatedUnion('type', [first, ...others]).meta({ id: 'Event' })

export const eventType = z.enum(EVENT_TYPES).meta({ id: 'EventType' })

/** An event as an example. */
export const exampleEvent = (type: EventType) => ({
  id: '01931f2a-7c00-7000-8000-000000000020',
  type,
  timestamp: '2026-11-22T09:00:00.000Z',
  client_id: type.startsWith('webhook_endpoint.') ? null : '01931f2a-7c00-7000-8000-000000000003',
  sequence: 42,
  data: EVENT_KINDS[type].example,
})
