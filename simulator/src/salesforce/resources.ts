// The small resources: versions, the list of resources, limits, record counts.

import { findObject } from '../org/changes.ts'
import { type Org } from '../org/model.ts'
import { bulkOf, DAILY } from './bulk/jobs.ts'
import { NEWEST_VERSION, OLDEST_VERSION } from './dispatch.ts'
import { type RestContext, type RestRoute } from './rest.ts'

const RELEASES = ['Winter', 'Spring', 'Summer'] as const

/** Salesforce: v31 was Summer '14; three releases a year since. */
const releaseLabel = (version: number): string => {
  const sinceSummer14 = version - 31
  const season = RELEASES[(sinceSummer14 + 2) % 3] ?? ''
  const year = 14 + Math.floor((sinceSummer14 + 2) / 3)
  return `${season} '${String(year).padStart(2, '0')}`
}

/** `GET /services/data`: without authentication. */
export const versionList = (): { label: string; url: string; version: string }[] => {
  const list = []
  for (let version = OLDEST_VERSION; version <= NEWEST_VERSION; version++) {
    list.push({
      label: releaseLabel(version),
      url: `/services/data/v${version}.0`,
      version: `${version}.0`,
    })
  }
  return list
}

const RESOURCES = [
  'tooling',
  'metadata',
  'sobjects',
  'query',
  'queryAll',
  'limits',
  'composite',
  'jobs',
]

export const resourceRoutes: RestRoute[] = [
  {
    method: 'GET',
    pattern: '/',
    handler: ({ base, org, user }) => ({
      status: 200,
      body: {
        ...Object.fromEntries(RESOURCES.map((name) => [name, `${base}/${name}`])),
        identity: `${org.instanceUrl}/id/${org.id}/${user.id}`,
      },
    }),
  },
  {
    method: 'GET',
    pattern: '/limits',
    handler: ({ org }) => ({ status: 200, body: limitsOf(org) }),
  },
  { method: 'GET', pattern: '/limits/recordCount', handler: (ctx) => recordCount(ctx) },
]

/** Salesforce: a record takes 2 KB, whatever is in it. */
const RECORD_KB = 2

const limitsOf = (org: Org) => {
  const limit = (max: number, used = 0) => ({ Max: max, Remaining: Math.max(0, max - used) })
  const large = org.edition !== 'Developer'
  const bulk = bulkOf(org).usage
  const toMB = (kb: number) => Math.ceil(kb / 1024)
  let records = 0
  for (const rows of org.records.values()) records += rows.size
  return {
    ConcurrentAsyncGetReportInstances: limit(200),
    DailyApiRequests: limit(org.usage.max, org.usage.used),
    DailyAsyncApexExecutions: limit(250_000),
    DailyBulkApiBatches: limit(DAILY.batches, bulk.batches),
    DailyBulkV2QueryFileStorageMB: limit(976_562, toMB(bulk.queryResultKB)),
    DailyBulkV2QueryJobs: limit(DAILY.queryJobs, bulk.queryJobs),
    DailyWorkflowEmails: limit(large ? 25_000 : 390),
    DataStorageMB: limit(large ? 10_240 : 5, toMB(records * RECORD_KB)),
    FileStorageMB: limit(large ? 10_240 : 20, 1),
    HourlyAsyncReportRuns: limit(1200),
    SingleEmail: limit(large ? 5000 : 15),
  }
}

/** Salesforce: objects without rows are left out; the numbers are cached and approximate. */
const recordCount = ({ org, request }: RestContext) => {
  const wanted = request.query
    .get('sObjects')
    ?.split(',')
    .map((name) => name.trim().toLowerCase())
  const counts = [...org.records]
    .filter(([name, rows]) => rows.size > 0 && (wanted === undefined || wanted.includes(name)))
    .map(([name, rows]) => ({ count: rows.size, name: findObject(org, name)?.name ?? name }))
  return { status: 200, body: { sObjects: counts } }
}
