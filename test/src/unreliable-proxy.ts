// A network between a caller and a server that fails as told: it loses answers, refuses, breaks
// connections, and stops reading. What passes it is noted.

import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo } from 'node:net'

/** What happens to one request. */
export type Fate =
  /** The server does it, and its answer is lost. */
  | 'lose answer'
  /** The connection breaks before the server sees anything. */
  | 'break'
  /** The body is not read until `release`. */
  | 'stall'
  /** Half of the answer's body arrives. */
  | 'cut answer'
  /** Answered here, without the server. */
  | { status: number; headers?: Record<string, string>; body?: string }

export interface Passage {
  path: string
  key: string | undefined
}

export interface UnreliableProxy {
  url: string
  /** Every request that came, in order. */
  passed: Passage[]
  /** The fates of the next requests to this path, one each; then they pass. */
  expect(path: string, ...fates: Fate[]): void
  release(): void
  close(): Promise<void>
}

export const startProxy = async (target: string): Promise<UnreliableProxy> => {
  const passed: Passage[] = []
  const fates = new Map<string, Fate[]>()
  let release: () => void = () => undefined
  const stalled = new Promise<void>((resolve) => {
    release = resolve
  })

  const forward = (request: IncomingMessage, response: ServerResponse, fate?: Fate) => {
    if (request.destroyed) return // the caller has given up
    const { method, headers, url = '/' } = request
    const upstream = httpRequest(new URL(url, target), { method, headers })
    upstream.on('error', () => request.socket.destroy())
    request.on('error', () => upstream.destroy())
    response.on('close', () => upstream.destroy())
    upstream.on('response', (answer) => {
      const pieces: Buffer[] = []
      answer.on('error', () => request.socket.destroy())
      if (fate !== 'lose answer' && fate !== 'cut answer') {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
        return
      }
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('end', () => {
        if (fate === 'lose answer') return request.socket.destroy()
        const { 'content-length': _, ...others } = answer.headers
        const whole = Buffer.concat(pieces)
        response.writeHead(answer.statusCode ?? 500, others)
        response.write(whole.subarray(0, whole.byteLength / 2), () => request.socket.destroy())
      })
    })
    request.pipe(upstream)
  }

  const server = createServer((request, response) => {
    const { url: path = '/' } = request
    const key = request.headers['idempotency-key']
    passed.push({ path, key: typeof key === 'string' ? key : undefined })
    const fate = fates.get(path)?.shift()
    if (fate === 'break') request.socket.destroy()
    else if (fate === 'stall') void stalled.then(() => forward(request, response))
    else if (typeof fate === 'object') {
      request.resume()
      request.on('end', () => response.writeHead(fate.status, fate.headers).end(fate.body))
    } else forward(request, response, fate)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    expect: (path, ...those) => void fates.set(path, those),
    release,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
