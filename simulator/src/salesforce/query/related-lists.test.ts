// Related lists, which are read through the record that they belong to, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../testing/rig.ts'
import { connect } from '../metadata/deploy/testing/deploys.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
  jsforce = await connect(sim, 'Acme')
})
afterAll(() => sim.close())

const create = async (object: string, row: Record<string, unknown>): Promise<string> => {
  const { id } = await jsforce.create(object, row)
  return id ?? ''
}

interface Child {
  Subject?: string
  Title?: string
}

/** Subjects or titles of a list of one record, in order. */
const listed = async (object: string, id: string, list: string, fields: string) => {
  const { records } = await jsforce.query<Record<string, { records: Child[] } | null>>(
    `SELECT Id, (SELECT ${fields} FROM ${list}) FROM ${object} WHERE Id = '${id}'`,
  )
  return (records[0]?.[list]?.records ?? []).map(({ Subject, Title }) => Subject ?? Title).sort()
}

describe('related lists', () => {
  it('are relationships of the parent, and no objects of a query', async () => {
    const names = async (object: string) =>
      (await jsforce.describe(object)).childRelationships.map(
        ({ childSObject, field, relationshipName }) =>
          `${childSObject}.${field} ${relationshipName ?? ''}`,
      )
    // As recorded for a lead.
    expect(await names('Lead')).toEqual(
      expect.arrayContaining([
        'ActivityHistory.WhoId ActivityHistories',
        'OpenActivity.WhoId OpenActivities',
        'AttachedContentDocument.LinkedEntityId AttachedContentDocuments',
        'CombinedAttachment.ParentId CombinedAttachments',
        'NoteAndAttachment.ParentId NotesAndAttachments',
        'ProcessInstanceHistory.TargetObjectId ProcessSteps',
      ]),
    )
    const ofAccount = await names('Account')
    expect(ofAccount.filter((name) => name.startsWith('ActivityHistory'))).toEqual([
      'ActivityHistory.AccountId ActivityHistories',
    ])
    await expect(jsforce.query('SELECT Id FROM OpenActivity')).rejects.toMatchObject({
      errorCode: 'INVALID_TYPE_FOR_OPERATION',
      message: 'entity type OpenActivity does not support query',
    })
  })

  it('keep what is open from what is over, of the account and of its people', async () => {
    const account = await create('Account', { Name: 'Listed' })
    const contact = await create('Contact', { LastName: 'Lister', AccountId: account })
    await create('Task', { Subject: 'Call', WhoId: contact })
    await create('Task', { Subject: 'Wrote', WhatId: account, Status: 'Completed' })
    await create('Event', {
      Subject: 'Met',
      WhatId: account,
      DurationInMinutes: 30,
      ActivityDateTime: '2020-05-04T10:00:00Z',
    })
    const fields = 'Id, Subject, ActivityDate, IsClosed, Owner.Name, What.Name'
    expect(await listed('Account', account, 'OpenActivities', fields)).toEqual(['Call'])
    expect(await listed('Account', account, 'ActivityHistories', fields)).toEqual(['Met', 'Wrote'])
    expect(await listed('Contact', contact, 'OpenActivities', 'Subject')).toEqual(['Call'])
    expect(await listed('Contact', contact, 'ActivityHistories', 'Subject')).toEqual([])
  })

  it('gather notes and attachments', async () => {
    const account = await create('Account', { Name: 'Noted' })
    await create('Note', { Title: 'A note', ParentId: account })
    await create('Attachment', { Name: 'A file', ParentId: account, Body: 'aGk=' })
    const both = ['A file', 'A note']
    expect(await listed('Account', account, 'NotesAndAttachments', 'Title, IsNote')).toEqual(both)
    expect(await listed('Account', account, 'CombinedAttachments', 'Title, FileType')).toEqual(both)
    expect(await listed('Account', account, 'ProcessSteps', 'Comments')).toEqual([])
  })
})
