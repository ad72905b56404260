// Tools do what they do through the public API, with the credential of the agent: there is no second door,
// so permissions, clients, approvals, limits, idempotency and the audit log are those of every other caller.

import { untrusted } from './untrusted.ts'

/** What the API answered instead of a result. */
export interface Problem {
  status: number
  code: string
  title: string
  detail: string
  remedy?: string | null
  errors?: { path: string; code: string; message: string }[]
  upstream?: { service: string; code: string | null; message: string }
  retry_after?: number
  approval_id?: string
  url?: string
  request_id?: string
}

export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.code)
    this.problem = problem
  }
}

export interface Api {
  /** The answer to a POST. Throws {@link ApiProblem} for anything but success. */
  post<Answer>(path: string, body: object, idempotencyKey?: string): Promise<Answer>
}

/** As an agent may read it. Details quote what was sent and what Salesforce said, so they are untrusted. */
export const toldProblem = ({ problem }: ApiProblem) => ({
  code: problem.code,
  title: problem.title,
  status: problem.status,
  ...(problem.remedy ? { remedy: problem.remedy } : {}),
  untrusted_detail: untrusted(problem.detail),
  ...(problem.errors === undefined
    ? {}
    : {
        errors: problem.errors.slice(0, ERRORS_MAX).map(({ path, code, message }) => ({
          path,
          code,
          untrusted_message: untrusted(message),
        })),
      }),
  ...(problem.upstream === undefined
    ? {}
    : { upstream: { service: problem.upstream.service, code: problem.upstream.code } }),
  ...(problem.retry_after === undefined ? {} : { retry_after_seconds: problem.retry_after }),
  ...(problem.request_id === undefined ? {} : { request_id: problem.request_id }),
})

const ERRORS_MAX = 30

/** A resource of a different client is not there, as for everybody else. */
export const requireOfClient = <Resource extends { client_id: string }>(
  resource: Resource,
  clientId: string,
  what: string,
): Resource => {
  if (resource.client_id === clientId) return resource
  throw new ApiProblem({
    status: 404,
    code: 'not_found',
    title: 'Not found',
    detail: `This client has no such ${what}.`,
  })
}
