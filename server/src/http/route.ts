// A route is a record: its path, who may call it, its request and response schemas, and its handler. The
// HTTP layer and the OpenAPI document both read it; nothing is written twice.

import type * as z from 'zod'
import { type Permission } from '../domain/auth/permissions.ts'
import { type Caller, type IdempotencyClaim } from '../domain/caller.ts'
import { type ErrorCode } from '../errors.ts'
import { type JsonLine } from './lines.ts'

/**
 * `public`: no credential is checked. `any`: every authenticated caller. `super_admin`: only the
 * bootstrap secret. Otherwise the permission that the caller's role must have.
 */
export type Access = Permission | 'any' | 'public' | 'super_admin'

/** What a handler gets beside the body. */
export interface RequestContext {
  requestId: string
  /** The client's address, behind the proxies that TRUST_PROXY names. */
  address: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  /**
   * Fires when the client goes away before the answer is complete, or when a server that shuts down ends
   * the request.
   */
  signal: AbortSignal
}

export interface SuperAdmin {
  requestId: string
  idempotency: IdempotencyClaim | null
}

export type CallerOf<A extends Access> = A extends 'public'
  ? null
  : A extends 'super_admin'
    ? SuperAdmin
    : Caller

export interface Reply {
  status: number
  body: unknown
  headers?: Record<string, string>
  /** Content type of a streamed body, if it is not the one that the route names for the status. */
  mediaType?: string
}

/** A body of newline-delimited JSON, read as it arrives. */
export interface Lines<A extends Access> {
  /** The schema of the first line. */
  envelope: z.ZodType
  /** Largest line, in bytes after inflating. */
  lineBytes: number
  /** How long the peer may send nothing. */
  idleMs: number
  description: string
  example: string
  handle: (input: {
    caller: CallerOf<A>
    envelope: unknown
    lines: AsyncIterable<JsonLine[]>
    context: RequestContext
  }) => Promise<Reply>
  /** Whether these are the lines of an earlier call with this Idempotency-Key. */
  matches: (
    caller: CallerOf<A>,
    resourceId: string,
    lines: AsyncIterable<JsonLine[]>,
  ) => Promise<boolean>
}

/** Declares the lines that a route takes; the envelope of the handler is typed from its schema. */
export const lines = <A extends Access, Envelope extends z.ZodType>(
  spec: Omit<Lines<A>, 'envelope' | 'handle'> & {
    envelope: Envelope
    handle: (input: {
      caller: CallerOf<A>
      envelope: z.infer<Envelope>
      lines: AsyncIterable<JsonLine[]>
      context: RequestContext
    }) => Promise<Reply>
  },
): Lines<A> => spec as unknown as Lines<A>

export interface RouteSpec<A extends Access, Body extends z.ZodType> {
  method: 'GET' | 'POST'
  path: string
  /** Its name for programs, where the one that its path implies says too little. */
  operationId?: string
  tag: string
  summary: string
  description?: string
  access: A
  /** Absent: the request has no body. */
  body?: Body
  /**
   * Default 1 MiB; if the caller has no permission, larger ones are refused with 403 before they are
   * read.
   */
  bodyLimitBytes?: number
  /** Media type of the body if it is not JSON; the handler gets the raw bytes. */
  rawBody?: boolean
  /** Takes `approval_id`: a token that has to ask needs an approval for it, and gets its errors. */
  approvable?: boolean
  /** The member that is a list of rows: read and checked a few at a time, {@link ROWS_MAX} at most. */
  rows?: string
  /**
   * A JSON number that a double would change reaches the handler as an `InexactNumber`. On other routes a
   * body with one is refused.
   */
  exactNumbers?: boolean
  /** Also accepts application/x-ndjson on this path, without a limit for the whole body. */
  lines?: Lines<A>
  /** Successful answers by status; every body is checked and cut to its schema. */
  replies: Record<
    number,
    {
      description: string
      body: z.ZodType
      mediaType?: string
      /** Streamed instead, to callers that accept it: the schema is that of one line. */
      streamedAs?: { mediaType: string; line: z.ZodType }
    }
  >
  /** Codes that callers may get beside those that any route can return. */
  errors?: ErrorCode[]
  /** `variants` are further bodies, by what is special about them. */
  example: { body?: unknown; variants?: Record<string, unknown>; reply: unknown }
  /**
   * Takes an Idempotency-Key. `replay` returns the current state of what the first call created: the
   * answer to a repetition of a long operation (one that may answer 202), and of any other whose first
   * answer was never given. A route that binds its keys to rows has one. `secrets` are members returned
   * as null on a replay.
   */
  idempotency?: {
    replay?: (caller: CallerOf<A>, resourceId: string, body: z.infer<Body>) => Promise<Reply>
    secrets?: string[]
  }
  handle: (input: {
    caller: CallerOf<A>
    body: z.infer<Body>
    context: RequestContext
  }) => Promise<Reply>
}

/** The record without its specific types, as the HTTP layer sees it. */
export type Route = Omit<RouteSpec<Access, z.ZodType>, 'handle' | 'idempotency' | 'lines'> & {
  lines?: Omit<Lines<Access>, 'handle' | 'matches'> & {
    handle: (input: {
      caller: unknown
      envelope: unknown
      lines: AsyncIterable<JsonLine[]>
      context: RequestContext
    }) => Promise<Reply>
    matches: (
      caller: unknown,
      resourceId: string,
      lines: AsyncIterable<JsonLine[]>,
    ) => Promise<boolean>
  }
  handle: (input: { caller: unknown; body: unknown; context: RequestContext }) => Promise<Reply>
  idempotency?: {
    replay?: (caller: unknown, resourceId: string, body: unknown) => Promise<Reply>
    secrets?: string[]
  }
}

/** What a call answers whose token has to ask: what was approved may have drifted since. */
const ASKED: readonly ErrorCode[] = ['approval_required', 'approval_unusable', 'topology_drifted']

/** Declares a route; body and caller of the handler are typed from the record. */
export const route = <A extends Access, Body extends z.ZodType = z.ZodUndefined>(
  spec: RouteSpec<A, Body>,
): Route => {
  const errors = new Set([...(spec.errors ?? []), ...(spec.approvable === true ? ASKED : [])])
  return { ...spec, errors: [...errors] } as unknown as Route
}
