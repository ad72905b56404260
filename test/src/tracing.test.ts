// With a configured collector, the server's work arrives there as traces, without tenants in them: one trace
// from the request to the last call of its job, also if the job changes the replica.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRig, type Rig, type Snapshot } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

interface Span {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  status: { code?: number; message?: string }
  attributes: Record<string, string | number>
}

/** What OTLP sends as JSON, as far as it is looked at. */
interface Received {
  resourceSpans: {
    scopeSpans: {
      spans: (Omit<Span, 'attributes'> & {
        attributes: { key: string; value: { stringValue?: string; intValue?: number } }[]
      })[]
    }[]
  }[]
}

let rig: Rig
let spans: Span[] = []
let texts: string[] = []
const collector = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    const text = (
      request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    ).toString()
    if (request.url !== '/v1/traces') throw new Error(`unexpected: ${request.url ?? ''}`)
    texts.push(text)
    spans.push(...spansIn(JSON.parse(text) as Received))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
})

const spansIn = ({ resourceSpans }: Received): Span[] =>
  resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap((scope) => scope.spans)
    .map(({ attributes, ...span }) => ({
      ...span,
      attributes: Object.fromEntries(
        attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']),
      ),
    }))

const SIMULATOR = {
  orgs: [{ name: 'Acme', edition: 'Unlimited', seed: { objects: 200, fields: 2000 } }],
  latency: { callMs: 200, describeMs: 20 },
} as const

beforeAll(async () => {
  collector.listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const { port } = collector.address() as AddressInfo
  rig = await startRig({
    simulator: { ...SIMULATOR, orgs: [...SIMULATOR.orgs] },
    environment: {
      ...TAKES_OVER,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  })
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  collector.close()
})
beforeEach(() => {
  spans = []
  texts = []
})

const spanOf = (what: string, is: (span: Span) => boolean): Promise<Span> =>
  until(`the span of ${what}`, () => spans.find(is))

const named = (name: string) => (span: Span) => span.name.startsWith(name)

/** A connected client. */
const connected = async () => {
  const org = await rig.org()
  const client = await org.client()
  await client.connect('Acme')
  return { org, client }
}

describe('the trace of a pull', () => {
  it('has the request with its id and status, the job under it, and the calls under the job', async () => {
    const { org, client } = await connected()
    const answer = await org.api.post<Snapshot>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 55,
    })
    const request = await spanOf('the request', named('POST /api/topology/pull'))
    expect(request.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/topology/pull',
      'http.response.status_code': 200,
      request_id: answer.headers.get('x-request-id'),
    })
    const job = await spanOf('the job', named('job topology-pull'))
    expect([job.traceId, job.parentSpanId]).toEqual([request.traceId, request.spanId])
    for (const service of ['salesforce ', 'nango get_connection']) {
      await spanOf(
        service,
        (span) =>
          named(service)(span) && span.traceId === job.traceId && span.parentSpanId === job.spanId,
      )
    }
    for (const id of [org.id, client.id, org.token]) expect(texts.join('\n')).not.toContain(id)
  })

  it('says with which status and code a request was refused', async () => {
    const org = await rig.org()
    await org.api.post('/api/topology/pull', { client_id: 'nobody' })
    const { attributes, status } = await spanOf('the request', named('POST /api/topology/pull'))
    expect(attributes).toMatchObject({ 'http.response.status_code': 422 })
    expect(status).toMatchObject({ code: 2, message: 'validation_failed' })
  })

  it('goes on when the work had to wait for Salesforce', async () => {
    const { org, client } = await connected()
    await rig.simulator.control.addFault({
      org: 'Acme',
      times: 1_000_000,
      kind: { type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Busy.' },
    })
    const { body } = await org.api.post<Snapshot>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 0,
    })
    const request = await spanOf('the request', named('POST /api/topology/pull'))
    const turns = () => spans.filter(named('job topology-pull'))
    await spanOf('the turn that met the outage', named('job topology-pull'))
    await rig.simulator.control.clearFaults()
    await until('the pull is complete', async () => {
      const [row] = await rig.database.query<{ status: string }>(
        'select status from crm_topology_snapshots where id = $1',
        [body.id],
      )
      return row?.status === 'complete'
    })
    await until('its last turn has arrived', () => turns().length > 1)
    expect(new Set(turns().map(({ traceId }) => traceId))).toEqual(new Set([request.traceId]))
  })

  it('goes on when another replica takes the job over', async () => {
    const { org, client } = await connected()
    const { body } = await org.api.post<Snapshot>('/api/topology/pull', {
      client_id: client.id,
      wait_seconds: 0,
    })
    const request = await spanOf('the request', named('POST /api/topology/pull'))
    await until('it is under way', async () => {
      const [row] = await rig.database.query<{ n: number }>(
        'select count(*)::int as n from topology_pull_items where client_id = $1',
        [client.id],
      )
      return (row?.n ?? 0) > 0
    })
    await rig.servers[0]?.kill()
    expect(spans.some(named('job topology-pull'))).toBe(false)
    await rig.addServer()
    const job = await spanOf('the job', named('job topology-pull'))
    expect([job.traceId, job.parentSpanId]).toEqual([request.traceId, request.spanId])
    const [row] = await rig.database.query<{ status: string }>(
      'select status from crm_topology_snapshots where id = $1',
      [body.id],
    )
    expect(row).toEqual({ status: 'complete' })
  })
})
