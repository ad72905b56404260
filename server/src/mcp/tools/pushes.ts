import * as z from 'zod'
import { type Page } from '../../domain/page.ts'
import { type Push, type RowResult } from '../../domain/pushes/pushes.ts'
import { requireOfClient } from '../api.ts'
import { approvalAsked, withApproval } from '../approval.ts'
import { pushOf, pushResult } from '../operations.ts'
import { clientId, cursor, nextCursor, tool, waitSeconds } from '../tool.ts'
import { untrusted, untrustedText } from '../untrusted.ts'

/** More than fits into the context of a model; files of rows are a matter of the command line. */
const ROWS_MAX = 200
const RESULTS_PAGE = 50

const rowResult = z.object({
  index: z.number().describe('Of the row as it was sent, from 0'),
  success: z.boolean(),
  action: z.string(),
  salesforce_id: z.string().nullable(),
  errors: z.array(z.object({ code: z.string(), untrusted_message: untrustedText })),
})

/** Without `key`, the value by which the row was matched: values are told to whoever asks for them. */
const rowOf = ({ index, success, action, id, errors }: RowResult) => ({
  index,
  success,
  action,
  salesforce_id: id,
  errors: errors.map(({ code, message }) => ({ code, untrusted_message: untrusted(message) })),
})

const rows = {
  client_id: clientId,
  object: z.string().max(80).describe('The canonical object of a mapping'),
  records: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .max(ROWS_MAX)
    .describe('By canonical fields'),
}

const dryRunPush = tool({
  name: 'dry_run_push',
  title: 'Try a push',
  description:
    'Checks and maps records as a push would, and sends nothing to Salesforce. Tells which rows would be refused and why.',
  needs: 'push.write',
  input: z.object({ ...rows, wait_seconds: waitSeconds }),
  output: z.object({ push: pushResult, rows: z.array(rowResult) }),
  run: async ({ api }, { client_id, object, records, wait_seconds }) => {
    const push = await api.post<Push & { results?: RowResult[] }>('/api/push/records', {
      client_id,
      object,
      records,
      options: { dry_run: true },
      wait_seconds,
    })
    return {
      push: pushOf(push),
      rows: (push.results ?? [])
        .filter(({ success }) => !success)
        .slice(0, RESULTS_PAGE)
        .map(rowOf),
    }
  },
})

const pushResults = tool({
  name: 'push_results',
  title: 'Results of a push',
  description:
    'What became of each row of a push. With the record keys only if they are asked for.',
  needs: 'push.read',
  input: z.object({
    client_id: clientId,
    push_id: z.uuid(),
    status: z.enum(['succeeded', 'failed']).optional(),
    with_keys: z.boolean().default(false).describe('Also the value each row was matched by'),
    cursor,
  }),
  output: z.object({
    rows: z.array(rowResult.extend({ untrusted_key: untrustedText.optional() })),
    next_cursor: nextCursor,
  }),
  run: async ({ api }, { client_id, push_id, with_keys, ...page }) => {
    requireOfClient(await api.post<Push>('/api/push/get', { push_id }), client_id, 'push')
    const results = await api.post<Page<RowResult>>('/api/push/results', {
      push_id,
      ...page,
      limit: RESULTS_PAGE,
    })
    return {
      rows: results.items.map((row) => ({
        ...rowOf(row),
        ...(with_keys ? { untrusted_key: untrusted(row.key) } : {}),
      })),
      next_cursor: results.next_cursor,
    }
  },
})

const pushRecords = tool({
  name: 'push_records',
  title: 'Push records',
  description:
    'Writes records into the Salesforce org of a client, by the mapping of the object. Try it with dry_run_push before. Each row has a result of its own.',
  needs: 'push.write',
  writes: 'destructive',
  input: z.object({
    ...rows,
    request_key: z
      .string()
      .regex(/^[\w.-]{1,100}$/)
      .optional()
      .describe('The same key with the same records sends them once, however often it is called'),
    wait_seconds: waitSeconds,
  }),
  output: z.object({
    push: pushResult.nullable(),
    approval: approvalAsked.nullable().describe('Not null: nothing was sent yet'),
  }),
  run: async ({ api, urlOf }, { client_id, object, records, request_key, wait_seconds }) => {
    const body = { client_id, object, records, wait_seconds }
    const outcome = await withApproval(api, urlOf, (approval) =>
      api.post<Push>('/api/push/records', { ...body, ...approval }, request_key),
    )
    return 'asked' in outcome
      ? { push: null, approval: outcome.asked }
      : { push: pushOf(outcome.done), approval: null }
  },
})

export const pushTools = [dryRunPush, pushResults, pushRecords]
