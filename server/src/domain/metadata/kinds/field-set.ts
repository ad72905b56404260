// A field set of an object: fields that a page or a component shows without naming them. It only grows:
// what shows it may rely on its fields.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects, type XmlValue } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanFieldSet } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { ownerOf, sameName } from '../names.ts'
import { findPart } from '../object-file.ts'
import { RESTORED, reversible } from '../reversibility.ts'
import { undoMade, undoMembers } from '../undoing.ts'
import { asXmlValue, rewrite } from '../xml-tree.ts'
import { missingFields } from './asking.ts'
import {
  always,
  checkPartNames,
  type KindRule,
  type PartKind,
  partsNamed,
  plannedPart,
} from './kind.ts'

const TYPE = 'FieldSet'
const NAME_MAX = 80

const fieldsOf = (set: PlanFieldSet): string[] => [...set.displayed_fields, ...set.available_fields]

const check = (plan: Plan, findings: Findings): void => {
  checkPartNames(plan, 'field_sets', { noun: 'Field set', max: NAME_MAX }, findings)
  for (const [index, { field_sets: sets }] of plan.objects.entries()) {
    for (const [at, set] of sets.entries()) {
      const displayed = set.displayed_fields.length
      const path = ['objects', index, 'field_sets', at]
      reportDuplicates(
        fieldsOf(set),
        (field) => `Field ${field} of field set ${set.api_name}`,
        (position) =>
          position < displayed
            ? [...path, 'displayed_fields', position]
            : [...path, 'available_fields', position - displayed],
        findings,
      )
      if (fieldsOf(set).length === 0) {
        findings.add(
          [...path, 'displayed_fields'],
          'missing',
          `Field set ${set.api_name} has no fields. Add some to displayed_fields or available_fields.`,
        )
      }
    }
  }
}

const fieldIn = (item: JsonObject): string => sameName(leaf(item.field) ?? '')

/** Existing fields keep the flags that Salesforce gave them. */
const itemsOf = (names: readonly string[], known: readonly JsonObject[]): XmlValue[] =>
  names.map((name) => {
    const item = known.find((one) => fieldIn(one) === sameName(name))
    return item === undefined ? { field: name } : asXmlValue(item)
  })

/** The names of the plan, then those of the items that it does not name. */
const grown = (
  names: readonly string[],
  items: readonly JsonObject[],
  elsewhere: ReadonlySet<string>,
): string[] => {
  const planned = new Set(names.map(sameName))
  const others = items.filter(
    (item) => !planned.has(fieldIn(item)) && !elsewhere.has(fieldIn(item)),
  )
  return [
    ...names.filter((name) => !elsewhere.has(sameName(name))),
    ...others.map((item) => leaf(item.field) ?? ''),
  ]
}

const elementOf = (set: PlanFieldSet, before: JsonObject | null): Record<string, XmlValue> => {
  const [shown, offered] = [
    listObjects(before?.displayedFields),
    listObjects(before?.availableFields),
  ]
  const displayed = grown(set.displayed_fields, shown, new Set())
  const available = grown(set.available_fields, offered, new Set(displayed.map(sameName)))
  const known = [...shown, ...offered]
  return rewrite(before, {
    fullName: set.api_name,
    availableFields: available.length === 0 ? null : itemsOf(available, known),
    description: set.description,
    displayedFields: displayed.length === 0 ? null : itemsOf(displayed, known),
    label: set.label,
  })
}

const rules: KindRule[] = [
  {
    code: 'field_set_field_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const found = plannedPart(asked.plan, 'field_sets', fullName)
      if (found === null) return null
      // Fields of a parent (`Account.Name`) are checked by Salesforce.
      const own = fieldsOf(found.part).filter((name) => !name.includes('.'))
      const missing = await missingFields(found.object, own, asked)
      return missing.length === 0
        ? null
        : {
            message: `The field set ${fullName} has ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the field to the plan, correct its name, or leave it out.',
          }
    },
  },
  {
    code: 'field_set_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The field set ${fullName} exists, and pages may show it. It gets the label, the description and the fields of the plan; its other fields stay.`,
            remedy: 'Make sure that it is the one you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'field_set_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? {
            message: `The field set ${fullName} is new; no page shows it yet.`,
          }
        : null,
  },
]

export const fieldSet: PartKind = {
  type: TYPE,
  list: 'fieldSets',
  named: partsNamed('field_sets'),
  objectOf: ownerOf,
  isToldByItsFile: true,
  check,
  elements: (object, image) =>
    object.field_sets.map((planned) => {
      const before = findPart(image, 'fieldSets', planned.api_name)
      return { apiName: planned.api_name, element: elementOf(planned, before), before }
    }),
  deletion: { place: 1, withObject: always },
  reversibility: ({ made }) =>
    made
      ? reversible('Rollback deletes it. Salesforce refuses that while a page or code uses it.')
      : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? undoMade(component, ownerOf(component.fullName), scene) : undoMembers(component, scene),
  rules,
}
