// The part of a pull that reads describes.

import { type DescribeResult, describeMany } from '../../salesforce/describes.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { expectObject, expectObjects } from '../../salesforce/rest.ts'
import { type ReadItem } from './journal.ts'
import { type Validator } from './validators.ts'
import { type ItemWriter } from './writer.ts'

/**
 * Composites under way at once. Salesforce limits only calls of 20 s and longer (25 at once, 5 in
 * Developer orgs), and 8 is what this engine allows itself for one Salesforce org.
 */
const PARALLEL = 8

export interface GlobalList {
  /** Null: nothing has changed since the requested date. */
  names: string[] | null
  /** Salesforce's own date of the list. */
  lastModified: string | null
  /** Salesforce's clock when it answered; null if it does not say. */
  servedAt: string | null
}

/** The list of all objects that the connected user may see, conditionally if there is a date. */
export const readGlobalList = async (
  org: SalesforceOrg,
  ifModifiedSince: string | null,
): Promise<GlobalList> => {
  const { status, headers, body } = await org.request({
    path: '/sobjects/',
    kind: 'describe',
    headers: ifModifiedSince === null ? {} : { 'if-modified-since': ifModifiedSince },
  })
  const lastModified = headers['last-modified'] ?? null
  const servedAt = headers.date ?? null
  if (status === 304) return { names: null, lastModified: ifModifiedSince, servedAt }
  const list = expectObject(body, 'The list of objects')
  const names = expectObjects(list.sobjects, 'sobjects').flatMap(({ name }) => asText(name) ?? [])
  return { names: [...new Set(names)], lastModified, servedAt }
}

/**
 * Says which of Salesforce's dates may be used for a later conditional read. They have whole seconds:
 * what changed in the second in which this pull began, or later, may change once more with the same
 * date, so such a date is not kept and the next pull reads unconditionally. Both times are Salesforce's.
 */
export const settledBefore = (servedAt: string | null): ((date: string) => boolean) => {
  const startedMs = servedAt === null ? Number.NaN : Date.parse(servedAt)
  return (date) => {
    const changedMs = Math.floor(Date.parse(date) / 1000) * 1000
    return !Number.isNaN(changedMs) && (Number.isNaN(startedMs) || changedMs < startedMs)
  }
}

export interface ObjectsTask {
  org: SalesforceOrg
  names: readonly string[]
  /** Dates by object; read unconditionally if there is none. */
  validators: ReadonlyMap<string, Validator>
  writer: ItemWriter
  isSettled: (date: string) => boolean
  /** Called with each object that is done. */
  onItem: (item: ReadItem) => void | Promise<void>
}

const fieldsOf = (body: JsonObject): number => (Array.isArray(body.fields) ? body.fields.length : 0)

/** Reads the describes of `names`; throws only for faults that concern the Salesforce org as a whole. */
export const readObjects = async (task: ObjectsTask): Promise<void> => {
  const dates = new Map(
    [...task.validators].map(([name, { lastModified }]) => [name, lastModified] as const),
  )
  const options = { parallel: PARALLEL }
  for await (const result of describeMany(task.org, task.names, dates, options)) {
    const item = await write(task, result)
    await task.onItem(item)
  }
}

const write = async (
  { writer, validators, isSettled }: ObjectsTask,
  result: DescribeResult,
): Promise<ReadItem> => {
  const bare = { kind: 'object' as const, fieldsCount: 0, lastModified: null, notModified: false }
  if (result.result === 'ok') {
    const { body, lastModified } = result
    const item = {
      ...bare,
      // For a name in a different case (`account`), Salesforce returns the real name.
      name: isObject(body) ? (asText(body.name) ?? result.name) : result.name,
      fieldsCount: fieldsOf(body),
      lastModified: lastModified !== null && isSettled(lastModified) ? lastModified : null,
      unreadable: null,
    }
    return { ...item, hash: await writer.add(item, body) }
  }
  const known = validators.get(result.name)
  if (result.result === 'not_modified' && known !== undefined) {
    const item = { ...bare, ...known, name: result.name, notModified: true, unreadable: null }
    await writer.note(item)
    return item
  }
  const { code, message } =
    result.result === 'unreadable'
      ? result.failure
      : { code: 'UNEXPECTED_304', message: 'Salesforce answered 304 to an unconditional read.' }
  const item = { ...bare, name: result.name, hash: null, unreadable: { code, message } }
  await writer.note(item)
  return item
}
