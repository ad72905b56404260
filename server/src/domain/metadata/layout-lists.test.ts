import { describe, expect, it } from 'vitest'
import { takeOutOfLayout } from './layout-file.ts'
import { hasActionList, type ListChange, mergeLists } from './layout-lists.ts'

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<Layout xmlns="http://soap.sforce.com/2006/04/metadata">
`
const layout = (content: string): string => `${HEAD}${content}</Layout>\n`
const PLAIN = `    <layoutSections>
        <label>Fields</label>
    </layoutSections>
`
const CONTACTS = `    <relatedLists>
        <fields>FULL_NAME</fields>
        <relatedList>RelatedContactList</relatedList>
    </relatedLists>
`
const ACTIONS = `    <platformActionList>
        <actionListContext>Record</actionListContext>
        <platformActionListItems>
            <actionName>Edit</actionName>
            <actionType>StandardButton</actionType>
            <sortOrder>4</sortOrder>
        </platformActionListItems>
    </platformActionList>
    <quickActionList>
        <quickActionListItems>
            <quickActionName>NewTask</quickActionName>
        </quickActionListItems>
    </quickActionList>
`
const VISITS = {
  related_list: 'Visit__c.Account__c',
  fields: ['NAME', 'Day__c'],
  sort_field: 'Day__c',
  sort_order: 'Desc',
} as const

const takeOut = (text: string, change: ListChange) =>
  takeOutOfLayout(text, { created: false, fields: [], sections: [], ...change })

describe('a related list', () => {
  it('is put last, sorted as wished, and taken out again byte for byte', () => {
    const before = layout(PLAIN + CONTACTS)
    const { text, change } = mergeLists(before, { related_lists: [VISITS] })
    expect(text).toBe(
      layout(`${PLAIN}${CONTACTS}    <relatedLists>
        <fields>NAME</fields>
        <fields>Day__c</fields>
        <relatedList>Visit__c.Account__c</relatedList>
        <sortField>Day__c</sortField>
        <sortOrder>Desc</sortOrder>
    </relatedLists>
`),
    )
    expect(takeOut(text, change)).toEqual({
      text: before,
      removed: ['Visit__c.Account__c'],
      kept: [],
    })
  })

  it('that is there gains columns, and keeps its place and its order', () => {
    const before = layout(PLAIN + CONTACTS)
    const wish = {
      related_lists: [
        {
          related_list: 'relatedcontactlist',
          fields: ['full_name', 'CONTACT.EMAIL'],
          sort_field: 'CONTACT.EMAIL',
        },
      ],
    }
    const { text, change } = mergeLists(before, wish)
    expect(text).toBe(
      before.replace('</fields>\n', '</fields>\n        <fields>CONTACT.EMAIL</fields>\n'),
    )
    expect(mergeLists(text, wish)).toEqual({ text, change: {} })
    expect(takeOut(text, change).text).toBe(before)
  })

  it('of ours that somebody else uses stays, and is named', () => {
    const { text, change } = mergeLists(layout(PLAIN), { related_lists: [VISITS] })
    const theirs = text.replace('<fields>NAME', '<customButtons>Plan</customButtons><fields>NAME')
    expect(takeOut(theirs, change)).toEqual({
      text: theirs,
      removed: [],
      kept: ['Visit__c.Account__c'],
    })
  })
})

describe('a button', () => {
  it('is first in the file, where the schema has it, and in the list of actions', () => {
    const before = layout(PLAIN + ACTIONS)
    const { text, change } = mergeLists(before, { buttons: ['Send_Offer'] })
    expect(text).toContain(`${HEAD}    <customButtons>Send_Offer</customButtons>\n${PLAIN}`)
    expect(text).toContain(`<actionName>Send_Offer</actionName>
            <actionType>CustomButton</actionType>
            <sortOrder>5</sortOrder>`)
    expect(mergeLists(text, { buttons: ['send_offer'] })).toEqual({ text, change: {} })
    expect(takeOut(text, change).text).toBe(before)
  })

  it('makes no list of actions, which would hide the defaults', () => {
    const { text, change } = mergeLists(layout(PLAIN), { buttons: ['Send_Offer'] })
    expect(hasActionList(text)).toBe(false)
    expect(change).toEqual({ buttons: ['Send_Offer'] })
  })
})

it('a quick action is put into both lists of actions, and taken out of both', () => {
  const before = layout(PLAIN + ACTIONS)
  const { text, change } = mergeLists(before, { quick_actions: ['NewTask', 'Account.Call'] })
  expect(text.match(/Account\.Call/g)).toHaveLength(2)
  expect(text.match(/NewTask/g)).toHaveLength(2)
  expect(takeOut(text, change).text).toBe(before)
  const [empty] = [layout(`${PLAIN}    <quickActionList/>\n`)]
  const filled = mergeLists(empty, { quick_actions: ['NewTask'] })
  expect(takeOut(filled.text, filled.change).text).toBe(empty)
})
