// Whatever is sent, the answer is one that the OpenAPI document names, never a 5xx, and soon. Here some ten
// requests for each endpoint, always the same ones; `npm run fuzz` sends 100,000 new ones, and FUZZ_SEED repeats
// a run.

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { createArbitraries, type FuzzedRequest, type JsonSchema } from './fuzz.ts'
import { type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 1_500)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_128)
/** Far more than any answer takes; this machine may be busy. */
const SOON_MS = Number(process.env.FUZZ_SOON_MS ?? 10_000)

/** In a run of its own nothing else makes the servers grow: after a fifth of it, they have what they need. */
const GROWTH_MAX_BYTES = process.env.FUZZ_ALONE === undefined ? Infinity : 64 * 2 ** 20

/** Endpoints that would end the run's own credentials, or that belong to no tenant. */
const LEFT_OUT = /^\/api\/(super-admin|auth|webhooks)\//

/** What ends a client or its connection is asked for a client of its own: the rest of the run needs the others. */
const ENDS_A_CLIENT = /^\/api\/(fleet\/offboard\/start|connections\/revoke)$/

interface Document {
  paths: Record<
    string,
    Record<
      string,
      { requestBody?: { content: Record<string, { schema: JsonSchema } | undefined> } } | undefined
    >
  >
  components: { schemas: Record<string, JsonSchema> }
}

let rig: SharedRig
let org: TestOrg
let document: Document
const known: Record<string, string[]> = {}
let doomedId: string

beforeAll(async () => {
  rig = await sharedRig()
  const salesforceOrg = await rig.salesforceOrg()
  org = await rig.org()
  document = (await (await fetch(`${rig.urls[0]}/openapi.json`)).json()) as Document
  const connected = await org.client()
  await connected.connect(salesforceOrg.name)
  await connected.pull()
  known.client_id = [connected.id, (await org.client()).id]
  known.user_id = [(await org.user('company_member', connected.id)).id]
  doomedId = (await org.client()).id
  const page = await org.api.post<{ next_cursor: string }>('/api/clients/list', { limit: 1 })
  known.cursor = [page.body.next_cursor]
  const blueprint = await org.api.post<{ id: string }>('/api/blueprints/create', { name: 'Fuzzed' })
  known.blueprint_id = [blueprint.body.id]
})

const requests = (): fc.Arbitrary<FuzzedRequest> => {
  const bodies = (clientIds: string[]) =>
    createArbitraries(
      document.components.schemas,
      (member) => (member === 'client_id' ? clientIds : known[member]) ?? [],
    )
  const bodyOf = bodies(known.client_id ?? [])
  const endingBodyOf = bodies([doomedId])
  const each = Object.entries(document.paths).flatMap(([path, { post }]) => {
    const schema = post?.requestBody?.content['application/json']?.schema
    if (schema === undefined || LEFT_OUT.test(path)) return []
    const its = ENDS_A_CLIENT.test(path) ? endingBodyOf : bodyOf
    return [its(schema).map((request) => ({ ...request, path }))]
  })
  expect(each.length).toBeGreaterThan(45)
  return fc.oneof(...each)
}

/** No call waits for its work: only its acceptance is tested here. */
const unwaited = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'wait_seconds' in body
    ? { ...body, wait_seconds: 0 }
    : body

const send = async (api: Api, { path, body, text }: FuzzedRequest) => {
  const sentAt = performance.now()
  const answer = await api.raw(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text ?? JSON.stringify(unwaited(body)),
  })
  return { answer, ms: performance.now() - sentAt }
}

/** Resident memory of the server that is called. */
const memoryBytes = async (): Promise<number> => {
  const text = await (await fetch(`${rig.urls[0]}/metrics`)).text()
  const bytes = Number(/^\S*process_resident_memory_bytes(?:{.*})? (\S+)$/m.exec(text)?.[1])
  expect(bytes).toBeGreaterThan(0)
  return bytes
}

describe('whatever is sent', () => {
  it(`is answered in the words of the OpenAPI document, soon, and never as a fault of ours (seed ${SEED})`, async () => {
    const statuses = new Map<number, number>()
    let sent = 0
    let settledBytes = 0
    await fc.assert(
      fc.asyncProperty(requests(), async (request) => {
        // The client itself checks each answer against the document.
        if (++sent === Math.ceil(REQUESTS / 5)) settledBytes = await memoryBytes()
        const { answer, ms } = await send(org.api, request)
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        expect(answer.status, answer.text.slice(0, 500)).toBeLessThan(500)
        expect(ms, `${request.path} took its time`).toBeLessThan(SOON_MS)
      }),
      { numRuns: REQUESTS, seed: SEED, endOnFailure: process.env.FUZZ_SHRINK === undefined },
    )
    expect((await memoryBytes()) - settledBytes, 'growth in bytes').toBeLessThan(GROWTH_MAX_BYTES)
    // Both accepted and refused requests occurred.
    for (const status of [200, 422])
      expect(statuses.get(status), `${status}`).toBeGreaterThan(REQUESTS / 50)
  }, 3_600_000)
})
