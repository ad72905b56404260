// What build.ts knows of the standard objects beside the reference and the recordings: which there are, and
// what their pages in the Object Reference say in words.

/** API name → key prefix, or `-` where the object has none. */
export const OBJECTS: Record<string, string> = {
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

export const NAME_FIELDS: Record<string, string> = {
  Case: 'CaseNumber', Contract: 'ContractNumber', Order: 'OrderNumber', OrderItem: 'OrderItemNumber', Task: 'Subject',
  Event: 'Subject', Solution: 'SolutionName', ContentVersion: 'Title', ContentDocument: 'Title', Note: 'Title',
  QuoteLineItem: 'LineNumber', WorkOrder: 'WorkOrderNumber', WorkOrderLineItem: 'LineItemNumber',
  Dashboard: 'Title', EmailMessage: 'Subject', ServiceContract: 'Name',
}

/** The reference's page of Campaign leaves Create and Update out; its create page has these to fill in. */
export const WRITABLE: Record<string, string> = {
  Campaign: `ActualCost BudgetedCost CampaignMemberRecordTypeId Description EndDate ExpectedResponse ExpectedRevenue
    IsActive Name NumberSent OwnerId ParentId StartDate Status Type`,
  CampaignMemberStatus: 'HasResponded IsDefault',
}

/**
 * Parts whose deletion the deletion of the parent brings with it, where no parent was recorded. Object
 * Reference, "Usage".
 */
export const CASCADES = new Set(
  `OpportunityLineItem.OpportunityId OpportunityTeamMember.OpportunityId Quote.OpportunityId QuoteLineItem.QuoteId
  OrderItem.OrderId CampaignMember.CampaignId CampaignMemberStatus.CampaignId ContractContactRole.ContractId
  PricebookEntry.Product2Id PricebookEntry.Pricebook2Id GroupMember.GroupId WorkOrderLineItem.WorkOrderId`.split(/\s+/),
)

/** References that keep their parent, as salesforcedx-vscode recorded them. */
export const RESTRICTS = new Set(
  `Asset.Product2Id PricebookEntry.Product2Id Opportunity.Pricebook2Id Order.Pricebook2Id Order.OriginalOrderId
  OpportunityLineItem.PricebookEntryId OrderItem.PricebookEntryId`.split(/\s+/),
)

/** Child relationships of several fields that lead to one object, and of objects that jsforce's org has not. */
export const CHILD_NAMES: Record<string, string> = {
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
export const MERGEABLE = new Set(['Account', 'Contact', 'Lead', 'Case', 'Individual'])

export const RECORDS = new Set(
  `Account Contact Lead Opportunity Case Task Event Campaign CampaignMember Product2 Pricebook2 PricebookEntry
  Quote QuoteLineItem Order OrderItem Contract Asset User OpportunityLineItem OpportunityContactRole ContentVersion
  EmailMessage Solution ServiceContract Entitlement WorkOrder WorkOrderLineItem Individual`.split(/\s+/),
)

export const FEEDS = new Set('Account Contact Lead Opportunity Case Task Event Campaign Product2 Quote Order Contract Asset User WorkOrder ServiceContract'.split(' '))

export const TARGETS: Record<string, string[]> = {
  OwnerId: ['Group', 'User'], DelegatedApproverId: ['User'], ForecastUserId: ['User'], PortalAccountOwnerId: ['User'],
  ArchivedById: ['User'], LastEditById: ['User'], 'UserRole.ParentRoleId': ['UserRole'], 'Folder.ParentId': ['Folder'],
  'AsyncApexJob.ParentJobId': ['AsyncApexJob'], 'CampaignMember.LeadOrContactId': ['Contact', 'Lead'],
  'Task.RecurrenceActivityId': ['Task'], 'Event.RecurrenceActivityId': ['Event'], 'CronTrigger.OwnerId': ['User'],
  'EmailMessage.ActivityId': ['Task'],
  'FeedComment.ParentId': [...FEEDS, 'CollaborationGroup', 'ContentDocument', 'Dashboard', 'OrderItem', 'Report', 'Solution', 'Topic', 'WorkOrderLineItem'],
}
