import { describe, expect, it } from 'vitest'
import { parseWorkflows } from '../domain/workflows/definition/parse.ts'
import { describeRoutes } from '../engine.ts'
import { openApiDocument } from './openapi.ts'

interface Schema {
  $ref?: string
  anyOf?: Schema[]
  properties?: Record<string, Schema & { const?: string }>
}

interface Document {
  paths: Record<
    string,
    {
      post?: {
        requestBody?: {
          content: Record<
            string,
            { schema: Schema; example?: unknown; examples?: Record<string, { value: unknown }> }
          >
        }
      }
    }
  >
  components: { schemas: Record<string, Schema> }
}

interface Anything {
  [member: string]: unknown
  enum?: unknown[]
  anyOf?: Anything[]
  oneOf?: Anything[]
  discriminator?: { propertyName: string; mapping: Record<string, string> }
}

const document = openApiDocument(describeRoutes()) as unknown as Document
const bodyOf = (path: string) =>
  document.paths[path]?.post?.requestBody?.content['application/json'] ?? { schema: {} }

/** Every schema below one, with where it is. */
const within = (value: unknown, path: string): [path: string, schema: Anything][] => {
  if (typeof value !== 'object' || value === null) return []
  const members = Object.entries(value)
    .filter(([name]) => !['example', 'examples'].includes(name))
    .flatMap(([name, member]) => within(member, `${path}/${name}`))
  return [[path, value as Anything], ...members]
}

describe('the document for generators of clients', () => {
  const operations = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods as Record<string, { operationId: string }>),
  )

  it('gives every operation a name of its own that a person would type', () => {
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/)
    expect(ids).toEqual(
      expect.arrayContaining(['topologyPull', 'deployCustomObjects', 'pushRecords', 'authMe']),
    )
  })

  it('names every enum and union, and says which member discriminates where one does', () => {
    const { schemas } = document.components
    const all = [
      ...within(document.paths, 'paths'),
      ...Object.entries(schemas).flatMap(([name, schema]) => within(schema, name)),
    ]
    const isChoice = ({ enum: values = [], anyOf = [], oneOf = [] }: Anything) =>
      values.length > 1 || [...anyOf, ...oneOf].filter(({ type }) => type !== 'null').length > 1
    const choices = all.filter(([, schema]) => isChoice(schema))
    expect(choices.length).toBeGreaterThan(60)
    expect(choices.flatMap(([path]) => (path in schemas ? [] : path))).toEqual([])
    for (const [path, { oneOf, discriminator }] of choices) {
      if (oneOf === undefined) continue
      const mapped = Object.values(discriminator?.mapping ?? {})
      expect(mapped, path).toEqual(oneOf.map(({ $ref }) => $ref))
      for (const name of mapped) expect(schemas).toHaveProperty([name.split('/').at(-1) ?? ''])
    }
  })

  it('names every body, and never requires of a caller what has a default', () => {
    const contents = Object.values(document.paths).flatMap(({ post }) =>
      Object.values(post?.requestBody?.content ?? {}),
    )
    for (const { schema } of contents) expect(schema.$ref).toMatch(/^#\/components\/schemas\/\w+$/)
    // A generator that takes `default` as a promise of an answer would require the member of callers.
    const withDefault = within(document.components.schemas, '').filter(
      ([path, schema]) => 'default' in schema && !path.endsWith('/properties'),
    )
    expect(withDefault.map(([path]) => path)).toEqual([])
  })
})

describe('the short forms of workflows', () => {
  const forms = ['record_triggered', 'assignment', 'validation']

  it('are described in full, beside Metadata JSON', () => {
    const choices = document.components.schemas.WorkflowDefinition?.anyOf ?? []
    const shapes = choices.map(
      ({ $ref }) => document.components.schemas[$ref?.split('/').at(-1) ?? '']?.properties,
    )
    const described = shapes.flatMap((members) => members?.form?.const ?? [])
    expect(described).toEqual(forms)
    expect(Object.keys(shapes[0] ?? {})).toEqual(expect.arrayContaining(['criteria', 'action']))
    expect(choices).toHaveLength(forms.length + 1)
  })

  it.each(['/api/workflows/deploy', '/api/deploy/workflows'])(
    'have an example each that %s accepts',
    (path) => {
      const examples = Object.values(bodyOf(path).examples ?? {}).map(
        ({ value }) => value as { workflows: { definition: { form?: string } }[] },
      )
      for (const { workflows } of examples) parseWorkflows(workflows, 'workflows')
      const shown = examples.map(({ workflows }) => workflows[0]?.definition.form)
      expect(shown).toEqual([...forms, undefined])
    },
  )
})
