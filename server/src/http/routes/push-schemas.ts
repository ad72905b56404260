// The shapes of pushes: requests, responses and examples.

import * as z from 'zod'
import { isFinal } from '../running.ts'
import { approvalId, id, line, timestamp, waitSeconds, workFault } from '../schemas.ts'

/** For a JSON body; application/x-ndjson has no limit except that of the rows. */
export const PUSH_BODY_BYTES = 16 * 1024 * 1024
export const LINE_BYTES = 1024 * 1024
export const IDLE_MS = 30_000

const objectName = line(100)
const record = z
  .record(z.string(), z.unknown())
  .describe('Canonical fields where a mapping exists, else the fields of the Salesforce object')
const match = z
  .record(z.string(), z.unknown())
  .describe(
    'Exactly one member: `id`, or one field that maps to an external-id or idLookup field, with its value',
  )
  .meta({ id: 'RecordMatch' })

export const updateRow = z.strictObject({ match, fields: record }).meta({ id: 'StatusUpdateRow' })

const target = z.strictObject({ object: objectName, match }).meta({ id: 'LinkTarget' })
export const linkRow = z
  .union([
    z
      .strictObject({ object: objectName, match, field: line(100), target })
      .meta({ id: 'LookupLinkRow' }),
    z
      .strictObject({
        object: objectName,
        match,
        field: line(100)
          .optional()
          .describe("The junction's lookup to the target, where several lead to its object"),
        target,
        junction: z
          .strictObject({
            object: objectName,
            fields: record,
            external_id: z
              .union([z.string(), z.record(z.string(), z.unknown())])
              .describe(
                'The external id by which the same junction record is found when it is pushed again',
              )
              .meta({ id: 'JunctionExternalId' }),
          })
          .describe('A record between the two, created once'),
      })
      .meta({ id: 'JunctionLinkRow' }),
  ])
  .meta({ id: 'LinkRow' })
/** Only looked at: there may be hundreds of thousands, and zod would copy each member of each. */
export const recordRow = z
  .unknown()
  .check(({ value, issues }) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isObject) issues.push({ code: 'invalid_type', expected: 'record', input: value })
  })
  .meta({ describedBy: record })

const options = z
  .strictObject({
    dry_run: z
      .boolean()
      .default(false)
      .describe('Validates the rows against mapping and snapshot, without calling Salesforce'),
    all_or_none: z
      .boolean()
      .default(false)
      .describe('One transaction; at most 200 rows, by sObject Collections'),
    transport: z
      .enum(['auto', 'collections', 'bulk'])
      .meta({ id: 'WantedTransport' })
      .default('auto')
      .describe('auto: Collections up to 2,000 rows, above that Bulk API 2.0'),
    null_policy: z
      .enum(['skip', 'blank'])
      .meta({ id: 'NullPolicy' })
      .default('skip')
      .describe('skip: null and empty texts are not sent; blank: they empty the field'),
    assignment_rules: z
      .union([z.boolean(), z.string().regex(/^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/)])
      .meta({ id: 'AssignmentRules' })
      .default(false)
      .describe('For leads and cases: false = none, true = the active rule, or the id of a rule'),
    allow_duplicates: z
      .boolean()
      .default(false)
      .describe('Saves records although a duplicate rule warns; Collections only'),
  })
  .prefault({})
  .meta({ id: 'PushOptions' })

const common = { client_id: id, options, ...approvalId }
export const recordsEnvelope = z.strictObject({
  ...common,
  object: objectName,
  wait_seconds: waitSeconds,
})
export const linksEnvelope = z.strictObject({ ...common, wait_seconds: waitSeconds })

export const kind = z.enum(['records', 'status_update', 'link']).meta({ id: 'PushKind' })
export const status = z
  .enum(['queued', 'in_progress', 'succeeded', 'partial', 'failed'])
  .meta({ id: 'PushStatus' })

const rowError = z
  .object({
    code: z.string().describe("Salesforce's own code where Salesforce refused"),
    message: z.string(),
    fields: z.array(z.string()).describe('Canonical names'),
    remedy: z.string(),
  })
  .meta({ id: 'RowError' })

export const result = z
  .object({
    index: z.int().describe('In the order of the input, from 0'),
    key: z.string().nullable(),
    id: z.string().nullable().describe("The record's id, 18 characters"),
    action: z
      .enum(['created', 'updated', 'skipped', 'failed', 'would_update', 'would_send'])
      .meta({ id: 'RowAction' })
      .describe(
        '`skipped`: there was nothing to change; counts as succeeded. In a dry run: ' +
          '`would_update` changes an existing record, `would_send` creates or changes one (only ' +
          'Salesforce knows which)',
      ),
    success: z.boolean(),
    resent: z
      .boolean()
      .optional()
      .describe('Sent again after a broken connection: automations may have run twice'),
    attempts: z.int(),
    errors: z.array(rowError),
    warnings: z
      .array(rowError)
      .optional()
      .describe('How a value may be stored differently than intended; the row is sent anyway'),
  })
  .meta({ id: 'RowResult' })

export const failedRow = z
  .object({
    index: z.int().describe('In the order of the input, from 0'),
    key: z.string().nullable(),
    row: z.unknown().describe('As it was sent in'),
    errors: z.array(rowError),
  })
  .meta({ id: 'FailedRow' })

export const mendedRow = z
  .strictObject({
    index: z.int().min(0).describe('Of the failed row, in the input of the push'),
    set: z
      .record(z.string(), z.unknown())
      .refine((set) => Object.keys(set).length > 0, 'Name at least one member of the row.')
      .describe(
        'At least one; members in place of those that the row has; all others stay as they were sent in',
      ),
  })
  .meta({ id: 'MendedRow' })

export const pushErrors = z
  .object({
    items: z
      .array(
        z
          .object({
            code: z.string(),
            fields: z.array(z.string()).describe('Canonical names'),
            count: z.int().describe('Rows with this error. A row may have several'),
            first_index: z.int().describe('Of the first of them'),
            message: z.string().describe('That of the first row'),
            remedy: z.string(),
          })
          .meta({ id: 'ErrorGroup' }),
      )
      .describe('By code and fields, the most frequent first'),
    rows_counted: z.int(),
    complete: z
      .boolean()
      .describe('False: only the first 200,000 failed rows were counted, or 200 groups are listed'),
  })
  .meta({ id: 'PushErrors' })

export const push = z
  .object({
    id,
    client_id: id,
    kind,
    canonical_object: z.string().nullable(),
    sfdc_object: z.string().nullable(),
    status,
    is_final: isFinal,
    dry_run: z.boolean(),
    transport: z.enum(['collections', 'bulk']).meta({ id: 'PushTransport' }),
    total: z.int(),
    processed: z.int(),
    succeeded: z.int(),
    failed: z.int(),
    created_count: z.int(),
    updated_count: z.int(),
    salesforce_api_calls: z.int(),
    mapping_version: z.int().nullable(),
    retry_of: id.nullable(),
    automations: z
      .array(
        z
          .object({
            type: z.string(),
            api_name: z.string(),
            events: z.array(z.string()),
            timing: z.string().nullable(),
          })
          .meta({ id: 'StartedAutomation' }),
      )
      .nullable()
      .describe(
        'In a dry run: the active automations that saving the rows would start, according to the ' +
          'snapshot; assignment rules only where the push asks for them',
      ),
    dry_run_counts: z
      .object({ would_update: z.int(), would_send: z.int() })
      .meta({ id: 'DryRunCounts' })
      .nullable()
      .describe(
        'In a dry run: the rows that a push would send, by the `action` of their results. Rows that ' +
          'would change nothing are counted in `succeeded` only',
      ),
    error: workFault
      .extend({ resumes_at: timestamp.optional() })
      .meta({ id: 'PushFault' })
      .nullable()
      .describe(
        'Why it ended before all rows were sent; with status `in_progress`, why it is paused ' +
          'and when it resumes by itself',
      ),
    created_by: id.nullable(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'Push' })
export const pushWithResults = push
  .extend({
    results: z
      .array(result)
      .optional()
      .describe(
        'Once the push has ended, if it has at most 2,000 rows; otherwise see /api/push/results',
      ),
  })
  .meta({ id: 'PushWithResults' })

export const PUSH_ID = '0199a1b2-0000-7000-8000-0000000000e1'
export const CLIENT_ID = '0199a1b2-0000-7000-8000-0000000000c1'

export const exampleRecord = {
  external_key: 'job-1042',
  title: 'Warehouse Lead',
  status: 'open',
  company_key: 'acme',
}
export const exampleResult = {
  index: 0,
  key: 'job-1042',
  id: 'a01Ws000001AbCdEAK',
  action: 'created',
  success: true,
  attempts: 1,
  errors: [],
}
export const examplePush = {
  id: PUSH_ID,
  client_id: CLIENT_ID,
  kind: 'records',
  canonical_object: 'job_posting',
  sfdc_object: 'Job_Posting__c',
  status: 'succeeded',
  is_final: true,
  dry_run: false,
  transport: 'collections',
  total: 1,
  processed: 1,
  succeeded: 1,
  failed: 0,
  created_count: 1,
  updated_count: 0,
  salesforce_api_calls: 1,
  mapping_version: 3,
  retry_of: null,
  automations: null,
  dry_run_counts: null,
  error: null,
  created_by: null,
  created_at: '2026-11-20T09:00:00.000Z',
  started_at: '2026-11-20T09:00:00.040Z',
  completed_at: '2026-11-20T09:00:00.310Z',
}
