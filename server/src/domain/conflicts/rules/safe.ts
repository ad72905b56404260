// Green findings: why a component about which no other rule warns is safe.

import { NOT_IN_DESCRIBE } from '../../metadata/fields/describe-equality.ts'
import { listObjects } from '../../../salesforce/xml.ts'
import { definesObject } from '../../plan/schema.ts'
import { rulesFor, type Subjects } from '../rule.ts'
import { changesOf } from '../subjects.ts'
import { listed } from '../../words.ts'

const rule = rulesFor('safe')

/** What the deploy sets without anybody knowing what it was; the parent's describe has the relationship. */
const unseenOf = ({ field, existing }: Subjects['field']): string[] =>
  Object.keys(field)
    .filter(
      (attribute) =>
        (NOT_IN_DESCRIBE.has(attribute) && attribute !== 'relationship_name') ||
        // Of a translated label, nobody may know what it is in the language of the Salesforce org.
        (attribute === 'label' && typeof existing?.label !== 'string') ||
        (attribute === 'values' &&
          listObjects(existing?.picklistValues).some(({ label }) => label === undefined)) ||
        (attribute === 'help_text' && existing?.inlineHelpText === undefined) ||
        // Only the parts of a geolocation show its decimal places.
        (field.type === 'Location' && attribute === 'scale'),
    )
    .toSorted()

export const safeRules = [
  rule('object', {
    code: 'object_new',
    severities: ['green'],
    judge: ({ object, exists, isComponent }) =>
      isComponent && !exists
        ? {
            message: `${object.api_name} is new: nothing with that name exists, so no record, page or automation is affected.`,
          }
        : null,
  }),
  rule('object', {
    code: 'object_unchanged',
    severities: ['green'],
    judge: ({ object, describe, exists, isComponent }) =>
      isComponent && exists
        ? {
            message:
              definesObject(object) && typeof describe?.label !== 'string'
                ? `${object.api_name} exists; its labels become those of the plan, and its records do not change.`
                : definesObject(object)
                  ? `${object.api_name} exists with these labels; its records do not change.`
                  : `${object.api_name} exists; its labels and its records do not change.`,
          }
        : null,
  }),
  rule('field', {
    code: 'field_new',
    severities: ['green'],
    judge: ({ full, existing, objectExists, object }) =>
      existing === null
        ? {
            message:
              objectExists || !definesObject(object)
                ? `${full} is new: ${object.api_name} has no field with that name, so no value and no automation is affected.`
                : `${full} is new, as is its object: no record has a value yet.`,
          }
        : null,
  }),
  rule('field', {
    code: 'field_unchanged',
    severities: ['green'],
    judge: (subject) => {
      if (subject.existing === null || changesOf(subject).length > 0) return null
      const unseen = unseenOf(subject)
      return {
        message:
          unseen.length === 0
            ? `${subject.full} already exists as planned; the deploy does not change it.`
            : `${subject.full} already exists as planned, as far as describes show it; the deploy sets ${listed(unseen)} as planned.`,
      }
    },
  }),
  rule('field', {
    code: 'field_changed_safely',
    severities: ['green'],
    judge: (subject) => {
      const changes = changesOf(subject)
      return changes.length === 0
        ? null
        : {
            message: `${subject.full} changes only in ${listed(changes)}; its values stay valid and do not change.`,
          }
    },
  }),
  rule('record_type', {
    code: 'record_type_new',
    severities: ['green'],
    judge: ({ component, existing }) =>
      existing === null
        ? {
            message: `${component.fullName} is new; records keep their record type.`,
          }
        : null,
  }),
  rule('record_type', {
    code: 'record_type_unchanged',
    severities: ['green'],
    judge: ({ component, existing, recordType }) =>
      existing === null || recordType.picklist_values !== undefined
        ? null
        : { message: `${component.fullName} already exists as planned.` },
  }),
  rule('validation_rule', {
    code: 'validation_rule_new',
    severities: ['green'],
    judge: ({ component, existing, rule: planned }) =>
      existing === null
        ? {
            message: `${component.fullName} is new and ${planned.active ? 'no record exists yet' : 'inactive, so it rejects nothing'}.`,
          }
        : null,
  }),
  rule('validation_rule', {
    code: 'validation_rule_unchanged',
    severities: ['green'],
    judge: ({ component, existing }) =>
      existing === null ? null : { message: `${component.fullName} already exists as planned.` },
  }),
  rule('workflow', {
    code: 'workflow_new',
    severities: ['green'],
    judge: ({ workflow, existing }) =>
      existing === null
        ? {
            message: `${workflow.api_name} is new${workflow.activate === true ? '' : ' and stays inactive'}: no automation with that name exists${
              workflow.type === 'flow' ? '' : ', and the other rules of its object stay'
            }.`,
          }
        : null,
  }),
]
