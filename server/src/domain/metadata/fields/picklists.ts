// One value, or several, out of a list: the field's own, or a global value set's.

import * as z from 'zod'
import { componentName } from '../../../salesforce/component-name.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects, type XmlValue } from '../../../salesforce/xml.ts'
import { listed } from '../../words.ts'
import { nameFault, sameName } from '../names.ts'
import { asXmlValue, inSchemaOrder } from '../xml-tree.ts'
import { apiName, common, line, required } from './attributes.ts'
import { byLength, lossy, type Side, unlisted, whatFits } from './conversion.ts'
import {
  CHECKBOX_VALUES,
  dependencyOfDescribed,
  dependencyOfElement,
  dependencyOfPlanned,
  type FieldNamed,
  gainedPairs,
  type PlannedDependency,
  writtenDependency,
} from './dependencies.ts'
import { type Checking, describedAs, fieldKind, type FieldDifference } from './kind.ts'

export const picklistValue = z
  .union([
    line(255),
    z.strictObject({
      value: line(255).describe('API value'),
      label: line(255).describe('Shown to users'),
    }),
  ])
  .describe('A value, or a value and the label that users see instead')
  .meta({ id: 'PlanPicklistValue' })

/** Salesforce Help, "Dependent Picklist Considerations": values of a controlling field. */
export const CONTROLLING_VALUES_MAX = 300

const valueSet = (max: number) => ({
  values: z
    .array(picklistValue)
    .min(1)
    .max(max)
    .optional()
    .describe('Own values of the field, in their order'),
  global_value_set: apiName
    .optional()
    .describe('Name of a global value set, in place of own values; always restricted'),
  default: line(255)
    .optional()
    .describe('The value that new records start with. Default: unchanged, or none for a new field'),
  restricted: z
    .boolean()
    .optional()
    .describe('Only values of the list can be saved. Default: unchanged, or false for a new field'),
  sorted: z.boolean().default(false).describe('Shown alphabetically instead of in the order given'),
  controlling_field: apiName
    .optional()
    .describe(
      'A picklist or checkbox of the same object on whose value it depends which values can be chosen. Needs value_settings. Default: unchanged',
    ),
  value_settings: z
    .array(
      z.strictObject({
        value: line(255).describe('A value of this field'),
        controlling_values: z
          .array(line(255))
          .min(1)
          .max(CONTROLLING_VALUES_MAX)
          .describe(
            'Values of the controlling field for which it can be chosen; of a checkbox `checked` and `unchecked`',
          ),
      }),
    )
    .min(1)
    .max(1_000)
    .optional()
    .describe('Added to the settings that exist: Salesforce removes none by API'),
})

/** The attributes of values that both kinds of picklist share. */
export interface ValueSet extends PlannedDependency {
  api_name: string
  values?: z.output<typeof picklistValue>[] | undefined
  global_value_set?: string | undefined
  default?: string | undefined
  restricted?: boolean | undefined
  sorted: boolean
}

/**
 * A picklist's own values; empty where a global value set is used. Without a label in the plan, a new
 * value is its own label, and an existing one keeps its label.
 */
export const picklistValues = ({
  values,
}: Pick<ValueSet, 'values'>): { value: string; label: string | null }[] =>
  (values ?? []).map((value) =>
    typeof value === 'string' ? { value, label: null } : { value: value.value, label: value.label },
  )

const isTrue = (value: unknown): boolean => value === 'true' || value === true

/** The values of an element's value set, as they stand. */
const currentValues = (element: JsonObject | null): JsonObject[] => {
  const set = element?.valueSet
  const definition = isObject(set) ? set.valueSetDefinition : undefined
  return isObject(definition) ? listObjects(definition.value) : []
}

/** Values that the list of an element names, whether or not they can still be chosen. */
export const listedValues = (element: JsonObject): string[] =>
  currentValues(element).map(({ fullName }) => leaf(fullName) ?? '')

const sameSet = (a: string, b: string): boolean => {
  const [one, other] = [a, b].map((name) => sameName(componentName('GlobalValueSet', name)))
  return one === other
}

const asMembers = (value: JsonObject): Record<string, XmlValue> =>
  Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asXmlValue(member)]))

/**
 * Values of the plan first, in its order; an existing value that is not in the plan stays, deactivated:
 * Salesforce would do the same with one that is left out, but silently.
 */
const valueSetOf = (field: ValueSet, current: JsonObject | null): XmlValue => {
  const before = isObject(current?.valueSet) ? current.valueSet : {}
  const kept = writtenDependency(field, current)
  if (field.global_value_set !== undefined) {
    const named = leaf(before.valueSetName)
    // The existing name stays: the set may be named in either of two ways.
    const isSame = named !== null && sameSet(named, field.global_value_set)
    const valueSetName = isSame ? named : field.global_value_set
    return inSchemaOrder({ ...kept, restricted: true, valueSetName })
  }
  const known = new Map(
    currentValues(current).map((value) => [sameName(leaf(value.fullName) ?? ''), value]),
  )
  const planned = picklistValues(field).map(({ value, label }) => {
    const { isActive: _off, ...existing } = known.get(sameName(value)) ?? {}
    known.delete(sameName(value))
    return inSchemaOrder({
      ...asMembers(existing),
      fullName: value,
      default: field.default === undefined ? isTrue(existing.default) : field.default === value,
      label: label ?? leaf(existing.label) ?? value,
    })
  })
  const switchedOff = [...known.values()].map((value) =>
    inSchemaOrder({ ...asMembers(value), default: false, isActive: false }),
  )
  return inSchemaOrder({
    ...kept,
    restricted: field.restricted ?? isTrue(before.restricted),
    valueSetDefinition: inSchemaOrder({
      sorted: field.sorted,
      value: [...planned, ...switchedOff],
    }),
  })
}

const readDependency = (element: JsonObject): Record<string, unknown> => {
  const found = dependencyOfElement(element)
  if (found === null) return {}
  const { controllingField, settings } = found
  return {
    controlling_field: controllingField,
    ...(settings.length > 0 && { value_settings: settings }),
  }
}

const readValueSet = (element: JsonObject): Record<string, unknown> => {
  const set = isObject(element.valueSet) ? element.valueSet : {}
  const dependency = readDependency(element)
  const restricted = isTrue(set.restricted)
  const globalName = leaf(set.valueSetName)
  if (globalName !== null) return { global_value_set: globalName, restricted, ...dependency }
  const definition = isObject(set.valueSetDefinition) ? set.valueSetDefinition : {}
  const active = currentValues(element).filter((value) => value.isActive !== 'false')
  const byDefault = active.find((value) => isTrue(value.default))
  return {
    values: active.map((value) => {
      const name = leaf(value.fullName) ?? ''
      const label = leaf(value.label) ?? name
      return label === name ? name : { value: name, label }
    }),
    ...(byDefault === undefined ? {} : { default: leaf(byDefault.fullName) ?? '' }),
    restricted,
    sorted: isTrue(definition.sorted),
    ...dependency,
  }
}

/** Pairs that are there beside those of the plan are no difference: nobody removes them by API. */
const dependencyDifferences = (
  field: ValueSet,
  described: JsonObject,
  fieldNamed: FieldNamed,
): FieldDifference[] => {
  const planned = dependencyOfPlanned(field)
  if (planned === null || described.controllerName === undefined) return []
  const found = dependencyOfDescribed(described, fieldNamed)
  if (found === null || sameName(found.controllingField) !== sameName(planned.controllingField)) {
    return [
      {
        attribute: 'controlling_field',
        planned: planned.controllingField,
        found: found?.controllingField ?? null,
      },
    ]
  }
  if (fieldNamed(found.controllingField) === null) return []
  return gainedPairs(found, planned).length === 0
    ? []
    : [{ attribute: 'value_settings', planned: planned.settings, found: found.settings }]
}

const differences = (
  field: ValueSet,
  described: JsonObject,
  fieldNamed: FieldNamed,
): FieldDifference[] => {
  const found: FieldDifference[] = dependencyDifferences(field, described, fieldNamed)
  if (field.restricted !== undefined || field.global_value_set !== undefined) {
    const planned = field.restricted ?? true
    const is = described.restrictedPicklist
    if (typeof is === 'boolean' && is !== planned) {
      found.push({ attribute: 'restricted', planned, found: is })
    }
  }
  return field.values === undefined ? found : [...found, ...valueDifferences(field, described)]
}

const valueDifferences = (field: ValueSet, described: JsonObject): FieldDifference[] => {
  const differing: FieldDifference[] = []
  const active = listObjects(described.picklistValues).filter(({ active: on }) => on !== false)
  const planned = picklistValues(field).map(({ value, label }) => {
    // Without a label in the plan, any label is fine; one that is not known is not compared.
    const entry = active.find((one) => one.value === value)
    if (entry !== undefined && entry.label === undefined) return { value, label: undefined }
    return { value, label: label ?? entry?.label ?? value }
  })
  const found = active.map(({ value, label }) => ({ value, label }))
  const key = (entries: readonly unknown[]): string => {
    const texts = entries.map((entry) => JSON.stringify(entry))
    return (field.sorted ? texts.toSorted() : texts).join()
  }
  if (key(planned) !== key(found)) differing.push({ attribute: 'values', planned, found })
  if (field.default !== undefined) {
    const byDefault = active.find((entry) => entry.defaultValue === true)?.value ?? null
    if (byDefault !== field.default) {
      differing.push({ attribute: 'default', planned: field.default, found: byDefault })
    }
  }
  return differing
}

const checkGlobal = (field: ValueSet, name: string, { full, add }: Checking): void => {
  const fault = nameFault(name.replace(/^[A-Za-z]\w{0,14}?__/, ''), `Global value set ${name}`, 80)
  if (fault !== null) add('global_value_set', fault.code, fault.message)
  for (const key of ['values', 'default'] as const) {
    if (field[key] !== undefined) {
      add(
        key,
        'attributes_conflict',
        `${full} takes its values from ${name}, so it has no ${key} of its own. Leave one of them out.`,
      )
    }
  }
  if (field.restricted === false) {
    add(
      'restricted',
      'attributes_conflict',
      `${full} uses a global value set, which always restricts. Leave restricted out.`,
    )
  }
}

/** Whether the field controls itself, by way of other fields of the plan. */
const isCircular = (
  { api_name: name, controlling_field: first }: ValueSet,
  { object, fieldOf }: Checking,
) => {
  const seen = new Set<string>()
  for (let next = first; next !== undefined && !seen.has(sameName(next));) {
    if (sameName(next) === sameName(name)) return true
    seen.add(sameName(next))
    next = fieldOf(object, next)?.controlledBy ?? undefined
  }
  return false
}

/** What a controlling field of the plan can say; null where that is for the Salesforce org to say. */
const controllingValuesIn = (
  field: ValueSet,
  { object, fieldOf }: Checking,
): readonly string[] | null => {
  const controller = fieldOf(object, field.controlling_field ?? '')
  return controller?.type === 'Checkbox' ? CHECKBOX_VALUES : (controller?.values ?? null)
}

const checkDependency = (field: ValueSet, checking: Checking): void => {
  const { full, object, add, fieldOf } = checking
  const { controlling_field: name, value_settings: settings } = field
  if (name === undefined || settings === undefined) {
    if (name === undefined && settings === undefined) return
    const [missing, given] =
      name === undefined
        ? ['controlling_field', 'value_settings']
        : ['value_settings', 'controlling_field']
    add(missing, 'missing', `${full} has ${given} and no ${missing}. Give both or neither.`)
    return
  }
  if (isCircular(field, checking)) {
    const message = `${full} would depend on itself. Choose a different controlling_field.`
    add('controlling_field', 'circular', message)
    return
  }
  const controller = fieldOf(object, name)
  if (
    controller !== null &&
    (controller.isFormula || !['Picklist', 'Checkbox'].includes(controller.type))
  ) {
    const type = controller.isFormula ? 'formula' : controller.type
    const message = `${object}.${name} is a ${type} field; only a picklist with one value or a checkbox can control ${full}. Choose a different controlling_field.`
    add('controlling_field', 'wrong_type', message)
    return
  }
  checkSettings(field, checking)
}

const checkSettings = (field: ValueSet, checking: Checking): void => {
  const { full, object, add } = checking
  const controlling = controllingValuesIn(field, checking)
  const controller = `${object}.${field.controlling_field ?? ''}`
  if (controlling !== null && controlling.length > CONTROLLING_VALUES_MAX) {
    const message = `${controller} has ${controlling.length} values; Salesforce lets a field with at most ${CONTROLLING_VALUES_MAX} control others. Choose a different controlling_field.`
    add('controlling_field', 'too_many', message)
  }
  const own = field.values === undefined ? null : picklistValues(field).map(({ value }) => value)
  const [known, seen] = [new Set(controlling?.map(sameName)), new Set<string>()]
  for (const [index, { value, controlling_values: values }] of (
    field.value_settings ?? []
  ).entries()) {
    const at = ['value_settings', index]
    if (seen.has(sameName(value))) {
      add(
        [...at, 'value'],
        'duplicate',
        `${full} has two settings for the value ${value}. Keep one.`,
      )
    }
    seen.add(sameName(value))
    if (own !== null && !own.some((each) => sameName(each) === sameName(value))) {
      const message = `${full} has no value ${value}. Add it to values or remove it here.`
      add([...at, 'value'], 'unknown_value', message)
    }
    if (controlling === null) continue
    for (const [nth, each] of values.entries()) {
      if (known.has(sameName(each))) continue
      const message = `${controller} has no value ${each}, for which ${value} could be chosen. Use one of ${listed(controlling)}.`
      add([...at, 'controlling_values', nth], 'unknown_value', message)
    }
  }
}

/** Salesforce: the values of a multi-select come in one text, so none may contain the separator. */
const SEPARATOR = ';'

const checkValues =
  ({ isMulti }: { isMulti: boolean }) =>
  (field: ValueSet, checking: Checking): void => {
    const { full, add } = checking
    checkDependency(field, checking)
    if (field.global_value_set !== undefined) {
      checkGlobal(field, field.global_value_set, checking)
      return
    }
    if (field.values === undefined) {
      add('values', 'missing', `${full} has no values. Give values or global_value_set.`)
      return
    }
    const values = picklistValues(field)
    const seenValues = new Set<string>()
    const seenLabels = new Set<string>()
    for (const [index, { value, label: given }] of values.entries()) {
      const label = given ?? value
      const at = ['values', index]
      if (seenValues.has(sameName(value))) {
        add(at, 'duplicate', `${full} has the value ${value} twice. Keep one.`)
      } else if (seenLabels.has(sameName(label))) {
        add(at, 'duplicate', `${full} has the label ${label} twice. Rename one.`)
      }
      if (isMulti && value.includes(SEPARATOR)) {
        add(
          at,
          'bad_picklist_value',
          `The value ${value} of ${full} contains a semicolon, which separates the values of a record. Remove it.`,
        )
      }
      seenValues.add(sameName(value))
      seenLabels.add(sameName(label))
    }
    if (field.default !== undefined && !values.some(({ value }) => value === field.default)) {
      add(
        'default',
        'unknown_value',
        `The default ${field.default} of ${full} is not one of its values. Add it to values or choose a different one.`,
      )
    }
  }

const shared = {
  differences,
  unseen: ['sorted', 'global_value_set'],
  write: (
    members: Record<string, XmlValue>,
    field: ValueSet,
    { current }: { current: JsonObject | null },
  ) => {
    members.valueSet = valueSetOf(field, current)
  },
  read: readValueSet,
  covers: ['valueSet'],
}

export const picklist = fieldKind({
  ...shared,
  schema: z.strictObject({
    ...common,
    type: z.literal('Picklist').describe('One of a list of values'),
    ...valueSet(1_000),
    ...required,
  }),
  isDescribed: describedAs('picklist'),
  describeTypes: () => ['picklist'],
  check: checkValues({ isMulti: false }),
  family: 'picklist',
  length: 255,
  becomes: (from, to) => {
    if (to.family === 'text') return byLength(from, to, 'values stay')
    return to.family === 'checkbox' ? lossy('values that are not among the new ones') : whatFits()
  },
})

export const multiselectPicklist = fieldKind({
  ...shared,
  schema: z.strictObject({
    ...common,
    type: z.literal('MultiselectPicklist').describe('Several of a list of values'),
    ...valueSet(500),
    visible_lines: z.int().min(3).max(10).default(4),
    ...required,
  }),
  isDescribed: describedAs('multipicklist'),
  describeTypes: () => ['multipicklist'],
  check: checkValues({ isMulti: true }),
  family: 'multi-select',
  becomes: () => lossy('all values'),
  madeOf: (from: Side, to: Side) => (from.family === 'picklist' ? unlisted(to) : null),
})
