// Related lists and buttons are added to an existing layout, beside its content, and can be removed
// without a trace.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import { awaitDeploy, startDeploy } from '../../../salesforce/deploy.ts'
import { parsePlan } from '../../plan/check.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'
import { readImages } from './images.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
})

const NO_ACCESS = { permission_set: null, assign_to_connected_user: false }
const LAYOUT = { object: 'Lead', layout: 'Lead Layout' }

const layoutFile = async (): Promise<string> => {
  const { files } = await readImages(
    rig.org,
    parsePlan({ layouts: [{ ...LAYOUT, buttons: ['X'] }] }),
  )
  return files.get('layouts/Lead-Lead Layout.layout') ?? ''
}

/** A child of leads, with its related list on the layout of leads. */
const visits = (name: string, columns: string[]) => ({
  objects: [
    {
      ...{ api_name: `${name}__c`, label: name, plural_label: `${name}s` },
      name_field: { label: 'Name', type: 'Text' },
      fields: [
        { api_name: 'Day__c', label: 'Day', type: 'Date' },
        {
          ...{ api_name: 'Lead__c', label: 'Lead', type: 'Lookup' },
          ...{ reference_to: 'Lead', relationship_name: `${name}s` },
        },
      ],
    },
  ],
  permissions: NO_ACCESS,
  layouts: [
    { ...LAYOUT, related_lists: [{ related_list: `${name}__c.Lead__c`, fields: columns }] },
  ],
})

it('a related list of a new object is shown, and gone with it', async () => {
  const before = await layoutFile()
  const plan = visits('Visit', ['NAME', 'Day__c'])
  const done = await rig.deploy(plan)
  expect(done).toMatchObject({ status: 'deployed', error: null })
  expect(await layoutFile()).toContain('<relatedList>Visit__c.Lead__c</relatedList>')
  const again = await rig.deploy(plan)
  expect(new Set(again.components.map(({ action }) => action))).toEqual(new Set(['unchanged']))
  expect(await rig.rollback(done.id)).toMatchObject({
    status: 'rolled_back',
    rollback: { kept: [], proof: { complete: true } },
  })
  expect(await layoutFile()).toBe(before)
})

it('columns that a list gains are taken out again, and the list stays', async () => {
  await rig.deploy(visits('Trip', ['NAME']))
  const before = await layoutFile()
  const { id } = await rig.deploy({
    layouts: [
      {
        ...LAYOUT,
        related_lists: [{ related_list: 'Trip__c.Lead__c', fields: ['NAME', 'Day__c'] }],
      },
    ],
  })
  expect(await layoutFile()).not.toBe(before)
  expect(await rig.rollback(id)).toMatchObject({ status: 'rolled_back', rollback: { kept: [] } })
  expect(await layoutFile()).toBe(before)
})

it('a list stays while its lookup stays', async () => {
  const { id } = await rig.deploy(visits('Call', ['NAME']))
  const done = await rig.rollback(id, {
    components: [{ type: 'Layout', full_name: 'Lead-Lead Layout' }],
  })
  expect(done.rollback?.kept).toContainEqual(
    expect.objectContaining({ type: 'CustomField', full_name: 'Call__c.Lead__c' }),
  )
  expect(await layoutFile()).toContain('Call__c.Lead__c')
  expect(done.rollback?.remaining).toContainEqual({
    ...{ type: 'Layout', full_name: 'Lead-Lead Layout' },
    reason: 'It still shows Call__c.Lead__c; these items can be removed later.',
  })
  expect(await rig.rollback(id)).toMatchObject({ status: 'rolled_back' })
  expect(await layoutFile()).not.toContain('Call__c.Lead__c')
})

it('a custom button is shown, and no longer after the rollback', async () => {
  const button = `<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><webLinks><fullName>Send_Offer</fullName><availability>online</availability><displayType>button</displayType><linkType>url</linkType><masterLabel>Send offer</masterLabel><openType>newWindow</openType><protected>false</protected><url>/offer</url></webLinks></CustomObject>`
  const made = await startDeploy(
    rig.org,
    buildDeployPackage(
      {
        files: new Map([['objects/Lead.object', button]]),
        members: new Map([['WebLink', ['Lead.Send_Offer']]]),
      },
      'v66.0',
    ),
  )
  expect(await awaitDeploy(rig.org, made)).toMatchObject({ success: true })
  const before = await layoutFile()
  const { id, status } = await rig.deploy({ layouts: [{ ...LAYOUT, buttons: ['Send_Offer'] }] })
  expect(status).toBe('deployed')
  expect(await layoutFile()).toContain('<customButtons>Send_Offer</customButtons>')
  expect(await rig.rollback(id)).toMatchObject({ status: 'rolled_back', rollback: { kept: [] } })
  expect(await layoutFile()).toBe(before)
})

it('a quick action is refused on a layout with the default actions, which it would hide', async () => {
  const { error } = await rig.deploy({ layouts: [{ ...LAYOUT, quick_actions: ['NewTask'] }] })
  expect(error?.errors).toMatchObject([
    { path: 'layouts.0.quick_actions', code: 'layout_without_actions' },
  ])
})
