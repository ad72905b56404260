import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../errors.ts'
import {
  abortBulkJob,
  awaitBulkJob,
  BULK_UPLOAD_MAX,
  closeBulkJob,
  createBulkJob,
  getBulkJob,
  startBulkIngest,
  uploadBulkData,
} from './bulk.ts'
import { isUnknownFate } from './failure.ts'
import { createSalesforce, type SalesforceOrg } from './gateway.ts'
import { createHostPolicy } from './hosts.ts'
import { budgetOf, openBudget } from './testing/budget.ts'
import {
  type Answer,
  json,
  rejection,
  rememberingSessions,
  type SeenRequest,
  startRig,
} from './testing/misbehaving-server.ts'

const ID = '750000000000001AAA'
const job = (state: string, more: object = {}) => ({
  id: ID,
  state,
  object: 'Lead',
  contentUrl: `services/data/v66.0/jobs/ingest/${ID}/batches`,
  apiVersion: 66.0,
  ...more,
})
const deadSession = { exceptionCode: 'InvalidSessionId', exceptionMessage: 'Invalid session id' }
const refusal = (errorCode: string, message = 'x') => [{ errorCode, message }]
const csvOf = (text: string) =>
  async function* csv(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }

type Step = 'create' | 'upload' | 'close' | 'abort' | 'look'
const stepOf = ({ method, body }: SeenRequest): Step =>
  method === 'POST'
    ? 'create'
    : method === 'PUT'
      ? 'upload'
      : method === 'GET'
        ? 'look'
        : body.includes('Aborted')
          ? 'abort'
          : 'close'

/** Jobs 1, 2, 3 … that work; `faults` are returned first, in turn, at their step. */
const bulkOrg = (faults: Partial<Record<Step, Answer[]>> = {}): Answer => {
  let jobs = 0
  const states = new Map<string, string>()
  return (request, response) => {
    const step = stepOf(request)
    const id = /ingest\/(\w+)/.exec(request.url)?.[1] ?? ''
    if (step === 'close') states.set(id, 'UploadComplete')
    if (step === 'abort') states.set(id, 'Aborted')
    const fault = faults[step]?.shift()
    if (fault !== undefined) return fault(request, response)
    if (step === 'create') {
      jobs += 1
      states.set(`job${jobs}`, 'Open')
      return json(response, 200, { ...job('Open'), id: `job${jobs}` })
    }
    if (step === 'upload') return response.writeHead(201).end()
    json(response, 200, { ...job(states.get(id) ?? 'Open'), id })
  }
}
const destroy: Answer = (_request, response) => response.destroy()
const unavailable: Answer = (_request, response) => response.writeHead(503).end()

describe('a Bulk job', () => {
  it('is created, filled and closed, with what Salesforce has to know and no more', async () => {
    await using rig = await startRig(bulkOrg())
    const told: string[] = []
    const done = await startBulkIngest(
      rig.org,
      {
        object: 'Lead',
        operation: 'upsert',
        externalIdFieldName: 'Key__c',
        assignmentRuleId: '01Q000000000001AAA',
      },
      csvOf('Key__c\n1\n'),
      (id) => told.push(`${id} after ${rig.seen.length} call`),
    )
    expect(done).toMatchObject({ id: 'job1', state: 'UploadComplete', done: false })
    expect(told).toEqual(['job1 after 1 call'])
    expect(rig.seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      [
        'POST',
        '/services/data/v66.0/jobs/ingest',
        '{"object":"Lead","operation":"upsert","contentType":"CSV","columnDelimiter":"COMMA","lineEnding":"LF","externalIdFieldName":"Key__c","assignmentRuleId":"01Q000000000001AAA"}',
      ],
      ['PUT', '/services/data/v66.0/jobs/ingest/job1/batches', 'Key__c\n1\n'],
      ['PATCH', '/services/data/v66.0/jobs/ingest/job1', '{"state":"UploadComplete"}'],
    ])
    expect(rig.seen[1]?.headers['content-type']).toBe('text/csv')
  })

  it('is read whatever Salesforce makes of its numbers, and a failed one says why', async () => {
    const answers = [
      job('InProgress', { numberRecordsProcessed: '20', numberRecordsFailed: 3, retries: 1 }),
      job('Failed', { errorMessage: 'InvalidBatch : Field name not found : X' }),
      job('JobComplete', { numberRecordsProcessed: 20, totalProcessingTime: 512 }),
    ]
    await using rig = await startRig((_request, response) => json(response, 200, answers.shift()))
    expect(await getBulkJob(rig.org, ID)).toEqual({
      id: ID,
      state: 'InProgress',
      done: false,
      processed: 20,
      failed: 3,
      retries: 1,
      totalProcessingMs: 0,
      failure: null,
    })
    expect(await getBulkJob(rig.org, ID)).toMatchObject({
      done: true,
      failure: { code: 'InvalidBatch', message: 'InvalidBatch : Field name not found : X' },
    })
    expect(await getBulkJob(rig.org, ID)).toMatchObject({ done: true, totalProcessingMs: 512 })
  })

  it.each([
    { object: 'Lead', operation: 'upsert' as const },
    { object: 'Lead', operation: 'insert' as const, externalIdFieldName: 'Key__c' },
  ])('with %j is a mistake of the caller', async (spec) => {
    await using rig = await startRig(bulkOrg())
    expect(await rejection(createBulkJob(rig.org, spec))).toBeInstanceOf(TypeError)
    expect(rig.seen).toEqual([])
  })

  it('whose session is dead (Bulk’s own 400) goes on with a new session and a new stream', async () => {
    const dead: Answer = (_request, response) => json(response, 400, deadSession)
    await using rig = await startRig(bulkOrg({ create: [dead], upload: [dead], close: [dead] }))
    const spec = { object: 'Lead', operation: 'insert' } as const
    await startBulkIngest(rig.org, spec, csvOf('Id\n1\n'), () => undefined)
    expect(rig.sessions.renewals).toEqual(['token-1', 'token-2', 'token-3'])
    expect(rig.seen.map(stepOf)).toEqual(['create', 'create', 'upload', 'upload', 'close', 'close'])
    expect(rig.seen[3]?.body).toBe('Id\n1\n')
  })

  it('is made once more where the answer is lost: an empty job does nothing', async () => {
    await using rig = await startRig(bulkOrg({ create: [destroy, unavailable] }))
    expect(await createBulkJob(rig.org, { object: 'Lead', operation: 'insert' })).toMatchObject({
      state: 'Open',
    })
    expect(rig.seen.map(stepOf)).toEqual(['create', 'create', 'create'])
  })
})

describe('an upload', () => {
  it.each([
    ['the connection breaks', destroy],
    ['Salesforce answers 503', unavailable],
  ])('is never sent twice into one job when %s', async (_name, fault) => {
    await using rig = await startRig(bulkOrg({ upload: [fault] }))
    const error = await rejection(uploadBulkData(rig.org, 'job1', csvOf('Id\n')))
    expect(isUnknownFate(error)).toBe(true)
    expect(rig.seen).toHaveLength(1)
  })

  it('that got lost is started again in a new job, and the first one aborted', async () => {
    await using rig = await startRig(bulkOrg({ upload: [destroy] }))
    const told: string[] = []
    const spec = { object: 'Lead', operation: 'insert' } as const
    const closed = await startBulkIngest(rig.org, spec, csvOf('Id\n1\n'), (id) => told.push(id))
    expect(closed).toMatchObject({ id: 'job2', state: 'UploadComplete' })
    expect(told).toEqual(['job1', 'job2'])
    expect(rig.seen.map((seen) => `${stepOf(seen)} ${seen.url.split('/')[6] ?? ''}`)).toEqual([
      'create ',
      'upload job1',
      'abort job1',
      'create ',
      'upload job2',
      'close job2',
    ])
    expect(rig.waits).toHaveLength(1)
  })

  it('that gets lost again and again ends with no job closed', async () => {
    await using rig = await startRig(bulkOrg({ upload: [destroy, destroy, destroy] }))
    const spec = { object: 'Lead', operation: 'insert' } as const
    const error = await rejection(startBulkIngest(rig.org, spec, csvOf('Id\n'), () => undefined))
    expect(isUnknownFate(error)).toBe(true)
    expect(rig.seen.map(stepOf).filter((step) => step !== 'create')).toEqual(
      Array(3).fill(['upload', 'abort']).flat(),
    )
  })

  it('whose source fails ends with the source’s own fault, and the job is aborted', async () => {
    await using rig = await startRig(bulkOrg())
    const fault = new Error('disk')
    async function* broken() {
      yield Buffer.from('Id\n')
      throw fault
    }
    const spec = { object: 'Lead', operation: 'insert' } as const
    expect(await rejection(startBulkIngest(rig.org, spec, broken, () => undefined))).toBe(fault)
    expect(rig.seen.map(stepOf)).not.toContain('close')
    expect(rig.seen.map(stepOf).at(-1)).toBe('abort')
  })
})

describe('closing and aborting', () => {
  const twice: Answer = (_request, response) => json(response, 400, refusal('INVALIDJOBSTATE'))

  it('a job is closed although the first answer got lost and the second is a refusal', async () => {
    await using rig = await startRig(bulkOrg({ close: [destroy, twice] }))
    expect(await closeBulkJob(rig.org, 'job1')).toMatchObject({ state: 'UploadComplete' })
    expect(rig.seen.map(stepOf)).toEqual(['close', 'close', 'look'])
  })

  it('a refusal is a refusal where the job did not move', async () => {
    await using rig = await startRig((request, response) =>
      request.method === 'PATCH'
        ? json(response, 400, refusal('INVALIDJOB', 'Found multiple contents'))
        : json(response, 200, job('Open')),
    )
    expect(await rejection(closeBulkJob(rig.org, ID))).toMatchObject({
      upstream: { code: 'INVALIDJOB' },
    })
    expect(await rejection(abortBulkJob(rig.org, ID))).toMatchObject({
      upstream: { code: 'INVALIDJOB' },
    })
  })

  it('a job that has already ended is answered as it ended', async () => {
    await using rig = await startRig((request, response) =>
      request.method === 'PATCH'
        ? twice(request, response)
        : json(response, 200, job('JobComplete')),
    )
    expect(await abortBulkJob(rig.org, ID)).toMatchObject({ state: 'JobComplete', done: true })
  })
})

describe('waiting for a job', () => {
  it('survives failed looks, ignores the budget, and ends with the job', async () => {
    const answers: Answer[] = [
      destroy,
      unavailable,
      (_request, response) => json(response, 200, job('InProgress')),
    ]
    await using rig = await startRig((request, response) =>
      (
        answers.shift() ?? ((_request, last) => json(last, 200, job('JobComplete', { retries: 0 })))
      )(request, response),
    )
    const check = async () => {
      throw new EngineError('api_budget_exhausted', 'spent')
    }
    const org = rig.salesforce.org({ ...rig.target, budget: budgetOf(check) })
    const seen: string[] = []
    const onProgress = ({ state }: { state: string }) => seen.push(state)
    expect(await awaitBulkJob(org, ID, { onProgress })).toMatchObject({ done: true })
    expect(seen).toEqual(['InProgress', 'JobComplete'])
    expect(rig.waits).toEqual([1000, 1000, 1000])
  })
})

describe('an upload of any size', () => {
  /** A server that handles an upload as the test says, without storing it. */
  const withUploads = async (
    take: (message: IncomingMessage, response: ServerResponse) => unknown,
    use: (org: SalesforceOrg) => Promise<void>,
  ): Promise<void> => {
    const server = createServer((message, response) => void take(message, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const salesforce = createSalesforce({
      hosts: createHostPolicy(['127.0.0.1']),
      wait: async () => undefined,
    })
    try {
      await use(
        salesforce.org({
          sfdcOrgId: '00D',
          apiVersion: 'v66.0',
          sessions: rememberingSessions(url).source,
          budget: openBudget,
          priority: 'work',
        }),
      )
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await salesforce.close()
    }
  }

  const MB = 1_000_000

  it('waits for a slow far side instead of filling the memory', async () => {
    let produced = 0
    let received = 0
    let ahead = 0
    async function* csv() {
      for (let n = 0; n < 64; n += 1) {
        produced += MB
        yield Buffer.alloc(MB, 'x')
      }
    }
    const take = async (message: IncomingMessage, response: ServerResponse) => {
      for await (const piece of message) {
        received += (piece as Buffer).length
        ahead = Math.max(ahead, produced - received)
      }
      response.writeHead(201).end()
    }
    await withUploads(take, (org) => uploadBulkData(org, ID, csv))
    expect(received).toBe(64 * MB)
    // What the sockets of the two sides hold, and far less than the whole.
    expect(ahead).toBeLessThan(20 * MB)
  })

  it('is refused at 100 MB, whatever the source still has to give', async () => {
    let produced = 0
    let ended = false
    async function* endless() {
      try {
        for (;;) {
          produced += MB
          yield Buffer.alloc(MB, 'x')
        }
      } finally {
        ended = true
      }
    }
    const take = async (message: IncomingMessage) => {
      message.on('error', () => undefined).resume()
    }
    await withUploads(take, async (org) => {
      expect(await rejection(uploadBulkData(org, ID, endless))).toMatchObject({
        code: 'payload_too_large',
      })
    })
    expect(produced).toBe(BULK_UPLOAD_MAX + MB)
    expect(ended).toBe(true)
  })

  it('whose session dies on the way begins again from its first byte', async () => {
    let uploads = 0
    let received = 0
    async function* csv() {
      for (let n = 0; n < 16; n += 1) yield Buffer.alloc(MB, 'x')
    }
    const take = (message: IncomingMessage, response: ServerResponse) => {
      uploads += 1
      if (uploads === 1) {
        message.once('data', () => {
          message.pause()
          json(response, 400, deadSession)
        })
        return
      }
      message.on('data', (piece: Buffer) => (received += piece.length))
      message.on('end', () => response.writeHead(201).end())
    }
    await withUploads(take, (org) => uploadBulkData(org, ID, csv))
    expect([uploads, received]).toEqual([2, 16 * MB])
  })

  it('that Salesforce refuses before its end is not pushed on, and its word is heard', async () => {
    let produced = 0
    async function* csv() {
      for (let n = 0; n < 64; n += 1) {
        produced += MB
        yield Buffer.alloc(MB, 'x')
      }
    }
    const take = (message: IncomingMessage, response: ServerResponse) => {
      message.once('data', () => {
        message.pause()
        json(response, 400, refusal('INVALIDJOB'), { connection: 'close' })
      })
    }
    await withUploads(take, async (org) => {
      expect(await rejection(uploadBulkData(org, ID, csv))).toMatchObject({
        upstream: { code: 'INVALIDJOB' },
      })
    })
    expect(produced).toBeLessThan(30 * MB)
  })
})
