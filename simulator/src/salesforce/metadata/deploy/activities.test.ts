// Custom fields of activities, tested with jsforce: defined on Activity, shown on tasks and events.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  bodyOf,
  clientOf,
  fieldNames,
  startRig,
  type Client,
  type Rig,
} from '../../../testing/rig.ts'
import { connect, deploy, fieldZip, file, problemOf, zipOf } from './testing/deploys.ts'

let sim: Rig
let admin: Client
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
  jsforce = await connect(sim, 'Acme')
})
afterAll(() => sim.close())

const grant = (...fields: string[]) =>
  zipOf(
    { Profile: ['Admin'] },
    {
      'profiles/Admin.profile': file(
        'Profile',
        fields
          .map(
            (field) =>
              `<fieldPermissions><editable>true</editable><field>${field}</field><readable>true</readable></fieldPermissions>`,
          )
          .join(''),
      ),
    },
  )
const score = '<type>Number</type><precision>5</precision><scale>0</scale>'

it('appear on tasks and events, each once it was granted there, and keep their values', async () => {
  expect((await deploy(jsforce, fieldZip('Activity.Score__c', score))).failures).toEqual([])
  expect(await fieldNames(admin, 'Task')).not.toContain('Score__c')
  expect((await deploy(jsforce, grant('Task.Score__c'))).failures).toEqual([])
  expect(await fieldNames(admin, 'Task')).toContain('Score__c')
  expect(await fieldNames(admin, 'Event')).not.toContain('Score__c')
  await deploy(jsforce, grant('Event.Score__c'))
  expect(await fieldNames(admin, 'Event')).toContain('Score__c')
  const { id } = await bodyOf<{ id: string }>(
    await admin.post('/sobjects/Task', { Subject: 'Call', Score__c: 7 }),
  )
  expect(await bodyOf(await admin.get(`/sobjects/Task/${id}`))).toMatchObject({ Score__c: 7 })
  // As text, in the rows of both.
  await deploy(jsforce, fieldZip('Activity.Score__c', '<type>Text</type><length>9</length>'))
  expect(await bodyOf(await admin.get(`/sobjects/Task/${id}`))).toMatchObject({ Score__c: '7' })
})

it('are listed, read and queried as those of Activity, which no API describes', async () => {
  await deploy(jsforce, fieldZip('Activity.Score__c', score))
  const names = (await jsforce.metadata.list({ type: 'CustomField' })).map((each) => each.fullName)
  expect(names).toContain('Activity.Score__c')
  expect(names.filter((name) => /^(Task|Event)\.Score__c$/.test(name))).toEqual([])
  expect(await jsforce.metadata.read('CustomObject', 'Activity')).toMatchObject({
    fields: expect.arrayContaining([expect.objectContaining({ fullName: 'Score__c' })]) as unknown,
  })
  const { records } = await jsforce.tooling.query(
    "SELECT TableEnumOrId FROM CustomField WHERE DeveloperName = 'Score'",
  )
  expect(records).toMatchObject([{ TableEnumOrId: 'Activity' }])
  expect((await admin.get('/sobjects/Activity/describe')).status).toBe(404)
  expect((await admin.get('/query?q=SELECT+Id+FROM+Activity')).status).toBe(400)
})

it('go from both, with their grants', async () => {
  await deploy(jsforce, fieldZip('Activity.Score__c', score))
  await deploy(jsforce, grant('Task.Score__c', 'Event.Score__c'))
  await jsforce.metadata.delete('CustomField', 'Activity.Score__c')
  expect(await fieldNames(admin, 'Task')).not.toContain('Score__c')
  expect(await fieldNames(admin, 'Event')).not.toContain('Score__c')
  expect(JSON.stringify(await jsforce.metadata.read('Profile', 'Admin'))).not.toContain('.Score__c')
})

it.each([
  ['Task', 'Task.Score__c', score, 'bad value for restricted picklist field: Task'],
  ['Event', 'Event.Score__c', score, 'bad value for restricted picklist field: Event'],
  [
    'a long text',
    'Activity.Notes__c',
    '<type>LongTextArea</type><length>999</length><visibleLines>3</visibleLines>',
    "aren't available for Activity",
  ],
])('cannot be on %s', async (_what, path, content, problem) => {
  expect(await problemOf(jsforce, fieldZip(path, content))).toContain(problem)
})

it('are not granted under the name of Activity', async () => {
  await deploy(jsforce, fieldZip('Activity.Score__c', score))
  expect(await problemOf(jsforce, grant('Activity.Score__c'))).toContain(
    'no CustomField named Activity.Score__c found',
  )
})
