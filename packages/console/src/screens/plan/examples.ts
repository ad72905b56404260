// What a plan can start from.

import { type Plan } from '@sfdc-engine-x/client'

export interface Example {
  name: string
  text: string
}

const json = (plan: Plan): string => `${JSON.stringify(plan, null, 2)}\n`

export const EXAMPLES: readonly [Example, ...Example[]] = [
  {
    name: 'Fields on Lead',
    text: json({
      objects: [
        {
          api_name: 'Lead',
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
    }),
  },
  {
    name: 'A new object',
    text: json({
      objects: [
        {
          api_name: 'Job_Posting__c',
          label: 'Job Posting',
          plural_label: 'Job Postings',
          name_field: { label: 'Posting No.', type: 'AutoNumber', display_format: 'JP-{00000}' },
          fields: [
            { api_name: 'Job_Title__c', label: 'Job Title', type: 'Text', length: 255 },
            {
              api_name: 'Status__c',
              label: 'Status',
              type: 'Picklist',
              values: ['Open', 'Filled', 'Closed'],
              default: 'Open',
              restricted: true,
            },
            {
              api_name: 'Company__c',
              label: 'Company',
              type: 'Lookup',
              reference_to: 'Account',
              relationship_name: 'Job_Postings',
            },
          ],
        },
      ],
      tabs: ['Job_Posting__c'],
    }),
  },
  {
    name: 'A validation rule (YAML)',
    text: `# A plan can be YAML, too: then it has comments.
objects:
  - api_name: Lead
    validation_rules:
      - api_name: Partner_Needs_Company
        error_condition_formula: AND(ISPICKVAL(LeadSource, "Partner"), ISBLANK(Website))
        error_message: A lead from a partner needs a website.
        active: true
`,
  },
]
