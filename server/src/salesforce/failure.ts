// What can go wrong between us and Salesforce, as a closed list. Every answer and every exception
// becomes exactly one kind; one table says what follows from a kind, another how it is recognised.

import { EngineError } from '../errors.ts'
import { type RetryableFailure } from '../retry.ts'
import { clip } from '../text.ts'
import { asText, isObject } from './json.ts'

/**
 * kind → whether it may pass by itself, and whether Salesforce did nothing (`not_done`) or perhaps
 * everything (`unknown`). A definite refusal is `not_done`: repeating it cannot do the work twice.
 */
const KINDS = {
  session_dead: { passing: false, fate: 'not_done' },
  session_unusable: { passing: false, fate: 'not_done' },
  limit_total: { passing: false, fate: 'not_done' },
  limit_concurrent: { passing: true, fate: 'not_done' },
  row_lock: { passing: true, fate: 'not_done' },
  server_unavailable: { passing: true, fate: 'not_done' },
  already_in_process: { passing: true, fate: 'not_done' },
  api_disabled: { passing: false, fate: 'not_done' },
  version_unsupported: { passing: false, fate: 'not_done' },
  not_found: { passing: false, fate: 'not_done' },
  /** 300: an external id matches several records. */
  multiple_matches: { passing: false, fate: 'not_done' },
  redirected: { passing: false, fate: 'not_done' },
  /** 420: the request could not be routed at Salesforce's edge. */
  edge: { passing: true, fate: 'unknown' },
  /** Salesforce itself asks for a retry. */
  transient: { passing: true, fate: 'unknown' },
  server_error: { passing: true, fate: 'unknown' },
  html_page: { passing: true, fate: 'unknown' },
  empty_body: { passing: true, fate: 'unknown' },
  timeout_connect: { passing: true, fate: 'not_done' },
  timeout_headers: { passing: true, fate: 'unknown', slow: true },
  timeout_body: { passing: true, fate: 'unknown', slow: true },
  /** Somebody waits for this, and has waited long enough. */
  overdue: { passing: true, fate: 'unknown', slow: true },
  /** Refused, reset, not resolved or not trusted before a byte of the request was written. */
  connection_not_made: { passing: true, fate: 'not_done' },
  /** Broken after (part of) the request was written. */
  connection_broken: { passing: true, fate: 'unknown' },
  /** An answer that is not what its status promises: truncated or damaged JSON, XML or zip. */
  malformed: { passing: true, fate: 'unknown' },
  too_large: { passing: false, fate: 'unknown' },
  /** Salesforce understood and refused: the code says why. */
  other: { passing: false, fate: 'not_done' },
} as const satisfies Record<string, Pick<RetryableFailure, 'passing' | 'fate' | 'slow'>>

export type FailureKind = keyof typeof KINDS
export const FAILURE_KINDS = Object.freeze(Object.keys(KINDS)) as readonly FailureKind[]

/** Salesforce's message without the part of a query that it repeats above it, with a mark at the fault. */
export const withoutQuery = (message: string): string =>
  message.replace(/^.*\nERROR at Row:\d+:Column:\d+\n/s, '')

/** Faults that any other call to the same Salesforce org would currently also get. */
const WHOLE_ORG: ReadonlySet<FailureKind> = new Set<FailureKind>([
  'session_dead',
  'session_unusable',
  'limit_total',
  'limit_concurrent',
  'server_unavailable',
  'api_disabled',
  'version_unsupported',
  'redirected',
  'timeout_connect',
  'overdue',
  'connection_not_made',
])

/** Whether the Salesforce org (or the connection to it) fails, and not just the one request. */
export const concernsWholeOrg = (failure: Failure): boolean => WHOLE_ORG.has(failure.kind)

/**
 * Whether Salesforce understood the request and refused just this one thing. What may pass by itself is
 * not a refusal, however small the part of the Salesforce org it concerns.
 */
export const isRefusal = (failure: Failure): boolean =>
  !failure.passing && !concernsWholeOrg(failure)

export interface Failure extends RetryableFailure {
  readonly kind: FailureKind
  /** HTTP status, or null if there was no answer. */
  readonly status: number | null
  /** Salesforce's errorCode if it returned one; else `HTTP_503` or the name of the transport fault. */
  readonly code: string
  /** Salesforce's own message, secrets removed. */
  readonly message: string
  readonly fields: readonly string[]
  /** False only if the request certainly never reached Salesforce. */
  readonly sent: boolean
  readonly retryAfterSeconds: number | null
  /** The parsed error body, for codes with more details (duplicateResult, the URLs of a 300). */
  readonly body?: unknown
}

interface Rule {
  kind: FailureKind
  status?: readonly number[]
  code?: readonly string[]
  /** Looked for in the message (or in a body that is not JSON or XML). */
  text?: RegExp
}

/**
 * First match wins; all members given must match. Order matters: a message can outrank its code.
 * Sources: REST API guide (status codes and error responses), SOAP API guide (ExceptionCode), Metadata
 * API guide, and public issue threads of clients that saw the texts in practice.
 */
const RULES: readonly Rule[] = [
  // Same code and status as a dead session, yet refreshing never helps (session security level).
  { kind: 'session_unusable', text: /session is not valid for use with/i },
  // A dead session: REST 401, Bulk 400, a 403 of the OAuth endpoints, and a SOAP fault.
  { kind: 'session_dead', code: ['INVALID_SESSION_ID', 'InvalidSessionId'] },
  { kind: 'session_dead', status: [403], text: /\bBad_OAuth_Token\b/ },
  { kind: 'session_dead', status: [401] },
  // One code for both limits: only the message distinguishes a used-up day from a busy moment.
  { kind: 'limit_total', code: ['REQUEST_LIMIT_EXCEEDED'], text: /TotalRequests/i },
  { kind: 'limit_concurrent', code: ['REQUEST_LIMIT_EXCEEDED'] },
  { kind: 'limit_concurrent', status: [429] },
  { kind: 'row_lock', code: ['UNABLE_TO_LOCK_ROW'] },
  { kind: 'row_lock', text: /unable to obtain exclusive access to this record/i },
  { kind: 'already_in_process', code: ['ALREADY_IN_PROCESS'] },
  { kind: 'already_in_process', text: /admin operation already in progress/i },
  {
    kind: 'already_in_process',
    text: /temporarily lock your organization's administration setup/i,
  },
  { kind: 'already_in_process', text: /while a picklist background job is being executed/i },
  { kind: 'server_unavailable', code: ['SERVER_UNAVAILABLE'] },
  { kind: 'server_unavailable', status: [502, 503, 504], text: /no healthy upstream/i },
  { kind: 'api_disabled', code: ['API_DISABLED_FOR_ORG', 'API_CURRENTLY_DISABLED'] },
  { kind: 'version_unsupported', code: ['UNSUPPORTED_API_VERSION', 'InvalidVersion'] },
  { kind: 'version_unsupported', status: [410] },
  { kind: 'not_found', code: ['NOT_FOUND', 'ENTITY_IS_DELETED'] },
  { kind: 'not_found', status: [404] },
  { kind: 'multiple_matches', status: [300] },
  { kind: 'redirected', status: [301, 302, 303, 305, 307, 308] },
  { kind: 'edge', status: [420] },
  // Whatever the status, these are known to succeed when the call is simply repeated.
  { kind: 'transient', code: ['REQUEST_RUNNING_TOO_LONG', 'QUERY_TIMEOUT'] },
  { kind: 'transient', text: /retry your request|try your request again|please try again later/i },
  { kind: 'transient', text: /security policies took too long to evaluate/i },
  { kind: 'transient', text: /unexpected internal servlet state/i },
  { kind: 'transient', text: /\bERROR_HTTP_(420|50[0-9])\b|upstream connect error/i },
]

/** An error must not contain anything that gives access: tokens, session ids, grants. */
const SECRETS: readonly [RegExp, string][] = [
  [/\b00D[A-Za-z0-9]{12,15}(?:!|%21)[A-Za-z0-9._%~+/=-]+/g, '[secret]'],
  [/\b5Aep8[A-Za-z0-9._]{16,}/g, '[secret]'],
  [/\b(Bearer|OAuth)\s+(?!\[secret\])[A-Za-z0-9!._~+/=-]{16,}/gi, '$1 [secret]'],
  [
    /\b(sid|access_token|refresh_token|client_secret|assertion)(["']?\s*[=:]\s*["']?)(?!\[secret\])[^\s&;"'<>,}]+/gi,
    '$1$2[secret]',
  ],
  [/<((?:\w+:)?sessionId)>[^<]*</gi, '<$1>[secret]<'],
]

/** `text` without access tokens, refresh tokens and session ids. */
export const scrubSecrets = (text: string): string =>
  SECRETS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text)

/** How much of Salesforce's own message our sentences quote; `upstream` has all of it. */
const SAID_MAX = 1_000

/** The one error that the gateway throws for failures of Salesforce or of the connection to it. */
export class SalesforceError extends EngineError {
  override name = 'SalesforceError'
  readonly failure: Failure

  constructor(failure: Failure) {
    const upstream = {
      service: 'salesforce' as const,
      status: failure.status,
      code: failure.code,
      message: failure.message,
      ...(failure.fields.length > 0 ? { fields: [...failure.fields] } : {}),
    }
    if (failure.kind === 'limit_total') {
      // A rolling 24 hours: calls come back gradually, so checking every quarter of an hour is worth it.
      const retryAfterSeconds = failure.retryAfterSeconds ?? 900
      super('api_budget_exhausted', 'Salesforce says that its daily API allowance is used up.', {
        upstream,
        retryAfterSeconds,
      })
    } else {
      super('salesforce_error', sentence(failure), {
        upstream,
        ...(failure.retryAfterSeconds === null
          ? {}
          : { retryAfterSeconds: failure.retryAfterSeconds }),
      })
    }
    this.failure = failure
  }
}

/** The outcome of a call in one sentence, the same wherever the failure is shown. */
const sentence = ({ kind, status, code, message }: Failure): string => {
  if (kind === 'redirected') return 'Salesforce answered with a redirect, which is not followed.'
  const said = clip(message.trim(), SAID_MAX)
  const words = said === '' ? '.' : `: ${said}${/[.!?…]$/.test(said) ? '' : '.'}`
  if (status === null) return `Salesforce could not be reached or did not answer (${code})${words}`
  return code === `HTTP_${status}`
    ? `Salesforce answered ${status}${words}`
    : `Salesforce answered ${status} (${code})${words}`
}

/**
 * Whether Salesforce may have done the work although the call failed. Then look before sending again.
 */
export const isUnknownFate = (error: unknown): error is SalesforceError =>
  error instanceof SalesforceError && error.failure.fate === 'unknown'

export const toEngineError = (failure: Failure): SalesforceError => new SalesforceError(failure)

interface SpokenError {
  code: string | null
  message: string
  fields: string[]
}

/** REST (`errorCode`), a row (`statusCode`), Bulk v1 (`exceptionCode`), a deploy (`errorStatusCode`), OAuth (`error`). */
const readJsonError = (body: unknown): SpokenError | null => {
  const first: unknown = Array.isArray(body) ? body[0] : body
  if (!isObject(first)) return null
  const code =
    asText(first.errorCode) ??
    asText(first.statusCode) ??
    asText(first.exceptionCode) ??
    asText(first.errorStatusCode) ??
    asText(first.error)
  const message =
    asText(first.message) ??
    asText(first.exceptionMessage) ??
    asText(first.error_description) ??
    asText(first.errorMessage)
  if (code === null && message === null) return null
  const fields = Array.isArray(first.fields)
    ? first.fields.filter((field): field is string => typeof field === 'string')
    : []
  return { code, message: message ?? '', fields }
}

const XML_ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
}

/** SOAP faults and Bulk v1 errors. A pattern, not a parser: the body may be cut or not be XML at all. */
const readXmlError = (body: string): SpokenError | null => {
  const element = (names: string): string | null => {
    const match = new RegExp(`<(?:\\w+:)?(?:${names})(?:\\s[^>]*)?>([^<]*)<`).exec(body)
    return (
      match?.[1]
        ?.replace(/&(lt|gt|quot|apos|amp);/g, (all, name: string) => XML_ENTITIES[name] ?? all)
        .trim() ?? null
    )
  }
  // Salesforce: faultcode is a QName such as `sf:INVALID_SESSION_ID`; only its local part matters.
  const code = (element('exceptionCode') ?? element('faultcode'))?.replace(/^\w+:/, '') ?? null
  const message = element('exceptionMessage|faultstring')
  return code === null && message === null ? null : { code, message: message ?? '', fields: [] }
}

/**
 * SOAP 1.1 answers every fault with status 500; one that names its code (`sf:INVALID_TYPE`) is a refusal
 * like any other, not a server failure.
 */
const isSoapRefusal = (body: string, code: string | null): boolean =>
  code !== null &&
  /^[A-Z]+(?:_[A-Z]+)+$/.test(code) &&
  code !== 'UNKNOWN_EXCEPTION' &&
  /<(?:\w+:)?Fault[\s>]/.test(body)

const tryJson = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const looksLikeHtml = (contentType: string, body: string): boolean =>
  /^\s*text\/html/i.test(contentType)
    ? !/^\s*[[{]/.test(body) && body.includes('<')
    : /^\s*(<!doctype html|<html)/i.test(body)

/** Whoever answers decides how much it says; what is kept and told has bounds. In UTF-16 units. */
const WORDS_MAX = { code: 200, message: 4_000, fields: 50, field: 200 }

/** A failure of `kind`; `sent` is true by default. Secrets are removed from the message. */
export const makeFailure = (
  kind: FailureKind,
  details: Partial<Failure> & { code: string; message: string },
): Failure => {
  const { passing, fate, slow }: Pick<RetryableFailure, 'passing' | 'fate' | 'slow'> = KINDS[kind]
  const sent = details.sent ?? true
  return {
    status: null,
    retryAfterSeconds: null,
    ...details,
    code: clip(details.code, WORDS_MAX.code),
    message: clip(scrubSecrets(details.message), WORDS_MAX.message),
    fields: (details.fields ?? [])
      .slice(0, WORDS_MAX.fields)
      .map((field) => clip(field, WORDS_MAX.field)),
    kind,
    passing,
    ...(slow === undefined ? {} : { slow }),
    fate: sent ? fate : 'not_done',
    sent,
  }
}

const matchRule = (
  status: number | null,
  code: string | null,
  spoken: string,
): FailureKind | null =>
  RULES.find(
    (rule) =>
      (rule.status === undefined || (status !== null && rule.status.includes(status))) &&
      (rule.code === undefined || (code !== null && rule.code.includes(code))) &&
      (rule.text === undefined || rule.text.test(spoken)),
  )?.kind ?? null

const retryAfter = (value: string | null): number | null => {
  if (value === null || !/^\s*\d{1,6}\s*$/.test(value)) return null
  return Number(value)
}

/** What an unsuccessful answer means. `body` may be truncated, empty, HTML, JSON or XML. */
export const classifyAnswer = (answer: {
  status: number
  contentType?: string
  body: string
  retryAfter?: string | null
}): Failure => {
  const { status, body, contentType = '' } = answer
  const common = { status, retryAfterSeconds: retryAfter(answer.retryAfter ?? null) }
  const html = looksLikeHtml(contentType, body)
  const json = html ? undefined : tryJson(body)
  const spoken =
    (json === undefined ? null : readJsonError(json)) ?? (html ? null : readXmlError(body))
  if (spoken !== null) {
    const passing = status >= 500 && !isSoapRefusal(body, spoken.code)
    const kind =
      matchRule(status, spoken.code, spoken.message) ?? (passing ? 'server_error' : 'other')
    const code = spoken.code ?? `HTTP_${status}`
    return makeFailure(kind, {
      ...common,
      code,
      message: spoken.message,
      fields: spoken.fields,
      body: json,
    })
  }
  const empty = body.trim() === ''
  const title = /<title[^>]*>([^<]{1,300})/i.exec(body)?.[1]?.trim()
  const message = html ? (title ?? 'An HTML page.') : empty ? 'An empty body.' : clip(body, 2000)
  const unspoken: FailureKind = html ? 'html_page' : empty ? 'empty_body' : 'server_error'
  // Below 500, a page or an empty body is a refusal without a reason; only a 200 promises more.
  const refusal = status >= 300 && status < 500
  const kind = matchRule(status, null, body.slice(0, 20_000)) ?? (refusal ? 'other' : unspoken)
  // The four OAuth endpoints answer in one bare word, which is the code.
  const word = /^\s*([A-Z][A-Za-z]+(?:_[A-Za-z]+)+)\s*$/.exec(body)?.[1]
  return makeFailure(kind, {
    ...common,
    code: word ?? `HTTP_${status}`,
    message,
    ...(json === undefined ? {} : { body: json }),
  })
}

/** A per-row, per-component or per-sub-request error inside an answer that was itself a success. */
export const classifyError = (error: unknown, status: number | null = null): Failure => {
  const spoken = readJsonError(error)
  const message = spoken?.message ?? ''
  const code = spoken?.code ?? (status === null ? 'UNKNOWN' : `HTTP_${status}`)
  const fallback: FailureKind = status !== null && status >= 500 ? 'server_error' : 'other'
  const kind = matchRule(status, spoken?.code ?? null, message) ?? fallback
  return makeFailure(kind, { status, code, message, fields: spoken?.fields ?? [], body: error })
}

/** An answer with a good status whose content is not what was promised. */
export const malformed = (message: string, status: number | null = 200): Failure =>
  makeFailure('malformed', { status, code: 'MALFORMED_ANSWER', message })

export const tooLarge = (limitBytes: number, status: number): Failure =>
  makeFailure('too_large', {
    status,
    code: 'ANSWER_TOO_LARGE',
    message: `The answer is larger than ${limitBytes} bytes.`,
  })

/** An answer that did not come in the time that the waiting caller can wait. */
export const overdue = (asked: string, seconds: number): Failure =>
  makeFailure('overdue', {
    code: 'NO_ANSWER_IN_TIME',
    message: `${asked} was not answered within ${seconds} seconds.`,
  })

/** Faults of the transport by their code; if the code does not decide, the phase does. */
const TRANSPORT: Readonly<Record<string, FailureKind>> = {
  UND_ERR_CONNECT_TIMEOUT: 'timeout_connect',
  UND_ERR_HEADERS_TIMEOUT: 'timeout_headers',
  UND_ERR_BODY_TIMEOUT: 'timeout_body',
  CALL_DEADLINE: 'timeout_body',
  Z_DATA_ERROR: 'malformed',
  Z_BUF_ERROR: 'connection_broken',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'too_large',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
}

/**
 * What an exception of the transport means. `sent` is false only if the request was not begun;
 * then nothing can have happened on the other side, whatever the exception says.
 */
export const classifyException = (error: unknown, { sent }: { sent: boolean }): Failure => {
  const code = exceptionCode(error)
  const named = TRANSPORT[code] ?? (code.startsWith('HPE_') ? 'malformed' : undefined)
  const kind = sent
    ? (named ?? 'connection_broken')
    : named === 'timeout_connect'
      ? named
      : code === 'CALL_DEADLINE' || code === 'ETIMEDOUT'
        ? 'timeout_connect'
        : 'connection_not_made'
  return makeFailure(kind, { sent, code, message: describeException(error) })
}

const exceptionCode = (error: unknown): string => {
  if (error instanceof AggregateError) {
    // Happy eyeballs: one error per address that was tried; they have the same cause.
    const inner: unknown = error.errors[0]
    return inner === undefined ? 'UNKNOWN' : exceptionCode(inner)
  }
  if (!isObject(error)) return 'UNKNOWN'
  const code = asText(error.code)
  if (code === 'UND_ERR_SOCKET' && isObject(error.cause)) return asText(error.cause.code) ?? code
  return code ?? (error instanceof Error ? error.name : 'UNKNOWN')
}

const describeException = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors[0] instanceof Error)
    return error.errors[0].message
  return error instanceof Error ? error.message : 'Unknown fault'
}
