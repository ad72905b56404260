// A list view of an object: which records it lists, with which columns, and who sees it.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, type XmlValue } from '../../../salesforce/xml.ts'
import { type Findings } from '../../plan/findings.ts'
import { type Plan, type PlanListView } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { columnOf, filterOperation, isUnknownColumn } from '../list-view-columns.ts'
import { ownerOf } from '../names.ts'
import { type NamedRecords, PUBLIC_GROUPS, QUEUES, ROLES } from '../named-records.ts'
import { findPart } from '../object-file.ts'
import { DELETED_AGAIN, RESTORED } from '../reversibility.ts'
import { undoMade, undoMembers } from '../undoing.ts'
import { rewrite } from '../xml-tree.ts'
import { missingFields, missingRecords, ownersOf } from './asking.ts'
import {
  always,
  checkPartNames,
  type KindRule,
  type PartKind,
  partsNamed,
  plannedPart,
} from './kind.ts'

const TYPE = 'ListView'
const NAME_MAX = 80

type SharedTo = NonNullable<PlanListView['shared_to']>

/** Salesforce: Metadata API guide, "SharedTo". */
const SHARED_LISTS: readonly {
  list: Exclude<keyof SharedTo, 'all_internal_users'>
  element: string
  records: NamedRecords
}[] = [
  { list: 'public_groups', element: 'group', records: PUBLIC_GROUPS },
  { list: 'roles', element: 'role', records: ROLES },
  { list: 'roles_and_subordinates', element: 'roleAndSubordinates', records: ROLES },
  {
    list: 'roles_and_internal_subordinates',
    element: 'roleAndSubordinatesInternal',
    records: ROLES,
  },
]

const filterFault = ({ boolean_filter: logic, filters = [] }: PlanListView): string | null => {
  if (logic === undefined) return null
  if (!/^(\d+|AND|OR|NOT|[()\s])+$/i.test(logic)) {
    return `The boolean filter ${logic} may hold numbers of filters, AND, OR, NOT and brackets only. Correct it.`
  }
  const numbers = new Set((logic.match(/\d+/g) ?? []).map(Number))
  const bad = [...numbers].find((number) => number < 1 || number > filters.length)
  if (bad !== undefined) {
    return `The boolean filter ${logic} names filter ${bad}, but there are only ${filters.length}. Correct it.`
  }
  const unused = filters.findIndex((_, at) => !numbers.has(at + 1))
  return unused < 0
    ? null
    : `The boolean filter ${logic} does not name filter ${unused + 1}. Add it, or remove the filter.`
}

const check = (plan: Plan, findings: Findings): void => {
  checkPartNames(plan, 'list_views', { noun: 'List view', max: NAME_MAX }, findings)
  for (const [index, { list_views: views }] of plan.objects.entries()) {
    for (const [at, view] of views.entries()) {
      const path = ['objects', index, 'list_views', at]
      const isOfQueue = view.filter_scope === 'Queue'
      if (isOfQueue !== (view.queue !== undefined)) {
        findings.add(
          [...path, 'queue'],
          isOfQueue ? 'missing' : 'attribute_not_allowed',
          isOfQueue
            ? `List view ${view.api_name} with the scope Queue needs a queue. Add queue.`
            : `List view ${view.api_name} names a queue, which only the scope Queue has. Leave queue out, or set filter_scope to Queue.`,
        )
      }
      const fault = filterFault(view)
      if (fault !== null) findings.add([...path, 'boolean_filter'], 'bad_boolean_filter', fault)
    }
  }
}

const sharing = (shared: SharedTo): XmlValue => {
  const lists = SHARED_LISTS.filter(({ list }) => shared[list].length > 0)
  if (!shared.all_internal_users && lists.length === 0) return null
  return {
    ...(shared.all_internal_users && { allInternalUsers: '' }),
    ...Object.fromEntries(lists.map(({ list, element }) => [element, shared[list]])),
  }
}

const elementOf = (
  object: string,
  view: PlanListView,
  before: JsonObject | null,
): Record<string, XmlValue> => ({
  fullName: view.api_name,
  columns: view.columns.map((column) => columnOf(object, column)),
  filterScope: view.filter_scope ?? leaf(before?.filterScope) ?? 'Everything',
  label: view.label,
  ...(view.filter_scope !== undefined && { queue: view.queue ?? null }),
  ...(view.filters !== undefined && {
    booleanFilter: view.boolean_filter ?? null,
    filters:
      view.filters.length === 0
        ? null
        : view.filters.map(({ field, operation, value }) => ({
            field: columnOf(object, field),
            operation: filterOperation(operation),
            value,
          })),
  }),
  ...(view.shared_to !== undefined && { sharedTo: sharing(view.shared_to) }),
})

const planned = (plan: Plan, fullName: string) => plannedPart(plan, 'list_views', fullName)

const fieldsOf = ({ columns, filters = [] }: PlanListView): string[] => [
  ...new Set([...columns, ...filters.map(({ field }) => field)]),
]

const rules: KindRule[] = [
  {
    code: 'list_view_field_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const found = planned(asked.plan, fullName)
      if (found === null) return null
      const { object, part } = found
      // Salesforce's own column names are checked by Salesforce.
      const fields = fieldsOf(part).filter(
        (name) => /__c$/i.test(name) || columnOf(object.api_name, name) !== name,
      )
      const missing = await missingFields(object, fields, asked)
      return missing.length === 0
        ? null
        : {
            message: `The list view ${fullName} uses ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the field to the plan, correct its name, or leave it out.',
          }
    },
  },
  {
    code: 'list_view_column_unknown',
    severity: 'yellow',
    judge: ({ fullName }, { plan }) => {
      const found = planned(plan, fullName)
      const unknown =
        found === null
          ? []
          : fieldsOf(found.part).filter((name) => isUnknownColumn(found.object.api_name, name))
      return unknown.length === 0
        ? null
        : {
            message: `List views name standard fields in their own way, which is not known for ${listed(unknown)}. ${one(unknown, 'It is', 'They are')} sent as written, and Salesforce may refuse ${one(unknown, 'it', 'them')}.`,
            remedy:
              'Write the name that a list view with this column has in Salesforce, e.g. `ACCOUNT.PHONE1`, or leave the field out.',
          }
    },
  },
  {
    code: 'list_view_scope_not_allowed',
    severity: 'red',
    judge: ({ fullName }, asked) => {
      const found = planned(asked.plan, fullName)
      const scope = found?.part.filter_scope ?? 'Everything'
      if (found === null || scope === 'Everything') return null
      const owners = ownersOf(found.object.api_name, asked)
      const needed = scope === 'Queue' ? 'Group' : 'User'
      if (owners === null || owners.includes(needed)) return null
      const why = needed === 'Group' ? 'cannot belong to a queue' : 'have no owner'
      return {
        message: `The list view ${fullName} has the scope ${scope}, but records of ${found.object.api_name} ${why}.`,
        remedy: 'Set filter_scope to Everything.',
        at: 'filter_scope',
      }
    },
  },
  {
    code: 'list_view_queue_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const queue = planned(asked.plan, fullName)?.part.queue
      if (queue === undefined) return null
      const missing = await missingRecords([{ records: QUEUES, names: [queue] }], asked)
      return missing.length === 0
        ? null
        : {
            message: `The list view ${fullName} is for the queue ${queue}, which exists neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the queue to the plan, or correct its name.',
            at: 'queue',
          }
    },
  },
  {
    code: 'list_view_shared_to_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const shared = planned(asked.plan, fullName)?.part.shared_to
      const wanted = SHARED_LISTS.map(({ list, records }) => ({
        records,
        names: shared?.[list] ?? [],
      }))
      const missing = await missingRecords(wanted, asked)
      return missing.length === 0
        ? null
        : {
            message: `The list view ${fullName} is shared with groups or roles that do not exist in this Salesforce org: ${listed(missing)}.`,
            remedy: 'Create them, correct the names, or leave them out.',
            at: 'shared_to',
          }
    },
  },
  {
    code: 'list_view_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The list view ${fullName} exists. The plan's label and columns replace its own, and so do the scope, filters and sharing if the plan names them.`,
            remedy: 'Make sure that it is the one you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'list_view_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? { message: `The list view ${fullName} is new.` }
        : null,
  },
]

export const listView: PartKind = {
  type: TYPE,
  list: 'listViews',
  named: partsNamed('list_views'),
  objectOf: ownerOf,
  isToldByItsFile: true,
  check,
  elements: (object, image) =>
    object.list_views.map((view) => {
      const before = findPart(image, 'listViews', view.api_name)
      const element = rewrite(before, elementOf(object.api_name, view, before))
      return { apiName: view.api_name, element, before }
    }),
  deletion: { place: 1, withObject: always },
  reversibility: ({ made }) => (made ? DELETED_AGAIN : RESTORED),
  undo: ({ component, made }, scene) =>
    made ? undoMade(component, ownerOf(component.fullName), scene) : undoMembers(component, scene),
  rules,
}
