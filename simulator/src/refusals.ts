// Salesforce's refusals, in its own shapes and words. Sources: REST API guide "Status Codes and Error
// Responses", and recorded answers.

import { isDocumentedObject } from './documented.ts'

export interface SalesforceFault {
  status: number
  /** The body: an array of errors for REST, another shape where the endpoint has one. */
  body: unknown
  headers?: Record<string, string>
}

/** Thrown by handlers; the dispatcher returns it. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly fault: SalesforceFault

  constructor(fault: SalesforceFault) {
    super(JSON.stringify(fault.body))
    this.fault = fault
  }
}

export const refusal = (status: number, errorCode: string, message: string, fields?: string[]) =>
  new Refusal({
    status,
    body: [{ message, errorCode, ...(fields === undefined ? {} : { fields }) }],
  })

export const notFound = () =>
  // The key order of this one differs from all others, as recorded.
  new Refusal({
    status: 404,
    body: [{ errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' }],
  })

/**
 * An object that the org does not have, or not for this user: not found, unless only the simulator lacks
 * it.
 */
export const noSuchObject = (name: string, isThere: boolean) =>
  !isThere && isDocumentedObject(name) ? notSimulated(`the object ${name}`) : notFound()

export const invalidSession = () => refusal(401, 'INVALID_SESSION_ID', 'Session expired or invalid')

export const notSimulated = (what: string) =>
  refusal(
    501,
    'NOT_SIMULATED',
    `The simulator does not do this: ${what}. See its README for what it does.`,
  )

/** Salesforce: one code for both allocations, distinguished only by the message. */
export const limitExceeded = (which: 'total' | 'concurrent') =>
  refusal(
    403,
    'REQUEST_LIMIT_EXCEEDED',
    which === 'total'
      ? 'TotalRequests Limit exceeded.'
      : 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
  )
