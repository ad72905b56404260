import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  bulkRowFault,
  type BulkValue,
  encodeBulkCsv,
  failedResults,
  successfulResults,
  unprocessedRows,
} from './bulk-rows.ts'
import { type Answer, rejection, startRig, toList } from './testing/misbehaving-server.ts'

const ID = '750000000000001AAA'
const csv =
  (text: string, type = 'text/csv'): Answer =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': type }).end(text)

const encode = async (columns: string[], rows: BulkValue[][]): Promise<string> =>
  Buffer.concat(await toList(encodeBulkCsv(columns, [rows]))).toString('utf8')

const rowsOf = async <Row>(batches: AsyncIterable<Row[]>): Promise<Row[]> =>
  (await toList(batches)).flat()

describe('rows for Bulk', () => {
  it('say null, nothing and every other value apart', async () => {
    const columns = ['A__c', 'Rel__r.Key__c']
    const rows: BulkValue[][] = [
      [null, undefined],
      ['', 'a,"b"\nc'],
      [1.5, false],
    ]
    expect(await encode(columns, rows)).toBe(
      'A__c,Rel__r.Key__c\n#N/A,\n,"a,""b""\nc"\n1.5,false\n',
    )
  })

  it.each<[string, BulkValue[], string | null]>([
    ['a text that Bulk would take for null', ['#N/A', ''], 'A'],
    ['a number that is none', [1, Infinity], 'B'],
    ['a value that is too long', ['x'.repeat(32_001), ''], 'A'],
    ['too few values', ['x'], null],
  ])('%s is found before it does harm', async (_name, row, column) => {
    expect(bulkRowFault(['A', 'B'], row)).toMatchObject({ column })
    expect(await rejection(encode(['A', 'B'], [row]))).toBeInstanceOf(TypeError)
  })

  it('a row may have 400,000 characters and 5,000 columns, not more', () => {
    const row = Array.from({ length: 13 }, () => 'x'.repeat(31_000))
    const columns = row.map((_, n) => `C${n}__c`)
    expect(bulkRowFault(columns, row)).toMatchObject({ column: null })
    expect(bulkRowFault(columns.slice(1), row.slice(1))).toBeNull()
    const names = Array.from({ length: 5001 }, (_, n) => `C${n}__c`)
    expect(() => encodeBulkCsv(names, [])).toThrow(TypeError)
    expect(() => encodeBulkCsv([], [])).toThrow(TypeError)
  })
})

describe('results', () => {
  it('of successes tell created from updated and give the row back as it was sent', async () => {
    await using rig = await startRig(
      csv('"sf__Id","sf__Created",Key__c,Name\n"00Q1","true","k,1","A"\n"00Q2","false","k2",""\n'),
    )
    expect(await rowsOf(successfulResults(rig.org, ID, { expected: 2 }))).toEqual([
      { id: '00Q1', created: true, row: { Key__c: 'k,1', Name: 'A' } },
      { id: '00Q2', created: false, row: { Key__c: 'k2', Name: '' } },
    ])
    expect(rig.seen[0]?.url).toBe(`/services/data/v66.0/jobs/ingest/${ID}/successfulResults`)
  })

  it.each([
    [
      'REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --',
      'REQUIRED_FIELD_MISSING',
      'Required fields are missing: [LastName]',
      ['LastName'],
      false,
    ],
    [
      'UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 2 records: 001xx1,001xx2:--',
      'UNABLE_TO_LOCK_ROW',
      'unable to obtain exclusive access to this record or 2 records: 001xx1,001xx2',
      [],
      true,
    ],
    [
      "INVALID_FIELD:Failed to deserialize field at col 3. Due to, 'x' is not a valid value for the type xsd:date:CloseDate --",
      'INVALID_FIELD',
      "Failed to deserialize field at col 3. Due to, 'x' is not a valid value for the type xsd:date",
      ['CloseDate'],
      false,
    ],
    ['DUPLICATE_VALUE:two:A__c, B__c --', 'DUPLICATE_VALUE', 'two', ['A__c', 'B__c'], false],
    ['STRING_TOO_LONG:no end', 'STRING_TOO_LONG', 'no end', [], false],
    ['Something else entirely', 'UNKNOWN', 'Something else entirely', [], false],
    ['', 'UNKNOWN', '', [], false],
  ])('of failures are read: %j', async (text, code, message, fields, passing) => {
    await using rig = await startRig(csv(`"sf__Id","sf__Error",Key__c\n"","${text}","k"\n`))
    expect(await rowsOf(failedResults(rig.org, ID))).toMatchObject([
      {
        id: null,
        failure: { code, message, fields, passing, fate: 'not_done' },
        row: { Key__c: 'k' },
      },
    ])
  })

  it('hold only the columns that are wanted', async () => {
    await using rig = await startRig(
      csv('"sf__Id","sf__Created",Name,Key__c\n"00Q1","true","A","k"\n'),
    )
    expect(await rowsOf(successfulResults(rig.org, ID, { columns: ['Key__c'] }))).toEqual([
      { id: '00Q1', created: true, row: { Key__c: 'k' } },
    ])
  })

  it('of rows never come to are the rows themselves', async () => {
    await using rig = await startRig(csv('Key__c,Name\nk,A\n'))
    expect(await rowsOf(unprocessedRows(rig.org, ID))).toEqual([{ Key__c: 'k', Name: 'A' }])
    expect(rig.seen[0]?.url).toBe(`/services/data/v66.0/jobs/ingest/${ID}/unprocessedrecords`)
  })

  const empty: [string, Answer][] = [
    ['204', (_request, response) => response.writeHead(204).end()],
    ['an empty body', csv('')],
    ['a lone header', csv('"sf__Id","sf__Error",Key__c\n')],
  ]
  it.each(empty)('may be none: %s', async (_name, answer) => {
    await using rig = await startRig(answer)
    expect(await rowsOf(failedResults(rig.org, ID))).toEqual([])
  })

  const bad: [string, Answer, string][] = [
    ['an HTML page', csv('<html><body>maintenance</body></html>', 'text/html'), 'html_page'],
    ['other columns', csv('Id,Name\n1,2\n'), 'malformed'],
    ['a row cut short', csv('sf__Id,sf__Error,K\n1,2,3\n1,2'), 'malformed'],
    ['an end inside a value', csv('sf__Id,sf__Error,K\n1,2,"3'), 'malformed'],
    [
      'a broken connection',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/csv', 'content-length': '1000' })
        response.write('sf__Id,sf__Error,K\n1,2,3\n')
        setImmediate(() => response.destroy())
      },
      'connection_broken',
    ],
  ]
  it.each(bad)('that are %s are a failure, not an end', async (_name, answer, kind) => {
    await using rig = await startRig(answer)
    expect(await rejection(toList(failedResults(rig.org, ID)))).toMatchObject({ failure: { kind } })
  })

  it('that turn out to be none hold no connection on', async () => {
    let gone = false
    await using rig = await startRig((_request, response) => {
      response.on('close', () => (gone = true))
      response.writeHead(200, { 'content-type': 'text/html' }).write('<html>')
    })
    const read = toList(failedResults(rig.org, ID))
    expect(await rejection(read)).toMatchObject({ failure: { kind: 'html_page' } })
    await expect.poll(() => gone).toBe(true)
  })

  it('with fewer rows than the job counted are a failure at their end', async () => {
    await using rig = await startRig(csv('sf__Id,sf__Error,K\n1,E:m:--,3\n'))
    const read = failedResults(rig.org, ID, { expected: 2 })
    expect((await read.next()).value).toMatchObject([{ id: '1' }])
    expect(await rejection(read.next())).toMatchObject({ failure: { kind: 'malformed' } })
  })

  it('are asked for again where no row came yet', async () => {
    const answers: Answer[] = [(_request, response) => response.destroy()]
    await using rig = await startRig((request, response) =>
      (answers.shift() ?? csv('sf__Id,sf__Error,K\n'))(request, response),
    )
    expect(await rowsOf(failedResults(rig.org, ID))).toEqual([])
    expect(rig.seen).toHaveLength(2)
  })

  it('stream: a slow reader holds the far side back, and may leave at any time', async () => {
    const line = `00Q000000000001AAA,true,${'x'.repeat(1000)}\n`
    const block = line.repeat(1000)
    let produced = 0
    let gone = false
    await using rig = await startRig(async (_request, response) => {
      const closed = once(response, 'close').then(() => {
        gone = true
      })
      response.writeHead(200, { 'content-type': 'text/csv' })
      response.write('sf__Id,sf__Created,K\n')
      for (let n = 0; n < 64 && !gone; n += 1) {
        produced += block.length
        if (!response.write(block)) await Promise.race([once(response, 'drain'), closed])
      }
      response.end()
    })
    let consumed = 0
    let ahead = 0
    for await (const rows of successfulResults(rig.org, ID)) {
      for (const { row } of rows) consumed += (row.K?.length ?? 0) + 24
      ahead = Math.max(ahead, produced - consumed)
      if (consumed > 40_000_000) break
    }
    // What the sockets of the two sides hold, and far less than the whole of 65 MB.
    expect(ahead).toBeLessThan(20_000_000)
    await expect.poll(() => gone).toBe(true)
    expect(produced).toBeLessThan(60_000_000)
  })
})
