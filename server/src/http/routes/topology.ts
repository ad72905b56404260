import { Readable } from 'node:stream'
import * as z from 'zod'
import {
  type Snapshot,
  type Topology,
  CHANGES,
  INCLUDABLE,
} from '../../domain/topology/topology.ts'
import { type Reply, route, type Route } from '../route.ts'
import { isFinal, replyWith } from '../running.ts'
import {
  id,
  pageOf,
  pageRequest,
  progress,
  timeRange,
  timestamp,
  waitSeconds,
  workFault,
} from '../schemas.ts'
import {
  automationTrigger,
  automationType,
  metadataJson,
  objectDescribe,
} from './salesforce-schemas.ts'

const objectName = z
  .string()
  .regex(/^[A-Za-z]\w{0,79}$/, 'must be the API name of an object, like Account or Job__c')
const version = z.int().min(1).max(2_147_483_647)

const changes = z
  .object({ added: z.int(), removed: z.int(), changed: z.int() })
  .meta({ id: 'ChangeCounts' })

const status = z.enum(['pulling', 'complete', 'failed']).meta({ id: 'SnapshotStatus' })

const snapshot = z
  .object({
    id,
    client_id: id,
    version: z.int().nullable().describe('1, 2, 3 … per client; null until complete'),
    status,
    is_final: isFinal,
    scope: z
      .union([z.literal('all'), z.array(z.string())])
      .meta({ id: 'SnapshotScope' })
      .describe('What was read; every other object was carried over from the previous version'),
    api_version: z.string(),
    progress,
    error: workFault
      .nullable()
      .describe('Why it failed; with status `pulling`, why it is paused. It resumes by itself'),
    objects_count: z.int().nullable(),
    fields_count: z.int().nullable(),
    automations_count: z.int().nullable(),
    content_hash: z
      .string()
      .nullable()
      .describe('SHA-256 over everything in it: equal hashes are equal snapshots'),
    stats: z
      .object({
        salesforce_api_calls: z.int(),
        not_modified: z.int().describe('Describes that Salesforce said had not changed'),
        bytes: z.int().describe('Compressed bytes that this pull added to the store'),
        duration_ms: z.int(),
        unreadable: z
          .array(z.object({ object: z.string(), code: z.string(), message: z.string() }))
          .describe(
            "Objects and automations that could not be read, with Salesforce's reason; a type of " +
              'automation that could not be listed is named by the type and carried over',
          ),
        not_visible: z
          .array(z.string())
          .describe(
            'Objects, and fields as `Object.Field`, that an earlier version has and the connected ' +
              'user no longer sees, but that may still exist in the Salesforce org. They do not ' +
              'count as removed',
          ),
        missing_permissions: z
          .array(z.string())
          .nullable()
          .describe(
            'Permissions that the connected user lacks, as Setup calls them; null where not known',
          ),
      })
      .meta({ id: 'SnapshotStats' }),
    changes_from_previous: changes
      .nullable()
      .describe('Objects and automations, compared with the previous version; null for the first'),
    created_by: id.nullable(),
    created_at: timestamp,
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'Snapshot' })

const automation = z
  .object({
    type: automationType,
    api_name: z
      .string()
      .describe('As the Metadata API names it: `My_Flow`, `Account.My_Rule`, `Lead.Standard`'),
    label: z.string().nullable(),
    object: z.string().nullable(),
    active: z.boolean(),
    active_version: z.int().nullable(),
    latest_version: z.int().nullable(),
    versions: z.array(
      z.object({
        version: z.int(),
        status: z.string(),
        last_modified_at: timestamp.nullable(),
      }),
    ),
    process_type: z.string().nullable(),
    trigger: automationTrigger.nullable(),
    managed: z.boolean().describe('Part of an installed managed package'),
    last_modified_at: timestamp.nullable(),
    definition_version: z
      .int()
      .nullable()
      .describe(
        'For a flow: the version that `definition` shows, the active one or else the latest',
      ),
    definition: metadataJson
      .nullable()
      .describe(
        'The content as the Metadata API gives it, as JSON: an element is its text or an object of its ' +
          'children, a repeated element an array (so a list of one is not an array). Null where hidden.',
      ),
  })
  .meta({ id: 'SnapshotAutomation' })

const snapshotWithPayload = snapshot
  .extend({
    warnings: z
      .array(
        z.object({
          path: z.string().describe('In the request: `objects.0`'),
          code: z
            .enum(['object_unknown', 'object_not_visible', 'object_unreadable'])
            .meta({ id: 'SnapshotWarningCode' }),
          message: z.string(),
        }),
      )
      .describe(
        'Names asked for that this version does not describe, with the nearest one that it does',
      ),
    objects: z
      .record(z.string(), objectDescribe)
      .nullable()
      .describe('By API name; null when the snapshot is not complete or they were not requested'),
    automations: z.array(automation).nullable(),
  })
  .meta({ id: 'SnapshotWithPayload' })

const attributes = z.array(
  z.object({
    name: z
      .string()
      .describe(
        '`length`; deeper ones as `filteredLookupInfo.controllingFields`, `picklistValues[Open].label`',
      ),
    before: z.unknown(),
    after: z.unknown(),
  }),
)
const change = z
  .enum(CHANGES)
  .meta({ id: 'TopologyChange' })
  .describe(
    '`not_visible`: the connected user no longer sees it, but it may still exist. ' +
      '`now_visible`: the user did not see it before. `access_changed`: only the access to it differs',
  )
const part = z.object({ api_name: z.string(), change, attributes }).meta({ id: 'ChangedPart' })
const side = z
  .object({ id, client_id: id, version: z.int().nullable() })
  .meta({ id: 'ComparedSnapshot' })

const diff = z
  .object({
    from: side,
    to: side,
    summary: z
      .object({
        identical: z.boolean(),
        objects: changes,
        fields: changes.describe('Fields of added and removed objects included'),
        automations: changes,
        visibility: z
          .object({ not_visible: z.int(), now_visible: z.int(), access_changed: z.int() })
          .describe(
            'Objects and fields that only one of the two connected users sees, or to which only ' +
              'their access differs: not a change of the schema',
          ),
        not_compared: z
          .array(z.string())
          .describe(
            'Objects that one of the two pulls could not read: nothing is known about them',
          ),
      })
      .describe('Of all differences, on whatever page'),
    objects: z.array(
      z.object({
        api_name: z.string(),
        change,
        fields_count: z
          .int()
          .nullable()
          .describe('Of a whole object; null where parts of it differ'),
        attributes,
        fields: z.array(part),
        record_types: z.array(part),
        child_relationships: z.array(part),
      }),
    ),
    automations: z.array(
      z.object({ type: automationType, api_name: z.string(), change, attributes }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'TopologyDiff' })

const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'

const example = {
  id: '01931f2a-7c00-7000-8000-000000000020',
  client_id: CLIENT_ID,
  version: 12,
  status: 'complete',
  is_final: true,
  scope: 'all',
  api_version: 'v66.0',
  progress: { stage: 'complete', done: 912, total: 912 },
  error: null,
  objects_count: 912,
  fields_count: 21_480,
  automations_count: 143,
  content_hash: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
  stats: {
    salesforce_api_calls: 9,
    not_modified: 910,
    bytes: 41_230,
    duration_ms: 2_140,
    unreadable: [],
    not_visible: [],
    missing_permissions: [],
  },
  changes_from_previous: { added: 0, removed: 0, changed: 2 },
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:10:00.000Z',
  completed_at: '2026-11-22T09:10:02.140Z',
}

const examplePayload = {
  ...example,
  warnings: [],
  objects: {
    Lead: { name: 'Lead', label: 'Lead', fields: [{ name: 'Id', type: 'id', length: 18 }] },
  },
  automations: [
    {
      type: 'validation_rule',
      api_name: 'Lead.Phone_Or_Email',
      label: 'Phone_Or_Email',
      object: 'Lead',
      active: true,
      active_version: null,
      latest_version: null,
      versions: [],
      process_type: null,
      trigger: { object: 'Lead', events: ['create', 'update'], timing: 'before', order: null },
      managed: false,
      last_modified_at: '2026-09-01T10:00:00.000Z',
      definition_version: null,
      definition: { fullName: 'Phone_Or_Email', active: 'true' },
    },
  ],
}

const exampleDiff = {
  from: { id: '01931f2a-7c00-7000-8000-000000000019', client_id: CLIENT_ID, version: 11 },
  to: { id: example.id, client_id: CLIENT_ID, version: 12 },
  summary: {
    identical: false,
    objects: { added: 0, removed: 0, changed: 1 },
    fields: { added: 0, removed: 0, changed: 1 },
    automations: { added: 0, removed: 0, changed: 0 },
    visibility: { not_visible: 0, now_visible: 0, access_changed: 0 },
    not_compared: [],
  },
  objects: [
    {
      api_name: 'Job__c',
      change: 'changed',
      fields_count: null,
      attributes: [],
      fields: [
        {
          api_name: 'Title__c',
          change: 'changed',
          attributes: [{ name: 'length', before: 80, after: 255 }],
        },
      ],
      record_types: [],
      child_relationships: [],
    },
  ],
  automations: [],
  next_cursor: null,
}

/** 200 with the result, or 202 with the current state and where to poll. */
const replyOf = (body: Snapshot): Reply => replyWith(body, '/api/topology/get')

const pullRoute = (topology: Topology): Route =>
  route({
    method: 'POST',
    path: '/api/topology/pull',
    tag: 'Topology',
    summary: "Read a client's Salesforce org into a snapshot",
    description:
      'Captures the describe of every object (fields, picklists, record types, child relationships) ' +
      'and the automations: flows with their versions, validation rules, workflow rules, assignment ' +
      'rules, Apex triggers. With `objects`, those are described and every other object is carried ' +
      'over from the newest complete version; automations are read in both cases. What did not ' +
      'change at Salesforce is neither sent again nor stored again.\n\n' +
      'The work survives a broken connection and a restart. A second pull joins a running one ' +
      'that covers it. While the client’s Salesforce API budget is used up, the snapshot stays ' +
      '`pulling` with `error.code` `api_budget_exhausted` and resumes by itself. Poll with ' +
      '`/api/topology/get`, `snapshot_id` and `include: []`.',
    access: 'connections.write',
    body: z.strictObject({
      client_id: id,
      objects: z
        .array(objectName)
        .min(1)
        .max(2_000)
        .optional()
        .describe('API names, case-insensitive. Default: all'),
      full: z
        .boolean()
        .optional()
        .describe('Reads everything again, including what earlier pulls already read'),
      wait_seconds: waitSeconds,
    }),
    replies: {
      200: { description: 'The snapshot has ended: complete or failed', body: snapshot },
      202: { description: 'The pull is running', body: snapshot },
    },
    errors: [
      'not_found',
      'client_inactive',
      'connection_not_ready',
      'no_snapshot',
      'pull_in_progress',
    ],
    example: { body: { client_id: CLIENT_ID, wait_seconds: 25 }, reply: example },
    idempotency: {
      replay: async (caller, snapshotId) =>
        replyOf(await topology.snapshot(caller.tenant, snapshotId)),
    },
    handle: async ({ caller, body, context }) =>
      replyOf(await topology.pull(caller, body, context.signal)),
  })

const getRoute = (topology: Topology): Route =>
  route({
    method: 'POST',
    path: '/api/topology/get',
    tag: 'Topology',
    summary: 'Get a snapshot with its payload',
    description:
      'Streamed: a large snapshot costs no memory here. Without `version` and `snapshot_id` it is ' +
      'the newest complete one. `include` chooses parts of the payload (default: all): `objects` ' +
      '(each describe without the following three), `fields`, `record_types`, `child_relationships` ' +
      '(the members `fields`, `recordTypeInfos`, `childRelationships` of each describe; each implies ' +
      '`objects`), `automations`. With `[]` the snapshot is returned without payload; while it is ' +
      '`pulling` it has none.',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id,
      version: version.optional(),
      snapshot_id: id.optional(),
      objects: z
        .array(objectName)
        .max(2_000)
        .optional()
        .describe(
          'Only these, case-insensitive; a name that is not in the snapshot is left out, with a warning',
        ),
      include: z
        .array(z.enum(INCLUDABLE).meta({ id: 'SnapshotPart' }))
        .max(INCLUDABLE.length)
        .optional(),
    }),
    replies: { 200: { description: 'The snapshot', body: snapshotWithPayload } },
    errors: ['not_found', 'no_snapshot'],
    example: {
      body: { client_id: CLIENT_ID, objects: ['Lead'], include: ['fields', 'automations'] },
      reply: examplePayload,
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: Readable.from(await topology.get(caller.tenant, body), { objectMode: false }),
    }),
  })

const historyRoute = (topology: Topology): Route =>
  route({
    method: 'POST',
    path: '/api/topology/history',
    tag: 'Topology',
    summary: "List a client's snapshots, newest first",
    description: 'Running and failed ones included; without their payload.',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id,
      status: status.optional(),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of snapshots', body: pageOf(snapshot) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { client_id: CLIENT_ID },
      reply: { items: [example], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await topology.history(caller.tenant, body),
    }),
  })

const diffRoute = (topology: Topology): Route =>
  route({
    method: 'POST',
    path: '/api/topology/diff',
    tag: 'Topology',
    summary: 'Compare two snapshots',
    description:
      'Between two versions of a client, or with `to_client_id` between two clients of the org. ' +
      'Semantic: the order of fields, picklist values and record types does not count, nor do URLs ' +
      'and the date of an automation that was merely saved again; between two Salesforce orgs, ids ' +
      'and key prefixes do not count; between two API versions, members that only one of them has ' +
      'do not. In the definition of an automation the order does count.\n\n' +
      '`summary` counts everything; `objects` and `automations` hold a page of at most `limit` ' +
      'differences together. For an added or removed object its fields are counted, not listed.',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id,
      from_version: version,
      to_version: version.optional().describe('Default: the newest'),
      to_client_id: id.optional().describe('`to_version` is then a version of this client'),
      limit: z.int().min(1).max(2_000).default(500),
      cursor: z.string().min(1).max(1_000).optional(),
    }),
    replies: { 200: { description: 'The differences', body: diff } },
    errors: ['not_found', 'no_snapshot', 'invalid_cursor'],
    example: { body: { client_id: CLIENT_ID, from_version: 11 }, reply: exampleDiff },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await topology.diff(caller.tenant, body),
    }),
  })

export const topologyRoutes = ({ topology }: { topology: Topology }): Route[] => [
  pullRoute(topology),
  getRoute(topology),
  historyRoute(topology),
  diffRoute(topology),
]
