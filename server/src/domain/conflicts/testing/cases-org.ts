// Limits, access, packages, drift, and what Salesforce itself says.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type PlanInput } from '../../plan/schema.ts'
import { type LiveFacts, type PackageSize } from '../facts.ts'
import { type Case, type Cases } from './cases.ts'
import {
  automation,
  described,
  describedObject,
  describedPicklist,
  formula,
  job,
  lookup,
  master,
  newJob,
  NOW,
  onLead,
  onLeadProcess,
  onLeadRule,
  PERMISSIONS,
  picklist,
  rollup,
  type Setup,
  text,
  validation,
  workflow,
} from './facts.ts'

const calm = { plan: onLead(text('A__c')) }
const edition = (name: string): Partial<LiveFacts> => ({
  organization: async () => ({ edition: name, isSandbox: false }),
})
const customObjects = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `Old${at}__c`)
const room = (of: string, remaining: number): Partial<LiveFacts> => ({
  objectLimits: async () => ({ [of]: { max: 100, remaining } }),
})
const calls = (remaining: number): Partial<LiveFacts> => ({
  limits: async () => ({ dailyApiRequests: { max: 1_000, remaining } }),
})
const size = (more: Partial<PackageSize>): Partial<LiveFacts> => ({
  packageSize: async () => ({ files: 5, zipBytes: 4_000, unzippedBytes: 9_000, ...more }),
})
const flows = (count: number) =>
  Array.from({ length: count }, (_, at) => automation('flow', `Flow_${at}`))

const rollups = (count: number) =>
  Array.from({ length: count }, (_, at) => rollup(`S${at}__c`, 'Job__c.Lead__c'))
const key = (name: string) => text(name, { external_id: true })
const keys = (count: number) =>
  Array.from({ length: count }, (_, at) => described(`K${at}__c`, { externalId: true }))

const found = (wanted: string, exists: boolean, managed = false): Partial<LiveFacts> => ({
  lookUp: async (type) =>
    type === wanted ? { exists, managed } : { exists: type !== 'CustomObject', managed: false },
})
const longText = (api_name: string, length: number) => ({
  ...{ api_name, label: api_name.replace('__c', ''), type: 'LongTextArea' as const },
  ...{ length, visible_lines: 5 },
})
const essays = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    described(`E${at}__c`, { type: 'textarea', length: 131_072 }),
  )
const links = (count: number) =>
  Array.from({ length: count }, (_, at) => lookup(`L${at + 1}__c`, 'Account'))
const spans = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    described(`F${at}__c`, { calculated: true, calculatedFormula: `L${at + 1}__r.Name` }),
  )
const valueSets: PlanInput = {
  global_value_sets: [{ api_name: 'Stages', label: 'Stages', values: ['New'] }],
}
const labels: PlanInput = {
  custom_labels: [
    { api_name: 'One', value: 'One' },
    { api_name: 'Two', value: 'Two' },
  ],
}

export const LIMIT_CASES: Cases = {
  custom_objects_over_limit: {
    fires: {
      plan: newJob(),
      objectNames: customObjects(50),
      live: edition('Professional Edition'),
    },
    also: {
      yellow: {
        plan: newJob(),
        objectNames: customObjects(45),
        live: edition('Professional Edition'),
      },
    },
    not: { plan: newJob(), objectNames: customObjects(50), live: edition('Enterprise Edition') },
  },
  custom_fields_over_limit: {
    fires: { ...calm, live: room('CustomFields', 0) },
    also: { yellow: { ...calm, live: room('CustomFields', 1) } },
    not: { ...calm, live: room('CustomFields', 50) },
  },
  rollups_over_limit: {
    fires: { plan: onLead(rollup('S__c', 'Job__c.Lead__c')), live: room('RollupSummary', 0) },
    also: { yellow: { plan: onLead(...rollups(26)), live: { objectLimits: async () => ({}) } } },
    not: { plan: onLead(rollup('S__c', 'Job__c.Lead__c')), live: room('RollupSummary', 1) },
  },
  external_ids_over_limit: {
    fires: {
      plan: onLead(key('A__c'), key('B__c')),
      describes: [describedObject('Lead', keys(24))],
    },
    not: {
      plan: onLead(key('A__c'), text('K0__c')),
      describes: [describedObject('Lead', keys(25))],
    },
  },
  unique_fields_over_limit: {
    fires: {
      plan: onLead(text('A__c', { unique: true }), key('B__c')),
      describes: [describedObject('Lead', keys(24))],
    },
    not: {
      plan: onLead(text('K0__c', { unique: true }), text('A__c')),
      describes: [describedObject('Lead', keys(25))],
    },
  },
  long_texts_over_limit: {
    fires: {
      plan: onLead(longText('A__c', 131_072)),
      describes: [describedObject('Lead', essays(12))],
    },
    not: {
      plan: onLead(longText('E0__c', 131_072), text('A__c')),
      describes: [describedObject('Lead', essays(13))],
    },
  },
  formula_relationships_over_limit: {
    fires: {
      plan: onLead(formula('A__c', 'L1__r.Name & L16__r.Name'), ...links(16)),
      describes: [describedObject('Lead', spans(15))],
    },
    // Each relationship counts once.
    not: {
      plan: onLead(formula('A__c', 'L1__r.Name & Lead.Name & Name'), ...links(16)),
      describes: [describedObject('Lead', spans(15))],
    },
  },
  custom_labels_over_limit: {
    fires: {
      plan: labels,
      live: { ...found('CustomLabel', false), componentCount: async () => 4_999 },
    },
    not: {
      plan: labels,
      live: { ...found('CustomLabel', true), componentCount: async () => 5_000 },
    },
  },
  global_value_sets_over_limit: {
    fires: {
      plan: valueSets,
      live: { ...found('GlobalValueSet', false), componentCount: async () => 500 },
    },
    not: {
      plan: valueSets,
      live: { ...found('GlobalValueSet', true), componentCount: async () => 500 },
    },
  },
  validation_rules_over_limit: {
    fires: { plan: onLeadRule(validation('V', 'true')), live: room('ActiveValidationRules', 0) },
    not: {
      plan: onLeadRule(validation('V', 'true', false)),
      live: room('ActiveValidationRules', 0),
    },
  },
  active_flows_over_limit: {
    fires: {
      workflows: [workflow('flow', 'New_Flow', { activate: true })],
      automations: flows(5),
      live: edition('Professional Edition'),
    },
    not: {
      workflows: [workflow('flow', 'Flow_1', { activate: true })],
      automations: flows(5),
      live: edition('Professional Edition'),
    },
  },
  api_budget_short: {
    fires: { ...calm, live: calls(101) },
    also: { yellow: { ...calm, live: calls(120) } },
    not: { ...calm, live: calls(900) },
  },
  package_too_large: {
    fires: { ...calm, live: size({ files: 10_001 }) },
    not: { ...calm, live: size({ files: 10_000, zipBytes: 39_000_000 }) },
  },
  record_types_many: {
    fires: {
      plan: { objects: [job({ record_types: [{ api_name: 'R', label: 'R' }] })] },
      describes: [
        describedObject('Job__c', [], {
          recordTypeInfos: Array.from({ length: 200 }, (_, at) => ({ developerName: `T${at}` })),
        }),
      ],
    },
    not: {
      plan: { objects: [job({ record_types: [{ api_name: 'R', label: 'R' }] })] },
      describes: [
        describedObject('Job__c', [], {
          recordTypeInfos: [{ developerName: 'Master', master: true }],
        }),
      ],
    },
  },
}

const without = (...names: string[]): Partial<LiveFacts> => ({
  connectedUser: async () => ({
    username: 'engine@example.test',
    permissions: new Set(PERMISSIONS.filter((name) => !names.includes(name))),
  }),
})
const lacking = (plan: PlanInput, ...names: string[]): Case => ({
  fires: { plan, live: without(...names) },
  not: { plan },
})
const contents = (content: JsonObject): Partial<LiveFacts> => ({ contentOf: async () => content })
/** A plan that makes an existing object a detail of Account, and whom it gives access. */
const seenBelow = (permissions: NonNullable<PlanInput['permissions']>): Setup => ({
  plan: {
    objects: [{ api_name: 'Job__c', fields: [master('A__c', 'Account')] }],
    permissions: { permission_set: null, assign_to_connected_user: false, ...permissions },
  },
  describes: [describedObject('Job__c')],
})
const seesAll = (...objects: string[]): JsonObject => ({
  objectPermissions: objects.map((object) => ({ object, viewAllRecords: 'true' })),
})
const granting = (permissions: NonNullable<PlanInput['permissions']>): PlanInput => ({
  ...onLead(text('A__c')),
  permissions,
})
const placing: PlanInput = {
  ...onLead(text('A__c')),
  layouts: [{ object: 'Lead', layout: 'Lead Layout', section: 'More', fields: ['A__c'] }],
}
const placingAfter = (after: string): PlanInput => ({
  ...onLead(text('A__c')),
  layouts: [{ object: 'Lead', layout: 'Lead Layout', section: 'More', fields: ['A__c'], after }],
})
const onLayout = (more: Partial<NonNullable<PlanInput['layouts']>[number]>): PlanInput => ({
  ...onLead(text('A__c')),
  layouts: [{ object: 'Lead', layout: 'Lead Layout', ...more }],
})
const listing = (related_list: string, ...fields: string[]): PlanInput =>
  onLayout({ related_lists: [{ related_list, fields }] })
const visits = [
  describedObject('Visit__c', [
    described('Lead__c', { type: 'reference', referenceTo: ['Lead'] }),
    described('Owner__c', { type: 'reference', referenceTo: ['User'] }),
  ]),
]
const fromSet = {
  plan: onLead(picklist('P__c', undefined, { global_value_set: 'Countries' })),
}

const sharing = (set: string): PlanInput => ({
  global_value_sets: [{ api_name: set, label: 'Countries', values: ['AT', 'DE'] }],
})

const queueOf = (...objects: string[]): PlanInput => ({
  queues: [{ api_name: 'Desk', label: 'Desk', objects, members: { users: ['ann@acme.example'] } }],
})
const labelled: PlanInput = { custom_labels: [{ api_name: 'Greeting', value: 'Hello!' }] }
const bundled: PlanInput = {
  permission_set_groups: [{ api_name: 'Sales', label: 'Sales', permission_sets: ['Sell'] }],
}
const tiered = (values: Record<string, string | number> = {}) => ({
  plan: {
    custom_metadata_records: [{ type: 'Tier__mdt', api_name: 'Gold', label: 'Gold', values }],
  },
  describes: [
    describedObject('Tier__mdt', [
      described('Code__c'),
      described('Factor__c', { type: 'double' }),
    ]),
  ],
})
const coded = (nillable: boolean) => ({
  ...tiered(),
  describes: [describedObject('Tier__mdt', [described('Code__c', { nillable })])],
  live: found('CustomMetadata', false),
})
const tabbed: PlanInput = { app_tabs: [{ app: 'Desk', tabs: ['Job__c', 'standard-Lead'] }] }
const grouped: PlanInput = { public_groups: [{ api_name: 'Staff', label: 'Staff' }] }
/** An object whose records such a one owns. */
const ownedBy = (name: string, ...referenceTo: string[]) =>
  describedObject(name, [described('OwnerId', { type: 'reference', referenceTo, custom: false })])
const onQueued = { plan: queueOf('Lead'), describes: [ownedBy('Lead', 'Group', 'User')] }

export const ACCESS_CASES: Cases = {
  permission_api_enabled: lacking(calm.plan, 'ApiEnabled'),
  permission_modify_metadata: lacking(calm.plan, 'ModifyMetadata'),
  permission_customize_application: lacking(calm.plan, 'CustomizeApplication'),
  permission_manage_permission_sets: {
    fires: { ...calm, live: without('ManageProfilesPermissionsets') },
    not: {
      plan: granting({ permission_set: null, assign_to_connected_user: false }),
      live: without('ManageProfilesPermissionsets'),
    },
  },
  permission_assign_permission_sets: {
    fires: { ...calm, live: without('AssignPermissionSets') },
    not: {
      plan: granting({ assign_to_connected_user: false }),
      live: without('AssignPermissionSets'),
    },
  },
  permission_view_setup: lacking(calm.plan, 'ViewSetup', 'CustomizeApplication'),
  permission_view_all_data: {
    fires: { ...calm, live: without('ViewAllData') },
    not: { plan: newJob(), live: without('ViewAllData') },
  },
  field_hidden: {
    fires: { ...calm, live: { allFields: async () => ['a__c'] } },
    not: {
      ...calm,
      live: { allFields: async () => ['a__c'], visibleFields: async () => ['A__c'] },
    },
  },
  field_appeared: {
    fires: {
      ...calm,
      live: { allFields: async () => ['a__c'], visibleFields: async () => ['A__c'] },
    },
    not: { ...calm, live: { allFields: async () => ['a__c'], visibleFields: async () => [] } },
  },
  object_takes_no_record_types: {
    fires: {
      plan: { objects: [{ api_name: 'User', record_types: [{ api_name: 'R', label: 'R' }] }] },
      describes: [describedObject('User')],
    },
    not: {
      plan: { objects: [{ api_name: 'Lead', record_types: [{ api_name: 'R', label: 'R' }] }] },
    },
  },
  object_takes_no_fields: {
    fires: {
      ...calm,
      live: { lookUp: async () => ({ exists: true, managed: false, customizable: false }) },
    },
    not: {
      ...calm,
      live: { lookUp: async () => ({ exists: true, managed: false, customizable: true }) },
    },
  },
  object_unreadable: {
    fires: { ...calm, describes: [], unreadable: ['Lead'] },
    not: calm,
  },
  permission_set_missing: {
    fires: { plan: granting({ permission_sets: ['Sales'] }), live: found('PermissionSet', false) },
    not: { ...calm, live: found('PermissionSet', false) },
  },
  permission_set_managed: {
    fires: { ...calm, live: found('PermissionSet', true, true) },
    not: { ...calm, live: found('PermissionSet', true) },
  },
  permission_set_sees_all_below: {
    fires: {
      ...seenBelow({ permission_set: 'S' }),
      live: { contentOf: async () => seesAll('Job__c') },
    },
    not: {
      ...seenBelow({ permission_set: 'S' }),
      live: { contentOf: async () => seesAll('Job__c', 'Account') },
    },
  },
  profile_sees_all_below: {
    fires: {
      ...seenBelow({ profiles: ['Admin'] }),
      live: { contentOf: async () => seesAll('Job__c') },
    },
    not: {
      ...seenBelow({ profiles: ['Admin'] }),
      live: { contentOf: async () => seesAll('Job__c', 'Account') },
    },
  },
  profile_missing: {
    fires: { plan: granting({ profiles: ['Sales'] }), live: found('Profile', false) },
    not: { plan: granting({ profiles: ['Admin'] }), live: found('Profile', true) },
  },
  profile_widens_access: { fires: { plan: granting({ profiles: ['Admin'] }) }, not: calm },
  layout_missing: {
    fires: { plan: placing, live: found('Layout', false) },
    not: { plan: placing, live: found('Layout', true) },
  },
  layout_after_missing: {
    fires: { plan: placingAfter('Gone__c') },
    not: { plan: placingAfter('Hidden__c'), live: { allFields: async () => ['Hidden__c'] } },
  },
  related_list_missing: {
    fires: { plan: listing('Visit__c.Owner__c', 'NAME'), describes: visits },
    not: { plan: listing('Visit__c.Lead__c', 'NAME'), describes: visits },
  },
  related_list_column_missing: {
    fires: { plan: listing('Visit__c.Lead__c', 'Gone__c'), describes: visits },
    not: { plan: listing('Visit__c.Lead__c', 'Owner__c', 'LAST_UPDATE'), describes: visits },
  },
  layout_button_missing: {
    fires: { plan: onLayout({ buttons: ['Send'] }), live: found('WebLink', false) },
    not: { plan: onLayout({ buttons: ['Send'] }), live: found('WebLink', true) },
  },
  related_list_uncertain: {
    fires: { plan: listing('RelatedCaseList', 'NAME'), describes: visits },
    not: {
      plan: listing('RelatedCampaignList', 'NAME'),
      describes: [
        describedObject('Lead', [], {
          childRelationships: [{ relationshipName: 'CampaignMembers' }],
        }),
      ],
    },
  },
  layout_action_missing: {
    fires: { plan: onLayout({ quick_actions: ['Lead.Call'] }), live: found('QuickAction', false) },
    not: {
      plan: onLayout({ quick_actions: ['NewTask', 'FeedItem.TextPost'] }),
      live: found('QuickAction', false),
    },
  },
  plan_does_not_fit: {
    fires: { plan: onLayout({ quick_actions: ['NewTask'] }), live: contents({ label: 'Lead' }) },
    not: {
      plan: onLayout({ quick_actions: ['NewTask'] }),
      live: contents({ platformActionList: { actionListContext: 'Record' } }),
    },
  },
  layout_managed: {
    fires: { plan: placing, live: found('Layout', true, true) },
    not: { plan: placing, live: found('Layout', true) },
  },
  field_used_elsewhere: {
    fires: {
      plan: onLead(text('A__c', { length: 100 })),
      describes: [describedObject('Lead', [described('A__c')])],
      live: { whereUsed: async () => [{ type: 'ApexClass', name: 'Scoring' }] },
    },
    not: {
      plan: onLead(text('A__c', { length: 255, label: 'New label' })),
      describes: [describedObject('Lead', [described('A__c')])],
      live: { whereUsed: async () => [{ type: 'ApexClass', name: 'Scoring' }] },
    },
  },
  value_set_missing: {
    fires: { ...fromSet, live: found('GlobalValueSet', false) },
    // Or the plan itself makes the set.
    not: {
      plan: { ...fromSet.plan, ...sharing('Countries') },
      live: found('GlobalValueSet', false),
    },
  },
  value_set_fixed: {
    fires: {
      ...fromSet,
      describes: [describedObject('Lead', [describedPicklist('P__c', ['A'])])],
      live: found('GlobalValueSet', true),
    },
    not: {
      ...fromSet,
      describes: [
        describedObject('Lead', [describedPicklist('P__c', ['A'], { restrictedPicklist: true })]),
      ],
      live: found('GlobalValueSet', true),
    },
  },
  value_set_managed: {
    fires: { plan: sharing('Countries'), live: found('GlobalValueSet', true, true) },
    not: { plan: sharing('Countries'), live: found('GlobalValueSet', true) },
  },
  value_set_shared: {
    fires: { plan: sharing('Countries'), live: found('GlobalValueSet', true) },
    not: { plan: sharing('Countries'), live: found('GlobalValueSet', false) },
  },
  public_group_exists: {
    fires: { plan: grouped, live: found('Group', true) },
    not: { plan: grouped, live: found('Group', false) },
  },
  business_process_exists: {
    fires: { ...onLeadProcess, live: found('BusinessProcess', true) },
    not: { ...onLeadProcess, live: found('BusinessProcess', false) },
  },
  business_process_managed: {
    fires: { ...onLeadProcess, live: found('BusinessProcess', true, true) },
    not: { ...onLeadProcess, live: found('BusinessProcess', true) },
  },
  business_process_value_missing: {
    fires: {
      ...onLeadProcess,
      describes: [describedObject('Lead', [describedPicklist('Status', ['Open'])])],
    },
    not: onLeadProcess,
  },
  label_exists: {
    fires: { plan: labelled, live: found('CustomLabel', true) },
    not: { plan: labelled, live: found('CustomLabel', false) },
  },
  permission_set_group_exists: {
    fires: { plan: bundled, live: found('PermissionSetGroup', true) },
    not: { plan: bundled, live: found('PermissionSetGroup', false) },
  },
  permission_set_group_set_missing: {
    fires: { plan: bundled, live: found('PermissionSet', false) },
    // Or the plan itself makes it.
    not: {
      plan: { ...calm.plan, ...bundled, permissions: { permission_set: 'Sell' } },
      live: found('PermissionSet', false),
    },
  },
  custom_metadata_type_missing: {
    fires: { ...tiered(), live: found('CustomObject', false) },
    not: { ...tiered(), live: found('CustomObject', true) },
  },
  custom_metadata_field_missing: {
    fires: tiered({ Nope__c: 'x' }),
    not: tiered({ Code__c: 'x' }),
  },
  custom_metadata_value_invalid: {
    fires: tiered({ Factor__c: 'five' }),
    not: tiered({ Factor__c: '5' }),
  },
  custom_metadata_value_required: { fires: coded(false), not: coded(true) },
  custom_metadata_record_exists: {
    fires: { ...tiered(), live: found('CustomMetadata', true) },
    not: { ...tiered(), live: found('CustomMetadata', false) },
  },
  app_missing: {
    fires: { plan: tabbed, live: found('CustomApplication', false) },
    not: { plan: tabbed, live: found('CustomApplication', true) },
  },
  app_tab_missing: {
    fires: { plan: tabbed, live: found('CustomTab', false) },
    // Or the plan itself creates it.
    not: { plan: { ...newJob(), tabs: ['Job__c'], ...tabbed }, live: found('CustomTab', false) },
  },
  queue_exists: {
    fires: { ...onQueued, live: found('Queue', true) },
    not: { ...onQueued, live: found('Queue', false) },
  },
  queue_object_missing: {
    fires: { plan: queueOf('Job__c'), live: found('Queue', false) },
    // Or the plan itself makes the object.
    not: { plan: { ...newJob(), ...queueOf('Job__c') }, live: found('Queue', false) },
  },
  queue_object_not_allowed: {
    fires: { plan: queueOf('Account'), describes: [ownedBy('Account', 'User')] },
    not: onQueued,
  },
  queue_member_missing: {
    fires: { ...onQueued, live: { recordExists: async () => false } },
    not: onQueued,
  },
}

const onPackaged = { plan: { objects: [{ api_name: 'ns__Job__c', fields: [text('A__c')] }] } }
const packaged = [describedObject('ns__Job__c')]

export const PACKAGE_CASES: Cases = {
  package_not_installed: {
    fires: onPackaged,
    not: {
      ...onPackaged,
      live: { packages: async () => [{ namespace: 'ns', name: 'Jobs' }] },
    },
  },
  object_managed: {
    fires: { plan: { objects: [job({ api_name: 'ns__Job__c' })] }, describes: packaged },
    not: { ...onPackaged, describes: packaged },
  },
  object_of_package_extended: { fires: { ...onPackaged, describes: packaged }, not: calm },
  field_managed: { fires: { plan: onLead(text('ns__A__c')) }, not: calm },
  object_name_like_packaged: {
    fires: { plan: newJob(), describes: packaged },
    not: { plan: newJob(), objectNames: ['ns__Other__c'] },
  },
  field_name_like_packaged: {
    fires: { ...calm, describes: [describedObject('Lead', [described('ns__A__c')])] },
    not: { ...calm, describes: [describedObject('Lead', [described('ns__B__c')])] },
  },
  validation_rule_managed: {
    fires: {
      plan: onLeadRule(validation('V', 'true')),
      automations: [automation('validation_rule', 'Lead.V', { managed: true })],
    },
    not: {
      plan: onLeadRule(validation('V', 'true')),
      automations: [automation('validation_rule', 'Lead.V')],
    },
  },
}

const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000)

export const DRIFT_CASES: Cases = {
  object_drifted: {
    fires: { ...calm, live: { changedSinceSnapshot: async () => true } },
    not: { plan: newJob(), live: { changedSinceSnapshot: async () => true } },
  },
  object_appeared: {
    fires: { plan: newJob(), live: found('CustomObject', true) },
    not: { plan: newJob(), live: found('CustomObject', false) },
  },
  snapshot_stale: {
    fires: { ...calm, takenAt: daysAgo(7) },
    not: { ...calm, takenAt: daysAgo(6.9) },
  },
  salesforce_refuses: {
    fires: {
      plan: onLead(lookup('A__c', 'Account')),
      salesforceProblems: [
        { type: 'CustomField', fullName: 'Lead.A__c', problem: 'No.', kind: 'Error' },
      ],
    },
    not: { ...calm, salesforceProblems: [] },
  },
  salesforce_warns: {
    fires: {
      ...calm,
      salesforceProblems: [
        { type: 'CustomField', fullName: 'Lead.A__c', problem: 'Hm.', kind: 'Warning' },
      ],
    },
    not: {
      ...calm,
      salesforceProblems: [
        { type: 'CustomField', fullName: 'Lead.A__c', problem: 'No.', kind: 'Error' },
      ],
    },
  },
}
