// Compact layouts, list views and field sets.

import { type PlanInput } from '../../plan/schema.ts'
import { type LiveFacts } from '../facts.ts'
import { type Cases } from './cases.ts'
import { described, describedObject, job, master, text } from './facts.ts'

type ObjectInput = NonNullable<PlanInput['objects']>[number]
type FieldInput = NonNullable<ObjectInput['fields']>[number]
type Compact = NonNullable<ObjectInput['compact_layouts']>[number]
type View = NonNullable<ObjectInput['list_views']>[number]

const lead = (...fields: Parameters<typeof describedObject>[1] & object) => [
  describedObject('Lead', fields),
]
const on = (api_name: string, more: Partial<ObjectInput>): { plan: PlanInput } => ({
  plan: { objects: [{ api_name, ...more }] },
})
const there = (exists: boolean): Partial<LiveFacts> => ({
  lookUp: async () => ({ exists, managed: false }),
  allFields: async () => [],
})
const compact = (more: Partial<Compact> = {}, ...fields: FieldInput[]) =>
  on('Lead', {
    fields,
    compact_layouts: [{ api_name: 'Short', label: 'Short', fields: ['A__c'], ...more }],
  })
const view = (more: Partial<View> = {}, ...fields: FieldInput[]) =>
  on('Lead', {
    fields,
    list_views: [{ api_name: 'Mine', label: 'Mine', columns: ['A__c'], ...more }],
  })
const set = (...fields: string[]) =>
  on('Lead', {
    field_sets: [
      { api_name: 'Card', label: 'Card', description: 'On it', displayed_fields: fields },
    ],
  })
const owned = (...referenceTo: string[]) =>
  lead(described('A__c'), described('OwnerId', { type: 'reference', referenceTo, custom: false }))

export const VIEW_CASES: Cases = {
  compact_layout_field_missing: {
    fires: { ...compact(), describes: lead(), live: there(false) },
    // The same plan adds it.
    not: { ...compact({}, text('A__c')), describes: lead(), live: there(false) },
  },
  compact_layout_field_not_allowed: {
    fires: { ...compact(), describes: lead(described('A__c', { type: 'textarea' })) },
    not: { ...compact(), describes: lead(described('A__c')) },
  },
  compact_layout_exists: {
    fires: { ...compact(), describes: lead(described('A__c')), live: there(true) },
    not: { ...compact(), describes: lead(described('A__c')), live: there(false) },
  },
  list_view_field_missing: {
    fires: {
      ...view({ filters: [{ field: 'B__c', operation: 'equals' }] }, text('A__c')),
      describes: lead(),
      live: there(false),
    },
    not: { ...view({}, text('A__c')), describes: lead(), live: there(false) },
  },
  list_view_column_unknown: {
    fires: { ...view({ columns: ['Fax'] }), describes: lead(described('Fax')) },
    not: { ...view({ columns: ['Email', 'LEAD.FAX'] }), describes: lead(described('Email')) },
  },
  list_view_scope_not_allowed: {
    fires: {
      plan: {
        objects: [
          job(
            {
              list_views: [
                { api_name: 'Mine', label: 'Mine', columns: ['Name'], filter_scope: 'Mine' },
              ],
            },
            master('M__c', 'Account'),
          ),
        ],
      },
    },
    not: { ...view({ filter_scope: 'Mine' }), describes: owned('User') },
  },
  list_view_queue_missing: {
    fires: {
      ...view({ filter_scope: 'Queue', queue: 'Desk' }),
      describes: owned('Group', 'User'),
      live: { recordExists: async () => false },
    },
    not: {
      plan: {
        ...view({ filter_scope: 'Queue', queue: 'Desk' }).plan,
        queues: [{ api_name: 'Desk', label: 'Desk', objects: ['Lead'] }],
      },
      describes: owned('Group', 'User'),
      live: { recordExists: async () => false },
    },
  },
  list_view_shared_to_missing: {
    fires: {
      ...view({ shared_to: { roles: ['CEO'] } }),
      describes: owned('User'),
      live: { recordExists: async () => false },
    },
    not: { ...view({ shared_to: { roles: ['CEO'] } }), describes: owned('User') },
  },
  list_view_exists: {
    fires: { ...view(), describes: lead(described('A__c')), live: there(true) },
    not: { ...view(), describes: lead(described('A__c')), live: there(false) },
  },
  field_set_field_missing: {
    fires: { ...set('A__c', 'B__c'), describes: lead(described('A__c')), live: there(false) },
    not: { ...set('A__c', 'Owner.Name'), describes: lead(described('A__c')), live: there(false) },
  },
  field_set_exists: {
    fires: { ...set('A__c'), describes: lead(described('A__c')), live: there(true) },
    not: { ...set('A__c'), describes: lead(described('A__c')), live: there(false) },
  },
}

export const VIEW_SAFE_CASES: Cases = {
  compact_layout_new: {
    fires: { ...compact(), describes: lead(described('A__c')), live: there(false) },
    not: { ...compact(), describes: lead(described('A__c')), live: there(true) },
  },
  list_view_new: {
    fires: { ...view(), describes: lead(described('A__c')), live: there(false) },
    not: { ...view(), describes: lead(described('A__c')), live: there(true) },
  },
  field_set_new: {
    fires: { ...set('A__c'), describes: lead(described('A__c')), live: there(false) },
    not: { ...set('A__c'), describes: lead(described('A__c')), live: there(true) },
  },
}
