import * as z from 'zod'
import { type Connections } from '../../domain/connections/connections.ts'
import { route, type Route } from '../route.ts'

const BODY_LIMIT_BYTES = 256 * 1024

export const webhookRoutes = ({ connections }: { connections: Connections }): Route[] => [
  route({
    method: 'POST',
    path: '/api/webhooks/nango',
    tag: 'Webhooks',
    summary: 'Receive a Nango webhook',
    description:
      'Signed with `X-Nango-Hmac-Sha256`: hex of HMAC-SHA256 over the raw body, by one of the keys ' +
      'in `NANGO_WEBHOOK_SIGNING_KEY`; without a key this endpoint does not exist (404). The body is ' +
      'only a hint: it makes the server read that connection at Nango, at most once in ten seconds, ' +
      'and never changes a state by its content. Unknown kinds and foreign ids are answered 200 ' +
      'like any other. At most 256 KiB.',
    access: 'public',
    rawBody: true,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    replies: {
      200: { description: 'Taken', body: z.object({ received: z.literal(true) }) },
    },
    errors: [
      'unauthenticated',
      'not_found',
      'invalid_json',
      'payload_too_large',
      'unsupported_media_type',
    ],
    example: { reply: { received: true } },
    handle: async ({ body, context }) => {
      const signature = context.headers['x-nango-hmac-sha256']
      await connections.webhook(
        body as unknown as Buffer, // rawBody: exactly these bytes
        typeof signature === 'string' ? signature : undefined,
      )
      return { status: 200, body: { received: true } }
    },
  }),
]
