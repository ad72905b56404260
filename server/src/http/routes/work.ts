import * as z from 'zod'
import { type Database } from '../../db/database.ts'
import { LISTED_KINDS, listWork, type ListedKind, WORK_STATES } from '../../domain/work/list.ts'
import { route, type Route } from '../route.ts'
import { isFinal } from '../running.ts'
import { id, pageOf, pageRequest, timeRange, timestamp, workFault } from '../schemas.ts'

/** Where each kind is polled, with the resource's id in the body. */
const POLLED: Readonly<Record<ListedKind, string>> = {
  snapshot: '/api/topology/get',
  conflict_report: '/api/conflicts/get',
  deployment: '/api/deploy/status',
  rollback: '/api/deploy/status',
  push: '/api/push/get',
  offboarding: '/api/fleet/offboard/get',
}

const kind = z.enum(LISTED_KINDS).meta({ id: 'WorkKind' })
const state = z.enum(WORK_STATES).meta({ id: 'WorkState' })

const work = z
  .object({
    kind,
    id: id.describe('Of the resource to poll; for a rollback, its deployment'),
    client_id: id,
    state: state.describe(
      'The same words for every kind; `paused`: it resumes by itself. A dry run has succeeded, whatever it found',
    ),
    status: z.string().describe('The resource’s own word for its state'),
    is_final: isFinal,
    error: workFault.nullable(),
    poll: z.string().describe('The endpoint that returns the resource'),
    created_by: id.nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'Work' })

const example = {
  kind: 'push',
  id: '0199a1b2-0000-7000-8000-0000000000e1',
  client_id: '0199a1b2-0000-7000-8000-0000000000c1',
  state: 'partial',
  status: 'partial',
  is_final: true,
  error: null,
  poll: '/api/push/get',
  created_by: null,
  created_at: '2026-11-20T09:00:00.000Z',
}

export const workRoutes = ({ db }: { db: Database }): Route[] => [
  route({
    method: 'POST',
    path: '/api/work/list',
    tag: 'Work',
    summary: 'List the work of all clients, newest first',
    description:
      'Pulls, conflict checks, deployments (also of workflows), rollbacks, pushes and off-boardings in one list: with ' +
      '`states: ["failed", "partial"]` what went wrong, with `["running", "paused"]` what is under ' +
      'way. Kinds whose own list the caller may not read are left out; naming one is `403`.',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id.optional(),
      kinds: z.array(kind).min(1).max(LISTED_KINDS.length).optional().describe('Default: all'),
      states: z.array(state).min(1).max(WORK_STATES.length).optional().describe('Default: all'),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of work', body: pageOf(work) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { states: ['failed', 'partial'], since: '2026-11-19T00:00:00Z' },
      reply: { items: [example], next_cursor: null },
    },
    handle: async ({ caller, body }) => {
      const { items, next_cursor } = await listWork(db, caller, body)
      return {
        status: 200,
        body: { items: items.map((item) => ({ ...item, poll: POLLED[item.kind] })), next_cursor },
      }
    },
  }),
]
