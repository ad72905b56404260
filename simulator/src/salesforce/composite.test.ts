import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

const V = '/services/data/v66.0'

interface Item {
  body: unknown
  httpHeaders: Record<string, string>
  httpStatusCode: number
  referenceId: string
}

const part = (referenceId: string, path: string, more: object = {}) => ({
  method: 'GET',
  url: V + path,
  referenceId,
  ...more,
})

const composite = async (compositeRequest: object[], more: object = {}): Promise<Item[]> => {
  const answer = await admin.post('/composite', { compositeRequest, ...more })
  expect(answer.status).toBe(200)
  return (await bodyOf<{ compositeResponse: Item[] }>(answer)).compositeResponse
}

describe('a composite', () => {
  it('answers each part as if it were asked alone, in order, and counts as one call', async () => {
    const alone: unknown = await (await admin.get('/sobjects/Lead/describe')).json()
    await sim.control.act('orgs/update', { org: 'Acme', used: 0 })
    const items = await composite([
      part('lead', '/sobjects/Lead/describe'),
      part('nope', '/sobjects/Nope/describe'),
    ])
    expect(items.map(({ referenceId, httpStatusCode }) => [referenceId, httpStatusCode])).toEqual([
      ['lead', 200],
      ['nope', 404],
    ])
    expect(items[0]?.body).toEqual(alone)
    const [org] = await sim.control.orgs()
    expect(org?.usage.used).toBe(1)
  })

  it('gives a part that has not changed as 304 with a null body', async () => {
    const since = new Date().toUTCString()
    const [item] = await composite([
      part('a', '/sobjects/Account/describe', { httpHeaders: { 'If-Modified-Since': since } }),
    ])
    expect(item).toEqual({
      body: null,
      httpHeaders: {
        ETag: expect.stringMatching(/^"\w{8}"$/) as unknown,
        'Last-Modified': 'Mon, 05 Jan 2026 09:00:00 GMT',
      },
      httpStatusCode: 304,
      referenceId: 'a',
    })
  })

  it('does not hand its own conditional headers down to its parts', async () => {
    const answer = await admin.post(
      '/composite',
      { compositeRequest: [part('a', '/sobjects/Account/describe')] },
      { 'if-modified-since': new Date().toUTCString() },
    )
    const { compositeResponse } = await bodyOf<{ compositeResponse: Item[] }>(answer)
    expect(compositeResponse[0]?.httpStatusCode).toBe(200)
  })

  it('lets a part refer to the answer of one before it', async () => {
    const q = encodeURIComponent("SELECT Id FROM Account WHERE Name = 'Globex'")
    const items = await composite([
      part('found', `/query?q=${q}`),
      part('row', '/sobjects/Account/@{found.records[0].Id}'),
      part('lost', '/sobjects/Account/@{found.records[7].Id}'),
    ])
    expect(items[1]?.body).toMatchObject({ Name: 'Globex' })
    expect(items[2]).toMatchObject({
      httpStatusCode: 400,
      body: [{ errorCode: 'PROCESSING_HALTED' }],
    })
  })

  it('with allOrNone halts every other part when one fails', async () => {
    const items = await composite(
      [part('a', '/limits'), part('b', '/sobjects/Nope'), part('c', '/limits')],
      { allOrNone: true },
    )
    expect(items.map(({ httpStatusCode }) => httpStatusCode)).toEqual([400, 404, 400])
    expect(items[2]?.body).toEqual([
      {
        errorCode: 'PROCESSING_HALTED',
        message:
          'The transaction was rolled back since another operation in the same transaction failed.',
      },
    ])
  })

  it.each([
    ['26 parts', Array.from({ length: 26 }, (_, i) => part(`r${i}`, '/limits'))],
    ['six queries', Array.from({ length: 6 }, (_, i) => part(`r${i}`, '/query?q=x'))],
    ['a part without referenceId', [{ method: 'GET', url: `${V}/limits` }]],
    ['a referenceId with a dash', [part('a-b', '/limits')]],
    ['two parts of one referenceId', [part('a', '/limits'), part('a', '/limits')]],
    ['an Accept header', [part('a', '/limits', { httpHeaders: { Accept: 'text/html' } })]],
    ['no parts', []],
  ])('is refused as a whole with %s', async (_what, compositeRequest) => {
    expect((await admin.post('/composite', { compositeRequest })).status).toBe(400)
  })

  it('can have a single part struck by a fault', async () => {
    await sim.control.addFault({
      path: '*/sobjects/Lead/describe',
      kind: { type: 'status', status: 500 },
    })
    const items = await composite([
      part('account', '/sobjects/Account/describe'),
      part('lead', '/sobjects/Lead/describe'),
    ])
    expect(items.map(({ httpStatusCode }) => httpStatusCode)).toEqual([200, 500])
  })
})

describe('a batch', () => {
  const batch = (requests: object[], more: object = {}) =>
    admin.post('/composite/batch', { batchRequests: requests, ...more })

  it('counts each of its parts', async () => {
    const answer = await batch([
      { method: 'GET', url: 'v66.0/limits' },
      { method: 'GET', url: 'v66.0/sobjects/Nope' },
    ])
    expect(await answer.json()).toMatchObject({
      hasErrors: true,
      results: [{ statusCode: 200 }, { statusCode: 404 }],
    })
    expect(answer.headers.get('sforce-limit-info')).toBe('api-usage=2/105000')
  })

  it('halts on the first error when asked to', async () => {
    const answer = await batch(
      [
        { method: 'GET', url: 'v66.0/sobjects/Nope' },
        { method: 'GET', url: 'v66.0/limits' },
      ],
      { haltOnError: true },
    )
    const { results } = await bodyOf<{ results: { statusCode: number }[] }>(answer)
    expect(results.map(({ statusCode }) => statusCode)).toEqual([404, 412])
  })

  it('takes no headers for its parts', async () => {
    const answer = await batch([{ method: 'GET', url: 'v66.0/limits', httpHeaders: {} }])
    expect(answer.status).toBe(400)
  })
})
