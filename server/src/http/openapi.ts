// The OpenAPI 3.1 document, made from the route records: what is served is what is described.

import { ERRORS, type ErrorCode } from '../errors.ts'
import { webhooksOf } from './openapi-webhooks.ts'
import { docUrl, problemType } from './problems.ts'
import { VERSION } from '../version.ts'
import { type Json, Schemas } from './openapi-schemas.ts'
import { inPascalCase, operationIdOf } from './operation-id.ts'
import { problem } from './schemas.ts'
import { type Route } from './route.ts'

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'
const LINES_TYPE = 'application/x-ndjson'

/** Codes that any route can return. */
const codesOf = (route: Route): ErrorCode[] => {
  const codes = new Set<ErrorCode>(['internal', 'unavailable', ...(route.errors ?? [])])
  if (route.access !== 'public') codes.add('unauthenticated').add('rate_limited')
  if (!['public', 'any', 'super_admin'].includes(route.access)) codes.add('forbidden')
  if (route.body !== undefined) {
    for (const code of [
      'invalid_json',
      'payload_too_large',
      'unsupported_media_type',
      'validation_failed',
    ] as const) {
      codes.add(code)
    }
  }
  if (route.idempotency !== undefined)
    codes.add('idempotency_key_reused').add('idempotency_in_progress')
  return [...codes]
}

/** On every answer to a credential of an org, unless the server has no limit. */
const limitsOf = ({ access }: Route): Json =>
  access === 'public' || access === 'super_admin'
    ? {}
    : {
        RateLimit: { $ref: '#/components/headers/RateLimit' },
        'RateLimit-Policy': { $ref: '#/components/headers/RateLimit-Policy' },
      }

const errorResponses = (route: Route, schemas: Schemas): Json => {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codesOf(route)) {
    const { status } = ERRORS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        String(status),
        {
          description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
          headers: {
            'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
            ...(status === 401 ? {} : limitsOf(route)),
            ...(status === 401 ? { 'WWW-Authenticate': { schema: { type: 'string' } } } : {}),
            ...(status === 429 || status === 503 || status === 409
              ? { 'Retry-After': { $ref: '#/components/headers/Retry-After' } }
              : {}),
          },
          content: {
            [PROBLEM_TYPE]: {
              schema: schemas.of(problem, 'output'),
              examples: Object.fromEntries(
                codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
              ),
            },
          },
        },
      ]),
  )
}

const exampleProblem = (code: ErrorCode): Json => ({
  type: problemType(code),
  title: ERRORS[code].title,
  status: ERRORS[code].status,
  detail: ERRORS[code].title,
  code,
  request_id: '01931f2a-7c00-7000-8000-00000000000a',
  remedy: ERRORS[code].remedy,
  doc_url: docUrl(code),
})

const successResponses = (route: Route, schemas: Schemas, name: string): Json =>
  Object.fromEntries(
    Object.entries(route.replies).map(([status, reply], index) => [
      status,
      {
        description: reply.description,
        headers: {
          'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
          ...limitsOf(route),
          ...(route.idempotency === undefined
            ? {}
            : { 'Idempotency-Replayed': { $ref: '#/components/headers/Idempotency-Replayed' } }),
          ...(status === '202'
            ? {
                Location: { $ref: '#/components/headers/Location' },
                'Retry-After': { $ref: '#/components/headers/Retry-After' },
              }
            : {}),
        },
        content: {
          [reply.mediaType ?? JSON_TYPE]: {
            schema: schemas.of(reply.body, 'output', `${name}Response`),
            ...(index === 0 ? { example: route.example.reply } : {}),
          },
          ...(reply.streamedAs === undefined
            ? {}
            : {
                [reply.streamedAs.mediaType]: {
                  schema: schemas.of(reply.streamedAs.line, 'output', `${name}Line`),
                },
              }),
        },
      },
    ]),
  )

/** JSON Schema has no lines: the first one is described by schema, the others in words. */
const linesOf = (
  { envelope, description, example }: NonNullable<Route['lines']>,
  schemas: Schemas,
  name: string,
): Json => ({
  schema: { ...schemas.of(envelope, 'input', `${name}Envelope`), description },
  example,
})

/** One example, or several that are named. */
const bodyExamples = ({ example: { body = {}, variants } }: Route): Json =>
  variants === undefined
    ? { example: body }
    : {
        examples: Object.fromEntries(
          Object.entries(variants).map(([summary, value]) => [
            summary.toLowerCase().replaceAll(/[^a-z]+/g, '_'),
            { summary, value },
          ]),
        ),
      }

const operationOf = (route: Route, schemas: Schemas): Json => {
  const security =
    route.access === 'public'
      ? []
      : [{ [route.access === 'super_admin' ? 'superAdmin' : 'bearer']: [] }]
  const permission = ['public', 'any', 'super_admin'].includes(route.access)
    ? ''
    : `Needs the permission \`${route.access}\`.`
  const description = [route.description, permission]
    .filter((text) => text !== undefined && text !== '')
    .join('\n\n')
  const operationId = operationIdOf(route)
  const name = inPascalCase(operationId)
  return {
    operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(description === '' ? {} : { description }),
    security,
    ...(route.idempotency === undefined
      ? {}
      : { parameters: [{ $ref: '#/components/parameters/IdempotencyKey' }] }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              [JSON_TYPE]: {
                schema: schemas.of(route.body, 'input', `${name}Request`),
                ...bodyExamples(route),
              },
              ...(route.lines === undefined
                ? {}
                : { [LINES_TYPE]: linesOf(route.lines, schemas, name) }),
            },
          },
        }),
    responses: { ...successResponses(route, schemas, name), ...errorResponses(route, schemas) },
  }
}

const INTRODUCTION = `
Run your clients' Salesforce orgs through one API: connect them, keep their schema as versioned
snapshots, check a change, deploy it, roll it back, and push records.

Every call is a \`POST\` with a JSON body, unless shown otherwise. Send \`Authorization: Bearer …\` with
an API token or a session. Errors are \`application/problem+json\` with a stable \`code\`. Lists take
\`limit\` and \`cursor\`. Step by step: [guides](/docs/guides).

## Running work

Long operations take \`wait_seconds\`. If the work ends in that time, the answer is 200 (201 for a
report) with the finished resource. Otherwise it is 202: \`Location\` names the endpoint to poll,
\`Retry-After\` says after how many seconds, and the work continues either way. \`is_final\` says the same
for every kind of work: poll until it is true, then look at \`status\`. While work is paused, \`error\`
says why, and \`error.waiting\` until when; it resumes by itself.

| work | poll | running | ended well | ended otherwise |
|---|---|---|---|---|
| snapshot | \`/api/topology/get\` | \`pulling\` | \`complete\` | \`failed\` |
| conflict report | \`/api/conflicts/get\` | \`running\` | \`complete\` | \`failed\` |
| deployment, also of workflows | \`/api/deploy/status\` | \`pending\` | \`deployed\`, \`validated\` | \`failed\` |
| rollback, in \`rollback.status\` of its deployment | \`/api/deploy/status\` | \`running\` | \`complete\`, \`dry_run\` | \`partial\`, \`failed\` |
| push | \`/api/push/get\` | \`queued\`, \`in_progress\` | \`succeeded\` | \`partial\`, \`failed\` |
`

/** The whole document. Same routes, same document: docs/openapi.json is compared with it. */
export const openApiDocument = (routes: Route[]): Json => {
  const paths: Record<string, Json> = {}
  const schemas = new Schemas()
  for (const route of routes) {
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operationOf(route, schemas),
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'sfdc-engine-x',
      version: VERSION,
      description: INTRODUCTION.trim(),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    webhooks: webhooksOf((schema) => schemas.of(schema, 'output')),
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas.named).sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
      examples: Object.fromEntries(
        (Object.keys(ERRORS) as ErrorCode[]).map((code) => [code, { value: exampleProblem(code) }]),
      ),
      headers: {
        'X-Request-Id': {
          description: 'Echoed from the request, or generated',
          schema: { type: 'string' },
        },
        'Idempotency-Replayed': {
          description: '`true` when the answer repeats that of an earlier call with the same key',
          schema: { type: 'string', enum: ['true'] },
        },
        'Retry-After': {
          description: 'Seconds until it makes sense to repeat the call, or with 202 to poll',
          schema: { type: 'integer' },
        },
        RateLimit: {
          description:
            'What is left: `r` more calls in the next `t` seconds, as `"credential";r=598;t=42`',
          schema: { type: 'string' },
        },
        'RateLimit-Policy': {
          description:
            'How often one credential may call one replica: `q` calls in `w` seconds, as `"credential";q=600;w=60`',
          schema: { type: 'string' },
        },
        Location: { description: 'The endpoint to poll', schema: { type: 'string' } },
      },
      parameters: {
        IdempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description:
            'Repeating a request with the same key and body returns the original response (kept 24 h)',
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        },
      },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API token (sfx_…) or a session',
        },
        superAdmin: { type: 'http', scheme: 'bearer', description: 'SUPER_ADMIN_JWT_SECRET' },
      },
    },
  }
}
