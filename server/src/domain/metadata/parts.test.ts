import { describe, expect, it } from 'vitest'
import { samePart } from './equality.ts'
import { partsIn, writeParts } from './parts.ts'

const OBJECT = `<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">
    <fields>
        <fullName>Title__c</fullName>
        <label>Title</label>
        <length>40</length>
        <type>Text</type>
    </fields>
    <fields>
        <fullName>Other__c</fullName>
        <label>Other</label>
        <type>Date</type>
    </fields>
    <label>Job</label>
    <nameField>
        <label>Name</label>
        <type>Text</type>
    </nameField>
    <validationRules>
        <fullName>Titled</fullName>
        <active>true</active>
        <errorConditionFormula>ISBLANK(Title__c)</errorConditionFormula>
        <errorMessage>A title, please</errorMessage>
    </validationRules>
</CustomObject>
`
const TAB = `<?xml version="1.0" encoding="UTF-8"?>
<CustomTab xmlns="http://soap.sforce.com/2006/04/metadata">
    <customObject>true</customObject>
    <motif>Custom53: Bell</motif>
</CustomTab>
`

describe('parts of files', () => {
  const parts = partsIn(
    new Map([
      ['objects/Job__c.object', OBJECT],
      ['tabs/Job__c.tab', TAB],
    ]),
  )

  it('are found whatever the case of their names', () => {
    const field = { type: 'CustomField', fullName: 'job__C.TITLE__c' } as const
    expect(parts.part(field)).toMatchObject({ fullName: 'Title__c', length: '40' })
    expect(parts.part({ type: 'CustomField', fullName: 'Job__c.Gone__c' })).toBeNull()
    expect(parts.part({ type: 'CustomTab', fullName: 'JOB__c' })).toMatchObject({
      motif: 'Custom53: Bell',
    })
  })

  it('written into files again are the same, without what was not asked for', () => {
    const components = [
      { type: 'CustomObject', fullName: 'Job__c' },
      { type: 'CustomField', fullName: 'Job__c.Title__c' },
      { type: 'ValidationRule', fullName: 'Job__c.Titled' },
      { type: 'CustomTab', fullName: 'Job__c' },
    ] as const
    const files = writeParts(
      components.map((component) => ({ component, element: parts.part(component) ?? {} })),
    )
    expect([...files.keys()]).toEqual(['objects/Job__c.object', 'tabs/Job__c.tab'])
    const written = partsIn(files)
    for (const component of components) {
      expect(samePart(written.part(component), parts.part(component))).toBe(true)
    }
    expect(written.part({ type: 'CustomField', fullName: 'Job__c.Other__c' })).toBeNull()
    expect(files.get('tabs/Job__c.tab')).toBe(TAB)
  })
})
