// Which values a picklist offers where: by record type.

import { type JsonObject } from '../../../salesforce/json.ts'
import { isPicklist } from '../../metadata/fields/field-kinds.ts'
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

export const picklistRules = [
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
            remedy: 'Nothing to do.',
          }
    },
  }),
]
