// The small resources: versions, the list of resources, limits, record counts.

import { findObject } from '../org/changes.ts'
import { NEWEST_VERSION, OLDEST_VERSION } from './dispatch.ts'
import { limitsOf } from './limits.ts'
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
