// Public groups, tested with jsforce.

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

const groupZip = (content: string, name = 'Desk_Staff') =>
  zipOf({ Group: [name] }, { [`groups/${name}.group`]: file('Group', content) })
const deletionZip = (name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>Group</name></types><version>67.0</version>`,
      ),
    },
  )
const membersOf = async (name: string) =>
  (
    await jsforce.query(
      `SELECT UserOrGroupId FROM GroupMember WHERE Group.DeveloperName = '${name}'`,
    )
  ).totalSize

describe('a public group', () => {
  it('is made, changed without its members, and left alone the second time', async () => {
    expect((await deploy(jsforce, groupZip('<name>Staff</name>'))).failures).toEqual([])
    expect(await jsforce.metadata.read('Group', 'Desk_Staff')).toMatchObject({
      name: 'Staff',
      doesIncludeBosses: true,
    })
    const username = (await sim.control.orgs())[0]?.usernames[0] ?? ''
    await sim.control.act('groups/join', { org: 'Acme', group: 'Desk_Staff', username })
    const changed = '<doesIncludeBosses>false</doesIncludeBosses><name>Desk staff</name>'
    await deploy(jsforce, groupZip(changed))
    expect(await jsforce.metadata.read('Group', 'Desk_Staff')).toMatchObject({
      name: 'Desk staff',
      doesIncludeBosses: false,
    })
    expect(await membersOf('Desk_Staff')).toBe(1)
    const again = await deploy(jsforce, groupZip(changed))
    expect(again.successes.find(({ componentType: type }) => type === 'Group')).toMatchObject({
      changed: false,
    })
  })

  it('is deleted, and no queue has it as a member any longer', async () => {
    await deploy(
      jsforce,
      zipOf(
        { Queue: ['Desk'] },
        {
          'queues/Desk.queue': file(
            'Queue',
            '<name>Desk</name><queueMembers><publicGroups><publicGroup>Recruiters</publicGroup></publicGroups></queueMembers>',
          ),
        },
      ),
    )
    expect(await membersOf('Desk')).toBe(1)
    expect((await deploy(jsforce, deletionZip('Recruiters'))).failures).toEqual([])
    expect(await membersOf('Desk')).toBe(0)
    expect(await problemOf(jsforce, deletionZip('AllInternalUsers'))).toBe(
      'No Group named: AllInternalUsers found',
    )
  })

  it('that Salesforce keeps itself is not changed', async () => {
    expect(await problemOf(jsforce, groupZip('<name>All</name>', 'AllInternalUsers'))).toContain(
      'read-only',
    )
  })
})
