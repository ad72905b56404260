// How list views name columns and filter fields: custom fields by their API names, standard ones by
// special names, of which Salesforce publishes no list ("Field names in the ListView columns don't
// always match their API name counterparts", Metadata API guide, "ListView"). Those here are from the
// guide's samples and from list views in open-source projects; all others have to be written as
// Salesforce names them.

import { sameName } from './names.ts'

/** A plan's words for Salesforce's FilterOperation; the same as in assignment rules. */
export const LIST_VIEW_OPERATIONS = [
  'equals',
  'not_equals',
  'greater_than',
  'greater_or_equal',
  'less_than',
  'less_or_equal',
  'contains',
  'not_contains',
  'starts_with',
  'includes',
  'excludes',
] as const

const OPERATIONS: Readonly<Record<(typeof LIST_VIEW_OPERATIONS)[number], string>> = {
  equals: 'equals',
  not_equals: 'notEqual',
  greater_than: 'greaterThan',
  greater_or_equal: 'greaterOrEqual',
  less_than: 'lessThan',
  less_or_equal: 'lessOrEqual',
  contains: 'contains',
  not_contains: 'notContain',
  starts_with: 'startsWith',
  includes: 'includes',
  excludes: 'excludes',
}

/** Salesforce's word for an operation of a filter. */
export const filterOperation = (operation: (typeof LIST_VIEW_OPERATIONS)[number]): string =>
  OPERATIONS[operation]

type Columns = Readonly<Record<string, string>>

const ON_CUSTOM_OBJECTS: Columns = {
  Name: 'NAME',
  OwnerId: 'OWNER.ALIAS',
  RecordTypeId: 'RECORDTYPE',
  CreatedById: 'CREATEDBY_USER',
  CreatedDate: 'CREATED_DATE',
  LastModifiedById: 'UPDATEDBY_USER',
  LastModifiedDate: 'LAST_UPDATE',
}

const ON_STANDARD_OBJECTS: Readonly<Record<string, Columns>> = {
  Account: {
    Name: 'ACCOUNT.NAME',
    Site: 'ACCOUNT.SITE',
    BillingState: 'ACCOUNT.ADDRESS1_STATE',
    Phone: 'ACCOUNT.PHONE1',
    Type: 'ACCOUNT.TYPE',
    Industry: 'ACCOUNT.INDUSTRY',
    Rating: 'ACCOUNT.RATING',
    OwnerId: 'CORE.USERS.ALIAS',
    RecordTypeId: 'ACCOUNT.RECORDTYPE',
    CreatedDate: 'ACCOUNT.CREATED_DATE',
    LastModifiedDate: 'ACCOUNT.LAST_UPDATE',
  },
  Campaign: {
    Name: 'CAMPAIGN.NAME',
    Status: 'CAMPAIGN.STATUS',
    IsActive: 'CAMPAIGN.ACTIVE',
    StartDate: 'CAMPAIGN.START_DATE',
    EndDate: 'CAMPAIGN.END_DATE',
    RecordTypeId: 'CAMPAIGN.RECORDTYPE',
  },
  Case: {
    CaseNumber: 'CASES.CASE_NUMBER',
    Subject: 'CASES.SUBJECT',
    Status: 'CASES.STATUS',
    Priority: 'CASES.PRIORITY',
    Origin: 'CASES.ORIGIN',
    Reason: 'CASES.REASON',
    IsClosed: 'CASES.CLOSED',
    ClosedDate: 'CASES.CLOSED_DATE',
    AccountId: 'ACCOUNT.NAME',
    ContactId: 'NAME',
    OwnerId: 'CORE.USERS.ALIAS',
    CreatedDate: 'CASES.CREATED_DATE',
    LastModifiedDate: 'CASES.LAST_UPDATE',
  },
  Contact: {
    Name: 'FULL_NAME',
    AccountId: 'ACCOUNT.NAME',
    Title: 'CONTACT.TITLE',
    Department: 'CONTACT.DEPARTMENT',
    Phone: 'CONTACT.PHONE1',
    Email: 'CONTACT.EMAIL',
    Birthdate: 'CONTACT.BIRTHDATE',
    OwnerId: 'CORE.USERS.ALIAS',
    CreatedDate: 'CONTACT.CREATED_DATE',
  },
  Lead: {
    Name: 'FULL_NAME',
    Company: 'LEAD.COMPANY',
    Status: 'LEAD.STATUS',
    State: 'LEAD.STATE',
    Phone: 'LEAD.PHONE',
    Email: 'LEAD.EMAIL',
    OwnerId: 'CORE.USERS.ALIAS',
    CreatedDate: 'LEAD.CREATED_DATE',
  },
  Opportunity: {
    Name: 'OPPORTUNITY.NAME',
    AccountId: 'ACCOUNT.NAME',
    StageName: 'OPPORTUNITY.STAGE_NAME',
    Amount: 'OPPORTUNITY.AMOUNT',
    CloseDate: 'OPPORTUNITY.CLOSE_DATE',
    IsClosed: 'OPPORTUNITY.CLOSED',
    OwnerId: 'CORE.USERS.ALIAS',
    RecordTypeId: 'OPPORTUNITY.RECORDTYPE',
  },
}

const byName = (columns: Columns): ReadonlyMap<string, string> =>
  new Map(Object.entries(columns).map(([field, column]) => [sameName(field), column]))

const CUSTOM = byName(ON_CUSTOM_OBJECTS)
const STANDARD: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries(ON_STANDARD_OBJECTS).map(([object, columns]) => [
    sameName(object),
    byName(columns),
  ]),
)

const isCustom = (name: string): boolean => /__[a-z]+$/i.test(name)

/** Salesforce's name for a column, from the plan's name of a field, or as written. */
export const columnOf = (object: string, name: string): string =>
  (isCustom(object) ? CUSTOM : STANDARD.get(sameName(object)))?.get(sameName(name)) ?? name

/** Whether it looks like the API name of a standard field whose column name is not known. */
export const isUnknownColumn = (object: string, name: string): boolean =>
  !isCustom(name) && /[a-z]/.test(name) && columnOf(object, name) === name
