// Every endpoint for tenants, as the OpenAPI document describes it: what suites try on all of them.

interface Schema {
  $ref?: string
  format?: string
  items?: Schema
  properties?: Record<string, Schema>
}

interface Operation {
  description?: string
  security?: Record<string, unknown>[]
  requestBody?: {
    content: Record<
      string,
      | {
          schema: Schema
          example?: Record<string, unknown>
          examples?: Record<string, { value: Record<string, unknown> }>
        }
      | undefined
    >
  }
}

export interface Endpoint {
  path: string
  example: Record<string, unknown>
  /** Members that take the id of a resource, or several. */
  ids: string[]
  /** Those of them that take several. */
  lists: string[]
  /** Null: any credential may call it. */
  permission: string | null
}

export const documented = async (url: string): Promise<Endpoint[]> => {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, Schema> }
  }
  const resolved = (schema: Schema): Schema =>
    schema.$ref === undefined
      ? schema
      : (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})
  return Object.entries(document.paths).flatMap(([path, { post }]) => {
    const content = post?.requestBody?.content['application/json']
    if (content === undefined || post?.security?.some((one) => 'bearer' in one) !== true) return []
    const [first] = Object.values(content.examples ?? {})
    const example = content.example ?? first?.value ?? {}
    const members = Object.entries(resolved(content.schema).properties ?? {})
    const isId = (schema: Schema | undefined) => resolved(schema ?? {}).format === 'uuid'
    const lists = members.filter(([, { items }]) => isId(items)).map(([name]) => name)
    const single = members.filter(([, schema]) => isId(schema)).map(([name]) => name)
    const [, permission = null] =
      /Needs the permission `([\w.]+)`/.exec(post.description ?? '') ?? []
    return [{ path, example, ids: [...single, ...lists], lists, permission }]
  })
}
