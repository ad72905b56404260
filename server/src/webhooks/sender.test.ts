// The guard of outgoing requests, against a real server on this machine: what is refused is not even
// connected to.

import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startReceiver, type ReceiverServer } from '../../../simulator/src/receiver/server.ts'
import { EngineError } from '../errors.ts'
import { createWebhooks, type Webhooks } from './sender.ts'
import { newSigningSecret } from './signature.ts'
import { type Resolve } from './target.ts'

const PUBLIC = '93.184.216.34'

let receiver: ReceiverServer
const open: Webhooks[] = []

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(async () => {
  await Promise.all(open.map((webhooks) => webhooks.close()))
  await receiver[Symbol.asyncDispose]()
})
beforeEach(() => {
  receiver.connections = 0
})

const webhooksOf = (
  resolve: Resolve,
  { allowLoopback = false, timeoutMs = 2_000 } = {},
): Webhooks => {
  const webhooks = createWebhooks({ timeoutMs, allowLoopback, resolve })
  open.push(webhooks)
  return webhooks
}

const secret = newSigningSecret()
const sendTo = (webhooks: Webhooks, url: string) =>
  webhooks.send({ url, id: 'an-id', body: '{"type":"test"}', secrets: [secret] })

const refusalOf = async (webhooks: Webhooks, url: string): Promise<string> => {
  try {
    await webhooks.accept(url)
    return ''
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'endpoint_refused') throw error
    return error.message
  }
}

describe('a URL', () => {
  it('is refused if any of the addresses of its host is not public, and accepted otherwise', async () => {
    const addresses: Record<string, string[]> = {
      'good.example': [PUBLIC, '2606:4700::6810:84e5'],
      'inside.example': ['10.0.0.1'],
      'mixed.example': [PUBLIC, '192.168.0.1'],
      'mapped.example': ['::ffff:127.0.0.1'],
      'nothing.example': [],
    }
    const webhooks = webhooksOf(async (name) => addresses[name] ?? [])
    expect(await refusalOf(webhooks, 'https://good.example/hook?x=1')).toBe('')
    for (const name of ['inside', 'mixed', 'mapped']) {
      expect(await refusalOf(webhooks, `https://${name}.example/`)).toContain('not a public one')
    }
    expect(await refusalOf(webhooks, 'https://nothing.example/')).toContain('does not exist')
  })

  it('to this machine is refused unless a setting allows it, by name, by address and in every spelling', async () => {
    const port = receiver.port
    const urls = [
      `http://127.0.0.1:${port}/`,
      `https://127.0.0.1:${port}/`,
      `http://localhost:${port}/`,
      `https://localhost:${port}/`,
      `https://[::1]:${port}/`,
      `https://2130706433:${port}/`,
      `https://0x7f.1:${port}/`,
      `https://0177.0.0.1:${port}/`,
    ]
    const closed = webhooksOf(async () => ['127.0.0.1'])
    for (const url of urls) {
      expect(await refusalOf(closed, url), url).not.toBe('')
      expect((await sendTo(closed, url)).failure, url).toBe('endpoint_refused')
    }
    expect(receiver.connections).toBe(0)
    const allowing = webhooksOf(async () => [PUBLIC], { allowLoopback: true })
    expect(await refusalOf(allowing, `http://localhost:${port}/`)).toBe('')
    expect(await sendTo(allowing, `http://localhost:${port}/`)).toMatchObject({ status: 204 })
    // Plain http to anywhere else stays refused.
    expect(await refusalOf(allowing, 'http://hooks.example/')).toContain('https://')
  })

  it('is accepted while its name servers do not answer: it is checked again when something is sent', async () => {
    const webhooks = webhooksOf(() => Promise.reject(new Error('no answer')))
    expect(await refusalOf(webhooks, 'https://slow.example/')).toBe('')
    expect((await sendTo(webhooks, 'https://slow.example/')).failure).toBe('connection_failed')
  })
})

describe('a host that changes its addresses after it was accepted', () => {
  it('is refused when the connection is opened, and is not connected to', async () => {
    let asked = 0
    const webhooks = webhooksOf(async () => (asked++ === 0 ? [PUBLIC] : ['127.0.0.1']))
    const url = `https://rebinding.example:${receiver.port}/`
    expect(await refusalOf(webhooks, url)).toBe('')
    expect(await sendTo(webhooks, url)).toMatchObject({ status: null, failure: 'endpoint_refused' })
    expect([asked, receiver.connections]).toEqual([2, 0])
  })

  it('gains nothing by answering differently a moment later: the checked address is the one used', async () => {
    let asked = 0
    // Loopback is allowed here, so that the first answer leads to the receiver; nothing asks a second time.
    const webhooks = webhooksOf(async () => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']), {
      allowLoopback: true,
    })
    const outcome = await sendTo(webhooks, `https://pinned.example:${receiver.port}/`)
    // A receiver without TLS: it was reached, and by the first answer.
    expect(['tls_failed', 'connection_failed']).toContain(outcome.failure)
    expect([asked, receiver.connections]).toEqual([1, 1])
  })
})

describe('a message', () => {
  it('is signed with each of the secrets, as the package of Standard Webhooks verifies it', async () => {
    const webhooks = webhooksOf(async () => [], { allowLoopback: true })
    const former = newSigningSecret()
    await webhooks.send({
      url: receiver.url('/signed'),
      id: 'an-id',
      body: '{"a":"ü"}',
      secrets: [secret, former],
    })
    const message = receiver.at('/signed')[0]
    for (const one of [secret, former]) {
      expect(new Webhook(one.reveal()).verify(message?.text ?? '', message?.headers ?? {})).toEqual(
        { a: 'ü' },
      )
    }
    expect(message?.headers['webhook-signature']?.split(' ')).toHaveLength(2)
  })

  it('is given up after the time-out, whatever the endpoint waits with', async () => {
    receiver.behave('/hang', 'hang')
    const webhooks = webhooksOf(async () => [], { allowLoopback: true, timeoutMs: 200 })
    expect(await sendTo(webhooks, receiver.url('/hang'))).toMatchObject({
      status: null,
      failure: 'timeout',
    })
    const silent = webhooksOf(() => new Promise(() => undefined), { timeoutMs: 200 })
    expect((await sendTo(silent, 'https://silent.example/')).failure).toBe('timeout')
  })

  it('is not sent on to where a redirect leads', async () => {
    receiver.behave('/away', { status: 307, headers: { location: receiver.url('/inside') } })
    const webhooks = webhooksOf(async () => [], { allowLoopback: true })
    expect(await sendTo(webhooks, receiver.url('/away'))).toMatchObject({
      status: 307,
      failure: 'redirected',
    })
    expect(receiver.at('/inside')).toEqual([])
  })

  it('reports the pause that the endpoint asks for', async () => {
    receiver.behave('/busy', { status: 429, headers: { 'retry-after': '120' } })
    const webhooks = webhooksOf(async () => [], { allowLoopback: true })
    expect(await sendTo(webhooks, receiver.url('/busy'))).toMatchObject({
      failure: 'answered_with_error',
      retryAfterSeconds: 120,
    })
  })
})
