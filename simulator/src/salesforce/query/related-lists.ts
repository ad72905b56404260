// The rows of related lists, from the tasks, events, notes and files of the org. Salesforce: Object
// Reference, ActivityHistory and the like. Approvals are not simulated, so there are no approval steps.

import { type Org, type Row } from '../../org/model.ts'
import { type SoqlRow } from '../../soql/schema.ts'
import { type VirtualTable } from './tables.ts'

/** A table for each list; its columns are those of its describe. */
export const relatedLists = (org: Org): VirtualTable[] => {
  const list = (name: string, rows: () => SoqlRow[]): VirtualTable => ({ name, columns: {}, rows })
  return [
    list('ActivityHistory', () => activities(org).filter((row) => isOver(row))),
    list('OpenActivity', () => activities(org).filter((row) => !isOver(row))),
    list('AttachedContentDocument', () => files(org).map(({ RecordType: _, ...row }) => row)),
    list('CombinedAttachment', () => [...attachments(org), ...files(org).map(asCombined)]),
    list('NoteAndAttachment', () => notesAndAttachments(org)),
  ]
}

const rowsOf = (org: Org, object: string): Row[] => [
  ...(org.records.get(object.toLowerCase())?.values() ?? []),
]

const rowOf = (org: Org, object: string, id: unknown): Row | undefined =>
  typeof id === 'string' ? org.records.get(object.toLowerCase())?.get(id) : undefined

const activities = (org: Org): SoqlRow[] => [
  ...rowsOf(org, 'Task').map((row) => ({
    ...row,
    AccountId: accountOf(org, row),
    IsTask: true,
    ActivitySubtype: row['TaskSubtype'] ?? 'Task',
    ActivityType: row['Type'] ?? null,
    IsAllDayEvent: false,
  })),
  ...rowsOf(org, 'Event').map((row) => ({
    ...row,
    AccountId: accountOf(org, row),
    IsTask: false,
    ActivitySubtype: 'Event',
    ActivityType: row['Type'] ?? null,
    IsClosed: false,
    IsHighPriority: false,
  })),
]

/** Salesforce: the account of the activity's related record, else of the contact ("AccountId"). */
const accountOf = (org: Org, row: Row): unknown => {
  if (typeof row['AccountId'] === 'string') return row['AccountId']
  const what = row['WhatId']
  if (rowOf(org, 'Account', what)) return what
  for (const name of ['Opportunity', 'Case', 'Contract', 'Order', 'Asset']) {
    const account = rowOf(org, name, what)?.['AccountId']
    if (typeof account === 'string') return account
  }
  return rowOf(org, 'Contact', row['WhoId'])?.['AccountId'] ?? null
}

/** A closed task, or an event of the past. */
const isOver = (row: SoqlRow): boolean => {
  if (row['IsTask'] === true) return row['IsClosed'] === true
  const end = row['EndDateTime'] ?? row['ActivityDateTime'] ?? row['ActivityDate']
  if (typeof end !== 'string') return false
  const at = Date.parse(end.length === 10 ? `${end}T23:59:59Z` : end.replace(/\+0000$/, 'Z'))
  return at < Date.now()
}

const notesAndAttachments = (org: Org): SoqlRow[] => [
  ...rowsOf(org, 'Note').map((row) => ({ ...row, IsNote: true })),
  ...rowsOf(org, 'Attachment').map((row) => ({ ...row, Title: row['Name'], IsNote: false })),
]

const attachments = (org: Org): SoqlRow[] =>
  ['Note', 'Attachment'].flatMap((kind) =>
    rowsOf(org, kind).map((row) => ({
      ...row,
      RecordType: kind,
      Title: row['Title'] ?? row['Name'],
      ContentSize: row['BodyLength'] ?? null,
    })),
  )

const files = (org: Org): SoqlRow[] =>
  rowsOf(org, 'ContentDocumentLink').flatMap((link) => {
    const document = rowOf(org, 'ContentDocument', link['ContentDocumentId'])
    return document === undefined
      ? []
      : [
          {
            ...document,
            ...link,
            CreatedDate: document['CreatedDate'],
            RecordType: 'ContentDocument',
          },
        ]
  })

const asCombined = ({ LinkedEntityId, ...row }: SoqlRow): SoqlRow => ({
  ...row,
  ParentId: LinkedEntityId,
})
