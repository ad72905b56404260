import { describe, expect, it } from 'vitest'
import { EngineError } from '../errors.ts'
import { describeMany, type DescribeResult } from './describes.ts'
import { budgetOf } from './testing/budget.ts'
import {
  type Answer,
  json,
  rejection,
  type SeenRequest,
  startRig,
} from './testing/misbehaving-server.ts'

interface SubRequest {
  url: string
  referenceId: string
  httpHeaders?: Record<string, string>
}

const MODIFIED = 'Mon, 03 Jan 2022 21:57:08 GMT'
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `Object_${i}__c`)

const subRequests = ({ body }: SeenRequest): SubRequest[] =>
  (JSON.parse(body) as { compositeRequest: SubRequest[] }).compositeRequest

const objectOf = (url: string): string => /sobjects\/(\w+)\/describe/.exec(url)?.[1] ?? ''

const batchSizes = (seen: SeenRequest[]): number[] =>
  seen.map((request) => (request.method === 'GET' ? 1 : subRequests(request).length))

/** Answers composites and single describes alike, item by item, as Salesforce would. */
const describing =
  (
    item: (name: string, modifiedSince: string | undefined) => { status: number; body: unknown },
  ): Answer =>
  (request, response) => {
    if (request.method === 'GET') {
      const { status, body } = item(objectOf(request.url), request.headers['if-modified-since'])
      if (status === 304) return response.writeHead(304).end()
      return json(response, status, body, { 'last-modified': MODIFIED })
    }
    const compositeResponse = subRequests(request).map(({ url, referenceId, httpHeaders }) => {
      const { status, body } = item(objectOf(url), httpHeaders?.['If-Modified-Since'])
      return {
        body,
        httpHeaders: { 'Last-Modified': MODIFIED },
        httpStatusCode: status,
        referenceId,
      }
    })
    // Collated sub-requests need not come back in order.
    json(response, 200, { compositeResponse: compositeResponse.reverse() })
  }

const fine = (name: string) => ({ status: 200, body: { name, fields: [] } })

const collect = async (
  results: AsyncIterable<DescribeResult>,
): Promise<Map<string, DescribeResult>> => {
  const byName = new Map<string, DescribeResult>()
  for await (const result of results) {
    expect(byName.has(result.name)).toBe(false)
    byName.set(result.name, result)
  }
  return byName
}

describe('describeMany', () => {
  it('packs 25 objects a call and hands each its own describe, in whatever order they come', async () => {
    await using rig = await startRig(describing(fine))
    const results = await collect(describeMany(rig.org, names(60)))
    expect([...results.keys()].sort()).toEqual(names(60).sort())
    for (const [name, result] of results) {
      expect(result).toEqual({
        name,
        result: 'ok',
        body: { name, fields: [] },
        lastModified: MODIFIED,
      })
    }
    expect(batchSizes(rig.seen).sort()).toEqual([10, 25, 25])
    expect(rig.org.calls).toBe(3)
  })

  it('sends validators only where there is one, and reports 304 as not modified', async () => {
    await using rig = await startRig(
      describing((name, since) => (since === MODIFIED ? { status: 304, body: null } : fine(name))),
    )
    const validators = new Map([
      ['Object_1__c', MODIFIED],
      ['Alone__c', MODIFIED],
    ])
    const results = await collect(describeMany(rig.org, names(3), validators))
    expect(results.get('Object_1__c')).toEqual({ name: 'Object_1__c', result: 'not_modified' })
    expect(results.get('Object_0__c')?.result).toBe('ok')
    expect(rig.seen.flatMap(subRequests).map(({ httpHeaders }) => httpHeaders)).toEqual([
      undefined,
      { 'If-Modified-Since': MODIFIED },
      undefined,
    ])
    expect(
      (await collect(describeMany(rig.org, ['Alone__c'], validators))).get('Alone__c')?.result,
    ).toBe('not_modified')
  })

  it('halves what fails down to the object at fault, and stays small', async () => {
    await using rig = await startRig((request, response) => {
      const poison = request.body.includes('Object_7__c') || request.url.includes('Object_7__c')
      if (poison) return json(response, 500, '')
      return describing(fine)(request, response)
    })
    const results = await collect(describeMany(rig.org, names(50), new Map(), { parallel: 1 }))
    expect(results.size).toBe(50)
    expect(results.get('Object_7__c')).toMatchObject({
      result: 'unreadable',
      failure: { status: 500 },
    })
    expect([...results.values()].filter(({ result }) => result === 'ok')).toHaveLength(49)
    const sizes = batchSizes(rig.seen)
    expect(sizes[0]).toBe(25)
    expect(Math.max(...sizes.slice(sizes.indexOf(1)))).toBeLessThanOrEqual(2)
  })

  it('halves what gets no answer in time', async () => {
    await using rig = await startRig((request, response) => {
      if (request.method === 'POST' && subRequests(request).length > 6) return
      return describing(fine)(request, response)
    })
    const results = await collect(
      describeMany(rig.org, names(25), new Map(), { parallel: 1, timeoutMs: 150 }),
    )
    expect(results.size).toBe(25)
    expect(batchSizes(rig.seen).slice(0, 3)).toEqual([25, 13, 7])
  })

  it('uses a slow answer, and asks for less after it', async () => {
    await using rig = await startRig(describing(fine))
    const options = { parallel: 1, slowMs: -1 }
    const results = await collect(describeMany(rig.org, names(50), new Map(), options))
    expect(results.size).toBe(50)
    expect(batchSizes(rig.seen).slice(0, 3)).toEqual([25, 12, 6])
  })

  it('reports an object that is refused and goes on with the rest', async () => {
    await using rig = await startRig(
      describing((name) =>
        name === 'Object_3__c'
          ? {
              status: 404,
              body: [{ errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' }],
            }
          : fine(name),
      ),
    )
    const results = await collect(describeMany(rig.org, names(10)))
    expect(results.get('Object_3__c')).toMatchObject({
      result: 'unreadable',
      failure: { kind: 'not_found' },
    })
    expect(results.size).toBe(10)
    expect(rig.seen).toHaveLength(1)
  })

  it('asks alone for an object that failed in passing inside a good composite', async () => {
    await using rig = await startRig((request, response) =>
      describing((name) =>
        name === 'Object_3__c' && request.method === 'POST'
          ? { status: 503, body: null }
          : fine(name),
      )(request, response),
    )
    const results = await collect(describeMany(rig.org, names(10)))
    expect(results.get('Object_3__c')?.result).toBe('ok')
    expect(batchSizes(rig.seen)).toEqual([10, 1])
  })

  it('stops for what concerns the whole Salesforce org, with no object called unreadable', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 403, [
        { errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' },
      ]),
    )
    expect(await rejection(collect(describeMany(rig.org, names(60))))).toMatchObject({
      code: 'api_budget_exhausted',
    })
  })

  it('stops when the budget does, keeping what was read before', async () => {
    await using rig = await startRig(describing(fine))
    let left = 2
    const check = async (): Promise<void> => {
      if (left-- <= 0) throw new EngineError('api_budget_exhausted', 'under the reserve')
    }
    const org = rig.salesforce.org({ ...rig.target, budget: budgetOf(check) })
    const read: string[] = []
    const run = async (): Promise<void> => {
      for await (const { name } of describeMany(org, names(100), new Map(), { parallel: 1 }))
        read.push(name)
    }
    expect(await rejection(run())).toMatchObject({ code: 'api_budget_exhausted' })
    expect(read).toHaveLength(50)
  })

  it('takes an outage for one instead of calling a thousand objects unreadable', async () => {
    await using rig = await startRig((_request, response) => json(response, 500, ''))
    const read: DescribeResult[] = []
    const run = async (): Promise<void> => {
      for await (const result of describeMany(rig.org, names(1000))) read.push(result)
    }
    expect(await rejection(run())).toMatchObject({ upstream: { status: 500 } })
    expect(read.length).toBeLessThan(10)
  })

  it('asks for no more than its consumer has room for, and for nothing after he left', async () => {
    await using rig = await startRig(describing(fine))
    const results = describeMany(rig.org, names(1000), new Map(), { parallel: 2, room: 3 })
    for (let taken = 0; taken < 30; taken += 1) await results.next()
    // 30 taken: two answers at least partly consumed, five more on the way or waiting.
    await expect.poll(() => rig.seen.length).toBe(7)
    await results.return()
    expect(rig.seen).toHaveLength(7)
  })

  it('sends the next call when an answer has arrived, not when it has been consumed', async () => {
    await using rig = await startRig(describing(fine))
    const results = describeMany(rig.org, names(100), new Map(), { parallel: 1 })
    await results.next()
    await expect.poll(() => rig.seen.length).toBe(4)
    expect((await collect(results)).size).toBe(99)
  })

  it('hands over what arrived before the fault that ends it', async () => {
    await using rig = await startRig((request, response) =>
      request.body.includes('Object_75__c')
        ? json(response, 403, [
            { errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' },
          ])
        : describing(fine)(request, response),
    )
    const results = describeMany(rig.org, names(200), new Map(), { parallel: 1 })
    await results.next()
    await expect.poll(() => rig.seen.length).toBe(4)
    let taken = 1
    const rest = async (): Promise<void> => {
      for await (const _ of results) taken += 1
    }
    expect(await rejection(rest())).toMatchObject({ code: 'api_budget_exhausted' })
    expect(taken).toBe(75)
    expect(rig.seen).toHaveLength(4)
  })

  it('halves an answer that turns out to be damaged when it is read', async () => {
    await using rig = await startRig((request, response) => {
      if (request.method === 'POST' && subRequests(request).length > 6) {
        return response.writeHead(200, { 'content-type': 'application/json' }).end('{"compositeRes')
      }
      return describing(fine)(request, response)
    })
    const results = await collect(describeMany(rig.org, names(25), new Map(), { parallel: 1 }))
    expect([...results.values()].filter(({ result }) => result === 'ok')).toHaveLength(25)
    expect(batchSizes(rig.seen).slice(0, 4)).toEqual([25, 13, 12, 7])
  })

  it('breaks off what is still on the way when its consumer leaves', async () => {
    let brokenOff = 0
    await using rig = await startRig((request, response) => {
      if (subRequests(request)[0]?.url.includes('Object_0__c') === true) {
        return describing(fine)(request, response)
      }
      response.once('close', () => (brokenOff += 1))
    })
    const results = describeMany(rig.org, names(100), new Map(), { parallel: 3 })
    await results.next()
    await expect.poll(() => rig.seen.length).toBe(4)
    await results.return()
    await expect.poll(() => brokenOff).toBe(3)
  })

  it('keeps several composites under way at once, and not more than asked', async () => {
    let running = 0
    let most = 0
    const held: (() => void)[] = []
    await using rig = await startRig(async (request, response) => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => held.push(resolve))
      running -= 1
      return describing(fine)(request, response)
    })
    const done = collect(describeMany(rig.org, names(250), new Map(), { parallel: 3 }))
    for (let served = 0; served < 10; served += 1) {
      await expect.poll(() => held.length).toBeGreaterThan(0)
      if (served === 0) await expect.poll(() => running).toBe(3)
      held.shift()?.()
    }
    expect((await done).size).toBe(250)
    expect(most).toBe(3)
  })
})
