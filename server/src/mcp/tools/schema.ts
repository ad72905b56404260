import * as z from 'zod'
import { ApiProblem } from '../api.ts'
import { clientId, cursor, nextCursor, tool } from '../tool.ts'
import { named, nameMembers, untrusted, untrustedText, untrustedValue } from '../untrusted.ts'

const PAGE = 50
const FIELD_HITS = 25
/** A describe of a field with its values is large; so many fit into an answer. */
const FIELDS_PAGE = 40
const VALUES_MAX = 20
const CHANGES_PAGE = 25
const ATTRIBUTES_MAX = 8

interface Listed<Item> {
  snapshot: { version: number | null }
  total: number
  items: Item[]
  next_cursor: string | null
}

interface ListedObject {
  api_name: string
  label: string | null
  custom: boolean
  fields_count: number
}

interface ListedField {
  api_name: string
  label: string | null
  type: string
  custom: boolean
  required: boolean
}

interface Hits {
  items: { hits: { object: string | null; name: string; label: string | null; type: string }[] }[]
}

const searchSchema = tool({
  name: 'search_schema',
  title: 'Search the schema',
  description:
    'Finds objects of the newest snapshot of a client by a part of their API name; with object, the fields of that object by name or label. Without object, fields of all objects are searched too if the credential may read the fleet.',
  needs: 'topology.read',
  input: z.object({
    client_id: clientId,
    query: z.string().min(1).max(80),
    object: z.string().max(80).optional(),
    cursor,
  }),
  output: z.object({
    snapshot_version: z.number().nullable(),
    objects: z.array(
      z.object({
        ...nameMembers,
        custom: z.boolean(),
        fields_count: z.number(),
        untrusted_label: untrustedText,
      }),
    ),
    fields: z.array(
      z.object({
        object: z.string().nullable(),
        ...nameMembers,
        type: z.string(),
        untrusted_label: untrustedText,
      }),
    ),
    next_cursor: nextCursor,
  }),
  run: async ({ api, may }, { client_id, query, object, cursor: from }) => {
    const page = { client_id, query, limit: PAGE, ...(from === undefined ? {} : { cursor: from }) }
    if (object !== undefined) {
      const fields = await api.post<Listed<ListedField>>('/api/topology/fields', {
        ...page,
        object,
      })
      return {
        snapshot_version: fields.snapshot.version,
        objects: [],
        fields: fields.items.map(({ api_name, type, label }) => ({
          object,
          ...named(api_name),
          type,
          untrusted_label: untrusted(label),
        })),
        next_cursor: fields.next_cursor,
      }
    }
    const objects = await api.post<Listed<ListedObject>>('/api/topology/objects', page)
    const elsewhere =
      may('fleet.read') && from === undefined
        ? await api.post<Hits>('/api/fleet/search', {
            kind: 'field',
            name: `*${query.replaceAll('*', '')}*`,
            selector: { client_ids: [client_id] },
            limit: FIELD_HITS,
          })
        : { items: [] }
    return {
      snapshot_version: objects.snapshot.version,
      objects: objects.items.map(({ api_name, custom, fields_count, label }) => ({
        ...named(api_name),
        custom,
        fields_count,
        untrusted_label: untrusted(label),
      })),
      fields: elsewhere.items
        .flatMap(({ hits }) => hits)
        .map((hit) => ({
          object: hit.object,
          ...named(hit.name),
          type: hit.type,
          untrusted_label: untrusted(hit.label),
        })),
      next_cursor: objects.next_cursor,
    }
  },
})

interface Described {
  version: number | null
  objects: Record<
    string,
    {
      name: string
      label: string
      custom: boolean
      fields: {
        name: string
        label: string
        type: string
        /** Members that say nothing about a field are absent. */
        length?: number
        nillable: boolean
        defaultedOnCreate: boolean
        createable: boolean
        updateable: boolean
        custom: boolean
        unique?: boolean
        externalId?: boolean
        referenceTo?: string[]
        picklistValues?: { value: string; active: boolean }[]
        inlineHelpText?: string | null
      }[]
      recordTypeInfos?: { developerName: string; active: boolean }[]
    }
  > | null
}

const describeObject = tool({
  name: 'describe_object',
  title: 'Describe an object',
  description:
    'The fields of one object in the newest snapshot of a client: types, what is required, picklist values, what they refer to.',
  needs: 'topology.read',
  input: z.object({
    client_id: clientId,
    object: z.string().max(80).describe('API name'),
    fields: z
      .array(z.string().max(80))
      .min(1)
      .max(FIELDS_PAGE)
      .optional()
      .describe('Only these, by API name'),
    offset: z.int().min(0).default(0),
  }),
  output: z.object({
    snapshot_version: z.number().nullable(),
    object: z.string(),
    custom: z.boolean(),
    untrusted_label: untrustedText,
    record_types: z.array(z.object({ ...nameMembers, active: z.boolean() })),
    fields_count: z.number(),
    fields: z.array(
      z.object({
        ...nameMembers,
        type: z.string(),
        custom: z.boolean(),
        length: z.number().nullable(),
        required: z.boolean().describe('No record can be created without a value'),
        createable: z.boolean(),
        updateable: z.boolean(),
        unique: z.boolean(),
        external_id: z.boolean(),
        reference_to: z.array(z.string()),
        picklist_values_count: z.number(),
        untrusted_picklist_values: z.array(z.string().nullable()).describe('Active ones'),
        untrusted_label: untrustedText,
        untrusted_help_text: untrustedText,
      }),
    ),
    next_offset: z.number().nullable(),
  }),
  run: async ({ api }, { client_id, object, fields, offset }) => {
    const { version, objects } = await api.post<Described>('/api/topology/get', {
      client_id,
      objects: [object],
      include: ['fields', 'record_types'],
    })
    const [described] = Object.values(objects ?? {})
    if (described === undefined) {
      throw new ApiProblem({
        status: 404,
        code: 'not_found',
        title: 'Not found',
        detail: 'The newest snapshot of this client has no such object.',
      })
    }
    const wanted = fields === undefined ? null : new Set(fields.map((name) => name.toLowerCase()))
    const all = described.fields.filter(
      ({ name }) => wanted === null || wanted.has(name.toLowerCase()),
    )
    const end = offset + FIELDS_PAGE
    return {
      snapshot_version: version,
      object: described.name,
      custom: described.custom,
      untrusted_label: untrusted(described.label),
      record_types: (described.recordTypeInfos ?? [])
        .slice(0, VALUES_MAX)
        .map(({ developerName, active }) => ({ ...named(developerName), active })),
      fields_count: all.length,
      fields: all.slice(offset, end).map((field) => {
        const values = (field.picklistValues ?? []).filter(({ active }) => active)
        return {
          ...named(field.name),
          type: field.type,
          custom: field.custom,
          length: field.length ?? null,
          required: !field.nillable && !field.defaultedOnCreate && field.createable,
          createable: field.createable,
          updateable: field.updateable,
          unique: field.unique ?? false,
          external_id: field.externalId ?? false,
          reference_to: (field.referenceTo ?? []).slice(0, VALUES_MAX),
          picklist_values_count: values.length,
          untrusted_picklist_values: values
            .slice(0, VALUES_MAX)
            .map(({ value }) => untrusted(value)),
          untrusted_label: untrusted(field.label),
          untrusted_help_text: untrusted(field.inlineHelpText),
        }
      }),
      next_offset: end < all.length ? end : null,
    }
  },
})

interface Attribute {
  name: string
  before?: unknown
  after?: unknown
}

interface Part {
  api_name: string
  change: string
  attributes: Attribute[]
}

interface Diff {
  from: { version: number | null }
  to: { version: number | null }
  summary: { identical: boolean }
  objects: (Part & { fields: Part[]; record_types: Part[] })[]
  automations: (Part & { type: string })[]
  next_cursor: string | null
}

const attributes = z.array(
  z.object({ name: z.string(), untrusted_before: untrustedText, untrusted_after: untrustedText }),
)

const toldPart = ({ api_name, change, attributes: all }: Part) => ({
  ...named(api_name),
  change,
  attributes: all.slice(0, ATTRIBUTES_MAX).map(({ name, before, after }) => ({
    name,
    untrusted_before: untrustedValue(before),
    untrusted_after: untrustedValue(after),
  })),
})

const part = z.object({ ...nameMembers, change: z.string(), attributes })

const diffSchema = tool({
  name: 'diff_schema',
  title: 'Compare two snapshots',
  description:
    'What changed in the schema of a client between two snapshots: objects, fields, record types, automations.',
  needs: 'topology.read',
  input: z.object({
    client_id: clientId,
    from_version: z.int().min(1),
    to_version: z.int().min(1).optional().describe('Default: the newest'),
    cursor,
  }),
  output: z.object({
    from_version: z.number().nullable(),
    to_version: z.number().nullable(),
    identical: z.boolean(),
    objects: z.array(
      part.extend({
        fields_count: z.number(),
        fields: z.array(part),
        record_types: z.array(part),
      }),
    ),
    automations: z.array(part.extend({ type: z.string() })),
    next_cursor: nextCursor,
  }),
  run: async ({ api }, input) => {
    const diff = await api.post<Diff>('/api/topology/diff', { ...input, limit: CHANGES_PAGE })
    return {
      from_version: diff.from.version,
      to_version: diff.to.version,
      identical: diff.summary.identical,
      objects: diff.objects.map((object) => ({
        ...toldPart(object),
        fields_count: object.fields.length,
        fields: object.fields.slice(0, VALUES_MAX).map(toldPart),
        record_types: object.record_types.slice(0, VALUES_MAX).map(toldPart),
      })),
      automations: diff.automations.map((one) => ({ ...toldPart(one), type: one.type })),
      next_cursor: diff.next_cursor,
    }
  },
})

interface Automations {
  items: {
    type: string
    api_name: string
    label: string | null
    object: string | null
    active: boolean | null
    managed: boolean
    deployed_by_engine: boolean
    trigger: { object: string | null; events: string[]; timing: string } | null
  }[]
  snapshot_version: number | null
  total: number
  next_cursor: string | null
}

const listAutomations = tool({
  name: 'list_automations',
  title: 'List automations',
  description:
    'Flows, triggers, rules and the like in the newest snapshot of a client, of one object if it is named.',
  needs: 'workflows.read',
  input: z.object({
    client_id: clientId,
    object: z.string().max(80).optional(),
    active: z.boolean().optional(),
    cursor,
  }),
  output: z.object({
    snapshot_version: z.number().nullable(),
    total: z.number(),
    automations: z.array(
      z.object({
        type: z.string(),
        ...nameMembers,
        object: z.string().nullable(),
        active: z.boolean().nullable(),
        managed: z.boolean(),
        deployed_by_engine: z.boolean(),
        events: z.array(z.string()),
        timing: z.string().nullable(),
        untrusted_label: untrustedText,
      }),
    ),
    next_cursor: nextCursor,
  }),
  run: async ({ api }, input) => {
    const page = await api.post<Automations>('/api/workflows/list', { ...input, limit: PAGE })
    return {
      snapshot_version: page.snapshot_version,
      total: page.total,
      automations: page.items.map((one) => ({
        type: one.type,
        ...named(one.api_name),
        object: one.object,
        active: one.active,
        managed: one.managed,
        deployed_by_engine: one.deployed_by_engine,
        events: one.trigger?.events ?? [],
        timing: one.trigger?.timing ?? null,
        untrusted_label: untrusted(one.label),
      })),
      next_cursor: page.next_cursor,
    }
  },
})

export const schemaTools = [searchSchema, describeObject, diffSchema, listAutomations]
