// One request of an admitted caller: its body, its handler, its answer.

import { Readable } from 'node:stream'
import { type FastifyReply, type FastifyRequest } from 'fastify'
import { type Caller, type IdempotencyClaim } from '../domain/caller.ts'
import { EngineError } from '../errors.ts'
import { type Admitted, authorize } from './admission.ts'
import { checked, checkedWithRows, refuseInexact } from './checked.ts'
import { type IdempotencyStep } from './idempotency.ts'
import { openLines } from './lines.ts'
import { sendReply } from './reply.ts'
import { noteAnswer, noteNamed } from './request-log.ts'
import { type RequestContext, type Route } from './route.ts'

/**
 * Aborts `gone` when the caller hangs up. Throws what the route throws, and before it what is wrong with the
 * body, the permission, the approval or the Idempotency-Key.
 */
export const serve = async (
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  gone: AbortController,
  { identity }: Admitted,
  idempotency: IdempotencyStep,
): Promise<FastifyReply> => {
  const upload = await openUpload(route, request, reply)
  const given = upload === null ? await checkedBody(route, request) : upload.envelope
  noteNamed(request, given)
  authorize(route, identity)
  const { body, approvalId } = withoutApproval(route, given)

  const onClose = () => {
    if (!reply.raw.writableFinished) gone.abort()
  }
  reply.raw.once('close', onClose)
  const context: RequestContext = {
    requestId: request.id,
    address: request.ip,
    headers: request.headers,
    signal: gone.signal,
  }
  const callerWith = (claim: IdempotencyClaim | null): unknown => {
    if (route.access === 'public') return null
    if (identity === null) return { requestId: request.id, idempotency: claim }
    const caller: Caller = {
      ...identity,
      requestId: request.id,
      idempotency: claim,
      ...(approvalId === undefined ? {} : { approvalId }),
    }
    return caller
  }
  if (approvalId !== undefined && identity?.mustAsk !== true) {
    throw new EngineError(
      'bad_request',
      'This credential needs no approvals. Leave approval_id out.',
    )
  }
  const result = await (upload === null
    ? idempotency.run(route, request, body, callerWith, (caller) =>
        route.handle({ caller, body, context }),
      )
    : idempotency.run(
        route,
        request,
        body,
        callerWith,
        (caller) => upload.handle({ caller, envelope: body, context }),
        upload.matches,
      ))
  noteAnswer(request, result.status, result.body)
  return sendReply(route, reply, result)
}

/** The approval is the caller's; it is no part of what the caller asks for, nor of what a key is bound to. */
const withoutApproval = (route: Route, given: unknown): { body: unknown; approvalId?: string } => {
  if (route.approvable !== true) return { body: given }
  const { approval_id: approvalId, ...body } = given as { approval_id?: string }
  return approvalId === undefined ? { body } : { body, approvalId }
}

/** The lines of an upload after its checked first one; null for any other request. */
const openUpload = async (route: Route, request: FastifyRequest, reply: FastifyReply) => {
  const spec = route.lines
  if (spec === undefined || !(request.body instanceof Readable)) return null
  // The rest of a refused upload is not awaited.
  reply.header('connection', 'close')
  const { first, rest } = await openLines(request.body, spec)
  if (first === null) {
    throw new EngineError('invalid_json', 'The body is empty; its first line must be the envelope.')
  }
  const envelope = checked(spec.envelope, first.value)
  return {
    envelope,
    handle: (input: { caller: unknown; envelope: unknown; context: RequestContext }) =>
      spec.handle({ ...input, lines: rest }),
    matches: (caller: unknown, resourceId: string) => spec.matches(caller, resourceId, rest),
  }
}

const checkedBody = async (route: Route, request: FastifyRequest): Promise<unknown> => {
  if (route.rawBody === true) return request.body ?? Buffer.alloc(0)
  if (route.body === undefined) return undefined
  if (route.exactNumbers !== true) refuseInexact(request.body)
  return route.rows === undefined
    ? checked(route.body, request.body)
    : checkedWithRows(route.body, request.body, route.rows)
}
