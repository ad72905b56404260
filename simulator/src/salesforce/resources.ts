// The small resources: versions, the list of resources, limits, record counts, a record by its id.

import { findObject } from '../org/changes.ts'
import { toId18 } from '../org/ids.ts'
import { type SoqlRow } from '../soql/schema.ts'
import { type Org } from '../org/model.ts'
import { NEWEST_VERSION, OLDEST_VERSION, type RestContext, type RestRoute } from './dispatch.ts'
import { setupTables } from './query-setup.ts'
import { notFound, notSimulated, refusal } from './errors.ts'

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
  { method: 'GET', pattern: '/sobjects/:name/:id', handler: (ctx) => record(ctx) },
]

const limitsOf = (org: Org) => {
  const limit = (max: number, used = 0) => ({ Max: max, Remaining: Math.max(0, max - used) })
  const large = org.edition !== 'Developer'
  return {
    ConcurrentAsyncGetReportInstances: limit(200),
    DailyApiRequests: limit(org.usage.max, org.usage.used),
    DailyAsyncApexExecutions: limit(250_000),
    DailyBulkApiBatches: limit(15_000),
    DailyBulkV2QueryFileStorageMB: limit(976_562),
    DailyBulkV2QueryJobs: limit(10_000),
    DailyWorkflowEmails: limit(large ? 25_000 : 390),
    DataStorageMB: limit(large ? 10_240 : 5, 1),
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

/** Below an object, but no id of a record. */
const OBJECT_PARTS = new Set(['updated', 'deleted', 'listviews', 'quickActions', 'defaultValues'])

/** Users, profiles, permission sets … are kept as state of the org, not as records; they read alike. */
const setupRow = ({ org }: RestContext, name: string, id: string): SoqlRow | undefined => {
  const table = setupTables(org).get(name.toLowerCase())
  if (table === undefined) return undefined
  return [...table.rows(new Map([['id', [id]]]))].find((row) => row.Id === id)
}

const record = (ctx: RestContext) => {
  const { org, viewer, params, request, base } = ctx
  const object = findObject(org, params.name ?? '')
  if (object === undefined || !viewer.seesObject(object)) throw notFound()
  if (OBJECT_PARTS.has(params.id ?? '')) throw notSimulated(`GET /sobjects/X/${params.id}`)
  const id = toId18(params.id ?? '')
  if (id === null)
    throw refusal(
      400,
      'MALFORMED_ID',
      `${object.name} ID: id value of incorrect type: ${params.id}`,
    )
  const row = org.records.get(object.name.toLowerCase())?.get(id) ?? setupRow(ctx, object.name, id)
  if (row === undefined) throw notFound()
  const wanted = request.query
    .get('fields')
    ?.split(',')
    .map((name) => name.trim().toLowerCase())
  const shown: Record<string, unknown> = {
    attributes: { type: object.name, url: `${base}/sobjects/${object.name}/${id}` },
  }
  for (const name of wanted ?? []) {
    const field = object.fields.get(name)
    if (field === undefined || !viewer.seesField(object, field)) {
      throw refusal(
        400,
        'INVALID_FIELD',
        `\n${name}\n^\nERROR at Row:1:Column:1\nNo such column '${name}' on entity '${object.name}'.`,
      )
    }
  }
  for (const [name, field] of object.fields) {
    if (!viewer.seesField(object, field)) continue
    if (wanted !== undefined && !wanted.includes(name) && name !== 'id') continue
    shown[field.describe.name] = row[field.describe.name] ?? null
  }
  return { status: 200, body: shown }
}
