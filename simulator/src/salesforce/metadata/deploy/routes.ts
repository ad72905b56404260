// Deployments over REST. Salesforce: Metadata API guide, "Deploying and Retrieving Metadata with REST":
// `/metadata/deployRequest`.

import type { RestAnswer, RestContext, RestRoute } from '../../rest.ts'
import { notFound, notSimulated, refusal } from '../../../refusals.ts'
import { checkMayDeploy } from './access.ts'
import { deploysOf, type DeployJob } from './jobs.ts'
import { DeployRefusal, readOptions } from './options.ts'
import { restResult } from './result.ts'

export const deployRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/metadata/deployRequest', handler: (ctx) => refusing(start, ctx) },
  { method: 'GET', pattern: '/metadata/deployRequest/:id', handler: (ctx) => status(ctx) },
  {
    method: 'PATCH',
    pattern: '/metadata/deployRequest/:id',
    handler: (ctx) => refusing(cancel, ctx),
  },
]

/** Here, a refusal of a deployment is an error. */
const refusing = async (
  handler: (ctx: RestContext) => RestAnswer | Promise<RestAnswer>,
  ctx: RestContext,
): Promise<RestAnswer> => {
  try {
    return await handler(ctx)
  } catch (error) {
    if (error instanceof DeployRefusal) throw refusal(error.status, error.code, error.message)
    throw error
  }
}

const answer = (ctx: RestContext, status: number, job: DeployJob): RestAnswer => {
  const { base, org, request } = ctx
  const includeDetails = request.query.get('includeDetails') === 'true'
  return {
    status,
    body: {
      id: job.id,
      url: `${org.instanceUrl}${base}/metadata/deployRequest/${job.id}`,
      validatedDeployRequestId: null,
      deployOptions: job.options,
      deployResult: restResult(org, job, includeDetails),
    },
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const start = async (ctx: RestContext): Promise<RestAnswer> => {
  const { body, headers } = ctx.request
  checkMayDeploy(ctx.viewer)
  if (isRecord(body) && 'validatedDeployRequestId' in body) {
    throw notSimulated('quick deployment of a validated request')
  }
  const parts = Buffer.isBuffer(body) ? await readParts(body, headers['content-type'] ?? '') : null
  if (parts === null) {
    throw refusal(
      400,
      'INVALID_MULTIPART_REQUEST',
      'A deploy request is multipart/form-data with a JSON part and a part named file',
    )
  }
  const job = deploysOf(ctx.org).submit(parts.zip, readOptions(parts.options), ctx.user.id)
  return answer(ctx, 201, job)
}

interface Parts {
  zip: Uint8Array
  options: Record<string, unknown>
}

/** The two parts, in any order. The JSON part is named `json`; jsforce calls it `entity_content`. */
const readParts = async (body: Buffer, contentType: string): Promise<Parts | null> => {
  if (!contentType.startsWith('multipart/form-data')) return null
  let form
  try {
    form = await new Response(Uint8Array.from(body), {
      headers: { 'content-type': contentType },
    }).formData()
  } catch {
    return null
  }
  const file = form.get('file')
  if (file === null || typeof file === 'string') return null
  const json = form.get('json') ?? form.get('entity_content')
  if (json === null) return null
  const text = typeof json === 'string' ? json : await json.text()
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    throw refusal(400, 'JSON_PARSER_ERROR', 'The JSON part of the deploy request is not JSON')
  }
  const options = isRecord(read) ? (read['deployOptions'] ?? {}) : {}
  return {
    zip: new Uint8Array(await file.arrayBuffer()),
    options: isRecord(options) ? options : {},
  }
}

const found = ({ org, params }: RestContext): DeployJob => {
  const job = deploysOf(org).find(params['id'] ?? '')
  if (job === undefined) throw notFound()
  return job
}

const status = (ctx: RestContext): RestAnswer => answer(ctx, 200, found(ctx))

const cancel = (ctx: RestContext): RestAnswer => {
  checkMayDeploy(ctx.viewer)
  const job = found(ctx)
  const { body } = ctx.request
  const wanted = isRecord(body) && isRecord(body['deployResult']) ? body['deployResult'] : {}
  if (wanted['status'] !== 'Canceling') {
    throw refusal(
      400,
      'INVALID_OPERATION',
      'The status of a deploy request can only be set to Canceling',
    )
  }
  deploysOf(ctx.org).cancel(job.id, ctx.user.id)
  return answer(ctx, 202, job)
}
