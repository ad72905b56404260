// Automations of the Salesforce org that fire on what the plan touches, or fail because of it.

import { isPicklist, isRequired } from '../../metadata/fields/field-kinds.ts'
import { picklistValues } from '../../metadata/fields/picklists.ts'
import { sameName } from '../../metadata/names.ts'
import { type Automation, type AutomationType } from '../../topology/automations/automation.ts'
import { createsWithout, mentions } from '../definitions.ts'
import { type Rule, rulesFor } from '../rule.ts'
import { activeValues, changesInMeaning, fieldIn } from '../subjects.ts'
import { listed, one, plural } from '../../words.ts'

const rule = rulesFor('automation')

const named = (automations: readonly Automation[]): string =>
  listed(automations.map(({ api_name }) => api_name))

const FIRING: readonly [code: string, type: AutomationType, noun: string, effect: string][] = [
  ['flow_fires', 'flow', 'active flow', 'may change or refuse records'],
  ['trigger_fires', 'apex_trigger', 'active Apex trigger', 'may change or refuse records'],
  [
    'workflow_rule_fires',
    'workflow_rule',
    'active workflow rule',
    'may change records, send e-mails or create tasks',
  ],
  ['validation_rule_fires', 'validation_rule', 'active validation rule', 'may refuse records'],
  [
    'assignment_rule_fires',
    'assignment_rule',
    'active assignment rule',
    'may change owners when a caller asks for assignment',
  ],
]

/**
 * One rule for each type: yellow if this client's pushes will trigger the automation, otherwise green.
 */
const firingRules: Rule[] = FIRING.map(([code, type, noun, effect]) =>
  rule('object', {
    code,
    severities: ['yellow', 'green'],
    judge: ({ object }, { automationsOn, mappingsTo }) => {
      const found = automationsOn(object.api_name).filter(
        (automation) => automation.type === type && automation.active === true,
      )
      if (found.length === 0) return null
      const pushed = mappingsTo(object.api_name).length > 0
      const subject = `${plural(found.length, noun)} on ${object.api_name} (${named(found)})`
      return pushed
        ? {
            message: `${subject} will run when records are pushed and ${effect}.`,
            remedy: 'Push a few records first, or ask the owner of the automation.',
          }
        : {
            severity: 'green',
            message: `${subject} will keep running as before: the plan changes no record.`,
          }
    },
  }),
)

export const automationRules = [
  ...firingRules,
  rule('field', {
    code: 'automation_uses_changed_field',
    severities: ['yellow'],
    judge: (subject, { automationsOn }) => {
      const { field, full, object } = subject
      const changes = changesInMeaning(subject)
      if (changes.length === 0) return null
      const users = automationsOn(object.api_name).filter(({ definition }) =>
        mentions(definition, field.api_name),
      )
      return users.length === 0
        ? null
        : {
            message: `${full} would change (${listed(changes)}) under ${named(users)}, which ${one(users, 'uses', 'use')} it.`,
            remedy: `Check that ${one(users, 'it still does what it', 'they still do what they')} should; Salesforce may refuse the change.`,
          }
    },
  }),
  rule('field', {
    code: 'automation_uses_removed_value',
    severities: ['yellow'],
    judge: ({ field, full, object, existing }, { automationsOn }) => {
      if (!isPicklist(field) || field.values === undefined || existing === null) return null
      const planned = new Set(picklistValues(field).map(({ value }) => value))
      const removed = activeValues(existing).filter((value) => !planned.has(value))
      const users = automationsOn(object.api_name).filter(
        ({ definition }) =>
          mentions(definition, field.api_name) &&
          removed.some((value) => mentions(definition, value)),
      )
      return users.length === 0
        ? null
        : {
            message: `${full} would lose ${listed(removed)}, which ${named(users)} ${one(users, 'checks or sets', 'check or set')}.`,
            remedy: `Change ${one(users, 'this automation', 'these automations')} first, or keep the values.`,
            at: 'values',
          }
    },
  }),
  rule('field', {
    code: 'automation_leaves_required_empty',
    severities: ['yellow'],
    judge: ({ field, full, object, existing }, { snapshot }) => {
      if (!isRequired(field) || existing?.nillable === false) return null
      if ('default_formula' in field && field.default_formula !== undefined) return null
      const failing = snapshot.automations.filter(
        ({ type, active, definition }) =>
          type === 'flow' &&
          active === true &&
          createsWithout(definition, object.api_name, field.api_name).length > 0,
      )
      return failing.length === 0
        ? null
        : {
            message: `${named(failing)} ${one(failing, 'creates', 'create')} ${object.api_name} records without ${full}, which would be required; ${one(failing, 'this flow', 'these flows')} would fail.`,
            remedy: 'Let flows fill the field, give it a default, or leave it optional.',
            at: 'required',
          }
    },
  }),
  rule('validation_rule', {
    code: 'validation_rule_replaced',
    severities: ['yellow'],
    judge: ({ rule: planned, component, existing }) => {
      if (existing === null || existing.managed) return null
      const { definition } = existing
      const same =
        definition !== null &&
        definition.errorConditionFormula === planned.error_condition_formula &&
        definition.errorMessage === planned.error_message &&
        existing.active === planned.active
      return same
        ? null
        : {
            message: `The validation rule ${component.fullName} exists with a different formula, message or state; it would be replaced.`,
            remedy: 'Choose a different name to keep both.',
            at: 'api_name',
          }
    },
  }),
  rule('validation_rule', {
    code: 'validation_rule_over_rows',
    severities: ['yellow'],
    judge: async ({ rule: planned, object, component, existing }, { live, objectExists }) => {
      if (!planned.active || !objectExists(object.api_name)) return null
      if (existing?.active === true) return null
      const rows = await live.recordCount(object.api_name)
      return rows === 0
        ? null
        : {
            message: `${component.fullName} would be evaluated when existing records of ${object.api_name} (${rows ?? 'unknown number'}) are next edited; records that fail it could not be saved.`,
            remedy: 'Find the records that fail it first, or plan the rule as inactive.',
            at: 'error_condition_formula',
          }
    },
  }),
  rule('record_type', {
    code: 'business_process_missing',
    severities: ['red'],
    judge: async ({ recordType, object, component }, { live }) => {
      const process = recordType.business_process
      const isPlanned = object.business_processes.some(
        ({ api_name: name }) => sameName(name) === sameName(process ?? ''),
      )
      if (process === undefined || isPlanned) return null
      const found = await live.lookUp('BusinessProcess', `${object.api_name}.${process}`)
      return found === null || found.exists
        ? null
        : {
            message: `${component.fullName} uses the business process ${process}, which exists for ${object.api_name} neither in the plan nor in this Salesforce org.`,
            remedy: 'Correct its name, or add the process to business_processes.',
            at: 'business_process',
          }
    },
  }),
  rule('record_type', {
    code: 'record_type_replaced',
    severities: ['yellow'],
    judge: ({ recordType, component, existing }) => {
      if (existing === null) return null
      const changes = [
        typeof existing.name === 'string' &&
          existing.name !== recordType.label &&
          `label ${existing.name}`,
        typeof existing.active === 'boolean' &&
          existing.active !== recordType.active &&
          (existing.active ? 'active' : 'inactive'),
      ].filter((text) => text !== false)
      return changes.length === 0
        ? null
        : {
            message: `The record type ${component.fullName} exists (${changes.join(', ')}) and would be changed.`,
            remedy: 'Plan it as it is, or choose a different name.',
            at: 'api_name',
          }
    },
  }),
  rule('record_type', {
    code: 'record_type_stays',
    severities: ['yellow'],
    judge: ({ component, object, objectExists, existing }) =>
      existing === null && objectExists
        ? {
            // Salesforce: "Cannot delete record type through API" is the answer to an attempt.
            message: `${component.fullName} cannot be deleted by API once it exists; a rollback leaves it on ${object.api_name}.`,
            remedy: 'Delete it by hand in Setup if the deployment is rolled back.',
          }
        : null,
  }),
  rule('validation_rule', {
    code: 'validation_rule_display_field_missing',
    severities: ['red'],
    judge: ({ rule: planned, object, component }, { describeOf, plannedField, objectExists }) => {
      const name = planned.error_display_field
      if (name === undefined || sameName(name) === 'name') return null
      if (plannedField(object.api_name, name) !== null) return null
      const describe = describeOf(object.api_name)
      // An object that exists but could not be described is reported elsewhere.
      if (describe === null && objectExists(object.api_name)) return null
      return fieldIn(describe, name) !== null
        ? null
        : {
            message: `${component.fullName} shows its message next to ${name}, which exists neither on ${object.api_name} nor in the plan.`,
            remedy: 'Correct the name of the field, or leave error_display_field out.',
            at: 'error_display_field',
          }
    },
  }),
]
