// The floor of a snapshot's reading: the same bytes from a file, by Fastify with nothing around it.

import { createReadStream } from 'node:fs'
import Fastify from 'fastify'

const app = Fastify()

app.post('/', async (_request, reply) =>
  reply.type('application/json').send(createReadStream(process.env.FILE ?? '')),
)

const address = await app.listen({ port: 0, host: '127.0.0.1' })
process.stdout.write(`${JSON.stringify({ address })}\n`)
