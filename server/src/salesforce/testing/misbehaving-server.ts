// For tests only: a real HTTP server on loopback that returns what the test sets, and a session and
// budget beside it that record their calls.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Secret } from '../../secret.ts'
import {
  type CallEvent,
  createSalesforce,
  type SalesforceOptions,
  type SalesforceSession,
  type SessionSource,
  type Target,
} from '../gateway.ts'
import { createHostPolicy } from '../hosts.ts'
import { openBudget } from './budget.ts'

export interface SeenRequest {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
  /** Which of the server's connections it used. */
  connection: number
}

export type Answer = (request: SeenRequest, response: ServerResponse) => unknown

const readAll = async (stream: AsyncIterable<unknown>): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}

export const startServer = async (answer: Answer) => {
  const seen: SeenRequest[] = []
  const connections = new Map<unknown, number>()
  const server = createServer((message, response) => {
    void (async () => {
      const body = await readAll(message)
      const connection = connections.get(message.socket) ?? connections.size
      connections.set(message.socket, connection)
      const { method = '', url = '', headers } = message
      const request = { method, url, headers, body, connection }
      seen.push(request)
      await answer(request, response)
    })().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Tokens `token-1`, `token-2` … ; `renewals` lists the dead ones. */
export const rememberingSessions = (instanceUrl: string) => {
  const renewals: string[] = []
  let generation = 1
  const make = (): SalesforceSession => ({
    accessToken: new Secret(`token-${generation}`),
    instanceUrl,
  })
  let session = make()
  const source: SessionSource = {
    current: async () => session,
    renew: async (dead) => {
      renewals.push(dead.accessToken.reveal())
      generation += 1
      session = make()
      return session
    },
  }
  return { source, renewals }
}

/** A server, a gateway that may talk to it, and one target; waits are recorded and cost no time. */
export const startRig = async (answer: Answer, options: Partial<SalesforceOptions> = {}) => {
  const server = await startServer(answer)
  const waits: number[] = []
  const events: CallEvent[] = []
  const salesforce = createSalesforce({
    hosts: createHostPolicy(['127.0.0.1']),
    wait: async (ms) => {
      waits.push(ms)
    },
    random: () => 0.5,
    onCall: (event) => events.push(event),
    ...options,
  })
  const sessions = rememberingSessions(server.url)
  const target: Target = {
    sfdcOrgId: '00D000000000001AAA',
    apiVersion: 'v66.0',
    sessions: sessions.source,
    budget: openBudget,
    priority: 'work',
  }
  return {
    server,
    seen: server.seen,
    salesforce,
    sessions,
    target,
    waits,
    events,
    org: salesforce.org(target),
    async [Symbol.asyncDispose]() {
      await server.close()
      await salesforce.close()
    },
  }
}

/** What a promise is rejected with; fails the test when it is not. */
export const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('expected a rejection')
}

export const toList = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
