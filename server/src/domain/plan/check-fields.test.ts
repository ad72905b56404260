import { describe, expect, it } from 'vitest'
import { codes, custom, master, onLead, picklist, summary, text } from './testing/refusals.ts'

const F = 'objects.0.fields.0'

describe('attributes that do not go together', () => {
  it.each<[string, unknown, string[]]>([
    // Attributes of other types
    [
      'a text area with a length',
      onLead({ api_name: 'X__c', label: 'X', type: 'TextArea', length: 100 }),
      [`${F}.length attribute_not_allowed`],
    ],
    [
      'a required checkbox',
      onLead({ api_name: 'X__c', label: 'X', type: 'Checkbox', required: true }),
      [`${F}.required attribute_not_allowed`],
    ],
    [
      'a required master-detail',
      { objects: [custom({}, master('Up__c', { required: true }))] },
      [`${F}.required attribute_not_allowed`],
    ],
    [
      'a master-detail with a delete constraint',
      { objects: [custom({}, master('Up__c', { delete_constraint: 'SetNull' }))] },
      [`${F}.delete_constraint attribute_not_allowed`],
    ],
    [
      'a summary with a precision',
      summary({ operation: 'count', summary_foreign_key: 'Part__c.Up__c', precision: 3 }),
      [`${F}.precision attribute_not_allowed`],
    ],
    [
      'an external id on a currency',
      onLead({ api_name: 'X__c', label: 'X', type: 'Currency', external_id: true }),
      [`${F}.external_id attribute_not_allowed`],
    ],
    [
      'case sensitivity without uniqueness',
      onLead({ ...text('X__c'), case_sensitive: true }),
      [`${F}.case_sensitive attribute_not_allowed`],
    ],
    [
      'more decimals than digits',
      onLead({ api_name: 'X__c', label: 'X', type: 'Number', precision: 3, scale: 4 }),
      [`${F}.scale scale_over_precision`],
    ],
    [
      'a scale on a formula of text',
      onLead({
        api_name: 'X__c',
        label: 'X',
        type: 'Formula',
        result_type: 'Text',
        formula: 'Name',
        scale: 2,
      }),
      [`${F}.scale attribute_not_allowed`],
    ],
    [
      'an automatic number without a place for it',
      onLead({ api_name: 'X__c', label: 'X', type: 'AutoNumber', display_format: 'X-1' }),
      [`${F}.display_format bad_display_format`],
    ],
    [
      'an automatic number of eleven digits',
      onLead({
        api_name: 'X__c',
        label: 'X',
        type: 'AutoNumber',
        display_format: 'X-{00000000000}',
      }),
      [`${F}.display_format bad_display_format`],
    ],
    [
      'an automatic number with something else in braces',
      onLead({ api_name: 'X__c', label: 'X', type: 'AutoNumber', display_format: '{XX}-{0}' }),
      [`${F}.display_format bad_display_format`],
    ],
    [
      'an automatic number with two places for it',
      onLead({ api_name: 'X__c', label: 'X', type: 'AutoNumber', display_format: '{0}-{0}' }),
      [`${F}.display_format bad_display_format`],
    ],
    [
      'a required lookup that is to be cleared',
      onLead({
        api_name: 'X__c',
        label: 'X',
        type: 'Lookup',
        reference_to: 'Account',
        relationship_name: 'Xs',
        required: true,
        delete_constraint: 'SetNull',
      }),
      [`${F}.delete_constraint attributes_conflict`],
    ],

    // Picklists
    ['a picklist without values', picklist({}), [`${F}.values missing`]],
    [
      'own values and a global set',
      picklist({ values: ['A'], global_value_set: 'Stages' }),
      [`${F}.values attributes_conflict`],
    ],
    [
      'an open global set',
      picklist({ global_value_set: 'Stages', restricted: false }),
      [`${F}.restricted attributes_conflict`],
    ],
    ['a value twice', picklist({ values: ['Open', 'OPEN'] }), [`${F}.values.1 duplicate`]],
    [
      'a label twice',
      picklist({ values: ['Open', { value: 'O', label: 'open' }] }),
      [`${F}.values.1 duplicate`],
    ],
    ['a value of no text', picklist({ values: [1] }), [`${F}.values.0 wrong_type`]],
    [
      'a default that is no value',
      picklist({ values: ['A'], default: 'B' }),
      [`${F}.default unknown_value`],
    ],
    [
      'a semicolon in a multi-select value',
      onLead({ api_name: 'X__c', label: 'X', type: 'MultiselectPicklist', values: ['a;b'] }),
      [`${F}.values.0 bad_picklist_value`],
    ],
  ])('refuses %s', (_what, input, expected) => {
    expect(codes(input)).toEqual(expected)
  })
})
