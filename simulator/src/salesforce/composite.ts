// /composite, its graphs, and /composite/batch. Salesforce: REST API guide, "Composite", "Composite
// Graph" and "Batch": a composite counts as one call, each part of a batch as one; the parts of a
// composite may have headers, those of a batch may not.

import { type Transaction } from '../records/locks.ts'
import { recordStateOf } from '../records/state.ts'
import { type RestAnswer, type RestContext, type RestRequest, type RestRoute } from './rest.ts'
import { refusal, Refusal } from '../refusals.ts'

const PARTS_MAX = 25
const QUERIES_MAX = 5
const FORBIDDEN_HEADERS = new Set(['accept', 'authorization', 'content-type'])

export const compositeRoutes: RestRoute[] = ['', '/tooling'].flatMap((api): RestRoute[] => [
  { method: 'POST', pattern: `${api}/composite`, handler: (ctx) => composite(ctx) },
  { method: 'POST', pattern: `${api}/composite/batch`, handler: (ctx) => batch(ctx) },
])

export interface Part {
  method: string
  url: string
  referenceId: string
  body?: unknown
  httpHeaders?: Record<string, string>
}

/** Answers of successful parts, by referenceId. */
type Answers = Map<string, RestAnswer>

interface Done {
  part: Part
  answer: RestAnswer
}

const malformed = (message: string) => refusal(400, 'JSON_PARSER_ERROR', message)

const partsOf = (body: unknown): { parts: Part[]; allOrNone: boolean } => {
  const { compositeRequest, allOrNone } = (body ?? {}) as {
    compositeRequest?: unknown
    allOrNone?: unknown
  }
  const checked = checkedParts(compositeRequest)
  if (checked.length > PARTS_MAX) {
    throw refusal(
      400,
      'LIMIT_EXCEEDED',
      `Composite request limit of ${PARTS_MAX} subrequests exceeded`,
    )
  }
  const heavy = checked.filter(({ url }) => /\/(query|queryAll|composite\/sobjects)\b/.test(url))
  if (heavy.length > QUERIES_MAX) {
    throw refusal(
      400,
      'LIMIT_EXCEEDED',
      `At most ${QUERIES_MAX} subrequests may be queries or collections`,
    )
  }
  return { parts: checked, allOrNone: allOrNone === true }
}

/** The parts of a `compositeRequest`, each with its method, url and a referenceId of its own. */
export const checkedParts = (compositeRequest: unknown): Part[] => {
  if (!Array.isArray(compositeRequest) || compositeRequest.length === 0) {
    throw malformed('The compositeRequest list is required')
  }
  const parts = compositeRequest as Partial<Part>[]
  const seen = new Set<string>()
  return parts.map((part): Part => {
    const { method, url, referenceId } = part
    if (typeof referenceId !== 'string') throw malformed('Missing required field: referenceId')
    if (!/^\w+$/.test(referenceId)) {
      throw refusal(
        400,
        'INVALID_INPUT',
        `The referenceId ${referenceId} may contain only letters, digits and underscores`,
      )
    }
    if (seen.has(referenceId))
      throw refusal(400, 'INVALID_INPUT', 'Duplicate ReferenceId provided in the request.')
    seen.add(referenceId)
    if (typeof method !== 'string' || typeof url !== 'string')
      throw malformed('Missing required field: url or method')
    for (const name of Object.keys(part.httpHeaders ?? {})) {
      if (FORBIDDEN_HEADERS.has(name.toLowerCase())) {
        throw refusal(400, 'INVALID_INPUT', `The header ${name} is not allowed in a subrequest`)
      }
    }
    return { ...part, method: method.toUpperCase(), url, referenceId }
  })
}

const requestOf = (part: Part, headers: Record<string, string>): RestRequest => {
  const url = new URL(part.url, 'http://host')
  return {
    method: part.method,
    path: url.pathname,
    query: url.searchParams,
    headers: {
      ...headers,
      ...Object.fromEntries(
        Object.entries(part.httpHeaders ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
      ),
    },
    body: part.body,
  }
}

/** A request's own headers apply to the whole, not to its parts. */
const inherited = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('if-')))

/** `@{ref.path.to.member}` in urls and bodies, taken from the answers before. */
const resolveReferences = <T>(value: T, answers: Answers): T => {
  if (typeof value === 'string') {
    const whole = /^@\{([^}]+)\}$/.exec(value)?.[1]
    if (whole !== undefined) return lookUp(whole, answers) as T
    return value.replaceAll(/@\{([^}]+)\}/g, (_, path: string) =>
      String(lookUp(path, answers)),
    ) as T
  }
  if (Array.isArray(value))
    return value.map((member: unknown) => resolveReferences(member, answers)) as T
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        resolveReferences(member as unknown, answers),
      ]),
    ) as T
  }
  return value
}

const lookUp = (path: string, answers: Answers): unknown => {
  const [reference = '', ...members] = path.split(/[.[\]]+/).filter((member) => member !== '')
  const answer = answers.get(reference)
  // Parsed only now: most parts are never referred to, and describes are long.
  let value: unknown = answer?.json === undefined ? answer?.body : JSON.parse(answer.json)
  for (const member of members) value = (value as Record<string, unknown> | undefined)?.[member]
  if (value === undefined) {
    throw refusal(
      400,
      'PROCESSING_HALTED',
      `Invalid reference specified. No value for ${path} found`,
    )
  }
  return value
}

const HALTED: RestAnswer = {
  status: 400,
  body: [
    {
      errorCode: 'PROCESSING_HALTED',
      message:
        'The transaction was rolled back since another operation in the same transaction failed.',
    },
  ],
}

const composite = async (ctx: RestContext): Promise<RestAnswer> => {
  const { parts, allOrNone } = partsOf(ctx.request.body)
  const { json } = await runParts(ctx, parts, allOrNone)
  return { status: 200, json }
}

/** Status 300 is an external id that several records have: nothing was saved. */
const hasFailed = ({ status }: RestAnswer) => status >= 400 || status === 300

/**
 * Runs the parts in their order. `allOrNone`: their changes of records are rolled back if one of them
 * fails, and the others return PROCESSING_HALTED. `json` is the whole composite answer.
 */
export const runParts = async (
  ctx: RestContext,
  parts: readonly Part[],
  allOrNone: boolean,
): Promise<{ json: string; failed: boolean }> => {
  const headers = inherited(ctx.request.headers)
  const answers: Answers = new Map()
  const done: Done[] = []
  const transaction = allOrNone ? recordStateOf(ctx.org).transaction() : undefined
  try {
    for (const part of parts) {
      const answer = await answerPart(ctx, part, headers, answers, transaction)
      if (answer.status < 300) answers.set(part.referenceId, answer)
      done.push({ part, answer })
      if (allOrNone && hasFailed(answer)) break
    }
    const failed = done.find(({ answer }) => hasFailed(answer))
    if (!allOrNone || failed === undefined) {
      return { json: written(done), failed: failed !== undefined }
    }
    transaction?.rollback()
    const halted = parts.map((part) => ({
      part,
      answer: part === failed.part ? failed.answer : HALTED,
    }))
    return { json: written(halted), failed: true }
  } catch (error) {
    transaction?.rollback()
    throw error
  } finally {
    transaction?.release()
  }
}

/** A fault of one part is that part's answer: the others continue. */
const answerPart = async (
  ctx: RestContext,
  part: Part,
  headers: Record<string, string>,
  answers: Answers,
  transaction: Transaction | undefined,
): Promise<RestAnswer> => {
  try {
    const url = resolveReferences(part.url, answers)
    const request = requestOf(
      { ...part, url, body: resolveReferences(part.body, answers) },
      headers,
    )
    if (/\/composite(\/(batch|graph|tree\/[^/]+))?$/.test(request.path)) {
      throw refusal(400, 'INVALID_INPUT', 'Composite requests cannot be nested')
    }
    return await ctx.dispatch(request, transaction)
  } catch (error) {
    if (error instanceof Refusal) return error.fault
    throw error
  }
}

/** Parts that are already text are inserted as they are: 25 large describes are not parsed for this. */
const written = (done: Done[]): string => {
  const items = done.map(({ part, answer }) => {
    const body =
      answer.json ??
      (answer.bytes === undefined
        ? JSON.stringify(answer.body ?? null)
        : JSON.stringify(answer.bytes.toString() || null))
    const shown: Record<string, string> = {}
    for (const [name, value] of Object.entries(answer.headers ?? {})) {
      const known = { etag: 'ETag', 'last-modified': 'Last-Modified', location: 'Location' }[name]
      if (known !== undefined) shown[known] = value
    }
    return `{"body":${body},"httpHeaders":${JSON.stringify(shown)},"httpStatusCode":${answer.status},"referenceId":${JSON.stringify(part.referenceId)}}`
  })
  return `{"compositeResponse":[${items.join(',')}]}`
}

const batch = async (ctx: RestContext): Promise<RestAnswer> => {
  const { batchRequests, haltOnError } = (ctx.request.body ?? {}) as {
    batchRequests?: { method?: string; url?: string; richInput?: unknown; httpHeaders?: unknown }[]
    haltOnError?: boolean
  }
  if (!Array.isArray(batchRequests) || batchRequests.length === 0)
    throw malformed('The batchRequests list is required')
  if (batchRequests.length > PARTS_MAX) {
    throw refusal(400, 'LIMIT_EXCEEDED', `Batch request limit of ${PARTS_MAX} subrequests exceeded`)
  }
  const headers = inherited(ctx.request.headers)
  const results: string[] = []
  let failed = false
  for (const [i, part] of batchRequests.entries()) {
    if (part.httpHeaders !== undefined) throw malformed('Unrecognized field "httpHeaders"')
    if (i > 0) ctx.countCall()
    let answer: RestAnswer
    if (failed && haltOnError === true) {
      answer = {
        status: 412,
        body: [{ errorCode: 'PROCESSING_HALTED', message: 'Batch processing halted per request.' }],
      }
    } else {
      const url = (part.url ?? '').replace(/^\/?(services\/data\/)?/, '/services/data/')
      answer = await ctx.dispatch(
        requestOf(
          {
            method: (part.method ?? 'GET').toUpperCase(),
            url,
            referenceId: '',
            body: part.richInput,
          },
          headers,
        ),
      )
    }
    if (answer.status >= 400) failed = true
    results.push(
      `{"statusCode":${answer.status},"result":${answer.json ?? JSON.stringify(answer.body ?? null)}}`,
    )
  }
  return { status: 200, json: `{"hasErrors":${failed},"results":[${results.join(',')}]}` }
}
