// The plan: what a caller wants to be in a Salesforce org. It adds and changes; it deletes nothing.

import * as z from 'zod'
import { apiName, line, prose } from '../metadata/fields/attributes.ts'
import { planField } from '../metadata/fields/field-kinds.ts'
import { picklistValue } from '../metadata/fields/picklists.ts'

export const PERMISSION_SET_DEFAULT = 'SFDC_Engine_X'

const nameField = z
  .discriminatedUnion('type', [
    z.strictObject({ label: line(80), type: z.literal('Text') }),
    z.strictObject({
      label: line(80),
      type: z.literal('AutoNumber'),
      display_format: line(30).describe('With the number between braces, e.g. `JP-{00000}`'),
    }),
  ])
  .describe("The object's Name field: typed by users, or counted by Salesforce")

const businessProcess = z.strictObject({
  api_name: line(80).describe('Its name, which users read too; blanks are allowed'),
  description: prose(255).optional().describe('Default: unchanged'),
  active: z.boolean().default(true),
  values: z
    .array(line(255))
    .min(1)
    .max(1_000)
    .describe(
      'Stages of opportunities or statuses of leads, cases and solutions; those it offers already stay',
    ),
  default: line(255)
    .optional()
    .describe(
      'The status that new records start with; not for opportunities. Default: unchanged, or the first of the values for a new process',
    ),
})

const recordTypeValues = z.strictObject({
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

const recordType = z.strictObject({
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

const validationRule = z.strictObject({
  api_name: apiName,
  description: prose(255).optional(),
  active: z.boolean().default(true),
  error_condition_formula: prose(5_000).describe('A record for which it is true is refused'),
  error_message: prose(255).describe('What users read when it is'),
  error_display_field: apiName
    .optional()
    .describe('The field beside which they read it; default top of page'),
})

const planObject = z
  .strictObject({
    api_name: apiName.describe('`X__c` for a custom object, else a standard object'),
    label: line(40).optional(),
    plural_label: line(40).optional(),
    name_field: nameField.optional(),
    sharing_model: z
      .enum(['Private', 'Read', 'ReadWrite', 'ControlledByParent'])
      .optional()
      .describe('Default ReadWrite, or ControlledByParent with a master-detail'),
    description: prose(1_000).optional(),
    business_processes: z
      .array(businessProcess)
      .max(200)
      .default([])
      .describe('Sales, support, lead and solution processes, for record types'),
    record_types: z.array(recordType).max(200).default([]),
    validation_rules: z.array(validationRule).max(500).default([]),
    fields: z.array(planField).max(900).default([]),
  })
  .describe(
    'A custom object with its label, plural label and name field; or, without them, fields, record types, business processes and validation rules for an object that is there',
  )
  .meta({ id: 'PlanObject' })

const layout = z
  .strictObject({
    object: apiName.describe('An object of the plan'),
    layout: line(255).describe('Name of its page layout, e.g. `Lead Layout`'),
    section: line(80).describe('Label of the section; made when it is not there'),
    fields: z.array(apiName).min(1).max(200).describe('Fields of this plan'),
    after: apiName
      .optional()
      .describe('A field of the layout: put behind it, or a new section behind its section'),
  })
  .describe('Fields to be put on a page layout; what is there stays as it is')
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
    'Users whom queues and sharing rules name together; members are added in Salesforce. Created if it does not exist',
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
      .describe('Address that is told of new records in the queue. Default: unchanged, or none'),
    email_members: z
      .boolean()
      .optional()
      .describe('Each member is told too. Default: unchanged, or false for a new queue'),
    objects: z
      .array(apiName)
      .min(1)
      .max(200)
      .describe('Objects whose records it may own; those it has already stay'),
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
      .describe('Who may take its records; members it has already stay'),
  })
  .describe('An owner of records that nobody has taken yet. Created if it does not exist')
  .meta({ id: 'PlanQueue' })

const permissions = z
  .strictObject({
    permission_set: z
      .string()
      .min(1)
      .max(80)
      .nullable()
      .default(PERMISSION_SET_DEFAULT)
      .describe('Made when it is not there; null for none'),
    assign_to_connected_user: z.boolean().default(true),
    profiles: z.array(line(255)).max(50).default([]).describe('Profiles that get the same access'),
    permission_sets: z
      .array(z.string().min(1).max(80))
      .max(50)
      .default([])
      .describe('Permission sets that are there and get the same access'),
  })
  .describe('Who may see and edit what the plan makes')
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
  })
  .describe('What is to be in the Salesforce org. It adds and changes; it deletes nothing')
  .meta({ id: 'Plan' })

export type Plan = z.output<typeof planSchema>

const EMPTY_PLAN: Plan = planSchema.parse({})

/** Lists that objects of a plan did not have from the start. */
const NEW_LISTS = { business_processes: [] } satisfies Partial<PlanObject>

/** A plan that was checked and stored, perhaps before all members of today were known. */
export const storedPlan = (stored: unknown): Plan => {
  const plan = { ...EMPTY_PLAN, ...(stored as Plan) }
  return { ...plan, objects: plan.objects.map((object) => ({ ...NEW_LISTS, ...object })) }
}

/** The plan as callers may write it, before defaults. */
export type PlanInput = z.input<typeof planSchema>
export type PlanObject = Plan['objects'][number]
export type PlanBusinessProcess = PlanObject['business_processes'][number]
export type PlanRecordType = PlanObject['record_types'][number]
export type PlanRecordTypeValues = NonNullable<PlanRecordType['picklist_values']>[number]
export type PlanValidationRule = PlanObject['validation_rules'][number]
export type PlanLayout = Plan['layouts'][number]
export type PlanGlobalValueSet = Plan['global_value_sets'][number]
export type PlanPublicGroup = Plan['public_groups'][number]
export type PlanQueue = Plan['queues'][number]
export type PlanPermissions = Plan['permissions']

/**
 * Whether the plan describes the object itself, not only things on it. Such an object is made where
 * it is not there yet.
 */
export const definesObject = (object: PlanObject): boolean =>
  object.label !== undefined ||
  object.plural_label !== undefined ||
  object.name_field !== undefined ||
  object.sharing_model !== undefined ||
  object.description !== undefined

/**
 * Whether compiling writes settings of the object: Salesforce gives an object its parent's sharing
 * together with its first master-detail.
 */
export const touchesObject = (object: PlanObject): boolean =>
  definesObject(object) || object.fields.some(({ type }) => type === 'MasterDetail')
