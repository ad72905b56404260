// Jobs as JSON, key for key in the order of recorded answers. Salesforce: Bulk API 2.0 guide, "Get
// Job Info", "Get Information About All Jobs".

import { salesforceDateTime } from '../../org/ids.ts'
import { type RestAnswer, type RestContext } from '../rest.ts'
import { type IngestJob, type QueryJob } from './jobs.ts'

type View = Record<string, unknown>

const head = (job: IngestJob | QueryJob): View => ({
  id: job.id,
  operation: job.operation,
  object: job.object,
  createdById: job.createdById,
  createdDate: salesforceDateTime(job.createdDate),
  systemModstamp: salesforceDateTime(job.systemModstamp),
  state: job.state,
  ...('upload' in job && job.externalIdFieldName !== undefined
    ? { externalIdFieldName: job.externalIdFieldName }
    : {}),
  ...('upload' in job && job.assignmentRuleId !== undefined
    ? { assignmentRuleId: job.assignmentRuleId }
    : {}),
  concurrencyMode: 'Parallel',
  contentType: 'CSV',
  apiVersion: job.apiVersion,
})

/** Salesforce: without a slash at its start. */
const contentUrl = (job: IngestJob): View => ({
  contentUrl: `services/data/v${job.apiVersion}.0/jobs/ingest/${job.id}/batches`,
})

const format = ({ lineEnding, columnDelimiter }: IngestJob | QueryJob): View => ({
  lineEnding,
  columnDelimiter,
})

export const createdView = (job: IngestJob | QueryJob): View => ({
  ...head(job),
  ...('upload' in job ? contentUrl(job) : {}),
  ...format(job),
})

/** The short response to a change of state. */
export const changedView = head

const isOpen = (job: IngestJob | QueryJob): job is IngestJob =>
  'upload' in job && job.state === 'Open'

export const listedView = (job: IngestJob | QueryJob): View => ({
  ...head(job),
  jobType: 'upload' in job ? 'V2Ingest' : 'V2Query',
  ...(isOpen(job) ? contentUrl(job) : {}),
  ...format(job),
})

export const infoView = (job: IngestJob | QueryJob): View => ({
  ...listedView(job),
  numberRecordsProcessed: job.processed,
  ...('upload' in job ? { numberRecordsFailed: job.failed } : {}),
  retries: job.retries,
  totalProcessingTime: Math.round(job.totalMs),
  ...('upload' in job
    ? { apiActiveProcessingTime: Math.round(job.activeMs), apexProcessingTime: 0 }
    : { isPkChunkingSupported: true }),
  ...(job.errorMessage === undefined ? {} : { errorMessage: job.errorMessage }),
})

/** Salesforce writes the version as the number `66.0`; our JSON would write 66. */
export const jobJson = (view: View): RestAnswer => ({
  status: 200,
  json: JSON.stringify(view).replaceAll(/"apiVersion":(\d+)(?=[,}])/g, '"apiVersion":$1.0'),
})

/** Salesforce: a list of jobs comes in pages of 1,000. */
const LIST_ROWS = 1000

/** Newest first, with the paging of `queryLocator`. */
export const jobList = (
  ctx: RestContext,
  jobs: readonly (IngestJob | QueryJob)[],
  resource: string,
): RestAnswer => {
  const { query } = ctx.request
  const type = query.get('jobType')
  const views = jobs
    .map(listedView)
    .filter((view) => type === null || view['jobType'] === type)
    .reverse()
  const from = Number(query.get('queryLocator') ?? 0)
  const next = from + LIST_ROWS
  const done = next >= views.length
  return jobJson({
    done,
    nextRecordsUrl: done ? null : `${ctx.base}${resource}?queryLocator=${next}`,
    records: views.slice(from, next),
  })
}
