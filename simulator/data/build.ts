// Makes standard-objects.jsonl, the standard objects that the seeds start from:
//
//   node simulator/data/build.ts REFERENCE_FOLDER DESCRIBE.json... > simulator/data/standard-objects.jsonl
//
// REFERENCE_FOLDER holds one JSON file per object (see NOTICE); DESCRIBE files are recorded answers of
// describe and describeGlobal, whose values win, those of later files over those of earlier ones: name
// describeGlobal first. jsforce's types of a real org tell what the reference leaves open: which fields
// there are, which may be empty, and the names of child relationships. A line per object; of each field
// only what differs from what `describeField` fills in by itself. `compare.ts` shows what stays different.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PicklistValue } from '../src/org/model.ts'
import { describeField, type FieldSpec } from '../src/org/schema.ts'

interface Reference {
  fields?: Record<
    string,
    { type?: string; properties?: string; description?: string; relationship_name?: string; refers_to?: string; required?: boolean }
  >
  field_reference?: Record<
    string,
    { field_label?: string; type?: string; length?: string; precision?: string; scale?: string; digits?: string }
  >
}

interface ChildRelationship {
  childSObject: string
  field: string
  relationshipName: string | null
  cascadeDelete: boolean
  restrictedDelete: boolean
}

interface Described {
  name: string
  label: string
  labelPlural: string
  fields?: FieldSpec[]
  childRelationships?: ChildRelationship[]
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

/**
 * Parts whose deletion the deletion of the parent brings with it, where no parent was recorded. Object
 * Reference, "Usage".
 */
const CASCADES = new Set(
  `OpportunityLineItem.OpportunityId OpportunityTeamMember.OpportunityId Quote.OpportunityId QuoteLineItem.QuoteId
  OrderItem.OrderId CampaignMember.CampaignId CampaignMemberStatus.CampaignId ContractContactRole.ContractId
  PricebookEntry.Product2Id PricebookEntry.Pricebook2Id GroupMember.GroupId WorkOrderLineItem.WorkOrderId`.split(/\s+/),
)

/** References that keep their parent, as salesforcedx-vscode recorded them. */
const RESTRICTS = new Set(
  `Asset.Product2Id PricebookEntry.Product2Id Opportunity.Pricebook2Id Order.Pricebook2Id Order.OriginalOrderId
  OpportunityLineItem.PricebookEntryId OrderItem.PricebookEntryId`.split(/\s+/),
)

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
/** In the reference of an object, but only with person accounts. */
const OF_PERSONS = new Set(['Account.Salutation'])
const ALWAYS = /^(Permissions(ApiEnabled|CustomizeApplication|ModifyAllData|ViewSetup|ViewAllData|ModifyMetadata|ManageUsers|EditPublicFilters)|UserPermissions(MarketingUser|OfflineUser))$/
const SYSTEM: Record<string, Partial<FieldSpec>> = {
  Id: { type: 'id', defaultedOnCreate: true, nillable: false, idLookup: true },
  IsDeleted: { type: 'boolean', createable: false, updateable: false, groupable: true, sortable: true },
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

/** What parents' describes say of the references that lead to them: all recorded parents agree. */
const recordedChildren = new Map<string, ChildRelationship>()
for (const { childRelationships = [] } of recorded.values()) {
  for (const child of childRelationships) recordedChildren.set(`${child.childSObject}.${child.field}`, child)
}

const values = (list: string[]): PicklistValue[] =>
  list.map((text) => {
    const written = text.replace(/^\*/, '')
    const [value = '', label = value] = written.split(' = ')
    return { active: true, defaultValue: text !== written, label, validFor: null, value }
  })

/** Picklists that several objects share: Industry, LeadSource, Rating … as Lead was recorded. */
const shared = new Map<string, PicklistValue[]>()
for (const object of recorded.values()) {
  for (const field of object.fields ?? []) {
    if (field.picklistValues !== undefined && field.picklistValues.length > 0) {
      const geocode = field.name.endsWith('GeocodeAccuracy')
      shared.set(geocode ? 'GeocodeAccuracy' : field.name, field.picklistValues)
    }
  }
}
const SHARED = /^(Industry|Rating|LeadSource|AccountSource|Salutation|.*GeocodeAccuracy|CleanStatus|.*TimeZone(SidKey)?)$/
const sharedValues = (name: string) =>
  SHARED.test(name)
    ? (shared.get(name.replace(/^.*GeocodeAccuracy$/, 'GeocodeAccuracy').replace('AccountSource', 'LeadSource').replace(/^.*TimeZone(SidKey)?$/, TIME_ZONES)) ?? [])
    : []

/** The longest picklist, which the table says once: the other fields name this one. */
const TIME_ZONES = 'RecurrenceTimeZoneSidKey'

/** Values that the reference describes one by one: "Manual—The User has access because …". */
const describedValues = (text = ''): PicklistValue[] =>
  values([...new Set([...text.matchAll(/(?<=^|[\s.:])(\w+)\s?—/g)].map(([, value = '']) => value))])

/** Recorded: what a new record gets is said twice, of a field and of its value. */
const picklistOf = (picklistValues: PicklistValue[]): Partial<FieldSpec> => {
  const value = picklistValues.find(({ defaultValue }) => defaultValue)?.value
  return { picklistValues, ...(value === undefined ? {} : { defaultValue: value }) }
}

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

/**
 * What the deletion of its parent does to it. Recorded describes say it of the relationship, and never of
 * the standard field itself: the simulator shows it there.
 */
const deletionOf = (path: string): Partial<FieldSpec> => {
  const seen = recordedChildren.get(path)
  const cascades = seen?.cascadeDelete ?? (CASCADES.has(path) || COMPANION_KEY.test(path))
  return {
    ...(cascades ? { cascadeDelete: true } : {}),
    ...(seen?.restrictedDelete ?? RESTRICTS.has(path) ? { restrictedDelete: true } : {}),
  }
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
  return new Set([...names].filter((name) => !hasFeature(name) && isKnown(name) && !OF_PERSONS.has(`${object}.${name}`) && name !== 'RecordTypeId'))
}

/** Fields that were recorded without field-level security in several objects. */
const UNSECURED = ['RecordTypeId', 'IndividualId', 'EmailBouncedReason', 'EmailBouncedDate']
const KIN: Record<string, string> = { Task: 'Event', AccountContactRole: 'OpportunityContactRole', CaseContactRole: 'OpportunityContactRole', ContractContactRole: 'OpportunityContactRole' }
/** What the recorded kin of an object says of its field of the same name. */
const kinOf = (object: string, name: string): FieldSpec | undefined =>
  recorded.get(KIN[object] ?? '')?.fields?.find((field) => field.name === name)

/** A field as it was recorded, in an org that has the objects of the catalogue only. */
const asRecorded = (object: string, field: FieldSpec): FieldSpec => {
  const { referenceTo = [], type } = field
  const here = referenceTo.filter((name) => name in OBJECTS)
  return {
    ...field,
    ...(referenceTo.length > 2 && here.length > 0 ? { referenceTo: here } : {}),
    // Later releases, those of the newer recordings, have made all of them 255 characters long.
    ...(type === 'picklist' && field.length === 40 && !/GeocodeAccuracy|Salutation|CleanStatus/.test(field.name) ? { length: 255, byteLength: 765 } : {}),
    ...deletionOf(`${object}.${field.name}`),
  }
}

/** Documented, of no feature, and younger than the recording. */
const LATER = /^Opportunity\.(AgeInDays|LastActivityInDays|LastStageChangeInDays|PushCount)$/

/**
 * The recorded fields, and those of jsforce's org, from which field-level security hid nothing. What
 * neither has belongs to features. An object has RecordTypeId only with record types, which the recorded
 * org had of accounts; its custom fields were recorded as standard ones.
 */
const merged = (object: string, known: FieldSpec[] | undefined, documented: FieldSpec[]): FieldSpec[] => {
  if (known === undefined) return documented
  const own = known.filter(({ name }) => !name.endsWith('__c') && name !== 'RecordTypeId').map((field) => asRecorded(object, field))
  const names = new Set(own.map(({ name }) => name))
  const there = schema.get(`Fields$${object}`)
  return [...own, ...documented.filter(({ name }) => !names.has(name) && (there?.has(name) || LATER.test(`${object}.${name}`)))]
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
    const kin = kinOf(object, name)
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
      ...deletionOf(path),
      ...(type === 'picklist' || type === 'multipicklist' || type === 'combobox'
        ? picklistOf(known === undefined ? (SHARED.test(name) ? sharedValues(name) : describedValues(doc?.description)) : values(known))
        : {}),
      ...(name === (NAME_FIELDS[object] ?? 'Name') ? { nameField: true } : {}),
      ...(/^(Street|City|State|PostalCode|Country|Latitude|Longitude|GeocodeAccuracy)$/.test(part) ? { compoundFieldName: `${prefix}Address` } : {}),
      ...(person ? { compoundFieldName: 'Name', extraTypeInfo: 'personname' } : {}),
      ...(name === 'Name' && 'LastName' in measured && object !== 'Account' ? { createable: false, updateable: false, extraTypeInfo: 'personname' } : {}),
      ...system,
      ...(kin?.aggregatable === false || type === 'textarea' ? { aggregatable: type === 'textarea' && told.has('sort') } : {}),
      ...(name === 'PhotoUrl' ? { filterable: true, groupable: true, sortable: true, extraTypeInfo: 'imageurl' } : {}),
      // Recorded: field-level security holds for optional fields that somebody may fill in.
      permissionable:
        // Recorded by amp-labs/connectors: nobody is kept from the fields of the organization.
        object !== 'Organization' && system === undefined && nillable && doc !== undefined && !person && !UNSECURED.includes(name) && kin?.permissionable !== false &&
        (type === 'address' || told.has('create') || told.has('update') || isListed),
    })
  }
  return specs
}

/** Names of the relationships that lead from parents to these fields, as far as Salesforce has such. */
const childNamesOf = (object: string, fields: FieldSpec[]): Record<string, string> => {
  const names: Record<string, string> = {}
  const references = fields.filter(({ type, name }) => type === 'reference' && !/^(CreatedById|LastModifiedById|OwnerId)$/.test(name))
  for (const { name, referenceTo = [] } of references) {
    const seen = recordedChildren.get(`${object}.${name}`)
    if (seen !== undefined) {
      if (seen.relationshipName !== null) names[name] = seen.relationshipName
      continue
    }
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

const zones = JSON.stringify(shared.get(TIME_ZONES) ?? [])

const leanField = (spec: FieldSpec): Record<string, unknown> => {
  const lean: Record<string, unknown> = { name: spec.name, type: spec.type }
  // The length decides other defaults, so that it comes first.
  const basis: FieldSpec = { name: spec.name, type: spec.type, label: spec.name }
  for (const key of ['length', 'calculated', 'autoNumber', 'referenceTo']) {
    if (JSON.stringify(describeField(basis)[key]) !== JSON.stringify(spec[key]) && spec[key] !== undefined) basis[key] = spec[key]
  }
  const assumed = describeField(basis)
  for (const [key, value] of Object.entries(spec)) {
    if (key === 'picklistValues' && spec.name !== TIME_ZONES && JSON.stringify(value) === zones) {
      lean[key] = `Event.${TIME_ZONES}`
      continue
    }
    if (key in basis && key !== 'label') lean[key] = value
    else if (JSON.stringify(assumed[key]) !== JSON.stringify(value)) lean[key] = value
  }
  return lean
}

const leanObject = (name: string, keyPrefix: string) => {
  const known = recorded.get(name)
  const reference = read(join(folder, `${name}.json`)) as Reference
  const fields = merged(name, known?.fields, fieldsOf(name, reference))
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
  return { name, ...flags, ...flat, keyPrefix: flags.keyPrefix, childNames: childNamesOf(name, fields), fields: fields.map(leanField) }
}

for (const [name, prefix] of Object.entries(OBJECTS)) {
  process.stdout.write(`${JSON.stringify(leanObject(name, prefix))}\n`)
}
