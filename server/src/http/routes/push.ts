import { Readable } from 'node:stream'
import * as z from 'zod'
import { type Caller } from '../../domain/caller.ts'
import {
  type InputRow,
  type PushInput,
  type PushKind,
  type Pushes,
  type PushWithResults,
} from '../../domain/pushes/pushes.ts'
import { EngineError, type ErrorCode } from '../../errors.ts'
import { ROWS_MAX } from '../json-body.ts'
import { type JsonLine } from '../lines.ts'
import { faultsOf, readWith } from '../../domain/schema-faults.ts'
import { lines, type Reply, route, type Route } from '../route.ts'
import { replyWith } from '../running.ts'
import { approvalId, id, line, pageOf, pageRequest, timeRange, waitSeconds } from '../schemas.ts'
import {
  CLIENT_ID,
  examplePush,
  exampleRecord,
  exampleResult,
  failedRow,
  IDLE_MS,
  kind,
  LINE_BYTES,
  linkRow,
  linksEnvelope,
  mendedRow,
  PUSH_BODY_BYTES,
  PUSH_ID,
  push,
  pushErrors,
  pushWithResults,
  recordRow,
  recordsEnvelope,
  result,
  status,
  updateRow,
} from './push-schemas.ts'

const RESULTS_MAX = 10_000
const FAILED_ROWS_MAX = 1_000
const CHANGES_MAX = 5_000
const LINES_TYPE = 'application/x-ndjson'

/** 202 as long as it runs. */
const replyOf = (body: PushWithResults): Reply => replyWith(body, '/api/push/get')

const replies = {
  200: { description: 'The push has ended', body: pushWithResults },
  202: { description: 'The push is under way', body: pushWithResults },
}

const ERRORS: ErrorCode[] = [
  'not_found',
  'bad_request',
  'client_inactive',
  'mapping_broken',
  'mapping_missing',
  'unknown_object',
  'unknown_field',
  'all_or_none_too_large',
  'connection_not_ready',
  'no_snapshot',
  'upload_in_progress',
]

const LINES_WORDS =
  'The first line is this envelope, each further line one row. Gzip is accepted ' +
  '(`Content-Encoding: gzip`). A line has at most 1 MiB; the upload ends after 30 s without a ' +
  'byte; a client has one upload at a time. Nothing is accepted before the last line is stored: a ' +
  'cut upload leaves nothing.'

/**
 * Rows of an upload, each checked against the schema of a row; a bad one is named by its line number.
 */
async function* rowsOf(
  batches: AsyncIterable<JsonLine[]>,
  shape: z.ZodType,
): AsyncGenerator<InputRow[], void, undefined> {
  for await (const batch of batches) {
    yield batch.map(({ value, text, number }) => {
      const { issues } = readWith(shape, value)
      if (issues === null) return { row: value, source: text }
      throw new EngineError('validation_failed', `Line ${number} does not fit the schema.`, {
        errors: faultsOf(issues).map(({ path, ...rest }) => ({
          ...rest,
          path: path === '' ? `lines.${number}` : `lines.${number}.${path}`,
        })),
      })
    })
  }
}

async function* textsOf(batches: AsyncIterable<JsonLine[]>) {
  for await (const batch of batches) yield batch.map(({ text }) => ({ source: text }))
}

type Envelope = z.infer<typeof linksEnvelope> & { object?: string }
const inputOf = (kind: PushKind, { object, ...envelope }: Envelope): PushInput => ({
  client_id: envelope.client_id,
  options: envelope.options,
  wait_seconds: envelope.wait_seconds,
  kind,
  object: object ?? null,
})

const linesFor = (
  pushes: Pushes,
  kind: PushKind,
  envelope: typeof recordsEnvelope | typeof linksEnvelope,
  row: z.ZodType,
  exampleRow: unknown,
) =>
  lines<'push.write', typeof envelope>({
    envelope,
    lineBytes: LINE_BYTES,
    idleMs: IDLE_MS,
    description: LINES_WORDS,
    example: `${[
      { client_id: CLIENT_ID, ...(kind === 'link' ? {} : { object: 'job_posting' }) },
      exampleRow,
    ]
      .map((value) => JSON.stringify(value))
      .join('\n')}\n`,
    handle: async ({ caller, envelope: first, lines: rest, context }) =>
      replyOf(await pushes.upload(caller, inputOf(kind, first), rowsOf(rest, row), context.signal)),
    matches: (caller, pushId, rest) => pushes.isSameUpload(caller.tenant, pushId, textsOf(rest)),
  })

/** What all routes that create a push have in common. */
const shared = (pushes: Pushes) =>
  ({
    method: 'POST',
    tag: 'Push',
    access: 'push.write',
    bodyLimitBytes: PUSH_BODY_BYTES,
    exactNumbers: true,
    approvable: true,
    replies,
    errors: ERRORS,
    idempotency: {
      replay: async (caller: Caller, pushId: string): Promise<Reply> =>
        replyOf(await pushes.get(caller.tenant, pushId)),
    },
  }) as const

const exampleReply = { ...examplePush, results: [exampleResult] }
const exampleUpdate = { match: { external_key: 'job-1042' }, fields: { status: 'filled' } }
const exampleLink = {
  object: 'job_posting',
  match: { external_key: 'job-1042' },
  field: 'company',
  target: { object: 'company', match: { external_key: 'acme' } },
}
const idOnly = z.strictObject({ push_id: id })

const recordsRoute = (pushes: Pushes): Route =>
  route({
    ...shared(pushes),
    path: '/api/push/records',
    summary: 'Create or update records',
    description:
      "Upserts by the mapping's external id: no record is created twice, and each row has a " +
      'result. A row that cannot be sent gets a failed result and does not stop the others. The ' +
      'work survives a broken connection and a restart; poll with `/api/push/get`.',
    body: recordsEnvelope.extend({ records: z.array(recordRow).min(1).max(ROWS_MAX) }),
    rows: 'records',
    lines: linesFor(pushes, 'records', recordsEnvelope, recordRow, exampleRecord),
    example: {
      body: { client_id: CLIENT_ID, object: 'job_posting', records: [exampleRecord] },
      reply: exampleReply,
    },
    handle: async ({ caller, body: { records, ...envelope }, context }) =>
      replyOf(await pushes.push(caller, inputOf('records', envelope), records, context.signal)),
  })

const statusUpdateRoute = (pushes: Pushes): Route =>
  route({
    ...shared(pushes),
    path: '/api/push/status-update',
    summary: 'Update records that exist',
    description:
      'Never creates a record: a row whose record is not found fails (`RECORD_NOT_FOUND`). ' +
      'Without a mapping, object and fields are named as Salesforce names them.',
    body: recordsEnvelope.extend({ updates: z.array(updateRow).min(1).max(ROWS_MAX) }),
    rows: 'updates',
    lines: linesFor(pushes, 'status_update', recordsEnvelope, updateRow, exampleUpdate),
    example: {
      body: { client_id: CLIENT_ID, object: 'job_posting', updates: [exampleUpdate] },
      reply: {
        ...exampleReply,
        kind: 'status_update',
        created_count: 0,
        updated_count: 1,
        results: [{ ...exampleResult, action: 'updated' }],
      },
    },
    handle: async ({ caller, body: { updates, ...envelope }, context }) =>
      replyOf(
        await pushes.push(caller, inputOf('status_update', envelope), updates, context.signal),
      ),
  })

const linkRoute = (pushes: Pushes): Route =>
  route({
    ...shared(pushes),
    path: '/api/push/link',
    summary: 'Link records that exist',
    description:
      'Sets lookups, or creates the junction record between two others once. Missing and ' +
      'ambiguous records fail their row.',
    body: linksEnvelope.extend({ links: z.array(linkRow).min(1).max(ROWS_MAX) }),
    rows: 'links',
    lines: linesFor(pushes, 'link', linksEnvelope, linkRow, exampleLink),
    example: {
      body: { client_id: CLIENT_ID, links: [exampleLink] },
      reply: {
        ...exampleReply,
        kind: 'link',
        created_count: 0,
        updated_count: 1,
        results: [{ ...exampleResult, action: 'updated' }],
      },
    },
    handle: async ({ caller, body: { links, ...envelope }, context }) =>
      replyOf(await pushes.push(caller, inputOf('link', envelope), links, context.signal)),
  })

const getRoute = (pushes: Pushes): Route =>
  route({
    method: 'POST',
    path: '/api/push/get',
    tag: 'Push',
    summary: 'Get a push',
    access: 'push.read',
    body: idOnly,
    replies: { 200: { description: 'The push', body: pushWithResults } },
    errors: ['not_found'],
    example: { body: { push_id: PUSH_ID }, reply: exampleReply },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await pushes.get(caller.tenant, body.push_id),
    }),
  })

const resultsRoute = (pushes: Pushes): Route =>
  route({
    method: 'POST',
    path: '/api/push/results',
    tag: 'Push',
    summary: 'Get the results of a push, in input order',
    description:
      'While a push runs, the results so far; read to the end once the push has ended. With ' +
      '`Accept: application/x-ndjson` all results are streamed, one a line; `limit` and `cursor` do ' +
      'not apply then.',
    access: 'push.read',
    body: z.strictObject({
      push_id: id,
      status: z.enum(['failed', 'succeeded']).meta({ id: 'RowOutcome' }).optional(),
      code: line(200).optional().describe('Only rows with this error'),
      limit: z.int().min(1).max(RESULTS_MAX).default(50),
      cursor: z.string().min(1).max(200).optional(),
    }),
    replies: {
      200: {
        description: 'A page of results',
        body: pageOf(result),
        streamedAs: { mediaType: LINES_TYPE, line: result },
      },
    },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { push_id: PUSH_ID, status: 'failed', limit: 1_000 },
      reply: { items: [exampleResult], next_cursor: null },
    },
    handle: async ({ caller, body, context }) => {
      if (!wantsLines(context.headers.accept)) {
        return { status: 200, body: await pushes.results(caller.tenant, body.push_id, body) }
      }
      const all = await pushes.streamResults(caller.tenant, body.push_id, body)
      return {
        status: 200,
        body: Readable.from(all, { objectMode: false }),
        mediaType: LINES_TYPE,
      }
    },
  })

const exampleError = {
  code: 'TOO_LONG',
  message: 'title has 300 characters; Title__c takes at most 255.',
  fields: ['title'],
  remedy: 'Shorten the value.',
}

const errorsRoute = (pushes: Pushes): Route =>
  route({
    method: 'POST',
    path: '/api/push/errors',
    tag: 'Push',
    summary: 'Count the errors of the failed rows of a push',
    description:
      'By code and fields, each with what to do about it. While a push runs, the errors so far.',
    access: 'push.read',
    body: idOnly,
    replies: { 200: { description: 'The errors', body: pushErrors } },
    errors: ['not_found'],
    example: {
      body: { push_id: PUSH_ID },
      reply: {
        items: [{ ...exampleError, count: 12, first_index: 3 }],
        rows_counted: 12,
        complete: true,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await pushes.errors(caller.tenant, body.push_id),
    }),
  })

const failedRowsRoute = (pushes: Pushes): Route =>
  route({
    method: 'POST',
    path: '/api/push/failed-rows',
    tag: 'Push',
    summary: 'Get the failed rows of a push with their values',
    description:
      'As they were sent in, with their errors, to be mended and given to `/api/push/retry` as ' +
      '`changes`. They are kept as long as the results. With `Accept: application/x-ndjson` all of ' +
      'them are streamed, one a line; `index`, `limit` and `cursor` do not apply then.',
    access: 'push.write',
    body: z.strictObject({
      push_id: id,
      index: z.int().min(0).optional().describe('Only this row; an empty page if it did not fail'),
      limit: z.int().min(1).max(FAILED_ROWS_MAX).default(50),
      cursor: z.string().min(1).max(200).optional(),
    }),
    replies: {
      200: {
        description: 'A page of rows',
        body: pageOf(failedRow),
        streamedAs: { mediaType: LINES_TYPE, line: failedRow },
      },
    },
    errors: ['not_found', 'invalid_cursor', 'push_in_progress', 'nothing_to_retry'],
    example: {
      body: { push_id: PUSH_ID, limit: 100 },
      reply: {
        items: [{ index: 3, key: 'job-1042', row: exampleRecord, errors: [exampleError] }],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body, context }) => {
      if (!wantsLines(context.headers.accept)) {
        return { status: 200, body: await pushes.failedRows(caller.tenant, body.push_id, body) }
      }
      const all = await pushes.streamFailedRows(caller.tenant, body.push_id)
      return {
        status: 200,
        body: Readable.from(all, { objectMode: false }),
        mediaType: LINES_TYPE,
      }
    },
  })

const pushPage = pageOf(push)
  .extend({
    warnings: z.array(z.object({ code: z.enum(['object_unknown']), message: z.string() })),
  })
  .meta({ id: 'PushPage' })

const listRoute = (pushes: Pushes): Route =>
  route({
    method: 'POST',
    path: '/api/push/list',
    tag: 'Push',
    summary: 'List pushes, newest first',
    description:
      '`object` is the canonical name, or that of the Salesforce object. `warnings` says so if no push and ' +
      'no mapping names it.',
    access: 'push.read',
    body: z.strictObject({
      client_id: id.optional(),
      object: line(100).optional(),
      kind: kind.optional(),
      status: status.optional(),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of pushes', body: pushPage } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { client_id: CLIENT_ID },
      reply: { items: [examplePush], next_cursor: null, warnings: [] },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await pushes.list(caller.tenant, body),
    }),
  })

const cancelRoute = (pushes: Pushes): Route =>
  route({
    method: 'POST',
    path: '/api/push/cancel',
    tag: 'Push',
    summary: 'Cancel a push',
    description:
      'Rows not yet sent fail with `CANCELLED`; rows already sent get their results. Poll ' +
      '`/api/push/get` for the outcome.',
    access: 'push.write',
    body: idOnly,
    replies: { 200: { description: 'The push', body: pushWithResults } },
    errors: ['not_found'],
    example: {
      body: { push_id: PUSH_ID },
      reply: { ...examplePush, status: 'in_progress', is_final: false, completed_at: null },
    },
    idempotency: {},
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await pushes.cancel(caller, body.push_id),
    }),
  })

const retryRoute = (pushes: Pushes): Route =>
  route({
    ...shared(pushes),
    path: '/api/push/retry',
    summary: 'Retry the failed rows of a push',
    description:
      'Creates a new push of all failed rows with the current mapping. Failed rows are kept as long as the ' +
      'results. `changes` mends rows that are themselves wrong: `/api/push/failed-rows` has their values.\n\n' +
      'Nothing that was written is overwritten: a row that repeats the key of another one fails with ' +
      '`DUPLICATE_KEY_IN_INPUT` again, until a change gives it a key that no row of the push, or of those that it ' +
      'retries, has written. A push is retried once; what failed again is retried with its retry.',
    body: z.strictObject({
      push_id: id,
      changes: z
        .array(mendedRow)
        .min(1)
        .max(CHANGES_MAX)
        .optional()
        .describe('Rows that are sent with different values; all others as they are'),
      ...approvalId,
      wait_seconds: waitSeconds,
    }),
    errors: [...ERRORS, 'push_in_progress', 'nothing_to_retry', 'already_retried'],
    example: {
      body: { push_id: PUSH_ID },
      reply: { ...exampleReply, retry_of: PUSH_ID, id: '0199a1b2-0000-7000-8000-0000000000e2' },
    },
    handle: async ({ caller, body, context }) =>
      replyOf(await pushes.retry(caller, body, context.signal)),
  })

export const pushRoutes = ({ pushes }: { pushes: Pushes }): Route[] => [
  recordsRoute(pushes),
  statusUpdateRoute(pushes),
  linkRoute(pushes),
  getRoute(pushes),
  resultsRoute(pushes),
  errorsRoute(pushes),
  failedRowsRoute(pushes),
  listRoute(pushes),
  cancelRoute(pushes),
  retryRoute(pushes),
]

/** Only if requested explicitly; a client that accepts anything gets the page. */
const wantsLines = (accept: string | string[] | undefined): boolean =>
  [accept ?? []].flat().some((value) => value.toLowerCase().includes(LINES_TYPE))
