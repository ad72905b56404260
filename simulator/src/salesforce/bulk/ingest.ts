// The resources of ingest jobs. Salesforce: Bulk API 2.0 guide, "Bulk API 2.0 Ingest".

import { findObject } from '../../org/changes.ts'
import { toId18 } from '../../org/ids.ts'
import { type Field, type Org, type SObject } from '../../org/model.ts'
import { type RestAnswer, type RestContext, type RestRoute } from '../rest.ts'
import { isDocumentedObject } from '../../documented.ts'
import { notFound, notSimulated, refusal } from '../../refusals.ts'
import { DELIMITERS, LINE_ENDINGS, Upload, UPLOAD_BYTES_MAX, writeRows } from './csv.ts'
import { runIngest } from './ingest-run.ts'
import {
  bulkOf,
  DAILY,
  wholeSeconds,
  type BulkJobs,
  type IngestJob,
  type IngestOperation,
  type QueryJob,
} from './jobs.ts'
import {
  choice,
  exceededQuota,
  invalidJob,
  invalidState,
  jsonBody,
  unsupportedEntity,
} from './refusals.ts'
import { changedView, createdView, infoView, jobJson, jobList } from './views.ts'

export const ingestRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/jobs/ingest', handler: (ctx) => create(ctx) },
  {
    method: 'GET',
    pattern: '/jobs/ingest',
    handler: (ctx) => jobList(ctx, bulkOf(ctx.org).ingestJobs, '/jobs/ingest'),
  },
  { method: 'GET', pattern: '/jobs/ingest/:id', handler: (ctx) => jobJson(infoView(jobOf(ctx))) },
  { method: 'PATCH', pattern: '/jobs/ingest/:id', handler: (ctx) => changeState(ctx) },
  { method: 'DELETE', pattern: '/jobs/ingest/:id', handler: (ctx) => remove(ctx, jobOf(ctx)) },
  { method: 'PUT', pattern: '/jobs/ingest/:id/batches', handler: (ctx) => upload(ctx) },
  {
    method: 'GET',
    pattern: '/jobs/ingest/:id/successfulResults',
    handler: (ctx) => results(ctx, 'successful'),
  },
  {
    method: 'GET',
    pattern: '/jobs/ingest/:id/failedResults',
    handler: (ctx) => results(ctx, 'failed'),
  },
  {
    method: 'GET',
    pattern: '/jobs/ingest/:id/unprocessedrecords',
    handler: (ctx) => results(ctx, 'unprocessed'),
  },
]

/** Salesforce: Bulk API 2.0 came with v41. */
const SINCE = 41

const jobOf = (ctx: RestContext): IngestJob => {
  const job = bulkOf(ctx.org).ingest(ctx.params['id'] ?? '')
  if (job === undefined) throw notFound()
  return job
}

const OPERATIONS: readonly IngestOperation[] = [
  'insert',
  'update',
  'upsert',
  'delete',
  'hardDelete',
]

const create = (ctx: RestContext): RestAnswer => {
  const { org, user, viewer, request, version } = ctx
  if (version < SINCE) throw notFound()
  if (request.headers['content-type']?.startsWith('multipart/') === true) {
    throw notSimulated('a job and its data in one multipart request')
  }
  const body = jsonBody(ctx)
  const operation = choice<IngestOperation | ''>(body, 'operation', OPERATIONS, '')
  if (operation === '') throw invalidJob('No operation specified')
  const object = objectOf(ctx, body)
  if (operation === 'hardDelete' && !viewer.has('BulkApiHardDelete')) {
    throw refusal(
      400,
      'FEATURENOTENABLED',
      'hardDelete operation requires special user profile permission, please contact your system administrator',
    )
  }
  const externalIdFieldName = externalKeyOf(ctx, object, body, operation)
  const { assignmentRuleId } = body
  if (assignmentRuleId !== undefined && assignmentRuleId !== null) {
    checkAssignmentRule(org, object, assignmentRuleId)
  }
  choice(body, 'contentType', ['CSV'], 'CSV')
  const bulk = bulkOf(org)
  if (bulk.usage.batches >= DAILY.batches) throw exceededQuota('ApiBatchItems Limit exceeded.')
  const job: IngestJob = {
    id: org.ids.make('750'),
    object: object.name,
    operation,
    ...(externalIdFieldName === undefined ? {} : { externalIdFieldName }),
    ...(typeof assignmentRuleId === 'string' ? { assignmentRuleId } : {}),
    columnDelimiter: choice(body, 'columnDelimiter', keysOf(DELIMITERS), 'COMMA'),
    lineEnding: choice(body, 'lineEnding', keysOf(LINE_ENDINGS), 'LF'),
    state: 'Open',
    apiVersion: version,
    createdById: user.id,
    createdDate: wholeSeconds(),
    systemModstamp: wholeSeconds(),
    processed: 0,
    failed: 0,
    retries: 0,
    totalMs: 0,
    activeMs: 0,
    settled: Promise.resolve(),
    upload: null,
    header: '',
    results: { successful: [], failed: [], unprocessed: [] },
  }
  bulk.addIngest(job)
  return jobJson(createdView(job))
}

export const keysOf = <T extends object>(values: T): (keyof T & string)[] =>
  Object.keys(values) as (keyof T & string)[]

const objectOf = ({ org, viewer }: RestContext, body: Record<string, unknown>): SObject => {
  const name = body['object']
  if (typeof name !== 'string' || name === '') throw invalidJob('No object specified')
  const object = findObject(org, name)
  if (object === undefined && isDocumentedObject(name)) throw notSimulated(`the object ${name}`)
  if (object === undefined || !viewer.seesObject(object)) throw unsupportedEntity(name)
  return object
}

/** For an upsert: the name as it was given. */
const externalKeyOf = (
  { viewer }: RestContext,
  object: SObject,
  body: Record<string, unknown>,
  operation: IngestOperation,
): string | undefined => {
  if (operation !== 'upsert') return undefined
  const name = body['externalIdFieldName']
  if (typeof name !== 'string' || name === '') {
    throw invalidJob(
      `External ID was blank for ${object.name}. An External ID must be specified for upsert.`,
    )
  }
  const field = object.fields.get(name.toLowerCase())
  if (field === undefined || !viewer.seesField(object, field) || !identifies(field)) {
    throw invalidJob(
      `Field name provided, ${name} does not match an External ID, Salesforce Id, or indexed field for ${object.name}`,
    )
  }
  return name
}

const identifies = ({ describe }: Field): boolean =>
  describe.type === 'id' || describe.externalId || describe.idLookup

const checkAssignmentRule = (org: Org, object: SObject, id: unknown): void => {
  const full = typeof id === 'string' ? toId18(id) : null
  const rule = org.assignmentRules.find((known) => known.id === full)
  if (rule === undefined || rule.object !== object.name) {
    throw invalidJob(`Invalid assignment rule for ${object.name}: ${String(id)}`)
  }
}

const upload = (ctx: RestContext): RestAnswer => {
  const job = jobOf(ctx)
  const { body } = ctx.request
  if (!(body instanceof Upload)) {
    throw refusal(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'The data of a job is sent with the content type text/csv',
    )
  }
  if (job.state !== 'Open') {
    throw invalidState(`Data can't be uploaded: the job is in state ${job.state}`)
  }
  if (job.upload !== null) {
    throw refusal(
      400,
      'CLIENTINPUTERROR',
      `Found multiple contents for job: <${job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.`,
    )
  }
  if (body.tooLarge) {
    throw refusal(
      413,
      'CLIENTINPUTERROR',
      `The data of a job may have ${UPLOAD_BYTES_MAX} bytes; these are ${body.bytes}`,
    )
  }
  job.upload = body
  job.header = body.firstLine()?.text ?? ''
  return { status: 201 }
}

const changeState = (ctx: RestContext): RestAnswer => {
  const job = jobOf(ctx)
  const bulk = bulkOf(ctx.org)
  const wanted = choice(jsonBody(ctx), 'state', ['UploadComplete', 'Aborted', ''], '')
  if (wanted === '') throw invalidJob('No state specified')
  if (wanted === 'Aborted') return abort(bulk, job)
  if (job.state !== 'Open') throw invalidState(`Closing already ${past(job)} Job not allowed`)
  bulk.enter(job, 'UploadComplete')
  job.settled = runIngest(bulk, job)
  return jobJson(changedView(job))
}

/** Aborts an ingest or a query job. Throws INVALIDJOBSTATE if it has ended. */
export const abort = (bulk: BulkJobs, job: IngestJob | QueryJob): RestAnswer => {
  if (isOver(job)) throw invalidState(`Aborting already ${past(job)} Job not allowed`)
  const begun = job.state !== 'Open'
  bulk.enter(job, 'Aborted')
  if ('upload' in job && !begun) job.settled = runIngest(bulk, job)
  return jobJson(changedView(job))
}

const isOver = ({ state }: IngestJob | QueryJob): boolean =>
  state === 'JobComplete' || state === 'Failed' || state === 'Aborted'

const past = ({ state }: IngestJob | QueryJob): string =>
  ({
    Open: 'Open',
    UploadComplete: 'Closed',
    InProgress: 'Closed',
    JobComplete: 'Completed',
    Failed: 'Failed',
    Aborted: 'Aborted',
  })[state]

/** Salesforce: not while it is open or in progress. */
export const remove = (ctx: RestContext, job: IngestJob | QueryJob): RestAnswer => {
  if (!isOver(job) && job.state !== 'UploadComplete') {
    throw invalidState(`A job in state ${job.state} can't be deleted`)
  }
  const bulk = bulkOf(ctx.org)
  if (job.state === 'UploadComplete') bulk.enter(job, 'Aborted')
  bulk.remove(job)
  return { status: 204 }
}

const COLUMNS = {
  successful: ['sf__Id', 'sf__Created'],
  failed: ['sf__Id', 'sf__Error'],
  unprocessed: [],
} as const

const results = async (ctx: RestContext, which: keyof typeof COLUMNS): Promise<RestAnswer> => {
  const job = jobOf(ctx)
  if (!isOver(job)) throw invalidState(`The job is in state ${job.state}: it has no results yet`)
  await job.settled
  const own = writeRows([COLUMNS[which]], job).toString().trimEnd()
  const separator = own === '' ? '' : DELIMITERS[job.columnDelimiter]
  const header = `${own}${separator}${job.header}${LINE_ENDINGS[job.lineEnding]}`
  const bytes =
    job.header === ''
      ? Buffer.alloc(0)
      : Buffer.concat([Buffer.from(header), ...job.results[which]])
  return { status: 200, headers: { 'content-type': 'text/csv' }, bytes }
}
