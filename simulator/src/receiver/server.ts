// The receiver on a port of its own, for who needs nothing else of the simulator.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { WebhookReceiver } from './receiver.ts'

/** Reads a request to its end and lets the receiver answer it. */
export const receive = async (
  receiver: WebhookReceiver,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  receiver.take(
    { path, headers, text: Buffer.concat(pieces).toString() },
    {
      answer: (status, more) => void response.writeHead(status, more).end(),
      cut: () => void request.socket.destroy(),
    },
  )
}

export class ReceiverServer extends WebhookReceiver implements AsyncDisposable {
  /** Connections that were opened to it. */
  connections = 0
  port = 0
  readonly #server = createServer((request, response) => {
    receive(this, request.url ?? '/', request, response).catch(() => response.destroy())
  })

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  async listen(): Promise<void> {
    this.#server.on('connection', () => {
      this.connections += 1
    })
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.clear()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

export const startReceiver = async (): Promise<ReceiverServer> => {
  const receiver = new ReceiverServer()
  await receiver.listen()
  return receiver
}
