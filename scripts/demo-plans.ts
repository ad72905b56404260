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
      fields: [{ api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 120 }],
    },
  ],
  layouts: [
    { object: 'Lead', layout: 'Lead Layout', section: 'Job data', fields: ['Job_Title__c'] },
  ],
  tabs: ['Job_Posting__c'],
})

/** A look-up to nothing, and a field that exists as something else. */
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
