import { describe, expect, it } from 'vitest'
import { addField, addObject, apiNameOf, readPlanText, textOfPlan } from './plan-text.ts'

const JSON_PLAN = `{
  "objects": [
    {
      "api_name": "Lead",
      "fields": [
        { "api_name": "A__c", "label": "A", "type": "Text" },
        {
          "api_name": "B__c",
          "label": "B",
          "type": "Text",
          "length": 300
        }
      ]
    }
  ]
}
`

const YAML_PLAN = `# For the spring campaign
objects:
  - api_name: Lead
    fields:
      - api_name: A__c # the key
        label: A
        type: Text
`

describe('a plan as text', () => {
  it('leads from the path of a finding to its line, in JSON and in YAML', () => {
    const { lineOf, plan, fault } = readPlanText(JSON_PLAN)
    expect(fault).toBeNull()
    expect(plan).toMatchObject({ objects: [{ api_name: 'Lead' }] })
    expect(lineOf('objects.0.fields.1.length')).toBe(11)
    expect(lineOf('objects.0.fields.0')).toBe(6)
    expect(readPlanText(YAML_PLAN).lineOf('objects.0.fields.0.label')).toBe(6)
  })

  it('leads to what is around a member that is missing', () => {
    const { lineOf } = readPlanText(JSON_PLAN)
    expect(lineOf('objects.0.fields.1.reference_to')).toBe(7)
    expect(lineOf('layouts.0')).toBe(1)
    expect(lineOf('')).toBe(1)
  })

  it.each([
    ['{\n  "objects": [,]\n}', 2],
    ['{ "objects": [', 1],
    ['objects:\n  - a\n b: 1', 3],
    ['objects: &a\n  - *b', 2],
    ['', 1],
    ['[]', 1],
    ['just words', 1],
  ])('says what is wrong with %j, and on which line', (text, line) => {
    const { plan, fault } = readPlanText(text)
    expect(plan).toBeNull()
    expect(fault?.message).not.toBe('')
    expect(Math.abs((fault?.line ?? -9) - line)).toBeLessThanOrEqual(1)
  })

  it('is not blown up by aliases of aliases', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (let n = 1; n < 9; n += 1) {
      const before = String.fromCodePoint(96 + n)
      const name = String.fromCodePoint(97 + n)
      bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`)
    }
    expect(readPlanText(bomb.join('\n')).fault?.message).toMatch(/alias/i)
  })

  it('takes a new object and a new field, and keeps comments and what is there', () => {
    const field = { api_name: 'C__c', label: 'C', type: 'Text' as const, length: 20 }
    const yaml = addField(YAML_PLAN, 'lead', field)
    expect(yaml).toContain('# For the spring campaign')
    expect(yaml).toContain('# the key')
    expect(readPlanText(yaml).plan).toMatchObject({
      objects: [{ api_name: 'Lead', fields: [{ api_name: 'A__c' }, field] }],
    })
    const json = addField(JSON_PLAN, 'Account', field)
    expect(JSON.parse(json)).toMatchObject({
      objects: [{ api_name: 'Lead' }, { api_name: 'Account', fields: [field] }],
    })
    const object = { api_name: 'Job__c', label: 'Job', plural_label: 'Jobs' }
    expect(JSON.parse(addObject('', object))).toEqual({ objects: [object] })
    expect(readPlanText(addObject(YAML_PLAN, object)).plan).toMatchObject({
      objects: [{ api_name: 'Lead' }, object],
    })
  })

  it('leaves out what says nothing when it comes from the server', () => {
    const text = textOfPlan({
      objects: [{ api_name: 'Lead', fields: [], list_views: [] }],
      tabs: [],
    })
    expect(JSON.parse(text)).toEqual({ objects: [{ api_name: 'Lead' }] })
  })
})

describe('the API name proposed for a label', () => {
  it.each([
    ['Job Posting', 'Job_Posting__c'],
    ['  Größe (cm) ', 'Gro_e_cm__c'],
    ['Café', 'Cafe__c'],
    ['2nd Phone', 'X2nd_Phone__c'],
    ['___', ''],
  ])('of %j is %s', (label, name) => {
    expect(apiNameOf(label)).toBe(name)
  })
})
