// Custom labels, tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, fieldZip, file, problemOf, zipOf } from './testing/deploys.ts'

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

const label = (name: string, value: string, more = '') =>
  `<labels>\n<fullName>${name}</fullName>${more}<language>en_US</language><protected>false</protected><shortDescription>${name}</shortDescription><value>${value}</value></labels>`
const labelsFile = (...labels: string[]) => ({
  'labels/CustomLabels.labels': file('CustomLabels', labels.join('\n')),
})
const labelZip = (names: string[], ...labels: string[]) =>
  zipOf({ CustomLabel: names }, labelsFile(...labels))
const deletionZip = (name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>CustomLabel</name></types><version>67.0</version>`,
      ),
    },
  )

describe('a custom label', () => {
  it('is made, read, listed and queried, and left alone the second time', async () => {
    const zip = labelZip(['Greeting'], label('Greeting', 'Hello!', '<categories>Desk</categories>'))
    const made = await deploy(jsforce, zip)
    expect(made.failures).toEqual([])
    expect(made.successes).toContainEqual(
      expect.objectContaining({
        componentType: 'CustomLabel',
        fullName: 'Greeting',
        fileName: 'labels/CustomLabels.labels',
        created: true,
      }),
    )
    expect(await jsforce.metadata.read('CustomLabel', 'Greeting')).toMatchObject({
      categories: 'Desk',
      fullName: 'Greeting',
      language: 'en_US',
      protected: false,
      shortDescription: 'Greeting',
      value: 'Hello!',
    })
    expect(await jsforce.metadata.list({ type: 'CustomLabel' })).toMatchObject([
      { fullName: 'Greeting', fileName: 'labels/CustomLabels.labels' },
    ])
    expect(
      (await jsforce.tooling.query('SELECT Name, Value, IsProtected FROM ExternalString')).records,
    ).toMatchObject([{ Name: 'Greeting', Value: 'Hello!', IsProtected: false }])
    const again = await deploy(jsforce, zip)
    expect(again.successes.find(({ fullName }) => fullName === 'Greeting')).toMatchObject({
      created: false,
      changed: false,
    })
  })

  it('stays as it is where a file of labels leaves it out', async () => {
    await deploy(jsforce, labelZip(['A', 'B'], label('A', 'one'), label('B', 'two')))
    const whole = zipOf({ CustomLabels: ['CustomLabels'] }, labelsFile(label('A', 'new')))
    expect((await deploy(jsforce, whole)).failures).toEqual([])
    expect(await jsforce.metadata.read('CustomLabels', 'CustomLabels')).toMatchObject({
      labels: [
        { fullName: 'A', value: 'new' },
        { fullName: 'B', value: 'two' },
      ],
    })
  })

  const cases: [string, Buffer, string][] = [
    [
      'beside one that the package does not name',
      labelZip(['A'], label('A', 'one'), label('B', 'two')),
      'Not in package.xml',
    ],
    ['with a name that is none', labelZip(['A__B'], label('A__B', 'one')), 'API Name'],
    ['without a text', labelZip(['A'], label('A', '')), 'Required field is missing: value'],
    [
      'with a text that is too long',
      labelZip(['A'], label('A', 'x'.repeat(1001))),
      'Value maximum length is:1000',
    ],
  ]
  it.each(cases)('is refused %s', async (_what, zip, problem) => {
    expect(await problemOf(jsforce, zip)).toContain(problem)
  })

  it('is in a language that Salesforce has', async () => {
    for (const code of ['xx', 'en', 'de_DE', 'en_us']) {
      const odd = label('A', 'one').replace('en_US', code)
      expect(await problemOf(jsforce, labelZip(['A'], odd))).toContain('Language: bad value')
    }
    const zip = labelZip(['A'], label('A', 'one').replace('en_US', 'haw'))
    expect((await deploy(jsforce, zip)).failures).toEqual([])
  })

  it('keeps its language', async () => {
    await deploy(jsforce, labelZip(['A'], label('A', 'one')))
    const german = label('A', 'eins').replace('en_US', 'de')
    expect(await problemOf(jsforce, labelZip(['A'], german))).toContain('language')
  })

  it('is deleted, but not while a formula names it', async () => {
    await deploy(jsforce, labelZip(['A', 'B'], label('A', 'one'), label('B', 'two')))
    expect((await deploy(jsforce, deletionZip('B'))).failures).toEqual([])
    const formula = await deploy(
      jsforce,
      fieldZip('Lead.Hint__c', '<type>Text</type><formula>$Label.A</formula>'),
    )
    expect(formula.failures).toEqual([])
    expect(await problemOf(jsforce, deletionZip('A'))).toContain('CustomField - Hint__c')
  })
})
