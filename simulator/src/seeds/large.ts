// A large org: so many objects with so many fields in total, spread evenly, cheap to create and to
// serve.

import { grantField, profileNamed } from '../org/create.ts'
import { type Org } from '../org/model.ts'
import { makeObject, systemFields, type FieldSpec } from '../org/schema.ts'
import { picklist } from './standard.ts'

const TYPES = [
  'string',
  'double',
  'picklist',
  'date',
  'boolean',
  'reference',
  'textarea',
  'email',
  'currency',
  'datetime',
]
const BASE_36 = (n: number) => n.toString(36).padStart(2, '0')

/** `fields` counts all fields of all objects, system fields included; each object gets at least nine. */
export const seedLarge = (org: Org, size: { objects: number; fields: number }): void => {
  const names = Array.from(
    { length: size.objects },
    (_, i) => `Object_${String(i).padStart(5, '0')}__c`,
  )
  const admin = profileNamed(org, 'System Administrator')
  let left = size.fields
  for (const [i, name] of names.entries()) {
    const share = Math.round(left / (names.length - i))
    const fixed: FieldSpec[] = [
      ...systemFields(true),
      { name: 'Name', type: 'string', label: 'Name', length: 80, nameField: true, idLookup: true },
    ]
    const own = Array.from({ length: Math.max(0, share - fixed.length) }, (_, k) =>
      fieldAt(i, k, names),
    )
    left -= fixed.length + own.length
    makeObject(org, {
      name,
      label: `Object ${i}`,
      describe: { keyPrefix: `a${BASE_36(i % 1296)}`, labelPlural: `Objects ${i}` },
      fields: [...fixed, ...own],
    })
    if (admin !== undefined) for (const field of own) grantField(admin.grants, name, field.name)
  }
}

const fieldAt = (object: number, index: number, names: string[]): FieldSpec => {
  const type = TYPES[(object + index) % TYPES.length] ?? 'string'
  return {
    name: `Field_${String(index).padStart(3, '0')}__c`,
    type,
    label: `Field ${index}`,
    custom: true,
    inlineHelpText: index % 4 === 0 ? `What field ${index} of object ${object} is for.` : null,
    ...(type === 'picklist'
      ? { picklistValues: picklist(Array.from({ length: 6 }, (_, v) => `Value ${v}`)) }
      : {}),
    ...(type === 'reference'
      ? {
          referenceTo: [names[(object * 7 + index) % names.length] ?? 'Account'],
          relationshipName: `Field_${String(index).padStart(3, '0')}__r`,
        }
      : {}),
  }
}
