import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../../testing/rig.ts'
import { bulkClient, OVER, type BulkClient, type JobInfo } from './testing/bulk-client.ts'

let sim: Rig
let admin: Client
let bulk: BulkClient
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
  bulk = bulkClient(admin)
})
afterAll(() => sim.close())

const create = (query: string, more: Record<string, unknown> = {}) =>
  bulk.request('POST', 'query', { operation: 'query', query, ...more })

const done = async (query: string, more: Record<string, unknown> = {}): Promise<JobInfo> => {
  const { id } = await bodyOf<JobInfo>(await create(query, more))
  return bulk.until('query', id, ...OVER)
}
const results = async (id: string, query = '') => {
  const answer = await bulk.request('GET', `query/${id}/results${query}`)
  return {
    status: answer.status,
    locator: answer.headers.get('sforce-locator'),
    rows: answer.headers.get('sforce-numberofrecords'),
    type: answer.headers.get('content-type'),
    text: await answer.text(),
  }
}
const fill = (count: number) =>
  sim.control.act('records/fill', {
    org: 'Acme',
    object: 'Lead',
    count,
    template: { LastName: 'L{n}', Company: 'Court', Title: 'a "b", c' },
  })

describe('a query job', () => {
  it('shows its members as recorded', async () => {
    const created = await create('SELECT Id FROM Account')
    expect(created.status).toBe(200)
    const job = await bodyOf<JobInfo>(created)
    expect(Object.keys(job)).toEqual([
      'id',
      'operation',
      'object',
      'createdById',
      'createdDate',
      'systemModstamp',
      'state',
      'concurrencyMode',
      'contentType',
      'apiVersion',
      'lineEnding',
      'columnDelimiter',
    ])
    expect(job).toMatchObject({ operation: 'query', object: 'Account', state: 'UploadComplete' })
    expect(await bulk.until('query', job.id, ...OVER)).toMatchObject({
      state: 'JobComplete',
      jobType: 'V2Query',
      isPkChunkingSupported: true,
    })
  })

  it('answers CSV with quoted cells, parents by their path and dates in Z', async () => {
    await fill(1)
    const job = await done(
      "SELECT LastName, Owner.Username, Title, CreatedDate, IsConverted, Website FROM Lead WHERE LastName = 'L1'",
    )
    const { text, type, locator, rows } = await results(job.id)
    expect([type, locator, rows]).toEqual(['text/csv', 'null', '1'])
    const [header, row] = text.split('\n')
    expect(header).toBe('"LastName","Owner.Username","Title","CreatedDate","IsConverted","Website"')
    expect(row).toMatch(
      /^"L1","admin@acme.example","a ""b"", c","\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.000Z","false",""$/,
    )
  })

  it('gives its results in pages, each with the header, by locator', async () => {
    await fill(25)
    const job = await done("SELECT LastName FROM Lead WHERE Company = 'Court'")
    expect(job.numberRecordsProcessed).toBe(25)
    const names: string[] = []
    const sizes: number[] = []
    let page = await results(job.id, '?maxRecords=10')
    for (;;) {
      const [header, ...rows] = page.text.trimEnd().split('\n')
      expect(header).toBe('"LastName"')
      expect(page.rows).toBe(String(rows.length))
      sizes.push(rows.length)
      names.push(...rows)
      if (page.locator === 'null') break
      page = await results(job.id, `?maxRecords=10&locator=${page.locator}`)
    }
    expect(sizes).toEqual([10, 10, 5])
    expect(new Set(names).size).toBe(25)
    expect((await results(job.id, '?locator=nonsense')).status).toBe(400)
  })

  it('keeps the rows as they were when it ran', async () => {
    await fill(1)
    const job = await done("SELECT Id, LastName FROM Lead WHERE Company = 'Court'")
    const [row] = await sim.control.act('records/list', {
      org: 'Acme',
      object: 'Lead',
      where: { Company: 'Court' },
    })
    await sim.control.act('records/update', {
      org: 'Acme',
      object: 'Lead',
      rows: [{ Id: row?.Id, LastName: 'Changed' }],
    })
    expect((await results(job.id)).text).toContain('"L1"')
  })

  it('sees the recycle bin as queryAll only', async () => {
    await fill(1)
    const [row] = await sim.control.act('records/list', {
      org: 'Acme',
      object: 'Lead',
      where: { Company: 'Court' },
    })
    await sim.control.act('records/delete', { org: 'Acme', object: 'Lead', ids: [String(row?.Id)] })
    const soql = "SELECT LastName FROM Lead WHERE Company = 'Court'"
    expect((await done(soql)).numberRecordsProcessed).toBe(0)
    const empty = await results((await done(soql)).id)
    expect([empty.text, empty.rows]).toEqual(['"LastName"\n', '0'])
    expect((await done(soql, { operation: 'queryAll' })).numberRecordsProcessed).toBe(1)
  })

  it('is refused for what Bulk does not query', async () => {
    const refusal = async (soql: string) => {
      const answer = await create(soql)
      const [error] = await bodyOf<{ errorCode: string; message: string }[]>(answer)
      return [answer.status, error?.errorCode, error?.message]
    }
    expect(await refusal('SELECT Id FROM Nope')).toEqual([
      400,
      'INVALIDENTITY',
      "Entity 'Nope' is not supported by the Bulk API.",
    ])
    expect(await refusal('SELECT BillingAddress FROM Account')).toEqual([
      400,
      'API_ERROR',
      'Selecting compound data not supported in Bulk Query',
    ])
    expect(await refusal('SELECT Id, (SELECT Id FROM Contacts) FROM Account')).toEqual([
      400,
      'API_ERROR',
      'Aggregate Relationships not supported in Bulk Query',
    ])
    for (const soql of [
      'SELECT COUNT() FROM Account',
      'SELECT Name, COUNT(Id) FROM Account GROUP BY Name',
      'SELECT Id FROM Account LIMIT 5 OFFSET 5',
      'SELECT Nope FROM Account',
      'SELECT FROM Account',
    ]) {
      expect((await refusal(soql)).slice(0, 2)).toEqual([400, 'API_ERROR'])
    }
  })

  it('can be aborted, and deleted when it is over', async () => {
    await sim.control.act('bulk/hold', { org: 'Acme', at: 'queued' })
    const { id } = await bodyOf<JobInfo>(await create('SELECT Id FROM Account'))
    const early = await results(id)
    expect(early.status).toBe(400)
    expect(early.text).toContain('INVALIDJOBSTATE')
    const aborted = await bulk.setState('query', id, 'Aborted')
    expect(await aborted.json()).toMatchObject({ id, state: 'Aborted' })
    expect((await bulk.request('DELETE', `query/${id}`)).status).toBe(204)
    expect((await bulk.request('GET', `query/${id}`)).status).toBe(404)
  })

  it('counts, and comes to an end with the allocation of the day', async () => {
    await done('SELECT Id FROM Account')
    const limits = await bodyOf<Record<string, { Remaining: number }>>(await admin.get('/limits'))
    expect(limits['DailyBulkV2QueryJobs']?.Remaining).toBe(9999)
    expect(limits['DailyBulkV2QueryFileStorageMB']?.Remaining).toBe(976_561)
    await sim.control.act('usage/set', { org: 'Acme', bulkQueryJobs: 10_000 })
    const refused = await create('SELECT Id FROM Account')
    expect(await refused.json()).toMatchObject([
      {
        errorCode: 'EXCEEDEDQUOTA',
        message: 'Max bulk v2 query jobs (10000) per 24 hrs has been reached',
      },
    ])
    await sim.control.act('usage/set', {
      org: 'Acme',
      bulkQueryJobs: 0,
      bulkQueryResultKB: 1_000_000_000,
    })
    expect(await done('SELECT Id FROM Account')).toMatchObject({ state: 'Failed' })
  })
})
