// Ports that are free again for a later process.

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A server that ends loses a port that the system chose for it to the next connection that the system chooses it
 * for. Those begin at 32,768 on Linux and at 49,152 elsewhere (RFC 6335); nobody gives out these.
 */
const LASTING = { least: 20_000, most: 26_000 }
const TRIES = 100

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '127.0.0.1')
  const isListening = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (isListening) await new Promise((resolve) => server.close(resolve))
  return isListening
}

/** A port on which nothing listens, and which no connection takes while its server is away. */
export const lastingPort = async (): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LASTING.least, LASTING.most)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${LASTING.least} to ${LASTING.most} is free`)
}
