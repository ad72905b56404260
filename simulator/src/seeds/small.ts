// A small company's org: the standard objects, a few of its own, a managed package, automations,
// people with different eyes, and some records. What demo and most tests run against.

import { grantField, noGrants, profileNamed, userNamed } from '../org/create.ts'
import { type Flow, type FlowVersion, type Org, type Row } from '../org/model.ts'
import { makeField, makeObject, stamps, systemFields, type FieldSpec } from '../org/schema.ts'
import { salesforceDateTime } from '../org/ids.ts'
import { addStandardObjects, picklist } from './standard.ts'

export const seedSmall = (org: Org): void => {
  addStandardObjects(org)
  addCustomObjects(org)
  addManagedPackage(org)
  addPermissions(org)
  addAutomations(org)
  addLayoutsAndTabs(org)
  addRecords(org)
}

const custom = (name: string, type: string, spec: Partial<FieldSpec> = {}): FieldSpec => ({
  name,
  type,
  custom: true,
  label: name.replace(/__c$/, '').replaceAll('_', ' '),
  ...spec,
})

const addCustomObjects = (org: Org): void => {
  makeObject(org, {
    name: 'Placement__c',
    label: 'Placement',
    description: 'A candidate placed with a company.',
    describe: { keyPrefix: 'a00', labelPlural: 'Placements' },
    fields: [
      ...systemFields(true),
      {
        name: 'Name',
        type: 'string',
        label: 'Placement Number',
        length: 80,
        nameField: true,
        autoNumber: true,
        idLookup: true,
        nillable: false,
      },
      custom('Candidate__c', 'reference', {
        referenceTo: ['Contact'],
        relationshipName: 'Candidate__r',
      }),
      custom('Company__c', 'reference', {
        referenceTo: ['Account'],
        relationshipName: 'Company__r',
      }),
      custom('Start_Date__c', 'date'),
      custom('Salary__c', 'currency', { precision: 18, scale: 2 }),
      custom('Fee_Percent__c', 'percent', { precision: 5, scale: 2 }),
      custom('Stage__c', 'picklist', {
        picklistValues: picklist(
          ['Proposed', 'Interview', 'Offer', 'Placed', 'Fell through'],
          'Proposed',
        ),
        restrictedPicklist: true,
      }),
      custom('Notes__c', 'textarea', { length: 32_768 }),
      custom('External_Key__c', 'string', {
        length: 64,
        externalId: true,
        unique: true,
        idLookup: true,
      }),
      custom('Is_Remote__c', 'boolean'),
    ],
  })
  makeObject(org, {
    name: 'Placement_Fee__c',
    label: 'Placement Fee',
    describe: { keyPrefix: 'a01', labelPlural: 'Placement Fees' },
    sharingModel: 'ControlledByParent',
    fields: [
      ...systemFields(false),
      { name: 'Name', type: 'string', label: 'Fee', length: 80, nameField: true, idLookup: true },
      custom('Placement__c', 'reference', {
        referenceTo: ['Placement__c'],
        relationshipName: 'Placement__r',
        relationshipOrder: 0,
        nillable: false,
        updateable: false,
        cascadeDelete: true,
        writeRequiresMasterRead: false,
      }),
      custom('Amount__c', 'currency', { precision: 16, scale: 2 }),
      custom('Paid_On__c', 'date'),
    ],
  })
  const lead = org.objects.get('lead')
  for (const spec of [
    custom('Enrichment_Score__c', 'double', { precision: 5, scale: 0 }),
    custom('Enriched_At__c', 'datetime'),
    custom('Segment__c', 'picklist', {
      picklistValues: picklist(['SMB', 'Mid-Market', 'Enterprise']),
    }),
    custom('Source_Key__c', 'string', {
      length: 64,
      externalId: true,
      unique: true,
      idLookup: true,
    }),
  ]) {
    lead?.fields.set(spec.name.toLowerCase(), makeField(org, spec))
  }
  org.objects.get('account')?.fields.set(
    'region__c',
    makeField(
      org,
      custom('Region__c', 'picklist', {
        picklistValues: picklist(['EMEA', 'AMER', 'APAC']),
        restrictedPicklist: true,
      }),
    ),
  )
  org.objects.get('case')?.recordTypes.push(
    {
      id: org.ids.make('012'),
      developerName: 'Support',
      name: 'Support',
      active: true,
      isDefault: true,
      description: null,
      ...stamps(org),
    },
    {
      id: org.ids.make('012'),
      developerName: 'Billing',
      name: 'Billing',
      active: true,
      isDefault: false,
      description: 'Questions about invoices',
      ...stamps(org),
    },
  )
}

const addManagedPackage = (org: Org): void => {
  org.packages.push({
    id: org.ids.make('033'),
    versionId: org.ids.make('04t'),
    namespace: 'signhere',
    name: 'Sign Here',
    version: '4.2.0',
  })
  makeObject(org, {
    name: 'signhere__Envelope__c',
    label: 'Envelope',
    namespace: 'signhere',
    describe: { keyPrefix: 'a02', labelPlural: 'Envelopes' },
    fields: [
      ...systemFields(true),
      {
        name: 'Name',
        type: 'string',
        label: 'Envelope',
        length: 80,
        nameField: true,
        idLookup: true,
      },
      custom('signhere__Status__c', 'picklist', {
        label: 'Status',
        picklistValues: picklist(['Draft', 'Sent', 'Signed']),
        restrictedPicklist: true,
      }),
      custom('signhere__Opportunity__c', 'reference', {
        label: 'Opportunity',
        referenceTo: ['Opportunity'],
        relationshipName: 'signhere__Opportunity__r',
      }),
    ],
  })
  org.objects
    .get('opportunity')
    ?.fields.set(
      'signhere__signed_on__c',
      makeField(org, custom('signhere__Signed_On__c', 'date', { label: 'Signed On' })),
    )
}

const addPermissions = (org: Org): void => {
  const admin = profileNamed(org, 'System Administrator')
  const restricted = profileNamed(org, 'Minimum Access - API Only')
  if (admin === undefined || restricted === undefined) return
  for (const object of org.objects.values()) {
    for (const field of object.fields.values()) {
      if (!field.secured) continue
      // Salesforce: a required field or a master-detail field is not under field-level security.
      if (field.describe.relationshipOrder !== null) field.secured = false
      else grantField(admin.grants, object.name, field.describe.name)
    }
  }
  const everything = {
    read: true,
    create: true,
    edit: true,
    delete: true,
    viewAll: false,
    modifyAll: false,
  }
  for (const name of ['account', 'contact', 'lead']) restricted.grants.objects.set(name, everything)
  restricted.hidden.add('account.annualrevenue')
  const set = {
    id: org.ids.make('0PS'),
    name: 'Placement_Manager',
    label: 'Placement Manager',
    description: 'May see and change placements.',
    namespace: null,
    grants: noGrants(),
    ...stamps(org),
  }
  set.grants.objects.set('placement__c', everything)
  for (const field of ['Candidate__c', 'Company__c', 'Stage__c', 'Salary__c'])
    grantField(set.grants, 'Placement__c', field)
  org.permissionSets.set(set.id, set)
  org.groups.push(
    {
      id: org.ids.make('00G'),
      type: 'Queue',
      developerName: 'Inbound_Leads',
      name: 'Inbound Leads',
      queueObjects: ['Lead'],
    },
    {
      id: org.ids.make('00G'),
      type: 'Queue',
      developerName: 'Support',
      name: 'Support',
      queueObjects: ['Case'],
    },
  )
}

interface FlowSpec {
  name: string
  label: string
  processType: string
  start?: Record<string, unknown>
  trigger?: { type: string; object: string | null; on: string | null; order?: number }
  versions: number
  active: number | null
  namespace?: string
}

/** A flow with so many versions, each a little different from the one before. */
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

const addAutomations = (org: Org): void => {
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
    versions: 1,
    active: 1,
  })
  addFlow(org, {
    name: 'New_Client_Intake',
    label: 'New client intake',
    processType: 'Flow',
    start: { locationX: 50, locationY: 0, connector: { targetReference: 'Screen_1' } },
    versions: 1,
    active: 1,
  })
  addFlow(org, {
    name: 'Score_Lead',
    label: 'Score lead',
    processType: 'AutoLaunchedFlow',
    start: { locationX: 50, locationY: 0, connector: { targetReference: 'Score' } },
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

const addLayoutsAndTabs = (org: Org): void => {
  const layout = (object: string, name: string, fields: string[]) =>
    org.layouts.push({
      id: org.ids.make('00h'),
      object,
      name,
      namespace: null,
      metadata: {
        layoutSections: [
          {
            customLabel: false,
            detailHeading: false,
            editHeading: true,
            label: 'Information',
            layoutColumns: [
              { layoutItems: fields.map((field) => ({ behavior: 'Edit', field })) },
              {},
            ],
            style: 'TwoColumnsTopToBottom',
          },
        ],
        showEmailCheckbox: false,
        showHighlightsPanel: false,
        showInteractionLogPanel: false,
        showRunAssignmentRulesCheckbox: object === 'Lead' || object === 'Case',
        showSubmitAndAttachButton: false,
      },
      ...stamps(org),
    })
  layout('Lead', 'Lead Layout', ['Name', 'Company', 'Email', 'Status', 'LeadSource'])
  layout('Account', 'Account Layout', ['Name', 'Type', 'Industry'])
  layout('Placement__c', 'Placement Layout', ['Candidate__c', 'Company__c', 'Stage__c'])
  org.tabs.push({
    name: 'Placement__c',
    metadata: { customObject: true, motif: 'Custom20: Airplane' },
    ...stamps(org),
  })
}

const addRecords = (org: Org): void => {
  const add = (object: string, prefix: string, values: Record<string, unknown>): string => {
    const rows = org.records.get(object.toLowerCase()) ?? new Map<string, Row>()
    org.records.set(object.toLowerCase(), rows)
    const author = stamps(org)
    const id = org.ids.make(prefix)
    const at = salesforceDateTime(author.createdDate)
    rows.set(id, {
      Id: id,
      IsDeleted: false,
      OwnerId: author.createdById,
      CreatedById: author.createdById,
      CreatedDate: at,
      LastModifiedById: author.createdById,
      LastModifiedDate: at,
      SystemModstamp: at,
      ...values,
    })
    return id
  }
  const acme = add('Account', '001', {
    Name: 'Acme Corp',
    Industry: 'Technology',
    Type: 'Prospect',
  })
  add('Account', '001', { Name: 'Globex', Industry: 'Energy', ParentId: acme })
  const contact = add('Contact', '003', {
    FirstName: 'Grace',
    LastName: 'Hopper',
    Name: 'Grace Hopper',
    Email: 'grace@acme.example',
    AccountId: acme,
  })
  add('Lead', '00Q', {
    FirstName: 'Alan',
    LastName: 'Turing',
    Name: 'Alan Turing',
    Company: 'Bletchley',
    Email: 'alan@bletchley.example',
    Status: 'Open - Not Contacted',
    IsConverted: false,
  })
  add('Opportunity', '006', {
    Name: 'Acme renewal',
    StageName: 'Prospecting',
    CloseDate: '2026-12-31',
    AccountId: acme,
    Amount: 12_000,
  })
  add('Placement__c', 'a00', {
    Name: 'P-0001',
    Candidate__c: contact,
    Company__c: acme,
    Stage__c: 'Proposed',
    Is_Remote__c: false,
  })
}
