// For the platform around the server: health, readiness, metrics, and the API's description.

import { timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { sha256 } from '../../domain/auth/auth.ts'
import { EngineError } from '../../errors.ts'
import { type Secret } from '../../secret.ts'
import { route, type Route } from '../route.ts'

interface Deps {
  /** Throws when the server cannot serve: database away, migrations missing. */
  checkReady: () => Promise<void>
  metrics: { contentType: string; render: () => Promise<string> }
  metricsToken: Secret | undefined
}

/** Any of them shows that a proxy is in between. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/

export const systemRoutes = ({ checkReady, metrics, metricsToken }: Deps): Route[] => [
  route({
    method: 'GET',
    path: '/health',
    tag: 'System',
    summary: 'Liveness',
    access: 'public',
    replies: { 200: { description: 'Up', body: z.object({ status: z.literal('ok') }) } },
    example: { reply: { status: 'ok' } },
    handle: async () => ({ status: 200, body: { status: 'ok' } }),
  }),
  route({
    method: 'GET',
    path: '/ready',
    tag: 'System',
    summary: 'Readiness: the database is reachable and its migrations are current',
    access: 'public',
    replies: { 200: { description: 'Ready', body: z.object({ status: z.literal('ready') }) } },
    example: { reply: { status: 'ready' } },
    handle: async () => {
      await checkReady()
      return { status: 200, body: { status: 'ready' } }
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    tag: 'System',
    summary: 'Prometheus metrics',
    description: 'With METRICS_TOKEN set: that token as Bearer. Without: loopback only.',
    access: 'public',
    replies: {
      200: { description: 'Metrics', body: z.string(), mediaType: metrics.contentType },
    },
    errors: ['unauthenticated', 'not_found'],
    example: { reply: '# HELP …' },
    handle: async ({ context }) => {
      if (metricsToken === undefined) {
        // A proxy on this machine would make the whole world look local.
        if (!LOOPBACK.test(context.address) || FORWARDED.some((name) => name in context.headers)) {
          throw new EngineError(
            'not_found',
            'Metrics are for loopback only unless METRICS_TOKEN is set.',
          )
        }
      } else {
        const given =
          /^Bearer +(.+)$/i.exec(context.headers.authorization?.toString() ?? '')?.[1] ?? ''
        if (!timingSafeEqual(sha256(given), sha256(metricsToken.reveal()))) {
          throw new EngineError('unauthenticated', 'Send METRICS_TOKEN as Authorization: Bearer.')
        }
      }
      return { status: 200, body: await metrics.render() }
    },
  }),
]
