// Where a parameter may stand in a blueprint, `{ "param": "queue" }` in place of a value: found by the
// schemas of what a version holds, so that a new number or switch of a plan is a place by itself.

import * as z from 'zod'
import { draftMembers } from '../../mappings/mapping.ts'
import { planSchema } from '../../plan/schema.ts'
import {
  shortAssignment,
  shortFlow,
  shortValidation,
  workflowsInput,
  type WorkflowType,
} from '../../workflows/definition/schema.ts'

export const PARAMETER_TYPES = ['text', 'number', 'boolean', 'list'] as const
export type ParameterType = (typeof PARAMETER_TYPES)[number]

/** What a version holds, as it was sent: each in the shape that its own endpoint takes. */
export interface BlueprintContent {
  plan?: unknown
  workflows?: unknown
  mappings?: unknown
}

/** A parameter in its place. */
export interface Use {
  name: string
  /** Dotted, from the version: `plan.objects.0.fields.2.length`. */
  path: string
  /** Types of parameters that can stand there; none where no parameter can. */
  takes: readonly ParameterType[]
}

export const mappingDraft = z.strictObject(draftMembers)

const CONTENT = z.object({
  plan: planSchema,
  workflows: workflowsInput,
  mappings: z.array(mappingDraft),
})

const SHORT_FORMS: Readonly<Record<WorkflowType, z.ZodType>> = {
  flow: shortFlow,
  assignment_rule: shortAssignment,
  validation_rule: shortValidation,
}
/** Metadata JSON: what is called so there is a text for people, whatever the type. */
const METADATA_JSON = z.looseObject({ label: z.string(), description: z.string() })

/**
 * Texts that are no API names: for people, defaults, and names of things that each Salesforce org has its own
 * of. Without the positions in lists.
 */
const TEXTS =
  /\.(?:label|plural_label|relationship_label|short_description|description|help_text|default|default_formula)$|^plan\.(?:custom_labels\.value|layouts\.(?:layout|section)|permissions\.(?:permission_set|permission_sets|profiles)|permission_set_groups\.permission_sets|objects\.list_views\.queue|queues\.members\.users)$|^workflows\.definition\.entries\.assign_to\.(?:queue|user)$/
const LISTS =
  /^plan\.(?:objects\.fields\.values|global_value_sets\.values|objects\.business_processes\.values|objects\.record_types\.picklist_values\.values|permissions\.(?:permission_sets|profiles)|permission_set_groups\.permission_sets|queues\.members\.users)$/

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The name of the parameter that a value stands for; null where it is a value. */
export const parameterIn = (value: unknown): string | null => {
  if (!isObject(value)) return null
  const [[member, name] = [], ...others] = Object.entries(value)
  return member === 'param' && typeof name === 'string' && others.length === 0 ? name : null
}

/** What a value may be, without what says that it may be absent; of unions each option. */
const opened = (schema: z.core.$ZodType): z.core.$ZodType[] => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nullable':
      return opened(def.innerType)
    case 'union':
      return def.options.flatMap(opened)
    default:
      return [schema]
  }
}

const defOf = (schema: z.core.$ZodType) => (schema as z.core.$ZodTypes)._zod.def

/** Of several objects that are told apart by a member, those that the value names. */
const namedBy = (
  schemas: readonly z.core.$ZodType[],
  value: Record<string, unknown>,
): z.core.$ZodType[] =>
  schemas.filter(({ _zod: { propValues = {} } }) =>
    Object.entries(propValues).every(
      ([member, values]) => !values || values.has(value[member] as string) || !(member in value),
    ),
  )

const memberSchemas = (
  schemas: readonly z.core.$ZodType[],
  member: string,
  value: Record<string, unknown>,
): z.core.$ZodType[] =>
  namedBy(schemas, value).flatMap((schema) => {
    const def = defOf(schema)
    if (def.type === 'record') return opened(def.valueType)
    if (def.type !== 'object' || !Object.hasOwn(def.shape, member)) return []
    return opened(def.shape[member] as z.core.$ZodType)
  })

const elementSchemas = (schemas: readonly z.core.$ZodType[]): z.core.$ZodType[] =>
  schemas.flatMap((schema) => {
    const def = defOf(schema)
    return def.type === 'array' ? opened(def.element) : []
  })

/** What of a definition is what depends on its type and form. */
const definitionSchema = (workflow: Record<string, unknown>): z.core.$ZodType[] => {
  const { type, definition } = workflow
  const form = isObject(definition) ? definition.form : undefined
  if (form === undefined) return [METADATA_JSON]
  return Object.hasOwn(SHORT_FORMS, String(type)) ? [SHORT_FORMS[type as WorkflowType]] : []
}

const takesAt = (schemas: readonly z.core.$ZodType[], path: readonly string[]): ParameterType[] => {
  const place = path.filter((step) => !/^\d+$/.test(step)).join('.')
  const types = schemas.flatMap((schema): ParameterType[] => {
    const def = defOf(schema)
    switch (def.type) {
      case 'number':
      case 'boolean':
        return [def.type]
      case 'string':
        return TEXTS.test(place) ? ['text'] : []
      case 'array':
        return LISTS.test(place) ? ['list'] : []
      default:
        return []
    }
  })
  return PARAMETER_TYPES.filter((type) => types.includes(type))
}

/** Members and elements with this value are left out. */
export const ABSENT = Symbol('absent')

type Replace = (use: Use) => unknown

const walk = (
  value: unknown,
  schemas: readonly z.core.$ZodType[],
  path: readonly string[],
  replace: Replace,
): unknown => {
  const name = parameterIn(value)
  // In a record the member may well be called `param`: it is one of the caller's own names.
  if (name !== null && !schemas.some((schema) => defOf(schema).type === 'record')) {
    return replace({ name, path: path.join('.'), takes: takesAt(schemas, path) })
  }
  if (Array.isArray(value)) {
    const elements = elementSchemas(schemas)
    return value
      .map((element: unknown, at) => walk(element, elements, [...path, String(at)], replace))
      .filter((element) => element !== ABSENT)
  }
  if (!isObject(value)) return value
  const isWorkflow = path.length === 2 && path[0] === 'workflows'
  return Object.fromEntries(
    Object.entries(value)
      .map(([member, inner]): [string, unknown] => [
        member,
        walk(
          inner,
          isWorkflow && member === 'definition'
            ? definitionSchema(value)
            : memberSchemas(schemas, member, value),
          [...path, member],
          replace,
        ),
      ])
      .filter(([, inner]) => inner !== ABSENT),
  )
}

/** The content with something in place of each parameter. */
export const replaced = (content: BlueprintContent, replace: Replace): BlueprintContent =>
  walk(content, [CONTENT], [], replace) as BlueprintContent

/** Every parameter in its place. */
export const usesOf = (content: BlueprintContent): Use[] => {
  const uses: Use[] = []
  replaced(content, (use) => {
    uses.push(use)
    return ABSENT
  })
  return uses
}
