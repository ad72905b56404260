import * as z from 'zod'
import { describe, expect, it } from 'vitest'
import { type EngineError } from '../../errors.ts'
import { checkPlan, parsePlan } from './check.ts'
import { FIELD_TYPES } from '../metadata/fields/field-kinds.ts'
import { type PlanInput, planSchema } from './schema.ts'
import { codes, custom, faults, onLead, text } from './testing/refusals.ts'
import { EVERY_FIELD, JOB_PLAN } from './testing/samples.ts'

const F = 'objects.0.fields.0'

describe('parsePlan', () => {
  it('takes a plan with a field of every type and fills in its defaults', () => {
    const types = new Set(EVERY_FIELD.map(({ type }) => type))
    expect([...FIELD_TYPES].filter((type) => !types.has(type))).toEqual([])
    const plan = parsePlan(JOB_PLAN)
    expect(plan.permissions).toEqual({
      permission_set: 'SFDC_Engine_X',
      assign_to_connected_user: true,
      profiles: [],
      permission_sets: [],
    })
    expect(checkPlan(plan)).toEqual([])
  })

  it.each<[string, unknown, string[]]>([
    // Shapes
    ['a plan that is no object', 'x', [' wrong_type']],
    ['a plan without objects', {}, ['objects nothing_to_do']],
    ['a member nobody knows', { objects: [], extra: 1 }, ['extra unknown_member']],
    ['a field without a type', onLead({ api_name: 'X__c', label: 'X' }), [`${F}.type missing`]],
    [
      'a type nobody knows',
      onLead({ api_name: 'X__c', label: 'X', type: 'Str' }),
      [`${F}.type unknown_type`],
    ],
    ['a field without a label', onLead({ api_name: 'X__c', type: 'Date' }), [`${F}.label missing`]],
    [
      'a label of 41 characters',
      onLead({ ...text('X__c'), label: 'x'.repeat(41) }),
      [`${F}.label too_long`],
    ],
    ['an empty label', onLead({ ...text('X__c'), label: '' }), [`${F}.label too_short`]],
    ['a label of two lines', onLead({ ...text('X__c'), label: 'a\nb' }), [`${F}.label bad_text`]],
    [
      'a text of 256 characters',
      onLead({ ...text('X__c'), length: 256 }),
      [`${F}.length out_of_range`],
    ],
    [
      'a long text of 255 characters',
      onLead({ api_name: 'X__c', label: 'X', type: 'LongTextArea', length: 255 }),
      [`${F}.length out_of_range`],
    ],
    [
      'a sharing model that cannot be chosen',
      { objects: [custom({ sharing_model: 'FullAccess' }, text('X__c'))] },
      ['objects.0.sharing_model unknown_value'],
    ],
    [
      'more objects than a plan holds',
      { objects: Array.from({ length: 201 }, (_, i) => ({ ...custom(), api_name: `P${i}__c` })) },
      ['objects too_many'],
    ],

    // Not supported yet
    [
      'a hierarchy',
      onLead({ api_name: 'X__c', label: 'X', type: 'Hierarchy' }),
      [`${F}.type not_supported_yet`],
    ],
    [
      'an external lookup',
      onLead({ api_name: 'X__c', label: 'X', type: 'ExternalLookup' }),
      [`${F}.type not_supported_yet`],
    ],
    [
      'a platform event',
      { objects: [{ ...custom(), api_name: 'Happened__e' }] },
      ['objects.0.api_name not_supported_yet'],
    ],
    [
      'a lookup to an external object',
      onLead({
        api_name: 'X__c',
        label: 'X',
        type: 'Lookup',
        reference_to: 'Far__x',
        relationship_name: 'Xs',
      }),
      [`${F}.reference_to not_supported_yet`],
    ],
  ])('refuses %s', (_what, input, expected) => {
    expect(codes(input)).toEqual(expected)
  })

  it('names the thing and a remedy, and puts the root before every path', () => {
    const input = onLead({ api_name: 'X__c', label: 'X', type: 'TextArea', length: 100 })
    expect(() => parsePlan(input, 'plan')).toThrow('TextArea has no length')
    try {
      parsePlan(input, 'plan')
    } catch (error) {
      expect((error as EngineError).errors?.[0]).toMatchObject({ path: `plan.${F}.length` })
      expect((error as EngineError).errors?.[0]?.message).toContain('Leave it out.')
    }
  })

  it('names the type that a misspelled one is near to', () => {
    const typed = (type: string) => onLead({ api_name: 'X__c', label: 'X', type })
    expect(() => parsePlan(typed('text'))).toThrow('"text" is not a known type. Did you mean Text?')
    expect(() => parsePlan(typed('Strange'))).toThrow(/Use one of .*\bLookup\b/)
  })

  it('names the member that a misspelled one is near to', () => {
    expect(() => parsePlan({ objects: [{ api_name: 'Lead', feilds: [] }] })).toThrow(
      'feilds is not a known member. Did you mean fields?',
    )
  })

  it('reports all faults at once', () => {
    expect(codes(onLead(text('A'), text('B')))).toHaveLength(2)
  })

  it('lets names through that only look reserved', () => {
    expect(codes(onLead(text('Order__c'), text('User__c'), text('Group__c')))).toEqual([])
  })

  it('accepts fields for an object of an installed package', () => {
    expect(codes({ objects: [{ api_name: 'ns__Thing__c', fields: [text('X__c')] }] })).toEqual([])
  })

  it('survives hostile input', () => {
    const hostile: unknown[] = [
      null,
      [],
      { objects: [null] },
      { objects: [{ api_name: '__proto__', fields: [{ type: '__proto__' }] }] },
      JSON.parse(
        '{"objects":[{"api_name":"Lead","__proto__":{"x":1},"fields":[{"type":"constructor"}]}]}',
      ),
    ]
    for (const input of hostile) expect(faults(input).length).toBeGreaterThan(0)
  })
})

describe('planSchema', () => {
  it('can be published as JSON Schema, in and out', () => {
    const input = z.toJSONSchema(planSchema, { io: 'input' })
    expect(JSON.stringify(input)).toContain('MultiselectPicklist')
    const output = z.toJSONSchema(planSchema, { io: 'output' })
    expect(output).toMatchObject({ $ref: '#/$defs/Plan', $defs: { Plan: { type: 'object' } } })
  })

  it('types a plan as callers write it', () => {
    const input: PlanInput = JOB_PLAN
    expect(planSchema.safeParse(input).success).toBe(true)
  })
})
