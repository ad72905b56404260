// Platform events, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { clientOf, startRig, type Client, type Rig } from '../../../testing/rig.ts'
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

const FIELDS =
  '<fields><fullName>Sku__c</fullName><label>SKU</label><length>20</length><required>true</required><type>Text</type></fields><fields><fullName>Body__c</fullName><label>Body</label><length>32768</length><type>LongTextArea</type><visibleLines>3</visibleLines></fields>'

const event = (more = '<eventType>HighVolume</eventType>', fields = FIELDS, name = 'Sold__e') =>
  zipOf(
    { CustomObject: [name] },
    {
      [`objects/${name}.object`]: file(
        'CustomObject',
        `<deploymentStatus>Deployed</deploymentStatus>${more}${fields}<label>Sold</label><pluralLabel>Sold</pluralLabel><publishBehavior>PublishAfterCommit</publishBehavior>`,
      ),
    },
  )

it('is described as one that can only be published, its fields open to everybody', async () => {
  expect((await deploy(jsforce, event())).failures).toEqual([])
  const described = await jsforce.describe('Sold__e')
  expect(described).toMatchObject({
    custom: true,
    createable: true,
    deletable: false,
    layoutable: false,
    queryable: false,
    retrieveable: false,
    searchable: false,
    updateable: false,
  })
  expect(described.keyPrefix).toMatch(/^e/)
  expect(described.fields.map(({ name }) => name)).toEqual([
    'ReplayId',
    'CreatedDate',
    'CreatedById',
    'EventUuid',
    'Sku__c',
    'Body__c',
  ])
  expect(described.fields.find(({ name }) => name === 'Sku__c')).toMatchObject({
    createable: true,
    filterable: false,
    nillable: false,
    permissionable: false,
    updateable: false,
  })
})

it('is listed, read, deployed again without a change, and deleted', async () => {
  await deploy(jsforce, event())
  expect(
    (await jsforce.metadata.list({ type: 'CustomObject' })).map((each) => each.fullName),
  ).toContain('Sold__e')
  expect(await jsforce.metadata.read('CustomObject', 'Sold__e')).toMatchObject({
    eventType: 'HighVolume',
    publishBehavior: 'PublishAfterCommit',
    label: 'Sold',
  })
  const again = await deploy(jsforce, event())
  expect(again.failures).toEqual([])
  await jsforce.metadata.delete('CustomObject', 'Sold__e')
  expect((await admin.get('/sobjects/Sold__e/describe')).status).toBe(404)
})

it('is neither queried nor, in the simulator, published', async () => {
  await deploy(jsforce, event())
  expect((await admin.get('/query?q=SELECT+ReplayId+FROM+Sold__e')).status).toBe(400)
  expect((await admin.post('/sobjects/Sold__e', { Sku__c: 'X' })).status).toBe(501)
})

it.each([
  ['without a type', event(''), 'Required field is missing: eventType'],
  ['of an unknown type', event('<eventType>Loud</eventType>'), 'PlatformEventType'],
  [
    'with a sharing model',
    event('<eventType>HighVolume</eventType><sharingModel>ReadWrite</sharingModel>'),
    "Cannot specify 'sharingModel' for a platform event",
  ],
  [
    'with a picklist',
    event(
      undefined,
      '<fields><fullName>P__c</fullName><label>P</label><type>Email</type></fields>',
    ),
    'A platform event has no fields of type Email',
  ],
  [
    'with a unique field',
    event(
      undefined,
      '<fields><fullName>U__c</fullName><label>U</label><length>9</length><type>Text</type><unique>true</unique></fields>',
    ),
    "Cannot specify 'unique'",
  ],
  ['that nobody defined', fieldZip('Gone__e.A__c', '<type>Date</type>'), 'Gone__e'],
])('is refused %s', async (_how, zip, problem) => {
  expect(await problemOf(jsforce, zip)).toContain(problem)
})
