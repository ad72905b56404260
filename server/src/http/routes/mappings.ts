import * as z from 'zod'
import {
  canonicalName,
  draftMembers,
  mappingFields,
  sfdcName,
} from '../../domain/mappings/mapping.ts'
import { MAPPING_CODES } from '../../domain/mappings/finding-codes.ts'
import { type Mappings } from '../../domain/mappings/mappings.ts'
import { route, type Route } from '../route.ts'
import {
  id,
  isWellFormed,
  line,
  NOT_WELL_FORMED,
  pageOf,
  pageRequest,
  timestamp,
  update,
} from '../schemas.ts'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]).meta({ id: 'MappedValue' })

const field = z
  .object({
    canonical_field: z.string(),
    sfdc_field: z.string(),
    required: z.boolean(),
    default: scalar,
    value_map: z.record(z.string(), scalar).nullable(),
  })
  .meta({ id: 'MappedField' })

const draft = z.object({
  canonical_object: z.string(),
  sfdc_object: z.string(),
  external_id_field: z.string().nullable(),
  fields: z.array(field),
})

const mapping = z
  .object({
    id,
    client_id: id,
    ...draft.shape,
    version: z.int().describe('1, 2, 3 …: raised by every update'),
    is_active: z.boolean(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Mapping' })

const finding = z
  .object({
    severity: z
      .enum(['error', 'warning'])
      .describe(
        'error: pushes fail, all or those that meet it; warning: it works, perhaps not as intended',
      )
      .meta({ id: 'MappingFindingSeverity' }),
    code: z.string().meta({
      describedBy: z
        .enum(Object.keys(MAPPING_CODES) as [string, ...string[]])
        .describe('Stable; `/docs/errors` says what each means. A later version may have more')
        .meta({ id: 'MappingFindingCode' }),
    }),
    path: z.string().describe('From the mapping: `fields.0.value_map.Open`, `external_id_field`'),
    message: z.string(),
    remedy: z.string(),
  })
  .meta({ id: 'MappingFinding' })

const snapshotVersion = z.int().describe('Of the snapshot that it was checked against')

const checkedMapping = mapping
  .extend({
    warnings: z
      .array(finding)
      .describe('Findings against the newest snapshot; without a snapshot, those that need none'),
    snapshot_version: snapshotVersion.nullable().describe('null: the client has no snapshot yet'),
  })
  .meta({ id: 'CheckedMapping' })

const validation = z.object({
  valid: z.boolean().describe('No finding is an error'),
  snapshot_version: snapshotVersion,
  findings: z.array(finding),
})

const score = z.number().describe('0 to 1')
const reasons = z.array(
  z.object({ code: z.string(), message: z.string() }).meta({ id: 'SuggestionReason' }),
)

const suggestion = z
  .object({
    client_id: id,
    canonical_object: z.string(),
    snapshot_version: snapshotVersion,
    sfdc_object: z
      .string()
      .nullable()
      .describe('The object that fields are proposed for; null if none seemed to match'),
    objects: z
      .array(z.object({ api_name: z.string(), label: z.string(), score, reasons }))
      .describe('Best first: the object that was named, or the candidates'),
    external_ids: z
      .array(
        z.object({
          sfdc_field: z.string(),
          label: z.string(),
          type: z.string(),
          unique: z.boolean(),
          canonical_field: z.string().nullable().describe('The canonical field that would fill it'),
          score,
          reasons,
        }),
      )
      .describe('Fields by which records can be found, best first'),
    fields: z
      .array(
        z.object({
          canonical_field: z.string(),
          proposals: z.array(
            z.object({
              sfdc_field: z.string(),
              label: z.string(),
              type: z.string(),
              score,
              reasons,
              required: z.boolean().describe('Salesforce refuses a record without it'),
              value_map: z
                .record(z.string(), z.string())
                .nullable()
                .describe('Sample values that match a picklist value except for case'),
            }),
          ),
        }),
      )
      .describe('In the order of the request; up to five proposals each, best first'),
    required_unmapped: z
      .array(z.object({ sfdc_field: z.string(), label: z.string(), type: z.string() }))
      .describe('Required in Salesforce but not in the draft'),
    draft: draft
      .nullable()
      .describe('The proposals with a score of 0.6 or more, each field once, ready for create'),
  })
  .meta({ id: 'MappingSuggestion' })

const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'

const exampleDraft = {
  canonical_object: 'candidate',
  sfdc_object: 'Contact',
  external_id_field: 'External_Key__c',
  fields: [
    {
      canonical_field: 'external_id',
      sfdc_field: 'External_Key__c',
      required: true,
      default: null,
      value_map: null,
    },
    {
      canonical_field: 'last_name',
      sfdc_field: 'LastName',
      required: true,
      default: null,
      value_map: null,
    },
    {
      canonical_field: 'company_key',
      sfdc_field: 'Account.External_Key__c',
      required: false,
      default: null,
      value_map: null,
    },
    {
      canonical_field: 'state',
      sfdc_field: 'Status__c',
      required: false,
      default: 'New',
      value_map: { open: 'New', hired: 'Placed' },
    },
  ],
}

const example = {
  id: '01931f2a-7c00-7000-8000-000000000040',
  client_id: CLIENT_ID,
  ...exampleDraft,
  version: 1,
  is_active: true,
  created_at: '2026-11-22T09:30:00.000Z',
  updated_at: '2026-11-22T09:30:00.000Z',
}

const exampleFinding = {
  severity: 'error',
  code: 'value_not_in_picklist',
  path: 'fields.3.value_map.hired',
  message: 'Status__c accepts only the active values of its list, and "Placed" is not one of them.',
  remedy: 'Use a value from the list, or add this one to it. Its values: New, Working, Closed.',
}

const exampleChecked = { ...example, warnings: [exampleFinding], snapshot_version: 12 }

const exampleSuggestion = {
  client_id: CLIENT_ID,
  canonical_object: 'candidate',
  snapshot_version: 12,
  sfdc_object: 'Contact',
  objects: [
    {
      api_name: 'Contact',
      label: 'Contact',
      score: 0.86,
      reasons: [{ code: 'name', message: 'Names share: candidate ~ contact (synonym).' }],
    },
  ],
  external_ids: [
    {
      sfdc_field: 'External_Key__c',
      label: 'External Key',
      type: 'string',
      unique: true,
      canonical_field: 'external_id',
      score: 0.98,
      reasons: [{ code: 'external_id', message: 'It is an external id.' }],
    },
  ],
  fields: [
    {
      canonical_field: 'telephone',
      proposals: [
        {
          sfdc_field: 'Phone',
          label: 'Business Phone',
          type: 'phone',
          score: 0.93,
          reasons: [{ code: 'name', message: 'Names share: telephone ~ phone (synonym).' }],
          required: false,
          value_map: null,
        },
      ],
    },
  ],
  required_unmapped: [{ sfdc_field: 'LastName', label: 'Last Name', type: 'string' }],
  draft: {
    canonical_object: 'candidate',
    sfdc_object: 'Contact',
    external_id_field: null,
    fields: [
      {
        canonical_field: 'telephone',
        sfdc_field: 'Phone',
        required: false,
        default: null,
        value_map: null,
      },
    ],
  },
}

const sampleValue = z
  .union([
    z.string().max(1_000).refine(isWellFormed, NOT_WELL_FORMED),
    z.number(),
    z.boolean(),
    z.null(),
  ])
  .meta({ id: 'SampleValue' })

const canonicalField = z
  .union([
    canonicalName,
    z.strictObject({
      name: canonicalName,
      label: line(200).optional(),
      type: line(40)
        .optional()
        .describe('string, number, boolean, date, datetime, email, phone, url; others are ignored'),
      sample_values: z
        .array(sampleValue)
        .max(50)
        .optional()
        .describe('They show the type, and the picklist that has them; they are not stored'),
    }),
  ])
  .meta({ id: 'CanonicalField' })

const GRAMMAR =
  'Where a value goes (`sfdc_field`) is written like a column of Salesforce’s own CSV files:\n\n' +
  '| form | writes |\n|---|---|\n' +
  '| `Phone` | that field |\n' +
  '| `Account.Key__c` | the lookup `AccountId`: the account whose `Key__c` has the value |\n' +
  '| `Company__r.Key__c` | the lookup `Company__c`, the same way |\n' +
  '| `User:Owner.Email` | `OwnerId`, which leads to users and queues: the user with this e-mail |\n\n' +
  'The name of the relationship is before the dot, an external id or idLookup field of ' +
  'the parent after it. Each canonical field and each field of Salesforce is mapped once.\n\n' +
  'A value goes through the value map (by its text, so `true` and `3` are keys too), then to the ' +
  'field; a record without a value gets the default, as it is. Names of Salesforce are ' +
  'case-insensitive, your own names case-sensitive.'

const allowBroken = z
  .boolean()
  .default(false)
  .describe(
    'Stores the mapping although findings are errors, for example because its fields are deployed later',
  )

const WARNED =
  'The mapping is checked against the newest snapshot. If a finding is an error, the answer is `400 ' +
  'invalid_mapping` with all of them in `errors`, unless `allow_broken`; otherwise the findings are ' +
  'returned as `warnings`.'

const createRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/create',
    tag: 'Field mappings',
    summary: 'Map a canonical object to an object of the client’s Salesforce org',
    description: `One active mapping for each client and canonical object. ${WARNED}\n\n${GRAMMAR}`,
    access: 'push.write',
    exactNumbers: true,
    body: z.strictObject({ client_id: id, ...draftMembers, allow_broken: allowBroken }),
    replies: { 201: { description: 'The mapping', body: checkedMapping } },
    errors: ['not_found', 'already_exists', 'invalid_mapping'],
    example: { body: { client_id: CLIENT_ID, ...exampleDraft }, reply: exampleChecked },
    idempotency: {
      replay: async (caller, mappingId) => ({
        status: 201,
        body: await mappings.checked(caller.tenant, mappingId),
      }),
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await mappings.create(caller, body),
    }),
  })

const updateRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/update',
    tag: 'Field mappings',
    summary: 'Update a mapping; its version goes up by one',
    description:
      `\`fields\` replaces them all. Accepted pushes continue with the version they began ` +
      `with. No push uses an inactive mapping, and a new one can be created beside it. ${WARNED} ` +
      'A mapping that is inactive afterwards is not refused.',
    access: 'push.write',
    exactNumbers: true,
    body: update(
      { mapping_id: id, allow_broken: allowBroken },
      {
        sfdc_object: sfdcName.optional(),
        external_id_field: sfdcName.nullable().optional(),
        fields: mappingFields.optional(),
        is_active: z.boolean().optional(),
      },
    ),
    replies: { 200: { description: 'The mapping', body: checkedMapping } },
    errors: ['not_found', 'already_exists', 'invalid_mapping'],
    example: {
      body: { mapping_id: example.id, fields: exampleDraft.fields },
      reply: { ...exampleChecked, version: 2 },
    },
    idempotency: {
      replay: async (caller, mappingId) => ({
        status: 200,
        body: await mappings.checked(caller.tenant, mappingId),
      }),
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await mappings.update(caller, body),
    }),
  })

const deleteRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/delete',
    tag: 'Field mappings',
    summary: 'Delete a mapping',
    description:
      'Returns the mapping as it was, inactive. It is no longer listed, and the canonical object ' +
      'is free for another mapping. Accepted pushes continue with it. `warnings` name the ' +
      'mappings that look up parents that no mapping pushes any longer.',
    access: 'push.write',
    body: z.strictObject({ mapping_id: id }),
    replies: { 200: { description: 'The mapping as it was', body: checkedMapping } },
    errors: ['not_found'],
    example: {
      body: { mapping_id: example.id },
      reply: { ...exampleChecked, is_active: false, warnings: [] },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await mappings.delete(caller, body.mapping_id),
    }),
  })

const getRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/get',
    tag: 'Field mappings',
    summary: 'Get a mapping, in its current or an earlier version',
    description:
      'By id, or the active one by client and canonical object. With `version` (a push names it as ' +
      '`mapping_version`), as it was in that version.',
    access: 'topology.read',
    body: z
      .strictObject({
        mapping_id: id.optional(),
        version: z.int().min(1).max(2_147_483_647).optional(),
        client_id: id.optional(),
        canonical_object: canonicalName.optional(),
      })
      .refine(
        ({ mapping_id, version, client_id, canonical_object }) =>
          mapping_id === undefined
            ? client_id !== undefined && canonical_object !== undefined && version === undefined
            : client_id === undefined && canonical_object === undefined,
        {
          message: 'Send mapping_id (with or without version), or client_id and canonical_object',
          path: ['mapping_id'],
        },
      ),
    replies: { 200: { description: 'The mapping', body: mapping } },
    errors: ['not_found'],
    example: { body: { mapping_id: example.id }, reply: example },
    handle: async ({ caller, body: { mapping_id, version, client_id, canonical_object } }) => ({
      status: 200,
      body: await mappings.get(
        caller.tenant,
        mapping_id === undefined
          ? { client_id: client_id ?? '', canonical_object: canonical_object ?? '' }
          : { mapping_id, version },
      ),
    }),
  })

const listRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/list',
    tag: 'Field mappings',
    summary: 'List mappings, newest first',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id.optional(),
      canonical_object: canonicalName.optional(),
      is_active: z.boolean().optional(),
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of mappings', body: pageOf(mapping) } },
    errors: ['not_found', 'invalid_cursor'],
    example: { body: { client_id: CLIENT_ID }, reply: { items: [example], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await mappings.list(caller.tenant, body),
    }),
  })

const validateRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/validate',
    tag: 'Field mappings',
    summary: 'Validate a mapping',
    description:
      'Checks a stored mapping by id, or a draft. Every mapped field: whether it exists and the ' +
      'connected user sees it, can be written when a record is created and when it is changed, ' +
      'whether defaults and value maps fit its type, length and restricted picklist, whether the ' +
      'external id is one, and whether parents can be found as the mapping says. What Salesforce ' +
      'requires and the mapping does not send is a finding too. No Salesforce call is made.',
    access: 'topology.read',
    exactNumbers: true,
    body: z
      .strictObject({
        mapping_id: id.optional(),
        client_id: id.optional(),
        mapping: z.strictObject(draftMembers).optional(),
      })
      .refine(
        ({ mapping_id, client_id, mapping: drafted }) =>
          mapping_id === undefined
            ? client_id !== undefined && drafted !== undefined
            : client_id === undefined && drafted === undefined,
        { message: 'Send mapping_id, or client_id and mapping', path: ['mapping_id'] },
      ),
    replies: { 200: { description: 'The findings', body: validation } },
    errors: ['not_found', 'no_snapshot'],
    example: {
      body: { mapping_id: example.id },
      reply: { valid: false, snapshot_version: 12, findings: [exampleFinding] },
    },
    handle: async ({ caller, body: { mapping_id, client_id, mapping: drafted } }) => ({
      status: 200,
      body: await mappings.validate(
        caller.tenant,
        drafted === undefined || client_id === undefined
          ? { mapping_id: mapping_id ?? '' }
          : { client_id, mapping: drafted },
      ),
    }),
  })

const suggestRoute = (mappings: Mappings): Route =>
  route({
    method: 'POST',
    path: '/api/mappings/suggest',
    tag: 'Field mappings',
    summary: 'Suggest a mapping',
    description:
      'Ranked by names and labels (split into words; synonyms, abbreviations and typos count), ' +
      'types, the picklists that have the sample values, and the other mappings of your org, ' +
      'where the field exists in the Salesforce org. Without `sfdc_object`, objects are proposed ' +
      'and the best is taken. Lookups are proposed by the external ids of their parents. Nothing ' +
      'is stored; no Salesforce call is made.',
    access: 'topology.read',
    body: z.strictObject({
      client_id: id,
      canonical_object: canonicalName,
      canonical_fields: z
        .array(canonicalField)
        .min(1)
        .max(500)
        .transform((fields) =>
          fields.map((given) => (typeof given === 'string' ? { name: given } : given)),
        )
        .superRefine((fields, context) => {
          const first = new Map<string, number>()
          for (const [index, { name }] of fields.entries()) {
            const before = first.get(name)
            if (before === undefined) first.set(name, index)
            else {
              context.addIssue({
                code: 'custom',
                path: [index],
                message: `${name} is already in canonical_fields.${before}`,
              })
            }
          }
        }),
      sfdc_object: sfdcName.optional(),
    }),
    replies: { 200: { description: 'The proposals', body: suggestion } },
    errors: ['not_found', 'no_snapshot', 'unknown_object'],
    example: {
      body: {
        client_id: CLIENT_ID,
        canonical_object: 'candidate',
        canonical_fields: [
          'telephone',
          { name: 'state', type: 'string', sample_values: ['open', 'hired'] },
        ],
        sfdc_object: 'Contact',
      },
      reply: exampleSuggestion,
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await mappings.suggest(caller.tenant, body),
    }),
  })

export const mappingRoutes = ({ mappings }: { mappings: Mappings }): Route[] => [
  createRoute(mappings),
  updateRoute(mappings),
  deleteRoute(mappings),
  getRoute(mappings),
  listRoute(mappings),
  validateRoute(mappings),
  suggestRoute(mappings),
]
