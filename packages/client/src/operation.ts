// Work that goes on after the call that began it. The work is the server's: a program that stops waiting,
// or dies, changes nothing about it, and finds it again by its reference.

import {
  type ConflictReport,
  type Deployment,
  type PushWithResults,
  type Rollout,
  type Snapshot,
  type WorkFault,
} from './contract.ts'
import {
  type Operation,
  type PendingOperation,
  type WaitOptions,
  type OperationKind,
  type WorkReference,
} from './calls.ts'
import {
  AbortedError,
  ApiError,
  ConnectionLostError,
  OperationFailedError,
  StillRunningError,
} from './errors.ts'
import { pause } from './clock.ts'
import { type Http } from './http.ts'
import { jsonPayload } from './payload.ts'

/** What each kind of work ends as. */
export interface WorkResources {
  snapshot: Snapshot
  report: ConflictReport
  deployment: Deployment
  rollback: Deployment
  push: PushWithResults
  rollout: Rollout
}

export type WorkResource = WorkResources[OperationKind]

const POLLS: Readonly<
  Record<OperationKind, { path: string; body: (work: WorkReference) => Record<string, unknown> }>
> = {
  snapshot: {
    path: '/api/topology/get',
    body: ({ id, client_id }) => ({ client_id, snapshot_id: id, include: [] }),
  },
  report: { path: '/api/conflicts/get', body: ({ id }) => ({ report_id: id }) },
  deployment: { path: '/api/deploy/status', body: ({ id }) => ({ deployment_id: id }) },
  rollback: { path: '/api/deploy/status', body: ({ id }) => ({ deployment_id: id }) },
  push: { path: '/api/push/get', body: ({ id }) => ({ push_id: id }) },
  rollout: { path: '/api/fleet/rollouts/get', body: ({ id }) => ({ rollout_id: id }) },
}

const FIRST_LOOK_MS = 250
const LOOK_GROWTH = 1.5
const LOOK_MAX_MS = 5_000
/** Paused work does nothing before its next try, but may be woken earlier. */
const PAUSED_LOOK_MAX_MS = 60_000
/** A server may be away for an update; only then is waiting given up. */
const UNREACHABLE_MS = 300_000

export class ServerWork<Resource> implements Operation<Resource> {
  readonly reference: WorkReference
  readonly #http: Http
  #state: Resource & WorkResource

  constructor(http: Http, kind: OperationKind, state: Resource) {
    this.#http = http
    this.#state = state as Resource & WorkResource
    const { id } = this.#state
    const { client_id } = this.#state as { client_id?: string }
    this.reference = { kind, id, ...(client_id === undefined ? {} : { client_id }) }
  }

  get id(): string {
    return this.reference.id
  }

  get state(): Resource {
    return this.#state
  }

  get isFinal(): boolean {
    return this.#state.is_final
  }

  async look(options: { signal?: AbortSignal } = {}): Promise<Resource> {
    this.#state = (await lookAt(this.#http, this.reference, options)) as Resource & WorkResource
    return this.#state
  }

  async done({ onProgress, signal, timeout }: WaitOptions<Resource> = {}): Promise<Resource> {
    const stillRunning = (reason: 'timeout' | 'aborted' | 'unreachable', cause?: unknown) =>
      new StillRunningError<Resource>(this.reference, reason, this.#state, cause)
    const until = timeout === undefined ? Infinity : Date.now() + timeout
    let lookMs = FIRST_LOOK_MS
    let seenAt = Date.now()
    for (;;) {
      onProgress?.(this.#state)
      if (this.#state.is_final) return this.#ended()
      const left = until - Date.now()
      if (left <= 0) throw stillRunning('timeout')
      const delay = Math.max(lookMs, pausedMs(faultOf(this.reference.kind, this.#state)))
      lookMs = Math.min(lookMs * LOOK_GROWTH, LOOK_MAX_MS)
      try {
        await pause(Math.min(delay, left), signal)
        await this.look({ signal })
        seenAt = Date.now()
      } catch (error) {
        if (signal?.aborted === true || error instanceof AbortedError) {
          throw stillRunning('aborted', error)
        }
        if (!isAway(error)) throw error
        if (Date.now() - seenAt > UNREACHABLE_MS) throw stillRunning('unreachable', error)
      }
    }
  }

  #ended(): Resource {
    const { kind } = this.reference
    const state: WorkResource = this.#state
    if (statusOf(kind, state) !== 'failed') return this.#state
    throw new OperationFailedError<Resource>(this.reference, this.#state, faultOf(kind, state))
  }
}

const isRollout = (state: WorkResource): state is Rollout => 'waves' in state

/** How it stands, in the resource's own word. */
const statusOf = (kind: OperationKind, state: WorkResource): string | undefined => {
  if (isRollout(state)) return state.state
  return kind === 'rollback' ? (state as Deployment).rollback?.status : state.status
}

const faultOf = (kind: OperationKind, state: WorkResource): WorkFault | null => {
  if (isRollout(state)) return null // its targets have the errors
  return kind === 'rollback' ? ((state as Deployment).rollback?.error ?? state.error) : state.error
}

const pausedMs = (fault: WorkFault | null): number => {
  const next = fault?.waiting?.next_try_at
  return next === undefined ? 0 : Math.min(Date.parse(next) - Date.now(), PAUSED_LOOK_MAX_MS)
}

const isAway = (error: unknown): boolean =>
  error instanceof ConnectionLostError ||
  (error instanceof ApiError && (error.status === 503 || error.status === 429))

const lookAt = (
  http: Http,
  work: WorkReference,
  options: { signal?: AbortSignal },
): Promise<unknown> => {
  const { path, body } = POLLS[work.kind]
  return http.json({ endpoint: { path, repeat: true }, payload: jsonPayload(body(work)), options })
}

/** Finds work again. */
export const findWork = async (
  http: Http,
  work: WorkReference,
  options: { signal?: AbortSignal } = {},
): Promise<Operation<unknown>> => new ServerWork(http, work.kind, await lookAt(http, work, options))

/** The promise of an operation, with `done`. */
export const pending = <Resource>(
  operation: Promise<Operation<Resource>>,
): PendingOperation<Resource> =>
  Object.assign(operation, {
    done: async (options?: WaitOptions<Resource>) => (await operation).done(options),
  })
