// The client library against real servers and a network that fails: one effect for each call, lists and
// rows that flow, and waiting that loses nothing.

import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AbortedError,
  ConnectionLostError,
  type EngineOptions,
  InvalidRequestError,
  NotFoundError,
  type Retry,
  SfdcEngine,
  StillRunningError,
  UnauthenticatedError,
  UnavailableError,
  UnexpectedAnswerError,
} from '../../packages/client/src/index.ts'
import { makePushRig, placement, type PushRig } from './push-support.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'
import { startProxy, type UnreliableProxy } from './unreliable-proxy.ts'
import { until } from './until.ts'

const MANY = 10_000

let rig: SharedRig
let org: TestOrg
let pushRig: PushRig
let client_id: string
let proxy: UnreliableProxy

const engineOf = (options: Partial<EngineOptions> = {}): SfdcEngine =>
  new SfdcEngine({ baseUrl: proxy.url, token: org.token, ...options })

/** Of the requests to this path since `from`. */
const keysSince = (from: number, path: string) =>
  proxy.passed.slice(from).flatMap((passage) => (passage.path === path ? [passage.key] : []))

/** What `promise` rejects with, which has to be of this class. */
const thrown = async <Fault extends Error>(
  promise: Promise<unknown>,
  kind: abstract new (...given: never[]) => Fault,
): Promise<Fault> => {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  )
  if (error instanceof kind) return error
  throw error
}

const rows = function* (prefix: string, count: number) {
  for (let n = 0; n < count; n += 1) yield placement(prefix, n)
}

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  pushRig = await makePushRig(rig, org, (await rig.salesforceOrg()).name)
  client_id = pushRig.client.id
  proxy = await startProxy(rig.urls[0])
})
afterAll(() => proxy.close())

describe('a call', () => {
  it('whose answer is lost is sent again with the same key, and happens once', async () => {
    const from = proxy.passed.length
    const name = `Once ${randomBytes(4).toString('hex')}`
    proxy.expect('/api/clients/create', 'lose answer', 'break', 'lose answer')
    const retries: Retry[] = []
    const created = await engineOf({ onRetry: (retry) => retries.push(retry) }).clients.create({
      name,
    })
    expect(created.name).toBe(name)
    const keys = keysSince(from, '/api/clients/create')
    expect([keys.length, new Set(keys).size, typeof keys[0]]).toEqual([4, 1, 'string'])
    expect(retries.map(({ number, idempotencyKey }) => [number, idempotencyKey])).toEqual(
      [1, 2, 3].map((number) => [number, keys[0]]),
    )
    const found = await engineOf().clients.list({ query: name }).page()
    expect(found.items.map(({ id }) => id)).toEqual([created.id])
    await engineOf().clients.create({ name: `${name} again` })
    expect(keysSince(from, '/api/clients/create')[4]).not.toBe(keys[0])
  })

  it('waits as long as Retry-After says, and fails at once if that is too long', async () => {
    const refusal = (seconds: number) => ({
      status: 503,
      headers: { 'content-type': 'application/problem+json', 'retry-after': String(seconds) },
      body: JSON.stringify({
        ...{ type: 'about:blank', title: 'Unavailable', status: 503, detail: 'Shutting down.' },
        ...{ code: 'unavailable', request_id: 'r-1', remedy: 'Wait.', doc_url: '/docs/errors' },
      }),
    })
    proxy.expect('/api/clients/list', refusal(1))
    const begunAt = performance.now()
    await engineOf().clients.list().page()
    expect(performance.now() - begunAt).toBeGreaterThan(1_000)
    proxy.expect('/api/clients/list', refusal(3_600))
    const error = await thrown(engineOf().clients.list().page(), UnavailableError)
    expect(error).toMatchObject({ code: 'unavailable', retryAfter: 3_600, requestId: 'r-1' })
    expect(error.docUrl).toBe(`${proxy.url}/docs/errors`)
  })

  it('that takes no key is not sent twice: the error says that it may have happened', async () => {
    const from = proxy.passed.length
    proxy.expect('/api/mappings/delete', 'lose answer')
    const { id } = await engineOf().mappings.create({
      client_id,
      canonical_object: 'account',
      sfdc_object: 'Account',
      external_id_field: 'Key__c',
      fields: [
        { canonical_field: 'key', sfdc_field: 'Key__c' },
        { canonical_field: 'name', sfdc_field: 'Name' },
      ],
    })
    const lost = await thrown(engineOf().mappings.delete({ mapping_id: id }), ConnectionLostError)
    expect([lost.mayHaveHappened, lost.idempotencyKey]).toEqual([true, undefined])
    expect(keysSince(from, '/api/mappings/delete')).toEqual([undefined])
    expect(await thrown(engineOf().mappings.get({ mapping_id: id }), NotFoundError)).toBeTruthy()
  })

  it('that is aborted after it was sent can be repeated by its key', async () => {
    const name = `Aborted ${randomBytes(4).toString('hex')}`
    const path = '/api/clients/create'
    const from = proxy.passed.length
    const aborting = new AbortController()
    proxy.expect(path, 'lose answer', 'lose answer')
    const calling = engineOf({ onRetry: () => aborting.abort() }).clients.create(
      { name },
      { signal: aborting.signal },
    )
    const aborted = await thrown(calling, AbortedError)
    expect([aborted.name, aborted.mayHaveHappened]).toEqual(['AbortError', true])
    expect([aborted.idempotencyKey]).toEqual(keysSince(from, path))
    const { idempotencyKey } = aborted
    const again = await engineOf().clients.create({ name }, { idempotencyKey })
    const { items } = await engineOf().clients.list({ query: name }).page()
    expect(items.map(({ id }) => id)).toEqual([again.id])
    const never = AbortSignal.abort()
    const unsent = await thrown(
      engineOf().clients.create({ name }, { signal: never }),
      AbortedError,
    )
    expect(unsent.mayHaveHappened).toBe(false)
  })

  it('is refused with a class, the code, the members at fault and the request id', async () => {
    const foreign = '01931f2a-7c00-7000-8000-000000000003'
    const missing = await thrown(engineOf().clients.get({ client_id: foreign }), NotFoundError)
    expect([missing.status, missing.code]).toEqual([404, 'not_found'])
    const wrong = await thrown(engineOf().clients.create({ name: '' }), InvalidRequestError)
    expect(wrong).toMatchObject({ code: 'validation_failed', errors: [{ path: 'name' }] })
    expect(wrong.requestId).toMatch(/./)
    expect(wrong.message).toContain('\n  name must not be empty.\n')
    const token = 'sfx_of_nobody'
    const unknown = await thrown(engineOf({ token }).auth.me(), UnauthenticatedError)
    expect(JSON.stringify(unknown) + unknown.stack).not.toContain(token)
  })

  it('never follows a redirect, and knows a stranger by its answer', async () => {
    proxy.expect('/api/auth/me', { status: 307, headers: { location: rig.urls[1] } })
    expect((await thrown(engineOf().auth.me(), UnexpectedAnswerError)).status).toBe(307)
    proxy.expect('/api/auth/me', { status: 200, body: '<html>Welcome to the hotel</html>' })
    await thrown(engineOf().auth.me(), UnexpectedAnswerError)
    for (const baseUrl of ['http://engine.example', 'ftp://engine.example', 'engine.example']) {
      expect(() => engineOf({ baseUrl }), baseUrl).toThrow(TypeError)
    }
    expect(() => engineOf({ baseUrl: 'http://engine.example', allowHttp: true })).not.toThrow()
  })

  it('to a server that is silent is lost after its time', async () => {
    proxy.expect('/api/auth/me', 'stall', 'stall')
    const silent = await thrown(
      engineOf({ timeout: 100, retries: 1 }).auth.me(),
      ConnectionLostError,
    )
    expect(silent.message).toContain('no sign of the server for 100 ms')
  })
})

describe('a list', () => {
  it(`of ${MANY} items is gone through with no more than two pages in memory`, async () => {
    const other = await rig.org()
    await rig.query(
      `insert into clients (id, org_id, name)
       select gen_random_uuid(), $1, 'Client ' || n from generate_series(1, $2::int) n`,
      [other.id, MANY],
    )
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const seen = new Set<string>()
    const kept: WeakRef<object>[] = []
    let aliveMost = 0
    for await (const item of engineOf({ token: other.token }).clients.list()) {
      seen.add(item.id)
      kept.push(new WeakRef(item))
      if (seen.size % 2_500 !== 0) continue
      await new Promise((resolve) => setImmediate(resolve)) // a WeakRef lives until its turn has ended
      collect()
      aliveMost = Math.max(aliveMost, kept.filter((ref) => ref.deref() !== undefined).length)
    }
    expect(seen.size).toBe(MANY)
    expect(aliveMost).toBeLessThanOrEqual(400)
  })

  it('goes on after a page that was lost, and none is left out or told twice', async () => {
    proxy.expect('/api/clients/list', 'break', 'cut answer', 'lose answer', 'cut answer')
    const ids: string[] = []
    for await (const { id } of engineOf().clients.list({ limit: 1 })) ids.push(id)
    const all = await engineOf().clients.list({ limit: 200 }).page()
    expect(ids).toEqual(all.items.map(({ id }) => id))
    expect(ids.length).toBeGreaterThan(1)
  })
})

describe('rows', () => {
  it('stream up from a generator, and their results down, by pages or in one answer', async () => {
    const push = await engineOf()
      .push.records({ client_id, object: 'placement', records: rows('up', 3_000) })
      .done()
    expect(push).toMatchObject({ status: 'succeeded', total: 3_000, created_count: 3_000 })
    const byPages: (string | null)[] = []
    for await (const { key } of engineOf().push.results({ push_id: push.id })) byPages.push(key)
    const streamed: (string | null)[] = []
    for await (const { key } of engineOf().push.results({ push_id: push.id }).stream()) {
      streamed.push(key)
    }
    expect(byPages.length).toBe(3_000)
    expect(streamed).toEqual(byPages)
    proxy.expect('/api/push/results', 'cut answer')
    const cut = async () => {
      let count = 0
      for await (const _ of engineOf().push.results({ push_id: push.id }).stream()) count += 1
      return count
    }
    await thrown(cut(), ConnectionLostError)
  })

  it('from a function are sent again after a lost answer; from a generator the key is told', async () => {
    const path = '/api/push/records'
    const pushes = async () => (await engineOf().push.list({ client_id }).page()).items.length
    const before = await pushes()
    const body = { client_id, object: 'placement' }
    proxy.expect(path, 'lose answer', 'break')
    const from = proxy.passed.length
    const records = () => rows('twice', 20)
    const pushed = await engineOf().push.records({ ...body, records })
    expect(new Set(keysSince(from, path)).size).toBe(1)
    expect(keysSince(from, path).length).toBe(3)
    expect(await pushed.done()).toMatchObject({ total: 20, succeeded: 20 })
    expect(await pushes()).toBe(before + 1)

    proxy.expect(path, 'lose answer')
    const lost = await thrown(
      engineOf().push.records({ ...body, records: rows('thrice', 20) }),
      ConnectionLostError,
    )
    expect(lost.mayHaveHappened).toBe(true)
    const { idempotencyKey } = lost
    const again = await engineOf()
      .push.records({ ...body, records: rows('thrice', 20) }, { idempotencyKey })
      .done()
    expect(again).toMatchObject({ total: 20, succeeded: 20 })
    expect(await pushes()).toBe(before + 2)
  })

  it('are taken only as fast as they are sent; an upload that is aborted leaves nothing', async () => {
    const before = (await engineOf().push.list({ client_id }).page()).items.length
    const most = 100_000
    let taken = 0
    let isClosed = false
    // A kilobyte that cannot be compressed: what the network holds is few of them.
    const heavy = function* () {
      try {
        for (; taken < most; taken += 1) {
          yield { key: `heavy-${taken}`, title: randomBytes(768).toString('base64') }
        }
      } finally {
        isClosed = true
      }
    }
    const aborting = new AbortController()
    const { signal } = aborting
    proxy.expect('/api/push/records', 'stall')
    const pushing = thrown(
      engineOf().push.records({ client_id, object: 'placement', records: heavy() }, { signal }),
      AbortedError,
    )
    let last = -1
    await until('nothing more is taken', async () => {
      const isSame = taken > 0 && taken === last
      last = taken
      await new Promise((resolve) => setTimeout(resolve, 250))
      return isSame
    })
    expect(taken).toBeLessThan(most / 4)
    aborting.abort()
    await pushing
    expect(isClosed).toBe(true)
    proxy.release()
    expect((await engineOf().push.list({ client_id }).page()).items.length).toBe(before)
  })

  it('that do not come keep no upload from its end', async () => {
    const more = Promise.withResolvers<void>()
    let is: 'sent' | 'awaited' | 'closed' = 'sent'
    const slow = async function* () {
      try {
        yield* rows('slow', 10)
        is = 'awaited'
        await more.promise
      } finally {
        is = 'closed'
      }
    }
    const aborting = new AbortController()
    const { signal } = aborting
    const body = { client_id, object: 'placement', records: slow() }
    const pushing = thrown(engineOf().push.records(body, { signal }), AbortedError)
    await until('it waits for rows', () => is === 'awaited')
    aborting.abort()
    await pushing
    more.resolve()
    await until('the rows are closed', () => is === 'closed')
  })

  it('that throw end the upload with what they threw, and nothing is stored', async () => {
    const before = (await engineOf().push.list({ client_id }).page()).items.length
    const broken = function* () {
      yield* rows('broken', 1_000)
      throw new RangeError('the file ends in the middle')
    }
    const records = () => broken()
    await thrown(engineOf().push.records({ client_id, object: 'placement', records }), RangeError)
    expect((await engineOf().push.list({ client_id }).page()).items.length).toBe(before)
  })

  it('that the server refuses early are answered with its reason', async () => {
    const foreign = '01931f2a-7c00-7000-8000-000000000003'
    await thrown(
      engineOf().push.records({
        ...{ client_id: foreign, object: 'placement' },
        records: () => rows('foreign', 20_000),
      }),
      NotFoundError,
    )
  })
})

describe('long work', () => {
  it('outlives its waiting: by time, by signal, and through a server that is away', async () => {
    const engine = engineOf()
    const states: string[] = []
    const pulling = await engine.topology.pull({ client_id, full: true, wait_seconds: 0 })
    expect(pulling.isFinal).toBe(false)
    const late = await thrown(pulling.done({ timeout: 1 }), StillRunningError)
    expect([late.reason, late.id]).toEqual(['timeout', pulling.id])
    const aborted = await thrown(pulling.done({ signal: AbortSignal.abort() }), StillRunningError)
    expect([aborted.reason, aborted.reference]).toEqual(['aborted', pulling.reference])
    proxy.expect('/api/topology/get', 'break', 'lose answer', { status: 502 })
    const reference = JSON.parse(JSON.stringify(late.reference)) as typeof late.reference
    const done = await engine
      .operation({ ...reference, kind: 'snapshot' })
      .done({ onProgress: ({ status }) => states.push(status) })
    expect([done.id, done.status, states.at(-1)]).toEqual([pulling.id, 'complete', 'complete'])
  })
})
