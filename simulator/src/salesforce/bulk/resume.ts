// Jobs that were under way when the simulator ended, after its world was loaded again.

import { type Org } from '../../org/model.ts'
import { runIngest } from './ingest-run.ts'
import { bulkOf } from './jobs.ts'
import { runQueryJob } from './query-jobs.ts'

/**
 * Brings the org's unfinished jobs to their end. Those whose rows were being saved fail: which rows of
 * the running batches were saved is not known, and saving one twice would be wrong.
 */
export const resumeJobs = (org: Org): void => {
  const bulk = bulkOf(org)
  for (const job of bulk.ingestJobs) {
    if (job.state === 'UploadComplete') job.settled = runIngest(bulk, job)
    if (job.state !== 'InProgress') continue
    job.errorMessage = 'InternalServerError : The server was restarted while the job ran'
    job.upload = null
    bulk.enter(job, 'Failed')
  }
  for (const job of bulk.queryJobs) {
    if (job.state !== 'UploadComplete' && job.state !== 'InProgress') continue
    job.state = 'UploadComplete'
    job.processed = 0
    job.settled = runQueryJob(bulk, job)
  }
}
