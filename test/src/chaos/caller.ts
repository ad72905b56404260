// A careful program that calls the API through the storm: each change has an Idempotency-Key and is
// repeated until its answer is final, and whatever was accepted is followed to its end.

import { randomUUID } from 'node:crypto'
import { setTimeout as pass } from 'node:timers/promises'
import { type Answer, type Api } from '../api.ts'
import { ndjson, type Row } from '../push-support.ts'
import { type Dice } from './dice.ts'
import { type Storm } from './storm.ts'

export interface WorkFault {
  code: string
  message: string
}

/** What every long resource has. */
export interface LongResource {
  id: string
  status: string
  is_final: boolean
  error: WorkFault | null
}

/** A call that was accepted, as it would be repeated. */
export interface Call {
  path: string
  body: Row
  /** Further lines of an NDJSON body, of which `body` is the first. */
  lines?: readonly Row[]
  key: string
}

/** Something accepted that runs on its own. */
export interface Work extends Call {
  kind: string
  id: string
  /** Where it is read, and by which member of the body. */
  poll: readonly [path: string, member: string]
  /** As it was when it had ended; null until then. */
  end: LongResource | null
}

export interface Caller {
  api: Api
  /** All that was accepted, oldest first. */
  works: readonly Work[]
  /**
   * Changes something. Resolves with the first answer that is final: 2xx, or a refusal that stays; after so
   * many tries, with the last one whatever it is.
   */
  change<Body>(
    path: string,
    body: Row,
    options?: { lines?: readonly Row[] | undefined; tries?: number },
  ): Promise<{ answer: Answer<Body>; call: Call }>
  /** Reads, again and again until the answer is 200. */
  read<Body>(path: string, body: Row): Promise<Body>
  /** Starts work; null if it was refused, which is a violation. */
  begin(kind: string, path: string, body: Row, lines?: readonly Row[]): Promise<Work | null>
  /** Resolves with the work's resource once it has ended. */
  ended<Body extends LongResource>(work: Work): Promise<Body>
}

const AGAIN_MS = { least: 100, most: 1_000 }
const LOOK_MS = { least: 150, most: 1_000 }
/** How often the caller hangs up, and after how long. */
const HANGS_UP = { probability: 0.04, leastMs: 2, mostMs: 400 }
/** They pass: the same again, with the same key. */
const PASSING = new Set([429, 502, 503])
/** They pass too, but are final answers: the key has been used. */
const PASSING_CODES = new Set([
  'connection_not_ready',
  'connection_revoked',
  'deployment_in_progress',
  'pull_in_progress',
  'upload_in_progress',
])

const POLLS: Readonly<Record<string, Work['poll']>> = {
  topology: ['/api/topology/get', 'snapshot_id'],
  conflicts: ['/api/conflicts/get', 'report_id'],
  deploy: ['/api/deploy/status', 'deployment_id'],
  workflows: ['/api/deploy/status', 'deployment_id'],
  push: ['/api/push/get', 'push_id'],
}

/** The answer did not arrive: `fetch` gives a TypeError for a connection that breaks. */
const isLost = (error: unknown): boolean =>
  error instanceof TypeError ||
  (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError'))

const codeOf = (answer: Answer<unknown>): string =>
  String((answer.body as { code?: string }).code ?? answer.status)

/** `name` is whose calls they are, for notes. */
export const callerOf = (storm: Storm, api: Api, dice: Dice, name: string): Caller => {
  const works: Work[] = []

  /** One try: the answer, or null if it was lost. */
  const tryOnce = async ({ path, body, lines, key }: Call, isChange: boolean) => {
    const hangsUp = isChange && dice.chance(HANGS_UP.probability)
    try {
      return await api.raw(path, {
        method: 'POST',
        headers: {
          'content-type': lines === undefined ? 'application/json' : 'application/x-ndjson',
          ...(isChange ? { 'idempotency-key': key } : {}),
        },
        body: lines === undefined ? JSON.stringify(body) : ndjson(body, lines),
        ...(hangsUp
          ? { signal: AbortSignal.timeout(dice.between(HANGS_UP.leastMs, HANGS_UP.mostMs)) }
          : {}),
      })
    } catch (error) {
      if (!isLost(error)) throw error
      storm.count('answers lost')
      return null
    }
  }

  /** As often as needed. */
  const insist = async (
    first: Omit<Call, 'key'>,
    { isChange, tries = Infinity }: { isChange: boolean; tries?: number },
  ) => {
    let call: Call = { ...first, key: randomUUID() }
    let last = 'nothing'
    for (let n = 0; ; n++) {
      if (Date.now() > storm.deadline()) {
        throw new Error(`${call.path} had no final answer by the end; the last one was ${last}`)
      }
      if (n > 0) await pass(Math.min(AGAIN_MS.least * n, AGAIN_MS.most))
      const answer = await tryOnce(call, isChange)
      if (answer === null) continue
      const code = codeOf(answer)
      last = `${answer.status} ${answer.text.slice(0, 500)}`
      if (answer.status === 500) storm.violated(`${call.path} answered 500`, answer.text)
      if (n + 1 >= tries) return { answer, call }
      if (answer.status >= 500 || PASSING.has(answer.status)) {
        storm.count(`answers ${answer.status} ${code}`)
        continue
      }
      if (code === 'idempotency_in_progress') continue
      if (PASSING_CODES.has(code)) {
        storm.count(`answers ${answer.status} ${code}`)
        call = { ...call, key: randomUUID() }
        continue
      }
      return { answer, call }
    }
  }

  const read: Caller['read'] = async <Body>(path: string, body: Row): Promise<Body> => {
    const { answer } = await insist({ path, body }, { isChange: false })
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    return answer.body as Body
  }

  const change: Caller['change'] = async <Body>(
    path: string,
    body: Row,
    { lines, tries }: { lines?: readonly Row[] | undefined; tries?: number } = {},
  ) => {
    const { answer, call } = await insist(
      { path, body, ...(lines === undefined ? {} : { lines }) },
      { isChange: true, ...(tries === undefined ? {} : { tries }) },
    )
    return { answer: answer as unknown as Answer<Body>, call }
  }

  return {
    api,
    works,
    change,
    read,
    begin: async (kind, path, body, lines) => {
      const wait_seconds = dice.pick([0, 0, 1, 5])
      const { answer, call } = await change<LongResource>(
        path,
        { ...body, wait_seconds },
        { lines },
      )
      if (answer.status >= 300) {
        storm.count(`${kind} refused: ${codeOf(answer)}`)
        storm.violated(`${name}: ${kind} was refused`, answer.body)
        return null
      }
      const poll = POLLS[path.split('/')[2] ?? '']
      if (poll === undefined) throw new Error(`${path} is polled nowhere`)
      const work: Work = { ...call, kind, id: answer.body.id, poll, end: null }
      works.push(work)
      storm.note(`${name}: ${kind} ${work.id} begun`)
      return work
    },
    ended: async <Body extends LongResource>(work: Work): Promise<Body> => {
      const [path, member] = work.poll
      for (let lookMs = LOOK_MS.least; ; lookMs = Math.min(lookMs * 1.5, LOOK_MS.most)) {
        const isSnapshot = member === 'snapshot_id'
        const body: Row = {
          [member]: work.id,
          ...(isSnapshot ? { client_id: work.body['client_id'], include: [] } : {}),
        }
        const resource = await read<Body>(path, body)
        if (resource.is_final) {
          work.end = resource
          storm.note(`${name}: ${work.kind} ${work.id} ${resource.status}`)
          storm.count(
            `${work.kind}: ${resource.status}${resource.error === null ? '' : ` (${resource.error.code})`}`,
          )
          return resource
        }
        if (Date.now() > storm.deadline()) {
          throw new Error(`${work.kind} ${work.id} has not ended: ${JSON.stringify(resource)}`)
        }
        await pass(lookMs)
      }
    },
  }
}
