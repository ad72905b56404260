// Apps and their tabs, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { strFromU8, unzipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
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

const tabs = (...names: string[]) => names.map((name) => `<tabs>${name}</tabs>`).join('')
const LIGHTNING = '<formFactors>Large</formFactors><label>Desk</label><uiType>Lightning</uiType>'
const appZip = (content: string, name = 'Desk') =>
  zipOf(
    { CustomApplication: [name] },
    { [`applications/${name}.app`]: file('CustomApplication', content) },
  )
const deletionZip = (type: string, name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>${type}</name></types><version>67.0</version>`,
      ),
    },
  )
const retrieved = async (name: string): Promise<string> => {
  const { id } = await jsforce.metadata.retrieve({
    apiVersion: '67.0',
    singlePackage: true,
    unpackaged: { types: [{ name: 'CustomApplication', members: [name] }], version: '67.0' },
  } as unknown as Parameters<Connection['metadata']['retrieve']>[0])
  const { zipFile } = await vi.waitFor(
    async () => {
      const state = await jsforce.metadata.checkRetrieveStatus(id ?? '')
      if (String(state.done) !== 'true') throw new Error('still at work')
      return state
    },
    { timeout: 60_000, interval: 5 },
  )
  const files = unzipSync(Buffer.from(zipFile, 'base64'))
  return strFromU8(files[`applications/${name}.app`] ?? new Uint8Array())
}
const tabsOf = async (name: string) =>
  [...(await retrieved(name)).matchAll(/<tabs>(.*?)<\/tabs>/g)].map(([, tab]) => tab)
const shown = async (name: string) =>
  (
    await jsforce.query(
      `SELECT TabDefinition.Name, AppDefinition.Label FROM AppTabMember WHERE AppDefinition.DeveloperName = '${name}' ORDER BY SortOrder`,
    )
  ).records.map(({ TabDefinition }) => (TabDefinition as { Name: string }).Name)

describe('an app', () => {
  it('is made, read and queried with its tabs in their order, and left alone the second time', async () => {
    const content = `${LIGHTNING}${tabs('standard-home', 'Placement__c', 'standard-account')}`
    expect((await deploy(jsforce, appZip(content))).failures).toEqual([])
    expect(await tabsOf('Desk')).toEqual(['standard-home', 'Placement__c', 'standard-Account'])
    expect(await shown('Desk')).toEqual(['standard-home', 'Placement__c', 'standard-Account'])
    expect(await jsforce.metadata.list({ type: 'CustomApplication' })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ fullName: 'Desk', fileName: 'applications/Desk.app' }),
        expect.objectContaining({ fullName: 'standard__LightningSales' }),
      ]),
    )
    const again = await deploy(jsforce, appZip(content))
    expect(again.successes.find(({ fullName }) => fullName === 'Desk')).toMatchObject({
      created: false,
      changed: false,
    })
  })

  it('of Salesforce is changed as it was retrieved, but neither made nor deleted', async () => {
    const sales = await retrieved('standard__LightningSales')
    const zip = (xml: string) =>
      zipOf(
        { CustomApplication: ['standard__LightningSales'] },
        { 'applications/standard__LightningSales.app': xml },
      )
    const same = await deploy(jsforce, zip(sales))
    expect(same.failures).toEqual([])
    expect(same.successes.find(({ fullName }) => /Sales/.test(fullName))?.changed).toBe(false)
    await deploy(jsforce, zip(sales.replace('<tabs>', '<tabs>Placement__c</tabs><tabs>')))
    expect((await shown('LightningSales'))[0]).toBe('Placement__c')
    expect(await problemOf(jsforce, deletionZip('CustomApplication', 'standard__Sales'))).toContain(
      'cannot be deleted',
    )
    expect(await problemOf(jsforce, appZip(LIGHTNING, 'standard__Desk'))).toContain(
      'cannot be created',
    )
  })

  const cases: [string, string, string][] = [
    [
      'with a tab that is not there',
      `${LIGHTNING}${tabs('Nope__c')}`,
      'In field: tab - no CustomTab named Nope__c found',
    ],
    ['with a standard tab that is none', `${LIGHTNING}${tabs('standard-Nope')}`, 'standard-Nope'],
    ['with a tab twice', `${LIGHTNING}${tabs('standard-Lead', 'standard-lead')}`, 'Duplicate tab'],
    ['without a label', '<uiType>Lightning</uiType>', 'Required field is missing: label'],
    [
      'with what no app has',
      `${LIGHTNING}<brand><primaryTabColor>#000000</primaryTabColor></brand>`,
      'primaryTabColor invalid at this location in type AppBrand',
    ],
    [
      'with a page that is not there',
      `${LIGHTNING}<utilityBar>Desk_UtilityBar</utilityBar>`,
      'no FlexiPage named Desk_UtilityBar found',
    ],
  ]
  it.each(cases)('is refused %s', async (_what, content, problem) => {
    expect(await problemOf(jsforce, appZip(content))).toContain(problem)
  })

  it('keeps the kind of its navigation', async () => {
    await deploy(jsforce, appZip(LIGHTNING))
    expect(await problemOf(jsforce, appZip(`${LIGHTNING}<navType>Console</navType>`))).toContain(
      'Cannot change navType',
    )
  })

  it('loses a tab that is deleted, and goes itself', async () => {
    await deploy(jsforce, appZip(`${LIGHTNING}${tabs('Placement__c', 'standard-Lead')}`))
    expect((await deploy(jsforce, deletionZip('CustomTab', 'Placement__c'))).failures).toEqual([])
    expect(await tabsOf('Desk')).toEqual(['standard-Lead'])
    expect((await deploy(jsforce, deletionZip('CustomApplication', 'Desk'))).failures).toEqual([])
    expect(await shown('Desk')).toEqual([])
  })

  it('of the small org keeps its pages when it is deployed as it was retrieved', async () => {
    const xml = await retrieved('Recruiting')
    expect(xml).toContain('<utilityBar>Recruiting_UtilityBar</utilityBar>')
    const again = await deploy(
      jsforce,
      zipOf({ CustomApplication: ['Recruiting'] }, { 'applications/Recruiting.app': xml }),
    )
    expect(again.failures).toEqual([])
    expect(again.successes.find(({ fullName }) => fullName === 'Recruiting')?.changed).toBe(false)
  })
})
