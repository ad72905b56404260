import { describe, expect, it } from 'vitest'
import { parseXml, toXml } from '../../../salesforce/xml.ts'
import { everyField } from '../../plan/testing/samples.ts'
import { type Conversion } from './conversion.ts'
import { fieldElement } from './element.ts'
import { FIELD_TYPES, type FieldType, fieldKindOf } from './field-kinds.ts'
import { conversionOf, type FieldShape, shapeOfElement, shapeOfPlanned } from './shape.ts'

const sized = (type: FieldType, sizes: Partial<FieldShape> = {}): FieldShape => ({
  type,
  family: fieldKindOf(type).family,
  length: fieldKindOf(type).length ?? null,
  precision: null,
  scale: null,
  values: null,
  dependency: null,
  ...sizes,
})

const typical = (type: FieldType): FieldShape => {
  switch (fieldKindOf(type).family) {
    case 'text':
      return sized(type, { length: fieldKindOf(type).length ?? 255 })
    case 'long text':
      return sized(type, { length: 32_768 })
    case 'number':
      return sized(type, { precision: 18, scale: 2 })
    case 'picklist':
    case 'multi-select':
      return sized(type, { values: ['A', 'B'] })
    default:
      return sized(type)
  }
}

const kindOfChange = (from: FieldShape, to: FieldShape): Conversion['kind'] =>
  conversionOf(from, to).kind

describe('shapes', () => {
  it.each(everyField().map((field) => [field.type, field.api_name, field] as const))(
    'say the same of %s %s in a plan and in a file',
    (_type, _name, field) => {
      const xml = toXml('fields', fieldElement(field, { current: null, relationshipOrder: 0 }))
      const element = parseXml(xml).fields as never
      const { precision: _p, scale: _s, ...planned } = shapeOfPlanned(field)
      expect(shapeOfElement(element)).toMatchObject(planned)
    },
  )
})

describe('conversions', () => {
  it.each(FIELD_TYPES)('of %s keep its values where the field stays as it is', (type) => {
    expect(kindOfChange(typical(type), typical(type))).toBe('kept')
  })

  it('that the Change Data Capture guide calls compatible keep every value that fits', () => {
    for (const from of ['TextArea', 'Email', 'Url', 'Phone', 'AutoNumber'] as const) {
      expect(kindOfChange(typical(from), typical('Text')), from).toBe('kept')
    }
    for (const from of ['Number', 'Percent', 'Currency'] as const) {
      expect(kindOfChange(typical(from), typical('Text')), from).toBe('kept')
    }
    const short = sized('Text', { length: 40 })
    for (const to of ['TextArea', 'LongTextArea', 'Email', 'Url', 'Phone', 'AutoNumber'] as const) {
      expect(kindOfChange(short, typical(to)), to).toBe('kept')
    }
  })

  it('to something shorter put only longer texts at stake', () => {
    const cases: [FieldShape, FieldShape, number][] = [
      [typical('LongTextArea'), typical('Text'), 255],
      [typical('LongTextArea'), typical('Phone'), 40],
      [typical('Text'), typical('Email'), 80],
      [typical('Text'), sized('Text', { length: 20 }), 20],
      [typical('Picklist'), sized('Text', { length: 10 }), 10],
    ]
    for (const [from, to, than] of cases) {
      expect(conversionOf(from, to)).toMatchObject({
        kind: 'lossy',
        atStake: { rows: 'longer', than },
      })
    }
  })

  it('among numbers keep them where no digit is missing', () => {
    const wide = sized('Number', { precision: 18, scale: 2 })
    expect(kindOfChange(wide, sized('Currency', { precision: 18, scale: 2 }))).toBe('kept')
    expect(conversionOf(wide, sized('Percent', { precision: 18, scale: 3 }))).toMatchObject({
      atStake: { rows: 'more digits', whole: 15, scale: 3 },
    })
    expect(kindOfChange(wide, sized('Number', { precision: 17, scale: 2 }))).toBe('lossy')
  })

  it('that Salesforce calls incompatible lose every value', () => {
    const others = FIELD_TYPES.filter(
      (type) => kindOfChange(typical('Checkbox'), typical(type)) !== 'refused',
    )
    for (const type of others) {
      for (const from of ['Checkbox', 'Date', 'DateTime', 'MultiselectPicklist'] as const) {
        if (type === from) continue
        expect(conversionOf(typical(from), typical(type)), `${from} ${type}`).toMatchObject({
          kind: 'lossy',
          atStake: { rows: 'filled' },
        })
      }
    }
  })

  it('of picklists lose what the new list does not name', () => {
    expect(conversionOf(typical('Picklist'), typical('MultiselectPicklist'))).toMatchObject({
      kind: 'lossy',
      atStake: { rows: 'unlisted', values: ['A', 'B'] },
    })
    expect(conversionOf(typical('Text'), typical('Picklist'))).toMatchObject({ kind: 'lossy' })
  })

  it.each(['Formula', 'Summary', 'Location', 'EncryptedText', 'Lookup', 'MasterDetail'] as const)(
    'of %s are refused in both directions, whatever the other type is',
    (type) => {
      const links = ['Lookup', 'MasterDetail']
      for (const other of FIELD_TYPES) {
        if (other === type || (links.includes(type) && links.includes(other))) continue
        expect(kindOfChange(typical(type), typical(other)), other).toBe('refused')
        expect(kindOfChange(typical(other), typical(type)), other).toBe('refused')
      }
    },
  )

  it.each<[FieldType, FieldType]>([
    ['Formula', 'Text'],
    ['Text', 'Formula'],
    ['Summary', 'Number'],
    ['Location', 'Text'],
    ['Text', 'EncryptedText'],
    ['EncryptedText', 'Text'],
    ['Lookup', 'Text'],
    ['Text', 'Lookup'],
    ['Html', 'Text'],
  ])('from %s to %s are refused', (from, to) => {
    expect(kindOfChange(typical(from), typical(to))).toBe('refused')
  })
})
