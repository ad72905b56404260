import * as z from 'zod'
import { clientSelector } from '../../domain/fleet/selectors.ts'
import { type createComparison } from '../../domain/search/compare.ts'
import { FACT_KINDS, FLAGS, FLAGS_OF } from '../../domain/search/facts.ts'
import { type createSearch } from '../../domain/search/search.ts'
import { type Topology } from '../../domain/topology/topology.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageRequest, timestamp } from '../schemas.ts'
import { triggerEvent } from './salesforce-schemas.ts'

const factKind = z.enum(FACT_KINDS).meta({ id: 'SearchKind' })

/** Longer than other cursors: it names the last hit. */
const cursor = z
  .string()
  .min(1)
  .max(4_000)
  .optional()
  .describe('`next_cursor` of the previous page, with the same filters')

const selector = clientSelector.optional().describe('Which clients. Default: every active client')

const coverage = {
  searched: z.int().describe('Clients whose newest complete snapshot was searched'),
  without_snapshot: z.int().describe('Clients without one: nothing is known about them'),
  outdated: z
    .int()
    .describe(
      'Of the searched: a newer snapshot is complete and not in the index yet; it takes seconds',
    ),
}

const searchedSnapshot = z
  .object({
    id,
    version: z.int().nullable(),
    completed_at: timestamp.nullable(),
    age_seconds: z.int().nullable(),
  })
  .describe('What was searched; members are null for a moment where retention has just deleted it')
  .meta({ id: 'SearchedSnapshot' })

const hit = z
  .object({
    kind: factKind,
    object: z.string().nullable().describe('Null for an automation that no object triggers'),
    name: z
      .string()
      .describe('The API name; of a picklist value the value; of an object the object itself'),
    field: z.string().nullable().describe('Of a picklist value: its field'),
    label: z.string().nullable(),
    type: z
      .string()
      .describe(
        'Of a field its type in a describe (`picklist`); of an object `standard_object`, `custom_object`, ' +
          '`custom_setting`, `custom_metadata`, `platform_event`, `big_object`, `external_object`, ' +
          '`knowledge_article` or `companion` (history, sharing, feed); of an automation `flow` and so on',
      ),
    flags: z
      .record(z.string(), z.boolean())
      .describe('Those that say something about this kind: `custom`, `required`, `active` …'),
    formula: z.string().nullable().describe("A field's formula, or the condition of a rule"),
    detail: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('What else is known: `length`, `reference_to`, `events`, `timing` …'),
  })
  .meta({ id: 'SearchHit' })

const searchResult = z
  .object({
    totals: z
      .object({ hits: z.int(), clients_with_hits: z.int(), ...coverage })
      .describe('Exact, and of all pages'),
    items: z.array(
      z
        .object({
          client_id: id,
          client_name: z.string(),
          snapshot: searchedSnapshot.nullable(),
          hits_count: z.int().describe('On all pages'),
          hits: z.array(hit),
        })
        .meta({ id: 'ClientHits' }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'SearchResult' })

const comparedClient = z
  .object({ client_id: id, client_name: z.string(), snapshot_version: z.int().nullable() })
  .meta({ id: 'ComparedClient' })

const difference = z
  .object({
    kind: factKind,
    name: z.string(),
    field: z.string().nullable(),
    change: z
      .enum(['added', 'missing', 'changed'])
      .meta({ id: 'ComparedChange' })
      .describe('Seen from what most clients have'),
    attributes: z.array(z.object({ name: z.string(), most: z.unknown(), found: z.unknown() })),
  })
  .meta({ id: 'ComparedDifference' })

const comparison = z
  .object({
    totals: z.object({
      present: z.int().describe('Clients that have it'),
      absent: z.int(),
      groups: z.int().describe('Different contents; 1: all that have it agree'),
      ...coverage,
    }),
    items: z
      .array(
        z
          .object({
            clients_count: z.int(),
            clients: z.array(comparedClient),
            is_most_common: z.boolean(),
            content: hit
              .nullable()
              .describe('The field, or the object itself, as these clients have it'),
            differences_count: z.int(),
            differences: z.array(difference).describe('From what most clients have; the first 100'),
          })
          .meta({ id: 'ContentGroup' }),
      )
      .describe('Clients whose contents are equal, the largest group first'),
    absent: z.array(comparedClient).describe('Clients that were searched and do not have it'),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'FleetComparison' })

const pattern = (what: string) =>
  line(255).optional().describe(`${what}, without regard to case; \`*\` stands for any characters`)

const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'

const exampleHit = {
  kind: 'field',
  object: 'Account',
  name: 'Fee_Percent__c',
  field: null,
  label: 'Fee %',
  type: 'percent',
  flags: {
    custom: true,
    required: false,
    unique: false,
    external_id: false,
    calculated: false,
    encrypted: false,
    restricted: false,
    managed: false,
  },
  formula: null,
  detail: { precision: 5, scale: 2 },
}

const exampleCoverage = { searched: 498, without_snapshot: 2, outdated: 0 }

type Search = ReturnType<typeof createSearch>
type Compare = ReturnType<typeof createComparison>

const kindsWith = (flag: (typeof FLAGS)[number]): string =>
  FACT_KINDS.filter((kind) => FLAGS_OF[kind].includes(flag)).join(', ')

const flagFilters = Object.fromEntries(
  FLAGS.map((flag) => [
    flag,
    z
      .boolean()
      .optional()
      .describe(`For kind ${kindsWith(flag)}`),
  ]),
) as Record<(typeof FLAGS)[number], z.ZodOptional<z.ZodBoolean>>

const searchRoute = (search: Search): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/search',
    tag: 'Fleet',
    summary: 'Search the newest snapshots of all clients',
    description:
      'Over the newest complete snapshot of every client, without a call to Salesforce. Hits are grouped by ' +
      'client, in the order of their names, `limit` hits a page: a client with many goes on on the next ' +
      'page. With `missing`, the clients in which nothing matches, `limit` clients a page. What the ' +
      'connected user does not see is not in a snapshot, so a client without a hit may still have it: see ' +
      '`stats.not_visible` of its snapshot. A new snapshot is searched a moment after its pull has ended.',
    access: 'fleet.read',
    body: z.strictObject({
      kind: factKind,
      object: pattern('API name of the object'),
      name: pattern('API name; of a picklist value the value'),
      label: pattern('Label, or the name of what has none'),
      field: line(255).optional().describe('For kind picklist_value: API name of its field'),
      type: line(80).optional().describe('As `type` of a hit'),
      ...flagFilters,
      formula: line(500)
        .optional()
        .describe(
          'For kind field and automation: a part of the formula or condition; A to Z without regard to case',
        ),
      trigger_object: pattern('For kind automation: API name of the object that triggers it'),
      event: triggerEvent.optional().describe('For kind automation: what triggers it'),
      missing: z.boolean().optional().describe('The clients in which nothing matches'),
      selector,
      limit: pageRequest.limit,
      cursor,
    }),
    replies: { 200: { description: 'A page of hits', body: searchResult } },
    errors: ['not_found', 'client_inactive', 'bad_request', 'invalid_cursor'],
    example: {
      body: { kind: 'field', name: 'Fee_*', type: 'percent' },
      variants: {
        'Clients without a field': {
          kind: 'field',
          object: 'Lead',
          name: 'External_Key__c',
          missing: true,
        },
        'Active automations on update of an object': {
          kind: 'automation',
          trigger_object: 'Lead',
          event: 'update',
          active: true,
        },
      },
      reply: {
        totals: { hits: 61, clients_with_hits: 60, ...exampleCoverage },
        items: [
          {
            client_id: CLIENT_ID,
            client_name: 'Acme',
            snapshot: {
              id: '01931f2a-7c00-7000-8000-000000000020',
              version: 12,
              completed_at: '2026-11-22T09:10:02.140Z',
              age_seconds: 7_200,
            },
            hits_count: 1,
            hits: [exampleHit],
          },
        ],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await search(caller.tenant, body),
    }),
  })

const compareRoute = (compare: Compare): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/compare',
    tag: 'Fleet',
    summary: 'Compare one object or field over all clients',
    description:
      'Which clients have exactly the same, and how the others differ from what most have; from the newest ' +
      'complete snapshots, without a call to Salesforce. An object is compared with its fields, picklist ' +
      'values and record types, a field with its picklist values. Ids, dates and what only the rights of ' +
      'the connected user decide do not count. A name that no client has is no error: all are `absent`.',
    access: 'fleet.read',
    body: z.strictObject({
      object: line(80).describe('API name, without regard to case'),
      field: line(80).optional().describe('API name of a field; absent: the whole object'),
      selector,
      limit: pageRequest.limit.describe('Groups a page'),
      cursor,
    }),
    replies: { 200: { description: 'A page of groups', body: comparison } },
    errors: ['not_found', 'client_inactive', 'bad_request', 'invalid_cursor'],
    example: {
      body: { object: 'Account', field: 'Fee_Percent__c' },
      reply: {
        totals: { present: 60, absent: 438, groups: 2, ...exampleCoverage },
        items: [
          {
            clients_count: 1,
            clients: [{ client_id: CLIENT_ID, client_name: 'Acme', snapshot_version: 12 }],
            is_most_common: false,
            content: exampleHit,
            differences_count: 1,
            differences: [
              {
                kind: 'field',
                name: 'Fee_Percent__c',
                field: null,
                change: 'changed',
                attributes: [{ name: 'scale', most: 0, found: 2 }],
              },
            ],
          },
        ],
        absent: [],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await compare(caller.tenant, body),
    }),
  })

// ------------------------------------------------------------------------- light lists of one snapshot

const listedSnapshot = z
  .object({ id, version: z.int().nullable(), completed_at: timestamp.nullable() })
  .meta({ id: 'ListedSnapshot' })

const listedObject = z
  .object({
    api_name: z.string(),
    label: z.string().nullable(),
    label_plural: z.string().nullable(),
    key_prefix: z.string().nullable(),
    custom: z.boolean(),
    fields_count: z.int(),
    record_types_count: z.int(),
  })
  .meta({ id: 'ListedObject' })

const listedField = z
  .object({
    api_name: z.string(),
    label: z.string().nullable(),
    type: z.string(),
    custom: z.boolean(),
    required: z.boolean().describe('No record can be created without a value'),
    unique: z.boolean(),
    external_id: z.boolean(),
    calculated: z.boolean(),
    length: z.int().nullable(),
    reference_to: z.array(z.string()),
    picklist_values_count: z.int(),
  })
  .meta({ id: 'ListedField' })

const ofSnapshot = {
  client_id: id,
  version: z.int().min(1).max(2_147_483_647).optional(),
  snapshot_id: id.optional().describe('Default: the newest complete snapshot'),
  query: line(80).optional(),
  limit: pageRequest.limit,
  cursor,
}

const exampleSnapshot = {
  id: '01931f2a-7c00-7000-8000-000000000020',
  version: 12,
  completed_at: '2026-11-22T09:10:02.140Z',
}

const objectsRoute = (topology: Topology): Route =>
  route({
    method: 'POST',
    path: '/api/topology/objects',
    tag: 'Topology',
    summary: 'List the objects of a snapshot',
    description: 'By API name, with labels and counts; whole describes are in `/api/topology/get`.',
    access: 'topology.read',
    body: z.strictObject({
      ...ofSnapshot,
      query: ofSnapshot.query.describe('A part of the API name, without regard to case'),
    }),
    replies: {
      200: {
        description: 'A page of objects',
        body: z
          .object({
            snapshot: listedSnapshot,
            total: z.int().describe('On all pages'),
            items: z.array(listedObject),
            next_cursor: z.string().nullable(),
          })
          .meta({ id: 'SnapshotObjects' }),
      },
    },
    errors: ['not_found', 'no_snapshot', 'invalid_cursor'],
    example: {
      body: { client_id: CLIENT_ID, query: 'job' },
      reply: {
        snapshot: exampleSnapshot,
        total: 1,
        items: [
          {
            api_name: 'Job__c',
            label: 'Job',
            label_plural: 'Jobs',
            key_prefix: 'a0J',
            custom: true,
            fields_count: 24,
            record_types_count: 2,
          },
        ],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await topology.objects(caller.tenant, body),
    }),
  })

const fieldsRoute = (topology: Topology): Route =>
  route({
    method: 'POST',
    path: '/api/topology/fields',
    tag: 'Topology',
    summary: 'List the fields of an object of a snapshot',
    description: 'By API name; whole describes are in `/api/topology/get`.',
    access: 'topology.read',
    body: z.strictObject({
      ...ofSnapshot,
      object: line(80).describe('API name, without regard to case'),
      query: ofSnapshot.query.describe('A part of API name or label, without regard to case'),
    }),
    replies: {
      200: {
        description: 'A page of fields',
        body: z
          .object({
            snapshot: listedSnapshot,
            object: z.string(),
            total: z.int().describe('On all pages'),
            items: z.array(listedField),
            next_cursor: z.string().nullable(),
          })
          .meta({ id: 'SnapshotFields' }),
      },
    },
    errors: ['not_found', 'no_snapshot', 'unknown_object', 'invalid_cursor'],
    example: {
      body: { client_id: CLIENT_ID, object: 'Job__c' },
      reply: {
        snapshot: exampleSnapshot,
        object: 'Job__c',
        total: 1,
        items: [
          {
            api_name: 'Title__c',
            label: 'Title',
            type: 'string',
            custom: true,
            required: false,
            unique: false,
            external_id: false,
            calculated: false,
            length: 80,
            reference_to: [],
            picklist_values_count: 0,
          },
        ],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await topology.fields(caller.tenant, body),
    }),
  })

export const searchRoutes = ({
  search,
  compare,
  topology,
}: {
  search: Search
  compare: Compare
  topology: Topology
}): Route[] => [
  searchRoute(search),
  compareRoute(compare),
  objectsRoute(topology),
  fieldsRoute(topology),
]
