// The REST API: versions, limits, identity, describes and queries. Answers keep every key that
// Salesforce sends; only what we read is checked.

import { malformed, SalesforceError } from './failure.ts'
import { type Priority, type SalesforceCaller, type SalesforceOrg } from './gateway.ts'
import { composite } from './composite.ts'
import { soql, type Soql, soqlName, urlPath } from './escape.ts'
import { asText, isObject, type JsonObject } from './json.ts'

const fail = (what: string): SalesforceError => new SalesforceError(malformed(what))

/** The value as an object, or a SalesforceError `malformed` that names `what`. */
export const expectObject = (value: unknown, what: string): JsonObject => {
  if (!isObject(value)) throw fail(`${what} is not a JSON object.`)
  return value
}

/** The elements of an array, each of them an object; else a SalesforceError `malformed`. */
export const expectObjects = (value: unknown, what: string): JsonObject[] => {
  if (!Array.isArray(value) || !value.every(isObject))
    throw fail(`${what} is not a list of objects.`)
  return value
}

export interface ApiVersion {
  /** As Salesforce writes it: `66.0`. */
  version: string
  label: string
}

/** Oldest first. Salesforce answers this without a session, so an anonymous caller is enough. */
export const listVersions = async (caller: SalesforceCaller): Promise<ApiVersion[]> => {
  const { body } = await caller.request({ path: '/services/data/' })
  return expectObjects(body, 'The version list').flatMap(({ version, label }) =>
    typeof version === 'string' ? [{ version, label: asText(label) ?? version }] : [],
  )
}

export interface Allocation {
  max: number
  remaining: number
}

/** Every allocation of the Salesforce org by name (`DailyApiRequests` …). This is itself a call. */
export const getLimits = async (org: SalesforceOrg): Promise<Map<string, Allocation>> => {
  const body = expectObject((await org.request({ path: '/limits' })).body, 'The limits')
  const limits = new Map<string, Allocation>()
  for (const [name, value] of Object.entries(body)) {
    if (!isObject(value)) continue
    const { Max: max, Remaining: remaining } = value
    if (typeof max === 'number' && typeof remaining === 'number')
      limits.set(name, { max, remaining })
  }
  return limits
}

/**
 * Record counts by object; cached and approximate at Salesforce. Objects without rows are missing in its
 * answer and have 0 here, as do objects that it does not know.
 */
export const getRecordCounts = async (
  org: SalesforceOrg,
  names: readonly string[],
): Promise<Map<string, number>> => {
  const counts = new Map(names.map((name) => [name, 0]))
  // A URL may have about 16 KB: 200 of the longest names stay below that.
  for (let start = 0; start < names.length; start += 200) {
    const sObjects = names.slice(start, start + 200).join(',')
    const { body } = await org.request({ path: '/limits/recordCount', query: { sObjects } })
    for (const { name, count } of expectObjects(
      expectObject(body, 'The record counts').sObjects,
      'sObjects',
    )) {
      if (typeof name === 'string' && typeof count === 'number') counts.set(name, count)
    }
  }
  return counts
}

export interface Identity {
  /** 18 characters, as Salesforce returns them. */
  userId: string
  sfdcOrgId: string
  username: string | null
  language: string | null
  all: JsonObject
}

/** Who the session belongs to (`/services/oauth2/userinfo`); costs no API call. */
export const getIdentity = async (org: SalesforceOrg): Promise<Identity> => {
  const { body } = await org.request({ path: '/services/oauth2/userinfo', kind: 'oauth' })
  const all = expectObject(body, 'The identity')
  const userId = asText(all.user_id)
  const sfdcOrgId = asText(all.organization_id)
  if (userId === null || sfdcOrgId === null)
    throw fail('The identity names no user or organization.')
  const username = asText(all.preferred_username)
  return { userId, sfdcOrgId, username, language: asText(all.language), all }
}

export type Conditional<Body> =
  | { result: 'ok'; body: Body; lastModified: string | null }
  | { result: 'not_modified' }

const conditional = async (
  org: SalesforceOrg,
  path: string,
  { ifModifiedSince, signal }: DescribeOptions,
): Promise<Conditional<JsonObject>> => {
  const { status, headers, body } = await org.request({
    path,
    kind: 'describe',
    // Salesforce: sObject Describe, "If-Modified-Since Header". Its own Last-Modified is sent back
    // unchanged, never a time from our clock.
    ...(ifModifiedSince == null ? {} : { headers: { 'if-modified-since': ifModifiedSince } }),
    ...(signal === undefined ? {} : { signal }),
  })
  if (status === 304) return { result: 'not_modified' }
  return {
    result: 'ok',
    body: expectObject(body, 'The describe'),
    lastModified: headers['last-modified'] ?? null,
  }
}

export interface DescribeOptions {
  /** A `Last-Modified` that Salesforce sent with an earlier answer. */
  ifModifiedSince?: string | null
  signal?: AbortSignal
}

/** All objects that the connected user may see, without their fields. */
export const describeGlobal = (
  org: SalesforceOrg,
  options: DescribeOptions = {},
): Promise<Conditional<JsonObject>> => conditional(org, '/sobjects/', options)

/** One object with its fields, as far as the connected user may see them. */
export const describe = (
  org: SalesforceOrg,
  name: string,
  options: DescribeOptions = {},
): Promise<Conditional<JsonObject>> =>
  conditional(org, urlPath`/sobjects/${name}/describe`, options)

export interface QueryOptions {
  /** Query the Tooling API instead. */
  tooling?: boolean
  /** Includes deleted and archived records. */
  all?: boolean
  /** Rows per page, 200 to 2,000; Salesforce may send fewer. */
  batchSize?: number
  /** Instead of the target's. */
  priority?: Priority
}

export interface QueryPage {
  totalSize: number
  records: JsonObject[]
  /** Path of the next page; null on the last one. */
  nextRecordsUrl: string | null
}

/** A URL may have 16 KB in total; longer SOQL is sent as a sub-request in the body of a composite. */
const QUERY_URL_MAX = 12_000

const readPage = (body: unknown): QueryPage => {
  const page = expectObject(body, 'The query result')
  const nextRecordsUrl = asText(page.nextRecordsUrl)
  if (page.done === false && nextRecordsUrl === null) {
    throw fail('The query result is not done and names no next page.')
  }
  return {
    totalSize: typeof page.totalSize === 'number' ? page.totalSize : 0,
    records: expectObjects(page.records ?? [], 'records'),
    nextRecordsUrl: page.done === true ? null : nextRecordsUrl,
  }
}

const withPriority = ({ priority }: QueryOptions): { priority?: Priority } =>
  priority === undefined ? {} : { priority }

const firstPage = async (
  org: SalesforceOrg,
  query: Soql,
  options: QueryOptions,
): Promise<QueryPage> => {
  const root = options.tooling === true ? '/tooling' : ''
  const path = `${root}/${options.all === true ? 'queryAll' : 'query'}`
  const headers: Record<string, string> =
    options.batchSize === undefined
      ? {}
      : { 'sforce-query-options': `batchSize=${options.batchSize}` }
  if (encodeURIComponent(query.text).length <= QUERY_URL_MAX) {
    const answer = await org.request({
      path,
      query: { q: query.text },
      headers,
      kind: 'query',
      ...withPriority(options),
    })
    return readPage(answer.body)
  }
  const url = `${path}?q=${encodeURIComponent(query.text)}`
  const [result] = await composite(org, [{ method: 'GET', url, headers }], {
    effect: 'read',
    tooling: options.tooling === true,
    ...withPriority(options),
  })
  if (result === undefined) throw fail('The composite answered nothing.')
  if (result.failure !== null) throw new SalesforceError(result.failure)
  return readPage(result.body)
}

/** Page by page; the next page is requested when the consumer needs it. */
export async function* queryPages(
  org: SalesforceOrg,
  query: Soql,
  options: QueryOptions = {},
): AsyncGenerator<QueryPage, void, undefined> {
  let page = await firstPage(org, query, options)
  while (true) {
    const next = page.nextRecordsUrl
    yield page
    if (next === null) return
    const answer = await org.request({ path: next, kind: 'query', ...withPriority(options) })
    page = readPage(answer.body)
  }
}

/** Record by record. Throws SalesforceError; what was yielded before stays valid. */
export async function* query(
  org: SalesforceOrg,
  text: Soql,
  options: QueryOptions = {},
): AsyncGenerator<JsonObject, void, undefined> {
  for await (const page of queryPages(org, text, options)) yield* page.records
}

export interface ValuesToCount {
  object: string
  field: string
  /** Null: every row. */
  where: Soql | null
  counts: (value: unknown) => boolean
  /** No more rows than this are checked. */
  max: number
}

/** How many rows have a value that counts, found by checking each; null if there are too many. */
export const countValues = async (
  org: SalesforceOrg,
  { object, field, where, counts, max }: ValuesToCount,
  options: QueryOptions = {},
): Promise<number | null> => {
  const name = soqlName(field)
  const rows = soql`SELECT ${name} FROM ${soqlName(object)}`
  const limit = soql` LIMIT ${max + 1}`
  const text = where === null ? soql`${rows}${limit}` : soql`${rows} WHERE ${where}${limit}`
  let counted = 0
  for await (const { totalSize, records } of queryPages(org, text, options)) {
    if (totalSize > max) return null
    counted += records.filter(({ attributes: _, ...row }) => counts(Object.values(row)[0])).length
  }
  return counted
}

/** The result of a `SELECT COUNT()` query. */
export const queryCount = async (
  org: SalesforceOrg,
  text: Soql,
  options: QueryOptions = {},
): Promise<number> => (await firstPage(org, text, options)).totalSize
