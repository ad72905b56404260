import { describe, expect, it } from 'vitest'
import {
  classifyAnswer,
  classifyError,
  classifyException,
  FAILURE_KINDS,
  type FailureKind,
  makeFailure,
  scrubSecrets,
  toEngineError,
} from './failure.ts'

const rest = (errorCode: string, message: string): string =>
  JSON.stringify([{ message, errorCode }])
const fault = (code: string, text: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body><soapenv:Fault><faultcode>sf:${code}</faultcode><faultstring>${text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`

describe('answers', () => {
  const table: [FailureKind, string, number, string, string?][] = [
    [
      'session_dead',
      'INVALID_SESSION_ID',
      401,
      rest('INVALID_SESSION_ID', 'Session expired or invalid'),
    ],
    [
      'session_dead',
      'InvalidSessionId',
      400,
      '<error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>',
      'application/xml',
    ],
    [
      'session_dead',
      'InvalidSessionId',
      400,
      '{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}',
    ],
    ['session_dead', 'Bad_OAuth_Token', 403, 'Bad_OAuth_Token', 'text/html;charset=UTF-8'],
    [
      'session_dead',
      'INVALID_SESSION_ID',
      500,
      fault('INVALID_SESSION_ID', 'INVALID_SESSION_ID: Invalid Session ID found in SessionHeader'),
      'text/xml',
    ],
    ['session_dead', 'HTTP_401', 401, ''],
    [
      'session_unusable',
      'INVALID_SESSION_ID',
      401,
      rest('INVALID_SESSION_ID', 'This session is not valid for use with the REST API'),
    ],
    [
      'limit_total',
      'REQUEST_LIMIT_EXCEEDED',
      403,
      rest('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'),
    ],
    [
      'limit_total',
      'REQUEST_LIMIT_EXCEEDED',
      500,
      fault('REQUEST_LIMIT_EXCEEDED', 'REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.'),
      'text/xml',
    ],
    [
      'limit_concurrent',
      'REQUEST_LIMIT_EXCEEDED',
      403,
      rest(
        'REQUEST_LIMIT_EXCEEDED',
        'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
      ),
    ],
    [
      'row_lock',
      'UNABLE_TO_LOCK_ROW',
      400,
      rest(
        'UNABLE_TO_LOCK_ROW',
        'unable to obtain exclusive access to this record or 1 records: 001',
      ),
    ],
    [
      'server_unavailable',
      'SERVER_UNAVAILABLE',
      503,
      rest('SERVER_UNAVAILABLE', 'Server Too Busy'),
    ],
    ['server_unavailable', 'HTTP_503', 503, 'no healthy upstream', 'text/plain'],
    [
      'already_in_process',
      'ALREADY_IN_PROCESS',
      400,
      rest('ALREADY_IN_PROCESS', 'locked by another change'),
    ],
    [
      'api_disabled',
      'API_DISABLED_FOR_ORG',
      403,
      rest('API_DISABLED_FOR_ORG', 'The REST API is not enabled for this Organization.'),
    ],
    [
      'version_unsupported',
      'UNSUPPORTED_API_VERSION',
      500,
      fault('UNSUPPORTED_API_VERSION', 'Invalid Api version'),
      'text/xml',
    ],
    ['version_unsupported', 'HTTP_410', 410, ''],
    [
      'version_unsupported',
      'InvalidVersion',
      400,
      JSON.stringify({
        exceptionCode: 'InvalidVersion',
        exceptionMessage: 'Api version 35.0 is not supported',
      }),
    ],
    // SOAP returns 500 for everything: a fault with a code is still a refusal.
    ['other', 'INVALID_TYPE', 500, fault('INVALID_TYPE', 'Unknown type:Nope'), 'text/xml'],
    [
      'other',
      'INSUFFICIENT_ACCESS',
      500,
      fault('INSUFFICIENT_ACCESS', 'use of the Metadata API requires …'),
      'text/xml',
    ],
    [
      'server_error',
      'UNKNOWN_EXCEPTION',
      500,
      fault('UNKNOWN_EXCEPTION', 'An unexpected error occurred.'),
      'text/xml',
    ],
    [
      'not_found',
      'NOT_FOUND',
      404,
      '[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]',
    ],
    ['not_found', 'ENTITY_IS_DELETED', 404, rest('ENTITY_IS_DELETED', 'entity is deleted')],
    ['multiple_matches', 'HTTP_300', 300, '["/services/data/v66.0/sobjects/Account/001xx"]'],
    ['redirected', 'HTTP_302', 302, ''],
    ['edge', 'HTTP_420', 420, '<html><head><title>Edge</title></head></html>', 'text/html'],
    [
      'transient',
      'QUERY_TIMEOUT',
      400,
      rest('QUERY_TIMEOUT', 'Your query request was running for too long.'),
    ],
    ['transient', 'HTTP_500', 500, 'Unexpected internal servlet state', 'text/plain'],
    [
      'transient',
      'INVALID_OPERATION',
      400,
      rest('INVALID_OPERATION', 'The security policies took too long to evaluate'),
    ],
    [
      'server_error',
      'UNKNOWN_EXCEPTION',
      500,
      rest('UNKNOWN_EXCEPTION', 'An unexpected error occurred.'),
    ],
    [
      'html_page',
      'HTTP_503',
      503,
      '<!DOCTYPE html><html><head><title>Down for Maintenance</title></head></html>',
      'text/html',
    ],
    ['html_page', 'HTTP_200', 200, '<html><body>Stay tuned</body></html>'],
    ['empty_body', 'HTTP_500', 500, ''],
    ['other', 'HTTP_403', 403, '<html><head><title>Blocked</title></head></html>', 'text/html'],
    [
      'other',
      'INVALID_FIELD',
      400,
      rest('INVALID_FIELD', "No such column 'X' on sobject of type Y"),
    ],
    [
      'other',
      'invalid_grant',
      400,
      '{"error":"invalid_grant","error_description":"expired access/refresh token"}',
    ],
    [
      'other',
      'EXCEEDED_ID_LIMIT',
      400,
      rest('EXCEEDED_ID_LIMIT', 'EntityDefinition does not support queryMore()'),
    ],
  ]
  it.each(table)(
    '%s: %s with status %i',
    (kind, code, status, body, contentType = 'application/json') => {
      expect(classifyAnswer({ status, body, contentType })).toMatchObject({
        kind,
        code,
        status,
        sent: true,
      })
    },
  )

  it('keeps Salesforce’s own words and fields', () => {
    const body =
      '[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]'
    const error = toEngineError(classifyAnswer({ status: 400, body }))
    expect(error).toMatchObject({ code: 'salesforce_error', status: 502 })
    expect(error.upstream).toEqual({
      service: 'salesforce',
      status: 400,
      code: 'REQUIRED_FIELD_MISSING',
      message: 'Required fields are missing: [LastName]',
      fields: ['LastName'],
    })
  })

  it('hands on what a richer error body carries besides', () => {
    const duplicateResult = { allowSave: true, matchResults: [] }
    const body = JSON.stringify([
      { errorCode: 'DUPLICATES_DETECTED', message: 'Use one of these', duplicateResult },
    ])
    expect(classifyAnswer({ status: 400, body }).body).toEqual([
      { errorCode: 'DUPLICATES_DETECTED', message: 'Use one of these', duplicateResult },
    ])
  })

  it('answers a spent daily allowance with 429 and a time to come back', () => {
    const error = toEngineError(
      classifyAnswer({
        status: 403,
        body: rest('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'),
      }),
    )
    expect(error).toMatchObject({
      code: 'api_budget_exhausted',
      status: 429,
      retryAfterSeconds: 900,
    })
  })

  it('reads Retry-After in seconds and ignores other forms', () => {
    expect(classifyAnswer({ status: 503, body: '', retryAfter: '7' }).retryAfterSeconds).toBe(7)
    expect(
      classifyAnswer({ status: 503, body: '', retryAfter: 'soon' }).retryAfterSeconds,
    ).toBeNull()
  })

  it('unescapes a fault once, so that an escaped entity stays one', () => {
    const failure = classifyAnswer({
      status: 500,
      body: fault('INVALID_FIELD', 'a &amp;lt; b &quot;c&quot;'),
    })
    expect(failure.message).toBe('a &lt; b "c"')
  })
})

describe('errors inside a successful answer', () => {
  it.each([
    [{ statusCode: 'UNABLE_TO_LOCK_ROW', message: 'x', fields: [] }, 'row_lock'],
    [[{ errorCode: 'NOT_FOUND', message: 'x' }], 'not_found'],
    [{ errorCode: 'ALREADY_IN_PROCESS', message: 'x' }, 'already_in_process'],
    [{ errorStatusCode: 'ALREADY_IN_PROCESS', errorMessage: 'x' }, 'already_in_process'],
    [{ statusCode: 'STRING_TOO_LONG', message: 'x', fields: ['Name'] }, 'other'],
    [null, 'other'],
    ['odd', 'other'],
  ])('%j is %s', (error, kind) => {
    expect(classifyError(error).kind).toBe(kind)
  })
})

describe('exceptions', () => {
  const coded = (code: string): Error => Object.assign(new Error(code), { code })
  it.each([
    ['UND_ERR_CONNECT_TIMEOUT', false, 'timeout_connect', 'not_done'],
    ['ECONNREFUSED', false, 'connection_not_made', 'not_done'],
    ['ECONNRESET', false, 'connection_not_made', 'not_done'],
    ['ENOTFOUND', false, 'connection_not_made', 'not_done'],
    ['CERT_HAS_EXPIRED', false, 'connection_not_made', 'not_done'],
    ['CALL_DEADLINE', false, 'timeout_connect', 'not_done'],
    ['UND_ERR_HEADERS_TIMEOUT', true, 'timeout_headers', 'unknown'],
    ['UND_ERR_BODY_TIMEOUT', true, 'timeout_body', 'unknown'],
    ['CALL_DEADLINE', true, 'timeout_body', 'unknown'],
    ['ECONNRESET', true, 'connection_broken', 'unknown'],
    ['UND_ERR_SOCKET', true, 'connection_broken', 'unknown'],
    ['Z_BUF_ERROR', true, 'connection_broken', 'unknown'],
    ['Z_DATA_ERROR', true, 'malformed', 'unknown'],
    ['HPE_INVALID_CONSTANT', true, 'malformed', 'unknown'],
  ] as const)('%s with sent %s is %s, %s', (code, sent, kind, fate) => {
    expect(classifyException(coded(code), { sent })).toMatchObject({
      kind,
      fate,
      sent,
      code,
      status: null,
    })
  })

  it('looks through the bundle of errors that several addresses make', () => {
    const error = new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')])
    expect(classifyException(error, { sent: false })).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('survives things that are not errors', () => {
    expect(classifyException('boom', { sent: true }).kind).toBe('connection_broken')
  })
})

describe('secrets', () => {
  const token = '00D5g000004abcdEAA!AQEAQLz.x_Y1234567890abcdefghijKLMNOP'
  it.each([
    [`session ${token} is bad`],
    [`Authorization: Bearer ${token}`],
    ['Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.payload.signature'],
    [`/secur/frontdoor.jsp?sid=${encodeURIComponent(token)}&x=1`],
    ['refresh_token=5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrRqZ.x'],
    ['{"refresh_token":"5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrRqZ.x"}'],
    [`<sessionId>${token}</sessionId>`],
  ])('%s loses them', (text) => {
    const clean = scrubSecrets(text)
    expect(clean).toContain('[secret]')
    expect(clean).not.toMatch(/AQEAQL|eyJhbG|5Aep861/)
  })

  it('leave every message of an error', () => {
    const failure = classifyAnswer({ status: 400, body: rest('X', `token ${token} refused`) })
    expect(toEngineError(failure).upstream?.message).toBe('token [secret] refused')
  })

  it('ordinary words stay as they are', () => {
    const text = 'Bearer bonds with inside=yes are side effects; 00D5g000004abcdEAA is an id'
    expect(scrubSecrets(text)).toBe(text)
  })
})

it('every kind makes an EngineError with Salesforce as its upstream', () => {
  for (const kind of FAILURE_KINDS) {
    const error = toEngineError(makeFailure(kind, { code: 'C', message: 'm' }))
    expect(error.upstream?.service).toBe('salesforce')
    expect([429, 502]).toContain(error.status)
  }
})
