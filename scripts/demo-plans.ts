// What the demo deploys: a staffing agency's object, and a plan that cannot work.

/** An object with fields of many types, one on Lead beside it, a tab, a layout. */
export const jobPosting = () => ({
  objects: [
    {
      api_name: 'Job_Posting__c',
      label: 'Job Posting',
      plural_label: 'Job Postings',
      name_field: { label: 'Posting No.', type: 'AutoNumber', display_format: 'JP-{00000}' },
      sharing_model: 'ReadWrite',
      fields: [
        { api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 },
        {
          api_name: 'External_Key__c',
          label: 'External Key',
          type: 'Text',
          length: 64,
          external_id: true,
          unique: true,
        },
        {
          api_name: 'Status__c',
          label: 'Status',
          type: 'Picklist',
          values: ['Open', 'Filled', 'Closed'],
          default: 'Open',
          restricted: true,
        },
        {
          api_name: 'Skills__c',
          label: 'Skills',
          type: 'MultiselectPicklist',
          values: ['TypeScript', 'SQL', 'Apex'],
          visible_lines: 4,
        },
        { api_name: 'Salary__c', label: 'Salary', type: 'Currency', precision: 12, scale: 2 },
        { api_name: 'Bonus__c', label: 'Bonus', type: 'Percent', precision: 5, scale: 2 },
        { api_name: 'Opens__c', label: 'Opens', type: 'Date' },
        { api_name: 'Posted__c', label: 'Posted', type: 'DateTime' },
        { api_name: 'Remote__c', label: 'Remote', type: 'Checkbox', default: false },
        { api_name: 'Contact_Mail__c', label: 'Contact Mail', type: 'Email' },
        { api_name: 'Link__c', label: 'Link', type: 'Url' },
        {
          api_name: 'Description__c',
          label: 'Description',
          type: 'LongTextArea',
          length: 32_000,
          visible_lines: 6,
        },
        {
          api_name: 'Company__c',
          label: 'Company',
          type: 'Lookup',
          reference_to: 'Account',
          relationship_name: 'Job_Postings',
        },
        {
          api_name: 'Total__c',
          label: 'Total',
          type: 'Formula',
          result_type: 'Currency',
          formula: 'Salary__c * (1 + Bonus__c)',
          scale: 2,
        },
      ],
    },
    {
      api_name: 'Lead',
      validation_rules: [
        {
          api_name: 'Partner_Needs_Title',
          error_condition_formula: 'AND(ISPICKVAL(LeadSource, "Partner"), ISBLANK(Job_Title__c))',
          error_message: 'A lead from a partner needs a job title.',
        },
      ],
      fields: [
        { api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 120 },
        {
          api_name: 'Agency_Key__c',
          label: 'Agency Key',
          type: 'Text',
          length: 40,
          external_id: true,
          unique: true,
        },
      ],
    },
  ],
  layouts: [
    { object: 'Lead', layout: 'Lead Layout', section: 'Job data', fields: ['Job_Title__c'] },
  ],
  tabs: ['Job_Posting__c'],
})

/** A lookup to an object that does not exist, and a field that exists with a different type. */
export const RED_PLAN = {
  objects: [
    {
      api_name: 'Lead',
      fields: [
        {
          api_name: 'Agency__c',
          label: 'Agency',
          type: 'Lookup',
          reference_to: 'Agency__c',
          relationship_name: 'Leads',
        },
        { api_name: 'Segment__c', label: 'Segment', type: 'DateTime' },
      ],
    },
  ],
}

/** From the agency's own words to fields of Lead. */
export const LEAD_MAPPING = [
  { canonical_field: 'key', sfdc_field: 'Agency_Key__c', required: true },
  { canonical_field: 'last_name', sfdc_field: 'LastName', required: true },
  { canonical_field: 'company', sfdc_field: 'Company', required: true },
  { canonical_field: 'email', sfdc_field: 'Email' },
  { canonical_field: 'title', sfdc_field: 'Job_Title__c' },
  {
    canonical_field: 'source',
    sfdc_field: 'LeadSource',
    value_map: { website: 'Web', phone: 'Phone Inquiry' },
  },
]

/** Rows, three of them bad in different ways. */
export const leads = (count: number): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `lead-${index}`,
    last_name: index === 7 ? '' : `Person ${index}`,
    company: `Company ${index % 50}`,
    email: index === 42 ? 'not an address' : `person${index}@company.example`,
    title: index === 1_000 ? 'x'.repeat(200) : 'Engineer',
    source: 'website',
  }))

/** Rates the agency's leads, and assigns leads from the web to the sales team's user. */
export const WORKFLOWS = [
  {
    type: 'flow',
    api_name: 'Rate_Agency_Leads',
    definition: {
      form: 'record_triggered',
      label: 'Rate Agency Leads',
      object: 'Lead',
      on: 'create',
      criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
      action: { type: 'update_fields', fields: { Rating: 'Hot' } },
    },
    activate: true,
  },
  {
    type: 'assignment_rule',
    api_name: 'Lead.Agency Leads',
    definition: {
      form: 'assignment',
      entries: [
        {
          criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
          assign_to: { user: 'admin@acme.example' },
        },
      ],
    },
    activate: true,
  },
]
