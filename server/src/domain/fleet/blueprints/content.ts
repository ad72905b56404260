// What a version holds: a plan, workflows and mappings with parameters in them. It is checked as a deploy
// would check it, when it is created with samples in place of the parameters, and for each client with its
// own values.

import { EngineError, type MemberError } from '../../../errors.ts'
import { isStorable } from '../../../db/json.ts'
import { type Override } from '../drift/evaluate.ts'
import { withOverrides } from '../drift/overrides.ts'
import { parsePlan } from '../../plan/check.ts'
import { faultsOf, readWith } from '../../schema-faults.ts'
import { parseWorkflows } from '../../workflows/definition/parse.ts'
import {
  type Declaration,
  fault,
  type ParameterValue,
  type ParameterValues,
  valueFaults,
} from './parameters.ts'
import {
  ABSENT,
  type BlueprintContent,
  mappingDraft,
  type ParameterType,
  replaced,
  type Use,
  usesOf,
} from './places.ts'

/** The content for one client, ready for the endpoints that take it; or what is wrong with its values. */
export type Filled =
  | { content: BlueprintContent; problems: null }
  | { content: null; problems: MemberError[] }

/**
 * The content with a client's values in place of the parameters. A value that nothing declares is left
 * aside: an older version may have had it. Problems have the path of the value (`parameters.queue`) or, if
 * what comes out is not valid, that of the member (`plan.objects.0.fields.1.length`). `overrides` of the
 * binding stay as they were accepted.
 */
export const fillIn = (
  content: BlueprintContent,
  declared: readonly Declaration[],
  values: ParameterValues,
  overrides: readonly Override[] = [],
): Filled => {
  const faults = valueFaults(declared, values)
  if (faults.length > 0) return { content: null, problems: faults }
  const { plan, workflows, mappings } = content
  const own = {
    ...(plan === undefined ? {} : { plan }),
    ...(workflows === undefined ? {} : { workflows }),
    ...(mappings === undefined ? {} : { mappings }),
  }
  const filled = withValues(own, declared, (name) =>
    Object.hasOwn(values, name) ? values[name] : undefined,
  )
  const faulty = contentFaults(filled)
  if (faulty.length > 0) return { content: null, problems: faulty }
  const kept = overrides.length === 0 ? filled : withoutEmptyPlan(withOverrides(filled, overrides))
  // Nothing of it is left to be wanted, which is no fault of anybody.
  if (Object.keys(kept).length === 0) return { content: kept, problems: null }
  const problems = overrides.length === 0 ? [] : contentFaults(kept)
  return problems.length > 0 ? { content: null, problems } : { content: kept, problems: null }
}

const withoutEmptyPlan = ({ plan, ...others }: BlueprintContent): BlueprintContent => {
  const isEmpty =
    plan !== undefined && contentFaults({ plan }).some(({ code }) => code === 'nothing_to_do')
  return plan === undefined || isEmpty ? others : { plan, ...others }
}

const withValues = (
  content: BlueprintContent,
  declared: readonly Declaration[],
  valueOf: (name: string) => ParameterValue | undefined,
): BlueprintContent => {
  const defaults = new Map(declared.map((one) => [one.name, one.default]))
  return replaced(content, ({ name }) => valueOf(name) ?? defaults.get(name) ?? ABSENT)
}

/** What a deploy would refuse of a content without parameters, before it looks at any Salesforce org. */
export const contentFaults = ({ plan, workflows, mappings }: BlueprintContent): MemberError[] => {
  if (plan === undefined && workflows === undefined && mappings === undefined) {
    return [
      fault(
        'plan',
        'nothing_to_do',
        'The version holds nothing. Give it a plan, workflows or mappings.',
      ),
    ]
  }
  if (!isStorable({ plan, workflows, mappings })) {
    return [
      fault('plan', 'bad_text', 'A text contains U+0000 or half a surrogate pair. Remove it.'),
    ]
  }
  return [
    ...(plan === undefined ? [] : refusalsOf(() => parsePlan(plan, 'plan'))),
    ...(workflows === undefined ? [] : refusalsOf(() => parseWorkflows(workflows, 'workflows'))),
    ...(mappings === undefined ? [] : mappingFaults(mappings)),
  ]
}

const refusalsOf = (parse: () => unknown): MemberError[] => {
  try {
    parse()
    return []
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'invalid_plan') throw error
    return [...(error.errors ?? [])]
  }
}

const mappingFaults = (mappings: unknown): MemberError[] => {
  const seen = new Map<string, number>()
  return (Array.isArray(mappings) ? (mappings as unknown[]) : [mappings]).flatMap((one, index) => {
    const read = readWith(mappingDraft, one)
    if (read.issues !== null) {
      return faultsOf(read.issues, 'The mapping').map(({ path, ...rest }) => ({
        ...rest,
        path: path === '' ? `mappings.${index}` : `mappings.${index}.${path}`,
      }))
    }
    const { canonical_object: object } = read.data
    const first = seen.get(object)
    seen.set(object, first ?? index)
    return first === undefined
      ? []
      : [
          fault(
            `mappings.${index}.canonical_object`,
            'duplicate',
            `${object} is already mapped in mappings.${first}. Remove one of them.`,
          ),
        ]
  })
}

const SAMPLES: Readonly<Record<ParameterType, (name: string) => ParameterValue>> = {
  text: (name) => name.slice(0, 20),
  number: () => 1,
  boolean: () => false,
  list: (name) => [name.slice(0, 20)],
}

/**
 * Everything that is wrong with a new version: its parameters in their places, and its content as far as
 * that does not depend on values that only clients have.
 */
export const versionFaults = (
  content: BlueprintContent,
  declared: readonly Declaration[],
): MemberError[] => {
  const uses = usesOf(content)
  const misuses = [...uses.flatMap((use) => misuse(use, declared)), ...unused(uses, declared)]
  if (misuses.length > 0) return misuses
  const open = new Map(
    declared.filter((one) => one.default === undefined).map((one) => [one.name, one]),
  )
  const sampleOf = (isOmitted: (one: Declaration) => boolean) =>
    withValues(content, declared, (name) => {
      const one = open.get(name)
      return one === undefined || isOmitted(one) ? undefined : SAMPLES[one.type](name)
    })
  const depends = dependence(uses.filter(({ name }) => open.has(name)))
  const found = contentFaults(sampleOf(() => false)).filter(({ path }) => !depends(path))
  if (found.length > 0 || declared.every((one) => one.required || one.default !== undefined)) {
    return found
  }
  // Without the values that a client need not bring, it has to be valid as well.
  const required = dependence(uses.filter(({ name }) => open.get(name)?.required === true))
  return contentFaults(sampleOf((one) => !one.required)).filter(({ path }) => !required(path))
}

/**
 * Whether a fault may be due to the sample: it is about the place of one, or about what a number, a list or
 * a default has to fit together with, which is in the same element.
 */
const dependence = (uses: readonly Use[]) => {
  const roots = uses.map(({ path, takes }) =>
    takes.every((type) => type === 'text') && !/\.default(?:_formula)?$/.test(path)
      ? path
      : path.slice(0, path.lastIndexOf('.')),
  )
  return (path: string): boolean =>
    roots.some((root) => path === root || path.startsWith(`${root}.`))
}

const misuse = ({ name, path, takes }: Use, declared: readonly Declaration[]): MemberError[] => {
  const found = declared.find((one) => one.name === name)
  if (takes.length === 0) {
    return [
      fault(
        path,
        'parameter_misplaced',
        `No parameter can stand here. Write the value itself in place of { "param": "${name}" }.`,
      ),
    ]
  }
  if (found === undefined) {
    return [
      fault(
        path,
        'parameter_undeclared',
        `The parameter ${name} is not declared. Add it to parameters, or correct its name.`,
      ),
    ]
  }
  return takes.includes(found.type)
    ? []
    : [
        fault(
          path,
          'parameter_wrong_type',
          `The parameter ${name} is a ${found.type}, and here stands a ${takes.join(' or a ')}. Declare it as that, or use a different one.`,
        ),
      ]
}

const unused = (uses: readonly Use[], declared: readonly Declaration[]): MemberError[] =>
  declared.flatMap(({ name }, index) =>
    uses.some((use) => use.name === name)
      ? []
      : [
          fault(
            `parameters.${index}.name`,
            'parameter_unused',
            `The parameter ${name} is used nowhere. Use it, or remove its declaration.`,
          ),
        ],
  )
