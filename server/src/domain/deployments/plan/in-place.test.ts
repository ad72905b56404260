// A plan that is in place changes nothing, even if Salesforce does not return exactly what was deployed.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
})

const number = (api_name: string, more: object = {}) => ({
  ...{ api_name, label: api_name, type: 'AutoNumber', display_format: 'X-{0000}' },
  ...more,
})

it.each([
  { what: 'a starting number', field: number('Start_A__c', { starting_number: 100 }) },
  { what: 'a starting number of zero', field: number('Start_B__c', { starting_number: 0 }) },
  { what: 'no starting number', field: number('Start_C__c') },
  {
    what: 'a starting number and an external id',
    field: number('Start_D__c', { starting_number: 7, external_id: true }),
  },
])('an automatic number with $what is in place once it is deployed', async ({ field }) => {
  const plan = { objects: [{ api_name: 'Lead', fields: [field] }] }
  expect(await rig.deploy(plan)).toMatchObject({ status: 'deployed', warnings: [] })
  const again = await rig.deploy(plan)
  expect(again).toMatchObject({ status: 'deployed', warnings: [], sfdc_deploy_id: null })
  expect(new Set(again.components.map(({ action }) => action))).toEqual(new Set(['unchanged']))
})

it('a text that became an automatic number starts where it was told, and is in place', async () => {
  const on = (field: object) => ({ objects: [{ api_name: 'Lead', fields: [field] }] })
  await rig.deploy(on({ api_name: 'Start_E__c', label: 'E', type: 'Text', length: 20 }))
  const plan = on(number('Start_E__c', { label: 'E', starting_number: 50 }))
  expect(await rig.deploy(plan)).toMatchObject({ status: 'deployed', error: null })
  const again = await rig.deploy(plan)
  expect(new Set(again.components.map(({ action }) => action))).toEqual(new Set(['unchanged']))
})
