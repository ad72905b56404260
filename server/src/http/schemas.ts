// The shapes that several resources share.

import * as z from 'zod'
import { isStorable } from '../db/json.ts'
import { ERRORS, type ErrorCode, FAULTS, type FaultCode } from '../errors.ts'

export const id = z.uuid().describe('A UUID')
export const timestamp = z.iso.datetime().describe('ISO 8601 in UTC')

/** Half a surrogate pair is valid text in JSON and in JavaScript, but not in UTF-8 and PostgreSQL. */
export const isWellFormed = (text: string): boolean => text.isWellFormed()
export const NOT_WELL_FORMED = 'must not contain half a surrogate pair'

/** Trimmed, 1 to `max` characters, no control characters. */
export const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    // oxlint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters')
    .refine(isWellFormed, NOT_WELL_FORMED)

/**
 * The body of an update: what it is about, and what may be changed of that. One that changes nothing is refused: a
 * program that sends it has lost what it meant to say.
 */
export const update = <About extends z.ZodRawShape, Changes extends z.ZodRawShape>(
  about: About,
  changes: Changes,
) => {
  const names = Object.keys(changes)
  return z
    .strictObject({ ...about, ...changes })
    .refine((body: Record<string, unknown>) => names.some((name) => body[name] !== undefined), {
      message: `Send at least one member to change: ${names.join(', ')}`,
      path: names.slice(0, 1),
    })
    .describe('At least one member to change has to be there')
}

export const pageRequest = {
  limit: z.int().min(1).max(200).default(50),
  cursor: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('`next_cursor` of the previous page, with the same filters'),
}

export const timeRange = {
  since: timestamp.optional().describe('Created then or later'),
  until: timestamp.optional().describe('Created before'),
}

/** A page of items that have a name in the OpenAPI document: `ClientPage` is a page of `Client`. */
export const pageOf = <Item extends z.ZodType>(item: Item) => {
  const id = z.globalRegistry.get(item)?.id
  if (id === undefined) throw new Error('What is listed has no name')
  return z
    .object({ items: z.array(item), next_cursor: z.string().nullable() })
    .meta({ id: `${id}Page` })
}

export const waitSeconds = z
  .int()
  .min(0)
  .max(55)
  .default(25)
  .describe('How long the call waits for the end before it answers 202')

/** A member of every body that changes a Salesforce org; the HTTP layer takes it out again. */
export const approvalId = {
  approval_id: id
    .optional()
    .describe('The approval that a person granted, for a token with `approval: "required"`'),
}

export const fault = z.object({ code: z.string(), message: z.string() }).meta({ id: 'Fault' })

const memberError = z
  .object({
    path: z.string().describe('Dotted, from the body: `plan.objects.0.api_name`'),
    code: z.string(),
    message: z.string(),
  })
  .meta({ id: 'MemberError' })

const faultCodes = [...Object.keys(ERRORS), ...Object.keys(FAULTS)] as [FaultCode, ...FaultCode[]]

/** Described, not checked: what an earlier version stored is still shown. */
const faultCode = z.string().meta({
  describedBy: z
    .enum(faultCodes)
    .describe('Stable; programs look at it. A later version may have more')
    .meta({ id: 'FaultCode' }),
})

const upstream = z
  .object({
    service: z.enum(['salesforce', 'nango']).meta({ id: 'UpstreamService' }),
    status: z.int().nullable(),
    code: z.string(),
    message: z.string(),
    fields: z.array(z.string()).optional(),
  })
  .describe("Salesforce's or Nango's own words, unaltered but for secrets")
  .meta({ id: 'Upstream' })

/**
 * Why durable work is paused, or why it ended as it did: the same for pulls, checks, deployments and
 * pushes.
 */
export const workFault = fault
  .extend({
    code: faultCode,
    errors: z.array(memberError).optional(),
    upstream: upstream.optional(),
    waiting: z
      .object({
        for: z
          .enum(['time', 'person'])
          .describe(
            '`time`: it passes by itself. `person`: somebody has to act; then the work resumes by itself',
          )
          .meta({ id: 'WaitingFor' }),
        since: timestamp,
        until: timestamp
          .nullable()
          .describe('When it gives up and ends with this error; null: it does not give up'),
        next_try_at: timestamp,
      })
      .meta({ id: 'Waiting' })
      .optional()
      .describe('Only while the work is paused'),
  })
  .meta({ id: 'WorkFault' })
export const progress = z
  .object({
    stage: z.string(),
    done: z.int(),
    total: z.int(),
  })
  .meta({ id: 'Progress' })

const DEPTH_MAX = 16

const shallow = (value: unknown, depth = 0): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth < DEPTH_MAX && Object.values(value).every((member) => shallow(member, depth + 1)))

/** Free-form JSON members of the caller; bounded, since we store and return it. */
export const freeForm = z
  .record(z.string().max(200), z.unknown())
  .refine((value) => shallow(value), {
    error: `must not nest deeper than ${DEPTH_MAX} levels`,
    abort: true, // what follows recurses
  })
  .refine((value) => JSON.stringify(value).length <= 65_536, 'must not be larger than 64 KiB')
  .refine(isStorable, 'must not contain U+0000, half a surrogate pair or an infinite number')

const errorCode = z
  .enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]])
  .describe('Stable; programs look at it. A later version may have more')
  .meta({ id: 'ErrorCode' })

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: errorCode,
    request_id: z.string().describe('Finds the log lines of the request'),
    remedy: z.string().describe('What the caller can do'),
    doc_url: z.string().describe('The page about the code, relative to this server'),
    errors: z.array(memberError).optional(),
    upstream: upstream.optional(),
    retry_after: z
      .int()
      .optional()
      .describe('Seconds until it makes sense to repeat the call, as in the header Retry-After'),
    approval_id: id.optional().describe('With `approval_required`: what a person has to grant'),
    url: z
      .string()
      .optional()
      .describe('With `approval_required`: the page that says how, relative to this server'),
  })
  .meta({ id: 'Problem', description: 'A problem, RFC 9457' })
