// Up to 25 calls in one (`/composite`): Salesforce counts the series once, and each sub-request may have
// headers of its own (`/composite/batch` allows none, and counts each sub-request).

import { classifyError, type Failure, malformed, SalesforceError } from './failure.ts'
import { type SalesforceOrg, type SalesforceRequest } from './gateway.ts'
import { isObject, type JsonObject } from './json.ts'
import { parseJson } from './wire.ts'

/** Salesforce: REST API guide, Composite: "up to 25 subrequests". */
export const COMPOSITE_MAX = 25

export interface SubRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** As `SalesforceRequest.path`, query included, escaped. */
  url: string
  /** Anything the resource supports but Accept, Authorization and Content-Type. */
  headers?: Readonly<Record<string, string>>
  body?: unknown
  /** Letters, digits and underscores, to be referred to as `@{name.field}`; default `r0`, `r1` … */
  referenceId?: string
}

export interface SubAnswer {
  status: number
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  body: unknown
  /** What went wrong with this one; null for 2xx and 304. */
  failure: Failure | null
}

export interface CompositeOptions extends Pick<
  SalesforceRequest,
  'effect' | 'attemptsMax' | 'timeouts' | 'limitBytes' | 'priority' | 'signal'
> {
  /** One transaction: a failure rolls back the others, which then return PROCESSING_HALTED. */
  allOrNone?: boolean
  tooling?: boolean
}

const readHeaders = (value: unknown): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const [name, text] of Object.entries(isObject(value) ? value : {})) {
    if (typeof text === 'string') headers[name.toLowerCase()] = text
  }
  return headers
}

const readItem = (item: JsonObject): SubAnswer => {
  const status = typeof item.httpStatusCode === 'number' ? item.httpStatusCode : 0
  const good = (status >= 200 && status < 300) || status === 304
  return {
    status,
    headers: readHeaders(item.httpHeaders),
    body: item.body ?? null,
    failure: good ? null : classifyError(item.body, status),
  }
}

const idsOf = (subRequests: readonly SubRequest[]): string[] =>
  subRequests.map(({ referenceId }, index) => referenceId ?? `r${index}`)

const requestFor = (
  org: SalesforceOrg,
  subRequests: readonly SubRequest[],
  { allOrNone = false, tooling = false, ...call }: CompositeOptions,
): SalesforceRequest => {
  if (subRequests.length > COMPOSITE_MAX) {
    throw new TypeError(`A composite takes at most ${COMPOSITE_MAX} sub-requests`)
  }
  const ids = idsOf(subRequests)
  return {
    ...call,
    method: 'POST',
    path: tooling ? '/tooling/composite' : '/composite',
    kind: 'composite',
    json: {
      allOrNone,
      compositeRequest: subRequests.map(({ method, url, headers = {}, body: subBody }, index) => ({
        method,
        url: url.startsWith('/services/') ? url : `/services/data/${org.apiVersion}${url}`,
        referenceId: ids[index],
        // Sub-requests with headers are not collated, which is slower, so headers are sent only if
        // needed.
        ...(Object.keys(headers).length > 0 ? { httpHeaders: headers } : {}),
        ...(subBody === undefined ? {} : { body: subBody }),
      })),
    },
  }
}

const answersIn = (
  subRequests: readonly SubRequest[],
  { status, body }: { status: number; body: unknown },
): SubAnswer[] => {
  const items: unknown = isObject(body) ? body.compositeResponse : null
  if (!Array.isArray(items)) {
    throw new SalesforceError(malformed('The composite answer holds no compositeResponse.', status))
  }
  const byId = new Map<unknown, SubAnswer>()
  for (const item of items) if (isObject(item)) byId.set(item.referenceId, readItem(item))
  return idsOf(subRequests).map((id) => {
    const answer = byId.get(id)
    if (answer === undefined) {
      throw new SalesforceError(malformed('The composite answer leaves a sub-request out.', status))
    }
    return answer
  })
}

/**
 * Sends at most 25 sub-requests as one call and returns the answers in their order (Salesforce need not
 * keep it when it collates). Throws SalesforceError if the call as a whole fails or leaves an answer
 * out, and TypeError for more than 25. Its effect is `create` unless the caller knows better.
 */
export const composite = async (
  org: SalesforceOrg,
  subRequests: readonly SubRequest[],
  options: CompositeOptions = {},
): Promise<SubAnswer[]> =>
  subRequests.length === 0
    ? []
    : answersIn(subRequests, await org.request(requestFor(org, subRequests, options)))

/**
 * The same for long answers of which several may be waiting: resolves when all of it has arrived, and
 * is parsed when the result is called. That throws SalesforceError for an answer that is not a
 * composite's; such a call is not repeated here.
 */
export const compositeUnread = async (
  org: SalesforceOrg,
  subRequests: readonly SubRequest[],
  options: CompositeOptions = {},
): Promise<() => SubAnswer[]> => {
  const answer = await org.requestText(requestFor(org, subRequests, options))
  const { status } = answer
  return () => answersIn(subRequests, { status, body: parseJson(answer, answer.body) })
}
