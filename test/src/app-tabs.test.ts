// Tabs in the navigation of apps through the public API.

import { beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { actionsOf, planning, type Planning } from './planning.ts'

let to: Planning
beforeAll(async () => {
  to = await planning()
})

const tabsOf = async (app: string): Promise<string[]> => {
  const { records } = await to.admin.query(
    `SELECT TabDefinition.Name FROM AppTabMember WHERE AppDefinition.DeveloperName = '${app}' ORDER BY SortOrder`,
  )
  return records.map(({ TabDefinition }) => (TabDefinition as { Name: string }).Name)
}
const appTabs = (...app_tabs: object[]) => ({ app_tabs })
const SALES = 'standard__LightningSales'

describe('tabs of apps', () => {
  it('are added with their objects, left alone the second time, and rolled back without what others added', async () => {
    const [recruiting, sales] = [await tabsOf('Recruiting'), await tabsOf('LightningSales')]
    const trip = {
      api_name: 'Trip__c',
      label: 'Trip',
      plural_label: 'Trips',
      name_field: { label: 'Number', type: 'AutoNumber', display_format: 'T-{0000}' },
      fields: [text('Route__c')],
    }
    const wish = {
      objects: [trip],
      tabs: ['Trip__c'],
      ...appTabs(
        { app: 'Recruiting', tabs: ['Trip__c', 'standard-Campaign'], after: recruiting[0] },
        { app: SALES, tabs: ['Trip__c'] },
      ),
    }
    const { findings } = await to.check(wish)
    expect(findings.filter(({ severity }) => severity === 'red')).toEqual([])
    expect(findings.map(({ code }) => code)).toContain('app_tabs_added')

    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(actionsOf(made)).toEqual(
      expect.arrayContaining(['Recruiting updated', `${SALES} updated`, 'Trip__c created']),
    )
    const [first = '', ...others] = recruiting
    expect(await tabsOf('Recruiting')).toEqual([first, 'Trip__c', 'standard-Campaign', ...others])
    expect(await tabsOf('LightningSales')).toEqual([...sales, 'Trip__c'])
    const again = await to.deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    // What is added in the meantime stays.
    const since = await to.deploy(appTabs({ app: SALES, tabs: ['standard-Solution'] }))
    expect(since.status).toBe('deployed')
    expect(await to.rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await tabsOf('Recruiting')).toEqual(recruiting)
    expect(await tabsOf('LightningSales')).toEqual([...sales, 'standard-Solution'])
  })

  it('are refused in an app and of a tab that does not exist', async () => {
    const codesOf = async (plan: object) =>
      (await to.check(plan)).findings
        .filter(({ severity }) => severity === 'red')
        .map(({ code }) => code)
    const tabless = appTabs({ app: 'Recruiting', tabs: ['Nothing__c'] })
    expect(await codesOf(tabless)).toEqual(['app_tab_missing'])
    expect(await to.deploy(tabless)).toMatchObject({
      status: 'failed',
      error: { code: 'components_failed' },
    })
    const homeless = appTabs({ app: 'Nowhere', tabs: ['standard-Lead'] })
    expect(await codesOf(homeless)).toEqual(['app_missing'])
    expect(await to.deploy(homeless)).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_plan' },
    })
  })
})
