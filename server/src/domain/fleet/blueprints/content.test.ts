// Parameters of blueprints: where one can stand, what a version is refused for, and what a client's values
// make of it.

import { describe, expect, it } from 'vitest'
import { fillIn, versionFaults } from './content.ts'
import { declarations, type ParameterValues } from './parameters.ts'
import { usesOf } from './places.ts'

const param = (name: string) => ({ param: name })
const declared = (...given: object[]) => declarations.parse(given)
const field = (more: object = {}) => ({
  api_name: 'Tier__c',
  label: 'Tier',
  type: 'Text',
  length: 40,
  ...more,
})
const planOf = (fields: object[], more: object = {}) => ({
  plan: { objects: [{ api_name: 'Lead', fields }], ...more },
})

const PICKLIST = {
  api_name: 'Stage__c',
  label: param('label'),
  description: param('label'),
  type: 'Picklist',
  values: param('stages'),
  default: param('first'),
  restricted: param('strict'),
}
const ASSIGNMENT = {
  type: 'assignment_rule',
  api_name: 'Lead.Inbound',
  definition: { form: 'assignment', entries: [{ assign_to: { queue: param('queue') } }] },
  activate: param('active'),
}
const MAPPING = {
  canonical_object: 'candidate',
  sfdc_object: 'Lead',
  fields: [{ canonical_field: 'name', sfdc_field: 'LastName', default: param('label') }],
}
const EVERYTHING = {
  plan: {
    objects: [{ api_name: 'Lead', fields: [PICKLIST, field({ length: param('length') })] }],
    layouts: [
      { object: 'Lead', layout: param('layout'), section: param('label'), fields: ['Tier__c'] },
    ],
    permissions: { permission_set: param('set'), profiles: [param('profile'), 'Sales'] },
    queues: [
      {
        api_name: 'Hot',
        label: 'Hot',
        objects: ['Lead'],
        members: { users: [param('user')], roles: ['CEO'] },
      },
    ],
  },
  workflows: [ASSIGNMENT],
  mappings: [MAPPING],
}
const TEXTS = ['label', 'first', 'queue', 'layout', 'set', 'profile', 'user']
const EVERY_PARAMETER = declared(
  ...TEXTS.map((name) => ({ name, type: 'text' })),
  { name: 'stages', type: 'list' },
  { name: 'strict', type: 'boolean', default: true },
  { name: 'active', type: 'boolean', required: false },
  { name: 'length', type: 'number' },
)
const VALUES: ParameterValues = {
  ...Object.fromEntries(TEXTS.map((name) => [name, `A ${name}`])),
  set: 'A_Set',
  first: 'New',
  stages: ['New', 'Won'],
  length: 80,
}

const faults = (content: object, ...parameters: object[]) =>
  versionFaults(content, declared(...parameters)).map(({ path, code }) => `${path} ${code}`)

describe('a parameter', () => {
  it('can stand for labels, values, defaults, names of what an org has its own of, numbers and switches', () => {
    expect(versionFaults(EVERYTHING, EVERY_PARAMETER)).toEqual([])
    expect(usesOf(EVERYTHING)).toHaveLength(14)
  })

  it('cannot stand for an API name, a choice, a formula or a part of a text', () => {
    const text = { name: 'x', type: 'text' }
    for (const [content, path] of [
      [planOf([field({ api_name: param('x') })]), 'plan.objects.0.fields.0.api_name'],
      [planOf([field({ type: param('x') })]), 'plan.objects.0.fields.0.type'],
      [{ plan: { objects: [{ api_name: param('x') }] } }, 'plan.objects.0.api_name'],
      [{ plan: { objects: param('x') } }, 'plan.objects'],
      [
        planOf([{ ...field(), type: 'Formula', formula: param('x') }]),
        'plan.objects.0.fields.0.formula',
      ],
      [planOf([field()], { tabs: [param('x')] }), 'plan.tabs.0'],
      [
        { workflows: [{ ...ASSIGNMENT, api_name: param('x'), activate: true }] },
        'workflows.0.api_name',
      ],
      [
        {
          workflows: [
            { type: 'flow', api_name: 'F', definition: { processType: param('x'), label: 'F' } },
          ],
        },
        'workflows.0.definition.processType',
      ],
      [{ mappings: [{ ...MAPPING, sfdc_object: param('x') }] }, 'mappings.0.sfdc_object'],
    ] as const) {
      expect(faults(content, text)[0]).toBe(`${path} parameter_misplaced`)
    }
    // Text with something in it that looks like a parameter is a text.
    expect(faults(planOf([field({ label: 'Tier {param}' })]))).toEqual([])
  })

  it('is refused with its path if it is undeclared, unused or of a different type', () => {
    const content = planOf([field({ label: param('title') })])
    expect(faults(content)).toEqual(['plan.objects.0.fields.0.label parameter_undeclared'])
    expect(
      faults(content, { name: 'title', type: 'text' }, { name: 'other', type: 'number' }),
    ).toEqual(['parameters.1.name parameter_unused'])
    expect(faults(content, { name: 'title', type: 'number' })).toEqual([
      'plan.objects.0.fields.0.label parameter_wrong_type',
    ])
    expect(
      faults(planOf([field({ length: param('title') })]), { name: 'title', type: 'text' }),
    ).toEqual(['plan.objects.0.fields.0.length parameter_wrong_type'])
  })

  it('that is the name of a member is none', () => {
    const values = { ...MAPPING, fields: [{ ...MAPPING.fields[0], value_map: { param: 'x' } }] }
    expect(faults({ mappings: [values] }, { name: 'label', type: 'text' })).toEqual([])
  })

  it('is declared once, with a default of its type, and required only without one', () => {
    const isTaken = (...given: object[]) => declarations.safeParse(given).success
    expect(isTaken({ name: 'a', type: 'text', default: 'x' })).toBe(true)
    expect(isTaken({ name: 'a', type: 'text' }, { name: 'a', type: 'text' })).toBe(false)
    expect(isTaken({ name: 'a', type: 'text', default: 1 })).toBe(false)
    expect(isTaken({ name: 'a', type: 'text', default: 'x', required: true })).toBe(false)
    expect(isTaken({ name: 'A-b', type: 'text' })).toBe(false)
    expect(declared({ name: 'a', type: 'text' })[0]?.required).toBe(true)
    expect(declared({ name: 'a', type: 'text', default: 'x' })[0]?.required).toBe(false)
  })
})

describe('a version', () => {
  it('is refused for what a deploy would refuse, whatever its parameters', () => {
    expect(faults({})).toEqual(['plan nothing_to_do'])
    expect(
      faults(planOf([field({ label: param('title'), length: 999 })]), {
        name: 'title',
        type: 'text',
      }),
    ).toEqual(['plan.objects.0.fields.0.length out_of_range'])
    expect(faults({ workflows: [{ type: 'flow', api_name: 'F' }] })).toEqual([
      'workflows.0.definition custom',
    ])
    const mapping = { ...MAPPING, fields: [{ canonical_field: 'a', sfdc_field: 'not one' }] }
    expect(faults({ mappings: [mapping, MAPPING] }, { name: 'label', type: 'text' })).toEqual([
      'mappings.0.fields.0.sfdc_field invalid_format',
    ])
    const plain = { ...MAPPING, fields: [{ canonical_field: 'a', sfdc_field: 'LastName' }] }
    expect(faults({ mappings: [plain, plain] })).toEqual(['mappings.1.canonical_object duplicate'])
  })

  it('is not refused for what only the sample of a parameter is wrong about', () => {
    // The sample is no value of the list, and 1 is no precision for a scale of 4.
    expect(
      faults(
        planOf([
          { ...PICKLIST, label: 'Stage', description: 'Stage', restricted: true, values: ['New'] },
          { ...field(), type: 'Number', length: undefined, precision: param('digits'), scale: 4 },
        ]),
        { name: 'first', type: 'text' },
        { name: 'digits', type: 'number' },
      ),
    ).toEqual([])
  })

  it('has to be valid without the values that a client need not bring', () => {
    const content = planOf([field({ label: param('title') })])
    expect(faults(content, { name: 'title', type: 'text', required: false })).toEqual([
      'plan.objects.0.fields.0.label missing',
    ])
    const described = planOf([field({ description: param('why') })])
    expect(faults(described, { name: 'why', type: 'text', required: false })).toEqual([])
  })
})

describe('the values of a client', () => {
  it('stand in the places of the parameters', () => {
    const { content, problems } = fillIn(EVERYTHING, EVERY_PARAMETER, VALUES)
    expect(problems).toBeNull()
    expect(content).toMatchObject({
      plan: {
        objects: [
          {
            fields: [
              { label: 'A label', values: ['New', 'Won'], default: 'New', restricted: true },
              { length: 80 },
            ],
          },
        ],
        layouts: [{ layout: 'A layout', section: 'A label' }],
        permissions: { permission_set: 'A_Set', profiles: ['A profile', 'Sales'] },
        queues: [{ members: { users: ['A user'], roles: ['CEO'] } }],
      },
      workflows: [{ definition: { entries: [{ assign_to: { queue: 'A queue' } }] } }],
      mappings: [{ fields: [{ default: 'A label' }] }],
    })
    // Neither brought nor with a default: left out.
    expect(JSON.stringify(content)).not.toContain('activate')
    expect(usesOf(content ?? {})).toEqual([])
  })

  it('are refused by name if they are missing or of a different type', () => {
    const { queue: _queue, ...rest } = VALUES
    const { problems } = fillIn(EVERYTHING, EVERY_PARAMETER, { ...rest, length: '80', more: 1 })
    expect(problems?.map(({ path, code }) => `${path} ${code}`)).toEqual([
      'parameters.queue missing',
      'parameters.length wrong_type',
    ])
  })

  it('leave as it was found what somebody accepted', () => {
    const override = {
      ...{ type: 'CustomField', full_name: 'Lead.Tier__c', state: 'modified' as const },
      differences: [{ attribute: 'length', wanted: 80, deployed: 80, found: 90 }],
      ...{ note: null, accepted_by: null, accepted_at: '2026-11-22T00:00:00.000Z' },
    }
    const { content } = fillIn(EVERYTHING, EVERY_PARAMETER, VALUES, [override])
    expect(content).toMatchObject({ plan: { objects: [{ fields: [{}, { length: 90 }] }] } })
  })

  it('are refused at the member that they do not fit', () => {
    const { problems } = fillIn(EVERYTHING, EVERY_PARAMETER, { ...VALUES, length: 1_000 })
    expect(problems?.map(({ path, code }) => `${path} ${code}`)).toEqual([
      'plan.objects.0.fields.1.length out_of_range',
    ])
  })
})
