// Business processes and what record types offer, tested with jsforce.

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

const values = (...listed: string[]) =>
  listed
    .map((each) => {
      const [name = '', ...rest] = each.split('!')
      return `<values><fullName>${name}</fullName><default>${rest.length > 0}</default></values>`
    })
    .join('')
const process = (name: string, content: string) =>
  `<businessProcesses><fullName>${name}</fullName><isActive>true</isActive>${content}</businessProcesses>`
const recordType = (name: string, content: string) =>
  `<recordTypes><fullName>${name}</fullName><active>true</active>${content}<label>${name}</label></recordTypes>`
const objectZip = (object: string, members: Record<string, string[]>, content: string) =>
  zipOf(
    Object.fromEntries(
      Object.entries(members).map(([type, names]) => [
        type,
        names.map((name) => `${object}.${name}`),
      ]),
    ),
    { [`objects/${object}.object`]: file('CustomObject', content) },
  )
const processZip = (object: string, content: string, name = 'Bulk Orders') =>
  objectZip(object, { BusinessProcess: [name] }, process(name, content))
const deletionZip = (name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>BusinessProcess</name></types><version>67.0</version>`,
      ),
    },
  )

describe('a business process', () => {
  it('is made, read back in the words of its file, listed, queried, and left alone the second time', async () => {
    const content = values('Proposal%2FPrice Quote', 'Prospecting', 'Closed Won')
    const made = await deploy(jsforce, processZip('Opportunity', content))
    expect(made.failures).toEqual([])
    expect(await jsforce.metadata.read('BusinessProcess', 'Opportunity.Bulk Orders')).toMatchObject(
      {
        fullName: 'Opportunity.Bulk Orders',
        isActive: true,
        values: [
          { fullName: 'Closed Won', default: false },
          { fullName: 'Proposal%2FPrice Quote', default: false },
          { fullName: 'Prospecting', default: false },
        ],
      },
    )
    const listed = await jsforce.metadata.list({ type: 'BusinessProcess' }, '67.0')
    expect(listed.map(({ fullName }) => fullName)).toEqual([
      'Opportunity.Bulk Orders',
      'Case.Support Process',
    ])
    const soql = "SELECT Id, Name, IsActive FROM BusinessProcess WHERE Name = 'Bulk Orders'"
    for (const api of [jsforce, jsforce.tooling]) {
      expect((await api.query(soql)).records).toMatchObject([
        { Id: expect.stringMatching(/^019/) as string, Name: 'Bulk Orders', IsActive: true },
      ])
    }
    const again = await deploy(
      jsforce,
      processZip('Opportunity', values('Closed Won', 'Prospecting', 'Proposal/Price Quote')),
    )
    expect(
      again.successes.find(({ componentType }) => componentType === 'BusinessProcess'),
    ).toMatchObject({ created: false, changed: false })
  })

  it.each([
    ['an object that has none', 'Account', values('New'), 'Account has no business processes'],
    ['no values', 'Lead', '', 'Required field is missing: values'],
    [
      'a value that the status has not',
      'Lead',
      values('Mars'),
      'Picklist value: Mars in picklist: Status not found',
    ],
    [
      'a default where there is none',
      'Opportunity',
      values('Prospecting!'),
      'Cannot specify a default on: Opportunity',
    ],
    ['two defaults', 'Case', values('New!', 'Working!'), 'one default value only'],
  ])('is refused with %s', async (_what, object, content, problem) => {
    expect(await problemOf(jsforce, processZip(object, content))).toContain(problem)
  })

  it('goes with its record type in one package, which then names it, and stays while it is named', async () => {
    const both = objectZip(
      'Lead',
      { BusinessProcess: ['Partner Leads'], RecordType: ['Partner'] },
      process('Partner Leads', values('Open - Not Contacted!', 'Closed - Converted')) +
        recordType('Partner', '<businessProcess>Partner Leads</businessProcess>'),
    )
    expect((await deploy(jsforce, both)).failures).toEqual([])
    const [row] = (
      await jsforce.query(
        "SELECT BusinessProcessId FROM RecordType WHERE SobjectType = 'Lead' AND DeveloperName = 'Partner'",
      )
    ).records
    expect(row?.['BusinessProcessId']).toMatch(/^019/)
    expect(await problemOf(jsforce, deletionZip('Lead.Partner Leads'))).toContain(
      'RecordType - Lead.Partner',
    )
    await deploy(jsforce, processZip('Lead', values('Working - Contacted'), 'Spare'))
    expect((await deploy(jsforce, deletionZip('Lead.Spare'))).failures).toEqual([])
    expect(await problemOf(jsforce, deletionZip('Lead.Spare'))).toContain(
      'No BusinessProcess named',
    )
  })
})

describe('a record type', () => {
  it.each([
    ['no process on an object with such', 'Case', '', 'Required field is missing: businessProcess'],
    [
      'a process that is not there',
      'Case',
      '<businessProcess>Nope</businessProcess>',
      'In field: businessProcess - no BusinessProcess named Case.Nope found',
    ],
    [
      'a process on an object without',
      'Account',
      '<businessProcess>Support Process</businessProcess>',
      'Cannot specify a businessProcess on: Account',
    ],
    [
      'a picklist that is not there',
      'Account',
      `<picklistValues><picklist>Nope__c</picklist>${values('A')}</picklistValues>`,
      'In field: picklist - no CustomField named Account.Nope__c found',
    ],
    [
      'values of what is no picklist',
      'Account',
      `<picklistValues><picklist>Name</picklist>${values('A')}</picklistValues>`,
      'Account.Name is not a picklist',
    ],
    [
      'a value that is not there, told as the file has it',
      'Account',
      `<picklistValues><picklist>Region__c</picklist>${values('R%26D')}</picklistValues>`,
      'Picklist value: R%26D in picklist: Region__c not found',
    ],
  ])('is refused with %s', async (_what, object, content, problem) => {
    const zip = objectZip(object, { RecordType: ['Fresh'] }, recordType('Fresh', content))
    expect(await problemOf(jsforce, zip)).toContain(problem)
  })

  it('replaces the values of the picklists that its file lists, and keeps those of the others', async () => {
    const lists = (content: string) =>
      objectZip('Account', { RecordType: ['Fresh'] }, recordType('Fresh', content))
    const list = (picklist: string, ...listed: string[]) =>
      `<picklistValues><picklist>${picklist}</picklist>${values(...listed)}</picklistValues>`
    const first = list('Region__c', 'EMEA!', 'AMER') + list('Industry', 'Food %26 Beverage')
    expect((await deploy(jsforce, lists(first))).failures).toEqual([])
    await deploy(jsforce, lists(list('Region__c', 'APAC')))
    expect(await jsforce.metadata.read('RecordType', 'Account.Fresh')).toMatchObject({
      picklistValues: [
        { picklist: 'Industry', values: [{ fullName: 'Food %26 Beverage' }] },
        { picklist: 'Region__c', values: [{ fullName: 'APAC' }] },
      ],
    })
    const again = await deploy(
      jsforce,
      lists(list('Industry', 'Food & Beverage'.replace('&', '%26'))),
    )
    expect(
      again.successes.find(({ componentType }) => componentType === 'RecordType'),
    ).toMatchObject({ created: false, changed: false })
  })
})
