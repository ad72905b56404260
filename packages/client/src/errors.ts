// Everything that this library throws of its own, except TypeError for options that make no sense.

import { type ErrorCode, type Problem } from './contract.ts'
import { type WorkReference } from './calls.ts'

/** The base of all errors of this library. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError'
}

/** What is wrong, and in which members; a detail that only repeats a member's message is said once. */
const told = ({ detail, errors = [] }: Problem): string => {
  const members = errors.map(({ path, message }) =>
    path === '' || message.startsWith(`${path} `) ? message : `${path}: ${message}`,
  )
  return errors.length === 1 && errors[0]?.message === detail
    ? members.join('')
    : [detail, ...members].join('\n  ')
}

/** The server refused the call: a problem (RFC 9457). */
export class ApiError extends EngineError {
  override readonly name: string = 'ApiError'
  readonly status: number
  /** Stable; programs look at it. A newer server may know codes that this library does not. */
  readonly code: ErrorCode | (string & {})
  readonly detail: string
  /** What the caller can do. */
  readonly remedy: string
  /** Finds the log lines of the request. */
  readonly requestId: string
  /** The page about the code. */
  readonly docUrl: string
  /** The members at fault, by their path. */
  readonly errors: NonNullable<Problem['errors']>
  /** Salesforce's or Nango's own words. */
  readonly upstream: Problem['upstream']
  /** With `approval_required`: what a person has to grant, and the page that says how. */
  readonly approval: { readonly id: string; readonly url: string } | undefined
  /** Seconds after which it makes sense to repeat the call. */
  readonly retryAfter: number | undefined
  /** The key of the call, if it had one. */
  readonly idempotencyKey: string | undefined

  constructor(
    problem: Problem,
    more: {
      docUrl: string
      approval?: { id: string; url: string }
      retryAfter?: number
      idempotencyKey?: string
    },
  ) {
    super(`${told(problem)}\n${problem.remedy} (${problem.code})`)
    this.status = problem.status
    this.code = problem.code
    this.detail = problem.detail
    this.remedy = problem.remedy
    this.requestId = problem.request_id
    this.errors = problem.errors ?? []
    this.upstream = problem.upstream
    this.docUrl = more.docUrl
    this.approval = more.approval
    this.retryAfter = more.retryAfter
    this.idempotencyKey = more.idempotencyKey
  }
}

/** 400, 413, 415, 422: the request means nothing, or breaks the schema; `errors` names the members. */
export class InvalidRequestError extends ApiError {
  override readonly name = 'InvalidRequestError'
}
/** 401: no valid credential. */
export class UnauthenticatedError extends ApiError {
  override readonly name = 'UnauthenticatedError'
}
/** 403: the credential lacks the permission. */
export class ForbiddenError extends ApiError {
  override readonly name = 'ForbiddenError'
}
/** 404: not there, or not yours. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError'
}
/** 409: a clash with the present state. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError'
}
/** 429: too many requests, or the client's Salesforce API budget is used up. */
export class RateLimitedError extends ApiError {
  override readonly name = 'RateLimitedError'
}
/** 502: Salesforce or Nango refused or failed; `upstream` has their words. */
export class UpstreamError extends ApiError {
  override readonly name = 'UpstreamError'
}
/** 503: the server is shutting down, or its database is away. */
export class UnavailableError extends ApiError {
  override readonly name = 'UnavailableError'
}

const BY_STATUS: Readonly<Record<number, typeof ApiError>> = {
  400: InvalidRequestError,
  401: UnauthenticatedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  413: InvalidRequestError,
  415: InvalidRequestError,
  422: InvalidRequestError,
  429: RateLimitedError,
  502: UpstreamError,
  503: UnavailableError,
}

/** The error class of a problem, by its status. */
export const apiError = (...given: ConstructorParameters<typeof ApiError>): ApiError =>
  new (BY_STATUS[given[0].status] ?? ApiError)(...given)

/** There was no answer: no connection, a connection that broke, or silence. */
export class ConnectionLostError extends EngineError {
  override readonly name = 'ConnectionLostError'
  /** True if the call may have taken effect. Then repeat it with `idempotencyKey`, if it has one. */
  readonly mayHaveHappened: boolean
  readonly idempotencyKey: string | undefined

  constructor(
    message: string,
    more: { cause?: unknown; mayHaveHappened: boolean; idempotencyKey?: string },
  ) {
    super(message, { cause: more.cause })
    this.mayHaveHappened = more.mayHaveHappened
    this.idempotencyKey = more.idempotencyKey
  }
}

/** Something answered, but not as the API does: a proxy, or another server at this address. */
export class UnexpectedAnswerError extends EngineError {
  override readonly name = 'UnexpectedAnswerError'
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** The caller's signal ended the call; `cause` is its reason. */
export class AbortedError extends EngineError {
  /** As fetch names it, so that code that looks for it works here too. */
  override readonly name = 'AbortError'
  /** True if the call had been sent. Then only a repetition with the key tells what came of it. */
  readonly mayHaveHappened: boolean
  readonly idempotencyKey: string | undefined
  constructor(
    what: string,
    {
      cause,
      mayHaveHappened,
      idempotencyKey: key,
    }: { cause: unknown; mayHaveHappened: boolean; idempotencyKey?: string },
  ) {
    const repeat =
      key === undefined ? '' : `: repeat it with idempotencyKey ${JSON.stringify(key)} to know`
    super(
      `${what} was aborted. ${mayHaveHappened ? `It may have taken effect${repeat}.` : 'It has had no effect.'}`,
      { cause },
    )
    this.mayHaveHappened = mayHaveHappened
    this.idempotencyKey = key
  }
}

/** Waiting has ended; the work has not. Nothing failed and nothing was cancelled. */
export class StillRunningError<Resource = unknown> extends EngineError {
  override readonly name = 'StillRunningError'
  readonly id: string
  readonly reference: WorkReference
  readonly reason: 'timeout' | 'aborted' | 'unreachable'
  /** As it was last seen. */
  readonly resource: Resource
  constructor(
    reference: WorkReference,
    reason: 'timeout' | 'aborted' | 'unreachable',
    resource: Resource & ({ status: string } | { state: string }),
    cause?: unknown,
  ) {
    super(
      `The ${reference.kind} ${reference.id} was last seen as ${'status' in resource ? resource.status : resource.state} and goes on: waiting ended ` +
        `(${reason}). Wait on with engine.operation(error.reference).`,
      { cause },
    )
    this.id = reference.id
    this.reference = reference
    this.reason = reason
    this.resource = resource
  }
}

/** The work has ended as failed; `resource` says why. */
export class OperationFailedError<Resource = unknown> extends EngineError {
  override readonly name = 'OperationFailedError'
  readonly id: string
  readonly reference: WorkReference
  /** That of the work's error. */
  readonly code: string | undefined
  readonly resource: Resource
  constructor(
    reference: WorkReference,
    resource: Resource,
    error: { code: string; message: string } | null,
  ) {
    super(
      `The ${reference.kind} ${reference.id} failed${error === null ? '' : `: ${error.message} (${error.code})`}`,
    )
    this.id = reference.id
    this.reference = reference
    this.code = error?.code
    this.resource = resource
  }
}
