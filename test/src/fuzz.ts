// Requests made from the OpenAPI document: valid ones, nearly valid ones, and hostile ones.

import fc from 'fast-check'

export interface JsonSchema {
  $ref?: string
  type?: string | string[]
  format?: string
  enum?: unknown[]
  const?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
}

export interface FuzzedRequest {
  path: string
  body: unknown
  /** The body as text, if it is not what JSON.stringify would write. */
  text?: string
}

const DEPTH_MAX = 7
const LONG = 300

const HOSTILE_TEXTS = [
  '',
  ' ',
  '\0',
  '\ud800',
  'a\u202eb',
  "'; drop table clients; --",
  '<script>alert(1)</script>',
  '${jndi:ldap://x}',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'null',
  '1e999',
  '-0',
  '𝕏'.repeat(200),
  'x'.repeat(5_000),
]

const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...HOSTILE_TEXTS),
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[[[[]]]]], {
    length: 1e9,
  }),
  fc.jsonValue({ maxDepth: 3 }),
)

/**
 * Values that match the schema, as far as a schema can say. Ids and cursors are mostly of `ids`, by the
 * name of their member.
 */
export const createArbitraries = (
  schemas: Readonly<Record<string, JsonSchema>>,
  ids: (member: string) => readonly string[],
) => {
  const arbitraryOf = (
    schema: JsonSchema,
    member: string,
    depth: number,
  ): fc.Arbitrary<unknown> => {
    if (schema.$ref !== undefined) {
      return arbitraryOf(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, member, depth)
    }
    if (schema.const !== undefined) return fc.constant(schema.const)
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
    const choices = schema.anyOf ?? schema.oneOf
    if (choices !== undefined) {
      return fc.oneof(...choices.map((choice) => arbitraryOf(choice, member, depth)))
    }
    if (schema.allOf !== undefined) {
      return fc
        .tuple(...schema.allOf.map((part) => arbitraryOf(part, member, depth)))
        .map((parts) => Object.assign({}, ...(parts as object[])) as unknown)
    }
    if (depth > DEPTH_MAX) return fc.constant(null)
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
    switch (type) {
      case 'string':
        return textOf(schema, member)
      case 'integer':
        return fc.integer({
          min: Math.max(schema.minimum ?? 0, -(2 ** 31)),
          max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1),
        })
      case 'number':
        return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case 'array':
        return fc.array(arbitraryOf(schema.items ?? {}, member, depth + 1), {
          minLength: Math.min(schema.minItems ?? 0, 3),
          maxLength: Math.min(schema.maxItems ?? 3, 3),
        })
      case 'object':
        return objectOf(schema, depth)
      default:
        return schema.properties === undefined
          ? fc.jsonValue({ maxDepth: 2 })
          : objectOf(schema, depth)
    }
  }

  const textOf = (schema: JsonSchema, member: string): fc.Arbitrary<unknown> => {
    const known = ids(member)
    if (known.length > 0) {
      const others = schema.format === 'uuid' ? fc.uuid() : fc.string()
      return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, others)
    }
    if (schema.format === 'uuid') return fc.uuid()
    if (schema.format === 'date-time') {
      return fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
        .map((date) => date.toISOString())
    }
    if (schema.format === 'email') return fc.emailAddress()
    const longest = Math.min(schema.maxLength ?? 40, LONG)
    const plain = fc.string({
      unit: 'grapheme-ascii',
      minLength: Math.min(schema.minLength ?? 0, LONG),
      maxLength: longest,
    })
    const name = fc.constantFrom('Lead', 'Account', 'Name', 'X__c', 'lead', 'Status', 'v66.0')
    return fc.oneof(plain, name)
  }

  const objectOf = (
    { properties = {}, required = [], additionalProperties }: JsonSchema,
    depth: number,
  ): fc.Arbitrary<unknown> => {
    const members = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [
        name,
        arbitraryOf(member, name, depth + 1),
      ]),
    )
    const known = fc.record(members, { requiredKeys: required.filter((name) => name in members) })
    if (typeof additionalProperties !== 'object') return known
    const others = fc.dictionary(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }),
      arbitraryOf(additionalProperties, '', depth + 1),
      { maxKeys: 3 },
    )
    return fc.tuple(known, others).map(([a, b]) => ({ ...b, ...(a as object) }))
  }

  const valid = (schema: JsonSchema): fc.Arbitrary<unknown> => arbitraryOf(schema, '', 0)

  /** Valid except in one place. */
  const nearlyValid = (schema: JsonSchema): fc.Arbitrary<unknown> =>
    fc.tuple(valid(schema), fc.nat(), hostile).map(([value, at, other]) => spoilt(value, at, other))

  /** Bodies for an endpoint: half of them valid, some nearly so, some anything. */
  return (schema: JsonSchema): fc.Arbitrary<Omit<FuzzedRequest, 'path'>> =>
    fc.oneof(
      { weight: 5, arbitrary: valid(schema).map((body) => ({ body })) },
      { weight: 4, arbitrary: nearlyValid(schema).map((body) => ({ body })) },
      { weight: 1, arbitrary: hostile.map((body) => ({ body })) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(valid(schema), fc.nat(200))
          .map(([body, cut]) => ({ body, text: JSON.stringify(body).slice(0, -1 - cut) })),
      },
    )
}

/** The value with its `at`-th place (counted through it, and around again) replaced, or its member removed. */
const spoilt = (value: unknown, at: number, other: unknown): unknown => {
  const places: { owner: Record<string, unknown>; key: string }[] = []
  const copy: unknown = structuredClone(value)
  const visit = (owner: unknown): void => {
    if (typeof owner !== 'object' || owner === null) return
    for (const key of Object.keys(owner)) {
      places.push({ owner: owner as Record<string, unknown>, key })
      visit((owner as Record<string, unknown>)[key])
    }
  }
  visit(copy)
  const place = places[at % (places.length + 1)]
  if (place === undefined) {
    return typeof copy === 'object' && copy !== null ? { ...copy, [`extra${at}`]: other } : other
  }
  if (at % 3 === 0) Reflect.deleteProperty(place.owner, place.key)
  else place.owner[place.key] = other
  return copy
}
