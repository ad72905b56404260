// Makes standard-objects.jsonl, the standard objects that the seeds start from:
//
//   node simulator/data/build.ts REFERENCE_FOLDER DESCRIBE.json... > simulator/data/standard-objects.jsonl
//
// REFERENCE_FOLDER holds one JSON file per object (see NOTICE); DESCRIBE files are recorded answers of
// describe and describeGlobal, whose values win. jsforce's types of a real org tell what the reference
// leaves open: which fields there are, which may be empty, and the names of child relationships. A line per object; of each field only what differs
// from what `describeField` fills in by itself.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeField, type FieldSpec } from '../src/org/schema.ts'

interface Reference {
  fields?: Record<
    string,
    { type?: string; properties?: string; relationship_name?: string; refers_to?: string; required?: boolean }
  >
  field_reference?: Record<
    string,
    { field_label?: string; type?: string; length?: string; precision?: string; scale?: string; digits?: string }
  >
}

interface Described {
  name: string
  label: string
  labelPlural: string
  fields?: FieldSpec[]
  [key: string]: unknown
}

/** API name → key prefix, or `-` where the object has none. */
const OBJECTS: Record<string, string> = {
  Account: '001', Contact: '003', Lead: '00Q', Opportunity: '006', Case: '500', Task: '00T', Event: '00U',
  Campaign: '701', CampaignMember: '00v', CampaignMemberStatus: '01Y', Product2: '01t', Pricebook2: '01s',
  PricebookEntry: '01u', Quote: '0Q0', QuoteLineItem: '0QL', Order: '801', OrderItem: '802', Contract: '800',
  Asset: '02i', User: '005', Profile: '00e', PermissionSet: '0PS', PermissionSetAssignment: '0Pa',
  RecordType: '012', Group: '00G', GroupMember: '011', QueueSobject: '03g', UserRole: '00E',
  OpportunityLineItem: '00k', OpportunityContactRole: '00K', AccountContactRole: '02Z', ContractContactRole: '02a',
  CaseContactRole: '03j', CaseComment: '00a', ContentVersion: '068', ContentDocument: '069',
  ContentDocumentLink: '06A', Attachment: '00P', Note: '002', Document: '015', Folder: '00l', EmailMessage: '02s',
  EmailTemplate: '00X', Solution: '501', Organization: '00D', ObjectPermissions: '110', FieldPermissions: '01k',
  AssignmentRule: '01Q', DuplicateRule: '0Bm', FlowDefinitionView: '3dd', FlowVersionView: '-', BusinessHours: '01m',
  Holiday: '0C0', Report: '00O', Dashboard: '01Z', LeadStatus: '01J', OpportunityStage: '01J', CaseStatus: '01J',
  ContractStatus: '01J', TaskStatus: '01J', TaskPriority: '01J', Partner: '00I', OpportunityTeamMember: '00q',
  ServiceContract: '810', Entitlement: '550', WorkOrder: '0WO', WorkOrderLineItem: '1WL', Individual: '0PK',
  Topic: '0TO', TopicAssignment: '0TA', ApexClass: '01p', ApexTrigger: '01q', CustomPermission: '0CP',
  ProcessInstance: '04g', SetupEntityAccess: '0J0', AsyncApexJob: '707', CronTrigger: '08e', FeedItem: '0D5',
  FeedComment: '0D7', CollaborationGroup: '0F9', AccountShare: '-', ContactShare: '-', LeadShare: '-',
  OpportunityShare: '-', CaseShare: '-', CampaignShare: '-', OrderShare: '-', UserShare: '-',
  OpportunityHistory: '-', OpportunityFieldHistory: '-', CaseHistory: '-', OrderHistory: '-',
}

/** Companion tables, by what follows the parent's name. Salesforce: describeGlobal's associateEntityType. */
const COMPANION = /^(Account|Contact|Lead|Opportunity|Case|Campaign|Order|User)(Field)?(Share|History)$/

/** How a companion points at its parent: it goes with it. */
const COMPANION_KEY = /^(\w+?)(Field)?(Share|History)\.\1Id$/

const NAME_FIELDS: Record<string, string> = {
  Case: 'CaseNumber', Contract: 'ContractNumber', Order: 'OrderNumber', OrderItem: 'OrderItemNumber', Task: 'Subject',
  Event: 'Subject', Solution: 'SolutionName', ContentVersion: 'Title', ContentDocument: 'Title', Note: 'Title',
  QuoteLineItem: 'LineNumber', WorkOrder: 'WorkOrderNumber', WorkOrderLineItem: 'LineItemNumber',
  Dashboard: 'Title', EmailMessage: 'Subject', ServiceContract: 'Name',
}

/** The reference's page of Campaign leaves Create and Update out; its create page has these to fill in. */
const WRITABLE: Record<string, string> = {
  Campaign: `ActualCost BudgetedCost CampaignMemberRecordTypeId Description EndDate ExpectedResponse ExpectedRevenue
    IsActive Name NumberSent OwnerId ParentId StartDate Status Type`,
  CampaignMemberStatus: 'HasResponded IsDefault',
}

/** Parts whose deletion the deletion of the parent brings with it, or forbids. Object Reference, "Usage". */
const CASCADES = new Set(
  `Asset.AccountId Contact.AccountId Opportunity.AccountId Contract.AccountId OpportunityLineItem.OpportunityId
  OpportunityContactRole.OpportunityId OpportunityContactRole.ContactId OpportunityTeamMember.OpportunityId
  Quote.OpportunityId QuoteLineItem.QuoteId OrderItem.OrderId CaseComment.ParentId CampaignMember.CampaignId
  CampaignMember.LeadId CampaignMember.ContactId CampaignMemberStatus.CampaignId Task.WhatId Task.WhoId Event.WhatId
  Event.WhoId AccountContactRole.AccountId AccountContactRole.ContactId ContractContactRole.ContractId
  ContractContactRole.ContactId CaseContactRole.CasesId CaseContactRole.ContactId Partner.AccountFromId
  Partner.OpportunityId Attachment.ParentId Note.ParentId ContentDocumentLink.LinkedEntityId FeedItem.ParentId
  TopicAssignment.EntityId ProcessInstance.TargetObjectId PricebookEntry.Product2Id PricebookEntry.Pricebook2Id
  GroupMember.GroupId WorkOrderLineItem.WorkOrderId`.split(/\s+/),
)
const RESTRICTS = new Set(['Case.AccountId'])

/** Child relationships of several fields that lead to one object, and of objects that jsforce's org has not. */
const CHILD_NAMES: Record<string, string> = {
  'Account.ParentId': 'ChildAccounts', 'Asset.AccountId': 'Assets', 'Asset.AssetProvidedById': 'ProvidedAssets',
  'Asset.AssetServicedById': 'ServicedAssets', 'Event.WhatId': 'Events', 'Task.WhatId': 'Tasks',
  'Partner.AccountFromId': 'PartnersFrom', 'Partner.AccountToId': 'PartnersTo', 'Case.ParentId': 'Cases',
  'Case.AssetId': 'Cases', 'Case.ProductId': 'Cases', 'Case.EntitlementId': 'Cases', 'EmailMessage.ParentId': 'EmailMessages',
  'EmailMessage.RelatedToId': 'Emails', 'CampaignMember.ContactId': 'CampaignMembers', 'CampaignMember.LeadId': 'CampaignMembers',
  'GroupMember.GroupId': 'GroupMembers', 'Order.OriginalOrderId': 'Orders', 'User.DelegatedApproverId': 'DelegatedUsers',
  'User.ManagerId': 'ManagedUsers', 'Contract.CompanySignedId': 'ContractsSigned', 'UserShare.UserId': 'Shares',
  'ServiceContract.ParentServiceContractId': 'ChildServiceContracts', 'ServiceContract.RootServiceContractId': 'DescendantServiceContracts',
  'WorkOrder.ParentWorkOrderId': 'ChildWorkOrders', 'WorkOrder.RootWorkOrderId': 'DescendantWorkOrders',
  'WorkOrderLineItem.ParentWorkOrderLineItemId': 'ChildWorkOrderLineItems',
  'WorkOrderLineItem.RootWorkOrderLineItemId': 'DescendantWorkOrderLineItems', 'Quote.OpportunityId': 'Quotes',
  'QuoteLineItem.QuoteId': 'QuoteLineItems', 'OpportunityTeamMember.OpportunityId': 'OpportunityTeamMembers',
}

/** Salesforce: Account, Contact and Lead merge; set-up tables have no page and no trigger. */
const MERGEABLE = new Set(['Account', 'Contact', 'Lead', 'Case', 'Individual'])
const RECORDS = new Set(
  `Account Contact Lead Opportunity Case Task Event Campaign CampaignMember Product2 Pricebook2 PricebookEntry
  Quote QuoteLineItem Order OrderItem Contract Asset User OpportunityLineItem OpportunityContactRole ContentVersion
  EmailMessage Solution ServiceContract Entitlement WorkOrder WorkOrderLineItem Individual`.split(/\s+/),
)
const FEEDS = new Set('Account Contact Lead Opportunity Case Task Event Campaign Product2 Quote Order Contract Asset User WorkOrder ServiceContract'.split(' '))
/** Documented, but only there when a feature is on that the seeds' orgs do not have. */
const FEATURE_FIELDS = /__c$|^Person[A-Z]|CurrencyIsoCode|^(IsPersonAccount|ConnectionReceivedId|ConnectionSentId|SourceSystemIdentifier|NetworkId)$|^Permissions[A-Z]|^UserPreferences|^UserPermissions|^Preferences|^MayEdit$|^IsLocked$/
const ALWAYS = /^(Permissions(ApiEnabled|CustomizeApplication|ModifyAllData|ViewSetup|ViewAllData|ModifyMetadata|ManageUsers|EditPublicFilters)|UserPermissions(MarketingUser|OfflineUser))$/
const SYSTEM: Record<string, Partial<FieldSpec>> = {
  Id: { type: 'id', defaultedOnCreate: true, nillable: false, idLookup: true },
  IsDeleted: { type: 'boolean', createable: false, updateable: false },
  CreatedDate: { type: 'datetime', createable: false, updateable: false, nillable: false, defaultedOnCreate: true },
  LastModifiedDate: { type: 'datetime', createable: false, updateable: false, nillable: false, defaultedOnCreate: true },
  SystemModstamp: { type: 'datetime', createable: false, updateable: false, nillable: false, defaultedOnCreate: true },
  CreatedById: { type: 'reference', referenceTo: ['User'], relationshipName: 'CreatedBy', createable: false, updateable: false, nillable: false, defaultedOnCreate: true },
  LastModifiedById: { type: 'reference', referenceTo: ['User'], relationshipName: 'LastModifiedBy', createable: false, updateable: false, nillable: false, defaultedOnCreate: true },
}
const TYPES: Record<string, string> = { timeonly: 'time', junctionidlist: 'anyType', anytype: 'anyType', 'dynamic picklist': 'picklist', long: 'int' }
const typeOf = (name: string) => TYPES[name.toLowerCase()] ?? name.toLowerCase()

const [folder = '', ...describes] = process.argv.slice(2)
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const picklists = read(join(import.meta.dirname, 'picklists.json')) as Record<string, Record<string, string[]>>

const recorded = new Map<string, Described>()
for (const path of describes) {
  const file = read(path) as Described & { sobjects?: Described[] }
  for (const object of file.sobjects ?? [file]) {
    recorded.set(object.name, { ...recorded.get(object.name), ...object })
  }
}

const values = (list: string[]) =>
  list.map((text) => {
    const written = text.replace(/^\*/, '')
    const [value = '', label = value] = written.split(' = ')
    return { active: true, defaultValue: text !== written, label, validFor: null, value }
  })

/** Picklists that several objects share: Industry, LeadSource, Rating … as Lead was recorded. */
const shared = new Map<string, unknown>()
for (const object of recorded.values()) {
  for (const field of object.fields ?? []) {
    if (field.picklistValues !== undefined && field.picklistValues.length > 0) {
      const geocode = field.name.endsWith('GeocodeAccuracy')
      shared.set(geocode ? 'GeocodeAccuracy' : field.name, field.picklistValues)
    }
  }
}
const SHARED = /^(Industry|Rating|LeadSource|AccountSource|Salutation|.*GeocodeAccuracy|CleanStatus)$/
const sharedValues = (name: string) =>
  SHARED.test(name)
    ? (shared.get(name.replace(/^.*GeocodeAccuracy$/, 'GeocodeAccuracy').replace('AccountSource', 'LeadSource')) ?? [])
    : []

/** Type texts of jsforce's schema: `Fields$Account` → `Name` → `string`. */
const SCHEMA = join(import.meta.dirname, '../../node_modules/@jsforce/jsforce-node/lib/types/standard-schema.d.ts')
const schema = new Map<string, Map<string, string>>()
for (const [, name = '', body = ''] of readFileSync(SCHEMA, 'utf8').matchAll(/type (\w+\$\w+) = \{\n((?: .*\n)*)\};/g)) {
  schema.set(name, new Map([...body.matchAll(/^\s+(\w+): (.*);$/gm)].map(([, member = '', type = '']) => [member, type])))
}

/** The reference's words for a field: "Defaulted on create," is no right to create. */
const propertiesOf = (text: string | undefined) => {
  const rest = (text ?? '').toLowerCase().replaceAll(/\s+/g, ' ')
  const defaulted = /defaulted on create/.test(rest)
  const found = new Set(rest.replace(/defaulted on create/g, '').match(/[a-z]+/g) ?? [])
  return { defaulted, has: (word: string) => found.has(word), restricted: rest.includes('restricted picklist') }
}

const words = (name: string) => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')

const TARGETS: Record<string, string[]> = {
  OwnerId: ['Group', 'User'], DelegatedApproverId: ['User'], ForecastUserId: ['User'], PortalAccountOwnerId: ['User'],
  ArchivedById: ['User'], LastEditById: ['User'], 'UserRole.ParentRoleId': ['UserRole'], 'Folder.ParentId': ['Folder'],
  'AsyncApexJob.ParentJobId': ['AsyncApexJob'], 'CampaignMember.LeadOrContactId': ['Contact', 'Lead'],
  'Task.RecurrenceActivityId': ['Task'], 'Event.RecurrenceActivityId': ['Event'], 'CronTrigger.OwnerId': ['User'],
  'EmailMessage.ActivityId': ['Task'],
  'FeedComment.ParentId': [...FEEDS, 'CollaborationGroup', 'ContentDocument', 'Dashboard', 'OrderItem', 'Report', 'Solution', 'Topic', 'WorkOrderLineItem'],
}

/** What a reference points at: as documented (of many, those in the table), or told from its name. */
const targetsOf = (object: string, name: string, documented: string | undefined): string[] => {
  const all = documented?.split(',').map((each) => each.trim()).filter((each) => /^\w+$/.test(each)) ?? []
  const here = all.filter((each) => each in OBJECTS)
  if (all.length > 0) return all.length > 1 && here.length > 0 ? here : all
  const known = TARGETS[`${object}.${name}`] ?? TARGETS[name]
  if (known !== undefined) return known
  // BillToContactId: the longest ending that is an object.
  const parts = name.replace(/Id$/, '').split(/(?=[A-Z])/)
  for (let from = 0; from < parts.length; from++) {
    const candidate = parts.slice(from).join('')
    if (existsSync(join(folder, `${candidate}.json`))) return [candidate]
  }
  return []
}

/** Which fields the object has: those measured in an org, and documented ones of jsforce's. */
const fieldNames = (object: string, { fields = {}, field_reference: measured = {} }: Reference): Set<string> => {
  const there = schema.get(`Fields$${object}`)
  const names = new Set([...Object.keys(SYSTEM).filter((name) => name in measured), ...Object.keys(measured)])
  for (const name of there?.keys() ?? []) if (name in fields) names.add(name)
  const hasFeature = (name: string) =>
    FEATURE_FIELDS.test(name) &&
    !ALWAYS.test(name) &&
    !(/^(ObjectPermissions|FieldPermissions)$/.test(object) && /^Permissions/.test(name)) &&
    !(there?.has(name) === true && !/^Permissions/.test(name))
  const isKnown = (name: string) => name in fields || name in SYSTEM || ALWAYS.test(name) || there?.has(name) === true
  return new Set([...names].filter((name) => !hasFeature(name) && isKnown(name)))
}

const fieldsOf = (object: string, reference: Reference): FieldSpec[] => {
  const documented = reference.fields ?? {}
  const measured = reference.field_reference ?? {}
  const compound = Object.keys(measured).filter((name) => /Address$/.test(name) && measured[name]?.type === 'address')
  const specs: FieldSpec[] = []
  for (const name of fieldNames(object, reference)) {
    const doc = documented[name]
    const size = measured[name]
    const system = SYSTEM[name]
    const told = propertiesOf(doc?.properties)
    const seen = schema.get(`Fields$${object}`)?.get(name)
    const type = system?.type ?? typeOf(size?.type ?? doc?.type ?? 'string')
    const prefix = compound.map((each) => each.slice(0, -7)).find((each) => name.startsWith(each) && name !== `${each}Address`)
    const part = prefix === undefined ? '' : name.slice(prefix.length)
    const person = 'LastName' in measured && /^(Salutation|FirstName|LastName|MiddleName|Suffix)$/.test(name)
    const known = picklists[object]?.[name]
    const referenceTo = type === 'reference' && system === undefined ? targetsOf(object, name, doc?.refers_to) : undefined
    // Neither documented nor to be told from the name.
    if (referenceTo?.length === 0) continue
    const isListed = WRITABLE[object]?.split(/\s+/).includes(name) ?? false
    const nillable = seen === undefined ? told.has('nillable') : seen.includes('| null')
    const path = `${object}.${name}`
    specs.push({
      name,
      type,
      label: size?.field_label ?? words(name),
      ...(size?.length === undefined ? {} : { length: Number(size.length) }),
      ...(size?.precision === undefined ? {} : { precision: Number(size.precision) }),
      ...(size?.scale === undefined ? {} : { scale: Number(size.scale) }),
      ...(size?.digits === undefined ? {} : { digits: Number(size.digits) }),
      ...(doc === undefined
        ? system === undefined && !ALWAYS.test(name) ? { createable: false, updateable: false, nillable } : {}
        : {
            createable: told.has('create') || isListed,
            updateable: told.has('update') || isListed,
            nillable,
            filterable: told.has('filter'),
            groupable: told.has('group'),
            sortable: told.has('sort'),
            idLookup: told.has('idlookup'),
            autoNumber: told.has('autonumber'),
            restrictedPicklist: told.restricted,
            defaultedOnCreate: told.defaulted,
          }),
      ...(referenceTo !== undefined && referenceTo.length > 0 ? { referenceTo, namePointing: referenceTo.length > 1 } : {}),
      ...(type === 'reference' ? { relationshipName: doc?.relationship_name ?? name.replace(/Id$/, '') } : {}),
      ...(CASCADES.has(path) || COMPANION_KEY.test(path) ? { cascadeDelete: true } : {}),
      ...(RESTRICTS.has(path) ? { restrictedDelete: true } : {}),
      ...(type === 'picklist' || type === 'multipicklist' || type === 'combobox'
        ? { picklistValues: (known === undefined ? sharedValues(name) : values(known)) as FieldSpec['picklistValues'] }
        : {}),
      ...(name === (NAME_FIELDS[object] ?? 'Name') ? { nameField: true } : {}),
      ...(/^(Street|City|State|PostalCode|Country|Latitude|Longitude|GeocodeAccuracy)$/.test(part) ? { compoundFieldName: `${prefix}Address` } : {}),
      ...(person ? { compoundFieldName: 'Name', extraTypeInfo: 'personname' } : {}),
      ...(name === 'Name' && 'LastName' in measured && object !== 'Account' ? { createable: false, updateable: false, extraTypeInfo: 'personname' } : {}),
      ...system,
      // Salesforce: field-level security holds for optional fields that are not the system's.
      permissionable: system === undefined && nillable && doc !== undefined && !/^(MasterRecordId|LastViewedDate|LastReferencedDate|LastActivityDate|PhotoUrl)$/.test(name) && !person,
    })
  }
  return specs
}

/** Names of the relationships that lead from parents to these fields, as far as Salesforce has such. */
const childNamesOf = (object: string, fields: FieldSpec[]): Record<string, string> => {
  const names: Record<string, string> = {}
  const references = fields.filter(({ type, name }) => type === 'reference' && !/^(CreatedById|LastModifiedById|OwnerId)$/.test(name))
  for (const { name, referenceTo = [] } of references) {
    const listed = CHILD_NAMES[`${object}.${name}`]
    for (const parent of referenceTo) {
      const siblings = references.filter((other) => other.referenceTo?.includes(parent))
      const found = [...(schema.get(`ChildRelationships$${parent}`) ?? [])].filter(([, type]) => type === `SObjectDefinition$${object}`)
      if (listed === undefined && siblings.length === 1 && found.length === 1) names[name] = found[0]?.[0] ?? ''
    }
    if (listed !== undefined) names[name] = listed
  }
  return names
}

const leanField = (spec: FieldSpec): Record<string, unknown> => {
  const lean: Record<string, unknown> = { name: spec.name, type: spec.type }
  // The length decides other defaults, so that it comes first.
  const basis: FieldSpec = { name: spec.name, type: spec.type, label: spec.name }
  for (const key of ['length', 'calculated', 'autoNumber', 'referenceTo']) {
    if (JSON.stringify(describeField(basis)[key]) !== JSON.stringify(spec[key]) && spec[key] !== undefined) basis[key] = spec[key]
  }
  const assumed = describeField(basis)
  for (const [key, value] of Object.entries(spec)) {
    if (key in basis && key !== 'label') lean[key] = value
    else if (JSON.stringify(assumed[key]) !== JSON.stringify(value)) lean[key] = value
  }
  return lean
}

const leanObject = (name: string, keyPrefix: string) => {
  const known = recorded.get(name)
  const reference = read(join(folder, `${name}.json`)) as Reference
  const fields: FieldSpec[] = known?.fields?.filter((field) => !field.custom) ?? fieldsOf(name, reference)
  const companion = COMPANION.exec(name)
  const writable = fields.some((field) => field.createable === true)
  const isRecord = RECORDS.has(name)
  const label = words(name).replace(/2$/, '').replace('Pricebook', 'Price Book')
  const flags: Record<string, unknown> = {
    createable: writable,
    deletable: writable && !['User', 'Profile', 'Organization', 'Individual'].includes(name),
    updateable: fields.some((field) => field.updateable === true),
    undeletable: isRecord && name !== 'User',
    triggerable: isRecord,
    layoutable: isRecord,
    searchable: isRecord,
    mruEnabled: isRecord,
    replicateable: !companion || companion[3] === 'History',
    feedEnabled: FEEDS.has(name),
    mergeable: MERGEABLE.has(name),
    label: companion ? words(name) : label,
    labelPlural: companion ? words(name) : label.endsWith('s') ? `${label}es` : label.endsWith('y') ? `${label.slice(0, -1)}ies` : `${label}s`,
    keyPrefix: keyPrefix === '-' ? null : keyPrefix,
    ...(companion ? { associateEntityType: companion[3], associateParentEntity: companion[1] } : {}),
  }
  const { fields: _fields, urls: _urls, name: _name, childRelationships: _children, ...entry } = known ?? ({} as Described)
  const flat = Object.fromEntries(Object.entries(entry).filter(([key, value]) => key in flags || (typeof value === 'boolean' && !/^(compact|search)Layoutable$/.test(key))))
  return { name, ...flags, ...flat, childNames: childNamesOf(name, fields), fields: fields.map(leanField) }
}

for (const [name, prefix] of Object.entries(OBJECTS)) {
  process.stdout.write(`${JSON.stringify(leanObject(name, prefix))}\n`)
}
