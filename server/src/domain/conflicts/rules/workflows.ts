// Flows, assignment rules and validation rules that the request deploys.

import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { didYouMean, nearNames } from '../../mappings/suggest/words.ts'
import { ACTIVE_USERS, QUEUES } from '../../metadata/named-records.ts'
import { nameFault, sameName } from '../../metadata/names.ts'
import { danglingReferences } from '../../workflows/flow-references.ts'
import { structureFaults, unknownWords } from '../../workflows/flow-structure.ts'
import { entryFaults } from '../../workflows/rule-entries.ts'
import { type Automation } from '../../topology/automations/automation.ts'
import { sameFlow } from '../../workflows/transition.ts'
import { assigneesOf, objectsOfFlow } from '../definitions.ts'
import { type PlannedWorkflow } from '../facts.ts'
import { rulesFor } from '../rule.ts'
import { listed, one, plural } from '../../words.ts'
import { workflowFieldRules } from './workflow-fields.ts'

const rule = rulesFor('automation')

/** Salesforce: versions per flow. */
const FLOW_VERSIONS_MAX = 50

const ownName = (apiName: string): string => apiName.slice(apiName.indexOf('.') + 1)
const objectOf = (apiName: string): string | null =>
  apiName.includes('.') ? apiName.slice(0, apiName.indexOf('.')) : null

/** Whether the flow already has this content, so that a deploy creates no version. */
const isInPlace = ({ definition, activate }: PlannedWorkflow, existing: Automation): boolean => {
  if (existing.definition === null) return false
  // If the flow is to be inactive, a newer draft must not stand in the way.
  if (activate === false && existing.definition_version !== existing.latest_version) return false
  const { status: _status, fullName: _name, ...content } = existing.definition
  return sameFlow(definition, content)
}

export const workflowRules = [
  rule('workflow', {
    code: 'workflow_name_invalid',
    severities: ['red'],
    judge: ({ workflow }) => {
      // A flow of a package is reported elsewhere; its prefix is not a spelling mistake. Assignment
      // rules have free names, spaces included; their parser has checked them.
      if (workflow.type === 'assignment_rule') return null
      const fault = nameFault(ownName(workflow.api_name), `The name ${workflow.api_name}`, 80)
      // Words of SOQL are reserved only for fields and objects.
      return fault === null || fault.code === 'name_reserved'
        ? null
        : { message: fault.message, remedy: 'Correct the name.', at: 'api_name' }
    },
  }),
  rule('workflow', {
    code: 'flow_gets_new_version',
    severities: ['yellow'],
    judge: ({ workflow, existing }) =>
      workflow.type === 'flow' &&
      existing !== null &&
      !existing.managed &&
      !isInPlace(workflow, existing)
        ? {
            message: `The flow ${workflow.api_name} exists with version ${existing.latest_version ?? '?'}; a new version would be created; the old ones stay.`,
            remedy: 'Choose a different name if you mean a different flow.',
            at: 'api_name',
          }
        : null,
  }),
  rule('workflow', {
    code: 'flow_active_version_replaced',
    severities: ['yellow'],
    judge: ({ workflow, existing }) =>
      workflow.type === 'flow' &&
      existing?.active_version !== null &&
      existing?.active_version !== undefined &&
      workflow.activate === true &&
      !(existing.definition_version === existing.active_version && isInPlace(workflow, existing))
        ? {
            message: `Version ${existing.active_version} of ${workflow.api_name} is active; the new version would replace it at once.`,
            remedy: 'Deploy with activate "keep", and activate it once it is tested.',
            at: 'activate',
          }
        : null,
  }),
  ...(['flow', 'assignment_rule', 'validation_rule'] as const).map((type) =>
    rule('workflow', {
      code: `${type}_deactivated`,
      severities: ['yellow'],
      judge: ({ workflow, existing }) =>
        workflow.type === type && existing?.active === true && workflow.activate === false
          ? {
              message: `${workflow.api_name} is active and would be deactivated.`,
              remedy: 'Use activate "keep" if you do not want this.',
              at: 'activate',
            }
          : null,
    }),
  ),
  ...(['flow_managed', 'rule_managed'] as const).map((code) =>
    rule('workflow', {
      code,
      severities: ['red'],
      judge: ({ workflow, existing }) =>
        (workflow.type === 'flow') === (code === 'flow_managed') && existing?.managed === true
          ? {
              message: `${workflow.api_name} belongs to an installed package and cannot be changed.`,
              remedy: 'Choose a different name.',
              at: 'api_name',
            }
          : null,
    }),
  ),
  rule('workflow', {
    code: 'flow_versions_full',
    severities: ['red'],
    judge: ({ workflow, existing }) =>
      workflow.type === 'flow' &&
      existing !== null &&
      existing.versions.length >= FLOW_VERSIONS_MAX &&
      !isInPlace(workflow, existing)
        ? {
            message: `The flow ${workflow.api_name} has ${existing.versions.length} versions; Salesforce keeps ${FLOW_VERSIONS_MAX}.`,
            remedy: 'Delete old versions first.',
            at: 'api_name',
          }
        : null,
  }),
  rule('workflow', {
    code: 'flow_lands_inactive',
    severities: ['green'],
    judge: async ({ workflow }, { live }) => {
      if (workflow.type !== 'flow' || workflow.activate !== true) return null
      const organization = await live.organization()
      // Salesforce Help, "Deploy Processes and Flows as Active": inactive in production by default.
      return organization?.isSandbox === false
        ? {
            message: `In production a deployed flow is inactive unless the Salesforce org deploys flows as active; ${workflow.api_name} is activated in a separate step after the deploy, and the deployment warns if that fails.`,
            at: 'activate',
          }
        : null
    },
  }),
  rule('workflow', {
    code: 'workflow_object_missing',
    severities: ['red'],
    judge: ({ workflow }, { objectExists, plannedObject, snapshot }) => {
      const own = objectOf(workflow.api_name)
      const objects =
        workflow.type === 'flow' ? objectsOfFlow(workflow.definition) : own === null ? [] : [own]
      const missing = objects.filter((name) => !objectExists(name) && plannedObject(name) === null)
      return missing.length === 0
        ? null
        : {
            message: `${workflow.api_name} works on ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in this Salesforce org nor in the plan.${nearNames(missing, snapshot.objectNames)}`,
            remedy: 'Correct the name, or deploy the object first.',
            at: 'definition',
          }
    },
  }),
  rule('workflow', {
    code: 'flow_reference_missing',
    severities: ['red'],
    judge: ({ workflow }) => {
      const missing = workflow.type === 'flow' ? danglingReferences(workflow.definition) : []
      return missing.length === 0
        ? null
        : {
            message: `${workflow.api_name} refers to ${listed(missing)}, but has no ${one(missing, 'element or resource of this name', 'elements or resources of these names')}.`,
            remedy: 'Correct the reference, or add the element or resource to the flow.',
            at: 'definition',
          }
    },
  }),
  rule('workflow', {
    code: 'flow_element_refused',
    severities: ['red'],
    judge: ({ workflow }) =>
      (workflow.type === 'flow' ? structureFaults(workflow.definition) : []).map((fault) => ({
        message: `The flow ${workflow.api_name} is refused by Salesforce. ${fault}`,
        remedy: 'Correct the element.',
        at: 'definition',
      })),
  }),
  rule('workflow', {
    code: 'assignment_entry_refused',
    severities: ['red'],
    judge: ({ workflow }) =>
      (workflow.type === 'assignment_rule' ? entryFaults(workflow.definition) : []).map(
        (fault) => ({
          message: `The rule ${workflow.api_name} is refused by Salesforce. ${fault}`,
          remedy: 'Correct the entry.',
          at: 'definition',
        }),
      ),
  }),
  rule('workflow', {
    code: 'flow_word_unknown',
    severities: ['yellow'],
    judge: ({ workflow }) =>
      (workflow.type === 'flow' ? unknownWords(workflow.definition) : []).map(
        ({ word, where, known }) => ({
          message: `${workflow.api_name} has ${word} in ${where}, which Salesforce's reference of flows (v67.0) does not have; Salesforce refuses words it does not know.${didYouMean(word, known)}`,
          remedy: 'Correct the word, unless a newer version of Salesforce has it.',
          at: 'definition',
        }),
      ),
  }),
  rule('workflow', {
    code: 'assignment_rule_switched_off',
    severities: ['yellow'],
    judge: ({ workflow }, { automationsOn }) => {
      const own = objectOf(workflow.api_name)
      if (workflow.type !== 'assignment_rule' || workflow.activate !== true || own === null) {
        return null
      }
      const others = automationsOn(own).filter(
        ({ type, active, api_name }) =>
          type === 'assignment_rule' &&
          active === true &&
          sameName(api_name) !== sameName(workflow.api_name),
      )
      // Salesforce: one active assignment rule per object.
      return others.length === 0
        ? null
        : {
            message: `${listed(others.map(({ api_name }) => api_name))} is the active assignment rule of ${own}; it would be deactivated in favour of ${workflow.api_name}.`,
            remedy: 'Add your entries to the active rule, or deploy without activation.',
            at: 'activate',
          }
    },
  }),
  rule('workflow', {
    code: 'assignee_missing',
    severities: ['red'],
    judge: async ({ workflow }, { live }) => {
      if (workflow.type !== 'assignment_rule') return null
      const asked = await Promise.all(
        assigneesOf(workflow.definition).map(async ({ type, name }) => ({
          text: `${type === 'Queue' ? 'queue' : 'user'} ${name}`,
          exists: await live.recordExists(type === 'Queue' ? QUEUES : ACTIVE_USERS, name),
        })),
      )
      const missing = asked.filter(({ exists }) => exists === false).map(({ text }) => text)
      return missing.length === 0
        ? null
        : {
            message: `${workflow.api_name} assigns records to the ${listed([...new Set(missing)])}, which does not exist in this Salesforce org.`,
            remedy: 'Create the user or queue, or use a different one.',
            at: 'definition',
          }
    },
  }),
  rule('workflow', {
    code: 'rule_replaced',
    severities: ['yellow'],
    judge: ({ workflow, existing }) =>
      workflow.type !== 'flow' && existing !== null && !existing.managed
        ? {
            message: `${workflow.api_name} exists and would be replaced; the other rules of ${existing.object ?? 'its object'} stay.`,
            remedy: 'Choose a different name to keep both.',
            at: 'api_name',
          }
        : null,
  }),
  rule('workflow', {
    code: 'flow_runs_beside_others',
    severities: ['yellow'],
    judge: ({ workflow }, { automationsOn }) => {
      if (workflow.type !== 'flow' || workflow.activate !== true) return null
      const start = listObjects(workflow.definition.start).at(0)
      const object = leaf(start?.object)
      if (object === null) return null
      const others = automationsOn(object).filter(
        ({ type, active, api_name }) =>
          (type === 'flow' || type === 'apex_trigger') &&
          active === true &&
          sameName(api_name) !== sameName(workflow.api_name),
      )
      return others.length === 0
        ? null
        : {
            message: `${workflow.api_name} would run on ${object} beside ${plural(others.length, 'other automation')} (${listed(others.map(({ api_name }) => api_name))}); without a trigger order their order is not defined.`,
            remedy:
              'Give the flow a triggerOrder, and make sure they do not write the same fields.',
            at: 'definition',
          }
    },
  }),
  ...workflowFieldRules,
]
