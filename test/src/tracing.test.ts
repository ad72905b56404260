// With a configured collector, the server's work arrives there as traces, without tenants in them.

import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { startRig, type Rig } from './rig.ts'
import { until } from './until.ts'

let rig: Rig | undefined
const received: string[] = []
const collector = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    received.push(
      `${request.url ?? ''} ${(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('latin1')}`,
    )
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
})
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  collector.close()
})

it(
  'a request, a job and the calls to Salesforce and Nango arrive at the collector',
  { timeout: 60_000 },
  async () => {
    collector.listen(0, '127.0.0.1')
    await once(collector, 'listening')
    const { port } = collector.address() as AddressInfo
    rig = await startRig({
      simulator: true,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    })
    const org = await rig.org()
    const client = await org.client()
    await client.connect()
    await client.pull()
    const all = () => received.join('\n')
    await until('all spans', () =>
      ['POST /api/topology/pull', 'job topology-pull', 'salesforce ', 'nango get_connection'].every(
        (name) => all().includes(name),
      ),
    )
    expect(received[0]).toMatch(/^\/v1\/traces /)
    for (const id of [org.id, client.id, org.token]) expect(all()).not.toContain(id)
  },
)
