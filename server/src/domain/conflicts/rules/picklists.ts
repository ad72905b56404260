// Which values a picklist offers where: by record type, and by the value of a controlling field.

import { type JsonObject } from '../../../salesforce/json.ts'
import {
  CHECKBOX_VALUES,
  dependencyOfDescribed,
  dependencyOfPlanned,
  type ValueSetting,
} from '../../metadata/fields/dependencies.ts'
import { isPicklist } from '../../metadata/fields/field-kinds.ts'
import { CONTROLLING_VALUES_MAX, picklistValues } from '../../metadata/fields/picklists.ts'
import { sameName } from '../../metadata/names.ts'
import { type PlanRecordTypeValues } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { type Facts, rulesFor, type Subjects } from '../rule.ts'
import { activeValues, entriesOf, fieldIn } from '../subjects.ts'

const rule = rulesFor('types')

/** A picklist that a record type offers values of, as the Salesforce org has it. */
interface Offered extends PlanRecordTypeValues {
  full: string
  /** Its place among the picklists of the record type. */
  at: string
  /** Null where the plan has the field, or where no describe shows it. */
  described: JsonObject | null
}

/** Picklists that the plan leaves to the Salesforce org. */
const offersOf = (
  { object, recordType }: Subjects['record_type'],
  { describeOf, plannedField }: Facts,
): Offered[] =>
  (recordType.picklist_values ?? []).flatMap((offer, at) =>
    plannedField(object.api_name, offer.field) === null
      ? {
          ...offer,
          full: `${object.api_name}.${offer.field}`,
          at: `picklist_values.${at}`,
          described: fieldIn(describeOf(object.api_name), offer.field),
        }
      : [],
  )

const isDescribedAsPicklist = ({ type }: JsonObject): boolean =>
  type === 'picklist' || type === 'multipicklist'

/** Fields that are nowhere; one that the connected user does not see is somewhere. */
const missingOf = async (subject: Subjects['record_type'], facts: Facts): Promise<Offered[]> => {
  const unseen = offersOf(subject, facts).filter(({ described }) => described === null)
  if (unseen.length === 0) return []
  if (!subject.objectExists) return unseen
  if (facts.describeOf(subject.object.api_name) === null) return []
  const all = await facts.live.allFields(subject.object.api_name)
  if (all === null) return []
  return unseen.filter(({ field }) => !all.some((name) => sameName(name) === sameName(field)))
}

interface PlannedControl {
  controllingField: string
  settings: readonly ValueSetting[]
  /** `Object.Field` */
  controller: string
  /** The controlling field as the Salesforce org has it; null where the plan says what it is. */
  described: JsonObject | null
}

/** What a field of the plan depends on; null where it says nothing of it. */
const controlOf = (
  { field, object, describe }: Subjects['field'],
  { plannedField }: Facts,
): PlannedControl | null => {
  const planned = isPicklist(field) ? dependencyOfPlanned(field) : null
  if (planned === null) return null
  const isPlanned = plannedField(object.api_name, planned.controllingField) !== null
  return {
    ...planned,
    controller: `${object.api_name}.${planned.controllingField}`,
    described: isPlanned ? null : fieldIn(describe, planned.controllingField),
  }
}

const valuesOf = (controller: JsonObject): readonly string[] =>
  controller.type === 'boolean' ? CHECKBOX_VALUES : activeValues(controller)

/** Whether the field is above the other one already, by what the Salesforce org says of both. */
const isAbove = (name: string, other: string, describe: JsonObject | null): boolean => {
  const seen = new Set<string>()
  for (let next: unknown = other; typeof next === 'string' && !seen.has(sameName(next));) {
    if (sameName(next) === sameName(name)) return true
    seen.add(sameName(next))
    next = fieldIn(describe, next)?.controllerName
  }
  return false
}

const dependencyRules = [
  rule('field', {
    code: 'controlling_field_missing',
    severities: ['red'],
    judge: async (subject, facts) => {
      const control = controlOf(subject, facts)
      const { object, objectExists, describe, full } = subject
      if (control === null || control.described !== null) return null
      if (facts.plannedField(object.api_name, control.controllingField) !== null) return null
      if (objectExists && describe === null) return null
      const all = objectExists ? await facts.live.allFields(object.api_name) : []
      const isThere =
        all === null || all.some((name) => sameName(name) === sameName(control.controllingField))
      return isThere
        ? null
        : {
            message: `${full} would depend on ${control.controller}, which exists neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the field to the plan, or correct controlling_field.',
            at: 'controlling_field',
          }
    },
  }),
  rule('field', {
    code: 'controlling_field_refused',
    severities: ['red'],
    judge: (subject, facts) => {
      const control = controlOf(subject, facts)
      if (control === null) return null
      const { described, controller, controllingField } = control
      const isAllowed =
        described === null || described.type === 'picklist' || described.type === 'boolean'
      const many = described === null ? 0 : valuesOf(described).length
      const why = !isAllowed
        ? 'which is neither a picklist with one value nor a checkbox'
        : described?.calculated === true
          ? 'which is a formula'
          : many > CONTROLLING_VALUES_MAX
            ? `which has ${many} values; a field with more than ${CONTROLLING_VALUES_MAX} controls no other`
            : isAbove(subject.field.api_name, controllingField, subject.describe)
              ? 'which depends on it'
              : null
      return why === null
        ? null
        : {
            message: `${subject.full} would depend on ${controller}, ${why}.`,
            remedy: 'Choose a different controlling_field.',
            at: 'controlling_field',
          }
    },
  }),
  rule('field', {
    code: 'controlling_field_changed',
    severities: ['red'],
    judge: (subject, facts) => {
      const control = controlOf(subject, facts)
      const now = subject.existing?.controllerName
      if (control === null || typeof now !== 'string') return null
      return sameName(now) === sameName(control.controllingField)
        ? null
        : {
            message: `${subject.full} depends on ${now}; Salesforce does not remove that dependency by API.`,
            remedy: `Use ${now} as controlling_field, or remove the dependency in Setup first.`,
            at: 'controlling_field',
          }
    },
  }),
  rule('field', {
    code: 'controlling_value_missing',
    severities: ['red'],
    judge: (subject, facts) => {
      const control = controlOf(subject, facts)
      if (control === null || control.described === null) return null
      const known = new Set(valuesOf(control.described).map(sameName))
      const missing = [
        ...new Set(
          control.settings
            .flatMap(({ controlling_values: values }) => values)
            .filter((value) => !known.has(sameName(value))),
        ),
      ]
      return missing.length === 0
        ? null
        : {
            message: `${subject.full} names ${listed(missing)}, which ${control.controller} does not have.`,
            remedy: `Use ${listed([...valuesOf(control.described)])}, or add ${one(missing, 'the value', 'the values')} to the controlling field.`,
            at: 'value_settings',
          }
    },
  }),
  rule('field', {
    code: 'picklist_made_dependent',
    severities: ['yellow'],
    judge: (subject, facts) => {
      const control = controlOf(subject, facts)
      const { existing, full } = subject
      if (control === null || existing === null || typeof existing.controllerName === 'string') {
        return null
      }
      return {
        message: `${full} would offer its values by ${control.controller} from now on; records keep values that do not fit, and users can no longer choose those.`,
        remedy: 'Make sure that value_settings name every value that is still to be chosen.',
        at: 'controlling_field',
      }
    },
  }),
  rule('field', {
    code: 'dependent_value_unreachable',
    severities: ['yellow'],
    judge: (subject, facts) => {
      const control = controlOf(subject, facts)
      const { field, full, existing, describe } = subject
      if (control === null || !isPicklist(field)) return null
      const now =
        existing === null
          ? null
          : dependencyOfDescribed(existing, (name) => fieldIn(describe, name))
      const reached = new Set(
        [...control.settings, ...(now?.settings ?? [])]
          .filter(({ controlling_values: values }) => values.length > 0)
          .map(({ value }) => sameName(value)),
      )
      const never = picklistValues(field)
        .map(({ value }) => value)
        .filter((value) => !reached.has(sameName(value)))
      return never.length === 0
        ? null
        : {
            message: `No value of ${control.controller} lets users choose ${listed(never)} in ${full}.`,
            remedy: 'Add the values to value_settings, or leave them out.',
            at: 'value_settings',
          }
    },
  }),
]

export const picklistRules = [
  ...dependencyRules,
  rule('record_type', {
    code: 'record_type_picklist_missing',
    severities: ['red'],
    judge: async (subject, facts) => {
      const [missing] = await missingOf(subject, facts)
      return missing === undefined
        ? null
        : {
            message: `${subject.component.fullName} offers values of ${missing.full}, which exists neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the field to the plan, or remove it from picklist_values.',
            at: missing.at,
          }
    },
  }),
  rule('record_type', {
    code: 'record_type_picklist_refused',
    severities: ['red'],
    judge: (subject, facts) => {
      const refused = offersOf(subject, facts).find(
        ({ described }) => described !== null && !isDescribedAsPicklist(described),
      )
      return refused === undefined
        ? null
        : {
            message: `${subject.component.fullName} offers values of ${refused.full}, which is not a picklist.`,
            remedy: 'Name a picklist, or remove the field from picklist_values.',
            at: refused.at,
          }
    },
  }),
  rule('record_type', {
    code: 'record_type_value_missing',
    severities: ['red'],
    judge: (subject, facts) => {
      for (const { described, full, values, at } of offersOf(subject, facts)) {
        if (described === null || !isDescribedAsPicklist(described)) continue
        const known = new Set(activeValues(described).map(sameName))
        const missing = values.filter((value) => !known.has(sameName(value)))
        if (missing.length === 0) continue
        // Salesforce: "Picklist value: A in picklist: B not found".
        return {
          message: `${subject.component.fullName} offers ${listed(missing)} of ${full}, which does not have ${one(missing, 'that value', 'those values')}.`,
          remedy: 'Add the values to the field, or correct them.',
          at: `${at}.values`,
        }
      }
      return null
    },
  }),
  rule('field', {
    code: 'picklist_not_on_record_types',
    severities: ['yellow'],
    judge: ({ field, full, object, objectExists, existing, describe }) => {
      if (!isPicklist(field) || !objectExists || existing !== null) return null
      const others = entriesOf(describe, 'recordTypeInfos')
        .filter(({ master, active }) => master !== true && active !== false)
        .map(({ developerName }) => String(developerName))
        .filter(
          (name) =>
            !object.record_types.some(
              ({ api_name, picklist_values: offers = [] }) =>
                sameName(api_name) === sameName(name) &&
                offers.some((offer) => sameName(offer.field) === sameName(field.api_name)),
            ),
        )
      // Salesforce: values that come by API are not offered by record types that exist (Metadata API
      // guide, "StandardValueSet").
      return others.length === 0
        ? null
        : {
            message: `${full} is new, and ${one(others, 'the record type', 'the record types')} ${listed(others)} of ${object.api_name} may offer none of its values until somebody selects them.`,
            remedy: 'List the field under picklist_values of these record types.',
          }
    },
  }),
]

/** Those that say why a component is safe. */
export const picklistReassurances = [
  rulesFor('safe')('record_type', {
    code: 'record_type_values_added',
    severities: ['green'],
    judge: ({ recordType, component, existing }) => {
      const offers = recordType.picklist_values ?? []
      return existing === null || offers.length === 0
        ? null
        : {
            message: `${component.fullName} offers the values of the plan for ${listed(offers.map(({ field }) => field))}; what it offers already stays.`,
          }
    },
  }),
]
