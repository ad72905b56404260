// Whether a plan is valid, before anything is sent: what the schema refuses and what a schema cannot
// express, all with the path of the member and a stable code.

import type * as z from 'zod'
import { EngineError, type MemberError } from '../../errors.ts'
import { clip } from '../../text.ts'
import { FIELD_TYPES, hasAttribute, isFieldType } from '../metadata/fields/field-kinds.ts'
import { didYouMean } from '../mappings/suggest/words.ts'
import { COMPONENT_KINDS } from '../metadata/kinds.ts'
import { componentsOf } from './components.ts'
import { FAULTS_MAX, type Issue, readWith, unknownMember } from '../schema-faults.ts'
import { checkField } from './check-fields.ts'
import { checkObjects } from './check-objects.ts'
import { type Findings } from './findings.ts'
import { type Plan, planSchema } from './schema.ts'

/** Features of Salesforce that plans do not support yet, by the name a caller would try. */
const UNSUPPORTED_TYPES: ReadonlySet<string> = new Set([
  'Hierarchy',
  'ExternalLookup',
  'IndirectLookup',
  'MetadataRelationship',
  'File',
  'Address',
  'CustomDataType',
  'Array',
  'Integer',
  'Long',
])
const UNSUPPORTED_MEMBERS: ReadonlySet<string> = new Set([
  'lookup_filter',
  'track_history',
  'encryption_scheme',
])

/**
 * Everything that is wrong with a well-formed plan, in the order of its members; empty if nothing is.
 * Paths are dotted from the plan (`objects.0.fields.2.length`); each message names the member and says
 * what to do.
 */
export const checkPlan = (plan: Plan): MemberError[] => {
  const errors: MemberError[] = []
  const findings: Findings = {
    add: (path, code, message) => errors.push({ path: path.join('.'), code, message }),
  }
  if (componentsOf(plan).length === 0 && plan.objects.length === 0) {
    findings.add(['objects'], 'nothing_to_do', 'The plan has no objects. Add at least one.')
  }
  checkObjects(plan, findings)
  for (const [index, object] of plan.objects.entries()) {
    for (const [position, field] of object.fields.entries()) {
      checkField(plan, object, field, ['objects', index, 'fields', position], findings)
    }
  }
  for (const { check } of COMPONENT_KINDS) check?.(plan, findings)
  return errors
}

const prefixed = (errors: readonly MemberError[], root: string): MemberError[] =>
  root === ''
    ? [...errors]
    : errors.map((error) => ({
        ...error,
        path: error.path === '' ? root : `${root}.${error.path}`,
      }))

/**
 * The plan with its defaults filled in. `root` is put before every path (`plan` for a body member of
 * that name). Throws EngineError `invalid_plan` with every fault in `errors`.
 */
export const parsePlan = (input: unknown, root = ''): Plan => {
  const read = readWith(planSchema, input)
  const errors =
    read.issues === null
      ? [...badTexts(read.data), ...checkPlan(read.data)]
      : read.issues.flatMap((issue) => schemaErrors(issue, input)).slice(0, FAULTS_MAX)
  if (read.issues !== null || errors.length > 0) {
    const [first] = errors
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    throw new EngineError('invalid_plan', `${first?.message ?? 'The plan is not valid.'}${more}`, {
      errors: prefixed(errors, root),
    })
  }
  return read.data
}

/** XML 1.0 has no such characters (nor half a surrogate pair): a deploy could only leave them out. */
// oxlint-disable-next-line no-control-regex
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

/** Every text, wherever it is, that could not be sent or stored as it is. */
const badTexts = (value: unknown, path: readonly (string | number)[] = []): MemberError[] => {
  if (typeof value === 'string') {
    if (value.isWellFormed() && !NOT_IN_XML.test(value)) return []
    const message = `${String(path.at(-1))} contains a control character or half a surrogate pair. Remove it.`
    return [{ path: path.join('.'), code: 'bad_text', message }]
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => badTexts(member, [...path, name]))
}

const at = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined,
    input,
  )

/** For messages: short, and on one line. */
const quoted = (value: unknown): string => clip(JSON.stringify(value) ?? 'nothing', 80)

const schemaErrors = (issue: Issue, input: unknown): MemberError[] => {
  const here = (code: string, message: string, key?: string): MemberError => ({
    path: [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.'),
    code,
    message,
  })
  const name = String(issue.path.at(-1) ?? 'The plan')
  const value = at(input, issue.path)

  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys
        .slice(0, FAULTS_MAX)
        .map((key) => unusableMember(key, issue.known, value, here))
    case 'invalid_key':
      return [here('name_bad_character', `${quoted(name)} is not an API name. Correct it.`)]
    case 'invalid_union':
      return [wrongUnion(name, value, issue, here)]
    case 'invalid_value':
      return value === undefined
        ? [here('missing', `${name} is required: one of ${issue.values.map(quoted).join(', ')}.`)]
        : [
            here(
              'unknown_value',
              `${name} is ${quoted(value)}. Use one of ${issue.values.map(quoted).join(', ')}.`,
            ),
          ]
    case 'invalid_type':
      return value === undefined
        ? [here('missing', `${name} is missing. Give it a value.`)]
        : [here('wrong_type', `${name} is not of the type ${issue.expected}. Correct it.`)]
    case 'too_small':
    case 'too_big':
      return [outOfRange(issue, name, here)]
    case 'invalid_format':
      return [here('bad_text', `${name} must be one line without control characters. Remove them.`)]
    default:
      return [here('invalid', `${name} is not valid: ${issue.message}`)]
  }
}

type Here = (code: string, message: string, key?: string) => MemberError

const unusableMember = (
  key: string,
  known: readonly string[] | undefined,
  owner: unknown,
  here: Here,
): MemberError => {
  if (UNSUPPORTED_MEMBERS.has(key)) {
    return here(
      'not_supported_yet',
      `${key} is not supported yet. Leave it out and set it in Salesforce.`,
      key,
    )
  }
  const type: unknown = at(owner, ['type'])
  const takers = isFieldType(type) ? FIELD_TYPES.filter((other) => hasAttribute(other, key)) : []
  if (takers.length > 0) {
    return here(
      'attribute_not_allowed',
      `A field of type ${String(type)} has no ${key} (${takers.slice(0, 4).join(', ')} have). Leave it out.`,
      key,
    )
  }
  return here('unknown_member', unknownMember(key, known), key)
}

const wrongUnion = (
  name: string,
  value: unknown,
  { discriminator, errors }: z.core.$ZodIssueInvalidUnion,
  here: Here,
): MemberError => {
  // zod reports a wrong discriminator at its own path, a union without one at the value's.
  if (discriminator === undefined) {
    const types = errors.flatMap(([first]) =>
      first?.code === 'invalid_type' && first.path.length === 0 ? [first.expected] : [],
    )
    const [last, ...others] = types.toReversed()
    return here(
      'wrong_type',
      last !== undefined && types.length === errors.length
        ? `${name} is not of the type ${others.toReversed().join(', ')} or ${last}. Correct it.`
        : `${name} is neither a text nor an object of value and label. Correct it.`,
    )
  }
  if (value === undefined) return here('missing', `${name} is missing. Give it a value.`)
  if (typeof value === 'string' && UNSUPPORTED_TYPES.has(value)) {
    return here(
      'not_supported_yet',
      `Fields of type ${value} are not supported yet. Create them in Salesforce.`,
    )
  }
  const meant = typeof value === 'string' ? didYouMean(value, FIELD_TYPES) : ''
  return here(
    'unknown_type',
    `${quoted(value)} is not a known type.${meant || ` Use one of ${FIELD_TYPES.join(', ')}.`}`,
  )
}

const outOfRange = (
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  name: string,
  here: Here,
): MemberError => {
  const [word, bound] =
    issue.code === 'too_big' ? ['at most', issue.maximum] : ['at least', issue.minimum]
  switch (issue.origin) {
    case 'string':
      return issue.code === 'too_big'
        ? here('too_long', `${name} has more than ${String(bound)} characters. Shorten it.`)
        : here('too_short', `${name} needs ${word} ${String(bound)} characters. Fill it in.`)
    case 'array':
      return issue.code === 'too_big'
        ? here('too_many', `${name} holds more than ${String(bound)}. Split the plan.`)
        : here('too_few', `${name} needs ${word} ${String(bound)}. Add one or leave it out.`)
    default:
      return here('out_of_range', `${name} must be ${word} ${String(bound)}. Correct it.`)
  }
}
