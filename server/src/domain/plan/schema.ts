// The plan: what a caller wants in a Salesforce org. It adds and changes; it deletes nothing.

import * as z from 'zod'
import { apiName, line, prose } from '../metadata/fields/attributes.ts'
import { planField } from '../metadata/fields/field-kinds.ts'
import { picklistValue } from '../metadata/fields/picklists.ts'
import { LIST_VIEW_OPERATIONS } from '../metadata/list-view-columns.ts'

export const PERMISSION_SET_DEFAULT = 'SFDC_Engine_X'

const nameField = z
  .discriminatedUnion('type', [
    z.strictObject({ label: line(80), type: z.literal('Text') }).meta({ id: 'PlanTextNameField' }),
    z
      .strictObject({
        label: line(80),
        type: z.literal('AutoNumber'),
        display_format: line(30).describe('With the number between braces, e.g. `JP-{00000}`'),
      })
      .meta({ id: 'PlanAutoNumberNameField' }),
  ])
  .describe("The object's Name field: typed by users, or numbered by Salesforce")
  .meta({ id: 'PlanNameField' })

const businessProcess = z
  .strictObject({
    api_name: line(80).describe('Its name, which users also see; spaces are allowed'),
    description: prose(255).optional().describe('Default: unchanged'),
    active: z.boolean().default(true),
    values: z
      .array(line(255))
      .min(1)
      .max(1_000)
      .describe(
        'Stages of opportunities or statuses of leads, cases and solutions; values that it already offers stay',
      ),
    default: line(255)
      .optional()
      .describe(
        'The status that new records start with; not for opportunities. Default: unchanged, or the first of the values for a new process',
      ),
  })
  .meta({ id: 'PlanBusinessProcess' })

const recordTypeValues = z
  .strictObject({
    field: apiName.describe('A picklist of the object'),
    values: z
      .array(line(255))
      .min(1)
      .max(1_000)
      .describe('Values of the picklist that the record type offers; those it offers already stay'),
    default: line(255)
      .optional()
      .describe('The value that its new records start with. Default: unchanged, or none'),
  })
  .meta({ id: 'PlanRecordTypeValues' })

const recordType = z
  .strictObject({
    api_name: apiName,
    label: line(80),
    description: prose(255).optional(),
    active: z.boolean().default(true),
    business_process: line(80)
      .optional()
      .describe(
        'Name of the sales, support, lead or solution process, of this plan or of the Salesforce org; needed on those objects only',
      ),
    picklist_values: z
      .array(recordTypeValues)
      .max(500)
      .optional()
      .describe(
        'What it offers of each picklist. Picklists that are not listed are left to Salesforce: a record type that exists offers what it offered before; a new one starts with all values where it is created in Setup, so list what matters',
      ),
  })
  .meta({ id: 'PlanRecordType' })

const validationRule = z
  .strictObject({
    api_name: apiName,
    description: prose(255).optional(),
    active: z.boolean().default(true),
    error_condition_formula: prose(5_000).describe('Records for which it is true are rejected'),
    error_message: prose(255).describe('The message shown to users when a record is rejected'),
    error_display_field: apiName
      .optional()
      .describe('The field next to which the message is shown. Default: the top of the page'),
  })
  .meta({ id: 'PlanValidationRule' })

const compactLayout = z
  .strictObject({
    api_name: apiName,
    label: line(80),
    fields: z
      .array(apiName)
      .min(1)
      .max(10)
      .describe('API names of fields, the most important first. They replace the fields it has'),
    assign: z
      .boolean()
      .default(false)
      .describe(
        'Makes it the primary compact layout of the object; record types keep the one assigned to them. Default: the primary one is unchanged',
      ),
  })
  .meta({ id: 'PlanCompactLayout' })

const names = (what: string) => z.array(line(80)).max(200).default([]).describe(what)

const listView = z
  .strictObject({
    api_name: apiName,
    label: line(40),
    filter_scope: z
      .enum(['Everything', 'Mine', 'Queue'])
      .meta({ id: 'PlanListViewScope' })
      .optional()
      .describe(
        "All records, the user's own, or those of a queue. Default: unchanged, or Everything for a new one",
      ),
    queue: apiName.optional().describe('API name of the queue; needed for the scope Queue only'),
    columns: z
      .array(line(255))
      .min(1)
      .max(15)
      .describe(
        "API names of fields, from left to right. Salesforce's own column names, e.g. `CORE.USERS.ALIAS`, are sent as they are. They replace the columns it has",
      ),
    filters: z
      .array(
        z.strictObject({
          field: line(255).describe('As in columns'),
          operation: z.enum(LIST_VIEW_OPERATIONS).meta({ id: 'PlanListViewOperation' }),
          value: line(1_000)
            .optional()
            .describe(
              'Several values are separated by commas; `1` or `0` for a checkbox. Default: empty',
            ),
        }),
      )
      .max(10)
      .optional()
      .describe(
        'Which records it shows. They replace the filters it has. Default: unchanged, or none',
      ),
    boolean_filter: line(255)
      .optional()
      .describe(
        'How the filters combine, by their numbers: `1 AND (2 OR 3)`. Default: all of them',
      ),
    shared_to: z
      .strictObject({
        all_internal_users: z.boolean().default(false),
        public_groups: names('API names of public groups'),
        roles: names('API names of roles'),
        roles_and_subordinates: names('API names of roles, with all roles below them'),
        roles_and_internal_subordinates: names(
          'API names of roles, with the roles below them except those of customers and partners',
        ),
      })
      .optional()
      .describe(
        'Who sees it, in place of those who see it now; nobody named is all users. Default: unchanged, or all users',
      ),
  })
  .meta({ id: 'PlanListView' })

const fieldSet = z
  .strictObject({
    api_name: apiName,
    label: line(80),
    description: prose(255).describe('What it is for; Salesforce requires it'),
    displayed_fields: z
      .array(apiName)
      .max(500)
      .default([])
      .describe(
        'API names of the fields in the set, in their order; its other fields stay, after these',
      ),
    available_fields: z
      .array(apiName)
      .max(500)
      .default([])
      .describe(
        'API names of fields that administrators may add to the set; other such fields stay',
      ),
  })
  .meta({ id: 'PlanFieldSet' })

const planObject = z
  .strictObject({
    api_name: apiName.describe('`X__c` for a custom object, else a standard object'),
    label: line(40).optional(),
    plural_label: line(40).optional(),
    name_field: nameField.optional(),
    sharing_model: z
      .enum(['Private', 'Read', 'ReadWrite', 'ControlledByParent'])
      .meta({ id: 'PlanSharingModel' })
      .optional()
      .describe('Default: ReadWrite, or ControlledByParent with a master-detail'),
    description: prose(1_000).optional(),
    business_processes: z
      .array(businessProcess)
      .max(200)
      .default([])
      .describe('Sales, support, lead and solution processes, for record types'),
    record_types: z.array(recordType).max(200).default([]),
    validation_rules: z.array(validationRule).max(500).default([]),
    fields: z.array(planField).max(900).default([]),
    compact_layouts: z
      .array(compactLayout)
      .max(100)
      .default([])
      .describe('The fields at the top of a record. Created if it does not exist'),
    list_views: z
      .array(listView)
      .max(200)
      .default([])
      .describe('Lists of records. Created if they do not exist'),
    field_sets: z
      .array(fieldSet)
      .max(200)
      .default([])
      .describe('Fields for pages and components. Created if they do not exist'),
  })
  .describe(
    'A custom object with its label, plural label and name field; or, without them, fields, record types, business processes, validation rules, compact layouts, list views and field sets for an existing object',
  )
  .meta({ id: 'PlanObject' })

const relatedList = z
  .strictObject({
    related_list: line(255).describe(
      'Its name in the Metadata API: `RelatedContactList`, or `Child__c.Parent__c` by the lookup of a custom object',
    ),
    fields: z
      .array(line(255))
      .min(1)
      .max(10)
      .describe('Its columns, for example `NAME` or `Amount__c`; an existing list gains them'),
    sort_field: line(255).optional().describe('The sort order of an existing list does not change'),
    sort_order: z.enum(['Asc', 'Desc']).meta({ id: 'PlanSortOrder' }).optional(),
  })
  .describe('A related list to be added to a page layout')
  .meta({ id: 'PlanRelatedList' })

const layout = z
  .strictObject({
    object: apiName.describe('An object of the plan if fields are given'),
    layout: line(255).describe('Name of its page layout, e.g. `Lead Layout`'),
    section: line(80)
      .optional()
      .describe('Label of the section for the fields; created if it does not exist'),
    fields: z.array(apiName).max(200).default([]).describe('Fields of this plan'),
    after: apiName
      .optional()
      .describe(
        'A field of the layout: the fields are placed after it, a new section after its section',
      ),
    related_lists: z.array(relatedList).max(100).optional(),
    buttons: z
      .array(apiName)
      .max(100)
      .optional()
      .describe('Custom buttons of the object, by their API names'),
    quick_actions: z
      .array(line(255))
      .max(100)
      .optional()
      .describe(
        'Quick actions: `NewTask`, or `Lead.Call_Back` of an object. The layout must have actions of its own',
      ),
  })
  .describe(
    'Fields, related lists, buttons and quick actions to be added to a page layout; the rest of the layout does not change',
  )
  .meta({ id: 'PlanLayout' })

const globalValueSet = z
  .strictObject({
    api_name: apiName.describe('API name, without the `__gvs` that Salesforce appends'),
    label: line(80),
    description: prose(255).optional().describe('Default: unchanged'),
    values: z
      .array(picklistValue)
      .min(1)
      .max(1_000)
      .describe('Added after the values that exist; those that are not listed do not change'),
    sorted: z
      .boolean()
      .optional()
      .describe('Shown alphabetically. Default: unchanged, or false for a new set'),
    default: line(255)
      .optional()
      .describe('The value that new records start with. Default: unchanged, or none for a new set'),
  })
  .describe('Values that picklists of several objects share. Created if it does not exist')
  .meta({ id: 'PlanGlobalValueSet' })

const publicGroup = z
  .strictObject({
    api_name: apiName,
    label: line(40),
    description: prose(1_000).optional().describe('Default: unchanged'),
    grant_access_using_hierarchies: z
      .boolean()
      .optional()
      .describe(
        'Users above its members in the role hierarchy get the same access. Default: unchanged, or true for a new group',
      ),
  })
  .describe(
    'A set of users that queues and sharing rules can refer to; members are added in Salesforce. Created if it does not exist',
  )
  .meta({ id: 'PlanPublicGroup' })

const members = (what: string) => z.array(line(80)).max(200).default([]).describe(what)

const queue = z
  .strictObject({
    api_name: apiName,
    label: line(40),
    description: prose(1_000).optional().describe('Default: unchanged'),
    email: line(255)
      .optional()
      .describe(
        'Address that is notified of new records in the queue. Default: unchanged, or none',
      ),
    email_members: z
      .boolean()
      .optional()
      .describe('Each member is notified too. Default: unchanged, or false for a new queue'),
    objects: z
      .array(apiName)
      .min(1)
      .max(200)
      .describe('Objects whose records it may own; objects that it already has stay'),
    members: z
      .strictObject({
        users: members('Usernames'),
        public_groups: members('API names of public groups'),
        roles: members('API names of roles'),
        roles_and_subordinates: members(
          'API names of roles, with all roles below them; where digital experiences are enabled',
        ),
        roles_and_internal_subordinates: members(
          'API names of roles, with the roles below them but those of customers and partners',
        ),
      })
      .prefault({})
      .describe('Who may take its records; members that it already has stay'),
  })
  .describe('An owner of records that nobody has taken yet. Created if it does not exist')
  .meta({ id: 'PlanQueue' })

const customLabel = z
  .strictObject({
    api_name: apiName,
    value: prose(1_000).describe('The text, in the language of the label'),
    language: z
      .string()
      .regex(/^[a-z]{2,3}(?:_[A-Za-z]{2,4})?$/, 'must be a language code, e.g. `en_US`')
      .optional()
      .describe(
        "Salesforce's code of its language. Default: unchanged, or `en_US` for a new label",
      ),
    protected: z
      .boolean()
      .optional()
      .describe(
        'In a managed package, hidden from subscribers. Default: unchanged, or false for a new label',
      ),
    short_description: line(80)
      .optional()
      .describe(
        'Short description that identifies it in Setup. Default: unchanged, or the API name for a new label',
      ),
    categories: z
      .array(line(255))
      .max(50)
      .optional()
      .describe('Categories that group labels in Salesforce. Default: unchanged'),
  })
  .describe('A text that formulas, flows and code show by its name. Created if it does not exist')
  .meta({ id: 'PlanCustomLabel' })

const permissionSetGroup = z
  .strictObject({
    api_name: apiName,
    label: line(80),
    description: prose(255).optional().describe('Default: unchanged'),
    permission_sets: z
      .array(line(100))
      .min(1)
      .max(100)
      .describe(
        'API names of permission sets that exist, or of the one in this plan; sets that it already has stay',
      ),
  })
  .describe('Permission sets that are assigned together. Created if it does not exist')
  .meta({ id: 'PlanPermissionSetGroup' })

/** Names are keys of `values` and checked at once: an invalid one could not be stored as it is. */
const fieldName = z
  .string()
  .max(255)
  .regex(/^[A-Za-z]\w*$/)

const customMetadataValue = z
  .union([z.string().max(131_072), z.number(), z.boolean(), z.null()])
  .meta({ id: 'PlanCustomMetadataValue' })

const customMetadataRecord = z
  .strictObject({
    type: apiName.describe('API name of an existing custom metadata type, with `__mdt`'),
    api_name: apiName.describe('API name of the record'),
    label: line(40),
    protected: z
      .boolean()
      .optional()
      .describe(
        'In a managed package, hidden from subscribers. Default: unchanged, or false for a new record',
      ),
    values: z
      .record(fieldName, customMetadataValue)
      .default({})
      .describe(
        'By API name of the field; null empties it. Checkboxes take booleans, numbers also texts of digits, dates and times ISO 8601, relationships API names. Values that are not listed do not change',
      ),
  })
  .describe('Settings that flows, formulas and code read. Created if it does not exist')
  .meta({ id: 'PlanCustomMetadataRecord' })

const appTabs = z
  .strictObject({
    app: line(255).describe(
      'API name of an existing Lightning app, e.g. `Recruiting` or `standard__LightningSales`',
    ),
    tabs: z
      .array(line(255))
      .min(1)
      .max(100)
      .describe(
        'Tabs that exist (`Job__c`, `standard-Account`) or that this plan creates; tabs that it already shows stay where they are',
      ),
    after: line(255)
      .optional()
      .describe('A tab of the app, after which they are placed. Default: at the end'),
  })
  .describe('Tabs to be added to the navigation of an app; what it already shows stays in place')
  .meta({ id: 'PlanAppTabs' })

const permissions = z
  .strictObject({
    permission_set: z
      .string()
      .min(1)
      .max(80)
      .nullable()
      .default(PERMISSION_SET_DEFAULT)
      .describe('Created if it does not exist; null for none'),
    assign_to_connected_user: z.boolean().default(true),
    profiles: z.array(line(255)).max(50).default([]).describe('Profiles that get the same access'),
    permission_sets: z
      .array(z.string().min(1).max(80))
      .max(50)
      .default([])
      .describe('Existing permission sets that get the same access'),
  })
  .describe('Who may see and edit what the plan creates')
  .meta({ id: 'PlanPermissions' })

export const planSchema = z
  .strictObject({
    objects: z.array(planObject).max(200).default([]),
    permissions: permissions.prefault({}),
    layouts: z.array(layout).max(200).default([]),
    tabs: z
      .array(apiName)
      .max(200)
      .default([])
      .describe('Custom objects of the plan that get a tab'),
    global_value_sets: z
      .array(globalValueSet)
      .max(200)
      .default([])
      .describe('Global value sets for the picklists of this plan, or of others'),
    public_groups: z
      .array(publicGroup)
      .max(200)
      .default([])
      .describe('Public groups, for queues of this plan among others'),
    queues: z.array(queue).max(200).default([]).describe('Queues, with members and objects'),
    custom_labels: z.array(customLabel).max(1_000).default([]).describe('Custom labels'),
    permission_set_groups: z
      .array(permissionSetGroup)
      .max(200)
      .default([])
      .describe('Permission set groups, with their permission sets'),
    custom_metadata_records: z
      .array(customMetadataRecord)
      .max(1_000)
      .default([])
      .describe('Records of custom metadata types'),
    app_tabs: z.array(appTabs).max(100).default([]).describe('Tabs in the navigation of apps'),
  })
  .describe('What the Salesforce org should contain. A plan adds and changes; it deletes nothing')
  .meta({ id: 'Plan' })

export type Plan = z.output<typeof planSchema>

const EMPTY_PLAN: Plan = planSchema.parse({})

const EMPTY_OBJECT: PlanObject = planObject.parse({ api_name: 'Empty' })

/** A plan that was checked and stored, perhaps before all of today's members existed. */
export const storedPlan = (stored: unknown): Plan => {
  const plan = { ...EMPTY_PLAN, ...(stored as Plan) }
  return { ...plan, objects: plan.objects.map((object) => ({ ...EMPTY_OBJECT, ...object })) }
}

/** The plan as callers may write it, before defaults. */
export type PlanInput = z.input<typeof planSchema>
export type PlanObject = Plan['objects'][number]
export type PlanBusinessProcess = PlanObject['business_processes'][number]
export type PlanRecordType = PlanObject['record_types'][number]
export type PlanRecordTypeValues = NonNullable<PlanRecordType['picklist_values']>[number]
export type PlanValidationRule = PlanObject['validation_rules'][number]
export type PlanListView = PlanObject['list_views'][number]
export type PlanFieldSet = PlanObject['field_sets'][number]
export type PlanLayout = Plan['layouts'][number]
export type PlanGlobalValueSet = Plan['global_value_sets'][number]
export type PlanPublicGroup = Plan['public_groups'][number]
export type PlanQueue = Plan['queues'][number]
export type PlanCustomLabel = Plan['custom_labels'][number]
export type PlanPermissionSetGroup = Plan['permission_set_groups'][number]
export type PlanCustomMetadataRecord = Plan['custom_metadata_records'][number]
export type PlanAppTabs = Plan['app_tabs'][number]
export type PlanPermissions = Plan['permissions']

/**
 * Whether the plan describes the object itself, not only components on it. Such an object is created if
 * it does not exist yet.
 */
export const definesObject = (object: PlanObject): boolean =>
  object.label !== undefined ||
  object.plural_label !== undefined ||
  object.name_field !== undefined ||
  object.sharing_model !== undefined ||
  object.description !== undefined

/**
 * Whether compiling writes settings of the object: Salesforce gives an object its parent's sharing
 * together with its first master-detail, and the object names its primary compact layout.
 */
export const touchesObject = (object: PlanObject): boolean =>
  definesObject(object) ||
  object.fields.some(({ type }) => type === 'MasterDetail') ||
  object.compact_layouts.some(({ assign }) => assign)
