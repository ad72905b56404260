// Thousands of describes, cheap in calls and flat in memory: 25 per composite, some composites at once,
// each parsed only when its turn comes.

import { COMPOSITE_MAX, compositeUnread, type SubAnswer } from './composite.ts'
import { urlPath } from './escape.ts'
import { concernsWholeOrg, type Failure, malformed, SalesforceError } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'
import { isObject, type JsonObject } from './json.ts'
import { describe } from './rest.ts'

export type DescribeResult =
  | { name: string; result: 'ok'; body: JsonObject; lastModified: string | null }
  | { name: string; result: 'not_modified' }
  /** Requested alone and still refused or failing; the other objects are not affected. */
  | { name: string; result: 'unreadable'; failure: Failure }

export interface DescribeManyOptions {
  /** Composites under way at once. */
  parallel?: number
  /** Answers that may wait for the consumer. */
  room?: number
  /** Objects in one call at the start; 25 is Salesforce's maximum. */
  batchSize?: number
  /** A composite that took longer halves the size of those after it. */
  slowMs?: number
  /** Given up and halved after this long without an answer; a single object has the gateway's time-out. */
  timeoutMs?: number
}

/** Object names that are sent in one call. */
type Batch = readonly string[]

interface Described {
  results: DescribeResult[]
  /** Failed for a temporary cause inside a successful composite: each is requested alone. */
  again: string[]
}

/** How a call ended. */
type Arrival = { batch: Batch } & (
  | /** Its answer, still a text. Reading it may show that the call failed as a whole. */
    { read: () => Described; ms: number }
  | { failure: Failure }
  /** Faults that halving cannot help: the whole Salesforce org, the budget, the session, an abort. */
  | { fatal: unknown }
)

/** If this many objects in a row fail alone with a server fault, the objects are not the cause. */
const OUTAGE_AFTER = 8

const isServersFault = (failure: Failure): boolean =>
  failure.status === null || failure.status >= 500

/**
 * Describes every object of `names`; results come in no particular order. `validators` holds the
 * `Last-Modified` of an earlier describe by object name: only for those the call is conditional (headers
 * on sub-requests keep Salesforce from collating them, so a cold pull sends none).
 *
 * A composite that fails, times out or is slow is halved, down to the single object, and the size stays
 * small; an object that fails alone is reported as unreadable. Throws (SalesforceError, EngineError, the
 * abort's reason) only for faults that concern the Salesforce org as a whole, so that the caller resumes
 * later, and only after what had arrived before the fault.
 *
 * The next call is sent as soon as an answer has arrived, not when it has been consumed: Salesforce
 * works on it meanwhile. An answer waits as text, and only the one being consumed is parsed; at most
 * `parallel` + `room` of them are on the way or waiting.
 */
export async function* describeMany(
  org: SalesforceOrg,
  names: Iterable<string>,
  validators: ReadonlyMap<string, string> = new Map(),
  options: DescribeManyOptions = {},
): AsyncGenerator<DescribeResult, void, undefined> {
  const { parallel = 4, room = 4, slowMs = 15_000, timeoutMs = 60_000 } = options
  let size = Math.max(1, Math.min(options.batchSize ?? COMPOSITE_MAX, COMPOSITE_MAX))
  const waiting: Batch[] = []
  const source = [...names]
  let position = 0
  let underWay = 0
  const arrived: Arrival[] = []
  let isOver = false
  let wake = (): void => undefined
  const leaving = new AbortController()
  let failedInARow = 0

  const next = (): Batch | null => {
    const known = waiting.shift()
    if (known !== undefined) {
      // The batch size may have shrunk since it was put back.
      if (known.length > size) waiting.unshift(known.slice(size))
      return known.slice(0, size)
    }
    const taken = source.slice(position, position + size)
    position += taken.length
    return taken.length > 0 ? taken : null
  }

  const launch = (): void => {
    while (!isOver && underWay < parallel && underWay + arrived.length < parallel + room) {
      const batch = next()
      if (batch === null) return
      underWay += 1
      void describeBatch(org, batch, { validators, timeoutMs, signal: leaving.signal }).then(land)
    }
  }

  const halve = (batch: Batch): void => {
    const half = Math.ceil(batch.length / 2)
    size = Math.min(size, half)
    waiting.push(batch.slice(0, half), batch.slice(half))
  }

  const land = (arrival: Arrival): void => {
    const { batch } = arrival
    underWay -= 1
    if ('failure' in arrival && batch.length > 1) halve(batch)
    else arrived.push(arrival)
    if ('fatal' in arrival) isOver = true
    if ('read' in arrival && arrival.ms > slowMs) {
      size = Math.min(size, Math.max(1, Math.floor(batch.length / 2)))
    }
    launch()
    wake()
  }

  try {
    launch()
    for (;;) {
      const arrival = arrived.shift()
      if (arrival === undefined) {
        if (underWay === 0) return
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      if ('fatal' in arrival) throw arrival.fatal
      const { batch } = arrival
      const described = 'read' in arrival ? readOf(arrival.read) : arrival
      if ('failure' in described) {
        const { failure } = described
        const [name] = batch
        if (batch.length > 1 || name === undefined) {
          halve(batch)
          launch()
          continue
        }
        failedInARow = isServersFault(failure) ? failedInARow + 1 : 0
        if (failedInARow >= OUTAGE_AFTER) throw new SalesforceError(failure)
        launch()
        yield { name, result: 'unreadable', failure }
        continue
      }
      failedInARow = 0
      for (const name of described.again) waiting.push([name])
      launch()
      const { results } = described
      // Passed on and released: from here on the consumer decides how long each lives.
      for (let one = results.shift(); one !== undefined; one = results.shift()) yield one
    }
  } finally {
    // The consumer stopped early, or a fault ended everything: the rest is no longer needed.
    isOver = true
    leaving.abort()
  }
}

/** The answer, or the failure that reading it shows. Throws what concerns the whole Salesforce org. */
const readOf = (read: () => Described): Described | { failure: Failure } => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SalesforceError) || concernsWholeOrg(error.failure)) throw error
    return { failure: error.failure }
  }
}

interface BatchOptions {
  validators: ReadonlyMap<string, string>
  timeoutMs: number
  signal: AbortSignal
}

/** Never rejects: an arrival that nobody still awaits must not end the process. */
const describeBatch = async (
  org: SalesforceOrg,
  batch: Batch,
  options: BatchOptions,
): Promise<Arrival> => {
  const startedAt = performance.now()
  try {
    const [name] = batch
    const read =
      batch.length === 1 && name !== undefined
        ? await describeAlone(org, name, options)
        : await describeTogether(org, batch, options)
    return { batch, read, ms: performance.now() - startedAt }
  } catch (error) {
    if (!(error instanceof SalesforceError) || concernsWholeOrg(error.failure)) {
      return { batch, fatal: error }
    }
    return { batch, failure: error.failure }
  }
}

const describeAlone = async (
  org: SalesforceOrg,
  name: string,
  { validators, signal }: BatchOptions,
): Promise<() => Described> => {
  const ifModifiedSince = validators.get(name) ?? null
  const result = { name, ...(await describe(org, name, { ifModifiedSince, signal })) }
  return () => ({ results: [result], again: [] })
}

const describeTogether = async (
  org: SalesforceOrg,
  names: Batch,
  { validators, timeoutMs, signal }: BatchOptions,
): Promise<() => Described> => {
  const read = await compositeUnread(
    org,
    names.map((name) => {
      const ifModifiedSince = validators.get(name)
      return {
        method: 'GET' as const,
        url: urlPath`/sobjects/${name}/describe`,
        ...(ifModifiedSince === undefined
          ? {}
          : { headers: { 'If-Modified-Since': ifModifiedSince } }),
      }
    }),
    {
      // Describes are really reads, but this has the wanted effect: only definite refusals (busy,
      // locked) are repeated as they are; anything else that fails is better halved than sent again in
      // full.
      effect: 'create',
      timeouts: { headersMs: timeoutMs, callMs: 2 * timeoutMs },
      signal,
    },
  )
  return () => describedIn(names, read())
}

const describedIn = (names: Batch, answers: readonly SubAnswer[]): Described => {
  const results: DescribeResult[] = []
  const again: string[] = []
  for (const [index, { status, failure, headers, body }] of answers.entries()) {
    const name = names[index]
    if (name === undefined) continue
    if (failure !== null && concernsWholeOrg(failure)) throw new SalesforceError(failure)
    if (status === 304) {
      results.push({ name, result: 'not_modified' })
    } else if (failure === null && isObject(body)) {
      results.push({ name, result: 'ok', body, lastModified: headers['last-modified'] ?? null })
    } else {
      const fault = failure ?? malformed('The describe is not a JSON object.', status)
      if (fault.passing) again.push(name)
      else results.push({ name, result: 'unreadable', failure: fault })
    }
  }
  return { results, again }
}
