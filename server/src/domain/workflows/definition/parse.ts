// `workflows` as callers send them → automations to be deployed, or every fault with its path.

import type * as z from 'zod'
import { EngineError, type MemberError } from '../../../errors.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { nameFault, sameName } from '../../metadata/names.ts'
import { faultsOf, readWith } from '../../schema-faults.ts'
import { type PlannedWorkflow } from '../workflow.ts'
import { readMetadataJson } from './normalize.ts'
import { Refusal, refuse, type WorkflowFault } from './refusal.ts'
import {
  DEFINITION_MAX,
  shortAssignment,
  shortFlow,
  shortValidation,
  type workflowInput,
  workflowsInput,
  type WorkflowType,
} from './schema.ts'
import { writeAssignmentRule, writeFlow, writeValidationRule } from './short-forms.ts'
import { readWorkflowXml } from './xml-file.ts'

type Input = z.output<typeof workflowInput>

const FORMS: Readonly<Record<WorkflowType, string>> = {
  flow: 'record_triggered',
  assignment_rule: 'assignment',
  validation_rule: 'validation',
}

/** Salesforce: assignment rules exist for these objects only (Object Reference, AssignmentRule). */
const ASSIGNED = ['Lead', 'Case']

/** The short form, or its first faults. */
const written = <Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> => {
  const read = readWith(schema, input)
  if (read.issues === null) return read.data
  const faults = faultsOf(read.issues, 'The definition').map(
    ({ path, code, message }): WorkflowFault => ({
      at: path === '' ? 'definition' : `definition.${path}`,
      code,
      message,
    }),
  )
  throw new Refusal(...(faults as [WorkflowFault, ...WorkflowFault[]]))
}

const fromJson = (type: WorkflowType, given: JsonObject, object: string): JsonObject => {
  if (given.form === undefined) {
    if (JSON.stringify(given).length > DEFINITION_MAX) {
      throw refuse(
        'definition',
        'too_big',
        `The definition has more than ${DEFINITION_MAX} characters. Split it into subflows.`,
      )
    }
    return readMetadataJson(given, 'definition')
  }
  if (given.form !== FORMS[type]) {
    throw refuse(
      'definition.form',
      'wrong_form',
      `The short form of a ${type} is "${FORMS[type]}"; leave form out for Metadata JSON.`,
    )
  }
  switch (type) {
    case 'flow':
      return writeFlow(written(shortFlow, given))
    case 'assignment_rule':
      return writeAssignmentRule(object, written(shortAssignment, given))
    case 'validation_rule':
      return writeValidationRule(object, written(shortValidation, given))
  }
}

/** What Salesforce requires of each type, and the longest text of a member. */
const REQUIRED: Readonly<Record<WorkflowType, { what: string; members: readonly string[] }>> = {
  flow: { what: 'A flow', members: ['label', 'processType'] },
  // Salesforce: a rule without entries is valid, and assigns nothing.
  assignment_rule: { what: 'An assignment rule', members: [] },
  validation_rule: {
    what: 'A validation rule',
    members: ['errorConditionFormula', 'errorMessage'],
  },
}
const LONGEST: Readonly<Record<string, number>> = { label: 255, errorMessage: 255 }

/** XML 1.0 cannot express them; if they were silently left out, the text would mean something else. */
// oxlint-disable-next-line no-control-regex
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

/** Path of the first text that cannot be written as XML; null: all can. */
const unwritable = (value: unknown, at: string): string | null => {
  if (typeof value === 'string') {
    return UNWRITABLE.test(value) || !value.isWellFormed() ? at : null
  }
  if (typeof value !== 'object' || value === null) return null
  for (const [name, member] of Object.entries(value)) {
    const found = unwritable(member, `${at}.${name}`)
    if (found !== null) return found
  }
  return null
}

/** What every definition must have, however it was written; without its name and state. */
const checked = (type: WorkflowType, definition: JsonObject, apiName: string, at: string) => {
  // Salesforce decides by `status` whether the deploy activates: here `activate` says so.
  const { fullName, status, active, ...content } = definition
  const own = apiName.slice(apiName.indexOf('.') + 1)
  const named = leaf(fullName)
  if (named !== null && ![own, apiName].map(sameName).includes(sameName(named))) {
    throw refuse(
      'api_name',
      'name_differs',
      `The definition is named ${named}, but api_name is ${apiName}. Use the same name.`,
    )
  }
  const faults: WorkflowFault[] = []
  const bad = unwritable(content, at)
  if (bad !== null) {
    faults.push({
      at: at === 'xml' ? at : bad,
      code: 'bad_character',
      message: `The text of ${bad.slice(at.length + 1)} contains a control character or half a surrogate pair. Remove it.`,
    })
  }
  const { what, members } = REQUIRED[type]
  for (const member of members) {
    const value = content[member]
    if (value === undefined || value === '') {
      faults.push({
        at: at === 'xml' ? at : `${at}.${member}`,
        code: 'missing_member',
        message: `${what} needs ${member}. Add it as in the Metadata API.`,
      })
    } else if (typeof value !== 'string') {
      faults.push({
        at: at === 'xml' ? at : `${at}.${member}`,
        code: 'bad_member',
        message: `${member} must be a single text.`,
      })
    } else if (typeof value === 'string' && value.length > (LONGEST[member] ?? Infinity)) {
      faults.push({
        at: at === 'xml' ? at : `${at}.${member}`,
        code: 'too_long',
        message: `${member} has ${value.length} characters; Salesforce allows ${LONGEST[member]}. Shorten it.`,
      })
    }
  }
  const [first, ...rest] = faults
  if (first !== undefined) throw new Refusal(first, ...rest)
  // A flow has no `active`, and a rule no `status` with this meaning: such a member is left as it is.
  if (type === 'flow') return active === undefined ? content : { ...content, active }
  return status === undefined ? content : { ...content, status }
}

const OBJECT_NAME = /^[A-Za-z]\w{0,79}$/
/** Salesforce: AssignmentRule.Name holds 120 characters (Object Reference). */
const RULE_NAME_MAX = 120

/** The name as it is sent, and the rule's object. Throws Refusal. */
const readName = ({ type, api_name: apiName }: Input): { apiName: string; object: string } => {
  const dot = apiName.indexOf('.')
  const fail = (code: string, message: string): Refusal => refuse('api_name', code, message)
  if (type === 'flow') {
    if (dot >= 0) {
      throw fail('bad_name', `A flow is named without its object. Use ${apiName.slice(dot + 1)}.`)
    }
    const fault = nameFault(apiName, 'The api_name', 80)
    // Words of SOQL are reserved only for fields and objects.
    if (fault !== null && fault.code !== 'name_reserved') throw fail(fault.code, fault.message)
    return { apiName, object: '' }
  }
  const [object, own] = [apiName.slice(0, dot), apiName.slice(dot + 1)]
  if (dot < 1 || own === '') {
    throw fail(
      'object_missing',
      'The name of a rule includes its object, as in Lead.My_Rule. Add the object.',
    )
  }
  if (!OBJECT_NAME.test(object)) {
    throw fail('bad_object', `${object} is not the API name of an object. Correct it.`)
  }
  if (type === 'assignment_rule') {
    const known = ASSIGNED.find((name) => sameName(name) === sameName(object))
    if (known === undefined) {
      throw fail(
        'no_assignment_rules',
        `${object} has no assignment rules; Salesforce has them for ${ASSIGNED.join(' and ')}. Use a flow instead.`,
      )
    }
    // Assignment rules have free names, spaces included (Metadata API guide, AssignmentRules).
    if (own.length > RULE_NAME_MAX) {
      throw fail(
        'name_too_long',
        `The name ${own} has ${own.length} characters; Salesforce allows ${RULE_NAME_MAX}. Shorten it.`,
      )
    }
    // oxlint-disable-next-line no-control-regex
    if (own.trim() !== own || /[\u0000-\u001f\u007f]/.test(own) || !own.isWellFormed()) {
      throw fail(
        'name_bad_character',
        'The name has leading or trailing spaces, or control characters. Remove them.',
      )
    }
    return { apiName: `${known}.${own}`, object: known }
  }
  const fault = nameFault(own, `The name ${own}`, 40)
  if (fault !== null && fault.code !== 'name_reserved') throw fail(fault.code, fault.message)
  return { apiName, object }
}

const readOne = (input: Input): PlannedWorkflow => {
  const { type, definition, xml, activate } = input
  const { apiName, object } = readName(input)
  const content =
    xml === undefined
      ? fromJson(type, definition ?? {}, object)
      : readWorkflowXml(type, xml, apiName)
  const at = xml === undefined ? 'definition' : 'xml'
  return { type, api_name: apiName, definition: checked(type, content, apiName, at), activate }
}

interface Planned {
  /** Its path in what was sent. */
  index: number
  workflow: PlannedWorkflow
}

/**
 * The automations to deploy. `root` is put before every path. Throws EngineError
 * `invalid_plan` with every fault in `errors`.
 */
export const parseWorkflows = (input: unknown, root = 'workflows'): PlannedWorkflow[] => {
  const at = (path: string): string => (path === '' ? root : `${root}.${path}`)
  const read = readWith(workflowsInput, input)
  const errors: MemberError[] = []
  const planned: Planned[] = []
  if (read.issues !== null) {
    for (const { path, ...fault } of faultsOf(read.issues, 'The list'))
      errors.push({ ...fault, path: at(path) })
  } else {
    for (const [index, one] of read.data.entries()) {
      try {
        planned.push({ index, workflow: readOne(one) })
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        for (const fault of error.faults) {
          errors.push({
            path: at(`${index}.${fault.at}`),
            code: fault.code,
            message: fault.message,
          })
        }
      }
    }
    for (const { index, ...fault } of [...namedTwice(planned), ...activeTwice(planned)]) {
      errors.push({ ...fault, path: at(`${index}.${fault.path}`) })
    }
  }
  const [first] = errors
  if (first !== undefined) throw new EngineError('invalid_plan', first.message, { errors })
  return planned.map(({ workflow }) => workflow)
}

type IndexedFault = MemberError & { index: number }

const namedTwice = (planned: readonly Planned[]): IndexedFault[] => {
  const seen = new Set<string>()
  return planned.flatMap(({ index, workflow }) => {
    const key = `${workflow.type}/${sameName(workflow.api_name)}`
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    return [
      {
        index,
        path: 'api_name',
        code: 'duplicate',
        message: `${workflow.api_name} is listed twice. Remove one of them.`,
      },
    ]
  })
}

/** Salesforce: at most one assignment rule of an object is active. */
const activeTwice = (planned: readonly Planned[]): IndexedFault[] => {
  const active = new Map<string, string>()
  return planned.flatMap(({ index, workflow }) => {
    const { type, api_name: name, activate } = workflow
    if (type !== 'assignment_rule' || activate !== true) return []
    const object = sameName(name.slice(0, name.indexOf('.')))
    const other = active.get(object)
    if (other === undefined) {
      active.set(object, name)
      return []
    }
    return sameName(other) === sameName(name)
      ? []
      : [
          {
            index,
            path: 'activate',
            code: 'one_active_rule',
            message: `Salesforce allows one active assignment rule per object, and ${other} would be active too. Activate only one of them.`,
          },
        ]
  })
}
