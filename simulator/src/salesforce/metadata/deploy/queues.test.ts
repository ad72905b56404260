// Queues, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, file, problemOf, zipOf } from './testing/deploys.ts'

let sim: Rig
let jsforce: Connection
let admin: string
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
  admin = (await sim.control.orgs())[0]?.usernames[0] ?? ''
})
afterAll(() => sim.close())

const owns = (...objects: string[]) =>
  objects.map((name) => `<queueSobject><sobjectType>${name}</sobjectType></queueSobject>`).join('')
const members = (list: string, entry: string, ...names: string[]) =>
  `<${list}>${names.map((name) => `<${entry}>${name}</${entry}>`).join('')}</${list}>`
const queueZip = (content: string, name = 'Fresh') =>
  zipOf(
    { Queue: [name] },
    { [`queues/${name}.queue`]: file('Queue', `<name>Fresh leads</name>${content}`) },
  )
const deletionZip = (name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>Queue</name></types><version>67.0</version>`,
      ),
    },
  )
const readFresh = () => jsforce.metadata.read('Queue', 'Fresh')
const everybody = () =>
  `<queueMembers>${members('publicGroups', 'publicGroup', 'Recruiters')}${members('roles', 'role', 'Managing_Director')}${members('users', 'user', admin.toUpperCase())}</queueMembers>`

describe('a queue', () => {
  it('is made, read back with its members under their own names, and left alone the second time', async () => {
    const content = `<doesSendEmailToMembers>true</doesSendEmailToMembers><email>desk@acme.example</email>${everybody()}${owns('lead', 'Placement__c')}`
    const made = await deploy(jsforce, queueZip(content))
    expect(made.failures).toEqual([])
    expect(await readFresh()).toMatchObject({
      doesSendEmailToMembers: true,
      email: 'desk@acme.example',
      name: 'Fresh leads',
      queueMembers: {
        publicGroups: { publicGroup: ['Recruiters'] },
        roles: { role: ['Managing_Director'] },
        users: { user: [admin] },
      },
      queueSobject: [{ sobjectType: 'Lead' }, { sobjectType: 'Placement__c' }],
    })
    const { records } = await jsforce.query(
      "SELECT Name, Email FROM Group WHERE Type = 'Queue' AND DeveloperName = 'Fresh'",
    )
    expect(records).toMatchObject([{ Name: 'Fresh leads', Email: 'desk@acme.example' }])
    const again = await deploy(jsforce, queueZip(content))
    const message = again.successes.find(({ componentType }) => componentType === 'Queue')
    expect(message).toMatchObject({ created: false, changed: false })
  })

  it('is what its file says: members and objects that are left out are removed', async () => {
    await deploy(jsforce, queueZip(`${everybody()}${owns('Lead', 'Case')}`))
    await deploy(jsforce, queueZip(owns('Case')))
    const now = await readFresh()
    expect(now.queueMembers).toBeUndefined()
    expect(now.queueSobject).toMatchObject([{ sobjectType: 'Case' }])
  })

  const cases: [string, () => string, string][] = [
    ['an object that is not there', () => owns('Nope__c'), 'no CustomObject named Nope__c found'],
    ['an object that users own', () => owns('Account'), 'restricted picklist field: Account'],
    [
      'a user who is not there',
      () => `<queueMembers>${members('users', 'user', 'nobody@acme.example')}</queueMembers>`,
      'Cannot find a user that matches any of the following usernames: nobody@acme.example',
    ],
    [
      'a group that is not there',
      () => `<queueMembers>${members('publicGroups', 'publicGroup', 'Nope')}</queueMembers>`,
      'In field: publicGroup - no Group named Nope found',
    ],
    [
      'a role that is not there',
      () => `<queueMembers>${members('roles', 'role', 'Nope')}</queueMembers>`,
      'In field: role - no Role named Nope found',
    ],
    ['an address that is none', () => '<email>desk</email>', 'invalid email address: desk'],
  ]
  it.each(cases)('is refused with %s', async (_what, content, problem) => {
    expect(await problemOf(jsforce, queueZip(content()))).toContain(problem)
  })

  it('is deleted, but not while it owns a record or an assignment rule names it', async () => {
    await deploy(jsforce, queueZip(owns('Lead')))
    const [queue] = (await jsforce.query("SELECT Id FROM Group WHERE DeveloperName = 'Fresh'"))
      .records
    const lead = await jsforce
      .sobject('Lead')
      .create({ LastName: 'Ray', Company: 'Ray Ltd', OwnerId: queue?.Id ?? '' })
    expect(await problemOf(jsforce, deletionZip('Fresh'))).toContain('owns records')
    await jsforce.sobject('Lead').delete(lead.id ?? '')
    expect((await deploy(jsforce, deletionZip('Fresh'))).failures).toEqual([])
    expect(
      (await jsforce.query("SELECT Id FROM Group WHERE DeveloperName = 'Fresh'")).totalSize,
    ).toBe(0)
    expect(await problemOf(jsforce, deletionZip('Inbound_Leads'))).toContain(
      'AssignmentRule - Lead.',
    )
  })
})
