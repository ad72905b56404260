import { type RestRoute } from '../rest.ts'
import { ingestRoutes } from './ingest.ts'
import { queryJobRoutes } from './query-jobs.ts'

/** Bulk API 2.0: `/jobs/ingest` and `/jobs/query`. */
export const bulkRoutes: RestRoute[] = [...ingestRoutes, ...queryJobRoutes]
