// Picklists in the shapes of the Metadata API before and after value sets, tested with jsforce.

import { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../testing/rig.ts'
import { connect, deploy, fieldZip } from './deploy/testing/deploys.ts'

let sim: Rig
let today: Connection
let before: Connection
beforeAll(async () => {
  sim = await startRig()
  today = await connect(sim, 'Acme')
  const { instanceUrl, accessToken } = today
  before = new Connection({ instanceUrl, accessToken: accessToken ?? '', version: '37.0' })
})
afterAll(() => sim.close())

const read = async (connection: Connection, name: string) =>
  (await connection.metadata.read('CustomField', name)) as unknown as Record<string, unknown>

describe('a picklist', () => {
  it('of a standard field has its values and their meaning before version 38', async () => {
    expect(await read(before, 'Lead.Status')).toMatchObject({
      fullName: 'Lead.Status',
      type: 'Picklist',
      picklist: {
        sorted: 'false',
        picklistValues: expect.arrayContaining([
          { fullName: 'Closed - Converted', default: 'false', converted: 'true' },
        ]) as unknown,
      },
    })
    expect(await read(before, 'Opportunity.StageName')).toMatchObject({
      picklist: {
        picklistValues: expect.arrayContaining([
          {
            fullName: 'Closed Won',
            default: 'false',
            closed: 'true',
            forecastCategory: 'Closed',
            probability: '100',
            won: 'true',
          },
        ]) as unknown,
      },
    })
    const now = await read(today, 'Lead.Status')
    expect(now).toMatchObject({ fullName: 'Lead.Status', type: 'Picklist' })
    expect(now).not.toHaveProperty('picklist')
  })

  it('of a custom field has values then, and a value set since', async () => {
    const values =
      '<type>Picklist</type><valueSet><valueSetDefinition><sorted>false</sorted><value><fullName>A</fullName><default>true</default><label>A</label></value></valueSetDefinition></valueSet>'
    await deploy(today, fieldZip('Lead.Kind__c', values))
    const then = await read(before, 'Lead.Kind__c')
    expect(then).toMatchObject({ picklist: { picklistValues: { fullName: 'A', default: 'true' } } })
    expect(then['valueSet']).toBeFalsy()
    expect(await read(today, 'Lead.Kind__c')).toMatchObject({
      valueSet: { valueSetDefinition: { value: [{ fullName: 'A' }] } },
    })
    const lead = (await before.metadata.read('CustomObject', 'Lead')) as unknown as {
      fields: Record<string, unknown>[]
    }
    expect(lead.fields.find(({ fullName }) => fullName === 'Status')).toHaveProperty('picklist')
  })

  it('is no component of a list, unless it is custom', async () => {
    const listed = await today.metadata.list([{ type: 'CustomField' }])
    expect(listed.map(({ fullName }) => fullName)).not.toContain('Lead.Status')
    expect(await read(today, 'Lead.Nothing')).not.toHaveProperty('fullName')
  })
})
