// The quick actions that every org has from the start. Salesforce Help, "Default Actions"; what they hold
// is taken from retrieved files in public repositories (SalesforceFoundation/NPSP, BSD 3-Clause).

import { type Org } from './model.ts'
import { stamps } from './schema.ts'

/** Global actions that create a record: of what, with which fields (`*`: required). */
const CREATING: Record<string, { targetObject: string; fields: string }> = {
  NewAccount: { targetObject: 'Account', fields: 'Name* Phone' },
  NewCase: { targetObject: 'Case', fields: 'ContactId Status* Subject Description' },
  NewContact: { targetObject: 'Contact', fields: 'Name* Email Phone AccountId Title' },
  NewEvent: { targetObject: 'Event', fields: 'Subject StartDateTime* EndDateTime* WhoId WhatId' },
  NewGroup: { targetObject: 'CollaborationGroup', fields: 'Name* CollaborationType* Description' },
  NewLead: { targetObject: 'Lead', fields: 'Name* Company* Email Phone Title' },
  NewNote: { targetObject: 'ContentNote', fields: 'Title* Content' },
  NewOpportunity: {
    targetObject: 'Opportunity',
    fields: 'Name* AccountId CloseDate* StageName* Amount',
  },
  NewTask: {
    targetObject: 'Task',
    fields: 'Subject ActivityDate WhoId WhatId OwnerId* Status*',
  },
}

const metadataOf = (type: string, targetObject: string, standardLabel: string, fields: string) => ({
  optionsCreateFeedItem: true,
  quickActionLayout: {
    layoutSectionStyle: 'TwoColumnsLeftToRight',
    quickActionLayoutColumns: [
      {
        quickActionLayoutItems: fields.split(' ').map((field) => ({
          emptySpace: false,
          field: field.replace('*', ''),
          uiBehavior: field.endsWith('*') ? 'Required' : 'Edit',
        })),
      },
    ],
  },
  standardLabel,
  targetObject,
  type,
})

export const addStandardActions = (org: Org): void => {
  const add = (fullName: string, metadata: Record<string, unknown>) =>
    org.quickActions.set(fullName.toLowerCase(), {
      id: org.ids.make('09D'),
      fullName,
      metadata,
      ...stamps(org),
    })
  for (const [name, { targetObject, fields }] of Object.entries(CREATING)) {
    add(name, metadataOf('Create', targetObject, 'New', fields))
  }
  add('LogACall', metadataOf('LogACall', 'Task', 'LogACall', 'Subject Description WhoId WhatId'))
}

/**
 * Actions that layouts of real orgs show, and that no list has: they have no layout of their own. Those
 * of the feed, of mail, and of cases (Salesforce Help, "Set Up Case Feed Actions").
 */
export const isUnlistedAction = (fullName: string): boolean =>
  /^(FeedItem\..+|SendEmail|Case\.(CaseComment|ChangeStatus|LogACall|SendEmail))$/i.test(fullName)
