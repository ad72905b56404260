// Names, types, relations.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type PlanInput } from '../../plan/schema.ts'
import { type Cases } from './cases.ts'
import {
  described,
  describedLink,
  describedObject,
  describedPicklist,
  formula,
  job,
  lookup,
  master,
  newJob,
  number,
  onLead,
  onLeadRule,
  picklist,
  rollup,
  text,
  validation,
} from './facts.ts'

const lead = (...fields: Parameters<typeof describedObject>[1] & object) => [
  describedObject('Lead', fields),
]
const notes = { api_name: 'Notes__c', label: 'Notes' }
const onActivity = (field: typeof longNotes | typeof shortNotes): PlanInput => ({
  objects: [{ api_name: 'Activity', fields: [field] }],
})
const longNotes = { ...notes, type: 'LongTextArea' as const, length: 999, visible_lines: 3 }
const shortNotes = { ...notes, type: 'TextArea' as const }
const calm = { plan: onLead(text('A__c')) }
const deleted = (objects: string[], fields: string[]) => ({
  deletedNames: async () => ({ objects, fields }),
})
const filled = {
  recordCount: async () => 9,
  filledCount: async () => 7,
  rowsAtStake: async () => 7,
}

export const NAME_CASES: Cases = {
  name_too_long: {
    fires: { plan: onLead(text(`${'x'.repeat(41)}__c`, { label: 'Long' })) },
    not: { plan: onLead(text(`${'x'.repeat(40)}__c`, { label: 'Long' })) },
  },
  name_bad_start: { fires: { plan: onLead(text('1A__c')) }, not: calm },
  name_bad_character: { fires: { plan: onLead(text('Größe__c')) }, not: calm },
  name_double_underscore: {
    fires: { plan: onLead(text('A__B__c')) },
    not: { plan: onLead(text('A_B__c')) },
  },
  name_trailing_underscore: { fires: { plan: onLead(text('A___c')) }, not: calm },
  name_reserved: {
    fires: { plan: onLead(text('Select__c')) },
    not: { plan: onLead(text('Selected__c')) },
  },
  name_missing_suffix: { fires: { plan: onLead(text('A')) }, not: calm },
  duplicate: {
    fires: { plan: onLead(text('A__c'), text('a__c')) },
    not: { plan: onLead(text('A__c'), text('B__c')) },
  },
  formula_field_missing: {
    fires: { plan: onLead(formula('A__c', 'LEFT(Gone__c, 1) & Lost__r.Name')) },
    // What is in a text or a comment, after a dot, in the plan, or hidden from the user.
    not: {
      plan: onLead(
        formula('A__c', '"Gone__c" & /* Gone__c */ $Label.Gone__c & B__c & Hidden__r.Gone__c'),
        text('B__c'),
      ),
      live: { allFields: async () => ['Hidden__c'] },
    },
  },
  validation_rule_field_missing: {
    fires: { plan: onLeadRule(validation('V', 'ISBLANK(Gone__c)')) },
    not: {
      plan: onLeadRule(validation('V', 'ISBLANK(B__c)')),
      describes: lead(described('B__c')),
    },
  },
  formula_function_refused: {
    fires: { plan: onLead(formula('A__c', 'FOO("x", LEFT(Name, 1))')) },
    not: { plan: onLead(formula('A__c', '"FOO(1)" & /* FOO(1) */ left(Name, 1)')) },
  },
  formula_invalid: {
    fires: { plan: onLead(formula('A__c', 'LEFT(Name)')) },
    not: { plan: onLead(formula('A__c', 'LEFT(Name, 1)')) },
  },
  formula_circular: {
    fires: { plan: onLead(formula('A__c', 'B__c'), formula('B__c', 'Name & A__c')) },
    not: { plan: onLead(formula('A__c', 'B__c & B__c'), formula('B__c', 'Name')) },
  },
  default_formula_refused: {
    fires: { plan: onLead(text('A__c', { default_formula: 'LEFT(Name, 1)' })) },
    not: { plan: onLead(text('A__c', { default_formula: 'TEXT(TODAY())' })) },
  },
  validation_rule_formula_invalid: {
    fires: { plan: onLeadRule(validation('V', 'LEN(Name)')) },
    not: { plan: onLeadRule(validation('V', 'LEN(Name) > 3')) },
  },
  validation_rule_function_refused: {
    fires: { plan: onLeadRule(validation('V', 'ISEMPTY(Name)')) },
    not: { plan: onLeadRule(validation('V', 'AND(ISNEW(), ISBLANK(Name), REGEX(Name, "x"))')) },
  },
  field_object_missing: { fires: { ...calm, describes: [] }, not: calm },
  record_type_object_missing: {
    fires: {
      plan: { objects: [{ api_name: 'Gone__c', record_types: [{ api_name: 'R', label: 'R' }] }] },
    },
    not: { plan: { objects: [job({ record_types: [{ api_name: 'R', label: 'R' }] })] } },
  },
  validation_rule_object_missing: {
    fires: { plan: onLeadRule(validation('V', 'true')), describes: [] },
    not: { plan: onLeadRule(validation('V', 'true')) },
  },
  object_label_too_long: {
    fires: {
      plan: newJob(),
      bend: (plan) => ({
        ...plan,
        objects: plan.objects.map((one) => ({ ...one, label: 'x'.repeat(41) })),
      }),
    },
    not: { plan: { objects: [job({ label: 'x'.repeat(40) })] } },
  },
  field_label_too_long: {
    fires: {
      ...calm,
      bend: (plan) => ({
        ...plan,
        objects: plan.objects.map((one) => ({
          ...one,
          fields: one.fields.map((field) => ({ ...field, label: 'x'.repeat(41) })),
        })),
      }),
    },
    not: { plan: onLead(text('A__c', { label: 'x'.repeat(40) })) },
  },
  object_name_differs_in_case: {
    fires: { plan: newJob(), describes: [describedObject('JOB__c')] },
    not: { plan: newJob(), describes: [describedObject('Job__c')] },
  },
  field_name_differs_in_case: {
    fires: { ...calm, describes: lead(described('a__c')) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  object_name_deleted: {
    fires: { plan: newJob(), live: deleted(['job__c'], []) },
    not: { plan: newJob(), live: deleted(['Other__c'], []) },
  },
  field_name_deleted: {
    fires: { ...calm, live: deleted([], ['Lead.a__c']) },
    not: { ...calm, live: deleted([], ['Account.A__c']) },
  },
  object_label_taken: {
    fires: { plan: newJob(), describes: [describedObject('Task__c', [], { label: 'JOB' })] },
    not: { plan: newJob(), describes: [describedObject('Task__c')] },
  },
  field_label_taken: {
    fires: { ...calm, describes: lead(described('B__c', { label: 'a' })) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  relationship_name_taken: {
    fires: {
      plan: newJob(lookup('Lead__c', 'Lead')),
      describes: [
        describedObject('Lead', [], {
          childRelationships: [
            { childSObject: 'Old__c', field: 'L__c', relationshipName: 'Leads__r' },
          ],
        }),
      ],
    },
    not: {
      plan: newJob(lookup('Lead__c', 'Lead')),
      describes: [
        describedObject('Lead', [], {
          childRelationships: [
            { childSObject: 'Job__c', field: 'Lead__c', relationshipName: 'Leads__r' },
          ],
        }),
      ],
    },
  },
  name_ambiguous: { fires: { plan: onLead(text('Order__c')) }, not: calm },
  object_name_taken: {
    fires: { plan: newJob(), describes: [describedObject('Job__c', [], { customSetting: true })] },
    not: { plan: newJob(), describes: [describedObject('Job__c')] },
  },
  object_missing: { fires: { ...calm, describes: [] }, not: { plan: newJob(), describes: [] } },
}

const dependent = (by: string, ...values: string[]) =>
  onLead(
    picklist('P__c', ['A'], {
      controlling_field: by,
      value_settings: [{ value: 'A', controlling_values: values }],
    }),
  )
const control = (values: string[], more: JsonObject = {}) => describedPicklist('C__c', values, more)
/** `P__c` as it is, with `A` for the first value of `C__c`. */
const depending = (more: JsonObject = {}) =>
  describedPicklist('P__c', [], {
    controllerName: 'C__c',
    picklistValues: [{ active: true, label: 'A', value: 'A', validFor: 'gAAA' }],
    ...more,
  })

const offering = (field: string, ...values: string[]) => ({
  objects: [
    {
      api_name: 'Lead',
      record_types: [
        {
          api_name: 'R',
          label: 'R',
          business_process: 'Main',
          picklist_values: [{ field, values }],
        },
      ],
    },
  ],
})
const withRecordType = (developerName: string) => [
  describedObject('Lead', [], {
    recordTypeInfos: [
      { developerName: 'Master', master: true, active: true },
      { developerName, name: developerName, master: false, active: true },
    ],
  }),
]

export const TYPE_CASES: Cases = {
  attribute_not_allowed: {
    fires: { plan: onLead(text('A__c', { case_sensitive: true })) },
    not: { plan: onLead(text('A__c', { case_sensitive: true, unique: true })) },
  },
  attributes_conflict: {
    fires: {
      plan: onLead(lookup('L__c', 'Account', { required: true, delete_constraint: 'SetNull' })),
    },
    not: {
      plan: onLead(lookup('L__c', 'Account', { required: true, delete_constraint: 'Restrict' })),
    },
  },
  scale_over_precision: {
    fires: { plan: onLead(number('N__c', 2, 3)) },
    not: { plan: onLead(number('N__c', 3, 3)) },
  },
  bad_display_format: {
    fires: {
      plan: onLead({ api_name: 'C__c', label: 'C', type: 'AutoNumber', display_format: 'X' }),
    },
    not: {
      plan: onLead({ api_name: 'C__c', label: 'C', type: 'AutoNumber', display_format: 'X{0}' }),
    },
  },
  not_supported_yet: {
    fires: { plan: onLead(lookup('L__c', 'Thing__x')) },
    not: { plan: onLead(lookup('L__c', 'Account')) },
  },
  plan_invalid: {
    fires: { plan: onLead(rollup('S__c', 'NoPath')) },
    not: { plan: onLead(text('S__c')) },
  },
  field_type_not_available: {
    fires: { plan: onActivity(longNotes) },
    not: { plan: onActivity(shortNotes) },
  },
  type_change_refused: {
    fires: { ...calm, describes: lead(describedLink('A__c', 'Account')) },
    not: { ...calm, describes: lead(described('A__c', { type: 'email' })) },
  },
  type_change_loses_data: {
    fires: {
      plan: onLead(number('A__c')),
      describes: lead(described('A__c')),
      live: filled,
    },
    not: { plan: onLead(number('A__c')), describes: lead(described('A__c')) },
  },
  type_change: {
    fires: { ...calm, describes: lead(described('A__c', { type: 'email', length: 80 })) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  formula_ordinary_change: {
    fires: { plan: onLead(formula('A__c', '"x"')), describes: lead(described('A__c')) },
    not: {
      plan: onLead(formula('A__c', '"x"')),
      describes: lead(described('A__c', { calculated: true, calculatedFormula: '"x"' })),
    },
  },
  formula_result_change: {
    fires: {
      plan: onLead(formula('A__c', '1', 'Number')),
      describes: lead(described('A__c', { calculated: true, calculatedFormula: '1' })),
    },
    not: {
      plan: onLead(formula('A__c', '1')),
      describes: lead(described('A__c', { calculated: true, calculatedFormula: '1' })),
    },
  },
  formula_replaced: {
    fires: {
      plan: onLead(formula('A__c', '"y"')),
      describes: lead(described('A__c', { calculated: true, calculatedFormula: '"x"' })),
    },
    not: {
      plan: onLead(formula('A__c', '"x"')),
      describes: lead(described('A__c', { calculated: true, calculatedFormula: ' "x" ' })),
    },
  },
  length_shortened: {
    fires: {
      plan: onLead(text('A__c', { length: 50 })),
      describes: lead(described('A__c')),
      live: filled,
    },
    not: {
      plan: onLead(text('A__c', { length: 255 })),
      describes: lead(described('A__c', { length: 50 })),
      live: filled,
    },
  },
  precision_lowered: {
    fires: {
      plan: onLead(number('A__c', 8, 2)),
      describes: lead(described('A__c', { type: 'double', precision: 10, scale: 2 })),
      live: filled,
    },
    not: {
      plan: onLead(number('A__c', 10, 2)),
      describes: lead(described('A__c', { type: 'double', precision: 8, scale: 2 })),
      live: filled,
    },
  },
  controlling_field_missing: {
    fires: { plan: dependent('C__c', 'X') },
    // Or the user just does not see it.
    not: { plan: dependent('C__c', 'X'), live: { allFields: async () => ['C__c'] } },
  },
  controlling_field_refused: {
    fires: { plan: dependent('C__c', 'X'), describes: lead(described('C__c')) },
    not: { plan: dependent('C__c', 'X'), describes: lead(control(['X'])) },
  },
  controlling_field_changed: {
    fires: {
      plan: dependent('D__c', 'X'),
      describes: lead(depending(), describedPicklist('D__c', ['X'])),
    },
    not: { plan: dependent('C__c', 'X'), describes: lead(depending(), control(['X'])) },
  },
  controlling_value_missing: {
    fires: { plan: dependent('C__c', 'Y'), describes: lead(control(['X'])) },
    not: {
      plan: dependent('C__c', 'checked'),
      describes: lead(described('C__c', { type: 'boolean' })),
    },
  },
  picklist_made_dependent: {
    fires: {
      plan: dependent('C__c', 'X'),
      describes: lead(describedPicklist('P__c', ['A']), control(['X'])),
    },
    not: { plan: dependent('C__c', 'X'), describes: lead(depending(), control(['X'])) },
  },
  dependent_value_unreachable: {
    fires: {
      plan: onLead(
        picklist('P__c', ['A', 'B'], {
          controlling_field: 'C__c',
          value_settings: [{ value: 'A', controlling_values: ['X'] }],
        }),
      ),
      describes: lead(control(['X'])),
    },
    not: {
      plan: onLead(
        picklist('P__c', ['A', 'B'], {
          controlling_field: 'C__c',
          value_settings: [{ value: 'B', controlling_values: ['X'] }],
        }),
      ),
      describes: lead(depending(), control(['X'])),
    },
  },
  record_type_picklist_missing: {
    fires: { plan: offering('Gone__c', 'A') },
    // Or the user just does not see it, or the plan adds it.
    not: {
      plan: offering('Hidden__c', 'A'),
      live: { allFields: async () => ['Hidden__c'] },
    },
  },
  record_type_picklist_refused: {
    fires: { plan: offering('A__c', 'A'), describes: lead(described('A__c')) },
    not: { plan: offering('P__c', 'A'), describes: lead(describedPicklist('P__c', ['A'])) },
  },
  record_type_value_missing: {
    fires: { plan: offering('P__c', 'B'), describes: lead(describedPicklist('P__c', ['A'])) },
    not: { plan: offering('P__c', 'a'), describes: lead(describedPicklist('P__c', ['A'])) },
  },
  picklist_not_on_record_types: {
    fires: { plan: onLead(picklist('P__c', ['A'])), describes: withRecordType('R') },
    not: {
      plan: {
        objects: [
          {
            ...offering('P__c', 'A').objects[0],
            api_name: 'Lead',
            fields: [picklist('P__c', ['A'])],
          },
        ],
      },
      describes: withRecordType('R'),
    },
  },
  picklist_values_removed: {
    fires: {
      plan: onLead(picklist('P__c', ['A'])),
      describes: lead(describedPicklist('P__c', ['A', 'B'])),
      live: { valueCounts: async () => new Map([['B', 3]]) },
    },
    also: {
      green: {
        plan: onLead(picklist('P__c', ['A'])),
        describes: lead(describedPicklist('P__c', ['A', 'B'])),
      },
    },
    not: {
      plan: onLead(picklist('P__c', ['A', 'B', 'C'])),
      describes: lead(describedPicklist('P__c', ['A', 'B'])),
      live: { valueCounts: async () => new Map([['B', 3]]) },
    },
  },
  picklist_restricted_over_values: {
    fires: {
      plan: onLead(picklist('P__c', ['A'], { restricted: true })),
      describes: lead(describedPicklist('P__c', ['A'])),
      live: { valueCounts: async () => new Map([['Odd', 3]]) },
    },
    also: {
      yellow: {
        plan: onLead(picklist('P__c', ['A'], { restricted: true })),
        describes: lead(describedPicklist('P__c', ['A'])),
        live: { valueCounts: async () => null },
      },
    },
    not: {
      plan: onLead(picklist('P__c', ['A'], { restricted: true })),
      describes: lead(describedPicklist('P__c', ['A'])),
      live: { valueCounts: async () => new Map([['A', 3]]) },
    },
  },
  unique_over_duplicates: {
    fires: {
      plan: onLead(text('A__c', { unique: true })),
      describes: lead(described('A__c')),
      live: { duplicatesOf: async () => 2 },
    },
    also: {
      yellow: {
        plan: onLead(text('A__c', { unique: true })),
        describes: lead(described('A__c')),
        live: { duplicatesOf: async () => null },
      },
    },
    not: {
      plan: onLead(text('A__c', { unique: true })),
      describes: lead(described('A__c', { unique: true })),
      live: { duplicatesOf: async () => 2 },
    },
  },
  external_id_over_duplicates: {
    fires: {
      plan: onLead(text('A__c', { external_id: true })),
      describes: lead(described('A__c')),
      live: { duplicatesOf: async () => 1 },
    },
    not: { plan: onLead(text('A__c', { external_id: true })), describes: lead(described('A__c')) },
  },
  external_id_lost: {
    fires: { ...calm, describes: lead(described('A__c', { externalId: true })) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  unique_lost: {
    fires: { ...calm, describes: lead(described('A__c', { unique: true })) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  required_over_empty_rows: {
    fires: {
      plan: onLead(text('A__c', { required: true })),
      describes: lead(described('A__c')),
      live: filled,
    },
    not: {
      plan: onLead(text('A__c', { required: true })),
      describes: lead(described('A__c')),
      live: { recordCount: async () => 7, filledCount: async () => 7 },
    },
  },
  required_dropped: {
    fires: { ...calm, describes: lead(described('A__c', { nillable: false })) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  auto_number_counts_on: {
    fires: {
      plan: onLead({
        api_name: 'C__c',
        label: 'C',
        type: 'AutoNumber',
        display_format: '{0}',
        starting_number: 1,
      }),
      describes: lead(described('C__c', { autoNumber: true })),
    },
    not: {
      plan: onLead({ api_name: 'C__c', label: 'C', type: 'AutoNumber', display_format: '{0}' }),
      describes: lead(described('C__c', { autoNumber: true })),
    },
  },
  field_label_changed: {
    fires: { ...calm, describes: lead(described('A__c', { label: 'Other' })) },
    not: { ...calm, describes: lead(described('A__c')) },
  },
  object_settings_changed: {
    fires: { plan: newJob(), describes: [describedObject('Job__c', [], { label: 'Vacancy' })] },
    not: { plan: newJob(), describes: [describedObject('Job__c')] },
  },
}

const child = (link: object) => [
  describedObject('Lead'),
  describedObject('Line__c', [
    describedLink('Lead__c', 'Lead', { ...link }),
    described('Sum__c'),
    described('Own__c', { type: 'double', calculated: true, calculatedFormula: 'LEN(Sum__c)' }),
    described('Now__c', { type: 'double', calculated: true, calculatedFormula: 'YEAR(TODAY())' }),
  ]),
]
/** Objects of which each is a detail of the next. */
const chain = (...names: string[]) =>
  names.map((name, at) =>
    describedObject(name, [
      describedLink('Up__c', names[at + 1] ?? 'Account', { relationshipOrder: 0 }),
    ]),
  )
const manyLinks = Array.from({ length: 39 }, (_, index) => describedLink(`L${index}__c`, 'Account'))

export const RELATION_CASES: Cases = {
  too_many_master_details: {
    fires: {
      plan: newJob(master('A__c', 'Account'), master('B__c', 'Account'), master('C__c', 'Account')),
    },
    not: { plan: newJob(master('A__c', 'Account'), master('B__c', 'Account')) },
  },
  too_many_relationships: {
    fires: {
      plan: onLead(...Array.from({ length: 41 }, (_, at) => lookup(`L${at}__c`, 'Account'))),
    },
    not: { plan: onLead(lookup('L__c', 'Account')) },
  },
  sharing_model_conflict: {
    fires: {
      plan: { objects: [job({ sharing_model: 'Private' }, master('A__c', 'Account'))] },
    },
    not: {
      plan: { objects: [job({ sharing_model: 'ControlledByParent' }, master('A__c', 'Account'))] },
    },
  },
  not_a_master_detail: {
    fires: {
      plan: {
        objects: [
          { api_name: 'Lead', fields: [rollup('S__c', 'Job__c.Lead__c')] },
          job({}, lookup('Lead__c', 'Lead')),
        ],
      },
    },
    not: {
      plan: {
        objects: [
          { api_name: 'Lead', fields: [rollup('S__c', 'Job__c.Lead__c')] },
          job({}, master('Lead__c', 'Lead')),
        ],
      },
    },
  },
  reference_missing: {
    fires: { plan: onLead(lookup('L__c', 'Nowhere__c')) },
    not: {
      plan: {
        objects: [{ api_name: 'Lead', fields: [lookup('L__c', 'Job__c')] }, job()],
      },
    },
  },
  reference_changed: {
    fires: {
      plan: onLead(lookup('L__c', 'Account')),
      describes: lead(describedLink('L__c', 'Contact')),
    },
    not: {
      plan: onLead(lookup('L__c', 'Account')),
      describes: lead(describedLink('L__c', 'Account')),
    },
  },
  master_details_over_limit: {
    fires: {
      plan: newJob(master('A__c', 'Account'), master('B__c', 'Account')),
      describes: [
        describedObject('Job__c', [describedLink('Old__c', 'Account', { relationshipOrder: 0 })]),
      ],
    },
    not: {
      plan: newJob(master('A__c', 'Account')),
      describes: [
        describedObject('Job__c', [describedLink('Old__c', 'Account', { relationshipOrder: 0 })]),
      ],
    },
  },
  relationships_over_limit: {
    fires: {
      plan: onLead(lookup('A__c', 'Account'), lookup('B__c', 'Account')),
      describes: lead(...manyLinks),
    },
    not: { plan: onLead(lookup('A__c', 'Account')), describes: lead(...manyLinks) },
  },
  master_detail_over_rows: {
    fires: {
      plan: newJob(master('A__c', 'Account')),
      describes: [describedObject('Job__c')],
      live: filled,
    },
    not: { plan: newJob(master('A__c', 'Account')), describes: [describedObject('Job__c')] },
  },
  lookup_to_master_detail_with_gaps: {
    fires: {
      plan: newJob(master('A__c', 'Account')),
      describes: [describedObject('Job__c', [describedLink('A__c', 'Account')])],
      live: filled,
    },
    also: {
      yellow: {
        plan: newJob(master('A__c', 'Account')),
        describes: [describedObject('Job__c', [describedLink('A__c', 'Account')])],
        live: { recordCount: async () => null },
      },
    },
    not: {
      plan: newJob(master('A__c', 'Account')),
      describes: [describedObject('Job__c', [describedLink('A__c', 'Account')])],
      live: { recordCount: async () => 7, filledCount: async () => 7 },
    },
  },
  master_detail_to_lookup_under_rollup: {
    fires: {
      plan: newJob(lookup('Lead__c', 'Lead')),
      describes: [
        describedObject('Job__c', [describedLink('Lead__c', 'Lead', { relationshipOrder: 0 })]),
        describedObject('Lead', [described('Jobs__c', { type: 'double', calculated: true })]),
      ],
    },
    not: {
      plan: newJob(lookup('Lead__c', 'Lead')),
      describes: [
        describedObject('Job__c', [describedLink('Lead__c', 'Lead', { relationshipOrder: 0 })]),
        describedObject('Lead'),
      ],
    },
  },
  sharing_becomes_parents: {
    fires: {
      plan: newJob(master('A__c', 'Account')),
      describes: [describedObject('Job__c')],
    },
    not: { plan: newJob(master('A__c', 'Account')), describes: [] },
  },
  rollup_over_lookup: {
    fires: { plan: onLead(rollup('S__c', 'Line__c.Lead__c')), describes: child({}) },
    not: {
      plan: onLead(rollup('S__c', 'Line__c.Lead__c')),
      describes: child({ relationshipOrder: 0 }),
    },
  },
  rollup_field_missing: {
    fires: {
      plan: onLead(rollup('S__c', 'Line__c.Lead__c', 'Line__c.Gone__c')),
      describes: child({ relationshipOrder: 0 }),
    },
    not: {
      plan: onLead(rollup('S__c', 'Line__c.Lead__c', 'Line__c.Sum__c')),
      describes: child({ relationshipOrder: 0 }),
    },
  },
  cascade_delete: {
    fires: { plan: newJob(lookup('L__c', 'Lead', { delete_constraint: 'Cascade' })) },
    not: { plan: newJob(lookup('L__c', 'Lead', { delete_constraint: 'Restrict' })) },
  },
  cascade_delete_not_allowed: {
    fires: { plan: onLead(lookup('L__c', 'Account', { delete_constraint: 'Cascade' })) },
    not: { plan: newJob(lookup('L__c', 'Account', { delete_constraint: 'Cascade' })) },
  },
  reference_not_allowed: {
    fires: { plan: newJob(master('M__c', 'User')) },
    not: { plan: newJob(lookup('L__c', 'User')) },
    also: {
      yellow: {
        plan: newJob(lookup('L__c', 'RecordType')),
        objectNames: ['RecordType'],
        live: { lookUp: async () => ({ exists: true, managed: false, customizable: false }) },
      },
    },
  },
  master_detail_circular: {
    fires: {
      plan: newJob(master('M__c', 'Part__c')),
      describes: [
        describedObject('Part__c', [describedLink('Job__c', 'Job__c', { relationshipOrder: 0 })]),
      ],
    },
    not: {
      // The plan makes a lookup of the other one.
      plan: {
        objects: [
          job({}, master('M__c', 'Part__c')),
          { api_name: 'Part__c', fields: [lookup('Job__c', 'Job__c')] },
        ],
      },
      describes: [
        describedObject('Part__c', [describedLink('Job__c', 'Job__c', { relationshipOrder: 0 })]),
      ],
    },
  },
  master_details_too_deep: {
    fires: { plan: newJob(master('M__c', 'C__c')), describes: chain('C__c', 'B__c', 'A__c') },
    not: { plan: newJob(master('M__c', 'B__c')), describes: chain('B__c', 'A__c') },
  },
  rollup_field_refused: {
    fires: {
      plan: onLead(rollup('S__c', 'Line__c.Lead__c', 'Line__c.Now__c')),
      describes: child({ relationshipOrder: 0 }),
    },
    not: {
      plan: onLead(rollup('S__c', 'Line__c.Lead__c', 'Line__c.Own__c')),
      describes: child({ relationshipOrder: 0 }),
    },
  },
}
