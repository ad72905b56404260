// The names of an object's fields in list views. Custom fields have their API names, standard ones
// special names: ACCOUNT.PHONE1, FULL_NAME, CORE.USERS.ALIAS. No Salesforce page lists them ("Field
// names in the ListView columns don't always match their API name counterparts", Metadata API guide,
// "ListView"); these are from list views in public repositories, and from the translations of their
// tools. For an object that is not listed here, the simulator does not know the standard columns.

/** For every custom object, and for the standard ones below. */
const COMMON: Record<string, string> = {
  CREATEDBY_USER: 'CreatedById',
  'CREATEDBY_USER.ALIAS': 'CreatedById',
  UPDATEDBY_USER: 'LastModifiedById',
  'UPDATEDBY_USER.ALIAS': 'LastModifiedById',
  CURRENCY_ISO_CODE: 'CurrencyIsoCode',
}

const CUSTOM: Record<string, string> = {
  ...COMMON,
  NAME: 'Name',
  RECORDTYPE: 'RecordTypeId',
  'OWNER.ALIAS': 'OwnerId',
  'OWNER.FIRST_NAME': 'OwnerId',
  'OWNER.LAST_NAME': 'OwnerId',
  CREATED_DATE: 'CreatedDate',
  LAST_UPDATE: 'LastModifiedDate',
  LAST_ACTIVITY: 'LastActivityDate',
}

const OWNER = {
  'CORE.USERS.ALIAS': 'OwnerId',
  'CORE.USERS.FIRST_NAME': 'OwnerId',
  'CORE.USERS.LAST_NAME': 'OwnerId',
}

/** Each name prefixed with the object's. */
const prefixed = (prefix: string, names: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(names).map(([name, field]) => [`${prefix}.${name}`, field]))

const DATES = {
  CREATED_DATE: 'CreatedDate',
  LAST_UPDATE: 'LastModifiedDate',
  LAST_ACTIVITY: 'LastActivityDate',
  RECORDTYPE: 'RecordTypeId',
}

const address = (token: string, field: string): Record<string, string> => ({
  [`${token}_STREET`]: `${field}Street`,
  [`${token}_CITY`]: `${field}City`,
  [`${token}_STATE`]: `${field}State`,
  [`${token}_ZIP`]: `${field}PostalCode`,
  [`${token}_COUNTRY`]: `${field}Country`,
})

const STANDARD: Record<string, Record<string, string>> = {
  Account: {
    ...COMMON,
    ...OWNER,
    ...prefixed('ACCOUNT', {
      ...DATES,
      ...address('ADDRESS1', 'Billing'),
      ...address('ADDRESS2', 'Shipping'),
      ACCOUNT_NUMBER: 'AccountNumber',
      ACCOUNT_SOURCE: 'AccountSource',
      DESCRIPTION: 'Description',
      EMPLOYEES: 'NumberOfEmployees',
      INDUSTRY: 'Industry',
      NAME: 'Name',
      OWNERSHIP: 'Ownership',
      PHONE1: 'Phone',
      PHONE2: 'Fax',
      RATING: 'Rating',
      SALES: 'AnnualRevenue',
      SIC: 'Sic',
      SITE: 'Site',
      TICKER: 'TickerSymbol',
      TYPE: 'Type',
      URL: 'Website',
    }),
    PARENT_NAME: 'ParentId',
  },
  Contact: {
    ...COMMON,
    ...OWNER,
    ...prefixed('CONTACT', {
      ...DATES,
      ...address('ADDRESS1', 'Other'),
      ...address('ADDRESS2', 'Mailing'),
      ASSISTANT_NAME: 'AssistantName',
      BIRTHDATE: 'Birthdate',
      DEPARTMENT: 'Department',
      EMAIL: 'Email',
      FIRST_NAME: 'FirstName',
      LAST_NAME: 'LastName',
      LEAD_SOURCE: 'LeadSource',
      PHONE1: 'Phone',
      PHONE2: 'Fax',
      PHONE3: 'MobilePhone',
      PHONE4: 'HomePhone',
      PHONE5: 'OtherPhone',
      PHONE6: 'AssistantPhone',
      SALUTATION: 'Salutation',
      TITLE: 'Title',
    }),
    'ACCOUNT.NAME': 'AccountId',
    FULL_NAME: 'Name',
    NAME: 'Name',
  },
  Lead: {
    ...COMMON,
    ...OWNER,
    ...prefixed('LEAD', {
      ...DATES,
      CITY: 'City',
      COMPANY: 'Company',
      COUNTRY: 'Country',
      EMAIL: 'Email',
      EMPLOYEES: 'NumberOfEmployees',
      FIRST_NAME: 'FirstName',
      INDUSTRY: 'Industry',
      LAST_NAME: 'LastName',
      LEAD_SOURCE: 'LeadSource',
      MOBILE_PHONE: 'MobilePhone',
      PHONE: 'Phone',
      RATING: 'Rating',
      REVENUE: 'AnnualRevenue',
      STATE: 'State',
      STATUS: 'Status',
      STREET: 'Street',
      TITLE: 'Title',
      UNREAD: 'IsUnreadByOwner',
      WEBSITE: 'Website',
      ZIP: 'PostalCode',
    }),
    FULL_NAME: 'Name',
    NAME: 'Name',
  },
  Opportunity: {
    ...COMMON,
    ...OWNER,
    ...prefixed('OPPORTUNITY', {
      ...DATES,
      AMOUNT: 'Amount',
      CLOSED: 'IsClosed',
      CLOSE_DATE: 'CloseDate',
      LEAD_SOURCE: 'LeadSource',
      NAME: 'Name',
      NEXT_STEP: 'NextStep',
      PROBABILITY: 'Probability',
      STAGE_NAME: 'StageName',
      TYPE: 'Type',
      WON: 'IsWon',
    }),
    'ACCOUNT.NAME': 'AccountId',
  },
  Case: {
    ...COMMON,
    ...OWNER,
    ...prefixed('CASES', {
      CASE_NUMBER: 'CaseNumber',
      CLOSED: 'IsClosed',
      CLOSED_DATE: 'ClosedDate',
      CREATED_DATE: 'CreatedDate',
      CREATED_DATE_DATE_ONLY: 'CreatedDate',
      DESCRIPTION: 'Description',
      ESCALATED: 'IsEscalated',
      LAST_UPDATE: 'LastModifiedDate',
      LAST_UPDATE_DATE_ONLY: 'LastModifiedDate',
      ORIGIN: 'Origin',
      PRIORITY: 'Priority',
      REASON: 'Reason',
      RECORDTYPE: 'RecordTypeId',
      STATUS: 'Status',
      SUBJECT: 'Subject',
      TYPE: 'Type',
    }),
    'ACCOUNT.NAME': 'AccountId',
    NAME: 'ContactId',
    OWNER_NAME: 'OwnerId',
    'PARENT.CASE_NUMBER': 'ParentId',
  },
  Campaign: {
    ...COMMON,
    ...OWNER,
    ...prefixed('CAMPAIGN', {
      ...DATES,
      ACTIVE: 'IsActive',
      ACTUAL_COST: 'ActualCost',
      BUDGETED_COST: 'BudgetedCost',
      CAMPAIGN_TYPE: 'Type',
      END_DATE: 'EndDate',
      NAME: 'Name',
      START_DATE: 'StartDate',
      STATUS: 'Status',
    }),
  },
}

/**
 * The standard columns of an object with the fields that they show. Undefined: its columns are not
 * known here.
 */
export const standardColumns = (objectName: string): Readonly<Record<string, string>> | undefined =>
  /__c$/i.test(objectName) ? CUSTOM : STANDARD[objectName]
