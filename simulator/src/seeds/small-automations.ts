// The automations of the small company: flows of every kind with their versions, validation rules,
// workflow rules, assignment rules, an Apex trigger.

import { userNamed } from '../org/create.ts'
import { type Flow, type FlowVersion, type Org } from '../org/model.ts'
import { stamps } from '../org/schema.ts'

interface FlowSpec {
  name: string
  label: string
  processType: string
  start?: Record<string, unknown>
  /** Elements and resources, with the member names of the Metadata API. */
  body?: Record<string, unknown>
  trigger?: { type: string; object: string | null; on: string | null; order?: number }
  versions: number
  active: number | null
  namespace?: string
}

/** A flow with so many versions, each slightly different from the previous one. */
export const addFlow = (org: Org, spec: FlowSpec): Flow => {
  const author = stamps(org)
  const versions: FlowVersion[] = Array.from({ length: spec.versions }, (_, i) => ({
    id: org.ids.make('301'),
    number: i + 1,
    status:
      spec.active === i + 1
        ? 'Active'
        : i + 1 === spec.versions && spec.active === null
          ? 'Draft'
          : 'Obsolete',
    label: spec.label,
    metadata: {
      apiVersion: 66,
      description: `Version ${i + 1}`,
      label: spec.label,
      processType: spec.processType,
      status: spec.active === i + 1 ? 'Active' : 'Draft',
      ...(spec.start === undefined ? {} : { start: spec.start }),
      ...spec.body,
    },
    ...author,
  }))
  const flow: Flow = {
    id: org.ids.make('300'),
    developerName: spec.name,
    namespace: spec.namespace ?? null,
    label: spec.label,
    description: null,
    processType: spec.processType,
    triggerType: spec.trigger?.type ?? null,
    triggerObject: spec.trigger?.object ?? null,
    recordTriggerType: spec.trigger?.on ?? null,
    triggerOrder: spec.trigger?.order ?? null,
    activeVersion: spec.active,
    versions,
    ...author,
  }
  org.flows.set(
    `${spec.namespace === undefined ? '' : `${spec.namespace}__`}${spec.name}`.toLowerCase(),
    flow,
  )
  return flow
}

export const addAutomations = (org: Org): void => {
  addFlows(org)
  addValidationRules(org)
  addWorkflowRules(org)
  addAssignmentRules(org)
  addTrigger(org)
}

const addFlows = (org: Org): void => {
  addFlow(org, {
    name: 'Lead_Set_Segment',
    label: 'Lead: set segment',
    processType: 'AutoLaunchedFlow',
    trigger: { type: 'RecordBeforeSave', object: 'Lead', on: 'CreateAndUpdate', order: 10 },
    start: {
      locationX: 50,
      locationY: 0,
      object: 'Lead',
      recordTriggerType: 'CreateAndUpdate',
      triggerType: 'RecordBeforeSave',
      connector: { targetReference: 'Set_Segment' },
      filterLogic: 'and',
      filters: [
        {
          field: 'NumberOfEmployees',
          operator: 'GreaterThanOrEqualTo',
          value: { numberValue: 1000 },
        },
        { field: 'Segment__c', operator: 'IsNull', value: { booleanValue: true } },
      ],
    },
    body: {
      recordUpdates: {
        name: 'Set_Segment',
        label: 'Set segment',
        locationX: 50,
        locationY: 100,
        inputAssignments: { field: 'Segment__c', value: { stringValue: 'Enterprise' } },
        inputReference: '$Record',
      },
    },
    versions: 3,
    active: 3,
  })
  addFlow(org, {
    name: 'Placement_Notify',
    label: 'Placement: notify',
    processType: 'AutoLaunchedFlow',
    trigger: { type: 'RecordAfterSave', object: 'Placement__c', on: 'Update' },
    start: {
      locationX: 50,
      locationY: 0,
      object: 'Placement__c',
      recordTriggerType: 'Update',
      triggerType: 'RecordAfterSave',
      connector: { targetReference: 'Notify' },
      filterLogic: 'and',
      filters: [{ field: 'Stage__c', operator: 'IsChanged', value: { booleanValue: true } }],
    },
    body: {
      actionCalls: {
        name: 'Notify',
        label: 'Notify',
        locationX: 50,
        locationY: 100,
        actionName: 'Placement__c.Stage_Changed',
        actionType: 'emailAlert',
        flowTransactionModel: 'CurrentTransaction',
        inputParameters: { name: 'SObjectRowId', value: { elementReference: '$Record.Id' } },
        nameSegment: 'Placement__c.Stage_Changed',
      },
    },
    versions: 2,
    active: 1,
  })
  addFlow(org, {
    name: 'Nightly_Cleanup',
    label: 'Nightly clean-up',
    processType: 'AutoLaunchedFlow',
    trigger: { type: 'Scheduled', object: null, on: null },
    start: {
      locationX: 50,
      locationY: 0,
      schedule: { frequency: 'Daily', startDate: '2026-02-01', startTime: '02:00:00.000Z' },
      triggerType: 'Scheduled',
      connector: { targetReference: 'Clean' },
    },
    body: { assignments: { name: 'Clean', label: 'Clean', locationX: 50, locationY: 100 } },
    versions: 1,
    active: 1,
  })
  addFlow(org, {
    name: 'New_Client_Intake',
    label: 'New client intake',
    processType: 'Flow',
    start: { locationX: 50, locationY: 0, connector: { targetReference: 'Screen_1' } },
    body: { screens: { name: 'Screen_1', label: 'Client', locationX: 50, locationY: 100 } },
    versions: 1,
    active: 1,
  })
  addFlow(org, {
    name: 'Score_Lead',
    label: 'Score lead',
    processType: 'AutoLaunchedFlow',
    start: { locationX: 50, locationY: 0, connector: { targetReference: 'Score' } },
    body: { assignments: { name: 'Score', label: 'Score', locationX: 50, locationY: 100 } },
    versions: 1,
    active: null,
  })
  addFlow(org, {
    name: 'Case_Process',
    label: 'Case process',
    processType: 'Workflow',
    trigger: { type: 'RecordAfterSave', object: 'Case', on: 'CreateAndUpdate' },
    versions: 2,
    active: 2,
  })
  addFlow(org, {
    name: 'Send_Envelope',
    label: 'Send envelope',
    processType: 'AutoLaunchedFlow',
    versions: 1,
    active: 1,
    namespace: 'signhere',
  })
}

const addValidationRules = (org: Org): void => {
  const rule = (
    object: string,
    name: string,
    formula: string,
    message: string,
    field: string | null,
    active = true,
  ) =>
    org.objects.get(object.toLowerCase())?.validationRules.push({
      id: org.ids.make('03d'),
      name,
      active,
      description: null,
      errorConditionFormula: formula,
      errorMessage: message,
      errorDisplayField: field,
      namespace: null,
      ...stamps(org),
    })
  rule(
    'Lead',
    'Score_In_Range',
    'OR(Enrichment_Score__c < 0, Enrichment_Score__c > 100)',
    'The score is between 0 and 100.',
    'Enrichment_Score__c',
  )
  rule(
    'Opportunity',
    'Amount_When_Closed',
    'AND(ISPICKVAL(StageName, "Closed Won"), ISBLANK(Amount))',
    'A won opportunity needs an amount.',
    'Amount',
  )
  rule(
    'Placement__c',
    'Start_After_Offer',
    'AND(ISPICKVAL(Stage__c, "Placed"), ISBLANK(Start_Date__c))',
    'A placement needs a start date.',
    null,
  )
  rule(
    'Account',
    'Old_Region_Check',
    'ISBLANK(TEXT(Region__c))',
    'Choose a region.',
    'Region__c',
    false,
  )
}

const addWorkflowRules = (org: Org): void => {
  org.workflowRules.push(
    {
      id: org.ids.make('01Q'),
      object: 'Opportunity',
      name: 'Big Deal Alert',
      active: true,
      description: 'Tells the boss',
      triggerType: 'onCreateOrTriggeringUpdate',
      formula: 'Amount > 100000',
      namespace: null,
      ...stamps(org),
    },
    {
      id: org.ids.make('01Q'),
      object: 'Case',
      name: 'Escalate Old Cases',
      active: false,
      description: null,
      triggerType: 'onAllChanges',
      formula: 'ISPICKVAL(Status, "New")',
      namespace: null,
      ...stamps(org),
    },
  )
}

const addAssignmentRules = (org: Org): void => {
  org.assignmentRules.push(
    {
      id: org.ids.make('01Q'),
      object: 'Lead',
      name: 'Standard',
      active: true,
      entries: [
        {
          assignedTo: 'Inbound_Leads',
          assignedToType: 'Queue',
          criteriaItems: [{ field: 'Lead.LeadSource', operation: 'equals', value: 'Web' }],
        },
      ],
      ...stamps(org),
    },
    {
      id: org.ids.make('01Q'),
      object: 'Case',
      name: 'Standard',
      active: true,
      entries: [
        {
          assignedTo: 'Support',
          assignedToType: 'Queue',
          criteriaItems: [{ field: 'Case.Origin', operation: 'equals', value: 'Email' }],
        },
      ],
      ...stamps(org),
    },
    {
      id: org.ids.make('01Q'),
      object: 'Case',
      name: 'Holiday Cover',
      active: false,
      entries: [
        {
          assignedTo: userNamed(org, [...org.users.values()][0]?.username ?? '')?.username ?? '',
          assignedToType: 'User',
          criteriaItems: [],
        },
      ],
      ...stamps(org),
    },
  )
}

const addTrigger = (org: Org): void => {
  org.apexTriggers.push({
    id: org.ids.make('01q'),
    name: 'PlacementTrigger',
    object: 'Placement__c',
    active: true,
    namespace: null,
    events: ['before insert', 'after update'],
    body: 'trigger PlacementTrigger on Placement__c (before insert, after update) {\n  // nothing yet\n}\n',
    apiVersion: 66,
    ...stamps(org),
  })
}
