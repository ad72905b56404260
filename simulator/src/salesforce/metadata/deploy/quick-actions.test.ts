// Quick actions, tested with jsforce: of objects and global ones, in lists, on layouts and in Tooling.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, file, problemOf, zipOf } from './testing/deploys.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
})
afterAll(() => sim.close())

const fields = (...names: string[]) =>
  `<quickActionLayout><layoutSectionStyle>OneColumn</layoutSectionStyle><quickActionLayoutColumns>${names
    .map((name) => `<quickActionLayoutItems><field>${name}</field></quickActionLayoutItems>`)
    .join('')}</quickActionLayoutColumns></quickActionLayout>`

const action = (name: string, content: string) =>
  zipOf(
    { QuickAction: [name] },
    {
      [`quickActions/${name}.quickAction`]: file(
        'QuickAction',
        `<optionsCreateFeedItem>false</optionsCreateFeedItem>${content}`,
      ),
    },
  )
const train = (name = 'Account.Train', more = fields('LastName')) =>
  action(name, `<label>Train</label>${more}<targetObject>Contact</targetObject><type>Create</type>`)

const layout = (...names: string[]) =>
  zipOf(
    { Layout: ['Account-Crew Layout'] },
    {
      'layouts/Account-Crew Layout.layout': file(
        'Layout',
        `<layoutSections><layoutColumns><layoutItems><field>Name</field></layoutItems></layoutColumns><style>OneColumn</style></layoutSections><quickActionList>${names
          .map(
            (name) =>
              `<quickActionListItems><quickActionName>${name}</quickActionName></quickActionListItems>`,
          )
          .join('')}</quickActionList>`,
      ),
    },
  )

const listed = async () =>
  (await jsforce.metadata.list({ type: 'QuickAction' })).map(({ fullName }) => fullName)

describe('a quick action', () => {
  it('is listed, read and queried: the global ones of every org, and an object’s own', async () => {
    expect(await listed()).toEqual(expect.arrayContaining(['LogACall', 'NewTask', 'NewAccount']))
    expect(await listed()).not.toContain('Account.Train')
    expect((await deploy(jsforce, train())).failures).toEqual([])
    expect(await listed()).toContain('Account.Train')
    expect(await jsforce.metadata.read('QuickAction', 'Account.Train')).toMatchObject({
      label: 'Train',
      targetObject: 'Contact',
      type: 'Create',
    })
    const { records } = await jsforce.tooling.query(
      "SELECT DeveloperName, SobjectType, TargetSobjectType, Type FROM QuickActionDefinition WHERE DeveloperName IN ('Train', 'NewTask') ORDER BY DeveloperName",
    )
    expect(records).toMatchObject([
      { DeveloperName: 'NewTask', SobjectType: 'Global', TargetSobjectType: 'Task' },
      { DeveloperName: 'Train', SobjectType: 'Account', TargetSobjectType: 'Contact' },
    ])
  })

  it('is refused on a layout where it does not exist', async () => {
    expect(await problemOf(jsforce, layout('Account.Train'))).toBe(
      'In field: QuickAction - no QuickAction named Account.Train found',
    )
    expect(await problemOf(jsforce, layout('NewTrain'))).toContain('NewTrain')
    expect((await deploy(jsforce, train())).failures).toEqual([])
    expect((await deploy(jsforce, layout('Account.Train', 'NewTask'))).failures).toEqual([])
    // Every org has these, also for cases; a similar one of another object has to be created.
    const own = ['FeedItem.TextPost', 'SendEmail', 'Case.LogACall', 'case.sendemail']
    expect((await deploy(jsforce, layout(...own))).failures).toEqual([])
    expect(await problemOf(jsforce, layout('Lead.LogACall'))).toContain('Lead.LogACall')
  })

  it('is removed from the layouts that show it when it is deleted', async () => {
    await deploy(jsforce, train())
    await deploy(jsforce, layout('Account.Train', 'NewTask'))
    await jsforce.metadata.delete('QuickAction', 'Account.Train')
    const shown = JSON.stringify(await jsforce.metadata.read('Layout', 'Account-Crew Layout'))
    expect(shown).toContain('NewTask')
    expect(shown).not.toContain('Account.Train')
    expect(await listed()).not.toContain('Account.Train')
  })

  it.each([
    ['an object that does not exist', train('Nope__c.Train'), 'no CustomObject named Nope__c'],
    ['a field that its target lacks', train('Account.Train', fields('Nope__c')), 'Contact.Nope__c'],
    ['no label', action('Account.Train', '<type>LogACall</type>'), 'missing: label'],
    ['no target', action('Train', '<label>T</label><type>Create</type>'), 'missing: targetObject'],
    ['an unknown type', action('Train', '<label>T</label><type>Dance</type>'), 'QuickActionType'],
    [
      'a flow that does not exist',
      action('Train', '<flowDefinition>Nope</flowDefinition><label>T</label><type>Flow</type>'),
      'no FlowDefinition named Nope',
    ],
  ])('is refused with %s', async (_what, zip, problem) => {
    expect(await problemOf(jsforce, zip)).toContain(problem)
  })
})
