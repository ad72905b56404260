// Facts for tests: a small Salesforce org in which nothing is wrong, and a way to say what is different.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type Plan, type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Automation } from '../../topology/automations/automation.ts'
import {
  type ConflictFacts,
  type LiveFacts,
  type MappingFacts,
  type PlannedWorkflow,
  type SalesforceProblem,
  type ValueProfile,
} from '../facts.ts'

export const NOW = new Date('2026-03-02T12:00:00Z')

const PLAIN_FIELD = {
  autoNumber: false,
  calculated: false,
  calculatedFormula: null,
  cascadeDelete: false,
  custom: true,
  externalId: false,
  htmlFormatted: false,
  length: 0,
  nillable: true,
  picklistValues: [],
  precision: 0,
  referenceTo: [],
  relationshipOrder: null,
  restrictedDelete: false,
  restrictedPicklist: false,
  scale: 0,
  unique: false,
}

/** A field as describes show it: a text of 255 characters by default. */
export const described = (name: string, more: JsonObject = {}): JsonObject => ({
  ...PLAIN_FIELD,
  name,
  label: name.replace(/__c$/, '').replaceAll('_', ' '),
  type: 'string',
  ...(more.type === undefined ? { length: 255 } : {}),
  ...more,
})

export const entries = (...values: string[]): JsonObject[] =>
  values.map((value) => ({ active: true, defaultValue: false, label: value, value }))

export const describedPicklist = (name: string, values: string[], more: JsonObject = {}) =>
  described(name, { type: 'picklist', length: 255, picklistValues: entries(...values), ...more })

export const describedLink = (name: string, to: string, more: JsonObject = {}) =>
  described(name, { type: 'reference', referenceTo: [to], ...more })

export const describedObject = (
  name: string,
  fields: JsonObject[] = [],
  more: JsonObject = {},
): JsonObject => ({
  name,
  label: name.replace(/__c$/, ''),
  labelPlural: `${name.replace(/__c$/, '')}s`,
  custom: name.endsWith('__c'),
  customSetting: false,
  childRelationships: [],
  recordTypeInfos: [],
  fields: [described('Name', { custom: false }), ...fields],
  ...more,
})

export const automation = (
  type: Automation['type'],
  apiName: string,
  more: Partial<Automation> = {},
): Automation => ({
  type,
  api_name: apiName,
  label: apiName,
  object: 'Lead',
  active: true,
  active_version: type === 'flow' ? 1 : null,
  latest_version: type === 'flow' ? 1 : null,
  versions: [],
  process_type: null,
  managed: false,
  last_modified_at: null,
  trigger: null,
  definition_version: null,
  definition: {},
  ...more,
})

export const profile = (more: Partial<ValueProfile> = {}): ValueProfile => ({
  empty: 0,
  longest: 10,
  smallest: null,
  largest: null,
  values: null,
  ...more,
})

/** A mapping of `job` to Lead by Key__c that sends these fields, after a push of 200 rows. */
export const mapping = (
  profiles: Record<string, ValueProfile>,
  more: Partial<MappingFacts> = {},
): MappingFacts => ({
  canonical_object: 'job',
  sfdc_object: 'Lead',
  external_id_field: 'Key__c',
  fields: Object.keys(profiles).map((name) => ({
    canonical_field: name.replace('__c', '').toLowerCase(),
    sfdc_field: name,
    required: false,
    has_default: false,
  })),
  lastPush: { rows: 200, fields: profiles },
  ...more,
})

/** The same mapping before its first push. */
export const unpushed = (...names: string[]): MappingFacts =>
  mapping(Object.fromEntries(names.map((name) => [name, profile()])), { lastPush: null })

export const workflow = (
  type: PlannedWorkflow['type'],
  apiName: string,
  more: Partial<PlannedWorkflow> = {},
): PlannedWorkflow => ({ type, api_name: apiName, definition: {}, activate: 'keep', ...more })

export const PERMISSIONS = [
  'ApiEnabled',
  'ModifyMetadata',
  'CustomizeApplication',
  'ManageProfilesPermissionsets',
  'AssignPermissionSets',
  'ViewSetup',
  'ViewAllData',
]

/** A Salesforce org that answers everything and objects to nothing. */
export const calmLive: LiveFacts = {
  recordCount: async () => 0,
  filledCount: async () => 0,
  rowsAtStake: async () => 0,
  duplicatesOf: async () => 0,
  valueCounts: async () => new Map(),
  allFields: async () => [],
  objectLimits: async () => ({}),
  limits: async () => ({ dailyApiRequests: { max: 100_000, remaining: 99_000 } }),
  connectedUser: async () => ({
    username: 'engine@example.test',
    permissions: new Set(PERMISSIONS),
  }),
  organization: async () => ({ edition: 'Enterprise Edition', isSandbox: true }),
  packages: async () => [],
  whereUsed: async () => [],
  deletedNames: async () => ({ objects: [], fields: [] }),
  lookUp: async (type, name) => ({
    // A plan would create an object or a tab of the same name; it never creates a type of metadata.
    exists: !['CustomObject', 'CustomTab'].includes(type) || /__mdt$/i.test(name),
    managed: false,
  }),
  recordExists: async () => true,
  componentCount: async () => 0,
  contentOf: async () => ({}),
  changedSinceSnapshot: async () => false,
  visibleFields: async () => [],
  packageSize: async () => ({ files: 5, zipBytes: 4_000, unzippedBytes: 9_000 }),
}

/** What is special about a test's facts. */
export interface Setup {
  plan?: PlanInput | undefined
  /** Changes the parsed plan, for values that the schema would refuse. */
  bend?: (plan: Plan) => Plan
  workflows?: PlannedWorkflow[]
  /** Instead of a Lead with just a name; objects are named by themselves. */
  describes?: JsonObject[]
  /** Objects that exist beside them. */
  objectNames?: string[]
  unreadable?: string[]
  notVisible?: string[]
  takenAt?: Date
  language?: string
  automations?: Automation[]
  mappings?: MappingFacts[]
  live?: Partial<LiveFacts>
  salesforceProblems?: SalesforceProblem[]
}

export const factsFor = (setup: Setup): ConflictFacts => {
  const describes = setup.describes ?? [describedObject('Lead')]
  const plan = planSchema.parse(setup.plan ?? {})
  return {
    plan: setup.bend?.(plan) ?? plan,
    workflows: setup.workflows ?? [],
    snapshot: {
      takenAt: setup.takenAt ?? NOW,
      language: setup.language ?? null,
      objectNames: [
        'Account',
        ...describes.map(({ name }) => String(name)),
        ...(setup.objectNames ?? []),
      ],
      unreadable: setup.unreadable ?? [],
      notVisible: setup.notVisible ?? [],
      describes: new Map(describes.map((describe) => [String(describe.name), describe])),
      automations: setup.automations ?? [],
    },
    mappings: setup.mappings ?? [],
    live: { ...calmLive, ...setup.live },
    apiReservePercent: 10,
    salesforceProblems: setup.salesforceProblems ?? null,
    now: NOW,
  }
}

// ---------------------------------------------------------------------------------------- plans

type FieldInput = NonNullable<NonNullable<PlanInput['objects']>[number]['fields']>[number]
type ObjectInput = NonNullable<PlanInput['objects']>[number]

export const onLead = (...fields: FieldInput[]): PlanInput => ({
  objects: [{ api_name: 'Lead', fields }],
})

export const job = (more: Partial<ObjectInput> = {}, ...fields: FieldInput[]): ObjectInput => ({
  api_name: 'Job__c',
  label: 'Job',
  plural_label: 'Jobs',
  name_field: { label: 'Job', type: 'Text' },
  fields,
  ...more,
})

export const newJob = (...fields: FieldInput[]): PlanInput => ({ objects: [job({}, ...fields)] })

/** Fields are labelled as `described` labels them, so that a label is no difference. */
const label = (name: string): string => name.replace(/__c$/, '').replaceAll('_', ' ')

type Of<Type extends FieldInput['type']> = Extract<FieldInput, { type: Type }>

export const text = (api_name: string, more: Partial<Of<'Text'>> = {}): FieldInput => ({
  api_name,
  label: label(api_name),
  type: 'Text',
  ...more,
})
export const number = (api_name: string, precision = 18, scale = 0): FieldInput => ({
  api_name,
  label: label(api_name),
  type: 'Number',
  precision,
  scale,
})
export const picklist = (
  api_name: string,
  values: string[] | undefined,
  more: Partial<Of<'Picklist'>> = {},
): FieldInput => ({ api_name, label: label(api_name), type: 'Picklist', values, ...more })
export const lookup = (
  api_name: string,
  reference_to: string,
  more: Partial<Of<'Lookup'>> = {},
): FieldInput => ({
  api_name,
  label: label(api_name),
  type: 'Lookup',
  reference_to,
  relationship_name: `${label(api_name)}s`,
  ...more,
})
export const master = (api_name: string, reference_to: string): FieldInput => ({
  api_name,
  label: label(api_name),
  type: 'MasterDetail',
  reference_to,
  relationship_name: `${label(api_name)}s`,
})
export const formula = (
  api_name: string,
  text: string,
  result_type: Of<'Formula'>['result_type'] = 'Text',
): FieldInput => ({
  api_name,
  label: label(api_name),
  type: 'Formula',
  result_type,
  formula: text,
})
export const rollup = (api_name: string, key: string, summarized?: string): FieldInput => ({
  api_name,
  label: label(api_name),
  type: 'Summary',
  operation: summarized === undefined ? 'count' : 'sum',
  summary_foreign_key: key,
  ...(summarized === undefined ? {} : { summarized_field: summarized }),
})
export const validation = (
  api_name: string,
  error_condition_formula: string,
  active = true,
): NonNullable<ObjectInput['validation_rules']>[number] => ({
  api_name,
  error_condition_formula,
  error_message: 'No.',
  active,
})
export const onLeadRule = (rule: ReturnType<typeof validation>): PlanInput => ({
  objects: [{ api_name: 'Lead', validation_rules: [rule] }],
})

/** A process of leads whose value Lead.Status has. */
export const onLeadProcess: Setup = {
  plan: {
    objects: [{ api_name: 'Lead', business_processes: [{ api_name: 'Inbound', values: ['New'] }] }],
  },
  describes: [describedObject('Lead', [describedPicklist('Status', ['Open', 'New'])])],
}
