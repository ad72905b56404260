// A receiver of webhooks that can be slow, fail, redirect or hang, and shows what came. Signatures are
// verified by the package of Standard Webhooks, not by code of ours.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export interface Received {
  path: string
  at: number
  headers: Record<string, string>
  text: string
  body: { id: string; type: string; client_id: string | null; sequence: number; data: object }
  /** With what it was answered; null: not at all. */
  status: number | null
}

/** What a path of the receiver does: a status, more headers, or never an answer. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; afterMs?: number }
  | 'hang'
  | 'cut'

export interface Receiver extends AsyncDisposable {
  url(path: string): string
  port: number
  /** Connections that were opened to it. */
  connections: number
  received: Received[]
  at(path: string): Received[]
  /** From now on; a function decides for each request. Default: 204. */
  behave(path: string, how: Behaviour | ((request: Received) => Behaviour)): void
}

/** Throws if the message was not signed with this secret, or its signature is older than five minutes. */
export const verify = (secret: string, { text, headers }: Received): unknown =>
  new Webhook(secret).verify(text, headers)

/** Whether one of the signatures fits. */
export const isSignedWith = (secret: string, message: Received): boolean => {
  try {
    verify(secret, message)
    return true
  } catch {
    return false
  }
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

export const startReceiver = async (): Promise<Receiver> => {
  const behaviours = new Map<string, Behaviour | ((request: Received) => Behaviour)>()
  const received: Received[] = []

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await textOf(request)
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    const body = JSON.parse(text) as Received['body']
    const path = request.url ?? ''
    const message: Received = { path, at: Date.now(), headers, text, body, status: null }
    const chosen = behaviours.get(path) ?? { status: 204 }
    const how = typeof chosen === 'function' ? chosen(message) : chosen
    received.push(message)
    if (how === 'hang') return
    if (how === 'cut') {
      request.socket.destroy()
      return
    }
    message.status = how.status
    setTimeout(() => response.writeHead(how.status, how.headers).end(), how.afterMs ?? 0)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  const receiver: Receiver = {
    url: (path) => `http://127.0.0.1:${receiver.port}${path}`,
    port: 0,
    connections: 0,
    received,
    at: (path) => received.filter((one) => one.path === path),
    behave: (path, how) => {
      behaviours.set(path, how)
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  server.on('connection', () => {
    receiver.connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  receiver.port = (server.address() as AddressInfo).port
  return receiver
}
