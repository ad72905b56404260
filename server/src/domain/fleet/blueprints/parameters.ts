// What a version declares as parameters, and the values that clients bring for them.

import * as z from 'zod'
import { type MemberError } from '../../../errors.ts'
import { listed } from '../../words.ts'
import { PARAMETER_TYPES, type ParameterType } from './places.ts'

const DECLARED_MAX = 200
const TEXT_MAX = 32_000
const LIST_MAX = 1_000

const storable = (max: number) =>
  z
    .string()
    .max(max)
    .refine(
      (text) => text.isWellFormed() && !text.includes('\0'),
      'must contain neither U+0000 nor half a surrogate pair',
    )

export const parameterName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,49}$/,
    'must be a small letter, then up to 49 small letters, digits and underscores',
  )

export const parameterValue = z
  .union([storable(TEXT_MAX), z.number(), z.boolean(), z.array(storable(255)).max(LIST_MAX)], {
    error: 'must be a text, a number, true, false or a list of texts',
  })
  .meta({ id: 'ParameterValue' })

export const parameterValues = z
  .record(parameterName, parameterValue)
  .describe('By name of the parameter')
  .meta({ id: 'ParameterValues' })

export type ParameterValue = z.infer<typeof parameterValue>
export type ParameterValues = z.infer<typeof parameterValues>

const TYPE_OF: Readonly<Record<ParameterType, z.ZodType>> = {
  text: z.string(),
  number: z.number(),
  boolean: z.boolean(),
  list: z.array(z.string()),
}

const declaration = z
  .strictObject({
    name: parameterName,
    type: z.enum(PARAMETER_TYPES).meta({ id: 'ParameterType' }),
    required: z
      .boolean()
      .optional()
      .describe('Each client has to bring a value. Default: true, or false with a default'),
    default: parameterValue
      .optional()
      .describe(
        'For clients that bring no value. Neither required nor with a default: the member is left out',
      ),
    description: storable(1_000).optional(),
  })
  .superRefine(({ type, required, default: value }, context) => {
    if (value === undefined) return
    if (required === true) {
      context.addIssue({
        code: 'custom',
        path: ['default'],
        message: 'A required parameter takes no default: each client brings its own value',
      })
    } else if (!TYPE_OF[type].safeParse(value).success) {
      context.addIssue({
        code: 'custom',
        path: ['default'],
        message: `The default is not of the type ${type}`,
      })
    }
  })
  .transform((one) => ({ ...one, required: one.required ?? one.default === undefined }))

export const declaredParameter = z
  .object({
    name: z.string(),
    type: z.enum(PARAMETER_TYPES).meta({ id: 'ParameterType' }),
    required: z.boolean(),
    default: parameterValue.optional(),
    description: z.string().optional(),
  })
  .meta({ id: 'BlueprintParameter' })

export const declarations = z
  .array(declaration)
  .max(DECLARED_MAX)
  .superRefine((all, context) => {
    const names = new Set<string>()
    for (const [index, { name }] of all.entries()) {
      if (names.has(name)) {
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `${name} is already declared`,
        })
      }
      names.add(name)
    }
  })

export type Declaration = z.infer<typeof declaredParameter>

export const fault = (path: string, code: string, message: string): MemberError => ({
  path,
  code,
  message,
})

/** What is wrong with a client's values; `parameters.x` is the path of the value of x. */
export const valueFaults = (
  declared: readonly Declaration[],
  values: ParameterValues,
): MemberError[] =>
  declared.flatMap(({ name, type, required }): MemberError[] => {
    const path = `parameters.${name}`
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (value === undefined) {
      return required
        ? [fault(path, 'missing', `The parameter ${name} has no value. Give it a ${type}.`)]
        : []
    }
    return TYPE_OF[type].safeParse(value).success
      ? []
      : [fault(path, 'wrong_type', `The parameter ${name} takes a ${type}. Correct its value.`)]
  })

/** Values for which there is no parameter. */
export const undeclaredValues = (
  declared: readonly Declaration[],
  values: ParameterValues,
): MemberError[] => {
  const known = declared.map(({ name }) => name)
  return Object.keys(values)
    .filter((name) => !known.includes(name))
    .map((name) =>
      fault(
        `parameters.${name}`,
        'undeclared',
        known.length === 0
          ? `The version declares no parameters. Leave ${name} out.`
          : `The version declares no parameter ${name}, only ${listed(known)}. Correct the name, or leave it out.`,
      ),
    )
}
