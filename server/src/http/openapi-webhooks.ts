// The `webhooks` of the OpenAPI document: what the server sends, one for each kind of event.

import * as z from 'zod'
import { EVENT_KINDS, EVENT_TYPES } from '../domain/events/catalogue.ts'
import { eventSchemas, exampleEvent } from './event-schemas.ts'

type Json = Record<string, unknown>

const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
})

const HEADERS: Json[] = [
  header(
    'webhook-id',
    'The id of the event, the same in every try: remember it to skip repetitions',
  ),
  header('webhook-timestamp', 'When this try was made, in seconds since 1970'),
  header(
    'webhook-signature',
    '`v1,` and the base64 of an HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, by the secret of the endpoint; two, with a space between them, while the secret is rotated',
  ),
]

const RESPONSES: Json = {
  '2XX': { description: 'The event was taken' },
  '410': { description: 'The endpoint is no longer there: it is disabled' },
  default: { description: 'The event was not taken, and is sent again later; redirects count too' },
}

/** `schemaOf` describes a named schema once and refers to it. */
export const webhooksOf = (schemaOf: (schema: z.ZodType) => Json): Json =>
  Object.fromEntries(
    EVENT_TYPES.map((type, at) => [
      type,
      {
        post: {
          tags: ['Events'],
          summary: EVENT_KINDS[type].summary,
          parameters: HEADERS,
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: schemaOf(eventSchemas[at] ?? z.never()),
                example: exampleEvent(type),
              },
            },
          },
          responses: RESPONSES,
        },
      },
    ]),
  )
