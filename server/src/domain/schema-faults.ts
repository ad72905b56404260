// Checks callers' values against their schemas and says in plain words what is wrong. Making an issue
// readable costs more than finding it, and a body full of faults has one for each element: only as many
// as are shown are made readable.

import * as z from 'zod'
import { type MemberError } from '../errors.ts'
import { clip } from '../text.ts'
import { closestName } from './mappings/suggest/words.ts'
import { plural } from './words.ts'

/** At most this many faults of a value are shown at once. */
export const FAULTS_MAX = 50

/** Longer names are not compared with those that exist: it would take long, and none is near. */
const NAME_MAX = 80

type RawIssue = z.core.$ZodRawIssue
/** An issue; for an unknown member, with the members that would have been accepted. */
export type Issue = z.core.$ZodIssue & { known?: string[] }

/** The value as parsed by the schema, or the first fifty of its issues. */
export const readWith = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { data: z.infer<Schema>; issues: null } | { issues: Issue[] } => {
  const context = { async: false, error: wordsOf }
  const result = schema._zod.run({ value, issues: [] }, context)
  if (result instanceof Promise) throw new TypeError('Schemas of callers’ values check at once')
  if (result.issues.length === 0) return { data: result.value as z.infer<Schema>, issues: null }
  return {
    issues: withoutBounds(result.issues).map((issue) => ({
      ...z.core.util.finalizeIssue(issue, context, z.core.config()),
      ...(issue.code === 'unrecognized_keys' ? { known: membersOf(issue.inst) } : {}),
    })),
  }
}

/** The first of them. zod measures a text where it wanted an array; that it is none is the one fault. */
const withoutBounds = (issues: readonly RawIssue[]): RawIssue[] => {
  const isSame = (a: RawIssue, b: RawIssue): boolean => String(a.path) === String(b.path)
  const shown = issues.slice(0, FAULTS_MAX)
  const kinds = shown.filter(({ code }) => code === 'invalid_type')
  if (kinds.length === 0) return shown
  return shown.filter(
    (issue) =>
      (issue.code !== 'too_big' && issue.code !== 'too_small') ||
      !kinds.some((other) => isSame(issue, other)),
  )
}

/**
 * The issues as faults of members, each with the dotted path a caller would write and a whole sentence
 * that names the member, or `whole` where the value itself is at fault.
 */
export const faultsOf = (issues: readonly Issue[], whole = 'The body'): MemberError[] =>
  issues
    .flatMap((issue): MemberError[] => {
      const path = issue.path.map(String)
      if (issue.code !== 'unrecognized_keys') {
        return [
          {
            path: path.join('.'),
            code: issue.code,
            message: sentence(subjectOf(path, whole), issue.message),
          },
        ]
      }
      return issue.keys.slice(0, FAULTS_MAX).map((key) => ({
        path: [...path, key].join('.'),
        code: 'unknown_key',
        message: unknownMember(key, issue.known),
      }))
    })
    .slice(0, FAULTS_MAX)

/** What to say about a member that is not among the `known` ones; a near one is named. */
export const unknownMember = (key: string, known: readonly string[] = []): string => {
  const near = key.length > NAME_MAX ? null : closestName(key, known)
  const remedy = near === null ? 'Check its spelling, or remove it.' : `Did you mean ${near}?`
  return `${clip(key, NAME_MAX)} is not a known member. ${remedy}`
}

const membersOf = (schema: unknown): string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : []

/** A message without a subject ("must be …") gets its member as the subject; all end with a period. */
const sentence = (subject: string, message: string): string => {
  const text = /^[a-z]/.test(message) ? `${subject} ${message}` : message
  return /[.?!]$/.test(text) ? text : `${text}.`
}

/** `client_id`, or with its list if the last step is a number: `accept.0`. */
const subjectOf = (path: readonly string[], whole: string): string => {
  if (path.length === 0) return whole
  const named = path.findLastIndex((step) => !/^\d+$/.test(step))
  return clip(path.slice(Math.max(0, named)).join('.'), 120)
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'a JSON object',
  record: 'a JSON object',
  null: 'null',
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return KINDS[typeof value] ?? typeof value
}

/** zod's own words are for programmers; these follow the name of the member. */
const wordsOf = (issue: RawIssue): string | undefined => {
  switch (issue.code) {
    case 'invalid_type':
      return wrongKind(issue.expected, issue.input)
    case 'invalid_value':
      return issue.input === undefined
        ? `is required: ${oneOf(issue.values)}`
        : `must be ${oneOf(issue.values)}`
    case 'too_small':
      return bound('at least', issue.origin, issue.minimum, issue.inclusive)
    case 'too_big':
      return bound('at most', issue.origin, issue.maximum, issue.inclusive)
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'does not have the right form'
    case 'invalid_union':
      return unionWords(issue)
    case 'invalid_key':
      return issue.issues[0]?.message
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    default:
      return undefined
  }
}

const wrongKind = (expected: string, input: unknown): string => {
  if (input === undefined) return 'is required'
  const kind = `must be ${KINDS[expected] ?? expected}`
  // The most common mistakes, each shown as it should be.
  if (expected === 'array' && ['string', 'number'].includes(typeof input)) {
    const isShort = typeof input !== 'string' || input.length <= 60
    return isShort ? `${kind}, such as [${JSON.stringify(input)}]` : kind
  }
  if (['number', 'int', 'boolean'].includes(expected) && typeof input === 'string') {
    return `${kind}, without quotation marks`
  }
  if (expected === 'int' && typeof input === 'number') return kind
  return `${kind}, not ${kindOf(input)}`
}

const oneOf = (values: readonly unknown[]): string => {
  const shown = values.map((value) => JSON.stringify(value))
  return shown.length === 1 ? `${shown[0]}` : `one of ${shown.join(', ')}`
}

const bound = (
  word: 'at least' | 'at most',
  origin: string,
  limit: number | bigint,
  inclusive = true,
): string => {
  switch (origin) {
    case 'string':
      return word === 'at least' && limit === 1
        ? 'must not be empty'
        : `must have ${word} ${plural(Number(limit), 'character')}`
    case 'array':
      return `must have ${word} ${plural(Number(limit), 'element')}`
    default:
      if (inclusive) return `must be ${word} ${limit}`
      return `must be ${word === 'at least' ? 'more' : 'less'} than ${limit}`
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'must be a UUID',
  email: 'must be an e-mail address',
  datetime: 'must be a time in ISO 8601 and UTC, such as 2026-11-30T08:00:00Z',
  date: 'must be a date, such as 2026-11-30',
  url: 'must be a URL',
}

const unionWords = (issue: Extract<RawIssue, { code: 'invalid_union' }>): string | undefined => {
  const { input, discriminator, options } = issue as {
    input?: unknown
    discriminator?: string
    options?: unknown[]
  }
  if (discriminator !== undefined && options !== undefined) {
    const given: unknown =
      typeof input === 'object' && input !== null ? Reflect.get(input, discriminator) : undefined
    return given === undefined ? `is required: ${oneOf(options)}` : `must be ${oneOf(options)}`
  }
  if (input === undefined) return 'is required'
  // The form that is nearest to the value: the one whose first fault is deepest.
  const nearest = [...(issue.errors as z.core.$ZodIssue[][])].sort(
    ([a], [b]) => (b?.path.length ?? 0) - (a?.path.length ?? 0),
  )[0]
  const [first] = nearest ?? []
  if (first !== undefined && first.path.length > 0) {
    return `matches none of its forms: ${sentence(first.path.map(String).join('.'), first.message)}`
  }
  const kinds = issue.errors.flatMap(([fault]) =>
    fault?.code === 'invalid_type' ? [KINDS[fault.expected] ?? fault.expected] : [],
  )
  return kinds.length === issue.errors.length
    ? `must be ${[...new Set(kinds)].join(' or ')}`
    : 'matches none of the forms that are allowed here'
}
