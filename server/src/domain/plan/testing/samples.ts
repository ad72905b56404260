// Plans and files that several tests share: one field of every type, and files in the form in which
// Salesforce writes them, cut down to what matters.

import { parsePlan } from '../check.ts'
import { planField, type PlanField } from '../../metadata/fields/field-kinds.ts'
import { type Plan, type PlanInput } from '../schema.ts'

type FieldInput = NonNullable<NonNullable<PlanInput['objects']>[number]['fields']>[number]

/** A name that must survive every conversion to and from XML. */
export const AWKWARD = `Q&A <"R'D">`

/** Fields of every type with all their attributes, together on one object. */
export const EVERY_FIELD: readonly FieldInput[] = [
  {
    api_name: 'Text__c',
    label: AWKWARD,
    type: 'Text',
    length: 64,
    unique: true,
    case_sensitive: true,
    external_id: true,
    description: 'Two\nlines & more',
    help_text: 'Help',
    default_formula: '\'a\' & "b"',
  },
  { api_name: 'Required__c', label: 'Required', type: 'Text', length: 20, required: true },
  { api_name: 'Area__c', label: 'Area', type: 'TextArea' },
  { api_name: 'Long__c', label: 'Long', type: 'LongTextArea', length: 32000, visible_lines: 5 },
  { api_name: 'Html__c', label: 'Html', type: 'Html', length: 10000, visible_lines: 20 },
  { api_name: 'Number__c', label: 'Number', type: 'Number', precision: 8, scale: 3, unique: true },
  { api_name: 'Money__c', label: 'Money', type: 'Currency', precision: 16, scale: 2 },
  { api_name: 'Percent__c', label: 'Percent', type: 'Percent', precision: 5, scale: 1 },
  { api_name: 'Flag__c', label: 'Flag', type: 'Checkbox', default: true },
  { api_name: 'Day__c', label: 'Day', type: 'Date', default_formula: 'TODAY()' },
  { api_name: 'Moment__c', label: 'Moment', type: 'DateTime' },
  { api_name: 'Hour__c', label: 'Hour', type: 'Time' },
  { api_name: 'Mail__c', label: 'Mail', type: 'Email', unique: true, external_id: true },
  { api_name: 'Phone__c', label: 'Phone', type: 'Phone' },
  { api_name: 'Url__c', label: 'Url', type: 'Url' },
  {
    api_name: 'Status__c',
    label: 'Status',
    type: 'Picklist',
    values: ['Open', { value: 'Filled', label: 'Filled & done' }, 'Closed'],
    default: 'Open',
    restricted: true,
  },
  {
    api_name: 'Shared__c',
    label: 'Shared',
    type: 'Picklist',
    global_value_set: 'Stages',
    restricted: true,
  },
  {
    api_name: 'Tags__c',
    label: 'Tags',
    type: 'MultiselectPicklist',
    values: ['A', 'B'],
    restricted: false,
    sorted: true,
    visible_lines: 6,
  },
  {
    api_name: 'Counter__c',
    label: 'Counter',
    type: 'AutoNumber',
    display_format: 'C-{0000}',
    external_id: true,
  },
  {
    api_name: 'Company__c',
    label: 'Company',
    type: 'Lookup',
    reference_to: 'Account',
    relationship_name: 'Job_Postings',
    relationship_label: 'Job Postings',
    delete_constraint: 'Restrict',
    required: true,
  },
  {
    api_name: 'Parent__c',
    label: 'Parent',
    type: 'MasterDetail',
    reference_to: 'Campaign',
    relationship_name: 'Parts',
    relationship_order: 0,
    reparentable: true,
    write_requires_master_read: true,
  },
  {
    api_name: 'Ratio__c',
    label: 'Ratio',
    type: 'Formula',
    result_type: 'Percent',
    formula: 'IF(Number__c < 1, 0, 1 / Number__c)\n',
    scale: 4,
    treat_blanks_as: 'BlankAsBlank',
  },
  {
    api_name: 'Initial__c',
    label: 'Initial',
    type: 'Formula',
    result_type: 'Text',
    formula: 'LEFT(Name, 1)',
  },
  {
    api_name: 'Total__c',
    label: 'Total',
    type: 'Summary',
    operation: 'sum',
    summary_foreign_key: 'Line__c.Every__c',
    summarized_field: 'Line__c.Amount__c',
    filters: [{ field: 'Line__c.Paid__c', operation: 'equals', value: 'true' }],
  },
  { api_name: 'Place__c', label: 'Place', type: 'Location', scale: 5, display_in_decimal: false },
  {
    api_name: 'Secret__c',
    label: 'Secret',
    type: 'EncryptedText',
    length: 11,
    mask_char: 'X',
    mask_type: 'lastFour',
  },
]

/** The same with their defaults filled in. */
export const everyField = (): PlanField[] => EVERY_FIELD.map((field) => planField.parse(field))

export const everyTypePlan = (): Plan =>
  parsePlan({
    objects: [
      {
        api_name: 'Every__c',
        label: 'Every',
        plural_label: 'Everies',
        name_field: { label: 'Every Name', type: 'Text' },
        fields: EVERY_FIELD,
      },
    ],
  })

/** A staffing company's plan: an object with a tab and a layout, and fields on a standard object. */
export const JOB_PLAN: PlanInput = {
  objects: [
    {
      api_name: 'Job_Posting__c',
      label: 'Job Posting',
      plural_label: 'Job Postings',
      name_field: { label: 'Posting No.', type: 'AutoNumber', display_format: 'JP-{00000}' },
      record_types: [{ api_name: 'Remote', label: 'Remote' }],
      validation_rules: [
        {
          api_name: 'Title_Given',
          error_condition_formula: 'ISBLANK(Job_Title__c)',
          error_message: 'A job needs a title.',
        },
      ],
      fields: [
        { api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 },
        { api_name: 'Opens__c', label: 'Opens', type: 'Date', required: true },
        {
          api_name: 'Company__c',
          label: 'Company',
          type: 'Lookup',
          reference_to: 'Account',
          relationship_name: 'Job_Postings',
        },
      ],
    },
    {
      api_name: 'Lead',
      fields: [
        { api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 120 },
        {
          api_name: 'Score__c',
          label: 'Score',
          type: 'Formula',
          result_type: 'Number',
          formula: 'LEN(Job_Title__c)',
        },
      ],
    },
  ],
  layouts: [
    {
      object: 'Lead',
      layout: 'Lead (Sales) Layout',
      section: 'Job data',
      fields: ['Job_Title__c', 'Score__c'],
      after: 'Company',
    },
  ],
  tabs: ['Job_Posting__c'],
}

const xml = (root: string, inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://soap.sforce.com/2006/04/metadata">\n${inner}</${root}>\n`

export const LEAD_OBJECT = xml(
  'CustomObject',
  `    <enableFeeds>false</enableFeeds>
    <fields>
        <fullName>Company</fullName>
        <trackHistory>false</trackHistory>
    </fields>
    <sharingModel>ReadWriteTransfer</sharingModel>
`,
)

/** Two ordinary sections, the system's own, and the empty columns of custom links. */
export const LEAD_LAYOUT = xml(
  'Layout',
  `    <excludeButtons>Submit</excludeButtons>
    <layoutSections>
        <customLabel>false</customLabel>
        <detailHeading>true</detailHeading>
        <editHeading>true</editHeading>
        <label>Lead Information</label>
        <layoutColumns>
            <layoutItems>
                <behavior>Required</behavior>
                <field>Name</field>
            </layoutItems>
            <layoutItems>
                <behavior>Required</behavior>
                <field>Company</field>
            </layoutItems>
        </layoutColumns>
        <layoutColumns>
            <layoutItems>
                <emptySpace>true</emptySpace>
            </layoutItems>
        </layoutColumns>
        <style>TwoColumnsLeftToRight</style>
    </layoutSections>
    <layoutSections>
        <label>Notes &amp; More</label>
        <layoutColumns/>
        <style>OneColumn</style>
    </layoutSections>
    <layoutSections>
        <customLabel>false</customLabel>
        <label>System Information</label>
        <layoutColumns>
            <layoutItems>
                <behavior>Readonly</behavior>
                <field>CreatedById</field>
            </layoutItems>
        </layoutColumns>
        <style>TwoColumnsTopToBottom</style>
    </layoutSections>
    <layoutSections>
        <customLabel>false</customLabel>
        <layoutColumns/>
        <layoutColumns/>
        <layoutColumns/>
        <style>CustomLinks</style>
    </layoutSections>
    <!-- written by hand -->
    <showEmailCheckbox>false</showEmailCheckbox>
`,
)

/** Everything in it must still be there after a merge. */
export const PERMISSION_SET = xml(
  'PermissionSet',
  `    <applicationVisibilities>
        <application>Sales &amp; Service</application>
        <visible>true</visible>
    </applicationVisibilities>
    <fieldPermissions>
        <editable>false</editable>
        <field>Lead.Job_Title__c</field>
        <readable>true</readable>
    </fieldPermissions>
    <fieldPermissions>
        <editable>true</editable>
        <field>Job_Posting__c.Opens__c</field>
        <readable>true</readable>
    </fieldPermissions>
    <hasActivationRequired>false</hasActivationRequired>
    <label>SFDC Engine X</label>
    <objectPermissions>
        <allowCreate>false</allowCreate>
        <allowDelete>false</allowDelete>
        <allowEdit>false</allowEdit>
        <allowRead>true</allowRead>
        <modifyAllRecords>false</modifyAllRecords>
        <object>Job_Posting__c</object>
        <viewAllFields>false</viewAllFields>
        <viewAllRecords>true</viewAllRecords>
    </objectPermissions>
    <userPermissions>
        <enabled>true</enabled>
        <name>ApiEnabled</name>
    </userPermissions>
`,
)

/** The files of a Salesforce org in which the job plan can be compiled. */
export const currentFiles = (more: Record<string, string> = {}): Map<string, string> =>
  new Map(
    Object.entries({
      'objects/Lead.object': LEAD_OBJECT,
      'layouts/Lead-Lead %28Sales%29 Layout.layout': LEAD_LAYOUT,
      ...more,
    }),
  )
