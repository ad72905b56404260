import { describe, expect, it } from 'vitest'
import { codes, custom, faults, master, onLead, summary, text } from './testing/refusals.ts'

const F = 'objects.0.fields.0'

describe('names, objects and what refers to them', () => {
  it.each<[string, unknown, string[]]>([
    // Names
    ['a name without suffix', onLead(text('X')), [`${F}.api_name name_missing_suffix`]],
    [
      'a name of 41 characters',
      onLead(text(`${'x'.repeat(41)}__c`)),
      [`${F}.api_name name_too_long`],
    ],
    ['a name that begins with a digit', onLead(text('1x__c')), [`${F}.api_name name_bad_start`]],
    ['a name with an umlaut', onLead(text('Größe__c')), [`${F}.api_name name_bad_character`]],
    ['two underscores', onLead(text('A__B__c')), [`${F}.api_name name_double_underscore`]],
    ['an underscore at the end', onLead(text('A___c')), [`${F}.api_name name_trailing_underscore`]],
    ['a reserved word', onLead(text('Select__c')), [`${F}.api_name name_reserved`]],
    [
      'an object with two underscores',
      { objects: [{ ...custom(), api_name: 'A__B__c' }] },
      ['objects.0.api_name name_double_underscore'],
    ],
    [
      'a bad record type name',
      { objects: [custom({ record_types: [{ api_name: 'A b', label: 'R' }] })] },
      ['objects.0.record_types.0.api_name name_bad_character'],
    ],
    [
      'a bad rule name',
      {
        objects: [
          custom({
            validation_rules: [
              { api_name: 'r_', error_condition_formula: 'true', error_message: 'no' },
            ],
          }),
        ],
      },
      ['objects.0.validation_rules.0.api_name name_trailing_underscore'],
    ],
    [
      'a bad relationship name',
      { objects: [custom({}, master('Up__c', { relationship_name: 'Ups__r' }))] },
      [`${F}.relationship_name name_double_underscore`],
    ],

    // Activities
    [
      'a field of tasks',
      { objects: [{ api_name: 'Task', fields: [text('A__c')] }] },
      ['objects.0.api_name wrong_object'],
    ],
    [
      'a record type and a rule of tasks',
      {
        objects: [
          {
            api_name: 'Task',
            record_types: [{ api_name: 'Call', label: 'Call' }],
            validation_rules: [
              { api_name: 'R', error_condition_formula: 'true', error_message: 'no' },
            ],
          },
        ],
      },
      [],
    ],
    [
      'a record type of activities',
      { objects: [{ api_name: 'Activity', record_types: [{ api_name: 'Call', label: 'Call' }] }] },
      ['objects.0.api_name wrong_object'],
    ],

    // Duplicates
    [
      'an object twice, in another case',
      { objects: [custom({}, text('A__c')), custom({ api_name: 'PART__C' }, text('B__c'))] },
      ['objects.1.api_name duplicate'],
    ],
    [
      'a field twice, in another case',
      onLead(text('Aa__c'), text('aA__c')),
      ['objects.0.fields.1.api_name duplicate'],
    ],
    [
      'a relationship name twice on one parent',
      {
        objects: [
          custom({}, master('Up__c')),
          { ...custom({}, master('Up__c')), api_name: 'Piece__c' },
        ],
      },
      ['objects.1.fields.0.relationship_name duplicate'],
    ],

    // Objects
    [
      'a custom object without its name field',
      { objects: [{ ...custom(), name_field: undefined }] },
      ['objects.0.name_field missing'],
    ],
    [
      'a label for a standard object',
      { objects: [{ api_name: 'Lead', label: 'Hint', fields: [text('X__c')] }] },
      ['objects.0.label attribute_not_allowed'],
    ],
    [
      'an object with nothing in it',
      { objects: [{ api_name: 'Lead' }] },
      ['objects.0 nothing_to_do'],
    ],
    [
      'a field on Task',
      { objects: [{ api_name: 'Task', fields: [text('X__c')] }] },
      ['objects.0.api_name wrong_object'],
    ],
    [
      'a name field that counts nowhere',
      {
        objects: [custom({ name_field: { label: 'N', type: 'AutoNumber', display_format: 'N' } })],
      },
      ['objects.0.name_field.display_format bad_display_format'],
    ],
    [
      'a record type of Lead without its process',
      { objects: [{ api_name: 'Lead', record_types: [{ api_name: 'R', label: 'R' }] }] },
      ['objects.0.record_types.0.business_process missing'],
    ],
    [
      'a process where there is none',
      {
        objects: [custom({ record_types: [{ api_name: 'R', label: 'R', business_process: 'P' }] })],
      },
      ['objects.0.record_types.0.business_process attribute_not_allowed'],
    ],

    // Masters and roll-ups
    [
      'three master-details',
      { objects: [custom({}, master('A__c'), master('B__c'), master('C__c'))] },
      ['objects.0.fields.2.type too_many_master_details'],
    ],
    [
      'two primary masters',
      {
        objects: [
          custom(
            {},
            master('A__c', { relationship_order: 0 }),
            master('B__c', { relationship_order: 0 }),
          ),
        ],
      },
      ['objects.0.fields.1.relationship_order duplicate'],
    ],
    [
      'a detail with sharing of its own',
      { objects: [custom({ sharing_model: 'ReadWrite' }, master('A__c'))] },
      ['objects.0.sharing_model sharing_model_conflict'],
    ],
    [
      "a parent's sharing without a parent",
      { objects: [custom({ sharing_model: 'ControlledByParent' }, text('A__c'))] },
      ['objects.0.sharing_model sharing_model_conflict'],
    ],
    ['a standard object as detail', onLead(master('A__c')), [`${F}.type attribute_not_allowed`]],
    [
      'an object that is its own master',
      { objects: [custom({}, master('A__c', { reference_to: 'Part__c' }))] },
      [`${F}.reference_to attributes_conflict`],
    ],
    [
      'a roll-up over a lookup',
      summary({ operation: 'count', summary_foreign_key: 'Part__c.L__c' }),
      [`${F}.summary_foreign_key not_a_master_detail`],
    ],
    [
      'a roll-up without its field path',
      summary({ operation: 'count', summary_foreign_key: 'Up__c' }),
      [`${F}.summary_foreign_key bad_field_path`],
    ],
    [
      'a sum of nothing',
      summary({ operation: 'sum', summary_foreign_key: 'Part__c.Up__c' }),
      [`${F}.summarized_field missing`],
    ],
    [
      'a sum of texts',
      summary({
        operation: 'sum',
        summary_foreign_key: 'Part__c.Up__c',
        summarized_field: 'Part__c.T__c',
      }),
      [`${F}.summarized_field wrong_type`],
    ],
    [
      'a count of a field',
      summary({
        operation: 'count',
        summary_foreign_key: 'Part__c.Up__c',
        summarized_field: 'Part__c.T__c',
      }),
      [`${F}.summarized_field attribute_not_allowed`],
    ],
    [
      'a filter on a stranger',
      summary({
        operation: 'count',
        summary_foreign_key: 'Part__c.Up__c',
        filters: [{ field: 'Lead.Name', operation: 'equals', value: 'x' }],
      }),
      [`${F}.filters.0.field bad_field_path`],
    ],

    // Access
    [
      'an assignment without a set',
      { ...onLead(text('X__c')), permissions: { permission_set: null } },
      ['permissions.assign_to_connected_user attributes_conflict'],
    ],
    [
      'a set of a package',
      { ...onLead(text('X__c')), permissions: { permission_set: 'ns__Set' } },
      ['permissions.permission_set managed'],
    ],
    [
      'a set twice',
      { ...onLead(text('X__c')), permissions: { permission_sets: ['sfdc_engine_x'] } },
      ['permissions.permission_sets.0 duplicate'],
    ],
    [
      'a layout of a stranger',
      {
        ...onLead(text('X__c')),
        layouts: [{ object: 'Case', layout: 'L', section: 'S', fields: ['X__c'] }],
      },
      ['layouts.0.object object_not_in_plan'],
    ],
    [
      'a layout with a stranger',
      {
        ...onLead(text('X__c')),
        layouts: [{ object: 'Lead', layout: 'L', section: 'S', fields: ['Y__c'] }],
      },
      ['layouts.0.fields.0 field_not_in_plan'],
    ],
    [
      'a layout with nothing for it',
      { layouts: [{ object: 'Lead', layout: 'L' }] },
      ['layouts.0 missing'],
    ],
    [
      'a layout with fields and no section',
      { ...onLead(text('X__c')), layouts: [{ object: 'Lead', layout: 'L', fields: ['X__c'] }] },
      ['layouts.0.section missing'],
    ],
    [
      'a layout with a button twice, and with a related list in an order of nothing',
      {
        layouts: [
          {
            ...{ object: 'Lead', layout: 'L', buttons: ['Send', 'send'] },
            related_lists: [{ related_list: 'A__c.B__c', fields: ['NAME'], sort_order: 'Asc' }],
          },
        ],
      },
      ['layouts.0.buttons.1 duplicate', 'layouts.0.related_lists.0.sort_order attributes_conflict'],
    ],
    [
      'a tab of a standard object',
      { ...onLead(text('X__c')), tabs: ['Lead'] },
      ['tabs.0 attribute_not_allowed'],
    ],
    [
      'a tab of a stranger',
      { ...onLead(text('X__c')), tabs: ['Y__c'] },
      ['tabs.0 object_not_in_plan'],
    ],
  ])('refuses %s', (_what, input, expected) => {
    expect(codes(input)).toEqual(expected)
  })
})

describe('an object that is not an ordinary one', () => {
  it.each([
    ['Sold__e', 'a platform event'],
    ['Archive__b', 'a big object'],
    ['Rate__mdt', 'a custom metadata type'],
    ['Remote__x', 'an external object'],
  ])('is refused with what it is: %s', (api_name, what) => {
    const refused = faults({ objects: [{ ...custom({}, text('A__c')), api_name }] })
    expect(refused).toEqual([
      expect.objectContaining({
        code: 'not_supported_yet',
        message: expect.stringContaining(`${api_name} is ${what}`) as unknown,
      }),
    ])
  })
})
