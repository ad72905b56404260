// Query jobs. Salesforce: Bulk API 2.0 guide, "Bulk API 2.0 Query".

import { setImmediate as breathe } from 'node:timers/promises'
import { viewerOf } from '../../org/visibility.ts'
import { queryColumns, type QueryColumn } from '../../soql/columns.ts'
import { runQuery } from '../../soql/engine.ts'
import { SoqlError, SoqlNotSimulated } from '../../soql/schema.ts'
import { type RestAnswer, type RestContext, type RestRoute } from '../rest.ts'
import { notFound, notSimulated } from '../../refusals.ts'
import { orgSource } from '../query/source.ts'
import { DELIMITERS, LINE_ENDINGS, writeRows } from './csv.ts'
import { abort, keysOf, remove } from './ingest.ts'
import { bulkOf, DAILY, wholeSeconds, type BulkJobs, type QueryJob } from './jobs.ts'
import {
  apiError,
  choice,
  exceededQuota,
  invalidJob,
  invalidState,
  jsonBody,
  unsupportedEntity,
} from './refusals.ts'
import { createdView, infoView, jobJson, jobList } from './views.ts'

export const queryJobRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/jobs/query', handler: (ctx) => create(ctx) },
  {
    method: 'GET',
    pattern: '/jobs/query',
    handler: (ctx) => jobList(ctx, bulkOf(ctx.org).queryJobs, '/jobs/query'),
  },
  { method: 'GET', pattern: '/jobs/query/:id', handler: (ctx) => jobJson(infoView(jobOf(ctx))) },
  { method: 'PATCH', pattern: '/jobs/query/:id', handler: (ctx) => changeState(ctx) },
  { method: 'DELETE', pattern: '/jobs/query/:id', handler: (ctx) => remove(ctx, jobOf(ctx)) },
  { method: 'GET', pattern: '/jobs/query/:id/results', handler: (ctx) => results(ctx) },
]

/** Salesforce: query jobs came with v47. */
const SINCE = 47

const jobOf = (ctx: RestContext): QueryJob => {
  const job = bulkOf(ctx.org).query(ctx.params['id'] ?? '')
  if (job === undefined) throw notFound()
  return job
}

const create = (ctx: RestContext): RestAnswer => {
  const { org, user, version } = ctx
  if (version < SINCE) throw notFound()
  const body = jsonBody(ctx)
  const operation = choice(body, 'operation', ['query', 'queryAll', ''], '')
  if (operation === '') throw invalidJob('No operation specified')
  const { query } = body
  if (typeof query !== 'string' || query.trim() === '') throw invalidJob('No query specified')
  choice(body, 'contentType', ['CSV'], 'CSV')
  const object = checkedEntity(ctx, query)
  const bulk = bulkOf(org)
  if (bulk.usage.queryJobs >= DAILY.queryJobs) {
    throw exceededQuota(`Max bulk v2 query jobs (${DAILY.queryJobs}) per 24 hrs has been reached`)
  }
  bulk.usage.queryJobs++
  const job: QueryJob = {
    id: org.ids.make('750'),
    object,
    operation,
    query,
    columnDelimiter: choice(body, 'columnDelimiter', keysOf(DELIMITERS), 'COMMA'),
    lineEnding: choice(body, 'lineEnding', keysOf(LINE_ENDINGS), 'LF'),
    state: 'UploadComplete',
    apiVersion: version,
    createdById: user.id,
    createdDate: wholeSeconds(),
    systemModstamp: wholeSeconds(),
    processed: 0,
    retries: 0,
    totalMs: 0,
    activeMs: 0,
    settled: Promise.resolve(),
    result: null,
  }
  bulk.addQuery(job)
  job.settled = runQueryJob(bulk, job)
  return jobJson(createdView(job))
}

/** The name of the object in FROM. Throws if Salesforce refuses it when the job is created. */
const checkedEntity = (ctx: RestContext, soql: string): string => {
  const { org, viewer, base } = ctx
  const source = orgSource({ org, viewer, base, deletedToo: true })
  try {
    const { object, aggregate, columns } = queryColumns(source, soql)
    if (object.restrictions !== undefined) throw unsupportedEntity(object.name)
    if (aggregate) throw apiError('Aggregate functions and GROUP BY not supported in Bulk Query')
    if (/\boffset\s+\d+\s*$/i.test(soql)) throw apiError('OFFSET not supported in Bulk Query')
    for (const column of columns) checkColumn(column)
    return object.name
  } catch (error) {
    if (error instanceof SoqlNotSimulated) throw notSimulated(error.message)
    if (!(error instanceof SoqlError)) throw error
    if (error.errorCode === 'INVALID_TYPE' && !error.message.includes('relationship')) {
      throw unsupportedEntity(/sObject type '([^']*)'/.exec(error.message)?.[1] ?? '')
    }
    throw apiError(error.message)
  }
}

const COMPOUND = new Set(['address', 'location'])

const checkColumn = (column: QueryColumn): void => {
  if (column.kind === 'children') {
    throw apiError('Aggregate Relationships not supported in Bulk Query')
  }
  if (column.kind === 'typeof') throw apiError('TYPEOF not supported in Bulk Query')
  if (COMPOUND.has(column.field?.type ?? '')) {
    throw apiError('Selecting compound data not supported in Bulk Query')
  }
  for (const inner of column.columns) checkColumn(inner)
}

const ROWS_AT_ONCE = 1000

/** Runs the job to its end, again from its start if it was interrupted: it changes nothing. */
export const runQueryJob = async (bulk: BulkJobs, job: QueryJob): Promise<void> => {
  await bulk.queue(job)
  if (job.state === 'UploadComplete') bulk.enter(job, 'InProgress')
  const going = () => bulk.live && job.state === 'InProgress'
  if (!going()) return
  const since = performance.now()
  try {
    await answer(bulk, job, going)
  } catch (error) {
    job.errorMessage = error instanceof Error ? error.message : String(error)
  }
  job.activeMs = performance.now() - since
  if (going()) bulk.enter(job, job.errorMessage === undefined ? 'JobComplete' : 'Failed')
}

/** Runs the query and writes all of its rows: later changes of records do not appear in the results. */
const answer = async (bulk: BulkJobs, job: QueryJob, going: () => boolean): Promise<void> => {
  const { org } = bulk
  const user = org.users.get(job.createdById)
  if (user === undefined) throw new Error('The user no longer exists')
  const source = orgSource({
    org,
    viewer: viewerOf(org, user),
    base: `/services/data/v${job.apiVersion}.0`,
    deletedToo: job.operation === 'queryAll',
  })
  const cells = queryColumns(source, job.query).columns.flatMap((column) => cellsOf(column))
  const query = runQuery(source, job.query, () => null)
  const starts = new Uint32Array(query.totalSize + 1)
  const pieces: Buffer[] = []
  let at = 0
  for (let from = 0; from < query.totalSize; from += ROWS_AT_ONCE) {
    await breathe()
    await bulk.pass(job)
    if (!going()) return
    for (const record of query.records(from, ROWS_AT_ONCE)) {
      const row = writeRows([cells.map((cell) => cell.read(record))], job)
      pieces.push(row)
      at += row.length
      starts[++job.processed] = at
    }
  }
  bulk.usage.queryResultKB += Math.ceil(at / 1024)
  if (bulk.usage.queryResultKB > DAILY.queryResultKB) {
    throw new Error(
      `Max bulk v2 query result size stored (${DAILY.queryResultKB}) kb per 24 hrs has been exceeded`,
    )
  }
  const header = writeRows([cells.map(({ name }) => name)], job)
  job.result = { header, rows: Buffer.concat(pieces, at), starts }
}

interface Cell {
  /** `Owner.Name` */
  name: string
  read(record: unknown): string
}

const cellsOf = (column: QueryColumn): Cell[] => {
  const { name, field } = column
  const own = (record: unknown): unknown =>
    record === null || record === undefined ? null : (record as Record<string, unknown>)[name]
  if (column.kind === 'parent') {
    return column.columns
      .flatMap((inner) => cellsOf(inner))
      .map((cell) => ({
        name: `${name}.${cell.name}`,
        read: (record) => cell.read(own(record)),
      }))
  }
  // Salesforce: dates with a time end in Z here, where JSON has +0000.
  const zone = field?.type === 'datetime' ? /\+0000$/ : null
  return [
    {
      name,
      read: (record) => {
        const value = own(record)
        if (value === null || value === undefined) return ''
        const text = typeof value === 'string' ? value : JSON.stringify(value)
        return zone === null ? text : text.replace(zone, 'Z')
      },
    },
  ]
}

const changeState = (ctx: RestContext): RestAnswer => {
  const job = jobOf(ctx)
  if (choice(jsonBody(ctx), 'state', ['Aborted', ''], '') === '') {
    throw invalidJob('No state specified')
  }
  return abort(bulkOf(ctx.org), job)
}

/** One page. Salesforce: the locator of the next one is a header, and the text `null` after the last. */
const results = (ctx: RestContext): RestAnswer => {
  const job = jobOf(ctx)
  const { result } = job
  if (job.state !== 'JobComplete' || result === null) {
    throw invalidState(`The job is in state ${job.state}: it has no results`)
  }
  const { query } = ctx.request
  const locator = query.get('locator')
  const from = locator === null ? 0 : Number(Buffer.from(locator, 'base64').toString('latin1'))
  const total = result.starts.length - 1
  if (!Number.isInteger(from) || from < 0 || from > total) {
    throw apiError(`Invalid query locator: ${locator}`)
  }
  const wanted = query.get('maxRecords')
  const rows = wanted === null ? bulkOf(ctx.org).pace.queryPageRows : Number(wanted)
  if (!Number.isInteger(rows) || rows < 1) throw apiError(`Invalid maxRecords: ${wanted}`)
  const to = Math.min(total, from + rows)
  return {
    status: 200,
    headers: {
      'content-type': 'text/csv',
      'sforce-locator': to < total ? Buffer.from(String(to)).toString('base64') : 'null',
      'sforce-numberofrecords': String(to - from),
    },
    bytes: Buffer.concat([
      result.header,
      result.rows.subarray(result.starts[from], result.starts[to]),
    ]),
  }
}
