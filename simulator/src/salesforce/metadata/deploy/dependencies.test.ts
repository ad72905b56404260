// Dependent picklists, tested with jsforce.

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

type Pairs = Record<string, string[]>

const definition = (values: readonly string[]) =>
  `<valueSetDefinition><sorted>false</sorted>${values
    .map((value) => `<value><fullName>${value}</fullName><default>false</default></value>`)
    .join('')}</valueSetDefinition>`
const settings = (pairs: Pairs) =>
  Object.entries(pairs)
    .map(
      ([value, by]) =>
        `<valueSettings>${by.map((each) => `<controllingFieldValue>${each}</controllingFieldValue>`).join('')}<valueName>${value}</valueName></valueSettings>`,
    )
    .join('')
const picklist = (name: string, values: readonly string[], dependency = '', type = 'Picklist') =>
  `<fields><fullName>${name}</fullName><label>${name.replace('__c', '')}</label><type>${type}</type>` +
  `${type === 'Picklist' ? '' : '<visibleLines>4</visibleLines>'}<valueSet>${dependency && `<controllingField>${dependency}</controllingField>`}<restricted>true</restricted>${definition(values)}`
const zone = (values = ['North', 'South']) => `${picklist('Zone__c', values)}</valueSet></fields>`
const city = (pairs: Pairs, controllingField = 'Zone__c') =>
  `${picklist('City__c', ['Oslo', 'Rome'], controllingField)}${settings(pairs)}</valueSet></fields>`
const checkbox =
  '<fields><fullName>Abroad__c</fullName><label>Abroad</label><type>Checkbox</type><defaultValue>false</defaultValue></fields>'
const formula =
  '<fields><fullName>Is_New__c</fullName><label>New</label><type>Checkbox</type><formula>ISPICKVAL(Status, "New")</formula></fields>'

const fieldsZip = (content: string) =>
  zipOf(
    {
      CustomField: [...content.matchAll(/<fullName>(\w+__c)</g)].map(([, name]) => `Case.${name}`),
    },
    { 'objects/Case.object': file('CustomObject', content) },
  )
const put = async (content: string) => {
  const { failures, successes } = await deploy(jsforce, fieldsZip(content))
  expect(failures).toEqual([])
  return successes.filter(({ componentType }) => componentType === 'CustomField')
}
const bitsOf = async (name: string) => {
  await sim.control.act('permissions/grant-field', {
    org: 'Acme',
    set: 'Placement_Manager',
    field: `Case.${name}`,
  })
  await sim.control.act('permissions/assign', {
    org: 'Acme',
    set: 'Placement_Manager',
    username: (await sim.control.orgs())[0]?.usernames[0] ?? '',
  })
  const found = (await jsforce.describe('Case')).fields.find((each) => each.name === name)
  return found?.picklistValues?.map(({ value, validFor }) => `${value} ${validFor ?? ''}`)
}
const settingsOf = async () => {
  const field = await jsforce.metadata.read('CustomField', 'Case.City__c')
  return field.valueSet?.valueSettings
}

describe('a dependent picklist', () => {
  it('comes with its controlling field in one package, in either order, and is left alone the second time', async () => {
    await put(city({ Oslo: ['North'], Rome: ['North', 'South'] }) + zone())
    expect(await bitsOf('City__c')).toEqual(['Oslo gAAA', 'Rome wAAA'])
    // Setting by setting in other words.
    const again = city({ Rome: ['South'] }).replace(
      '</valueSet>',
      `${settings({ Rome: ['North'] })}${settings({ Oslo: ['North'] })}</valueSet>`,
    )
    expect(await put(again)).toMatchObject([{ changed: false }])
    expect(await settingsOf()).toMatchObject([
      { valueName: 'Oslo', controllingFieldValue: ['North'] },
      { valueName: 'Rome', controllingFieldValue: ['North', 'South'] },
    ])
  })

  it('of a checkbox uses checked and unchecked, a multi-select one too', async () => {
    const set = picklist('Perks__c', ['Car', 'Flat'], 'Abroad__c', 'MultiselectPicklist')
    const dependent = `${set}${settings({ Car: ['unchecked', 'checked'], Flat: ['checked'] })}</valueSet></fields>`
    await put(checkbox + dependent)
    expect(await bitsOf('Perks__c')).toEqual(['Car wAAA', 'Flat QAAA'])
    expect(await problemOf(jsforce, fieldsZip(dependent.replace('unchecked', 'false')))).toBe(
      "Control field value 'false' not found, valid values are [unchecked, checked]",
    )
  })

  it('depends on a standard picklist, keeps what a later file leaves out, and follows another field', async () => {
    await put(city({ Oslo: ['New'] }, 'Status') + zone())
    await put(city({ Rome: ['Closed'] }, 'Status'))
    expect(await settingsOf()).toHaveLength(2)
    await put(city({}).replace('<controllingField>Zone__c</controllingField>', ''))
    expect(await settingsOf()).toHaveLength(2)
    await put(city({ Rome: ['South'] }))
    expect(await settingsOf()).toMatchObject([
      { valueName: 'Rome', controllingFieldValue: ['South'] },
    ])
  })

  it('recalculates when the values of its controlling field change, which is not deleted meanwhile', async () => {
    await put(city({ Oslo: ['North'] }) + zone())
    await put(zone(['South', 'North']))
    expect(await bitsOf('City__c')).toEqual(['Oslo QAAA', 'Rome AAAA'])
    const deletion = zipOf(
      {},
      {
        'destructiveChanges.xml': file(
          'Package',
          '<types><members>Case.Zone__c</members><name>CustomField</name></types><version>67.0</version>',
        ),
      },
    )
    expect(await problemOf(jsforce, deletion)).toContain('CustomField - City__c')
  })

  const many = Array.from({ length: 301 }, (_, n) => `V${n}`)
  it.each([
    [
      'a controlling value that is not there',
      city({ Oslo: ['West'] }) + zone(),
      "Control field value 'West' not found, valid values are [North, South]",
    ],
    [
      'a value that it has not',
      city({ Bern: ['North'] }) + zone(),
      'Picklist value: Bern in picklist: City__c not found',
    ],
    [
      'a controlling field that is not there',
      city({}, 'Nope__c'),
      'In field: controllingField - no CustomField named Case.Nope__c found',
    ],
    ['a text as its controlling field', city({}, 'Subject'), 'neither a picklist nor a checkbox'],
    ['a formula', `${formula}${city({}, 'Is_New__c')}`, 'it is a formula'],
    ['itself', city({}, 'City__c'), 'no CustomField named Case.City__c found'],
    [
      'a controlling field of more than 300 values',
      city({}) + zone(many),
      'it has more than 300 values',
    ],
  ])('is refused with %s', async (_what, content, problem) => {
    expect(await problemOf(jsforce, fieldsZip(content))).toContain(problem)
  })

  it('is refused when it would depend on itself, and its controlling field stays below 301 values', async () => {
    await put(city({ Oslo: ['North'] }) + zone())
    const circle = zone().replace(
      '<valueSet>',
      '<valueSet><controllingField>City__c</controllingField>',
    )
    expect(await problemOf(jsforce, fieldsZip(circle))).toContain('it depends on it')
    expect(await problemOf(jsforce, fieldsZip(zone(many)))).toContain('more than 300 values')
  })
})
