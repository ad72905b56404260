import { describe, expect, it } from 'vitest'
import { listObjects } from '../../../salesforce/xml.ts'
import { parseObjectFile } from '../object-file.ts'
import { planField, type PlanField } from './field-kinds.ts'
import { fieldElement, readField } from './element.ts'
import { AWKWARD, everyField } from '../../plan/testing/samples.ts'
import { readRoot, writeFile } from '../xml-tree.ts'

const fileOf = (field: PlanField, current: string | null = null): string =>
  writeFile('CustomObject', {
    fields: fieldElement(field, {
      current:
        current === null ? null : (parseObjectFile(current).parts.fields?.[0]?.element ?? null),
      relationshipOrder: 0,
    }),
  })

const elementOf = (file: string) => listObjects(readRoot(file, 'CustomObject').fields)[0] ?? {}

const field = (input: object): PlanField => planField.parse({ label: 'X', ...input })

describe('a field as XML', () => {
  it.each(everyField().map((planned) => [planned.type, planned.api_name, planned] as const))(
    '%s %s is read back as it was planned',
    (_type, _name, planned) => {
      const image = readField(elementOf(fileOf(planned)))
      expect(image.field).toEqual(planned)
      expect(image.beyond).toEqual([])
    },
  )

  it.each(everyField().map((planned) => [planned.type, planned.api_name, planned] as const))(
    '%s %s stands in the order of the schema: name first, then by alphabet',
    (_type, _name, planned) => {
      const names = Object.keys(elementOf(fileOf(planned)))
      expect(names[0]).toBe('fullName')
      expect(names.slice(1)).toEqual(names.slice(1).toSorted())
    },
  )

  // Elements of fields as Salesforce returns them, with what it accepts for each type.
  it.each<[string, string[]]>([
    [
      'Text__c',
      'fullName caseSensitive defaultValue description externalId inlineHelpText label length required type unique'.split(
        ' ',
      ),
    ],
    ['Required__c', 'fullName externalId label length required type unique'.split(' ')],
    ['Area__c', 'fullName label required type'.split(' ')],
    ['Long__c', 'fullName label length type visibleLines'.split(' ')],
    ['Html__c', 'fullName label length type visibleLines'.split(' ')],
    ['Number__c', 'fullName externalId label precision required scale type unique'.split(' ')],
    ['Money__c', 'fullName label precision required scale type'.split(' ')],
    ['Flag__c', 'fullName defaultValue label type'.split(' ')],
    ['Status__c', 'fullName label required type valueSet'.split(' ')],
    ['Tags__c', 'fullName label required type valueSet visibleLines'.split(' ')],
    ['Counter__c', 'fullName displayFormat externalId label type'.split(' ')],
    [
      'Company__c',
      'fullName deleteConstraint label referenceTo relationshipLabel relationshipName required type'.split(
        ' ',
      ),
    ],
    [
      'Parent__c',
      'fullName label referenceTo relationshipName relationshipOrder reparentableMasterDetail type writeRequiresMasterRead'.split(
        ' ',
      ),
    ],
    ['Ratio__c', 'fullName formula formulaTreatBlanksAs label precision scale type'.split(' ')],
    ['Initial__c', 'fullName formula formulaTreatBlanksAs label type'.split(' ')],
    [
      'Total__c',
      'fullName label summarizedField summaryFilterItems summaryForeignKey summaryOperation type'.split(
        ' ',
      ),
    ],
    ['Place__c', 'fullName displayLocationInDecimal label required scale type'.split(' ')],
    ['Secret__c', 'fullName label length maskChar maskType required type'.split(' ')],
  ])('%s has just these elements', (name, elements) => {
    const planned = everyField().find(({ api_name }) => api_name === name)
    if (planned === undefined) throw new Error(`No sample ${name}`)
    expect(Object.keys(elementOf(fileOf(planned)))).toEqual(elements)
  })

  it('writes the type of a formula as the type of its result', () => {
    const planned = field({
      api_name: 'F__c',
      type: 'Formula',
      result_type: 'Currency',
      formula: '1',
    })
    expect(elementOf(fileOf(planned))).toMatchObject({
      type: 'Currency',
      precision: '18',
      scale: '2',
    })
  })

  it('writes picklists with their own values or the global set, never both', () => {
    const own = fileOf(
      field({ api_name: 'P__c', type: 'Picklist', values: ['A', 'B'], default: 'B' }),
    )
    expect(own).toContain(
      [
        '        <valueSet>',
        '            <restricted>false</restricted>',
        '            <valueSetDefinition>',
        '                <sorted>false</sorted>',
        '                <value>',
        '                    <fullName>A</fullName>',
        '                    <default>false</default>',
        '                    <label>A</label>',
        '                </value>',
      ].join('\n'),
    )
    expect(own).not.toContain('valueSetName')
    const global = fileOf(field({ api_name: 'P__c', type: 'Picklist', global_value_set: 'Stages' }))
    expect(elementOf(global).valueSet).toEqual({ restricted: 'true', valueSetName: 'Stages' })
  })

  it('escapes what XML would take for its own', () => {
    const file = fileOf(field({ api_name: 'X__c', label: AWKWARD, type: 'Date' }))
    expect(file).toContain('<label>Q&amp;A &lt;&quot;R&apos;D&quot;&gt;</label>')
  })
})

describe('a field that already exists', () => {
  const there = (inner: string): string =>
    `<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><fields>${inner}</fields></CustomObject>`

  it('keeps what the plan does not speak of', () => {
    const current = there(
      '<fullName>X__c</fullName><description>By hand</description><inlineHelpText>Old</inlineHelpText>' +
        '<label>Was</label><length>10</length><securityClassification>Internal</securityClassification>' +
        '<trackHistory>true</trackHistory><type>Text</type>',
    )
    const planned = field({ api_name: 'X__c', type: 'Text', length: 20, help_text: 'New' })
    expect(elementOf(fileOf(planned, current))).toMatchObject({
      description: 'By hand',
      inlineHelpText: 'New',
      label: 'X',
      length: '20',
      securityClassification: 'Internal',
      trackHistory: 'true',
    })
  })

  it('loses the attributes of its old type with the type', () => {
    const current = there(
      '<fullName>X__c</fullName><description>D</description><label>X</label><precision>18</precision><scale>0</scale><type>Number</type>',
    )
    const element = elementOf(fileOf(field({ api_name: 'X__c', type: 'Text' }), current))
    expect(element).toMatchObject({ description: 'D', type: 'Text' })
    expect(element).not.toHaveProperty('precision')
  })

  it('switches picklist values off instead of dropping them, and keeps labels and colours', () => {
    const current = there(
      '<fullName>P__c</fullName><label>P</label><type>Picklist</type><valueSet>' +
        '<controllingField>Q__c</controllingField><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>' +
        '<value><fullName>Open</fullName><color>#FF0000</color><default>true</default><label>Offen</label></value>' +
        '<value><fullName>Old</fullName><default>false</default><label>Old</label></value></valueSetDefinition>' +
        '<valueSettings><controllingFieldValue>a</controllingFieldValue><valueName>Open</valueName></valueSettings></valueSet>',
    )
    const planned = field({ api_name: 'P__c', type: 'Picklist', values: ['New', 'Open'] })
    expect(elementOf(fileOf(planned, current)).valueSet).toEqual({
      controllingField: 'Q__c',
      restricted: 'true',
      valueSetDefinition: {
        sorted: 'false',
        value: [
          { fullName: 'New', default: 'false', label: 'New' },
          { fullName: 'Open', color: '#FF0000', default: 'true', label: 'Offen' },
          { fullName: 'Old', default: 'false', isActive: 'false', label: 'Old' },
        ],
      },
      valueSettings: { controllingFieldValue: 'a', valueName: 'Open' },
    })
  })

  it('does not start an automatic number over', () => {
    const planned = field({
      api_name: 'N__c',
      type: 'AutoNumber',
      display_format: '{0}',
      starting_number: 7,
    })
    const created = fileOf(planned)
    expect(elementOf(created)).toMatchObject({ startingNumber: '7' })
    expect(elementOf(fileOf(planned, created))).not.toHaveProperty('startingNumber')
  })
})

describe('a field that a plan cannot say', () => {
  it('is read with the names of what is beyond it', () => {
    const image = readField({
      fullName: 'L__c',
      label: 'L',
      type: 'Lookup',
      referenceTo: 'Account',
      relationshipName: 'Ls',
      required: 'false',
      trackHistory: 'true',
      lookupFilter: { active: 'true' },
    })
    expect(image.field).toMatchObject({ type: 'Lookup', reference_to: 'Account' })
    expect(image.beyond).toEqual(['trackHistory', 'lookupFilter'])
  })

  it.each(['Hierarchy', 'ExternalLookup', undefined])(
    'of type %s is not a field of a plan',
    (type) => {
      expect(readField({ fullName: 'X__c', label: 'X', type }).field).toBeNull()
    },
  )
})
