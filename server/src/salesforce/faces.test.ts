import { describe, expect, it } from 'vitest'
import { composite } from './composite.ts'
import { soql, soqlName, urlPath, xmlText } from './escape.ts'
import { json, rejection, startRig, toList } from './testing/misbehaving-server.ts'
import {
  describeGlobal,
  getIdentity,
  getLimits,
  getRecordCounts,
  listVersions,
  query,
  queryCount,
} from './rest.ts'
import { getToolingRecords, patchToolingRecord, toolingQuery } from './tooling.ts'
import { list, parseXml, toXml } from './xml.ts'

describe('escaping', () => {
  it.each([
    [
      soql`SELECT Id FROM Lead WHERE Name = ${"O'Neil"}`,
      "SELECT Id FROM Lead WHERE Name = 'O\\'Neil'",
    ],
    [soql`x = ${"\\' OR Name != '"}`, "x = '\\\\\\' OR Name != \\''"],
    [soql`x = ${'a\nb\tc"d'}`, "x = 'a\\nb\\tc\\\"d'"],
    [soql`x IN ${['a', "b'c"]}`, "x IN ('a', 'b\\'c')"],
    [soql`x = ${1.5} AND y = ${true} AND z = ${null}`, 'x = 1.5 AND y = true AND z = null'],
    [soql`x > ${new Date(0)}`, 'x > 1970-01-01T00:00:00.000Z'],
    [
      soql`SELECT ${soqlName('Id', 'Owner.Name')} FROM ${soqlName('Job__c')}`,
      'SELECT Id, Owner.Name FROM Job__c',
    ],
  ])('no value leaves its place in SOQL: %o', (value, text) => {
    expect(value.text).toBe(text)
  })

  it.each(['', 'Id FROM User--', "a'b", 'a b', '1a', 'a.', 'a,b', 'ａ'])(
    '%j is not a name for SOQL',
    (name) => {
      expect(() => soqlName(name)).toThrow(TypeError)
    },
  )

  it('SOQL has no empty list and no infinity', () => {
    expect(() => soql`x IN ${[]}`).toThrow(TypeError)
    expect(() => soql`x = ${Infinity}`).toThrow(TypeError)
  })

  it.each([
    ['a/b?c#d', '/x/a%2Fb%3Fc%23d'],
    ['ä é', '/x/%C3%A4%20%C3%A9'],
    ['a%2e', '/x/a%252e'],
  ])('no value leaves its place in a path: %j', (value, path) => {
    expect(urlPath`/x/${value}`).toBe(path)
  })

  it.each(['', '.', '..'])('%j is not a path segment', (value) => {
    expect(() => urlPath`/x/${value}`).toThrow(TypeError)
  })

  it('no value leaves its place in XML, and what XML cannot carry is left out', () => {
    expect(xmlText('<a b="c" d=\'e\'>&\u0000\u000b\r\uffff')).toBe(
      '&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;&#xD;',
    )
    expect(toXml('a', { b: ['1', '<2>'], c: null, d: { e: true } })).toBe(
      '<a><b>1</b><b>&lt;2&gt;</b><d><e>true</e></d></a>',
    )
    expect(() => toXml('a><b', 'x')).toThrow(TypeError)
  })
})

describe('XML', () => {
  it('is read back as it was written', () => {
    const text = ' <&>"\' &lt; \r x '
    expect(parseXml(toXml('a', { b: text })).a).toEqual({ b: text })
  })

  it('lists are lists whether there are none, one or several', () => {
    const read = (xml: string): unknown[] => {
      const { a } = parseXml(xml)
      return list((a as { b?: unknown } | '') === '' ? undefined : (a as { b?: unknown }).b)
    }
    expect(read('<a/>')).toEqual([])
    expect(read('<a><b>1</b></a>')).toEqual(['1'])
    expect(read('<a>\n  <b>1</b>\n  <b>002</b>\n</a>')).toEqual(['1', '002'])
  })

  it.each([
    ['a DTD', '<!DOCTYPE a [<!ENTITY e "boom">]><a>&e;</a>'],
    ['an external entity', '<?xml version="1.0"?><!doctype a SYSTEM "file:///etc/passwd"><a/>'],
    ['an early end', '<a><b>1</b>'],
    ['no XML at all', 'Service unavailable'],
    ['nothing', ''],
  ])('with %s is refused', (_name, text) => {
    expect(() => parseXml(text)).toThrow(expect.objectContaining({ code: 'salesforce_error' }))
  })

  it('knows no entities but XML’s own', () => {
    expect(parseXml('<a>&#65;&#x42;&amp;lt;&nbsp;&#1114112;</a>').a).toBe('AB&lt;&nbsp;&#1114112;')
  })
})

describe('REST', () => {
  it('versions, limits, counts and identity keep what Salesforce says', async () => {
    await using rig = await startRig((request, response) => {
      if (request.url === '/services/data/')
        return json(response, 200, [{ label: 'Spring', url: '/x', version: '66.0' }])
      if (request.url.endsWith('/limits')) {
        return json(response, 200, {
          DailyApiRequests: { Max: 15_000, Remaining: 14_000, App: {} },
          Odd: 1,
        })
      }
      if (request.url.includes('/recordCount'))
        return json(response, 200, { sObjects: [{ name: 'Lead', count: 3 }] })
      return json(response, 200, {
        user_id: '005',
        organization_id: '00D',
        preferred_username: 'a@b.c',
        extra: 1,
      })
    })
    expect(await listVersions(rig.salesforce.anonymous(rig.server.url))).toEqual([
      { version: '66.0', label: 'Spring' },
    ])
    expect(await getLimits(rig.org)).toEqual(
      new Map([['DailyApiRequests', { max: 15_000, remaining: 14_000 }]]),
    )
    expect(await getRecordCounts(rig.org, ['Lead', 'Empty__c'])).toEqual(
      new Map([
        ['Lead', 3],
        ['Empty__c', 0],
      ]),
    )
    const identity = await getIdentity(rig.org)
    expect(identity).toMatchObject({
      userId: '005',
      sfdcOrgId: '00D',
      username: 'a@b.c',
      language: null,
    })
    expect(identity.all.extra).toBe(1)
    expect(rig.org.calls).toBe(2)
    expect(rig.seen[0]?.headers.authorization).toBeUndefined()
    expect(rig.seen[1]?.url).toBe('/services/data/v66.0/limits')
  })

  it('describeGlobal sends Salesforce’s own Last-Modified back and understands 304', async () => {
    const date = 'Mon, 03 Jan 2022 21:57:08 GMT'
    await using rig = await startRig((request, response) =>
      request.headers['if-modified-since'] === date
        ? response.writeHead(304).end()
        : json(response, 200, { sobjects: [] }, { 'last-modified': date }),
    )
    const first = await describeGlobal(rig.org)
    expect(first).toEqual({ result: 'ok', body: { sobjects: [] }, lastModified: date })
    expect(await describeGlobal(rig.org, { ifModifiedSince: date })).toEqual({
      result: 'not_modified',
    })
  })

  it('an unrequested 304 is a failure, not an empty success', async () => {
    await using rig = await startRig((_request, response) => response.writeHead(304).end())
    expect(await rejection(describeGlobal(rig.org))).toMatchObject({ failure: { status: 304 } })
  })

  it('queries follow their pages on the same host only', async () => {
    let next = '/services/data/v66.0/query/01gxx-2'
    await using rig = await startRig((request, response) =>
      request.url.includes('01gxx')
        ? json(response, 200, { totalSize: 3, done: true, records: [{ Id: '3' }] })
        : json(response, 200, {
            totalSize: 3,
            done: false,
            records: [{ Id: '1' }, { Id: '2' }],
            nextRecordsUrl: next,
          }),
    )
    const text = soql`SELECT Id FROM Lead WHERE Name = ${'a+b&c'}`
    expect(await toList(query(rig.org, text, { batchSize: 200 }))).toEqual([
      { Id: '1' },
      { Id: '2' },
      { Id: '3' },
    ])
    expect(new URL(rig.seen[0]?.url ?? '', 'http://x').searchParams.get('q')).toBe(text.text)
    expect(rig.seen[0]?.headers['sforce-query-options']).toBe('batchSize=200')
    next = 'https://evil.example.com/services/data'
    expect(await rejection(toList(query(rig.org, text)))).toMatchObject({
      code: 'salesforce_error',
    })
    expect(await queryCount(rig.org, soql`SELECT COUNT() FROM Lead`)).toBe(3)
  })

  it('a query too long for a URL travels in the body of a composite', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 200, {
        compositeResponse: [
          {
            body: { totalSize: 1, done: true, records: [{ Id: '1' }] },
            httpHeaders: {},
            httpStatusCode: 200,
            referenceId: 'r0',
          },
        ],
      }),
    )
    const keys = Array.from({ length: 1500 }, (_, i) => `key-${i}'`)
    const text = soql`SELECT Id FROM Lead WHERE Key__c IN ${keys}`
    expect(await toList(query(rig.org, text))).toEqual([{ Id: '1' }])
    expect(rig.seen[0]).toMatchObject({ method: 'POST', url: '/services/data/v66.0/composite' })
    const sent = JSON.parse(rig.seen[0]?.body ?? '') as { compositeRequest: [{ url: string }] }
    const { url } = sent.compositeRequest[0]
    expect(new URL(url, 'http://x').searchParams.get('q')).toBe(text.text)
  })

  it('a composite that leaves a sub-request out is a failure', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 200, { compositeResponse: [] }),
    )
    const sent = composite(rig.org, [{ method: 'GET', url: '/limits' }])
    expect(await rejection(sent)).toMatchObject({ failure: { kind: 'malformed' } })
    expect(rig.seen).toHaveLength(1)
  })
})

describe('Tooling', () => {
  it('queries and records go to its own root; one unreadable record does not hide the others', async () => {
    await using rig = await startRig((request, response) => {
      if (request.url.includes('/tooling/query'))
        return json(response, 200, { size: 1, totalSize: 1, done: true, records: [{ Id: '301' }] })
      if (request.method === 'PATCH') return response.writeHead(204).end()
      json(response, 200, {
        compositeResponse: [
          {
            body: { Id: '301', Metadata: {} },
            httpHeaders: {},
            httpStatusCode: 200,
            referenceId: 'r0',
          },
          {
            body: [{ errorCode: 'NOT_FOUND', message: 'x' }],
            httpHeaders: {},
            httpStatusCode: 404,
            referenceId: 'r1',
          },
        ],
      })
    })
    expect(await toList(toolingQuery(rig.org, soql`SELECT Id FROM Flow`))).toEqual([{ Id: '301' }])
    const records = await toList(getToolingRecords(rig.org, 'Flow', ['301', '302']))
    expect(records[0]).toEqual({ id: '301', record: { Id: '301', Metadata: {} }, failure: null })
    expect(records[1]).toMatchObject({ id: '302', record: null, failure: { kind: 'not_found' } })
    await patchToolingRecord(rig.org, 'FlowDefinition', '300', {
      Metadata: { activeVersionNumber: 0 },
    })
    expect(rig.seen.map(({ url }) => url.replace(/\?.*/, ''))).toEqual([
      '/services/data/v66.0/tooling/query',
      '/services/data/v66.0/tooling/composite',
      '/services/data/v66.0/tooling/sobjects/FlowDefinition/300',
    ])
  })
})
