// Describes with the members that mappings read, for the tests of this folder. Salesforce's own have
// many more of the same kinds.

import { type JsonObject } from '../../../salesforce/json.ts'

/** A writable, optional field. */
export const field = (name: string, type = 'string', more: JsonObject = {}): JsonObject => ({
  autoNumber: false,
  calculated: false,
  compoundFieldName: null,
  createable: true,
  defaultedOnCreate: false,
  digits: type === 'int' ? 8 : 0,
  externalId: false,
  idLookup: false,
  label: name
    .replace(/__c$/, '')
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2'),
  length: type === 'string' ? 80 : 0,
  name,
  nillable: true,
  picklistValues: [],
  precision: 0,
  referenceTo: [],
  relationshipName: null,
  restrictedPicklist: false,
  scale: 0,
  type,
  unique: false,
  updateable: true,
  ...more,
})

const READ_ONLY = { createable: false, updateable: false }

export const picklist = (name: string, values: string[], more: JsonObject = {}): JsonObject =>
  field(name, 'picklist', {
    length: 255,
    restrictedPicklist: true,
    picklistValues: values.map((value) => ({ active: true, label: value, value })),
    ...more,
  })

export const reference = (
  name: string,
  to: string[],
  relationship: string,
  more: JsonObject = {},
) =>
  field(name, 'reference', {
    label: `${relationship.replace(/__r$/, '').replaceAll('_', ' ')} ID`,
    length: 18,
    referenceTo: to,
    relationshipName: relationship,
    ...more,
  })

export const externalId = (name: string, more: JsonObject = {}): JsonObject =>
  field(name, 'string', { externalId: true, idLookup: true, unique: true, ...more })

export const describeOf = (
  name: string,
  fields: JsonObject[],
  more: JsonObject = {},
): JsonObject => ({
  childRelationships: [],
  createable: true,
  custom: name.endsWith('__c'),
  fields: [
    field('Id', 'id', { ...READ_ONLY, idLookup: true, nillable: false, length: 18 }),
    field('CreatedDate', 'datetime', { ...READ_ONLY, nillable: false }),
    ...fields,
  ],
  label: name.replace(/__c$/, '').replaceAll('_', ' '),
  name,
  recordTypeInfos: [],
  updateable: true,
  ...more,
})

const ADDRESS = ['Street', 'City', 'State', 'PostalCode', 'Country'].map((name) =>
  field(name, name === 'Street' ? 'textarea' : 'string', {
    compoundFieldName: 'Address',
    length: 80,
  }),
)

/** A Lead as most Salesforce orgs have it, with a few custom fields. */
export const lead = (): JsonObject =>
  describeOf('Lead', [
    field('Name', 'string', { ...READ_ONLY, nillable: false, label: 'Full Name' }),
    field('LastName', 'string', { nillable: false, compoundFieldName: 'Name' }),
    field('FirstName', 'string', { compoundFieldName: 'Name', length: 40 }),
    field('Company', 'string', { nillable: false, length: 255 }),
    field('Title', 'string', { length: 128 }),
    field('Email', 'email', { idLookup: true, length: 80 }),
    field('Phone', 'phone', { length: 40 }),
    field('MobilePhone', 'phone', { length: 40 }),
    field('Website', 'url', { length: 255 }),
    ...ADDRESS,
    field('Address', 'address', READ_ONLY),
    picklist('Status', ['Open', 'Working', 'Closed - Converted'], {
      nillable: false,
      defaultedOnCreate: true,
      restrictedPicklist: false,
    }),
    picklist('LeadSource', ['Web', 'Partner Referral'], { restrictedPicklist: false }),
    field('AnnualRevenue', 'currency', { precision: 18 }),
    field('NumberOfEmployees', 'int', { label: 'Employees' }),
    field('DoNotCall', 'boolean', { nillable: false, defaultedOnCreate: true }),
    reference('OwnerId', ['Group', 'User'], 'Owner', { nillable: false, defaultedOnCreate: true }),
    externalId('External_Key__c', { length: 64 }),
    field('Legacy_Key__c', 'string', { externalId: true, idLookup: true }),
    field('Score__c', 'double', { precision: 5, scale: 2 }),
    field('Available_From__c', 'date'),
    field('Summary__c', 'string', { ...READ_ONLY, calculated: true }),
    field('Ticket_No__c', 'string', { ...READ_ONLY, autoNumber: true }),
    picklist('Seniority__c', ['Junior', 'Senior', 'Lead'], {}),
    field('Mentor_Mail__c', 'string', { createable: false }),
    reference('Employer__c', ['Account'], 'Employer__r', { updateable: false }),
  ])

export const account = (): JsonObject =>
  describeOf('Account', [
    field('Name', 'string', { nillable: false, label: 'Account Name', length: 255 }),
    field('Phone', 'phone', { label: 'Account Phone', length: 40 }),
    field('Website', 'url', { length: 255 }),
    field('Industry', 'picklist'),
    externalId('External_Key__c', { length: 64 }),
    field('Ranking__c', 'double', { precision: 10 }),
  ])

export const user = (): JsonObject =>
  describeOf('User', [
    field('Username', 'string', { idLookup: true, unique: true, nillable: false }),
    field('Email', 'email', { idLookup: true, nillable: false }),
    field('LastName', 'string', { nillable: false }),
  ])
