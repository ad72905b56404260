import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { until } from '../../../test/src/until.ts'
import { EngineError } from '../errors.ts'
import { SalesforceError } from './failure.ts'
import { type ApiUsage, createSalesforce } from './gateway.ts'
import { createHostPolicy } from './hosts.ts'
import { budgetOf, openBudget } from './testing/budget.ts'
import {
  type Answer,
  json,
  rejection,
  rememberingSessions,
  startRig,
} from './testing/misbehaving-server.ts'
import { revokeToken } from './oauth.ts'
import { Secret } from '../secret.ts'

const kindOf = (error: unknown): string =>
  error instanceof SalesforceError ? error.failure.kind : `no SalesforceError: ${String(error)}`

const get = { path: '/limits' }
const create = { method: 'POST', path: '/sobjects/Lead', json: { LastName: 'x' } } as const

describe('a dead session', () => {
  const fault =
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: x</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>'
  it.each([
    [
      'REST 401',
      401,
      '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]',
    ],
    [
      'Bulk 400',
      400,
      '{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}',
    ],
    ['OAuth 403', 403, 'Bad_OAuth_Token'],
    ['SOAP fault', 500, fault],
  ])(
    '(%s) is renewed once and the call replayed once, a create too',
    async (_name, status, body) => {
      await using rig = await startRig((request, response) => {
        if (request.headers.authorization === 'Bearer token-1') json(response, status, body)
        else json(response, 201, { id: '00Q', success: true, errors: [] })
      })
      const answer = await rig.org.request(create)
      expect(answer.body).toEqual({ id: '00Q', success: true, errors: [] })
      expect(rig.sessions.renewals).toEqual(['token-1'])
      expect(rig.seen.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer token-1',
        'Bearer token-2',
      ])
      expect(rig.seen[1]?.body).toBe('{"LastName":"x"}')
      expect(rig.waits).toEqual([])
    },
  )

  it('that stays dead after its renewal ends the call instead of looping', async () => {
    await using rig = await startRig((_request, response) => {
      json(response, 401, [
        { message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' },
      ])
    })
    expect(kindOf(await rejection(rig.org.request(get)))).toBe('session_dead')
    expect(rig.sessions.renewals).toEqual(['token-1'])
    expect(rig.seen).toHaveLength(2)
  })

  it('that Salesforce calls unusable is never renewed', async () => {
    await using rig = await startRig((_request, response) => {
      const message = 'This session is not valid for use with the REST API'
      json(response, 401, [{ message, errorCode: 'INVALID_SESSION_ID' }])
    })
    expect(kindOf(await rejection(rig.org.request(get)))).toBe('session_unusable')
    expect(rig.sessions.renewals).toEqual([])
    expect(rig.seen).toHaveLength(1)
  })
})

describe('where a token may go', () => {
  it('is checked before each call: nothing reaches a host that is not allowed', async () => {
    await using rig = await startRig((_request, response) => json(response, 200, {}))
    const salesforce = createSalesforce({ hosts: createHostPolicy([]) })
    const error = await rejection(salesforce.org(rig.target).request(get))
    expect(error).toMatchObject({ code: 'host_refused' })
    expect(rig.seen).toEqual([])
    await salesforce.close()
  })

  it('is checked again after a renewal', async () => {
    await using rig = await startRig((_request, response) => json(response, 401, []))
    const sessions = {
      ...rig.sessions.source,
      renew: async () => ({
        accessToken: new Secret('fresh'),
        instanceUrl: 'https://evil.example.com',
      }),
    }
    const error = await rejection(rig.salesforce.org({ ...rig.target, sessions }).request(get))
    expect(error).toMatchObject({ code: 'host_refused' })
    expect(rig.seen).toHaveLength(1)
  })

  it.each([301, 302, 303, 307, 308])('redirect %i is not followed', async (status) => {
    await using rig = await startRig((request, response) => {
      if (request.url.startsWith('/elsewhere')) return json(response, 200, { stolen: true })
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    expect(kindOf(await rejection(rig.org.request(get)))).toBe('redirected')
    expect(rig.seen).toHaveLength(1)
  })

  it.each([
    'limits',
    '//evil.example.com/x',
    '/x\\y',
    '/x y',
    '/x\r\nhost: evil',
    'https://evil.example.com/',
  ])('a path like %j is never called', async (path) => {
    await using rig = await startRig((_request, response) => json(response, 200, {}))
    expect(await rejection(rig.org.request({ path }))).toBeInstanceOf(SalesforceError)
    expect(rig.seen).toEqual([])
  })
})

describe('retries', () => {
  const failing =
    (times: number, answer: Answer): Answer =>
    (request, response) =>
      times-- > 0 ? answer(request, response) : json(response, 200, { fine: true })

  it.each([
    ['503 JSON', 503, [{ errorCode: 'UNKNOWN_EXCEPTION', message: 'x' }]],
    ['500 empty', 500, ''],
    ['502 HTML', 502, '<html><title>Bad gateway</title></html>'],
    ['420', 420, ''],
    ['HTML with 200', 200, '<html><body>maintenance</body></html>'],
    ['empty with 200', 200, ''],
    ['cut JSON with 200', 200, '{"sobjects":[{"na'],
  ])('a read gets over %s', async (_name, status, body) => {
    await using rig = await startRig(
      failing(2, (_request, response) => json(response, status, body)),
    )
    expect((await rig.org.request(get)).body).toEqual({ fine: true })
    expect(rig.waits).toEqual([375, 750])
    expect(rig.org.calls).toBe(3)
  })

  it.each([
    ['row lock', 400, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access'],
    [
      'concurrent limit',
      403,
      'REQUEST_LIMIT_EXCEEDED',
      'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
    ],
    ['busy server', 503, 'SERVER_UNAVAILABLE', 'Server Too Busy'],
    ['setup lock', 400, 'ALREADY_IN_PROCESS', 'locked'],
  ])('a create gets over a %s, which did nothing', async (_name, status, errorCode, message) => {
    await using rig = await startRig(
      failing(1, (_request, response) => json(response, status, [{ errorCode, message }])),
    )
    expect((await rig.org.request(create)).body).toEqual({ fine: true })
    expect(rig.seen).toHaveLength(2)
  })

  it.each([
    ['a 500', (_request, response) => json(response, 500, '')],
    ['a 420', (_request, response) => json(response, 420, '')],
    ['a connection that breaks after sending', (_request, response) => response.destroy()],
    ['an answer that is cut', (_request, response) => json(response, 200, '{"id":')],
  ] satisfies [string, Answer][])(
    'a create is not repeated after %s: it may have happened',
    async (_name, answer) => {
      await using rig = await startRig(failing(1, answer))
      const error = await rejection(rig.org.request(create))
      expect(error).toMatchObject({ failure: { fate: 'unknown', sent: true } })
      expect(rig.seen).toHaveLength(1)
    },
  )

  it('the concurrent limit that does not pass ends as 502, the total limit at once as 429', async () => {
    let message = 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'
    await using rig = await startRig((_request, response) =>
      json(response, 403, [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message }]),
    )
    let exhausted = 0
    const budget = { ...openBudget, exhausted: () => (exhausted += 1) }
    const org = rig.salesforce.org({ ...rig.target, budget })
    expect(await rejection(org.request(get))).toMatchObject({ status: 502 })
    expect(rig.seen).toHaveLength(4)
    message = 'TotalRequests Limit exceeded.'
    expect(await rejection(org.request(get))).toMatchObject({ code: 'api_budget_exhausted' })
    expect(rig.seen).toHaveLength(5)
    expect(exhausted).toBe(1)
  })

  it('a refused connection is known not to have been sent, so a create is tried again', async () => {
    const waits: number[] = []
    const port = await freePort()
    const salesforce = createSalesforce({
      hosts: createHostPolicy(['127.0.0.1']),
      wait: async (ms) => void waits.push(ms),
    })
    const sessions = rememberingSessions(`http://127.0.0.1:${port}`)
    const org = salesforce.org({
      sfdcOrgId: '00D',
      apiVersion: 'v66.0',
      sessions: sessions.source,
      budget: openBudget,
      priority: 'work',
    })
    const error = await rejection(org.request(create))
    expect(error).toMatchObject({
      failure: { kind: 'connection_not_made', code: 'ECONNREFUSED', sent: false },
    })
    expect(waits).toHaveLength(3)
    expect(org.calls).toBe(0)
    await salesforce.close()
  })

  it('waits as long as Retry-After says, and not at all for an hour', async () => {
    let after = '9'
    await using rig = await startRig(
      failing(2, (_request, response) => json(response, 503, '', { 'retry-after': after })),
    )
    await rig.org.request({ ...get, attemptsMax: 3 })
    expect(rig.waits).toEqual([9000, 9000])
    after = '3600'
    await using other = await startRig((_request, response) =>
      json(response, 503, '', { 'retry-after': after }),
    )
    expect(await rejection(other.org.request(get))).toMatchObject({ retryAfterSeconds: 3600 })
    expect(other.seen).toHaveLength(1)
  })

  it('a streamed upload is created again for each attempt', async () => {
    await using rig = await startRig(failing(1, (_request, response) => json(response, 500, '')))
    await rig.org.request({
      method: 'PUT',
      path: '/jobs/ingest/750/batches',
      body: {
        type: 'text/csv',
        content: async function* () {
          yield Buffer.from('Id\n')
          yield Buffer.from('001\n')
        },
      },
    })
    expect(rig.seen.map(({ body }) => body)).toEqual(['Id\n001\n', 'Id\n001\n'])
    expect(rig.seen[1]?.headers['content-type']).toBe('text/csv')
  })

  it('a fault of the uploaded source stays the source’s own', async () => {
    await using rig = await startRig(() => undefined)
    const own = new Error('disk gone')
    const upload = rig.org.request({
      method: 'PUT',
      path: '/jobs/ingest/750/batches',
      body: {
        type: 'text/csv',
        content: async function* () {
          yield Buffer.from('Id\n')
          throw own
        },
      },
    })
    expect(await rejection(upload)).toBe(own)
  })
})

describe('bodies', () => {
  it('gzip is asked for, inflated, and its connection kept', async () => {
    const big = { text: 'x'.repeat(200_000) }
    await using rig = await startRig((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
      response.end(gzipSync(JSON.stringify(big)))
    })
    expect((await rig.org.request(get)).body).toEqual(big)
    expect((await rig.org.request(get)).body).toEqual(big)
    expect(rig.seen[0]?.headers['accept-encoding']).toBe('gzip')
    expect(rig.seen.map(({ connection }) => connection)).toEqual([0, 0])
  })

  it('a small gzip that hides a huge body is refused at the limit', async () => {
    await using rig = await startRig((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(gzipSync(Buffer.alloc(20_000_000, 0x20)))
    })
    expect(kindOf(await rejection(rig.org.request({ ...get, limitBytes: 1_000_000 })))).toBe(
      'too_large',
    )
    expect(rig.seen).toHaveLength(1)
  })

  it.each([
    ['content-length', { 'content-length': '1000' }, '{"a":'],
    ['chunked', {}, '{"a":'],
    [
      'gzip',
      { 'content-encoding': 'gzip' },
      gzipSync(JSON.stringify({ a: 'b'.repeat(5000) })).subarray(0, 30),
    ],
  ] as const)(
    'a body cut in its middle (%s) is broken, not short',
    async (_name, headers, part) => {
      await using rig = await startRig((_request, response) => {
        response.writeHead(200, headers)
        response.write(part, () => response.destroy())
      })
      expect(kindOf(await rejection(rig.org.request({ ...get, attemptsMax: 1 })))).toBe(
        'connection_broken',
      )
    },
  )

  it('a gzip body that ends too early without a broken connection is noticed', async () => {
    await using rig = await startRig((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(gzipSync('{"a":"b"}').subarray(0, 15))
    })
    expect(kindOf(await rejection(rig.org.request({ ...get, attemptsMax: 1 })))).toBe(
      'connection_broken',
    )
  })

  it('204 has none, and an HTML error keeps its title', async () => {
    await using rig = await startRig((request, response) => {
      if (request.method === 'PATCH') return response.writeHead(204).end()
      json(response, 503, '<html><head><title>Down</title></head></html>', {
        'content-type': 'text/html',
      })
    })
    expect(
      (await rig.org.request({ method: 'PATCH', path: '/sobjects/Lead/00Q', json: {} })).body,
    ).toBeNull()
    expect(await rejection(rig.org.request(get))).toMatchObject({
      upstream: { code: 'HTTP_503', message: 'Down', status: 503 },
    })
  })

  it('a stream arrives in pieces, and its faults are failures', async () => {
    await using rig = await startRig((request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' })
      response.write('a\n', () =>
        request.url.endsWith('cut') ? response.destroy() : response.end('b\n'),
      )
    })
    const whole = await rig.org.stream({ path: '/jobs/ingest/750/successfulResults' })
    const pieces: string[] = []
    for await (const piece of whole.body) pieces.push(String(piece))
    expect(pieces.join('')).toBe('a\nb\n')
    const cut = await rig.org.stream({ path: '/jobs/cut' })
    expect(kindOf(await rejection(cut.body.toArray()))).toBe('connection_broken')
  })
})

describe('time', () => {
  it('an answer that does not begin is a headers time-out', async () => {
    await using rig = await startRig(() => undefined, { timeouts: { headersMs: 80 } })
    expect(kindOf(await rejection(rig.org.request(create)))).toBe('timeout_headers')
    expect(rig.seen).toHaveLength(1)
  })

  it('a body that stalls is a body time-out', async () => {
    await using rig = await startRig(
      (_request, response) => {
        response.writeHead(200)
        response.write('{')
      },
      { timeouts: { bodyMs: 80 } },
    )
    expect(kindOf(await rejection(rig.org.request({ ...get, attemptsMax: 1 })))).toBe(
      'timeout_body',
    )
  })

  it('a body that drips for ever meets the deadline of the call', async () => {
    await using rig = await startRig(
      (_request, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 10)
        response.once('close', () => clearInterval(drip))
      },
      { timeouts: { callMs: 120 } },
    )
    expect(kindOf(await rejection(rig.org.request({ ...get, attemptsMax: 1 })))).toBe(
      'timeout_body',
    )
  })

  it('a waiting caller gets an error once it takes too long, all calls together', async () => {
    let asked = 0
    await using rig = await startRig(
      (_request, response) => {
        asked += 1
        if (asked === 1) json(response, 200, {})
      },
      { interactiveDeadlineMs: 600 },
    )
    const org = rig.salesforce.org({ ...rig.target, priority: 'interactive' })
    await org.request(get)
    const error = await rejection(org.request(get))
    expect(kindOf(error)).toBe('overdue')
    expect((error as SalesforceError).message).toContain('GET /limits was not answered within')
    // The deadline has also passed for other calls through the same handle.
    expect(kindOf(await rejection(org.request(get)))).toBe('overdue')
    expect(asked).toBe(2)
  })

  it('somebody who waits is answered also while a place, the budget or a session does not come', async () => {
    const never = new Promise<never>(() => undefined)
    await using rig = await startRig(() => undefined, { interactiveDeadlineMs: 80 })
    const target = { ...rig.target, priority: 'interactive' } as const
    const org = () => rig.salesforce.org(target)
    const two = [org().request(get), org().request(get)].map((call) => rejection(call))
    expect(kindOf(await rejection(org().request(get)))).toBe('overdue')
    await Promise.all(two)
    const stuck = rig.salesforce.org({
      ...target,
      budget: { ...rig.target.budget, take: () => never },
    })
    expect(kindOf(await rejection(stuck.request(get)))).toBe('overdue')
    const sessions = { current: () => never, renew: () => never }
    const lost = rig.salesforce.org({ ...target, sessions })
    expect(kindOf(await rejection(lost.request(get)))).toBe('overdue')
  })

  it('work in the background has no deadline but its own', async () => {
    await using rig = await startRig(
      (_request, response) => {
        setTimeout(() => json(response, 200, {}), 120)
      },
      { interactiveDeadlineMs: 40 },
    )
    const org = rig.salesforce.org({ ...rig.target, priority: 'protected' })
    expect((await org.request(get)).status).toBe(200)
  })

  it('an abort ends the call with the caller’s own reason', async () => {
    const stop = new AbortController()
    const reason = new Error('shutting down')
    await using rig = await startRig(() => stop.abort(reason))
    const org = rig.salesforce.org({ ...rig.target, signal: stop.signal })
    expect(await rejection(org.request(get))).toBe(reason)
    expect(await rejection(org.request(get))).toBe(reason)
    expect(rig.seen).toHaveLength(1)
  })
})

describe('after an abort', () => {
  it('no session is asked for, which nobody would see fail', async () => {
    await using rig = await startRig((_request, response) => json(response, 200, {}))
    let asked = 0
    const refuse = (): Promise<never> => {
      asked += 1
      return Promise.reject(new Error('the session could not be refreshed'))
    }
    const reason = new Error('shutting down')
    const org = rig.salesforce.org({
      ...rig.target,
      sessions: { current: refuse, renew: refuse },
      signal: AbortSignal.abort(reason),
    })
    expect(await rejection(org.request(get))).toBe(reason)
    expect([asked, rig.seen]).toEqual([0, []])
  })
})

describe('the API budget', () => {
  const spent = () => {
    const usages: ApiUsage[] = []
    const check = async (): Promise<void> => {
      throw new EngineError('api_budget_exhausted', 'under the reserve')
    }
    return {
      usages,
      budget: budgetOf(check, (usage) => usages.push(usage)),
    }
  }

  it.each(['work', 'interactive'] as const)(
    'that is spent stops %s before anything is sent',
    async (priority) => {
      await using rig = await startRig((_request, response) => json(response, 200, {}))
      const org = rig.salesforce.org({ ...rig.target, priority, budget: spent().budget })
      expect(await rejection(org.request(get))).toMatchObject({ code: 'api_budget_exhausted' })
      expect(rig.seen).toEqual([])
      expect(org.calls).toBe(0)
    },
  )

  it('that is spent never stops what is protected, and still learns from it', async () => {
    await using rig = await startRig((_request, response) =>
      json(
        response,
        200,
        {},
        { 'sforce-limit-info': 'api-usage=677/15000; per-app-api-usage=17/250(appName=x)' },
      ),
    )
    const { usages, budget } = spent()
    await rig.salesforce.org({ ...rig.target, priority: 'protected', budget }).request(get)
    expect(usages).toEqual([{ used: 677, max: 15_000 }])
  })

  it('does not take an app’s own limit for the org’s, and learns from errors too', async () => {
    const usages: ApiUsage[] = []
    let info = 'per-app-api-usage=17/250(appName=x)'
    await using rig = await startRig((_request, response) =>
      json(response, 404, [{ errorCode: 'NOT_FOUND', message: 'x' }], {
        'sforce-limit-info': info,
      }),
    )
    const budget = budgetOf(undefined, (usage) => usages.push(usage))
    const org = rig.salesforce.org({ ...rig.target, budget })
    await rejection(org.request(get))
    expect(usages).toEqual([])
    info = 'api-usage=18/5000'
    await rejection(org.request(get))
    expect(usages).toEqual([{ used: 18, max: 5000 }])
  })

  it('is told how each call ended: answered, perhaps served, or never sent', async () => {
    const ends: unknown[] = []
    const budget = { ...openBudget, take: async () => (end: unknown) => void ends.push(end) }
    let cut = false
    await using rig = await startRig((_request, response) =>
      cut
        ? response.destroy()
        : json(response, 200, {}, { 'sforce-limit-info': 'api-usage=7/5000' }),
    )
    const org = rig.salesforce.org({ ...rig.target, budget })
    await org.request(get)
    cut = true
    await rejection(org.request({ ...get, attemptsMax: 1 }))
    await rig.server.close()
    await rejection(org.request({ ...get, attemptsMax: 1 }))
    expect(ends).toEqual([{ used: 7, max: 5000 }, 'perhaps_served', 'not_served'])
  })

  it('gets a call back whose caller left while it decided', async () => {
    const ends: unknown[] = []
    const { promise: decided, resolve: decide } = Promise.withResolvers<void>()
    let isAsked = false
    const budget = {
      ...openBudget,
      take: async () => {
        isAsked = true
        await decided
        return (end: unknown) => void ends.push(end)
      },
    }
    await using rig = await startRig((_request, response) => json(response, 200, {}))
    const leaving = new AbortController()
    const org = rig.salesforce.org({ ...rig.target, budget, signal: leaving.signal })
    const call = rejection(org.request(get))
    await until('the budget is asked', () => isAsked)
    leaving.abort(new Error('gone'))
    await call
    decide()
    await until('it is given back', () => ends.length > 0)
    expect([ends, rig.seen]).toEqual([['not_served'], []])
  })
})

describe('interactive calls', () => {
  it('are at most two at once for one Salesforce org, whoever’s handle they use; work is not', async () => {
    let running = 0
    let most = 0
    const held: (() => void)[] = []
    await using rig = await startRig(async (_request, response) => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => held.push(resolve))
      running -= 1
      json(response, 200, {})
    })
    const handles = [1, 2, 3, 4, 5].map(() =>
      rig.salesforce.org({ ...rig.target, priority: 'interactive' }),
    )
    const calls = handles.map((org) => org.request(get))
    for (let done = 0; done < calls.length; done += 1) {
      await expect.poll(() => held.length).toBeGreaterThan(0)
      held.shift()?.()
    }
    await Promise.all(calls)
    expect(most).toBe(2)

    const work = [1, 2, 3].map(() => rig.org.request(get))
    await expect.poll(() => held.length).toBe(3)
    for (const go of held) go()
    await Promise.all(work)
  })

  it('give their place back after failures and destroyed streams', async () => {
    await using rig = await startRig((request, response) =>
      request.url.endsWith('/bad') ? json(response, 400, []) : json(response, 200, { a: 1 }),
    )
    const org = rig.salesforce.org({ ...rig.target, priority: 'interactive' })
    for (let i = 0; i < 4; i += 1) {
      await rejection(org.request({ path: '/bad' }))
      const { body } = await org.stream({ path: '/good' })
      body.destroy()
    }
    expect((await org.request({ path: '/good' })).body).toEqual({ a: 1 })
  })
})

it('every attempt is reported to onCall, without its content', async () => {
  let times = 1
  await using rig = await startRig((_request, response) =>
    times-- > 0 ? json(response, 500, 'secret words') : json(response, 200, {}),
  )
  await rig.org.request({ ...get, kind: 'rest' })
  const host = `127.0.0.1:${rig.server.port}`
  const ms = expect.any(Number) as number
  expect(rig.events).toEqual([
    { host, kind: 'rest', status: 500, failure: 'server_error', ms },
    { host, kind: 'rest', status: 200, failure: null, ms },
  ])
})

describe('revoking a token', () => {
  it('sends it in the body, without any session, and takes an unknown one for gone', async () => {
    let known = true
    await using rig = await startRig((_request, response) =>
      known
        ? response.writeHead(200).end()
        : json(response, 400, { error: 'invalid_token', error_description: 'x' }),
    )
    const token = new Secret('5Aep+/=&x')
    expect(await revokeToken(rig.salesforce, rig.server.url, token)).toBe('revoked')
    known = false
    expect(await revokeToken(rig.salesforce, rig.server.url, token)).toBe('already_gone')
    expect(rig.seen[0]).toMatchObject({
      url: '/services/oauth2/revoke',
      body: 'token=5Aep%2B%2F%3D%26x',
    })
    expect(rig.seen[0]?.headers.authorization).toBeUndefined()
  })
})

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
