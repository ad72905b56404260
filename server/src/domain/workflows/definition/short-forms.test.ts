import { describe, expect, it } from 'vitest'
import { parseWorkflows } from './parse.ts'

type Definition = Record<string, unknown>

const definitionOf = (type: string, apiName: string, definition: Definition): Definition =>
  parseWorkflows([{ type, api_name: apiName, definition }])[0]?.definition ?? {}

const flow = (more: Definition): Definition =>
  definitionOf('flow', 'My_Flow', {
    form: 'record_triggered',
    label: 'My flow',
    object: 'Lead',
    on: 'create_or_update',
    ...more,
  })
const update = { type: 'update_fields', fields: { Rating: 'Hot' } }
const create = { type: 'create_record', object: 'Task', fields: { Subject: 'Call' } }

const BUILDER = [
  { name: 'BuilderType', value: { stringValue: 'LightningFlowBuilder' } },
  { name: 'CanvasMode', value: { stringValue: 'AUTO_LAYOUT_CANVAS' } },
  { name: 'OriginBuilderType', value: { stringValue: 'LightningFlowBuilder' } },
]
const place = (y: number) => ({ locationX: '176', locationY: String(y) })

describe('a flow in short', () => {
  it('that sets fields of the record itself runs before the save', () => {
    expect(
      flow({
        description: 'Marks big ones',
        criteria: [
          { field: 'AnnualRevenue', operator: 'greater_or_equal', value: 1_000_000 },
          { field: 'LeadSource', operator: 'equals', value: 'Web' },
        ],
        only_when_changed: true,
        order: 20,
        action: update,
      }),
    ).toEqual({
      description: 'Marks big ones',
      environments: 'Default',
      interviewLabel: 'My flow {!$Flow.CurrentDateTime}',
      label: 'My flow',
      processMetadataValues: BUILDER,
      processType: 'AutoLaunchedFlow',
      recordUpdates: {
        name: 'Update_Fields',
        label: 'Update Fields',
        ...place(287),
        inputAssignments: { field: 'Rating', value: { stringValue: 'Hot' } },
        inputReference: '$Record',
      },
      start: {
        locationX: '50',
        locationY: '0',
        connector: { targetReference: 'Update_Fields' },
        doesRequireRecordChangedToMeetCriteria: 'true',
        filterLogic: 'and',
        filters: [
          {
            field: 'AnnualRevenue',
            operator: 'GreaterThanOrEqualTo',
            value: { numberValue: '1000000' },
          },
          { field: 'LeadSource', operator: 'EqualTo', value: { stringValue: 'Web' } },
        ],
        object: 'Lead',
        recordTriggerType: 'CreateAndUpdate',
        triggerType: 'RecordBeforeSave',
      },
      triggerOrder: '20',
    })
  })

  it('that makes a record runs after the save, with every kind of value', () => {
    const definition = flow({
      on: 'create',
      action: {
        type: 'create_record',
        object: 'Task',
        fields: {
          Subject: 'Call',
          WhoId: { reference: '$Record.Id' },
          IsReminderSet: false,
          ActivityDate: { formula: 'TODAY() + 1', result_type: 'Date' },
          ReminderDateTime: { date_time: '2026-12-01T10:00:00+02:00' },
          Due__c: { date: '2026-12-01' },
          Score__c: { formula: '{!$Record.AnnualRevenue} / 3', result_type: 'Number' },
          Share__c: { formula: '{!$Record.X__c}', result_type: 'Currency', scale: 4 },
          Weight__c: 2.5,
          Description: null,
        },
      },
    })
    expect(definition.recordCreates).toEqual({
      name: 'Create_Record',
      label: 'Create Record',
      ...place(287),
      inputAssignments: [
        { field: 'Subject', value: { stringValue: 'Call' } },
        { field: 'WhoId', value: { elementReference: '$Record.Id' } },
        { field: 'IsReminderSet', value: { booleanValue: 'false' } },
        { field: 'ActivityDate', value: { elementReference: 'Formula_1' } },
        { field: 'ReminderDateTime', value: { dateTimeValue: '2026-12-01T08:00:00.000Z' } },
        { field: 'Due__c', value: { dateValue: '2026-12-01' } },
        { field: 'Score__c', value: { elementReference: 'Formula_2' } },
        { field: 'Share__c', value: { elementReference: 'Formula_3' } },
        { field: 'Weight__c', value: { numberValue: '2.5' } },
        { field: 'Description' },
      ],
      object: 'Task',
      storeOutputAutomatically: 'true',
    })
    expect(definition.formulas).toEqual([
      { name: 'Formula_1', dataType: 'Date', expression: 'TODAY() + 1' },
      {
        name: 'Formula_2',
        dataType: 'Number',
        expression: '{!$Record.AnnualRevenue} / 3',
        scale: '2',
      },
      { name: 'Formula_3', dataType: 'Currency', expression: '{!$Record.X__c}', scale: '4' },
    ])
    expect(definition.start).toEqual({
      locationX: '50',
      locationY: '0',
      connector: { targetReference: 'Create_Record' },
      object: 'Lead',
      recordTriggerType: 'Create',
      triggerType: 'RecordAfterSave',
    })
  })

  it('that sends an e-mail alert hands it the record', () => {
    const definition = flow({
      on: 'update',
      action: { type: 'send_email_alert', email_alert: 'Lead.New_Lead' },
    })
    expect(definition.actionCalls).toEqual({
      name: 'Send_Email_Alert',
      label: 'Send Email Alert',
      ...place(287),
      actionName: 'Lead.New_Lead',
      actionType: 'emailAlert',
      flowTransactionModel: 'CurrentTransaction',
      inputParameters: { name: 'SObjectRowId', value: { elementReference: '$Record.Id' } },
    })
    expect(definition.start).toMatchObject({
      recordTriggerType: 'Update',
      triggerType: 'RecordAfterSave',
    })
  })

  it('that sends a plain e-mail names receivers, subject and body', () => {
    const mail = { type: 'send_email', subject: 'New: {!$Record.Name}', body: 'Look.' }
    const inputs = (to: unknown) =>
      (flow({ action: { ...mail, to } }).actionCalls as Definition).inputParameters
    expect(inputs(['a@agency.example', 'b@agency.example'])).toEqual([
      { name: 'emailAddresses', value: { stringValue: 'a@agency.example,b@agency.example' } },
      { name: 'emailSubject', value: { stringValue: 'New: {!$Record.Name}' } },
      { name: 'emailBody', value: { stringValue: 'Look.' } },
    ])
    expect(inputs({ reference: '$Record.Email' })).toContainEqual({
      name: 'emailAddresses',
      value: { elementReference: '$Record.Email' },
    })
  })

  it('that sets fields of other records finds them by criteria', () => {
    expect(
      flow({
        action: {
          type: 'update_records',
          object: 'Contact',
          criteria: [
            { field: 'Email', operator: 'equals', value: { reference: '$Record.Email' } },
            { field: 'Email', operator: 'is_null', value: false },
          ],
          fields: { Rating__c: 'Hot' },
        },
      }).recordUpdates,
    ).toEqual({
      name: 'Update_Records',
      label: 'Update Records',
      ...place(287),
      filterLogic: 'and',
      filters: [
        { field: 'Email', operator: 'EqualTo', value: { elementReference: '$Record.Email' } },
        { field: 'Email', operator: 'IsNull', value: { booleanValue: 'false' } },
      ],
      inputAssignments: { field: 'Rating__c', value: { stringValue: 'Hot' } },
      object: 'Contact',
    })
  })

  it('with several actions does one after the other, each under a name of its own', () => {
    const alert = { type: 'send_email_alert', email_alert: 'Lead.New_Lead' }
    const definition = flow({ actions: [create, alert, create] })
    expect(definition.start).toMatchObject({ connector: { targetReference: 'Create_Record' } })
    expect(definition.recordCreates).toMatchObject([
      {
        name: 'Create_Record',
        ...place(287),
        connector: { targetReference: 'Send_Email_Alert' },
      },
      { name: 'Create_Record_2', label: 'Create Record 2', ...place(527) },
    ])
    expect(definition.actionCalls).toMatchObject({
      ...place(407),
      connector: { targetReference: 'Create_Record_2' },
    })
    expect((definition.recordCreates as Definition[])[1]).not.toHaveProperty('connector')
  })

  it('starts by a formula as well, and before a delete', () => {
    expect(flow({ formula: '{!$Record.Rating} = "Hot"', action: update }).start).toMatchObject({
      filterFormula: '{!$Record.Rating} = "Hot"',
    })
    expect(flow({ on: 'delete', action: create }).start).toMatchObject({
      recordTriggerType: 'Delete',
      triggerType: 'RecordBeforeDelete',
    })
  })

  it('takes every operator to the one of Salesforce', () => {
    const operators = {
      equals: 'EqualTo',
      not_equals: 'NotEqualTo',
      greater_than: 'GreaterThan',
      greater_or_equal: 'GreaterThanOrEqualTo',
      less_than: 'LessThan',
      less_or_equal: 'LessThanOrEqualTo',
      contains: 'Contains',
      starts_with: 'StartsWith',
      ends_with: 'EndsWith',
      is_null: 'IsNull',
      is_changed: 'IsChanged',
    }
    const criteria = Object.keys(operators).map((operator) => ({
      field: 'X__c',
      operator,
      value: true,
    }))
    const start = flow({ criteria, action: update }).start as { filters: Definition[] }
    expect(start.filters.map(({ operator }) => operator)).toEqual(Object.values(operators))
  })

  it.each([
    ['and', 2, 'and'],
    ['OR', 2, 'or'],
    ['or', 1, 'and'],
    ['1 and(2 or not 3)', 3, '1 AND (2 OR NOT 3)'],
    ['(01 OR 2) AND 3', 3, '(1 OR 2) AND 3'],
  ])('joins its criteria by the logic %s', (logic, count, filterLogic) => {
    const criteria = Array.from({ length: count }, () => ({
      field: 'X__c',
      operator: 'equals',
      value: 'a',
    }))
    expect(flow({ criteria, logic, action: update }).start).toMatchObject({ filterLogic })
  })
})

describe('a rule in short', () => {
  it('assigns by criteria, by a formula, or always', () => {
    expect(
      definitionOf('assignment_rule', 'lead.Inbound', {
        form: 'assignment',
        entries: [
          {
            criteria: [
              { field: 'LeadSource', operator: 'equals', value: ['Web', 'Smith, Inc'] },
              { field: 'Account.Type', operator: 'not_contains', value: 'Old' },
              { field: 'Amount__c', operator: 'less_than', value: 5 },
            ],
            logic: 'or',
            assign_to: { queue: 'Inbound_Leads' },
            email_template: 'Sales/New_Lead',
          },
          { formula: 'ISBLANK(Email)', assign_to: { user: 'ann@agency.example' } },
          { assign_to: { queue: 'Rest' } },
        ],
      }),
    ).toEqual({
      ruleEntry: [
        {
          assignedTo: 'Inbound_Leads',
          assignedToType: 'Queue',
          booleanFilter: '1 OR 2 OR 3',
          criteriaItems: [
            { field: 'Lead.LeadSource', operation: 'equals', value: 'Web,"Smith, Inc"' },
            { field: 'Account.Type', operation: 'notContain', value: 'Old' },
            { field: 'Lead.Amount__c', operation: 'lessThan', value: '5' },
          ],
          template: 'Sales/New_Lead',
        },
        { assignedTo: 'ann@agency.example', assignedToType: 'User', formula: 'ISBLANK(Email)' },
        { assignedTo: 'Rest', assignedToType: 'Queue' },
      ],
    })
  })

  it('validates by a formula, its message at a field or at the top', () => {
    const short = { form: 'validation', condition: 'ISBLANK(Phone)', message: 'A phone, please' }
    const rule = (more: Definition = {}) =>
      definitionOf('validation_rule', 'Account.Has_Phone', { ...short, ...more })
    const written = { errorConditionFormula: 'ISBLANK(Phone)', errorMessage: 'A phone, please' }
    expect(rule()).toEqual(written)
    expect(rule({ field: 'Phone', description: 'Since June' })).toEqual({
      ...written,
      errorDisplayField: 'Phone',
      description: 'Since June',
    })
    expect(rule({ field: 'account.Phone' })).toEqual({ ...written, errorDisplayField: 'Phone' })
  })
})

describe('a value with a comma', () => {
  const valueOf = (value: unknown): unknown => {
    const { ruleEntry } = definitionOf('assignment_rule', 'Lead.Mine', {
      form: 'assignment',
      entries: [
        {
          criteria: [{ field: 'Company', operator: 'equals', value }],
          assign_to: { user: 'a@b.c' },
        },
      ],
    }) as { ruleEntry: { criteriaItems: { value: string } } }
    return ruleEntry.criteriaItems.value
  }

  it('is one value, alone as in a list', () => {
    expect(valueOf('Acme, Inc')).toBe('"Acme, Inc"')
    expect(valueOf(['Acme, Inc', 'Other'])).toBe('"Acme, Inc",Other')
    expect(() => valueOf('Acme "A", Inc')).toThrow('Compare by')
  })
})

describe('a reference', () => {
  it('may lead to a record that an earlier action of the flow made', () => {
    const follow = { ...create, fields: { WhatId: { reference: 'Create_Record' } } }
    const { recordCreates } = flow({ actions: [create, follow] }) as {
      recordCreates: { inputAssignments: object }[]
    }
    expect(recordCreates[1]?.inputAssignments).toEqual({
      field: 'WhatId',
      value: { elementReference: 'Create_Record' },
    })
  })
})
