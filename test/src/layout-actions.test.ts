// Quick actions that a plan places on a layout, through the public API.

import { beforeAll, expect, it } from 'vitest'
import { planning, type Planning } from './planning.ts'

let to: Planning

beforeAll(async () => {
  to = await planning()
})

const plan = {
  layouts: [{ object: 'Account', layout: 'Account Layout', quick_actions: ['Account.Call'] }],
  permissions: { permission_set: null, assign_to_connected_user: false },
}
const codes = async () =>
  (await to.check(plan)).findings.map(({ code, severity }) => `${severity} ${code}`)
const shown = async () =>
  JSON.stringify(await to.admin.metadata.read('Layout', 'Account-Account Layout'))

it('an object’s quick action is red while it does not exist, then placed and rolled back', async () => {
  await to.admin.metadata.update('Layout', {
    ...(await to.admin.metadata.read('Layout', 'Account-Account Layout')),
    quickActionList: { quickActionListItems: [{ quickActionName: 'NewTask' }] },
  })
  expect(await codes()).toContain('red layout_action_missing')
  await to.admin.metadata.create('QuickAction', {
    fullName: 'Account.Call',
    label: 'Call',
    optionsCreateFeedItem: false,
    targetObject: 'Task',
    type: 'LogACall',
  })
  expect((await codes()).filter((code) => code.startsWith('red'))).toEqual([])
  const { id } = await to.deploy(plan)
  expect(await shown()).toContain('Account.Call')
  await to.rollback(id)
  expect(await shown()).not.toContain('Account.Call')
  expect(await shown()).toContain('NewTask')
})
