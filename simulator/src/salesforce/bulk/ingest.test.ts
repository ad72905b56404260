import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../../testing/rig.ts'
import { bulkClient, OVER, type BulkClient } from './testing/bulk-client.ts'

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

const PLACEMENTS = {
  object: 'Placement__c',
  operation: 'upsert',
  externalIdFieldName: 'External_Key__c',
}
const LEADS = { object: 'Lead', operation: 'insert' }
const leadRows = (count: number, from = 0) =>
  `LastName,Company\n${Array.from({ length: count }, (_, n) => `L${from + n},Court\n`).join('')}`

const count = async (soql: string): Promise<number> => {
  const answer = await admin.get(`/query?q=${encodeURIComponent(soql)}`)
  return (await bodyOf<{ totalSize: number }>(answer)).totalSize
}
const lines = (csv: string) => csv.trimEnd().split('\n')

describe('an ingest job', () => {
  it('shows its members as recorded, at each of its steps', async () => {
    const created = await (await bulk.request('POST', 'ingest', PLACEMENTS)).text()
    const { id } = JSON.parse(created) as { id: string }
    expect(Object.keys(JSON.parse(created) as object)).toEqual([
      'id',
      'operation',
      'object',
      'createdById',
      'createdDate',
      'systemModstamp',
      'state',
      'externalIdFieldName',
      'concurrencyMode',
      'contentType',
      'apiVersion',
      'contentUrl',
      'lineEnding',
      'columnDelimiter',
    ])
    expect(created).toContain('"apiVersion":66.0,')
    expect(created).toContain(`"contentUrl":"services/data/v66.0/jobs/ingest/${id}/batches"`)
    const upload = await bulk.upload(id, 'External_Key__c,Salary__c\nk1,10\n')
    expect([upload.status, await upload.text()]).toEqual([201, ''])
    const closed = await bulk.setState('ingest', id, 'UploadComplete')
    expect(closed.status).toBe(200)
    expect(await closed.json()).toMatchObject({ id, state: 'UploadComplete', apiVersion: 66 })
    const done = await bulk.until('ingest', id, ...OVER)
    expect(done).toMatchObject({
      state: 'JobComplete',
      jobType: 'V2Ingest',
      numberRecordsProcessed: 1,
      numberRecordsFailed: 0,
      retries: 0,
      apexProcessingTime: 0,
    })
    expect(done).not.toHaveProperty('contentUrl')
    expect(done).not.toHaveProperty('errorMessage')
  })

  it('passes through its states as the control port lets it', async () => {
    await sim.control.act('bulk/hold', { org: 'Acme', at: 'queued' })
    const { id } = await bulk.create(LEADS)
    await bulk.upload(id, leadRows(450))
    await bulk.setState('ingest', id, 'UploadComplete')
    expect((await bulk.info('ingest', id)).state).toBe('UploadComplete')
    await sim.control.act('bulk/hold', { org: 'Acme', at: 200 })
    const half = await bulk.until('ingest', id, 'InProgress')
    expect(half.state).toBe('InProgress')
    let processed = half.numberRecordsProcessed
    while (processed < 200) processed = (await bulk.info('ingest', id)).numberRecordsProcessed
    expect(await bulk.info('ingest', id)).toMatchObject({ state: 'InProgress' })
    const early = await bulk.request('GET', `ingest/${id}/successfulResults`)
    expect(early.status).toBe(400)
    expect(await early.json()).toMatchObject([{ errorCode: 'INVALIDJOBSTATE' }])
    await sim.control.act('bulk/hold', { org: 'Acme', at: null })
    expect(await bulk.until('ingest', id, ...OVER)).toMatchObject({
      state: 'JobComplete',
      numberRecordsProcessed: 450,
    })
    expect(await count("SELECT Id FROM Lead WHERE Company = 'Court'")).toBe(450)
  })

  it('reports the outcome of each row, in the columns and quotes of Salesforce', async () => {
    await bulk.ingest(PLACEMENTS, 'External_Key__c,Start_Date__c\nold,2026-01-01\n')
    const job = await bulk.ingest(
      PLACEMENTS,
      'Notes__c,Salary__c,External_Key__c,Start_Date__c\n' +
        '"a ""b"", c",1,old,2026-02-02\n' +
        'x,2,new,2026-03-03\n' +
        'y,3,bad,2003-04-987654321\n',
    )
    expect(job).toMatchObject({
      state: 'JobComplete',
      numberRecordsProcessed: 3,
      numberRecordsFailed: 1,
    })
    const good = lines(await bulk.results(job.id, 'successfulResults'))
    expect(good[0]).toBe('"sf__Id","sf__Created",Notes__c,Salary__c,External_Key__c,Start_Date__c')
    expect(good[1]).toMatch(/^"a00\w{15}","false","a ""b"", c","1","old","2026-02-02"$/)
    expect(good[2]).toMatch(/^"a00\w{15}","true","x","2","new","2026-03-03"$/)
    expect(lines(await bulk.results(job.id, 'failedResults'))).toEqual([
      '"sf__Id","sf__Error",Notes__c,Salary__c,External_Key__c,Start_Date__c',
      `"","INVALID_FIELD:Failed to deserialize field at col 3. Due to, '2003-04-987654321' is not a valid value for the type xsd:date:Start_Date__c --","y","3","bad","2003-04-987654321"`,
    ])
    expect(lines(await bulk.results(job.id, 'unprocessedrecords'))).toEqual([
      'Notes__c,Salary__c,External_Key__c,Start_Date__c',
    ])
  })

  it('leaves a field alone where the cell is empty, and clears it for #N/A', async () => {
    const header = 'External_Key__c,Salary__c,Start_Date__c\n'
    await bulk.ingest(PLACEMENTS, `${header}k,100,2026-01-01\n`)
    await bulk.ingest(PLACEMENTS, `${header}k,,#N/A\n`)
    expect(
      await count(
        "SELECT Id FROM Placement__c WHERE External_Key__c = 'k' AND Salary__c = 100 AND Start_Date__c = null",
      ),
    ).toBe(1)
  })

  it('finds parents by external id, and wants the type where a relationship has several', async () => {
    await bulk.ingest(PLACEMENTS, 'External_Key__c\np1\n')
    const fees = await bulk.ingest(
      { object: 'Placement_Fee__c', operation: 'insert' },
      'Name,Placement__r.External_Key__c,Amount__c\nFee,p1,10\nFee,nobody,10\n',
    )
    expect(fees).toMatchObject({ numberRecordsProcessed: 2, numberRecordsFailed: 1 })
    expect(await bulk.results(fees.id, 'failedResults')).toContain(
      'INVALID_FIELD:Foreign key external ID: nobody not found for field External_Key__c in entity Placement__c',
    )
    expect(
      await count("SELECT Id FROM Placement_Fee__c WHERE Placement__r.External_Key__c = 'p1'"),
    ).toBe(1)
    const owned = await bulk.ingest(LEADS, 'LastName,Company,Owner.Username\nx,y,z\n')
    expect(owned.errorMessage).toBe('InvalidBatch : Field name not found : Owner.Username')
    const typed = await bulk.ingest(LEADS, 'LastName,Company,User:Owner.Username\nx,y,z\n')
    expect([typed.state, typed.numberRecordsFailed]).toEqual(['JobComplete', 1])
  })

  it('fails as a whole for a column that is not a field, with every row unprocessed', async () => {
    const job = await bulk.ingest(LEADS, 'LastName,Compny\nx,y\n"z ""q""",w\n')
    expect(job).toMatchObject({
      state: 'Failed',
      errorMessage: 'InvalidBatch : Field name not found : Compny',
      numberRecordsProcessed: 0,
      numberRecordsFailed: 0,
    })
    expect(await bulk.results(job.id, 'unprocessedrecords')).toBe(
      'LastName,Compny\n"x","y"\n"z ""q""","w"\n',
    )
    expect(await bulk.results(job.id, 'successfulResults')).toBe(
      '"sf__Id","sf__Created",LastName,Compny\n',
    )
  })

  it('treats a field that its user may not see like one that does not exist', async () => {
    await sim.control.act('permissions/hide-field', { org: 'Acme', object: 'Lead', field: 'Title' })
    const job = await bulk.ingest(LEADS, 'LastName,Company,Title\nx,y,z\n')
    expect(job.errorMessage).toBe('InvalidBatch : Field name not found : Title')
  })

  it('reads other delimiters and line endings, and refuses lines that end otherwise', async () => {
    const job = await bulk.ingest(
      { ...LEADS, columnDelimiter: 'SEMICOLON', lineEnding: 'CRLF' },
      'LastName;Company\r\n"A;B";"C\r\nD"\r\n',
    )
    expect(await bulk.results(job.id, 'successfulResults')).toMatch(
      /^"sf__Id";"sf__Created";LastName;Company\r\n"00Q\w{15}";"true";"A;B";"C\r\nD"\r\n$/,
    )
    const wrong = await bulk.ingest(LEADS, 'LastName,Company\r\nx,y\r\n')
    expect(wrong).toMatchObject({
      state: 'Failed',
      errorMessage:
        'ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF',
    })
  })

  it('fails for what is not CSV', async () => {
    const job = await bulk.ingest(LEADS, 'LastName,Company\nx,y\nz,"never closed\n')
    expect(job.state).toBe('Failed')
    expect(job.errorMessage).toContain('InvalidBatch : Failed to parse CSV')
    expect(job.numberRecordsProcessed).toBe(0)
  })

  it('updates and deletes by id, and names the id of a row that failed', async () => {
    await bulk.ingest(PLACEMENTS, 'External_Key__c\nk\n')
    const [, made = ''] = lines(
      await bulk.results(
        (await bulk.ingest(PLACEMENTS, 'External_Key__c\nk2\n')).id,
        'successfulResults',
      ),
    )
    const id = made.slice(1, 19)
    const update = await bulk.ingest(
      { object: 'Placement__c', operation: 'update' },
      `Id,External_Key__c\n${id},k\n`,
    )
    const [, failed = ''] = lines(await bulk.results(update.id, 'failedResults'))
    expect(failed).toMatch(new RegExp(`^"${id}","DUPLICATE_VALUE:.*--",`))
    const gone = await bulk.ingest({ object: 'Placement__c', operation: 'delete' }, `Id\n${id}\n`)
    expect(await bulk.results(gone.id, 'successfulResults')).toBe(
      `"sf__Id","sf__Created",Id\n"${id}","false","${id}"\n`,
    )
    const again = await bulk.ingest({ object: 'Placement__c', operation: 'delete' }, `Id\n${id}\n`)
    expect(await bulk.results(again.id, 'failedResults')).toBe(
      `"sf__Id","sf__Error",Id\n"${id}","ENTITY_IS_DELETED:entity is deleted:--","${id}"\n`,
    )
  })

  it('erases for good only with the permission for it', async () => {
    const job = { object: 'Lead', operation: 'hardDelete' }
    const refused = await bulk.request('POST', 'ingest', job)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject([{ errorCode: 'FEATURENOTENABLED' }])
    await sim.control.act('permissions/grant-system', {
      org: 'Acme',
      permission: 'BulkApiHardDelete',
    })
    const made = await bulk.ingest(LEADS, 'LastName,Company\nx,y\n')
    const id = lines(await bulk.results(made.id, 'successfulResults'))[1]?.slice(1, 19) ?? ''
    expect((await bulk.ingest(job, `Id\n${id}\n`)).numberRecordsFailed).toBe(0)
    const all = await admin.get(
      `/queryAll?q=${encodeURIComponent(`SELECT Id FROM Lead WHERE Id = '${id}'`)}`,
    )
    expect((await bodyOf<{ totalSize: number }>(all)).totalSize).toBe(0)
  })

  it('runs an assignment rule only where it names one', async () => {
    const owners = async (job: Record<string, unknown>, name: string) => {
      await bulk.ingest({ ...LEADS, ...job }, `LastName,Company,LeadSource\n${name},Court,Web\n`)
      const soql = `SELECT OwnerId FROM Lead WHERE LastName = '${name}'`
      const answer = await admin.get(`/query?q=${encodeURIComponent(soql)}`)
      const { records } = await bodyOf<{ records: { OwnerId: string }[] }>(answer)
      return records[0]?.OwnerId.slice(0, 3)
    }
    expect(await owners({}, 'Plain')).toBe('005')
    const soql = "SELECT Id FROM AssignmentRule WHERE SobjectType = 'Lead'"
    const rules = await bodyOf<{ records: { Id: string }[] }>(
      await admin.get(`/query?q=${encodeURIComponent(soql)}`),
    )
    const assignmentRuleId = rules.records[0]?.Id
    expect(await owners({ assignmentRuleId }, 'Ruled')).toBe('00G')
    const wrong = await bulk.request('POST', 'ingest', { ...LEADS, assignmentRuleId: '01QXX' })
    expect(await wrong.json()).toMatchObject([{ errorCode: 'INVALIDJOB' }])
  })
})

describe('an ingest job that is refused', () => {
  it('names no object, no operation or no external id that there is', async () => {
    const refusal = async (job: Record<string, unknown>) => {
      const answer = await bulk.request('POST', 'ingest', job)
      const [error] = await bodyOf<{ errorCode: string; message: string }[]>(answer)
      return [answer.status, error?.errorCode, error?.message] as const
    }
    expect(await refusal({ object: 'Nope', operation: 'insert' })).toEqual([
      400,
      'INVALIDENTITY',
      "Entity 'Nope' is not supported by the Bulk API.",
    ])
    expect((await refusal({ operation: 'insert' }))[1]).toBe('INVALIDJOB')
    expect((await refusal({ object: 'Lead' }))[1]).toBe('INVALIDJOB')
    expect((await refusal({ object: 'Lead', operation: 'merge' }))[1]).toBe('API_ERROR')
    expect(await refusal({ object: 'Lead', operation: 'upsert' })).toEqual([
      400,
      'INVALIDJOB',
      'External ID was blank for Lead. An External ID must be specified for upsert.',
    ])
    expect(await refusal({ ...LEADS, operation: 'upsert', externalIdFieldName: 'Title' })).toEqual([
      400,
      'INVALIDJOB',
      'Field name provided, Title does not match an External ID, Salesforce Id, or indexed field for Lead',
    ])
    expect((await refusal({ ...LEADS, columnDelimiter: 'DOT' }))[1]).toBe('API_ERROR')
    expect((await refusal({ ...LEADS, contentType: 'XML' }))[1]).toBe('API_ERROR')
  })

  it('has its data already, or is not open, or does not exist', async () => {
    const { id } = await bulk.create(LEADS)
    const codeOf = async (answer: Response) => [
      answer.status,
      (await bodyOf<{ errorCode: string }[]>(answer))[0]?.errorCode,
    ]
    expect(await codeOf(await bulk.request('PUT', `ingest/${id}/batches`, '{}'))).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ])
    expect(await codeOf(await bulk.request('DELETE', `ingest/${id}`))).toEqual([
      400,
      'INVALIDJOBSTATE',
    ])
    await bulk.upload(id, leadRows(1))
    const twice = await bulk.upload(id, leadRows(1))
    expect(await codeOf(twice)).toEqual([400, 'CLIENTINPUTERROR'])
    await bulk.setState('ingest', id, 'UploadComplete')
    expect(await codeOf(await bulk.upload(id, leadRows(1)))).toEqual([400, 'INVALIDJOBSTATE'])
    expect(await codeOf(await bulk.setState('ingest', id, 'UploadComplete'))).toEqual([
      400,
      'INVALIDJOBSTATE',
    ])
    await bulk.until('ingest', id, ...OVER)
    const late = await bulk.setState('ingest', id, 'Aborted')
    expect(await late.json()).toMatchObject([
      { message: 'Aborting already Completed Job not allowed', errorCode: 'INVALIDJOBSTATE' },
    ])
    expect((await bulk.request('DELETE', `ingest/${id}`)).status).toBe(204)
    expect((await bulk.request('GET', `ingest/${id}`)).status).toBe(404)
  })

  it('has more data than 150 MB', async () => {
    const { id } = await bulk.create(LEADS)
    // A row of spaces: small when compressed, large once unzipped.
    const zipped = gzipSync(Buffer.alloc(150 * 1024 * 1024 + 1, 0x20), { level: 1 })
    const answer = await fetch(
      `${admin.instanceUrl}/services/data/v66.0/jobs/ingest/${id}/batches`,
      {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${admin.token}`,
          'content-type': 'text/csv',
          'content-encoding': 'gzip',
        },
        body: zipped,
      },
    )
    expect(answer.status).toBe(413)
    expect((await bulk.info('ingest', id)).state).toBe('Open')
  })
})

describe('aborting', () => {
  it('leaves the rows unprocessed that were not saved yet', async () => {
    await sim.control.act('bulk/hold', { org: 'Acme', at: 200 })
    const { id } = await bulk.create(LEADS)
    await bulk.upload(id, leadRows(500))
    await bulk.setState('ingest', id, 'UploadComplete')
    let processed = 0
    while (processed < 200) processed = (await bulk.info('ingest', id)).numberRecordsProcessed
    const aborted = await bulk.setState('ingest', id, 'Aborted')
    expect(await aborted.json()).toMatchObject({ id, state: 'Aborted' })
    const left = lines(await bulk.results(id, 'unprocessedrecords'))
    expect(left).toHaveLength(301)
    expect(left.slice(0, 2)).toEqual(['LastName,Company', '"L200","Court"'])
    expect(lines(await bulk.results(id, 'successfulResults'))).toHaveLength(201)
    expect(await count("SELECT Id FROM Lead WHERE Company = 'Court'")).toBe(200)
  })

  it('before the work began leaves every row, and can be done while the job is open', async () => {
    const { id } = await bulk.create(LEADS)
    await bulk.upload(id, leadRows(3))
    await bulk.setState('ingest', id, 'Aborted')
    expect(lines(await bulk.results(id, 'unprocessedrecords'))).toHaveLength(4)
    expect((await bulk.info('ingest', id)).state).toBe('Aborted')
  })
})

describe('a reset', () => {
  it('ends jobs where they are', async () => {
    const { id } = await bulk.create(LEADS)
    await bulk.upload(id, leadRows(20_000))
    await bulk.setState('ingest', id, 'UploadComplete')
    await bulk.until('ingest', id, 'InProgress')
    await sim.control.reset()
    admin = await clientOf(sim.control)
    bulk = bulkClient(admin)
    expect(await sim.control.act('bulk/list', { org: 'Acme' })).toEqual([])
    // By then the old job would have continued.
    await bulk.ingest(LEADS, 'LastName,Company\nx,y\n')
    expect(await count("SELECT Id FROM Lead WHERE Company = 'Court'")).toBe(0)
  })
})

describe('internal batches', () => {
  it('of 10,000 rows run side by side, so that results come out of order', async () => {
    const job = await bulk.ingest(LEADS, leadRows(20_001))
    expect(job).toMatchObject({ numberRecordsProcessed: 20_001, numberRecordsFailed: 0 })
    const names = lines(await bulk.results(job.id, 'successfulResults'))
      .slice(1)
      .map((line) => Number(/"L(\d+)"/.exec(line)?.[1]))
    expect(new Set(names).size).toBe(20_001)
    expect(names).not.toEqual(names.toSorted((a, b) => a - b))
    const limits = await bodyOf<Record<string, { Max: number; Remaining: number }>>(
      await admin.get('/limits'),
    )
    expect(limits['DailyBulkApiBatches']).toEqual({ Max: 15_000, Remaining: 14_997 })
  })

  it('fight for the same parent, and lose rows to its lock', async () => {
    await bulk.ingest(PLACEMENTS, 'External_Key__c\np1\n')
    await sim.control.act('records/pace', { org: 'Acme', saveMs: 1, lockWaitMs: 0 })
    await sim.control.act('bulk/pace', { org: 'Acme', parallelBatches: 2, retryMs: 0 })
    const rows = Array.from({ length: 10_200 }, (_, n) => `Fee ${n},p1,1\n`)
    const { id } = await bulk.create({ object: 'Placement_Fee__c', operation: 'insert' })
    await bulk.upload(id, `Name,Placement__r.External_Key__c,Amount__c\n${rows.join('')}`)
    await bulk.setState('ingest', id, 'UploadComplete')
    let job = await bulk.info('ingest', id)
    while (job.retries === 0 && job.numberRecordsFailed === 0) job = await bulk.info('ingest', id)
    await bulk.setState('ingest', id, 'Aborted')
    expect(job.retries + job.numberRecordsFailed).toBeGreaterThan(0)
  })

  it('are tried again after 200 locks that were not to be had', async () => {
    await sim.control.act('bulk/pace', { org: 'Acme', retryMs: 0 })
    await sim.control.act('records/fail-locks', { org: 'Acme', object: 'Lead', times: 200 })
    const cured = await bulk.ingest(LEADS, leadRows(450))
    expect(cured).toMatchObject({ numberRecordsFailed: 0, numberRecordsProcessed: 450, retries: 1 })
    await sim.control.act('records/fail-locks', { org: 'Acme', object: 'Lead', times: 3 })
    const job = await bulk.ingest(LEADS, leadRows(450, 1000))
    expect(job).toMatchObject({ numberRecordsFailed: 3, numberRecordsProcessed: 450, retries: 0 })
    const [, first] = lines(await bulk.results(job.id, 'failedResults'))
    expect(first).toMatch(
      /^"","UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record.*:--","L1000","Court"$/,
    )
  })

  it('come to an end with the allocation of the day', async () => {
    await sim.control.act('usage/set', { org: 'Acme', bulkBatches: 14_999 })
    const job = await bulk.ingest(LEADS, leadRows(10_001))
    expect(job).toMatchObject({
      state: 'Failed',
      numberRecordsProcessed: 10_000,
      errorMessage: 'ExceededQuota : ApiBatchItems Limit exceeded.',
    })
    expect(lines(await bulk.results(job.id, 'unprocessedrecords'))).toHaveLength(2)
    const refused = await bulk.request('POST', 'ingest', LEADS)
    expect(await refused.json()).toMatchObject([{ errorCode: 'EXCEEDEDQUOTA' }])
  })
})

describe('the list of jobs', () => {
  it('has the newest first, a thousand a page', async () => {
    for (let n = 0; n < 1001; n++) await bulk.create(LEADS)
    const last = await bulk.create(PLACEMENTS)
    interface List {
      done: boolean
      nextRecordsUrl: string | null
      records: { id: string; jobType: string }[]
    }
    const first = await bodyOf<List>(await bulk.request('GET', 'ingest'))
    expect(first.records).toHaveLength(1000)
    expect(first.records[0]).toMatchObject({ id: last.id, jobType: 'V2Ingest', state: 'Open' })
    expect(first.done).toBe(false)
    const next = await bodyOf<List>(await admin.get(first.nextRecordsUrl ?? ''))
    expect([next.records.length, next.done, next.nextRecordsUrl]).toEqual([2, true, null])
    const classic = await bodyOf<List>(await bulk.request('GET', 'ingest?jobType=Classic'))
    expect(classic.records).toEqual([])
  })
})

describe('Bulk API 1', () => {
  it('reports a dead session in its own way, and is refused with a live one', async () => {
    const ask = (session: string, type?: string) =>
      fetch(`${admin.instanceUrl}/services/async/66.0/job`, {
        method: 'POST',
        headers: { 'x-sfdc-session': session, ...(type ? { 'content-type': type } : {}) },
        body: '{}',
      })
    const dead = await ask('00Dx!dead', 'application/json')
    expect([dead.status, await dead.json()]).toEqual([
      400,
      { exceptionCode: 'InvalidSessionId', exceptionMessage: 'Invalid session id' },
    ])
    expect(await (await ask('00Dx!dead', 'text/xml')).text()).toContain(
      '<exceptionCode>InvalidSessionId</exceptionCode>',
    )
    expect((await ask(admin.token)).status).toBe(501)
    await sim.control.addFault({ kind: { type: 'dead-session', shape: 'bulk' } })
    const struck = await bulk.request('GET', 'ingest')
    expect([struck.status, await struck.json()]).toMatchObject([
      400,
      { exceptionCode: 'InvalidSessionId' },
    ])
  })
})
