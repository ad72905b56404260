// Whatever was thrown, as what a person reads: what happened, what to do, and what to tell support.

import {
  ApiError,
  ConnectionLostError,
  OperationFailedError,
  UnexpectedAnswerError,
} from '@sfdc-engine-x/client'
import { InputError } from './input-error.ts'
import { ServerRefusal } from './session.ts'

export interface ReadableProblem {
  /** How the interface takes it. */
  kind: 'forbidden' | 'not_found' | 'signed_out' | 'offline' | 'refused' | 'fault'
  message: string
  remedy: string | null
  /** The members at fault, by their paths. */
  members: readonly { path: string; message: string }[]
  /** Salesforce's or Nango's own words. */
  upstream: string | null
  code: string | null
  requestId: string | null
  docUrl: string | null
  /** What somebody has to approve first. */
  approvalId: string | null
}

const NOTHING = {
  remedy: null,
  members: [],
  upstream: null,
  code: null,
  requestId: null,
  docUrl: null,
  approvalId: null,
} as const

const KINDS: Readonly<Record<number, ReadableProblem['kind']>> = {
  401: 'signed_out',
  403: 'forbidden',
  404: 'not_found',
}

/** What stands in the address of the page as an id, and cannot be one. */
const namesNothing = ({ code, errors }: ApiError): boolean =>
  code === 'validation_failed' && errors.length > 0 && errors.every(({ path }) => /_id$/.test(path))

/** The only place that knows what can be thrown. */
export const problemOf = (error: unknown): ReadableProblem => {
  if (error instanceof ApiError) {
    const { upstream } = error
    return {
      kind: namesNothing(error)
        ? 'not_found'
        : (KINDS[error.status] ?? (error.status >= 500 ? 'fault' : 'refused')),
      message: error.detail,
      remedy: error.remedy,
      members: error.errors.map(({ path, message }) => ({ path, message })),
      upstream: upstream === undefined ? null : [upstream.code, upstream.message].join(': '),
      code: error.code,
      requestId: error.requestId,
      docUrl: error.docUrl,
      approvalId: error.approval?.id ?? null,
    }
  }
  if (error instanceof ServerRefusal) {
    const { status, detail, remedy, code, request_id, doc_url } = error.problem
    return {
      ...NOTHING,
      // A wrong password is no session that has ended.
      kind: status >= 500 ? 'fault' : 'refused',
      message: detail,
      remedy: code === 'unauthenticated' ? null : remedy,
      code,
      requestId: request_id,
      docUrl: doc_url,
    }
  }
  if (error instanceof InputError) return { ...NOTHING, kind: 'refused', message: error.message }
  if (error instanceof ConnectionLostError || error instanceof TypeError) {
    return {
      ...NOTHING,
      kind: 'offline',
      message: 'The server did not answer.',
      remedy:
        error instanceof ConnectionLostError && error.mayHaveHappened
          ? 'It may have taken effect: look before you try again.'
          : 'Nothing was changed. Try again when the connection is back.',
    }
  }
  if (error instanceof OperationFailedError) {
    return { ...NOTHING, kind: 'fault', message: error.message, code: error.code ?? null }
  }
  if (error instanceof UnexpectedAnswerError) {
    return { ...NOTHING, kind: 'fault', message: error.message }
  }
  return {
    ...NOTHING,
    kind: 'fault',
    message: error instanceof Error ? error.message : String(error),
    remedy: 'This is a fault of the console. Reload the page; report it if it happens again.',
  }
}
