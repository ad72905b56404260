// What the receiver of webhooks does and has got. It takes them on this port, below /receiver/.

import { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { receive } from '../receiver/server.ts'
import { type World } from '../world.ts'
import { defineAction } from './actions.ts'

const PREFIX = '/receiver'

const path = z.string().regex(/^\/[\w./-]*$/, 'a path begins with / and has no query')

const behaviour = z.union([
  z.strictObject({
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()).optional(),
    afterMs: z.number().min(0).optional(),
  }),
  z.enum(['hang', 'cut']),
])

export const receiverActions = {
  /** From now on; several are used one after the other, the last one for all that follow. */
  'receiver/behave': defineAction(
    z.strictObject({ path, how: z.union([behaviour, z.array(behaviour).min(1)]) }),
    (world, input) => {
      world.receiver.behave(input.path, input.how)
      return { path: input.path, posts_to: `${PREFIX}${input.path}` }
    },
  ),
  /** What came, oldest first, with what it was answered. */
  'receiver/received': defineAction(
    z.strictObject({ path: path.optional() }),
    ({ receiver }, input) =>
      input.path === undefined ? receiver.received : receiver.at(input.path),
  ),
  /** Forgets what came and how each path behaves. */
  'receiver/clear': defineAction(z.strictObject({}), (world) => {
    world.receiver.clear()
    return {}
  }),
}

/** A scope of its own: nobody else reads these bodies, and what hangs is no answer of this port. */
export const registerReceiver = (
  app: FastifyInstance,
  { receiver }: Pick<World, 'receiver'>,
): void => {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.post(`${PREFIX}/*`, async (request, reply) => {
      reply.hijack()
      const own = request.url.slice(PREFIX.length)
      await receive(receiver, own, request.raw, reply.raw).catch(() => reply.raw.destroy())
    })
  })
}
