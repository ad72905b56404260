// The schemas of the OpenAPI document: each with a name, described once and referred to.

import * as z from 'zod'

export type Json = Record<string, unknown>

const COMPONENTS = '#/components/schemas/'

/**
 * Names come from the `id` of a schema's meta. Enums, unions and whatever occurs twice have one, so that
 * generated types do too; bodies and answers without one get the name of their operation.
 */
export class Schemas {
  readonly named: Record<string, Json> = {}
  /** What was described before: that of an error is asked for a thousand times. */
  readonly #described = { input: new Map<z.ZodType, Json>(), output: new Map<z.ZodType, Json>() }

  /**
   * As JSON Schema. `name` is for a schema that has none. Throws if two different schemas have the same
   * name.
   */
  of(schema: z.ZodType, io: 'input' | 'output', name?: string): Json {
    const whole = this.#described[io].get(schema) ?? this.#describe(schema, io)
    this.#described[io].set(schema, whole)
    if (name === undefined || whole.$ref !== undefined) return whole
    this.#name(name, whole)
    return { $ref: COMPONENTS + name }
  }

  #describe(schema: z.ZodType, io: 'input' | 'output'): Json {
    const {
      $schema: _,
      $defs = {},
      ...json
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => this.#polish(zodSchema, jsonSchema, io),
    })
    for (const [id, definition] of Object.entries($defs)) this.#name(id, hoisted(definition))
    return hoisted(json)
  }

  #polish(schema: z.core.$ZodTypes, json: z.core.JSONSchema.BaseSchema, io: 'input' | 'output') {
    // What the domain itself parses, with its own faults, is free-form for the route; and what was stored
    // by an earlier version must not break an answer.
    const { describedBy } = z.globalRegistry.get(schema) ?? {}
    if (describedBy instanceof z.ZodType) {
      const { description } = json
      for (const member of Object.keys(json)) Reflect.deleteProperty(json, member)
      Object.assign(json, this.of(describedBy, 'input'), description && { description })
    }
    // The pattern only repeats the format, at great length.
    if (json.format !== undefined) delete json.pattern
    // A response may gain members in a later version; a request must not contain unknown ones.
    if (io === 'output' && json.additionalProperties === false) delete json.additionalProperties
    if (io === 'input' && json.default !== undefined) tellDefault(json)
    const discriminator = discriminatorOf(schema)
    if (discriminator !== null) Object.assign(json, { discriminator })
  }

  #name(name: string, definition: Json): void {
    const known = (this.named[name] ??= definition)
    if (JSON.stringify(known) !== JSON.stringify(definition)) {
      throw new Error(`Two schemas have the name ${name}`)
    }
  }
}

/**
 * In words: generators such as openapi-typescript take the keyword as a promise that the member is there,
 * and then require it of callers too.
 */
const tellDefault = (json: z.core.JSONSchema.BaseSchema): void => {
  const { default: value, description = '' } = json
  delete json.default
  const isTold = /\bdefault\b/i.test(description)
  const isEmpty = typeof value === 'object' && Object.keys(value ?? {}).length === 0
  if (isTold || isEmpty) return
  const told = `Default: \`${JSON.stringify(value)}\``
  json.description = description === '' ? told : `${description}. ${told}`
}

/** Which schema each value of the discriminating member stands for; null unless all of them have names. */
const discriminatorOf = (schema: z.core.$ZodTypes): Json | null => {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return null
  const { discriminator: propertyName } = schema.def
  const mapping: Json = {}
  for (const option of schema.options) {
    const id = z.globalRegistry.get(option as z.ZodType)?.id
    if (id === undefined) return null
    for (const value of option._zod.propValues?.[propertyName] ?? []) {
      mapping[String(value)] = COMPONENTS + id
    }
  }
  return { propertyName, mapping }
}

const hoisted = (json: object): Json =>
  JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', `"${COMPONENTS}`)) as Json
