// Any thrown value → one problem+json. The only place that renders an error.

import { EngineError, ERRORS, type ErrorCode, type MemberError } from '../errors.ts'

export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  request_id: string
  remedy: string
  doc_url: string
  errors?: MemberError[]
  upstream?: EngineError['upstream']
  retry_after?: number
  approval_id?: string
  url?: string
}

/** What the endpoint takes. */
export interface Limits {
  bodyBytes?: number
  lines?: boolean
}

const tooLarge = ({ bodyBytes, lines }: Limits): EngineError => {
  const most =
    bodyBytes === undefined
      ? 'this endpoint takes'
      : bodyBytes < 1024 * 1024
        ? `${bodyBytes / 1024} KB, the most that this endpoint takes`
        : `${bodyBytes / (1024 * 1024)} MB, the most that this endpoint takes`
  return new EngineError('payload_too_large', `The body is larger than ${most}.`, {
    ...(lines === true
      ? { remedy: 'Send it as application/x-ndjson, a record a line, which has no such limit.' }
      : {}),
  })
}

/** The error as the caller sees it. A bug shows its code and the request id, never its details. */
export const toEngineError = (error: unknown, limits: Limits = {}): EngineError => {
  if (error instanceof EngineError) return error
  const known = fromFramework(error, limits)
  return (
    known ??
    new EngineError(
      'internal',
      'Something went wrong on our side. Report request_id if it happens again.',
      {
        cause: error,
      },
    )
  )
}

/** A name, not an address: it is the same wherever this is installed. */
export const problemType = (code: ErrorCode): string => `urn:sfdc-engine-x:error:${code}`

/** The page about a code, relative to the server that answered. */
export const docUrl = (code: string): string => `/docs/errors/${code}`

export const problemOf = (error: EngineError, requestId: string): Problem => ({
  type: problemType(error.code),
  title: ERRORS[error.code].title,
  status: error.status,
  detail: error.message,
  code: error.code,
  request_id: requestId,
  remedy: error.remedy,
  doc_url: docUrl(error.code),
  ...(error.errors === undefined ? {} : { errors: error.errors }),
  ...(error.upstream === undefined ? {} : { upstream: error.upstream }),
  ...(error.retryAfterSeconds === undefined ? {} : { retry_after: error.retryAfterSeconds }),
  ...error.approval,
})

/** Fastify's own refusals with our codes. */
const fromFramework = (error: unknown, limits: Limits): EngineError | null => {
  if (!(error instanceof Error)) return null
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new EngineError('unsupported_media_type', 'The body must be application/json.')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return tooLarge(limits)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new EngineError('invalid_json', 'The body is empty; send a JSON object.')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new EngineError('invalid_json', 'The body is not valid JSON.')
    default:
  }
  if (error instanceof SyntaxError && statusCode === 400) {
    return new EngineError('invalid_json', `The body is not valid JSON: ${error.message}`)
  }
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? new EngineError('bad_request', error.message)
    : null
}
