// Automations, workflows, and the client's own pushes.

import { type Automation } from '../../topology/automations/automation.ts'
import { type Case, type Cases } from './cases.ts'
import {
  automation,
  described,
  describedObject,
  describedPicklist,
  formula,
  job,
  mapping,
  newJob,
  number,
  onLead,
  onLeadProcess,
  onLeadRule,
  picklist,
  profile,
  text,
  unpushed,
  validation,
  workflow,
} from './facts.ts'

const calm = { plan: onLead(text('A__c')) }
const lead = (...fields: Parameters<typeof describedObject>[1] & object) => [
  describedObject('Lead', fields),
]

const firing = (type: Automation['type']): Case => ({
  fires: {
    ...calm,
    automations: [automation(type, 'Lead_Thing')],
    mappings: [unpushed('A__c')],
  },
  also: { green: { ...calm, automations: [automation(type, 'Lead_Thing')] } },
  not: {
    ...calm,
    automations: [automation(type, 'Lead_Thing', { active: false })],
    mappings: [unpushed('A__c')],
  },
})
const creating = (...fields: string[]) =>
  automation('flow', 'Make_Lead', {
    object: null,
    definition: {
      recordCreates: {
        name: 'Create',
        object: 'Lead',
        inputAssignments: fields.map((field) => ({ field })),
      },
    },
  })
const shortened = {
  plan: onLead(text('A__c', { length: 100 })),
  describes: lead(described('A__c')),
}
const uses = (name: string) =>
  automation('workflow_rule', 'Lead.Score', { definition: { formula: `LEN(${name}) > 3` } })
const valueLost = {
  plan: onLead(picklist('P__c', ['A'])),
  describes: lead(describedPicklist('P__c', ['A', 'B'])),
}
const rule = (formulaText: string, more: Partial<Automation> = {}) =>
  automation('validation_rule', 'Lead.V', {
    definition: { errorConditionFormula: formulaText, errorMessage: 'No.' },
    ...more,
  })
const leadType = { api_name: 'R', label: 'R', business_process: 'Main' }
const typed = (...infos: object[]) => [describedObject('Lead', [], { recordTypeInfos: infos })]
const onLeadType = { objects: [{ api_name: 'Lead', record_types: [leadType] }] }

export const AUTOMATION_CASES: Cases = {
  flow_fires: firing('flow'),
  trigger_fires: firing('apex_trigger'),
  workflow_rule_fires: firing('workflow_rule'),
  validation_rule_fires: firing('validation_rule'),
  assignment_rule_fires: firing('assignment_rule'),
  automation_uses_changed_field: {
    fires: { ...shortened, automations: [uses('A__c')] },
    not: { ...shortened, automations: [uses('AA__c')] },
  },
  automation_uses_removed_value: {
    fires: {
      ...valueLost,
      automations: [automation('flow', 'F', { definition: { field: 'P__c', value: 'B' } })],
    },
    not: {
      ...valueLost,
      automations: [automation('flow', 'F', { definition: { field: 'P__c', value: 'A' } })],
    },
  },
  automation_leaves_required_empty: {
    fires: { plan: onLead(text('A__c', { required: true })), automations: [creating('LastName')] },
    not: { plan: onLead(text('A__c', { required: true })), automations: [creating('A__c')] },
  },
  validation_rule_replaced: {
    fires: { plan: onLeadRule(validation('V', 'true')), automations: [rule('false')] },
    not: { plan: onLeadRule(validation('V', 'true')), automations: [rule('true')] },
  },
  validation_rule_over_rows: {
    fires: { plan: onLeadRule(validation('V', 'true')), live: { recordCount: async () => 4 } },
    not: { plan: onLeadRule(validation('V', 'true')) },
  },
  business_process_missing: {
    fires: {
      plan: onLeadType,
      live: { lookUp: async () => ({ exists: false, managed: false }) },
    },
    // Or the plan itself makes it.
    not: {
      plan: {
        objects: [
          {
            ...onLeadType.objects[0],
            api_name: 'Lead',
            business_processes: [{ api_name: 'main', values: ['New'] }],
          },
        ],
      },
      live: { lookUp: async () => ({ exists: false, managed: false }) },
    },
  },
  record_type_replaced: {
    fires: { plan: onLeadType, describes: typed({ developerName: 'R', name: 'Old' }) },
    not: { plan: onLeadType, describes: typed({ developerName: 'R', name: 'R' }) },
  },
  record_type_stays: {
    fires: { plan: onLeadType },
    not: { plan: { objects: [job({ record_types: [{ api_name: 'R', label: 'R' }] })] } },
  },
  validation_rule_display_field_missing: {
    fires: { plan: onLeadRule({ ...validation('V', 'true'), error_display_field: 'Gone__c' }) },
    not: {
      plan: onLeadRule({ ...validation('V', 'true'), error_display_field: 'A__c' }),
      describes: lead(described('A__c')),
    },
  },
}

const flow = (more: Parameters<typeof workflow>[2] = {}) => workflow('flow', 'My_Flow', more)
const there = (more: Partial<Automation> = {}) =>
  automation('flow', 'My_Flow', { definition: { label: 'Old' }, ...more })
const onObject = (object: string, field?: string) => ({
  start: { object, ...(field === undefined ? {} : { filters: { field } }) },
})
const entering = (more: object) =>
  workflow('assignment_rule', 'Lead.A', {
    definition: {
      ruleEntry: [
        { criteriaItems: { field: 'Lead.Name', operation: 'equals', value: 'x' }, ...more },
      ],
    },
  })
const calling = (expression: string) =>
  flow({ definition: { start: { object: 'Lead' }, formulas: { name: 'F', expression } } })
const onlyA = describedPicklist('P__c', ['A'], { restrictedPicklist: true })
const setting = (stringValue: string) =>
  flow({
    definition: {
      start: { object: 'Lead' },
      recordUpdates: {
        inputReference: '$Record',
        inputAssignments: { field: 'P__c', value: { stringValue } },
      },
    },
  })
const inbound = (more: Parameters<typeof workflow>[2] = {}) =>
  workflow('assignment_rule', 'Lead.Inbound', more)
const checking = (more: Parameters<typeof workflow>[2] = {}) =>
  workflow('validation_rule', 'Lead.V', more)
const entry = { definition: { ruleEntry: { assignedTo: 'Sales', assignedToType: 'Queue' } } }

export const WORKFLOW_CASES: Cases = {
  workflow_name_invalid: {
    fires: { workflows: [workflow('flow', 'My__Flow')] },
    not: { workflows: [flow()] },
  },
  flow_gets_new_version: {
    fires: { workflows: [flow()], automations: [there()] },
    not: { workflows: [flow()], automations: [automation('flow', 'Other')] },
  },
  flow_active_version_replaced: {
    fires: { workflows: [flow({ activate: true })], automations: [there()] },
    not: { workflows: [flow({ activate: 'keep' })], automations: [there()] },
  },
  flow_deactivated: {
    fires: { workflows: [flow({ activate: false })], automations: [there()] },
    not: { workflows: [flow({ activate: false })], automations: [there({ active: false })] },
  },
  assignment_rule_deactivated: {
    fires: {
      workflows: [inbound({ activate: false })],
      automations: [automation('assignment_rule', 'Lead.Inbound')],
    },
    not: { workflows: [flow({ activate: false })], automations: [there()] },
  },
  validation_rule_deactivated: {
    fires: {
      workflows: [checking({ activate: false })],
      automations: [automation('validation_rule', 'Lead.V')],
    },
    not: { workflows: [flow({ activate: false })], automations: [there()] },
  },
  flow_managed: {
    fires: { workflows: [flow()], automations: [there({ managed: true })] },
    not: { workflows: [flow()], automations: [there()] },
  },
  rule_managed: {
    fires: {
      workflows: [checking()],
      automations: [automation('validation_rule', 'Lead.V', { managed: true })],
    },
    not: { workflows: [checking()], automations: [automation('validation_rule', 'Lead.V')] },
  },
  assignment_entry_refused: {
    fires: { workflows: [entering({ booleanFilter: '1 AND 2' })] },
    not: { workflows: [entering({ booleanFilter: '1' })] },
  },
  flow_element_refused: {
    fires: {
      workflows: [
        flow({ definition: { variables: { name: 'one' }, assignments: { name: 'One' } } }),
      ],
    },
    not: { workflows: [flow({ definition: { variables: [{ name: 'a' }, { name: 'b' }] } })] },
  },
  flow_word_unknown: {
    fires: { workflows: [flow({ definition: { start: { triggerType: 'AfterSave' } } })] },
    not: { workflows: [flow({ definition: { start: { triggerType: 'RecordAfterSave' } } })] },
  },
  flow_reference_missing: {
    fires: {
      workflows: [flow({ definition: { start: { connector: { targetReference: 'Gone' } } } })],
    },
    not: {
      workflows: [
        flow({
          definition: {
            start: { connector: { targetReference: 'there' } },
            assignments: { name: 'There' },
          },
        }),
      ],
    },
  },
  flow_versions_full: {
    fires: { workflows: [flow()], automations: [there({ versions: versions(50) })] },
    not: { workflows: [flow()], automations: [there({ versions: versions(49) })] },
  },
  flow_lands_inactive: {
    fires: {
      workflows: [flow({ activate: true })],
      live: { organization: async () => ({ edition: 'Enterprise Edition', isSandbox: false }) },
    },
    not: { workflows: [flow({ activate: true })] },
  },
  workflow_object_missing: {
    fires: { workflows: [flow({ definition: onObject('Gone__c') })] },
    not: { workflows: [flow({ definition: onObject('Lead') })] },
  },
  workflow_field_missing: {
    fires: { workflows: [flow({ definition: onObject('Lead', 'Gone__c') })] },
    not: { workflows: [flow({ definition: onObject('Lead', 'Name') })] },
  },
  workflow_formula_invalid: {
    fires: { workflows: [calling('LEFT({!$Record.Name})')] },
    not: { workflows: [calling('LEFT({!$Record.Name}, 1) & {!Get_It[0].Name}')] },
  },
  workflow_function_refused: {
    fires: { workflows: [calling('PRIORVALUE({!$Record.Name})')] },
    not: { workflows: [calling('IF(ISBLANK({!$Record.Name}), "NOPE()", "")')] },
  },
  workflow_picklist_value_unknown: {
    fires: { workflows: [setting('B')], describes: lead(onlyA) },
    not: { workflows: [setting('a')], describes: lead(onlyA) },
  },
  assignment_rule_switched_off: {
    fires: {
      workflows: [inbound({ activate: true })],
      automations: [automation('assignment_rule', 'Lead.Standard')],
    },
    not: {
      workflows: [inbound({ activate: true })],
      automations: [automation('assignment_rule', 'Lead.Inbound')],
    },
  },
  assignee_missing: {
    fires: { workflows: [inbound(entry)], live: { recordExists: async () => false } },
    not: { workflows: [inbound(entry)] },
  },
  rule_replaced: {
    fires: {
      workflows: [inbound()],
      automations: [automation('assignment_rule', 'Lead.Inbound')],
    },
    not: {
      workflows: [inbound()],
      automations: [automation('assignment_rule', 'Lead.Standard')],
    },
  },
  flow_runs_beside_others: {
    fires: {
      workflows: [flow({ activate: true, definition: onObject('Lead') })],
      automations: [automation('apex_trigger', 'LeadTrigger')],
    },
    not: {
      workflows: [flow({ activate: true, definition: onObject('Lead') })],
      automations: [automation('apex_trigger', 'LeadTrigger', { active: false })],
    },
  },
  push_meets_new_automation: {
    fires: {
      workflows: [flow({ activate: true, definition: onObject('Lead') })],
      mappings: [unpushed('A__c')],
    },
    not: {
      workflows: [flow({ activate: false, definition: onObject('Lead') })],
      mappings: [unpushed('A__c')],
    },
  },
}

function versions(count: number) {
  return Array.from({ length: count }, (_, at) => ({
    version: at + 1,
    status: 'Obsolete',
    last_modified_at: null,
  }))
}

const required = { plan: onLead(text('A__c', { required: true })) }
const restricted = { plan: onLead(picklist('P__c', ['A'], { restricted: true })) }
const values = (of: Record<string, number>) => [mapping({ P__c: profile({ values: of }) })]
const blank = { plan: onLeadRule(validation('V', 'ISBLANK(A__c)')) }

export const PUSH_CASES: Cases = {
  push_lacks_required_field: {
    fires: { ...required, mappings: [unpushed('B__c')] },
    not: { ...required, mappings: [unpushed('A__c')] },
  },
  push_leaves_required_empty: {
    fires: { ...required, mappings: [mapping({ A__c: profile({ empty: 3 }) })] },
    also: { yellow: { ...required, mappings: [unpushed('A__c')] } },
    not: { ...required, mappings: [mapping({ A__c: profile({ empty: 0 }) })] },
  },
  push_value_not_in_picklist: {
    fires: { ...restricted, mappings: values({ A: 5, B: 2 }) },
    also: { yellow: { ...restricted, mappings: [unpushed('P__c')] } },
    not: { ...restricted, mappings: values({ A: 5 }) },
  },
  push_value_too_long: {
    fires: {
      plan: onLead(text('A__c', { length: 9 })),
      mappings: [mapping({ A__c: profile({ longest: 10 }) })],
    },
    not: {
      plan: onLead(text('A__c', { length: 10 })),
      mappings: [mapping({ A__c: profile({ longest: 10 }) })],
    },
  },
  push_number_out_of_range: {
    fires: {
      plan: onLead(number('N__c', 5, 2)),
      mappings: [mapping({ N__c: profile({ smallest: -1_000, largest: 2 }) })],
    },
    not: {
      plan: onLead(number('N__c', 5, 2)),
      mappings: [mapping({ N__c: profile({ smallest: -999.99, largest: 2 }) })],
    },
  },
  push_field_becomes_read_only: {
    fires: { plan: onLead(formula('A__c', '"x"')), mappings: [unpushed('A__c')] },
    not: { plan: onLead(formula('A__c', '"x"')), mappings: [unpushed('B__c')] },
  },
  push_type_changes: {
    fires: {
      plan: onLead(number('A__c')),
      describes: lead(described('A__c')),
      mappings: [unpushed('A__c')],
    },
    not: { ...calm, describes: lead(described('A__c')), mappings: [unpushed('A__c')] },
  },
  push_key_lost: {
    fires: { plan: onLead(text('Key__c')), mappings: [unpushed('A__c')] },
    not: { plan: onLead(text('Key__c', { external_id: true })), mappings: [unpushed('A__c')] },
  },
  push_value_must_be_unique: {
    fires: { plan: onLead(text('A__c', { unique: true })), mappings: [unpushed('A__c')] },
    not: {
      plan: onLead(text('A__c', { unique: true })),
      describes: lead(described('A__c', { unique: true })),
      mappings: [unpushed('A__c')],
    },
  },
  push_number_rounded: {
    fires: {
      plan: onLead(number('N__c', 18, 0)),
      describes: lead(described('N__c', { type: 'double', precision: 18, scale: 2 })),
      mappings: [unpushed('N__c')],
    },
    not: {
      plan: onLead(number('N__c', 18, 2)),
      describes: lead(described('N__c', { type: 'double', precision: 18, scale: 2 })),
      mappings: [unpushed('N__c')],
    },
  },
  mapping_target_changed: {
    fires: { ...shortened, mappings: [unpushed('A__c')] },
    not: { ...shortened, mappings: [unpushed('B__c')] },
  },
  push_refused_by_rule: {
    fires: { ...blank, mappings: [mapping({ A__c: profile({ empty: 2 }) })] },
    also: {
      yellow: {
        plan: onLeadRule(validation('V', 'AND(A__c = "x", TRUE)')),
        mappings: [mapping({ A__c: profile() })],
      },
    },
    not: { ...blank, mappings: [mapping({ A__c: profile({ empty: 0 }) })] },
  },
}

const sharing = {
  global_value_sets: [{ api_name: 'Countries', label: 'Countries', values: ['AT'] }],
}
const grouped = { public_groups: [{ api_name: 'Staff', label: 'Staff' }] }
const labelled = { custom_labels: [{ api_name: 'Greeting', value: 'Hello!' }] }
const bundled = {
  permission_set_groups: [{ api_name: 'Sales', label: 'Sales', permission_sets: ['Sell'] }],
}
const tiered = {
  custom_metadata_records: [{ type: 'Tier__mdt', api_name: 'Gold', label: 'Gold' }],
}
const tabbed = { app_tabs: [{ app: 'Desk', tabs: ['Job__c'] }] }
const queued = {
  plan: { queues: [{ api_name: 'Desk', label: 'Desk', objects: ['Lead'] }] },
  describes: lead(described('OwnerId', { type: 'reference', referenceTo: ['Group', 'User'] })),
}
const offeringType = {
  objects: [
    {
      api_name: 'Lead',
      record_types: [{ ...leadType, picklist_values: [{ field: 'Hidden__c', values: ['A'] }] }],
    },
  ],
}
const changed = { plan: onLead(text('A__c', { help_text: 'New' })) }
const jobType = { objects: [job({ record_types: [{ api_name: 'R', label: 'R' }] })] }
const placing = (object: string) => ({
  objects: [job({}, text('A__c')), { api_name: 'Lead', fields: [text('A__c')] }],
  layouts: [{ object, layout: 'Main', section: 'More', fields: ['A__c'] }],
})

export const SAFE_CASES: Cases = {
  object_new: { fires: { plan: newJob() }, not: calm },
  object_unchanged: {
    fires: { plan: newJob(), describes: [describedObject('Job__c')] },
    not: { plan: newJob() },
  },
  field_new: { fires: calm, not: { ...calm, describes: lead(described('A__c')) } },
  field_unchanged: { fires: { ...calm, describes: lead(described('A__c')) }, not: calm },
  field_changed_safely: {
    fires: { ...changed, describes: lead(described('A__c', { inlineHelpText: 'Old' })) },
    not: { ...changed, describes: lead(described('A__c', { inlineHelpText: 'New' })) },
  },
  business_process_new: {
    fires: { ...onLeadProcess, live: { lookUp: async () => ({ exists: false, managed: false }) } },
    not: { ...onLeadProcess, live: { lookUp: async () => ({ exists: true, managed: false }) } },
  },
  record_type_values_added: {
    fires: {
      plan: offeringType,
      describes: typed({ developerName: 'R', name: 'R' }),
      live: { allFields: async () => ['Hidden__c'] },
    },
    not: { plan: onLeadType, describes: typed({ developerName: 'R', name: 'R' }) },
  },
  record_type_new: { fires: { plan: jobType }, not: { plan: onLeadType } },
  record_type_unchanged: {
    fires: { plan: onLeadType, describes: typed({ developerName: 'R', name: 'R' }) },
    not: { plan: jobType },
  },
  validation_rule_new: {
    fires: { plan: onLeadRule(validation('V', 'true')) },
    not: { plan: onLeadRule(validation('V', 'true')), automations: [rule('true')] },
  },
  validation_rule_unchanged: {
    fires: { plan: onLeadRule(validation('V', 'true')), automations: [rule('true')] },
    not: { plan: onLeadRule(validation('V', 'true')) },
  },
  permission_set_merged: {
    fires: calm,
    not: {
      plan: {
        ...calm.plan,
        permissions: { permission_set: null, assign_to_connected_user: false },
      },
    },
  },
  layout_merged: { fires: { plan: placing('Lead') }, not: { plan: placing('Job__c') } },
  layout_new: { fires: { plan: placing('Job__c') }, not: { plan: placing('Lead') } },
  value_set_new: {
    fires: { plan: sharing, live: { lookUp: async () => ({ exists: false, managed: false }) } },
    not: { plan: sharing },
  },
  public_group_new: {
    fires: { plan: grouped, live: { lookUp: async () => ({ exists: false, managed: false }) } },
    not: { plan: grouped },
  },
  queue_new: {
    fires: { ...queued, live: { lookUp: async () => ({ exists: false, managed: false }) } },
    not: queued,
  },
  label_new: {
    fires: { plan: labelled, live: { lookUp: async () => ({ exists: false, managed: false }) } },
    not: { plan: labelled },
  },
  permission_set_group_new: {
    fires: {
      plan: bundled,
      live: { lookUp: async (type) => ({ exists: type === 'PermissionSet', managed: false }) },
    },
    not: { plan: bundled },
  },
  custom_metadata_record_new: {
    fires: {
      plan: tiered,
      live: { lookUp: async (type) => ({ exists: type === 'CustomObject', managed: false }) },
    },
    not: { plan: tiered },
  },
  app_tabs_added: {
    fires: { plan: tabbed, live: { lookUp: async () => ({ exists: true, managed: false }) } },
    not: { plan: tabbed },
  },
  tab_safe: { fires: { plan: { ...newJob(), tabs: ['Job__c'] } }, not: { plan: newJob() } },
  workflow_new: {
    fires: { workflows: [flow()] },
    not: { workflows: [flow()], automations: [there()] },
  },
}
