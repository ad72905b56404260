// Objects that are related lists: their rows are read only through the parent record. Salesforce: Object
// Reference, ActivityHistory, OpenActivity, AttachedContentDocument, CombinedAttachment,
// NoteAndAttachment and ProcessInstanceHistory; their fields and relationships as recorded by jsforce.

import { findObject } from '../org/changes.ts'
import { type FieldDescribe, type Org, type SObjectDescribe } from '../org/model.ts'
import { makeObject, type FieldSpec } from '../org/schema.ts'

/** Recorded: files can belong to topics, but topics have no list of them. */
const filesOf = (org: Org): string[] =>
  (
    findObject(org, 'ContentDocumentLink')?.fields.get('linkedentityid')?.describe.referenceTo ?? []
  ).filter((name) => name !== 'Topic')

/** Only a query through the parent can read them, and nothing can write them. */
const FLAGS: Partial<SObjectDescribe> = {
  createable: false,
  deletable: false,
  layoutable: false,
  mruEnabled: false,
  queryable: false,
  replicateable: false,
  retrieveable: false,
  searchable: false,
  triggerable: false,
  undeletable: false,
  updateable: false,
}

const READ_ONLY = { createable: false, updateable: false, permissionable: false }

/** Fields of one object, with what is different about them in a list. */
const fieldsOf = (
  org: Org,
  from: string,
  names: string,
  changes: Record<string, Partial<FieldSpec>> = {},
): FieldSpec[] =>
  names.split(' ').flatMap((name) => {
    const field = findObject(org, from)?.fields.get(name.toLowerCase())
    return field === undefined ? [] : [{ ...specOf(field.describe), ...changes[name] }]
  })

const specOf = (describe: FieldDescribe): FieldSpec => ({
  ...describe,
  ...READ_ONLY,
  defaultedOnCreate: false,
})

const STAMPS = 'CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp'

/**
 * Through the account, a person, or anything else: an account has its activities only through the first.
 */
const activityFields = (org: Org): FieldSpec[] => [
  ...fieldsOf(org, 'Task', 'Id AccountId WhoId WhatId Subject', {
    AccountId: { cascadeDelete: true },
    WhoId: { cascadeDelete: true },
    WhatId: { cascadeDelete: true, referenceTo: whatBesideAccounts(org) },
  }),
  { name: 'IsTask', type: 'boolean', label: 'Task', ...READ_ONLY },
  ...fieldsOf(
    org,
    'Task',
    'ActivityDate OwnerId Status Priority IsHighPriority TaskSubtype IsClosed',
    {
      OwnerId: { nillable: true },
      Status: { nillable: true },
      Priority: { nillable: true },
      TaskSubtype: { name: 'ActivitySubtype', label: 'Activity Subtype' },
    },
  ),
  text('ActivityType', 'Type', {
    type: 'picklist',
    picklistValues: ['Call', 'Email', 'Meeting', 'Other'].map((value) => ({
      active: true,
      defaultValue: false,
      label: value,
      validFor: null,
      value,
    })),
  }),
  ...fieldsOf(org, 'Event', 'IsAllDayEvent DurationInMinutes Location'),
  ...fieldsOf(org, 'Task', `Description IsDeleted ${STAMPS}`),
  ...fieldsOf(org, 'Task', 'CallDurationInSeconds CallType CallDisposition CallObject'),
  ...fieldsOf(org, 'Task', 'ReminderDateTime IsReminderSet'),
  ...fieldsOf(org, 'Event', 'EndDateTime StartDateTime', {
    EndDateTime: { nillable: true },
    StartDateTime: { nillable: true },
  }),
  {
    name: 'AlternateDetailId',
    type: 'reference',
    label: 'Alternate Detail ID',
    referenceTo: ['EmailMessage'],
    relationshipName: 'AlternateDetail',
    ...READ_ONLY,
  },
]

const whatBesideAccounts = (org: Org): string[] =>
  (findObject(org, 'Task')?.fields.get('whatid')?.describe.referenceTo ?? []).filter(
    (name) => name !== 'Account',
  )

const text = (name: string, label: string, more: Partial<FieldSpec> = {}): FieldSpec => ({
  name,
  type: 'string',
  label,
  ...READ_ONLY,
  ...more,
})

const fileFields = (org: Org): FieldSpec[] => [
  text('FileType', 'File Type', { length: 20 }),
  text('ContentSize', 'Size', { type: 'int' }),
  text('FileExtension', 'File Extension', { length: 40 }),
  text('ContentUrl', 'Content URL', { type: 'url', length: 1333 }),
  text('ExternalDataSourceName', 'External Data Source Name'),
  text('ExternalDataSourceType', 'External Data Source Type'),
  ...fieldsOf(org, 'ContentDocument', 'SharingOption'),
]

const FILE_STAMPS = 'CreatedDate CreatedById LastModifiedDate LastModifiedById'

interface RelatedList {
  name: string
  label: string
  fields: (org: Org) => FieldSpec[]
  /** The parents' name for it. */
  childName: string
}

const LISTS: readonly RelatedList[] = [
  {
    name: 'ActivityHistory',
    label: 'Activity History',
    fields: activityFields,
    childName: 'ActivityHistories',
  },
  {
    name: 'OpenActivity',
    label: 'Open Activity',
    fields: activityFields,
    childName: 'OpenActivities',
  },
  {
    name: 'AttachedContentDocument',
    label: 'Attached Content Document',
    fields: (org) => [
      ...fieldsOf(org, 'ContentDocumentLink', 'Id IsDeleted LinkedEntityId ContentDocumentId', {
        LinkedEntityId: { cascadeDelete: true, referenceTo: filesOf(org) },
        ContentDocumentId: { nillable: true },
      }),
      text('Title', 'Title', { nillable: false }),
      ...fieldsOf(org, 'ContentDocument', FILE_STAMPS),
      ...fileFields(org),
    ],
    childName: 'AttachedContentDocuments',
  },
  {
    name: 'CombinedAttachment',
    label: 'Notes, Attachments, Google Docs, and Files',
    fields: (org) => [
      ...fieldsOf(org, 'ContentDocumentLink', 'Id IsDeleted LinkedEntityId', {
        LinkedEntityId: {
          name: 'ParentId',
          label: 'Parent ID',
          relationshipName: 'Parent',
          cascadeDelete: true,
          referenceTo: filesOf(org),
        },
      }),
      text('RecordType', 'Record Type'),
      text('Title', 'Title'),
      ...fieldsOf(org, 'ContentDocument', FILE_STAMPS),
      ...fileFields(org),
    ],
    childName: 'CombinedAttachments',
  },
  {
    name: 'NoteAndAttachment',
    label: 'Note and Attachment',
    fields: (org) => [
      ...fieldsOf(org, 'Note', `Id IsDeleted ParentId Title IsPrivate OwnerId ${STAMPS}`, {
        ParentId: { cascadeDelete: true },
        Title: { nillable: true },
      }),
      { name: 'IsNote', type: 'boolean', label: 'Is Note', ...READ_ONLY },
    ],
    childName: 'NotesAndAttachments',
  },
  {
    name: 'ProcessInstanceHistory',
    label: 'Process Instance History',
    fields: (org) => [
      { name: 'IsPending', type: 'boolean', label: 'Is Pending', ...READ_ONLY },
      ...fieldsOf(org, 'ProcessInstance', `Id TargetObjectId IsDeleted CreatedDate`, {
        TargetObjectId: { nillable: true, cascadeDelete: false },
      }),
      ...fieldsOf(org, 'ProcessInstance', 'CreatedById SystemModstamp'),
      ...fieldsOf(org, 'ProcessInstance', 'Status', {
        Status: { name: 'StepStatus', label: 'Step Status', nillable: true },
      }),
      text('RemindersSent', 'Reminders Sent', { type: 'int' }),
      ...fieldsOf(
        org,
        'ProcessInstance',
        'ElapsedTimeInDays ElapsedTimeInHours ElapsedTimeInMinutes',
      ),
      text('Comments', 'Comments', { length: 4000 }),
      ...['OriginalActor', 'Actor'].map((name) =>
        text(`${name}Id`, `${name} ID`, {
          type: 'reference',
          referenceTo: ['Group', 'User'],
          relationshipName: name,
          nillable: false,
        }),
      ),
      text('ProcessInstanceId', 'Process Instance ID', {
        type: 'reference',
        referenceTo: ['ProcessInstance'],
        relationshipName: 'ProcessInstance',
        nillable: false,
      }),
    ],
    childName: 'ProcessSteps',
  },
]

/** The reference through which a parent has the list; an activity has three. */
const PARENTS = new Set([
  'AccountId',
  'LinkedEntityId',
  'ParentId',
  'TargetObjectId',
  'WhatId',
  'WhoId',
])

const CHILD_NAMES: Record<string, string> = { ProcessInstanceId: 'StepsAndWorkitems' }

/** Adds the related lists of the standard objects to the org, after their objects. */
export const addRelatedLists = (org: Org): void => {
  for (const { name, label, fields, childName } of LISTS) {
    const describe = { ...FLAGS, labelPlural: label }
    const made = makeObject(org, { name, label, describe, fields: fields(org) })
    for (const [key, field] of made.fields) {
      const { name: path } = field.describe
      const childRelationshipName = PARENTS.has(path) ? childName : (CHILD_NAMES[path] ?? null)
      made.fields.set(key, { ...field, childRelationshipName })
    }
  }
}
