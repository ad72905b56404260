// The content of files of real packages, in short form: the simulator accepts it as Salesforce does, or
// says in its own words that it does not. Tested with jsforce.

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

const objectZip = (name: string, content: string) =>
  zipOf({ CustomObject: [name] }, { [`objects/${name}.object`]: file('CustomObject', content) })

describe('files of real packages', () => {
  it('link to the record of a lookup by its merge field', async () => {
    const link = (path: string) =>
      objectZip(
        'Placement__c',
        `<webLinks><fullName>Company</fullName><availability>online</availability><displayType>link</displayType><linkType>url</linkType><masterLabel>Company</masterLabel><openType>replace</openType><protected>false</protected><url>/{!Placement__c.${path}}</url></webLinks><deploymentStatus>Deployed</deploymentStatus><label>Placement</label><nameField><label>Number</label><type>AutoNumber</type></nameField><pluralLabel>Placements</pluralLabel><sharingModel>ReadWrite</sharingModel>`,
      )
    expect((await deploy(jsforce, link('CompanyId__c'))).failures).toEqual([])
    expect(await problemOf(jsforce, link('FeeId__c'))).toBe(
      'Field Placement__c.FeeId__c does not exist. Check spelling.',
    )
  })

  it('switch off in a custom setting what no setting has', async () => {
    const setting =
      '<customSettingsType>List</customSettingsType><enableEnhancedLookup>false</enableEnhancedLookup><enableFeeds>false</enableFeeds><label>Links</label><visibility>Protected</visibility>'
    expect((await deploy(jsforce, objectZip('Links__c', setting))).failures).toEqual([])
  })

  it('show on layouts what is no field', async () => {
    const layout = (fields: string[]) =>
      `<layoutSections><layoutColumns>${fields.map((field) => `<layoutItems><behavior>Readonly</behavior><field>${field}</field></layoutItems>`).join('')}</layoutColumns><style>OneColumn</style></layoutSections>`
    const zip = zipOf(
      { CustomObject: ['Tier__mdt'], Layout: ['Lead-Crew', 'Tier__mdt-Tier Layout'] },
      {
        'objects/Tier__mdt.object': file(
          'CustomObject',
          '<label>Tier</label><pluralLabel>Tiers</pluralLabel><visibility>Public</visibility>',
        ),
        'layouts/Lead-Crew.layout': file('Layout', layout(['CampaignId'])),
        'layouts/Tier__mdt-Tier Layout.layout': file(
          'Layout',
          layout([
            'MasterLabel',
            'DeveloperName',
            'IsProtected',
            'CreatedById',
            'LastModifiedById',
          ]),
        ),
      },
    )
    expect((await deploy(jsforce, zip)).failures).toEqual([])
  })

  it('show on layouts a link that an org has from the start, and no link that nobody made', async () => {
    const layout = (link: string) =>
      zipOf(
        { Layout: ['Campaign-Crew'] },
        {
          'layouts/Campaign-Crew.layout': file(
            'Layout',
            `<layoutSections><layoutColumns><layoutItems><customLink>${link}</customLink></layoutItems></layoutColumns><style>CustomLinks</style></layoutSections>`,
          ),
        },
      )
    expect((await deploy(jsforce, layout('ViewCampaignInfluenceReport'))).failures).toEqual([])
    expect(await problemOf(jsforce, layout('ViewNothing'))).toContain('no WebLink named')
  })

  it.each([
    ['HierarchyNumberOfLeads', 'The simulator has no field Campaign.HierarchyNumberOfLeads'],
    ['HierarchyOfNothing__c', 'no CustomField named Campaign.HierarchyOfNothing__c found'],
    ['Hierarchy', 'no CustomField named Campaign.Hierarchy found'],
  ])('show on the layout of a campaign: %s', async (field, problem) => {
    const shown = zipOf(
      { Layout: ['Campaign-Crew Layout'] },
      {
        'layouts/Campaign-Crew Layout.layout': file(
          'Layout',
          `<layoutSections><customLabel>false</customLabel><layoutColumns><layoutItems><field>${field}</field></layoutItems></layoutColumns><style>OneColumn</style></layoutSections>`,
        ),
      },
    )
    expect(await problemOf(jsforce, shown)).toContain(problem)
  })

  it.each(['Site', 'OpportunityCompetitor', 'Archive__b', 'FlowExecutionErrorEvent'])(
    'define %s, which Salesforce has and the simulator has not',
    async (name) => {
      const help =
        '<fields><fullName>Note__c</fullName><label>Note</label><type>Text</type><length>9</length></fields>'
      const { failures } = await deploy(jsforce, objectZip(name, help))
      expect(new Set(failures.map(({ problem }) => problem))).toEqual(
        new Set([`The simulator has no object ${name}`]),
      )
    },
  )
})
