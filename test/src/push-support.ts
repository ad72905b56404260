// What the suites about pushes share: a prepared Salesforce org, mappings to it, and the proof that
// every result of a push is true for that Salesforce org.

import { expect } from 'vitest'
import { type ActionInput } from '../../simulator/src/control/routes.ts'
import { type Answer, type Api } from './api.ts'
import { type AnyRig, type TestClient, type TestOrg } from './rig.ts'
import { HANGS_MS, until } from './until.ts'

export interface RowError {
  code: string
  message: string
  fields: string[]
  remedy: string
}

export interface RowResult {
  index: number
  key: string | null
  id: string | null
  action: 'created' | 'updated' | 'skipped' | 'failed' | 'would_update' | 'would_send'
  success: boolean
  resent?: boolean
  attempts: number
  errors: RowError[]
  warnings?: RowError[]
}

export interface PushBody {
  id: string
  client_id: string
  kind: string
  canonical_object: string | null
  sfdc_object: string | null
  status: 'queued' | 'in_progress' | 'succeeded' | 'partial' | 'failed'
  dry_run: boolean
  transport: 'collections' | 'bulk'
  total: number
  processed: number
  succeeded: number
  failed: number
  created_count: number
  updated_count: number
  salesforce_api_calls: number
  mapping_version: number | null
  retry_of: string | null
  error: { code: string; message: string; resumes_at?: string } | null
  results?: RowResult[]
  /** Of a problem. */
  code?: string
  errors?: { path: string; code: string; message: string }[]
}

export type Row = Record<string, unknown>

/** One Salesforce org, the client that is connected to it, and its mapping of placements. */
export interface PushRig {
  salesforceOrg: string
  client: TestClient
  mappingId: string
}

const KEY = { type: 'string', length: 64, externalId: true, unique: true, idLookup: true }

const FIELDS: Record<string, ActionInput<'schema/add-field'>['field'][]> = {
  Account: [
    { name: 'Key__c', ...KEY },
    // Salesforce: an external id need not be unique, and then may find several records.
    { name: 'Legacy_Key__c', ...KEY, unique: false },
  ],
  Contact: [{ name: 'Key__c', ...KEY }],
  Placement__c: [
    { name: 'Title__c', type: 'string', length: 40 },
    { name: 'Email__c', type: 'email' },
    { name: 'Badge__c', type: 'string', length: 60, unique: true },
    { name: 'Seats__c', type: 'double', precision: 4, scale: 0 },
  ],
}

export const PLACEMENT_MAPPING = {
  canonical_object: 'placement',
  sfdc_object: 'Placement__c',
  external_id_field: 'External_Key__c',
  fields: [
    { canonical_field: 'key', sfdc_field: 'External_Key__c' },
    { canonical_field: 'title', sfdc_field: 'Title__c', required: true },
    { canonical_field: 'email', sfdc_field: 'Email__c' },
    { canonical_field: 'badge', sfdc_field: 'Badge__c' },
    { canonical_field: 'seats', sfdc_field: 'Seats__c' },
    { canonical_field: 'salary', sfdc_field: 'Salary__c' },
    { canonical_field: 'start', sfdc_field: 'Start_Date__c' },
    { canonical_field: 'remote', sfdc_field: 'Is_Remote__c' },
    {
      canonical_field: 'stage',
      sfdc_field: 'Stage__c',
      value_map: { new: 'Proposed', hired: 'Placed' },
    },
    { canonical_field: 'company', sfdc_field: 'Company__r.Key__c' },
    { canonical_field: 'candidate', sfdc_field: 'Candidate__c' },
  ],
}

export const map = async (org: TestOrg, client: TestClient, mapping: Row): Promise<string> => {
  const answer = await org.api.post<{ id: string; warnings: unknown[] }>('/api/mappings/create', {
    client_id: client.id,
    ...mapping,
  })
  expect([answer.status, answer.body.warnings], answer.text).toEqual([201, []])
  return answer.body.id
}

/** Connects a new client to this Salesforce org, creates the fields in it, and maps placements. */
export const makePushRig = async (
  { simulator: { control } }: AnyRig,
  org: TestOrg,
  salesforceOrg = 'Acme',
): Promise<PushRig> => {
  for (const [object, fields] of Object.entries(FIELDS)) {
    for (const field of fields) {
      await control.act('schema/add-field', { org: salesforceOrg, object, field })
    }
  }
  const client = await org.client(`Client of ${salesforceOrg}`)
  await client.connect(salesforceOrg)
  await client.pull()
  const mappingId = await map(org, client, PLACEMENT_MAPPING)
  return { salesforceOrg, client, mappingId }
}

/** A good row; the same number gives the same row. */
export const placement = (prefix: string, n: number): Row => ({
  key: `${prefix}-${n}`,
  title: `Placement ${n}`,
  salary: 40_000 + n / 4,
  remote: n % 2 === 0,
})

export const placements = (prefix: string, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => placement(prefix, n))

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Every stored record whose key has this prefix, in whatever state. */
export const recordsOf = async (
  { control }: AnyRig['simulator'],
  salesforceOrg: string,
  prefix: string,
  { object = 'Placement__c', keyField = 'External_Key__c' } = {},
): Promise<Row[]> => {
  const rows = await control.act('records/list', { org: salesforceOrg, object, limit: 1_000_000 })
  const wanted = prefix.toLowerCase()
  return rows.filter((row) => textOf(row[keyField]).toLowerCase().startsWith(wanted))
}

export const isOver = ({ status }: PushBody): boolean =>
  status !== 'queued' && status !== 'in_progress'

export const getPush = async (api: Api, pushId: string): Promise<PushBody> => {
  const answer = await api.post<PushBody>('/api/push/get', { push_id: pushId })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** The push once it has ended, however it ended. */
export const settled = (api: Api, pushId: string, timeoutMs = HANGS_MS): Promise<PushBody> =>
  until(
    `push ${pushId} is over`,
    async () => {
      const push = await getPush(api, pushId)
      return isOver(push) && push
    },
    timeoutMs,
  )

/** All results, read in pages, in the returned order. */
export const resultsOf = async (
  api: Api,
  pushId: string,
  { status, limit = 10_000 }: { status?: 'failed' | 'succeeded'; limit?: number } = {},
): Promise<RowResult[]> => {
  const results: RowResult[] = []
  let cursor: string | null = null
  do {
    const answer: Answer<{ items: RowResult[]; next_cursor: string | null }> = await api.post(
      '/api/push/results',
      {
        push_id: pushId,
        limit,
        ...(status === undefined ? {} : { status }),
        ...(cursor === null ? {} : { cursor }),
      },
    )
    expect(answer.status, answer.text.slice(0, 500)).toBe(200)
    results.push(...answer.body.items)
    cursor = answer.body.next_cursor
  } while (cursor !== null)
  return results
}

/** Sends rows and waits until the push is final. */
export const pushRecords = async (
  api: Api,
  pushRig: PushRig,
  records: Row[],
  options: Row = {},
  object = 'placement',
): Promise<PushBody> => {
  const answer = await api.post<PushBody>('/api/push/records', {
    client_id: pushRig.client.id,
    object,
    records,
    options,
    wait_seconds: 55,
  })
  expect([200, 202], answer.text.slice(0, 1000)).toContain(answer.status)
  return isOver(answer.body) ? answer.body : settled(api, answer.body.id)
}

/** The single result of a push of one row. */
export const onlyResult = (push: PushBody): RowResult => {
  const [result] = push.results ?? []
  if (result === undefined || push.results?.length !== 1)
    throw new Error(`not one result: ${JSON.stringify(push)}`)
  return result
}

export const ndjson = (envelope: Row, rows: Iterable<Row>): string => {
  const lines = [JSON.stringify(envelope)]
  for (const row of rows) lines.push(JSON.stringify(row))
  return `${lines.join('\n')}\n`
}

/** Checks the counts of an ended push; returns its results in input order. */
export const expectWhole = (push: PushBody, results: readonly RowResult[]): void => {
  expect(push).toMatchObject({
    total: results.length,
    processed: results.length,
    succeeded: results.filter(({ success }) => success).length,
    failed: results.filter(({ success }) => !success).length,
    created_count: results.filter(({ action }) => action === 'created').length,
    updated_count: results.filter(({ action }) => action === 'updated').length,
  })
  expect(push.succeeded + push.failed).toBe(push.total)
  expect(results.every(({ index }, position) => index === position)).toBe(true)
  expect(results.filter((r) => r.success !== (r.action !== 'failed'))).toEqual([])
  expect(results.filter((r) => r.success !== (r.errors.length === 0))).toEqual([])
  expect(push.status).toBe(
    push.failed === 0 ? 'succeeded' : push.succeeded === 0 ? 'failed' : 'partial',
  )
}

/**
 * Compares every result with the Salesforce org: a successful row exists exactly once, under the
 * returned id, with the sent values, and was created only if it did not exist before; a failed row does
 * not exist, or is as it was.
 */
export const expectTrue = async (
  simulator: AnyRig['simulator'],
  pushRig: PushRig,
  {
    prefix,
    rows,
    results,
    before = [],
    only = () => true,
  }: {
    prefix: string
    rows: readonly Row[]
    results: readonly RowResult[]
    /** Records of that prefix before the push. */
    before?: readonly Row[]
    /** Rows whose values are compared. */
    only?: (row: Row) => boolean
  },
): Promise<void> => {
  const stored = await recordsOf(simulator, pushRig.salesforceOrg, prefix)
  const byKey = new Map<string, Row[]>()
  for (const record of stored) {
    const key = String(record['External_Key__c'])
    byKey.set(key, [...(byKey.get(key) ?? []), record])
  }
  const earlier = new Map(before.map((record) => [String(record['External_Key__c']), record]))
  const untrue: unknown[] = []
  const sentKeys = new Set<string>()
  for (const result of results) {
    const row = rows[result.index] ?? {}
    const key = textOf(row['key'])
    const found = byKey.get(key) ?? []
    if (result.success) {
      sentKeys.add(key)
      const [record] = found
      const truth =
        record !== undefined &&
        found.length === 1 &&
        record['Id'] === result.id &&
        result.key === key &&
        result.action === (earlier.has(key) ? 'updated' : 'created') &&
        (!only(row) ||
          (record['Title__c'] === row['title'] &&
            record['Salary__c'] === row['salary'] &&
            record['Is_Remote__c'] === row['remote']))
      if (!truth) untrue.push({ result, row, found })
    }
  }
  for (const result of results) {
    const key = textOf(rows[result.index]?.['key'])
    if (result.success || sentKeys.has(key)) continue
    const found = byKey.get(key) ?? []
    const was = earlier.get(key)
    if (JSON.stringify(found) !== JSON.stringify(was === undefined ? [] : [was])) {
      untrue.push({ result, found, was })
    }
  }
  expect(untrue.slice(0, 5), `${untrue.length} results are not true of Salesforce`).toEqual([])
  const kept = [...earlier.keys()].filter((key) => !sentKeys.has(key)).length
  expect(stored.length, 'no record twice, none that nobody asked for').toBe(sentKeys.size + kept)
}

/**
 * Waits until Salesforce's clock, which counts seconds, shows the next one, so that earlier records are
 * recognisably older.
 */
export const nextSecond = (): Promise<unknown> => {
  const now = Math.floor(Date.now() / 1000)
  return until('the next second', () => Math.floor(Date.now() / 1000) > now)
}

/** Returns the requests to a Salesforce org from here on. */
export const overhear = async (
  { control }: AnyRig['simulator'],
  salesforceOrg: string,
): Promise<() => ReturnType<typeof control.journal>> => {
  const { length } = await control.journal(salesforceOrg)
  return async () => (await control.journal(salesforceOrg)).slice(length)
}

/** Numbers from 0 to 1, derived from the seed. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}
