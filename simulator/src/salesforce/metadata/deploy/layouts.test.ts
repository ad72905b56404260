// Related lists on a layout, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, fieldZip, file, problemOf, zipOf } from './testing/deploys.ts'

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

const layout = (content: string) =>
  zipOf(
    { Layout: ['Account-Crew Layout'] },
    {
      'layouts/Account-Crew Layout.layout': file(
        'Layout',
        `<layoutSections><customLabel>false</customLabel><layoutColumns><layoutItems><behavior>Required</behavior><field>Name</field></layoutItems></layoutColumns><style>OneColumn</style></layoutSections>${content}`,
      ),
    },
  )
const list = (name: string, ...fields: string[]) =>
  `<relatedLists>${fields.map((field) => `<fields>${field}</fields>`).join('')}<relatedList>${name}</relatedList></relatedLists>`
const shown = async (): Promise<string> =>
  JSON.stringify(await jsforce.metadata.read('Layout', 'Account-Crew Layout'))

describe('a related list', () => {
  beforeEach(async () => {
    await deploy(
      jsforce,
      fieldZip(
        'Placement__c.Crew__c',
        '<referenceTo>Account</referenceTo><relationshipName>Crews</relationshipName><type>Lookup</type>',
      ),
    )
  })

  it('is refused twice, and with a column that its object lacks', async () => {
    const crews = list('Placement__c.Crew__c', 'NAME')
    expect(await problemOf(jsforce, layout(crews + crews))).toBe(
      'Field: relatedLists, value:Placement__c.Crew__c appears more than once',
    )
    expect(await problemOf(jsforce, layout(list('Placement__c.Crew__c', 'Nope__c')))).toBe(
      'Invalid field:Nope__c in related list:Placement__c.Crew__c',
    )
  })

  it.each([
    ['RelatedContactList', undefined],
    ['RelatedOpportunityList', undefined],
    ['RelatedCaseList', undefined],
    ['RelatedActivityList', undefined],
    ['RelatedCampaignMemberList', 'Cannot find related list:RelatedCampaignMemberList'],
    ['RelatedLineItemList', 'Cannot find related list:RelatedLineItemList'],
    ['RelatedEmailStatusList', 'Cannot find related list:RelatedEmailStatusList'],
    ['RelatedCommentsList', 'Cannot find related list:RelatedCommentsList'],
    ['RelatedBananaList', 'The simulator does not know the related list RelatedBananaList'],
  ])('of Salesforce itself is there where its object has it: %s', async (name, problem) => {
    expect(await problemOf(jsforce, layout(list(name)))).toBe(problem)
  })

  it('goes with the lookup that it shows', async () => {
    expect((await deploy(jsforce, layout(list('Placement__c.Crew__c', 'NAME')))).failures).toEqual(
      [],
    )
    expect(await shown()).toContain('Placement__c.Crew__c')
    const gone = zipOf(
      {},
      {
        'destructiveChanges.xml': file(
          'Package',
          '<types><members>Placement__c.Crew__c</members><name>CustomField</name></types><version>67.0</version>',
        ),
      },
    )
    expect((await deploy(jsforce, gone)).failures).toEqual([])
    expect(await shown()).not.toContain('Placement__c.Crew__c')
  })
})
