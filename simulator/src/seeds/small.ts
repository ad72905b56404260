// A small company's org: the standard objects, a few of its own, a managed package, automations, users
// with different rights, and some records. The demo and most tests use it.

import { grantField, makeGroup, noGrants, profileNamed } from '../org/create.ts'
import { type Org, type Row } from '../org/model.ts'
import {
  makeField,
  makeObject,
  recordTypeField,
  stamps,
  systemFields,
  type FieldSpec,
} from '../org/schema.ts'
import { LIGHTNING_DEFAULTS } from '../org/standard-apps.ts'
import { salesforceDateTime } from '../org/ids.ts'
import { addAutomations } from './small-automations.ts'
import { addStandardObjects, picklist } from './standard.ts'

export const seedSmall = (org: Org): void => {
  addStandardObjects(org)
  addCustomObjects(org)
  addManagedPackage(org)
  addPermissions(org)
  addAutomations(org)
  addDuplicateRules(org)
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
  addPlacements(org)
  addFieldsToStandardObjects(org)
  addRecordTypesOfCases(org)
}

const addPlacements = (org: Org): void => {
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
}

const addFieldsToStandardObjects = (org: Org): void => {
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
}

const addRecordTypesOfCases = (org: Org): void => {
  // Salesforce: an object with record types has a field for them.
  org.objects.get('case')?.fields.set('recordtypeid', makeField(org, recordTypeField()))
  org.objects.get('case')?.businessProcesses.push({
    id: org.ids.make('019'),
    name: 'Support Process',
    active: true,
    description: null,
    values: ['Closed', 'Escalated', 'New', 'Working'].map((value) => ({
      value,
      isDefault: value === 'New',
    })),
    ...stamps(org),
  })
  org.objects.get('case')?.recordTypes.push(
    {
      id: org.ids.make('012'),
      developerName: 'Support',
      businessProcess: 'Support Process',
      name: 'Support',
      active: true,
      isDefault: true,
      description: null,
      ...stamps(org),
    },
    {
      id: org.ids.make('012'),
      developerName: 'Billing',
      businessProcess: 'Support Process',
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
      if (field.secured) grantField(admin.grants, object.name, field.describe.name)
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
    makeGroup(org, 'Queue', 'Inbound_Leads', ['Lead']),
    makeGroup(org, 'Queue', 'Support', ['Case']),
    makeGroup(org, 'Regular', 'Recruiters'),
    { ...makeGroup(org, 'Organization', 'AllInternalUsers'), name: 'All Internal Users' },
  )
  for (const name of ['Managing Director', 'Account Manager']) {
    const developerName = name.replaceAll(' ', '_')
    org.roles.push({ id: org.ids.make('00E'), developerName, name, ...stamps(org) })
  }
}

const addDuplicateRules = (org: Org): void => {
  for (const { object, active } of [
    { object: 'Contact', active: true },
    { object: 'Lead', active: false },
  ]) {
    org.duplicateRules.push({
      id: org.ids.make('0Bm'),
      object,
      developerName: `Standard_${object}_Duplicate_Rule`,
      label: `Standard ${object} Duplicate Rule`,
      active,
      matchFields: ['Email'],
      action: 'alert',
      message: 'Use one of these records?',
      ...stamps(org),
    })
  }
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
  org.apps.push({
    id: org.ids.make('02u'),
    name: 'Recruiting',
    metadata: {
      ...LIGHTNING_DEFAULTS,
      actionOverrides: {
        actionName: 'View',
        comment: 'Action override created by Lightning App Builder during activation.',
        content: 'Placement_Record_Page',
        formFactor: 'Large',
        skipRecordTypeSelect: false,
        type: 'Flexipage',
        pageOrSobjectType: 'Placement__c',
      },
      brand: { headerColor: '#0B5C4A', shouldOverrideOrgTheme: true },
      description: 'Candidates, and where they were placed.',
      formFactors: ['Small', 'Large'],
      label: 'Recruiting',
      tabs: ['standard-home', 'Placement__c', 'standard-Contact', 'standard-report'],
      uiType: 'Lightning',
      utilityBar: 'Recruiting_UtilityBar',
    },
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
