// `GET /limits`. Names and allocations: REST API guide, "List Organization Limits", and for Developer
// Edition an answer that the library SwiftlySalesforce recorded. What the simulator counts has its real
// numbers.

import { type Org } from '../org/model.ts'
import { bulkOf, DAILY } from './bulk/jobs.ts'

interface Limit {
  Max: number
  Remaining: number
}

/** Allocations that nothing here uses up, by edition if editions differ. */
const UNUSED: Readonly<Record<string, number | { large: number; developer: number }>> = {
  ActiveScratchOrgs: 3,
  AnalyticsExternalDataSizeMB: 40_960,
  ConcurrentAsyncGetReportInstances: 200,
  ConcurrentEinsteinDataInsightsStoryCreation: 5,
  ConcurrentEinsteinDiscoveryStoryCreation: 2,
  ConcurrentSyncReportRuns: 20,
  DailyAnalyticsDataflowJobExecutions: 60,
  DailyAnalyticsUploadedFilesSizeMB: 51_200,
  DailyAsyncApexExecutions: 250_000,
  DailyAsyncApexTests: 500,
  DailyDeliveredPlatformEvents: 10_000,
  DailyDurableGenericStreamingApiEvents: 10_000,
  DailyDurableStreamingApiEvents: 10_000,
  DailyEinsteinDataInsightsStoryCreation: 1000,
  DailyEinsteinDiscoveryPredictAPICalls: 50_000,
  DailyEinsteinDiscoveryPredictionsByCDC: 500_000,
  DailyEinsteinDiscoveryStoryCreation: 100,
  DailyGenericStreamingApiEvents: 10_000,
  DailyScratchOrgs: 6,
  DailyStandardVolumePlatformEvents: 10_000,
  DailyStreamingApiEvents: 10_000,
  DailyWorkflowEmails: { large: 25_000, developer: 390 },
  DurableStreamingApiConcurrentClients: 20,
  HourlyAsyncReportRuns: 1200,
  HourlyDashboardRefreshes: 200,
  HourlyDashboardResults: 5000,
  HourlyDashboardStatuses: 999_999_999,
  HourlyLongTermIdMapping: 100_000,
  HourlyManagedContentPublicRequests: 50_000,
  HourlyODataCallout: { large: 20_000, developer: 1000 },
  HourlyPublishedPlatformEvents: 50_000,
  HourlyPublishedStandardVolumePlatformEvents: 1000,
  HourlyShortTermIdMapping: 100_000,
  HourlySyncReportRuns: 500,
  HourlyTimeBasedWorkflow: { large: 1000, developer: 50 },
  MassEmail: { large: 5000, developer: 10 },
  MonthlyEinsteinDiscoveryStoryCreation: 500,
  Package2VersionCreates: 6,
  Package2VersionCreatesWithoutValidation: 500,
  PrivateConnectOutboundCalloutHourlyLimitMB: 0,
  SingleEmail: { large: 5000, developer: 15 },
  StreamingApiConcurrentClients: 20,
}

/** Salesforce: a record takes 2 KB, whatever is in it. */
const RECORD_KB = 2
const toMB = (kb: number) => Math.ceil(kb / 1024)

const limit = (max: number, used = 0): Limit => ({ Max: max, Remaining: Math.max(0, max - used) })

/** Every limit of the org with what is left of it, in the order of their names. */
export const limitsOf = (org: Org): Record<string, Limit> => {
  const large = org.edition !== 'Developer'
  const bulk = bulkOf(org).usage
  let records = 0
  for (const rows of org.records.values()) records += rows.size
  const unused = Object.entries(UNUSED).map(([name, max]): [string, Limit] => [
    name,
    limit(typeof max === 'number' ? max : max[large ? 'large' : 'developer']),
  ])
  const counted: Record<string, Limit> = {
    DailyApiRequests: limit(org.usage.max, org.usage.used),
    DailyBulkApiBatches: limit(DAILY.batches, bulk.batches),
    DailyBulkV2QueryFileStorageMB: limit(976_562, toMB(bulk.queryResultKB)),
    DailyBulkV2QueryJobs: limit(DAILY.queryJobs, bulk.queryJobs),
    DataStorageMB: limit(large ? 10_240 : 5, toMB(records * RECORD_KB)),
    FileStorageMB: limit(large ? 10_240 : 20, 1),
    PermissionSets: permissionSets(org),
  }
  const all = [...unused, ...Object.entries(counted)]
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Salesforce: all permission sets, and those that are not from a package. */
const permissionSets = (org: Org): Limit & { CreateCustom: Limit } => {
  const sets = [...org.permissionSets.values()]
  const own = sets.filter(({ namespace }) => namespace === null)
  return { ...limit(1500, sets.length), CreateCustom: limit(1000, own.length) }
}
