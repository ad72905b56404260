// Names that Salesforce refuses, or that already exist.

import { asText } from '../../../salesforce/json.ts'
import { didYouMean } from '../../mappings/suggest/words.ts'
import { isRelationship } from '../../metadata/fields/field-kinds.ts'
import { AMBIGUOUS_NAMES, developerName, sameName } from '../../metadata/names.ts'
import { definesObject } from '../../plan/schema.ts'
import { rulesFor } from '../rule.ts'
import { entriesOf } from '../subjects.ts'

const rule = rulesFor('names')

const LABEL_MAX = 40

/** What belongs to a missing object fails with it. */
const orphanRules = (['field', 'record_type', 'validation_rule'] as const).map((kind) =>
  rule(kind, {
    code: `${kind}_object_missing`,
    severities: ['red'],
    judge: ({ object, component }, { objectExists }) =>
      objectExists(object.api_name) || definesObject(object)
        ? null
        : {
            message: `${component.fullName} cannot be created: there is no object ${object.api_name} that the connected user can see.`,
            remedy: 'Correct the name of the object, or plan it in full.',
          },
  }),
)

/** Salesforce: in metadata, the record types and layouts of person accounts are those of PersonAccount. */
const PERSON_ACCOUNT = {
  message:
    'PersonAccount is not an object: it holds only the record types and page layouts of person accounts, which a plan cannot change.',
  remedy:
    'Change these in Salesforce. Plan fields and rules of person accounts on Account, and those that begin there with Person or end in __pc on Contact.',
  at: 'api_name',
}

export const nameRules = [
  ...orphanRules,
  rule('object', {
    code: 'object_label_too_long',
    severities: ['red'],
    judge: ({ object }) =>
      [object.label, object.plural_label].some((label) => (label ?? '').length > LABEL_MAX)
        ? {
            message: `A label of ${object.api_name} has more than ${LABEL_MAX} characters, which Salesforce refuses.`,
            remedy: 'Shorten the label.',
            at: (object.label ?? '').length > LABEL_MAX ? 'label' : 'plural_label',
          }
        : null,
  }),
  rule('field', {
    code: 'field_label_too_long',
    severities: ['red'],
    judge: ({ field, full }) =>
      field.label.length > LABEL_MAX
        ? {
            message: `The label of ${full} has ${field.label.length} characters; Salesforce allows ${LABEL_MAX}.`,
            remedy: 'Shorten the label.',
            at: 'label',
          }
        : null,
  }),
  rule('object', {
    code: 'object_name_differs_in_case',
    severities: ['yellow'],
    judge: ({ object, describe }) => {
      const found = asText(describe?.name)
      return found === null || found === object.api_name
        ? null
        : {
            message: `${object.api_name} already exists as ${found}: Salesforce treats both as the same object.`,
            remedy: `Use ${found}, or choose a different name for a new object.`,
            at: 'api_name',
          }
    },
  }),
  rule('field', {
    code: 'field_name_differs_in_case',
    severities: ['yellow'],
    judge: ({ field, full, existing }) => {
      const found = asText(existing?.name)
      return found === null || found === field.api_name
        ? null
        : {
            message: `${full} already exists as ${found}: Salesforce treats both as the same field.`,
            remedy: `Use ${found}, or choose a different name for a new field.`,
            at: 'api_name',
          }
    },
  }),
  rule('object', {
    code: 'object_name_deleted',
    severities: ['red'],
    judge: async ({ object, exists }, { live }) => {
      if (exists || !definesObject(object)) return null
      const deleted = await live.deletedNames()
      // Salesforce: the name of a deleted custom object stays taken until the object is erased.
      return deleted?.objects.some((name) => sameName(name) === sameName(object.api_name))
        ? {
            message: `${object.api_name} was deleted in this Salesforce org; its name stays taken for up to 15 days.`,
            remedy:
              'Erase or undelete it in Setup (Object Manager, Deleted Objects), or choose a different name.',
            at: 'api_name',
          }
        : null
    },
  }),
  rule('field', {
    code: 'field_name_deleted',
    severities: ['yellow'],
    judge: async ({ full, objectExists, existing }, { live }) => {
      if (!objectExists || existing !== null) return null
      const deleted = await live.deletedNames()
      // Salesforce Help, "Manage Deleted Custom Fields": the name is free, the old data stays behind.
      return deleted?.fields.some((name) => sameName(name) === sameName(full))
        ? {
            message: `A field ${full} was deleted in this Salesforce org; the new one starts empty, and the old data stay with the deleted field.`,
            remedy: 'Undelete the old field in Setup if you want its data.',
            at: 'api_name',
          }
        : null
    },
  }),
  rule('object', {
    code: 'object_label_taken',
    severities: ['yellow'],
    judge: ({ object, exists }, { snapshot }) => {
      if (exists || object.label === undefined) return null
      const wanted = sameName(object.label)
      for (const [name, describe] of snapshot.describes) {
        if (sameName(asText(describe.label) ?? '') !== wanted) continue
        return {
          message: `The label ${object.label} of ${object.api_name} is already used by ${name}; users cannot tell the two apart.`,
          remedy: 'Choose a different label.',
          at: 'label',
        }
      }
      return null
    },
  }),
  rule('field', {
    code: 'field_label_taken',
    severities: ['yellow'],
    judge: ({ field, full, describe }) => {
      const other = entriesOf(describe, 'fields').find(
        ({ label, name }) =>
          sameName(asText(label) ?? '') === sameName(field.label) &&
          sameName(asText(name) ?? '') !== sameName(field.api_name),
      )
      return other === undefined
        ? null
        : {
            message: `The label ${field.label} of ${full} is already used by ${asText(other.name) ?? 'another field'} on the same object.`,
            remedy: 'Choose a different label, or map to the existing field.',
            at: 'label',
          }
    },
  }),
  rule('field', {
    code: 'relationship_name_taken',
    severities: ['red'],
    judge: ({ field, object, full }, { describeOf }) => {
      if (!isRelationship(field)) return null
      const wanted = sameName(`${field.relationship_name}__r`)
      const other = entriesOf(describeOf(field.reference_to), 'childRelationships').find(
        (child) =>
          sameName(asText(child.relationshipName) ?? '') === wanted &&
          sameName(`${asText(child.childSObject)}.${asText(child.field)}`) !==
            sameName(`${object.api_name}.${field.api_name}`),
      )
      return other === undefined
        ? null
        : {
            message: `${field.reference_to} already has a relationship ${field.relationship_name}, from ${asText(other.childSObject)}.${asText(other.field)}; ${full} cannot take its name.`,
            remedy: 'Choose a different relationship_name.',
            at: 'relationship_name',
          }
    },
  }),
  rule('field', {
    code: 'name_ambiguous',
    severities: ['yellow'],
    judge: ({ field, full, existing }) =>
      existing === null && AMBIGUOUS_NAMES.has(sameName(developerName(field.api_name)))
        ? {
            message: `${full} is easily confused with Salesforce's own ${developerName(field.api_name)}.`,
            remedy: 'A more specific name avoids mistakes; the name is allowed.',
            at: 'api_name',
          }
        : null,
  }),
  rule('object', {
    code: 'object_name_taken',
    severities: ['red'],
    judge: ({ object, describe }) =>
      definesObject(object) && describe?.customSetting === true
        ? {
            message: `${object.api_name} is the name of a custom setting in this Salesforce org, which cannot be turned into a custom object.`,
            remedy: 'Choose a different name.',
            at: 'api_name',
          }
        : null,
  }),
  rule('object', {
    code: 'object_missing',
    severities: ['red'],
    judge: ({ object, exists }, { snapshot }) =>
      exists || definesObject(object)
        ? null
        : sameName(object.api_name) === 'personaccount'
          ? PERSON_ACCOUNT
          : {
              message: `${object.api_name} does not exist in this Salesforce org, or the connected user cannot see it; nothing can be added to it.${didYouMean(object.api_name, snapshot.objectNames)}`,
              remedy:
                'Correct the name, or give label, plural_label and name_field to create the object.',
              at: 'api_name',
            },
  }),
]
