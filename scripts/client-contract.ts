// Writes what the client library knows of the API: a type for each schema, the resources with their
// methods, and one line for each endpoint. Made from the OpenAPI document alone, as a generator for a
// stranger's document would; docs/decisions/0019 says why it is our own.

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly maximum?: number
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

interface Content {
  readonly [mediaType: string]: { readonly schema: Schema } | undefined
}

interface Described {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly { readonly $ref?: string }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

/** The parts of an OpenAPI document that are read. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly webhooks: Readonly<Record<string, { readonly post: Pick<Described, 'requestBody'> }>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
  }
}

const JSON_TYPE = 'application/json'
const LINES_TYPE = 'application/x-ndjson'

/** Called by Nango, not by a program with a credential of ours. */
const NOT_FOR_CALLERS = new Set(['/api/webhooks/nango'])

/** The resource of a long operation, by its schema: which endpoint says how far it is. */
const WORK_OF: Readonly<Record<string, string>> = {
  Snapshot: 'snapshot',
  ConflictReport: 'report',
  Deployment: 'deployment',
  PushWithResults: 'push',
  Offboarding: 'offboarding',
  Rollout: 'rollout',
}

/** Long work that is polled by the call that began it: nothing is left of it to ask by an id. */
const ASKED_AGAIN: ReadonlySet<string> = new Set(['/api/super-admin/orgs/purge'])

/**
 * Verbs whose endpoints take no key, and still may be called again after an answer was lost: they only
 * read, or a second call leaves what the first one left.
 */
const REPEATABLE =
  /^(me|get|list|orgsList|rolloutsGet|rolloutsList|rolloutsTargets|rolloutsMatrix|deliveries|history|diff|status|results|errors|failedRows|validate|suggest|export|update|orgsUpdate|refresh|revoke|logout)$/

/** How many items are read at once while a program goes through a list. */
const PAGE_MAX = 1_000

/** What says more about values than a type can: known, and left to the server. */
const LEFT_TO_THE_SERVER = new Set(
  'title default example discriminator format pattern minimum maximum minLength maxLength minItems maxItems propertyNames'.split(
    ' ',
  ),
)
const UNDERSTOOD = new Set(
  '$ref type description properties required additionalProperties items enum const anyOf oneOf allOf'.split(
    ' ',
  ),
)

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/
const nameOf = (member: string): string => (IDENTIFIER.test(member) ? member : `'${member}'`)
const camel = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9]+(.)/g, (_, next: string) => next.toUpperCase())
const pascal = (text: string): string => {
  const joined = camel(text)
  return joined.charAt(0).toUpperCase() + joined.slice(1)
}

const comment = (text: string | undefined): string =>
  text === undefined || text === ''
    ? ''
    : text.includes('\n')
      ? `/**\n${text
          .replaceAll('*/', '*\\/')
          .split('\n')
          .map((line) => ` * ${line}`.trimEnd())
          .join('\n')}\n */\n`
      : `/** ${text.replaceAll('*/', '*\\/')} */\n`

const refName = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1)

const bracketed = (type: string): string => (/[|&]/.test(type) ? `(${type})` : type)

/** The TypeScript type of a schema. What a caller sends may be read-only, so arrays there are. */
const typeOf = (schema: Schema, sent: boolean): string => {
  for (const keyword of Object.keys(schema)) {
    if (UNDERSTOOD.has(keyword) || LEFT_TO_THE_SERVER.has(keyword)) continue
    throw new Error(`The client's generator has no type for the keyword ${keyword}`)
  }
  if (schema.$ref !== undefined) return refName(schema.$ref)
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) {
    return [...new Set(choices.map((choice) => typeOf(choice, sent)))].join(' | ')
  }
  if (schema.allOf !== undefined) {
    return schema.allOf.map((part) => bracketed(typeOf(part, sent))).join(' & ')
  }
  if (Array.isArray(schema.type)) {
    return (schema.type as string[]).map((type) => typeOf({ ...schema, type }, sent)).join(' | ')
  }
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'integer':
    case 'number':
      return 'number'
    case 'array': {
      const items = bracketed(typeOf(schema.items ?? {}, sent))
      return sent ? `readonly ${items}[]` : `${items}[]`
    }
    case 'object':
      return objectType(schema, sent)
    case undefined:
      return 'unknown'
    default:
      throw new Error(`The client's generator does not know the type ${String(schema.type)}`)
  }
}

const objectType = (
  { properties, required = [], additionalProperties }: Schema,
  sent: boolean,
): string => {
  const members = Object.entries(properties ?? {}).map(
    ([name, member]) =>
      `${comment(member.description)}${nameOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(member, sent)}`,
  )
  if (typeof additionalProperties === 'object') {
    // An index signature would refuse what is declared as an interface.
    const isFree = typeOf(additionalProperties, sent) === 'unknown'
    if (sent && isFree && members.length === 0) return 'object'
    members.push(
      `[name: string]: ${members.length > 0 ? 'unknown' : typeOf(additionalProperties, sent)}`,
    )
  }
  if (members.length > 0) return `{\n${members.join('\n')}\n}`
  return additionalProperties === false ? 'Record<string, never>' : 'Record<string, unknown>'
}

/** The names of all schemas that one refers to, directly or through others. */
const reachable = (from: unknown, { components }: ApiDocument, found = new Set<string>()) => {
  if (typeof from !== 'object' || from === null) return found
  for (const [name, value] of Object.entries(from)) {
    if (name !== '$ref') reachable(value, { components } as ApiDocument, found)
    else if (!found.has(refName(value as string))) {
      found.add(refName(value as string))
      reachable(components.schemas[refName(value as string)], { components } as ApiDocument, found)
    }
  }
  return found
}

interface Endpoint {
  path: string
  group: string
  verb: string
  operation: Described
  method: string
}

/** `deployCustomObjects` of `deploy` is its `customObjects`. */
const verbOf = (group: string, operationId: string): string => {
  if (!operationId.startsWith(camel(group))) {
    throw new Error(`${operationId} does not begin with ${camel(group)}`)
  }
  const verb = operationId.slice(camel(group).length)
  return verb.charAt(0).toLowerCase() + verb.slice(1)
}

const endpointsOf = ({ paths }: ApiDocument): Endpoint[] =>
  Object.entries(paths).flatMap(([path, methods]) => {
    const [, group, rest] = /^\/api\/([^/]+)\/(.+)$/.exec(path) ?? []
    if (group === undefined || rest === undefined || NOT_FOR_CALLERS.has(path)) return []
    return Object.entries(methods).map(([method, operation]) => ({
      path,
      group: camel(group),
      verb: verbOf(group, operation.operationId),
      operation,
      method,
    }))
  })

/** One method of a resource: its declaration, the types that it needs, its line in the table. */
const methodOf = (endpoint: Endpoint, document: ApiDocument) => {
  const { path, group, verb, operation, method } = endpoint
  const types: string[] = []
  /** A schema that has a name keeps it; another one gets that of its endpoint. */
  const named = (schema: Schema, suffix: string, sent: boolean): string => {
    if (schema.$ref !== undefined) return refName(schema.$ref)
    const type = typeOf(schema, sent)
    if (type === 'Record<string, never>') return type
    const name = `${pascal(group)}${pascal(verb)}${suffix}`
    types.push(`export type ${name} = ${type}`)
    return name
  }
  const entry: Record<string, unknown> = { path }
  if (method !== 'post') entry.method = method.toUpperCase()
  const isKeyed = operation.parameters?.some(({ $ref }) => $ref?.endsWith('/IdempotencyKey'))
  if (isKeyed === true) entry.key = true
  else if (REPEATABLE.test(verb) || ASKED_AGAIN.has(path)) entry.repeat = true

  const { [JSON_TYPE]: body, [LINES_TYPE]: lines } = operation.requestBody?.content ?? {}
  const members = resolved(body?.schema ?? {}, document).properties ?? {}
  let input = body === undefined ? undefined : named(body.schema, 'Body', true)
  if (input !== undefined && lines !== undefined) {
    const inLines = resolved(lines.schema, document).properties ?? {}
    const rows = Object.keys(members).find((name) => !(name in inLines))
    if (rows === undefined) throw new Error(`${path}: which member are the rows?`)
    entry.rows = rows
    input = `Streamed<${input}, '${rows}'>`
  }
  const isOptional = (resolved(body?.schema ?? {}, document).required ?? []).length === 0
  const isBare = input === undefined || input === 'Record<string, never>'
  if (isBare) entry.bare = true
  const parameters = [
    ...(isBare ? [] : [`body${isOptional ? '?' : ''}: ${input}`]),
    'options?: CallOptions',
  ]

  const [, reply] =
    Object.entries(operation.responses).find(([status]) => /^20[01]/.test(status)) ?? []
  const { [JSON_TYPE]: json, [LINES_TYPE]: streamed } = reply?.content ?? {}
  let result: string
  const page = resolved(json?.schema ?? {}, document).properties
  if (operation.responses['202'] !== undefined && !ASKED_AGAIN.has(path)) {
    const resource = named(json?.schema ?? {}, 'Result', false)
    const work = WORK_OF[resource]
    if (work === undefined) throw new Error(`${path}: how is ${resource} polled?`)
    if (members.wait_seconds === undefined) throw new Error(`${path} has no wait_seconds`)
    entry.work = group === 'deploy' && verb === 'rollback' ? 'rollback' : work
    result = `PendingOperation<${resource}>`
  } else if (page?.next_cursor !== undefined && page.items?.items !== undefined) {
    entry.list = Math.min(members.limit?.maximum ?? 0, PAGE_MAX)
    const item = named(page.items.items, 'Item', false)
    // Some pages tell more than their items.
    const isPlain = Object.keys(page).length === 2
    result = `Pages<${item}${isPlain ? '' : `, ${named(json?.schema ?? {}, 'Page', false)}`}>`
    if (streamed !== undefined) result = `StreamedPages${result.slice('Pages'.length)}`
  } else if (json === undefined && streamed !== undefined) {
    entry.lines = true
    result = `AsyncIterable<${named(streamed.schema, 'Line', false)}>`
  } else {
    result = `Promise<${json === undefined ? 'void' : named(json.schema, 'Result', false)}>`
  }
  const declaration = `${comment([operation.summary, operation.description].filter(Boolean).join('.\n\n'))}${verb}(${parameters.join(', ')}): ${result}`
  return { types, declaration, entry }
}

const resolved = (schema: Schema, { components }: ApiDocument): Schema =>
  schema.$ref === undefined ? schema : (components.schemas[refName(schema.$ref)] ?? {})

/** What a webhook may tell, told apart by `type`. */
const eventsOf = ({ webhooks }: ApiDocument): string => {
  const events = Object.values(webhooks).map(({ post }) =>
    typeOf(post.requestBody?.content[JSON_TYPE]?.schema ?? {}, false),
  )
  return `/** What webhooks tell: thin, a hint. The truth is what the API answers about the ids in it. */\nexport type WebhookEvent = ${events.join(' | ')}`
}

/** The source of `packages/client/src/contract.ts`, not yet formatted. */
export const clientContract = (document: ApiDocument): string => {
  const endpoints = endpointsOf(document)
  const sent = reachable(
    endpoints.map(({ operation }) => operation.requestBody),
    document,
  )
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `${comment(schema.description)}export type ${name} = ${typeOf(schema, sent.has(name))}`,
  )
  const groups = Map.groupBy(endpoints, ({ group }) => group)
  const types: string[] = []
  const resources: string[] = []
  const tables: string[] = []
  for (const [group, members] of groups) {
    const methods = members.map((endpoint) => {
      const { types: needed, declaration, entry } = methodOf(endpoint, document)
      types.push(...needed)
      return { verb: endpoint.verb, declaration, entry }
    })
    resources.push(
      `export interface ${pascal(group)}Resource {\n${methods.map(({ declaration }) => declaration).join('\n\n')}\n}`,
    )
    tables.push(
      `${group}: {\n${methods.map(({ verb, entry }) => `${verb}: ${JSON.stringify(entry)},`).join('\n')}\n},`,
    )
  }
  return [
    "// Generated by `npm run openapi` from docs/openapi.json. Changes belong in the server's routes.",
    '',
    "import { type CallOptions, type Endpoint, type Pages, type PendingOperation, type Streamed, type StreamedPages } from './calls.ts'",
    '',
    ...schemas,
    ...types,
    eventsOf(document),
    ...resources,
    `/** The resources of the API, by the first part of their path. */\nexport abstract class Resources {\n${[...groups.keys()].map((group) => `declare readonly ${group}: ${pascal(group)}Resource`).join('\n')}\n}`,
    `/** How each method is called. */\nexport const ENDPOINTS: { readonly [Group in keyof Resources]: { readonly [Verb in keyof Resources[Group]]: Endpoint } } = {\n${tables.join('\n')}\n}`,
    '',
  ].join('\n\n')
}
